"""A hazard (隐患) is the fold of its events, as an alert is.

reported → assigned (a person, a deadline) → rectified (measures, evidence) → rechecked (by somebody else) → closed. A
failed recheck goes back to assigned. The deadline moves only by an extension that one person asked for and another
approved. What is overdue is worked out from the deadline and the time, and never stored. Whatever concerns a major
hazard after its rectification is done by somebody from outside the institution. A report that was a mistake is
withdrawn, with a reason, before anybody has rectified anything: it is off the list, and its history stays.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from inspection.checklist import Level
from inspection.errors import ProofMissing, StepRefused, WrongPerson

POLICY: Final = "policy"  # the actor of a hazard that a rule opened, and of reminders and escalations
TITLE_LENGTH_MAX: Final = 200
TEXT_LENGTH_MAX: Final = 2000


class State(StrEnum):
    """Where a hazard stands."""

    REPORTED = "reported"
    ASSIGNED = "assigned"
    RECTIFIED = "rectified"
    RECHECKED = "rechecked"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Verb(StrEnum):
    """What can happen to a hazard."""

    REPORT = "report"
    ASSIGN = "assign"
    RECTIFY = "rectify"
    RECHECK = "recheck"
    CLOSE = "close"
    ASK_EXTENSION = "ask_extension"
    EXTEND = "extend"
    REFUSE_EXTENSION = "refuse_extension"
    PROPOSE = "propose"
    COMMENT = "comment"
    REMIND = "remind"
    ESCALATE = "escalate"
    WITHDRAW = "withdraw"


class Supervisor(StrEnum):
    """Who supervises the rectification: what the ledger shows as red, yellow and blue."""

    HEAD = "head"
    DEPUTY = "deputy"
    DEPARTMENT = "department"

    @property
    def colour(self) -> str:
        """As the ledger shows it."""
        return _COLOURS[self]


_COLOURS: Final = {Supervisor.HEAD: "red", Supervisor.DEPUTY: "yellow", Supervisor.DEPARTMENT: "blue"}


class Category(StrEnum):
    """What a hazard is about."""

    FIRE = "fire"
    ELECTRICAL = "electrical"
    GAS = "gas"
    BUILDING = "building"
    EQUIPMENT = "equipment"
    FOOD = "food"
    MANAGEMENT = "management"
    SERVICE = "service"
    OTHER = "other"


class Origin(StrEnum):
    """How a hazard came to be known."""

    PERSON = "person"
    SENSOR = "sensor"
    INSPECTION = "inspection"


class Proposal(StrEnum):
    """What is proposed to the bureau about an institution that does not rectify (关停并转)."""

    CLOSE = "close"
    SUSPEND = "suspend"
    MERGE = "merge"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts. `outside`: not of the institution itself, but of a bureau or a team. The policy is no person."""

    actor: str
    person_id: int | None
    outside: bool


ENGINE: Final = By(POLICY, None, outside=True)


@dataclass(frozen=True, slots=True)
class HazardEvent:
    """One entry of a hazard's history; `body` holds what the verb needs, as JSON."""

    event_id: uuid.UUID
    hazard_id: uuid.UUID
    verb: Verb
    at: datetime
    by: By
    note: str = ""
    passed: bool | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an event's time needs a time zone")


@dataclass(frozen=True, slots=True)
class Extension:
    """More time that somebody asked for, and nobody has decided on yet."""

    until: datetime
    asked_at: datetime
    asker_id: int


@dataclass(frozen=True, slots=True)
class Hazard:
    """Where a hazard stands after its events. `no` is its number in the ledger, 0 before it is stored; `repeat_key`
    names the same thing at the same place."""

    id: uuid.UUID
    institution_id: int
    zone_id: int | None
    device_id: int | None
    origin: Origin
    category: Category
    level: Level
    supervisor: Supervisor
    title: str
    detail: str
    state: State
    version: int
    reported_at: datetime
    reported_by: str
    reporter_id: int | None
    no: int = 0
    alert_id: uuid.UUID | None = None
    alert_kind: str | None = None
    rule: str | None = None
    checklist_id: str | None = None
    item_id: str | None = None
    clause: str = ""
    repeat_key: str | None = None
    repeat_of: uuid.UUID | None = None
    occurrence: int = 1
    assignee_id: int | None = None
    assigned_at: datetime | None = None
    assigned_by: str | None = None
    term: str | None = None
    deadline: datetime | None = None
    rectified_at: datetime | None = None
    rectified_by: str | None = None
    rectifier_id: int | None = None
    rechecked_at: datetime | None = None
    rechecked_by: str | None = None
    failures: int = 0
    closed_at: datetime | None = None
    closed_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    extension: Extension | None = None
    extensions: int = 0
    proposal: Proposal | None = None
    reminded_for: datetime | None = None
    escalated: int = 0

    @property
    def open(self) -> bool:
        """Whether it is still on the list."""
        return self.state not in (State.CLOSED, State.WITHDRAWN)

    def overdue(self, now: datetime) -> bool:
        """Whether its deadline has passed without rectification."""
        return self.state is State.ASSIGNED and self.deadline is not None and self.deadline < now


def fold(hazard: Hazard | None, event: HazardEvent) -> Hazard:
    """`hazard` after `event`. Raises StepRefused, WrongPerson, ProofMissing where there is no such step."""
    if hazard is None:
        if event.verb is not Verb.REPORT:
            raise StepRefused(f"a hazard begins with report, not with {event.verb}")
        return _report(event)
    step = _STEPS.get((hazard.state, event.verb))
    if step is None:
        raise StepRefused(f"a hazard that is {hazard.state} does not allow {event.verb}")
    if event.verb not in _ENGINE_VERBS and event.by.person_id is None:
        raise WrongPerson("a person has to do this")
    if event.verb in _ENGINE_VERBS and event.by.person_id is not None:
        raise WrongPerson("only the service itself does this")
    return replace(step(hazard, event), version=hazard.version + 1)


def permitted(hazard: Hazard, verb: Verb) -> bool:
    """Whether the state allows `verb` at all, whoever it is."""
    return (hazard.state, verb) in _STEPS


def _report(event: HazardEvent) -> Hazard:
    body = event.body
    if not body["title"].strip():
        raise StepRefused("a hazard needs a title")
    if event.by.person_id is None and body["origin"] != Origin.SENSOR:
        raise WrongPerson("a person has to do this")
    return Hazard(
        id=event.hazard_id,
        institution_id=body["institution_id"],
        zone_id=body.get("zone_id"),
        device_id=body.get("device_id"),
        origin=Origin(body["origin"]),
        category=Category(body["category"]),
        level=Level(body["level"]),
        supervisor=Supervisor(body["supervisor"]),
        title=body["title"],
        detail=event.note,
        state=State.REPORTED,
        version=1,
        reported_at=event.at,
        reported_by=event.by.actor,
        reporter_id=event.by.person_id,
        alert_id=uuid.UUID(body["alert_id"]) if body.get("alert_id") else None,
        alert_kind=body.get("alert_kind"),
        rule=body.get("rule"),
        checklist_id=body.get("checklist_id"),
        item_id=body.get("item_id"),
        clause=body.get("clause", ""),
        repeat_key=body.get("repeat_key"),
        repeat_of=uuid.UUID(body["repeat_of"]) if body.get("repeat_of") else None,
        occurrence=body.get("occurrence", 1),
    )


def _assign(hazard: Hazard, event: HazardEvent) -> Hazard:
    """A first assignment sets the deadline; a change of person keeps it, for more time takes an extension."""
    deadline = _moment(event, "deadline")
    level = Level(event.body["level"])
    if deadline <= event.at and hazard.deadline is None:
        raise StepRefused("the deadline must lie ahead")
    if hazard.deadline is not None and deadline != hazard.deadline:
        raise StepRefused("another person does not change the deadline: that takes an extension")
    if hazard.level is Level.MAJOR and level is not Level.MAJOR and not event.by.outside:
        raise WrongPerson("only somebody from outside the institution may call a major hazard general")
    return replace(
        hazard,
        state=State.ASSIGNED,
        level=level,
        supervisor=Supervisor(event.body["supervisor"]),
        assignee_id=event.body["assignee_id"],
        assigned_at=event.at,
        assigned_by=event.by.actor,
        term=event.body["term"],
        deadline=deadline,
        escalated=hazard.escalated if hazard.deadline is not None else 0,
    )


def _rectify(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not event.note.strip():
        raise StepRefused("say what was done about it")
    if not event.body.get("photos") and hazard.origin is not Origin.SENSOR:
        raise StepRefused("a rectification needs evidence: at least one photo")
    return replace(
        hazard,
        state=State.RECTIFIED,
        rectified_at=event.at,
        rectified_by=event.by.actor,
        rectifier_id=event.by.person_id,
        extension=None,
    )


def _recheck(hazard: Hazard, event: HazardEvent) -> Hazard:
    _demand_other_eyes(hazard, event)
    if event.passed:
        if hazard.state is State.RECHECKED:
            raise StepRefused("it has passed its recheck already")
        _demand_proof(hazard, event)
        return replace(hazard, state=State.RECHECKED, rechecked_at=event.at, rechecked_by=event.by.actor)
    if not event.note.strip():
        raise StepRefused("say what is still wrong")
    return replace(
        hazard,
        state=State.ASSIGNED,
        failures=hazard.failures + 1,
        rectified_at=None,
        rectified_by=None,
        rectifier_id=None,
        rechecked_at=None,
        rechecked_by=None,
    )


def _close(hazard: Hazard, event: HazardEvent) -> Hazard:
    _demand_other_eyes(hazard, event)
    _demand_proof(hazard, event)
    return replace(hazard, state=State.CLOSED, closed_at=event.at, closed_by=event.by.actor)


def _ask_extension(hazard: Hazard, event: HazardEvent) -> Hazard:
    until = _moment(event, "until")
    if hazard.extension is not None:
        raise StepRefused("an extension has been asked for already")
    if not event.note.strip():
        raise StepRefused("say why more time is needed")
    if hazard.deadline is None or event.by.person_id is None or until <= max(hazard.deadline, event.at):
        raise StepRefused("an extension must end after the deadline, and after now")
    return replace(hazard, extension=Extension(until, event.at, event.by.person_id))


def _extend(hazard: Hazard, event: HazardEvent) -> Hazard:
    asked = _asked(hazard, event)
    if asked.until <= event.at:
        raise StepRefused("the time asked for has passed: it can only be refused")
    return replace(
        hazard, deadline=asked.until, extension=None, extensions=hazard.extensions + 1, escalated=0, reminded_for=None
    )


def _refuse_extension(hazard: Hazard, event: HazardEvent) -> Hazard:
    _asked(hazard, event)
    if not event.note.strip():
        raise StepRefused("say why it is refused")
    return replace(hazard, extension=None)


def _asked(hazard: Hazard, event: HazardEvent) -> Extension:
    if hazard.extension is None:
        raise StepRefused("nobody has asked for an extension")
    if event.by.person_id == hazard.extension.asker_id:
        raise WrongPerson("who asked for the extension cannot decide on it")
    if hazard.level is Level.MAJOR and not event.by.outside:
        raise WrongPerson("a major hazard is decided on from outside the institution")
    return hazard.extension


def _propose(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not hazard.overdue(event.at) and not hazard.failures:
        raise StepRefused("it is neither overdue nor has it failed a recheck")
    if not event.by.outside:
        raise WrongPerson("this is proposed from outside the institution")
    if not event.note.strip():
        raise StepRefused("say why")
    return replace(hazard, proposal=Proposal(event.body["proposal"]))


def _comment(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not event.note.strip():
        raise StepRefused("a comment says something")
    return hazard


def _remind(hazard: Hazard, event: HazardEvent) -> Hazard:
    if hazard.deadline is None or event.at >= hazard.deadline or hazard.reminded_for == hazard.deadline:
        raise StepRefused("there is nothing to remind of")
    return replace(hazard, reminded_for=hazard.deadline)


def _escalate(hazard: Hazard, event: HazardEvent) -> Hazard:
    """The next step towards those above: of an overdue hazard, or of one that nobody was given by `assign_by`."""
    late = hazard.overdue(event.at)
    if hazard.state is State.REPORTED:
        late = hazard.reported_at < _moment(event, "assign_by") < event.at
    if not late or event.body["step"] != hazard.escalated + 1:
        raise StepRefused("this is not the next step of a hazard that is late")
    return replace(hazard, escalated=hazard.escalated + 1)


def _withdraw(hazard: Hazard, event: HazardEvent) -> Hazard:
    """Until it is assigned by who reported it; by somebody from outside also while its deadline runs for the first
    time. What is late, was given more time or has failed a recheck can no longer be called a mistake."""
    if hazard.origin is Origin.SENSOR:
        raise StepRefused("what the sensors found is proved gone by their data, not withdrawn")
    if hazard.failures or hazard.extensions or hazard.overdue(event.at):
        raise StepRefused("it is overdue, was given more time or was rectified once: it has to go its road")
    if event.by.person_id != hazard.reporter_id and not event.by.outside:
        raise WrongPerson("who reported it withdraws it, or somebody from outside the institution")
    if not event.by.outside and hazard.state is not State.REPORTED:
        raise WrongPerson("it has been assigned: only somebody from outside the institution withdraws it now")
    if not event.by.outside and hazard.level is Level.MAJOR:
        raise WrongPerson("only somebody from outside the institution withdraws a major hazard")
    if not event.note.strip():
        raise StepRefused("say why the report was a mistake")
    return replace(
        hazard, state=State.WITHDRAWN, withdrawn_at=event.at, withdrawn_by=event.by.actor, extension=None
    )  # fmt: skip


def _demand_other_eyes(hazard: Hazard, event: HazardEvent) -> None:
    if event.by.person_id == hazard.rectifier_id:
        raise WrongPerson("who rectified it cannot recheck or close it")
    if hazard.level is Level.MAJOR and not event.by.outside:
        raise WrongPerson("a major hazard is rechecked and closed from outside the institution")


def _demand_proof(hazard: Hazard, event: HazardEvent) -> None:
    if hazard.origin is Origin.SENSOR and event.body.get("proof", {}).get("reason") != PROVEN:
        raise ProofMissing


PROVEN: Final = "proven"  # the reason of a proof that holds (inspection/proof.py)


def _moment(event: HazardEvent, name: str) -> datetime:
    found = datetime.fromisoformat(event.body[name])
    if found.tzinfo is None:
        raise ValueError(f"{name} needs a time zone")
    return found


_ENGINE_VERBS: Final = frozenset({Verb.REMIND, Verb.ESCALATE})
_STEPS: Final = {
    (State.REPORTED, Verb.ASSIGN): _assign,
    (State.REPORTED, Verb.ESCALATE): _escalate,
    (State.REPORTED, Verb.WITHDRAW): _withdraw,
    (State.ASSIGNED, Verb.WITHDRAW): _withdraw,
    (State.ASSIGNED, Verb.ASSIGN): _assign,
    (State.ASSIGNED, Verb.RECTIFY): _rectify,
    (State.RECTIFIED, Verb.RECHECK): _recheck,
    (State.RECHECKED, Verb.RECHECK): _recheck,
    (State.RECHECKED, Verb.CLOSE): _close,
    (State.ASSIGNED, Verb.ASK_EXTENSION): _ask_extension,
    (State.ASSIGNED, Verb.EXTEND): _extend,
    (State.ASSIGNED, Verb.REFUSE_EXTENSION): _refuse_extension,
    (State.ASSIGNED, Verb.PROPOSE): _propose,
    (State.ASSIGNED, Verb.REMIND): _remind,
    (State.ASSIGNED, Verb.ESCALATE): _escalate,
    **{(state, Verb.COMMENT): _comment for state in State},
}
