"""The same trial as other sensors would have told it: turned, sampled at another rate, cut off at the end of their
range, broken off soon after the fall."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anhu.evaluate.fall_recording import Trial


@dataclass(frozen=True, slots=True)
class Sensor:
    """What another sensor does to a trial; None leaves a thing as it was recorded.

    averaged: whether a slower sensor averages what lies between its samples, or picks one. short: whether the recording
    begins and ends near the fall.
    """

    name: str
    rate_hz: float | None = None
    range_g: float | None = None
    averaged: bool = False
    short: bool = False


AS_RECORDED: Final = Sensor("as recorded")
SENSORS: Final = (
    AS_RECORDED,
    Sensor("50 Hz, ±2 g", 50, 2),
    Sensor("25 Hz, ±16 g", 25, 16),
    Sensor("87 Hz, ±2 g, short", 87, 2, short=True),
    Sensor("50 Hz, ±16 g, averaged, short", 50, 16, averaged=True, short=True),
)
UNSEEN: Final = (Sensor("100 Hz, ±2 g, averaged", 100, 2, averaged=True), Sensor("20 Hz, ±4 g", 20, 4))
LEAD_S: Final = (1.0, 6.0)  # how long before the fall a short recording begins
TAIL_S: Final = (2.2, 4.5)  # how long after it ends


def told_by(sensor: Sensor, trial: Trial, rng: np.random.Generator) -> Trial:
    """`trial` as `sensor` would have told it."""
    acceleration, rate_hz = trial.acceleration, trial.rate_hz
    if sensor.range_g is not None:
        acceleration = np.clip(acceleration @ _rotation(rng).T, -sensor.range_g, sensor.range_g)
        trial = replace(trial, range_g=sensor.range_g)
    if sensor.rate_hz is not None and sensor.rate_hz < rate_hz:
        acceleration = _slower(acceleration, rate_hz / sensor.rate_hz, rng if not sensor.averaged else None)
        rate_hz = sensor.rate_hz
    told = replace(trial, acceleration=acceleration.astype(np.float32), rate_hz=rate_hz)
    return _short(told, rng) if sensor.short else told


def _slower(
    acceleration: NDArray[np.float32], ratio: float, picking: np.random.Generator | None
) -> NDArray[np.float32]:
    if picking is None:
        step = np.floor(np.arange(len(acceleration)) / ratio + 1e-9)
        first = np.flatnonzero(np.r_[True, np.diff(step) > 0])
        total = np.add.reduceat(acceleration, first, axis=0)
        slower: NDArray[np.float32] = total / np.diff(np.r_[first, len(acceleration)])[:, None]
        return slower
    phase = picking.uniform(0, ratio - 1)
    at = np.rint(np.arange(int(len(acceleration) / ratio)) * ratio + phase).astype(np.int64)
    picked: NDArray[np.float32] = acceleration[np.minimum(at, len(acceleration) - 1)]
    return picked


def _short(trial: Trial, rng: np.random.Generator) -> Trial:
    lead_s, tail_s, around_s = rng.uniform(*LEAD_S), rng.uniform(*TAIL_S), rng.uniform(2, max(2.1, trial.seconds - 2))
    at_s = around_s if trial.impact_s is None else trial.impact_s
    first = max(0, int((at_s - lead_s) * trial.rate_hz))
    last = int((at_s + tail_s) * trial.rate_hz)
    began_s = first / trial.rate_hz
    impact_s = None if trial.impact_s is None else trial.impact_s - began_s
    return replace(trial, acceleration=trial.acceleration[first:last], impact_s=impact_s)


def _rotation(rng: np.random.Generator) -> NDArray[np.float32]:
    """Any rotation, each as likely as another: of a random unit quaternion (Shoemake 1992)."""
    drawn = rng.normal(size=4)
    w, x, y, z = drawn / np.linalg.norm(drawn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ],
        np.float32,
    )
