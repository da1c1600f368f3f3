"""Inspections in the database: appending events, where each stands, its items and findings, the lists as they were."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.canonical import sha256
from inspection.checklist import Checklist, Level
from inspection.errors import HazardChanged, VisitUnknown
from inspection.hazard import By
from inspection.visit import Answer, Duty, Finding, ItemKey, Kind, Member, Outcome, State, Verb, Visit, VisitEvent, fold

_FIXED: Final = (
    "id", "institution_id", "kind", "own", "unannounced", "campaign_id", "draw_id", "planned_for", "purpose",
    "checklists", "planned_at", "planned_by",
)  # fmt: skip
_CHANGING: Final = (
    "state", "version", "no", "begun_at", "begun_by", "concluded_at", "concluded_by", "conclusion", "record_sha256",
    "cancelled_at", "cancelled_by",
)  # fmt: skip
_COLUMNS: Final = (*_FIXED, *_CHANGING)
_SELECT: Final = (
    f"SELECT {', '.join(_COLUMNS)}, (SELECT array_agg(ARRAY[person_id::text, duty] ORDER BY person_id)"
    " FROM inspection_team WHERE inspection_id = id) AS team FROM inspections"
)
_INSERT: Final = (
    f"INSERT INTO inspections ({', '.join(_COLUMNS)}, leader_id) VALUES ({', '.join(['%s'] * (len(_COLUMNS) + 1))})"
)
_UPDATE: Final = f"UPDATE inspections SET {', '.join(f'{name} = %s' for name in _CHANGING)} WHERE id = %s"
_INSERT_EVENT: Final = (
    "INSERT INTO inspection_events (event_id, inspection_id, seq, verb, at, actor, person_id, outside, note, body)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class Entry(NamedTuple):
    """One event of an inspection's history, with its number there."""

    seq: int
    event: VisitEvent


def begin_record(connection: Connection, event: VisitEvent) -> Visit:
    """Put a planned inspection on record, in the caller's transaction; the act goes into the ledger."""
    visit = fold(None, event)
    _append(connection, event, visit)
    connection.execute(_INSERT.encode(), [*(_value(visit, name) for name in _COLUMNS), visit.leader_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO inspection_team (inspection_id, person_id, duty) VALUES (%s, %s, %s)",
            [(visit.id, each.person_id, each.duty) for each in visit.team],
        )
    _record(connection, event, visit)
    return visit


def act(
    connection: Connection, visit_id: UUID, version: int | None, decide: Callable[[Visit], VisitEvent]
) -> tuple[Visit, VisitEvent]:
    """Have `decide` make an event of the inspection as it stands, locked for the caller's transaction, and append it.

    `version` is that which the person saw, None where the act fits any: several of a team answer at once. Raises
    VisitUnknown, HazardChanged, and what `decide` and the state machine refuse.
    """
    standing = _load(connection, visit_id, "FOR UPDATE")
    if version is not None and standing.version != version:
        raise HazardChanged(f"the inspection is at version {standing.version}, not {version}")
    event = decide(standing)
    changed = fold(standing, event)
    _append(connection, event, changed)
    if event.verb is Verb.BEGIN:
        changed = replace(changed, no=_number(connection))
    connection.execute(_UPDATE.encode(), [*(_value(changed, name) for name in _CHANGING), changed.id])
    if event.verb is Verb.BEGIN:
        _open_items(connection, event, changed)
    _keep_answer(connection, event, changed)
    _record(connection, event, changed)
    return changed, event


def lock(connection: Connection, visit_id: UUID) -> Visit:
    """As `load`, kept from others until the caller's transaction ends. Raises VisitUnknown."""
    return _load(connection, visit_id, "FOR UPDATE")


def load(connection: Connection, visit_id: UUID) -> Visit:
    """The inspection with that id, with its items and findings. Raises VisitUnknown."""
    return _load(connection, visit_id, "")


def load_many(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Visit]:
    """Those of `ids` that exist, without items and findings."""
    return {each.id: each for each in _visits(connection, "WHERE id = ANY(%s)", (list(ids),))}


def events_of(connection: Connection, visit_id: UUID) -> list[Entry]:
    """The history of one inspection, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT seq, event_id, inspection_id, verb, at, actor, person_id, outside, note, body"
            " FROM inspection_events WHERE inspection_id = %s ORDER BY seq",
            (visit_id,),
        ).fetchall()
    return [
        Entry(
            row["seq"],
            VisitEvent(
                row["event_id"], row["inspection_id"], Verb(row["verb"]), row["at"],
                By(row["actor"], row["person_id"], row["outside"]), row["note"], row["body"],
            ),
        )
        for row in rows
    ]  # fmt: skip


def keep_edition(connection: Connection, checklist: Checklist) -> int:
    """The number under which this list, as it is now, is kept; it is kept once."""
    body = {**asdict(checklist), "kinds": sorted(checklist.kinds)}
    body["items"] = [{**asdict(each), "evidence": sorted(each.evidence)} for each in checklist.items]
    digest = bytes.fromhex(sha256(body))
    connection.execute(
        "INSERT INTO checklist_editions (checklist_id, version, sha256, body) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (sha256) DO NOTHING",
        (checklist.id, checklist.version, digest, Jsonb(body)),
    )
    row = connection.execute("SELECT id FROM checklist_editions WHERE sha256 = %s", (digest,)).fetchone()
    if row is None:
        raise RuntimeError("a checklist edition that was kept is not there")
    return int(row[0])


def editions_of(connection: Connection, visit_id: UUID) -> list[dict[str, Any]]:
    """The lists of an inspection as they were when it began, in its order."""
    rows = connection.execute(
        "SELECT body FROM checklist_editions WHERE id IN"
        " (SELECT edition_id FROM inspection_items WHERE inspection_id = %s)",
        (visit_id,),
    ).fetchall()
    return [dict(row[0]) for row in rows]


def last_team(connection: Connection, institution_ids: Collection[int]) -> dict[int, tuple[datetime, frozenset[int]]]:
    """Of each institution, when a team from outside last began a visit, and who was on it."""
    rows = connection.execute(
        "SELECT DISTINCT ON (institution_id) institution_id, begun_at,"
        " (SELECT array_agg(person_id) FROM inspection_team WHERE inspection_id = inspections.id)"
        " FROM inspections WHERE institution_id = ANY(%s) AND NOT own AND begun_at IS NOT NULL"
        " ORDER BY institution_id, begun_at DESC",
        (list(institution_ids),),
    )
    return {row[0]: (row[1], frozenset(row[2])) for row in rows}


def _load(connection: Connection, visit_id: UUID, lock: str) -> Visit:
    found = _visits(connection, f"WHERE id = %s {lock}", (visit_id,))
    if not found:
        raise VisitUnknown(f"there is no inspection {visit_id}")
    rows = connection.execute(
        "SELECT checklist_id, item_id, outcome, note, answered_at, person_id, event_seq FROM inspection_items"
        " WHERE inspection_id = %s ORDER BY position",
        (visit_id,),
    )
    items = {ItemKey(row[0], row[1]): Answer(Outcome(row[2]), *row[3:]) if row[2] is not None else None for row in rows}
    rows = connection.execute(
        "SELECT event_seq, hazard_id, checklist_id, item_id, level, clause, found_at FROM inspection_findings"
        " WHERE inspection_id = %s ORDER BY event_seq",
        (visit_id,),
    )
    findings = tuple(
        Finding(row[0], row[1], ItemKey(row[2], row[3]) if row[2] is not None else None, Level(row[4]), *row[5:])
        for row in rows
    )
    return replace(found[0], items=items, findings=findings)


def _visits(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[Visit]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT} {condition}".encode(), parameters).fetchall()
    return [_visit(row) for row in rows]


def _visit(row: Mapping[str, Any]) -> Visit:
    fields = dict(row)
    fields["kind"], fields["state"] = Kind(fields["kind"]), State(fields["state"])
    fields["checklists"] = tuple(fields["checklists"])
    fields["team"] = tuple(Member(int(number), Duty(duty)) for number, duty in fields["team"])
    fields["record_sha256"] = fields["record_sha256"].hex() if fields["record_sha256"] else None
    return Visit(**fields)


def _value(visit: Visit, name: str) -> Any:
    value = getattr(visit, name)
    if name == "record_sha256" and value is not None:
        return bytes.fromhex(value)
    return list(value) if name == "checklists" else value


def _append(connection: Connection, event: VisitEvent, after: Visit) -> None:
    connection.execute(
        _INSERT_EVENT,
        (
            event.event_id, event.visit_id, after.version, event.verb, event.at, event.by.actor, event.by.person_id,
            event.by.outside, event.note, Jsonb(dict(event.body)),
        ),
    )  # fmt: skip


def _number(connection: Connection) -> int:
    row = connection.execute("SELECT nextval('inspection_numbers')").fetchone()
    if row is None:
        raise RuntimeError("nextval returned nothing")
    return int(row[0])


def _open_items(connection: Connection, event: VisitEvent, visit: Visit) -> None:
    editions = event.body["editions"]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO inspection_items (inspection_id, checklist_id, item_id, edition_id, position)"
            " VALUES (%s, %s, %s, %s, %s)",
            [(visit.id, *key, editions[key.checklist_id], place) for place, key in enumerate(visit.items, start=1)],
        )


def _keep_answer(connection: Connection, event: VisitEvent, after: Visit) -> None:
    if event.verb is Verb.ANSWER:
        key = ItemKey(event.body["checklist_id"], event.body["item_id"])
        connection.execute(
            "UPDATE inspection_items SET outcome = %s, note = %s, answered_at = %s, person_id = %s, event_seq = %s"
            " WHERE inspection_id = %s AND checklist_id = %s AND item_id = %s",
            (event.body["outcome"], event.note, event.at, event.by.person_id, after.version, after.id, *key),
        )
    for each in after.findings:
        if each.seq == after.version:
            connection.execute(
                "INSERT INTO inspection_findings"
                " (inspection_id, event_seq, hazard_id, checklist_id, item_id, level, clause, found_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (after.id, each.seq, each.hazard_id, *(each.key or (None, None)), each.level, each.clause, each.at),
            )


def _record(connection: Connection, event: VisitEvent, after: Visit) -> None:
    """The act in the ledger: the whole event is chained with it."""
    body = {
        "no": after.no, "seq": after.version, "event_id": str(event.event_id), "at": event.at.isoformat(),
        "person_id": event.by.person_id, "note": event.note, "state": after.state.value, "event": dict(event.body),
    }  # fmt: skip
    record_act(
        connection, actor=event.by.actor, verb=f"inspection_{event.verb}", subject=f"inspection:{after.id}",
        institution_id=after.institution_id, body=body,
    )  # fmt: skip
