"""When a score is an alarm: the vectorised latch beside a slow one that is written from the definition."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import Verb
from alerting.latch import NEVER, Latch, Limits, expire, update

S = 1_000_000


def limits(
    *, raise_at: float = 10, clear_at: float = 5, above: bool = True, on_s: float = 0, off_s: float = 0,
    hold_s: float = 0, samples: int = 1, count: int = 1,
) -> Limits:  # fmt: skip
    def column(value: float | bool, dtype: type) -> np.ndarray:
        return np.full(count, value, dtype)

    return Limits(
        column(raise_at, np.float64), column(clear_at, np.float64), column(above, np.bool_),
        column(on_s * S, np.int64), column(off_s * S, np.int64), column(hold_s * S, np.int64),
        column(samples, np.int32),
    )  # fmt: skip


def told(changes: list[tuple[Verb, np.ndarray, np.ndarray]]) -> list[tuple[str, float]]:
    """(what, second) of the changes of one watch."""
    return [(verb.value, when[0] / S) for verb, which, when in changes if which[0]]


def run(rule: Limits, *samples: tuple[float, float]) -> list[tuple[str, float]]:
    """(what, second) of every change for (second, score) samples of one watch."""
    latch, changes = Latch.begin(1), []
    for second, score in samples:
        changes += told(update(latch, rule, np.array([round(second * S)]), np.array([float(score)])))
    return [("on" if what == "raise" else "off", second) for what, second in changes]


def test_the_setpoint_itself_is_beyond_and_the_clear_level_itself_is_not_within() -> None:
    assert run(limits(), (0, 9.999), (1, 10), (2, 5), (3, 4.999)) == [("on", 1), ("off", 3)]
    low = limits(raise_at=5, clear_at=10, above=False)
    assert run(low, (0, 5.001), (1, 5), (2, 10), (3, 10.001)) == [("on", 1), ("off", 3)]


def test_nothing_changes_in_the_deadband() -> None:
    assert run(limits(), (0, 7), (1, 12), (2, 7), (3, 9), (4, 7), (5, 12), (6, 4)) == [("on", 1), ("off", 6)]


def test_samples_in_a_row() -> None:
    assert run(limits(samples=3), (0, 12), (1, 12), (2, 7), (3, 12), (4, 12), (5, 12)) == [("on", 5)]


def test_delays_run_from_the_first_sample_and_start_again() -> None:
    assert run(limits(on_s=10), (0, 12), (9, 12), (10, 12)) == [("on", 10)]
    assert run(limits(on_s=10), (0, 12), (9, 12), (30, 12)) == [("on", 10)]  # at its own moment
    assert run(limits(on_s=10), (0, 12), (9, 7), (10, 12), (19, 12), (20, 12)) == [("on", 20)]
    assert run(limits(off_s=10), (0, 12), (1, 0), (10, 0), (11, 0)) == [("on", 0), ("off", 11)]
    assert run(limits(off_s=10), (0, 12), (1, 0), (8, 7), (9, 0), (18, 0), (19, 0)) == [("on", 0), ("off", 19)]


def test_a_hold_ends_after_the_last_sample_beyond() -> None:
    held = limits(raise_at=1, clear_at=0.5, hold_s=60, off_s=600)
    assert run(held, (0, 1), (50, 1), (109, 0), (110, 0), (111, 1)) == [("on", 0), ("off", 110), ("on", 111)]
    assert run(held, (0, 1), (200, 0)) == [("on", 0), ("off", 60)]
    slow = limits(raise_at=1, clear_at=0.5, hold_s=60, on_s=20)
    assert run(slow, (0, 1), (200, 0)) == [("on", 20), ("off", 60)]
    assert run(limits(raise_at=1, clear_at=0.5, hold_s=60, on_s=80), (0, 1), (200, 0)) == []


def test_time_alone() -> None:
    latch, rule = Latch.begin(1), limits(on_s=10, off_s=5)
    update(latch, rule, np.array([0]), np.array([12.0]))
    assert told(expire(latch, rule, np.array([10 * S - 1]))) == []
    assert told(expire(latch, rule, np.array([14 * S]))) == [("raise", 10)]
    assert told(expire(latch, rule, np.array([99 * S]))) == []  # once
    update(latch, rule, np.array([20 * S]), np.array([0.0]))
    assert told(expire(latch, rule, np.array([25 * S]))) == [("clear", 25)]


def test_a_watch_that_has_seen_nothing_never_changes() -> None:
    latch = Latch.begin(4)
    for now in (0, 10**16, -(10**16)):
        for _, which, _ in expire(latch, limits(count=4, hold_s=1), np.full(4, now)):
            assert not which.any()


def test_take_is_a_copy_and_put_writes_back() -> None:
    latch = Latch.begin(3)
    part = latch.take(np.array([1]))
    part.active[0], part.since_us[0] = True, 7
    assert not latch.active.any()
    latch.put(np.array([1]), part)
    assert latch.active.tolist() == [False, True, False]
    assert latch.since_us.tolist() == [NEVER, 7, NEVER]


@dataclass
class Slow:
    """The definition, one watch at a time."""

    active: bool = False
    run: tuple[int, ...] = ()  # times of the samples in a row beyond
    within: tuple[int, ...] = ()  # times of those in a row back within
    last_beyond: int | None = None
    clock: int = 0

    def pass_time(self, rule: Limits, now: int) -> list[tuple[str, float]]:
        """Second by second, so that nothing is worked out but looked at."""
        changes = []
        while self.clock < now:
            self.clock += S
            changes += self._at(rule, self.clock)
        return changes

    def _at(self, rule: Limits, at: int) -> list[tuple[str, float]]:
        hold = rule.hold_us[0]
        over = hold > 0 and self.last_beyond is not None and at - self.last_beyond >= hold
        ready = len(self.run) >= rule.samples_min[0] and self.run and at - self.run[0] >= rule.on_delay_us[0]
        if not self.active and ready and not over:
            self.active = True
            return [("raise", at / S)]
        if self.active and (over or (self.within and at - self.within[0] >= rule.off_delay_us[0])):
            self.active, self.run, self.within = False, (), ()
            return [("clear", at / S)]
        return []

    def sample(self, rule: Limits, at: int, score: float) -> list[tuple[str, float]]:
        changes = self.pass_time(rule, at)
        raise_at, clear_at, above = rule.raise_at[0], rule.clear_at[0], rule.above[0]
        beyond = score >= raise_at if above else score <= raise_at
        inside = score < clear_at if above else score > clear_at
        self.run = (*self.run, at) if beyond else ()
        self.last_beyond = at if beyond else self.last_beyond
        self.within = (*self.within, at) if self.active and inside else ()
        return changes + self._at(rule, at)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0.0, 4.9, 5.0, 7.0, 9.9, 10.0, 12.0])), max_size=40),
    st.booleans(), st.sampled_from([0, 5, 17]), st.sampled_from([0, 5, 17]), st.sampled_from([0, 11]),
    st.integers(1, 3),
)  # fmt: skip
def test_it_does_what_the_definition_says(
    samples: list[tuple[int, float]], above: bool, on_s: int, off_s: int, hold_s: int, count: int
) -> None:
    setpoints = {"raise_at": 10.0, "clear_at": 5.0} if above else {"raise_at": 5.0, "clear_at": 10.0}
    rule = limits(above=above, on_s=on_s, off_s=off_s, hold_s=hold_s, samples=count, **setpoints)
    fast, slow, at = Latch.begin(1), Slow(), 0
    for step, score in samples:
        at += step * S
        assert told(update(fast, rule, np.array([at]), np.array([score]))) == slow.sample(rule, at, score)
        assert bool(fast.active[0]) == slow.active
