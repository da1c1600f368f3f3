"""Institution, zone and device as the registry file describes them, and that file's text."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Device:
    """One thing on the wall with a radio; *quantities* in the order it reports them."""

    code: str
    name: str
    kind: str
    model: str
    report_interval_s: int
    quantities: tuple[str, ...]
    wear: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A room or corridor: the compartment a fire confirmation looks at."""

    code: str
    name: str
    name_en: str
    kind: str
    floor: int
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Institution:
    """A nursing home, rescue station or recorded home; *region* is a GB/T 2260 county code or empty."""

    code: str
    name: str
    name_en: str
    kind: str
    region: str
    zones: tuple[Zone, ...]


class Mounted(NamedTuple):
    """A device together with where it hangs."""

    institution: Institution
    zone: Zone
    device: Device


def mounted(institutions: Iterable[Institution]) -> Iterator[Mounted]:
    """Every device with its zone and institution, in registry order."""
    for institution in institutions:
        for zone in institution.zones:
            for device in zone.devices:
                yield Mounted(institution, zone, device)


def readings_topic(institution: str, device: str) -> str:
    """MQTT topic on which a device publishes native JSON."""
    return f"anhu/v1/{institution}/{device}/readings"


def registry_toml(institutions: Iterable[Institution]) -> str:
    """The registry file `anhu registry import` reads; the same institutions always give the same text."""
    lines: list[str] = []
    for institution in institutions:
        lines += _table("institution", institution, ("code", "name", "name_en", "kind", "region"))
        for zone in institution.zones:
            lines += _table("institution.zone", zone, ("code", "name", "name_en", "kind", "floor"))
            for device in zone.devices:
                lines += _table(
                    "institution.zone.device",
                    device,
                    ("code", "name", "kind", "model", "report_interval_s", "quantities", "wear"),
                )
    return "\n".join(lines)


def _table(header: str, record: object, fields: tuple[str, ...]) -> list[str]:
    """One array-of-tables entry; empty strings are left out."""
    lines = [f"[[{header}]]"]
    for field in fields:
        value = getattr(record, field)
        if value != "":
            # Strings, integers and lists of them are written alike in JSON and TOML.
            lines.append(f"{field} = {json.dumps(value, ensure_ascii=False)}")
    lines.append("")
    return lines
