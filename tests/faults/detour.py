"""A detour between a client and a server whose standing connections can fall silent, as if a firewall forgot them."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from tests.wire import Wire

KEEPALIVE_S: Final = 25.0  # 10 + 3 × 5: when a kernel finds out by ingest.database's settings
_RESET: Final = struct.pack("ii", 1, 0)


class Detour(Wire):
    """`silence` drops whatever comes on the connections that stand: nothing is closed, nothing arrives. The end of a
    silent connection does not arrive either: the other side must find out by itself."""

    def __init__(self, target: Callable[[], socket.socket]) -> None:
        super().__init__(target)
        self._silent: set[socket.socket] = set()

    def passes(self, end: socket.socket) -> bool:
        """Not while it is silent."""
        return end not in self._silent

    def silence(self, *, found_out_s: float | None = None) -> int:
        """Let what stands fall silent; how many that were. After `found_out_s` both ends are reset, as by a kernel
        whose keep-alive was not answered; with None nobody finds out but by asking."""
        pairs = self.standing
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
