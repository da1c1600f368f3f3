"""Who may report what: institution → zone → device → point, as the running service holds it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ingest.quantity import QUANTITIES, Quantity

INSTITUTION_KINDS: Final = ("nursing_home", "rescue_station", "child_welfare", "other")
ZONE_KINDS: Final = (
    "bedroom", "kitchen", "corridor", "dining", "activity", "laundry", "boiler_room", "dormitory", "office", "storage",
    "other",
)  # fmt: skip
DEVICE_KINDS: Final = ("smoke", "heat", "gas", "co", "fall", "sos", "multi")
CODE_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"  # of institutions, zones and devices
WEARS: Final = ("waist", "wrist", "pocket")  # where a person wears a device that sends windows of acceleration
PANEL_PREFIX: Final = "gb26875/"  # of the addresses of fire panels and what is behind them


@dataclass(frozen=True, slots=True)
class Institution:
    """A home or station; `region` is its county's GB/T 2260 code."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    region: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A room or corridor: the place a confirmation looks at."""

    id: int
    institution_id: int
    code: str
    name: str
    name_en: str
    kind: str
    floor: int


@dataclass(frozen=True, slots=True)
class Device:
    """What is screwed to the ceiling, or worn. It is expected to report every `report_interval_s` seconds. `wear` is
    one of WEARS, "" for what nobody wears; `address` is what a gateway calls the device, "" where it uses the code."""

    id: int
    institution_id: int
    zone_id: int
    code: str
    name: str
    kind: str
    model: str
    report_interval_s: int
    wear: str = ""
    address: str = ""

    @property
    def behind_panel(self) -> bool:
        """Whether it is a part of a fire panel's installation, and speaks through the panel's transmission device."""
        return self.address.startswith(PANEL_PREFIX) and "/" in self.address.removeprefix(PANEL_PREFIX)


@dataclass(frozen=True, slots=True)
class Point:
    """One measured channel of a device."""

    id: int
    device_id: int
    quantity: str
    unit: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that may report, with the look-ups the pipeline needs. `version` moves with every change."""

    version: int
    institutions: Mapping[int, Institution]
    zones: Mapping[int, Zone]
    devices: Mapping[int, Device]
    points: Mapping[int, Point]
    institution_codes: frozenset[str] = field(init=False)
    _by_code: Mapping[tuple[str, str], Mapping[str, tuple[int, Quantity]]] = field(init=False)
    _places: Mapping[tuple[str, str | None], tuple[int, int | None, int | None]] = field(init=False)
    _on_panels: Mapping[str, Device] = field(init=False)

    def __post_init__(self) -> None:
        by_code: dict[tuple[str, str], dict[str, tuple[int, Quantity]]] = {
            (self.institutions[device.institution_id].code, device.code): {} for device in self.devices.values()
        }
        for point in self.points.values():
            device = self.devices[point.device_id]
            key = self.institutions[device.institution_id].code, device.code
            by_code[key][point.quantity] = point.id, QUANTITIES[point.quantity]
        places: dict[tuple[str, str | None], tuple[int, int | None, int | None]] = {
            (each.code, None): (each.id, None, None) for each in self.institutions.values()
        }
        for device in self.devices.values():
            code = self.institutions[device.institution_id].code
            places[code, device.code] = device.institution_id, device.zone_id, device.id
        for device in self.devices.values():
            if device.address:  # a code is older than any address: it goes on meaning its own device
                code = self.institutions[device.institution_id].code
                by_code.setdefault((code, device.address), by_code[code, device.code])
                places.setdefault((code, device.address), places[code, device.code])
        on_panels = {
            each.address.removeprefix(PANEL_PREFIX): each
            for each in self.devices.values()
            if each.address.startswith(PANEL_PREFIX)
        }
        object.__setattr__(self, "_on_panels", on_panels)
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "institution_codes", frozenset(each.code for each in self.institutions.values()))

    @classmethod
    def build(
        cls,
        version: int,
        institutions: Iterable[Institution],
        zones: Iterable[Zone],
        devices: Iterable[Device],
        points: Iterable[Point],
    ) -> "Registry":
        """A registry from its records. A point of a quantity this version does not know is left out."""
        known = (point for point in points if point.quantity in QUANTITIES)
        return cls(
            version,
            {each.id: each for each in institutions},
            {each.id: each for each in zones},
            {each.id: each for each in devices},
            {each.id: each for each in known},
        )

    def points_of(self, institution: str, device: str) -> Mapping[str, tuple[int, Quantity]] | None:
        """Quantity → (point id, quantity) of the device with this code or address; None where there is none."""
        return self._by_code.get((institution, device))

    def place_of(self, institution: str, device: str | None) -> tuple[int, int | None, int | None] | None:
        """(institution id, zone id, device id) of the device with this code or address, or of the institution as a
        whole."""
        return self._places.get((institution, device))

    def on_panel(self, address: str) -> Device | None:
        """What a fire panel's wire calls so: a transmission device ("790300000000"), or a system or component behind it
        ("790300000000/1.1.2.10")."""
        return self._on_panels.get(address)

    def wear_of(self, institution: str, device: str) -> str:
        """Where the device with this code or address is worn, "" where it is not or is not registered."""
        _, _, device_id = self._places.get((institution, device), (None, None, None))
        return "" if device_id is None else self.devices[device_id].wear
