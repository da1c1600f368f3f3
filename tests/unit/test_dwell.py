"""Falls from a radar: somebody on the floor is a fall when they stay there."""

import pytest

from alerting.alert import Kind
from alerting.engine import State, adopt, step, tick
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from ingest.reading import ReadingBatch
from ingest.registry import Device, Institution, Point, Registry, Zone

from .engine_world import T0, S

DWELL_S = 60


def radar() -> State:
    """A bedroom with one radar under the rules that ship."""
    registry = Registry.build(
        1,
        [Institution(1, "home", "安和养老院", "Anhe", "nursing_home", "220322")],
        [Zone(1, 1, "bed", "卧室", "Bedroom", "bedroom", 1)],
        [Device(1, 1, 1, "radar", "雷达", "fall", "", 3600)],
        [Point(1, 1, "on_floor", "1")],
    )
    return State.begin(compile_plan(registry, parse(default_rules())), T0)


def story(*told: tuple[float, float], until_s: float = 600, look_s: float = 1):
    """(verb, second, since when) of what the radar's (second, value) messages come to, with a look at the clock every
    `look_s` seconds."""
    state, events, waiting = radar(), [], list(told)
    at_s = 0.0
    while at_s <= until_s:
        while waiting and waiting[0][0] <= at_s:
            second, value = waiting.pop(0)
            us = T0 + round(second * S)
            verdict = step(state, ReadingBatch.build([1], [us], [us], [value]))
            adopt(state, verdict.patch)
            events += verdict.events
        verdict = tick(state, T0 + round(at_s * S), listening=True, caught_up=True)
        adopt(state, verdict.patch)
        events += verdict.events
        at_s += look_s
    return [each for each in events if each.kind is Kind.FALL]


def raised(*told: tuple[float, float]) -> list[float]:
    return [round(e.at.timestamp() - T0 / S, 3) for e in story(*told) if e.verb.value == "raise"]


@pytest.mark.parametrize("message", [(), ((110.0, 1.0),), ((110.0, 1.0), (130.0, 1.0), (150.0, 1.0))])
def test_who_stays_down_is_told_after_the_dwell_however_often_the_radar_speaks(message) -> None:
    assert raised((0, 0), (100, 1), *message) == [100 + DWELL_S]


def test_who_gets_up_in_time_raises_nothing() -> None:
    assert raised((0, 0), (100, 1), (100 + DWELL_S - 1, 0), (300, 0)) == []


def test_a_radar_that_loses_a_still_person_does_not_begin_anew() -> None:
    # 40 s seen, 10 s lost, then the 20 s that were missing: neither at 160 s nor at 210 s.
    assert raised((0, 0), (100, 1), (140, 0), (150, 1)) == [170]


def test_a_long_interruption_begins_anew() -> None:
    assert raised((0, 0), (100, 1), (140, 0), (160, 1)) == [220]


def test_a_ghost_that_flickers_must_add_up_to_the_whole_dwell() -> None:
    flicker = [(100.0 + second, float(second % 10 == 0)) for second in range(300)]  # seen for 1 s of every 10
    assert raised((0, 0), *flicker, (400, 0), (500, 0)) == []


def test_a_visit_to_the_floor_every_few_minutes_raises_nothing() -> None:
    visits = [pair for start in range(50, 550, 60) for pair in ((start, 1), (start + 30, 0))]
    assert raised((0, 0), *visits) == []


def test_the_condition_ends_when_the_person_is_up_and_the_alert_says_since_when_in_words() -> None:
    first, second = story((0, 0), (100, 1), (140, 0), (150, 1), (300, 0), (320, 0))
    assert (first.verb.value, second.verb.value) == ("raise", "clear")
    assert round(second.at.timestamp() - T0 / S) == 315
    told = first.evidence
    assert told["text_zh"] == "有人倒地未起身：已超过 60 秒"
    assert told["text_en"] == "Someone is on the floor and has not got up: for 60 s already"
