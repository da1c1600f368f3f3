"""Handovers in the database: append-only, and each signature an act in the ledger."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from alerting import oncall_store
from alerting.errors import HandoverRefused, HandoverUnknown
from alerting.handover import Handover, State, TakeOver, why_not_take_over, why_not_write
from alerting.ledger_store import record_act
from alerting.people import Role, Scope
from ingest.database import Connection

_SELECT: Final = (
    "SELECT handovers.id, institution_id, region, since_at, written_at, handovers.actor, handovers.name, note, facts,"
    " replaces, (SELECT later.id FROM handovers later WHERE later.replaces = handovers.id),"
    " signed.at, signed.actor, signed.name, signed.remark"
    " FROM handovers LEFT JOIN handover_take_overs signed ON handover_id = handovers.id"
)
_OF_DESK: Final = "institution_id IS NOT DISTINCT FROM %s AND region = %s"
# Those of institutions, and of duty centres within a region; without institutions (NULL) everything.
_WITHIN: Final = (
    "(%(ids)s::int[] IS NULL OR institution_id = ANY(%(ids)s)"
    " OR (institution_id IS NULL AND region <> '' AND starts_with(region, %(region)s)))"
)


def write(
    connection: Connection,
    desk: Scope,
    *,
    actor: str,
    name: str,
    note: str,
    since_at: datetime,
    facts: Mapping[str, Any],
) -> Handover:
    """Leave a note at `desk`, in the caller's transaction; in place of one's own that still waits.

    Raises HandoverRefused while somebody else's waits: it is taken over first.
    """
    _lock(connection)
    last = latest(connection, desk)
    if refusal := why_not_write(last, actor):
        raise HandoverRefused(refusal)
    replaces = last.id if last is not None and last.state is State.WAITING else None
    row = connection.execute(
        "INSERT INTO handovers (institution_id, region, since_at, actor, name, note, facts, replaces)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (desk.institution_id, desk.region, since_at, actor, name, note, Jsonb(dict(facts)), replaces),
    ).fetchone()
    written = load(connection, int(row[0]) if row else 0)
    # The note itself may name residents: its digest is chained, so that a changed one shows.
    body = {"name": name, "since_at": since_at.isoformat(), "replaces": replaces, "sha256": digest(written)}
    _act(connection, written, actor, "hand_over", body)
    return written


def take_over(connection: Connection, number: int, desk: Scope, *, actor: str, name: str, remark: str) -> Handover:
    """Sign for a note that waits at one's own `desk`, in the caller's transaction.

    Raises HandoverUnknown, HandoverRefused.
    """
    _lock(connection)
    waiting = load(connection, number)
    if refusal := why_not_take_over(waiting, desk, name):
        raise HandoverRefused(refusal)
    connection.execute(
        "INSERT INTO handover_take_overs (handover_id, actor, name, remark) VALUES (%s, %s, %s, %s)",
        (number, actor, name, remark),
    )
    _act(connection, waiting, actor, "take_over", {"name": name, "remark": remark, "sha256": digest(waiting)})
    return load(connection, number)


def load(connection: Connection, number: int) -> Handover:
    """The handover with that number. Raises HandoverUnknown."""
    row = connection.execute(f"{_SELECT} WHERE handovers.id = %s".encode(), (number,)).fetchone()
    if row is None:
        raise HandoverUnknown(f"there is no handover {number}")
    return _handover(row)


def latest(connection: Connection, desk: Scope) -> Handover | None:
    """The last note left at a desk, whatever became of it; that it waits is asked of `state`."""
    statement = f"{_SELECT} WHERE {_OF_DESK} ORDER BY handovers.id DESC LIMIT 1"
    row = connection.execute(statement.encode(), (desk.institution_id, desk.region)).fetchone()
    return _handover(row) if row else None


def in_use(connection: Connection, desk: Scope) -> bool:
    """Whether the desk hands over at all: its operators take turns, or somebody has left a note before."""
    if oncall_store.rotation_of(connection, Role.OPERATOR, desk) is not None:
        return True
    return latest(connection, desk) is not None


def page(
    connection: Connection, ids: Collection[int] | None, region: str, before: int | None, count_max: int
) -> tuple[list[Handover], int | None]:
    """At most `count_max` handovers before number `before`, newest first, and the number the next page comes before.

    Of these institutions (None: everywhere) and of the duty centres within `region` ("": of none, unless everywhere).
    """
    statement = (
        f"{_SELECT} WHERE {_WITHIN} AND (%(before)s::bigint IS NULL OR handovers.id < %(before)s)"
        " ORDER BY handovers.id DESC LIMIT %(limit)s"
    )
    rows = connection.execute(
        statement.encode(), {**_scope(ids, region), "before": before, "limit": count_max + 1}
    ).fetchall()
    found = [_handover(row) for row in rows[:count_max]]
    return found, found[-1].id if len(rows) > count_max else None


def count(connection: Connection, ids: Collection[int] | None, region: str) -> int:
    """How many there are in all."""
    statement = f"SELECT count(*) FROM handovers WHERE {_WITHIN}"
    row = connection.execute(statement.encode(), _scope(ids, region)).fetchone()
    return int(row[0]) if row else 0


def digest(handover: Handover) -> str:
    """SHA-256 (hex) of note and facts as they are kept: what both signed for."""
    kept = json.dumps([handover.note, handover.facts], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(kept.encode()).hexdigest()


def _scope(ids: Collection[int] | None, region: str) -> dict[str, Any]:
    # No region code begins with a letter: so an institution's own people see no duty centre.
    return {"ids": None if ids is None else list(ids), "region": region or "-"}


def _lock(connection: Connection) -> None:
    """Two who sign at the same moment do so one after the other."""
    connection.execute("LOCK TABLE handovers IN SHARE ROW EXCLUSIVE MODE")


def _act(connection: Connection, handover: Handover, actor: str, verb: str, body: Mapping[str, Any]) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=f"handover:{handover.id}",
        institution_id=handover.desk.institution_id, body=body,
    )  # fmt: skip


def _handover(row: Sequence[Any]) -> Handover:
    number, institution_id, region, since_at, written_at, actor, name, note, facts, replaces, replaced_by, *signed = row
    taken = TakeOver(*signed) if signed[0] is not None else None
    desk = Scope(institution_id, region)
    return Handover(number, desk, since_at, written_at, actor, name, note, facts, replaces, replaced_by, taken)
