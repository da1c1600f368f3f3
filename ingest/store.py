"""All SQL of the intake: registry, readings, dead letters, unclaimed devices, the pipeline's sign of life."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import psycopg

from ingest import packing_store, panel_store, rollup_store, shard_store
from ingest.copy_format import COPY_COLUMNS, copy_rows, distinct, rows_read
from ingest.database import Connection
from ingest.errors import Refusal, RegistryFileInvalid
from ingest.message import PAYLOAD_KEPT_BYTES, DeadLetter
from ingest.quantity import QUANTITIES
from ingest.reading import ReadingBatch, from_us
from ingest.registry import PANEL_PREFIX, Device, Institution, Point, Registry, Zone
from ingest.registry_file import Draft, InstitutionDraft, ZoneDraft
from ingest.shards import THE_ONE, Shard
from ingest.unclaimed import Unclaimed

REGISTRY_CHANNEL: Final = "registry"

store_panels, prune_panel_reports = panel_store.store_panels, panel_store.prune_panel_reports


def store_readings(connection: Connection, batch: ReadingBatch) -> int:
    """Store the batch in the caller's transaction; a reading that is there already is passed over. Rows stored, where
    what comes after its day was closed counts even if the packed day has it already."""
    batch = distinct(batch)
    if not len(batch):
        return 0
    rolling_us, packing_us = rollup_store.hold_boundaries(connection)
    late = batch.measured_at_us < rolling_us
    if late.any():
        rollup_store.mark_late(connection, batch.take(late))
    closed = batch.measured_at_us < packing_us
    if not closed.any():
        return _store_open(connection, batch)
    count = packing_store.store_late(connection, copy_rows(batch.take(closed)))
    return count if closed.all() else count + _store_open(connection, batch.take(~closed))


def _store_open(connection: Connection, batch: ReadingBatch) -> int:
    body = copy_rows(batch)
    try:
        with connection.transaction(), connection.cursor() as cursor:  # a savepoint: a conflict undoes the COPY alone
            with cursor.copy(f"COPY readings {COPY_COLUMNS} FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.write(body)
            return cursor.rowcount
    except psycopg.errors.UniqueViolation:
        return packing_store.store_past_conflicts(connection, "readings", body)


def store_dead_letters(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep `letters` and count them by reason, in the caller's transaction."""
    if not letters:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO dead_letters (received_at, topic, reason, detail, payload, payload_bytes)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (from_us(each.received_at_us), each.topic, each.reason, each.detail, each.payload, each.payload_bytes)
                for each in letters
            ],
        )
        # In one order, so that two writers cannot wait for each other.
        cursor.executemany(
            "INSERT INTO dead_letter_totals (reason, count) VALUES (%s, %s)"
            " ON CONFLICT (reason) DO UPDATE SET count = dead_letter_totals.count + excluded.count",
            sorted(Counter(each.reason for each in letters).items()),
        )


def prune_dead_letters(connection: Connection, kept_max: int) -> int:
    """Drop the oldest dead letters beyond `kept_max` (their totals stay counted); how many went."""
    return connection.execute(
        "DELETE FROM dead_letters WHERE id <= (SELECT max(id) - %s FROM dead_letters)", (kept_max,)
    ).rowcount


def store_unclaimed(connection: Connection, entries: Sequence[Unclaimed], kept_max: int) -> list[DeadLetter]:
    """Note what unregistered devices sent, in the caller's transaction.

    At most `kept_max` things are listed, lest made-up names fill the disk; the rest is answered as dead letters.
    """
    if not entries:
        return []
    keys = [(each.institution, each.device, each.quantity) for each in entries]
    institutions, devices, quantities = map(list, zip(*keys, strict=True))
    known = {
        tuple(row)
        for row in connection.execute(
            "SELECT institution, device, quantity FROM unclaimed_devices WHERE (institution, device, quantity) IN"
            " (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))",
            (institutions, devices, quantities),
        )
    }
    row = connection.execute("SELECT count(*) FROM unclaimed_devices").fetchone()
    room = kept_max - (int(row[0]) if row else 0)
    rows, refused = [], []
    for key, each in sorted(zip(keys, entries, strict=True), key=lambda pair: pair[0]):
        if key not in known:
            if room <= 0:
                refused.append(_unlisted(each))
                continue
            room -= 1
        first, last = from_us(each.first_seen_us), from_us(each.last_seen_us)
        payload = each.last_message.payload[:PAYLOAD_KEPT_BYTES]
        topic = each.last_message.topic[:500].replace("\0", "\\0")
        rows.append((*key, each.reason, first, last, each.message_count, topic, payload, sorted(each.quantities)))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO unclaimed_devices VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (institution, device, quantity) DO UPDATE SET reason = excluded.reason,"
            " last_seen_at = excluded.last_seen_at, last_topic = excluded.last_topic,"
            " last_payload = excluded.last_payload,"
            " message_count = unclaimed_devices.message_count + excluded.message_count, quantities = ARRAY(SELECT"
            " unnest(unclaimed_devices.quantities) UNION SELECT unnest(excluded.quantities) ORDER BY 1)",
            rows,
        )
    return refused


def _unlisted(entry: Unclaimed) -> DeadLetter:
    detail = f"{entry.reason}: {entry.institution}/{entry.device}; the list of unclaimed devices is full"
    message = entry.last_message
    return DeadLetter(
        entry.last_seen_us, message.topic[:500].replace("\0", "\\0"), Refusal.UNCLAIMED_FULL, detail,
        message.payload[:PAYLOAD_KEPT_BYTES], len(message.payload),
    )  # fmt: skip


def registry_version(connection: Connection) -> int:
    """The number that moves with every change of the registry."""
    row = connection.execute("SELECT version FROM registry_version").fetchone()
    return int(row[0]) if row else 0


def load_registry(connection: Connection, shard: Shard = THE_ONE) -> Registry:
    """The whole registry, or a shard's part of it, as of the caller's transaction."""
    if not shard.whole:
        return shard_store.load_part(connection, shard, registry_version(connection))
    points = connection.execute("SELECT id, device_id, quantity, unit FROM points ORDER BY id")
    return _registry(connection, (Point(*row) for row in points))


def load_places(connection: Connection) -> Registry:
    """The registry without its points, which are most of it: for who tells where things stand, and judges nothing."""
    return _registry(connection, ())


def _registry(connection: Connection, points: Iterable[Point]) -> Registry:
    version = registry_version(connection)
    institutions = connection.execute("SELECT id, code, name, name_en, kind, region FROM institutions ORDER BY id")
    zones = connection.execute("SELECT id, institution_id, code, name, name_en, kind, floor FROM zones ORDER BY id")
    devices = connection.execute(
        "SELECT id, institution_id, zone_id, code, name, kind, model, report_interval_s, wear, address"
        " FROM devices ORDER BY id"
    )
    return Registry.build(
        version,
        (Institution(*row) for row in institutions),
        (Zone(*row) for row in zones),
        (Device(*row) for row in devices),
        points,
    )


def import_registry(connection: Connection, draft: Draft) -> None:
    """Bring `draft` in, in the caller's transaction: what is new is added, what is there takes the file's values.

    Nothing is ever removed by an import, and the points of a device only grow: their readings stay theirs. Raises
    RegistryFileInvalid for an address that is another device's.
    """
    for institution in draft.institutions.values():
        institution_id = _upsert_institution(connection, institution)
        for zone in institution.zones.values():
            _upsert_zone(connection, institution_id, zone)
        _set_addresses(connection, institution_id, institution)
    forget_claimed(connection)
    registry_changed(connection)


def registry_changed(connection: Connection) -> None:
    """Let a running service read the registry again, once the caller's transaction is committed."""
    connection.execute("UPDATE registry_version SET version = version + 1")
    connection.execute("SELECT pg_notify(%s, '')", (REGISTRY_CHANNEL,))


def forget_claimed(connection: Connection) -> None:
    """Take what is registered by now off the list of unclaimed things, in the caller's transaction."""
    connection.execute(
        "DELETE FROM unclaimed_devices u USING institutions i, devices d WHERE i.code = u.institution"
        " AND d.institution_id = i.id AND u.device IN (d.code, d.address) AND (u.quantity = ''"
        " OR EXISTS (SELECT FROM points p WHERE p.device_id = d.id AND p.quantity = u.quantity))"
    )


def _upsert_institution(connection: Connection, draft: InstitutionDraft) -> int:
    row = connection.execute(
        "INSERT INTO institutions (code, name, name_en, kind, region) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name, name_en = excluded.name_en, kind = excluded.kind,"
        " region = excluded.region RETURNING id",
        (draft.code, draft.name, draft.name_en, draft.kind, draft.region),
    ).fetchone()
    return _only_id(row)


def _upsert_zone(connection: Connection, institution_id: int, draft: ZoneDraft) -> None:
    row = connection.execute(
        "INSERT INTO zones (institution_id, code, name, name_en, kind, floor) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (institution_id, code) DO UPDATE SET name = excluded.name, name_en = excluded.name_en,"
        " kind = excluded.kind, floor = excluded.floor RETURNING id",
        (institution_id, draft.code, draft.name, draft.name_en, draft.kind, draft.floor),
    ).fetchone()
    zone_id = _only_id(row)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO devices (institution_id, zone_id, code, name, kind, model, report_interval_s, wear,"
            " installed_on, test_due_on) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (institution_id, code) DO UPDATE SET"
            " zone_id = excluded.zone_id, name = excluded.name, kind = excluded.kind, model = excluded.model,"
            " report_interval_s = excluded.report_interval_s, wear = excluded.wear,"
            " installed_on = coalesce(excluded.installed_on, devices.installed_on),"  # a file need not name them
            " test_due_on = coalesce(excluded.test_due_on, devices.test_due_on)",
            [
                (
                    institution_id,
                    zone_id,
                    each.code,
                    each.name,
                    each.kind,
                    each.model,
                    each.report_interval_s,
                    each.wear,
                    each.installed_on,
                    each.test_due_on,
                )
                for each in draft.devices.values()
            ],
        )
        cursor.executemany(
            "INSERT INTO points (device_id, quantity, unit) SELECT id, %s, %s FROM devices"
            " WHERE institution_id = %s AND code = %s ON CONFLICT (device_id, quantity) DO NOTHING",
            [
                (quantity, QUANTITIES[quantity].unit, institution_id, each.code)
                for each in draft.devices.values()
                for quantity in each.quantities
            ],
        )


def _set_addresses(connection: Connection, institution_id: int, draft: InstitutionDraft) -> None:
    """Give the devices their addresses, those of which the file says one; two may have changed theirs for each
    other's."""
    devices = [each for zone in draft.zones.values() for each in zone.devices.values()]
    addresses = {each.code: each.address for each in devices if each.address is not None}
    connection.execute(
        "UPDATE devices SET address = '' WHERE institution_id = %s AND code = ANY(%s) AND address <> ''",
        (institution_id, list(addresses)),
    )
    given = {code: address for code, address in addresses.items() if address}
    taken = connection.execute(
        "SELECT address, code FROM devices WHERE address = ANY(%s) AND (institution_id = %s OR address LIKE %s)"
        " ORDER BY address",  # a fire panel's is its own everywhere: it does not say for whom it speaks
        (list(given.values()), institution_id, f"{PANEL_PREFIX}%"),
    ).fetchall()
    if taken:
        raise RegistryFileInvalid(
            [(None, f"{draft.code}: the address {address} is that of device {code} already") for address, code in taken]
        )
    connection.execute(
        "UPDATE devices SET address = given.address FROM unnest(%s::text[], %s::text[]) AS given (code, address)"
        " WHERE institution_id = %s AND devices.code = given.code",
        (list(given), list(given.values()), institution_id),
    )


def _only_id(row: tuple[object, ...] | None) -> int:
    if row is None or not isinstance(row[0], int):
        raise psycopg.InternalError("INSERT … RETURNING returned nothing")
    return row[0]


def readings_since(
    connection: Connection, since: datetime, until: datetime, points: Sequence[int] | None = None
) -> ReadingBatch:
    """The readings measured in [since, until), of all points or of `points`, by time and point."""
    asked = "readings_within(" if points is None else "readings_of(%(points)s::int[], "
    statement = (
        "COPY (SELECT measured_at, point_id, value, delay_ms, coalesce(quality, 0::smallint)"  # as COPY_COLUMNS
        f" FROM {asked}%(since)s::timestamptz, %(until)s::timestamptz)) TO STDOUT (FORMAT binary)"
    )
    parameters = {"points": points, "since": since, "until": until}
    with connection.cursor() as cursor, cursor.copy(statement.encode(), parameters) as copy:
        body = bytearray()
        for part in copy:  # a row each: millions of them in a province, which as objects of Python's would be gigabytes
            body += part
    return rows_read(body)


class Heartbeat(NamedTuple):
    """The pipeline's sign of life: counts are since `started_at`; lag is how long the oldest waiting message waits."""

    shard: int
    at: datetime
    started_at: datetime
    pid: int
    messages: int
    readings: int
    dead_letters: int
    inbox_count: int
    lag_ms: int


def store_heartbeat(connection: Connection, beat: Heartbeat) -> None:
    """Write the sign of life of one shard, in the caller's transaction."""
    connection.execute(
        "INSERT INTO pipeline_heartbeats VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (shard) DO UPDATE SET"
        " at = excluded.at, started_at = excluded.started_at, pid = excluded.pid, messages = excluded.messages,"
        " readings = excluded.readings, dead_letters = excluded.dead_letters, inbox_count = excluded.inbox_count,"
        " lag_ms = excluded.lag_ms",
        beat,
    )


def spool_progress(connection: Connection, spool: UUID) -> int:
    """The number of the last batch of that spool that has been stored, 0 for none."""
    row = connection.execute("SELECT number FROM spool_progress WHERE spool = %s", (spool,)).fetchone()
    return int(row[0]) if row else 0


def note_spool_progress(connection: Connection, spool: UUID, number: int) -> None:
    """Note that the batches of that spool up to `number` are stored, in the transaction that stores them."""
    connection.execute(
        "INSERT INTO spool_progress (spool, number) VALUES (%s, %s)"
        " ON CONFLICT (spool) DO UPDATE SET number = excluded.number",
        (spool, number),
    )


def hold_shard(connection: Connection, shard: int) -> bool:
    """Take the session-wide lock of `shard`; False while another pipeline holds it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (0x53484152, shard)).fetchone()
    return bool(row and row[0])


def commit_before_flush(connection: Connection) -> None:
    """Let the caller's transaction be committed, and seen by everybody, before it is on the disk. A server that crashes
    may lose it, with all that was committed so after it, but nothing in between."""
    connection.execute("SET LOCAL synchronous_commit = off")


def flush(connection: Connection) -> None:
    """Make the commit of the caller's transaction wait until it is on the disk, and everything committed before it:
    a message to nobody in the write-ahead log, as a transaction that writes nothing waits for nothing."""
    connection.execute("SELECT pg_logical_emit_message(true, 'anhu', '')")


_ARRIVED_US: Final = "(extract(epoch FROM measured_at) * 1000000)::bigint + delay_ms::bigint * 1000"
_NEWEST_OPEN: Final = (
    "SELECT id, measured_at, delay_ms FROM points{part},"
    " LATERAL (SELECT measured_at, delay_ms FROM readings WHERE point_id = points.id AND measured_at > %(since)s"
    " AND (points.quantity <> 'alive' OR value > 0) ORDER BY measured_at DESC LIMIT 1) newest"
)
_PART: Final = " JOIN unnest(%(points)s::int[]) AS part (point) ON part.point = points.id"
_HEARD_OPEN: Final = f"SELECT id, {_ARRIVED_US} FROM ({_NEWEST_OPEN}) AS heard"
_HEARD_EVER: Final = (
    f"SELECT DISTINCT ON (id) id, {_ARRIVED_US} FROM ({_NEWEST_OPEN}"
    " UNION ALL SELECT id, last_at, coalesce(delay4[count], delay2[count]) FROM readings_packed"
    "  JOIN points ON id = point_id AND quantity <> 'alive'"
    "  WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND last_at > %(since)s"
    " UNION ALL SELECT id, measured_at, delay_ms FROM readings_unpacked"
    "  JOIN points ON id = point_id AND quantity = 'alive'"
    "  WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND measured_at > %(since)s AND value > 0"
    " UNION ALL SELECT id, measured_at, delay_ms FROM readings_late JOIN points ON id = point_id"
    "  WHERE measured_at > %(since)s AND (quantity <> 'alive' OR value > 0)) AS heard"
    " ORDER BY id, measured_at DESC"
)


def last_heard(connection: Connection, since: datetime, points: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """(point id, when its newest reading arrived, in µs since 1970) of every point with a reading after `since`, or of
    those among `points`. What a gateway said of a device out of its reach is none of the device's."""
    is_open = since >= rollup_store.progress(connection).packing_until
    statement = (_HEARD_OPEN if is_open else _HEARD_EVER).replace("{part}", "" if points is None else _PART)
    rows = connection.execute(statement.encode(), {"since": since, "points": points})
    wanted = None if points is None else frozenset(points)  # what is packed is read for all
    return [(int(point_id), int(at_us)) for point_id, at_us in rows if wanted is None or point_id in wanted]


def drill_key(connection: Connection) -> bytes:
    """The key with which the service signs its calls for drills. A secret: never log it."""
    row = connection.execute("SELECT key FROM drill_key").fetchone()
    if row is None:
        raise RuntimeError("the migration has drawn no key for drills")
    return bytes(row[0])


def institutions_with_devices(connection: Connection) -> list[tuple[int, datetime, list[int]]]:
    """(id, when registered, ids of its devices) of every institution that has any, by id."""
    rows = connection.execute(
        "SELECT institutions.id, institutions.created_at, array_agg(devices.id ORDER BY devices.id) FROM institutions"
        " JOIN devices ON devices.institution_id = institutions.id GROUP BY 1 ORDER BY 1"
    )
    return [(row[0], row[1], row[2]) for row in rows]
