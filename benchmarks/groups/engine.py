"""The judging core alone, in this process and on one core: readings judged a second under the rules that ship, what it
remembers of a point, and beside it the streaming detectors of River on the same readings.

River is no dependency of Anhu: `pip install --group bench` brings it. Where it is missing this is said, and the figure
has no limit.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from alerting import engine
from alerting.plan import Plan, compile_plan
from alerting.rules import default_rules, parse
from benchmarks.figures import Figure
from benchmarks.stage import Stage, now_us
from ingest.quantity import QUANTITIES
from ingest.reading import ReadingBatch
from ingest.registry import Device, Institution, Point, Registry, Zone

MIX: Final = ("smoke_obscuration", "temperature", "battery", "co", "gas")  # every rule with a detector of its own
QUIET: Final = {"smoke_obscuration": 0.01, "temperature": 21.0, "battery": 95.0, "co": 1.0, "gas": 0.6}
NOISE: Final = {"smoke_obscuration": 0.0015, "temperature": 0.08, "battery": 0.1, "co": 0.6, "gas": 0.15}
ZONE_KINDS: Final = ("bedroom", "bedroom", "corridor", "kitchen", "dining")
DEVICES_EACH: Final = 100
POINTS: Final = 450_000
FLAT: Final = (1_000, 10_000, 100_000, 1_000_000)
BATCH: Final = 32_768  # readings judged at a time
FLAT_BATCH: Final = 1_000  # … where the number of points is what differs
SECONDS: Final = 3.0
RIVER_READINGS: Final = 4_000


def run(stage: Stage) -> list[Figure]:
    """`step` and `adopt`, batch after batch, over every point; then River."""
    del stage  # nothing of the service is needed
    rate, bytes_each = measure(POINTS, BATCH)
    return [
        Figure("engine.readings_per_s", rate, "readings/s", river()),
        Figure("engine.state_bytes_per_point", bytes_each, "B", 300.0),
        *(
            Figure(f"engine.ns_per_reading.{points}_points", 1e9 / measure(points, FLAT_BATCH)[0], "ns")
            for points in FLAT
        ),
    ]


def measure(points: int, batch_size: int) -> tuple[float, float]:
    """Readings judged a second over so many points, each reporting every 30 s, and the bytes of state of one."""
    plan = compile_plan(home(points), parse(default_rules()))
    at_us = now_us()
    state = engine.State.begin(plan, at_us)
    batches = stream(plan, at_us, batch_size)
    for batch in batches:  # the first round of each point is slower and the least of its life
        engine.adopt(state, engine.step(state, batch).patch)
    judged, spent_s = 0, 0.0
    while spent_s < SECONDS:
        for batch in batches:
            batch.measured_at_us[:] += 30_000_000
            batch.received_at_us[:] += 30_000_000
            began_s = time.perf_counter()
            engine.adopt(state, engine.step(state, batch).patch)
            spent_s += time.perf_counter() - began_s
            judged += len(batch)
    return judged / spent_s, state_bytes(state) / len(plan.point_id)


def home(points: int) -> Registry:
    """Institutions of a hundred multi-sensor devices each, as many as `points` need."""
    devices = -(-points // len(MIX))
    institutions = -(-devices // DEVICES_EACH)
    return Registry.build(
        1,
        [Institution(n, f"bench-{n}", "测试院", "Bench", "nursing_home", "220322") for n in range(1, institutions + 1)],
        [
            Zone(n + 1, n // DEVICES_EACH + 1, f"z{n}", "室", "room", ZONE_KINDS[n % len(ZONE_KINDS)], 1)
            for n in range(devices)
        ],
        [Device(n + 1, n // DEVICES_EACH + 1, n + 1, f"d{n}", "设备", "multi", "", 30) for n in range(devices)],
        [
            Point(n * len(MIX) + row + 1, n + 1, quantity, QUANTITIES[quantity].unit)
            for n in range(devices)
            for row, quantity in enumerate(MIX)
            if n * len(MIX) + row < points
        ],
    )


def stream(plan: Plan, at_us: int, batch_size: int) -> list[ReadingBatch]:
    """One reading of every point, spread over 30 s, in batches: quiet, with sensors' noise. The devices come in no
    order, the points of one together."""
    rng = np.random.default_rng(7)
    point = plan.point_id[np.lexsort((plan.point_id, rng.permutation(len(plan.device_id))[plan.device]))]
    kind = (point - 1) % len(MIX)
    value = np.array([QUIET[name] for name in MIX])[kind]
    value += rng.normal(0, 1, len(point)) * np.array([NOISE[name] for name in MIX])[kind]
    when = at_us + np.arange(len(point)) // len(MIX) * (30_000_000 * len(MIX) // len(point))
    parts = [slice(start, start + batch_size) for start in range(0, len(point), batch_size)]
    return [
        ReadingBatch(
            point[part], when[part], when[part] + 30_000, value[part].astype(np.float32),
            np.zeros(len(point[part]), np.int16),
        )
        for part in parts
    ]  # fmt: skip


def river() -> float | None:
    """Readings a second that River's half-space trees and GaussianScorer together judge on the same stream; None where
    River is not installed."""
    try:
        anomaly: Any = importlib.import_module("river.anomaly")
    except ImportError:
        print("River is not installed (pip install --group bench): engine.readings_per_s has no limit to compare with")
        return None
    plan = compile_plan(home(RIVER_READINGS), parse(default_rules()))
    values = [float(value) for batch in stream(plan, now_us(), BATCH) for value in batch.value]

    def trees() -> None:
        model = anomaly.HalfSpaceTrees(seed=7)
        for value in values:
            model.score_one({"x": value})
            model.learn_one({"x": value})

    def gauss() -> None:
        model = anomaly.GaussianScorer()
        for value in values:
            model.score_one(None, value)
            model.learn_one(None, value)

    return len(values) / (_seconds(trees) + _seconds(gauss))


def _seconds(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def state_bytes(state: Any) -> int:
    """The bytes of every array in `state`, the plan (rules and registry, shared by all states) aside."""
    if isinstance(state, np.ndarray):
        return state.nbytes
    if isinstance(state, Plan):
        return 0
    if is_dataclass(state):
        return sum(state_bytes(getattr(state, each.name)) for each in fields(state))
    if isinstance(state, dict):
        return sum(state_bytes(each) for each in state.values())
    return sum(state_bytes(each) for each in state) if isinstance(state, tuple) else 0
