"""Drills: the message, the alarm beside everything real, the verdict."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting import drill, drill_alarm, engine
from alerting.alert import Kind, Priority, State, Verb, act, fold
from alerting.drill import Drill, Observed, Over, Reach, Reason, Stage
from alerting.suppression import why_quiet
from ingest.errors import DrillMessageRefused, Refusal
from ingest.formats import native
from ingest.formats.drill import DrillCall, Order, decode, encode
from ingest.intake import take_in
from ingest.message import Limits, Message
from ingest.reading import ReadingBatch, from_us
from tests.unit.engine_world import T0, S, point, readings, registry, state

KEY = b"k" * 32
START = datetime(2026, 11, 22, tzinfo=UTC)
LIMITS = Limits(65536, 60 * S, 86_400 * S)


def order(kind: str = "fire", at_us: int = T0, reach: str = "all", limit_s: float = 60.0) -> Order:
    return Order(uuid4(), kind, at_us, limit_s, reach)


def call(device: int | None = 1, **changes) -> DrillCall:
    zone = None if device is None else (device - 1) % 3 + 1
    return DrillCall(order(**changes), 1, zone, device)


# --- the message


def test_what_was_signed_is_read_back():
    wanted = order(at_us=T0 + 123_457)
    assert decode(encode(wanted, "home", "d1", KEY), "home", "d1", T0, KEY) == wanted
    assert decode(encode(wanted, "home", None, KEY), "home", None, T0, KEY) == wanted


@pytest.mark.parametrize(
    ("institution", "device", "key", "late_s"),
    [
        ("other", "d1", KEY, 0),  # another place than it was signed for
        ("home", "d2", KEY, 0),
        ("home", None, KEY, 0),
        ("home", "d1", b"x" * 32, 0),
        ("home", "d1", None, 0),
        ("home", "d1", KEY, 301),  # played back later
        ("home", "d1", KEY, -301),
    ],
)
def test_nobody_else_calls_for_a_drill(institution, device, key, late_s):
    payload = encode(order(), "home", "d1", KEY)
    with pytest.raises(DrillMessageRefused):
        decode(payload, institution, device, T0 + late_s * S, key)


@pytest.mark.parametrize("field", ["drill_id", "kind", "at", "limit_s", "reach"])
def test_every_field_is_signed(field):
    document = orjson.loads(encode(order(), "home", "d1", KEY))
    other = {
        "drill_id": str(uuid4()),
        "kind": "gas",
        "at": from_us(T0 + 1).isoformat(),
        "limit_s": 61.0,
        "reach": "screen",
    }
    with pytest.raises(DrillMessageRefused, match="signature"):
        decode(orjson.dumps(document | {field: other[field]}), "home", "d1", T0, KEY)


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.recursive(st.none() | st.text() | st.floats(), st.lists).map(str).map(str.encode)
    )
)
def test_rubbish_is_refused_in_words(payload):
    with pytest.raises(DrillMessageRefused):
        decode(payload, "home", "d1", T0, KEY)


def test_a_device_cannot_pass_a_fire_off_as_a_drill():
    forged = orjson.loads(encode(order(), "home", "d1", b"guess"))
    messages = [
        Message("anhu/v1/home/d1/drill", orjson.dumps(forged), T0),
        Message("anhu/v1/home/d1/drill", encode(order(), "home", "d1", KEY), T0),
        Message("anhu/v1/home/nowhere/drill", encode(order(), "home", "nowhere", KEY), T0),
        Message("anhu/v1/home/d1/readings", native.encode(T0, {"smoke_obscuration": 0.9}), T0),
    ]
    taken = take_in(messages, registry(), LIMITS, KEY)
    assert [each.reason for each in taken.dead_letters] == [Refusal.DRILL_REFUSED] * 2
    assert [each[1:] for each in taken.drills] == [(1, 1, 1)]
    assert len(taken.readings) == 1
    assert take_in(messages, registry(), LIMITS).drills == []  # before the key is known, no drill is believed


# --- the alarm


def judge(engine_state, batch, calls=()):
    verdict = engine.step(engine_state, batch)
    verdict.events.extend(drill_alarm.begin(engine_state, verdict.patch, calls))
    engine.adopt(engine_state, verdict.patch)
    return verdict.events


def pass_time(engine_state, seconds):
    now_us = T0 + round(seconds * S)
    verdict = engine.tick(engine_state, now_us, listening=True, caught_up=True)
    verdict.events.extend(drill_alarm.end(engine_state, verdict.patch, now_us))
    engine.adopt(engine_state, verdict.patch)
    return verdict.events


SMOKE = point(1, "smoke_obscuration")
NOTHING = ReadingBatch.build((), (), (), ())

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("read"), st.integers(1, 3), st.sampled_from(["smoke_obscuration", "gas", "sos"]), st.floats(0, 40)
        ),
        st.tuples(st.just("wait"), st.floats(0.1, 40)),
        st.tuples(st.just("drill"), st.sampled_from([None, 1, 2, 3]), st.sampled_from(["fire", "gas", "sos"])),
        st.tuples(st.just("acknowledge"), st.booleans()),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_a_drill_never_delays_merges_with_or_hides_a_real_alarm(history):
    """The same history with and without its drills: every real event is the same one, and so is every real alert."""
    outcomes = []
    for with_drills in (True, False):
        engine_state, seconds, real = state(), 1.0, []
        for step in history:
            events = []
            match step:
                case ("read", device, quantity, value):
                    seconds += 0.5
                    events = judge(engine_state, readings((point(device, quantity), seconds, value)))
                case ("wait", span):
                    seconds += span
                    events = pass_time(engine_state, seconds)
                case ("drill", device, kind) if with_drills:
                    at_us = T0 + round(seconds * S)
                    events = judge(engine_state, NOTHING, [call(device, kind=kind, at_us=at_us)])
                case ("acknowledge", drills):
                    for alert in list(engine_state.alerts.values()):
                        if alert.drill == drills and not alert.acknowledged:
                            event = act(alert, Verb.ACKNOWLEDGE, "user:li", from_us(T0 + round(seconds * S)), None)
                            engine_state.alerts[alert.key] = fold(alert, event)
            real += [event for event in events if not event.drill]
            assert all(event.drill == event.key.drill for event in events)
        alerts = {key: alert for key, alert in engine_state.alerts.items() if not key.drill}
        others = [alert for alert in engine_state.alerts.values() if alert.drill]
        now = from_us(T0 + round(seconds * S))
        quiet = {key: why_quiet(alert, [], [*alerts.values(), *others], now) for key, alert in alerts.items()}
        outcomes.append((real, alerts, quiet))
    assert outcomes[0] == outcomes[1]


def test_both_in_one_batch_are_two_alerts_and_the_real_one_is_first():
    engine_state = state()
    batch = readings((SMOKE, 0, 0.9), (SMOKE, 1, 0.9))
    events = judge(engine_state, batch, [call(1)])
    assert [(event.kind, event.drill) for event in events][-1] == (Kind.FIRE, True)
    assert {event.alert_id for event in events if event.drill}.isdisjoint(
        event.alert_id for event in events if not event.drill
    )
    assert events[-1].evidence["text_zh"].startswith("【演练】")


def test_a_message_that_comes_twice_is_one_drill_and_a_place_takes_one_at_a_time():
    engine_state, wanted = state(), call(1)
    assert len(judge(engine_state, NOTHING, [wanted, wanted])) == 1
    assert judge(engine_state, NOTHING, [wanted]) == []
    assert judge(engine_state, NOTHING, [call(1)]) == []
    assert len(judge(engine_state, NOTHING, [call(2)])) == 1


def test_what_cannot_be_drilled_is_not():
    assert judge(state(), NOTHING, [call(1, kind="offline"), call(1, kind="arson"), call(1, reach="moon")]) == []


def test_it_is_over_after_its_time_and_leaves_nothing_to_do():
    engine_state = state()
    [begun] = judge(engine_state, NOTHING, [call(None, limit_s=30.0)])
    assert pass_time(engine_state, 29.9) == []
    [ended] = pass_time(engine_state, 30)
    after = fold(fold(None, begun), ended)
    assert (ended.verb, ended.evidence["over"], ended.drill) == (Verb.CLEAR, "time_up", True)
    assert (after.open, after.state, after.acknowledged_by) == (False, State.NORMAL, None)
    assert engine_state.alerts == {}


def test_it_is_over_when_acknowledged_and_at_once_when_something_real_happens():
    engine_state = state()
    judge(engine_state, NOTHING, [call(1), call(2)])
    [first, second] = engine_state.alerts.values()
    engine_state.alerts[first.key] = fold(first, act(first, Verb.ACKNOWLEDGE, "user:li", from_us(T0), None))
    [ended] = pass_time(engine_state, 1)
    assert (ended.alert_id, ended.evidence["over"]) == (first.id, "acknowledged")
    judge(engine_state, readings((SMOKE, 2, 0.9), (SMOKE, 3, 0.9)))
    [ended] = pass_time(engine_state, 4)
    assert (ended.alert_id, ended.evidence["over"]) == (second.id, "real_alarm")


def test_a_drill_hides_no_real_alarm():
    begun = judge(state(), NOTHING, [call(1)])[0]
    drilled = fold(None, begun)
    early = replace(drilled, id=uuid4(), priority=Priority.HIGH, drill=False)
    assert drilled.priority is Priority.CRITICAL
    assert why_quiet(early, [], [drilled], START) is None
    assert why_quiet(early, [], [replace(drilled, drill=False)], START) is not None


# --- the verdict


def a_drill(**changes) -> Drill:
    limits = {Stage.RAISED: 10.0, Stage.SHOWN: 10.0, Stage.PUSHED: 10.0, Stage.ACKNOWLEDGED: 180.0}
    whole = Drill(UUID(int=1), 1, 1, Kind.FIRE, "user:li", False, Reach.ALL, "", limits, 600.0, START)  # noqa: FBT003
    return replace(whole, **changes)


def seen(over: Over | None = None, **seconds: float) -> Observed:
    return Observed({Stage(name): START + timedelta(seconds=at) for name, at in seconds.items()}, over, "user:li")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_in_time_everywhere_is_passed_and_nothing_is_judged_before():
    assert drill.judge(a_drill(), seen(raised=0.1, shown=0.3, pushed=1.0), at(20)) is None
    verdict = drill.judge(a_drill(), seen(raised=0.1, shown=0.3, pushed=1.0, acknowledged=42), at(42))
    assert (verdict.state, verdict.reason) == (drill.State.PASSED, Reason.ALL_IN_TIME)
    filed = drill.report(a_drill(), seen(raised=0.1, shown=0.3, pushed=1.0, acknowledged=42), verdict, at(42))
    assert orjson.loads(orjson.dumps(filed)) == filed
    assert [(each["stage"], each["seconds"]) for each in filed["stages"]] == [
        ("raised", 0.1), ("shown", 0.3), ("pushed", 1.0), ("acknowledged", 42.0),
    ]  # fmt: skip


def test_late_is_failed_also_when_all_arrived():
    verdict = drill.judge(a_drill(), seen(raised=0.1, shown=10.5, pushed=1.0, acknowledged=42), at(42))
    assert (verdict.state, verdict.reason) == (drill.State.FAILED, Reason.STAGE_LATE)


def test_a_stage_never_reached_is_failed_when_it_cannot_be_in_time_and_the_alert_is_down():
    reached = {"raised": 0.1, "pushed": 1.0, "acknowledged": 3.0}
    assert drill.judge(a_drill(), seen(Over.ACKNOWLEDGED, **reached), at(9)) is None
    verdict = drill.judge(a_drill(), seen(Over.ACKNOWLEDGED, **reached), at(11))
    assert (verdict.state, verdict.reason) == (drill.State.FAILED, Reason.STAGE_MISSED)
    assert [each.stage for each in verdict.stages if each.passed is False] == [Stage.SHOWN]


def test_who_has_it_in_hand_need_not_be_told():
    verdict = drill.judge(a_drill(), seen(raised=0.1, shown=0.2, acknowledged=3), at(4))
    assert verdict.state is drill.State.PASSED


def test_nothing_at_all_is_failed_after_the_whole_time():
    assert drill.judge(a_drill(), seen(), at(599)) is None
    assert drill.judge(a_drill(), seen(), at(600)).state is drill.State.FAILED


def test_a_real_alarm_ends_it_without_a_verdict():
    verdict = drill.judge(a_drill(), seen(Over.REAL_ALARM, raised=0.1), at(2))
    assert (verdict.state, verdict.reason) == (drill.State.ENDED, Reason.REAL_ALARM)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(list(Stage)), st.floats(0.01, 700)),
    st.sampled_from([None, Over.ACKNOWLEDGED, Over.TIME_UP]),
    st.floats(0, 1300),
)
def test_a_verdict_once_final_stays_what_it_is(reached, over, seconds):
    """Time alone changes no verdict, and every drill has one in the end."""
    told = Observed({stage: at(second) for stage, second in reached.items()}, over)
    first = drill.judge(a_drill(), told, at(seconds))
    later = drill.judge(a_drill(), told, at(seconds + 600))
    assert later is not None
    assert first is None or first == later
