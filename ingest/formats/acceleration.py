"""Windows of acceleration from a wearable.

    {"measured_at": "2026-11-22T01:02:03.456Z", "rate_hz": 50, "range_g": 16, "unit": "mg",
     "samples": [[12, -981, 34], [15, -979, 31], null, …]}

`measured_at` is when the first sample was taken, and every window follows the one before: a stream without holes.
`unit` is `g`, `mg` or `m/s2`; `range_g` is where the sensor cuts off. A sample that is missing is `null`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from ingest.errors import BadTime, Refusal
from ingest.formats.json_text import BadJson, as_float, loads
from ingest.reading import Float32, Rejection, from_us, parse_time_us

FORMAT: Final = "acceleration"
QUANTITY: Final = "fall"  # what is judged from windows, and which point of the device they belong to
RATE_HZ_MIN: Final = 19.0  # a nominal 20 Hz may run a little slow
RATE_HZ_MAX: Final = 400.0
RANGE_G_MIN: Final = 1.0
RANGE_G_MAX: Final = 64.0
SAMPLES_MAX: Final = 4000
SECONDS_MAX: Final = 30.0  # whoever waits longer to tell is told of too late
PER_G: Final = {"g": 1.0, "mg": 1000.0, "m/s2": 9.80665}
ROUNDING: Final = 1.02  # a sensor's scale is a little off, and its numbers are rounded
_SHAPE: Final = 'expected {"measured_at": …, "rate_hz": …, "range_g": …, "unit": …, "samples": [[x, y, z], …]}'


@dataclass(frozen=True, slots=True)
class Pack:
    """What one message holds. start_us: when its first sample was taken, µs since 1970 by the device's clock;
    acceleration: float32[n, 3] in g, a missing sample as NaN."""

    start_us: int
    rate_hz: float
    range_g: float
    acceleration: Float32

    @property
    def end_us(self) -> int:
        """When the sample after its last is due."""
        return self.start_us + round(len(self.acceleration) * 1e6 / self.rate_hz)


@dataclass(frozen=True, slots=True)
class Window:
    """A pack with its place in the registry: the point `fall` of its wearer, and where the device is worn (one of
    ingest.registry.WEARS)."""

    point_id: int
    wear: str
    received_at_us: int
    pack: Pack


def encode(start_us: int, rate_hz: float, range_g: float, acceleration_g: NDArray[np.floating]) -> bytes:
    """One message, in mg; samples that are not finite are told as missing."""
    samples: list[list[int] | None] = [
        None if not all(map(math.isfinite, sample)) else [round(each * 1000) for each in sample]
        for sample in acceleration_g.tolist()
    ]
    return orjson.dumps(
        {
            "measured_at": from_us(start_us).isoformat(timespec="microseconds"),
            "rate_hz": rate_hz,
            "range_g": range_g,
            "unit": "mg",
            "samples": samples,
        }
    )


def decode(payload: bytes) -> Pack | Rejection:
    """The pack in `payload`, or why there is none."""
    try:
        document = loads(payload)
    except BadJson as error:
        return Rejection(Refusal.BAD_JSON, str(error))
    match document:
        case {
            "measured_at": at, "rate_hz": rate, "range_g": reach, "unit": str(unit), "samples": list(samples)
        } if samples:  # fmt: skip
            pass
        case _:
            return Rejection(Refusal.BAD_SHAPE, _SHAPE)
    try:
        start_us = parse_time_us(at)
    except BadTime as error:
        return Rejection(Refusal.BAD_TIME, str(error))
    if unit not in PER_G:
        return Rejection(Refusal.UNIT_MISMATCH, f"{unit[:32]!r} is not one of {', '.join(PER_G)}")
    rate_hz, range_g = _within(rate, RATE_HZ_MIN, RATE_HZ_MAX), _within(reach, RANGE_G_MIN, RANGE_G_MAX)
    if rate_hz is None or range_g is None:
        detail = f"rate_hz is from {RATE_HZ_MIN:g} to {RATE_HZ_MAX:g}, range_g from {RANGE_G_MIN:g} to {RANGE_G_MAX:g}"
        return Rejection(Refusal.BAD_SHAPE, detail)
    if len(samples) > min(SAMPLES_MAX, SECONDS_MAX * rate_hz):
        detail = f"{len(samples)} samples; at most {SAMPLES_MAX} and {SECONDS_MAX:g} s are read"
        return Rejection(Refusal.TOO_LARGE, detail)
    acceleration = _acceleration(samples, PER_G[unit], range_g)
    return acceleration if isinstance(acceleration, Rejection) else Pack(start_us, rate_hz, range_g, acceleration)


def _within(number: object, low: float, high: float) -> float | None:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    value = as_float(number)
    return value if low <= value <= high else None


def _acceleration(samples: Sequence[object], per_g: float, range_g: float) -> Float32 | Rejection:
    """The samples in g. A window that says more than its sensor can is in another unit than it claims."""
    missing = [math.nan] * 3
    rows = [missing if sample is None else sample for sample in samples]
    for sample in rows:
        if not isinstance(sample, list) or len(sample) != 3:
            return Rejection(Refusal.BAD_SHAPE, "a sample is [x, y, z] or null")
        if not all(type(each) is int or type(each) is float for each in sample):
            return Rejection(Refusal.BAD_TYPE, "a sample holds three numbers")
    try:
        acceleration = np.array(rows, np.float64) / per_g
    except OverflowError:  # an integer beyond any float
        return _beyond(math.inf, range_g)
    if not np.isfinite(acceleration).any():
        return Rejection(Refusal.NOT_FINITE, "no sample holds a number")
    highest = float(np.nanmax(np.abs(acceleration)))
    if highest > range_g * ROUNDING:
        return _beyond(highest, range_g)
    return acceleration.astype(np.float32)


def _beyond(highest: float, range_g: float) -> Rejection:
    return Rejection(Refusal.BEYOND_RANGE, f"{highest:.4g} g from a sensor of ±{range_g:g} g: is the unit right?")
