"""The broker and the database killed and restarted, with all that stand on them."""

import signal
from contextlib import suppress

import psutil
import pytest

from tests.faults.stand import Stand, stopped
from tests.faults.trial import Trial
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)


def test_the_broker_is_restarted(common: Stand) -> None:
    with Trial(common, "broker restarted", "f10") as trial:
        trial.fault(lambda: common.server("mosquitto").terminate())


def test_kill_9_of_the_broker(common: Stand) -> None:
    """It acknowledges before it writes: what it had not handed on yet may go with it, and is counted apart. A session
    it has not saved would go with it too, and devices that are back before the pipeline would then speak to nobody."""
    saved = common.folder / "mosquitto" / "mosquitto.db"
    begun_s = common.roles()["pipeline"].create_time()
    wait_until(
        lambda: saved.exists() and saved.stat().st_mtime > begun_s, "the broker has saved the session", time_s_max=20
    )
    with Trial(common, "kill -9 of the broker", "f11", broker_forgets_s=2.0) as trial:
        trial.fault(lambda: common.server("mosquitto").kill())


def test_the_database_is_restarted(common: Stand) -> None:
    with Trial(common, "database restarted", "f12") as trial:
        trial.fault(lambda: common.server("postgres").send_signal(signal.SIGINT))


def test_kill_9_of_the_database(common: Stand) -> None:
    def kill_all() -> None:
        postmaster = common.server("postgres")
        for each in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()

    with Trial(common, "kill -9 of the database", "f13") as trial:
        trial.fault(kill_all)


def test_kill_9_of_one_backend(common: Stand) -> None:
    """The postmaster then ends all others, and the database recovers as after a crash."""

    def kill_one() -> None:
        [(number,)] = common.rows(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'anhu pipeline' ORDER BY backend_start LIMIT 1"
        )
        psutil.Process(number).kill()

    with Trial(common, "kill -9 of the pipeline's backend", "f14") as trial:
        trial.fault(kill_one)


@pytest.mark.parametrize(("name", "institution", "seconds"), [("postgres", "f23", 15.0), ("mosquitto", "f24", 30.0)])
def test_a_server_hangs(common: Stand, name: str, institution: str, seconds: float) -> None:
    """SIGSTOP: connections stand and nobody answers. Alarms do not wait for the database; for the broker they must."""
    with Trial(common, f"{name} hangs for {seconds:g} s", institution) as trial:
        trial.begin_fault()
        with stopped(common.server(name)):
            if name == "postgres":
                wait_until(trial.alarms_heard, "an alarm is told meanwhile", time_s_max=60)
            trial.pause(seconds)
        trial.goes_on()


@pytest.mark.parametrize(("role", "institution"), [("pipeline", "f25"), ("dashboard", "f26"), ("notifier", "f27")])
def test_a_role_hangs(common: Stand, role: str, institution: str) -> None:
    with Trial(common, f"the {role} hangs for 20 s", institution) as trial:
        trial.begin_fault()
        with stopped(common.roles()[role]):
            trial.pause(20)
        trial.goes_on()
