"""What is kept: how much a reading of a closed day weighs, and how long a chart of a day and of a year takes.

On generated readings: DEVICES devices, each with smoke, temperature and battery, once a minute by a clock of their own
with 0 to 100 ms of jitter, one message in a hundred lost, 20 to 320 ms on the way; a closed day, and an open one up to
now. The year before that is generated as hours, for YEAR_DEVICES of them. All of it is rolled up and packed by the
service's own steps.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.figures import Figure, latency_figures
from benchmarks.stage import BenchFailed, Stage
from ingest import history, packing_store, storage
from ingest.database import Connection, connect
from ingest.settings import StorageSettings

DEVICES: Final = 300
YEAR_DEVICES: Final = 100
YEAR: Final = timedelta(days=365)
CHARTS: Final = 60
POINTS_MAX: Final = 600  # as the page asks for
CLOSED_BYTES_MAX: Final = 8.0
DAY_MS_MAX: Final = 100.0
YEAR_MS_MAX: Final = 300.0

_TABLES: Final = (
    "readings", "readings_1min", "readings_1h", "readings_packed", "readings_late", "packed_days", "rollup_late"
)  # fmt: skip
_CHOSEN: Final = (
    "SELECT id, quantity, device_id FROM points WHERE quantity IN ('smoke_obscuration', 'temperature', 'battery')"
    " AND device_id <= (SELECT min(id) FROM devices) + %(devices)s - 1"
)
_READINGS: Final = f"""
INSERT INTO readings (measured_at, point_id, value, delay_ms)
SELECT at, id, CASE quantity WHEN 'battery' THEN round(2900 + 100 * random()) / 1000
    WHEN 'temperature' THEN round((20 + 3 * sin(minute / 220.0 + id) + random() / 2) * 10) / 10
    ELSE round(random() * 3) / 100 END, 20 + floor(random() * 300)
FROM generate_series(0, %(minutes)s - 1) AS minute CROSS JOIN ({_CHOSEN}) AS chosen,
  LATERAL (SELECT %(start)s::timestamptz + minute * interval '1 min' + (device_id * 7919 %% 59900) * interval '1 ms'
    + floor(random() * 100) * interval '1 ms' AS at) AS timed
WHERE random() > 0.01
"""  # noqa: S608 - no input
_HOURS: Final = f"""
INSERT INTO readings_1h (bucket, point_id, count, low, high, last, total, last_at)
SELECT hour, id, 60, 19 + random(), 22 + random(), 21, 60 * 21, hour + interval '59 min'
FROM generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 hour', interval '1 hour') AS hour
  CROSS JOIN ({_CHOSEN}) AS chosen ORDER BY hour
"""  # noqa: S608 - no input
_SUM: Final = (
    "SELECT count(*), sum(hash_record_extended(ROW(point_id, measured_at, value, delay_ms, quality), 0)::numeric)"
    " FROM readings_within(%(start)s, %(end)s)"
)


def run(stage: Stage) -> list[Figure]:
    """Fill, roll up, pack; weigh; draw."""
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    closed = today - timedelta(days=1)
    with connect(stage.database_url, autocommit=True, application="anhu bench") as connection:
        connection.execute("SET statement_timeout = 0")
        _empty(connection, closed)
        minutes = (now - closed) // timedelta(minutes=1)
        connection.execute(_READINGS.encode(), {"devices": DEVICES, "start": closed, "minutes": minutes})
        connection.execute(_HOURS.encode(), {"devices": YEAR_DEVICES, "start": closed - YEAR, "end": closed})
        connection.execute("ANALYZE readings; ANALYZE readings_1h")
        span = {"start": closed, "end": now}
        before = connection.execute(_SUM.encode(), span).fetchone()
        rolling_s = _timed(lambda: storage.roll_up(connection, now))
        packing_s = _timed(lambda: _pack(connection, today))
        storage.sort_hours(connection, today + storage.SETTLED)
        if connection.execute(_SUM.encode(), span).fetchone() != before or before is None:
            raise BenchFailed("what was packed is not what was stored")
        weights = {each.table: each for each in packing_store.weights(connection)}
        packed, open_ = weights["readings_packed"], weights["readings"]
        stage.say(
            f"{before[0]:,} readings, {packed.rows:,} of them in a closed day; {weights['readings_1h'].rows:,} hours"
            f" of points; {sum(each.bytes for each in weights.values()) / 2**30:.2f} GiB in all"
        )
        devices = [row[0] for row in connection.execute("SELECT id FROM devices ORDER BY id LIMIT %s", (YEAR_DEVICES,))]
        chosen = devices[:: max(1, len(devices) // CHARTS)]
        days_ms = [_chart_ms(connection, device, now - timedelta(days=1), now) for device in chosen]
        years_ms = [_chart_ms(connection, device, now - YEAR, now) for device in chosen]
        _empty(connection, now)  # for the groups that follow no day is closed
    return [
        Figure("store.closed_bytes_per_reading", packed.bytes / (packed.rows or 1), "bytes", CLOSED_BYTES_MAX),
        Figure("store.open_bytes_per_reading", open_.bytes / (open_.rows or 1), "bytes"),
        Figure("store.rolled_up_per_s", before[0] / rolling_s, "readings/s"),
        Figure("store.packed_per_s", (packed.rows or 0) / packing_s, "readings/s"),
        *latency_figures("history.day_chart_ms", days_ms, DAY_MS_MAX),
        *latency_figures("history.year_chart_ms", years_ms, YEAR_MS_MAX),
    ]


def _empty(connection: Connection, rolled_until: datetime) -> None:
    """Nothing is stored, and the rollups stand there."""
    for table in _TABLES:
        connection.execute(f"TRUNCATE {table}".encode())
    connection.execute(
        "UPDATE storage_boundaries SET rolling_until = %s, packing_until = to_timestamp(0)", (rolled_until,)
    )
    connection.execute("UPDATE storage_progress SET rolled_until = %s", (rolled_until,))


def _pack(connection: Connection, today: datetime) -> None:
    packed = storage.pack(connection, today + timedelta(days=StorageSettings().pack_after_days), 8.0)
    if packed.chunks != 1:
        raise BenchFailed(f"{packed.chunks} days were packed")


def _timed(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _chart_ms(connection: Connection, device: int, start: datetime, end: datetime) -> float:
    """All curves of a device, as `GET /api/devices/…/readings` gets them; the better of two, as a page is drawn by a
    database that has been asked before."""
    points = [row[0] for row in connection.execute("SELECT id FROM points WHERE device_id = %s", (device,))]
    times_ms = []
    for _ in range(2):
        began_s = time.perf_counter()
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            found = history.series(connection, points, start, end, POINTS_MAX)
        times_ms.append((time.perf_counter() - began_s) * 1000)
        if max(len(each.value) for each in found.values()) < POINTS_MAX / 2:
            raise BenchFailed("a chart is all but empty")
    return min(times_ms)
