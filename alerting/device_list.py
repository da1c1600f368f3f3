"""What a list of devices can be narrowed to and sorted by."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class DeviceProblem(StrEnum):
    """What a device needs somebody for."""

    OFFLINE = "offline"
    LOW_BATTERY = "low_battery"
    SENSOR_FAULT = "sensor_fault"  # stuck, drifting, dropping out, taken down, or saying so itself
    TEST_DUE = "test_due"
    QUIET = "quiet"  # shelved, out of service, under maintenance: itself, its zone or its institution


class DeviceSort(StrEnum):
    """The order of a list. `since`: the problem that was there first; without a problem as `place`."""

    PLACE = "place"
    NAME = "name"
    KIND = "kind"
    INSTALLED = "installed"
    TEST_DUE = "test_due"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to: `within` these institutions (None: all), or to the one of them that is named; `text`
    in name, code or address. A test is due that is to be done by `test_until`."""

    within: Collection[int] | None
    test_until: date
    now: datetime
    institution_id: int | None = None
    zone_id: int | None = None
    zone_kind: str | None = None
    kind: str | None = None
    text: str = ""


class Row(NamedTuple):
    """One device of a list; `since` is when the problem that the list is about began."""

    device_id: int
    since: datetime | None


class Counts(NamedTuple):
    """How many devices there are, and how many with each problem."""

    total: int
    by_problem: dict[DeviceProblem, int]
