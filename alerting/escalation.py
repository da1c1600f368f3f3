"""Escalation policies: who is told of which alert, after how long without an acknowledgement, by which channels.

A policy is data: a versioned TOML file (alerting/policies/default.toml), checked as a whole and kept in the database.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays

from alerting.alert import Alert, Kind, Priority
from alerting.checked_table import CheckedTable
from alerting.errors import PolicyInvalid
from alerting.people import Role
from alerting.suppression import LIFE_SAFETY
from ingest import toml_text
from ingest.registry import INSTITUTION_KINDS

CHINA: Final = ZoneInfo("Asia/Shanghai")
CHANNELS: Final = ("wecom", "dingtalk", "feishu", "email", "webhook", "sms", "apprise")
_DAY_S: Final = 86_400.0
_ENTRIES_MAX: Final = 200  # of one route, repeats included
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_TARGET: Final = re.compile(r"(on_call:)?([a-z_]+)@([a-z]+)")


class Reach(StrEnum):
    """How far out the people of a role are looked for, the nearest first."""

    INSTITUTION = "institution"
    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    EVERYWHERE = "everywhere"


class Occasion(StrEnum):
    """What time it is to the people who are called; night comes before holiday."""

    WORKDAY = "workday"
    HOLIDAY = "holiday"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step tells: everybody of a role, or with `on_call` whoever of them is on duty."""

    role: Role
    reach: Reach
    on_call: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: `after_s` seconds without an acknowledgement, tell `to`, and again every `repeat_s` (0: once).

    No `channels` means the person's contacts in their order; `every_channel` uses all of them at once.
    """

    number: int
    after_s: float
    repeat_s: float
    to: tuple[Target, ...]
    at: frozenset[Occasion]
    channels: frozenset[str]
    every_channel: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A step in its `round`, `after_s` seconds after the call began."""

    after_s: float
    step: Step
    round: int


@dataclass(frozen=True, slots=True)
class Route:
    """The ladder for some alerts. Empty sets mean every kind, priority or institution.

    `gather_s` > 0: what is to be told waits so long for others, and they go as one digest.
    """

    id: str
    kinds: frozenset[Kind]
    priorities: frozenset[Priority]
    institution_kinds: frozenset[str]
    steps: tuple[Step, ...]
    end_s: float
    quiet_hours: bool
    gather_s: float
    after_clear: bool
    raises_unanswered: bool
    clause: str
    clause_verified: bool

    def fits(self, alert: Alert, institution_kind: str) -> bool:
        """Whether `alert`, at an institution of that kind, goes this way."""
        return self.takes(alert.kind, alert.priority, institution_kind)

    def takes(self, kind: Kind, priority: Priority, institution_kind: str) -> bool:
        """Whether alerts of that sort go this way."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.priorities or priority in self.priorities)
            and (not self.institution_kinds or institution_kind in self.institution_kinds)
        )

    def first_rung(self) -> "Route":
        """The same without escalation, for a test of the chain that goes no further than the first push."""
        steps = tuple(replace(step, repeat_s=0.0) for step in self.steps if step.after_s <= 0)
        return replace(self, steps=steps, raises_unanswered=False)

    def entries(self) -> tuple[Entry, ...]:
        """Every step in every round before the end, in order of time."""
        return _entries(self.steps, self.end_s)


@lru_cache(maxsize=256)
def _entries(steps: tuple[Step, ...], end_s: float) -> tuple[Entry, ...]:
    found = []
    for step in steps:
        after_s, round_ = step.after_s, 0
        while after_s < end_s and (round_ == 0 or step.repeat_s > 0):
            found.append(Entry(after_s, step, round_))
            after_s, round_ = after_s + (step.repeat_s or end_s), round_ + 1
    return tuple(sorted(found, key=lambda entry: (entry.after_s, entry.step.number)))


@dataclass(frozen=True, slots=True)
class Hours:
    """Local times, each pair may pass midnight; equal ones mean never."""

    night: tuple[time, time]
    quiet: tuple[time, time]

    def occasion(self, now: datetime) -> Occasion:
        """What `now` is in China."""
        local = now.astimezone(CHINA)
        if _within(self.night, local.time()):
            return Occasion.NIGHT
        return Occasion.WORKDAY if is_workday(local.date()) else Occasion.HOLIDAY

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold at `now` end; None outside of them."""
        local = now.astimezone(CHINA)
        if not _within(self.quiet, local.time()):
            return None
        end = datetime.combine(local.date(), self.quiet[1], CHINA)
        return end if end > local else end + timedelta(days=1)


def is_workday(day: date) -> bool:
    """Whether people work on that day in China: statutory holidays and the weekends worked in exchange count."""
    return _calendar().is_working_day(day)


@lru_cache(maxsize=1)
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def _within(span: tuple[time, time], at: time) -> bool:
    start, end = span
    return start <= at < end if start <= end else at >= start or at < end


@dataclass(frozen=True, slots=True)
class Grouping:
    """Bounds of what one person is sent; see policies/default.toml."""

    group_s: float
    messages_per_minute_max: int
    alone_per_minute_max: int
    flapping_count: int
    flapping_s: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """How long a message is tried; see policies/default.toml."""

    failover_s: float
    attempts_max: int
    give_up_s: float


@dataclass(frozen=True, slots=True)
class Sound:
    """How long a person may keep the duty desk's sound off; see policies/default.toml."""

    mute_s_max: float
    mutes_max: int
    fault_mute_s_max: float


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole file; `sha256` is of its text."""

    version: str
    hours: Hours
    grouping: Grouping
    delivery: Delivery
    sound: Sound
    routes: tuple[Route, ...]
    sha256: str

    def route(self, alert: Alert, institution_kind: str) -> Route | None:
        """The first route that fits."""
        return next((route for route in self.routes if route.fits(alert, institution_kind)), None)

    def route_of(self, kind: Kind, priority: Priority, institution_kind: str) -> Route | None:
        """The first route that takes alerts of that sort."""
        return next((route for route in self.routes if route.takes(kind, priority, institution_kind)), None)


def default_policy() -> str:
    """The TOML text of the policy that ships with Anhu."""
    return resources.files("alerting").joinpath("policies/default.toml").read_text("utf-8")


def parse(text: str) -> Policy:
    """The policy in `text`. Raises PolicyInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid([str(error)]) from error
    problems: list[str] = []
    version = document.get("version")
    if not isinstance(version, str) or not version:
        problems.append("version is missing")
    known = {"version", "hours", "grouping", "delivery", "sound", "route"}
    problems += [f"unknown entry {name}" for name in document.keys() - known]
    hours = _hours(_table("hours", document.get("hours"), problems))
    grouping = _grouping(_table("grouping", document.get("grouping"), problems))
    delivery = _delivery(_table("delivery", document.get("delivery"), problems))
    sound = _sound(_table("sound", document.get("sound"), problems))
    routes = [
        _route(_table(f"route {_name(record, number)}", record, problems), _name(record, number), record, problems)
        for number, record in enumerate(_list(document.get("route")), start=1)
    ]
    if not routes:
        problems.append("the file holds no [[route]]")
    ids = [route.id for route in routes]
    problems += [f"route {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    problems += _unheard(routes)
    if problems:
        raise PolicyInvalid(problems)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Policy(str(version), hours, grouping, delivery, sound, tuple(routes), digest)


def _unheard(routes: Sequence[Route]) -> list[str]:
    """Critical alerts no route takes: a policy may be quiet about a battery, never about a fire."""
    heard = {kind for route in routes if not route.priorities or Priority.CRITICAL in route.priorities
             for kind in (route.kinds or Kind) if not route.institution_kinds}  # fmt: skip
    must = LIFE_SAFETY | {Kind.UNANSWERED, Kind.SYSTEM}
    return [f"no route takes a critical {kind} alert at every kind of institution" for kind in sorted(must - heard)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _table(label: str, value: object, problems: list[str]) -> CheckedTable:
    return CheckedTable(label, dict(value) if isinstance(value, Mapping) else {}, problems)


def _name(record: object, number: int) -> str:
    name = record.get("id") if isinstance(record, Mapping) else None
    return name if isinstance(name, str) and name else str(number)


def _hours(table: CheckedTable) -> Hours:
    def span(name: str) -> tuple[time, time]:
        value = table.take(name, ["00:00", "00:00"])
        matched = [_CLOCK.fullmatch(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []
        clocks = [time(int(each[1]), int(each[2])) for each in matched if each]
        if len(clocks) != 2:
            table.problem(f'{name} must be two times, as in ["22:00", "06:00"]')
            return time(), time()
        return clocks[0], clocks[1]

    found = Hours(night=span("night"), quiet=span("quiet"))
    table.end()
    return found


def _grouping(table: CheckedTable) -> Grouping:
    found = Grouping(
        group_s=table.number("group_s", 0, 600, 10),
        messages_per_minute_max=int(table.number("messages_per_minute_max", 1, 60, 6)),
        alone_per_minute_max=int(table.number("alone_per_minute_max", 1, 600, 3)),
        flapping_count=int(table.number("flapping_count", 2, 100, 5)),
        flapping_s=table.number("flapping_s", 1, _DAY_S, 600),
    )
    table.end()
    return found


def _delivery(table: CheckedTable) -> Delivery:
    found = Delivery(
        failover_s=table.number("failover_s", 1, 3600, 20),
        attempts_max=int(table.number("attempts_max", 1, 50, 8)),
        give_up_s=table.number("give_up_s", 10, _DAY_S, 1800),
    )
    table.end()
    return found


def _sound(table: CheckedTable) -> Sound:
    # Bounds of the bounds: a policy may be stricter than ours, and not much laxer.
    found = Sound(
        mute_s_max=table.number("mute_s_max", 0, 300, 60),
        mutes_max=int(table.number("mutes_max", 0, 10, 3)),
        fault_mute_s_max=table.number("fault_mute_s_max", 0, 3600, 600),
    )
    table.end()
    return found


def _route(table: CheckedTable, name: str, record: object, problems: list[str]) -> Route:
    steps = record.get("step") if isinstance(record, Mapping) else None
    table.take("step", None)
    route = Route(
        id=table.text("id"),
        kinds=frozenset(Kind(kind) for kind in table.set_of("kinds", tuple(Kind))),
        priorities=frozenset(Priority(each) for each in table.set_of("priorities", tuple(Priority))),
        institution_kinds=table.set_of("institution_kinds", INSTITUTION_KINDS),
        steps=tuple(
            _step(number, _table(f"route {name}, step {number}", each, problems))
            for number, each in enumerate(_list(steps), start=1)
        ),
        end_s=table.number("end_s", 1, 7 * _DAY_S),
        quiet_hours=table.flag("quiet_hours", default=False),
        gather_s=table.number("gather_s", 0, _DAY_S, 0),
        after_clear=table.flag("after_clear", default=False),
        raises_unanswered=table.flag("raises_unanswered", default=False),
        clause=table.text("clause", ""),
        clause_verified=table.flag("clause_verified", default=False),
    )
    table.end()
    if not route.steps:
        table.problem("it has no [[route.step]]")
    if any(step.after_s >= route.end_s for step in route.steps):
        table.problem(f"a step lies at or after the end, {route.end_s:g} s")
    if sum(1 + (route.end_s / step.repeat_s if step.repeat_s else 0) for step in route.steps) > _ENTRIES_MAX:
        table.problem(f"its steps repeat more than {_ENTRIES_MAX} times")
    urgent = not route.priorities or route.priorities & {Priority.CRITICAL, Priority.HIGH}
    if urgent and (not route.kinds or route.kinds & LIFE_SAFETY):
        if route.quiet_hours:
            table.problem("a life-safety alarm cannot wait for quiet hours")
        if route.gather_s:
            table.problem("a life-safety alarm cannot wait for a digest")
    return route


def _step(number: int, table: CheckedTable) -> Step:
    written = table.take("to", [])
    to = [_target(table, each) for each in (written if isinstance(written, list) and written else [written])]
    step = Step(
        number=number,
        after_s=table.number("after_s", 0, 7 * _DAY_S),
        repeat_s=table.number("repeat_s", 0, _DAY_S, 0),
        to=tuple(target for target in to if target),
        at=frozenset(Occasion(each) for each in table.set_of("at", tuple(Occasion)) or Occasion),
        channels=table.set_of("channels", CHANNELS),
        every_channel=table.flag("every_channel", default=False),
    )
    table.text("clause", "")
    table.flag("clause_verified", default=False)
    table.end()
    return step


def _target(table: CheckedTable, written: object) -> Target | None:
    matched = _TARGET.fullmatch(written) if isinstance(written, str) else None
    if matched and matched[2] in tuple(Role) and matched[3] in tuple(Reach):
        return Target(Role(matched[2]), Reach(matched[3]), matched[1] is not None)
    table.problem(f"to: {written!r} is not [on_call:]role@reach, as in on_call:operator@institution")
    return None
