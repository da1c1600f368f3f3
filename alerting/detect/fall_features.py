"""What an impact looked like: numbers of the seconds around it, whatever the rate, the range and the axes of the
sensor.

Input is a window of 50 ms bins (alerting/detect/fall.py makes them of samples at 20 to 200 Hz) around a candidate, the
highest bin of its surroundings. Every number is made of lengths of, and angles between, vectors, so that it does not
matter how the sensor is turned: the dip of free fall and the speed it stands for, the impact, how far gravity moved
between before and after, and how much the wearer moved in the seconds on both sides.

The quantities are the usual ones of the field — Bourke, O'Brien & Lyons, "Evaluation of a threshold-based tri-axial
accelerometer fall detection algorithm" (2007): upper and lower fall threshold; Kangas et al., "Comparison of
low-complexity fall detection algorithms" (2008): start of fall, velocity, impact, posture; Sucerquia, López &
Vargas-Bonilla, "SisFall" (2017): spread and orientation change over windows.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

BIN_HZ: Final = 20
BEFORE_BINS: Final = 100  # five seconds: enough to see that somebody jogs
AFTER_BINS: Final = 70  # three and a half seconds: enough to see that somebody stays down
WINDOW_BINS: Final = BEFORE_BINS + 1 + AFTER_BINS
CHANNELS: Final = 5  # mean x, y, z, the largest and the smallest length of a bin's samples, all in g

_TINY: Final = np.float32(1e-6)
_STRETCHES_S: Final = (
    (-5.0, -3.0), (-3.0, -1.5), (-1.5, -0.5), (-0.5, 0.0), (0.1, 0.6), (0.6, 1.2), (1.2, 2.0), (2.0, 2.8), (2.8, 3.5),
)  # fmt: skip
_LAGS_S: Final = (-4.0, -2.5, -1.5, -1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0, 1.5, 2.2)


def _place(at_s: float) -> int:
    """The bin of a window that stands `at_s` from the impact."""
    return BEFORE_BINS + round(at_s * BIN_HZ)


def _part(series: Float32, since_s: float, until_s: float) -> Float32:
    return series[:, _place(since_s) : _place(until_s)]


def _mean_vector(vector: Float32, since_s: float, until_s: float) -> Float32:
    mean: Float32 = _part(vector, since_s, until_s).mean(axis=1)
    return mean


def _length(vector: Float32) -> Float32:
    length: Float32 = np.sqrt(np.einsum("...i,...i->...", vector, vector))
    return length


def _cosine(one: Float32, other: Float32) -> Float32:
    """Of the angle between two vectors: 1 where they point the same way."""
    product = np.einsum("...i,...i->...", one, other)
    cosine: Float32 = product / (_length(one) * _length(other) + _TINY)
    return cosine


def features(window: Float32) -> Float32:
    """float32[n, f], in the order of FEATURE_NAMES, of `window`, float32[n, WINDOW_BINS, CHANNELS] in g."""
    told = _told(window)
    return np.stack(list(told.values()), axis=1).astype(np.float32)


def _told(window: Float32) -> dict[str, Float32]:
    vector, high, low = window[..., :3], window[..., 3], window[..., 4]
    length = _length(vector)
    told: dict[str, Float32] = {}
    _impact(told, length, high, low)
    _gravity(told, vector)
    _movement(told, vector, length, high, low)
    return told


def _impact(told: dict[str, Float32], length: Float32, high: Float32, low: Float32) -> None:
    """How hard it was, and what came just before: the dip, and the speed it stands for (∫(1 g − |a|)dt, in g·s)."""
    peak = high[:, BEFORE_BINS]
    told["peak"] = peak
    told["peak_mean"] = _part(length, -0.1, 0.15).max(axis=1)
    for reach_s in (0.15, 0.3, 0.6, 1.0):
        around = _part(high, -reach_s, reach_s + 0.05)
        told[f"load_{reach_s}"] = np.maximum(around - 1, 0).mean(axis=1)
        told[f"sway_{reach_s}"] = np.abs(_part(length, -reach_s, reach_s + 0.05) - 1).mean(axis=1)
    for limit in (1.4, 1.8, 2.5):
        told[f"above_{limit}"] = (_part(high, -0.7, 0.75) > limit).mean(axis=1)
    for reach_s in (0.4, 1.0):
        before = _part(low, -reach_s, 0.05)
        told[f"dip_{reach_s}"] = before.min(axis=1)
        told[f"dip_mean_{reach_s}"] = _part(length, -reach_s, 0.05).min(axis=1)
        told[f"speed_{reach_s}"] = np.maximum(1 - _part(length, -reach_s, 0.05), 0).sum(axis=1) / BIN_HZ
    told["dip_ago"] = (before.shape[1] - 1 - before.argmin(axis=1)).astype(np.float32) / BIN_HZ
    for limit in (0.5, 0.8):
        told[f"below_{limit}"] = (_part(low, -1.0, 0.05) < limit).mean(axis=1)
    told["dip_after"] = _part(low, 0.0, 0.6).min(axis=1)
    told["speed_after"] = np.maximum(1 - _part(length, 0.0, 0.6), 0).sum(axis=1) / BIN_HZ
    told["net"] = (_part(length, -1.0, 1.05) - 1).sum(axis=1) / BIN_HZ
    for name, since_s, until_s in (("before", -5.0, -0.6), ("near_before", -2.0, -0.6), ("after", 0.65, 3.5)):
        told[f"rival_{name}"] = _part(high, since_s, until_s).max(axis=1) / peak


def _gravity(told: dict[str, Float32], vector: Float32) -> None:
    """Where gravity pulled before and after: cosines between the mean vectors of stretches, and of the impact to
    both."""
    long_before = _mean_vector(vector, -5.0, -2.5)
    before = _mean_vector(vector, -2.5, -1.0)
    after = _mean_vector(vector, 1.0, 2.2)
    at_last = _mean_vector(vector, 2.2, 3.5)
    hit = _mean_vector(vector, -0.05, 0.1)
    blow = _mean_vector(vector, -0.4, 0.45)
    told["turn_long"] = _cosine(long_before, at_last)
    told["turn"] = _cosine(before, at_last)
    told["turn_soon"] = _cosine(before, after)
    told["turn_before"] = _cosine(long_before, before)
    told["turn_after"] = _cosine(after, at_last)
    told["hit_before"] = _cosine(hit, before)
    told["hit_after"] = _cosine(hit, at_last)
    told["blow_before"] = _cosine(blow, before)
    told["blow_after"] = _cosine(blow, at_last)
    for name, mean in (("long_before", long_before), ("before", before), ("after", after), ("at_last", at_last)):
        told[f"pull_{name}"] = _length(mean)
    for lag_s in _LAGS_S:
        told[f"turn_at_{lag_s}"] = _cosine(_mean_vector(vector, lag_s - 0.15, lag_s + 0.2), at_last)
    upright = before / (_length(before) + _TINY)[:, None]
    around = _part(vector, -0.6, 0.65)
    along = np.einsum("nti,ni->nt", around, upright)
    across = np.sqrt(np.maximum(np.einsum("nti,nti->nt", around, around) - along**2, 0))
    told["along_max"], told["along_min"] = along.max(axis=1), along.min(axis=1)
    told["across_max"], told["across_mean"] = across.max(axis=1), across.mean(axis=1)


def _movement(told: dict[str, Float32], vector: Float32, length: Float32, high: Float32, low: Float32) -> None:
    """How lively each stretch was: spread of the length, change of the vector from bin to bin, extremes."""
    step = np.zeros_like(length)
    step[:, 1:] = _length(np.diff(vector, axis=1))
    for since_s, until_s in _STRETCHES_S:
        name = f"{since_s}_{until_s}"
        told[f"spread_{name}"] = _part(length, since_s, until_s).std(axis=1)
        told[f"step_{name}"] = _part(step, since_s, until_s).mean(axis=1)
        told[f"high_{name}"] = _part(high, since_s, until_s).max(axis=1)
        told[f"low_{name}"] = _part(low, since_s, until_s).min(axis=1)
    told["calm_after"] = np.minimum(told["step_1.2_2.0"], np.minimum(told["step_2.0_2.8"], told["step_2.8_3.5"]))
    told["lively_before"] = _part(step, -5.0, -0.5).mean(axis=1)
    told["lively_after"] = _part(step, 1.0, 3.5).mean(axis=1)


FEATURE_NAMES: Final = tuple(_told(np.ones((1, WINDOW_BINS, CHANNELS), np.float32)))
