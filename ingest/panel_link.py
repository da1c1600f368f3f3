"""One connection of a fire panel's transmission device, and what is remembered of its frames beyond it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from ingest.errors import PanelAway, PanelSilent
from ingest.formats.gb26875_frame import Command, Frame, encode

ANSWER_S_MAX: Final = 10.0  # the standard's time limit and number of resends
RESENDS_MAX: Final = 3
LINGER_S: Final = 5.0
WRITE_BYTES_MAX: Final = 64 * 1024
ASKED_COUNT_MAX: Final = 8
FRAMES_KEPT_MAX: Final = 128
RESENT_S_MAX: Final = 60.0

Print = tuple[int, bytes]  # serial and digest of a frame


class Parted(Exception):
    """We part with a connection, for the reason given."""


def print_of(frame: Frame) -> Print:
    """What tells a frame from every other one; a resent one has the same."""
    return frame.serial, blake2b(frame.raw, digest_size=16).digest()


class Past:
    """The frames of one transmission device that were taken lately, so that a resent one counts once.

    It outlives connections: a device that was cut off sends again on the next. At most FRAMES_KEPT_MAX are known; those
    that wait for their acknowledgement are at most `waiting_max`.
    """

    def __init__(self, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._kept: OrderedDict[Print, float | None] = OrderedDict()  # when acknowledged, None while it waits
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Wait until another frame may wait for its acknowledgement."""
        await self._room.wait()

    def seen(self, mark: Print, now_s: float) -> str:
        """ "new", "waiting", or "done": acknowledged, and resent because that was lost."""
        if mark not in self._kept:
            return "new"
        done_s = self._kept[mark]
        if done_s is None:
            return "waiting"
        if now_s - done_s <= RESENT_S_MAX:
            return "done"
        del self._kept[mark]
        return "new"

    def add(self, mark: Print) -> None:
        """A new frame is on its way to the disk."""
        self._kept[mark] = None
        self._count(+1)
        done = [each for each, done_s in self._kept.items() if done_s is not None]
        for oldest in done[: max(0, len(self._kept) - FRAMES_KEPT_MAX)]:
            del self._kept[oldest]

    def done(self, mark: Print, now_s: float) -> None:
        """It is safe, and acknowledged."""
        if self._kept.get(mark, 0.0) is None:
            self._kept[mark] = now_s
            self._kept.move_to_end(mark)
            self._count(-1)

    def _count(self, change: int) -> None:
        self._waiting += change
        if self._waiting < self._waiting_max:
            self._room.set()
        else:
            self._room.clear()


class Link:
    """One connection. `address` is "" until the device has introduced itself; `centre` is what it calls us."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._task = asyncio.current_task()
        self.peer = str(writer.get_extra_info("peername"))
        self.address = ""
        self.centre = bytes(6)
        self.faults = 0  # since the last good frame
        self.told_s = float("-inf")  # when a fault was last put on record
        self._paced_s = float("-inf")
        self._serial = 0
        self._asked: dict[int, asyncio.Future[Frame]] = {}

    def write(self, frame: bytes) -> None:
        """Send a frame; a device that does not read what it is sent is parted with."""
        if self._writer.transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            self._writer.transport.abort()
        elif not self._writer.is_closing():
            self._writer.write(frame)

    async def pace(self, frames_per_s_max: float) -> None:
        """Wait until another frame may be taken: so many a second, a second's worth at once."""
        now_s = asyncio.get_running_loop().time()
        self._paced_s = max(self._paced_s, now_s - 1.0) + 1 / frames_per_s_max
        if self._paced_s > now_s:
            await asyncio.sleep(self._paced_s - now_s)

    async def ask(self, command: Command, unit: Callable[[], bytes], time: Callable[[], bytes]) -> Frame:
        """Send a command until it is answered. Raises PanelSilent, PanelAway."""
        if len(self._asked) >= ASKED_COUNT_MAX:
            raise PanelSilent("it has not answered what it was asked before")
        self._serial = self._serial % 0xFFFF + 1
        serial = self._serial
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[serial] = answer
        try:
            for _ in range(1 + RESENDS_MAX):
                self.write(encode(serial, time(), self.centre, bytes.fromhex(self.address), command, unit()))
                done, _waiting = await asyncio.wait((answer,), timeout=ANSWER_S_MAX)
                if done:
                    return answer.result()
            raise PanelSilent
        finally:
            del self._asked[serial]
            answer.cancel()

    def answered(self, frame: Frame) -> None:
        """The device has answered: what nobody asked is passed over."""
        answer = self._asked.get(frame.serial)
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def part(self) -> None:
        """End the connection, and tell whoever waits for an answer."""
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(PanelAway())
        if not self._writer.is_closing():
            self._writer.close()  # what was written goes out first, if the other side reads it
            asyncio.get_running_loop().call_later(LINGER_S, self._writer.transport.abort)

    def give_way(self) -> None:
        """Part for another connection of the same device, whatever we wait for on this one."""
        if self._task is not None:
            self._task.cancel()
