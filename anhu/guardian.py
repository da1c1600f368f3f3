"""The guardian of the embedded services: a small process between Anhu and the servers it started.

It restarts a server that dies, keeps the logs bounded, and stops the servers in order once its parent has gone, however
the parent ended: the parent holds the other end of the guardian's standard input, and closes it by dying. If the
guardian itself is killed, the kernel stops the servers.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anhu.keeper import POLL_S, GaveUp, Keeper, Program

LOG_BYTES_MAX = 10 * 1024 * 1024
LOG_CHECK_S = 5.0
FIRST_FAILURES_MAX = 2  # until the parent has seen the servers answer: a wrong setting is told at once


def to_json(program: Program) -> dict[str, Any]:
    """A program as the guardian reads it."""
    return {
        "name": program.name,
        "argv": list(program.argv),
        "env": dict(program.env) if program.env is not None else None,
        "user_id": program.user_id,
        "folder": str(program.folder) if program.folder else None,
        "log_path": str(program.log_path) if program.log_path else None,
        "stop_steps": [[int(number), wait_s] for number, wait_s in program.stop_steps],
        "death_signal": int(program.death_signal),
    }


def from_json(fields: Mapping[str, Any]) -> Program:
    """The program that `to_json` described."""
    return Program(
        name=fields["name"],
        argv=fields["argv"],
        env=fields["env"],
        user_id=fields["user_id"],
        folder=Path(fields["folder"]) if fields["folder"] else None,
        log_path=Path(fields["log_path"]) if fields["log_path"] else None,
        stop_steps=[(number, wait_s) for number, wait_s in fields["stop_steps"]],
        death_signal=fields["death_signal"],
    )


def bound_log(path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Move a long log aside, keeping one old one; writers that append go on in the emptied file. Where there is no room
    for two, the old one goes."""
    if path.exists() and path.stat().st_size > bytes_max:
        aside = path.with_name(f"{path.name}.1")
        try:
            shutil.copyfile(path, aside)
        except OSError:
            aside.unlink(missing_ok=True)
        os.truncate(path, 0)


def keep(
    programs: Sequence[Program], parent_id: int, input_fd: int, own_log: Path, first_failures_max: int | None
) -> None:
    """Keep the programs running until the parent is gone; GaveUp when one of them cannot be started at first. Later
    each is tried again for ever: a database that cannot come up, on a full disk for one, stops no alarm."""
    keeper = Keeper(programs, say, first_failures_max)
    logs = [own_log, *(program.log_path for program in programs if program.log_path)]
    logs_due_s = 0.0
    try:
        keeper.start()
        while (words := _from_parent(parent_id, input_fd)) is not None:
            if words:
                keeper.quick_failures_max = None  # alarms go on without the database, and not if we ended
            keeper.tick()
            if time.monotonic() >= logs_due_s:
                for path in logs:
                    bound_log(path)
                logs_due_s = time.monotonic() + LOG_CHECK_S
        say("the parent has gone; stopping")
    finally:
        keeper.stop(in_turn=True)


def _from_parent(parent_id: int, input_fd: int) -> bytes | None:
    """Wait a moment for words of the parent; None when it closed the pipe, or another process became the parent."""
    readable, _, _ = select.select([input_fd], [], [], POLL_S)
    words = os.read(input_fd, 64) if readable else b""
    gone = (readable and not words) or os.getppid() != parent_id
    return None if gone else words


def say(line: str) -> None:
    """Write a line of the guardian's own log."""
    print(datetime.now(UTC).isoformat(timespec="milliseconds"), line, file=sys.stderr, flush=True)  # noqa: T201 - its log


def main() -> int:
    """Read the plan, one line of JSON, from standard input, then keep it."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # A whole control group may be told to stop at once, but the servers must outlive those who still use them.
        # A handler and not SIG_IGN, which the servers would inherit.
        signal.signal(number, lambda *_: None)
    plan = json.loads(sys.stdin.buffer.readline())
    programs = [from_json(fields) for fields in plan["programs"]]
    try:
        first_failures_max = None if plan["patient"] else FIRST_FAILURES_MAX
        keep(programs, plan["parent_id"], sys.stdin.fileno(), Path(plan["log_path"]), first_failures_max)
    except (GaveUp, OSError) as error:
        say(f"gave up: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
