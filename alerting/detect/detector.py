"""What every detector looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A tunable of a detector: what a rule that leaves it out gets, its unit, and what makes sense."""

    default: float
    unit: str
    low: float
    high: float


class Detector(Protocol):
    """Scores readings. State is a fixed set of columns, one row a watch (a point under a rule); no row ever grows."""

    @property
    def name(self) -> str:
        """What a rule calls it by."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What a rule may set."""

    def unit(self, quantity_unit: str) -> str:
        """The unit of the score, for a quantity in `quantity_unit`."""

    def begin(self, count: int) -> Columns:
        """State of `count` watches that have seen nothing."""

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """Scores of one reading a watch, each later than the one before of its watch; `state` is brought up to date.

        All arrays have one row a watch; times in µs since 1970, values in the quantity's unit and finite.
        """
