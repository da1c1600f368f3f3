"""The ledger in the database: extending the chain, reading it back, checkpoints; and the log of people's acts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting import ledger
from alerting.ledger import Checkpoint, Entry
from ingest.database import Connection
from ingest.reach import lifted

# Taken last, just before an append, and held to the commit: the order of ids and of the chain is then the order of
# commits, and a follower that has seen id n has seen all below it.
_APPEND_LOCK: Final = 0x414C5254
_SOURCES: Final = {
    "alert_events": "id, recorded_at, event_id, alert_id, verb, at, onset_at, institution_id, zone_id, device_id, kind,"
    " priority, latching, rule, actor, note, evidence, drill, unclaimed",
    "acts": "id, at, actor, verb, subject, institution_id, body",
}
_BATCH_COUNT: Final = 5000


def lock(connection: Connection) -> None:
    """Take the append lock for the rest of the caller's transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_APPEND_LOCK,))


def extend(connection: Connection, source: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Chain `records`, just written to `source`; the append lock must be held."""
    row = connection.execute("SELECT no, hash FROM ledger ORDER BY no DESC LIMIT 1").fetchone()
    no, digest = (int(row[0]), bytes(row[1])) if row else (0, ledger.GENESIS)
    rows = []
    for record in records:
        no, digest = no + 1, ledger.link(digest, source, record)
        rows.append((no, source, record["id"], digest))
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO ledger (no, source, row_id, hash) VALUES (%s, %s, %s, %s)", rows)


def record_act(
    connection: Connection,
    *,
    actor: str,
    verb: str,
    subject: str,
    institution_id: int | None,
    body: Mapping[str, Any],
) -> int:
    """Note what a person did, in the caller's transaction, and chain it; the act's id. Never give it a secret."""
    lock(connection)
    # What concerns no institution is the service's own to record, whoever sets it off.
    own = nullcontext() if institution_id is not None else lifted(connection)
    with own, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "INSERT INTO acts (actor, verb, subject, institution_id, body) VALUES (%s, %s, %s, %s, %s)"
            f" RETURNING {_SOURCES['acts']}",
            (actor, verb, subject, institution_id, Jsonb(dict(body))),
        ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    extend(connection, "acts", [row])
    return int(row["id"])


def entries(connection: Connection, after: int = 0) -> Iterator[Entry]:
    """The chain in order, from the entry after `after`, each with its record as it stands now."""
    while True:
        links = connection.execute(
            "SELECT no, source, row_id, hash FROM ledger WHERE no > %s ORDER BY no LIMIT %s", (after, _BATCH_COUNT)
        ).fetchall()
        if not links:
            return
        records = {
            source: _records(connection, source, [row[2] for row in links if row[1] == source]) for source in _SOURCES
        }
        for no, source, row_id, digest in links:
            yield Entry(no, source, row_id, records[source].get(row_id), bytes(digest))
        after = links[-1][0]


def unchained(connection: Connection) -> Iterator[tuple[str, int]]:
    """Records that no entry of the chain stands for: they were inserted past it."""
    for source in _SOURCES:
        rows = connection.execute(
            f"SELECT id FROM {source} WHERE NOT EXISTS"
            f" (SELECT FROM ledger WHERE source = '{source}' AND row_id = {source}.id) ORDER BY id"
        )
        for (row_id,) in rows:
            yield source, int(row_id)


def _records(connection: Connection, source: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"SELECT {_SOURCES[source]} FROM {source} WHERE id = ANY(%s)".encode(), (list(ids),))
        return {row["id"]: as_chained(row) for row in rows}


def as_chained(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as it is chained: without what came to the table later and says nothing of it, so that what was
    chained before still verifies."""
    return {name: value for name, value in record.items() if name != "unclaimed" or value is not None}


def checkpoint(connection: Connection, key: Ed25519PrivateKey, now: datetime) -> Checkpoint | None:
    """Sign the head of the chain as of `now`; None where nothing was added since the last checkpoint."""
    row = connection.execute(
        "SELECT no, hash FROM ledger WHERE no > coalesce((SELECT max(no) FROM ledger_checkpoints), 0)"
        " ORDER BY no DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    made = ledger.sign(key, int(row[0]), bytes(row[1]), now)
    connection.execute(
        "INSERT INTO ledger_checkpoints (no, hash, at, public_key, signature) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (no) DO NOTHING",
        (made.no, made.hash, made.at, made.public_key, made.signature),
    )
    return made


def last_checkpoint_at(connection: Connection) -> datetime | None:
    """When the ledger was last signed, None for never."""
    row = connection.execute("SELECT max(at) FROM ledger_checkpoints").fetchone()
    return row[0] if row else None


def checkpoints(connection: Connection) -> list[Checkpoint]:
    """Every checkpoint, oldest first."""
    rows = connection.execute("SELECT no, hash, at, public_key, signature FROM ledger_checkpoints ORDER BY no")
    return [Checkpoint(no, bytes(digest), at, bytes(key), bytes(mark)) for no, digest, at, key, mark in rows]
