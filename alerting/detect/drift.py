"""Drift: how fast the level wanders over days, as an ageing sensor's zero does.

    score = |q − s| / (τ_s − τ_q), per day;  q and s exponential averages over `quick_h` and `slow_h`

The same quotient as rate_of_rise (Zumbach & Müller, "Operators on Inhomogeneous Time Series", 2001), days instead of
minutes, so that neither a fire nor the daily round matters. A silence longer than `quick_h` counts as `quick_h`.

Grace: until `slow_h` have passed since the first reading the score is 0, for it would tell of one day and not of days.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

DAY_H: Final = 24.0


class Drift:
    """Score in the quantity's unit per day.

    >>> detector, state = Drift(), Drift().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for hour in range(24 * 60):  # half a unit a day
    ...     score = detector.score(state, tuned, np.array([hour * 3_600_000_000]), np.array([hour / 48]))
    >>> score.round(2)
    array([0.5])
    """

    name: Final = "drift"
    parameters: Final[Mapping[str, Parameter]] = {
        "quick_h": Parameter(24.0, "h", 0.1, 1000.0),
        "slow_h": Parameter(168.0, "h", 0.2, 10_000.0),
    }

    def unit(self, quantity_unit: str) -> str:
        """Per day."""
        return f"{quantity_unit}/d"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """As long as the grace, but a week at most: what is older changes little."""
        return min(parameters["slow_h"], 168.0) * 3600

    def begin(self, count: int) -> Columns:
        """Two averages, and for how long there were readings; the last one's time (NEVER = -1 before the first)."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "quick": np.zeros(count),
            "slow": np.zeros(count),
            "known_h": np.zeros(count),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The slopes after these readings."""
        first = state["at_us"] < 0
        quick_h, slow_h = parameters["quick_h"], parameters["slow_h"]
        elapsed_h = np.where(first, 0.0, np.minimum((at_us - state["at_us"]) / 3.6e9, quick_h))
        for name, time_h in (("quick", quick_h), ("slow", slow_h)):
            average = np.where(first, value, state[name])
            state[name] = average - np.expm1(-elapsed_h / time_h) * (value - average)
        known_h = state["known_h"] + elapsed_h
        state["known_h"], state["at_us"] = known_h, at_us
        slope = np.abs(state["quick"] - state["slow"]) / np.maximum(slow_h - quick_h, 1e-3) * DAY_H
        score: Float64 = np.where(known_h < slow_h, 0.0, slope)
        return score
