"""What is exported, page by page, as one moment of the database shows it (REPEATABLE READ)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from alerting import store
from alerting.alert import Alert
from alerting.people import Scope
from ingest.database import Connection
from inspection import hazard_store
from inspection.export import Cursor
from inspection.hazard import Hazard
from inspection.service_account import Collection

Item = TypeVar("Item")

_WITHIN: Final = (
    "(SELECT id FROM institutions WHERE starts_with(region, %(region)s)"
    " AND (%(institution_id)s::int IS NULL OR id = %(institution_id)s))"
)
_ALERT_EVENTS: Final = (
    "SELECT id, event_id, alert_id AS subject_id, verb, at, recorded_at, NULL::bool AS passed, '' AS note"
    f" FROM alert_events WHERE id > %(after)s AND institution_id IN {_WITHIN} ORDER BY id LIMIT %(limit)s"
)
_HAZARD_EVENTS: Final = (
    "SELECT e.id, e.event_id, e.hazard_id AS subject_id, e.verb, e.at, e.recorded_at, e.passed, e.note"
    " FROM hazard_events e JOIN hazards h ON h.id = e.hazard_id"
    f" WHERE e.id > %(after)s AND h.institution_id IN {_WITHIN} ORDER BY e.id LIMIT %(limit)s"
)
_RATINGS: Final = (
    "SELECT r.run_id, r.institution_id, r.as_of, p.policy, p.version AS policy_version, r.score, r.grade,"
    " r.inspections_per_year FROM ratings r JOIN rating_runs u ON u.id = r.run_id"
    " JOIN rating_policies p ON p.id = u.policy_id"
    f" WHERE (r.run_id, r.institution_id) > (%(after)s, %(within)s) AND r.run_id >= %(after)s"
    f" AND r.institution_id IN {_WITHIN} ORDER BY r.run_id, r.institution_id LIMIT %(limit)s"
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an alert or a hazard; `passed` and `note` are of a hazard's."""

    id: int
    event_id: UUID
    subject_id: UUID
    verb: str
    at: datetime
    recorded_at: datetime
    passed: bool | None
    note: str


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating as it was made; `score` in hundredths of a point."""

    run_id: int
    institution_id: int
    as_of: datetime
    policy: str
    policy_version: str
    score: int
    grade: str
    inspections_per_year: float


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """What comes after a cursor, and where to read on; with `more` there is something at once."""

    items: list[Item]
    following: Cursor
    more: bool


def alerts(
    connection: Connection, scope: Scope, after: Cursor, count_max: int
) -> tuple[Page[Event], dict[UUID, Alert]]:
    """Events of alerts, drills included, and the alerts as they stand now. Alerts about the service itself are not
    exported."""
    page = _events(connection, _ALERT_EVENTS, store.last_event_id(connection), scope, after, count_max)
    return page, store.load_many(connection, {each.subject_id for each in page.items})


def hazards(
    connection: Connection, scope: Scope, after: Cursor, count_max: int
) -> tuple[Page[Event], dict[UUID, Hazard]]:
    """Events of hazards, and the hazards as they stand now."""
    page = _events(connection, _HAZARD_EVENTS, _newest(connection, "hazard_events"), scope, after, count_max)
    return page, hazard_store.load_many(connection, {each.subject_id for each in page.items})


def ratings(connection: Connection, scope: Scope, after: Cursor, count_max: int) -> Page[Rated]:
    """Ratings, in the order of the runs that made them."""
    newest = _newest(connection, "rating_runs")
    with connection.cursor(row_factory=class_row(Rated)) as cursor:
        parameters = _parameters(scope, after, count_max) | {"within": after.within or _all_of(after)}
        rows = cursor.execute(_RATINGS.encode(), parameters).fetchall()
    items = rows[:count_max]
    if len(rows) > count_max:
        last = items[-1]
        return Page(items, Cursor(Collection.RATINGS, last.run_id, last.institution_id), more=True)
    return Page(items, Cursor(Collection.RATINGS, max(newest, after.id)), more=False)


def codes(connection: Connection, table: str, ids: set[int]) -> dict[int, str]:
    """What these zones or devices are called in the registry."""
    if table not in ("zones", "devices"):
        raise ValueError(f"{table} has no codes")
    return dict(
        connection.execute(f"SELECT id, code FROM {table} WHERE id = ANY(%s)".encode(), (list(ids),)).fetchall()
    )


def _all_of(after: Cursor) -> int:
    """A cursor that names a run without an institution stands after all of them, but for the beginning."""
    return 2**31 - 1 if after.id else 0


def _newest(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}".encode()).fetchone()
    return int(row[0]) if row else 0


def _events(
    connection: Connection, statement: str, newest: int, scope: Scope, after: Cursor, count_max: int
) -> Page[Event]:
    """A page ends at its last item, or, where no more are in scope, at the newest event of all: what was passed over
    is not looked through again."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        rows = cursor.execute(statement.encode(), _parameters(scope, after, count_max)).fetchall()
    items = rows[:count_max]
    more = len(rows) > count_max
    return Page(items, Cursor(after.collection, items[-1].id if more else max(newest, after.id)), more)


def _parameters(scope: Scope, after: Cursor, count_max: int) -> dict[str, Any]:
    return {
        "after": after.id, "limit": count_max + 1, "region": scope.region, "institution_id": scope.institution_id,
    }  # fmt: skip
