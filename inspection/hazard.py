"""A hazard (隐患) is the fold of its events, as an alert is (inspection/hazard_steps.py).

reported → assigned (a person, a deadline) → rectified (measures, evidence) → rechecked (by somebody else) → closed. A
failed recheck goes back to assigned. The deadline moves only by an extension that one person asked for and another
approved. What is overdue is worked out from the deadline and the time, and never stored. Whatever concerns a major
hazard after its rectification is done by somebody from outside the institution. A report that was a mistake is
withdrawn, with a reason, before anybody has rectified anything: it is off the list, and its history stays.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from inspection.checklist import Level

POLICY: Final = "policy"  # the actor of a hazard that a rule opened, and of reminders and escalations
PROVEN: Final = "proven"  # the reason of a proof that holds (inspection/proof.py)
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
