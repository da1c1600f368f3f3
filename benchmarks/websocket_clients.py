"""Many pages on /live: how long an alert takes to reach every one of them.

`measure` needs a running dashboard and a cookie; it runs in a process of its own, so that reading a thousand sockets
does not slow down what is measured. Each event's frame carries when it happened (`event.at`), by the clock of the same
machine.
"""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import orjson
import uvloop

_BATCH_COUNT: Final = 50  # connections opened at once
_ALERT: Final = b'{"type":"alert","cursor":'
_SNAPSHOT: Final = b'{"type":"snapshot"'
_PING: Final = 9
_LENGTH_16: Final = 126  # the next two bytes tell the length; 127: the next eight


@dataclass(frozen=True, slots=True)
class Heard:
    """Milliseconds from each event to each client, and how many clients missed one."""

    delay_ms: Sequence[float]
    clients: int
    missed_count: int

    def percentile(self, share: float) -> float:
        """The delay that `share` (0 to 1) of all frames kept within."""
        ordered = sorted(self.delay_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")


class _Heard:
    """What all pages heard: the arrival of every event at every page, and when each event happened."""

    def __init__(self, expected_count: int) -> None:
        self.arrivals: list[tuple[int, float]] = []  # cursor, seconds since 1970
        self.happened_s: dict[int, float] = {}
        self.complete = asyncio.Event()
        self._expected_count = expected_count

    def note(self, frame: bytes, at_s: float) -> None:
        """One alert frame of one page. Each event is parsed once, and no frame is kept."""
        cursor = int(frame[len(_ALERT) : frame.index(b",", len(_ALERT))])
        self.arrivals.append((cursor, at_s))
        if cursor not in self.happened_s:
            happened_at = datetime.fromisoformat(orjson.loads(frame)["event"]["at"])
            self.happened_s[cursor] = happened_at.timestamp()
        if len(self.arrivals) >= self._expected_count:
            self.complete.set()


class _Page(asyncio.Protocol):
    """As much of a websocket client as it takes to read frames: a library would cost more than what is measured."""

    def __init__(self, request: bytes, heard: _Heard) -> None:
        self._request = request
        self._heard = heard
        self._rest = b""
        self._open = False
        self.began = asyncio.get_running_loop().create_future()
        self.event_count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the websocket."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take every whole frame, and keep the rest for later."""
        at_s = time.time()
        data = self._rest + data if self._rest else data
        start = 0
        if not self._open:
            start = data.find(b"\r\n\r\n") + 4
            if start < 4:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.began.set_exception(ConnectionError(data[:start].decode()))
                return
            self._open = True
        while (span := _span(data, start)) is not None:
            body, end = span
            self._take(data[start] & 15, data[body:end], at_s)
            start = end
        self._rest = data[start:]

    def connection_lost(self, error: Exception | None) -> None:
        """A page that never began says so."""
        if not self.began.done():
            self.began.set_exception(error or ConnectionError("closed before the snapshot"))

    def _take(self, opcode: int, body: bytes, at_s: float) -> None:
        if opcode == _PING:
            self._transport.write(b"\x8a" + bytes([0x80 | len(body)]) + bytes(4) + body)  # a pong, masked with zeros
        elif body.startswith(_ALERT):
            self.event_count += 1
            self._heard.note(body, at_s)
        elif body.startswith(_SNAPSHOT) and not self.began.done():
            self.began.set_result(None)


def _span(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the frame at `start` begins and ends; None where it is not whole."""
    if len(data) < start + 2:
        return None
    length, body = data[start + 1], start + 2
    if length >= _LENGTH_16:
        body = start + (4 if length == _LENGTH_16 else 10)
        length = int.from_bytes(data[start + 2 : body], "big")
    return (body, body + length) if len(data) >= body + length else None


async def _listen(
    host: str, port: int, cookie: str, clients: int, events: int, wait_s: float, ready: Callable[[], None]
) -> Heard:
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nCookie: {cookie}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    heard = _Heard(clients * events)
    pages: list[_Page] = []
    while len(pages) < clients:
        batch = [
            loop.create_connection(lambda: _Page(request, heard), host, port)
            for _ in range(min(_BATCH_COUNT, clients - len(pages)))
        ]
        new = [page for _, page in await asyncio.gather(*batch)]
        await asyncio.gather(*(page.began for page in new))
        pages += new
    ready()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(heard.complete.wait(), wait_s)
    delays = [(at_s - heard.happened_s[cursor]) * 1000 for cursor, at_s in heard.arrivals]
    return Heard(delays, clients, sum(page.event_count < events for page in pages))


def measure(
    host: str, port: int, cookie: str, *, clients: int, events: int, wait_s: float, ready: Callable[[], None]
) -> Heard:
    """Open `clients` websockets, call `ready`, and wait until each has had `events` frames or `wait_s` has passed."""
    return uvloop.run(_listen(host, port, cookie, clients, events, wait_s, ready))
