"""Alerts with their places and history, and what people do about them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from alerting.alert import Kind, Priority, State, Verb
from alerting.flapping import Reason as FlappingReason
from alerting.suppression import Reason
from dashboard.schemas.base import DeviceKind, Moment, Shape, Text, ZoneKind
from dashboard.schemas.plans import AlertPlan
from dashboard.schemas.recorded import AsRecorded, Evidence


class AlertInstitution(Shape):
    """Where an alert is."""

    id: int
    code: str
    name: str
    name_en: str


class AlertZone(Shape):
    """The zone an alert is in."""

    id: int
    name: str
    name_en: str
    kind: ZoneKind
    floor: int


class AlertDevice(Shape):
    """The device an alert is of."""

    id: int
    code: str
    name: str
    kind: DeviceKind


class Alert(Shape):
    """Where an alert stands. `open`: somebody still has something to do about it. `quiet`: why it calls nobody, and
    `quiet_until` when that ends by itself. `institution` is null for an alert about the service itself; `unclaimed` is
    the code of a device that nobody has registered, "" for several of them, null for all other alerts."""

    id: UUID
    kind: Kind
    priority: Priority
    state: State
    open: bool
    active: bool
    acknowledged: bool
    latching: bool
    latched: bool
    version: int
    occurrences: int
    institution: AlertInstitution | None
    zone: AlertZone | None
    device: AlertDevice | None
    unclaimed: str | None
    onset_at: Moment
    raised_at: Moment
    cleared_at: Moment | None
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    reset_at: Moment | None
    rules: list[str]
    evidence: Annotated[dict[str, Any], AsRecorded(Evidence)]
    drill: bool
    called_at: Moment
    quiet: Reason | None
    quiet_until: Moment | None


class AlertEvent(Shape):
    """One entry of an alert's history; `actor` is `engine` or `user:NAME`. `id` and `recorded_at` are null for what
    is told while the database is away."""

    id: int | None
    verb: Verb
    at: Moment
    recorded_at: Moment | None
    priority: Priority
    rule: str | None
    actor: str
    note: str | None
    evidence: Annotated[dict[str, Any], AsRecorded(Evidence)]


class Flapping(Shape):
    """Whether an alert's condition comes and goes too often, and what that rests on."""

    flapping: bool
    reason: FlappingReason
    change_count: int
    span_s: float
    since: str | None
    text_zh: str
    text_en: str


class AlertDetail(Alert):
    """An alert with its whole history, oldest first, and what to do about it."""

    events: list[AlertEvent]
    plan: AlertPlan | None
    flapping: Flapping


class AlertPage(Shape):
    """A page of alerts; `next_cursor` leads to the next one, null on the last."""

    items: list[Alert]
    next_cursor: str | None


class Act(BaseModel):
    """A person's act on an alert as they saw it."""

    version: int = Field(ge=1, description="the version of the alert the person saw")
    note: Annotated[Text, Field(max_length=2000)] | None = None


class Comment(BaseModel):
    """What a person has to say of an alert."""

    note: Annotated[Text, Field(min_length=1, max_length=2000)]
