"""From scores to conditions: on-delay, deadband, off-delay and hold, for all watches at once.

A condition begins once the score has stood at or beyond `raise_at` for `on_delay_us` and `samples_min` samples, and
ends once it has stood within `clear_at` for `off_delay_us`. Between the two lies the deadband, in which nothing changes
(the terms are ISA-18.2's). A condition with a hold ends by itself `hold_us` after the last sample beyond its setpoint:
for devices that say "pressed" and never "released".

A watch is *idle* while it is not active and its latest sample was not beyond the setpoint. A sample that is not beyond
it changes nothing of an idle watch, and neither does time: nearly all watches are idle, and need not be looked at.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from alerting.alert import Verb
from alerting.detect.detector import Float64

NEVER: Final = -1
SAMPLES_MAX: Final = 255  # more in a row are not counted; rules ask for at most 100

Bool = NDArray[np.bool_]
Int64 = NDArray[np.int64]


@dataclass(slots=True)
class Limits:
    """What the rules ask of each watch; one row a watch, or a rule."""

    raise_at: Float64
    clear_at: Float64
    above: Bool  # the alarm lies above the setpoint; else below
    on_delay_us: Int64
    off_delay_us: Int64
    hold_us: Int64  # 0: never ends by itself
    samples_min: NDArray[np.int32]

    def take(self, rows: NDArray[Any]) -> Self:
        """The limits of `rows`."""
        return type(self)(
            self.raise_at[rows],
            self.clear_at[rows],
            self.above[rows],
            self.on_delay_us[rows],
            self.off_delay_us[rows],
            self.hold_us[rows],
            self.samples_min[rows],
        )

    def beyond(self, score: Float64) -> Bool:
        """Where `score`, one row a watch, is at or beyond the setpoint."""
        found: Bool = np.where(self.above, score >= self.raise_at, score <= self.raise_at)
        return found


@dataclass(slots=True)
class Latch:
    """Where each watch stands; one row a watch, times in µs since 1970 of the device's clock, NEVER where none."""

    active: Bool
    samples: NDArray[np.uint8]  # in a row beyond the setpoint
    since_us: Int64  # the first of them
    beyond_us: Int64  # the latest sample beyond the setpoint
    within_us: Int64  # the first of the samples in a row back within, while active
    score: NDArray[np.float32]  # the latest while not idle, for the evidence

    @classmethod
    def begin(cls, count: int) -> Self:
        """`count` watches that have seen nothing."""
        return cls(
            np.zeros(count, np.bool_),
            np.zeros(count, np.uint8),
            np.full(count, NEVER, np.int64),
            np.full(count, NEVER, np.int64),
            np.full(count, NEVER, np.int64),
            np.zeros(count, np.float32),
        )

    def take(self, rows: NDArray[Any]) -> Self:
        """A copy of `rows`."""
        return type(self)(
            self.active[rows],
            self.samples[rows],
            self.since_us[rows],
            self.beyond_us[rows],
            self.within_us[rows],
            self.score[rows],
        )

    def put(self, rows: NDArray[Any], other: Self) -> None:
        """Write `other` over `rows`."""
        self.active[rows] = other.active
        self.samples[rows] = other.samples
        self.since_us[rows] = other.since_us
        self.beyond_us[rows] = other.beyond_us
        self.within_us[rows] = other.within_us
        self.score[rows] = other.score

    def busy(self) -> Int64:
        """The watches that are not idle."""
        rows: Int64 = (self.active | (self.samples > 0)).nonzero()[0]
        return rows


def update(
    latch: Latch, limits: Limits, at_us: Int64, score: Float64, onset_us: Int64 | None = None
) -> list[tuple[Verb, Bool, Int64]]:
    """Bring `latch` up to date with one score a watch; what began and ended, in order, as (verb, which watches, when).

    Time passes first: a delay or a hold that ran out before this sample did so at its own moment, whether or not
    somebody looked in between. What is decided therefore depends on the samples alone, not on when they were judged.
    A watch that begins to be beyond its setpoint has been so since `onset_us`, where its detector knows better than
    that it was this sample's time.
    """
    changes = expire(latch, limits, at_us)
    beyond = limits.beyond(score)
    within = np.where(limits.above, score < limits.clear_at, score > limits.clear_at)
    latch.score = score.astype(np.float32)
    latch.samples = np.where(beyond, np.minimum(latch.samples, SAMPLES_MAX - 1) + 1, 0).astype(np.uint8)
    onset_us = at_us if onset_us is None else onset_us
    latch.since_us = np.where(beyond, np.where(latch.since_us == NEVER, onset_us, latch.since_us), NEVER)
    latch.beyond_us = np.where(beyond, at_us, latch.beyond_us)
    latch.within_us = np.where(latch.active & within, np.where(latch.within_us == NEVER, at_us, latch.within_us), NEVER)
    begun = (
        beyond & ~latch.active & (latch.samples >= limits.samples_min) & (at_us - latch.since_us >= limits.on_delay_us)
    )
    ended = latch.active & within & (at_us - latch.within_us >= limits.off_delay_us)
    latch.active = latch.active | begun
    _end(latch, ended)
    return [*changes, (Verb.RAISE, begun, at_us), (Verb.CLEAR, ended, at_us)]


def expire(latch: Latch, limits: Limits, now_us: Int64) -> list[tuple[Verb, Bool, Int64]]:
    """What time alone brings about between samples: delays and holds that have run out by `now_us`, by the clock of
    each watch's device. What began and ended, in order, as (verb, which watches, when)."""
    due_on = latch.since_us + limits.on_delay_us
    due_hold = latch.beyond_us + limits.hold_us
    held = limits.hold_us > 0
    begun = ~latch.active & (latch.since_us != NEVER) & (latch.samples >= limits.samples_min) & (due_on <= now_us)
    begun &= ~held | (due_on < due_hold)  # a condition that ended by its hold does not begin again by itself
    latch.active = latch.active | begun
    due_off = latch.within_us + limits.off_delay_us
    rested = (latch.within_us != NEVER) & (due_off <= now_us)
    expired = held & (latch.beyond_us != NEVER) & (due_hold <= now_us)
    ended = latch.active & (rested | expired)
    due_end = np.where(rested & expired, np.minimum(due_off, due_hold), np.where(rested, due_off, due_hold))
    _end(latch, ended)
    return [(Verb.RAISE, begun, due_on), (Verb.CLEAR, ended, due_end)]


def _end(latch: Latch, ended: Bool) -> None:
    if not ended.any():
        return
    latch.active = latch.active & ~ended
    latch.within_us = np.where(ended, NEVER, latch.within_us)
    # A hold that ran out starts from nothing: the next sample beyond the setpoint is a new condition.
    latch.since_us = np.where(ended, NEVER, latch.since_us)
    latch.samples = np.where(ended, 0, latch.samples).astype(np.uint8)
