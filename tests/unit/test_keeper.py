"""The waiting between restarts."""

import errno
import subprocess
import sys

import pytest

from anhu.keeper import Keeper, Program, describe_exit, restart_delay_s


@pytest.mark.parametrize(
    ("quick_failures", "delay_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (1000, 10.0)]
)
def test_the_wait_doubles_up_to_its_bound(quick_failures: int, delay_s: float) -> None:
    assert restart_delay_s(quick_failures) == delay_s


@pytest.mark.parametrize(("code", "words"), [(3, "ended with code 3"), (-9, "killed by SIGKILL")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_the_supervisor_has_one_thread_when_it_forks() -> None:
    look = "import os, anhu.commands.serve, anhu.guardian; print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n"


def test_what_cannot_be_told_is_kept_all_the_same() -> None:
    def say(_line: str) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    keeper = Keeper([Program("sleep", ["sleep", "60"])], say)
    try:
        keeper.start()
        keeper.tick()
        assert keeper.any_alive()
    finally:
        keeper.stop(in_turn=True)
    assert not keeper.any_alive()
