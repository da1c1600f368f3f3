"""Anomaly: one calibrated score in [0, 1] a reading, for a quantity of which nothing is known beforehand.

Five looks at the same reading, each a deviation z from its own running mean and spread (Finch 2009, the first readings
counting equally), turned into −log₁₀ of how often a normal distribution deviates as far:

    jump     x − (average of the last 10)            against the last 1,000 readings
    value    x                                       against the last 1,000
    level    average of 12                           against the last 1,000
    shape    average of 12 of asinh(x / scale)       against the last 200 (small values of a heavy-tailed quantity)
    unrest   log of the average of 20 of |jump|      against the last 1,000

Real readings are not normal, so `jump`, `shape` and `value` are divided by their own running average: what a point does
every day is no surprise. The largest of the five, each in units of its own limit, is the evidence e. An anomaly speaks
once: only a reading whose evidence tops what the last ones said, fading over 200 readings, keeps it; the others get 0.
(That anomalies are found by the probability of a deviation, not by its size, is Ahmad et al., "Unsupervised real-time
anomaly detection for streaming data", Neurocomputing 262, 2017.)

Calibration: score = −log₁₀(share of ordinary readings with as much evidence) / 6, by the table `CALIBRATION`, measured
on recordings (the series of the Numenta Anomaly Benchmark outside their labelled windows): one ordinary reading in a
thousand has the evidence of a score of 0.5, one in ten thousand that of 0.67.

Grace: the first `grace` readings score 0.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

SHORT, LEVEL, UNREST = 10.0, 12.0, 20.0  # readings
FADE: Final = float(np.exp(-1 / 200))
OWN_SPAN: Final = 2000.0
OWN_FLOOR: Final = 0.3
SCALE_READINGS: Final = 300.0  # from which the scale of `shape` is learnt; then it stands, or it would hide the change
TIMES_MAX: Final = 30.0
# look: (readings it compares with, whether divided by its own average, its limit)
LOOKS: Final[Mapping[str, tuple[float, bool, float]]] = {
    "jump": (1000.0, True, 13.92),
    "value": (1000.0, True, 13.78),
    "level": (1000.0, False, 5.72),
    "shape": (200.0, True, 4.40),
    "unrest": (1000.0, False, 3.60),
}
CALIBRATION: Final = (  # evidence, and −log₁₀ of the share of ordinary readings with as much
    (0.0, 0.34, 0.77, 1.125, 1.87, 3.3, 4.6, 7.7, 40.0),
    (0.0, 1.0, 2.0, 2.52, 3.0, 3.52, 4.0, 4.52, 6.0),
)
SCALE: Final = 6.0


class Anomaly:
    """Score between 0 and 1.

    >>> detector, state = Anomaly(), Anomaly().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> noise = np.random.default_rng(1).normal(20, 1, 600)
    >>> noise[590] = 40.0
    >>> scores = [detector.score(state, tuned, np.array([nth]), noise[[nth]])[0] for nth in range(600)]
    >>> int(np.argmax(scores)), bool(scores[590] > 0.5), float(scores[591])
    (590, True, 0.0)
    """

    name: Final = "anomaly"
    parameters: Final[Mapping[str, Parameter]] = {"grace": Parameter(100.0, "readings", 32.0, 1e6)}

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - a score, whatever is measured
        """A pure number."""
        return "1"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002 - it counts readings, not seconds
        """A week: how often a point reports is not known here."""
        return 7 * 86_400.0

    def begin(self, count: int) -> Columns:
        """Averages, each look's mean, variance and own average; what spoke last; how many readings."""
        names = ["short", "average", "bent", "unrest", "scale", "told"]
        names += [f"{look}_{what}" for look in LOOKS for what in ("mean", "variance")]
        names += [f"{look}_own" for look, (_, own, _) in LOOKS.items() if own]
        return {**{name: np.zeros(count) for name in names}, "count": np.zeros(count, np.float32)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """How surprising each reading is."""
        evidence = self.evidence(state, value)
        count = state["count"]
        state["told"] = state["told"] * FADE
        tops = (evidence > state["told"]) & (count >= parameters["grace"])
        state["told"] = np.where(tops, evidence, state["told"])
        state["count"] = np.minimum(count + 1, 1e6)
        score: Float64 = np.where(tops, np.interp(evidence, *CALIBRATION) / SCALE, 0.0)
        return score

    def evidence(self, state: Columns, value: Float64) -> Float64:
        """The largest of the looks, in units of its limit; `state` is brought up to date but for its count."""
        count = state["count"].astype(np.float64)
        first = count == 0
        jump = np.where(first, 0.0, value - state["short"])
        _follow(state, "short", value, SHORT, count)
        _follow(state, "average", value, LEVEL, count)
        _follow(state, "scale", np.abs(value), np.where(count < SCALE_READINGS, SCALE_READINGS, np.inf), count)
        _follow(state, "bent", np.arcsinh(value / (state["scale"] + 1e-9)), LEVEL, count)
        _follow(state, "unrest", np.abs(jump), UNREST, count)
        seen = {
            "jump": jump,
            "value": value,
            "level": state["average"],
            "shape": state["bent"],
            "unrest": np.log(state["unrest"] + 1e-6 * state["scale"] + 1e-12),
        }
        evidence = np.zeros(len(value))
        for look, (span, own, limit) in LOOKS.items():
            rarity = _rarity(_deviation(state, look, seen[look], span, count))
            if own:
                told = np.where(count > 30, rarity / (state[f"{look}_own"] + OWN_FLOOR), 0.0)
                _follow(state, f"{look}_own", rarity, OWN_SPAN, count)
                rarity = told
            evidence = np.maximum(evidence, rarity / limit)
        return evidence


def _follow(state: Columns, name: str, value: Float64, span: float | Float64, count: Float64) -> None:
    """Average of about the last `span` readings, all counting equally until there are so many; one over ∞ stands."""
    share = np.where(np.isinf(span), 0.0, np.maximum(1 / (count + 1), 1 / span))
    state[name] = state[name] + share * (value - state[name])


def _deviation(state: Columns, look: str, value: Float64, span: float, count: Float64) -> Float64:
    """Of each value from the mean before it, in standard deviations; a first departure from what never moved is 10."""
    mean, variance = state[f"{look}_mean"], state[f"{look}_variance"]
    first = count == 0
    off = np.where(first, 0.0, value - mean)
    moved = np.abs(off) > 1e-9 * (1 + np.abs(mean))
    still = variance <= 0
    spread = np.sqrt(variance + 1e-12 * (1 + mean**2))
    times: Float64 = np.where(still, np.where(moved, 10.0, 0.0), off / spread)
    share = np.maximum(1 / (count + 2), 1 / span)
    state[f"{look}_mean"] = np.where(first, value, mean + share * off)
    state[f"{look}_variance"] = (1 - share) * (variance + share * off**2)
    return times


def _rarity(times: Float64) -> Float64:
    """−log₁₀ of the upper tail of the normal distribution from |times| on: φ(z)·2/(z + √(z² + 8/π)), within 1 %."""
    z = np.minimum(np.abs(times), TIMES_MAX)
    rarity: Float64 = (z**2 / 2 + np.log(np.sqrt(np.pi / 2) * (z + np.sqrt(z**2 + 8 / np.pi)))) / np.log(10)
    return rarity
