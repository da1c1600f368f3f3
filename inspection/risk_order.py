"""In which order a bureau looks at its institutions: the worst first, each with the words why it stands there.

No score. Criteria are compared one after the other (docs/decisions/0016-risk-order.md): an institution that meets an
earlier one stands before every one that does not, whatever else is the matter there, so that no number of flat
batteries ever outweighs a fire. Where two meet the same, the later fields of `Reason.measure` decide, and where they
differ in nothing, the rating's weight and then the code. Pure.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Why(StrEnum):
    """The criteria, the most pressing first."""

    CRITICAL_WAITING = "critical_waiting"  # a critical alarm that calls, and that nobody has taken on
    CRITICAL_OPEN = "critical_open"  # one that somebody has taken on, or that is kept quiet, and is not over
    HIGH_WAITING = "high_waiting"
    HIGH_OPEN = "high_open"
    MAJOR_OVERDUE = "major_overdue"  # a major hazard not rectified by its deadline
    SILENT = "silent"  # nothing is heard from there: an alarm would not be, either
    MAJOR_OPEN = "major_open"  # a major hazard that is not closed, in time so far
    BLACK_LISTED = "black_listed"
    WATCH_LISTED = "watch_listed"
    GRADE = "grade"  # a grade that the rating's policy has drawn more often than an institution it knows nothing of
    FIRE_OVERDUE = "fire_overdue"  # a gap of the fire acceptance not closed by its day
    OVERDUE = "overdue"  # a general hazard not rectified by its deadline
    OFFLINE = "offline"  # some devices, by their share


@dataclass(frozen=True, slots=True)
class Waiting:
    """Alarms of one priority: how many call that nobody has taken on, since when the first does, how many others are
    open. About people only: what is wrong with a device is no alarm here."""

    waiting: int = 0
    since: datetime | None = None
    open: int = 0


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many are overdue, and since when the first is."""

    count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one institution at one moment. `major_open` are not overdue; `grade_weight` as the rating's
    policy says, 1 where there is no rating; `list_kind` the worst credit list it is on ("black", "watch", "red")."""

    institution_id: int
    code: str
    critical: Waiting = Waiting()
    high: Waiting = Waiting()
    major_overdue: Overdue = Overdue()
    major_open: int = 0
    overdue: Overdue = Overdue()
    list_kind: str | None = None
    grade: str | None = None
    grade_weight: float = 1.0
    fire_overdue: Overdue = Overdue()
    device_count: int = 0
    offline_count: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """That a criterion is met: by how many, since when, and how much (a grade's weight, the share that is offline).
    `name` is the grade."""

    why: Why
    count: int = 0
    since: datetime | None = None
    amount: float = 0.0
    name: str | None = None

    @property
    def measure(self) -> tuple[float, float, int]:
        """Of two that meet the same criterion the smaller stands first: the larger amount, then the longest time, then
        the greater number."""
        return -self.amount, self.since.timestamp() if self.since else math.inf, -self.count


def reasons(standing: Standing) -> tuple[Reason, ...]:
    """Every criterion that is met, the most pressing first; none where all is well."""
    found = (judge(standing) for judge in _CRITERIA.values())
    return tuple(each for each in found if each is not None)


def in_order(standings: Iterable[Standing]) -> list[tuple[Standing, tuple[Reason, ...]]]:
    """The institutions with their reasons, whoever is to be looked at first before the others."""
    judged = [(each, reasons(each)) for each in standings]
    return sorted(judged, key=lambda pair: _key(*pair))


def _key(standing: Standing, met: tuple[Reason, ...]) -> tuple[object, ...]:
    by_why = {each.why: each.measure for each in met}
    criteria = tuple((0, by_why[why]) if why in by_why else (1,) for why in _CRITERIA)
    return criteria, -standing.grade_weight, standing.code


def _waiting(why: Why, alarms: Waiting) -> Reason | None:
    return Reason(why, alarms.waiting, alarms.since) if alarms.waiting else None


def _counted(why: Why, count: int) -> Reason | None:
    return Reason(why, count) if count else None


def _overdue(why: Why, found: Overdue) -> Reason | None:
    return Reason(why, found.count, found.since) if found.count else None


def _listed(why: Why, standing: Standing, kind: str) -> Reason | None:
    return Reason(why) if standing.list_kind == kind else None


def _silent(standing: Standing) -> Reason | None:
    silent = 0 < standing.device_count <= standing.offline_count
    return Reason(Why.SILENT, standing.device_count) if silent else None


def _grade(standing: Standing) -> Reason | None:
    if standing.grade is None or standing.grade_weight <= 1:
        return None
    return Reason(Why.GRADE, amount=standing.grade_weight, name=standing.grade)


def _offline(standing: Standing) -> Reason | None:
    if not 0 < standing.offline_count < standing.device_count:
        return None
    return Reason(Why.OFFLINE, standing.offline_count, amount=standing.offline_count / standing.device_count)


_CRITERIA: Final[dict[Why, Callable[[Standing], Reason | None]]] = {
    Why.CRITICAL_WAITING: lambda each: _waiting(Why.CRITICAL_WAITING, each.critical),
    Why.CRITICAL_OPEN: lambda each: _counted(Why.CRITICAL_OPEN, each.critical.open),
    Why.HIGH_WAITING: lambda each: _waiting(Why.HIGH_WAITING, each.high),
    Why.HIGH_OPEN: lambda each: _counted(Why.HIGH_OPEN, each.high.open),
    Why.MAJOR_OVERDUE: lambda each: _overdue(Why.MAJOR_OVERDUE, each.major_overdue),
    Why.SILENT: _silent,
    Why.MAJOR_OPEN: lambda each: _counted(Why.MAJOR_OPEN, each.major_open),
    Why.BLACK_LISTED: lambda each: _listed(Why.BLACK_LISTED, each, "black"),
    Why.WATCH_LISTED: lambda each: _listed(Why.WATCH_LISTED, each, "watch"),
    Why.GRADE: _grade,
    Why.FIRE_OVERDUE: lambda each: _overdue(Why.FIRE_OVERDUE, each.fire_overdue),
    Why.OVERDUE: lambda each: _overdue(Why.OVERDUE, each.overdue),
    Why.OFFLINE: _offline,
}
