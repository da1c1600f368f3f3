"""A simulated fleet's days through the engine: what no recording has, with ground truth (simulators/stream.py).

The engine is the service's, under the rules that ship. Its clock ticks at the end of every round and, because silence
is judged by the clock, at each whole second at which some device or institution is due to be called lost before it is
heard again: a service that ticks every second raises the same.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting import engine
from alerting.alert import AlertEvent
from alerting.plan import Plan, compile_plan
from alerting.rules import RuleSet, default_rules, parse
from alerting.supervise import NEVER
from anhu.errors import EvaluationFailed
from anhu.evaluate.report import Report
from anhu.evaluate.sim_score import Alarms, report
from ingest.quantity import QUANTITIES
from ingest.reading import ReadingBatch
from ingest.registry import Device, Institution, Point, Registry, Zone
from simulators import fleet as fleets
from simulators.exposure import exposure
from simulators.fleet import Fleet
from simulators.physics.radio import Channel
from simulators.stream import Point as SimPoint
from simulators.stream import Readings, Round, Stream

START_US: Final = 1_793_462_400_000_000  # midnight in China; which one does not matter
SECOND_US: Final = 1_000_000
LONG_AFTER_US: Final = START_US + 1_000 * 366 * 86_400 * SECOND_US  # not heard in this round; far from overflowing


def evaluate(
    *,
    days: int,
    institutions: int,
    devices_per: int = 100,
    seed: int = 7,
    interval_s: float = 60.0,
    channel: Channel | None = None,
    rules: RuleSet | None = None,
) -> Report:
    """The report on *days* of *institutions*, all devices of which report every *interval_s*. Raises
    EvaluationFailed."""
    channel = channel or Channel()
    try:
        fleet = fleets.build(institutions, devices_per, seed)
        scenario = exposure(fleet, seed)
        stream = Stream(
            fleet, scenario, 24 * days, seed,
            start_epoch_s=START_US / 1e6, interval_s=interval_s, channel=channel,
        )  # fmt: skip
    except ValueError as error:
        raise EvaluationFailed(str(error)) from error
    registry = registry_of(fleet, stream.points, interval_s)
    run = Judged(registry, rules if rules is not None else parse(default_rules()))
    alarms = Alarms(registry)
    for each in stream.rounds():
        alarms.take(run.judge(each), START_US)
    return report(fleet, stream, alarms.raised, days=days, readings=run.readings, channel=channel)


def registry_of(fleet: Fleet, points: Sequence[SimPoint], interval_s: float) -> Registry:
    """The fleet as the service would have it: ids count from 1 in the fleet's order."""
    institutions: list[Institution] = []
    zones: list[Zone] = []
    devices: list[Device] = []
    zone_ids: dict[tuple[str, str], int] = {}
    for number, home in enumerate(fleet.institutions, start=1):
        institutions.append(Institution(number, home.code, home.name, home.name_en, home.kind, home.region))
        for zone in home.zones:
            zone_ids[home.code, zone.code] = len(zones) + 1
            zones.append(Zone(len(zones) + 1, number, zone.code, zone.name, zone.name_en, zone.kind, zone.floor))
    home_ids = {home.code: home.id for home in institutions}
    for number, (home, zone, device) in enumerate(fleet.devices(), start=1):
        place = home_ids[home.code], zone_ids[home.code, zone.code]
        devices.append(Device(number, *place, device.code, device.name, device.kind, device.model, round(interval_s)))
    known = [
        Point(number, point.device + 1, point.quantity, QUANTITIES[point.quantity].unit)
        for number, point in enumerate(points, start=1)
    ]
    return Registry.build(1, institutions, zones, devices, known)


class Judged:
    """An engine that judges rounds."""

    def __init__(self, registry: Registry, rules: RuleSet) -> None:
        self._plan = compile_plan(registry, rules)
        self._state = engine.State.begin(self._plan, START_US)
        self._until_us = START_US
        self.readings = 0

    def judge(self, each: Round) -> list[AlertEvent]:
        """Everything raised and cleared in a round, its readings before the clock."""
        until_us = START_US + round(each.until_s * 1e6)
        calm, stirred = _batch(each.calm), _batch(each.stirred)
        self.readings += len(calm) + len(stirred)
        events: list[AlertEvent] = []
        moments_us = telling_us(self._plan, self._state, (calm, stirred), self._until_us, until_us)
        self._until_us = until_us
        begin_us = START_US  # of what has not been judged; no reading is older
        for tick_us in [*moments_us, until_us]:
            for batch in (calm, stirred):
                part = batch if tick_us == until_us and begin_us == START_US else _between(batch, begin_us, tick_us)
                if len(part):
                    events += self._adopted(engine.step(self._state, part))
            events += self._adopted(engine.tick(self._state, tick_us, listening=True, caught_up=True))
            begin_us = tick_us
        return events

    def _adopted(self, verdict: engine.Verdict) -> list[AlertEvent]:
        engine.adopt(self._state, verdict.patch)
        return verdict.events


def telling_us(
    plan: Plan, state: engine.State, batches: Sequence[ReadingBatch], begin_us: int, until_us: int
) -> list[int]:
    """The whole seconds between *begin_us* and *until_us* at which silence is due to be noticed, or its end."""
    presence, never = state.presence, np.int64(LONG_AFTER_US)
    first_us = np.full(len(plan.device_id), never)
    for batch in batches:
        if len(batch):
            np.minimum.at(first_us, plan.device[plan.slot_of_point[batch.point_id]], batch.received_at_us)
    heard_us = np.full(len(plan.institution_id), NEVER, np.int64)
    np.maximum.at(heard_us, plan.institution, presence.seen_us)
    home_first_us = np.full(len(plan.institution_id), never)
    np.minimum.at(home_first_us, plan.institution, first_us)
    since_us = np.maximum(presence.seen_us, presence.heard_again_us[plan.institution])
    known, home_known = presence.seen_us != NEVER, heard_us != NEVER
    silent, home_silent = presence.silent, presence.institution_silent
    moments = [
        _second_after(_due(since_us, plan.offline_us, first_us, known & ~silent)),
        _second_after(_due(heard_us, plan.institution_offline_us, home_first_us, home_known & ~home_silent)),
        # Heard again; also what is lost and heard again within the round.
        _second_after(first_us[known & (silent | (first_us - since_us > plan.offline_us))]),
        _second_after(
            home_first_us[home_known & (home_silent | (home_first_us - heard_us > plan.institution_offline_us))]
        ),
    ]
    told_us = np.unique(np.concatenate(moments))
    # Of a silent institution's devices the time has long run out: they are not called lost one by one.
    found: list[int] = told_us[(told_us > begin_us) & (told_us < until_us)].tolist()
    return found


def _due(
    since_us: NDArray[np.int64], limit_us: NDArray[np.int64], first_us: NDArray[np.int64], counts: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """When the limit has passed since *since_us*, of those that count and are not heard before."""
    which = np.flatnonzero(counts & (limit_us < first_us - since_us))
    return since_us[which] + limit_us[which]


def _second_after(at_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first whole second after each moment: the service's clock ticks once a second."""
    seconds: NDArray[np.int64] = at_us // SECOND_US * SECOND_US + SECOND_US
    return seconds


def _batch(readings: Readings) -> ReadingBatch:
    at_us = START_US + np.round(readings.at_s * 1e6).astype(np.int64)
    quality = np.zeros(len(at_us), np.int16)
    return ReadingBatch(readings.point + 1, at_us, at_us, readings.value.astype(np.float32), quality)


def _between(batch: ReadingBatch, begin_us: int, end_us: int) -> ReadingBatch:
    return batch.take((batch.measured_at_us >= begin_us) & (batch.measured_at_us < end_us))
