"""Events of the engine, made by hand."""

from typing import NamedTuple

from alerting.alert import AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from tests.integration.world import S, World

T0 = 1_795_305_600 * S


class Place(NamedTuple):
    """What an alert is about."""

    source: Source
    kind: Kind


def condition_of(world: World, device: str, kind: Kind = Kind.FIRE) -> Place:
    """A device of the home, by its code."""
    institution, zone, number = world.rows(
        "SELECT institution_id, zone_id, id FROM devices WHERE code = %s", device
    )[0]  # fmt: skip
    return Place(Source(institution, zone, number), kind)


def said(
    place: Place,
    verb: str,
    second: float,
    *,
    onset: float = 0,
    rule: str = "r",
    priority: Priority = Priority.CRITICAL,
    latching: bool = False,
) -> AlertEvent:
    """The engine's word on `place`, `second` seconds after T0, on the alert that began at `onset`."""
    at_us, onset_us = T0 + round(second * S), T0 + round(onset * S)
    number = alert_id(Key(place.source.institution_id, place.source.device_id, place.kind), onset_us)
    condition = Condition(rule, place.kind, priority, latching)
    return engine_event(number, Verb(verb), at_us, onset_us, place.source, condition, {"value": 1.5})
