"""The criteria of the red, watch and black list: which ratings bring an institution before a decision, and what a list
means for those on it.

They are data, a versioned TOML file beside the rating policies, checked as a whole and put in force by a named person.
A figure names the clause it comes from, or has none: then it is Anhu's own default.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from alerting.checked_table import CheckedTable
from ingest import toml_text
from inspection.errors import CreditCriteriaInvalid
from inspection.rating_policy import RatingPolicy

MONTHS_MAX: Final = 120
DAYS_MAX: Final = 366
RATINGS_MAX: Final = 1100  # three years of nights
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class ListKind(StrEnum):
    """红名单, 重点关注名单, 黑名单."""

    RED = "red"
    WATCH = "watch"
    BLACK = "black"


ADVERSE: Final = frozenset({ListKind.WATCH, ListKind.BLACK})


@dataclass(frozen=True, slots=True)
class CreditList:
    """What being on a list means: for how long, how many days one may object, from when one may ask to be taken off
    (None: not before the term ends), how often one is visited, and the factor on one's weight in the draw. `clauses`
    has the source of a figure by its name; one that is not there is Anhu's default."""

    kind: ListKind
    zh: str
    en: str
    term_months: int
    appeal_days: int
    repair_after_months: int | None
    inspections_per_year: float
    risk_factor: float
    clauses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What brings an institution before a decision: one of `grades` (empty: any) with one of `vetoes` (empty: none
    asked for), in the newest `ratings_min` nightly ratings."""

    id: str
    kind: ListKind
    zh: str
    en: str
    clause: str
    grades: frozenset[str]
    vetoes: frozenset[str]
    ratings_min: int


@dataclass(frozen=True, slots=True)
class Criteria:
    """The file in one version. Every institution is visited `visits_per_year_min` times a year at least."""

    version: str
    sha256: str
    visits_per_year_min: float
    visits_clause: str
    due_soon_days: int
    quiet_days: int
    lists: Mapping[ListKind, CreditList]
    criteria: tuple[Criterion, ...]

    def of(self, kind: ListKind) -> tuple[Criterion, ...]:
        """The criteria of one list."""
        return tuple(each for each in self.criteria if each.kind is kind)

    def criterion(self, criterion_id: str | None) -> Criterion | None:
        """The criterion of that name, None where this version has none."""
        return next((each for each in self.criteria if each.id == criterion_id), None)


@lru_cache(maxsize=8)
def parse(text: str) -> Criteria:
    """The criteria in `text` (TOML). Raises CreditCriteriaInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CreditCriteriaInvalid([str(error)]) from error
    problems: list[str] = []
    lists = [_list(each) for each in _tables("list", document, problems)]
    criteria = tuple(_criterion(each) for each in _tables("criterion", document, problems))
    head = CheckedTable("the file", document, problems)
    made = Criteria(
        version=head.text("version"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        visits_per_year_min=head.number("visits_per_year_min", 0.1, 366),
        visits_clause=head.text("visits_clause", ""),
        due_soon_days=_whole(head, "due_soon_days", 0, DAYS_MAX),
        quiet_days=_whole(head, "quiet_days", 0, DAYS_MAX),
        lists={each.kind: each for each in lists},
        criteria=criteria,
    )
    head.end()
    kinds, ids = [each.kind for each in lists], [each.id for each in criteria]
    problems += [f"there is no [[list]] {kind}" for kind in ListKind if kind not in kinds]
    problems += [f"list {kind} stands twice" for kind in ListKind if kinds.count(kind) > 1]
    problems += [f"criterion {each} stands twice" for each in sorted({one for one in ids if ids.count(one) > 1})]
    if problems:
        raise CreditCriteriaInvalid(problems)
    return made


def default_text() -> str:
    """The file that ships with Anhu."""
    return resources.files("inspection").joinpath("policies/credit-lists.toml").read_text("utf-8")


def default_criteria() -> Criteria:
    """Those that ship with Anhu."""
    return parse(default_text())


def defaults(made: Criteria) -> list[str]:
    """The figures of `made` that no clause stands behind, as `list.figure`."""
    found = [] if made.visits_clause else ["visits_per_year_min"]
    for each in made.lists.values():
        found += [
            f"{each.kind}.{name}" for name in _FIGURES if name not in each.clauses and getattr(each, name) is not None
        ]
    return found + [f"{each.id}" for each in made.criteria if not each.clause]


def never_met(made: Criteria, policy: RatingPolicy) -> list[str]:
    """The criteria that no rating by `policy` can meet: it has none of their grades, or none of their vetoes."""
    grades, vetoes = {each.id for each in policy.grades}, {each.id for each in policy.vetoes}
    return [
        each.id
        for each in made.criteria
        if (each.grades and not each.grades & grades) or (each.vetoes and not each.vetoes & vetoes)
    ]


_FIGURES: Final = ("term_months", "appeal_days", "repair_after_months", "inspections_per_year", "risk_factor")
_CLAUSES: Final = {
    "kind": "clause",
    "term_months": "term_clause",
    "appeal_days": "appeal_clause",
    "repair_after_months": "repair_clause",
    "inspections_per_year": "visits_clause",
    "risk_factor": "risk_clause",
}


def _list(table: CheckedTable) -> CreditList:
    clauses = {name: table.text(field, "") for name, field in _CLAUSES.items()}
    repair = table.take("repair_after_months", None)
    made = CreditList(
        kind=ListKind(table.one_of("kind", tuple(ListKind))),
        zh=table.text("zh"),
        en=table.text("en"),
        term_months=_whole(table, "term_months", 1, MONTHS_MAX),
        appeal_days=_whole(table, "appeal_days", 1, DAYS_MAX),
        repair_after_months=repair,
        inspections_per_year=table.number("inspections_per_year", 0, 366),
        risk_factor=table.number("risk_factor", 0.01, 100),
        clauses={name: clause for name, clause in clauses.items() if clause},
    )
    if repair is not None:
        if isinstance(repair, bool) or not isinstance(repair, int) or not 1 <= repair < made.term_months:
            table.problem(f"repair_after_months = {repair!r} must be a whole number less than the term")
        if made.kind is ListKind.RED:
            table.problem("nobody has to be repaired from a red list")
    table.end()
    return made


def _criterion(table: CheckedTable) -> Criterion:
    name = table.text("id")
    if name and not _ID.fullmatch(name):
        table.problem(f"id = {name!r} must be lower-case letters, digits and hyphens")
    made = Criterion(
        id=name,
        kind=ListKind(table.one_of("list", tuple(ListKind))),
        zh=table.text("zh"),
        en=table.text("en"),
        clause=table.text("clause", ""),
        grades=_words(table, "grades"),
        vetoes=_words(table, "vetoes"),
        ratings_min=_whole(table, "ratings_min", 1, RATINGS_MAX),
    )
    if not made.grades and not made.vetoes:
        table.problem("a criterion names grades, vetoes, or both")
    table.end()
    return made


def _words(table: CheckedTable, name: str) -> frozenset[str]:
    value = table.take(name, [])
    if not isinstance(value, list) or any(not isinstance(each, str) or not each for each in value):
        table.problem(f"{name} must be a list of names")
        return frozenset()
    return frozenset(value)


def _whole(table: CheckedTable, name: str, low: int, high: int) -> int:
    found = table.number(name, low, high)
    if found != int(found):
        table.problem(f"{name} = {found} must be a whole number")
    return int(found)


def _tables(name: str, document: dict[str, Any], problems: list[str]) -> list[CheckedTable]:
    entries = document.pop(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"{name} must be written as [[{name}]]")
        return []
    return [
        CheckedTable(f"{name} {number} ({entry.get('id', entry.get('kind', ''))})", dict(entry), problems)
        for number, entry in enumerate(entries, start=1)
    ]
