"""Heat: the static response of EN 54-5, for a channel that may have been hot before.

A detector of a class is meant for a highest ambient temperature, and responds within a span of static temperatures, in
°C:

    class   ambient typical / highest   responds between
    A1      25 / 50                     54 and 65
    A2      25 / 50                     54 and 70
    B       40 / 65                     69 and 85
    C       55 / 80                     84 and 100

A channel whose own slow baseline b (an exponential average, τ = `baseline_s`) stands above the highest ambient of its
class is misplaced, broken, or still hot from something long past. What it stands above it is taken off, but never more
than `compensation_max`: a real fire goes through any baseline.

    score = x − min(max(0, b − ambient_max), compensation_max)

Grace: none in an ordinary room. In a channel that is hot when it is first seen the first sample is its baseline.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class Heat:
    """Score in °C, as the channel would read had it not been hot before.

    >>> detector, state = Heat(), Heat().begin(2)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second, celsius in ((0, [22.0, 58.0]), (600, [22.0, 58.0]), (601, [62.0, 62.0])):
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000] * 2), np.array(celsius))
    >>> score.round(1)
    array([62., 54.])
    """

    name: Final = "heat"
    parameters: Final[Mapping[str, Parameter]] = {
        "ambient_max": Parameter(50.0, "Cel", 0.0, 200.0),
        "baseline_s": Parameter(1800.0, "s", 1.0, 86_400.0),
        "compensation_max": Parameter(15.0, "K", 0.0, 100.0),
    }

    def unit(self, quantity_unit: str) -> str:
        """The quantity's own."""
        return quantity_unit

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002
        """Nothing that the first sample after a start would not tell: a channel that was hot before still is."""
        return 0.0

    def begin(self, count: int) -> Columns:
        """The baseline, and when the latest sample came (NEVER = -1 before the first)."""
        return {"at_us": np.full(count, -1, np.int64), "baseline": np.zeros(count, np.float32)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The compensated temperatures."""
        baseline = np.where(state["at_us"] < 0, value, state["baseline"])
        hot = np.clip(baseline - parameters["ambient_max"], 0.0, parameters["compensation_max"])
        share = -np.expm1((state["at_us"] - at_us) * 1e-6 / parameters["baseline_s"])
        state["baseline"] = baseline + share * (value - baseline)
        state["at_us"] = at_us
        compensated: Float64 = value - hot
        return compensated
