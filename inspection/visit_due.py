"""When an institution is due for a visit from outside: its grade, and the list it is on, say how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from inspection.credit_criteria import Criteria, ListKind

YEAR_DAYS = 365.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of an institution: its grade with the visits a year that brings (None: not rated), the list it
    is on with those of the list, when a team from outside last began a visit (None: never), and the first day for
    which one is planned."""

    institution_id: int
    registered_at: datetime
    grade: str | None
    grade_visits: float | None
    list_kind: ListKind | None
    visits_per_year: float | None
    last_visit_at: datetime | None
    planned_for: datetime | None


class Standing(StrEnum):
    """How an institution stands towards its next visit."""

    OVERDUE = "overdue"
    DUE_SOON = "due_soon"
    IN_TIME = "in_time"


class Because(StrEnum):
    """What sets how often it is visited."""

    LIST = "list"
    GRADE = "grade"
    LAW = "law"  # the least number of visits, whatever the grade


@dataclass(frozen=True, slots=True)
class Due:
    """When the next visit is due, how many days lie between two, and because of what."""

    known: Known
    visits_per_year: float
    because: Because
    days_between: int
    due_at: datetime
    standing: Standing
    days_late: int  # 0: not yet due


def due(known: Known, now: datetime, criteria: Criteria) -> Due:
    """How the institution stands at `now`. Where nobody has ever been, the time counts from its registration."""
    visits, because = known.visits_per_year or 0.0, Because.GRADE
    if known.list_kind is not None and visits != (known.grade_visits or 0.0):
        because = Because.LIST
    if visits < criteria.visits_per_year_min:
        visits, because = criteria.visits_per_year_min, Because.LAW
    days = max(int(YEAR_DAYS / visits), 1)
    due_at = (known.last_visit_at or known.registered_at) + timedelta(days=days)
    late = (now - due_at).days if now > due_at else 0
    if now > due_at:
        standing = Standing.OVERDUE
    elif due_at - now <= timedelta(days=criteria.due_soon_days):
        standing = Standing.DUE_SOON
    else:
        standing = Standing.IN_TIME
    return Due(known, visits, because, days, due_at, standing, late)


def in_order(found: Iterable[Due]) -> list[Due]:
    """Who is due first comes first."""
    return sorted(found, key=lambda each: (each.due_at, each.known.institution_id))
