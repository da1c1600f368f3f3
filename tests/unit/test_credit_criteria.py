"""Criteria of the credit lists, what a row of nights makes of them, and when a visit is due."""

from datetime import UTC, datetime, timedelta

import pytest

from inspection import credit_criteria
from inspection.credit_criteria import ListKind, default_criteria, default_text, defaults, never_met
from inspection.credit_grounds import Hit, Night, Reason, Record, breach, met, proposal
from inspection.credit_list import End, Verb
from inspection.errors import CreditCriteriaInvalid
from inspection.hazard import ENGINE
from inspection.rating_policy import parse, shipped, shipped_text
from inspection.visit_due import Because, Known, Standing, due, in_order
from tests.unit.test_credit_list import COUNTY, listed, step

NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)
DAY = timedelta(days=1)
CRITERIA = default_criteria()
D = CRITERIA.criterion("black-grade")
ACCIDENT = CRITERIA.criterion("black-accident")


def nights(grades: str, policy="base80", last=NOW, records=()) -> list[Night]:
    """One night a letter, the newest first; a capital X is a D by a veto that rests on `records`."""
    hit = (Hit("accident-larger", tuple(Record("safety_records", one, at) for one, at in records)),)
    return [
        Night(n, last - n * DAY, policy, "D" if each == "X" else each, hit if each == "X" else ())
        for n, each in enumerate(grades)
    ]


def test_every_figure_of_the_shipped_file_has_a_clause_or_is_called_a_default():
    found = defaults(CRITERIA)
    assert "black.repair_after_months" not in found
    assert "visits_per_year_min" not in found
    assert {"black.term_months", "red.appeal_days", "watch.risk_factor", "watch-grade"} <= set(found)
    for name in shipped():
        unmet = never_met(CRITERIA, parse(shipped_text(name)))
        assert "black-grade" not in unmet
        assert ("black-overdue" in unmet) == (name != "standard")  # only that policy has the veto
        assert {each.kind for each in CRITERIA.criteria if each.id not in unmet} == set(ListKind)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("appeal_days = 10", "appeal_days = 0", "appeal_days = 0 is not within"),
        ("term_months = 36", "term_months = 1.5", "must be a whole number"),
        ("repair_after_months = 24", "repair_after_months = 36", "less than the term"),
        ('kind = "red"', 'kind = "black"', "there is no .*red"),
        ('vetoes = ["major-overdue"]', "vetoes = []", "names grades, vetoes, or both"),
        ('id = "black-overdue"', 'id = "black-grade"', "stands twice"),
        ("quiet_days = 90", "quiet_day = 90", "unknown field quiet_day"),
        ('grades = ["D"]', 'grades = "D"', "must be a list"),
    ],
)
def test_a_file_with_an_error_is_refused_and_says_where(old, new, said):
    assert default_text().count(old) >= 1
    with pytest.raises(CreditCriteriaInvalid, match=said):
        credit_criteria.parse(default_text().replace(old, new, 1))


def test_so_many_ratings_in_a_row_and_by_one_policy():
    assert met(D, nights("DDDDDD")) is None
    grounds = met(D, nights("DDDDDDDC"))
    assert (grounds.facts["ratings"], grounds.at) == (7, NOW - 6 * DAY)
    assert met(D, nights("DDDCDDDDDDD")) is None
    assert met(D, nights("DDDD") + nights("DDDDDD", policy="hundred", last=NOW - 4 * DAY)) is None
    assert met(D, []) is None
    assert met(ACCIDENT, nights("DDDDDDDD")) is None  # no veto


def test_a_veto_names_its_records_and_one_record_is_not_proposed_twice():
    records = [("a", NOW - 9 * DAY), ("b", NOW - 2 * DAY)]
    verdict = proposal(ACCIDENT, nights("X", records=records), [], CRITERIA)
    assert verdict.reason is Reason.PROPOSES
    assert verdict.grounds.keys == {"safety_records:a", "safety_records:b"}
    assert [each["id"] for each in verdict.grounds.facts["records"]] == ["a", "b"]
    entry = step(None, Verb.PROPOSE, ENGINE, NOW, grounds=sorted(verdict.grounds.keys))
    assert proposal(ACCIDENT, nights("X", records=records), [entry], CRITERIA).reason is Reason.OPEN_ALREADY
    dropped = step(entry, Verb.DROP, COUNTY, NOW)
    assert proposal(ACCIDENT, nights("X", records=records), [dropped], CRITERIA).reason is Reason.KNOWN
    more = [*records, ("c", NOW)]
    assert proposal(ACCIDENT, nights("X", records=more), [dropped], CRITERIA).reason is Reason.PROPOSES


def test_grades_count_from_the_last_decision_on():
    entry = step(None, Verb.PROPOSE, ENGINE, NOW - 100 * DAY)
    dropped = step(entry, Verb.DROP, COUNTY, NOW - 95 * DAY)
    assert dropped.end is End.DECISION
    quiet_until = dropped.ended_at + CRITERIA.quiet_days * DAY
    for last, reason in ((quiet_until + 6 * DAY, Reason.NOT_MET), (quiet_until + 8 * DAY, Reason.PROPOSES)):
        assert proposal(D, nights("D" * 200, last=last), [dropped], CRITERIA).reason is reason
    over = listed()
    over = step(
        over, Verb.REMOVE, ENGINE, over.until
    )  # the term has ended, and it is D still: seven nights later again
    for days, reason in ((6, Reason.NOT_MET), (7, Reason.PROPOSES)):
        later = over.ended_at + days * DAY
        assert proposal(D, nights("D" * 60, last=later), [over], CRITERIA).reason is reason


def test_a_worse_list_comes_first():
    black = step(None, Verb.PROPOSE, ENGINE, NOW)
    red, watch = CRITERIA.criterion("red-grade"), CRITERIA.criterion("watch-grade")
    assert proposal(red, nights("A" * 180), [black], CRITERIA).reason is Reason.ADVERSE_STANDS
    assert proposal(watch, nights("C" * 30), [black], CRITERIA).reason is Reason.ADVERSE_STANDS
    on_watch = step(None, Verb.PROPOSE, ENGINE, NOW, kind=ListKind.WATCH)
    assert (
        proposal(D, nights("D" * 7), [on_watch], CRITERIA).reason is Reason.PROPOSES
    )  # the watch list comes before it
    assert proposal(red, nights("A" * 180), [], CRITERIA).reason is Reason.PROPOSES


def test_a_breach_is_new_when_it_began_after_the_listing():
    entry = listed()  # proposed 20 days before
    last = entry.listed_at + 40 * DAY
    assert breach(D, nights("D" * 59, last=last), entry) is None  # as it has been all the time
    assert breach(D, nights("D" * 45 + "C" * 14, last=last), entry) is None  # since before the listing
    again = breach(D, nights("D" * 8 + "C" * 20 + "D" * 31, last=last), entry)
    assert again.at == last - 7 * DAY
    assert breach(D, nights("D" * 39 + "C" * 20, last=last), entry).at == last - 38 * DAY  # it had risen meanwhile
    longer = step(entry, Verb.PROLONG, ENGINE, last, breach_at=again.at.isoformat(), grounds=sorted(again.keys))
    assert breach(D, nights("D" * 9 + "C" * 20 + "D" * 31, last=last + DAY), longer) is None  # counted
    records = [("old", entry.listed_at - DAY), ("new", entry.listed_at + 3 * DAY)]
    found = breach(ACCIDENT, nights("XX", last=last, records=records), entry)
    assert found.at == entry.listed_at + 3 * DAY
    assert breach(ACCIDENT, nights("XX", last=last, records=records[:1]), entry) is None
    assert breach(CRITERIA.criterion("red-grade"), nights("A" * 200 + "B"), listed(ListKind.RED)) is None


def test_another_policy_is_no_new_breach():
    entry = listed()
    last = entry.listed_at + 40 * DAY
    before = nights("D" * 50, policy="standard", last=last - 9 * DAY)
    assert breach(D, nights("D" * 9, last=last) + before, entry) is None
    better = nights("C" * 50, policy="standard", last=last - 9 * DAY)
    found = breach(D, nights("D" * 9, last=last) + better, entry)
    assert found.at == last - 8 * DAY


def known(**more) -> Known:
    fields = {
        "institution_id": 1, "registered_at": NOW - 900 * DAY, "grade": "B", "grade_visits": 2.0, "list_kind": None,
        "visits_per_year": 2.0, "last_visit_at": NOW - 100 * DAY, "planned_for": None,
    }  # fmt: skip
    return Known(**(fields | more))


def test_the_grade_and_the_list_say_when_the_next_visit_is_due():
    found = due(known(), NOW, CRITERIA)
    assert (found.days_between, found.standing, found.because) == (182, Standing.IN_TIME, Because.GRADE)
    soon = due(known(last_visit_at=NOW - 160 * DAY), NOW, CRITERIA)
    assert (soon.standing, soon.due_at) == (Standing.DUE_SOON, NOW + 22 * DAY)
    black = due(known(list_kind=ListKind.BLACK, visits_per_year=12.0), NOW, CRITERIA)
    assert (black.days_between, black.days_late, black.because) == (30, 70, Because.LIST)
    never = due(known(last_visit_at=None), NOW, CRITERIA)
    assert (never.standing, never.days_late) == (Standing.OVERDUE, 900 - 182)
    unrated = due(known(grade=None, grade_visits=None, visits_per_year=None), NOW, CRITERIA)
    assert (unrated.visits_per_year, unrated.because) == (1.0, Because.LAW)
    rare = due(known(grade="A", grade_visits=0.5, visits_per_year=0.5), NOW, CRITERIA)
    assert (rare.days_between, rare.because) == (365, Because.LAW)  # never less often than the rule says
    assert in_order([unrated, black, never]) == [never, black, unrated]
