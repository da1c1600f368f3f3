"""kill -9 of each process while devices report and call."""

import psutil
import pytest

from tests.faults.stand import Stand
from tests.faults.trial import Trial

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(
    ("role", "institution"),
    [("pipeline", "f01"), ("notifier", "f02"), ("dashboard", "f03"), ("watch", "f04"), ("drills", "f05"), ("hazards", "f06")],
)  # fmt: skip
def test_kill_9_of_a_role(common: Stand, role: str, institution: str) -> None:
    with Trial(common, f"kill -9 of the {role}", institution) as trial:
        trial.fault(lambda: common.roles()[role].kill())
