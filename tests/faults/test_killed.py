"""kill -9 of each process while devices report and call."""

import threading

import pytest

from tests.faults.stand import ROLES, Stand
from tests.faults.trial import Trial
from tests.integration.providers import Request, Say, ok

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("number", "role"), list(enumerate(ROLES, 1)))
def test_kill_9_of_a_role(common: Stand, number: int, role: str) -> None:
    with Trial(common, f"kill -9 of the {role}", f"f{number:02d}") as trial:
        trial.fault(common.roles()[role].kill)


def test_kill_9_of_the_notifier_between_sending_and_marking(common: Stand) -> None:
    """The message has arrived, and its answer meets nobody: it is sent again, with the same id."""
    answering = threading.Event()

    def behave(_request: Request) -> Say:
        answering.set()
        return Say({"ok": True}, wait_s=2.0)

    with Trial(common, "kill -9 of the notifier while it sends", "f07") as trial:
        trial.begin_fault()
        common.receiver.behave = behave
        try:
            assert answering.wait(60)
            common.roles()["notifier"].kill()
        finally:
            common.receiver.behave = ok
        trial.goes_on()
    assert trial.outcome.told_again >= 1
    trial.outcome.note = f"{trial.outcome.told_again} messages came again, each with the id it had"


def test_kill_9_of_the_guardian(common: Stand) -> None:
    """The kernel stops the servers and the service ends, for whoever started it to start it again."""

    def strike() -> None:
        before = common.service
        common.guardian().kill()
        assert before.process.wait(60) == 1
        assert "guardian: killed by SIGKILL" in before.printed
        before.end()
        common.start()

    with Trial(common, "kill -9 of the guardian, and a new start", "f08") as trial:
        trial.fault(strike)


def test_kill_9_of_the_supervisor(common: Stand) -> None:
    """The kernel kills the roles, the guardian stops the servers; a new start waits for that."""

    def strike() -> None:
        before = common.service
        before.process.kill()
        before.process.wait(10)
        common.start()
        before.end()  # now that nobody holds the other end of what it printed

    with Trial(common, "kill -9 of the supervisor, and a new start", "f09") as trial:
        trial.fault(strike)
