"""Handovers between shifts; what the duty desk's sound keeps to."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from alerting.alert import Kind, Priority
from alerting.drill import State as DrillState
from alerting.handover import Refusal, Since, State
from alerting.suppression import Means
from dashboard.schemas.alerts import AlertDevice, AlertInstitution, AlertZone
from dashboard.schemas.base import Moment, Shape, Text, storable
from dashboard.schemas.session import Scope
from inspection.checklist import Level

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(storable)]


class HandoverAlert(Shape):
    """An alert that was open."""

    id: str
    kind: Kind
    priority: Priority
    raised_at: Moment
    acknowledged: bool
    institution: AlertInstitution | None
    zone: AlertZone | None
    device: AlertDevice | None


class HandoverSilence(Shape):
    """What a person kept quiet; without zone and device the whole institution."""

    means: Means
    kind: Kind | None
    institution: AlertInstitution
    zone: AlertZone | None
    device: AlertDevice | None
    reason: str
    from_at: Moment
    until_at: Moment


class HandoverDrill(Shape):
    """A drill of the shift."""

    kind: Kind
    institution: AlertInstitution
    started_at: Moment
    state: DrillState
    scheduled: bool


class HandoverCheck(Shape):
    """A duty check of the shift that nobody answered."""

    institution: AlertInstitution
    called_at: Moment


class HandoverHazard(Shape):
    """A hazard reported in the shift."""

    id: str
    no: int
    title: str
    level: Level
    reported_at: Moment


class HandoverFacts(Shape):
    """The shift as the records have it. Lists hold at most the number their field says; the counts are whole, but for
    drills, checks and hazards of a very long shift."""

    open_by_priority: dict[Priority, int]
    unacknowledged: int
    alerts: Annotated[list[HandoverAlert], Field(max_length=20)]
    silences: Annotated[list[HandoverSilence], Field(max_length=50)]
    silence_count: int
    drills: Annotated[list[HandoverDrill], Field(max_length=20)]
    drill_count: int
    checks_called: int
    checks_missed: Annotated[list[HandoverCheck], Field(max_length=20)]
    checks_missed_count: int
    hazards: Annotated[list[HandoverHazard], Field(max_length=20)]
    hazard_count: int
    offline_count: int


class HandoverTakeOver(Shape):
    """The second signature."""

    at: Moment
    actor: str
    name: str
    remark: str


class Handover(Shape):
    """A note and what became of it; `desk` is one institution's, or that of a region's duty centre."""

    id: int
    desk: Scope
    institution: AlertInstitution | None
    since_at: Moment
    written_at: Moment
    actor: str
    name: str
    note: str
    facts: HandoverFacts
    state: State
    replaces: int | None
    replaced_by: int | None
    take_over: HandoverTakeOver | None


class HandoverPage(Shape):
    """Newest first; the next page comes before `next_before`."""

    items: list[Handover]
    total: int
    next_before: int | None


class HandoverDesk(Shape):
    """One's own desk: whether it hands over at all, and the note that waits there."""

    in_use: bool
    waiting: Handover | None


class HandoverDraft(Shape):
    """What a note would begin with now. `why_not`: what has to be done before one can be left. Where one's own note
    still waits, the next replaces it and begins with its text."""

    since_at: Moment
    since: Since
    now: Moment
    facts: HandoverFacts
    replaces: int | None
    note: str
    why_not: Refusal | None


class HandoverNote(BaseModel):
    """What one leaves for the next shift, and one's name."""

    name: Name
    note: Annotated[Text, Field(max_length=4000)] = ""


class HandoverSignature(BaseModel):
    """Who takes over, and what they want noted."""

    name: Name
    remark: Annotated[Text, Field(max_length=1000)] = ""


class SoundPolicy(Shape):
    """How long, and how often for one alarm, the desk's sound may be kept off; from the escalation policy in force."""

    policy_version: str
    mute_s_max: float
    mutes_max: int
    fault_mute_s_max: float
