"""What counts as flapping."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting import flapping
from alerting.alert import Condition, Kind, Priority, Source, Verb, engine_event
from alerting.flapping import Limits, Reason, judge
from ingest.reading import to_us

START = datetime(2026, 11, 22, tzinfo=UTC)
LIMITS = Limits(begin_count=5, end_count=2, span_s=600)


def at(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=each) for each in seconds]


def said(seconds, now_s):
    found = judge(at(*seconds), START + timedelta(seconds=now_s), LIMITS)
    return found.flapping, found.reason


@pytest.mark.parametrize(
    ("seconds", "now_s", "expected"),
    [
        ([], 0, (False, Reason.SELDOM)),
        ([0, 10, 20, 30], 30, (False, Reason.SELDOM)),
        ([0, 10, 20, 30, 40], 40, (True, Reason.OFTEN)),
        ([0, 200, 400, 600, 800], 800, (False, Reason.SELDOM)),  # never five within ten minutes
        ([0, 10, 20, 30, 40], 615, (True, Reason.NOT_YET_CALM)),
        ([0, 10, 20, 30, 40], 631, (False, Reason.CALM_AGAIN)),
        ([0, 0, 0, 298, 299, 898], 898, (True, Reason.NOT_YET_CALM)),  # one leaves the span as another comes
        ([0, 10, 20, 30, 40, 2000], 2000, (False, Reason.CALM_AGAIN)),  # calm in between
        ([0, 10, 20, 30, 40], 39, (False, Reason.SELDOM)),  # what is yet to come does not count
    ],
)
def test_often_is_flapping_until_it_is_calm(seconds, now_s, expected):
    assert said(seconds, now_s) == expected


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=40).map(sorted), st.integers(0, 6000))
def test_the_answer_is_that_of_a_slow_and_simple_one(seconds, now_s):
    """Second by second as the definition says it: on at five within the span, off below two."""
    on = False
    moments = sorted({*seconds, *(each + 600 for each in seconds), now_s})
    for moment in (each for each in moments if each <= now_s):
        count = sum(
            START + timedelta(seconds=moment) - timedelta(seconds=600) < each <= START + timedelta(seconds=moment)
            for each in at(*seconds)
        )
        on = (on and count >= 2) or count >= 5
    assert said(seconds, now_s)[0] == on


def test_only_the_condition_counts_not_the_rules_that_join():
    number = uuid4()

    def event(verb, rule, seconds):
        us = to_us(START + timedelta(seconds=seconds))
        return engine_event(number, verb, us, us, Source(1, 1, 1), Condition(rule, Kind.GAS, Priority.HIGH, False), {})  # noqa: FBT003

    events = [
        event(Verb.RAISE, "a", 0), event(Verb.RAISE, "b", 5), event(Verb.CLEAR, "a", 10), event(Verb.CLEAR, "b", 20),
        event(Verb.RAISE, "a", 30),
    ]  # fmt: skip
    assert flapping.changes(events) == at(0, 20, 30)
    told = judge(flapping.changes(events), START + timedelta(seconds=30), LIMITS).evidence()
    assert told["text_en"] == "3 changes of state within the last 10 min"


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="end_count"):
        Limits(begin_count=2, end_count=3)
