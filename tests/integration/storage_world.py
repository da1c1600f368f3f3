"""Readings to be stored, and what is then there: wherever it is kept, and what rollups must hold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ingest import packing_store, store
from ingest.database import Connection
from ingest.reading import ReadingBatch, to_us

S = 1_000_000
DAY_US = 86_400 * S
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
BEGIN_US = to_us(BEGIN)
EVER = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ALL = "SELECT point_id, measured_at, value, delay_ms, quality FROM readings_within(%s, %s) ORDER BY 1, 2"
POINTS = (1, 2, 3)
TABLES = (
    "readings", "readings_1min", "readings_1h", "readings_packed", "readings_late", "packed_days", "rollup_late"
)  # fmt: skip


def begin_at(connection: Connection, at: datetime) -> None:
    connection.execute("UPDATE storage_boundaries SET rolling_until = %s", (at,))
    connection.execute("UPDATE storage_progress SET rolled_until = %s", (at,))


def empty(connection: Connection) -> None:
    """As if nothing had ever been stored."""
    for table in TABLES:
        connection.execute(f"TRUNCATE {table}".encode())
    connection.execute("UPDATE storage_boundaries SET packing_until = to_timestamp(0)")
    connection.execute("UPDATE storage_progress SET minutes_since = to_timestamp(0), night_at = NULL")


def batch(*rows: tuple[int, int, int, float, int]) -> ReadingBatch:
    """(point, µs after BEGIN, delay in ms, value, quality) each."""
    points, at, delays, values, quality = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    measured = [BEGIN_US + us for us in at]
    received = [us + delay * 1000 for us, delay in zip(measured, delays, strict=True)]
    return ReadingBatch.build(points, measured, received, values, quality)


def stored(connection: Connection) -> list[tuple[object, ...]]:
    """Every row there is, wherever it is kept, values as their bits."""
    rows = connection.execute(ALL, EVER).fetchall()
    return [(point, at, np.float32(value).tobytes(), delay, quality) for point, at, value, delay, quality in rows]


def count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - ours
    return int(row[0]) if row else 0


def put(connection: Connection, readings: ReadingBatch) -> None:
    """Store `readings` as the pipeline does, in one transaction."""
    with connection.transaction():
        store.store_readings(connection, readings)


def waits_for_lock(connection: Connection) -> bool:
    """Whether another connection to this database waits for a lock."""
    statement = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return connection.execute(statement).fetchone() is not None


def pack_all(connection: Connection, days: int) -> None:
    """Close and pack that many days from BEGIN, whose readings are all rolled up."""
    begin_at(connection, BEGIN + timedelta(days=days + 1))
    packing_store.close(connection, BEGIN + timedelta(days=days))
    for chunk in packing_store.closed_chunks(connection):
        packing_store.pack(connection, chunk)


def expected_rollup(connection: Connection, bucket: str, until: datetime) -> list[tuple[object, ...]]:
    """What a rollup must hold, worked out in Python from the readings themselves."""
    width = {"readings_1min": timedelta(minutes=1), "readings_1h": timedelta(hours=1)}[bucket]
    found: dict[tuple[int, datetime], list[tuple[datetime, float]]] = {}
    for point, at, value, _, quality in connection.execute(ALL, EVER).fetchall():
        if quality is None and at < until:
            found.setdefault((point, BEGIN + (at - BEGIN) // width * width), []).append((at, value))
    return [
        (at, point, len(rows), min(v for _, v in rows), max(v for _, v in rows), max(rows)[1],
         pytest.approx(sum(v for _, v in rows)), max(rows)[0])
        for (point, at), rows in sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))
    ]  # fmt: skip


def day_of(points: int = 3, step_s: int = 60, days: int = 1) -> ReadingBatch:
    """Every point, every `step_s` seconds."""
    return batch(
        *[
            (point, second * S + point * 1000, 90 + second % 7, 20 + second % 11 / 10, int(second % 600 == 0))
            for second in range(0, days * 86_400, step_s)
            for point in range(1, points + 1)
        ]
    )
