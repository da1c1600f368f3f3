"""The judging core alone, in this process: readings judged a second, and what it remembers of a point."""

import time
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from alerting import engine
from alerting.plan import Plan, compile_plan
from alerting.rules import default_rules, parse
from benchmarks.figures import Figure
from benchmarks.limits import synthetic
from benchmarks.stage import Stage, now_us
from ingest import store

BATCH_ROUNDS: Final = 2  # readings of each point in one batch, as in a busy transaction
SECONDS: Final = 4.0


def run(stage: Stage) -> list[Figure]:
    """`step` and `adopt`, batch after batch, over every point of the registry."""
    with stage.database() as connection:
        registry = store.load_registry(connection)
    plan = compile_plan(registry, parse(default_rules()))
    at_us = now_us()
    state = engine.State.begin(plan, at_us)
    # A contact that never changes is not what an ordinary message holds.
    points = [point.id for point in registry.points.values() if point.quantity != "smoke_alarm"]
    judged, spent_s = 0, 0.0
    while spent_s < SECONDS:
        batch = synthetic(at_us, points, BATCH_ROUNDS)
        batch.value[:] %= 0.01  # quiet
        at_us += BATCH_ROUNDS * 1_000_000
        began_s = time.perf_counter()
        engine.adopt(state, engine.step(state, batch).patch)
        spent_s += time.perf_counter() - began_s
        judged += len(batch)
    return [
        Figure("engine.readings_per_s", judged / spent_s, "readings/s"),
        Figure("engine.state_bytes_per_point", state_bytes(state) / len(plan.point_id), "B"),
    ]


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
