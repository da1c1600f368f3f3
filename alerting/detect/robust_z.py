"""Robust z: how far a reading lies from the median, in median absolute deviations.

    score = 0.6745·|x − M| / D;  M ← M + c·D·sgn(x − M),  D ← D·exp(c·sgn(|x − M| − D))

Iglewicz & Hoaglin, "How to Detect and Handle Outliers" (1993), who call 3.5 an outlier; 0.6745 makes the score a normal
distribution's standard deviations. Median M and deviation D are followed by steps of one size (the stochastic
approximation of Robbins & Monro, 1951, to a median), so half of the readings may be wild and both still hold.

Grace: the first `grace` readings score 0; they move M and D in larger steps.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

NORMAL: Final = 0.6745  # median absolute deviation of a normal distribution, in its standard deviations
SPREAD_MAX: Final = 1e30


class RobustZ:
    """Score in (robust) standard deviations.

    >>> detector, state = RobustZ(), RobustZ().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> noise = np.random.default_rng(1).normal(20, 1, 3000)
    >>> noise[::5] = 500.0  # every fifth reading is wild
    >>> scores = [detector.score(state, tuned, np.array([nth]), noise[[nth]])[0] for nth in range(3000)]
    >>> bool(np.median(scores[1000:]) < 1 < 100 < scores[2000])
    True
    """

    name: Final = "robust_z"
    parameters: Final[Mapping[str, Parameter]] = {
        "step": Parameter(0.02, "1", 1e-4, 0.5),
        "noise_min": Parameter(0.1, "the quantity's", 1e-9, 1e9),
        "grace": Parameter(30.0, "readings", 1.0, 1e5),
    }

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - counted in standard deviations, whatever is measured
        """Standard deviations."""
        return "σ"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002 - it counts readings, not seconds
        """A day: how often a point reports is not known here."""
        return 86_400.0

    def begin(self, count: int) -> Columns:
        """Median, deviation, and how many readings."""
        return {"median": np.zeros(count), "deviation": np.zeros(count), "count": np.zeros(count, np.float32)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """Distances from the medians before these readings."""
        count = state["count"].astype(np.float64)
        first = count == 0
        deviation_min = parameters["noise_min"] * NORMAL
        median = np.where(first, value, state["median"])
        deviation = np.clip(np.where(first, 0.0, state["deviation"]), deviation_min, SPREAD_MAX)
        off = value - median
        score: Float64 = np.where(count < parameters["grace"], 0.0, NORMAL * np.abs(off) / deviation)
        step = np.maximum(1 / (count + 2), parameters["step"])
        # A level that was left for good is followed by ever larger steps: the deviation grows until it is reached.
        state["median"] = median + step * deviation * np.sign(off)
        state["deviation"] = deviation * np.exp(step * np.sign(np.abs(off) - deviation))
        state["count"] = np.minimum(count + 1, 1e6)
        return score
