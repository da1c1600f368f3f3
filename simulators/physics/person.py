"""Somebody who falls: whether they get up by themselves, when, and what a radar on the wall sees of it.

Of people over 72 who fell and were not badly hurt 47 % could not get up without help (Tinetti, Liu & Claus, JAMA 269,
1993). Who can is up again after a lognormal time: median 25 s, a factor e either way for two in three; that is an
assumption. Lying for an hour or more is what the literature calls a long lie, after which many do not recover: that is
when it becomes dangerous.

A radar sees whoever lies on the floor unless furniture hides them, and loses who lies still now and then: visible for
120 s and lost for 4 s in the mean, both exponential (an assumption).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats

NEEDS_HELP_SHARE: Final = 0.47
UP_MEDIAN_S: Final = 25.0
UP_SIGMA: Final = 1.0
LONG_LIE_S: Final = 3_600.0
STAYS_S: Final = 180.0
"""Who has lain for three minutes should have been noticed: radars on sale alarm after 5 to 180 s (docs/rules.md)."""
HIDDEN_SHARE: Final = 0.03
SEEN_S, LOST_S = 120.0, 4.0


def floor_s(luck: float, found_s: float) -> float:
    """How long somebody lies: until found where they cannot get up, *luck* uniform in [0, 1).

    >>> floor_s(0.2, 1_800.0), round(floor_s(0.735, 1_800.0))
    (1800.0, 25)
    """
    if luck < NEEDS_HELP_SHARE:
        return found_s
    able = min(max((luck - NEEDS_HELP_SHARE) / (1 - NEEDS_HELP_SHARE), 1e-6), 1 - 1e-6)
    return min(UP_MEDIAN_S * math.exp(UP_SIGMA * NormalDist().inv_cdf(able)), found_s)


@dataclass(frozen=True, slots=True)
class Floor:
    """Somebody on the floor for *lies_s*, as a radar sees it; *seed* says when it loses them, *hidden* that it never
    saw.

    >>> floor = Floor(lies_s=60.0, seed=1, flickers=False)
    >>> floor.seen(np.array([-1.0, 0.0, 59.0, 60.0])).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    lies_s: float
    seed: int
    hidden: bool = False
    flickers: bool = True

    def seen(self, elapsed_s: ArrayLike) -> Floats:
        """1 where the radar sees them on the floor."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        there = (elapsed >= 0) & (elapsed < self.lies_s) & (not self.hidden)
        if self.flickers and self.lies_s > STAYS_S:
            # Turns of seen and lost; an odd number of edges behind us means lost.
            there &= np.searchsorted(self._edges_s(), elapsed, side="right") % 2 == 0
        return there.astype(np.float64)

    def _edges_s(self) -> Floats:
        turns = 2 + int(2 * self.lies_s / (SEEN_S + LOST_S))
        draws = np.random.default_rng([self.seed, 0xF100]).standard_exponential((turns, 2))
        return np.asarray(np.cumsum((draws * (SEEN_S, LOST_S)).ravel()))
