"""The order of risk: criterion by criterion, whatever else is the matter, and always with the reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import Kind, Priority
from alerting.listing import OpenGroup
from dashboard.condition import Condition, summarise
from dashboard.wall import alarms_of
from inspection.risk_order import Overdue, Standing, Waiting, Why, in_order, reasons

NOW = datetime(2026, 11, 28, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WELL = Standing(1, "well", device_count=10, grade="B", grade_weight=1.0)
# An institution for each criterion, the most pressing first, which meets that one alone.
ALONE = {
    Why.CRITICAL_WAITING: replace(WELL, critical=Waiting(1, NOW - HOUR, 0)),
    Why.CRITICAL_OPEN: replace(WELL, critical=Waiting(0, None, 1)),
    Why.HIGH_WAITING: replace(WELL, high=Waiting(1, NOW - HOUR, 0)),
    Why.HIGH_OPEN: replace(WELL, high=Waiting(0, None, 1)),
    Why.MAJOR_OVERDUE: replace(WELL, major_overdue=Overdue(1, NOW - HOUR)),
    Why.SILENT: replace(WELL, offline_count=10),
    Why.MAJOR_OPEN: replace(WELL, major_open=1),
    Why.BLACK_LISTED: replace(WELL, list_kind="black"),
    Why.WATCH_LISTED: replace(WELL, list_kind="watch"),
    Why.GRADE: replace(WELL, grade="C", grade_weight=2.0),
    Why.FIRE_OVERDUE: replace(WELL, fire_overdue=Overdue(1, NOW - HOUR)),
    Why.OVERDUE: replace(WELL, overdue=Overdue(1, NOW - HOUR)),
    Why.OFFLINE: replace(WELL, offline_count=1),
}
moments = st.integers(1, 100_000).map(lambda minutes: NOW - timedelta(minutes=minutes))
overdue = st.one_of(st.just(Overdue()), st.builds(Overdue, st.integers(1, 9), moments))
waiting = st.one_of(
    st.builds(Waiting, st.just(0), st.none(), st.integers(0, 5)),
    st.builds(Waiting, st.integers(1, 5), moments, st.integers(0, 5)),
)
standings = st.builds(
    Standing,
    institution_id=st.integers(1, 10**6),
    code=st.text("abc", min_size=1, max_size=5),
    critical=waiting,
    high=waiting,
    major_overdue=overdue,
    major_open=st.integers(0, 3),
    overdue=overdue,
    list_kind=st.sampled_from([None, "red", "watch", "black"]),
    grade=st.sampled_from([None, "A", "D"]),
    grade_weight=st.sampled_from([0.5, 1.0, 4.0]),
    fire_overdue=overdue,
    device_count=st.integers(0, 20),
    offline_count=st.integers(0, 20),
)


def order(*given: Standing) -> list[str]:
    return [each.code for each, _ in in_order(given)]


@pytest.mark.parametrize(("why", "standing"), ALONE.items())
def test_each_criterion_is_met_by_what_it_is_about_and_by_nothing_else(why: Why, standing: Standing):
    assert [each.why for each in reasons(standing)] == [why]


def test_there_is_an_example_of_every_criterion_and_they_stand_in_its_order():
    assert list(ALONE) == list(Why)
    assert order(*(replace(each, code=why.value) for why, each in reversed(ALONE.items()))) == [*Why]
    assert reasons(WELL) == ()
    assert reasons(replace(WELL, list_kind="red", grade="A", grade_weight=0.5)) == ()
    assert reasons(Standing(1, "new")) == ()  # without devices and grade nothing is the matter, and nothing is silent


@pytest.mark.parametrize("number", range(len(Why) - 1))
def test_an_earlier_criterion_outweighs_all_later_ones_together(number: int):
    everything = {
        "critical": Waiting(9, NOW - 99 * HOUR, 9), "high": Waiting(9, NOW - 99 * HOUR, 9),
        "major_overdue": Overdue(9, NOW - 999 * HOUR), "major_open": 9, "overdue": Overdue(99, NOW - 999 * HOUR),
        "list_kind": "black", "grade": "D", "grade_weight": 4.0, "fire_overdue": Overdue(9, NOW - 999 * HOUR),
        "offline_count": 9,
    }  # fmt: skip
    earlier = list(ALONE.values())[number]
    worst = replace(WELL, code="later", **everything)
    # … without what the first few criteria look at
    for each in list(ALONE.values())[: number + 1]:
        changed = {name: getattr(WELL, name) for name in everything if getattr(each, name) != getattr(WELL, name)}
        worst = replace(worst, **changed)
    assert not {each.why for each in reasons(worst)} & set(list(Why)[: number + 1])
    assert order(worst, replace(earlier, code="earlier")) == ["earlier", "later"]


def test_who_waits_longest_comes_first_and_of_equal_ones_who_has_more():
    since = [replace(WELL, code=f"{hours}h", critical=Waiting(1, NOW - hours * HOUR)) for hours in (1, 3, 2)]
    assert order(*since) == ["3h", "2h", "1h"]
    many = replace(WELL, code="many", critical=Waiting(5, NOW - 2 * HOUR))
    assert order(*since, many) == ["3h", "many", "2h", "1h"]
    shares = [replace(WELL, code=str(gone), offline_count=gone) for gone in (2, 9, 5)]
    assert order(*shares) == ["9", "5", "2"]
    grades = [replace(WELL, code=name, grade=name, grade_weight=weight) for name, weight in (("C", 2.0), ("D", 4.0))]
    assert order(*grades) == ["D", "C"]


def test_where_nothing_is_the_matter_the_weight_of_the_grade_decides_and_then_the_code():
    known = [("b", "B", 1.0), ("a", "B", 1.0), ("best", "A", 0.5), ("unrated", None, 1.0)]
    made = [replace(WELL, code=code, grade=grade, grade_weight=weight) for code, grade, weight in known]
    assert order(*made) == ["a", "b", "unrated", "best"]


@given(st.lists(standings, max_size=12, unique_by=lambda each: each.code))
def test_the_order_does_not_depend_on_how_they_come_and_each_stands_by_its_first_reason(given_: list[Standing]):
    forth, back = in_order(given_), in_order(list(reversed(given_)))
    assert [(met, each.code) for each, met in forth] == [(met, each.code) for each, met in back]
    ranks = [list(Why).index(met[0].why) if met else len(Why) for _, met in forth]
    assert ranks == sorted(ranks)
    for each, met in forth:
        assert met == reasons(each)
        assert [one.why for one in met] == sorted((one.why for one in met), key=list(Why).index)


@given(standings, standings, moments)
def test_a_new_alarm_never_moves_an_institution_back(one: Standing, other: Standing, since: datetime):
    one, other = replace(one, code="one", institution_id=1), replace(other, code="other", institution_id=2)
    before = order(one, other).index("one")
    first = min(since, one.critical.since or since)
    alarmed = replace(one, critical=Waiting(one.critical.waiting + 1, first, one.critical.open))
    assert order(alarmed, other).index("one") <= before


groups = st.builds(
    OpenGroup, st.just(1), st.booleans(), st.sampled_from(Kind), st.sampled_from(Priority), st.booleans(),
    st.integers(1, 3),
)  # fmt: skip


@given(st.lists(groups, max_size=6), st.integers(0, 4))
def test_an_institution_is_drawn_in_alarm_exactly_where_its_first_reason_is_an_alarm(found, devices):
    summary = summarise(found, devices)
    met = reasons(
        Standing(
            1, "x", critical=alarms_of(Priority.CRITICAL, found, []), high=alarms_of(Priority.HIGH, found, []),
            device_count=devices, offline_count=min(devices, summary.offline_count),
        )
    )  # fmt: skip
    alarm = bool(met) and met[0].why in {Why.CRITICAL_OPEN, Why.HIGH_OPEN}
    assert alarm is (summary.condition is Condition.ALARM)
    if summary.condition is Condition.OFFLINE and devices:
        assert [each.why for each in met] == [Why.SILENT]
