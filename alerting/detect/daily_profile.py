"""Time of day: how far a reading lies from what is usual at this hour.

    usual(t) = c₀ + Σ_{h=1..3} (a_h cos hωt + b_h sin hωt), ω = 2π a day;  c ← c + g·e·φ(t)/4;  score = |e| / s

A day's course as three harmonics whose seven coefficients are followed by normalised least mean squares (Widrow & Hoff,
1960): small enough to keep for every point, and smooth where a table of hours has steps. e is what the course leaves
unexplained, s its running spread; a wild reading teaches no more than four spreads of it.

Grace: the first `grace_h` hours score 0, so that every hour of the day has been seen; a silence counts as an hour.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect import moments
from alerting.detect.detector import Columns, Float64, Parameter

DAY_US: Final = 86_400_000_000
HARMONICS: Final = 3
TERMS: Final = tuple(f"{kind}{number}" for number in range(1, HARMONICS + 1) for kind in ("cos", "sin"))


class DailyProfile:
    """Score in standard deviations of what the course of the day leaves unexplained.

    >>> detector, state = DailyProfile(), DailyProfile().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> def judge(hour: int, value: float) -> float:
    ...     return float(detector.score(state, tuned, np.array([hour * 3_600_000_000]), np.array([value]))[0])
    >>> usual = [20 + 5 * np.cos(np.pi * hour / 12) for hour in range(24 * 30)]
    >>> scores = [judge(hour, value) for hour, value in enumerate(usual)]
    >>> max(scores[-24:]) < 1 < 3 < judge(24 * 30 + 12, 25.0)  # as warm at noon as it is at midnight
    True
    """

    name: Final = "daily_profile"
    parameters: Final[Mapping[str, Parameter]] = {
        "gain": Parameter(0.1, "1", 1e-4, 1.0),
        "span": Parameter(500.0, "readings", 2.0, 1e6),
        "noise_min": Parameter(0.1, "the quantity's", 1e-9, 1e9),
        "grace_h": Parameter(72.0, "h", 0.0, 1000.0),
    }

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - counted in standard deviations, whatever is measured
        """Standard deviations."""
        return "σ"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """Twice the grace period, a week at most."""
        return min(2 * parameters["grace_h"], 168.0) * 3600

    def begin(self, count: int) -> Columns:
        """The coefficients, for how long there were readings, and the moments of what is left."""
        terms = {name: np.zeros(count) for name in ("level", *TERMS)}
        return {**terms, "at_us": np.full(count, -1, np.int64), "known_h": np.zeros(count), **moments.begin(count)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """How far from the usual course."""
        first = state["at_us"] < 0
        level = np.where(first, value, state["level"])
        phase = 2 * np.pi * (at_us % DAY_US) / DAY_US
        terms = [wave(number * phase) for number in range(1, HARMONICS + 1) for wave in (np.cos, np.sin)]
        usual = level + sum(state[name] * term for name, term in zip(TERMS, terms, strict=True))
        error = value - usual
        limit = moments.HELD_TIMES * np.maximum(state["spread"], parameters["noise_min"])
        times = np.abs(moments.learn(state, error, parameters["span"], parameters["noise_min"]))
        # While the course is being learnt everything teaches in full; later a wild reading teaches little.
        known_h = state["known_h"] + np.where(first, 0.0, np.minimum((at_us - state["at_us"]) / 3.6e9, 1.0))
        learnt = known_h >= parameters["grace_h"]
        taught = np.where(learnt, np.clip(error, -limit, limit), error) * parameters["gain"]
        state["level"] = level + taught / (HARMONICS + 1)
        for name, term in zip(TERMS, terms, strict=True):
            state[name] = state[name] + taught * term / (HARMONICS + 1)
        state["known_h"], state["at_us"] = known_h, at_us
        score: Float64 = np.where(learnt, times, 0.0)
        return score
