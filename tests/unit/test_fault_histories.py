"""Random histories with faults: the broker redelivers, the database refuses, loses answers and crashes with what was
not on its disk, the process dies around every commit. When all is over, the table and the event log are those of the
same history without a fault.

What the devices send is sent STORMS times, each time through other faults, and compared with one calm history of it.
ANHU_FAULT_HISTORIES says how many histories are tried; a failing seed is named and reproduces exactly.
"""

import logging
import multiprocessing
import os
import random
import threading
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pytest
import structlog

import alerting.process
import ingest.pipeline
import ingest.sink
from alerting.alert import Kind
from alerting.plan import Plan, compile_plan
from alerting.process import Judge
from alerting.rules import RuleSet
from alerting.settings import AlertingSettings
from ingest.formats import native
from ingest.pipeline import Pipeline
from ingest.registry import Registry
from ingest.settings import PipelineSettings

from .engine_world import QUANTITIES, T0, S
from .fault_world import Crash, Ground, MemoryFlusher, MemoryTables, MemoryWriter

HISTORIES = int(os.environ.get("ANHU_FAULT_HISTORIES", "10000"))
STORMS = 5
SETTINGS = PipelineSettings(age_days_max=3650)
ALERTING = AlertingSettings()
DEVICES = (1, 1, 2, 2, 9)  # the last is in no registry
_PLANS: list[tuple[Registry, RuleSet, Plan]] = []  # of a worker
VALUES = {
    "smoke_obscuration": (0.0, 0.05, 0.2, 0.5),
    "temperature": (20.0, 55.0, 62.0, 80.0),
    "co": (0.0, 60.0, 320.0),
    "gas": (0.0, 5.0, 30.0, 60.0),
    "battery": (10.0, 14.0, 90.0),
    "fall": (0.0, 1.0),
    "sos": (0.0, 1.0),
    "smoke_alarm": (0.0, 1.0),
}


def script(seed: int) -> list[tuple[int, int, str, float]]:
    """(second, device, quantity, value): what the devices of a home send within a minute, registered or not."""
    rng = random.Random(seed)
    chosen = rng.sample(QUANTITIES, 2)
    return [
        (second, rng.choice(DEVICES), quantity, rng.choice(VALUES[quantity]))
        for second in range(0, 60, rng.choice((5, 10)))
        for quantity in rng.sample(chosen, rng.randint(1, 2))
    ]


class Process:
    """The pipeline on a ground; killed by a Crash, it is started again."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._pipe: Pipeline | None = None
        self._stop = threading.Event()

    def step(self) -> None:
        ground = self._ground
        try:
            if self._pipe is None:
                tables = MemoryTables(ground)
                judge = Judge(ALERTING, tables, tables)
                writers = MemoryWriter(ground), MemoryFlusher(ground)
                pipe = Pipeline(*writers, ground.spool, tables, judge, SETTINGS, ground.clock)
                pipe.open()
                ground.blind_starts += not judge.knows_the_past
                ground.broker.reconnect()
                self._pipe = pipe
            self._pipe._cycle(ground.broker, self._stop)
        except Crash:
            self._pipe = None
        except ingest.pipeline.DatabaseUnavailable:
            self._pipe = None  # never started yet, and nothing known to start from: the supervisor tries again


def play(seed: int, faults: float) -> Ground:
    """The history of `seed`: a script that it shares with STORMS - 1 others, and faults of its own."""
    ground = Ground(seed, faults=faults)
    ground.now_us = T0
    process = Process(ground)
    process.step()
    messages = script(seed // STORMS)
    for second in range(0, 70, 5):  # messages come at these alone, and a cycle in which nothing comes finds little
        ground.now_us = T0 + second * S
        for at, device, quantity, value in messages:
            if at == second:
                payload = native.encode(ground.now_us, {quantity: value})
                ground.broker.publish(f"anhu/v1/home/d{device}/readings", payload)
        if ground.strikes(0.25):
            ground.turn_database()
        if ground.strikes(0.5):
            ground.crash_database()
        process.step()
    ground.healed = ground.database_up = True
    for _ in range(200):
        ground.now_us += S // 2
        process.step()
        if ground.broker.empty and not len(ground.spool):
            break
    ground.now_us += 200 * S  # delays and holds that are still running
    for _ in range(6):
        ground.now_us += 2 * S
        process.step()
    return ground


def story(ground: Ground) -> list[tuple[str, ...]]:
    """What the log tells of devices; silence is judged by our own clock and restarts, so it is left out."""
    return sorted(
        (
            str(event.source.device_id or event.source.unclaimed),
            event.kind.value,
            event.verb.value,
            str(event.rule),
            event.at.isoformat(),
        )
        for event in ground.events
        if event.kind not in (Kind.OFFLINE, Kind.SYSTEM)
    )


def beginning_of_a_worker() -> None:
    """The sink's pauses run by a clock that hurries, so that no history waits; nobody reads a million log lines; tests
    that look at a real clock go first; and rules that are all the same are compiled once for all starts."""
    os.nice(10)
    ticking = iter(range(10**12))
    world = SimpleNamespace(monotonic=lambda: next(ticking) * 0.2)
    ingest.sink.time = ingest.pipeline.time = world
    ingest.pipeline.FIRST_ANSWER_S_MAX = 1.0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    alerting.process.compile_plan = compiled_once


def compiled_once(registry: Registry, rule_set: RuleSet) -> Plan:
    """The frozen plan of what was asked for before, or a new one."""
    for known, rules, plan in _PLANS:
        if rules is rule_set and known == registry:
            return plan
    _PLANS.append((registry, rule_set, compile_plan(registry, rule_set)))
    return _PLANS[-1][2]


def holding(ground: Ground) -> set[tuple[str, str]]:
    """What holds at the end: places and the rules in force there."""
    return {
        (str(alert.key), rule)
        for alert in ground.alerts.values()
        for rule in alert.rules
        if alert.kind not in (Kind.OFFLINE, Kind.SYSTEM)
    }


def complaints(first: int) -> list[str]:
    """What is wrong with the histories from seed `first` on that share a script."""
    calm = play(first, 0.0)
    found = (complaint(seed, calm) for seed in range(first, min(first + STORMS, HISTORIES)))
    return [each for each in found if each]


def complaint(seed: int, calm: Ground) -> str | None:
    """What is wrong with the history of `seed`, `calm` being the same without a fault."""
    stormy = play(seed, 0.15)
    if not stormy.broker.empty:
        return f"seed {seed}: a message was never acknowledged"
    if stormy.rows != calm.rows:
        return f"seed {seed}: other rows"
    open_places = [alert.key for alert in stormy.alerts.values() if alert.open]
    if len(open_places) != len(set(open_places)):
        return f"seed {seed}: two open alerts in one place"
    # A process that is killed, and starts again while the database is away, has forgotten the samples before: what it
    # says may come later, and what it thinks to hold may end later. Nothing that holds may be missing in the end.
    if stormy.blind_starts:
        return f"seed {seed}: an alarm is missing" if holding(calm) - holding(stormy) else None
    if story(stormy) != story(calm):
        return f"seed {seed}: another story"
    return None


@pytest.mark.timeout(1800)
def test_faults_change_neither_the_table_nor_the_log() -> None:
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=beginning_of_a_worker) as pool:
        found = pool.map(complaints, range(0, HISTORIES, STORMS), chunksize=10)
        assert [each for some in found for each in some] == []
