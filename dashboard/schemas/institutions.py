"""Institutions with their zones, devices, points and readings."""

from datetime import date

from pydantic import BaseModel, Field

from dashboard.condition import Condition
from dashboard.schemas.base import DeviceKind, InstitutionKind, Moment, Shape, ZoneKind


class OpenAlerts(Shape):
    """How many alerts are open, by priority."""

    critical: int
    high: int
    medium: int
    low: int
    advisory: int


class Institution(Shape):
    """One institution at a glance."""

    id: int
    code: str
    name: str
    name_en: str
    kind: InstitutionKind
    region: str
    device_count: int
    offline_count: int
    open_alerts: OpenAlerts
    state: Condition


class Point(Shape):
    """One measured channel; `last_value` is null when the last reading was not credible."""

    id: int
    quantity: str
    unit: str
    last_value: float | None
    last_measured_at: Moment | None


class Device(Shape):
    """One device; `last_seen_at` is when its newest reading arrived. The dates are null where nobody has said."""

    id: int
    code: str
    name: str
    kind: DeviceKind
    model: str
    zone_id: int
    report_interval_s: int
    last_seen_at: Moment | None
    state: Condition
    points: list[Point]
    installed_on: date | None
    test_due_on: date | None


class Zone(Shape):
    """One zone with its devices."""

    id: int
    code: str
    name: str
    name_en: str
    kind: ZoneKind
    floor: int
    devices: list[Device]


class InstitutionDetail(Institution):
    """One institution with everything in it."""

    zones: list[Zone]


class InstitutionPage(Shape):
    """A page of institutions, the worst first; `total` counts all that match."""

    items: list[Institution]
    total: int


class Series(Shape):
    """Readings of one point, columns of equal length; `low` and `high` only where each entry stands for many."""

    point_id: int
    quantity: str
    unit: str
    measured_at_ms: list[int]
    value: list[float]
    low: list[float] | None
    high: list[float] | None


class Readings(BaseModel):
    """Readings of a device in [from, to)."""

    device: Device
    start: Moment = Field(serialization_alias="from")
    end: Moment = Field(serialization_alias="to")
    series: list[Series]
