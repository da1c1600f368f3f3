"""Listing alerts for display: a page of them by filter, what is open where."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from alerting import store
from alerting.alert import Alert, Kind, Priority
from ingest.database import Connection


class Which(StrEnum):
    """Which alerts a list shows."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to."""

    which: Which
    institution_id: int | None = None
    kind: Kind | None = None
    within: Collection[int] | None = None  # these institutions; None: everywhere, the service itself included


class Position(NamedTuple):
    """Where in a list an alert stands; the next page begins after it. `rank` counts in the list of open alerts only."""

    rank: int
    raised_at: datetime
    id: UUID


class OpenGroup(NamedTuple):
    """How many alerts of one sort are open at an institution; `whole` when they concern the institution itself."""

    institution_id: int | None
    whole: bool
    kind: Kind
    priority: Priority
    active: bool
    open_count: int


_RANKS: Final = [priority.value for priority in Priority]
# Open alerts by urgency, then the newest; others by time alone, which the index on raised_at serves.
_PAGE: Final = (
    "WITH ranked AS (SELECT id, raised_at, {rank} AS rank FROM alerts"
    " WHERE {which} AND (%(institution_id)s::int IS NULL OR institution_id = %(institution_id)s)"
    " AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
    " AND (%(kind)s::text IS NULL OR kind = %(kind)s))"
    " SELECT rank, raised_at, id FROM ranked"
    " WHERE %(after_id)s::uuid IS NULL OR rank > %(rank)s OR (rank = %(rank)s AND"
    " (raised_at < %(raised_at)s OR (raised_at = %(raised_at)s AND id > %(after_id)s)))"
    " ORDER BY rank, raised_at DESC, id LIMIT %(limit)s"
)
_PAGES: Final = {
    Which.OPEN: _PAGE.format(rank="array_position(%(ranks)s::text[], priority)", which="open"),
    Which.CLOSED: _PAGE.format(rank="0", which="NOT open"),
    Which.ALL: _PAGE.format(rank="0", which="true"),
}
_OPEN_GROUPS: Final = (
    "SELECT institution_id, device_id IS NULL, kind, priority, active, count(*) FROM alerts"
    " WHERE open AND NOT drill AND (%(ids)s::int[] IS NULL OR institution_id = ANY(%(ids)s)) GROUP BY 1, 2, 3, 4, 5"
)


def page(
    connection: Connection, narrowed: Filter, after: Position | None, count_max: int
) -> tuple[list[Alert], Position | None]:
    """At most `count_max` alerts after `after`, and where the next page begins, None on the last one."""
    rows = connection.execute(
        _PAGES[narrowed.which].encode(),
        {
            "ranks": _RANKS,
            "institution_id": narrowed.institution_id,
            "kind": narrowed.kind,
            "within": None if narrowed.within is None else list(narrowed.within),
            "rank": after.rank if after else None,
            "raised_at": after.raised_at if after else None,
            "after_id": after.id if after else None,
            "limit": count_max + 1,
        },
    ).fetchall()
    positions = [Position(*row) for row in rows]
    found = store.load_many(connection, [position.id for position in positions[:count_max]])
    more = len(positions) > count_max
    return [found[position.id] for position in positions[:count_max]], positions[count_max - 1] if more else None


def open_groups(connection: Connection, institution_ids: Collection[int] | None = None) -> list[OpenGroup]:
    """What is open at these institutions, or at all. A drill does not make an institution look as if in alarm."""
    ids = None if institution_ids is None else list(institution_ids)
    rows = connection.execute(_OPEN_GROUPS, {"ids": ids})
    return [OpenGroup(row[0], row[1], Kind(row[2]), Priority(row[3]), row[4], row[5]) for row in rows]


def unacknowledged_count(connection: Connection, institution_ids: Collection[int] | None = None) -> int:
    """How many open alerts of these institutions, or at all, nobody has acknowledged; without drills."""
    row = connection.execute(
        "SELECT count(*) FROM alerts WHERE open AND NOT acknowledged AND NOT drill"
        " AND (%(ids)s::int[] IS NULL OR institution_id = ANY(%(ids)s))",
        {"ids": None if institution_ids is None else list(institution_ids)},
    ).fetchone()
    return int(row[0]) if row else 0


def open_at(connection: Connection, institution_id: int) -> list[Alert]:
    """Every open alert of an institution, in no order."""
    rows = connection.execute("SELECT id FROM alerts WHERE open AND institution_id = %s", (institution_id,))
    return list(store.load_many(connection, [row[0] for row in rows]).values())


def open_of(connection: Connection, device_ids: Collection[int], institution_ids: Collection[int]) -> list[Alert]:
    """Every open alert of these devices, and of these institutions as a whole, in no order."""
    rows = connection.execute(
        "SELECT id FROM alerts WHERE open AND institution_id = ANY(%s) AND (device_id IS NULL OR device_id = ANY(%s))",
        (list(institution_ids), list(device_ids)),
    )
    return list(store.load_many(connection, [row[0] for row in rows]).values())


def open_of_service(connection: Connection) -> list[Alert]:
    """Every open alert that is about the service itself, in no order."""
    rows = connection.execute("SELECT id FROM alerts WHERE open AND institution_id IS NULL")
    return list(store.load_many(connection, [row[0] for row in rows]).values())


def hiding_at(connection: Connection, institution_ids: Collection[int]) -> list[Alert]:
    """Open alerts of these institutions that may keep others quiet (suppression.may_hide), in no order."""
    rows = connection.execute(
        "SELECT id FROM alerts WHERE open AND active AND institution_id = ANY(%s)"
        " AND ((kind = 'fire' AND priority = 'critical') OR (kind = 'offline' AND device_id IS NULL)"
        " OR kind = 'power_loss')",
        (list(institution_ids),),
    )
    return list(store.load_many(connection, [row[0] for row in rows]).values())
