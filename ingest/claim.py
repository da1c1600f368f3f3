"""Claiming what reports without being registered: what it sent, what that suggests it is, and whether a claim can be.
Purely."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ingest.edge_node import Exchange
from ingest.errors import UnitMismatch
from ingest.intake import NO_READINGS, Limits, Message, decode
from ingest.quantity import QUANTITIES, convert
from ingest.reading import to_us
from ingest.registry import CODE_PATTERN, DEVICE_KINDS, WEARS
from ingest.registry_file import is_address
from ingest.routes import OWN_ROUTES, Routes

NAME_LENGTH_MAX: Final = 200
INTERVAL_S_MAX: Final = 86_400
_INTERVALS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, INTERVAL_S_MAX)
_KINDS: Final = {
    "smoke_obscuration": "smoke", "smoke_alarm": "smoke", "heat_alarm": "heat", "gas": "gas", "gas_alarm": "gas",
    "co": "co", "co_alarm": "co", "fall": "fall", "on_floor": "fall", "sos": "sos",
}  # fmt: skip
_CODE: Final = re.compile(CODE_PATTERN)
_ALL: Final = Limits(payload_bytes_max=2**31, future_us_max=2**62, age_us_max=2**62)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a device sent that the registry has no point for. `device_id` is None where the whole device is unknown;
    `quantities` are those that are not registered."""

    device: str
    device_id: int | None
    quantities: tuple[str, ...]
    first_seen_at: datetime
    last_seen_at: datetime
    message_count: int
    last_topic: str
    last_payload: bytes

    @property
    def claimable(self) -> bool:
        """Whether it can be registered: we know what it measures, and what it is called can be a code or an address."""
        return bool(self.device and self.quantities) and is_address(self.device)

    @property
    def suggested_code(self) -> str:
        """What it is called, where that can be a code; "" where it needs one, and what it is called is its address."""
        return self.device if _CODE.fullmatch(self.device) else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A device as somebody wants to register it. `heard` is what it is called by those who sent of it: its address,
    where that is not its code."""

    heard: str
    code: str
    zone_id: int
    name: str
    kind: str
    model: str
    report_interval_s: int
    quantities: tuple[str, ...]
    wear: str = ""
    installed_on: date | None = None
    test_due_on: date | None = None

    @property
    def address(self) -> str:
        """What its gateway calls it, "" where that is the code."""
        return "" if self.heard == self.code else self.heard


def last_values(heard: Heard, routes: Routes = OWN_ROUTES) -> dict[str, float]:
    """What its last message said, as far as its kept beginning can be read: by quantity, in the quantity's unit."""
    where = routes.find(heard.last_topic)
    if where is None or where.format in NO_READINGS:
        return {}
    message = Message(heard.last_topic, heard.last_payload, to_us(heard.last_seen_at))
    decoded, _ = decode(message, where, _ALL, Exchange({}))
    values = {}
    for each in decoded.samples:
        if each.device == heard.device and each.quantity in QUANTITIES:
            quantity = QUANTITIES[each.quantity]
            try:
                value = each.value if each.unit is None else convert(each.value, each.unit, quantity)
            except UnitMismatch:
                continue
            if math.isfinite(value):
                values[quantity.name] = value
    return values


def suggested_kind(quantities: Collection[str]) -> str:
    """What a device that measures these most likely is.

    >>> suggested_kind(["smoke_alarm", "temperature", "battery"]), suggested_kind(["temperature"])
    ('smoke', 'heat')
    >>> suggested_kind(["gas", "co"]), suggested_kind(["humidity"])
    ('multi', 'multi')
    """
    kinds = {_KINDS[each] for each in quantities if each in _KINDS}
    if not kinds and "temperature" in quantities:
        return "heat"
    return kinds.pop() if len(kinds) == 1 else "multi"


def suggested_interval_s(first_seen_at: datetime, last_seen_at: datetime, message_count: int) -> int:
    """How often it seems to report, in seconds, rounded up to a usual interval; an hour where it was heard once.

    >>> from datetime import UTC, timedelta
    >>> begun = datetime(2026, 11, 27, tzinfo=UTC)
    >>> suggested_interval_s(begun, begun + timedelta(seconds=580), 21), suggested_interval_s(begun, begun, 1)
    (30, 3600)
    """
    if message_count < 2:
        return 3600
    mean_s = (last_seen_at - first_seen_at).total_seconds() / (message_count - 1)
    return next((each for each in _INTERVALS_S if each >= mean_s), INTERVAL_S_MAX)


def problems(claim: Claim) -> list[str]:
    """What is wrong with `claim`; nothing where it can be registered."""
    found = []
    if not is_address(claim.heard):
        found.append("heard: what it is called cannot be an address")
    if not _CODE.fullmatch(claim.code):
        found.append("code: letters, digits, - and _ only, at most 64")
    if not 1 <= len(claim.name.strip()) <= NAME_LENGTH_MAX:
        found.append(f"name: 1 to {NAME_LENGTH_MAX} characters")
    if len(claim.model) > NAME_LENGTH_MAX:
        found.append(f"model: at most {NAME_LENGTH_MAX} characters")
    if claim.kind not in DEVICE_KINDS:
        found.append(f"kind: one of {', '.join(DEVICE_KINDS)}")
    if not 1 <= claim.report_interval_s <= INTERVAL_S_MAX:
        found.append(f"report_interval_s: from 1 to {INTERVAL_S_MAX}")
    if claim.wear and (claim.wear not in WEARS or "fall" not in claim.quantities):
        found.append(f"wear: one of {', '.join(WEARS)}, of what tells of falls")
    if claim.installed_on is not None and claim.test_due_on is not None and claim.test_due_on < claim.installed_on:
        found.append("test_due_on: lies before installed_on")
    return found + quantity_problems(claim.quantities)


def quantity_problems(quantities: Collection[str]) -> list[str]:
    """What is wrong with what a device is to be registered with."""
    unknown = sorted(set(quantities) - QUANTITIES.keys())
    if unknown:
        return [f"quantities: no {', '.join(each[:64] for each in unknown)}"]
    return [] if quantities else ["quantities: name at least one"]
