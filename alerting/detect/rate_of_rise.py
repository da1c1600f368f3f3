"""Rate of rise: how fast a reading climbs, per minute, from samples at any spacing.

The slope is the difference of two exponential averages, one quick and one slow, over the difference of their time
constants: on a steady ramp each average lags by its own constant, so the quotient is the ramp's slope, while noise of a
single sample is damped by both. The averages are those of Zumbach & Müller, "Operators on Inhomogeneous Time Series"
(2001), eq. for linear interpolation, which stay exact however unevenly the samples come:

    μ = exp(−Δt/τ),  ν = (1 − μ)·τ/Δt,  ema ← μ·ema + (ν − μ)·previous + (1 − ν)·value

worked out as how far the average lies below the sample, which loses no digits:
μ·(value − ema) + (ν − μ)·(value − previous).

Grace: a watch that has seen one sample scores 0 and the estimate grows to its full size over some `slow_s`, so a point
that joins at any level raises nothing by joining.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class RateOfRise:
    """Score in the quantity's unit per minute, positive when rising.

    >>> detector, state = RateOfRise(), RateOfRise().begin(1)
    >>> tau = {"fast_s": np.array([15.0]), "slow_s": np.array([60.0])}
    >>> for second in range(0, 601, 10):  # 12 °C a minute
    ...     score = detector.score(state, tau, np.array([second * 1_000_000]), np.array([20 + second * 0.2]))
    >>> score.round(2)
    array([12.])
    """

    name: Final = "rate_of_rise"
    parameters: Final[Mapping[str, Parameter]] = {
        "fast_s": Parameter(15.0, "s", 0.1, 3600.0),
        "slow_s": Parameter(60.0, "s", 0.2, 86_400.0),
    }

    def unit(self, quantity_unit: str) -> str:
        """Per minute."""
        return f"{quantity_unit}/min"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """After four time constants less than 2 % is left of where the slow average stood."""
        return 4 * parameters["slow_s"]

    def begin(self, count: int) -> Columns:
        """Two averages, and the last sample (its time NEVER = -1 before the first)."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "value": np.zeros(count, np.float32),
            "fast": np.zeros(count, np.float32),
            "slow": np.zeros(count, np.float32),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The slopes after these samples."""
        first = state["at_us"] < 0
        elapsed_s = np.where(first, 1.0, (at_us - state["at_us"]) * 1e-6)
        climbed = np.where(first, 0.0, value - state["value"])
        below = {}
        for name in ("fast", "slow"):
            ratio = elapsed_s / parameters[f"{name}_s"]
            fading = np.expm1(-ratio)
            mu, nu = fading + 1.0, -fading / ratio
            below[name] = mu * np.where(first, 0.0, value - state[name]) + (nu - mu) * climbed
            state[name] = value - below[name]
        state["at_us"], state["value"] = at_us, value
        slope: Float64 = (below["slow"] - below["fast"]) * (60 / (parameters["slow_s"] - parameters["fast_s"]))
        return slope
