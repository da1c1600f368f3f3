"""What is remembered of a transmission device's frames: a resent one counts once, and memory stays bounded."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.gb26875_frame import Command, Frame, encode, read_one
from ingest.panel_link import FRAMES_KEPT_MAX, RESENT_S_MAX, Past, print_of


def frame(serial: int, unit: bytes = b"") -> Frame:
    found = read_one(encode(serial, bytes(6), bytes(6), bytes(6), Command.SEND, unit))
    assert isinstance(found, Frame)
    return found


def test_a_frame_is_new_then_waits_then_is_done_and_is_new_again_after_a_minute() -> None:
    past, mark = Past(8), print_of(frame(1))
    assert past.seen(mark, 0) == "new"
    past.add(mark)
    assert past.seen(mark, 1000) == "waiting"  # however long: it is confirmed once, when it is safe
    past.done(mark, 1000)
    past.done(mark, 2000)  # confirmed twice is confirmed
    assert past.seen(mark, 1000 + RESENT_S_MAX) == "done"
    assert past.seen(mark, 1001 + RESENT_S_MAX) == "new"


def test_the_same_serial_with_something_else_to_say_is_another_frame() -> None:
    # A device that was switched off counts from 1 again; some always send 0.
    assert print_of(frame(1, b"a")) != print_of(frame(1, b"b"))
    assert print_of(frame(1, b"a")) == print_of(frame(1, b"a"))


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=400), st.integers(1, 40))
def test_it_remembers_a_bounded_number_and_forgets_none_that_waits(
    steps: list[tuple[int, bool]], waiting_max: int
) -> None:
    past, waiting = Past(waiting_max), set[int]()
    for serial, confirm in steps:
        mark = (serial, b"")
        if confirm:
            past.done(mark, 0.0)
            waiting.discard(serial)
        elif past._room.is_set() and past.seen(mark, 0.0) == "new":
            past.add(mark)
            waiting.add(serial)
        assert past._room.is_set() == (len(waiting) < waiting_max)
        assert len(past._kept) <= FRAMES_KEPT_MAX
        assert all(past.seen((each, b""), 0.0) == "waiting" for each in waiting)


def test_a_device_with_too_many_unconfirmed_frames_waits_for_room() -> None:
    async def run() -> list[str]:
        past, told = Past(2), []
        for serial in (1, 2):
            past.add((serial, b""))
        waiter = asyncio.create_task(past.room())
        await asyncio.sleep(0)
        told.append("waits" if not waiter.done() else "goes on")
        past.done((1, b""), 0.0)
        await asyncio.wait_for(waiter, 10)
        return [*told, "goes on"]

    assert asyncio.run(run()) == ["waits", "goes on"]
