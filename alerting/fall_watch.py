"""Accelerometer windows on their way to the engine: what wearers' devices send becomes readings of the quantity `fall`.

The engine judges readings; a window of samples is none. A watch keeps the streams of the wearers and answers each batch
of windows with a ReadingBatch: value 1 of the wearer's fall point, measured when the fall was judged (by the device's
clock), for every alarm; and 0 every half a minute, so that it shows that the device lives and when the alarm is over.
The rule `fall.device` takes it from there, as it takes a device's own fall signal. What an alarm was judged by goes
along as a note, and becomes part of the alert's evidence; no sample is kept beyond that.

Like the engine, `judge` and `expire` change nothing until `adopt` (docs/decisions/0009-acceleration-windows.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns
from alerting.detect.fall import SILENCE_US, FallDetector, Impacts, Packs, Wear, shipped_model
from alerting.detect.fall_features import BEFORE_BINS, BIN_HZ
from ingest.formats.acceleration import Window
from ingest.reading import ReadingBatch, from_us

ROWS_AT_LEAST: Final = 16
TOLD_EVERY_US: Final = 30_000_000
LATER_US: Final = 1_000  # a reading that would be no later than the one before it, after a step of the clock
_NEVER: Final = -1
_WEARS: Final[tuple[Wear, ...]] = get_args(Wear)

Notes = dict[tuple[int, int], dict[str, Any]]  # (point, when measured in µs) → evidence


@dataclass(frozen=True, slots=True)
class Falls:
    """What windows came to: readings of the fall points, what the alarms among them were judged by, and the streams as
    they stand after them."""

    readings: ReadingBatch
    notes: Notes = field(default_factory=dict)
    after: tuple[tuple[Wear, list[int], Columns], ...] = ()


@dataclass(slots=True)
class _Streams:
    """The streams of one way of wearing: a row a wearer, of which `state` holds some more than are in use."""

    wear: Wear
    detector: FallDetector
    state: Columns
    row_of: dict[int, int] = field(default_factory=dict)
    point_of: list[int] = field(default_factory=list)

    def taken(self, points: Sequence[int]) -> Columns:
        """Copies of the rows of `points`; fresh ones of those that are new."""
        rows = np.array([self.row_of.get(point, _NEVER) for point in points], np.int64)
        known = rows != _NEVER
        working = _begin(self.detector, len(points))
        for name, column in working.items():
            column[known] = self.state[name][rows[known]]
        return working

    def put(self, points: Sequence[int], after: Columns) -> None:
        """What became of them."""
        for point in points:
            if point not in self.row_of:
                self.row_of[point] = len(self.point_of)
                self.point_of.append(point)
        held = len(self.state["next_us"])
        if len(self.point_of) > held:
            fresh = _begin(self.detector, max(held, len(self.point_of) - held))
            self.state = {name: np.concatenate([column, fresh[name]]) for name, column in self.state.items()}
        rows = [self.row_of[point] for point in points]
        for name, column in after.items():
            self.state[name][rows] = column

    def silent(self, now_us: int) -> list[int]:
        """The points of whom nothing came for two seconds longer than their latest pack is long."""
        state = self.state
        quiet_us = now_us - state["heard_us"] - state["span_us"]
        rows = np.flatnonzero((state["next_us"] != _NEVER) & (quiet_us >= SILENCE_US))
        return [self.point_of[row] for row in rows.tolist()]


class FallWatch:
    """The streams of every wearer; the size of its state follows the number of wearers, never the stream."""

    def __init__(self) -> None:
        self._streams: dict[Wear, _Streams] = {}

    def judge(self, windows: Sequence[Window]) -> Falls:
        """The falls that `windows` tell of."""
        told = _Told()
        after: list[tuple[Wear, list[int], Columns]] = []
        for wear in _WEARS:
            mine = [window for window in windows if window.wear == wear]
            if not mine:
                continue
            streams = self._of(wear)
            points = sorted({window.point_id for window in mine})
            row_of = {point: row for row, point in enumerate(points)}
            working = streams.taken(points)
            rows = np.array([row_of[window.point_id] for window in mine], np.int64)
            impacts = streams.detector.feed(working, _packs(mine, rows))
            end_us = np.full(len(points), _NEVER, np.int64)
            np.maximum.at(end_us, rows, [window.pack.end_us for window in mine])
            np.maximum.at(working["heard_us"], rows, [window.received_at_us for window in mine])
            working["span_us"][rows] = [window.pack.end_us - window.pack.start_us for window in mine]
            told.alarms(streams, points, working, impacts)
            told.quiet(points, working, end_us)
            after.append((wear, points, working))
        return Falls(told.readings(), told.notes, tuple(after))

    def expire(self, now_us: int) -> Falls:
        """The falls of wearers whose device fell silent soon after the impact."""
        told = _Told()
        after: list[tuple[Wear, list[int], Columns]] = []
        for wear, streams in self._streams.items():
            points = streams.silent(now_us)
            if points:
                working = streams.taken(points)
                impacts = streams.detector.conclude(working, np.arange(len(points)))
                working["heard_us"][:] = now_us
                told.alarms(streams, points, working, impacts)
                after.append((wear, points, working))
        return Falls(told.readings(), told.notes, tuple(after))

    def adopt(self, falls: Falls) -> None:
        """Make what `falls` came from the streams' past."""
        for wear, points, working in falls.after:
            self._of(wear).put(points, working)

    def _of(self, wear: Wear) -> _Streams:
        if wear not in self._streams:
            detector = FallDetector(shipped_model(wear))
            self._streams[wear] = _Streams(wear, detector, _begin(detector, ROWS_AT_LEAST))
        return self._streams[wear]


class _Told:
    """Readings and notes as they come together."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, float]] = []
        self.notes: Notes = {}

    def alarms(self, streams: _Streams, points: Sequence[int], working: Columns, impacts: Impacts) -> None:
        """The alarms among `impacts`, whose rows are those of `working`."""
        for nth in np.flatnonzero(impacts.alarm).tolist():
            row = int(impacts.row[nth])
            at_us = self._tell(points[row], working, row, int(impacts.judged_us[nth]), 1.0)
            self.notes[points[row], at_us] = {"acceleration": _note(streams, impacts, nth)}

    def quiet(self, points: Sequence[int], working: Columns, end_us: NDArray[np.int64]) -> None:
        """No fall, of those of whom nothing was told for a while."""
        for row in np.flatnonzero(working["heard_us"] - working["told_heard_us"] >= TOLD_EVERY_US).tolist():
            self._tell(points[row], working, row, int(end_us[row]), 0.0)

    def readings(self) -> ReadingBatch:
        """All of them, by point and time."""
        columns: Iterable[Sequence[Any]] = zip(*sorted(self._rows), strict=True) if self._rows else ((), (), (), ())
        return ReadingBatch.build(*columns)

    def _tell(self, point: int, working: Columns, row: int, at_us: int, value: float) -> int:
        """Tell; later than what was told before, so that a clock which was set back hides no fall from the engine."""
        at_us = max(at_us, int(working["told_us"][row]) + LATER_US)
        working["told_us"][row], working["told_heard_us"][row] = at_us, working["heard_us"][row]
        self._rows.append((point, at_us, int(working["heard_us"][row]), value))
        return at_us


def _begin(detector: FallDetector, count: int) -> Columns:
    """The detector's rows; when of each wearer something was told (as measured, and what had been heard then); when it
    was last heard; and how long its latest pack was."""
    return {
        **detector.begin(count),
        **{name: np.full(count, _NEVER, np.int64) for name in ("told_us", "told_heard_us", "heard_us")},
        "span_us": np.zeros(count, np.int64),
    }


def _packs(windows: Sequence[Window], rows: NDArray[np.int64]) -> Packs:
    return Packs(
        rows,
        np.array([window.pack.start_us for window in windows], np.int64),
        np.array([window.pack.rate_hz for window in windows]),
        np.array([window.pack.range_g for window in windows]),
        np.array([len(window.pack.acceleration) for window in windows], np.int64),
        np.concatenate([window.pack.acceleration for window in windows]),
    )


def _note(streams: _Streams, impacts: Impacts, nth: int) -> dict[str, Any]:
    """What a reviewer needs: when it hit, how sure the detector was, and the lengths of the acceleration around it (the
    largest and the smallest of each twentieth of a second, in g)."""
    high, low = np.round(impacts.trace[nth], 2).T.astype(np.float64).round(2).tolist()
    return {
        "wear": streams.wear,
        "impact_at": from_us(int(impacts.impact_us[nth])).isoformat(),
        "score": round(float(impacts.score[nth]), 3),
        "threshold": float(impacts.threshold[nth]),
        "trace_hz": BIN_HZ,
        "trace_before_s": BEFORE_BINS / BIN_HZ,
        "high_g": high,
        "low_g": low,
    }
