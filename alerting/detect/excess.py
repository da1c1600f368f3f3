"""Excess: how far a reading stands above its own drift-compensated baseline.

    e = x − b,   then   b ← b + a·(x − b),   a = max(1 − exp(−Δt/τ), 1/n)

b is an exponential average with the time constant τ = `baseline_s`; 1/n lets it begin as the plain mean of the first
samples. Compensation for slow drift is what EN 54-7 asks of a smoke detector that wants to keep its sensitivity while
it gets dirty; the exponential weights are those of Brown, "Smoothing, Forecasting and Prediction" (1963).

A jump of more than `jump_max` from one sample to the next is not believed at once: a sensor that starts says 85 °C
once, a broken contact says anything once. The sample after it is believed whatever it says; until then the score stays
what it was.

Grace: the first sample is the baseline, so a point that joins at any level scores 0.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class Excess:
    """Score in the quantity's unit, above the baseline.

    >>> detector, state = Excess(), Excess().begin(1)
    >>> tuned = {"baseline_s": np.array([120.0]), "jump_max": np.array([20.0])}
    >>> for second, celsius in ((0, 20.0), (1, 20.0), (2, 85.0), (3, 20.0), (4, 26.0)):
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([celsius]))
    ...     print(second, score.round(1))
    0 [0.]
    1 [0.]
    2 [0.]
    3 [0.]
    4 [6.]
    """

    name: Final = "excess"
    parameters: Final[Mapping[str, Parameter]] = {
        "baseline_s": Parameter(120.0, "s", 1.0, 86_400.0),
        "jump_max": Parameter(1e9, "the quantity's", 0.0, 1e9),
    }

    def unit(self, quantity_unit: str) -> str:
        """The quantity's own."""
        return quantity_unit

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """After three time constants 5 % is left of where the baseline stood."""
        return 3 * parameters["baseline_s"]

    def begin(self, count: int) -> Columns:
        """The baseline, the latest sample (its time NEVER = -1 before the first), and how many have been averaged."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "value": np.zeros(count, np.float32),
            "baseline": np.zeros(count, np.float32),
            "score": np.zeros(count, np.float32),
            "doubted": np.zeros(count, np.bool_),
            "count": np.zeros(count, np.uint16),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """How far above the baseline these samples stand."""
        first = state["at_us"] < 0
        elapsed_s = (at_us - state["at_us"]) * 1e-6
        count = np.minimum(state["count"], 65_534) + np.float32(1.0)
        share = np.maximum(-np.expm1(elapsed_s / -parameters["baseline_s"]), 1.0 / count)
        baseline = np.where(first, value, state["baseline"])
        above = value - baseline
        believed = (np.abs(value - state["value"]) <= parameters["jump_max"]) | state["doubted"] | first
        score: Float64 = np.where(believed, above, state["score"])
        state["baseline"] = np.where(believed, baseline + share * above, baseline)
        state["at_us"], state["value"], state["score"], state["count"] = at_us, value, score, count
        state["doubted"] = ~believed
        return score
