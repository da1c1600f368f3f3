"""A duty desk's page on the websocket, which connects again whenever it is sent away, as the real one does."""

import json
import threading
import time
from typing import Any, Final, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

RECV_S: Final = 0.5
RETRY_S: Final = 0.3
SILENCE_S_MAX: Final = 12.0  # a heartbeat comes every five: a page that hears nothing for longer connects anew


class Page:
    """Follows `/live` at `address` with a session's `cookie`, from its making to its end."""

    def __init__(self, address: str, origin: str, cookie: str) -> None:
        self._address, self._origin, self._cookie = address, origin, cookie
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._shown_us: dict[str, int] = {}
        self._heartbeat: dict[str, Any] = {}
        self._heartbeat_us = 0
        self.connections = self._snapshots = 0
        # (connection, snapshot, device) → (event, version of the alert) of each raise that was told
        self.raises: dict[tuple[int, int, str], list[tuple[Any, ...]]] = {}
        self._thread = threading.Thread(target=self._follow, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)

    def shown_us(self) -> dict[str, int]:
        """When the alert of each device was first on the screen, in µs since 1970."""
        with self._lock:
            return dict(self._shown_us)

    def well_since(self, since_us: int) -> bool:
        """Whether it has been told since then that pipeline and database are there."""
        with self._lock:
            beat = self._heartbeat
            return self._heartbeat_us >= since_us and bool(beat.get("pipeline_alive")) and not beat.get("database_away")

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with connect(
                    self._address, origin=self._origin, additional_headers={"Cookie": self._cookie},  # type: ignore[arg-type]
                    max_size=None, open_timeout=10, close_timeout=1, compression=None,
                ) as socket:  # fmt: skip
                    self.connections += 1
                    self._take_frames(socket)
            except (OSError, WebSocketException, TimeoutError, EOFError):
                self._over.wait(RETRY_S)

    def _take_frames(self, socket: ClientConnection) -> None:
        heard_s = time.monotonic()
        while not self._over.is_set() and time.monotonic() - heard_s < SILENCE_S_MAX:
            try:
                frame = json.loads(socket.recv(RECV_S))
            except TimeoutError:
                continue
            heard_s, at_us = time.monotonic(), time.time_ns() // 1000
            with self._lock:
                self._take(frame, at_us)

    def _take(self, frame: dict[str, Any], at_us: int) -> None:
        if frame["type"] == "heartbeat":
            self._heartbeat, self._heartbeat_us = frame, at_us
        elif frame["type"] in ("snapshot", "snapshot_part"):
            self._snapshots += frame["type"] == "snapshot"
            for alert in frame["alerts"]:
                self._show(alert, at_us)
        elif frame["type"] == "alert":
            code = self._show(frame["alert"], at_us)
            alert = frame["alert"]
            if code and frame["event"]["verb"] == "raise" and alert["kind"] == "fire":  # not that nobody answered it
                told = frame["cursor"], frame["event"]["id"], alert["id"], alert["version"], at_us
                self.raises.setdefault((self.connections, self._snapshots, code), []).append(told)

    def _show(self, alert: dict[str, Any], at_us: int) -> str | None:
        if alert["device"] is None:
            return None
        code = str(alert["device"]["code"])
        self._shown_us.setdefault(code, at_us)
        return code
