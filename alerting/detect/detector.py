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
    """Scores readings. State is a fixed set of columns, one row a watch (a point under a rule); no row ever grows.

    A detector decides nothing: rules hold the setpoint, and alerting/latch.py the delays. It is pure, treats every row
    by itself, and answers with a finite score for whatever finite values come at whatever rising times. Values that are
    not finite, or marked as out of a sensor's range, never reach it. It states in its module's docstring the formula,
    its source, and its grace period: from when on a fresh row may score high. tests/unit/test_detectors.py holds what
    every detector must pass; being registered in DETECTORS is enough to be tested there.

    A detector that knows better than its latest sample since when what it looks for has been so keeps that in a column
    `onset_us` (µs since 1970): the rule's on-delay is counted from there.
    """

    @property
    def name(self) -> str:
        """What a rule calls it by."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What a rule may set."""

    def unit(self, quantity_unit: str) -> str:
        """The unit of the score, for a quantity in `quantity_unit`."""

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """How far back the readings matter, in seconds: after a start so much of the past is judged once more. For an
        exponential average some three to five of its time constants; 0 for a detector that remembers nothing."""

    def begin(self, count: int) -> Columns:
        """State of `count` watches that have seen nothing."""

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """Scores of one reading a watch, each later than the one before of its watch; `state` is brought up to date.

        All arrays have one row a watch; times in µs since 1970, values in the quantity's unit and finite. `state` holds
        copies of the columns `begin` made: assign new arrays to its names, in the columns' types or cast to them. The
        arrays of `parameters` may be of length 1 where all rows share them.
        """
