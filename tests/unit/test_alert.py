"""An alert is the fold of its events: the ISA-18.2 state machine, step by step and under random walks."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import (
    Alert,
    AlertEvent,
    Condition,
    Kind,
    Priority,
    Source,
    State,
    Verb,
    act,
    alert_id,
    engine_event,
    fold,
)
from alerting.errors import IllegalVerb

T0 = datetime(2026, 11, 22, tzinfo=UTC)
T0_US = int(T0.timestamp() * 1e6)
SOURCE = Source(1, 2, 3)
FIRE = Condition("fire.smoke", Kind.FIRE, Priority.CRITICAL, latching=True)
EARLY = Condition("fire.smoke.early", Kind.FIRE, Priority.HIGH, latching=False)
ID = uuid.uuid4()


def engine(verb, condition=EARLY, seconds=0):
    return engine_event(ID, verb, T0_US + seconds * 1_000_000, T0_US, SOURCE, condition, {"of": condition.rule})


def person(alert: Alert, verb, seconds=0):
    return act(alert, verb, "user:admin", T0 + timedelta(seconds=seconds), None)


def test_the_plain_life():
    alert = fold(None, engine(Verb.RAISE))
    assert (alert.state, alert.open, alert.version) == (State.UNACKED, True, 1)
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    assert (alert.state, alert.acknowledged_by) == (State.ACKED, "user:admin")
    alert = fold(alert, engine(Verb.CLEAR, seconds=9))
    assert (alert.state, alert.open, alert.cleared_at) == (State.NORMAL, False, T0 + timedelta(seconds=9))


def test_cleared_before_anyone_looked():
    alert = fold(fold(None, engine(Verb.RAISE)), engine(Verb.CLEAR))
    assert (alert.state, alert.open) == (State.RTN_UNACKED, True)
    assert not fold(alert, person(alert, Verb.ACKNOWLEDGE)).open


def test_a_latching_alert_waits_for_its_reset():
    alert = fold(None, engine(Verb.RAISE, FIRE))
    alert = fold(alert, engine(Verb.CLEAR, FIRE))
    assert (alert.active, alert.state, alert.open) == (False, State.UNACKED, True)
    with pytest.raises(IllegalVerb):
        fold(alert, person(alert, Verb.RESET))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    assert (alert.state, alert.open) == (State.ACKED, True)
    alert = fold(alert, person(alert, Verb.RESET))
    assert (alert.state, alert.open) == (State.NORMAL, False)


def test_a_burning_fire_cannot_be_reset():
    alert = fold(None, engine(Verb.RAISE, FIRE))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    with pytest.raises(IllegalVerb):
        fold(alert, person(alert, Verb.RESET))


def test_getting_worse_calls_again():
    alert = fold(None, engine(Verb.RAISE, EARLY))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    alert = fold(alert, engine(Verb.RAISE, FIRE, seconds=5))
    assert (alert.priority, alert.acknowledged, alert.latched) == (Priority.CRITICAL, False, True)
    assert alert.rules == {"fire.smoke", "fire.smoke.early"}
    assert alert.evidence == {"of": "fire.smoke"}
    assert alert.occurrences == 1


def test_a_lesser_rule_joining_calls_nobody():
    alert = fold(None, engine(Verb.RAISE, FIRE))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    alert = fold(alert, engine(Verb.RAISE, EARLY, seconds=5))
    assert alert.acknowledged
    assert alert.priority is Priority.CRITICAL
    alert = fold(alert, engine(Verb.CLEAR, FIRE))
    assert alert.active  # the lesser one still holds
    assert not fold(alert, engine(Verb.CLEAR, EARLY)).active


def test_coming_back_calls_again():
    alert = fold(None, engine(Verb.RAISE, FIRE))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    alert = fold(alert, engine(Verb.CLEAR, FIRE))
    alert = fold(alert, engine(Verb.RAISE, FIRE, seconds=60))
    assert (alert.state, alert.occurrences, alert.raised_at) == (State.UNACKED, 2, T0 + timedelta(seconds=60))


def test_what_cannot_be():
    with pytest.raises(IllegalVerb):
        fold(None, engine(Verb.CLEAR))
    alert = fold(None, engine(Verb.RAISE))
    alert = fold(alert, person(alert, Verb.ACKNOWLEDGE))
    with pytest.raises(IllegalVerb):
        fold(alert, person(alert, Verb.ACKNOWLEDGE))
    with pytest.raises(IllegalVerb):
        fold(alert, person(alert, Verb.RESET))
    closed = fold(alert, engine(Verb.CLEAR))
    with pytest.raises(IllegalVerb):
        fold(closed, engine(Verb.CLEAR))


def test_ids_are_the_same_however_often_they_are_worked_out():
    key = engine(Verb.RAISE).key
    assert alert_id(key, 5) == alert_id(key, 5)
    assert alert_id(key, 5) != alert_id(key, 6)
    assert engine(Verb.RAISE).event_id == engine(Verb.RAISE).event_id
    assert engine(Verb.RAISE).event_id != engine(Verb.RAISE, FIRE).event_id


def test_an_event_needs_a_zoned_time():
    fields = dict.fromkeys(("event_id", "alert_id"), ID)
    with pytest.raises(ValueError, match="time zone"):
        AlertEvent(
            **fields, verb=Verb.RAISE, at=datetime(2026, 1, 1), source=SOURCE, kind=Kind.FIRE,  # noqa: DTZ001
            priority=Priority.HIGH, latching=False, rule=None, actor="engine", onset_at=T0,
        )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(Verb), st.sampled_from([FIRE, EARLY])), max_size=30))
def test_every_walk_keeps_the_invariants(walk):
    alert = None
    for seconds, (verb, condition) in enumerate(walk):
        by_engine = verb in (Verb.RAISE, Verb.CLEAR)
        if alert is None and not by_engine:
            continue
        event = engine(verb, condition, seconds) if by_engine else person(alert, verb, seconds)
        before = alert
        try:
            alert = fold(alert, event)
        except IllegalVerb:
            continue
        assert alert.version == (before.version if before else 0) + 1
        assert alert.active == bool(alert.rules)
        assert alert.open == (alert.state is not State.NORMAL)
        assert not (alert.active and alert.cleared_at)
        if verb is Verb.RAISE and condition is FIRE:
            assert alert.latched
        if verb is Verb.RAISE and before is not None and not before.active:
            assert not alert.acknowledged
