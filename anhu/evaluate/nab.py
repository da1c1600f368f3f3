"""The Numenta Anomaly Benchmark's score, from its definition (Lavin & Ahmad, "Evaluating real-time anomaly detection
algorithms", ICMLA 2015), standard profile.

A window (a labelled stretch) earns for the earliest reading in it that reaches the threshold, σ(y)/σ(−1) with σ(y) =
2/(1 + e^{5y}) − 1 and y from −1 at its beginning to almost 0 at its end; a window in which none does costs 1. Every
reading outside that reaches the threshold costs 0.11, less only shortly after a window: 0.11·σ(y), y the distance past
its end in widths, −1 from three widths on. The first 15 % of a series (at most 750 readings) are probation: nothing
counts. What comes together is set on a scale where nothing raised is 0 and every window at its beginning is 100.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

FALSE_ALARM_COST: Final = 0.11
MISS_COST: Final = 1.0
PROBATION: Final = 0.15
PROBATION_READINGS_MAX: Final = 750
FAR_WIDTHS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Worth:
    """What a series' readings are worth when they reach the threshold, after the probation.

    value float64[n]; window int64[n], the window a reading lies in (−1: none); first: the first reading that counts;
    windows: how many there are in what counts.
    """

    value: Float64
    window: Int64
    first: int
    windows: int


def worth(count: int, windows: Sequence[tuple[int, int]]) -> Worth:
    """Of a series of `count` readings with `windows` (first and last reading, in order, not overlapping).

    >>> worth(100, [(50, 59)]).value[[20, 50, 59, 69, 99]].round(3)
    array([-0.11 ,  1.   ,  0.248, -0.109, -0.11 ])
    """
    at = np.arange(count, dtype=np.float64)
    value = np.full(count, -FALSE_ALARM_COST)
    window = np.full(count, -1, np.int64)
    for number, (begin, end) in enumerate(windows):
        width = end - begin + 1
        value[begin : end + 1] = _sigma((at[begin : end + 1] - end - 1) / width) / _sigma(np.array(-1.0))
        window[begin : end + 1] = number
        until = windows[number + 1][0] if number + 1 < len(windows) else count
        past = (at[end + 1 : until] - end) / max(width - 1, 1)
        value[end + 1 : until] = FALSE_ALARM_COST * np.where(
            past > FAR_WIDTHS, -1.0, _sigma(np.minimum(past, FAR_WIDTHS))
        )
    first = min(math.floor(PROBATION * count), PROBATION_READINGS_MAX)
    return Worth(value, window, first, len(np.unique(window[first:][window[first:] >= 0])))


def _sigma(position: Float64) -> Float64:
    sigma: Float64 = 2 / (1 + np.exp(5 * position)) - 1
    return sigma


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every threshold that makes a difference, falling, and the score (0 to 100) at it."""

    threshold: Float64
    score: Float64

    def at(self, threshold: float) -> float:
        """The score at `threshold`."""
        return float(self.score[np.searchsorted(-self.threshold, -threshold, side="right") - 1])

    def best(self) -> float:
        """The threshold with the highest score."""
        return float(self.threshold[self.score.argmax()])


def sweep(series: Sequence[tuple[Float64, Worth]]) -> Sweep:
    """Over all `series` (scores and worth) together. Without a window in them every score is 0 or less."""
    scores, values, window, total = [], [], [], 0
    for score, each in series:
        scores.append(score[each.first :])
        values.append(each.value[each.first :])
        inside = each.window[each.first :]
        window.append(np.where(inside >= 0, inside + total, -1))
        total += int(each.window.max(initial=-1)) + 1
    score, value, of = np.concatenate(scores), np.concatenate(values), np.concatenate(window)
    order = np.argsort(-score, kind="stable")
    score, value, of = score[order], value[order], of[order]
    gain = np.where(of < 0, value, 0.0)
    best: dict[int, float] = {}
    for row in np.flatnonzero(of >= 0).tolist():
        before = best.get(int(of[row]), -MISS_COST)
        if value[row] > before:
            gain[row], best[int(of[row])] = value[row] - before, float(value[row])
    windows = sum(each.windows for _, each in series)
    last = np.r_[score[1:] != score[:-1], True]
    earned = np.cumsum(gain)[last]
    scale = 100 / (windows * (1 + MISS_COST)) if windows else 100.0
    return Sweep(np.r_[np.inf, score[last]], np.r_[0.0, earned] * scale)
