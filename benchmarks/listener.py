"""A page's websocket, in a process of its own: when each alert reached it."""

import json
import time
from multiprocessing.connection import Connection
from typing import Final

import httpx
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.limits import READY
from dashboard import auth

IDLE_S_MAX: Final = 10.0
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024  # the first frame holds every open alert


def sign_in(origin: str, password: str) -> str:
    """The administrator's cookie, as a header holds it."""
    signed_in = httpx.post(
        f"{origin}/api/session", json={"username": auth.ADMINISTRATOR, "password": password}, headers={"Origin": origin}
    )
    return f"{auth.COOKIE}={signed_in.raise_for_status().cookies[auth.COOKIE]}"


def listen(origin: str, password: str, count: int, seconds_max: float, result: Connection) -> None:
    """Sign in, connect, and take frames until `count` alerts were raised or `seconds_max` have passed.

    Answers READY after the snapshot, then with a list of (device code, when the frame was here in µs since 1970). The
    frames are read only afterwards, so that reading one does not delay the next.
    """
    cookie = sign_in(origin, password)
    frames: list[tuple[int, str | bytes]] = []
    raised = 0
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
        while raised < count and time.monotonic() < deadline_s:
            frame = websocket.recv(IDLE_S_MAX)  # a heartbeat comes every five seconds
            frames.append((time.time_ns() // 1000, frame))
            raised += '"verb":"raise"' in str(frame)
    raises = [(json.loads(frame), at_us) for at_us, frame in frames if '"verb":"raise"' in str(frame)]
    result.send([(frame["alert"]["device"]["code"], at_us) for frame, at_us in raises])
