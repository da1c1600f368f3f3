"""EWMA control chart: whether the average of late has left where the readings usually are.

    a ← a + λ(x − a),  score = |a − m| / (s·√(λ / (2 − λ)))

Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959): a's own standard deviation is
that of a reading times the root, so the score is in standard deviations of a. Mean m and spread s are learnt
(alerting/detect/moments.py). Good at small lasting shifts, for which one reading proves nothing.

Grace: the first `grace` readings score 0.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect import moments
from alerting.detect.detector import Columns, Float64, Parameter


class Ewma:
    """Score in standard deviations of the average.

    >>> detector, state = Ewma(), Ewma().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for nth in range(220):
    ...     value = 20 + (-1) ** nth + (2 if nth >= 200 else 0)  # two spreads higher at the end
    ...     score = detector.score(state, tuned, np.array([nth * 60_000_000]), np.array([float(value)]))
    >>> bool(score[0] > 3)
    True
    """

    name: Final = "ewma"
    parameters: Final[Mapping[str, Parameter]] = {
        "weight": Parameter(0.2, "1", 0.001, 1.0),
        "span": Parameter(1000.0, "readings", 2.0, 1e6),
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
        """The average, and the moments."""
        return {"average": np.zeros(count), **moments.begin(count)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """How far the average stands from the mean."""
        count = state["count"]
        weight, noise_min = parameters["weight"], parameters["noise_min"]
        average = np.where(count == 0, value, state["average"] + weight * (value - state["average"]))
        noise = np.maximum(state["spread"], noise_min) * np.sqrt(weight / (2 - weight))
        score: Float64 = np.where(count < parameters["grace"], 0.0, np.abs(average - state["mean"]) / noise)
        moments.learn(state, value, parameters["span"], noise_min)
        state["average"] = average
        return score
