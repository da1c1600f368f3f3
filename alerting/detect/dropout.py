"""Dropout: how many readings are missing before this one.

    score = max(0, Δt / T − 1),  T the usual interval, an average in which one gap counts as no more than `HELD_TIMES` T

It tells, when a point speaks again, what was lost: a radio at the edge of its range loses readings long before it falls
silent (silence itself is judged by alerting/supervise.py). Grace: the first `grace` intervals score 0.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

HELD_TIMES: Final = 3.0


class Dropout:
    """Score in readings.

    >>> detector, state = Dropout(), Dropout().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second in [*range(0, 1200, 60), 1440]:  # after 19 minutes, four minutes of nothing
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([20.0]))
    >>> score
    array([4.])
    """

    name: Final = "dropout"
    parameters: Final[Mapping[str, Parameter]] = {
        "span": Parameter(100.0, "readings", 2.0, 1e6),
        "grace": Parameter(10.0, "readings", 1.0, 1e5),
    }

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - it counts readings
        """Readings."""
        return "1"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002 - it counts readings, not seconds
        """A day: how often a point reports is what it learns."""
        return 86_400.0

    def begin(self, count: int) -> Columns:
        """The last reading's time (NEVER = -1 before the first), the usual interval, how many intervals."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "interval_s": np.zeros(count),
            "count": np.zeros(count, np.float32),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """How many readings would have had their place since the one before."""
        first = state["at_us"] < 0
        count = state["count"].astype(np.float64)
        elapsed_s = np.where(first, 0.0, (at_us - state["at_us"]) / 1e6)
        usual_s = np.where(count == 0, elapsed_s, state["interval_s"])
        missing = np.maximum(elapsed_s / np.maximum(usual_s, 1e-6) - 1, 0.0)
        score: Float64 = np.where(count < parameters["grace"], 0.0, missing)
        share = np.maximum(1 / (count + 1), 1 / parameters["span"])
        held_s = np.minimum(elapsed_s, HELD_TIMES * usual_s)
        state["interval_s"] = np.where(first, 0.0, usual_s + share * (held_s - usual_s))
        state["count"] = np.where(first, 0.0, np.minimum(count + 1, 1e6))
        state["at_us"] = at_us
        return score
