"""Setpoint: the reading itself is the score.

The oldest detector there is (EN 54-5 static response, GB 4715 response threshold). It keeps no state, needs no grace
period and has no parameters; the limit, its delay and its deadband belong to the rule (alerting/latch.py).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class Setpoint:
    """Score = value, in the quantity's unit.

    >>> Setpoint().score({}, {}, np.array([0]), np.array([0.31]))
    array([0.31])
    """

    name: Final = "setpoint"
    parameters: Final[Mapping[str, Parameter]] = {}

    def unit(self, quantity_unit: str) -> str:
        """The quantity's own."""
        return quantity_unit

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002
        """Nothing."""
        return 0.0

    def begin(self, count: int) -> Columns:  # noqa: ARG002 - nothing to remember
        """No columns."""
        return {}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """The values as they are."""
        return value
