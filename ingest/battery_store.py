"""All SQL of batteries: what they said lately, from the rollups of hours."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from ingest.battery import Battery, Level, outlook
from ingest.database import Connection

LOOKED_BACK: Final = timedelta(days=30)
_HOURS: Final = 24  # at either end, so that one odd hour decides nothing
_END: Final = (
    "SELECT to_timestamp(avg(extract(epoch FROM bucket))) AS at, sum(total) / sum(count) AS mean FROM"
    " (SELECT bucket, total, count FROM readings_1h WHERE point_id = point.id AND bucket >= now() - %(back)s"
    "  ORDER BY bucket {order} LIMIT %(hours)s) AS hours"
)
_ENDS: Final = (
    "SELECT point.id, older.at, older.mean, newer.at, newer.mean FROM unnest(%(ids)s::int[]) AS point (id)"
    f" CROSS JOIN LATERAL ({_END.format(order='ASC')}) AS older"
    f" CROSS JOIN LATERAL ({_END.format(order='DESC')}) AS newer"
    " WHERE newer.at IS NOT NULL"
)


def outlooks(connection: Connection, point_ids: Collection[int]) -> dict[int, Battery]:
    """How the batteries of these points are going; of those that said nothing for 30 days nothing is known."""
    if not point_ids:
        return {}
    rows = connection.execute(_ENDS.encode(), {"ids": list(point_ids), "back": LOOKED_BACK, "hours": _HOURS})
    return {int(row[0]): outlook(Level(row[1], row[2]), Level(row[3], row[4])) for row in rows}
