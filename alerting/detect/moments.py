"""Running mean and spread of a point's readings: what the generic detectors measure a reading by.

    share = max(1/(n + 1), 1/span),  e = x − m,  m ← m + share·ẽ,  s² ← (1 − share)·(s² + share·ẽ²)

the exponentially weighted mean and variance of Finch, "Incremental calculation of weighted mean and variance" (2009);
the first readings count equally, so that there is no long way from a made-up start. ẽ is e held within `HELD_TIMES` of
the spread (Huber's winsorising): one wild reading moves little, a lasting change is still learnt, for the spread grows
with it.
"""

from typing import Final

import numpy as np

from alerting.detect.detector import Columns, Float64

HELD_TIMES: Final = 4.0
COUNT_MAX: Final = 1e6


def begin(count: int) -> Columns:
    """Mean, spread and how many readings, of `count` rows that have seen nothing."""
    return {"mean": np.zeros(count), "spread": np.zeros(count), "count": np.zeros(count, np.float32)}


def learn(state: Columns, value: Float64, span: Float64, noise_min: Float64) -> Float64:
    """How many spreads (at least `noise_min`) each value lies from the mean before it; 0 for a first one. `state` (of
    `begin`) learns the values."""
    count = state["count"].astype(np.float64)
    first = count == 0
    error = np.where(first, 0.0, value - state["mean"])
    noise = np.maximum(state["spread"], noise_min)
    share = np.maximum(1 / (count + 1), 1 / span)
    held = np.clip(error, -HELD_TIMES * noise, HELD_TIMES * noise)
    state["mean"] = np.where(first, value, state["mean"] + share * held)
    state["spread"] = np.sqrt((1 - share) * (state["spread"] ** 2 + share * held**2))
    state["count"] = np.minimum(count + 1, COUNT_MAX)
    times: Float64 = error / noise
    return times
