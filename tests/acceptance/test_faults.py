"""The short form of `make test-faults` (docs/faults.md): several faults at once on one service."""

import math
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.plan import Stage
from tests.faults.stand import stand
from tests.faults.trial import Trial

pytestmark = pytest.mark.acceptance


def test_roles_and_a_backend_are_killed_while_every_fifth_message_comes_twice(programs_dir: Path) -> None:
    with (
        stand(programs_dir, ["s01"]) as made,
        Trial(
            made, "short form", "s01", again_every=5, stages=(Stage(math.inf, 40),), alarm_every_s=0.5
        ) as trial,
    ):  # fmt: skip

        def strike() -> None:
            [(backend,)] = made.rows("SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'anhu live'")
            for process in (made.roles()["pipeline"], made.roles()["notifier"], psutil.Process(backend)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

        trial.fault(strike)
    assert (trial.outcome.doubled, trial.outcome.lost, trial.outcome.raised_again) == (0, 0, 0)
    assert trial.outcome.told == trial.outcome.called > 0
