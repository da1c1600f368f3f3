"""What the reports are counted from: hazards as they stood at a moment, the visits of a time and what they found."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from ingest.database import Connection
from inspection import hazard_store
from inspection.errors import ReportRefused
from inspection.hazard import Hazard, State
from inspection.hazard_steps import fold
from inspection.report_ledger import Place
from inspection.report_year import Homes, VisitCount
from inspection.visit import Kind

HAZARDS_COUNT_MAX: Final = 50_000
_ON_LIST: Final = (
    "SELECT id FROM hazards WHERE (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    " AND reported_at < %(at)s AND (closed_at IS NULL OR closed_at >= %(begins)s)"
    " AND (withdrawn_at IS NULL OR withdrawn_at >= %(begins)s) ORDER BY no LIMIT %(limit)s"
)
_REPORTED: Final = (
    "SELECT id FROM hazards WHERE (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    " AND reported_at >= %(begins)s AND reported_at < %(at)s ORDER BY no LIMIT %(limit)s"
)
_OF_CAMPAIGN: Final = (
    "SELECT f.hazard_id FROM inspection_findings f JOIN inspections i ON i.id = f.inspection_id"
    " WHERE i.campaign_id = %(campaign_id)s AND f.found_at < %(at)s"
    " AND (%(within)s::int[] IS NULL OR i.institution_id = ANY(%(within)s)) LIMIT %(limit)s"
)
_EVENTS_BEFORE: Final = (
    "SELECT hazard_id, event_id, verb, at, actor, person_id, outside, note, passed, body FROM hazard_events e"
    " WHERE hazard_id = ANY(%(ids)s) AND NOT EXISTS"
    "  (SELECT FROM hazard_events WHERE hazard_id = e.hazard_id AND seq <= e.seq AND at >= %(at)s)"
    " ORDER BY hazard_id, seq"
)
# A time ends before `at`: the last of its days is that of the microsecond before. Days are those of China.
_HOMES: Final = (
    "WITH days AS (SELECT (%(begins)s AT TIME ZONE 'Asia/Shanghai')::date AS first,"
    "  ((%(at)s - interval '1 microsecond') AT TIME ZONE 'Asia/Shanghai')::date AS last),"
    " gaps AS (SELECT institution_id, bool_or(closed_on IS NULL OR closed_on > days.last) AS remains"
    "  FROM fire_gaps, days WHERE outcome IS DISTINCT FROM 'mistaken' AND found_on <= days.last"
    "  AND (closed_on IS NULL OR closed_on >= days.first) GROUP BY 1)"
    " SELECT count(*), count(*) FILTER (WHERE ownership = 'public'), count(*) FILTER (WHERE ownership = 'private'),"
    "  count(gaps.institution_id), count(*) FILTER (WHERE gaps.remains)"
    " FROM institutions i LEFT JOIN file_identity f ON f.institution_id = i.id"
    " LEFT JOIN gaps ON gaps.institution_id = i.id WHERE i.kind = 'nursing_home'"
    " AND (%(within)s::int[] IS NULL OR i.id = ANY(%(within)s))"
)


class Narrowed(NamedTuple):
    """Whose records, and which time: from `begins` to before `at`. `within` None: everywhere."""

    within: Collection[int] | None
    begins: datetime
    at: datetime

    def parameters(self) -> dict[str, object]:
        """For the statements of this file."""
        within = None if self.within is None else list(self.within)
        return {"within": within, "begins": self.begins, "at": self.at, "limit": HAZARDS_COUNT_MAX + 1}


def on_list(connection: Connection, narrowed: Narrowed) -> list[Hazard]:
    """The hazards that were on the list at some time in `narrowed`, as they stood at its end. Raises ReportRefused."""
    return _as_of(connection, _ids(connection, _ON_LIST, narrowed.parameters()), narrowed.at)


def reported(connection: Connection, narrowed: Narrowed) -> list[Hazard]:
    """The hazards that were reported in `narrowed`, as they stood at its end. Raises ReportRefused."""
    return _as_of(connection, _ids(connection, _REPORTED, narrowed.parameters()), narrowed.at)


def of_campaign(connection: Connection, campaign_id: UUID, narrowed: Narrowed) -> list[Hazard]:
    """What the visits of a campaign found, as it stood at the end of `narrowed`. Raises ReportRefused."""
    parameters = {**narrowed.parameters(), "campaign_id": campaign_id}
    return _as_of(connection, _ids(connection, _OF_CAMPAIGN, parameters), narrowed.at)


def found_by_own(connection: Connection, hazard_ids: Collection[UUID]) -> Mapping[object, bool]:
    """Of those hazards that an inspection found, whether it was the institution's own check."""
    rows = connection.execute(
        "SELECT f.hazard_id, i.own FROM inspection_findings f JOIN inspections i ON i.id = f.inspection_id"
        " WHERE f.hazard_id = ANY(%s)",
        (list(hazard_ids),),
    )
    return {row[0]: row[1] for row in rows}


def visit_counts(connection: Connection, narrowed: Narrowed) -> list[VisitCount]:
    """How many inspections of each kind began in `narrowed`, those from outside first."""
    rows = connection.execute(
        "SELECT kind, own, count(*), count(DISTINCT institution_id) FROM inspections"
        " WHERE begun_at >= %(begins)s AND begun_at < %(at)s"
        " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s)) GROUP BY kind, own ORDER BY own, kind",
        narrowed.parameters(),
    )
    return [VisitCount(Kind(kind), own, visits, institutions) for kind, own, visits, institutions in rows]


def institutions_visited(connection: Connection, narrowed: Narrowed) -> int:
    """How many institutions had a visit from outside that began in `narrowed`."""
    row = connection.execute(
        "SELECT count(DISTINCT institution_id) FROM inspections WHERE NOT own AND begun_at >= %(begins)s"
        " AND begun_at < %(at)s AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))",
        narrowed.parameters(),
    ).fetchone()
    return int(row[0]) if row else 0


def campaign_visits(
    connection: Connection, campaign_id: UUID, within: Collection[int] | None, at: datetime
) -> dict[int, tuple[int, int]]:
    """Of each institution how many visits of a campaign had begun before `at`, and how many of them were concluded."""
    rows = connection.execute(
        "SELECT institution_id, count(*), count(*) FILTER (WHERE concluded_at < %(at)s) FROM inspections"
        " WHERE campaign_id = %(campaign_id)s AND begun_at < %(at)s"
        " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s)) GROUP BY 1",
        {"campaign_id": campaign_id, "at": at, "within": None if within is None else list(within)},
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def homes(connection: Connection, narrowed: Narrowed) -> Homes:
    """The nursing homes registered, and those whose fire acceptance had a gap at some time in `narrowed`, by the days
    on which gaps were found and closed."""
    row = connection.execute(_HOMES.encode(), narrowed.parameters()).fetchone()
    if row is None:
        raise RuntimeError("SELECT count(*) returned nothing")
    return Homes(*row)


def places(connection: Connection, institution_ids: Collection[int]) -> dict[int, Place]:
    """What these institutions are called."""
    rows = connection.execute("SELECT id, name, name_en FROM institutions WHERE id = ANY(%s)", (list(institution_ids),))
    return {row[0]: Place(row[1], row[2]) for row in rows}


def hazard_of_number(connection: Connection, no: int) -> UUID | None:
    """The hazard with that number of the ledger."""
    row = connection.execute("SELECT id FROM hazards WHERE no = %s", (no,)).fetchone()
    return row[0] if row else None


def visit_of_number(connection: Connection, no: int) -> UUID | None:
    """The inspection with that number."""
    row = connection.execute("SELECT id FROM inspections WHERE no = %s", (no,)).fetchone()
    return row[0] if row else None


def campaign_of_number(connection: Connection, no: int) -> UUID | None:
    """The campaign with that number."""
    row = connection.execute("SELECT id FROM campaigns WHERE no = %s", (no,)).fetchone()
    return row[0] if row else None


def _ids(connection: Connection, statement: str, parameters: Mapping[str, object]) -> list[UUID]:
    rows = connection.execute(statement.encode(), parameters).fetchall()
    if len(rows) > HAZARDS_COUNT_MAX:
        raise ReportRefused(f"more than {HAZARDS_COUNT_MAX} hazards: choose a shorter time or a smaller region")
    return [row[0] for row in rows]


def _as_of(connection: Connection, ids: Collection[UUID], at: datetime) -> list[Hazard]:
    """Those hazards as they stood at `at`: the rows as they are, and of what has changed since the fold of its events
    up to then. What had been withdrawn was a mistake and is in no report."""
    found = hazard_store.load_many(connection, ids)
    changed = connection.execute(
        "SELECT DISTINCT hazard_id FROM hazard_events WHERE hazard_id = ANY(%s) AND at >= %s", (list(ids), at)
    ).fetchall()
    earlier: dict[UUID, Hazard] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_EVENTS_BEFORE, {"ids": [each[0] for each in changed], "at": at}):
            event = hazard_store.event_of(row)
            earlier[event.hazard_id] = fold(earlier.get(event.hazard_id), event)
    for number, hazard in earlier.items():
        found[number] = replace(hazard, no=found[number].no)
    return [found[each] for each in ids if each in found and found[each].state is not State.WITHDRAWN]
