"""Many pages on /live, in a process of their own: how long an alert takes to reach every one of them.

Reading a thousand sockets must not slow down what is measured, so a page here is as much of a websocket client as it
takes to read frames. Each frame carries when its message was due (`event.at`), by the clock of the same machine.
"""

import asyncio
import base64
import contextlib
import os
import resource
import time
from array import array
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import orjson
import uvloop

from benchmarks.limits import READY

_BATCH_COUNT: Final = 50  # connections opened at once
_FILES_BESIDE: Final = 64  # open files that are no page
_ALERT: Final = b'{"type":"alert","cursor":'
_RAISED: Final = b'"verb":"raise"'
_FIRE: Final = b'"kind":"fire"'  # devices that send nothing meanwhile are raised as offline, which is not measured
_ALERT_ID: Final = b'"alert":{"id":"'
_ID_LENGTH: Final = 36
_SNAPSHOT: Final = b'{"type":"snapshot"'
_READINGS: Final = b'{"type":"readings"'
_TEXT: Final = 1
_PING: Final = 9
_PONG: Final = 10
_LENGTH_16: Final = 126  # the next two bytes tell the length; 127: the next eight


class Heard(NamedTuple):
    """Milliseconds from each alert's being due to each page, how many alerts pages did not get, the CPU time that
    listening took, and how many frames told of watched devices."""

    delay_ms: "array[float]"
    missing_count: int
    cpu_s: float
    readings_count: int


class _Arrivals:
    """What all pages heard: the arrival of every alert at every page, and when each was due."""

    def __init__(self, expected_count: int) -> None:
        self.delay_s: array[float] = array("d")
        self.readings_count = 0
        self._due_s: dict[bytes, float] = {}
        self.complete = asyncio.Event()
        self._expected_count = expected_count

    def note(self, alert_id: bytes, frame: bytes, at_s: float) -> None:
        """The first frame of an alert at one page. Each alert's is parsed once, and no frame is kept."""
        due_s = self._due_s.get(alert_id)
        if due_s is None:
            due_s = datetime.fromisoformat(orjson.loads(frame)["event"]["at"]).timestamp()
            self._due_s[alert_id] = due_s
        self.delay_s.append(at_s - due_s)
        if len(self.delay_s) >= self._expected_count:
            self.complete.set()


class _Page(asyncio.Protocol):
    """One page: takes frames as they come, each in order. What two detectors confirm together is raised once more on
    one of them: of an alert the first frame counts."""

    def __init__(self, request: bytes, arrivals: _Arrivals, watched: Sequence[int] = ()) -> None:
        self._request = request
        self._watched = watched
        self._arrivals = arrivals
        self._rest = b""
        self._open = False
        self._cursor = 0
        self.began = asyncio.get_running_loop().create_future()
        self.alerts: set[bytes] = set()

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
            self._transport.write(_masked(body, _PONG))
        elif body.startswith(_ALERT):
            cursor = int(body[len(_ALERT) : body.index(b",", len(_ALERT))])
            if cursor <= self._cursor:
                raise ConnectionError(f"event {cursor} came after {self._cursor}")
            self._cursor = cursor
            if _RAISED in body and _FIRE in body:
                start = body.index(_ALERT_ID) + len(_ALERT_ID)
                alert_id = body[start : start + _ID_LENGTH]
                if alert_id not in self.alerts:
                    self.alerts.add(alert_id)
                    self._arrivals.note(alert_id, body, at_s)
        elif body.startswith(_READINGS):
            self._arrivals.readings_count += 1
        elif body.startswith(_SNAPSHOT) and not self.began.done():
            self.began.set_result(None)
            for device_id in self._watched:
                self._transport.write(_masked(orjson.dumps({"type": "watch", "device_id": device_id})))


def _masked(body: bytes, opcode: int = _TEXT) -> bytes:
    """A whole frame of at most 125 bytes, masked with zeros."""
    return bytes([0x80 | opcode, 0x80 | len(body)]) + bytes(4) + body


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
    origin: str, cookie: str, pages_count: int, alerts: int, wait_s: float, result: Connection, watched: Sequence[int]
) -> Heard:
    address = urlsplit(origin)
    host, port = address.hostname or "", address.port or 80
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET /live HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    arrivals = _Arrivals(pages_count * alerts)
    pages: list[_Page] = []
    while len(pages) < pages_count:
        batch = [
            loop.create_connection(partial(_Page, request, arrivals, watched[number : number + 1]), host, port)
            for number in range(len(pages), min(len(pages) + _BATCH_COUNT, pages_count))
        ]
        new = [page for _, page in await asyncio.gather(*batch)]
        await asyncio.gather(*(page.began for page in new))
        pages += new
    cpu_before_s = time.process_time()
    result.send(READY)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(arrivals.complete.wait(), wait_s)
    delay_ms = array("d", (1000 * delay_s for delay_s in arrivals.delay_s))
    missing = sum(alerts - len(page.alerts) for page in pages)
    return Heard(delay_ms, missing, time.process_time() - cpu_before_s, arrivals.readings_count)


def listen(
    origin: str,
    cookie: str,
    pages: int,
    alerts: int,
    wait_s: float,
    watched: Sequence[int],  # device ids: one a page, as far as they go
    result: Connection,
) -> None:
    """Open `pages` websockets, answer READY, and with a Heard when each has had `alerts` raised alerts or `wait_s` has
    passed; the process's main function."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, pages + _FILES_BESIDE), most))
    result.send(uvloop.run(_listen(origin, cookie, pages, alerts, wait_s, result, watched)))
