"""GB/T 26875.3-2011: what the application data unit of a frame says, as data.

A unit is a type flag, a count of objects, and the objects; most end in the six bytes of a time. What a panel's words
mean for our points is worked out in ingest/panel_report.py, with the registry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ingest.formats.gb26875_names import (
    ANALOGS,
    COMPONENT_STATES,
    DEVICE_OPERATIONS,
    DEVICE_STATES,
    OPERATIONS,
    SYSTEM_STATES,
    states_of,
)

SYSTEM_STATE: Final = 1
COMPONENT_STATE: Final = 2
ANALOG_VALUE: Final = 3
OPERATION: Final = 4
COMPONENT_CONFIGURATION: Final = 7
SYSTEM_TIME: Final = 8
DEVICE_STATE: Final = 21
DEVICE_OPERATION: Final = 24
DEVICE_TIME: Final = 28
SET_CLOCK: Final = 90
DUTY_CHECK: Final = 91

_TIME_BYTES: Final = 6
_DESCRIPTION_BYTES: Final = 31


@dataclass(frozen=True, slots=True)
class Said:
    """One object of a unit.

    `place` is whom it is about: "" the transmission device itself, "1.1" a system (type, address), "1.1.2.10" a
    component (then loop and number: the high and the low half of its address). `states` are names of STATES;
    `analog` is the number of its kind and `value` is in its unit. `time` is the object's own, as it came, b"" where it
    has none.
    """

    type_flag: int
    place: str = ""
    component_type: int | None = None
    states: tuple[str, ...] = ()
    description: str = ""
    analog: int | None = None
    value: float | None = None
    operator: int | None = None
    time: bytes = b""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit held: good objects, and what was wrong with the rest, "" for nothing."""

    type_flag: int
    objects: tuple[Said, ...]
    problem: str = ""


def decode_unit(unit: bytes) -> Unit:
    """The objects of `unit`; never raises. An empty one, a heartbeat, holds none."""
    if not unit:
        return Unit(0, ())
    type_flag, count = unit[0], unit[1] if len(unit) > 1 else 0
    known = _BODIES.get(type_flag)
    if known is None:
        # Versions and configurations: of no size we could check, and only ever asked for by a person.
        return Unit(type_flag, (Said(type_flag, description=f"{_text(unit[2:])} [{unit[2:].hex()}]".strip()),))
    size, read = known
    body = unit[2:]
    objects = tuple(read(body[first : first + size]) for first in range(0, min(len(body), size * count), size)
                    if first + size <= len(body))  # fmt: skip
    if len(body) != size * count:
        problem = f"{count} objects of {size} bytes are announced, {len(body)} bytes are there"
        return Unit(type_flag, objects, problem)
    return Unit(type_flag, objects, "" if count else "the unit holds no object")


def component_address(address: bytes) -> str:
    """Loop and number of a component, as installers write them.

    >>> component_address(bytes.fromhex("0a000200"))
    '2.10'
    """
    return f"{int.from_bytes(address[2:], 'little')}.{int.from_bytes(address[:2], 'little')}"


def component_bytes(place: str) -> bytes:
    """System type, system address and component address (6 bytes) of the component at `place`. Raises ValueError.

    >>> component_bytes("1.1.2.10").hex()
    '01010a000200'
    """
    system_type, system, loop, number = (int(each) for each in place.split("."))
    if not (0 <= system_type < 256 and 0 <= system < 256 and 0 <= loop < 65_536 and 0 <= number < 65_536):
        raise ValueError(f"{place} is no component's address")
    return bytes([system_type, system]) + number.to_bytes(2, "little") + loop.to_bytes(2, "little")


def read_unit(type_flag: int, place: str = "", *, count: int = 1, since: bytes = bytes(_TIME_BYTES)) -> bytes:
    """The unit that asks for `type_flag` (61–68 of systems and components, 81–88 of the device itself): of the system
    or component at `place`; of operations, `count` since a time. Raises ValueError where that does not fit."""
    parts = [int(each) for each in place.split(".")] if place else []
    if type_flag in {62, 63, 67}:
        body = component_bytes(place)
    elif type_flag in {61, 64, 65, 66, 68}:
        if len(parts) != 2 or not all(0 <= each < 256 for each in parts):
            raise ValueError(f"{place!r} is no system: its type and address are wanted, as 1.1")
        body = bytes(parts) + (bytes([count]) + since if type_flag == 64 else b"")
    elif type_flag == 84:
        body = bytes([count]) + since
    elif type_flag in {81, 85, 86, 88}:
        body = b"\0"  # reserved
    else:
        raise ValueError(f"{type_flag} reads nothing")
    return bytes([type_flag, 1]) + body


def clock_unit(six: bytes) -> bytes:
    """The unit that sets a transmission device's clock."""
    return bytes([SET_CLOCK, 1]) + six


def duty_unit(minutes: int) -> bytes:
    """The unit of a duty check (查岗) that has to be answered within `minutes`.

    >>> duty_unit(10).hex()
    '5b010a'
    """
    return bytes([DUTY_CHECK, 1, minutes])


def _text(raw: bytes) -> str:
    """GB18030, as far as it can be read; without padding, and what no text column takes."""
    text = raw.split(b"\0", 1)[0].decode("gb18030", "replace")
    return "".join(each for each in text if each.isprintable()).rstrip("\ufffd").strip()  # 31 bytes may cut a sign


def _system(body: bytes) -> str:
    return f"{body[0]}.{body[1]}"


def _system_state(body: bytes) -> Said:
    bits = int.from_bytes(body[2:4], "little")
    return Said(SYSTEM_STATE, _system(body), states=states_of(bits, SYSTEM_STATES), time=body[4:])


def _component_state(body: bytes) -> Said:
    return Said(
        COMPONENT_STATE,
        f"{_system(body)}.{component_address(body[3:7])}",
        body[2],
        states_of(int.from_bytes(body[7:9], "little"), COMPONENT_STATES),
        _text(body[9 : 9 + _DESCRIPTION_BYTES]),
        time=body[9 + _DESCRIPTION_BYTES :],
    )


def _analog_value(body: bytes) -> Said:
    steps = int.from_bytes(body[8:10], "little", signed=True)
    kind = ANALOGS.get(body[7])
    value = steps if kind is None else round(steps * kind.step, 6)
    place = f"{_system(body)}.{component_address(body[3:7])}"
    return Said(ANALOG_VALUE, place, body[2], analog=body[7], value=value, time=body[10:])


def _operation(body: bytes) -> Said:
    return Said(OPERATION, _system(body), states=states_of(body[2], OPERATIONS), operator=body[3], time=body[4:])


def _component_configuration(body: bytes) -> Said:
    place = f"{_system(body)}.{component_address(body[3:7])}"
    return Said(COMPONENT_CONFIGURATION, place, body[2], description=_text(body[7:]))


def _device_state(body: bytes) -> Said:
    return Said(DEVICE_STATE, states=states_of(body[0], DEVICE_STATES), time=body[1:])


def _device_operation(body: bytes) -> Said:
    return Said(DEVICE_OPERATION, states=states_of(body[0], DEVICE_OPERATIONS), operator=body[1], time=body[2:])


# type flag → (bytes of an object, its time included, how it is read)
_BODIES: Final[dict[int, tuple[int, Callable[[bytes], Said]]]] = {
    SYSTEM_STATE: (4 + _TIME_BYTES, _system_state),
    COMPONENT_STATE: (40 + _TIME_BYTES, _component_state),
    ANALOG_VALUE: (10 + _TIME_BYTES, _analog_value),
    OPERATION: (4 + _TIME_BYTES, _operation),
    COMPONENT_CONFIGURATION: (38, _component_configuration),
    SYSTEM_TIME: (2 + _TIME_BYTES, lambda body: Said(SYSTEM_TIME, _system(body), time=body[2:])),
    DEVICE_STATE: (1 + _TIME_BYTES, _device_state),
    DEVICE_OPERATION: (2 + _TIME_BYTES, _device_operation),
    DEVICE_TIME: (_TIME_BYTES, lambda body: Said(DEVICE_TIME, time=body)),
}
