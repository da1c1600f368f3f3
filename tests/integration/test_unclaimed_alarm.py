"""The alarm of a device that nobody has registered, over the real broker and into the real log: with the database
there and away, when the message comes again after a restart, and when the device is registered."""

from pathlib import Path

import pytest

from alerting import ledger, ledger_store
from alerting.spool_feed import SpoolFeed
from anhu.roles import now_us
from ingest.database import connect
from ingest.settings import PipelineSettings
from tests.integration.world import HOME, Devices, World, begin_session, native, pipeline
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NEW = """
[[institution.zone.device]]
code = "new-1"
name = "走廊烟感"
kind = "smoke"
report_interval_s = 3600
quantities = ["smoke_alarm"]
"""


def test_it_calls_once_with_the_database_and_without_and_ends_when_it_is_registered(
    world: World, session_url: str, tmp_path: Path
) -> None:
    settings, at_us = PipelineSettings(database_answer_s_max=0.5), now_us()

    def open_alarms() -> set[tuple[str, str, bool]]:
        return {(kind, code, active) for kind, code, active in world.rows(
            "SELECT kind, unclaimed, active FROM alerts WHERE open AND unclaimed IS NOT NULL"
        )}  # fmt: skip

    first = pipeline(world.database_url, session_url, settings, spool_dir=tmp_path)
    with first as running, Devices(session_url) as devices:
        devices.report("new-1", {"smoke_alarm": 1}, at_us)
        devices.report("new-1", {"smoke_alarm": 1}, at_us)
        devices.report("new-2", {"temperature": 21})
        devices.report("new-3", {"smoke_alarm": 1}, home="nowhere")
        running.took(4)
        assert open_alarms() == {("fire", "new-1", True)}
        assert world.count("unclaimed_devices") == 3
        (alert,) = world.alerts("fire")
        assert (alert["device_id"], alert["priority"], alert["evidence"]["topic"]) == (
            None, "critical", "anhu/v1/home-1/new-1/readings",
        )  # fmt: skip

        # The database hangs where the list of unclaimed devices is written: the alarm takes the spool's way.
        feed = SpoolFeed(tmp_path / "shard.sqlite")
        with connect(world.database_url) as holding:
            holding.execute("LOCK TABLE unclaimed_devices IN ACCESS EXCLUSIVE MODE")
            devices.report("new-2", {"sos": 1}, at_us)
            devices.report("new-2", {"sos": 1}, at_us)
            (told,) = wait_until(feed.new_entries, "the alarm is told without the database")
            assert (told.alert.kind.value, told.alert.source.unclaimed) == ("sos", "new-2")
            running.took(6)
            assert feed.new_entries() == []
        wait_until(lambda: ("sos", "new-2", True) in open_alarms(), "the alarm is on record")
        feed.close()

    # Killed before it could acknowledge: the same messages once more.
    begin_session(session_url)
    with Devices(session_url) as devices:
        devices.report("new-1", {"smoke_alarm": 1}, at_us)
        devices.report("new-2", {"sos": 1}, at_us)
        devices.settle()
    with pipeline(world.database_url, session_url, settings) as running, Devices(session_url) as devices:
        running.took(2)
        assert world.count("alert_events", "unclaimed IS NOT NULL") == 2
        world.register(HOME + NEW)
        wait_until(lambda: ("fire", "new-1", False) in open_alarms(), "the registered one is over")
        assert ("sos", "new-2", True) in open_alarms()
        devices.say("anhu/v1/home-1/new-1/readings", native({"smoke_alarm": 1}, now_us()))
        running.took(3)
        assert world.events("fire") == [
            ("raise", "unclaimed:fire.smoke.contact"), ("clear", "unclaimed:fire.smoke.contact"),
            ("raise", "fire.smoke.contact"),
        ]  # fmt: skip
        assert world.readings("new-1", "smoke_alarm")[0][1] == 1.0
    with connect(world.database_url) as connection:
        assert list(ledger.verify(ledger_store.entries(connection), [], None)) == []
