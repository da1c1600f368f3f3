"""The engine the service runs, in memory: a registry of made-up rooms, the rules that ship, and readings fed one moment
at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alerting import engine
from alerting.alert import AlertEvent, Kind, Priority, Verb
from alerting.plan import compile_plan
from alerting.rules import RuleSet, default_rules, parse
from ingest.quantity import QUANTITIES
from ingest.reading import GOOD, OUT_OF_RANGE, ReadingBatch
from ingest.registry import Device, Institution, Point, Registry, Zone

START_US: Final = 1_790_000_000_000_000  # an arbitrary moment; the engine knows no calendar
REPORT_INTERVAL_S: Final = 30
CALLING: Final = frozenset({Priority.CRITICAL, Priority.HIGH})  # priorities that call people at once


@dataclass(frozen=True, slots=True)
class Spot:
    """A place under watch: the quantities that one device there measures, in a zone of its own."""

    name: str
    quantities: tuple[str, ...]
    zone_kind: str = "bedroom"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a quantity at a spot; `at_s` counts from the beginning of the replay, before which nothing was."""

    spot: str
    quantity: str
    at_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that was raised, or called again: where, of what kind and priority, by which rule, when."""

    spot: str
    kind: Kind
    priority: Priority
    rule: str
    at_s: float


@dataclass(slots=True)
class Replay:
    """A fresh engine over `spots`."""

    spots: Sequence[Spot]
    rules: RuleSet | None = None  # those that ship
    _state: engine.State = field(init=False)
    _point: dict[tuple[str, str], int] = field(init=False, default_factory=dict)
    _spot_of: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        registry = self._registry()
        rules = self.rules if self.rules is not None else parse(default_rules())
        self._state = engine.State.begin(compile_plan(registry, rules), START_US)

    def _registry(self) -> Registry:
        zones: list[Zone] = []
        devices: list[Device] = []
        points: list[Point] = []
        for number, spot in enumerate(self.spots, start=1):
            zones.append(Zone(number, 1, f"z{number}", spot.name, spot.name, spot.zone_kind, 1))
            devices.append(Device(number, 1, number, f"d{number}", spot.name, "multi", "", REPORT_INTERVAL_S))
            self._spot_of[number] = spot.name
            for quantity in spot.quantities:
                self._point[spot.name, quantity] = len(points) + 1
                points.append(Point(len(points) + 1, number, quantity, QUANTITIES[quantity].unit))
        home = Institution(1, "replay", "重放", "Replay", "nursing_home", "220322")
        return Registry.build(1, [home], zones, devices, points)

    def run(self, readings: Iterable[Reading]) -> list[Raised]:
        """Everything raised, in order. Readings of one moment are judged together, as a device sends them; time passes
        (delays run out) up to each moment before it is judged."""
        events: list[AlertEvent] = []
        waiting: list[Reading] = []
        for reading in sorted(readings, key=lambda each: each.at_s):
            if waiting and reading.at_s != waiting[0].at_s:
                events += self._judge(waiting)
                waiting = []
            waiting.append(reading)
        if waiting:
            events += self._judge(waiting)
        return [
            Raised(
                self._spot_of[event.source.device_id], event.kind, event.priority, event.rule or "",
                event.at.timestamp() - START_US / 1e6,
            )
            for event in events
            if event.verb is Verb.RAISE and event.source.device_id is not None
        ]  # fmt: skip

    def _judge(self, readings: Sequence[Reading]) -> list[AlertEvent]:
        at_us = START_US + round(readings[0].at_s * 1e6)
        passed = engine.tick(self._state, at_us, listening=True, caught_up=True)
        engine.adopt(self._state, passed.patch)
        points = [self._point[each.spot, each.quantity] for each in readings]
        quality = [_quality(each) for each in readings]
        times = [at_us] * len(readings)
        batch = ReadingBatch.build(points, times, times, np.array([each.value for each in readings]), quality)
        verdict = engine.step(self._state, batch)
        engine.adopt(self._state, verdict.patch)
        return [*passed.events, *verdict.events]


def _quality(reading: Reading) -> int:
    """As the intake marks it: what no working sensor can say is not judged."""
    span = QUANTITIES[reading.quantity]
    return GOOD if span.low <= reading.value <= span.high else OUT_OF_RANGE


def edges(raised: Iterable[Raised], refractory_s: float) -> list[Raised]:
    """Rising edges: of each spot, an alarm counts only where none came within `refractory_s` before it."""
    last: dict[str, float] = {}
    found = []
    for each in sorted(raised, key=lambda one: one.at_s):
        if each.at_s - last.get(each.spot, -np.inf) >= refractory_s:
            found.append(each)
        last[each.spot] = each.at_s
    return found
