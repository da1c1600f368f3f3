"""All SQL of batteries: what they said lately, from the rollups of hours."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from ingest.battery import Battery, Level, outlook
from ingest.database import Connection

LOOKED_BACK: Final = timedelta(days=30)
_END_WIDTH: Final = timedelta(days=1)  # at either end, so that one odd hour decides nothing
_BUCKETS: Final = "FROM readings_1h WHERE point_id = point.id AND bucket >= now() - %(back)s"
_MEAN: Final = "SELECT to_timestamp(avg(extract(epoch FROM bucket))) AS at, sum(total) / sum(count) AS mean"
_ENDS: Final = (
    "SELECT point.id, older.at, older.mean, newer.at, newer.mean FROM unnest(%(ids)s::int[]) AS point (id)"
    f" CROSS JOIN LATERAL (SELECT bucket {_BUCKETS} ORDER BY bucket LIMIT 1) AS first"
    f" CROSS JOIN LATERAL (SELECT bucket {_BUCKETS} ORDER BY bucket DESC LIMIT 1) AS last"
    f" CROSS JOIN LATERAL ({_MEAN} {_BUCKETS} AND bucket < first.bucket + %(width)s) AS older"
    f" CROSS JOIN LATERAL ({_MEAN} {_BUCKETS} AND bucket > last.bucket - %(width)s) AS newer"
)


def outlooks(connection: Connection, point_ids: Collection[int]) -> dict[int, Battery]:
    """How the batteries of these points are going; of those that said nothing for 30 days nothing is known."""
    if not point_ids:
        return {}
    parameters = {"ids": list(point_ids), "back": LOOKED_BACK, "width": _END_WIDTH}
    rows = connection.execute(_ENDS.encode(), parameters)
    return {int(row[0]): outlook(Level(row[1], row[2]), Level(row[3], row[4])) for row in rows}
