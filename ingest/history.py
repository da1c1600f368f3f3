"""Reading stored readings back: the last ones, a span thinned for a chart, what is new; and the intake's pulse."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from psycopg.rows import class_row

from ingest import rollup_store
from ingest.database import Connection
from ingest.reach import readable
from ingest.reading import EPOCH
from ingest.rollup_store import Progress

_MILLISECOND: Final = timedelta(milliseconds=1)
_RECENT: Final = timedelta(days=1)

# ORDER BY … LIMIT 1 looks into the newest chunk first and stops there; a point that never reported makes it visit all.
_LAST: Final = (
    "SELECT point.id, last.measured_at, last.measured_at + last.delay_ms * interval '1 ms' AS received_at,"
    " CASE WHEN last.quality IS NULL THEN last.value END AS value"
    " FROM unnest(%(ids)s::int[]) AS point (id) CROSS JOIN LATERAL"
    " (SELECT measured_at, delay_ms, value, quality FROM readings WHERE point_id = point.id AND measured_at >= {since}"
    "  ORDER BY measured_at DESC LIMIT 1) AS last"
)
_LAST_RECENT: Final = _LAST.format(since="now() - %(recent)s")
_LAST_OPEN: Final = _LAST.format(since="(SELECT packing_until FROM storage_boundaries)")
# Of closed days: which is the newest one, wherever it is kept; then the last of that day.
_LAST_CLOSED: Final = (
    "SELECT point.id, last.measured_at, last.measured_at + last.delay_ms * interval '1 ms' AS received_at,"
    " CASE WHEN last.quality IS NULL THEN last.value END AS value"
    " FROM unnest(%(ids)s::int[]) AS point (id) CROSS JOIN LATERAL (SELECT max(at) AS at FROM ("
    "  (SELECT last_at AS at FROM readings_packed WHERE point_id = point.id ORDER BY day DESC LIMIT 1) UNION ALL"
    "  (SELECT measured_at FROM readings_late WHERE point_id = point.id ORDER BY measured_at DESC LIMIT 1) UNION ALL"
    "  (SELECT measured_at FROM readings WHERE point_id = point.id ORDER BY measured_at DESC LIMIT 1)) AS places"
    " ) AS newest CROSS JOIN LATERAL (SELECT * FROM"
    "  readings_of(ARRAY[point.id], newest.at, newest.at + interval '1 us') LIMIT 1) AS last"
)

_RAW: Final = (
    "SELECT point_id, measured_at, value FROM readings_of(%(ids)s::int[], %(start)s::timestamptz, %(end)s::timestamptz)"
    " WHERE quality IS NULL ORDER BY point_id, measured_at"
)
_RAW_PIECES: Final = (
    "SELECT point_id, measured_at AS first_at, measured_at AS last_at, 1 AS count, value AS low, value AS high,"
    " value::float8 AS total FROM readings_of(%(ids)s::int[], {since}::timestamptz, {until}::timestamptz)"
    " WHERE quality IS NULL"
)
# In [from, until) what is rolled up, but for hours that are to be rolled up once more; all else from the readings.
_ROLLED_PIECES: Final = (
    "WITH late AS MATERIALIZED (SELECT DISTINCT point.id AS point_id, hour FROM unnest(%(ids)s::int[]) AS point (id)"  # noqa: S608 - ours
    "  JOIN rollup_late ON point.id BETWEEN first_point AND last_point"
    "  WHERE hour > %(from)s::timestamptz - interval '1 hour' AND hour < %(until)s)"
    " SELECT point_id, bucket AS first_at, last_at, count, low, high, total FROM {table} AS rolled"
    " WHERE point_id = ANY(%(ids)s) AND bucket >= %(from)s AND bucket < %(until)s AND NOT EXISTS (SELECT"
    " FROM late WHERE late.point_id = rolled.point_id AND late.hour = time_bucket('1 hour', rolled.bucket))"
    f" UNION ALL {_RAW_PIECES.format(since='%(start)s', until='%(from)s')}"
    f" UNION ALL {_RAW_PIECES.format(since='%(until)s', until='%(end)s')}"
    " UNION ALL SELECT late.point_id, measured_at, measured_at, 1, value, value, value::float8 FROM late CROSS JOIN"
    " LATERAL readings_of(ARRAY[late.point_id], greatest(late.hour, %(from)s),"
    "  least(late.hour + interval '1 hour', %(until)s)) AS readings WHERE quality IS NULL"
)
# A bucket's time is the middle of what it holds, so that it never lies where nothing was measured.
_THINNED: Final = (
    "SELECT point_id, min(first_at) + (max(last_at) - min(first_at)) / 2 AS middle,"
    " sum(total) / sum(count), min(low), max(high), sum(count)::bigint FROM ({pieces}) AS pieces"
    " GROUP BY point_id, time_bucket(%(width)s, first_at, origin => %(origin)s) ORDER BY point_id, middle"
)
_AFTER: Final = (
    "SELECT point.id, new.measured_at, new.value"
    " FROM unnest(%(ids)s::int[], %(cursors)s::timestamptz[]) AS point (id, cursor) CROSS JOIN LATERAL"
    " (SELECT measured_at, value FROM {readings} WHERE point_id = point.id AND measured_at > point.cursor"
    "  AND measured_at > %(oldest)s AND quality IS NULL ORDER BY measured_at LIMIT %(count_max)s) AS new"
    " ORDER BY point.id, new.measured_at"
)
_AFTER_OPEN: Final = _AFTER.format(readings="readings")
_AFTER_EVER: Final = _AFTER.format(readings="readings_of(ARRAY[point.id], point.cursor, 'infinity')")
_HEARTBEATS: Final = (
    "SELECT shard, at, started_at, extract(epoch FROM clock_timestamp() - at)::float8 AS age_s, messages, readings,"
    " dead_letters, inbox_count, lag_ms FROM pipeline_heartbeats ORDER BY shard"
)


class Last(NamedTuple):
    """The newest reading of a point; the value is None when it was outside what a working sensor can say."""

    measured_at: datetime
    received_at: datetime
    value: float | None


class Sample(NamedTuple):
    """One good reading."""

    point_id: int
    measured_at: datetime
    value: float


@dataclass(slots=True)
class Series:
    """Good readings of one point in order, columns of equal length; `low` and `high` only where they were thinned."""

    measured_at_ms: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    low: list[float] | None = None
    high: list[float] | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A pipeline's last sign of life; `age_s` by the database's clock, the counts since its start."""

    shard: int
    at: datetime
    started_at: datetime
    age_s: float
    messages: int
    readings: int
    dead_letters: int
    inbox_count: int
    lag_ms: int


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down."""
    return (moment - EPOCH) // _MILLISECOND


def last_readings(connection: Connection, point_ids: Collection[int]) -> dict[int, Last]:
    """The newest reading of each point that ever reported."""
    found: dict[int, Last] = {}
    with readable(connection, point_ids) as readable_ids:
        for statement in (_LAST_RECENT, _LAST_OPEN, _LAST_CLOSED):
            missing = [point_id for point_id in readable_ids if point_id not in found]
            if missing:
                rows = connection.execute(statement.encode(), {"ids": missing, "recent": _RECENT})
                found.update({row[0]: Last(row[1], row[2], row[3]) for row in rows})
    return found


def series(
    connection: Connection, point_ids: Collection[int], start: datetime, end: datetime, points_max: int
) -> dict[int, Series]:
    """The good readings of each point in [start, end).

    Where a point has more than `points_max`, the span is cut into that many equal parts at most, and each that holds
    any becomes one entry: the mean, with the lowest and the highest beside it. Parts of a minute or an hour and more
    are whole minutes or hours, and come from the rollups as far as these are; the rest comes from the readings. Exact
    in a repeatable-read transaction.
    """
    answer = {point_id: Series() for point_id in point_ids}
    with readable(connection, point_ids) as readable_ids:
        answer |= _series(connection, readable_ids, start, end, points_max)
    return answer


def _series(
    connection: Connection, point_ids: Collection[int], start: datetime, end: datetime, points_max: int
) -> dict[int, Series]:
    parameters = {"ids": list(point_ids), "start": start, "end": end}
    answer = {point_id: Series() for point_id in point_ids}
    counts = dict.fromkeys(point_ids, 0)
    for point_id, middle, mean, low, high, count in _thinned(connection, parameters, start, end, points_max):
        each = answer[point_id]
        if each.low is None or each.high is None:
            each.low, each.high = [], []
        each.measured_at_ms.append(epoch_ms(middle))
        each.value.append(mean)
        each.low.append(low)
        each.high.append(high)
        counts[point_id] += count
    few = [point_id for point_id, count in counts.items() if count <= points_max]
    answer.update({point_id: Series() for point_id in few})
    if any(counts[point_id] for point_id in few):
        for point_id, measured_at, value in connection.execute(_RAW.encode(), {**parameters, "ids": few}):
            answer[point_id].measured_at_ms.append(epoch_ms(measured_at))
            answer[point_id].value.append(value)
    return answer


def _thinned(
    connection: Connection, parameters: dict[str, object], start: datetime, end: datetime, points_max: int
) -> list[tuple[Any, ...]]:
    """(point, middle, mean, low, high, count) of each part that holds any, from the coarsest source that will do."""
    source = source_of(start, end, points_max, rollup_store.progress(connection))
    if source is None:
        pieces = _RAW_PIECES.format(since="%(start)s", until="%(end)s")
        cut = {"width": bucket_width(start, end, points_max), "origin": start}
    else:
        pieces = _ROLLED_PIECES.format(table=source.table)
        cut = {"width": source.width, "origin": source.origin, "from": source.since, "until": source.until}
    statement = _THINNED.format(pieces=pieces).encode()
    return connection.execute(statement, parameters | cut, prepare=False).fetchall()


class Rollup(NamedTuple):
    """Which rollup answers for [since, until) of a span, and how that is cut: from `origin`, in parts of `width`."""

    table: str
    since: datetime
    until: datetime
    origin: datetime
    width: timedelta


def source_of(start: datetime, end: datetime, points_max: int, standing: Progress) -> Rollup | None:
    """The coarsest rollup that can cut [start, end) into `points_max` parts; None for the readings themselves.

    >>> rolled = datetime(2026, 11, 27, 8, 30, tzinfo=EPOCH.tzinfo)
    >>> standing = Progress(rolled, rolled, EPOCH, EPOCH, None)
    >>> source = source_of(rolled - timedelta(days=1), rolled, 600, standing)
    >>> source.table, str(source.width), source.until.isoformat()
    ('readings_1min', '0:03:00', '2026-11-27T08:30:00+00:00')
    >>> source = source_of(rolled - timedelta(days=365), rolled, 600, standing)
    >>> source.table, str(source.width), source.until.isoformat()
    ('readings_1h', '15:00:00', '2026-11-27T08:00:00+00:00')
    >>> source_of(rolled - timedelta(hours=1), rolled, 600, standing)
    """
    wanted = bucket_width(start, end, points_max)
    for table, grain, kept_since in (
        ("readings_1h", timedelta(hours=1), EPOCH), ("readings_1min", timedelta(minutes=1), standing.minutes_since)
    ):  # fmt: skip
        if wanted < grain:
            continue
        origin = _floor(start, grain)
        since = -_floor_of(EPOCH - start, grain) + EPOCH
        until = _floor(min(end, standing.rolled_until), grain)
        if since < until and since >= kept_since:
            width = -_floor_of(-bucket_width(origin, end, points_max), grain)
            return Rollup(table, since, until, origin, width)
    return None


def _floor(moment: datetime, grain: timedelta) -> datetime:
    return EPOCH + _floor_of(moment - EPOCH, grain)


def _floor_of(span: timedelta, grain: timedelta) -> timedelta:
    return span // grain * grain


def bucket_width(start: datetime, end: datetime, count_max: int) -> timedelta:
    """The least whole number of microseconds of which at most `count_max` cover the span."""
    us = (end - start) // timedelta(microseconds=1)
    return timedelta(microseconds=-(-us // count_max))


def samples_after(connection: Connection, cursors: Mapping[int, datetime], count_max: int) -> list[Sample]:
    """Good readings measured after each point's cursor, by point and time, at most `count_max` a point."""
    if not cursors:
        return []
    oldest = min(cursors.values())
    is_open = oldest >= rollup_store.progress(connection).packing_until
    rows = connection.execute(
        (_AFTER_OPEN if is_open else _AFTER_EVER).encode(),
        {
            "ids": list(cursors),
            "cursors": list(cursors.values()),
            "oldest": oldest,  # lets whole chunks be left out
            "count_max": count_max,
        },
    )
    return [Sample(*row) for row in rows]


def heartbeats(connection: Connection) -> list[Heartbeat]:
    """Every pipeline's last sign of life, by shard."""
    with connection.cursor(row_factory=class_row(Heartbeat)) as cursor:
        return cursor.execute(_HEARTBEATS).fetchall()
