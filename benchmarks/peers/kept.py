"""A peer's process, started again when it has ended, as a service manager would."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Final, Self

from anhu import keeper
from benchmarks.stage import START_S_MAX, STOP_S_MAX, BenchFailed, until

LOOK_S: Final = 0.2
RESTART_S: Final = 1.0


class Kept:
    """Keeps `program` running while it is entered; `ready` tells when a new process works. `roots` has its number."""

    def __init__(self, program: keeper.Program, ready: Callable[[], bool]) -> None:
        self.roots: dict[str, int] = {}
        self.restarts = 0
        self._program = program
        self._ready = ready
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, name=f"keeper of {program.name}", daemon=True)

    def __enter__(self) -> Self:
        self._start()
        try:
            until(self._ready, START_S_MAX, self._program.name)
        except BenchFailed as failed:
            self._stop()
            log = self._program.log_path
            raise BenchFailed(f"{failed}\n{log.read_text()[-2000:] if log else ''}") from None
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        self._stop()

    def kill(self, away_s: float) -> None:
        """End it with SIGKILL, and let it come back after `away_s`."""
        with self._turn:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            time.sleep(away_s)
            self._start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            with self._turn:
                if self._process.poll() is not None:
                    self.restarts += 1
                    time.sleep(RESTART_S)
                    self._start()

    def _start(self) -> None:
        self._process = keeper.spawn(self._program)
        self.roots[self._program.name] = self._process.pid

    def _stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):  # one of them writes all it has queued before it ends
            self._process.wait(STOP_S_MAX)
            return
        self._process.kill()
        self._process.wait()
