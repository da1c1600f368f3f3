"""The ledger of hazards (台账): a page of it by filter, what it counts, who may be given one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from alerting.people import Person, Right
from alerting.people_store import persons
from ingest.database import Connection
from inspection import hazard_store
from inspection.checklist import Level
from inspection.hazard import Category, Hazard, Origin, Supervisor
from inspection.policy import Policy


class Which(StrEnum):
    """Which hazards a list shows."""

    OPEN = "open"
    UNASSIGNED = "unassigned"
    OVERDUE = "overdue"
    DUE_SOON = "due_soon"
    WAITING = "waiting"  # rectified or rechecked: others have to look at it
    BULLETIN = "bulletin"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; `text` is looked for in title, number and the institution's name."""

    which: Which
    within: Collection[int] | None = None  # these institutions; None: everywhere
    institution_id: int | None = None
    level: Level | None = None
    supervisor: Supervisor | None = None
    category: Category | None = None
    origin: Origin | None = None
    assignee_id: int | None = None
    text: str = ""


class Position(NamedTuple):
    """Where in the list a hazard stands: its deadline (1970 where it has none, or it does not count) and its number."""

    deadline: datetime
    no: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How many hazards there are of each sort; `assign_late` of the unassigned ones, `major` to `blue` of open ones."""

    open: int
    unassigned: int
    assign_late: int
    overdue: int
    due_soon: int
    waiting: int
    bulletin: int
    closed: int
    withdrawn: int
    major: int
    red: int
    yellow: int
    blue: int
    extensions_asked: int
    proposals: int


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """The open hazards of one level at one institution: how many, how many of them are overdue, since when the
    first is."""

    institution_id: int
    level: Level
    open: int
    overdue: int
    overdue_since: datetime | None


class Closing(NamedTuple):
    """How many hazards of one level were reported in some time, and how many of those are closed."""

    level: Level
    reported: int
    closed: int


_OPEN: Final = "state NOT IN ('closed', 'withdrawn')"
_DUE_SOON: Final = (
    "state = 'assigned' AND deadline >= %(now)s"
    " AND greatest(deadline - %(remind_before)s, deadline - (deadline - assigned_at) / 2) <= %(now)s"
)
_ASSIGN_LATE: Final = (
    "state = 'reported'"
    " AND reported_at < %(now)s - CASE level WHEN 'major' THEN %(major_assign)s ELSE %(general_assign)s END"
)
_OVERDUE: Final = "state = 'assigned' AND deadline < %(now)s"
_BULLETIN: Final = (
    f"{_OVERDUE} AND deadline <= %(now)s - CASE level WHEN 'major' THEN %(major_after)s ELSE %(general_after)s END"
)
_WHICH: Final = {
    Which.OPEN: _OPEN,
    Which.UNASSIGNED: "state = 'reported'",
    Which.OVERDUE: _OVERDUE,
    Which.DUE_SOON: _DUE_SOON,
    Which.WAITING: "state IN ('rectified', 'rechecked')",
    Which.BULLETIN: _BULLETIN,
    Which.CLOSED: "state = 'closed'",
    Which.WITHDRAWN: "state = 'withdrawn'",
    Which.ALL: "true",
}
_NEWEST_FIRST: Final = frozenset({Which.CLOSED, Which.WITHDRAWN, Which.ALL})
_NARROWED: Final = (
    "(%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    " AND (%(institution_id)s::int IS NULL OR institution_id = %(institution_id)s)"
    " AND (%(level)s::text IS NULL OR level = %(level)s)"
    " AND (%(supervisor)s::text IS NULL OR supervisor = %(supervisor)s)"
    " AND (%(category)s::text IS NULL OR category = %(category)s)"
    " AND (%(origin)s::text IS NULL OR origin = %(origin)s)"
    " AND (%(assignee_id)s::int IS NULL OR assignee_id = %(assignee_id)s)"
    " AND (%(text)s::text IS NULL OR title ILIKE %(text)s OR no::text = %(number)s OR institution_id IN"
    "  (SELECT id FROM institutions WHERE name ILIKE %(text)s OR name_en ILIKE %(text)s))"
)
_KEY: Final = "coalesce(deadline, 'epoch'::timestamptz)"
# What has nobody comes first, then the earliest deadline; past and mixed lists by number, the newest first.
_BY_DEADLINE: Final = (
    f"SELECT id, {_KEY} AS key, no FROM hazards WHERE {{which}} AND {_NARROWED}"
    f" AND (%(after_no)s::bigint IS NULL OR ({_KEY}, no) > (%(after_deadline)s, %(after_no)s))"
    " ORDER BY key, no LIMIT %(limit)s"
)
_BY_NUMBER: Final = (
    f"SELECT id, 'epoch'::timestamptz AS key, no FROM hazards WHERE {{which}} AND {_NARROWED}"
    " AND (%(after_no)s::bigint IS NULL OR no < %(after_no)s) ORDER BY no DESC LIMIT %(limit)s"
)
_COUNT: Final = f"SELECT count(*) FROM hazards WHERE {{which}} AND {_NARROWED}"
_SUMMARY: Final = (
    f"SELECT count(*) FILTER (WHERE {_OPEN}) AS open,"
    " count(*) FILTER (WHERE state = 'reported') AS unassigned,"
    f" count(*) FILTER (WHERE {_ASSIGN_LATE}) AS assign_late,"
    f" count(*) FILTER (WHERE {_OVERDUE}) AS overdue,"
    f" count(*) FILTER (WHERE {_DUE_SOON}) AS due_soon,"
    " count(*) FILTER (WHERE state IN ('rectified', 'rechecked')) AS waiting,"
    f" count(*) FILTER (WHERE {_BULLETIN}) AS bulletin,"
    " count(*) FILTER (WHERE state = 'closed') AS closed,"
    " count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn,"
    f" count(*) FILTER (WHERE {_OPEN} AND level = 'major') AS major,"
    f" count(*) FILTER (WHERE {_OPEN} AND supervisor = 'head') AS red,"
    f" count(*) FILTER (WHERE {_OPEN} AND supervisor = 'deputy') AS yellow,"
    f" count(*) FILTER (WHERE {_OPEN} AND supervisor = 'department') AS blue,"
    f" count(*) FILTER (WHERE {_OPEN} AND extension_until IS NOT NULL) AS extensions_asked,"
    f" count(*) FILTER (WHERE {_OPEN} AND proposal IS NOT NULL) AS proposals"
    f" FROM hazards WHERE {_NARROWED}"
)
_BY_PLACE: Final = (
    f"SELECT institution_id, level, count(*), count(*) FILTER (WHERE {_OVERDUE}),"
    f" min(deadline) FILTER (WHERE {_OVERDUE}) FROM hazards WHERE {_OPEN}"
    " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s)) GROUP BY 1, 2"
)
_CLOSING: Final = (
    "SELECT level, count(*), count(*) FILTER (WHERE state = 'closed') FROM hazards"
    " WHERE reported_at >= %(since)s AND state <> 'withdrawn'"
    " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s)) GROUP BY 1"
)


def page(
    connection: Connection, narrowed: Filter, after: Position | None, count_max: int, now: datetime, policy: Policy
) -> tuple[list[Hazard], Position | None]:
    """At most `count_max` hazards after `after`, and where the next page begins, None on the last one."""
    form = _BY_NUMBER if narrowed.which in _NEWEST_FIRST else _BY_DEADLINE
    parameters = {
        **_parameters(narrowed, now, policy),
        "after_deadline": after.deadline if after else None,
        "after_no": after.no if after else None,
        "limit": count_max + 1,
    }
    rows = connection.execute(form.format(which=_WHICH[narrowed.which]).encode(), parameters).fetchall()
    found = hazard_store.load_many(connection, [row[0] for row in rows[:count_max]])
    following = Position(*rows[count_max - 1][1:]) if len(rows) > count_max else None
    return [found[row[0]] for row in rows[:count_max]], following


def count(connection: Connection, narrowed: Filter, now: datetime, policy: Policy) -> int:
    """How many hazards the list has."""
    statement = _COUNT.format(which=_WHICH[narrowed.which])
    row = connection.execute(statement.encode(), _parameters(narrowed, now, policy)).fetchone()
    return int(row[0]) if row else 0


def summary(connection: Connection, narrowed: Filter, now: datetime, policy: Policy) -> Summary:
    """How many there are of each sort, whatever `narrowed.which` says."""
    with connection.cursor(row_factory=class_row(Summary)) as cursor:
        found = cursor.execute(_SUMMARY.encode(), _parameters(narrowed, now, policy)).fetchone()
    if found is None:
        raise RuntimeError("SELECT count(*) returned nothing")
    return found


def by_place(connection: Connection, within: Collection[int] | None, now: datetime) -> list[PlaceFigures]:
    """The open hazards of these institutions (None: of all), by institution and level; none, no row."""
    parameters = {"within": None if within is None else list(within), "now": now}
    rows = connection.execute(_BY_PLACE.encode(), parameters)
    return [PlaceFigures(place, Level(level), *rest) for place, level, *rest in rows]


def closing(connection: Connection, within: Collection[int] | None, since: datetime) -> list[Closing]:
    """Of the hazards of these institutions (None: of all) reported from `since` on and not withdrawn, how many are
    closed, by level."""
    parameters = {"within": None if within is None else list(within), "since": since}
    rows = connection.execute(_CLOSING, parameters)
    return [Closing(Level(level), reported, closed) for level, reported, closed in rows]


def names(connection: Connection, person_ids: Collection[int]) -> dict[int, str]:
    """What these persons are called."""
    rows = connection.execute("SELECT id, name FROM persons WHERE id = ANY(%s)", (list(person_ids),))
    return {row[0]: row[1] for row in rows}


def numbers(connection: Connection, hazard_ids: Collection[UUID]) -> dict[UUID, int]:
    """The ledger's numbers of these hazards."""
    rows = connection.execute("SELECT id, no FROM hazards WHERE id = ANY(%s)", (list(hazard_ids),))
    return {row[0]: row[1] for row in rows}


def with_right(connection: Connection, right: Right, institution_id: int, region: str) -> list[Person]:
    """Everybody active who holds `right` over that institution, its own people first."""
    found = [each for each in persons(connection) if each.may(right, institution_id, region)]
    return sorted(found, key=lambda each: (each.scope.institution_id is None, -len(each.scope.region), each.name))


def _parameters(narrowed: Filter, now: datetime, policy: Policy) -> dict[str, Any]:
    text = narrowed.text.strip()
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "within": None if narrowed.within is None else list(narrowed.within),
        "institution_id": narrowed.institution_id,
        "level": narrowed.level,
        "supervisor": narrowed.supervisor,
        "category": narrowed.category,
        "origin": narrowed.origin,
        "assignee_id": narrowed.assignee_id,
        "text": f"%{escaped}%" if text else None,
        "number": text.upper().removeprefix("YH-").lstrip("0"),
        "now": now,
        "remind_before": policy.remind_before,
        "major_after": policy.bulletin_after[Level.MAJOR],
        "general_after": policy.bulletin_after[Level.GENERAL],
        "major_assign": policy.assign_within[Level.MAJOR],
        "general_assign": policy.assign_within[Level.GENERAL],
    }
