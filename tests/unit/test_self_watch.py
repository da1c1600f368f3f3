"""Watching ourselves: one alert carries all that is wrong, with a deadband, and no opinion about what is not known."""

from alerting.alert import Priority, Verb
from alerting.self_alerts import judge
from alerting.self_watch import Measured, findings
from alerting.settings import WatchSettings

SETTINGS = WatchSettings()
NOW_US = 1_795_305_600_000_000


def said(standing, measured, now_us=NOW_US):
    events, after = judge(standing, findings(measured, SETTINGS), now_us)
    return [(event.verb, event.rule) for event in events], after


def test_all_well_says_nothing():
    well = Measured(1.0, 0.1, 0.5, 0.2, {"web.pem": 80.0})
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
