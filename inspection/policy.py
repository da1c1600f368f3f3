"""The hazard policy: terms, reminders, escalation, bulletin, extensions, and which alerts open a hazard.

A policy is data, a versioned TOML file (inspection/policies/hazards.toml is the default), checked as a whole and kept
in the database; putting one in force is an act of a named person.
"""

import copy
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from alerting.alert import Kind
from alerting.checked_table import CheckedTable
from alerting.people import Role
from ingest import toml_text
from inspection.checklist import Level
from inspection.errors import HazardPolicyInvalid
from inspection.hazard import Category, Supervisor

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_HOURS_MAX: Final = 24.0 * 366
# These came with version 2026.11.2 of the policy that ships: one put in force before says nothing of them, and stays in
# force with what ships.
_SINCE_2: Final = frozenset({"assignment", "unassigned"})


@dataclass(frozen=True, slots=True)
class Term:
    """A time within which a hazard has to be rectified."""

    id: str
    hours: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told when a hazard is overdue, or should have been assigned, for `after_hours`."""

    after_hours: float
    to: frozenset[Role]


class When(StrEnum):
    """What about an alert opens a hazard."""

    RAISED = "raised"  # that it was raised at all
    LASTING = "lasting"  # that its condition has held for `hours`
    REPEATED = "repeated"  # that it was raised `count` times at one place within `hours`


@dataclass(frozen=True, slots=True)
class SensorRule:
    """Which alerts open a hazard, and what that hazard is. The condition has to be gone for `observe_hours` before a
    recheck can pass."""

    id: str
    alert_kind: Kind
    alert_rule: str  # only alerts under a rule whose id begins so; empty: any
    when: When
    hours: float
    count: int
    level: Level
    supervisor: Supervisor
    category: Category
    observe_hours: float
    title_zh: str
    title_en: str
    clause: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy in one version."""

    version: str
    sha256: str
    terms: Mapping[str, Term]
    defaults: Mapping[tuple[Level, Supervisor], str]
    assign_within: Mapping[Level, timedelta]
    unassigned: tuple[Escalation, ...]
    remind_before: timedelta
    escalations: tuple[Escalation, ...]
    bulletin_after: Mapping[Level, timedelta]
    propose_after: timedelta
    propose_failures_min: int
    extensions_max: int
    extension_max: timedelta
    repeat_within: timedelta
    sensors: Mapping[str, SensorRule]


def parse(text: str) -> Policy:
    """The policy in `text` (TOML). Raises HazardPolicyInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HazardPolicyInvalid([str(error)]) from error
    problems: list[str] = []
    if not document.keys() & _SINCE_2:
        document.update(copy.deepcopy(_assignment_that_ships()))
    terms = {each.id: each for each in (_term(table) for table in _tables("term", document, problems))}
    escalations = [_escalation(table) for table in _tables("escalation", document, problems)]
    unassigned = [_escalation(table) for table in _tables("unassigned", document, problems)]
    sensors = [_sensor(table) for table in _tables("sensor", document, problems)]
    parts = {
        name: _part(name, document, problems)
        for name in ("defaults", "assignment", "reminder", "bulletin", "proposal", "extension", "repeat")
    }
    head = CheckedTable("the policy", document, problems)
    made = Policy(
        version=head.text("version"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        terms=terms,
        defaults=_defaults(parts["defaults"], terms),
        assign_within={
            Level.MAJOR: _hours(parts["assignment"], "major_within_hours"),
            Level.GENERAL: _hours(parts["assignment"], "general_within_hours"),
        },
        unassigned=tuple(unassigned),
        remind_before=_hours(parts["reminder"], "before_hours"),
        escalations=tuple(escalations),
        bulletin_after={
            Level.MAJOR: _hours(parts["bulletin"], "major_after_hours"),
            Level.GENERAL: _hours(parts["bulletin"], "general_after_hours"),
        },
        propose_after=_hours(parts["proposal"], "after_hours"),
        propose_failures_min=int(parts["proposal"].number("failures_min", 1, 100)),
        extensions_max=int(parts["extension"].number("count_max", 0, 100)),
        extension_max=timedelta(days=parts["extension"].number("days_max", 1, 366)),
        repeat_within=timedelta(days=parts["repeat"].number("days", 1, 3660)),
        sensors={each.id: each for each in sensors},
    )
    for table in (head, *parts.values()):
        table.end()
    if not terms:
        problems.append("there is no term")
    if not unassigned:
        problems.append("nobody is told of a hazard that is assigned to nobody: there is no [[unassigned]]")
    for told, steps in (("escalations", escalations), ("steps of [[unassigned]]", unassigned)):
        after = [each.after_hours for each in steps]
        if after != sorted(set(after)):
            problems.append(f"the {told} must stand in the order of their hours, each later than the one before")
    if len(made.sensors) != len(sensors):
        problems.append("two sensor rules have the same id")
    if problems:
        raise HazardPolicyInvalid(problems)
    return made


def default_text() -> str:
    """The policy that ships with Anhu, as TOML."""
    return resources.files("inspection").joinpath("policies/hazards.toml").read_text("utf-8")


@cache
def default_policy() -> Policy:
    """The policy that ships with Anhu."""
    return parse(default_text())


def _assignment_that_ships() -> dict[str, Any]:
    shipped = toml_text.loads(default_text())
    return {name: shipped[name] for name in _SINCE_2}


def _tables(name: str, document: dict[str, Any], problems: list[str]) -> list[CheckedTable]:
    entries = document.pop(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"{name} must be written as [[{name}]]")
        return []
    return [
        CheckedTable(f"{name} {number} ({entry.get('id', '')})".replace(" ()", ""), dict(entry), problems)
        for number, entry in enumerate(entries, start=1)
    ]


def _part(name: str, document: dict[str, Any], problems: list[str]) -> CheckedTable:
    entry = document.pop(name, None)
    if not isinstance(entry, dict):
        problems.append(f"[{name}] is missing")
        entry = {}
    return CheckedTable(name, dict(entry), problems)


def _id(table: CheckedTable) -> str:
    found = table.text("id")
    if found and not _ID.fullmatch(found):
        table.problem(f"id = {found!r} must be lower-case letters, digits and hyphens")
    return found


def _hours(table: CheckedTable, name: str) -> timedelta:
    return timedelta(hours=table.number(name, 0, _HOURS_MAX))


def _term(table: CheckedTable) -> Term:
    made = Term(_id(table), table.number("hours", 1, _HOURS_MAX), table.text("zh"), table.text("en"))
    table.end()
    return made


def _escalation(table: CheckedTable) -> Escalation:
    made = Escalation(
        table.number("after_hours", 0, _HOURS_MAX), frozenset(Role(each) for each in table.set_of("to", tuple(Role)))
    )
    if not made.to:
        table.problem("to names nobody")
    table.end()
    return made


def _sensor(table: CheckedTable) -> SensorRule:
    when = When(table.one_of("when", tuple(When)))
    made = SensorRule(
        id=_id(table),
        alert_kind=Kind(table.one_of("alert_kind", tuple(each for each in Kind if each is not Kind.SYSTEM))),
        alert_rule=table.text("alert_rule", ""),
        when=when,
        hours=0.0 if when is When.RAISED else table.number("hours", 0.01, _HOURS_MAX),
        count=int(table.number("count", 2, 1000)) if when is When.REPEATED else 1,
        level=Level(table.one_of("level", tuple(Level))),
        supervisor=Supervisor(table.one_of("supervisor", tuple(Supervisor))),
        category=Category(table.one_of("category", tuple(Category))),
        observe_hours=table.number("observe_hours", 0, 24 * 30),
        title_zh=table.text("title_zh"),
        title_en=table.text("title_en"),
        clause=table.text("clause", ""),
    )
    table.end()
    return made


def _defaults(table: CheckedTable, terms: Mapping[str, Term]) -> dict[tuple[Level, Supervisor], str]:
    found = {}
    for level in Level:
        row = table.take(level, {})
        for supervisor in Supervisor:
            term = row.get(supervisor) if isinstance(row, dict) else None
            if term in terms:
                found[level, supervisor] = str(term)
            else:
                table.problem(f"{level}.{supervisor} = {term!r} is not one of the terms")
    return found
