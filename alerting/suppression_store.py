"""Suppressions in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerting.alert import Kind
from alerting.errors import SuppressionRefused, SuppressionTooLong
from alerting.ledger_store import record_act
from alerting.suppression import Means, Suppression, duration_max
from ingest.database import Connection

CHANNEL = "suppressions"
_COLUMNS = "id, kind, institution_id, zone_id, device_id, alert_kind, reason, actor, from_at, until_at, ended_at"


def _suppression(row: Sequence[Any]) -> Suppression:
    number, means, institution_id, zone_id, device_id, kind, *rest = row
    return Suppression(number, Means(means), institution_id, zone_id, device_id, Kind(kind) if kind else None, *rest)


def in_force_or_planned(connection: Connection, now: datetime) -> list[Suppression]:
    """Those that hold at `now` or will, by id."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM suppressions WHERE ended_at IS NULL AND until_at > %s ORDER BY id".encode(),
        (now,),
    )
    return [_suppression(row) for row in rows]


def load(connection: Connection, number: int) -> Suppression | None:
    """The suppression with that number, whether or not it is over."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM suppressions WHERE id = %s".encode(), (number,)).fetchone()
    return _suppression(row) if row else None


def begin(connection: Connection, wanted: Suppression) -> Suppression:
    """Put `wanted` (id 0) in force, in the caller's transaction. Raises SuppressionTooLong."""
    longest = duration_max(wanted.means, wanted.alert_kind)
    if wanted.until_at - wanted.from_at > longest:
        raise SuppressionTooLong(longest)
    row = connection.execute(
        "INSERT INTO suppressions"
        " (kind, institution_id, zone_id, device_id, alert_kind, reason, actor, from_at, until_at)"
        f" VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}",
        (
            wanted.means, wanted.institution_id, wanted.zone_id, wanted.device_id, wanted.alert_kind, wanted.reason,
            wanted.actor, wanted.from_at, wanted.until_at,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    begun = _suppression(row)
    body = {
        "means": begun.means.value, "zone_id": begun.zone_id, "device_id": begun.device_id,
        "alert_kind": begun.alert_kind.value if begun.alert_kind else None, "reason": begun.reason,
        "from_at": begun.from_at.isoformat(), "until_at": begun.until_at.isoformat(),
    }  # fmt: skip
    record_act(
        connection, actor=begun.actor, verb="suppress", subject=f"suppression:{begun.id}",
        institution_id=begun.institution_id, body=body,
    )  # fmt: skip
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return begun


def end(connection: Connection, number: int, *, actor: str, now: datetime) -> Suppression:
    """End a suppression before its time. Raises SuppressionRefused when there is none in force or planned."""
    row = connection.execute(
        "UPDATE suppressions SET ended_at = %s, ended_by = %s WHERE id = %s AND ended_at IS NULL AND until_at > %s"
        f" RETURNING {_COLUMNS}",
        (now, actor, number, now),
    ).fetchone()
    if row is None:
        raise SuppressionRefused(f"there is no suppression {number} to end")
    ended = _suppression(row)
    record_act(
        connection, actor=actor, verb="end_suppression", subject=f"suppression:{number}",
        institution_id=ended.institution_id, body={},
    )  # fmt: skip
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return ended
