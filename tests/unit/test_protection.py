"""The nine protections: what a record says and for how long, when an institution conforms, shares and their trend."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.errors import ProtectionPolicyInvalid
from inspection.protection import (
    Assessment,
    Because,
    Place,
    Share,
    Standing,
    Verdict,
    assess,
    conformity,
    counties,
    protections,
    share,
    trend,
)
from inspection.protection_operate import month_ends
from inspection.protection_policy import default_policy, default_text, parse
from inspection.visit import Outcome

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
POLICY = default_policy()
NINE = protections()


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def said(outcome: Outcome, on: float, protection: str = "fall", *, own: bool = False, closed=None, withdrawn=None):
    failed = outcome is Outcome.FAIL
    return Assessment(
        7, protection, outcome, day(on), UUID(int=int(on)), own, UUID(int=99) if failed else None,
        5 if failed else None, None if closed is None else day(closed), None if withdrawn is None else day(withdrawn),
    )  # fmt: skip


def verdict(records: Sequence[Assessment], on: float, policy=POLICY) -> tuple[Verdict, Because]:
    found = assess("fall", records, day(on), policy)
    return found.verdict, found.because


def test_there_are_nine_as_the_standard_counts_them():
    assert len(NINE) == len(set(NINE)) == 9


def test_an_answer_holds_for_its_term_to_the_moment():
    records = [said(Outcome.PASS, 0)]
    assert verdict(records, -1) == (Verdict.UNASSESSED, Because.NEVER_ANSWERED)
    assert verdict(records, 0) == (Verdict.CONFORMING, Because.ANSWERED)
    assert assess("fall", records, day(1), POLICY).until == day(365)
    assert verdict(records, 364.99) == (Verdict.CONFORMING, Because.ANSWERED)
    assert verdict(records, 365) == (Verdict.EXPIRED, Because.TOO_OLD)
    assert verdict([said(Outcome.NOT_APPLICABLE, 0)], 1) == (Verdict.NOT_APPLICABLE, Because.ANSWERED)


def test_what_failed_stands_until_its_hazard_is_closed_whoever_says_what_later():
    failed = said(Outcome.FAIL, 0, closed=40)
    later = [said(Outcome.PASS, 10, own=True), said(Outcome.PASS, 20), said(Outcome.NOT_APPLICABLE, 30)]
    for on in (0, 10, 20, 30, 39.9):
        assert verdict([failed, *later], on) == (Verdict.NOT_CONFORMING, Because.HAZARD_OPEN)
    assert verdict([failed, *later], 40) == (Verdict.CONFORMING, Because.RECTIFIED)  # the closing is the newest
    assert assess("fall", [failed], day(41), POLICY).until == day(405)
    never = said(Outcome.FAIL, 0)
    assert verdict([never], 3650) == (Verdict.NOT_CONFORMING, Because.HAZARD_OPEN)  # a failure does not grow old


def test_a_finding_that_was_a_mistake_says_nothing():
    mistaken = said(Outcome.FAIL, 10, withdrawn=12)
    assert verdict([said(Outcome.PASS, 0), mistaken], 11) == (Verdict.NOT_CONFORMING, Because.HAZARD_OPEN)
    assert verdict([said(Outcome.PASS, 0), mistaken], 12) == (Verdict.CONFORMING, Because.ANSWERED)
    assert verdict([mistaken], 12) == (Verdict.UNASSESSED, Because.NEVER_ANSWERED)


def test_a_policy_that_wants_somebody_from_outside_takes_ones_own_failures_all_the_same():
    strict = replace(POLICY, own_checks_count=False)
    assert verdict([said(Outcome.PASS, 0, own=True)], 1, strict) == (Verdict.UNASSESSED, Because.OWN_CHECK_ONLY)
    assert verdict([said(Outcome.PASS, 0), said(Outcome.FAIL, 1, own=True)], 2, strict)[0] is Verdict.NOT_CONFORMING
    # After an own failure was put right, what was seen from outside before still says that it conforms.
    mended = [said(Outcome.PASS, 0), said(Outcome.FAIL, 1, own=True, closed=2)]
    assert verdict(mended, 3, strict) == (Verdict.CONFORMING, Because.ANSWERED)


@given(
    st.lists(
        st.tuples(st.sampled_from(Outcome), st.integers(0, 400), st.booleans(), st.none() | st.integers(0, 400)),
        max_size=8,
    ),
    st.integers(0, 800),
    st.booleans(),
)
def test_nothing_conforms_over_an_open_failure_nor_without_a_valid_answer(drawn, on, own_counts):
    records = [
        said(outcome, at, own=own, closed=at + after if outcome is Outcome.FAIL and after is not None else None)
        for outcome, at, own, after in drawn
    ]
    policy = replace(POLICY, own_checks_count=own_counts)
    found = assess("fall", records, day(on), policy)
    known = [each for each in records if each.at <= day(on)]
    still_open = [each for each in known if each.outcome is Outcome.FAIL and not each.rectified(day(on))]
    assert (found.verdict is Verdict.NOT_CONFORMING) == bool(still_open)
    if found.holds:
        assert found.until is not None
        assert found.until > day(on)
        assert any(
            each.since(day(on)) > day(on) - timedelta(days=POLICY.valid_days) and (own_counts or not each.own)
            for each in known
        )
    assert assess("fall", known, day(on), policy) == found  # what came later changes nothing of what was then


def all_nine(*, own: bool = False, on: float = 0, **other: Outcome) -> list[Assessment]:
    return [said(other.get(each.replace("-", "_"), Outcome.PASS), on, each, own=own) for each in NINE]


def test_an_institution_conforms_when_all_that_apply_do():
    found = conformity(7, all_nine(), day(1), POLICY)
    assert (found.standing, found.verified, found.until, found.missing) == (Standing.CONFORMING, True, day(365), ())
    assert conformity(7, all_nine(own=True), day(1), POLICY).verified is False
    eight = conformity(7, all_nine()[1:], day(1), POLICY)
    assert (eight.standing, [each.protection for each in eight.missing]) == (Standing.INCOMPLETE, [NINE[0]])
    assert eight.until is None
    failed = conformity(7, all_nine(scald=Outcome.FAIL)[1:], day(1), POLICY)
    assert failed.standing is Standing.NOT_CONFORMING  # one failure is enough, whatever else is not known
    some = conformity(7, all_nine(choking=Outcome.NOT_APPLICABLE), day(1), POLICY)
    assert some.standing is Standing.CONFORMING
    none = conformity(7, [replace(each, outcome=Outcome.NOT_APPLICABLE) for each in all_nine()], day(1), POLICY)
    assert none.standing is Standing.INCOMPLETE  # where nothing applies, nothing was shown
    assert conformity(7, [said(Outcome.PASS, 0, "tenth")], day(1), POLICY).standing is Standing.INCOMPLETE


def test_a_share_is_of_all_and_never_rounded_up_to_its_target():
    four_of_five = share(
        [conformity(each, all_nine(own=each == 1), day(1), POLICY) for each in range(4)]
        + [conformity(4, [], day(1), POLICY)]
    )
    assert four_of_five == Share(total=5, conforming=4, verified=3, not_conforming=0)
    assert (four_of_five.percent, four_of_five.assessed, four_of_five.incomplete) == (80, 4, 1)
    assert four_of_five.reaches(80)
    almost = Share(total=1000, conforming=799, verified=0, not_conforming=201)
    assert (almost.percent, almost.reaches(80), almost.short_of(80)) == (79, False, 1)
    assert Share(total=7, conforming=5).short_of(80) == 1  # 5.6 are wanted, which are six
    assert (Share().percent, Share().reaches(80), Share().short_of(80)) == (0, False, 0)


def test_counties_come_with_the_furthest_from_conforming_first():
    places = [Place(1, "220322001", START), Place(2, "220322", START), Place(3, "310101", START)]
    known = {
        1: conformity(1, all_nine(), day(1), POLICY),
        2: conformity(2, [], day(1), POLICY),
        3: conformity(3, all_nine(), day(1), POLICY),
    }
    assert {code: (each.conforming, each.total) for code, each in counties(known, places).items()} == {
        "220322": (1, 2), "310101": (1, 1),
    }  # fmt: skip
    assert list(counties(known, places)) == ["220322", "310101"]


def test_the_trend_is_what_was_known_at_each_end():
    places = [Place(7, "220322", START), Place(8, "220322", day(50))]
    records = {7: all_nine(scald=Outcome.FAIL)}
    records[7] = [replace(each, hazard_closed_at=day(40)) if each.hazard_id else each for each in records[7]]
    ends = [day(-1), day(10), day(45), day(60), day(366)]
    found = trend(places, records, ends, POLICY)
    assert [at for at, _ in found] == ends
    assert [(each.conforming, each.not_conforming, each.total) for _, each in found] == [
        (0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 0, 2), (0, 0, 2),
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NINE), st.sampled_from(Outcome), st.integers(0, 400), st.booleans(),
            st.none() | st.integers(0, 400),
        ),
        max_size=30,
    ),
    st.integers(0, 800),
)  # fmt: skip
def test_the_trend_judges_as_the_list_does(drawn, on):
    records = all_nine() + [
        said(outcome, at, name, own=own, closed=at + after if outcome is Outcome.FAIL and after is not None else None)
        for name, outcome, at, own, after in drawn
    ]
    [(_, found)] = trend([Place(7, "220322", START)], {7: records}, [day(on)], POLICY)
    assert found == share([conformity(7, records, day(on), POLICY)])


def test_months_end_where_china_counts_them():
    ends = month_ends(datetime(2026, 2, 28, 16, 30, tzinfo=UTC), 3)  # half past midnight of March 1st there
    assert [each.date().isoformat() for each in ends] == ["2026-01-01", "2026-02-01", "2026-03-01"]


def test_the_policy_is_checked_as_a_whole():
    assert (POLICY.target_percent, POLICY.valid_days, POLICY.own_checks_count) == (80, 365, True)
    with pytest.raises(ProtectionPolicyInvalid) as caught:
        parse('target_percent = 101\nvalid_days = 0.5\nown_checks_count = "yes"\ncolour = "red"\n')
    assert [each.split(":")[1].split(" = ")[0].strip() for each in caught.value.problems] == [
        "version is missing", "target_percent", "valid_days", "valid_days", "own_checks_count must be true or false",
        "unknown field colour",
    ]  # fmt: skip
    with pytest.raises(ProtectionPolicyInvalid):
        parse(default_text() + "=")
    with pytest.raises(ProtectionPolicyInvalid, match="valid_days is missing"):
        parse('version = "1"')


def test_a_failure_without_its_hazard_is_no_record():
    with pytest.raises(ValueError, match="opened a hazard"):
        replace(said(Outcome.FAIL, 0), hazard_id=None)
    with pytest.raises(ValueError, match="time zone"):
        replace(said(Outcome.PASS, 0), at=datetime(2026, 1, 1))  # noqa: DTZ001 - what must be refused
