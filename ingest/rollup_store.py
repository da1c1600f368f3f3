"""Rollups: what every point measured in each minute and each hour, kept up to date in steps (decision 13).

Whoever stores readings only marks the hours of late ones. A worker of its own (alerting/storage_upkeep.py) moves the
boundary on, rolls up what was measured up to there, and works off the marks. Each step replaces what it works out, from
what is stored; so nothing counts twice, however often anything is stored, marked or rolled up.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from ingest.database import Connection
from ingest.reading import EPOCH, Int32, ReadingBatch, from_us

STEP_MAX: Final = timedelta(hours=1)  # so much is rolled up in one transaction
MARKS_MAX: Final = 1000  # so many marks are worked off in one
RUNS_MAX: Final = 500  # so many marks a batch makes for one hour
_HOUR_US: Final = 3_600_000_000

_SET: Final = (
    " ON CONFLICT (point_id, bucket) DO UPDATE SET count = excluded.count, low = excluded.low, high = excluded.high,"
    " last = excluded.last, total = excluded.total, last_at = excluded.last_at"
)
_COLUMNS: Final = "(bucket, point_id, count, low, high, last, total, last_at)"
_OF_READINGS: Final = (
    "count(*)::int AS count, min(value) AS low, max(value) AS high, last(value, measured_at) AS last,"
    " sum(value::float8) AS total, max(measured_at) AS last_at"
)
_OF_MINUTES: Final = (
    "sum(count)::int, min(low), max(high), last(last, last_at), sum(total), max(last_at)"  # of one hour
)
# Point by point: the index leads with the point, and there is none by time alone to slow the intake down.
_MINUTES: Final = (
    f"INSERT INTO readings_1min {_COLUMNS} SELECT minutes.bucket, points.id, count, low, high, last, total, last_at"
    " FROM points CROSS JOIN LATERAL ("
    f"SELECT time_bucket('1 minute', measured_at) AS bucket, {_OF_READINGS} FROM readings"
    " WHERE point_id = points.id AND measured_at >= %(start)s AND measured_at < %(end)s AND quality IS NULL GROUP BY 1"
    f") AS minutes {_SET}"
)
_HOURS: Final = (
    f"INSERT INTO readings_1h {_COLUMNS} SELECT hours.* FROM points CROSS JOIN LATERAL ("
    f"SELECT time_bucket('1 hour', bucket), point_id, {_OF_MINUTES} FROM readings_1min"
    " WHERE point_id = points.id AND bucket >= %(start)s AND bucket < %(end)s GROUP BY 1, 2"
    f") AS hours {_SET}"
)
_MINUTES_AGAIN: Final = (
    f"INSERT INTO readings_1min {_COLUMNS} SELECT time_bucket('1 minute', measured_at), point_id, {_OF_READINGS}"
    " FROM readings_of(%(points)s::int[], %(start)s::timestamptz, %(end)s::timestamptz)"
    f" WHERE quality IS NULL GROUP BY 1, 2 {_SET}"
)
_HOUR_AGAIN: Final = (
    f"INSERT INTO readings_1h {_COLUMNS} SELECT time_bucket('1 hour', bucket), point_id, {_OF_MINUTES}"
    " FROM readings_1min WHERE point_id = ANY(%(points)s) AND bucket >= %(start)s AND bucket < %(end)s"
    f" GROUP BY 1, 2 {_SET}"
)


class Progress(NamedTuple):
    """How far the rollups are (`rolled_until`), what counts as late (`rolling_until`), which days are closed
    (`packing_until`), since when there are minutes, and the last night's work that was done."""

    rolling_until: datetime
    rolled_until: datetime
    packing_until: datetime
    minutes_since: datetime
    night_at: datetime | None


def hold_boundaries(connection: Connection) -> tuple[int, int]:
    """(before which a reading is late, before which its day is closed), in µs since 1970. Both stay so until the
    caller's transaction ends, in which the readings are stored."""
    row = connection.execute(
        "SELECT (extract(epoch FROM rolling_until) * 1000000)::bigint,"
        " (extract(epoch FROM packing_until) * 1000000)::bigint FROM storage_boundaries FOR SHARE"
    ).fetchone()
    if row is None:
        raise RuntimeError("the migration has left no row in storage_boundaries")
    return int(row[0]), int(row[1])


def mark_late(connection: Connection, batch: ReadingBatch) -> None:
    """Have the hours of these readings rolled up once more, in the transaction that stores them."""
    hours = batch.measured_at_us // _HOUR_US
    marks = [
        (hour, first, last)
        for hour in np.unique(hours).tolist()
        for first, last in runs(np.unique(batch.point_id[hours == hour]), RUNS_MAX)
    ]
    connection.execute(
        "INSERT INTO rollup_late (hour, first_point, last_point) SELECT timestamptz 'epoch' + hour * interval '1 hour',"
        " first, last FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS late (hour, first, last)",
        tuple(map(list, zip(*marks, strict=True))),
    )


def runs(points: Int32, count_max: int) -> list[tuple[int, int]]:
    """Rising `points` int32[n], n > 0, as runs from first to last; where there are more than `count_max`, those nearest
    to each other become one, with what lies between.

    >>> runs(np.array([1, 2, 3, 7, 8, 40], np.int32), 10), runs(np.array([1, 2, 3, 7, 8, 40], np.int32), 2)
    ([(1, 3), (7, 8), (40, 40)], [(1, 8), (40, 40)])
    """
    gaps = np.diff(points.astype(np.int64))
    cuts = np.flatnonzero(gaps > 1)
    if len(cuts) >= count_max:
        cuts = np.sort(cuts[np.argsort(-gaps[cuts], kind="stable")[: count_max - 1]])
    firsts, lasts = points[np.r_[0, cuts + 1]], points[np.r_[cuts, len(points) - 1]]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def progress(connection: Connection) -> Progress:
    """Where everything stands."""
    row = connection.execute(
        "SELECT rolling_until, rolled_until, packing_until, minutes_since, night_at"
        " FROM storage_boundaries, storage_progress"
    ).fetchone()
    if row is None:
        raise RuntimeError("the migration has left no row in storage_progress")
    return Progress(*row)


def announce(connection: Connection, until: datetime) -> None:
    """From the caller's commit on, what was measured before `until` and comes only now is late. A transaction of its
    own: it waits for those that are storing readings, and they for its commit. That is not flushed: whatever is stored
    by the new boundary comes after it in the log, so a crash that takes this takes them, too."""
    connection.execute("SET LOCAL synchronous_commit = off")
    connection.execute("UPDATE storage_boundaries SET rolling_until = greatest(rolling_until, %s)", (until,))


def roll(connection: Connection) -> bool:
    """Roll up the next step of what was announced, in the caller's transaction; whether there was any."""
    standing = progress(connection)
    start = standing.rolled_until
    hour = start - (start - EPOCH) % STEP_MAX
    end = min(standing.rolling_until, hour + STEP_MAX)
    if start >= end:
        return False
    connection.execute(_MINUTES.encode(), {"start": start, "end": end})
    if end == hour + STEP_MAX:
        connection.execute(_HOURS.encode(), {"start": hour, "end": end})
    connection.execute("UPDATE storage_progress SET rolled_until = %s", (end,))
    return True


def roll_late(connection: Connection) -> int:
    """Roll up some of the marked hours once more, in the caller's transaction; how many marks are gone by it.

    What a mark is about was committed with it, so the statements that follow see it.
    """
    taken = connection.execute(
        "DELETE FROM rollup_late WHERE ctid = ANY (ARRAY(SELECT ctid FROM rollup_late LIMIT %s))"
        " RETURNING hour, first_point, last_point",
        (MARKS_MAX,),
    ).fetchall()
    rolled_until = progress(connection).rolled_until
    for hour in sorted({row[0] for row in taken}):
        marked = list(zip(*{row[1:] for row in taken if row[0] == hour}, strict=True))
        points = connection.execute(
            "SELECT DISTINCT id FROM points JOIN unnest(%s::int[], %s::int[]) AS run (first, last)"
            " ON id BETWEEN first AND last",
            (list(marked[0]), list(marked[1])),
        ).fetchall()
        span = {"points": [row[0] for row in points], "start": hour, "end": hour + STEP_MAX}
        connection.execute(_MINUTES_AGAIN.encode(), span)
        if hour + STEP_MAX <= rolled_until:
            connection.execute(_HOUR_AGAIN.encode(), span)
    return len(taken)


def late_hours(connection: Connection) -> int:
    """How many marks wait."""
    row = connection.execute("SELECT count(*) FROM rollup_late").fetchone()
    return int(row[0]) if row else 0


def minute_of(us: int) -> datetime:
    """The beginning of the minute of `us`, microseconds since 1970.

    >>> minute_of(90_000_000).isoformat()
    '1970-01-01T00:01:00+00:00'
    """
    return from_us(us - us % 60_000_000)
