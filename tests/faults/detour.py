"""A detour between a client and a server whose standing connections can fall silent, as if a firewall forgot them."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final, Self

KEEPALIVE_S: Final = 25.0  # 10 + 3 × 5: when a kernel finds out by ingest.database's settings
_RESET: Final = struct.pack("ii", 1, 0)


class Detour:
    """Forwards TCP connections made to its own port to what `target` connects to.

    `silence` drops whatever comes on the connections that stand: nothing is closed, nothing arrives. Later ones work.
    """

    def __init__(self, target: Callable[[], socket.socket]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lock = threading.Lock()
        self._standing: dict[socket.socket, socket.socket] = {}  # near → far
        self._silent: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, name="detour", daemon=True)]
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            ends = [*self._standing, *self._standing.values()]
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def silence(self, *, found_out_s: float | None = None) -> int:
        """Let what stands fall silent; how many that were. After `found_out_s` both ends are reset, as by a kernel
        whose keep-alive was not answered; with None nobody finds out but by asking."""
        with self._lock:
            pairs = list(self._standing.items())
            self._silent |= {end for pair in pairs for end in pair}
        if found_out_s is not None:
            thread = threading.Thread(target=self._reset, args=(pairs, found_out_s), name="detour", daemon=True)
            self._threads.append(thread)
            thread.start()
        return len(pairs)

    def _reset(self, pairs: list[tuple[socket.socket, socket.socket]], after_s: float) -> None:
        time.sleep(after_s)
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RDWR)

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
            with self._lock:
                self._standing[near] = far
            threads = [
                threading.Thread(target=self._pump, args=(*pair, near), name="detour", daemon=True)
                for pair in ((near, far), (far, near))
            ]
            self._threads += threads
            for thread in threads:
                thread.start()

    def _pump(self, one: socket.socket, other: socket.socket, near: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                if one not in self._silent:
                    other.sendall(data)
        except OSError:
            pass  # reset, or closed by the other direction
        finally:
            # The end of a silent connection does not arrive either: the other side must find out by itself.
            if one not in self._silent:
                for end in (one, other):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._standing.pop(near, None)
            one.close()
