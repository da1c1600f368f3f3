"""A page's websocket, in a process of its own: when each alert reached it."""

import re
import time
from multiprocessing.connection import Connection
from typing import Final

import httpx
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.limits import READY
from dashboard import auth

IDLE_S_MAX: Final = 10.0
_DEVICE: Final = re.compile(r'"code":"(dev-\d{4})"')
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024  # the first frame holds every open alert


def sign_in(origin: str, password: str) -> str:
    """The administrator's cookie, as a header holds it."""
    signed_in = httpx.post(
        f"{origin}/api/session", json={"username": auth.ADMINISTRATOR, "password": password}, headers={"Origin": origin}
    )
    return f"{auth.COOKIE}={signed_in.raise_for_status().cookies[auth.COOKIE]}"


def listen(origin: str, password: str, codes: frozenset[str], seconds_max: float, result: Connection) -> None:
    """Sign in, connect, and take frames until the alerts of all devices `codes` were raised or `seconds_max` have
    passed; others, of whose alerts some may still be open, don't count.

    Answers READY after the snapshot, then with a list of (device code, when its first frame was here in µs since 1970):
    what two detectors confirm together is raised once more on one of them.
    """
    cookie = sign_in(origin, password)
    arrived_us: dict[str, int] = {}
    with connect(
        origin.replace("http", "ws", 1) + "/live",
        origin=Origin(origin),
        additional_headers={"Cookie": cookie},
        max_size=FRAME_BYTES_MAX,
        compression=None,
    ) as websocket:
        websocket.recv(IDLE_S_MAX)  # the snapshot
        result.send(READY)
        deadline_s = time.monotonic() + seconds_max
        while len(arrived_us) < len(codes) and time.monotonic() < deadline_s:
            frame = str(websocket.recv(IDLE_S_MAX))  # a heartbeat comes every five seconds
            at_us = time.time_ns() // 1000
            if '"verb":"raise"' in frame and (found := _DEVICE.search(frame)) and found[1] in codes:
                arrived_us.setdefault(found[1], at_us)
    result.send(list(arrived_us.items()))
