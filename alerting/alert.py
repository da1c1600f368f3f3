"""An alert is the fold of its events.

The state machine is ISA-18.2's, told by two flags as in OPC UA part 9: `active` (the condition holds; the engine writes
it) and `acknowledged` (a person has taken it on). A latching alert stays in alarm after its condition has gone, until a
person resets it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from alerting.errors import IllegalVerb
from ingest.reading import from_us

ENGINE: Final = "engine"
OTHERS: Final = ""  # in Source.unclaimed; no device is called so
_NAMESPACE: Final = uuid.UUID("5b0d5b54-9e1e-5d0e-9b8d-6f3f0f6f2b11")  # of Anhu's alerts; fixed for ever


class Kind(StrEnum):
    """What an alert is about."""

    FIRE = "fire"
    GAS = "gas"
    CO = "co"
    FALL = "fall"
    SOS = "sos"
    OFFLINE = "offline"
    POWER_LOSS = "power_loss"  # the mains of a place are gone, as something with a battery of its own tells
    LOW_BATTERY = "low_battery"
    SENSOR_FAULT = "sensor_fault"
    ANOMALY = "anomaly"
    UNANSWERED = "unanswered"  # nobody acknowledged an alert to the end of its escalation policy
    SYSTEM = "system"  # about Anhu itself


class Priority(StrEnum):
    """How soon somebody must act, the most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ADVISORY = "advisory"

    @property
    def rank(self) -> int:
        """0 for critical, 4 for advisory."""
        return _RANKS[self]


_RANKS: Final = {priority: rank for rank, priority in enumerate(Priority)}


class Verb(StrEnum):
    """What can happen to an alert."""

    RAISE = "raise"
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    COMMENT = "comment"


class State(StrEnum):
    """Where an alert stands, in ISA-18.2's words."""

    NORMAL = "NORMAL"
    UNACKED = "UNACKED"
    ACKED = "ACKED"
    RTN_UNACKED = "RTN_UNACKED"


class Source(NamedTuple):
    """What an alert is about: a device, a whole institution where `device_id` is None, or the service itself where
    `institution_id` is None too. With the kind it names the one alert that may be open. `unclaimed` is the code of a
    device of the institution that nobody has registered, OTHERS for those without an alert of their own
    (alerting/unclaimed.py)."""

    institution_id: int | None
    zone_id: int | None
    device_id: int | None
    unclaimed: str | None = None


class Key(NamedTuple):
    """At most one alert with the same key is open. A drill has a place of its own beside the real alarm's, so that
    neither can join, delay or hide the other."""

    institution_id: int | None
    device_id: int | None
    kind: Kind
    drill: bool = False
    unclaimed: str | None = None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One entry of the event log. `at` is when it happened, with a time zone; `rule` is None for a person's act."""

    event_id: uuid.UUID
    alert_id: uuid.UUID
    verb: Verb
    at: datetime
    source: Source
    kind: Kind
    priority: Priority
    latching: bool
    rule: str | None
    actor: str
    onset_at: datetime
    note: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    drill: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None or self.onset_at.tzinfo is None:
            raise ValueError("an event's times need a time zone")

    @property
    def key(self) -> Key:
        """The place in which one alert may be open."""
        return key_of(self.source, self.kind, drill=self.drill)


@dataclass(frozen=True, slots=True)
class Alert:
    """Where an alert stands after its events. `rules` are those whose condition holds now."""

    id: uuid.UUID
    source: Source
    kind: Kind
    priority: Priority
    latching: bool
    active: bool
    acknowledged: bool
    latched: bool
    rules: frozenset[str]
    version: int
    occurrences: int
    onset_at: datetime
    raised_at: datetime
    called_at: datetime
    evidence: Mapping[str, Any]
    drill: bool = False
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    reset_at: datetime | None = None
    last_event_id: int = 0

    @property
    def key(self) -> Key:
        """The place in which this alert may be open."""
        return key_of(self.source, self.kind, drill=self.drill)

    @property
    def open(self) -> bool:
        """Whether somebody still has something to do about it."""
        return self.active or self.latched or not self.acknowledged

    @property
    def state(self) -> State:
        """The ISA-18.2 state; a latched alert counts as being in alarm."""
        if self.active or self.latched:
            return State.ACKED if self.acknowledged else State.UNACKED
        return State.NORMAL if self.acknowledged else State.RTN_UNACKED


def key_of(source: Source, kind: Kind, *, drill: bool = False) -> Key:
    """The place of an alert about `source`."""
    return Key(source.institution_id, source.device_id, kind, drill, source.unclaimed)


def alert_id(key: Key, onset_us: int) -> uuid.UUID:
    """The id of the alert of `key` that began at `onset_us`: the same however often it is worked out."""
    name = f"{key.kind}|{key.institution_id or ''}|{key.device_id or ''}|{onset_us}"
    return uuid.uuid5(_NAMESPACE, name if key.unclaimed is None else f"{name}|{key.unclaimed}")


def event_id(alert: uuid.UUID, verb: Verb, rule: str | None, at_us: int) -> uuid.UUID:
    """The id of an engine's event: the same however often it is worked out."""
    return uuid.uuid5(alert, f"{verb}|{rule or ''}|{at_us}")


def fold(alert: Alert | None, event: AlertEvent) -> Alert:
    """`alert` after `event`. Raises IllegalVerb where the state machine has no such step."""
    if alert is None:
        if event.verb is not Verb.RAISE:
            raise IllegalVerb(f"an alert begins with raise, not with {event.verb}")
        return _first_raise(event)
    changed = _STEPS[event.verb](alert, event)
    return replace(changed, version=alert.version + 1)


def _first_raise(event: AlertEvent) -> Alert:
    return Alert(
        id=event.alert_id,
        source=event.source,
        kind=event.kind,
        priority=event.priority,
        latching=event.latching,
        active=True,
        acknowledged=False,
        latched=event.latching,
        rules=frozenset({event.rule} if event.rule else ()),
        version=1,
        occurrences=1,
        onset_at=event.onset_at,
        raised_at=event.at,
        called_at=event.at,
        evidence=event.evidence,
        drill=event.drill,
    )


def _raise(alert: Alert, event: AlertEvent) -> Alert:
    """Another rule joins, or the condition is back. A person is called again when it had gone or got more urgent."""
    worse = event.priority.rank < alert.priority.rank
    again = not alert.active
    started_over = not alert.open
    return replace(
        alert,
        active=True,
        latching=alert.latching or event.latching,
        latched=alert.latched or event.latching,
        priority=event.priority if worse or started_over else alert.priority,
        acknowledged=alert.acknowledged and not (worse or again),
        rules=alert.rules | ({event.rule} if event.rule else frozenset()),
        occurrences=alert.occurrences + again,
        raised_at=event.at if again else alert.raised_at,
        called_at=event.at if worse or again else alert.called_at,
        cleared_at=None,
        reset_at=None,
        evidence=event.evidence if worse or again else alert.evidence,
    )


def _clear(alert: Alert, event: AlertEvent) -> Alert:
    """The condition of a rule has gone; with the last one the alert returns to normal. A drill that is over leaves
    nothing to do: it is closed, and nobody is named as having acknowledged it who has not."""
    if not alert.active:
        raise IllegalVerb("the alert has already returned to normal")
    rules = alert.rules - {event.rule} if event.rule else frozenset()
    return replace(
        alert,
        rules=rules,
        active=bool(rules),
        acknowledged=alert.acknowledged or (alert.drill and not rules),
        cleared_at=None if rules else event.at,
    )


def _acknowledge(alert: Alert, event: AlertEvent) -> Alert:
    if alert.acknowledged:
        raise IllegalVerb(f"the alert is already acknowledged by {alert.acknowledged_by}")
    return replace(alert, acknowledged=True, acknowledged_at=event.at, acknowledged_by=event.actor)


def _reset(alert: Alert, event: AlertEvent) -> Alert:
    if not alert.latched:
        raise IllegalVerb("only a latching alert that is still in alarm can be reset")
    if alert.active:
        raise IllegalVerb("the condition still holds: a reset waits until it has gone")
    if not alert.acknowledged:
        raise IllegalVerb("the alert must be acknowledged before it is reset")
    return replace(alert, latched=False, reset_at=event.at)


def _comment(alert: Alert, _event: AlertEvent) -> Alert:
    """Changes nothing but the version: a comment is there to be read."""
    return alert


_STEPS: Final = {
    Verb.RAISE: _raise,
    Verb.CLEAR: _clear,
    Verb.ACKNOWLEDGE: _acknowledge,
    Verb.RESET: _reset,
    Verb.COMMENT: _comment,
}


def act(alert: Alert, verb: Verb, actor: str, at: datetime, note: str | None) -> AlertEvent:
    """A person's act on `alert`, not yet folded; its id is a random one, for two acts are never the same act."""
    return AlertEvent(
        event_id=uuid.uuid4(),
        alert_id=alert.id,
        verb=verb,
        at=at,
        source=alert.source,
        kind=alert.kind,
        priority=alert.priority,
        latching=alert.latching,
        rule=None,
        actor=actor,
        onset_at=alert.onset_at,
        note=note,
        drill=alert.drill,
    )


class Condition(NamedTuple):
    """What a rule says of the alert it raises."""

    rule: str
    kind: Kind
    priority: Priority
    latching: bool


def engine_event(
    alert: uuid.UUID,
    verb: Verb,
    at_us: int,
    onset_us: int,
    source: Source,
    condition: Condition,
    evidence: Mapping[str, Any],
    *,
    drill: bool = False,
) -> AlertEvent:
    """The engine's word on the alert with id `alert`; times in µs since 1970."""
    return AlertEvent(
        event_id=event_id(alert, verb, condition.rule, at_us),
        alert_id=alert,
        verb=verb,
        at=from_us(at_us),
        source=source,
        kind=condition.kind,
        priority=condition.priority,
        latching=condition.latching,
        rule=condition.rule,
        actor=ENGINE,
        onset_at=from_us(onset_us),
        evidence=evidence,
        drill=drill,
    )
