"""Public pages in the database: who published what, and the figures the public reads.

Every statement about what is public names the columns it reads, and none reads a telephone number, a resident, a
reporter, a photo, or the words of a hazard.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.checklist import Level
from inspection.credit_criteria import ListKind
from inspection.hazard import By
from inspection.publicity import (
    CheckFigures,
    EntryAct,
    HazardFigures,
    PageAct,
    Place,
    PublicEntry,
    Responsible,
    RiskFigures,
)
from inspection.visit import Kind

COUNTY_COUNT_MAX: Final = 500  # pages of a county, and entries of each list, that are shown
HISTORY_COUNT_MAX: Final = 100
_ACTS: Final = (
    "SELECT published, note, at, actor, outside FROM page_publications WHERE institution_id = %s"
    " ORDER BY id DESC LIMIT %s"
)
_ENTRY_ACTS: Final = (
    "SELECT published, words_zh, words_en, note, at, actor FROM credit_publications WHERE entry_id = %s"
    " ORDER BY id DESC LIMIT %s"
)
_PUBLISHED: Final = (
    "SELECT i.id, i.name, i.name_en, i.kind, i.region, p.at AS published_at FROM institutions i"
    " CROSS JOIN LATERAL (SELECT published, at FROM page_publications WHERE institution_id = i.id"
    "  ORDER BY id DESC LIMIT 1) p WHERE p.published AND {which} ORDER BY i.name, i.id LIMIT %(limit)s"
)
_STANDS: Final = (
    "SELECT i.id, coalesce((SELECT published FROM page_publications WHERE institution_id = i.id"
    " ORDER BY id DESC LIMIT 1), false) FROM institutions i WHERE i.id = ANY(%s)"
)
_HAZARDS: Final = (
    "SELECT institution_id, level, count(*)::int, count(*) FILTER (WHERE state = 'closed')::int,"
    " count(*) FILTER (WHERE state = 'closed' AND rectified_at <= deadline)::int,"
    " count(*) FILTER (WHERE state = 'assigned' AND deadline < %(now)s)::int"
    " FROM hazards WHERE institution_id = ANY(%(ids)s) AND state <> 'withdrawn'"
    " AND (reported_at >= %(since)s OR state <> 'closed') GROUP BY 1, 2"
)
_CHECKS: Final = (
    "SELECT institution_id, kind, count(*)::int, max(concluded_at) FROM inspections"
    " WHERE institution_id = ANY(%(ids)s) AND own AND state = 'concluded' AND concluded_at >= %(since)s GROUP BY 1, 2"
)
_ENTRIES: Final = (
    "SELECT i.id AS institution_id, i.name, i.name_en, e.kind, p.words_zh, p.words_en, e.listed_at, e.until"
    " FROM credit_entries e JOIN institutions i ON i.id = e.institution_id CROSS JOIN LATERAL"
    " (SELECT published, words_zh, words_en FROM credit_publications WHERE entry_id = e.id ORDER BY id DESC LIMIT 1) p"
    " WHERE e.kind = %(kind)s AND e.state IN ('listed', 'contested') AND e.until > %(now)s"
    " AND p.published AND i.region = %(region)s"
    " ORDER BY e.listed_at DESC, e.id LIMIT %(limit)s"
)
# Whose name cannot stand in words for the public: the people of the institution, but for those who agreed to be named.
_UNNAMED: Final = (
    "SELECT name FROM persons WHERE institution_id = %(id)s"
    " UNION SELECT name FROM file_responsibles WHERE institution_id = %(id)s"
    " EXCEPT SELECT name FROM file_responsibles WHERE institution_id = %(id)s AND public"
)


def page_acts(connection: Connection, institution_id: int) -> list[PageAct]:
    """Who published the page of an institution or took it down, the newest first: at most HISTORY_COUNT_MAX."""
    with connection.cursor(row_factory=class_row(PageAct)) as cursor:
        return cursor.execute(_ACTS, (institution_id, HISTORY_COUNT_MAX)).fetchall()


def stand(connection: Connection, ids: Collection[int]) -> dict[int, bool]:
    """Whether the pages of these institutions are public."""
    return {int(number): bool(public) for number, public in connection.execute(_STANDS, (list(ids),))}


def save_page_act(connection: Connection, institution_id: int, published: bool, note: str, by: By) -> None:
    """Publish a page or take it down, with an act in the ledger."""
    connection.execute(
        "INSERT INTO page_publications (institution_id, published, note, actor, person_id, outside)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (institution_id, published, note, by.actor, by.person_id, by.outside),
    )
    record_act(
        connection, actor=by.actor, verb="publish_page" if published else "take_page_down",
        subject=f"institution:{institution_id}", institution_id=institution_id,
        body={"note": note, "outside": by.outside},
    )  # fmt: skip


def entry_acts(connection: Connection, entry_id: UUID) -> list[EntryAct]:
    """Who made an entry known or took it down, the newest first: at most HISTORY_COUNT_MAX."""
    with connection.cursor(row_factory=class_row(EntryAct)) as cursor:
        return cursor.execute(_ENTRY_ACTS, (entry_id, HISTORY_COUNT_MAX)).fetchall()


def save_entry_act(
    connection: Connection, entry_id: UUID, institution_id: int, published: bool, words: tuple[str, str], note: str,
    by: By,
) -> None:  # fmt: skip
    """Make an entry known or take it down, with an act in the ledger."""
    connection.execute(
        "INSERT INTO credit_publications (entry_id, published, words_zh, words_en, note, actor, person_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (entry_id, published, *words, note, by.actor, by.person_id),
    )
    record_act(
        connection, actor=by.actor, verb="publish_credit_entry" if published else "take_credit_entry_down",
        subject=f"credit:{entry_id}", institution_id=institution_id,
        body={"words_zh": words[0], "words_en": words[1], "note": note},
    )  # fmt: skip


def place(connection: Connection, institution_id: int) -> Place | None:
    """An institution, if its page is public."""
    found = _places(connection, "i.id = %(id)s", {"id": institution_id, "limit": 1})
    return found[0] if found else None


def places(connection: Connection, region: str) -> list[Place]:
    """The institutions of a county whose pages are public, by name: at most COUNTY_COUNT_MAX."""
    return _places(connection, "i.region = %(region)s", {"region": region, "limit": COUNTY_COUNT_MAX})


def responsibles(connection: Connection, institution_id: int) -> tuple[Responsible, ...]:
    """Who is responsible for what; `public`: they agreed to be named."""
    rows = connection.execute(
        "SELECT duty, name, position, coalesce(public, false) FROM file_responsibles WHERE institution_id = %s",
        (institution_id,),
    )
    return tuple(Responsible(*row) for row in rows)


def risks(connection: Connection, institution_id: int) -> RiskFigures:
    """How many risks an institution has found with itself, by level, and when it last looked."""
    rows = connection.execute(
        "SELECT level, count(*)::int, max(assessed_on) FROM file_risks WHERE institution_id = %s GROUP BY 1",
        (institution_id,),
    ).fetchall()
    return RiskFigures({level: count for level, count, _ in rows}, max((day for *_, day in rows), default=None))


def ownership(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Who owns these institutions, where the file says it."""
    rows = connection.execute(
        "SELECT institution_id, ownership FROM file_identity WHERE institution_id = ANY(%s)", (list(ids),)
    )
    return {int(number): str(owner) for number, owner in rows}


def hazards(
    connection: Connection, ids: Collection[int], since: datetime, now: datetime
) -> dict[int, dict[Level, HazardFigures]]:
    """The hazards of these institutions found since then, and older ones that are not closed; those withdrawn count
    nowhere."""
    made: dict[int, dict[Level, HazardFigures]] = {}
    parameters = {"ids": list(ids), "since": since, "now": now}
    for number, level, found, closed, in_time, overdue in connection.execute(_HAZARDS, parameters):
        made.setdefault(number, {})[Level(level)] = HazardFigures(found, closed, in_time, overdue)
    return made


def checks(connection: Connection, ids: Collection[int], since: datetime) -> dict[int, dict[Kind, CheckFigures]]:
    """The own checks of these institutions brought to their end since then."""
    made: dict[int, dict[Kind, CheckFigures]] = {}
    for number, kind, count, last_at in connection.execute(_CHECKS, {"ids": list(ids), "since": since}):
        made.setdefault(number, {})[Kind(kind)] = CheckFigures(count, last_at)
    return made


def entries(connection: Connection, region: str, kind: ListKind, now: datetime) -> list[PublicEntry]:
    """The entries of a county's list that are in force and made known, the newest first: at most COUNTY_COUNT_MAX.
    Whose term is over is not shown, also where the service has not taken it off the list yet."""
    parameters = {"region": region, "kind": kind.value, "now": now, "limit": COUNTY_COUNT_MAX}
    rows = connection.execute(_ENTRIES, parameters).fetchall()
    return [
        PublicEntry(number, name, name_en, ListKind(of), words_zh, words_en, listed_at, until)
        for number, name, name_en, of, words_zh, words_en, listed_at, until in rows
    ]


def unnamed(connection: Connection, institution_id: int) -> set[str]:
    """The names of people of an institution who have not agreed to be named in public."""
    return {str(row[0]) for row in connection.execute(_UNNAMED, {"id": institution_id})}


def _places(connection: Connection, which: str, parameters: dict[str, object]) -> list[Place]:
    with connection.cursor(row_factory=class_row(Place)) as cursor:
        return cursor.execute(_PUBLISHED.format(which=which).encode(), parameters).fetchall()
