"""A stretch of wire between a client and a server that a test can cut."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

_READ_COUNT = 65_536


class Wire:
    """Forwards TCP connections made to its own port to what `target` connects to; `cut` breaks those that stand, as a
    network does. Later ones work."""

    def __init__(self, target: Callable[[], socket.socket]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()  # near end, far end
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="wire", daemon=True)]
        self.port = int(self._listener.getsockname()[1])
        self.cut_count = 0

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    @property
    def standing(self) -> list[tuple[socket.socket, socket.socket]]:
        """The connections that go through the wire now."""
        with self._lock:
            return list(self._pairs)

    def cut(self) -> None:
        """Break every connection, both ways at once and whatever is under way."""
        broken = self.standing
        self.cut_count += bool(broken)
        for pair in broken:
            _shut(pair)

    def passes(self, end: socket.socket) -> bool:
        """Whether what comes at `end` goes on to the other one, its end included."""
        del end
        return True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = self._target()
            except OSError:
                near.close()
                continue
            pair = near, far
            with self._lock:
                self._pairs.add(pair)
            for one, other in (pair, pair[::-1]):
                thread = threading.Thread(target=self._pump, args=(one, other, pair), name="wire", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, one: socket.socket, other: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        try:
            while data := one.recv(_READ_COUNT):
                if self.passes(one):
                    other.sendall(data)
        except OSError:
            pass  # cut, or closed by the other direction
        finally:
            if self.passes(one):
                _shut(pair)
            with self._lock:
                self._pairs.discard(pair)
            one.close()


def _shut(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):  # the other side was quicker
            end.shutdown(socket.SHUT_RDWR)


def to_port(port: int) -> Callable[[], socket.socket]:
    """How to get to a port of this machine."""
    return lambda: socket.create_connection(("127.0.0.1", port))
