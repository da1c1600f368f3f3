"""The rating's core on made-up facts, and what a policy file may say."""

from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading import to_us
from inspection.errors import RatingPolicyInvalid, SafetyRecordRefused
from inspection.evidence import DAY_US, NEVER, Facts
from inspection.rating import Institutions, rate
from inspection.rating_policy import parse, shipped, shipped_text
from inspection.safety_record import RecordKind, SafetyRecord, check

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NOW_US = to_us(NOW)
HEAD = """
id = "test"
version = "1"
title_zh = "t"
title_en = "t"
source_zh = "s"
source_en = "s"
base = 80
score_min = 0
score_max = 100
night_hour = 2
regrade_at_once = []
[[section]]
id = "one"
zh = "z"
en = "e"
deduct_max = 20
add_max = 5
[[grade]]
id = "A"
min = 90
inspections_per_year = 1
risk_weight = 0.5
[[grade]]
id = "B"
min = 60
inspections_per_year = 2
risk_weight = 1
[[grade]]
id = "C"
min = 30
inspections_per_year = 4
risk_weight = 2
[[grade]]
id = "D"
min = 0
inspections_per_year = 12
risk_weight = 4
"""
PENALTY = """
[[indicator]]
id = "penalty"
section = "one"
zh = "z"
en = "e"
evidence = "penalty"
days = 365
points = -4
"""
VETO = """
[[veto]]
id = "accidents"
zh = "z"
en = "e"
evidence = "accident"
days = 365
"""


def records(*rows: tuple[int, str, str, float], repaired: dict[int, float] | None = None) -> dict[str, Facts]:
    """Rows of (institution, kind, level, days ago); `repaired` says by row how many days ago it was made good."""
    rows_ = sorted(enumerate(rows), key=lambda each: each[1][0])
    good = repaired or {}
    return {
        "safety_records": Facts(
            "safety_records",
            np.array([row[0] for _, row in rows_], np.int32),
            np.array([f"r{n}" for n, _ in rows_], object),
            {
                "kind": np.array([row[1] for _, row in rows_], object),
                "level": np.array([row[2] for _, row in rows_], object),
                "occurred_at": np.array([NOW_US - round(row[3] * DAY_US) for _, row in rows_], np.int64),
                "until_at": np.full(len(rows), NEVER),
                "repaired_at": np.array(
                    [NOW_US - round(good[n] * DAY_US) if n in good else NEVER for n, _ in rows_], np.int64
                ),
            },
        )
    }


def everybody(count: int = 3, since_days: float = 1000) -> Institutions:
    return Institutions(np.arange(1, count + 1, dtype=np.int32), np.full(count, NOW_US - round(since_days * DAY_US)))


def scores(text: str, facts: dict[str, Facts], who: Institutions | None = None) -> list[tuple[float, str]]:
    return [(each.score / 100, each.grade) for each in rate(parse(text), facts, who or everybody(), NOW)]


def test_points_go_to_the_institution_of_each_record_within_the_days():
    facts = records(
        (1, "penalty", "fine", 10), (1, "penalty", "fine", 366), (3, "penalty", "fine", 1), (9, "penalty", "", 1)
    )
    assert scores(HEAD + PENALTY, facts) == [(76, "B"), (80, "B"), (76, "B")]


def test_what_happens_at_the_very_moment_counts_and_what_comes_later_does_not():
    facts = records((1, "penalty", "fine", 0), (2, "penalty", "fine", -0.001), (3, "penalty", "fine", 365))
    assert [score for score, _ in scores(HEAD + PENALTY, facts)] == [76, 80, 80]


def test_a_record_counts_less_with_time_and_when_it_is_made_good():
    text = HEAD + PENALTY + "decay = [{ after_days = 100, factor = 0.5 }, { after_days = 200, factor = 0.25 }]\n"
    text += "repair = { after_days = 30, factor = 0.1 }\n"
    facts = records(
        (1, "penalty", "fine", 99), (2, "penalty", "fine", 100), (3, "penalty", "fine", 250),
        (4, "penalty", "fine", 90), (5, "penalty", "fine", 90), repaired={3: 30, 4: 29},
    )  # fmt: skip
    assert [score for score, _ in scores(text, facts, everybody(5))] == [76, 78, 79, 79.6, 76]


def test_the_cap_and_the_section_end_what_is_taken_off_and_the_earlier_records_fill_them():
    three = [(1, "penalty", "fine", day) for day in (30, 20, 10)]
    [rating, *_] = rate(parse(HEAD + PENALTY + "cap = 10\n"), records(*three), everybody(), NOW)
    [told] = orjson.loads(rating.explanation)["indicators"]
    assert [(line["record"]["id"], line["points"], line["full"]) for line in told["lines"]] == [
        ("r0", -400, -400), ("r1", -400, -400), ("r2", -200, -400)
    ]  # fmt: skip
    seven = [(1, "penalty", "fine", day) for day in range(7)]
    assert scores(HEAD + PENALTY, records(*seven))[0] == (60, "B")
    assert orjson.loads(rate(parse(HEAD + PENALTY), records(*seven), everybody(), NOW)[0].explanation)["indicators"][0][
        "unused"
    ] == 2  # fmt: skip


def test_the_first_ones_can_be_free():
    facts = records((1, "penalty", "fine", 3), (1, "penalty", "fine", 2), (2, "penalty", "fine", 1))
    assert [score for score, _ in scores(HEAD + PENALTY + "free = 1\n", facts)] == [76, 80, 80]


def test_what_is_wanted_and_missing_costs_only_who_had_the_time():
    text = HEAD + PENALTY.replace('"penalty"', '"drill"') + "wanted = 2\n"
    facts = records((1, "drill", "", 3), (1, "drill", "", 2), (2, "drill", "", 1))
    assert [score for score, _ in scores(text, facts)] == [80, 76, 72]
    assert [score for score, _ in scores(text, facts, everybody(3, since_days=364))] == [80, 80, 80]


@pytest.mark.parametrize(
    ("effect", "grades"),
    [
        ("steps = 1", ["C", "B", "B"]),
        ("steps = 9", ["D", "B", "B"]),
        ('to = "D"', ["D", "B", "B"]),
        ('to = "A"', ["B", "B", "B"]),
        ('to = "D"\ncount_min = 3', ["B", "B", "B"]),
    ],
)
def test_a_veto_lowers_the_grade_and_never_raises_it(effect: str, grades: list[str]):
    facts = records((1, "accident", "general", 3), (1, "accident", "larger", 2), (2, "accident", "general", 400))
    found = scores(HEAD + PENALTY + VETO + effect, facts)
    assert [grade for _, grade in found] == grades
    assert {score for score, _ in found} == {80}


def test_the_base_comes_from_the_highest_level_held():
    level = '[[base_level]]\nevidence = "standard"\nwhere = {{ level = "{}" }}\ndays = 1000\nscore = {}\n'
    level += 'zh = "z"\nen = "e"\n'
    text = HEAD + PENALTY + level.format(1, 90) + level.format(2, 70)
    facts = records((1, "standard", "2", 3), (1, "standard", "1", 9), (2, "standard", "2", 1))
    assert scores(text, facts) == [(90, "A"), (70, "B"), (80, "B")]


ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["penalty", "honour", "accident", "commitment"]),
              st.sampled_from(["warning", "fine", "city", "general", ""]), st.floats(-5, 800)),
    max_size=30,
)  # fmt: skip


@given(ROWS, st.sampled_from(shipped()))
def test_every_score_is_the_sum_of_what_is_told_within_every_limit(rows, name: str):
    policy = parse(shipped_text(name))
    alerts = _no("alerts", ("kind", "to_the_end", "raised_at", "held_h", "cleared_at"))
    empty = {"hazards": _no_hazards(), "alerts": alerts,
             "duty_checks": _no("duty_checks", ("missed_at",)), "drills": _no("drills", ("passed_at",)),
             "inspections": _no("inspections", ("kind", "own", "findings", "clean", "concluded_at"))}  # fmt: skip
    facts = {**empty, **records(*rows)}
    made = rate(policy, facts, everybody(4), NOW)
    assert made == rate(policy, facts, everybody(4), NOW)
    minima = {each.id: each.score_min for each in policy.grades}
    caps = {each.id: each.cap for each in policy.indicators}
    for each in made:
        told = orjson.loads(each.explanation)
        lines = [line["points"] for one in told["indicators"] for line in one["lines"]]
        assert told["base"]["points"] + sum(lines) + told["bounded"] == each.score
        assert policy.score_min <= each.score <= policy.score_max
        assert minima[told["by_score"]] <= each.score
        assert minima[each.grade] <= minima[told["by_score"]]
        assert (each.grade == told["by_score"]) or told["vetoes"]
        for one in told["indicators"]:
            assert caps[one["id"]] is None or abs(one["points"]) <= caps[one["id"]]
        # An institution's rating is its own: it is the same when nobody else is rated.
        alone = Institutions(np.array([each.institution_id], np.int32), everybody(1).since_us)
        assert rate(policy, facts, alone, NOW) == [each]


def _no(table: str, names: tuple[str, ...]) -> Facts:
    nothing = np.array([], np.int64)
    return Facts(table, np.array([], np.int32), np.array([], object), dict.fromkeys(names, nothing))


def _no_hazards() -> Facts:
    return _no(
        "hazards",
        ("level", "origin", "category", "repeated", "reported_at", "overdue_at", "overdue_h", "standing", "closed_at",
         "in_time", "failures", "failed_at"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('evidence = "penalty"', 'evidence = "SELECT 1"', "is not one of"),
        ("points = -4", "points = 0", "must not be 0"),
        ("points = -4", "points = -4.001", "two decimals"),
        ("points = -4", "points = -4\nper = 2", "no amount"),
        ("points = -4", 'points = -4\nwhere = { colour = "red" }', "cannot be narrowed by colour"),
        ("points = -4", 'points = -4\nwhere = { level = "pink" }', "where.level"),
        ("points = -4", "points = -4\ndecay = [{after_days=9,factor=0},{after_days=20,factor=1}]", "and less"),
        ("points = -4", "points = -4\nwanted = 1\nfree = 1", "no per, free"),
        ('section = "one"', 'section = "two"', "not one of this policy"),
        ("min = 30", "min = 70", "from the best to the worst"),
        ("id = \"D\"\nmin = 0", "id = \"D\"\nmin = 10", "every score needs a grade"),
        ("base = 80", "base = 80\ncolour = 1", "unknown field colour"),
    ],
)  # fmt: skip
def test_every_error_of_a_policy_is_told(before: str, after: str, problem: str):
    text = HEAD + PENALTY
    assert before in text
    with pytest.raises(RatingPolicyInvalid, match=problem):
        parse(text.replace(before, after, 1))


def test_the_policies_that_ship_have_the_structure_of_their_models():
    base80, standard, hundred = (parse(shipped_text(name)) for name in ("base80", "standard", "hundred"))
    assert base80.base == 8000
    assert {each.id: each.deduct_max for each in base80.sections} == {"basic": 2400, "lawful": 5600, "additions": None}
    assert [each.score for each in standard.base_levels] == [9000, 8000, 7000]
    assert (len(standard.grades), standard.grades[0].id, standard.grades[-1].id) == (10, "A+", "D")
    assert {each.id: (each.steps, each.to) for each in standard.vetoes if each.steps} == {
        "accident-general": (2, None), "penalties-two": (1, None)
    }  # fmt: skip
    assert hundred.base == 10000
    assert {each.points for each in hundred.indicators} == {-100, -200, -300, -600, -900, -1200}


def a_record(kind: RecordKind, level: str = "", **more) -> SafetyRecord:
    fields = {
        "id": None, "institution_id": 1, "occurred_at": NOW - timedelta(days=9), "until": None, "title": "t",
        "source": "s", "about": None, "person_id": 1,
    }  # fmt: skip
    return SafetyRecord(kind=kind, level=level, **{**fields, **more})


@pytest.mark.parametrize(
    ("record", "about"),
    [
        (a_record(RecordKind.ACCIDENT, "pink"), None),
        (a_record(RecordKind.TRAINING, "city"), None),
        (a_record(RecordKind.TRAINING, occurred_at=NOW + timedelta(days=1)), None),
        (a_record(RecordKind.STAR, "3"), None),
        (a_record(RecordKind.STAR, "3", until=NOW - timedelta(days=10)), None),
        (a_record(RecordKind.REPAIR), None),
        (a_record(RecordKind.REPAIR), a_record(RecordKind.HONOUR, "city")),
        (a_record(RecordKind.REPAIR), a_record(RecordKind.PENALTY, "fine", institution_id=2)),
        (a_record(RecordKind.WITHDRAWAL), a_record(RecordKind.WITHDRAWAL)),
        (a_record(RecordKind.REPAIR), a_record(RecordKind.PENALTY, "fine", occurred_at=NOW)),
        (a_record(RecordKind.PENALTY, "fine"), a_record(RecordKind.PENALTY, "fine")),
    ],
)
def test_what_makes_no_sense_is_not_put_on_record(record: SafetyRecord, about: SafetyRecord | None):
    with pytest.raises(SafetyRecordRefused):
        check(record, about, NOW)
    check(a_record(RecordKind.REPAIR), a_record(RecordKind.PENALTY, "fine"), NOW)
    check(a_record(RecordKind.STAR, "3", until=NOW), None, NOW)
