"""Watching ourselves: one alert carries all that is wrong, with a deadband, and no opinion about what is not known."""

from datetime import timedelta
from types import SimpleNamespace

import httpx
import structlog

from alerting.alert import Priority, Verb
from alerting.self_alerts import judge
from alerting.self_watch import Measured, Watch, findings
from alerting.settings import WatchSettings
from ingest.reading import from_us

SETTINGS = WatchSettings()
NOW_US = 1_795_305_600_000_000


def said(standing, measured, now_us=NOW_US):
    events, after = judge(standing, findings(measured, SETTINGS), now_us)
    return [(event.verb, event.rule) for event in events], after


def test_all_well_says_nothing():
    well = Measured(1.0, 0.1, 0.5, "/data", None, 60.0, 0.2, {"web.pem": 80.0})
    assert said(None, well) == ([], None)


def test_a_silent_pipeline_is_said_once_and_taken_back():
    silent, back = Measured(heartbeat_age_s=11), Measured(heartbeat_age_s=1)
    events, alert = said(None, silent)
    assert events == [(Verb.RAISE, "self.pipeline")]
    assert alert.priority is Priority.CRITICAL
    assert said(alert, silent, NOW_US + 10)[0] == []
    events, alert = said(alert, back, NOW_US + 20)
    assert events == [(Verb.CLEAR, "self.pipeline")]
    assert not alert.active


def test_what_is_not_known_changes_nothing():
    _, alert = said(None, Measured(clock_error_s=-7))
    assert alert.rules == {"self.clock"}
    assert said(alert, Measured())[0] == []


def test_the_deadband():
    _, alert = said(None, Measured(lag_s=10.1))
    assert said(alert, Measured(lag_s=9))[0] == []
    assert said(alert, Measured(lag_s=7))[0] == [(Verb.CLEAR, "self.lag")]


def test_several_things_are_one_alert():
    events, alert = said(None, Measured(disk_free_share=0.05, certificate_days={"web.pem": 3.0}))
    assert {rule for _, rule in events} == {"self.disk", "self.certificate.web.pem"}
    assert len({id(alert)}) == 1
    assert alert.rules == {"self.disk", "self.certificate.web.pem"}
    events, after = said(alert, Measured(disk_free_share=0.05, certificate_days={"web.pem": 90.0}))
    assert events == [(Verb.CLEAR, "self.certificate.web.pem")]
    assert after.active


def test_a_database_that_outgrows_what_was_set():
    settings = WatchSettings(database_gib_max=100)

    def verbs(standing, gib):
        events, after = judge(standing, findings(Measured(database_gib=gib), settings), NOW_US)
        return [(event.verb, event.rule) for event in events], after

    assert verbs(None, 99.0) == ([], None)
    events, alert = verbs(None, 100.5)
    assert events == [(Verb.RAISE, "self.database")]
    assert verbs(alert, 97.0)[0] == []
    assert verbs(alert, 90.0)[0] == [(Verb.CLEAR, "self.database")]
    assert [each.rule for each in findings(Measured(database_gib=500.0), SETTINGS) if each.holds] == []


def test_the_fullest_of_the_disks_is_told(monkeypatch, tmp_path):
    data, spool = tmp_path / "data", tmp_path / "spool"
    (data / "postgres").mkdir(parents=True)
    spool.mkdir()
    behind = [timedelta(minutes=2)]
    free = {data: 50, data / "postgres": 40, spool: 5}
    monkeypatch.setattr(
        "alerting.self_watch.shutil.disk_usage", lambda folder: SimpleNamespace(total=100, free=free[folder])
    )
    watch = Watch("", data, SETTINGS, lambda: NOW_US / 1e6, [spool, tmp_path / "not there"])

    class Database:
        def execute(self, statement):
            if "pipeline_heartbeats" in statement:
                return SimpleNamespace(fetchone=lambda: (1.0, 0.1))
            assert "rolled_until" in statement  # what the database weighs was not asked for
            at = from_us(NOW_US)
            return SimpleNamespace(fetchone=lambda: (at, at - behind[0], at, at, None))

    def seen():
        return said(None, watch._measure(Database()))[0]

    assert watch._measure(Database()).disk == str(spool)
    assert seen() == [(Verb.RAISE, "self.disk")]
    free[spool] = 90
    assert seen() == []
    free[data / "postgres"] = 9
    assert seen() == [(Verb.RAISE, "self.disk")]
    free[data / "postgres"] = 90
    behind[0] = timedelta(hours=3)
    assert seen() == [(Verb.RAISE, "self.rollups")]


def test_the_dead_mans_switch_is_told_now_and_then_and_again_when_it_did_not_answer(monkeypatch, tmp_path):
    answers, asked = [503, 200], []

    def get(url, timeout):
        asked.append(url)
        if not answers:
            raise httpx.ConnectError("refused")
        return httpx.Response(answers.pop(0), request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    url = "https://outside.example/ping?key=k1"
    watching = Watch("", tmp_path, WatchSettings(dead_man_url=url, dead_man_s=3600), lambda: 0.0)
    watching._told_s = -1e9
    with structlog.testing.capture_logs() as said:
        watching._tell()
        watching._tell()  # it had not answered: not only after an hour
        watching._tell()  # it had
    assert asked == [url, url]
    assert [each["event"] for each in said] == ["the dead-man's switch does not answer"]
    assert "k1" not in str(said)  # its address is its key
    watching._told_s = -1e9
    watching._tell()  # nobody there is no reason to stop watching
    assert len(asked) == 3
