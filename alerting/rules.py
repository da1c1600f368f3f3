"""Rules: which detector watches which quantity where, from what value it is an alarm, and the clause that says so.

Rules are data: a versioned TOML file (alerting/rules.toml is the default), checked as a whole and kept in the database.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from alerting.alert import Condition, Kind, Priority
from alerting.checked_table import CheckedTable
from alerting.detect import DETECTORS
from alerting.errors import RulesInvalid
from ingest import toml_text
from ingest.errors import UnitMismatch
from ingest.quantity import QUANTITIES, convert
from ingest.registry import INSTITUTION_KINDS, ZONE_KINDS

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Delays in seconds; `raise_at` and `clear_at` in the unit of the detector's score.

    Empty `institution_kinds` or `zone_kinds` mean every kind. A `sign` raises nothing by itself, but counts in
    combinations. `clause_verified` says whether somebody has read the clause in its source; `clause_zh` is the clause
    in Chinese, "" where a rule of one's own has none.
    """

    id: str
    sign: bool
    kind: Kind
    priority: Priority
    latching: bool
    quantity: str
    detector: str
    parameters: Mapping[str, float]
    above: bool
    raise_at: float
    clear_at: float
    on_delay_s: float
    off_delay_s: float
    hold_s: float
    samples_min: int
    institution_kinds: frozenset[str]
    zone_kinds: frozenset[str]
    zone_kinds_except: frozenset[str]
    title_zh: str
    title_en: str
    clause_zh: str
    clause: str
    clause_verified: bool

    @property
    def condition(self) -> Condition:
        """What an alert raised by this rule is."""
        return Condition(self.id, self.kind, self.priority, self.latching)

    def applies_to(self, institution_kind: str, zone_kind: str, quantity: str) -> bool:
        """Whether a point of `quantity` in such a place is under this rule."""
        return (
            quantity == self.quantity
            and (not self.institution_kinds or institution_kind in self.institution_kinds)
            and (not self.zone_kinds or zone_kind in self.zone_kinds)
            and zone_kind not in self.zone_kinds_except
        )


@dataclass(frozen=True, slots=True)
class Combination:
    """What several conditions in one zone mean together.

    It holds while every one of `parts` does, by any of its rules (ids) on any device of the zone, and at least
    `devices_min` devices take part. Conditions that stand in a zone for `alone_delay_s` without the rest count as the
    whole all the same; 0: never.
    """

    id: str
    kind: Kind
    priority: Priority
    latching: bool
    parts: tuple[frozenset[str], ...]
    devices_min: int
    alone_delay_s: float
    title_zh: str
    title_en: str
    clause_zh: str
    clause: str
    clause_verified: bool

    @property
    def rules(self) -> frozenset[str]:
        """The rules of all parts."""
        return frozenset().union(*self.parts)

    @property
    def condition(self) -> Condition:
        """What an alert raised by this combination is."""
        return Condition(self.id, self.kind, self.priority, self.latching)


@dataclass(frozen=True, slots=True)
class Supervision:
    """When a silent device counts as lost: after `intervals` of its own reporting interval, but not before `s_min`.

    An institution is silent as a whole when none of at least `institution_devices_min` devices has been heard for
    `institution_s_min` seconds or two of its shortest intervals; that is one alert, not one a device.
    """

    intervals: float
    s_min: float
    priority: Priority
    institution_devices_min: int
    institution_s_min: float
    institution_priority: Priority
    clause_zh: str
    clause: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A whole file; `sha256` is of its text."""

    version: str
    rules: tuple[Rule, ...]
    supervision: Supervision
    sha256: str
    combinations: tuple[Combination, ...] = ()


def default_rules() -> str:
    """The TOML text of the rules that ship with Anhu."""
    return resources.files("alerting").joinpath("rules.toml").read_text("utf-8")


@lru_cache(maxsize=4)  # the pipeline asks for the same text again and again
def parse(text: str) -> RuleSet:
    """The rule set in `text`. Raises RulesInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesInvalid([str(error)]) from error
    problems: list[str] = []
    version = document.get("version")
    if not isinstance(version, str) or not version:
        problems.append("version is missing")
    problems += [
        f"unknown entry {name}" for name in document.keys() - {"version", "rule", "combination", "supervision"}
    ]
    supervision = _supervision(CheckedTable("supervision", _as_table(document.get("supervision")), problems))
    if not isinstance(document.get("supervision", {}), dict):
        problems.append("supervision must be a table")
    records = document.get("rule", [])
    if not isinstance(records, list) or not records:
        problems.append("the file holds no [[rule]]")
        records = []
    rules = [
        _rule(CheckedTable(_label(record, index), _as_table(record), problems)) for index, record in enumerate(records)
    ]
    combined = document.get("combination", [])
    if not isinstance(combined, list):
        problems.append("combination must be a list of tables: [[combination]]")
        combined = []
    known = frozenset(rule.id for rule in rules)
    combinations = [
        _combination(CheckedTable(_label(record, index, "combination"), _as_table(record), problems), known)
        for index, record in enumerate(combined)
    ]
    ids = [*(rule.id for rule in rules), *(each.id for each in combinations)]
    problems += [f"rule {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    if problems:
        raise RulesInvalid(problems)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return RuleSet(str(version), tuple(rules), supervision, digest, tuple(combinations))


def _as_table(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _label(record: object, index: int, what: str = "rule") -> str:
    name = record.get("id") if isinstance(record, dict) else None
    return f"{what} {name or index + 1}"


def _id(table: CheckedTable) -> str:
    found = table.text("id")
    if found and not _ID.fullmatch(found):
        table.problem("an id is made of small letters, digits, dots, - and _")
    return found


def _rule(table: CheckedTable) -> Rule:
    rule_id = _id(table)
    detector = table.one_of("detector", tuple(DETECTORS), "setpoint")
    parameters = {
        name: table.number(name, each.low, each.high, each.default)
        for name, each in DETECTORS[detector].parameters.items()
    }
    above = table.one_of("direction", ("above", "below"), "above") == "above"
    quantity = table.one_of("quantity", tuple(QUANTITIES))
    unit = table.text("unit", QUANTITIES[quantity].unit)
    raise_at = table.number("raise_at", -1e9, 1e9)
    clear_at = table.number("clear_at", -1e9, 1e9, raise_at)
    if unit != QUANTITIES[quantity].unit:
        raise_at, clear_at = _converted(table, detector, unit, quantity, (raise_at, clear_at))
    if (clear_at > raise_at) if above else (clear_at < raise_at):
        table.problem(f"clear_at = {clear_at:g} lies on the alarm's side of raise_at = {raise_at:g}")
    if detector in {"rate_of_rise", "sudden_rise"} and parameters["fast_s"] >= parameters["slow_s"]:
        table.problem("fast_s must be smaller than slow_s")
    rule = Rule(
        id=rule_id,
        sign=table.flag("sign", default=False),
        kind=Kind(table.one_of("kind", tuple(Kind))),
        priority=Priority(table.one_of("priority", tuple(Priority))),
        latching=table.flag("latching", default=False),
        quantity=quantity,
        detector=detector,
        parameters=parameters,
        above=above,
        raise_at=raise_at,
        clear_at=clear_at,
        on_delay_s=table.number("on_delay_s", 0, _DAY_S, 0),
        off_delay_s=table.number("off_delay_s", 0, _DAY_S, 0),
        hold_s=table.number("hold_s", 0, _DAY_S, 0),
        samples_min=int(table.number("samples_min", 1, 100, 1)),
        institution_kinds=table.set_of("institution_kinds", INSTITUTION_KINDS),
        zone_kinds=table.set_of("zone_kinds", ZONE_KINDS),
        zone_kinds_except=table.set_of("zone_kinds_except", ZONE_KINDS),
        title_zh=table.text("title_zh"),
        title_en=table.text("title_en"),
        clause_zh=table.text("clause_zh", ""),
        clause=table.text("clause"),
        clause_verified=table.flag("clause_verified", default=False),
    )
    table.end()
    return rule


def _converted(
    table: CheckedTable, detector: str, unit: str, quantity: str, levels: tuple[float, float]
) -> tuple[float, float]:
    """Setpoints that a rule gives in another unit of its quantity, 1/m for dB/m."""
    if detector != "setpoint":
        table.problem("unit can be chosen for the detector setpoint only")
        return levels
    try:
        raise_at, clear_at = (convert(level, unit, QUANTITIES[quantity]) for level in levels)
    except UnitMismatch as error:
        table.problem(str(error))
        return levels
    return raise_at, clear_at


def _combination(table: CheckedTable, rules: frozenset[str]) -> Combination:
    combination_id = _id(table)
    parts = table.take("parts", [])
    if not isinstance(parts, list) or not parts or not all(isinstance(part, list) and part for part in parts):
        table.problem("parts must be a list of lists of rules, none of them empty")
        parts = []
    unknown = sorted({str(rule) for part in parts for rule in part if rule not in rules})
    if unknown:
        table.problem(f"no rule {', '.join(unknown)}")
    found = Combination(
        id=combination_id,
        kind=Kind(table.one_of("kind", tuple(Kind))),
        priority=Priority(table.one_of("priority", tuple(Priority))),
        latching=table.flag("latching", default=False),
        parts=tuple(frozenset(str(rule) for rule in part) for part in parts),
        devices_min=int(table.number("devices_min", 1, 100, 1)),
        alone_delay_s=table.number("alone_delay_s", 0, _DAY_S, 0),
        title_zh=table.text("title_zh"),
        title_en=table.text("title_en"),
        clause_zh=table.text("clause_zh", ""),
        clause=table.text("clause"),
        clause_verified=table.flag("clause_verified", default=False),
    )
    table.end()
    return found


def _supervision(table: CheckedTable) -> Supervision:
    found = Supervision(
        intervals=table.number("intervals", 1, 100, 3),
        s_min=table.number("s_min", 1, _DAY_S, 60),
        priority=Priority(table.one_of("priority", tuple(Priority), Priority.MEDIUM)),
        institution_devices_min=int(table.number("institution_devices_min", 2, 1000, 3)),
        institution_s_min=table.number("institution_s_min", 1, _DAY_S, 45),
        institution_priority=Priority(table.one_of("institution_priority", tuple(Priority), Priority.HIGH)),
        clause_zh=table.text("clause_zh", ""),
        clause=table.text("clause", ""),
    )
    table.end()
    return found
