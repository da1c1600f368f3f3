"""A service that is started, as after a power cut, on a database that does not come up."""

from pathlib import Path

import pytest

from tests.acceptance.service import Service
from tests.faults.stand import stand
from tests.faults.trial import Trial
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)
LATE_S = 60.0


def test_the_database_does_not_come_up_with_the_service(programs_dir: Path) -> None:
    """Alarms are judged by what was last known and told by telephone; the page waits. Then the database is mended."""
    with (
        stand(programs_dir, ["l01"]) as made,
        Trial(made, "a start without the database", "l01", alarms=60, alarm_every_s=3) as trial,
    ):
        settings = made.folder / "postgres" / "local.conf"
        trial.begin_fault()
        before = made.service
        before.end()
        good = settings.read_text("utf-8")
        settings.write_text(good + "no_such_setting = 1\n", "utf-8")
        made.service = Service(before.words, made.folder, programs_dir, **made.service_settings)
        wait_until(lambda: made.roles().keys() >= {"pipeline", "notifier"}, "the roles have begun", time_s_max=120)
        told = trial.told_count()
        wait_until(lambda: trial.told_count() > told + 1, "alarms are told without the database", time_s_max=120)
        trial.begin_outage()
        trial.pause(LATE_S)
        assert made.rows("SELECT 1") == []
        settings.write_text(good, "utf-8")
        made.service.ready()
        trial.goes_on()
