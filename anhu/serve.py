"""The service as a set of roles, each a process of its own: one that dies is started again, the others go on."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Self

from anhu.errors import RolesFailed
from anhu.keeper import POLL_S, QUICK_FAILURES_MAX, Keeper, Program, Say
from anhu.language import text

STOP_TIME_S_MAX = 20.0


def role_commands(names: Iterable[str], workers: int = 1) -> dict[str, list[str]]:
    """The command of every role; that of the pipeline for each of so many `workers`.

    >>> list(role_commands(["pipeline", "watch"], 2))
    ['pipeline', 'pipeline-2', 'watch']
    """
    commands = {}
    for name in names:
        for number in range(1, (workers if name == "pipeline" else 1) + 1):
            commands[name if number == 1 else f"{name}-{number}"] = [sys.executable, "-m", "anhu.role", name]
    return commands


class Signals:
    """SIGINT and SIGTERM, noted down instead of ending the process; a context manager for the main thread."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._before: dict[int, object] = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned goes back in


def supervise(
    roles: Mapping[str, Sequence[str]],
    env: Mapping[str, str] | None = None,
    *,
    say: Say,
    stop_time_s_max: float = STOP_TIME_S_MAX,
    trouble: Callable[[], str | None] = lambda: None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run every role until SIGINT or SIGTERM, which is passed on; returns when all have stopped.

    A role that dies is restarted after 0.5 s, doubling to 10 s, for ever, as the others can do their work without it;
    60 s of health reset that. `trouble` is asked now and then whether what the roles stand on is gone for good; `ready`
    is called once, when all have been started. A role that does not stop in `stop_time_s_max`, or at a second signal,
    is killed. If this process is killed, the kernel kills the roles. RolesFailed, with all roles stopped, when each of
    them has failed quickly 20 times in a row or when there is `trouble`. Call it from the main thread.
    """
    environment = dict(os.environ if env is None else env)
    programs = [
        Program(name, list(command), environment, stop_steps=[(signal.SIGTERM, stop_time_s_max)])
        for name, command in roles.items()
    ]
    keeper = Keeper(programs, say)
    with Signals() as signals:
        try:
            keeper.start()
            ready()
            while not signals.received:
                keeper.tick()
                if (reason := trouble()) is not None:
                    raise RolesFailed(reason)
                if keeper.all_fail:
                    raise RolesFailed(
                        text(
                            f"没有一个角色能运行，每个都连续失败了 {QUICK_FAILURES_MAX} 次，服务停止。",
                            f"No role can be kept running, each failed {QUICK_FAILURES_MAX} times in a row; the service"
                            " stops.",
                        )
                    )
                time.sleep(POLL_S)
            keeper.send(signals.received[0])
            _wait_until_stopped(keeper, signals, stop_time_s_max)
        finally:
            keeper.stop(in_turn=False)


def _wait_until_stopped(keeper: Keeper, signals: Signals, time_s_max: float) -> None:
    """Give the roles their time after the first signal; a second one cuts it short."""
    deadline_s = time.monotonic() + time_s_max
    while keeper.any_alive() and time.monotonic() < deadline_s:
        if len(signals.received) > 1:
            break
        time.sleep(POLL_S / 2)
    keeper.kill()
