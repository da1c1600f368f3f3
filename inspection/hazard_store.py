"""Hazards in the database: appending events, where each stands, their photos, the policy in force."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting.ledger_store import lock as lock_log
from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.checklist import Level
from inspection.errors import HazardChanged, HazardUnknown
from inspection.hazard import By, Category, Extension, Hazard, HazardEvent, Origin, Proposal, State, Supervisor, Verb
from inspection.hazard_steps import fold

_LEADER_LOCK: Final = 0x48415A44  # one worker opens hazards and reminds
_FIXED: Final = (
    "id", "institution_id", "zone_id", "device_id", "origin", "category", "title", "detail", "reported_at",
    "reported_by", "reporter_id", "alert_id", "alert_kind", "rule", "checklist_id", "item_id", "clause", "repeat_key",
    "repeat_of", "occurrence",
)  # fmt: skip
_CHANGING: Final = (
    "level", "supervisor", "state", "version", "assignee_id", "assigned_at", "assigned_by", "term", "deadline",
    "rectified_at", "rectified_by", "rectifier_id", "rechecked_at", "rechecked_by", "failures", "closed_at",
    "closed_by", "withdrawn_at", "withdrawn_by", "extensions", "proposal", "reminded_for", "escalated",
)  # fmt: skip
_EXTENSION: Final = ("extension_until", "extension_asked_at", "extension_asker_id")
_COLUMNS: Final = (*_FIXED, *_CHANGING, *_EXTENSION)
_SELECT: Final = f"SELECT no, {', '.join(_COLUMNS)} FROM hazards"
_INSERT: Final = (
    f"INSERT INTO hazards ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) RETURNING no"
)
_UPDATE: Final = (
    f"UPDATE hazards SET {', '.join(f'{name} = %s' for name in (*_CHANGING, *_EXTENSION))} WHERE id = %s"
)  # fmt: skip
_INSERT_EVENT: Final = (
    "INSERT INTO hazard_events (event_id, hazard_id, seq, verb, at, actor, person_id, outside, passed, note, body)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_SELECT_EVENTS: Final = (
    "SELECT seq, recorded_at, event_id, hazard_id, verb, at, actor, person_id, outside, note, passed, body"
    " FROM hazard_events WHERE hazard_id = %s ORDER BY seq"
)


class Entry(NamedTuple):
    """One event of a hazard's history, with its number there."""

    seq: int
    recorded_at: datetime
    event: HazardEvent


def begin(connection: Connection, event: HazardEvent) -> Hazard:
    """Put a reported hazard on record, in the caller's transaction; the act goes into the ledger."""
    hazard = fold(None, event)
    _append(connection, event, hazard)
    row = connection.execute(_INSERT.encode(), [_value(hazard, name) for name in _COLUMNS]).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    hazard = replace(hazard, no=int(row[0]))
    _record(connection, event, hazard)
    return hazard


def act(
    connection: Connection, hazard_id: UUID, version: int | None, decide: Callable[[Hazard], HazardEvent]
) -> tuple[Hazard, HazardEvent]:
    """Have `decide` make an event of the hazard as it stands, locked for the caller's transaction, and append it.

    `version` is that which the person saw, None where the act fits any. Raises HazardUnknown, HazardChanged, and what
    `decide` and the state machine refuse.
    """
    standing = lock(connection, hazard_id)
    if version is not None and standing.version != version:
        raise HazardChanged(f"the hazard is at version {standing.version}, not {version}")
    event = decide(standing)
    changed = fold(standing, event)
    _append(connection, event, changed)
    names = (*_CHANGING, *_EXTENSION)
    connection.execute(_UPDATE.encode(), [*(_value(changed, name) for name in names), changed.id])
    _record(connection, event, changed)
    return changed, event


def lock(connection: Connection, hazard_id: UUID) -> Hazard:
    """The hazard, kept from others until the caller's transaction ends. Raises HazardUnknown."""
    found = _hazards(connection, "WHERE id = %s FOR UPDATE", (hazard_id,))
    if not found:
        raise HazardUnknown(f"there is no hazard {hazard_id}")
    return found[0]


def load(connection: Connection, hazard_id: UUID) -> Hazard:
    """The hazard with that id. Raises HazardUnknown."""
    found = _hazards(connection, "WHERE id = %s", (hazard_id,))
    if not found:
        raise HazardUnknown(f"there is no hazard {hazard_id}")
    return found[0]


def load_many(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Hazard]:
    """Those of `ids` that exist."""
    return {each.id: each for each in _hazards(connection, "WHERE id = ANY(%s)", (list(ids),))}


def same(connection: Connection, institution_id: int, key: str | None) -> list[Hazard]:
    """The institution's hazards with that repeat key."""
    if key is None:
        return []
    return _hazards(connection, "WHERE institution_id = %s AND repeat_key = %s", (institution_id, key))


def due_before(connection: Connection, moment: datetime) -> list[Hazard]:
    """The hazards being rectified whose deadline lies before `moment`, the earliest first."""
    return _hazards(connection, "WHERE state = 'assigned' AND deadline < %s ORDER BY deadline, no", (moment,))


def reported_before(connection: Connection, moment: datetime) -> list[Hazard]:
    """The hazards nobody has been given that were reported before `moment`, the earliest first."""
    return _hazards(connection, "WHERE state = 'reported' AND reported_at < %s ORDER BY reported_at, no", (moment,))


def exists(connection: Connection, hazard_id: UUID) -> bool:
    """Whether there is a hazard with that id."""
    return connection.execute("SELECT FROM hazards WHERE id = %s", (hazard_id,)).fetchone() is not None


def of_rule(connection: Connection, rule: str, institution_id: int, device_id: int | None) -> list[Hazard]:
    """What a sensor rule opened at one place, the newest first."""
    return _hazards(
        connection,
        "WHERE rule = %s AND institution_id = %s AND device_id IS NOT DISTINCT FROM %s ORDER BY no DESC",
        (rule, institution_id, device_id),
    )


def cursor(connection: Connection) -> int | None:
    """The last event of the alerts' log the worker has dealt with; None before its first start."""
    row = connection.execute("SELECT event_id FROM hazard_cursor").fetchone()
    return int(row[0]) if row else None


def advance(connection: Connection, event_id: int) -> None:
    """Move the cursor; never back."""
    connection.execute(
        "INSERT INTO hazard_cursor (event_id) VALUES (%s) ON CONFLICT (only_row)"
        " DO UPDATE SET event_id = excluded.event_id WHERE hazard_cursor.event_id < excluded.event_id",
        (event_id,),
    )


def lead(connection: Connection) -> bool:
    """Whether this session is now the one worker that opens hazards; it stays so until its connection ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)).fetchone()
    return bool(row and row[0])


def events_of(connection: Connection, hazard_id: UUID) -> list[Entry]:
    """The history of one hazard, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_SELECT_EVENTS, (hazard_id,)).fetchall()
    return [Entry(row["seq"], row["recorded_at"], event_of(row)) for row in rows]


def load_policy(connection: Connection) -> tuple[str, str] | None:
    """The policy in force as (TOML text, sha256), None before the first was loaded."""
    row = connection.execute("SELECT body, sha256 FROM hazard_policies ORDER BY id DESC LIMIT 1").fetchone()
    return (str(row[0]), str(row[1])) if row else None


def save_policy(connection: Connection, *, version: str, sha256: str, body: str, loaded_by: str) -> bool:
    """Put a policy in force, as an act in the ledger; False when the newest one is this very text."""
    connection.execute("LOCK TABLE hazard_policies IN SHARE ROW EXCLUSIVE MODE")
    newest = load_policy(connection)
    if newest is not None and newest[1] == sha256:
        return False
    connection.execute(
        "INSERT INTO hazard_policies (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s)",
        (version, sha256, body, loaded_by),
    )
    record_act(
        connection, actor=loaded_by, verb="load_hazard_policy", subject=f"hazard_policy:{version}", institution_id=None,
        body={"version": version, "sha256": sha256},
    )  # fmt: skip
    return True


def _append(connection: Connection, event: HazardEvent, after: Hazard) -> None:
    """The lock is held to the commit, so that the order of ids is that of commits and an export skips nothing."""
    lock_log(connection)
    connection.execute(
        _INSERT_EVENT,
        (
            event.event_id, event.hazard_id, after.version, event.verb, event.at, event.by.actor, event.by.person_id,
            event.by.outside, event.passed, event.note, Jsonb(dict(event.body)),
        ),
    )  # fmt: skip


def _record(connection: Connection, event: HazardEvent, after: Hazard) -> None:
    """The act in the ledger: the whole event is chained with it."""
    body = {
        "no": after.no, "seq": after.version, "event_id": str(event.event_id), "at": event.at.isoformat(),
        "person_id": event.by.person_id, "note": event.note, "passed": event.passed, "state": after.state.value,
        "event": dict(event.body),
    }  # fmt: skip
    record_act(
        connection, actor=event.by.actor, verb=f"hazard_{event.verb}", subject=f"hazard:{after.id}",
        institution_id=after.institution_id, body=body,
    )  # fmt: skip


def _value(hazard: Hazard, name: str) -> Any:
    if name in _EXTENSION:
        return getattr(hazard.extension, name.removeprefix("extension_")) if hazard.extension else None
    return getattr(hazard, name)


def _hazards(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[Hazard]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT} {condition}".encode(), parameters).fetchall()
    return [_hazard(row) for row in rows]


def _hazard(row: Mapping[str, Any]) -> Hazard:
    fields = dict(row)
    until, asked_at, asker_id = (fields.pop(name) for name in _EXTENSION)
    for name, kind in _KINDS.items():
        fields[name] = kind(fields[name])
    fields["proposal"] = Proposal(fields["proposal"]) if fields["proposal"] else None
    fields["extension"] = Extension(until, asked_at, asker_id) if until is not None else None
    return Hazard(**fields)


_KINDS: Final = {
    "origin": Origin, "category": Category, "level": Level, "supervisor": Supervisor, "state": State
}  # fmt: skip


def event_of(row: Mapping[str, Any]) -> HazardEvent:
    """The event in a row of hazard_events."""
    return HazardEvent(
        event_id=row["event_id"],
        hazard_id=row["hazard_id"],
        verb=Verb(row["verb"]),
        at=row["at"],
        by=By(row["actor"], row["person_id"], row["outside"]),
        note=row["note"],
        passed=row["passed"],
        body=row["body"],
    )
