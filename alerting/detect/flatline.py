"""Flatline: for how long a sensor has told the very same thing.

    score = seconds since the reading last moved by more than `resolution`

A sensor that is alive has noise; one that hangs repeats itself. What is too long depends on the sensor, so the limit
belongs to the rule. Grace: a first reading starts the clock.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class Flatline:
    """Score in seconds.

    >>> detector, state = Flatline(), Flatline().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second, value in ((0, 20.0), (60, 20.5), (120, 20.5), (3660, 20.5)):
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([value]))
    >>> score
    array([3600.])
    """

    name: Final = "flatline"
    parameters: Final[Mapping[str, Parameter]] = {"resolution": Parameter(0.0, "the quantity's", 0.0, 1e6)}

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - it tells a time
        """Seconds."""
        return "s"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002 - the limit is the rule's
        """A day."""
        return 86_400.0

    def begin(self, count: int) -> Columns:
        """The value that stands, and since when (NEVER = -1 before the first)."""
        return {"value": np.zeros(count), "since_us": np.full(count, -1, np.int64)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """How long each value has stood."""
        moved = (state["since_us"] < 0) | (np.abs(value - state["value"]) > parameters["resolution"])
        state["since_us"] = np.where(moved, at_us, state["since_us"])
        state["value"] = np.where(moved, value, state["value"])
        score: Float64 = (at_us - state["since_us"]) / 1e6
        return score
