"""The service itself: its state, what it could not read, the check of its ledger."""

from typing import Literal

from alerting.ledger import Fault
from dashboard.schemas.base import Moment, Shape


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
    """Something that reports without being registered; `institution_id` is null where not even that is."""

    institution: str
    device: str
    quantity: str
    reason: str
    first_seen_at: Moment
    last_seen_at: Moment
    message_count: int
    last_topic: str
    last_payload: str
    institution_id: int | None


class UnclaimedPage(Shape):
    """What reports without being registered, the latest first."""

    items: list[Unclaimed]


class Panel(Shape):
    """A registered fire panel's transmission device (GB/T 26875.3): when last heard, how far its clock is ahead in
    seconds, the last frame that was denied; null where it never was, or its time cannot be read."""

    address: str
    institution: str
    device: str
    name: str
    heard_at: Moment | None
    clock_ahead_s: float | None
    denied_at: Moment | None
    denied_for: str


class Panels(Shape):
    """All of them, by institution and device."""

    items: list[Panel]


class Health(Shape):
    """Whether the dashboard can do its work."""

    status: Literal["ok", "failing"]
    database: bool
    follower: bool


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
