"""Child processes kept alive: restarted with back-off when they die, stopped in time, never outliving their parent.

Only the standard library, so that the guardian of the embedded services stays small.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

RESTART_DELAY_S_MIN = 0.5
RESTART_DELAY_S_MAX = 10.0
HEALTHY_AFTER_S = 60.0
QUICK_FAILURES_MAX = 20
POLL_S = 0.1
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Say = Callable[[str], None]


class GaveUp(Exception):
    """A program died too often in a row."""


@dataclass(frozen=True)
class Program:
    """A process to keep: what to run, as whom, and how to stop it.

    `stop_steps` are signals, each with the seconds it is given; SIGKILL follows the last. `death_signal` is what the
    kernel sends when the keeper itself is killed. Without `log_path` the program writes where the keeper writes.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    user_id: int | None = None
    folder: Path | None = None
    log_path: Path | None = None
    stop_steps: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)
    death_signal: int = signal.SIGKILL


@dataclass
class Life:
    """What the keeper knows of one program."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    start_due_s: float = 0.0
    quick_failures: int = field(default=0)


def restart_delay_s(quick_failures: int) -> float:
    """How long to wait before the next start after so many quick failures in a row.

    >>> [restart_delay_s(count) for count in (1, 2, 5, 6)]
    [0.5, 1.0, 8.0, 10.0]
    """
    return min(RESTART_DELAY_S_MAX, RESTART_DELAY_S_MIN * 2.0 ** min(quick_failures - 1, 10))


class Keeper:
    """Starts programs in order, and keeps them running while `tick` is called (from the thread that made it)."""

    def __init__(self, programs: Sequence[Program], say: Say, quick_failures_max: int | None = None) -> None:
        """Keep `programs`, in the order they are started. After `quick_failures_max` quick deaths of one in a row they
        are given up; with None never. It may be changed later."""
        self.quick_failures_max = quick_failures_max
        self._lives = [Life(program) for program in programs]
        self._say = say

    @property
    def all_fail(self) -> bool:
        """Whether no program runs, and each has died QUICK_FAILURES_MAX times in a row."""
        return all(life.process is None and life.quick_failures >= QUICK_FAILURES_MAX for life in self._lives)

    def start(self) -> None:
        """Start every program once."""
        for life in self._lives:
            self._spawn(life, time.monotonic())

    def tick(self) -> None:
        """Restart what has died and is due. Raises GaveUp."""
        now_s = time.monotonic()
        for life in self._lives:
            if life.process is not None and life.process.poll() is not None:
                self._bury(life, now_s)
            if life.process is None and now_s >= life.start_due_s:
                self._spawn(life, now_s)
            elif life.process is not None and now_s - life.started_at_s >= HEALTHY_AFTER_S:
                life.quick_failures = 0

    def process_ids(self) -> dict[str, int]:
        """The process id of every program that runs."""
        return {life.program.name: life.process.pid for life in self._lives if life.process is not None}

    def send(self, number: int) -> None:
        """Send a signal to every program that runs."""
        for life in self._lives:
            if life.process is not None and life.process.poll() is None:
                life.process.send_signal(number)

    def any_alive(self) -> bool:
        """Whether any program runs."""
        return any(life.process is not None and life.process.poll() is None for life in self._lives)

    def kill(self) -> None:
        """Kill every program that runs, at once."""
        self.send(signal.SIGKILL)

    def stop(self, *, in_turn: bool) -> None:
        """Stop every program: the last started first, each waited for, when `in_turn`; otherwise all at once."""
        groups = [[life] for life in reversed(self._lives)] if in_turn else [list(self._lives)]
        for group in groups:
            _stop_together([life for life in group if life.process is not None], self._tell)

    def _bury(self, life: Life, now_s: float) -> None:
        process = life.process
        if process is None:
            return
        _kill_group(process.pid)  # what it started must not stay behind beside its successor
        lived_s = now_s - life.started_at_s
        life.process = None
        life.quick_failures = 1 if lived_s >= HEALTHY_AFTER_S else life.quick_failures + 1
        how = describe_exit(process.returncode)
        if self.quick_failures_max is not None and life.quick_failures >= self.quick_failures_max:
            raise GaveUp(f"{life.program.name}: {how}, {life.quick_failures} times in a row")
        delay_s = restart_delay_s(life.quick_failures)
        life.start_due_s = now_s + delay_s
        self._tell(f"{life.program.name}: {how} after {lived_s:.1f} s; restarting in {delay_s:.1f} s")

    def _spawn(self, life: Life, now_s: float) -> None:
        life.process = spawn(life.program)
        life.started_at_s = now_s
        self._tell(f"{life.program.name}: started, process {life.process.pid}")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # on a full disk nothing can be told, and all that is kept must be kept all the same
            self._say(line)


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that a terminal's Ctrl-C reaches the keeper alone."""
    log = program.log_path.open("ab") if program.log_path else None
    keeper_id = os.getpid()

    def before_exec() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(program.death_signal), 0, 0, 0)
            if os.getppid() != keeper_id:  # the keeper died before the kernel was told
                os._exit(1)

    try:
        return subprocess.Popen(
            list(program.argv),
            env=dict(program.env) if program.env is not None else None,
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=program.user_id,
            group=program.user_id,
            extra_groups=[] if program.user_id is not None else None,
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - keepers have one thread
        )
    finally:
        if log is not None:
            log.close()


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _stop_together(lives: Sequence[Life], say: Say) -> None:
    waiting = {life.program.name: (life, list(life.program.stop_steps), 0.0) for life in lives}
    while waiting:
        now_s = time.monotonic()
        for name, (life, steps, until_s) in list(waiting.items()):
            process = life.process
            if process is None or process.poll() is not None:
                if process is not None:
                    _kill_group(process.pid)
                    say(f"{name}: {describe_exit(process.returncode)}")
                life.process = None
                del waiting[name]
            elif now_s >= until_s and steps:
                number, wait_s = steps.pop(0)
                process.send_signal(number)
                waiting[name] = (life, steps, now_s + wait_s)
            elif now_s >= until_s:
                say(f"{name}: did not stop in time; killed")
                process.kill()
                process.wait()
        time.sleep(POLL_S / 2)


def _kill_group(process_id: int) -> None:
    """Kill what a dead program left in its session."""
    try:
        os.killpg(process_id, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        return  # a foreign group took the number
