"""A websocket that needs no signing in, in a process of its own: when each alert reached it."""

import time
from multiprocessing.connection import Connection
from typing import Final

import orjson
from websockets.sync.client import connect

from benchmarks.limits import READY

POLL_S: Final = 1.0


def listen_plain(url: str, codes: frozenset[str], seconds_max: float, result: Connection) -> None:
    """Take frames `{"device": …}` until those of all devices `codes` are here or `seconds_max` have passed.

    Answers READY when it is connected, then with a list of (device code, when its first frame was here in µs since
    1970), as `benchmarks.listener.listen` does.
    """
    arrived_us: dict[str, int] = {}
    with connect(url, compression=None) as websocket:
        result.send(READY)
        deadline_s = time.monotonic() + seconds_max
        while len(arrived_us) < len(codes) and time.monotonic() < deadline_s:
            try:
                frame = websocket.recv(POLL_S)
            except TimeoutError:
                continue
            at_us = time.time_ns() // 1000
            code = orjson.loads(frame)["device"]
            if code in codes:
                arrived_us.setdefault(code, at_us)
    result.send(list(arrived_us.items()))
