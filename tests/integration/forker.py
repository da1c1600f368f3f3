"""A process that reads a module once and runs its `main` in forks of itself: for tests that begin a program many times,
each of which would read it for a second. `python -m tests.integration.forker MODULE`; a line of JSON on its standard
input are the arguments of a fork; it says `started PID`, and `ended PID CODE` as subprocess has it.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.commands import environment

_LOOK_S = 0.02
_START_S_MAX = 60.0


class Fork:
    """One of the forks, with the face of a Popen."""

    def __init__(self, forker: "Forker", pid: int) -> None:
        self.pid = pid
        self._forker = forker

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        self._forker.listen(0)
        return self._forker.ended.get(self.pid)

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit code; a negative one is the signal that killed it. Raises TimeoutExpired."""
        until_s = time.monotonic() + timeout
        while self.pid not in self._forker.ended:
            if time.monotonic() > until_s:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout)
            self._forker.listen(_LOOK_S)
        return self._forker.ended[self.pid]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Forker:
    """The process, begun at the first fork; a context manager, at whose end all of its forks are gone."""

    def __init__(self, module: str, log: Path | None = None) -> None:
        """`log` is appended what the forks write to stdout and stderr; without it that is lost."""
        self.ended: dict[int, int] = {}
        self._module = module
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[int] = []
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with self._process as process:  # closes its pipes, at which it kills its forks and ends
                assert process.stdin is not None
                process.stdin.close()
                assert process.wait(30) == 0

    def run(self, *arguments: str | int) -> Fork:
        """Begin one."""
        stdin = self._begun().stdin
        assert stdin is not None
        stdin.write(json.dumps(arguments).encode() + b"\n")
        stdin.flush()
        until_s = time.monotonic() + _START_S_MAX
        while not self._started:
            assert time.monotonic() < until_s, f"{self._module} does not start"
            self.listen(_LOOK_S)
        return Fork(self, self._started.pop())

    def _begun(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            command = [sys.executable, "-m", "tests.integration.forker", self._module]
            with open(self._log or os.devnull, "ab") as errors:  # noqa: PTH123 - os.devnull is no Path
                self._process = subprocess.Popen(
                    command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
                )
        return self._process

    def listen(self, wait_s: float) -> None:
        """Take in what it says within so long."""
        out = self._begun().stdout
        assert out is not None
        if not select.select([out], [], [], wait_s)[0]:
            return
        said = os.read(out.fileno(), 65_536)
        assert said, f"the forker of {self._module} has died"
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            word, pid, *code = line.decode().split()
            if word == "started":
                self._started.append(int(pid))
            else:
                self.ended[int(pid)] = int(code[0])


def main(module: str) -> None:
    """Fork until standard input ends; then kill what still runs."""
    program = importlib.import_module(module)
    running: set[int] = set()
    rest = b""
    while True:
        if select.select([0], [], [], _LOOK_S)[0]:
            asked = os.read(0, 65_536)
            if not asked:
                break
            *lines, rest = (rest + asked).split(b"\n")
            for line in lines:
                running.add(_fork(program.main, json.loads(line)))
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            running.remove(pid)
            _say(f"ended {pid} {os.waitstatus_to_exitcode(status)}")
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _fork(run: object, arguments: list[str | int]) -> int:
    pid = os.fork()
    if pid:
        _say(f"started {pid}")
        return pid
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # the forker's orders are not for us
        os.dup2(2, 1)
        assert callable(run)
        run(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - the end of a process, which tells of it as the interpreter would
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]  # there is an exception
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
