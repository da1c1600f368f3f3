"""All SQL of claiming: what an institution's unregistered devices sent, and putting them into the registry."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import dict_row

from ingest import claim
from ingest.claim import Claim, Heard
from ingest.database import Connection
from ingest.errors import ClaimRefused, DeviceRegistered, NotHeard
from ingest.quantity import QUANTITIES
from ingest.refused import STILL_UNCLAIMED
from ingest.store import forget_claimed, registry_changed

_HEARD: Final = (
    "SELECT u.device, d.id AS device_id, CASE u.quantity WHEN '' THEN u.quantities ELSE ARRAY[u.quantity] END"
    " AS quantities, u.first_seen_at, u.last_seen_at, u.message_count, u.last_topic, u.last_payload"
    " FROM unclaimed_devices u JOIN institutions i ON i.code = u.institution"
    " LEFT JOIN LATERAL (SELECT id FROM devices WHERE institution_id = i.id AND u.device IN (code, address)"
    f" ORDER BY code = u.device DESC LIMIT 1) d ON true {STILL_UNCLAIMED} AND i.id = %(id)s"
    " AND (%(names)s::text[] IS NULL OR u.device = ANY(%(names)s))"
    " ORDER BY u.last_seen_at DESC, u.device, u.quantity LIMIT %(limit)s"
)
_HEARD_WITHIN: Final = (
    "SELECT i.id AS institution_id, u.device, max(u.last_seen_at) AS last_seen_at, count(*) OVER () AS total"
    f" FROM unclaimed_devices u JOIN institutions i ON i.code = u.institution {STILL_UNCLAIMED}"
    " AND (%(ids)s::int[] IS NULL OR i.id = ANY(%(ids)s)) GROUP BY 1, 2"
    " ORDER BY last_seen_at DESC, institution_id, device LIMIT %(limit)s OFFSET %(offset)s"
)
_POINTS: Final = "INSERT INTO points (device_id, quantity, unit) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def heard(connection: Connection, institution_id: int, count_max: int) -> list[Heard]:
    """What reports from the institution without being registered, the latest first: at most `count_max` entries, those
    of one device together."""
    return _heard(connection, institution_id, None, count_max)


class HeardAt(NamedTuple):
    """A device that reports from an institution without being registered, or more than it is registered with; `total`
    counts all of the list."""

    institution_id: int
    device: str
    last_seen_at: datetime
    total: int


def heard_within(
    connection: Connection, institution_ids: Collection[int] | None, limit: int, offset: int
) -> list[HeardAt]:
    """What reports so from these institutions, or from all, the latest first."""
    ids = None if institution_ids is None else list(institution_ids)
    rows = connection.execute(_HEARD_WITHIN.encode(), {"ids": ids, "limit": limit, "offset": offset})
    return [HeardAt(*row) for row in rows]


def _heard(connection: Connection, institution_id: int, names: Sequence[str] | None, count_max: int) -> list[Heard]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_HEARD.encode(), {"id": institution_id, "names": names, "limit": count_max}).fetchall()
    found: dict[str, Heard] = {}
    for row in rows:
        each = Heard(**{**row, "quantities": tuple(row["quantities"])})
        newest = found.setdefault(each.device, each)
        if newest is not each:
            found[each.device] = Heard(
                newest.device,
                newest.device_id,
                tuple(sorted({*newest.quantities, *each.quantities})),
                min(newest.first_seen_at, each.first_seen_at),
                newest.last_seen_at,
                max(newest.message_count, each.message_count),
                newest.last_topic,
                newest.last_payload,
            )
    return list(found.values())


def register(connection: Connection, institution_id: int, wanted: Claim) -> int:
    """Put a device that was heard into the registry, in the caller's transaction; its id. A running service takes it up
    within seconds. Raises ClaimRefused, DeviceRegistered, NotHeard."""
    if wrong := claim.problems(wanted):
        raise ClaimRefused("; ".join(wrong))
    for name in (wanted.code, wanted.heard):
        if _is_known(connection, institution_id, name):
            raise DeviceRegistered(f"{name} is registered already")
    if not _heard(connection, institution_id, [wanted.heard], 1):
        raise NotHeard(f"nothing has been heard of {wanted.heard}")
    try:
        with connection.transaction():
            row = connection.execute(
                "INSERT INTO devices (institution_id, zone_id, code, name, kind, model, report_interval_s, wear,"
                " address, installed_on, test_due_on)"
                " SELECT institution_id, id, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM zones"
                " WHERE id = %s AND institution_id = %s"
                " RETURNING id",
                (wanted.code, wanted.name.strip(), wanted.kind, wanted.model.strip(), wanted.report_interval_s,
                 wanted.wear, wanted.address, wanted.installed_on, wanted.test_due_on, wanted.zone_id, institution_id),
            ).fetchone()  # fmt: skip
    except psycopg.errors.UniqueViolation:
        raise DeviceRegistered(f"{wanted.code} is registered already") from None
    if row is None:
        raise ClaimRefused("zone_id: there is no such zone in this institution")
    _add_points(connection, int(row[0]), wanted.quantities)
    return int(row[0])


def extend(connection: Connection, institution_id: int, device_id: int, quantities: tuple[str, ...]) -> str:
    """Register a device that is there with more of what it was heard to measure, in the caller's transaction; its code.
    Raises ClaimRefused, DeviceRegistered, NotHeard."""
    if wrong := claim.quantity_problems(quantities):
        raise ClaimRefused("; ".join(wrong))
    row = connection.execute(
        "SELECT code, address FROM devices WHERE id = %s AND institution_id = %s", (device_id, institution_id)
    ).fetchone()
    if row is None:
        raise NotHeard(f"there is no device {device_id}")
    points = connection.execute("SELECT quantity FROM points WHERE device_id = %s", (device_id,)).fetchall()
    if set(quantities) <= {each for (each,) in points}:
        raise DeviceRegistered(f"{row[0]} is registered with {', '.join(quantities)} already")
    known = _heard(connection, institution_id, [name for name in row if name], 2 * len(QUANTITIES))
    if missing := set(quantities) - {each for one in known for each in one.quantities}:
        raise NotHeard(f"{row[0]} has sent no {', '.join(sorted(missing))} that is not registered")
    _add_points(connection, device_id, quantities)
    return str(row[0])


def _add_points(connection: Connection, device_id: int, quantities: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_POINTS, [(device_id, each, QUANTITIES[each].unit) for each in dict.fromkeys(quantities)])
    forget_claimed(connection)
    registry_changed(connection)


def _is_known(connection: Connection, institution_id: int, name: str) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM devices WHERE institution_id = %s AND %s IN (code, address))",
        (institution_id, name),
    ).fetchone()
    return bool(row and row[0])
