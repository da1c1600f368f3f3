"""The shapes of the HTTP API and of the websocket's frames. Times are UTC, written with Z."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from alerting.alert import Kind, Priority, State, Verb
from alerting.ledger import Fault
from alerting.people import Right, Role
from alerting.suppression import Means, Reason
from alerting.told_store import Progress
from dashboard.auth import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from dashboard.condition import Condition
from dashboard.plan_schemas import AlertPlan, Flapping


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with Z, to the millisecond.

    >>> iso(datetime(2026, 11, 22, 1, 2, 3, 456789, UTC))
    '2026-11-22T01:02:03.456Z'
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
Text = Annotated[str, AfterValidator(_storable)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Language = Literal["zh", "en"]
Channel = Literal["wecom", "dingtalk", "feishu", "email", "webhook", "sms", "apprise"]
PersonName = Annotated[Text, Field(min_length=1, max_length=100)]
Username = Annotated[str, BeforeValidator(_lower), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Shape(BaseModel):
    """What all shapes have in common: they can be made from records."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Credentials(BaseModel):
    """What a person types to sign in."""

    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)


class PasswordChange(BaseModel):
    """One's own password, and the one to come."""

    old: str = Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)
    new: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)


class Scope(Shape):
    """How far somebody reaches: one institution, or a region by the prefix of its code; both empty: everywhere."""

    model_config = ConfigDict(from_attributes=True, frozen=True, extra="forbid")

    institution_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    region: str = Field("", pattern=r"^([0-9]{2}){0,3}$")

    @model_validator(mode="after")
    def _either(self) -> "Scope":
        if self.institution_id is not None and self.region:
            raise ValueError("a scope is one institution or a region, not both")
        return self


class User(Shape):
    """Who is signed in. `password_change_required`: nothing else is served before."""

    id: int
    username: str
    display_name: str
    role: Role
    person_id: int
    scope: Scope
    rights: list[Right]
    password_change_required: bool


class OpenAlerts(Shape):
    """How many alerts are open, by priority."""

    critical: int
    high: int
    medium: int
    low: int
    advisory: int


class Institution(Shape):
    """One institution at a glance."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    region: str
    device_count: int
    offline_count: int
    open_alerts: OpenAlerts
    state: Condition


class Point(Shape):
    """One measured channel; `last_value` is null when the last reading was not credible."""

    id: int
    quantity: str
    unit: str
    last_value: float | None
    last_measured_at: Moment | None


class Device(Shape):
    """One device; `last_seen_at` is when its newest reading arrived."""

    id: int
    code: str
    name: str
    kind: str
    model: str
    zone_id: int
    report_interval_s: int
    last_seen_at: Moment | None
    state: Condition
    points: list[Point]


class Zone(Shape):
    """One zone with its devices."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    floor: int
    devices: list[Device]


class InstitutionDetail(Institution):
    """One institution with everything in it."""

    zones: list[Zone]


class InstitutionPage(Shape):
    """A page of institutions, the worst first; `total` counts all that match."""

    items: list[Institution]
    total: int


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
    kind: str
    floor: int


class AlertDevice(Shape):
    """The device an alert is of."""

    id: int
    code: str
    name: str
    kind: str


class Alert(Shape):
    """Where an alert stands. `open`: somebody still has something to do about it. `quiet`: why it calls nobody, and
    `quiet_until` when that ends by itself. `institution` is null for an alert about the service itself."""

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
    onset_at: Moment
    raised_at: Moment
    cleared_at: Moment | None
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    reset_at: Moment | None
    rules: list[str]
    evidence: dict[str, Any]
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
    evidence: dict[str, Any]


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


class SuppressionRequest(BaseModel):
    """Alarms to keep quiet: of an institution, a zone or a device, of one kind or all."""

    means: Means
    institution_id: Id
    zone_id: Id | None = None
    device_id: Id | None = None
    alert_kind: Kind | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    from_at: AwareDatetime | None = Field(None, description="default: now")
    until_at: AwareDatetime


class Suppression(Shape):
    """Alarms that are kept quiet, or will be."""

    id: int
    means: Means
    institution: AlertInstitution
    zone: AlertZone | None
    device: AlertDevice | None
    alert_kind: Kind | None
    reason: str
    actor: str
    from_at: Moment
    until_at: Moment
    ended_at: Moment | None


class SuppressionList(Shape):
    """What is kept quiet now or will be."""

    items: list[Suppression]


class Way(Shape):
    """A way to reach a person; of the address only a hint is ever shown."""

    channel: Channel
    rank: int
    hint: str


class NewWay(BaseModel):
    """A way to reach a person; the address may hold a secret and is never given back."""

    channel: Channel
    address: Annotated[Text, Field(min_length=1, max_length=1000)]


class Ways(BaseModel):
    """All ways to reach a person, in the order in which to try them."""

    ways: list[NewWay] = Field(max_length=10)


class Person(Shape):
    """Somebody who is told or who acts."""

    id: int
    name: str
    role: Role
    scope: Scope
    language: Language
    active: bool
    username: str | None
    contacts: list[Way]


class People(Shape):
    """Everybody within one's own scope."""

    items: list[Person]


class PersonRequest(BaseModel):
    """Somebody new; a user name lets them sign in."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    role: Role
    scope: Scope
    language: Language = "zh"
    username: Username | None = None


class PersonChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName | None = None
    role: Role | None = None
    scope: Scope | None = None
    language: Language | None = None
    active: bool | None = None
    username: Username | None = Field(None, description="gives somebody who could not sign in a user name")


class PersonWithPassword(Person):
    """A person; `one_time_password` is shown once, where there is a new one."""

    one_time_password: str | None


class Series(Shape):
    """Readings of one point, columns of equal length; `low` and `high` only where each entry stands for many."""

    point_id: int
    quantity: str
    unit: str
    measured_at_ms: list[int]
    value: list[float]
    low: list[float] | None
    high: list[float] | None


class Readings(BaseModel):
    """Readings of a device in [from, to)."""

    device: Device
    start: Moment = Field(serialization_alias="from")
    end: Moment = Field(serialization_alias="to")
    series: list[Series]


class Pipeline(Shape):
    """How the intake is doing; null where it never said."""

    alive: bool
    heartbeat_at: Moment | None
    started_at: Moment | None
    lag_ms: int | None
    inbox_count: int | None


class DeadLetterFigures(Shape):
    """How many messages were refused, ever."""

    total: int
    by_reason: dict[str, int]


class System(Shape):
    """The service at a glance."""

    version: str
    edition: str
    timescaledb: str
    readings_last_minute: int
    pipeline: Pipeline
    dead_letters: DeadLetterFigures
    unclaimed_count: int
    live_clients: int


class NotifiedPerson(Shape):
    """Who was told."""

    id: int
    name: str
    role: Role


class Notification(Shape):
    """One way of telling one person of an alert; no channel yet while it is held back to go with others."""

    person: NotifiedPerson
    channel: str | None
    step: int
    state: Progress
    at: Moment
    attempts: int
    error: str | None


class NextCall(Shape):
    """Who is called next unless somebody acknowledges."""

    at: Moment
    to: str


class Notifications(Shape):
    """Who was told of an alert, in the order in which they were called."""

    items: list[Notification]
    next: NextCall | None = None


class LedgerFault(Shape):
    """A record that is not what was chained; `no` is its number in the chain."""

    fault: Fault
    no: int | None
    source: str
    row_id: int | None
    detail: str


class LedgerCheck(Shape):
    """What a check of the whole ledger found; `faults` holds at most the first thousand of `fault_count`."""

    records: int
    faults: list[LedgerFault]
    fault_count: int
    last_checkpoint_at: Moment | None


class DeadLetter(Shape):
    """One refused message; `payload` is its beginning as text, with what is no UTF-8 replaced."""

    id: int
    received_at: Moment
    topic: str
    reason: str
    detail: str
    payload: str
    payload_bytes: int


class DeadLetterPage(Shape):
    """A page of refused messages, newest first."""

    items: list[DeadLetter]
    next_cursor: str | None


class Unclaimed(Shape):
    """Something that reports without being registered."""

    institution: str
    device: str
    quantity: str
    reason: str
    first_seen_at: Moment
    last_seen_at: Moment
    message_count: int
    last_topic: str
    last_payload: str


class UnclaimedPage(Shape):
    """What reports without being registered, the latest first."""

    items: list[Unclaimed]


class Health(Shape):
    """Whether the dashboard can do its work."""

    status: Literal["ok", "failing"]
    database: bool
    follower: bool


class Problem(Shape):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class AlertFrame(Shape):
    """One event, and the alert and its institution as they stand now."""

    type: Literal["alert"] = "alert"
    cursor: int
    event: AlertEvent
    alert: Alert
    institution: Institution | None


class QuietAlert(Shape):
    """Whether an alert calls somebody now."""

    id: UUID
    quiet: Reason | None
    quiet_until: Moment | None


class QuietFrame(Shape):
    """Alerts of an institution that fell silent or call again without an event of their own."""

    type: Literal["quiet"] = "quiet"
    institution_id: int | None
    alerts: list[QuietAlert]


class LiveSeries(Shape):
    """New readings of one point."""

    point_id: int
    quantity: str
    measured_at_ms: list[int]
    value: list[float]


class ReadingsFrame(Shape):
    """New readings of a watched device."""

    type: Literal["readings"] = "readings"
    device_id: int
    series: list[LiveSeries]


class HeartbeatFrame(Shape):
    """The connection lives; whether the intake does, and whether alarms have to come without the database."""

    type: Literal["heartbeat"] = "heartbeat"
    server_time: Moment
    cursor: int
    pipeline_alive: bool
    database_away: bool


class WatchRequest(BaseModel):
    """What a client may say."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["watch", "unwatch"]
    device_id: int = Field(ge=1, le=2**31 - 1)
