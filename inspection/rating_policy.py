"""The rating policy (安全生产信用评价): what counts for and against an institution, and which grade that makes.

A policy is data, a versioned TOML file (inspection/policies/rating-*.toml), checked as a whole and kept in
the database;
putting one in force is an act of a named person. What an indicator counts is one of the named sources of
inspection/evidence.py with that source's own parameters, never a query.
"""

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from alerting.checked_table import CheckedTable
from ingest import toml_text
from inspection.errors import RatingPolicyInvalid
from inspection.evidence import SOURCES, Query
from inspection.safety_record import RecordKind

DAYS_MAX: Final = 3660.0
POINTS_MAX: Final = 1000.0
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_CENTS: Final = 100  # points are counted in hundredths


@dataclass(frozen=True, slots=True)
class Step:
    """From `after_days` on a record counts with `factor`."""

    after_days: float
    factor: float


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the policy. Its deductions and its additions end at these points (hundredths), None: nowhere."""

    id: str
    zh: str
    en: str
    deduct_max: int | None
    add_max: int | None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that counts. `points` (hundredths, negative: a deduction) go to every record, times `weight`, times the
    whole number of `per` in the record's amount where `per` is given. The `free` first records count nothing; together
    they make no more than `cap`. With `wanted` the points go to each record that is missing from that number."""

    id: str
    section: str
    zh: str
    en: str
    clause: str
    query: Query
    points: int
    weight: float
    per: float | None
    free: int
    wanted: int
    cap: int | None
    decay: tuple[Step, ...]
    repair: Step | None


@dataclass(frozen=True, slots=True)
class BaseLevel:
    """The base of an institution that has such a record; of several the highest counts."""

    query: Query
    score: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade, from `score_min` (hundredths) on. What it brings: visits a year, and a weight in the draw."""

    id: str
    score_min: int
    inspections_per_year: float
    risk_weight: float


@dataclass(frozen=True, slots=True)
class Veto:
    """What lowers the grade whatever the score (一票否决): by `steps` grades, or to the grade `to`."""

    id: str
    zh: str
    en: str
    clause: str
    query: Query
    count_min: int
    steps: int
    to: str | None


@dataclass(frozen=True, slots=True)
class RatingPolicy:
    """One policy in one version. Grades stand from the best to the worst; points are hundredths."""

    id: str
    version: str
    sha256: str
    title_zh: str
    title_en: str
    source_zh: str
    source_en: str
    base: int
    base_levels: tuple[BaseLevel, ...]
    score_min: int
    score_max: int
    night_hour: int  # Beijing time
    regrade_at_once: frozenset[RecordKind]
    sections: tuple[Section, ...]
    indicators: tuple[Indicator, ...]
    vetoes: tuple[Veto, ...]
    grades: tuple[Grade, ...]

    @property
    def days_max(self) -> float:
        """How far back the policy looks."""
        return max((each.days for each in self.queries), default=0.0)

    @property
    def queries(self) -> list[Query]:
        """Everything the policy asks for."""
        return [
            *(each.query for each in self.indicators),
            *(each.query for each in self.vetoes),
            *(each.query for each in self.base_levels),
        ]

    def grade(self, grade_id: str) -> Grade:
        """The grade of that name. Raises KeyError."""
        return {each.id: each for each in self.grades}[grade_id]


@lru_cache(maxsize=16)
def parse(text: str) -> RatingPolicy:
    """The policy in `text` (TOML). Raises RatingPolicyInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RatingPolicyInvalid([str(error)]) from error
    problems: list[str] = []
    sections = tuple(_section(each) for each in _tables("section", document, problems))
    indicators = tuple(
        _indicator(each, {one.id for one in sections}) for each in _tables("indicator", document, problems)
    )
    grades = tuple(_grade(each) for each in _tables("grade", document, problems))
    vetoes = tuple(_veto(each, grades) for each in _tables("veto", document, problems))
    levels = tuple(_base_level(each) for each in _tables("base_level", document, problems))
    head = CheckedTable("the policy", document, problems)
    made = RatingPolicy(
        id=_id(head),
        version=head.text("version"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        title_zh=head.text("title_zh"),
        title_en=head.text("title_en"),
        source_zh=head.text("source_zh"),
        source_en=head.text("source_en"),
        base=_points(head, "base", 0.0, POINTS_MAX),
        base_levels=levels,
        score_min=_points(head, "score_min", 0.0, POINTS_MAX),
        score_max=_points(head, "score_max", 0.0, POINTS_MAX),
        night_hour=_whole(head, "night_hour", 0, 23),
        regrade_at_once=frozenset(RecordKind(each) for each in head.set_of("regrade_at_once", tuple(RecordKind))),
        sections=sections,
        indicators=indicators,
        vetoes=vetoes,
        grades=grades,
    )
    head.end()
    problems += _contradictions(made)
    if problems:
        raise RatingPolicyInvalid(problems)
    return made


def shipped() -> tuple[str, ...]:
    """The names of the policies that ship with Anhu."""
    folder = resources.files("inspection").joinpath("policies")
    names = [each.name for each in folder.iterdir()]
    return tuple(
        sorted(each.removeprefix("rating-").removesuffix(".toml") for each in names if each.startswith("rating-"))
    )


def shipped_text(name: str) -> str:
    """One of those that ship, as TOML. Raises RatingPolicyInvalid for another name."""
    if name not in shipped():
        raise RatingPolicyInvalid([f"there is no policy {name}: {', '.join(shipped())}"])
    return resources.files("inspection").joinpath(f"policies/rating-{name}.toml").read_text("utf-8")


def _contradictions(made: RatingPolicy) -> list[str]:
    found = []
    for what, ids in (
        ("section", [each.id for each in made.sections]),
        ("indicator", [each.id for each in made.indicators]),
        ("grade", [each.id for each in made.grades]),
        ("veto", [each.id for each in made.vetoes]),
    ):
        found += [f"{what} {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    minima = [each.score_min for each in made.grades]
    if minima != sorted(set(minima), reverse=True):
        found.append("the grades must stand from the best to the worst, each from fewer points on")
    if not made.grades or made.grades[-1].score_min > made.score_min:
        found.append("the last grade must begin at score_min: every score needs a grade")
    if not made.score_min < made.score_max:
        found.append("score_min must be less than score_max")
    if not made.indicators:
        found.append("there is no indicator")
    return found


def _section(table: CheckedTable) -> Section:
    made = Section(
        _id(table), table.text("zh"), table.text("en"), _limit(table, "deduct_max"), _limit(table, "add_max")
    )
    table.end()
    return made


def _indicator(table: CheckedTable, sections: set[str]) -> Indicator:
    wanted = _whole(table, "wanted", 1, 1000, 0)
    query = _query(table)
    per = table.take("per", None)
    if per is not None and (isinstance(per, bool) or not isinstance(per, int | float) or not 0 < per <= DAYS_MAX * 24):
        table.problem(f"per = {per!r} must be a number above 0")
        per = None
    if per is not None and query.source in SOURCES and SOURCES[query.source].amount is None:
        table.problem(f"{query.source} has no amount that could be counted per {per}")
    made = Indicator(
        id=_id(table),
        section=table.text("section"),
        zh=table.text("zh"),
        en=table.text("en"),
        clause=table.text("clause", ""),
        query=query,
        points=_points(table, "points", -POINTS_MAX, POINTS_MAX),
        weight=table.number("weight", 0.01, 10, 1.0),
        per=None if per is None else float(per),
        free=_whole(table, "free", 0, 10_000, 0),
        wanted=wanted,
        cap=_limit(table, "cap"),
        decay=_decay(table),
        repair=_repair(table, query),
    )
    if made.section not in sections:
        table.problem(f"section {made.section!r} is not one of this policy")
    if made.points == 0:
        table.problem("points must not be 0")
    if wanted and (made.per or made.free or made.decay or made.repair):
        table.problem("what is wanted and missing has no per, free, decay or repair")
    table.end()
    return made


def _grade(table: CheckedTable) -> Grade:
    name = table.text("id")
    if len(name) > 4:
        table.problem(f"id = {name!r} is longer than 4 letters")
    made = Grade(
        name,
        _points(table, "min", 0.0, POINTS_MAX),
        table.number("inspections_per_year", 0, 366),
        table.number("risk_weight", 0.01, 100),
    )
    table.end()
    return made


def _veto(table: CheckedTable, grades: Sequence[Grade]) -> Veto:
    steps, to = _whole(table, "steps", 1, 20, 0), table.take("to", None)
    if (steps > 0) == (to is not None):
        table.problem("a veto has either steps or to")
    if to is not None and to not in [each.id for each in grades]:
        table.problem(f"to = {to!r} is not one of the grades")
    made = Veto(
        id=_id(table),
        zh=table.text("zh"),
        en=table.text("en"),
        clause=table.text("clause", ""),
        query=_query(table),
        count_min=_whole(table, "count_min", 1, 1000, 1),
        steps=steps,
        to=to,
    )
    table.end()
    return made


def _base_level(table: CheckedTable) -> BaseLevel:
    made = BaseLevel(
        _query(table), _points(table, "score", 0.0, POINTS_MAX), table.text("zh"), table.text("en")
    )  # fmt: skip
    table.end()
    return made


def _query(table: CheckedTable) -> Query:
    name, where = table.text("evidence"), table.take("where", {})
    amount_min, days = table.number("amount_min", 0, DAYS_MAX * 24, 0), table.number("days", 1, DAYS_MAX)
    source = SOURCES.get(name)
    if source is None:
        table.problem(f"evidence = {name!r} is not one of {', '.join(SOURCES)}")
        return Query("alerts", {}, 0.0, days)
    if amount_min and source.amount is None:
        table.problem(f"{name} has no amount")
    if not isinstance(where, dict):
        table.problem("where must be a table")
        where = {}
    for word, value in where.items():
        if word in source.flags:
            if not isinstance(value, bool):
                table.problem(f"where.{word} must be true or false")
        elif word not in source.words:
            table.problem(f"{name} cannot be narrowed by {word}: {', '.join([*source.words, *sorted(source.flags)])}")
        elif value not in source.words[word]:
            table.problem(f"where.{word} = {value!r} is not one of {', '.join(source.words[word])}")
    return Query(name, dict(where), amount_min, days)


def _decay(table: CheckedTable) -> tuple[Step, ...]:
    entries = table.take("decay", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        table.problem("decay must be a list of { after_days, factor }")
        return ()
    steps = tuple(_step(table, "decay", dict(each)) for each in entries)
    days, factors = [each.after_days for each in steps], [each.factor for each in steps]
    if days != sorted(set(days)) or factors != sorted(factors, reverse=True):
        table.problem("a record must count less and less as the days of decay go on")
    return steps


def _repair(table: CheckedTable, query: Query) -> Step | None:
    entry = table.take("repair", None)
    if entry is None:
        return None
    if not isinstance(entry, dict):
        table.problem("repair must be { after_days, factor }")
        return None
    if query.source in SOURCES and SOURCES[query.source].repaired is None:
        table.problem(f"{query.source} has nothing that could be made good")
    return _step(table, "repair", dict(entry))


def _step(table: CheckedTable, name: str, entry: dict[str, Any]) -> Step:
    problems: list[str] = []
    inner = CheckedTable(name, entry, problems)
    made = Step(inner.number("after_days", 0, DAYS_MAX), inner.number("factor", 0, 1))
    inner.end()
    for each in problems:
        table.problem(each)
    return made


def _points(table: CheckedTable, name: str, low: float, high: float) -> int:
    value = table.number(name, low, high)
    if abs(value * _CENTS - round(value * _CENTS)) > 1e-6:
        table.problem(f"{name} = {value} has more than two decimals")
    return round(value * _CENTS)


def _limit(table: CheckedTable, name: str) -> int | None:
    value = table.take(name, None)
    if value is None:
        return None
    problems: list[str] = []
    found = _points(CheckedTable("", {name: value}, problems), name, 0.01, POINTS_MAX)
    for each in problems:
        table.problem(each.removeprefix(": "))
    return found


def _whole(table: CheckedTable, name: str, low: int, high: int, default: int | None = None) -> int:
    if default is not None and (value := table.take(name, None)) is None:
        return default
    if default is not None:
        problems: list[str] = []
        found = CheckedTable("", {name: value}, problems).number(name, low, high)
        for each in problems:
            table.problem(each.removeprefix(": "))
    else:
        found = table.number(name, low, high)
    if found != int(found):
        table.problem(f"{name} = {found} must be a whole number")
    return int(found)


def _id(table: CheckedTable) -> str:
    found = table.text("id")
    if found and not _ID.fullmatch(found):
        table.problem(f"id = {found!r} must be lower-case letters, digits and hyphens")
    return found


def _tables(name: str, document: dict[str, Any], problems: list[str]) -> list[CheckedTable]:
    entries = document.pop(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"{name} must be written as [[{name}]]")
        return []
    return [
        CheckedTable(f"{name} {number} ({entry.get('id', '')})".replace(" ()", ""), dict(entry), problems)
        for number, entry in enumerate(entries, start=1)
    ]
