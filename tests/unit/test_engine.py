"""The engine: what it raises and clears, and that neither order, batching, redelivery nor a refused verdict matters."""

import copy
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import State, adopt, carry_over, step
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from ingest.reading import OUT_OF_RANGE, ReadingBatch

from .engine_world import QUANTITIES, T0, S, feed, pass_time, point, readings, registry, state, told

SMOKE, HEAT, CO = point(3, "smoke_obscuration"), point(3, "temperature"), point(3, "co")
RULES = """
version = "test"
[supervision]
[[rule]]
id = "r"
kind = "gas"
priority = "high"
quantity = "gas"
raise_at = 20
clear_at = 10
{more}
title_zh = "气"
title_en = "gas"
clause = "none"
"""
GAS = point(1, "gas")


def test_smoke_needs_two_samples_and_clears_after_a_minute_of_clean_air():
    engine = state()
    assert feed(engine, readings((SMOKE, 0, 0.31))) == []
    assert feed(engine, readings((SMOKE, 10, 0.31))) == [
        ("raise", "fire.smoke", 10.0),
        ("raise", "fire.smoke.early", 10.0),
    ]
    assert feed(engine, readings((SMOKE, 20, 0.2))) == []  # the deadband: nothing changes
    assert feed(engine, readings((SMOKE, 30, 0.05), (SMOKE, 80, 0.05))) == []
    assert feed(engine, readings((SMOKE, 90, 0.05))) == [
        ("clear", "fire.smoke", 90.0),
        ("clear", "fire.smoke.early", 90.0),
    ]


def test_one_alert_carries_both_rules_and_its_evidence():
    engine = state()
    verdict = step(engine, readings((SMOKE, 0, 0.5), (SMOKE, 10, 0.75)))
    alerts = {event.alert_id for event in verdict.events}
    assert len(alerts) == 1
    told_of = verdict.events[0].evidence
    assert (told_of["value"], told_of["threshold"], told_of["unit"]) == (0.75, 0.3, "dB/m")
    assert told_of["since"] == "2026-11-22T00:00:00+00:00"
    assert "0.75 dB/m" in told_of["text_zh"]
    assert "0.75 dB/m" in told_of["text_en"]
    assert "GB 4715" in told_of["clause"]
    assert "响应" in told_of["clause_zh"]


def test_a_kitchen_is_not_a_bedroom():
    engine = state()
    batch = [(point(device, "smoke_obscuration"), t, 0.2) for t in (0, 10) for device in (1, 2)]
    events = step(engine, readings(*batch)).events
    assert [(event.source.device_id, event.rule) for event in events] == [(1, "fire.smoke.early")]


def test_the_setpoint_itself_is_an_alarm():
    engine = state(rules=RULES.format(more="").replace("20", "0.7").replace("10", "0.1"))
    assert feed(engine, readings((GAS, 0, 0.7))) == [("raise", "r", 0.0)]


def test_below():
    battery = point(1, "battery")
    engine = state()
    assert feed(engine, readings((battery, 0, 15), (battery, 1, 14))) == []
    assert feed(engine, readings((battery, 2, 14))) == [("raise", "battery.low", 2.0)]
    assert feed(engine, readings((battery, 3, 20))) == []
    assert feed(engine, readings((battery, 4, 26))) == [("clear", "battery.low", 4.0)]


def test_an_on_delay_runs_out_at_its_own_moment_whoever_looks_first():
    engine = state(rules=RULES.format(more="on_delay_s = 30"))
    assert feed(engine, readings((GAS, 0, 21))) == []
    by_reading = step(copy.deepcopy(engine), readings((GAS, 31, 22))).events
    assert told(by_reading) == [("raise", "r", 30.0)]
    assert pass_time(engine, 29) == []
    assert pass_time(engine, 30.2) == [("raise", "r", 30.0)]
    assert next(iter(engine.alerts.values())).id == by_reading[0].alert_id
    assert pass_time(engine, 31.2) == []


def test_a_delay_that_ran_out_unseen_still_counts():
    engine = state(rules=RULES.format(more="on_delay_s = 30"))
    assert feed(engine, readings((GAS, 0, 21), (GAS, 45, 5))) == [("raise", "r", 30.0), ("clear", "r", 45.0)]


def test_no_delay_runs_out_while_readings_still_wait_to_be_taken():
    engine = state(rules=RULES.format(more="on_delay_s = 20"))
    feed(engine, readings((GAS, 0, 30)))
    beyond = copy.deepcopy(engine)
    assert pass_time(engine, 45, caught_up=False) == []  # we were away; what the broker kept comes now
    assert feed(engine, readings((GAS, 10, 5), delay_s=35)) == []  # the gas had gone in time
    assert pass_time(engine, 46) == []
    assert pass_time(beyond, 45) == [("raise", "r", 20.0)]  # and with nothing waiting, it is one


def test_an_interrupted_on_delay_starts_again():
    engine = state(rules=RULES.format(more="on_delay_s = 30"))
    feed(engine, readings((GAS, 0, 21), (GAS, 20, 5), (GAS, 25, 21)))
    assert pass_time(engine, 50) == []
    assert pass_time(engine, 56) == [("raise", "r", 55.0)]


def test_a_hold_ends_a_press_that_is_never_released():
    engine = state()
    sos = point(1, "sos")
    assert feed(engine, readings((sos, 0, 1))) == [("raise", "sos.button", 0.0)]
    assert feed(engine, readings((sos, 30, 1))) == []
    assert pass_time(engine, 89) == []
    assert pass_time(engine, 91)[0] == ("clear", "sos.button", 90.0)
    assert feed(engine, readings((sos, 100, 1))) == [("raise", "sos.button", 100.0)]


def test_rate_of_rise_in_a_bedroom_but_not_in_a_kitchen():
    engine = state()
    ramp = [(point(d, "temperature"), t, 20 + t * 12 / 60) for t in range(0, 181, 10) for d in (1, 2)]
    events = step(engine, readings(*ramp)).events
    assert [(event.rule, event.source.device_id) for event in events] == [
        ("fire.heat.early", 1),
        ("fire.heat.rise", 1),
    ]
    assert events[1].evidence["unit"] == "Cel/min"


def test_a_slow_warm_up_and_noise_raise_nothing():
    engine = state()
    rng = np.random.default_rng(7)
    rows = [(HEAT, t, 20 + t / 600 + float(rng.normal(0, 0.5))) for t in range(0, 7200, 10)]
    assert feed(engine, readings(*rows)) == []


@pytest.mark.parametrize(("ppm", "earliest_s", "latest_s"), [(50, 3600, 5400), (100, 600, 2400), (300, 0, 180)])
def test_co_by_time_at_concentration(ppm, earliest_s, latest_s):
    engine = state()
    for seconds in range(0, 6000, 30):
        events = feed(engine, readings((CO, seconds, ppm)))
        if events:
            assert earliest_s <= seconds <= latest_s
            return
    pytest.fail("no alarm")


def test_thirty_ppm_for_two_days_is_silent():
    engine = state()
    assert feed(engine, readings(*[(CO, t, 30) for t in range(0, 172_800, 300)])) == []


def test_duplicates_latecomers_and_doubtful_values_are_not_judged():
    engine = state()
    feed(engine, readings((SMOKE, 0, 0.5)))
    assert feed(engine, readings((SMOKE, 0, 0.5))) == []  # again: not a second sample
    assert feed(engine, readings((SMOKE, -5, 0.5))) == []
    assert feed(engine, readings((SMOKE, 1, 0.5), (SMOKE, 1, 0.5)))[0] == ("raise", "fire.smoke", 1.0)
    doubtful = readings((HEAT, 0, 900), (HEAT, 1, 900), (HEAT, 2, 900))
    doubtful.quality[:] = OUT_OF_RANGE
    assert feed(engine, doubtful) == []


def test_unknown_points_are_passed_over():
    engine = state()
    assert feed(engine, readings((9999, 0, 1), (-3, 0, 1), (7, 0, 1))) == []


def test_a_refused_verdict_leaves_no_trace():
    engine, untouched = state(), state()
    step(engine, readings((SMOKE, 0, 0.5), (SMOKE, 10, 0.5), (HEAT, 0, 20)))
    assert_same(engine, untouched)


def assert_same(left: State, right: State) -> None:
    for name in ("last_us", "last_value", "skew_us"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    for name in ("active", "samples", "since_us", "beyond_us", "within_us", "score"):
        np.testing.assert_array_equal(getattr(left.latch, name), getattr(right.latch, name))
    for one, other in zip(left.detectors, right.detectors, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    np.testing.assert_array_equal(left.presence.seen_us, right.presence.seen_us)
    # An alert's priority and evidence may come from another of its rules where batches tell them in another order.
    for one, other in ((left.alerts, right.alerts), (right.alerts, left.alerts)):
        for key, alert in one.items():
            assert other[key].rules == alert.rules
            assert other[key].active == alert.active


def world(seed: int, count: int = 400) -> list[tuple[int, float, float]]:
    """Readings of nine devices that wander in and out of alarm, in order of time."""
    rng = random.Random(seed)
    rows = []
    for t in range(count):
        device, quantity = rng.randint(1, 9), rng.choice(QUANTITIES)
        rows.append(
            (point(device, quantity), t * 3 + rng.random(), rng.choice([0, 0.05, 0.2, 0.5, 1, 20, 60, 80, 310]))
        )
    return rows


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 40), shuffle=st.booleans(), again=st.booleans())
def test_batching_order_and_redelivery_change_nothing(seed, cut, shuffle, again):
    rows = world(seed)
    one_by_one, batched = state(9), state(9)
    expected = [event for row in rows for event in feed(one_by_one, readings(row))]
    rng = random.Random(seed)
    events = []
    for start in range(0, len(rows), cut):
        batch = rows[start : start + cut]
        if again and start:
            batch = rows[start - cut : start] + batch
        if shuffle:
            rng.shuffle(batch)
        events += feed(batched, readings(*batch))
    assert sorted(events) == sorted(expected)
    assert_same(batched, one_by_one)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 399))
def test_a_change_of_rules_or_registry_in_the_middle_forgets_nothing(seed, cut):
    rows = world(seed)
    straight, broken = state(9), state(9)
    expected = feed(straight, readings(*rows))
    events = feed(broken, readings(*rows[:cut]))
    after = State.begin(compile_plan(registry(12, version=2), parse(default_rules() + "\n# changed")), T0)
    carry_over(broken, after)
    after.alerts = broken.alerts
    events += feed(after, readings(*rows[cut:]))
    assert sorted(events) == sorted(expected)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([SMOKE, HEAT, CO, GAS, point(1, "battery")]),
            st.integers(-(10**6), 10**6),
            st.floats(width=32, allow_nan=False, allow_infinity=False),
        ),
        max_size=60,
    )
)
def test_nothing_finite_makes_it_raise_or_grow(rows):
    engine = state()
    size = engine.latch.active.nbytes
    feed(engine, readings(*rows))
    pass_time(engine, 10**6)
    assert engine.latch.active.nbytes == size
    assert len(engine.alerts) <= 3 * 9


def test_an_acknowledged_alert_that_closed_makes_room_for_a_new_one():
    engine = state(rules=RULES.format(more=""))
    feed(engine, readings((GAS, 0, 21)))
    key, alert = next(iter(engine.alerts.items()))
    feed(engine, readings((GAS, 1, 1)))
    assert engine.alerts[key].open  # nobody has acknowledged it
    feed(engine, readings((GAS, 2, 21)))
    assert engine.alerts[key].id == alert.id  # so it is the same one again
    engine.alerts.pop(key)  # as when a person acknowledged it after it had cleared
    feed(engine, readings((GAS, 3, 1), (GAS, 4, 21)))
    assert engine.alerts[key].id != alert.id


def test_empty_registry_and_empty_batch():
    empty = compile_plan(registry(0), parse(default_rules()))
    engine = State.begin(empty, T0)
    assert feed(engine, readings((1, 0, 1))) == []
    assert pass_time(engine, 100) == []
    assert feed(state(), ReadingBatch.build([], [], [], [])) == []


def test_adopting_nothing_changes_nothing():
    engine, same = state(), state()
    adopt(engine, step(engine, ReadingBatch.build([], [], [], [])).patch)
    assert_same(engine, same)
    assert S == 1_000_000
