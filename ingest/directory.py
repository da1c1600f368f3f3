"""Looking the registered things up for display: by institution, or by their ids."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from psycopg.rows import class_row

from ingest.database import Connection
from ingest.registry import Device, Institution, Point, Zone


@dataclass(frozen=True, slots=True)
class InstitutionEntry(Institution):
    """One institution, with how many devices it has."""

    device_count: int


@dataclass(frozen=True, slots=True)
class DeviceEntry(Device):
    """One device, with when it was put up and when it has to be tested next, as far as somebody has said."""

    installed_on: date | None = None
    test_due_on: date | None = None


Entry = TypeVar("Entry", InstitutionEntry, Zone, Device, DeviceEntry, Point)

_INSTITUTIONS: Final = (
    "SELECT id, code, name, name_en, kind, region, coalesce(device_count, 0)::int AS device_count FROM institutions"
    " LEFT JOIN (SELECT institution_id, count(*) AS device_count FROM devices"
    "  WHERE %(ids)s::int[] IS NULL OR institution_id = ANY(%(ids)s) GROUP BY 1) AS counts ON institution_id = id"
    " WHERE %(ids)s::int[] IS NULL OR id = ANY(%(ids)s) ORDER BY code"
)
_ZONES: Final = "SELECT id, institution_id, code, name, name_en, kind, floor FROM zones"
_DEVICES: Final = (
    "SELECT id, institution_id, zone_id, code, name, kind, model, report_interval_s FROM devices"
)  # fmt: skip
_ENTRIES: Final = (
    "SELECT id, institution_id, zone_id, code, name, kind, model, report_interval_s, installed_on, test_due_on"
    " FROM devices"
)
_POINTS: Final = "SELECT id, device_id, quantity, unit FROM points"


def institutions(connection: Connection, ids: Collection[int] | None = None) -> list[InstitutionEntry]:
    """Those with `ids`, or all, by code."""
    with connection.cursor(row_factory=class_row(InstitutionEntry)) as cursor:
        return cursor.execute(_INSTITUTIONS, {"ids": None if ids is None else list(ids)}).fetchall()


def region_of(connection: Connection, institution_id: int) -> str | None:
    """The region code of an institution, None where there is no such institution."""
    row = connection.execute("SELECT region FROM institutions WHERE id = %s", (institution_id,)).fetchone()
    return str(row[0]) if row else None


def ids_in_region(connection: Connection, prefix: str) -> list[int]:
    """The institutions whose region code begins with `prefix`."""
    rows = connection.execute("SELECT id FROM institutions WHERE starts_with(region, %s)", (prefix,))
    return [int(row[0]) for row in rows]


def everything(connection: Connection) -> tuple[list[InstitutionEntry], list[Zone], list[Device]]:
    """All institutions, zones and devices."""
    with connection.cursor(row_factory=class_row(Zone)) as cursor:
        zones = cursor.execute(_ZONES).fetchall()
    with connection.cursor(row_factory=class_row(Device)) as cursor:
        devices = cursor.execute(_DEVICES).fetchall()
    return institutions(connection), zones, devices


def zones(connection: Connection, ids: Collection[int]) -> list[Zone]:
    """The zones with `ids`, in no order."""
    return _select(connection, Zone, f"{_ZONES} WHERE id = ANY(%s)", ids)


def zones_of(connection: Connection, institution_id: int) -> list[Zone]:
    """The zones of an institution, by floor and code."""
    return _select(connection, Zone, f"{_ZONES} WHERE institution_id = ANY(%s) ORDER BY floor, code", [institution_id])


def devices(connection: Connection, ids: Collection[int]) -> list[DeviceEntry]:
    """The devices with `ids`, in no order."""
    return _select(connection, DeviceEntry, f"{_ENTRIES} WHERE id = ANY(%s)", ids)


def devices_of(connection: Connection, institution_id: int) -> list[DeviceEntry]:
    """The devices of an institution, by code."""
    return _select(
        connection, DeviceEntry, f"{_ENTRIES} WHERE institution_id = ANY(%s) ORDER BY code", [institution_id]
    )


def points_of(connection: Connection, device_ids: Collection[int]) -> list[Point]:
    """The points of these devices, by id."""
    return _select(connection, Point, f"{_POINTS} WHERE device_id = ANY(%s) ORDER BY id", device_ids)


def _select(connection: Connection, entry: type[Entry], statement: str, ids: Collection[int]) -> list[Entry]:
    if not ids:
        return []
    with connection.cursor(row_factory=class_row(entry)) as cursor:
        return cursor.execute(statement.encode(), (list(ids),)).fetchall()
