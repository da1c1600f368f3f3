"""Combustible gas: the response times that GB 15322.2 asks for, and recordings in which nothing leaks.

No recording of a real leak at a calibrated detector is known to us, so the events are made up and labelled as such: gas
of a steady concentration reaches a device that reports every second to every half minute (a step), or comes slowly (a
leak of half a %LEL a minute). A step is noticed when the alert comes between 15 and 60 s after the gas: sooner would be
a whiff, later would be late. A slow leak is noticed when it is called before level 1 (25 %LEL) is reached.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from alerting.alert import Kind
from alerting.rules import RuleSet
from anhu.evaluate import nuisance
from anhu.evaluate.replay import Reading, Replay, Spot
from anhu.evaluate.report import Outcome, Quiet, Report

BEGIN_S: Final = 900.0
EARLIEST_S, LATEST_S = 15.0, 60.0
INTERVALS_S: Final = (1.0, 5.0, 10.0, 30.0)
STEPS_LEL: Final = (25.0, 30.0, 50.0, 60.0)
LEAK_LEL_PER_MIN: Final = 0.5
LEVEL_1_LEL: Final = 25.0
NOISE_LEL: Final = 0.15


def evaluate(folder: Path, rules: RuleSet | None = None) -> Report:
    """The report: the standard's tests, and the nuisance recordings in `folder`. Raises RecordingUnreadable."""
    quiet, notes = nuisance.of_kinds(folder, (Kind.GAS, Kind.FIRE), rules)
    outcomes, before = [], 0
    for interval_s in INTERVALS_S:
        for level in STEPS_LEL:
            outcome, early = _step(interval_s, level, rules)
            outcomes.append(outcome)
            before += early
        outcome, early = _leak(interval_s, rules)
        outcomes.append(outcome)
        before += early
    quiet.append(Quiet("clean air (synthetic)", len(outcomes) * BEGIN_S / 3600, before, synthetic=True))
    notes = [
        "the steps and leaks are synthetic: no recording of a real leak at a calibrated detector is known",
        "a step counts as noticed only between 15 and 60 s after the gas reached the device (GB 15322.2)",
        *notes,
    ]
    return Report("gas", outcomes, quiet, notes)


def _step(interval_s: float, level: float, rules: RuleSet | None) -> tuple[Outcome, int]:
    """Gas that comes at once, right after a sample: the worst moment."""
    at_s = np.arange(0.0, BEGIN_S + 300.0, interval_s)
    came_s = BEGIN_S + 1e-3
    values = np.where(at_s >= came_s, level, 0.0) + _noise(len(at_s))
    first_s, early = _first(at_s, np.where(at_s >= came_s, np.maximum(values, level), values), rules)
    delay_s = None if first_s is None else round(first_s - came_s, 3)
    in_time = delay_s is not None and EARLIEST_S <= delay_s <= LATEST_S
    name = f"{level:g} %LEL every {interval_s:g} s"
    return Outcome(name, "step (synthetic)", delay_s if in_time else None), early


def _leak(interval_s: float, rules: RuleSet | None) -> tuple[Outcome, int]:
    """Gas that rises slowly and steadily."""
    until_s = BEGIN_S + 60 * LEVEL_1_LEL / LEAK_LEL_PER_MIN
    at_s = np.arange(0.0, until_s, interval_s)
    values = np.maximum(at_s - BEGIN_S, 0.0) * LEAK_LEL_PER_MIN / 60 + _noise(len(at_s))
    first_s, early = _first(at_s, values, rules)
    delay_s = None if first_s is None else round(first_s - BEGIN_S, 3)
    return Outcome(f"leak every {interval_s:g} s", "slow leak (synthetic)", delay_s), early


def _noise(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(0.0, NOISE_LEL, count)


def _first(at_s: np.ndarray, values: np.ndarray, rules: RuleSet | None) -> tuple[float | None, int]:
    """When the first gas alert came after BEGIN_S, and how many came before."""

    def readings() -> Iterator[Reading]:
        for at, value in zip(at_s.tolist(), values.tolist(), strict=True):
            yield Reading("kitchen", "gas", at, value)

    raised = Replay([Spot("kitchen", ("gas",), "kitchen")], rules).run(readings())
    times = [each.at_s for each in raised if each.kind is Kind.GAS]
    after = [at for at in times if at >= BEGIN_S]
    return (min(after) if after else None), len(times) - len(after)
