"""Fire panels over TCP (GB/T 26875.3-2011): their transmission devices as a source of the pipeline's.

A thread of its own runs the connections. A frame is acknowledged when the batch it came with is safe, as a message of
the broker's is; one that cannot be taken is denied, and put on record with the cause. Everything is bounded:
connections, frames a second, frames that wait for their acknowledgement, silence, and what begins and does not end.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, NamedTuple

import structlog

from ingest.errors import PanelAway
from ingest.formats.gb26875_frame import Cause, Command, Fault, Frame, Reader, clock_bytes, encode, reply
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.panel_link import Link, Parted, Past, Print, print_of
from ingest.panel_report import UTC_OFFSET_S, topic
from ingest.settings import PanelSettings

READ_BYTES: Final = 4096
FAULTS_MAX: Final = 20
TOLD_PAUSE_S: Final = 1.0
UNKNOWN_PAUSE_S: Final = 60.0
UNKNOWN_COUNT_MAX: Final = 1000
STEP_US: Final = 256  # between two frames' times of arrival: more than there are objects in one
BIND_PAUSE_S: Final = 5.0
INBOX_LOOK_S: Final = 0.1
INBOX_COUNT: Final = 20_000
INBOX_BYTES: Final = 8 * 2**20
STOP_S_MAX: Final = 5.0

log = structlog.get_logger("ingest.panel")


class _Receipt(NamedTuple):
    """What an acknowledgement needs."""

    address: str
    frame: Frame
    mark: Print


class Source:
    """Transmission devices as a source: take, ack, close. `knows` says whether an address is registered; `clock`
    answers µs since 1970. Both are asked in this source's own thread."""

    def __init__(self, settings: PanelSettings, knows: Callable[[str], bool], clock: Callable[[], int]) -> None:
        self._settings = settings
        self._knows = knows
        self._clock = clock
        self._inbox = Inbox(INBOX_COUNT, INBOX_BYTES)
        self._stamped_us = 0
        self._links: set[Link] = set()
        self._live: dict[str, Link] = {}
        self._past: dict[str, Past] = {}  # of registered devices only
        self._unknown: dict[str, float] = {}  # when such a one was last put on record
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name="panels", daemon=True)
        self.port: int | None = None  # where it listens, once it does

    def open(self) -> None:
        """Begin to listen. Where the port is taken that is tried again and again: the broker's alarms must not wait."""
        self._thread.start()
        self._tried.wait()

    @property
    def waiting_count(self) -> int:
        """How many frames wait in the inbox."""
        return len(self._inbox)

    def addresses(self) -> frozenset[str]:
        """The devices that are connected."""
        return frozenset(self._live)

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        """See Inbox.take."""
        return self._inbox.take(count_max=count_max, age_ms_max=age_ms_max, wait_s=wait_s)

    def ack(self, messages: Sequence[Message]) -> None:
        """Tell the devices that `messages` are safe; those of other sources are passed over."""
        receipts = [message.receipt for message in messages if isinstance(message.receipt, _Receipt)]
        if receipts:
            with suppress(RuntimeError):  # the loop has ended: the devices send again when we are back
                self._loop.call_soon_threadsafe(self._acknowledge, receipts)

    def ask(self, address: str, command: Command, unit: Callable[[], bytes]) -> "Future[Frame]":
        """Have a command sent to a connected device, its unit made each time it is. The future's errors: PanelAway,
        PanelSilent."""
        asking = self._ask(address, command, unit)
        try:
            return asyncio.run_coroutine_threadsafe(asking, self._loop)
        except RuntimeError:  # the loop has ended
            asking.close()
            nobody: Future[Frame] = Future()
            nobody.set_exception(PanelAway())
            return nobody

    def close(self) -> None:
        """Stop listening and part with everybody."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(STOP_S_MAX)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._listen())
        finally:
            self._tried.set()
            self._loop.close()

    async def _listen(self) -> None:
        server = None
        while server is None and not self._closing.is_set():
            try:
                server = await asyncio.start_server(self._serve, self._settings.host, self._settings.port)
            except OSError as error:
                where = f"{self._settings.host}:{self._settings.port}"
                log.error("no port for fire panels", where=where, reason=str(error))  # noqa: TRY400 - a fact, no fault
                self._tried.set()
                await _within(self._closing.wait(), BIND_PAUSE_S)
        if server is None:
            return
        self.port = server.sockets[0].getsockname()[1]
        log.info("fire panels are listened to", host=self._settings.host, port=self.port)
        self._tried.set()
        await self._closing.wait()
        server.close()
        serving = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for link in list(self._links):
            link.part()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        if len(self._links) >= self._settings.connections_max:
            log.warning("too many fire panels", peer=link.peer, connections_max=self._settings.connections_max)
            link.part()
            return
        self._links.add(link)
        reason = "left"
        try:
            await self._converse(link, reader)
        except Parted as parted:
            reason = str(parted)
        except OSError as error:
            reason = str(error)
        except Exception:
            log.exception("a fire panel's connection failed", address=link.address, peer=link.peer)
        finally:
            self._links.discard(link)
            if self._live.get(link.address) is link:
                del self._live[link.address]
            link.part()
            log.info("fire panel gone", address=link.address, peer=link.peer, reason=reason)

    async def _converse(self, link: Link, reader: asyncio.StreamReader) -> None:
        """Take what one device sends. Raises Parted, OSError."""
        now = self._loop.time
        frames = Reader()
        introduced_by_s = now() + self._settings.introduction_s_max
        begun_s: float | None = None  # since when a frame is awaited to its end
        while True:
            until_s = now() + self._settings.idle_s_max if link.address else introduced_by_s
            if begun_s is not None:
                until_s = min(until_s, begun_s + self._settings.frame_s_max)
            data = await _within(reader.read(READ_BYTES), until_s - now())
            if data == b"":
                return
            if data is None and begun_s is None:
                raise Parted("silent for too long" if link.address else "it has not introduced itself")
            for found in frames.give_up() if data is None else frames.feed(data):
                begun_s = None
                await link.pace(self._settings.frames_per_s_max)
                await self._take_frame(link, found)
            if not frames.partial:
                begun_s = None
            elif begun_s is None:
                begun_s = now()

    async def _take_frame(self, link: Link, found: Frame | Fault) -> None:
        if isinstance(found, Fault):
            self._deny(link, found)
            return
        address = found.source.hex()
        if address != (link.address or address):
            self._write_denial(link, found)
            raise Parted(f"it calls itself {address} now")
        if not self._knows(address):
            self._tell_unknown(address, found)
            self._write_denial(link, found)
            raise Parted(f"{address} is not registered")
        if not link.address:
            self._admit(link, address, found)
        link.faults = 0
        if found.command == Command.SEND:
            await self._take_once(link, found)
        elif found.command in {Command.CONFIRM, Command.ANSWER, Command.DENY}:
            link.answered(found)
            await self._put(Message(topic(address), found.raw, self._stamp()))
        else:
            self._deny(link, Fault(Cause.UNKNOWN_COMMAND, f"command {found.command} is a centre's", found, found.raw))

    def _admit(self, link: Link, address: str, frame: Frame) -> None:
        """The newest connection of a device is the one that counts: the one before may be dead without our knowing."""
        link.address, link.centre = address, frame.destination
        former = self._live.get(address)
        self._live[address] = link
        if former is not None:
            former.give_way()
        log.info("fire panel connected", address=address, peer=link.peer)

    async def _take_once(self, link: Link, frame: Frame) -> None:
        past = self._past.setdefault(link.address, Past(self._settings.unacknowledged_max))
        mark = print_of(frame)
        seen = past.seen(mark, self._loop.time())
        if seen == "done":  # our acknowledgement did not arrive
            link.write(reply(frame, self._time(), Command.CONFIRM))
        elif seen == "new":
            await past.room()
            past.add(mark)
            await self._put(Message(topic(link.address), frame.raw, self._stamp(), _Receipt(link.address, frame, mark)))

    async def _put(self, message: Message) -> None:
        """Queue a frame; while there is no room nothing more is read from this device."""
        while not self._inbox.put(message):  # noqa: ASYNC110 - who makes room is another thread, and it is rare
            await asyncio.sleep(INBOX_LOOK_S)

    def _deny(self, link: Link, fault: Fault) -> None:
        """Say no, and put the cause on record, but not by the thousand. Raises Parted after too many in a row."""
        link.faults += 1
        if fault.head is not None:
            self._write_denial(link, fault.head)
        elif link.address:
            link.write(encode(0, self._time(), link.centre, bytes.fromhex(link.address), Command.DENY))
        if not link.address:
            raise Parted(f"it began with what is no frame: {fault.cause}")
        if self._loop.time() - link.told_s >= TOLD_PAUSE_S:
            link.told_s = self._loop.time()
            log.warning("frame denied", address=link.address, peer=link.peer, cause=fault.cause, detail=fault.detail)
            self._inbox.put(Message(topic(link.address), fault.raw, self._stamp()))
        if link.faults >= FAULTS_MAX:
            raise Parted(f"{link.faults} frames in a row could not be taken")

    def _write_denial(self, link: Link, frame: Frame) -> None:
        link.write(reply(frame, self._time(), Command.DENY))

    def _tell_unknown(self, address: str, frame: Frame) -> None:
        """Let the list of unclaimed devices name it."""
        now_s = self._loop.time()
        if now_s - self._unknown.get(address, float("-inf")) < UNKNOWN_PAUSE_S:
            return
        if len(self._unknown) >= UNKNOWN_COUNT_MAX:
            self._unknown = {each: at for each, at in self._unknown.items() if now_s - at < UNKNOWN_PAUSE_S}
        if len(self._unknown) < UNKNOWN_COUNT_MAX:
            self._unknown[address] = now_s
            self._inbox.put(Message(topic(address), frame.raw, self._stamp()))

    def _acknowledge(self, receipts: Sequence[_Receipt]) -> None:
        for address, frame, mark in receipts:
            self._past[address].done(mark, self._loop.time())
            link = self._live.get(address)  # perhaps not the one it came by
            if link is not None:
                link.write(reply(frame, self._time(), Command.CONFIRM))

    async def _ask(self, address: str, command: Command, unit: Callable[[], bytes]) -> Frame:
        link = self._live.get(address)
        if link is None:
            raise PanelAway
        return await link.ask(command, unit, self._time)

    def _stamp(self) -> int:
        """When a frame came: later than the one before, so that readings made of them keep their order."""
        self._stamped_us = max(self._clock(), self._stamped_us + STEP_US)
        return self._stamped_us

    def _time(self) -> bytes:
        return clock_bytes(self._clock(), UTC_OFFSET_S)


async def _within(work: Coroutine[Any, Any, Any], limit_s: float) -> Any:
    """What `work` answers, None when that takes longer."""
    try:
        async with asyncio.timeout(max(0.0, limit_s)):
            return await work
    except TimeoutError:
        return None
