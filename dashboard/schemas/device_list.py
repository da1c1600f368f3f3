"""Devices of every institution within reach: how they are, and what they need somebody for."""

from datetime import date

from alerting.alert import Kind
from alerting.device_list import DeviceProblem
from alerting.suppression import Means
from dashboard.schemas.alerts import AlertInstitution, AlertZone
from dashboard.schemas.base import Moment, Shape
from dashboard.schemas.institutions import Device


class Trouble(Shape):
    """An open alert about the device itself; `whole`: its whole institution is silent."""

    kind: Kind
    since: Moment
    whole: bool
    text_zh: str
    text_en: str


class Silence(Shape):
    """What keeps alarms of the device quiet; `alert_kind` is null for all kinds."""

    means: Means
    alert_kind: Kind | None
    reason: str
    until_at: Moment


class BatteryState(Shape):
    """What the battery says, how that changes in 30 days, and by when to change it; null where that cannot be told."""

    percent: float
    per_30_days: float | None
    change_by: date | None


class DeviceRow(Shape):
    """One device of the list; `since` is when the problem that the list is about began."""

    device: Device
    institution: AlertInstitution
    zone: AlertZone
    since: Moment | None
    troubles: list[Trouble]
    silence: Silence | None
    battery: BatteryState | None


class DevicePage(Shape):
    """A page of devices. `total` counts all that match, `counts` those with each problem among what the other filters
    leave, `unclaimed_count` what reports within reach without being registered."""

    items: list[DeviceRow]
    total: int
    all_count: int
    counts: dict[DeviceProblem, int]
    unclaimed_count: int


class UnclaimedAt(Shape):
    """What reports from an institution without being registered, or more than it is registered with."""

    institution: AlertInstitution
    device: str
    last_seen_at: Moment


class UnclaimedAtPage(Shape):
    """A page of those, the latest first."""

    items: list[UnclaimedAt]
    total: int
