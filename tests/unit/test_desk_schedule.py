"""When chains are tested and desks are checked."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting import chain_test, duty_check
from alerting.alert import fold
from alerting.chain_test import Half
from alerting.duty_check import DutyCheck, State
from alerting.hours import CHINA, Hours

QUIET = Hours(time(2), time(4))
SEED = b"seed"
REGISTERED = datetime(2026, 1, 5, tzinfo=UTC)


def run_for(days: int, begin: datetime, institution: int, away=lambda _: False, every_m: int = 7) -> list[datetime]:
    """A runner that looks every some minutes, except while it is away."""
    runs: list[datetime] = []
    now = begin
    while now < begin + timedelta(days=days):
        last = runs[-1] if runs else None
        if not away(now) and chain_test.next_run(institution, REGISTERED, last, now, SEED, QUIET) <= now:
            runs.append(now)
        now += timedelta(minutes=every_m)
    return runs


@pytest.mark.parametrize("institution", [1, 2, 77])
def test_twice_a_month_in_the_quiet_hours(institution):
    begin = datetime(2026, 2, 1, tzinfo=CHINA)
    runs = run_for(120, begin, institution)
    months = [(run.astimezone(CHINA).month, Half.of(run)) for run in runs]
    assert [month for month, _ in months].count(2) == 2
    assert [month for month, _ in months].count(3) == 2
    assert [month for month, _ in months].count(4) == 2
    assert len(set(months)) == len(months)
    assert all(QUIET.contain(run) for run in runs)


def test_institutions_are_not_tested_at_the_same_moment():
    half = Half.of(datetime(2026, 3, 3, tzinfo=UTC))
    assert len({chain_test.planned_at(each, half, SEED, QUIET) for each in range(200)}) == 200
    assert chain_test.planned_at(1, half, b"other", QUIET) != chain_test.planned_at(1, half, SEED, QUIET)


def test_a_test_that_was_slept_through_is_made_up_for_within_the_half():
    half = Half(date(2026, 3, 1), date(2026, 3, 16))
    planned = chain_test.planned_at(5, half, SEED, QUIET)
    runs = run_for(31, datetime(2026, 3, 1, tzinfo=CHINA), 5, away=lambda now: abs(now - planned) < timedelta(hours=20))
    assert len(runs) == 2
    assert half.contains(runs[0])
    assert timedelta(hours=20) <= runs[0] - planned < timedelta(hours=50)
    assert all(QUIET.contain(run) for run in runs)


def test_a_new_institution_is_left_to_settle():
    now = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)  # in the quiet hours
    assert chain_test.next_run(1, now, None, now, SEED, QUIET) >= now + timedelta(days=1)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9999), st.datetimes(datetime(2026, 1, 7), datetime(2029, 1, 1)), st.integers(0, 60))  # noqa: DTZ001
def test_the_next_run_is_never_far_and_always_quiet(institution, naive, days_since):
    now = naive.replace(tzinfo=UTC)
    due = chain_test.next_run(institution, REGISTERED, now - timedelta(days=days_since), now, SEED, QUIET)
    assert now <= due <= now + timedelta(days=31)
    assert due == now or QUIET.contain(due)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 999), st.integers(1, 40))
def test_duty_checks_keep_their_rate_and_hours(institution, rate):
    hours = Hours(time(8), time(18))
    at, calls = datetime(2026, 3, 1, tzinfo=CHINA), []
    while True:
        following = duty_check.next_call(institution, at, SEED, rate, hours)
        assert following > at
        if following >= datetime(2026, 5, 1, tzinfo=CHINA):
            break
        calls.append(following)
        at = following
    assert all(hours.contain(call) for call in calls)
    march = sum(call.astimezone(CHINA).month == 3 for call in calls)
    assert march == rate
    assert len(calls) == 2 * rate
    assert duty_check.next_call(institution, at, SEED, 0, hours) is None


def test_a_missed_check_is_an_alert_that_a_later_answer_ends():
    called = datetime(2026, 3, 1, tzinfo=UTC)
    check = DutyCheck(7, 3, called, called + timedelta(minutes=10), "user:wang", "")
    assert not check.missed(called + timedelta(minutes=9))
    assert check.missed(check.due_at)
    event = duty_check.missed_event(check, None, check.due_at)
    assert event.key == duty_check.key_of(3)
    assert (event.kind, event.priority, event.evidence["text_en"]) == (
        "unanswered", "high", "Duty check missed: nobody at the desk answered within 10 min",
    )  # fmt: skip
    standing = fold(None, event)
    later = DutyCheck(8, 3, called, called, "random", "", State.ANSWERED, called, "user:li")
    cleared = duty_check.answered_event(later, standing, check.due_at)
    assert not fold(standing, cleared).active
    assert duty_check.answered_event(later, None, check.due_at) is None


def test_hours_must_be_in_order():
    with pytest.raises(ValueError, match="begin before"):
        Hours(time(4), time(2))
