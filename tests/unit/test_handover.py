"""Handing a desk over: who may sign, and since when a shift counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.handover import (
    SHIFT_MAX,
    Handover,
    Refusal,
    Since,
    State,
    TakeOver,
    shift_start,
    why_not_take_over,
    why_not_write,
)
from alerting.people import Scope

NOW = datetime(2026, 11, 28, 0, tzinfo=UTC)
NIGHT = NOW - timedelta(hours=9)
WAITING = Handover(3, Scope(7), NIGHT, NOW - timedelta(minutes=5), "user:desk", "王 芳", "", {})


def taken(at: datetime) -> Handover:
    return replace(WAITING, take_over=TakeOver(at, "user:desk", "Li Wei", ""))


def test_a_note_waits_until_it_is_taken_over_or_replaced():
    assert WAITING.state is State.WAITING
    assert taken(NOW).state is State.TAKEN_OVER
    assert replace(WAITING, replaced_by=4).state is State.REPLACED


@pytest.mark.parametrize(
    ("last", "at", "how"),
    [
        (None, NOW - SHIFT_MAX, Since.A_DAY),
        (taken(NIGHT), NIGHT, Since.TAKEN_OVER),
        (WAITING, NIGHT, Since.WRITTEN),  # to be replaced: the same shift
        (replace(WAITING, since_at=NOW - SHIFT_MAX), NOW - SHIFT_MAX, Since.WRITTEN),
        (replace(WAITING, written_at=NOW - 2 * SHIFT_MAX), NOW - SHIFT_MAX, Since.A_DAY),
        (replace(WAITING, replaced_by=4), WAITING.written_at, Since.WRITTEN),
        (taken(NOW - SHIFT_MAX), NOW - SHIFT_MAX, Since.TAKEN_OVER),
        (taken(NOW - SHIFT_MAX - timedelta(seconds=1)), NOW - SHIFT_MAX, Since.A_DAY),
    ],
)
def test_since_when_a_shift_counts(last: Handover | None, at: datetime, how: Since):
    assert shift_start(last, NOW) == (at, how)


def test_nobody_passes_over_a_note_of_somebody_else():
    assert why_not_write(None, "user:other") is None
    assert why_not_write(taken(NIGHT), "user:other") is None
    assert why_not_write(WAITING, "user:desk") is None
    assert why_not_write(WAITING, "user:other") is Refusal.TAKE_OVER_FIRST


@pytest.mark.parametrize(
    ("waiting", "desk", "name", "why"),
    [
        (WAITING, Scope(7), "李伟", None),
        (WAITING, Scope(8), "李伟", Refusal.ANOTHER_DESK),
        (WAITING, Scope(region="220322"), "李伟", Refusal.ANOTHER_DESK),
        (WAITING, Scope(7), "王芳 ", Refusal.SAME_NAME),
        (taken(NOW), Scope(7), "李伟", Refusal.NOT_WAITING),
        (replace(WAITING, replaced_by=4), Scope(7), "李伟", Refusal.NOT_WAITING),
        (replace(WAITING, name="Li Wei"), Scope(7), "li  WEI", Refusal.SAME_NAME),
    ],
)
def test_who_may_take_over(waiting: Handover, desk: Scope, name: str, why: Refusal | None):
    assert why_not_take_over(waiting, desk, name) is why
