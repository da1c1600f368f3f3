"""What gateways call the properties of a device, and how these say yes and no, in Anhu's quantities.

Zigbee2MQTT, the codecs of LoRaWAN devices and Sparkplug gateways hand on names and values much alike: `smoke: true`,
`"leakage_status": "leak"`, `"battery": "100.00"`. What a name here does not tell, a route's own `names` do.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ingest.errors import Refusal
from ingest.formats.json_text import as_float
from ingest.quantity import QUANTITIES
from ingest.reading import Rejection
from ingest.routes import NO_NAMES

PROPERTIES_MAX: Final = 500  # of one message
DEPTH_MAX: Final = 4  # of objects within objects
ACTION: Final = "action"  # a property that tells of buttons

_SEPARATORS: Final = str.maketrans("", "", "_- ")
# As names are compared: in small letters without separators.
_QUANTITIES: Final = {
    **{name.replace("_", ""): name for name in QUANTITIES},
    "smoke": "smoke_alarm", "smokedetected": "smoke_alarm", "smokestate": "smoke_alarm", "smokestatus": "smoke_alarm",
    "smokedensitydbm": "smoke_obscuration",
    "gasleak": "gas_alarm", "gasdetected": "gas_alarm", "gasstate": "gas_alarm", "gasstatus": "gas_alarm",
    "gasvalue": "gas",
    "carbonmonoxide": "co", "codetected": "co_alarm", "costate": "co_alarm", "costatus": "co_alarm", "covalue": "co",
    "waterleakage": "water_leak", "waterleakstatus": "water_leak", "leak": "water_leak", "leakage": "water_leak",
    "leakagestatus": "water_leak", "flood": "water_leak",
    "presence": "occupancy", "motion": "occupancy", "pir": "occupancy",
    "falldetected": "fall", "falldown": "fall", "falldownstatus": "fall",
    "emergency": "sos", "panic": "sos", "sosbutton": "sos", "action": "sos",
    "batterylevel": "battery", "batterypercent": "battery", "lowbattery": "battery_low",
    "tampered": "tamper", "tamperstatus": "tamper",
    "temp": "temperature", "relativehumidity": "humidity",
}  # fmt: skip
# A property that is a yes or a no with one maker and a measure with another.
_FLAG_OF: Final = {"gas": "gas_alarm", "co": "co_alarm"}
_YES: Final = frozenset((
    "true", "yes", "on", "1", "alarm", "alarming", "detected", "triggered", "active", "smoke", "fire", "gas", "leak",
    "leaking", "wet", "fall", "occupied", "motion", "presence", "vibration", "tampered", "removed", "pressed",
))  # fmt: skip
_NO: Final = frozenset((
    "false", "no", "off", "0", "normal", "none", "clear", "cleared", "idle", "inactive", "ok", "dry", "vacant", "empty",
    "maybe_fall", "installed", "released",
))  # fmt: skip
_PRESSES: Final = frozenset((
    "single", "double", "triple", "quadruple", "many", "hold", "long", "short", "press", "click", "emergency", "sos",
    "panic",
))  # fmt: skip


@dataclass(slots=True)
class Found:
    """What the properties of one device say: quantity → value, and what could not be read."""

    values: dict[str, float] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)


def read(properties: Mapping[str, object], names: Mapping[str, str] = NO_NAMES) -> Found:
    """What `properties` say that Anhu knows; the rest is passed over. `names`: property → quantity, before those known
    here; "" passes one over. An object within is read as `outer.inner`.

    Where two properties are one quantity, a yes outweighs a no, and of two measures the first counts.

    >>> read({"smoke": False, "battery": "97.50", "linkquality": 66}).values
    {'smoke_alarm': 0.0, 'battery': 97.5}
    """
    found = Found()
    for count, (name, value) in enumerate(_flat(properties)):
        if count == PROPERTIES_MAX:
            detail = f"more than {PROPERTIES_MAX} properties; the rest is not read"
            found.rejections.append(Rejection(Refusal.TOO_LARGE, detail))
            break
        quantity = quantity_of(name, names)
        if quantity and value is not None:
            _note(found, name, quantity, value)
    return found


def _note(found: Found, name: str, quantity: str, value: object) -> None:
    number = _press(value) if name == ACTION else _flag(quantity, value)
    if number is not None:
        quantity = _FLAG_OF.get(quantity, quantity)
    elif name == ACTION:
        return  # a knob that was turned calls nobody
    elif is_flag(quantity):
        said = f"{str(value)[:32]!r} is neither yes nor no"
        found.rejections.append(Rejection(Refusal.BAD_TYPE, f"{name[:64]}: {said}"))
        return
    else:
        number = _number(value)
        if number is None:
            said = f"{str(value)[:32]!r} is no number"
            found.rejections.append(Rejection(Refusal.BAD_TYPE, f"{name[:64]}: {said}"))
            return
        if not math.isfinite(number):
            found.rejections.append(Rejection(Refusal.NOT_FINITE, f"{name[:64]}: {number}"))
            return
    before = found.values.get(quantity)
    if before is None or (is_flag(quantity) and number > before):
        found.values[quantity] = number


def quantity_of(name: str, names: Mapping[str, str] = NO_NAMES) -> str | None:
    """The quantity a property of that name is, None or "" for none.

    >>> quantity_of("waterLeak"), quantity_of("water_leak"), quantity_of("linkquality")
    ('water_leak', 'water_leak', None)
    """
    return names[name] if name in names else _known_quantity(name)


@lru_cache(maxsize=4096)
def _known_quantity(name: str) -> str | None:
    return _QUANTITIES.get(name.lower().translate(_SEPARATORS)) if len(name) <= 64 else None


def is_flag(quantity: str) -> bool:
    """Whether a quantity is a yes or a no."""
    return QUANTITIES[quantity].unit == "1"


def _flag(quantity: str, value: object) -> float | None:
    """1 or 0 for a yes or a no, None for what is neither, or is a number of a quantity that is measured."""
    if isinstance(value, bool):
        return float(value) if is_flag(quantity) or quantity in _FLAG_OF else None
    if isinstance(value, int | float):
        return float(value) if is_flag(quantity) and value in (0, 1) else None
    if not isinstance(value, str) or not (is_flag(quantity) or quantity in _FLAG_OF):
        return None
    word = value.strip().lower()
    if quantity in _FLAG_OF and word in {"0", "1"}:
        return None
    if word in _YES or (quantity == "sos" and _press(word)):
        return 1.0
    return 0.0 if word in _NO else None


def _press(value: object) -> float | None:
    """1 for the press of a button, as `emergency`, `single` or `button_2_hold`; None for anything else."""
    parts = str(value).lower().split("_") if isinstance(value, str) else []
    return 1.0 if _PRESSES & set(parts) and "release" not in parts else None


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return as_float(value)
    if isinstance(value, str) and len(value) <= 32:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _flat(properties: Mapping[str, object], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, object]]:
    for name, value in properties.items():
        if isinstance(value, dict):
            if depth < DEPTH_MAX:
                yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield prefix + name, value
