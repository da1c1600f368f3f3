"""Rate of rise: how fast a reading climbs, per minute, from samples at any spacing.

The slope is the difference of two exponential averages, one quick and one slow, over the difference of their time
constants: on a steady ramp each average lags by its own constant, so the quotient is the ramp's slope, while noise of a
single sample is damped by both. The averages are those of Zumbach & Müller, "Operators on Inhomogeneous Time Series"
(2001), eq. for linear interpolation, which stay exact however unevenly the samples come:

    μ = exp(−Δt/τ),  ν = (1 − μ)·τ/Δt,  ema ← μ·ema + (ν − μ)·previous + (1 − ν)·value

Short time constants see a rise sooner and see every draught as well. Where `noise_times` is not 0, so many standard
deviations of the point's own slope are taken off, so that each channel is listened to as closely as its own life
allows: a room with a heater that comes and goes is believed later than one in which nothing moves.

    score = slope − noise_times · 1.25 · max(m, noise_min),  m ← m + a·(min(|slope|, 4·max(m, noise_min)) − m)

m is the slope's mean absolute value (1.25·m a standard deviation, if normal) and a = max(1 − exp(−Δt/noise_s), 1/n); one
slope adds no more than four times what was known, or a fire would excuse itself.

Grace: a watch that has seen one sample scores 0 and the estimate grows to its full size over some `slow_s`, so a point
that joins at any level raises nothing by joining. Where its noise is taken off it scores 0 for `noise_samples`.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

DEVIATION: Final = 1.2533  # sqrt(π/2): standard deviation over mean absolute deviation, of a normal distribution
NOISE_MEMORY_S: Final = 600.0


class RateOfRise:
    """Score in the quantity's unit per minute, positive when rising.

    >>> detector, state = RateOfRise(), RateOfRise().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second in range(0, 601, 10):  # 12 °C a minute
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([20 + second * 0.2]))
    >>> score.round(2)
    array([12.])
    """

    name: Final = "rate_of_rise"
    parameters: Final[Mapping[str, Parameter]] = {
        "fast_s": Parameter(15.0, "s", 0.1, 3600.0),
        "slow_s": Parameter(60.0, "s", 0.2, 86_400.0),
        "noise_times": Parameter(0.0, "standard deviations", 0.0, 10.0),
        "noise_min": Parameter(0.25, "the quantity's per min", 0.0, 1e6),
        "noise_s": Parameter(1800.0, "s", 1.0, 86_400.0),
        "noise_samples": Parameter(30.0, "samples", 1.0, 10_000.0),
    }

    def unit(self, quantity_unit: str) -> str:
        """Per minute."""
        return f"{quantity_unit}/min"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """After four time constants less than 2 % is left of where the slow average stood; of the noise ten minutes
        tell enough."""
        return max(4 * parameters["slow_s"], NOISE_MEMORY_S if parameters["noise_times"] > 0 else 0.0)

    def begin(self, count: int) -> Columns:
        """Two averages, the last sample (its time NEVER = -1 before the first), the slope's noise and of how many."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "value": np.zeros(count),
            "fast": np.zeros(count),
            "slow": np.zeros(count),
            "noise": np.zeros(count, np.float32),
            "count": np.zeros(count, np.uint16),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The slopes after these samples, less the noise where that is asked for."""
        first = state["at_us"] < 0
        elapsed_s = np.where(first, 1.0, (at_us - state["at_us"]) / 1e6)
        previous = np.where(first, value, state["value"])
        for name in ("fast", "slow"):
            average = np.where(first, value, state[name])
            ratio = elapsed_s / parameters[f"{name}_s"]
            mu = np.exp(-ratio)
            nu = -np.expm1(-ratio) / ratio
            state[name] = mu * average + (nu - mu) * previous + (1 - nu) * value
        state["at_us"], state["value"] = at_us, value
        slope: Float64 = (state["fast"] - state["slow"]) / (parameters["slow_s"] - parameters["fast_s"]) * 60
        times = parameters["noise_times"]
        if not times.any():
            return slope
        count = np.minimum(state["count"], 65_534) + np.float32(1.0)
        noise = np.maximum(state["noise"], parameters["noise_min"])
        score: Float64 = slope - times * DEVIATION * noise
        share = np.maximum(-np.expm1(elapsed_s / -parameters["noise_s"]), 1.0 / count)
        state["noise"] = state["noise"] + share * (np.minimum(np.abs(slope), 4 * noise) - state["noise"])
        state["count"] = count
        return np.where((times > 0) & (count <= parameters["noise_samples"]), 0.0, score)
