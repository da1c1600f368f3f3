"""Falls from accelerometer windows: an impact, and whether what surrounds it looks like a fall.

Samples at 20 to 200 Hz become bins of 50 ms (mean vector, largest and smallest length), so that from there on every
sensor looks alike. A bin is a *candidate* when its largest length reaches `CANDIDATE_G` and no bin within a second of
it is higher: the impact phase of Noury et al., "Fall detection – principles and methods" (2007). Three and a half
seconds later, when it shows whether somebody stays down, the numbers of alerting/detect/fall_features.py are judged by
small nets learnt from recordings (`anhu learn fall`; alerting/detect/nets.py): the score, between 0 and 1. An alarm is
a score at or over the data file's threshold, none within `REFRACTORY_S` after another. A sensor that cuts off at ±2 g
hides how hard it was, and every score is lower: such sensors have a threshold of their own, learnt like the other.

Grace: the first bin stands for the time before it, as if the wearer had been still; an impact in the very first bin is
none. A gap in the stream, or a clock that steps, judges what was pending and begins afresh; so does silence (`expire`).
State is one row a wearer, of 3.5 kB whatever comes, and nothing else is remembered.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns
from alerting.detect.fall_features import (
    AFTER_BINS,
    BEFORE_BINS,
    BIN_HZ,
    CHANNELS,
    FEATURE_NAMES,
    WINDOW_BINS,
    Float32,
    features,
)
from alerting.detect.nets import Nets
from alerting.errors import ModelUnreadable
from ingest.formats.acceleration import RATE_HZ_MAX, RATE_HZ_MIN

Wear = Literal["waist", "wrist", "pocket"]
Int64 = NDArray[np.int64]

CANDIDATE_G: Final = 1.5
NEAR_BINS: Final = BIN_HZ  # no higher bin within a second
BIN_US: Final = 1_000_000 // BIN_HZ
REFRACTORY_S: Final = 10.0
NARROW_G: Final = 3.0  # between a sensor of ±2 g and one of ±4 g
GAP_US: Final = 500_000  # samples missing for longer than this cannot be guessed
REDELIVERY_US: Final = 10_000_000  # a pack that is older by no more than this has been seen before
SILENCE_US: Final = 2_000_000
ACCELERATION_G_MAX: Final = 64.0  # no worn sensor measures more; a missing-value code does
KEPT_BINS: Final = BEFORE_BINS + AFTER_BINS

_FILES: Final[dict[Wear, str]] = {"waist": "fall_waist.json", "wrist": "fall_wrist.json", "pocket": "fall_waist.json"}
_NEVER: Final = -1
_LONG_AGO_BINS: Final = 10**9
_EPSILON_US: Final = 0.01  # rounding of a phase must not move a sample to the bin before


@dataclass(frozen=True, slots=True)
class FallModel:
    """What was learnt: the nets, the score from which on it is a fall (another one for a sensor that cuts off below
    NARROW_G), and the features in the nets' order."""

    nets: Nets
    threshold: float
    threshold_narrow: float
    feature_names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "FallModel":
        """Of a data file that `anhu learn fall` made. Raises ModelUnreadable."""
        try:
            table: Any = json.loads(text)
            names = tuple(str(name) for name in table["features"])
            threshold, narrow = float(table["threshold"]), float(table["threshold_narrow"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnreadable(f"not a fall model: {error!r}") from error
        if not (0 < threshold < 1 and 0 < narrow < 1):
            raise ModelUnreadable(f"a threshold lies between 0 and 1, not at {threshold} or {narrow}")
        nets = Nets.of(table)
        if len(names) != len(nets.middle):
            raise ModelUnreadable("as many features as the nets have inputs are wanted")
        return cls(nets, threshold, narrow, names)

    def thresholds(self, range_g: NDArray[np.float64]) -> NDArray[np.float64]:
        """The threshold for sensors of these ranges."""
        return np.where(range_g < NARROW_G, self.threshold_narrow, self.threshold)


@cache
def shipped_model(wear: Wear) -> FallModel:
    """The model that ships for a sensor worn at `wear`; a pocket is judged by the waist's."""
    return FallModel.parse(resources.files("alerting.detect").joinpath(_FILES[wear]).read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Packs:
    """Stretches of samples as wearers' devices send them.

    row int64[p]: the wearer; start_us int64[p]: when its first sample was taken, µs since 1970 by the device's clock;
    rate_hz float64[p]; range_g float64[p]: where the sensor cuts off; count int64[p]: how many rows of `acceleration`,
    float32[n, 3] in g, each has. Samples that are not finite, or beyond what a sensor measures, count as missing.
    """

    row: Int64
    start_us: Int64
    rate_hz: NDArray[np.float64]
    range_g: NDArray[np.float64]
    count: Int64
    acceleration: Float32

    def __post_init__(self) -> None:
        if len({len(self.row), len(self.start_us), len(self.rate_hz), len(self.range_g), len(self.count)}) != 1:
            raise ValueError("packs of different lengths")
        if self.acceleration.shape != (int(self.count.sum()), 3) or (self.count < 1).any():
            raise ValueError("the counts do not add up to the samples")
        if not ((self.rate_hz >= RATE_HZ_MIN) & (self.rate_hz <= RATE_HZ_MAX)).all():
            raise ValueError(f"a rate outside {RATE_HZ_MIN} to {RATE_HZ_MAX} Hz")

    def take(self, packs: Int64) -> "Packs":
        """Some of them, in the order of `packs`."""
        first = np.cumsum(self.count) - self.count
        count = self.count[packs]
        sample = np.repeat(first[packs] - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        return Packs(
            self.row[packs], self.start_us[packs], self.rate_hz[packs], self.range_g[packs], count,
            self.acceleration[sample],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Impacts:
    """Candidates that were judged, in the order of row and time: whose, when it hit and when it was judged (both by the
    device's clock), the score and the threshold, whether it is an alarm, and what it looked like: features
    float32[k, f], and the largest and the smallest length of each bin around it, trace float32[k, WINDOW_BINS, 2] in g.
    """

    row: Int64
    impact_us: Int64
    judged_us: Int64
    score: NDArray[np.float64]
    threshold: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    features: Float32
    trace: Float32

    @classmethod
    def none(cls) -> "Impacts":
        """None at all."""
        empty = np.empty(0, np.int64)
        features = np.empty((0, len(FEATURE_NAMES)), np.float32)
        trace = np.empty((0, WINDOW_BINS, 2), np.float32)
        return cls(empty, empty, empty, np.empty(0), np.empty(0), np.empty(0, np.bool_), features, trace)

    @classmethod
    def joined(cls, parts: "list[Impacts]") -> "Impacts":
        """All of `parts`."""
        if not parts:
            return cls.none()
        row = np.concatenate([part.row for part in parts])
        impact_us = np.concatenate([part.impact_us for part in parts])
        order = np.lexsort((impact_us, row))
        return cls(
            row[order],
            impact_us[order],
            np.concatenate([part.judged_us for part in parts])[order],
            np.concatenate([part.score for part in parts])[order],
            np.concatenate([part.threshold for part in parts])[order],
            np.concatenate([part.alarm for part in parts])[order],
            np.concatenate([part.features for part in parts])[order],
            np.concatenate([part.trace for part in parts])[order],
        )


class FallDetector:
    """Judges packs of many wearers at once under one model; without one it only looks: impacts are found, none is
    scored.

    >>> detector = FallDetector(shipped_model("waist"))
    >>> state = detector.begin(1)
    >>> still = np.tile(np.array([0, 0, 1], np.float32), (500, 1))  # ten seconds of lying on a table
    >>> packs = Packs(np.array([0]), np.array([0]), np.array([50.0]), np.array([16.0]), np.array([500]), still)
    >>> len(detector.feed(state, packs).row)
    0
    """

    def __init__(self, model: FallModel | None) -> None:
        if model is not None and model.feature_names != FEATURE_NAMES:
            raise ModelUnreadable("the model was learnt from other features: learn it anew with `anhu learn fall`")
        self._model = model

    def begin(self, count: int) -> Columns:
        """State of `count` wearers of whom nothing is known."""
        return {
            "bins": np.zeros((count, KEPT_BINS, CHANNELS), np.float32),
            "open": np.tile(np.array([0, 0, 0, 0, -np.inf, np.inf]), (count, 1)),  # Σx, Σy, Σz, samples, high, low
            "phase_us": np.zeros(count),  # of the next sample, within the open bin
            "next_us": np.full(count, _NEVER, np.int64),  # when the next sample is due
            "range_g": np.full(count, np.inf),  # of the sensor
            "quiet_bins": np.full(count, _LONG_AGO_BINS, np.int64),  # since the last alarm
        }

    def feed(self, state: Columns, packs: Packs) -> Impacts:
        """Judge what `packs` bring; `state` is brought up to date in place. Packs of one wearer are taken by time."""
        found = []
        order = np.lexsort((packs.start_us, packs.row))
        row = packs.row[order]
        beginning = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        nth = np.arange(len(row)) - np.repeat(beginning, np.diff(np.r_[beginning, len(row)]))
        for turn in range(int(nth.max()) + 1 if len(nth) else 0):
            part = packs.take(order[nth == turn])
            ahead_us = part.start_us - state["next_us"][part.row]
            known = state["next_us"][part.row] != _NEVER
            seen = known & (ahead_us < -GAP_US) & (ahead_us >= -REDELIVERY_US)
            broken = known & ~seen & (np.abs(ahead_us) > GAP_US)
            found.append(self.conclude(state, part.row[broken]))
            if not seen.all():
                found.append(self._extend(state, part.take(np.flatnonzero(~seen))))
        return Impacts.joined(found)

    def expire(self, state: Columns, now_us: int) -> Impacts:
        """Judge what is pending of wearers from whom nothing more came for `SILENCE_US` (a device that broke in the
        fall falls silent); `now_us` by their clocks. Their next sample begins afresh."""
        silent = (state["next_us"] != _NEVER) & (now_us - state["next_us"] >= SILENCE_US)
        return self.conclude(state, np.flatnonzero(silent))

    def conclude(self, state: Columns, rows: Int64) -> Impacts:
        """Judge the pending candidates of `rows` (ascending) as if their last bin went on, and forget the stream."""
        if not len(rows):
            return Impacts.none()
        bins = state["bins"][rows]
        more = np.concatenate([bins, np.repeat(bins[:, -1:], AFTER_BINS, axis=1)], axis=1)
        count = np.full(len(rows), AFTER_BINS, np.int64)
        end_us = state["next_us"][rows]
        found = self._judge(state, rows, more, count, end_us + AFTER_BINS * BIN_US)
        fresh = self.begin(len(rows))
        for name in ("bins", "open", "phase_us", "next_us"):
            state[name][rows] = fresh[name]
        return replace(found, judged_us=end_us[np.searchsorted(rows, found.row)])

    def _extend(self, state: Columns, packs: Packs) -> Impacts:
        """Append the packs, one a wearer, to their streams, and judge what the new bins complete."""
        rows = packs.row
        state["range_g"][rows] = packs.range_g
        count, values = _bins(state, packs)
        unknown = state["next_us"][rows] == _NEVER
        longest = int(count.max())
        at_us = packs.start_us + np.rint(packs.count * 1e6 / packs.rate_hz).astype(np.int64)
        state["next_us"][rows] = at_us
        if not longest:
            return Impacts.none()
        kept = state["bins"][rows]
        first = np.cumsum(count) - count
        empty = count == 0
        begun = unknown & ~empty
        kept[begun] = values[first[begun]][:, None]
        # A stream whose first pack did not fill a bin is still to begin.
        state["next_us"][rows[unknown & empty]] = at_us[unknown & empty]
        more = np.concatenate([kept, np.zeros((len(rows), longest, CHANNELS), np.float32)], axis=1)
        who = np.repeat(np.arange(len(rows)), count)
        nth = np.arange(len(who)) - np.repeat(first, count)
        more[who, KEPT_BINS + nth] = values
        found = self._judge(state, rows, more, count, at_us - np.rint(state["phase_us"][rows]).astype(np.int64))
        keep = count[:, None] + np.arange(KEPT_BINS)
        state["bins"][rows] = more[np.arange(len(rows))[:, None], keep]
        return found

    def _judge(self, state: Columns, rows: Int64, bins: Float32, count: Int64, end_us: Int64) -> Impacts:
        """Judge the candidates that the last `count` of each row's `bins`, float32[d, b, CHANNELS], complete; the last
        new bin of a row ends at `end_us`."""
        high = bins[..., 3]
        longest = int(count.max())
        centres = high[:, KEPT_BINS - AFTER_BINS : KEPT_BINS - AFTER_BINS + longest]
        new = np.arange(longest) < count[:, None]
        who, nth = np.nonzero((centres >= CANDIDATE_G) & new)
        centre = nth + KEPT_BINS - AFTER_BINS
        around = high[who[:, None], centre[:, None] + np.arange(-NEAR_BINS, NEAR_BINS + 1)]
        peak = around[:, NEAR_BINS]
        highest = (peak > around[:, :NEAR_BINS].max(axis=1, initial=0)) & (
            peak >= around[:, NEAR_BINS + 1 :].max(axis=1, initial=0)
        )
        who, nth, centre = who[highest], nth[highest], centre[highest]
        window = bins[who[:, None], centre[:, None] + np.arange(-BEFORE_BINS, AFTER_BINS + 1)]
        values = features(window)
        score = threshold = np.full(len(who), np.nan)
        if self._model is not None and len(who):
            score = self._model.nets.score(values)
            threshold = self._model.thresholds(state["range_g"][rows[who]])
        over = score >= threshold
        alarm = _first_in_a_while(state["quiet_bins"], rows, count, who, nth, over)
        judged_us = end_us[who] - (count[who] - 1 - nth) * BIN_US
        impact_us = judged_us - AFTER_BINS * BIN_US - BIN_US // 2
        return Impacts(rows[who], impact_us, judged_us, score, threshold, alarm, values, window[..., 3:])


def _first_in_a_while(
    quiet_bins: Int64, rows: Int64, count: Int64, who: Int64, nth: Int64, over: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which of the candidates (of `rows[who]`, at the `nth` new bin, by time) that are over the threshold raise an
    alarm; `quiet_bins`, bins since the last alarm, is brought to the end of the new bins."""
    alarm = np.zeros(len(who), np.bool_)
    quiet_since = -quiet_bins[rows]  # the last alarm, counted from the first new bin
    for each in np.flatnonzero(over).tolist():  # alarms are rare
        if nth[each] - quiet_since[who[each]] >= REFRACTORY_S * BIN_HZ:
            alarm[each] = True
            quiet_since[who[each]] = nth[each]
    quiet_bins[rows] = np.minimum(count - quiet_since, _LONG_AGO_BINS)
    return alarm


def _bins(state: Columns, packs: Packs) -> tuple[Int64, Float32]:
    """How many bins each pack closes, and these bins, pack after pack; the open bins in `state` are brought up to
    date."""
    rows = packs.row
    phase_us, opened = state["phase_us"][rows], state["open"][rows]
    pack = np.repeat(np.arange(len(rows)), packs.count)
    nth = np.arange(len(pack)) - np.repeat(np.cumsum(packs.count) - packs.count, packs.count)
    vector = _filled(packs.acceleration, pack, state["bins"][rows, -1, :3])
    bin_of = np.floor((phase_us[pack] + nth * 1e6 / packs.rate_hz[pack] + _EPSILON_US) / BIN_US).astype(np.int64)
    after_us = phase_us + packs.count * 1e6 / packs.rate_hz
    count = np.floor((after_us + _EPSILON_US) / BIN_US).astype(np.int64)
    state["phase_us"][rows] = np.maximum(after_us - count * BIN_US, 0)

    slots = count + 1  # the bins a pack closes and the one it leaves open
    slot_first = np.cumsum(slots) - slots
    length = np.sqrt(np.einsum("ni,ni->n", vector, vector))
    total = np.zeros((int(slots.sum()), 6))
    total[:, 4], total[:, 5] = -np.inf, np.inf
    total[slot_first] = opened
    slot = slot_first[pack] + bin_of
    begin = np.flatnonzero(np.r_[True, slot[1:] != slot[:-1]])
    here = slot[begin]
    total[here, :3] += np.add.reduceat(vector, begin, axis=0)
    total[here, 3] += np.diff(np.r_[begin, len(slot)])
    total[here, 4] = np.maximum(total[here, 4], np.maximum.reduceat(length, begin))
    total[here, 5] = np.minimum(total[here, 5], np.minimum.reduceat(length, begin))
    state["open"][rows] = total[slot_first + count]

    closed = np.ones(len(total), np.bool_)
    closed[slot_first + count] = False
    return count, _closed_bins(total, closed, slot_first, slots, state["bins"][rows, -1])


def _closed_bins(
    total: NDArray[np.float64], closed: NDArray[np.bool_], slot_first: Int64, slots: Int64, before: Float32
) -> Float32:
    """The closed slots as bins; one in which no sample fell (20 Hz with a slow clock) repeats the bin before it."""
    full = total[:, 3] > 0
    values = np.zeros((len(total), CHANNELS), np.float32)
    values[:, :3] = total[:, :3] / np.maximum(total[:, 3], 1)[:, None]
    values[:, 3:] = np.where(full[:, None], total[:, 4:], 0)
    source = np.maximum.accumulate(np.where(full, np.arange(len(total)), -1))
    first_of = np.repeat(slot_first, slots)
    held = source >= first_of
    values = np.where(held[:, None], values[np.maximum(source, 0)], np.repeat(before, slots, axis=0))
    return values[closed]


def _filled(acceleration: Float32, pack: Int64, before: Float32) -> NDArray[np.float64]:
    """The samples with every missing one replaced by the one before it, or by the wearer's last bin."""
    vector = acceleration.astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = (np.abs(vector) <= ACCELERATION_G_MAX).all(axis=1)
    if good.all():
        return vector
    first = np.searchsorted(pack, pack)
    source = np.maximum.accumulate(np.where(good, np.arange(len(pack)), -1))
    held = source >= first
    return np.where(held[:, None], vector[np.maximum(source, 0)], before[pack])
