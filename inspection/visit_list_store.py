"""The list of inspections by filter, campaigns, and the figures a bureau publishes of them.

Nobody of an institution sees, or counts, a visit that must not be known there: every statement here says so itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection import visit_store
from inspection.errors import CampaignUnknown
from inspection.visit import Kind, Visit


class Which(StrEnum):
    """Which inspections a list shows."""

    OPEN = "open"  # planned or begun
    PLANNED = "planned"
    BEGUN = "begun"
    CONCLUDED = "concluded"
    CANCELLED = "cancelled"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """What is narrowed to. `inside`: the reader is of an institution."""

    inside: bool
    which: Which = Which.ALL
    within: Collection[int] | None = None  # these institutions; None: everywhere
    institution_id: int | None = None
    kind: Kind | None = None
    own: bool | None = None
    campaign_id: UUID | None = None
    draw_id: UUID | None = None
    person_id: int | None = None  # who is on the team
    from_date: date | None = None  # planned for this day or later
    until_date: date | None = None  # planned for a day before this


class Position(NamedTuple):
    """Where in the list an inspection stands: the day it is planned for, the newest first, and its id."""

    planned_for: date
    id: UUID


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the inspections; `rectified` are closed findings, `with_deadline` are being rectified in time. What
    was found by mistake, and withdrawn, is no finding."""

    inspections: int
    planned: int
    begun: int
    concluded: int
    cancelled: int
    institutions_visited: int
    findings: int
    major: int
    rectified: int
    waiting: int
    with_deadline: int
    overdue: int
    unassigned: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """专项行动: a set of inspections with a theme and dates."""

    id: UUID
    no: int
    theme: str
    goal: str
    region: str
    begins_on: date
    ends_on: date
    checklists: list[str]
    created_at: datetime
    created_by: str
    creator_id: int


_WHICH: Final = {
    Which.OPEN: "i.state IN ('planned', 'begun')",
    Which.PLANNED: "i.state = 'planned'",
    Which.BEGUN: "i.state = 'begun'",
    Which.CONCLUDED: "i.state = 'concluded'",
    Which.CANCELLED: "i.state = 'cancelled'",
    Which.ALL: "true",
}
_NARROWED: Final = (
    "NOT (%(inside)s AND i.unannounced AND i.begun_at IS NULL)"
    " AND (%(within)s::int[] IS NULL OR i.institution_id = ANY(%(within)s))"
    " AND (%(institution_id)s::int IS NULL OR i.institution_id = %(institution_id)s)"
    " AND (%(kind)s::text IS NULL OR i.kind = %(kind)s)"
    " AND (%(own)s::bool IS NULL OR i.own = %(own)s)"
    " AND (%(campaign_id)s::uuid IS NULL OR i.campaign_id = %(campaign_id)s)"
    " AND (%(draw_id)s::uuid IS NULL OR i.draw_id = %(draw_id)s)"
    " AND (%(from_date)s::date IS NULL OR i.planned_for >= %(from_date)s)"
    " AND (%(until_date)s::date IS NULL OR i.planned_for < %(until_date)s)"
    " AND (%(person_id)s::int IS NULL OR EXISTS"
    "  (SELECT FROM inspection_team WHERE inspection_id = i.id AND person_id = %(person_id)s))"
)
_PAGE: Final = (
    f"SELECT i.planned_for, i.id FROM inspections i WHERE {{which}} AND {_NARROWED}"
    " AND (%(after_id)s::uuid IS NULL OR (i.planned_for, i.id) < (%(after_date)s::date, %(after_id)s::uuid))"
    " ORDER BY i.planned_for DESC, i.id DESC LIMIT %(limit)s"
)
_FIGURES: Final = (
    f"WITH i AS (SELECT * FROM inspections i WHERE {{which}} AND {_NARROWED}),"
    " f AS (SELECT h.* FROM i JOIN inspection_findings ON inspection_id = i.id JOIN hazards h ON h.id = hazard_id"
    "  WHERE h.state <> 'withdrawn')"
    " SELECT inspections, planned, begun, concluded, cancelled, institutions_visited, findings, major, rectified,"
    " waiting, with_deadline, overdue, unassigned FROM"
    " (SELECT count(*) AS inspections, count(*) FILTER (WHERE state = 'planned') AS planned,"
    " count(*) FILTER (WHERE state = 'begun') AS begun, count(*) FILTER (WHERE state = 'concluded') AS concluded,"
    " count(*) FILTER (WHERE state = 'cancelled') AS cancelled,"
    " count(DISTINCT institution_id) FILTER (WHERE begun_at IS NOT NULL) AS institutions_visited FROM i) visits,"
    " (SELECT count(*) AS findings, count(*) FILTER (WHERE level = 'major') AS major,"
    " count(*) FILTER (WHERE state = 'closed') AS rectified,"
    " count(*) FILTER (WHERE state IN ('rectified', 'rechecked')) AS waiting,"
    " count(*) FILTER (WHERE state = 'assigned' AND deadline >= %(now)s) AS with_deadline,"
    " count(*) FILTER (WHERE state = 'assigned' AND deadline < %(now)s) AS overdue,"
    " count(*) FILTER (WHERE state = 'reported') AS unassigned FROM f) problems"
)
_CAMPAIGN: Final = (
    "SELECT id, no, theme, goal, region, begins_on, ends_on, checklists, created_at, created_by, creator_id"
    " FROM campaigns"
)


def page(
    connection: Connection, narrowed: Filter, after: Position | None, count_max: int
) -> tuple[list[Visit], Position | None]:
    """At most `count_max` inspections after `after`, and where the next page begins, None on the last one."""
    parameters = {
        **_parameters(narrowed),
        "after_date": after.planned_for if after else None,
        "after_id": after.id if after else None,
        "limit": count_max + 1,
    }
    rows = connection.execute(_PAGE.format(which=_WHICH[narrowed.which]).encode(), parameters).fetchall()
    found = visit_store.load_many(connection, [row[1] for row in rows[:count_max]])
    following = Position(*rows[count_max - 1]) if len(rows) > count_max else None
    return [found[row[1]] for row in rows[:count_max]], following


def count(connection: Connection, narrowed: Filter) -> int:
    """How many inspections the list has."""
    statement = f"SELECT count(*) FROM inspections i WHERE {_WHICH[narrowed.which]} AND {_NARROWED}"
    row = connection.execute(statement.encode(), _parameters(narrowed)).fetchone()
    return int(row[0]) if row else 0


def figures(connection: Connection, narrowed: Filter, now: datetime) -> Figures:
    """What came of them, as of `now`: institutions visited, findings, rectified, open with a deadline."""
    with connection.cursor(row_factory=class_row(Figures)) as cursor:
        statement = _FIGURES.format(which=_WHICH[narrowed.which])
        found = cursor.execute(statement.encode(), {**_parameters(narrowed), "now": now}).fetchone()
    if found is None:
        raise RuntimeError("SELECT count(*) returned nothing")
    return found


def findings_counted(connection: Connection, visit_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many findings each of these inspections has; those withdrawn do not count."""
    rows = connection.execute(
        "SELECT inspection_id, count(*) FROM inspection_findings JOIN hazards ON hazards.id = hazard_id"
        " WHERE inspection_id = ANY(%s) AND hazards.state <> 'withdrawn' GROUP BY 1",
        (list(visit_ids),),
    )
    return {row[0]: row[1] for row in rows}


def create_campaign(connection: Connection, made: Campaign) -> Campaign:
    """Put a campaign on record, in the caller's transaction; `no` is given here."""
    row = connection.execute(
        "INSERT INTO campaigns (id, theme, goal, region, begins_on, ends_on, checklists, created_at, created_by,"
        " creator_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING no",
        (
            made.id, made.theme, made.goal, made.region, made.begins_on, made.ends_on, made.checklists,
            made.created_at, made.created_by, made.creator_id,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    body = {
        "no": row[0], "theme": made.theme, "region": made.region, "begins_on": made.begins_on.isoformat(),
        "ends_on": made.ends_on.isoformat(), "checklists": made.checklists,
    }  # fmt: skip
    record_act(
        connection, actor=made.created_by, verb="campaign_create", subject=f"campaign:{made.id}", institution_id=None,
        body=body,
    )  # fmt: skip
    return campaign(connection, made.id)


def campaign(connection: Connection, campaign_id: UUID) -> Campaign:
    """The campaign with that id. Raises CampaignUnknown."""
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        found = cursor.execute(f"{_CAMPAIGN} WHERE id = %s".encode(), (campaign_id,)).fetchone()
    if found is None:
        raise CampaignUnknown(f"there is no campaign {campaign_id}")
    return found


def campaigns(connection: Connection, count_max: int = 200) -> list[Campaign]:
    """The newest ones."""
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        statement = f"{_CAMPAIGN} ORDER BY begins_on DESC, no DESC LIMIT %s"
        return cursor.execute(statement.encode(), (count_max,)).fetchall()


def _parameters(narrowed: Filter) -> dict[str, Any]:
    return {
        "inside": narrowed.inside,
        "within": None if narrowed.within is None else list(narrowed.within),
        "institution_id": narrowed.institution_id,
        "kind": narrowed.kind,
        "own": narrowed.own,
        "campaign_id": narrowed.campaign_id,
        "draw_id": narrowed.draw_id,
        "person_id": narrowed.person_id,
        "from_date": narrowed.from_date,
        "until_date": narrowed.until_date,
    }
