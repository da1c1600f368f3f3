"""A radio that loses messages in bursts: Gilbert's and Elliott's channel in continuous time.

The channel is good or bad; it turns bad at the rate a and good at the rate b (1/s). Of the messages in either state a
fixed share is lost. After a time t the chance of being bad is

    π + (s − π)·e^(−(a + b)·t),   π = a/(a + b)

with s = 1 if it was bad before. Source: Gilbert, Bell System Tech. J. 39 (1960); Elliott, ibid. 42 (1963).
Simplification: devices fade independently of each other; what silences a whole institution is an incident of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel by what can be measured of it: how much of the time it is bad, how long a bad time lasts in the mean,
    and what is lost meanwhile, link-layer retries included.

    >>> channel = Channel(bad_share=0.01, burst_s=30.0)
    >>> round(channel.loss, 4), channel.bad_after([True, False], 30.0).round(3).tolist()
    (0.011, [0.371, 0.006])
    """

    bad_share: float = 0.01
    burst_s: float = 30.0
    lost_bad: float = 0.9
    lost_good: float = 0.002

    @property
    def loss(self) -> float:
        """The share of messages lost in the long run."""
        return self.bad_share * self.lost_bad + (1 - self.bad_share) * self.lost_good

    def bad_after(self, bad: ArrayLike, elapsed_s: ArrayLike) -> Floats:
        """The chance of being bad *elapsed_s* after it was seen *bad* or not."""
        rate = 1 / (self.burst_s * (1 - self.bad_share))
        left = np.exp(-rate * np.asarray(elapsed_s, dtype=np.float64))
        return np.asarray(self.bad_share + (np.asarray(bad, dtype=np.float64) - self.bad_share) * left)

    def lost(self, bad: ArrayLike) -> Floats:
        """The chance that a message sent now is lost."""
        return np.where(np.asarray(bad, dtype=np.bool_), self.lost_bad, self.lost_good)
