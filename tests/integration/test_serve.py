"""The supervisor with small real roles, itself a process of its own because it takes over the signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anhu.keeper import QUICK_FAILURES_MAX

pytestmark = pytest.mark.integration

SUPERVISOR = """
import sys
from anhu import keeper, serve
from anhu.errors import RolesFailed
folder, *scripts = sys.argv[1:]
keeper.RESTART_DELAY_S_MAX = float(scripts.pop(0))
roles = {f"role{number}": [sys.executable, "-c", script, folder] for number, script in enumerate(scripts)}
try:
    serve.supervise(roles, say=lambda line: print(line, flush=True), stop_time_s_max=1.0)
except RolesFailed as error:
    print(error, flush=True)
    sys.exit(1)
"""
STEADY = """
import pathlib, os, signal, sys, time
def end(number, frame):
    pathlib.Path(sys.argv[1], "ended").write_text(str(number))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
pathlib.Path(sys.argv[1], f"steady-{os.getpid()}").touch()
time.sleep(120)
"""
STUBBORN = """
import pathlib, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
pathlib.Path(sys.argv[1], f"steady-{os.getpid()}").touch()
time.sleep(120)
"""
FAILING = "raise SystemExit(3)"


def eventually(happened: Callable[[], bool], time_s_max: float = 10.0) -> bool:
    """Whether it happens in time."""
    deadline_s = time.monotonic() + time_s_max
    while not happened():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def living(folder: Path) -> list[int]:
    """The roles that have announced themselves and live."""
    numbers = [int(path.name.removeprefix("steady-")) for path in folder.glob("steady-*")]
    return [number for number in numbers if Path(f"/proc/{number}").exists()]


@contextmanager
def supervisor(folder: Path, *scripts: str, delay_s_max: float = 10.0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SUPERVISOR, str(folder), str(delay_s_max), *scripts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_ends_everything(tmp_path: Path, number: int) -> None:
    with supervisor(tmp_path, STEADY) as process:
        assert eventually(lambda: len(living(tmp_path)) == 1)
        process.send_signal(number)
        assert process.wait(10) == 0
    assert (tmp_path / "ended").read_text() == str(int(number))
    assert living(tmp_path) == []


def test_a_role_that_dies_is_restarted_and_the_other_one_goes_on(tmp_path: Path) -> None:
    with supervisor(tmp_path, STEADY, STEADY):
        assert eventually(lambda: len(living(tmp_path)) == 2)
        killed, kept = living(tmp_path)
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: len(living(tmp_path)) == 2 and killed not in living(tmp_path))
        assert kept in living(tmp_path)


def test_a_stubborn_role_is_killed_in_time(tmp_path: Path) -> None:
    with supervisor(tmp_path, STUBBORN) as process:
        assert eventually(lambda: len(living(tmp_path)) == 1)
        process.terminate()
        assert process.wait(5) == 0
    assert living(tmp_path) == []


def test_no_role_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with supervisor(tmp_path, STEADY, STUBBORN) as process:
        assert eventually(lambda: len(living(tmp_path)) == 2)
        process.kill()
        assert eventually(lambda: living(tmp_path) == [])


def test_when_every_role_keeps_failing_the_service_ends(tmp_path: Path) -> None:
    with supervisor(tmp_path, FAILING, FAILING, delay_s_max=0.05) as process:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    assert "ended with code 3" in output


def test_a_role_that_keeps_failing_is_tried_for_ever_and_takes_no_other_with_it(tmp_path: Path) -> None:
    told: list[str] = []
    with supervisor(tmp_path, FAILING, STEADY, delay_s_max=0.05) as process:
        assert process.stdout is not None
        while sum("ended with code 3" in line for line in told) <= QUICK_FAILURES_MAX + 5:
            told.append(process.stdout.readline())
            assert told[-1], told
        assert len(living(tmp_path)) == 1
        assert not any("role1: " in line and "restarting" in line for line in told)
