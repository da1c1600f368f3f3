"""All SQL of the shards: how many there are, what their sessions subscribe, and the locks that workers know each other
by."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

from ingest.database import Connection
from ingest.errors import ShardsDiffer
from ingest.registry import Device, Institution, Point, Registry, Zone
from ingest.shards import Shard, View

FAST_SESSION: Final = (
    # A machine that vanished without a word is noticed in four seconds, so that its shards are judged again within ten.
    "SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 4000"
)


class Lock(IntEnum):
    """What a session-wide advisory lock says by its first key; the second is a worker's or a shard's number."""

    WORKER = 0x574F524B  # this worker is alive
    CLAIM = 0x434C4149  # this worker serves the shard
    SPOOL = 0x53504F4F  # on this worker's machine something of the shard waits to be stored
    ILL = 0x494C4C5F  # this worker fails with a shard again and again


def agree_count(connection: Connection, count: int) -> None:
    """State the number of shards, in the caller's transaction, where nobody has. Raises ShardsDiffer where it is
    another one."""
    connection.execute("INSERT INTO shard_count (count) VALUES (%s) ON CONFLICT (only_row) DO NOTHING", (count,))
    stated = stated_count(connection)
    if stated != count:
        raise ShardsDiffer(
            f"this installation has {stated} shards, and ANHU_PIPELINE_SHARDS says {count}: set it to {stated} for"
            " every role and machine; docs/scale-out.md tells how the number is changed"
        )


def stated_count(connection: Connection) -> int | None:
    """How many shards there are, None before that was stated."""
    row = connection.execute("SELECT count FROM shard_count").fetchone()
    return int(row[0]) if row else None


def restate_count(connection: Connection, count: int) -> None:
    """State another number, in the caller's transaction; what was known of the former shards is forgotten."""
    connection.execute(
        "INSERT INTO shard_count (count) VALUES (%s)"
        " ON CONFLICT (only_row) DO UPDATE SET count = excluded.count, stated_at = now()",
        (count,),
    )
    connection.execute("DELETE FROM shard_subscriptions WHERE of_count <> %s", (count,))
    connection.execute("DELETE FROM pipeline_heartbeats")


def prepared(connection: Connection, count: int) -> bool:
    """Whether every one of `count` shards has a session."""
    row = connection.execute("SELECT count(*) FROM shard_subscriptions WHERE of_count = %s", (count,)).fetchone()
    return row is not None and row[0] == count


def subscribed(connection: Connection, shard: Shard) -> list[str]:
    """What the shard's session may be subscribed to."""
    row = connection.execute(
        "SELECT filters FROM shard_subscriptions WHERE (of_count, shard) = (%s, %s)", (shard.count, shard.number)
    ).fetchone()
    return list(row[0]) if row else []


def note_subscribed(connection: Connection, shard: Shard, filters: Sequence[str]) -> None:
    """Note what the shard's session may be subscribed to, before the broker is asked."""
    connection.execute(
        "INSERT INTO shard_subscriptions (of_count, shard, filters) VALUES (%s, %s, %s)"
        " ON CONFLICT (of_count, shard) DO UPDATE SET filters = excluded.filters",
        (shard.count, shard.number, list(filters)),
    )


def lock(connection: Connection, kind: Lock, number: int) -> bool:
    """Take a lock for the life of the connection; False while another has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (kind, number)).fetchone()
    return bool(row and row[0])


def unlock(connection: Connection, kind: Lock, number: int) -> None:
    """Let go of a lock that this connection has taken once."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (kind, number))


def view(connection: Connection) -> View:
    """Who is alive and has what, as the locks of this database say."""
    rows = connection.execute(
        "SELECT pid, classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 2"
        " AND classid::bigint = ANY(%s)",
        (list(map(int, Lock)),),
    ).fetchall()
    workers = {pid: number for pid, kind, number in rows if kind == Lock.WORKER}
    held = {
        kind: {number: workers[pid] for pid, of, number in rows if of == kind and pid in workers}
        for kind in (Lock.CLAIM, Lock.SPOOL)
    }
    ill = frozenset(number for _, kind, number in rows if kind == Lock.ILL)
    return View(frozenset(workers.values()), held[Lock.CLAIM], held[Lock.SPOOL], ill)


def connections_max(connection: Connection) -> int:
    """How many connections the server takes from those who are no superusers."""
    row = connection.execute(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    ).fetchone()
    return int(row[0]) if row else 0


def writing(connection: Connection) -> bool:
    """Whether any pipeline has its shard's own lock (ingest.store.hold_shard)."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = ANY(%s))",
        ([0x53484152, int(Lock.WORKER)],),
    ).fetchone()
    return bool(row and row[0])


def load_part(connection: Connection, shard: Shard, version: int) -> Registry:
    """The shard's part of the registry, as of the caller's transaction."""
    institutions = _of(connection, shard)
    ids = [each.id for each in institutions]
    zones = connection.execute(
        "SELECT id, institution_id, code, name, name_en, kind, floor FROM zones WHERE institution_id = ANY(%s)"
        " ORDER BY id",
        (ids,),
    )
    devices = connection.execute(
        "SELECT id, institution_id, zone_id, code, name, kind, model, report_interval_s, wear, address FROM devices"
        " WHERE institution_id = ANY(%s) ORDER BY id",
        (ids,),
    )
    points = connection.execute(
        "SELECT points.id, device_id, quantity, unit FROM points JOIN devices ON devices.id = device_id"
        " WHERE institution_id = ANY(%s) ORDER BY points.id",
        (ids,),
    )
    return Registry.build(
        version,
        institutions,
        (Zone(*row) for row in zones),
        (Device(*row) for row in devices),
        (Point(*row) for row in points),
    )


def _of(connection: Connection, shard: Shard) -> list[Institution]:
    rows: Iterable[tuple[object, ...]] = connection.execute("SELECT id, code FROM institutions ORDER BY id")
    ids = [number for number, code in rows if shard.has(str(code))]
    found = connection.execute(
        "SELECT id, code, name, name_en, kind, region FROM institutions WHERE id = ANY(%s) ORDER BY id", (ids,)
    )
    return [Institution(*row) for row in found]
