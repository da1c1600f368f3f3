"""GB/T 26875.3-2011 on the wire: frames of a fire panel's transmission device (用户信息传输装置), read and written.

A frame is 30 + L bytes, integers little-endian: 40 40, serial (2), version (2), time (6), source (6), destination (6),
L (2, at most 1024), command (1), the application data unit (L), the checksum (low 8 bits of the sum of all bytes from
the serial to the end of the unit), 23 23.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

START: Final = b"\x40\x40"
END: Final = b"\x23\x23"
HEAD_BYTES: Final = 27  # up to and with the command
FRAME_BYTES_MIN: Final = 30
UNIT_BYTES_MAX: Final = 1024
FRAME_BYTES_MAX: Final = FRAME_BYTES_MIN + UNIT_BYTES_MAX
VERSION: Final = b"\x01\x01"
ADDRESS_BYTES: Final = 6


class Command(IntEnum):
    """What a frame is for (table 2); what is not here is reserved or a maker's own."""

    CONTROL = 1
    SEND = 2
    CONFIRM = 3
    REQUEST = 4
    ANSWER = 5
    DENY = 6


_COMMANDS: Final = frozenset(Command)


class Cause(StrEnum):
    """Why what came is no frame that can be taken, and is denied."""

    BAD_START = "bad_start"
    BAD_END = "bad_end"
    BAD_CHECKSUM = "bad_checksum"
    TOO_LONG = "too_long"
    UNKNOWN_COMMAND = "unknown_command"
    INCOMPLETE = "incomplete"


class Frame(NamedTuple):
    """One frame. `time` is its six bytes as they came, `raw` all of it."""

    serial: int
    version: bytes
    time: bytes
    source: bytes
    destination: bytes
    command: int
    unit: bytes
    raw: bytes = b""


class Fault(NamedTuple):
    """What could not be taken: `head` is the frame's as far as one can be read, without its unit."""

    cause: Cause
    detail: str
    head: Frame | None
    raw: bytes


class Reader:
    """Frames out of a stream of bytes that may be torn anywhere: any split of a stream gives the same frames, and
    faults of the same causes.

    Holds less than FRAME_BYTES_MAX bytes between two calls. After a fault it looks for the next start; until a whole
    frame was read, or as many bytes passed as the longest has, what fails on the way is not told again.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._quiet_bytes = 0  # so many more may be passed over in silence

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame | Fault]:
        """What `data` completes, in order."""
        self._buffer += data
        return list(self._read())

    def give_up(self) -> list[Frame | Fault]:
        """What has begun will not end: that it was torn, and what stands in the bytes after its start."""
        found: list[Frame | Fault] = []
        while self._buffer:
            found += self._tell(Cause.INCOMPLETE, f"{len(self._buffer)} bytes and no end")
            found += self._skip(1)
            found += self._read()
        return found

    def _read(self) -> Iterator[Frame | Fault]:
        while True:
            start = self._buffer.find(START)
            if start < 0:
                start = len(self._buffer) - self._buffer.endswith(START[:1])
            yield from self._skip(start)
            if len(self._buffer) < HEAD_BYTES:
                return
            length = int.from_bytes(self._buffer[24:26], "little")
            if length > UNIT_BYTES_MAX:
                detail = f"{length} bytes of data; at most {UNIT_BYTES_MAX} are allowed"
                yield from self._tell(Cause.TOO_LONG, detail, self._head())
                yield from self._skip(1)
            elif len(self._buffer) < FRAME_BYTES_MIN + length:
                return
            else:
                yield from self._take(FRAME_BYTES_MIN + length)

    def _take(self, size: int) -> Iterator[Frame | Fault]:
        raw, head = bytes(self._buffer[:size]), self._head()
        if raw[-2:] != END:
            yield from self._tell(Cause.BAD_END, f"it ends in {raw[-2:].hex()}", head, raw)
            yield from self._skip(1)
            return
        del self._buffer[:size]
        self._quiet_bytes = 0
        if raw[-3] != (right := checksum(raw[2:-3])):
            yield Fault(Cause.BAD_CHECKSUM, f"the checksum is {right:02x}, the frame says {raw[-3]:02x}", head, raw)
        elif head.command not in _COMMANDS:
            yield Fault(Cause.UNKNOWN_COMMAND, f"command {head.command}", head, raw)
        else:
            yield head._replace(unit=raw[HEAD_BYTES:-3], raw=raw)

    def _head(self) -> Frame:
        head = bytes(self._buffer[:HEAD_BYTES])
        serial = int.from_bytes(head[2:4], "little")
        return Frame(serial, head[4:6], head[6:12], head[12:18], head[18:24], head[26], b"")

    def _tell(self, cause: Cause, detail: str, head: Frame | None = None, raw: bytes = b"") -> list[Frame | Fault]:
        if self._quiet_bytes:
            return []
        self._quiet_bytes = FRAME_BYTES_MAX
        return [Fault(cause, detail, head, raw or bytes(self._buffer[:FRAME_BYTES_MAX]))]

    def _skip(self, count: int) -> list[Frame | Fault]:
        """Drop `count` bytes, which are no start of a frame."""
        told: list[Frame | Fault] = []
        while count:
            told += self._tell(Cause.BAD_START, f"{self._buffer[0]:02x} where a frame should begin")
            step = min(count, self._quiet_bytes)
            del self._buffer[:step]
            self._quiet_bytes -= step
            count -= step
        return told


def read_one(data: bytes) -> Frame | Fault:
    """The first frame or fault in `data`, which is all there is."""
    reader = Reader()
    found = reader.feed(data) or reader.give_up()
    return found[0] if found else Fault(Cause.INCOMPLETE, "no bytes at all", None, b"")


def encode(
    serial: int, time: bytes, source: bytes, destination: bytes, command: Command, unit: bytes = b"",
    version: bytes = VERSION,
) -> bytes:  # fmt: skip
    """One frame. Raises ValueError for a unit or an address of the wrong length."""
    if len(unit) > UNIT_BYTES_MAX:
        raise ValueError(f"{len(unit)} bytes of data; at most {UNIT_BYTES_MAX} fit")
    if (len(version), len(time), len(source), len(destination)) != (2, 6, ADDRESS_BYTES, ADDRESS_BYTES):
        raise ValueError("a version has 2 bytes, a time and an address 6")
    head = (serial & 0xFFFF).to_bytes(2, "little") + version + time + source + destination
    body = head + len(unit).to_bytes(2, "little") + bytes([command]) + unit
    return START + body + bytes([checksum(body)]) + END


def reply(to: Frame, time: bytes, command: Command, unit: bytes = b"") -> bytes:
    """The frame that answers `to`: its serial and version, its addresses the other way round."""
    return encode(to.serial, time, to.destination, to.source, command, unit, to.version)


def checksum(body: bytes) -> int:
    """The low 8 bits of the sum of the bytes from the serial to the end of the unit."""
    return sum(body) & 0xFF


def clock_bytes(moment_us: int, utc_offset_s: int) -> bytes:
    """Six bytes for a moment in µs since 1970 UTC, as clocks show it in the zone: second … year − 2000.

    >>> clock_bytes(1348653512000000, 8 * 3600).hex()
    '203a111a090c'
    """
    there = datetime(1970, 1, 1) + timedelta(microseconds=moment_us, seconds=utc_offset_s)  # noqa: DTZ001 - the wire has none
    return bytes([there.second, there.minute, there.hour, there.day, there.month, (there.year - 2000) & 0xFF])


def clock_us(six: bytes, utc_offset_s: int) -> int | None:
    """The moment six bytes mean, in µs since 1970 UTC; None where they are no time (a clock that was never set).

    >>> clock_us(bytes.fromhex("203a111a090c"), 8 * 3600)
    1348653512000000
    >>> clock_us(bytes(6), 0) is None
    True
    """
    second, minute, hour, day, month, year = six
    try:
        there = datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001 - the wire has none
    except ValueError:
        return None
    return round((there - datetime(1970, 1, 1) - timedelta(seconds=utc_offset_s)).total_seconds() * 1e6)  # noqa: DTZ001
