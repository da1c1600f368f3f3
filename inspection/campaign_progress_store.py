"""How far the campaigns that run now have got, at the institutions somebody reaches."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ingest.database import Connection

COUNT_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign and its visits within reach; those that were cancelled do not count."""

    id: UUID
    theme: str
    region: str
    begins_on: date
    ends_on: date
    visits: int
    begun: int
    concluded: int


# As in visit_list_store: nobody of an institution counts a visit that must not be known there yet.
_RUNNING: Final = (
    "SELECT c.id, c.theme, c.region, c.begins_on, c.ends_on, count(i.id) AS visits,"
    " count(*) FILTER (WHERE i.state = 'begun') AS begun, count(*) FILTER (WHERE i.state = 'concluded') AS concluded"
    " FROM campaigns c LEFT JOIN inspections i ON i.campaign_id = c.id AND i.state <> 'cancelled'"
    "  AND (%(within)s::int[] IS NULL OR i.institution_id = ANY(%(within)s))"
    "  AND NOT (%(inside)s AND i.unannounced AND i.begun_at IS NULL)"
    " WHERE c.begins_on <= %(today)s AND c.ends_on >= %(today)s"
    " AND (starts_with(c.region, %(region)s) OR starts_with(%(region)s, c.region))"
    " GROUP BY c.id HAVING NOT %(inside)s OR count(i.id) > 0 ORDER BY c.ends_on, c.no LIMIT %(limit)s"
)


def running(
    connection: Connection, within: Collection[int] | None, region: str, today: date, *, inside: bool
) -> list[Progress]:
    """The campaigns that run on `today` and concern `region` (a prefix, "" everywhere), those that end first first, at
    most COUNT_MAX. `inside`: the reader is of an institution, and knows of those that have come to it only."""
    parameters = {
        "within": None if within is None else list(within),
        "region": region,
        "today": today,
        "inside": inside,
        "limit": COUNT_MAX,
    }
    with connection.cursor(row_factory=class_row(Progress)) as cursor:
        return cursor.execute(_RUNNING, parameters).fetchall()
