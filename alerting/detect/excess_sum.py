"""Excess sum: how much has come together above a drift-compensated baseline, a one-sided CUSUM in physical units.

    e = x − b
    S ← min(max(0, S + min((e − s)·Δt, step_max)), sum_max)
    s = max(`slack`, `noise_times` · 1.25 · m),  m ← m + a·(min(|e|, 4·max(m, slack)) − m),  b ← b + a·e

after Page, "Continuous Inspection Schemes", Biometrika 41 (1954). Something weak that stays adds up as something
strong that is short does: 0.05 dB/m for 12 s is noticed as 0.125 dB/m is in two samples. `slack` is half of the
smallest rise that matters, as is usual (Montgomery, "Statistical Quality Control"); where the sensor itself is noisier
than that (m is its mean absolute deviation, and 1.25·m a standard deviation) its own noise takes the slack's place.
`step_max` bounds what one sample can add, so that one hair or insect is never enough, however seldom a device reports;
`sum_max` bounds the sum, so that it is soon gone when the cause is.

Grace: nothing is summed before `grace_s` have passed since the first sample, in which baseline and noise are learnt.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

DEVIATION: Final = 1.2533  # sqrt(π/2): standard deviation over mean absolute deviation, of a normal distribution


class ExcessSum:
    """Score in the quantity's unit times seconds.

    >>> detector, state = ExcessSum(), ExcessSum().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second in range(0, 314, 2):
    ...     smoke = 0.01 if second < 300 else 0.07
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([smoke]))
    >>> score.round(2)
    array([0.47])
    """

    name: Final = "excess_sum"
    parameters: Final[Mapping[str, Parameter]] = {
        "baseline_s": Parameter(1800.0, "s", 1.0, 86_400.0),
        "grace_s": Parameter(120.0, "s", 0.0, 86_400.0),
        "slack": Parameter(0.025, "the quantity's", 0.0, 1e6),
        "noise_times": Parameter(1.5, "standard deviations", 0.0, 10.0),
        "step_max": Parameter(0.2, "the quantity's × s", 0.0, 1e9),
        "sum_max": Parameter(0.6, "the quantity's × s", 0.0, 1e9),
    }

    def unit(self, quantity_unit: str) -> str:
        """The quantity's own, times seconds."""
        return f"{quantity_unit}·s"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """The grace period; a baseline that begins anew begins where the readings stand, which they do not leave by
        drift in so short a time."""
        return parameters["grace_s"]

    def begin(self, count: int) -> Columns:
        """Sum, baseline and noise, when the first and the latest sample came (NEVER = -1 before)."""
        return {
            "first_us": np.full(count, -1, np.int64),
            "at_us": np.full(count, -1, np.int64),
            "baseline": np.zeros(count, np.float32),
            "noise": np.zeros(count, np.float32),
            "sum": np.zeros(count, np.float32),
            "count": np.zeros(count, np.uint16),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The sums after these samples."""
        first = state["at_us"] < 0
        elapsed_s = np.where(first, 0.0, (at_us - state["at_us"]) * 1e-6)
        count = np.minimum(state["count"], 65_534) + np.float32(1.0)
        share = np.maximum(-np.expm1(elapsed_s / -parameters["baseline_s"]), 1.0 / count)
        baseline = np.where(first, value, state["baseline"])
        above = value - baseline
        noise, slack = state["noise"], parameters["slack"]
        allowed = np.maximum(slack, parameters["noise_times"] * DEVIATION * noise)
        step = np.minimum((above - allowed) * elapsed_s, parameters["step_max"])
        begun_us = np.where(first, at_us, state["first_us"])
        learnt = (at_us - begun_us) * 1e-6 >= parameters["grace_s"]
        total: Float64 = np.where(learnt, np.clip(state["sum"] + step, 0.0, parameters["sum_max"]), 0.0)
        deviation = np.minimum(np.abs(above), 4 * np.maximum(noise, slack))
        state["baseline"] = baseline + share * above
        state["noise"] = noise + share * (deviation - noise)
        state["first_us"], state["at_us"], state["sum"], state["count"] = begun_us, at_us, total, count
        return total
