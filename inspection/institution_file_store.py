"""Institution files in the database: sections of which every version is kept, and the gaps of fire acceptance."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.errors import FileSectionChanged, FireGapUnknown, StepRefused
from inspection.institution_file import FireGap, InstitutionFile, Kept, Practice, Row

HISTORY_COUNT_MAX: Final = 200
_GAPS: Final = (
    "SELECT id, institution_id, title, found_on, due_on, opened_at, opened_by, outcome, closed_on, note, closed_at,"
    " closed_by FROM fire_gaps"
)
_PRACTICE: Final = (
    "SELECT i.id, i.kind, coalesce(c.number, 0), coalesce(d.number, 0), d.newest FROM institutions i"
    " LEFT JOIN (SELECT institution_id, count(*) AS number FROM plan_cards GROUP BY 1) c ON c.institution_id = i.id"
    " LEFT JOIN (SELECT institution_id, count(*) AS number, max(started_at) AS newest FROM drills"
    "  WHERE state = 'passed' GROUP BY 1) d ON d.institution_id = i.id WHERE i.id = ANY(%s)"
)
_DOCUMENTS: Final = (
    "SELECT institution_id, section, count(*) FROM (SELECT DISTINCT ON (institution_id, document_id) institution_id,"
    "  section, verb FROM institution_document_events WHERE institution_id = ANY(%s)"
    "  ORDER BY institution_id, document_id, seq DESC) d WHERE verb <> 'remove' GROUP BY 1, 2"
)
_FIRST: Final = (
    "INSERT INTO institution_file_sections (institution_id, section, version, rows, changed_at, changed_by)"
    " VALUES (%(institution_id)s, %(section)s, %(version)s, %(rows)s, %(at)s, %(actor)s)"
)
_NEXT: Final = (
    "UPDATE institution_file_sections SET version = %(version)s, rows = %(rows)s, changed_at = %(at)s,"
    " changed_by = %(actor)s WHERE institution_id = %(institution_id)s AND section = %(section)s"
)
_STANDINGS: Final = (
    "SELECT i.id AS institution_id, i.region, s.rows->0->>'state' AS state, coalesce(g.known, 0) AS known_count,"
    " coalesce(g.left_open, 0) AS open_count, g.due_on, g.cleared_on FROM institutions i"
    " LEFT JOIN institution_file_sections s ON s.institution_id = i.id AND s.section = 'fire_acceptance'"
    " LEFT JOIN (SELECT institution_id, count(*) AS known, count(*) FILTER (WHERE outcome IS NULL) AS left_open,"
    "  min(due_on) FILTER (WHERE outcome IS NULL) AS due_on, max(closed_on) AS cleared_on FROM fire_gaps"
    "  WHERE outcome IS DISTINCT FROM 'mistaken' GROUP BY 1) g ON g.institution_id = i.id"
    " WHERE %(within)s::int[] IS NULL OR i.id = ANY(%(within)s)"
    " ORDER BY open_count DESC, g.due_on NULLS LAST, g.cleared_on DESC NULLS LAST, i.code"
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and through which door: the page or a workbook. Without a person it is the command line."""

    actor: str
    person_id: int | None
    door: str = "page"


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a section."""

    section: str
    version: int
    rows: tuple[Row, ...]
    at: datetime
    actor: str
    door: str


@dataclass(frozen=True, slots=True)
class FireStanding:
    """An institution and its fire acceptance: how many gaps were known (those entered by mistake aside), how many are
    open, by when the first of them is due, and when the last was closed. `state` None: nobody has written it."""

    institution_id: int
    region: str
    state: str | None
    known_count: int
    open_count: int
    due_on: date | None
    cleared_on: date | None


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who is responsible for what at an institution; `public`: they agreed to be named in public."""

    duty: str
    name: str
    position: str | None
    phone: str | None
    public: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Who owns an institution ("public", "private", None where nobody has written it) and who is responsible."""

    ownership: str | None
    responsibles: tuple[Responsible, ...]


def load(connection: Connection, institution_id: int) -> InstitutionFile:
    """The file of an institution that exists, empty where nobody has written one."""
    return load_many(connection, [institution_id])[institution_id]


def load_many(connection: Connection, ids: Collection[int]) -> dict[int, InstitutionFile]:
    """The files of these institutions."""
    wanted = list(ids)
    sections: dict[int, dict[str, Kept]] = {}
    for number, section, *rest in connection.execute(
        "SELECT institution_id, section, version, rows, changed_at, changed_by FROM institution_file_sections"
        " WHERE institution_id = ANY(%s)",
        (wanted,),
    ):
        version, rows, at, by = rest
        sections.setdefault(number, {})[section] = Kept(version, tuple(rows), at, by)
    gaps: dict[int, list[FireGap]] = {}
    for each in _gaps(connection, " WHERE institution_id = ANY(%s) ORDER BY found_on, id", (wanted,)):
        gaps.setdefault(each.institution_id, []).append(each)
    documents = standing_documents(connection, wanted)
    return {
        number: InstitutionFile(
            number,
            kind,
            sections.get(number, {}),
            tuple(gaps.get(number, ())),
            Practice(cards, drills, newest),
            documents.get(number, {}),
        )
        for number, kind, cards, drills, newest in connection.execute(_PRACTICE, (wanted,))
    }


def standing_documents(connection: Connection, institution_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many documents stand in which section of these institutions' files."""
    found: dict[int, dict[str, int]] = {}
    for institution_id, section, number in connection.execute(_DOCUMENTS, (list(institution_ids),)):
        found.setdefault(institution_id, {})[section] = number
    return found


def named(connection: Connection, institution_id: int) -> Named:
    """Ownership and responsible persons, as the file says. The public is shown those alone who agreed."""
    row = connection.execute(
        "SELECT ownership FROM file_identity WHERE institution_id = %s", (institution_id,)
    ).fetchone()
    people = connection.execute(
        "SELECT duty, name, position, phone, coalesce(public, false) FROM file_responsibles WHERE institution_id = %s",
        (institution_id,),
    )
    return Named(row[0] if row else None, tuple(Responsible(*each) for each in people))


def save(
    connection: Connection, institution_id: int, section: str, seen: int, rows: Sequence[Row], by: Writer
) -> int:  # fmt: skip
    """Write the checked `rows` as the next version of a section, in the caller's transaction and with an act in the
    ledger; the version. Raises FileSectionChanged where `seen` is not the newest."""
    lock(connection, institution_id)
    found = connection.execute(
        "SELECT version FROM institution_file_sections WHERE institution_id = %s AND section = %s",
        (institution_id, section),
    ).fetchone()
    if (found[0] if found else 0) != seen:
        raise FileSectionChanged
    body = json.dumps([dict(each) for each in rows], ensure_ascii=False)
    at = connection.execute(
        "INSERT INTO institution_file_changes (institution_id, section, version, rows, actor, person_id, door)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING at",
        (institution_id, section, seen + 1, body, by.actor, by.person_id, by.door),
    ).fetchone()
    if at is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    connection.execute(
        _FIRST if seen == 0 else _NEXT,
        {
            "institution_id": institution_id, "section": section, "version": seen + 1, "rows": body, "at": at[0],
            "actor": by.actor,
        },
    )  # fmt: skip
    facts = {"section": section, "version": seen + 1, "rows": len(rows), "door": by.door}
    record_act(
        connection, actor=by.actor, verb="write_institution_file", subject=f"institution_file:{institution_id}",
        institution_id=institution_id, body=facts,
    )  # fmt: skip
    return seen + 1


def lock(connection: Connection, institution_id: int) -> None:
    """Let nobody else write this file until the caller's transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('institution_file'), %s)", (institution_id,))


def fire_standings(connection: Connection, within: Collection[int] | None) -> list[FireStanding]:
    """Where the institutions stand with their fire acceptance, those with the most open gaps first. `within` None:
    everywhere."""
    with connection.cursor(row_factory=class_row(FireStanding)) as cursor:
        return cursor.execute(_STANDINGS.encode(), {"within": None if within is None else list(within)}).fetchall()


def history(connection: Connection, institution_id: int) -> list[Change]:
    """The newest changes of a file, the newest first."""
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "SELECT section, version, rows, at, actor, door FROM institution_file_changes WHERE institution_id = %s"
            " ORDER BY id DESC LIMIT %s",
            (institution_id, HISTORY_COUNT_MAX),
        ).fetchall()
    return [Change(section, version, tuple(kept), at, actor, door) for section, version, kept, at, actor, door in rows]


def gap(connection: Connection, gap_id: int) -> FireGap:
    """One gap. Raises FireGapUnknown."""
    found = _gaps(connection, " WHERE id = %s", (gap_id,))
    if not found:
        raise FireGapUnknown(f"there is no gap {gap_id}")
    return found[0]


def open_gap(
    connection: Connection, institution_id: int, title: str, found_on: date, due_on: date | None, by: Writer
) -> FireGap:
    """Put a checked gap on record, with an act in the ledger."""
    row = connection.execute(
        "INSERT INTO fire_gaps (institution_id, title, found_on, due_on, opened_by, opener_id)"
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
        (institution_id, title, found_on, due_on, by.actor, by.person_id),
    ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    _act(connection, "open_fire_gap", row[0], institution_id, by, {"title": title, "found_on": found_on.isoformat()})
    return gap(connection, row[0])


def close_gap(connection: Connection, found: FireGap, outcome: str, closed_on: date, note: str, by: Writer) -> FireGap:
    """Close a gap, with an act in the ledger. Raises StepRefused where somebody has closed it meanwhile."""
    changed = connection.execute(
        "UPDATE fire_gaps SET outcome = %s, closed_on = %s, note = %s, closed_at = clock_timestamp(), closed_by = %s,"
        " closer_id = %s WHERE id = %s AND outcome IS NULL",
        (outcome, closed_on, note, by.actor, by.person_id, found.id),
    ).rowcount
    if not changed:
        raise StepRefused("this gap is closed already")
    body = {"outcome": outcome, "closed_on": closed_on.isoformat(), "note": note}
    _act(connection, "close_fire_gap", found.id, found.institution_id, by, body)
    return gap(connection, found.id)


def _act(
    connection: Connection, verb: str, gap_id: int, institution_id: int, by: Writer, body: Mapping[str, Any]
) -> None:
    record_act(
        connection, actor=by.actor, verb=verb, subject=f"fire_gap:{gap_id}", institution_id=institution_id,
        body=dict(body),
    )  # fmt: skip


def _gaps(connection: Connection, where: str, parameters: tuple[object, ...]) -> list[FireGap]:
    with connection.cursor(row_factory=class_row(FireGap)) as cursor:
        return cursor.execute(f"{_GAPS}{where}".encode(), parameters).fetchall()
