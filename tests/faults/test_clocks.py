"""The clock of the pipeline steps by an hour, forwards and back, while devices and everybody else know the time."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.faults.stand import RECOVERY_S_MAX, ROLES, Stand, stand
from tests.faults.trial import Trial
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)
STEPPED_S = 12.0


@pytest.fixture(scope="module")
def others(programs_dir: Path) -> Iterator[Stand]:
    """A service without its pipeline."""
    roles = [name for name in ROLES if name != "pipeline"]
    with stand(programs_dir, ["c01", "c02"], roles=roles) as made:
        yield made


@contextmanager
def pipeline(others: Stand, folder: Path) -> Iterator[Callable[[float], None]]:
    """The pipeline with a clock of its own; what sets it so many seconds ahead."""
    clock = folder / "clock"

    def step(seconds: float) -> None:
        draft = clock.with_suffix(".new")
        draft.write_text(str(seconds), "ascii")
        draft.rename(clock)

    step(0)
    command = [sys.executable, "-m", "tests.faults.stepped_pipeline", str(clock)]
    with subprocess.Popen(command, env=others.settings, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: abs(others.beat_age_s()) < 5, "the pipeline runs", time_s_max=RECOVERY_S_MAX)
            yield step
        finally:
            process.terminate()
            assert process.wait(60) == 0
            assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize(
    ("ahead_s", "institution", "name"),
    [(3600.0, "c01", "the clock steps an hour ahead"), (-3600.0, "c02", "the clock steps an hour back")],
)
def test_the_clock_steps(others: Stand, tmp_path: Path, ahead_s: float, institution: str, name: str) -> None:
    """Alarms come through all the while. It is set right again by a step the other way."""
    back = ahead_s < 0  # then all that devices say is dated ahead
    with (
        pipeline(others, tmp_path) as step,
        Trial(others, name, institution, alarms=60, redated=back) as trial,
    ):
        trial.begin_fault()
        step(ahead_s)
        wait_until(trial.alarms_heard, "an alarm is told meanwhile", time_s_max=60)
        trial.pause(STEPPED_S)
        step(0)
        trial.goes_on()
