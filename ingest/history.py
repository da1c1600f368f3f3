"""Reading stored readings back: the last ones, a span thinned for a chart, what is new; and the intake's pulse."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from psycopg.rows import class_row

from ingest.database import Connection
from ingest.reading import EPOCH

_MILLISECOND: Final = timedelta(milliseconds=1)
_RECENT: Final = timedelta(days=1)

# ORDER BY … LIMIT 1 looks into the newest chunk first and stops there; a point that never reported makes it visit all.
_LAST: Final = (
    "SELECT point.id, last.measured_at, last.measured_at + last.delay_ms * interval '1 ms' AS received_at,"
    " CASE WHEN last.quality IS NULL THEN last.value END AS value"
    " FROM unnest(%(ids)s::int[]) AS point (id) CROSS JOIN LATERAL"
    " (SELECT measured_at, delay_ms, value, quality FROM readings WHERE point_id = point.id {since}"
    "  ORDER BY measured_at DESC LIMIT 1) AS last"
)
_LAST_RECENT: Final = _LAST.format(since="AND measured_at > now() - %(recent)s")
_LAST_EVER: Final = _LAST.format(since="")

_GOOD_IN_SPAN: Final = (
    "point_id = ANY(%(ids)s) AND measured_at >= %(start)s AND measured_at < %(end)s AND quality IS NULL"
)
_COUNT: Final = f"SELECT point_id, count(*) FROM readings WHERE {_GOOD_IN_SPAN} GROUP BY point_id"  # noqa: S608 - no input
_RAW: Final = f"SELECT point_id, measured_at, value FROM readings WHERE {_GOOD_IN_SPAN} ORDER BY point_id, measured_at"  # noqa: S608
# A bucket's time is the middle of what it holds, so that it never lies where nothing was measured.
_THINNED: Final = (
    "SELECT point_id, min(measured_at) + (max(measured_at) - min(measured_at)) / 2 AS middle,"  # noqa: S608 - as above
    " avg(value), min(value), max(value)"
    f" FROM readings WHERE {_GOOD_IN_SPAN}"
    " GROUP BY point_id, time_bucket(%(width)s, measured_at, origin => %(start)s) ORDER BY point_id, middle"
)
_AFTER: Final = (
    "SELECT point.id, new.measured_at, new.value"
    " FROM unnest(%(ids)s::int[], %(cursors)s::timestamptz[]) AS point (id, cursor) CROSS JOIN LATERAL"
    " (SELECT measured_at, value FROM readings WHERE point_id = point.id AND measured_at > point.cursor"
    "  AND measured_at > %(oldest)s AND quality IS NULL ORDER BY measured_at LIMIT %(count_max)s) AS new"
    " ORDER BY point.id, new.measured_at"
)
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
    for statement in (_LAST_RECENT, _LAST_EVER):
        missing = [point_id for point_id in point_ids if point_id not in found]
        if missing:
            rows = connection.execute(statement.encode(), {"ids": missing, "recent": _RECENT})
            found.update({row[0]: Last(row[1], row[2], row[3]) for row in rows})
    return found


def series(
    connection: Connection, point_ids: Collection[int], start: datetime, end: datetime, points_max: int
) -> dict[int, Series]:
    """The good readings of each point in [start, end).

    Where a point has more than `points_max`, the span is cut into that many equal buckets and each that holds any
    becomes one entry: the mean, with the lowest and the highest beside it. Exact in a repeatable-read transaction.
    """
    parameters = {"ids": list(point_ids), "start": start, "end": end}
    counts: dict[int, int] = dict(connection.execute(_COUNT.encode(), parameters).fetchall())
    answer = {point_id: Series() for point_id in point_ids}
    few = [point_id for point_id, count in counts.items() if count <= points_max]
    many = [point_id for point_id, count in counts.items() if count > points_max]
    if few:
        for point_id, measured_at, value in connection.execute(_RAW.encode(), {**parameters, "ids": few}):
            answer[point_id].measured_at_ms.append(epoch_ms(measured_at))
            answer[point_id].value.append(value)
    if many:
        width = bucket_width(start, end, points_max)
        for point_id, middle, mean, low, high in connection.execute(
            _THINNED.encode(), {**parameters, "ids": many, "width": width}
        ):
            each = answer[point_id]
            if each.low is None or each.high is None:
                each.low, each.high = [], []
            each.measured_at_ms.append(epoch_ms(middle))
            each.value.append(mean)
            each.low.append(low)
            each.high.append(high)
    return answer


def bucket_width(start: datetime, end: datetime, count_max: int) -> timedelta:
    """The least whole number of microseconds of which at most `count_max` cover the span."""
    us = (end - start) // timedelta(microseconds=1)
    return timedelta(microseconds=-(-us // count_max))


def samples_after(connection: Connection, cursors: Mapping[int, datetime], count_max: int) -> list[Sample]:
    """Good readings measured after each point's cursor, by point and time, at most `count_max` a point."""
    if not cursors:
        return []
    rows = connection.execute(
        _AFTER.encode(),
        {
            "ids": list(cursors),
            "cursors": list(cursors.values()),
            "oldest": min(cursors.values()),  # lets whole chunks be left out
            "count_max": count_max,
        },
    )
    return [Sample(*row) for row in rows]


def heartbeats(connection: Connection) -> list[Heartbeat]:
    """Every pipeline's last sign of life, by shard."""
    with connection.cursor(row_factory=class_row(Heartbeat)) as cursor:
        return cursor.execute(_HEARTBEATS).fetchall()
