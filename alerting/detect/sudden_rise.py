"""Sudden rise: how much faster a reading climbs than it does by itself.

The slope is that of alerting/detect/rate_of_rise.py. Short time constants see a rise sooner, and every draught as well;
so several standard deviations of the point's own slope are taken off, and each channel is listened to as closely as
its own life allows: a room whose heater comes and goes is believed later than one in which nothing moves.

    score = slope − `noise_times` · 1.25 · max(m, noise_min)
    m ← m + a·(min(|slope|, 4·max(m, noise_min)) − m),  a = max(1 − exp(−Δt/noise_s), 1/n)

m is the slope's mean absolute value, and 1.25·m the standard deviation if that is normal; limits at a multiple of
it are Shewhart's (Montgomery, "Statistical Quality Control"). One slope adds no more than four times what was known, or
a fire would excuse itself.

Grace: `noise_samples` samples, in which the noise is learnt.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter
from alerting.detect.rate_of_rise import RateOfRise

DEVIATION: Final = 1.2533  # sqrt(π/2): standard deviation over mean absolute deviation, of a normal distribution
LEARNING_S: Final = 900.0  # thirty samples of a device that reports twice a minute

_SLOPE: Final = RateOfRise()


class SuddenRise:
    """Score in the quantity's unit per minute, positive when rising faster than usual.

    >>> detector, state = SuddenRise(), SuddenRise().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second in range(0, 120):  # a minute and a half of quiet, then 6 °C a minute
    ...     celsius = 20 + 0.1 * max(0, second - 90)
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([celsius]))
    >>> score.round(1)
    array([5.])
    """

    name: Final = "sudden_rise"
    parameters: Final[Mapping[str, Parameter]] = {
        "fast_s": Parameter(2.0, "s", 0.1, 3600.0),
        "slow_s": Parameter(6.0, "s", 0.2, 86_400.0),
        "noise_times": Parameter(3.0, "standard deviations", 0.0, 10.0),
        "noise_min": Parameter(0.25, "the quantity's per min", 0.0, 1e6),
        "noise_s": Parameter(1800.0, "s", 1.0, 86_400.0),
        "noise_samples": Parameter(30.0, "samples", 1.0, 10_000.0),
    }

    def unit(self, quantity_unit: str) -> str:
        """Per minute."""
        return _SLOPE.unit(quantity_unit)

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """That of the slope, and a quarter of an hour in which the noise is learnt anew."""
        return max(_SLOPE.memory_s(parameters), LEARNING_S)

    def begin(self, count: int) -> Columns:
        """The slope's state, its noise, and from how many samples that is known."""
        return {**_SLOPE.begin(count), "noise": np.zeros(count, np.float32), "count": np.zeros(count, np.uint16)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The slopes after these samples, less what is usual."""
        elapsed_s = np.where(state["at_us"] < 0, 0.0, (at_us - state["at_us"]) * 1e-6)
        slope = _SLOPE.score(state, parameters, at_us, value)
        count = np.minimum(state["count"], 65_534) + np.float32(1.0)
        usual = np.maximum(state["noise"], parameters["noise_min"])
        share = np.maximum(-np.expm1(elapsed_s / -parameters["noise_s"]), 1.0 / count)
        state["noise"] = state["noise"] + share * (np.minimum(np.abs(slope), 4 * usual) - state["noise"])
        state["count"] = count
        score: Float64 = slope - parameters["noise_times"] * DEVIATION * usual
        return np.where(count > parameters["noise_samples"], score, 0.0)
