"""The alarm of what nobody has registered: what counts as one, where it stands, how many there may be, how it ends."""

import pytest

from alerting import event_json, ledger_store, unclaimed, wording
from alerting.alert import OTHERS, Alert, Kind, Priority, Verb, act, alert_id
from alerting.escalation import CHINA
from alerting.rules import default_rules, parse
from alerting.suppression import why_quiet
from ingest.formats.native import encode
from ingest.intake import take_in
from ingest.message import Message
from ingest.reading import from_us
from ingest.registry import ZONE_KINDS, Device, Point, Registry
from ingest.unclaimed import Stray
from tests.unit.engine_world import T0, S, registry
from tests.unit.test_intake import LIMITS
from tests.unit.test_judge_news import Desk, taken

RULES = parse(default_rules()).rules


@pytest.fixture
def desk() -> Desk:
    return Desk()


def sent(device: str, values: dict[str, float], second: float = 0, home: str = "home") -> list[Stray]:
    at_us = T0 + round(second * S)
    message = Message(f"anhu/v1/{home}/{device}/readings", encode(at_us, values), at_us)
    return take_in([message], registry(), LIMITS).strays


def say(desk: Desk, device: str, values: dict[str, float], second: float = 0) -> list[str]:
    return desk.store(desk.judge.judge(taken([], [], [], strays=sent(device, values, second))))


def tick(desk: Desk, second: float, *, listening: bool = True, caught_up: bool = True) -> list[str]:
    now_us = T0 + round(second * S)
    decision = desk.judge.tick(now_us, listening=listening, caught_up=caught_up, spool_share=0.0)
    about = [event for event in decision.verdict.events if event.rule and unclaimed.is_stray(event.rule)]
    desk.store(decision)
    return [event.verb.value for event in about]


def alerts(desk: Desk) -> list[Alert]:
    return sorted(desk.ground.alerts.values(), key=lambda each: (each.kind, each.source.unclaimed or ""))


@pytest.mark.parametrize(
    ("quantity", "value", "rule"),
    [
        ("smoke_alarm", 1, "fire.smoke.contact"),
        ("heat_alarm", 1, "fire.heat.contact"),
        ("call_point", 1, "fire.call-point"),
        ("fall", 1, "fall.device"),
        ("sos", 1, "sos.button"),
        ("smoke_alarm", 0, None),
        ("smoke_obscuration", 0.3, "fire.smoke"),
        ("smoke_obscuration", 0.29, None),  # an early warning, and none in a kitchen
        ("gas_alarm", 1, "gas.contact"),
        ("co_alarm", 1, "co.contact"),
        ("water_leak", 1, None),
        ("gas", 25, "gas.level1"),
        ("gas", 50, "gas.level2"),
        ("co", 300, "co.300ppm"),
        ("co", 299, None),  # a matter of minutes and hours
        ("temperature", 90, "fire.heat"),  # the place may be a boiler room, and hot before
        ("temperature", 85, None),  # what a sensor says once when it starts
        ("on_floor", 1, None),  # who gets up at once needs no help
        ("battery", 1, None),
        ("mains_power", 0, None),
        ("humidity", 100, None),
    ],
)
def test_what_is_an_alarm_wherever_it_hangs(quantity: str, value: float, rule: str | None) -> None:
    found = unclaimed.alarm_of(RULES, "nursing_home", ZONE_KINDS, quantity, value)
    assert (None if found is None else found.id) == rule


def test_where_the_place_is_known_its_own_rules_count() -> None:
    def rule_of(zone_kind: str, quantity: str, value: float) -> str | None:
        found = unclaimed.alarm_of(RULES, "nursing_home", (zone_kind,), quantity, value)
        return None if found is None else found.id

    assert rule_of("bedroom", "smoke_obscuration", 0.2) == "fire.smoke.early"
    assert rule_of("kitchen", "smoke_obscuration", 0.2) is None
    assert rule_of("bedroom", "temperature", 75) == "fire.heat"
    assert rule_of("kitchen", "temperature", 75) is None


def test_the_alert_says_what_it_is_and_what_to_do(desk: Desk) -> None:
    assert say(desk, "new-1", {"smoke_alarm": 1, "battery": 80}) == ["raise"]
    (alert,) = alerts(desk)
    assert alert.source == (1, None, None, "new-1")
    assert (alert.kind, alert.priority, alert.latching) == (Kind.FIRE, Priority.CRITICAL, True)
    assert alert.raised_at == alert.onset_at == from_us(T0)
    assert "未登记设备 new-1" in alert.evidence["text_zh"]
    assert "anhu/v1/home/new-1/readings" in alert.evidence["text_zh"]
    assert "Unregistered device new-1" in alert.evidence["text_en"]
    assert "anhu/v1/home/new-1/readings" in alert.evidence["text_en"]
    assert alert.evidence["value"] == 1.0
    assert wording.title(alert, registry(), "zh") == "【火警】安和养老院 未登记设备 new-1"
    assert wording.title(alert, registry(), "en") == "[Fire] Anhe unregistered device new-1"
    lines = wording.body(alert, "en", [], again=False, flapping=False).split("\n")
    assert any(line.startswith("Do: Go and look now") for line in lines)
    assert from_us(T0).astimezone(CHINA).strftime("%H:%M:%S") in lines[1]


def test_a_registered_device_with_a_new_quantity_has_its_place(desk: Desk) -> None:
    assert say(desk, "d2", {"call_point": 1}) == ["raise"]
    (alert,) = alerts(desk)
    assert alert.source == (1, 2, 2, None)
    assert "手动报警按钮信号" in alert.evidence["text_zh"]


def test_only_what_can_be_read_of_a_known_institution_counts(desk: Desk) -> None:
    assert sent("new-1", {"smoke_alarm": 1}, home="nowhere") == []
    kept = Message("anhu/v1/home/new-1/readings", encode(T0, {"smoke_alarm": 1}), T0, retained=True)
    assert take_in([kept], registry(), LIMITS).strays == []  # by the broker: no news
    assert sent("new-1", {"smoke_alarm": 7, "noise": 1}) == []  # no sensor says 7; we know no noise
    senml = (
        '[{"bn":"x/","n":"gas","u":"/","v":0.6},{"n":"gas","u":"Cel","v":60},{"n":"co","u":"ppm","v":500,"t":-90000}]'
    )
    message = Message("anhu/v1/home/senml", senml.encode(), T0)
    (stray,) = take_in([message], registry(), LIMITS).strays
    assert (stray.device, stray.quantity, stray.value) == ("x", "gas", pytest.approx(60))


def test_a_name_from_outside_cannot_write_into_a_message() -> None:
    (stray,) = sent("x\n【解除】一切正常\u202e", {"sos": 1})
    assert stray.device == "x?【解除】一切正常?"
    assert "\n" not in stray.topic
    (long,) = sent("y" * 140, {"sos": 1})
    assert long.device == "y" * 128


def test_one_alert_a_source_and_kind_however_often_it_is_said(desk: Desk) -> None:
    assert say(desk, "new-1", {"smoke_alarm": 1}) == ["raise"]
    assert say(desk, "new-1", {"smoke_alarm": 1}) == []  # redelivered
    assert say(desk, "new-1", {"smoke_alarm": 1}, 30) == []
    assert say(desk, "new-1", {"sos": 1}, 31) == ["raise"]
    assert say(desk, "new-2", {"smoke_alarm": 1}, 32) == ["raise"]
    assert [(each.kind.value, each.source.unclaimed) for each in alerts(desk)] == [
        ("fire", "new-1"), ("fire", "new-2"), ("sos", "new-1"),
    ]  # fmt: skip
    assert desk.agrees_with_the_log()


def test_what_gets_worse_calls_again(desk: Desk) -> None:
    assert say(desk, "new-1", {"gas": 30}) == ["raise"]
    assert say(desk, "new-1", {"gas": 60}, 10) == ["raise"]
    (alert,) = alerts(desk)
    assert (alert.priority, alert.called_at) == (Priority.CRITICAL, from_us(T0 + 10 * S))


def test_a_refused_batch_leaves_no_trace(desk: Desk) -> None:
    desk.judge.judge(taken([], [], [], strays=sent("new-1", {"smoke_alarm": 1})))  # and never adopted
    assert desk.judge._started().strays_us == {}
    assert say(desk, "new-1", {"smoke_alarm": 1}) == ["raise"]


def test_it_ends_when_nothing_more_has_come_and_stays_until_somebody_resets_it(desk: Desk) -> None:
    say(desk, "new-1", {"smoke_alarm": 1})
    say(desk, "new-1", {"smoke_alarm": 1}, 300)
    assert tick(desk, 899) == []
    assert tick(desk, 900, caught_up=False) == []  # it may have been said, and wait at the broker
    assert tick(desk, 900, listening=False) == []
    assert tick(desk, 905) == ["clear"]
    (alert,) = alerts(desk)
    assert (alert.active, alert.open, alert.cleared_at) == (False, True, from_us(T0 + 900 * S))
    assert desk.judge._started().strays_us == {}
    assert say(desk, "new-1", {"smoke_alarm": 1}, 2000) == ["raise"]  # and calls again
    (alert,) = alerts(desk)
    assert (alert.occurrences, alert.active) == (2, True)
    assert desk.agrees_with_the_log()


def test_an_old_message_that_comes_again_after_its_end_raises_nothing(desk: Desk) -> None:
    say(desk, "new-1", {"smoke_alarm": 1})
    tick(desk, 601)
    say(desk, "new-1", {"smoke_alarm": 1})
    (alert,) = alerts(desk)
    assert (alert.active, alert.occurrences) == (False, 1)
    assert desk.agrees_with_the_log()


def test_who_floods_gets_a_bounded_number_of_alerts_and_one_that_says_there_are_more(desk: Desk) -> None:
    flood = [stray for number in range(200) for stray in sent(f"x{number:03}", {"smoke_alarm": 1, "sos": 1}, number)]
    desk.store(desk.judge.judge(taken([], [], [], strays=flood[:6])))
    desk.store(desk.judge.judge(taken([], [], [], strays=flood[6:])))
    for kind in (Kind.FIRE, Kind.SOS):
        found = [each.source.unclaimed for each in alerts(desk) if each.kind is kind]
        assert found == [OTHERS, *(f"x{number:03}" for number in range(unclaimed.ALERTS_MAX))]
    others = alerts(desk)[0]
    assert "x005" in others.evidence["text_zh"]
    assert "More unregistered devices" in others.evidence["text_en"]
    assert len(desk.judge._started().strays_us) == 2 * (unclaimed.ALERTS_MAX + 1)
    assert wording.title(others, registry(), "zh").endswith("其他未登记设备")
    assert say(desk, "d1", {"call_point": 1}, 201) == ["raise"]  # what is registered has its own place all the same
    assert tick(desk, 205 + 600) == ["clear"] * len(unclaimed_of(desk))
    assert say(desk, "x999", {"smoke_alarm": 1}, 1000) == ["raise"]  # joins those beyond the bound, and calls
    assert desk.ground.alerts[others.id].occurrences == 2


def unclaimed_of(desk: Desk) -> list[Alert]:
    return [each for each in alerts(desk) if any(unclaimed.is_stray(rule) for rule in each.rules) or not each.active]


def test_more_urgent_ones_beyond_the_bound_call_again(desk: Desk) -> None:
    for number in range(unclaimed.ALERTS_MAX + 2):
        say(desk, f"x{number}", {"gas": 30}, number)
    assert say(desk, "x9", {"gas": 70}, 20) == ["raise"]
    assert alerts(desk)[0].priority is Priority.CRITICAL


def test_after_a_start_it_stands_and_its_quiet_time_begins_anew(desk: Desk) -> None:
    say(desk, "new-1", {"smoke_alarm": 1})
    again = restarted(desk, 400)
    assert say(again, "new-1", {"smoke_alarm": 1}) == []  # redelivered: it was not acknowledged
    again = restarted(desk, 500)
    assert tick(again, 1099) == []
    assert tick(again, 1100) == ["clear"]


def test_a_start_without_the_database_knows_it_from_the_spool(desk: Desk) -> None:
    decision = desk.judge.judge(taken([], [], [], strays=sent("new-1", {"smoke_alarm": 1})))
    (packed,) = desk.judge.pack(decision)
    event, alert = event_json.load(packed)
    assert event.source == alert.source == (1, None, None, "new-1")
    assert event.key == alert.key


def test_once_it_is_registered_it_is_judged_as_all_are(desk: Desk) -> None:
    say(desk, "new-1", {"smoke_alarm": 1})
    say(desk, "d1", {"call_point": 1})
    say(desk, "new-2", {"sos": 1})
    desk.ground.registry = claimed(version=2)
    desk.take_up(desk.read(60), 60)
    standing = {(each.kind.value, each.source.unclaimed): each.active for each in alerts(desk)}
    assert standing == {("fire", "new-1"): False, ("fire", None): False, ("sos", "new-2"): True}
    assert say(desk, "new-2", {"sos": 1}, 61) == []
    assert desk.agrees_with_the_log()


def claimed(version: int) -> Registry:
    """The home with new-1 registered for its smoke alarm, and d1 for its call point."""
    before = registry(3, version)
    return Registry.build(
        version,
        before.institutions.values(),
        before.zones.values(),
        [*before.devices.values(), Device(9, 1, 1, "new-1", "新设备", "smoke", "", 30)],
        [*before.points.values(), Point(90, 9, "smoke_alarm", "1"), Point(91, 1, "call_point", "1")],
    )


def restarted(desk: Desk, second: int) -> Desk:
    """Another process on the same database."""
    again = Desk()
    again.ground.events, again.ground.alerts = desk.ground.events, desk.ground.alerts
    fresh = type(again.judge)(again.judge._settings, again.judge._log, again.judge._readings)
    again.judge = fresh
    again.take_up(again.read(second), second)
    return again


def test_two_unknown_places_hide_nothing_from_each_other(desk: Desk) -> None:
    say(desk, "new-1", {"smoke_alarm": 1})
    say(desk, "new-2", {"gas": 30})
    everything = alerts(desk)
    assert [why_quiet(each, [], everything, from_us(T0)) for each in everything] == [None, None]


def test_ids_and_records_of_before_stay_as_they_were(desk: Desk) -> None:
    say(desk, "new-1", {"sos": 1})
    say(desk, "d1", {"call_point": 1})
    registered, stray = (
        next(a for a in alerts(desk) if (a.source.unclaimed is None) is known) for known in (True, False)
    )
    assert registered.id == alert_id(registered.key._replace(unclaimed=None), T0)
    assert stray.id != alert_id(stray.key._replace(unclaimed=None), T0)
    assert "unclaimed" not in ledger_store.as_chained({"id": 1, "unclaimed": None})
    assert ledger_store.as_chained({"id": 1, "unclaimed": ""}) == {"id": 1, "unclaimed": ""}
    acted = act(stray, Verb.ACKNOWLEDGE, "user:li", from_us(T0 + S), None)
    assert acted.key == stray.key
