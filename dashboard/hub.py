"""Spreading the event log over the connected clients: a ring of the last frames and one bounded queue a client.

No I/O and no locks: everything here runs on the event loop's thread and never waits, so that between a client's
snapshot and the first frame after it nothing can slip through and nothing come twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

SLOW: Final = 1013  # try again later
BAD_MESSAGE: Final = 1008
SIGNED_OUT: Final = 4401
STOPPING: Final = 1012


class Frame(NamedTuple):
    """One event as every client gets it, serialised once."""

    cursor: int
    text: str


class Closing(NamedTuple):
    """Why a connection ends."""

    code: int
    reason: str


class Client:
    """What waits to be sent to one client. Full means slow: the client is told to come back and begin afresh."""

    def __init__(self, session_sha256: bytes, queue_count_max: int) -> None:
        self.session_sha256 = session_sha256
        self.watched: set[int] = set()
        self.after = 0  # the client has everything up to this cursor
        self.closing: Closing | None = None
        self._queue: deque[str] = deque()
        self._queue_count_max = queue_count_max
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def waiting_count(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    def put(self, text: str) -> None:
        """Queue a frame; a client whose queue is full is closed instead."""
        if self.closing is not None:
            return
        if len(self._queue) >= self._queue_count_max:
            self.close(SLOW, "too slow: connect again")
            return
        self._queue.append(text)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection; what still waits is dropped."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._queue.clear()
            self._wake.set()
            self._ended.set()

    async def ended(self) -> None:
        """Waits until the connection is to end."""
        await self._ended.wait()

    async def next(self) -> str | None:
        """The next frame to send, None when the connection is to end."""
        while not self._queue:
            if self.closing is not None:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()


class Hub:
    """All clients, and the last frames of the event log."""

    def __init__(self, ring_count_max: int, on_slow: Callable[[], None] = lambda: None) -> None:
        self.clients: set[Client] = set()
        self.cursor = 0  # of the newest frame published
        self._floor = 0  # the ring holds every frame after this cursor
        self._ring: deque[Frame] = deque()
        self._ring_count_max = ring_count_max
        self._on_slow = on_slow

    def admit(self, client: Client, snapshot: Frame) -> bool:
        """Begin to serve `client` with `snapshot` and what followed it; False when the snapshot is too old for that."""
        if snapshot.cursor < self._floor:
            return False
        client.after = snapshot.cursor
        client.put(snapshot.text)
        for frame in self._ring:
            self._give(client, frame)
        self.clients.add(client)
        return True

    def dismiss(self, client: Client) -> None:
        """Serve `client` no longer."""
        self.clients.discard(client)

    def publish(self, frames: Sequence[Frame]) -> None:
        """Give every client the frames, which follow those published before."""
        for frame in frames:
            self._ring.append(frame)
            self.cursor = frame.cursor
        while len(self._ring) > self._ring_count_max:
            self._floor = self._ring.popleft().cursor
        for client in self.clients:
            for frame in frames:
                self._give(client, frame)

    def resync(self, snapshot: Frame) -> None:
        """Begin again from `snapshot`, with every client: the log may have moved on unseen."""
        self._ring.clear()
        self._floor = self.cursor = snapshot.cursor
        for client in self.clients:
            client.after = snapshot.cursor
            self._put(client, snapshot.text)

    def broadcast(self, text: str) -> None:
        """Give every client a frame that is not of the event log."""
        for client in self.clients:
            self._put(client, text)

    def give(self, clients: Iterable[Client], text: str) -> None:
        """Give some clients a frame that is not of the event log."""
        for client in clients:
            self._put(client, text)

    def end_sessions(self, ended: Callable[[bytes], bool]) -> None:
        """Close the clients whose session has ended."""
        for client in self.clients:
            if ended(client.session_sha256):
                client.close(SIGNED_OUT, "signed out")

    def close_all(self) -> None:
        """Close every client: the service stops."""
        for client in self.clients:
            client.close(STOPPING, "the service stops")

    def sessions(self) -> set[bytes]:
        """The SHA-256 of the sessions that have a client."""
        return {client.session_sha256 for client in self.clients}

    def _give(self, client: Client, frame: Frame) -> None:
        if frame.cursor > client.after:
            client.after = frame.cursor
            self._put(client, frame.text)

    def _put(self, client: Client, text: str) -> None:
        before = client.closing
        client.put(text)
        if before is None and client.closing is not None:
            self._on_slow()
