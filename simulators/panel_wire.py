"""A fire panel's side of GB/T 26875.3-2011, written from the standard's tables and from nothing of ours: what the
service takes for right is checked against this, so neither may learn from the other.

One frame, little-endian: 2 start characters 40H, serial number of the transaction (2), protocol version (main, user),
time tag (second, minute, hour, day, month, year of the century), source address (6), destination address (6), length of
the application data unit (2), command byte, the unit, sum check (1), 2 end characters 23H.
"""

import struct
from datetime import datetime
from typing import Final, NamedTuple

_HEAD: Final = struct.Struct("<HBB6s6s6sHB")  # from the serial number to the command
_COMPONENT: Final = struct.Struct("<BBBHHH31s")  # system, its address, type, number, loop, state, description
_ANALOG: Final = struct.Struct("<BBBHHBh")
_SYSTEM: Final = struct.Struct("<BBH")

CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = range(1, 7)
SMOKE_DETECTOR, HEAT_DETECTOR, CALL_POINT, GAS_DETECTOR = 40, 30, 23, 10
FIRE_ALARM_SYSTEM: Final = 1


class Packet(NamedTuple):
    """One frame, taken apart."""

    serial: int
    source: bytes
    destination: bytes
    command: int
    unit: bytes
    time: bytes


def time_tag(local: datetime) -> bytes:
    """The six bytes of a clock's time."""
    return bytes((local.second, local.minute, local.hour, local.day, local.month, local.year % 100))


def pack(serial: int, time: bytes, source: bytes, destination: bytes, command: int, unit: bytes = b"") -> bytes:
    """The frame as bytes."""
    summed = _HEAD.pack(serial, 1, 1, time, source, destination, len(unit), command) + unit
    return b"@@%b%c##" % (summed, sum(summed) % 256)


class Unpacker:
    """Takes a well-behaved centre's stream apart; raises ValueError for what no such centre sends."""

    def __init__(self) -> None:
        self._waiting = b""

    def push(self, data: bytes) -> list[Packet]:
        """The frames that `data` completes."""
        self._waiting += data
        done = []
        while len(self._waiting) >= 2 + _HEAD.size:
            serial, _main, _user, time, source, destination, length, command = _HEAD.unpack_from(self._waiting, 2)
            whole = 2 + _HEAD.size + length + 3
            if self._waiting[:2] != b"@@" or length > 1024:
                raise ValueError(f"no frame: {self._waiting[:32].hex()}")
            if len(self._waiting) < whole:
                break
            frame, self._waiting = self._waiting[:whole], self._waiting[whole:]
            if frame[-2:] != b"##" or frame[-3] != sum(frame[2:-3]) % 256:
                raise ValueError(f"a frame with a wrong end or sum: {frame.hex()}")
            done.append(Packet(serial, source, destination, command, frame[2 + _HEAD.size : -3], time))
        return done


def system_state(state: int, time: bytes, system: int = FIRE_ALARM_SYSTEM) -> bytes:
    """Unit of type 1, one object."""
    return b"\x01\x01" + _SYSTEM.pack(system, 1, state) + time


def component_state(kind: int, loop: int, number: int, state: int, description: str, time: bytes) -> bytes:
    """Unit of type 2, one object; a description that is too long is cut after a whole character."""
    text = b""
    for sign in description:
        if len(text + sign.encode("gb18030")) > 31:
            break
        text += sign.encode("gb18030")
    return b"\x02\x01" + _COMPONENT.pack(FIRE_ALARM_SYSTEM, 1, kind, number, loop, state, text.ljust(31, b"\0")) + time


def analog_value(kind: int, loop: int, number: int, quantity: int, steps: int, time: bytes) -> bytes:
    """Unit of type 3, one object."""
    return b"\x03\x01" + _ANALOG.pack(FIRE_ALARM_SYSTEM, 1, kind, number, loop, quantity, steps) + time


def operation(bits: int, operator: int, time: bytes) -> bytes:
    """Unit of type 4, one object."""
    return b"\x04\x01" + bytes((FIRE_ALARM_SYSTEM, 1, bits, operator)) + time


def device_state(bits: int, time: bytes) -> bytes:
    """Unit of type 21, one object."""
    return b"\x15\x01" + bytes((bits,)) + time


def device_operation(bits: int, operator: int, time: bytes) -> bytes:
    """Unit of type 24, one object."""
    return b"\x18\x01" + bytes((bits, operator)) + time


def device_time(time: bytes) -> bytes:
    """Unit of type 28."""
    return b"\x1c\x01" + time
