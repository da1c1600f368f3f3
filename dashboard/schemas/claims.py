"""What reports without being registered, as an institution's own people see and register it."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dashboard.schemas.alerts import AlertDevice, AlertInstitution, AlertZone
from dashboard.schemas.base import DeviceKind, Id, Moment, Shape, Text
from ingest.claim import INTERVAL_S_MAX, NAME_LENGTH_MAX
from ingest.quantity import QUANTITIES
from ingest.unclaimed import DEVICE_LENGTH_MAX

Quantities = Annotated[list[Annotated[Text, Field(max_length=64)]], Field(min_length=1, max_length=len(QUANTITIES))]


class HeardQuantity(Shape):
    """One quantity it sent; `last_value` is what its last message said of it, null where that said nothing."""

    quantity: str
    unit: str
    last_value: float | None


class HeardDevice(Shape):
    """A device with what it sent that the registry has no point for. `device_id` and `name` are null where the whole
    device is unknown. Not `claimable`: what it is called cannot stand in the registry, or nothing it sent is known to
    us. `suggested_code` is "" where what it is called can be an address only."""

    device: str
    device_id: int | None
    name: str | None
    quantities: list[HeardQuantity]
    claimable: bool
    suggested_code: str
    suggested_kind: DeviceKind
    suggested_interval_s: int
    first_seen_at: Moment
    last_seen_at: Moment
    message_count: int
    last_topic: str
    last_payload: str


class HeardDevices(Shape):
    """What reports without being registered, the latest first."""

    items: list[HeardDevice]


class ClaimRequest(BaseModel):
    """A device as it shall stand in the registry. `heard` is what it is called on the wire: its address, where that is
    not its code."""

    model_config = ConfigDict(extra="forbid")

    heard: Annotated[Text, Field(min_length=1, max_length=DEVICE_LENGTH_MAX)]
    code: Annotated[Text, Field(min_length=1, max_length=64)]
    zone_id: Id
    name: Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    kind: Annotated[Text, Field(max_length=32)]
    model: Annotated[Text, Field(max_length=NAME_LENGTH_MAX)] = ""
    report_interval_s: Annotated[int, Field(ge=1, le=INTERVAL_S_MAX)]
    quantities: Quantities
    wear: Annotated[Text, Field(max_length=32)] = ""
    installed_on: date | None = None
    test_due_on: date | None = None


class ClaimQuantitiesRequest(BaseModel):
    """What a registered device measures besides."""

    model_config = ConfigDict(extra="forbid")

    quantities: Quantities


class DatesRequest(BaseModel):
    """When a device was put up and when it has to be tested next; null: not known."""

    model_config = ConfigDict(extra="forbid")

    installed_on: date | None
    test_due_on: date | None


class DueTest(Shape):
    """A device whose test is due, or nearly; `days_left` is below zero once it is overdue."""

    institution: AlertInstitution
    zone: AlertZone
    device: AlertDevice
    installed_on: date | None
    test_due_on: date
    days_left: int


class DueTests(Shape):
    """Devices whose test is due within the days asked for, the longest overdue first."""

    items: list[DueTest]
