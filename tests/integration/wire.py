"""A stretch of wire between a client and a server that a test can cut."""

import socket
import threading
from typing import Self


class Wire:
    """Forwards TCP connections made to its own port; `cut` breaks those that stand, as a network does."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="wire", daemon=True)]
        self.port = self._listener.getsockname()[1]
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
    def standing(self) -> bool:
        """Whether a connection goes through the wire."""
        with self._lock:
            return bool(self._open)

    def cut(self) -> None:
        """Break every connection, both ways at once and whatever is under way."""
        with self._lock:
            broken = list(self._open)
        self.cut_count += bool(broken)
        for end in broken:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was quicker

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            with self._lock:
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pump, args=(one, other), name="wire", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass  # cut
        finally:
            for end in (one, other):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # shut by the other direction
            with self._lock:
                self._open -= {one, other}
            one.close()
