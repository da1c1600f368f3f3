"""Frames of fire panels: published samples, torn and broken streams, and what the units in them say."""

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.formats.gb26875 import (
    ANALOG_VALUE,
    COMPONENT_STATE,
    DEVICE_OPERATION,
    DEVICE_STATE,
    OPERATION,
    SYSTEM_STATE,
    Said,
    clock_unit,
    component_bytes,
    decode_unit,
    duty_unit,
    read_unit,
)
from ingest.formats.gb26875_frame import (
    FRAME_BYTES_MAX,
    Cause,
    Command,
    Fault,
    Frame,
    Reader,
    clock_us,
    encode,
    read_one,
    reply,
)

DEVICE, CENTRE = bytes.fromhex("790300000000"), bytes.fromhex("385b01000000")
TIME = bytes.fromhex("203a091a090c")


def wire(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


# Frames as published with the standard. The smoke detector's has no checksum there: it is worked out here.
ACKNOWLEDGEMENT = wire("4040 0100 0101 233A091A090C 385B01000000 790300000000 0000 03 AB 2323")
DUTY_CHECK = wire("4040 0100 0101 203A091A090C 385B01000000 790300000000 0300 01 5B010A 0F 2323")
_SMOKE = wire("0100 0101 203A091A090C 790300000000 385B01000000 3000 02 0201 0101280A0002000200") + b" " * 31 + TIME
SMOKE = b"@@" + _SMOKE + bytes([sum(_SMOKE) % 256]) + b"##"


def kinds(found: list[Frame | Fault]) -> list[object]:
    return [each.cause if isinstance(each, Fault) else each for each in found]


def test_published_frames_are_read_and_written_byte_for_byte() -> None:
    confirm = read_one(ACKNOWLEDGEMENT)
    assert isinstance(confirm, Frame)
    assert (confirm.serial, confirm.command, confirm.unit) == (1, Command.CONFIRM, b"")
    assert (confirm.source, confirm.destination) == (CENTRE, DEVICE)
    smoke = read_one(SMOKE)
    assert isinstance(smoke, Frame)
    assert (smoke.serial, smoke.command, len(smoke.unit)) == (1, Command.SEND, 48)
    assert reply(smoke, wire("233A091A090C"), Command.CONFIRM) == ACKNOWLEDGEMENT
    assert encode(1, TIME, CENTRE, DEVICE, Command.CONTROL, duty_unit(10)) == DUTY_CHECK
    # 2012-09-26 09:58:32 in China
    assert clock_us(smoke.time, 8 * 3600) == 1_348_624_712 * 1_000_000


def test_the_published_alarm_of_a_smoke_detector() -> None:
    smoke = read_one(SMOKE)
    assert isinstance(smoke, Frame)
    unit = decode_unit(smoke.unit)
    assert unit.problem == ""
    assert unit.objects == (Said(COMPONENT_STATE, "1.1.2.10", 40, ("fire",), "", time=TIME),)


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("01 01 01 01 0703 " + TIME.hex(), Said(SYSTEM_STATE, "1.1", states=("normal", "fire", "fault", "mains_fault",
                                                                         "standby_fault"), time=TIME)),
        ("03 01 01 02 1E 05000100 03 9CFF " + TIME.hex(),
         Said(ANALOG_VALUE, "1.2.1.5", 30, analog=3, value=-10.0, time=TIME)),
        ("03 01 01 02 0A 05000100 06 FA00 " + TIME.hex(),
         Said(ANALOG_VALUE, "1.2.1.5", 10, analog=6, value=25.0, time=TIME)),
        ("03 01 01 02 0A 05000100 C8 FA00 " + TIME.hex(),
         Said(ANALOG_VALUE, "1.2.1.5", 10, analog=200, value=250, time=TIME)),
        ("04 01 01 01 03 07 " + TIME.hex(), Said(OPERATION, "1.1", states=("reset", "silence"), operator=7, time=TIME)),
        ("15 01 0B " + TIME.hex(), Said(DEVICE_STATE, states=("normal", "fire", "mains_fault"), time=TIME)),
        ("18 01 20 02 " + TIME.hex(), Said(DEVICE_OPERATION, states=("duty_answer",), operator=2, time=TIME)),
        ("1C 01 " + TIME.hex(), Said(28, time=TIME)),
        ("08 01 01 01 " + TIME.hex(), Said(8, "1.1", time=TIME)),
        ("19 01 02 05", Said(25, description="[0205]")),
    ],
)  # fmt: skip
def test_what_units_say(unit: str, said: Said) -> None:
    decoded = decode_unit(wire(unit))
    assert decoded.problem == ""
    assert decoded.objects == (said,)


def component(states: int, description: bytes, number: int = 10) -> bytes:
    place = bytes([1, 1, 42]) + number.to_bytes(2, "little") + b"\2\0"
    return place + states.to_bytes(2, "little") + description.ljust(31, b"\0") + TIME


def test_descriptions_are_gb18030_and_may_be_cut_in_the_middle_of_a_sign() -> None:
    whole = "三层东侧走廊𠮷".encode("gb18030")  # the last of four bytes
    cut = "安和养老院二号楼三层东侧走廊烟".encode("gb18030") + "感".encode("gb18030")[:1]
    assert (len(whole), len(cut)) == (16, 31)
    unit = decode_unit(b"\2\2" + component(0x0002, whole) + component(0x0101, cut, 11))
    assert [(each.place, each.states, each.description) for each in unit.objects] == [
        ("1.1.2.10", ("fire",), "三层东侧走廊𠮷"),
        ("1.1.2.11", ("normal", "power_fault"), "安和养老院二号楼三层东侧走廊烟"),
    ]


def test_a_unit_that_is_too_short_keeps_what_is_whole_and_says_so() -> None:
    unit = decode_unit((b"\2\3" + component(0x0002, b"A") + component(0x0002, b"B"))[:-1])
    assert [each.description for each in unit.objects] == ["A"]
    assert "3 objects of 46 bytes are announced, 91 bytes" in unit.problem
    assert decode_unit(b"\x15\0").problem == "the unit holds no object"
    assert decode_unit(b"") == decode_unit(b"")
    assert decode_unit(b"").objects == ()


def test_the_largest_units_of_the_standard_fit() -> None:
    for type_flag, size, count in ((1, 10, 102), (2, 46, 22), (3, 16, 63), (4, 10, 102)):
        unit = decode_unit(bytes([type_flag, count]) + bytes(size * count))
        assert (len(unit.objects), unit.problem) == (count, "")
        encode(1, TIME, DEVICE, CENTRE, Command.SEND, bytes([type_flag, count]) + bytes(size * count))
    with pytest.raises(ValueError, match="1025 bytes"):
        encode(1, TIME, DEVICE, CENTRE, Command.SEND, bytes(1025))


@pytest.mark.parametrize(
    ("broken", "cause", "has_head"),
    [
        (SMOKE[:-3] + bytes([SMOKE[-3] ^ 1]) + SMOKE[-2:], Cause.BAD_CHECKSUM, True),
        (SMOKE[:30] + bytes([SMOKE[30] ^ 4]) + SMOKE[31:], Cause.BAD_CHECKSUM, True),
        (SMOKE[:-1] + b"!", Cause.BAD_END, True),
        (SMOKE[:24] + b"\1\4" + SMOKE[26:], Cause.TOO_LONG, True),
        (b"GET / HTTP/1.1\r\n\r\n", Cause.BAD_START, False),
        (b"\x40\x41" + SMOKE[2:], Cause.BAD_START, False),
    ],
)
def test_what_is_broken_is_told_once_and_the_next_frame_is_read(broken: bytes, cause: Cause, *, has_head: bool) -> None:
    found = Reader().feed(broken + DUTY_CHECK)
    assert kinds(found) == [cause, read_one(DUTY_CHECK)]
    fault = found[0]
    assert isinstance(fault, Fault)
    assert (fault.head is not None) == has_head
    if fault.head is not None:
        assert (fault.head.serial, fault.head.source) == (1, DEVICE)  # enough to deny it


@pytest.mark.parametrize("command", [0, 7, 127, 128, 255])
def test_reserved_commands_and_those_of_makers_are_unknown(command: int) -> None:
    body = SMOKE[2:26] + bytes([command]) + SMOKE[27:-3]
    fault = read_one(b"@@" + body + bytes([sum(body) & 255]) + b"##")
    assert isinstance(fault, Fault)
    assert (fault.cause, fault.detail) == (Cause.UNKNOWN_COMMAND, f"command {command}")


def test_what_never_ends_is_given_up_and_a_frame_inside_it_is_found() -> None:
    reader = Reader()
    torn = b"@@" + bytes(22) + b"\0\4" + b"\2"  # announces 1,024 bytes
    assert reader.feed(torn + SMOKE) == []
    assert reader.partial
    assert kinds(reader.give_up()) == [Cause.INCOMPLETE, read_one(SMOKE)]
    assert not reader.partial
    assert reader.give_up() == []


def spoilt(frame: bytes, at: int, by: int) -> bytes:
    at %= len(frame)
    return frame[:at] + bytes([frame[at] ^ by]) + frame[at + 1 :]


FRAMES: Final = st.builds(
    lambda serial, unit, command: encode(serial, TIME, DEVICE, CENTRE, command, unit),
    st.integers(0, 65_535), st.binary(max_size=80), st.sampled_from(list(Command)),
)  # fmt: skip
STREAMS: Final = st.lists(
    st.one_of(
        FRAMES,
        st.binary(max_size=60),
        st.sampled_from([b"@", b"@@", b"#", b"##", b"@@" + bytes(22) + b"\xff\xff\0", b"@" * 40, SMOKE[:50]]),
        st.builds(spoilt, FRAMES, st.integers(0, 2000), st.integers(1, 255)),
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(STREAMS, st.lists(st.integers(1, 50), min_size=1, max_size=20))
@example(b"\1" * 4000, [1])
@example(b"@" * 4000 + SMOKE, [7])
def test_any_split_of_a_stream_gives_the_same(stream: bytes, sizes: list[int]) -> None:
    whole, pieces = Reader(), Reader()
    found = kinds(whole.feed(stream)) + kinds(whole.give_up())
    torn: list[object] = []
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        torn += kinds(pieces.feed(stream[at : at + size]))
        assert len(pieces._buffer) < FRAME_BYTES_MAX
        at, turn = at + size, turn + 1
    assert torn + kinds(pieces.give_up()) == found


@given(st.lists(st.one_of(FRAMES, st.binary(max_size=30).filter(lambda each: b"@" not in each)), max_size=10))
def test_no_frame_is_lost_among_garbage(parts: list[bytes]) -> None:
    sent = [each for each in parts if each.startswith(b"@@")]
    reader = Reader()
    found = reader.feed(b"".join(parts)) + reader.give_up()
    assert [each.raw for each in found if isinstance(each, Frame)] == sent
    # garbage is told of once a stretch; stretches between frames are as many as there are at most
    assert sum(isinstance(each, Fault) for each in found) <= len(parts) - len(sent)


@given(st.binary(max_size=1100))
def test_nothing_in_a_unit_makes_it_fail(unit: bytes) -> None:
    for each in decode_unit(unit).objects:
        assert "\0" not in each.description
        each.description.encode()
    for known in (1, 2, 3, 4, 7, 8, 21, 24, 28):
        assert len(decode_unit(bytes([known]) + unit).objects) <= 255


@given(st.binary(min_size=6, max_size=6), st.integers(-12, 14))
def test_no_clock_makes_it_fail(six: bytes, hours: int) -> None:
    us = clock_us(six, hours * 3600)
    assert us is None or 946_000_000_000_000 - 14 * 3_600_000_000 < us < 9_100_000_000_000_000


def test_units_that_ask_and_order() -> None:
    assert component_bytes("1.1.2.10") == wire("0101 0A000200")
    assert read_unit(61, "1.1") == wire("3D01 0101")
    assert read_unit(62, "1.1.2.10") == wire("3E01 0101 0A000200")
    assert read_unit(64, "1.1", count=5, since=TIME) == wire("4001 0101 05") + TIME
    assert read_unit(81) == wire("5101 00")
    assert read_unit(84, count=3, since=TIME) == wire("5401 03") + TIME
    assert clock_unit(TIME) == wire("5A01") + TIME
    for type_flag, place in ((62, "1.1"), (61, "1.1.2.10"), (61, "300.1"), (62, "1.1.2.70000"), (90, "")):
        with pytest.raises(ValueError, match=r"is no|reads nothing|unpack"):
            read_unit(type_flag, place)
