"""All SQL of a device's dates: when it was put up, and when it has to be tested next."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg.rows import class_row

from ingest.database import Connection
from ingest.errors import DatesRefused, DeviceUnknown


@dataclass(frozen=True, slots=True)
class DueTest:
    """A device that has to be tested by `test_due_on`."""

    device_id: int
    institution_id: int
    zone_id: int
    installed_on: date | None
    test_due_on: date


_DUE: Final = (
    "SELECT id AS device_id, institution_id, zone_id, installed_on, test_due_on FROM devices"
    " WHERE test_due_on <= %(until)s AND (%(ids)s::int[] IS NULL OR institution_id = ANY(%(ids)s))"
    " ORDER BY test_due_on, institution_id, code LIMIT %(limit)s"
)
_SET: Final = (
    "UPDATE devices SET installed_on = %s, test_due_on = %s WHERE id = %s AND institution_id = %s RETURNING code"
)


def due_tests(
    connection: Connection, institution_ids: Collection[int] | None, until: date, count_max: int
) -> list[DueTest]:
    """The devices of these institutions, or of all, whose test is due by `until`, the longest overdue first."""
    ids = None if institution_ids is None else list(institution_ids)
    with connection.cursor(row_factory=class_row(DueTest)) as cursor:
        return cursor.execute(_DUE, {"until": until, "ids": ids, "limit": count_max}).fetchall()


def set_dates(
    connection: Connection, institution_id: int, device_id: int, installed_on: date | None, test_due_on: date | None
) -> str:
    """Put both dates in place of those that stood there, in the caller's transaction; the device's code. Raises
    DatesRefused, DeviceUnknown."""
    if wrong := dates_problem(installed_on, test_due_on):
        raise DatesRefused(wrong)
    row = connection.execute(_SET, (installed_on, test_due_on, device_id, institution_id)).fetchone()
    if row is None:
        raise DeviceUnknown(f"there is no device {device_id}")
    return str(row[0])


def dates_problem(installed_on: date | None, test_due_on: date | None) -> str:
    """What is wrong with the dates, "" where nothing is.

    >>> dates_problem(date(2026, 5, 1), date(2026, 4, 1))
    'test_due_on lies before installed_on'
    """
    wrong = installed_on is not None and test_due_on is not None and test_due_on < installed_on
    return "test_due_on lies before installed_on" if wrong else ""
