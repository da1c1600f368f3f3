"""The wearers' streams in the service: windows in, readings of the point `fall` out, nothing kept unless adopted."""

import numpy as np
import pytest

from alerting import engine
from alerting.engine import State
from alerting.fall_watch import TOLD_EVERY_US, FallWatch
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from ingest.formats.acceleration import Pack, Window

from .engine_world import T0, S, point, registry
from .test_fall import AT, RATE, falling, walking
from .test_judge_news import Desk, taken

FALL = point(1, "fall")
DELAY_US = 80_000


def windows(stream: np.ndarray, second: int, *, wearer: int = FALL, pack_s: int = 1, clock_us: int = 0) -> list[Window]:
    """What the device sends `second` seconds after T0, when it has `pack_s` of samples; its clock is off by
    `clock_us`."""
    part = stream[round(second * RATE) : round((second + pack_s) * RATE)]
    pack = Pack(T0 + second * S + clock_us, RATE, 16.0, part)
    return [Window(wearer, "waist", T0 + (second + pack_s) * S + DELAY_US, pack)]


def told(watch: FallWatch, sent: list[Window]) -> list[tuple[int, int, float]]:
    """Judge and adopt; (point, measured in µs after T0, value)."""
    falls = watch.judge(sent)
    watch.adopt(falls)
    return rows(falls.readings)


def rows(batch) -> list[tuple[int, int, float]]:
    return list(zip(batch.point_id.tolist(), (batch.measured_at_us - T0).tolist(), batch.value.tolist(), strict=True))


def test_a_fall_becomes_an_alert_that_says_what_it_was_judged_by() -> None:
    stream, watch = falling(), FallWatch()
    state = State.begin(compile_plan(registry(3), parse(default_rules())), T0)
    events = []
    for second in range(20):
        beside = walking(1, np.random.default_rng(second))
        other = Window(point(2, "fall"), "waist", T0 + (second + 1) * S, Pack(T0 + second * S, RATE, 16.0, beside))
        falls = watch.judge([*windows(stream, second), other])
        verdict = engine.step(state, falls.readings, falls.notes)
        watch.adopt(falls)
        engine.adopt(state, verdict.patch)
        events += verdict.events
    (event,) = events
    assert (event.verb.value, event.rule, event.source.device_id) == ("raise", "fall.device", 1)
    shown = event.evidence["acceleration"]
    assert (shown["wear"], shown["trace_hz"], shown["trace_before_s"]) == ("waist", 20, 5.0)
    assert shown["score"] >= shown["threshold"]
    assert len(shown["high_g"]) == len(shown["low_g"]) == 171
    assert int(np.argmax(shown["high_g"])) == 100
    assert max(shown["high_g"]) > 3
    assert shown["impact_at"].startswith("2026-11-22T00:00:12")  # AT seconds after T0
    assert event.evidence["text_zh"].startswith("有人跌倒")


def test_what_is_not_adopted_has_not_been() -> None:
    stream, watch, twice = falling(), FallWatch(), FallWatch()
    for second in range(20):
        sent = windows(stream, second)
        once = watch.judge(sent)
        watch.adopt(once)
        assert rows(twice.judge(sent).readings) == rows(once.readings)
        twice.judge(windows(walking(20, np.random.default_rng(1)), second))  # refused by the database, say
        twice.adopt(twice.judge(sent))
    assert rows(watch.judge([]).readings) == []


def test_the_order_of_wearers_and_how_packs_are_batched_change_nothing() -> None:
    streams = {point(n, "fall"): falling(n) for n in range(1, 4)}
    one, other = FallWatch(), FallWatch()
    single, many = [], []
    for second in range(0, 20, 2):
        sent = [each for late in (0, 1) for who, s in streams.items() for each in windows(s, second + late, wearer=who)]
        for each in sent:
            single += told(one, [each])
        many += told(other, sent[::-1])
    alarms = sorted(row for row in single if row[2] == 1.0)
    assert alarms == sorted(row for row in many if row[2] == 1.0)
    assert [row[0] for row in alarms] == list(streams)


def test_a_wearer_who_does_not_fall_is_told_of_every_half_minute() -> None:
    watch, stream = FallWatch(), walking(100, np.random.default_rng(2))
    found = [row for second in range(100) for row in told(watch, windows(stream, second))]
    assert [(at, value) for _, at, value in found] == [(S, 0.0), (31 * S, 0.0), (61 * S, 0.0), (91 * S, 0.0)]


def test_an_alarm_is_over_half_a_minute_later() -> None:
    watch, stream = FallWatch(), np.concatenate([falling(), walking(40, np.random.default_rng(3))])
    found = [row for second in range(60) for row in told(watch, windows(stream, second))]
    values = [value for _, _, value in found]
    alarm = values.index(1.0)
    assert values.count(1.0) == 1
    assert found[alarm + 1][2] == 0.0
    assert TOLD_EVERY_US <= found[alarm + 1][1] - found[alarm][1] < TOLD_EVERY_US + 2 * S


@pytest.mark.parametrize("pack_s", [1, 5])
def test_a_device_that_falls_silent_after_the_impact_tells_of_it_two_seconds_later(pack_s: int) -> None:
    watch, stream = FallWatch(), falling()
    last = round(AT) + 3 if pack_s == 1 else 15
    for second in range(0, last, pack_s):
        falls = watch.judge(windows(stream, second, pack_s=pack_s))
        watch.adopt(falls)
        assert 1.0 not in falls.readings.value
    heard_us = T0 + last * S + DELAY_US
    assert len(watch.expire(heard_us + pack_s * S + 2 * S - 1).readings) == 0
    expired = watch.expire(heard_us + pack_s * S + 2 * S)
    assert [(who, value) for who, _, value in rows(expired.readings)] == [(FALL, 1.0)]
    assert expired.notes.keys() == {(FALL, int(expired.readings.measured_at_us[0]))}
    watch.adopt(expired)
    assert watch.expire(heard_us + 3600 * S).after == ()  # told once


def test_packs_of_five_seconds_are_no_silence() -> None:
    watch, stream, found = FallWatch(), falling(), []
    for second in range(0, 20, 5):
        found += told(watch, windows(stream, second, pack_s=5))
        for later in range(1, 5):
            falls = watch.expire(T0 + (second + 5 + later) * S + DELAY_US)
            watch.adopt(falls)
            found += rows(falls.readings)
    assert [value for _, _, value in found].count(1.0) == 1


def test_a_clock_that_is_set_back_hides_no_fall() -> None:
    watch = FallWatch()
    ahead, stream = walking(60, np.random.default_rng(4)), falling()
    told_before = [row for second in range(60) for row in told(watch, windows(ahead, second, clock_us=50 * S))]
    after = []
    for second in range(20):
        sent = windows(stream, second, clock_us=-S)
        after += told(watch, [Window(FALL, "waist", sent[0].received_at_us + 60 * S, sent[0].pack)])
    (alarm,) = [row for row in after if row[2] == 1.0]
    assert alarm[1] > max(at for _, at, _ in told_before)  # else the engine would pass it over as a latecomer


def test_many_wearers_have_each_their_own_stream() -> None:
    watch = FallWatch()
    streams = {wearer: falling(wearer) if wearer % 10 == 0 else walking(20, np.random.default_rng(wearer))
               for wearer in range(1, 41)}  # fmt: skip
    found = []
    for second in range(20):
        found += told(watch, [each for who, s in streams.items() for each in windows(s, second, wearer=who)])
    assert sorted(who for who, _, value in found if value == 1.0) == [10, 20, 30, 40]


# --- as the pipeline's judge --------------------------------------------------------------------------------------
def test_a_batch_that_was_refused_is_judged_again_and_the_fall_is_not_lost() -> None:
    desk, stream, said = Desk(), falling(), []
    for second in range(20):
        sent = windows(stream, second)
        for _ in range(2):  # the first answer of the database is no
            desk.judge.judge(taken([], [], [], windows=sent))
        decision = desk.judge.judge(taken([], [], [], windows=sent))
        said += desk.store(decision)
        assert set(decision.told.value.tolist()) <= {0.0, 1.0}
    assert said == ["raise"]
    (alert,) = desk.ground.alerts.values()
    assert alert.evidence["acceleration"]["wear"] == "waist"
    assert desk.agrees_with_the_log()


@pytest.mark.parametrize(("listening", "caught_up"), [(True, True), (False, True), (True, False)])
def test_a_tick_tells_of_silence_only_when_it_is_not_ours(listening: bool, caught_up: bool) -> None:
    desk, stream = Desk(), falling()
    for second in range(round(AT) + 3):
        desk.store(desk.judge.judge(taken([], [], [], windows=windows(stream, second))))
    later_us = T0 + 60 * S
    decision = desk.judge.tick(later_us, listening=listening, caught_up=caught_up, spool_share=0.0)
    assert decision.told.value.tolist() == ([1.0] if listening and caught_up else [])
    assert desk.store(decision).count("raise") == int(listening and caught_up)
