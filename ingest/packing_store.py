"""Closed days: packed into one row a point (decision 13), cleared away when their time is over; what it all weighs.

A day is closed by `close`, which holds for whatever is stored from its commit on. Its chunk, which nobody writes to any
more, is then packed and dropped in one transaction. What comes for it later waits in readings_late and is merged by the
next packing. The functions readings_of and readings_within answer the same before, meanwhile and after.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

import psycopg

from ingest.copy_format import COPY_COLUMNS
from ingest.database import Connection, edition

DAY: Final = timedelta(days=1)
_TURN_LOCK: Final = 0x53544F52
MERGED_MAX: Final = 50  # days of a point in one transaction: who stores the same reading just then waits for it
SORT_MIB: Final = 64
COUNTED_BYTES_MAX: Final = 256 << 20
DROP_TRIES: Final = 5
DROP_WAIT_S: Final = 2.0  # how long those who ask for the day may be held up by the wait for those who read it

# What `day` and `source` are put into; the same for a chunk and for a few days to be merged. Sorted once, by point and
# time; nothing is held in memory but one day of one point, and sorting goes to the disk beyond SORT_MIB.
_PACK: Final = """
INSERT INTO readings_packed (day, point_id, count, unit_us, step, first_at, last_at, gap2, gap4, gap8, value, delay2,
  delay4, quality)
SELECT day, point_id, count, unit_us, step, first_at, last_at,
  CASE WHEN widest < 32768 THEN gaps::smallint[] END,
  CASE WHEN widest >= 32768 AND widest < 2147483648 THEN gaps::int[] END,
  CASE WHEN widest >= 2147483648 THEN gaps END,
  value,
  CASE WHEN short THEN delays::smallint[] END, CASE WHEN NOT short THEN delays END,
  CASE WHEN doubtful THEN quality END
FROM (
  SELECT day, point_id, count(*)::int AS count, max(unit_us) AS unit_us, coalesce(max(step), 0) AS step,
    min(measured_at) AS first_at, max(measured_at) AS last_at,
    coalesce(max(gap_us / unit_us - step), 0) AS widest,
    array_agg(coalesce(gap_us / unit_us - step, 0) ORDER BY measured_at) AS gaps,
    array_agg(value ORDER BY measured_at) AS value,
    array_agg(delay_ms ORDER BY measured_at) AS delays,
    min(delay_ms) >= -32768 AND max(delay_ms) < 32768 AS short,
    array_agg(quality ORDER BY measured_at) AS quality, count(quality) > 0 AS doubtful
  FROM (
    SELECT *, min(gap_us) OVER whole / unit_us AS step FROM (
      SELECT *, CASE WHEN bool_and(gap_us %% 1000 = 0) OVER whole THEN 1000 ELSE 1 END AS unit_us FROM (
        SELECT *, (extract(epoch FROM measured_at
            - lag(measured_at) OVER (PARTITION BY day, point_id ORDER BY measured_at)) * 1000000)::bigint AS gap_us
        FROM ({source}) AS source
      ) AS apart WINDOW whole AS (PARTITION BY day, point_id)
    ) AS unified WINDOW whole AS (PARTITION BY day, point_id)
  ) AS stepped GROUP BY day, point_id
) AS packed
"""
_OF_DAY: Final = (
    "SELECT %(day)s::date AS day, point_id, measured_at, value, delay_ms, quality FROM readings"
    " WHERE measured_at >= %(start)s AND measured_at < %(end)s"
)
# The days of points with anything late. What was stored first counts.
_TAKE_LATE: Final = """
CREATE TEMP TABLE merging ON COMMIT DROP AS
WITH chosen AS (
  SELECT DISTINCT point_id, (measured_at AT TIME ZONE 'UTC')::date AS day FROM (
    SELECT point_id, measured_at FROM readings_late l WHERE NOT EXISTS (
      SELECT FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS unpacked (start, until)
      WHERE l.measured_at >= unpacked.start AND l.measured_at < unpacked.until)
    ORDER BY point_id, measured_at LIMIT 20000
  ) AS oldest ORDER BY point_id, day LIMIT %(count)s
), late AS (
  DELETE FROM readings_late l USING chosen c WHERE l.point_id = c.point_id
    AND l.measured_at >= c.day::timestamp AT TIME ZONE 'UTC'
    AND l.measured_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
  RETURNING c.day, l.point_id, l.measured_at, l.value, l.delay_ms, l.quality
), together AS (
  SELECT 0 AS turn, p.day, p.point_id, p.measured_at, p.value, p.delay_ms, p.quality
    FROM chosen c JOIN readings_unpacked p ON p.point_id = c.point_id AND p.day = c.day
  UNION ALL SELECT 1, * FROM late
)
SELECT DISTINCT ON (point_id, measured_at) day, point_id, measured_at, value, delay_ms, quality
FROM together ORDER BY point_id, measured_at, turn
"""
_UNPACKED_BEFORE: Final = (
    "SELECT range_start, range_end, format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks"
    " WHERE hypertable_name = 'readings' AND hypertable_schema = current_schema AND range_end <= %s ORDER BY 1"
)
_UNSORTED_HOURS: Final = (
    "SELECT range_start, range_end, format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks"
    " WHERE hypertable_name = 'readings_1h' AND hypertable_schema = current_schema AND range_end <= %s"
    " AND NOT EXISTS (SELECT FROM pg_index WHERE indisclustered"
    "  AND indrelid = format('%%I.%%I', chunk_schema, chunk_name)::regclass) ORDER BY 1"
)
_TABLES: Final = ("readings", "readings_packed", "readings_1min", "readings_1h")


class Chunk(NamedTuple):
    """One chunk of readings, by what it holds: [start, end), whole days."""

    start: datetime
    end: datetime
    name: str


class Weight(NamedTuple):
    """What one table holds: rows, for packed days the readings in them (None where they are of no interest), and bytes
    on disk with its indexes."""

    table: str
    rows: int | None
    bytes: int


def store_late(connection: Connection, body: bytes) -> int:
    """Store the rows of a binary COPY whose days are closed, in the caller's transaction; how many of them are new here
    (the packed day may have them already, which the next packing finds out)."""
    return store_past_conflicts(connection, "readings_late", body)


def store_past_conflicts(connection: Connection, table: str, body: bytes) -> int:
    """Store the rows of a binary COPY into `table`, passing over those that are there; how many were stored."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS readings_stage (LIKE readings) ON COMMIT DELETE ROWS")
        cursor.execute("TRUNCATE readings_stage")
        with cursor.copy(f"COPY readings_stage {COPY_COLUMNS} FROM STDIN (FORMAT binary)".encode()) as copy:
            copy.write(body)
        cursor.execute(
            f"INSERT INTO {table} {COPY_COLUMNS} SELECT measured_at, point_id, value, delay_ms, quality"
            " FROM readings_stage ON CONFLICT DO NOTHING".encode()
        )
        return cursor.rowcount


def close(connection: Connection, until: datetime) -> None:
    """Close all days before `until` (a midnight, UTC; never past what is rolled up). In a transaction of its own, as
    rollup_store.announce."""
    connection.execute("SET LOCAL synchronous_commit = off")
    connection.execute(
        "UPDATE storage_boundaries SET packing_until = greatest(packing_until,"
        " least(%s, date_trunc('day', rolled_until, 'UTC'))) FROM storage_progress",
        (until,),
    )


def closed_chunks(connection: Connection) -> list[Chunk]:
    """The chunks of closed days that have not been packed, oldest first."""
    rows = connection.execute("SELECT packing_until FROM storage_boundaries").fetchone()
    return [Chunk(*row) for row in connection.execute(_UNPACKED_BEFORE, rows)]


def pack(connection: Connection, chunk: Chunk) -> int:
    """Pack a chunk of closed days and drop it, in the caller's transaction; how many readings it had.

    Raises psycopg.errors.LockNotAvailable where somebody reads that day all the time; then nothing has happened.
    """
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(f"SET LOCAL work_mem = '{SORT_MIB}MB'".encode())
    connection.execute("SET LOCAL enable_hashagg = off")
    # Nobody should write to it any more; who does in spite of that waits, and is refused.
    connection.execute(f"LOCK TABLE {chunk.name} IN SHARE MODE".encode())
    count, start = 0, chunk.start
    while start < chunk.end:
        day = {"day": start.astimezone(UTC).date(), "start": start, "end": start + DAY}
        connection.execute(_PACK.format(source=_OF_DAY).encode(), day)
        count += _note_day(connection, start.astimezone(UTC).date())
        start += DAY
    _drop(connection, chunk)
    return count


def _note_day(connection: Connection, day: date) -> int:
    """Note how many readings the packed day has."""
    row = connection.execute(
        "INSERT INTO packed_days (day, readings) SELECT %(day)s, coalesce(sum(count), 0) FROM readings_packed"
        " WHERE day = %(day)s ON CONFLICT (day) DO UPDATE SET readings = excluded.readings, packed_at = now()"
        " RETURNING readings",
        {"day": day},
    ).fetchone()
    return int(row[0]) if row else 0


def _drop(connection: Connection, chunk: Chunk) -> None:
    """Drop the chunk once nobody reads it. Who asks for its day meanwhile waits behind us, so we don't wait long, and
    rather several times."""
    for number in range(DROP_TRIES):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT_S}s'".encode())
                connection.execute(
                    "SELECT drop_chunks('readings', older_than => %s::timestamptz, newer_than => %s::timestamptz)",
                    (chunk.end, chunk.start),
                )
        except psycopg.errors.LockNotAvailable:
            if number == DROP_TRIES - 1:
                raise
        else:
            return


def merge_late(connection: Connection) -> int:
    """Merge what came late into some of the days that are packed, in the caller's own transaction; into how many days
    of points. What is late for a day still to be packed waits."""
    unpacked = closed_chunks(connection)
    span = {"starts": [each.start for each in unpacked], "ends": [each.end for each in unpacked]}
    connection.execute("DROP TABLE IF EXISTS pg_temp.merging")
    connection.execute(_TAKE_LATE.encode(), {"count": MERGED_MAX, **span})
    days = [row[0] for row in connection.execute("SELECT DISTINCT day FROM merging")]
    connection.execute(
        "DELETE FROM readings_packed p USING (SELECT DISTINCT point_id, day FROM merging) AS m"
        " WHERE p.point_id = m.point_id AND p.day = m.day"
    )
    merged = connection.execute(_PACK.format(source="SELECT * FROM merging").encode(), {}).rowcount
    for day in days:
        _note_day(connection, day)
    return merged


def unsorted_hours(connection: Connection, before: datetime) -> list[Chunk]:
    """The chunks of hours that end before then and lie as they came: hour by hour, each point's on pages far apart."""
    return [Chunk(*row) for row in connection.execute(_UNSORTED_HOURS, (before,))]


def sort_hours(connection: Connection, chunk: Chunk) -> None:
    """Write a chunk of hours anew, point by point, in the caller's transaction: a year of a point then lies on a
    hundred pages instead of thousands. Charts that reach there wait meanwhile. Raises psycopg.errors.LockNotAvailable.
    """
    row = connection.execute(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = %s::regclass AND i.indisunique",
        (chunk.name,),
    ).fetchone()
    if row is None:
        raise RuntimeError(f"{chunk.name} has lost its index")
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT_S}s'".encode())
    connection.execute(f'CLUSTER {chunk.name} USING "{row[0]}"'.encode())
    connection.execute(f"ANALYZE {chunk.name}".encode())


def use_columnstore(connection: Connection, after_days: float) -> None:
    """On the community edition: TimescaleDB packs by itself what is older than `after_days`, into its columnstore."""
    enabled = connection.execute(
        "SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'readings'"
        " AND hypertable_schema = current_schema AND compression_enabled"
    ).fetchone()
    if enabled is None:
        connection.execute(
            "ALTER TABLE readings SET (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'point_id',"
            " timescaledb.orderby = 'measured_at')"
        )
    connection.execute(
        "CALL add_columnstore_policy('readings', after => %s::interval, if_not_exists => true)",
        (timedelta(days=after_days),),
    )


def has_columnstore(connection: Connection) -> bool:
    """Whether this is the community edition."""
    return edition(connection)[1] == "community"


def clear(connection: Connection, raw: datetime, minutes: datetime, hours: datetime) -> int:
    """Drop what is wholly older than these times, in the caller's transaction: readings before `raw` (never any
    that are not rolled up), rollups before `minutes` and `hours`. How many chunks went."""
    row = connection.execute("SELECT least(%s, rolled_until) FROM storage_progress", (raw,)).fetchone()
    raw = row[0] if row else raw
    count = 0
    for table, before in zip(_TABLES, (raw, raw.astimezone(UTC).date(), minutes, hours), strict=True):
        count += connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (table, before)).rowcount
    connection.execute("UPDATE storage_progress SET minutes_since = greatest(minutes_since, %s)", (minutes,))
    connection.execute("DELETE FROM readings_late WHERE measured_at < %s", (raw,))
    connection.execute(
        "DELETE FROM packed_days WHERE day < %s AND NOT EXISTS"
        " (SELECT FROM readings_packed p WHERE p.day = packed_days.day)",
        (raw.astimezone(UTC).date(),),
    )
    return count


def weights(connection: Connection) -> list[Weight]:
    """What every table weighs, the heaviest first. Rows are told of readings and rollups: counted where that is quick,
    else as the database estimates."""
    found = [
        Weight(str(name), _rows(connection, str(name), int(size)), int(size))
        for name, size in connection.execute(
            "SELECT hypertable_name, hypertable_size(format('%I.%I', hypertable_schema, hypertable_name)::regclass)"
            " FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema"
        ).fetchall()
    ]
    found += [
        Weight(str(name), None, int(size))
        for name, size in connection.execute(
            "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c"
            " WHERE c.relnamespace = current_schema::regnamespace AND c.relkind = 'r' AND c.relname <> ALL (%s)",
            ([each.table for each in found],),
        )
    ]
    return sorted(found, key=lambda each: (-each.bytes, each.table))


def _rows(connection: Connection, table: str, size: int) -> int:
    if table == "readings_packed":
        statement = "SELECT coalesce(sum(readings), 0)::bigint FROM packed_days"
    elif size <= COUNTED_BYTES_MAX:
        statement = f"SELECT count(*) FROM {table}"
    else:
        statement = f"SELECT approximate_row_count('{table}')"
    row = connection.execute(statement.encode()).fetchone()
    return int(row[0]) if row else 0


def note_night(connection: Connection, night: datetime) -> None:
    """That night's work is done."""
    connection.execute("UPDATE storage_progress SET night_at = %s", (night,))


@contextmanager
def turn(connection: Connection) -> Iterator[bool]:
    """Roll up, pack and clear only inside, and only where this is True: one session at a time does."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_TURN_LOCK,)).fetchone()
    mine = bool(row and row[0])
    try:
        yield mine
    finally:
        if mine and not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_TURN_LOCK,))
