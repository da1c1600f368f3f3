"""Accelerometer windows on their way to the engine: what wearers' devices send becomes readings of the quantity `fall`.

The engine judges readings; a window of samples is none. A watch keeps the streams of the wearers, and answers each
batch of windows with a ReadingBatch: value 1 of the wearer's fall point, measured when the fall was judged (by the
device's clock), for every alarm. The rule `fall.device` takes it from there, as it takes a device's own fall signal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns
from alerting.detect.fall import RATE_HZ_MAX, RATE_HZ_MIN, FallDetector, Impacts, Packs, Wear, shipped_model
from ingest.reading import ReadingBatch

ROWS_AT_LEAST: Final = 16


@dataclass(frozen=True, slots=True)
class Window:
    """What one message of a wearable holds. point_id: the fall point of its wearer; start_us: when its first sample was
    taken, µs since 1970 by the device's clock; acceleration: float32[n, 3] in g, axes in any orientation."""

    point_id: int
    wear: Wear
    start_us: int
    rate_hz: float
    received_at_us: int
    acceleration: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.acceleration.ndim != 2 or self.acceleration.shape[1] != 3 or not len(self.acceleration):
            raise ValueError("a window is one row of three axes a sample, and not empty")
        if not RATE_HZ_MIN <= self.rate_hz <= RATE_HZ_MAX:
            raise ValueError(f"a rate outside {RATE_HZ_MIN} to {RATE_HZ_MAX} Hz: {self.rate_hz}")


@dataclass(slots=True)
class _Streams:
    """The streams of one way of wearing: a row a wearer, of which `state` holds some more than are in use."""

    detector: FallDetector
    state: Columns
    row_of: dict[int, int] = field(default_factory=dict)

    def rows(self, point_ids: Iterable[int]) -> NDArray[np.int64]:
        """The rows of these points; one that is new gets the next."""
        rows = np.array([self.row_of.setdefault(point, len(self.row_of)) for point in point_ids], np.int64)
        held = len(self.state["next_us"])
        if len(self.row_of) > held:
            fresh = self.detector.begin(max(held, len(self.row_of) - held))
            self.state = {name: np.concatenate([column, fresh[name]]) for name, column in self.state.items()}
        return rows


class FallWatch:
    """The streams of every wearer; the size of its state follows the number of wearers, never the stream."""

    def __init__(self) -> None:
        self._streams: dict[Wear, _Streams] = {}

    def judge(self, windows: Sequence[Window]) -> ReadingBatch:
        """The falls that `windows` tell of, as readings."""
        found: list[tuple[int, int, int]] = []
        for wear in dict.fromkeys(window.wear for window in windows):
            mine = [window for window in windows if window.wear == wear]
            streams = self._of(wear)
            packs = Packs(
                streams.rows(window.point_id for window in mine),
                np.array([window.start_us for window in mine], np.int64),
                np.array([window.rate_hz for window in mine]),
                np.array([len(window.acceleration) for window in mine], np.int64),
                np.concatenate([window.acceleration for window in mine]).astype(np.float32),
            )
            received = {window.point_id: window.received_at_us for window in mine}
            for point, judged_us in _alarms(streams, streams.detector.feed(streams.state, packs)):
                found.append((point, judged_us, received[point]))
        return _readings(found)

    def expire(self, now_us: int) -> ReadingBatch:
        """The falls of wearers whose device fell silent soon after the impact."""
        return _readings(
            [
                (point, judged_us, now_us)
                for streams in self._streams.values()
                for point, judged_us in _alarms(streams, streams.detector.expire(streams.state, now_us))
            ]
        )

    def _of(self, wear: Wear) -> _Streams:
        if wear not in self._streams:
            detector = FallDetector(shipped_model(wear))
            self._streams[wear] = _Streams(detector, detector.begin(ROWS_AT_LEAST))
        return self._streams[wear]


def _alarms(streams: _Streams, impacts: Impacts) -> list[tuple[int, int]]:
    """(point, when it was judged) of every alarm."""
    point_of = {row: point for point, row in streams.row_of.items()}
    rows, judged_us = impacts.row[impacts.alarm].tolist(), impacts.judged_us[impacts.alarm].tolist()
    return [(point_of[row], at) for row, at in zip(rows, judged_us, strict=True)]


def _readings(found: list[tuple[int, int, int]]) -> ReadingBatch:
    found.sort()
    return ReadingBatch.build(
        [point for point, _, _ in found],
        [measured_us for _, measured_us, _ in found],
        [received_us for _, _, received_us in found],
        np.ones(len(found)),
        [0] * len(found),
    )
