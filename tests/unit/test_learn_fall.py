"""What is learnt from and how it is proved; the learning itself is the library's."""

from dataclasses import replace

import numpy as np
import pytest

from anhu.errors import LearningUnavailable
from anhu.evaluate.fall_recording import Trial
from anhu.learn.fall import RECIPES, Examples, at_threshold, gather, prove
from anhu.learn.sensors import Sensor, told_by

from .test_fall import AT, RATE, falling, walking

FALL = Trial("a", "F01", 1, RATE, falling(), AT)
WALK = Trial("b", "D01", 1, RATE, walking(1800, np.random.default_rng(1))[: int(60 * RATE)], None)


def made_up(rows: list[tuple[int, float]]) -> Examples:
    """Impacts of (trial, when it was judged)."""
    trial, judged_s = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    truth = np.ones(len(rows), np.bool_)
    return Examples([FALL, WALK], np.zeros((len(rows), 1), np.float32), trial, judged_s, truth, truth)


def test_the_impact_at_the_fall_is_the_fall_and_later_ones_teach_nothing() -> None:
    stream = falling()
    stream[int((AT + 4) * RATE)] = (0, 3, 0)  # something falls on the sensor afterwards
    stream[int(4 * RATE)] = (0, -3, 0)  # and a stamp before
    examples = gather([Trial("a", "F01", 1, RATE, stream, AT), WALK])
    mine = examples.trial == 0
    assert examples.fall[mine].tolist() == [False, True, False]
    assert examples.used[mine].tolist() == [True, True, False]
    assert not examples.fall[~mine].any()
    assert examples.used[~mine].all()


def test_proof_by_hand() -> None:
    examples = made_up([(0, 5.0), (0, AT + 4), (1, 10.0), (1, 15.0), (1, 25.0)])
    score = np.array([0.1, 0.8, 0.9, 0.9, 0.6])
    high, low = at_threshold(examples, score, 0.7), at_threshold(examples, score, 0.05)
    assert (high.detected, high.events, high.false_alarms) == (1, 1, 1)  # the one at 15 s comes too soon after
    assert (low.detected, low.false_alarms) == (1, 2)
    assert high.hours == pytest.approx(1 / 60)
    early = at_threshold(made_up([(0, 5.0), (0, AT + 2)]), np.array([0.9, 0.9]), 0.5)
    assert early.detected == 0  # the alarm before the fall kept the one at the fall from being one


def test_the_threshold_weighs_misses_against_false_alarms() -> None:
    examples = made_up([(0, AT + 4), (1, 10.0)])
    apart = prove([examples], [np.array([0.8, 0.3])], RECIPES["waist"], [False])[0]
    assert (apart.detected, apart.false_alarms) == (1, 0)
    assert 0.3 < apart.threshold <= 0.8
    with pytest.raises(LearningUnavailable):
        prove([Examples([WALK], *[np.empty(0)] * 5)], [np.empty(0)], RECIPES["waist"], [False])  # type: ignore[arg-type]


def test_sensors_that_cut_off_early_have_a_threshold_of_their_own() -> None:
    wide, narrow = made_up([(0, AT + 4), (1, 10.0)]), made_up([(0, AT + 4), (1, 10.0)])
    scores = [np.array([0.8, 0.5]), np.array([0.4, 0.2])]
    apart = prove([wide, narrow], scores, RECIPES["waist"], [False, True])
    assert [(each.detected, each.false_alarms) for each in apart] == [(1, 0), (1, 0)]
    assert apart[0].threshold > 0.5
    assert 0.2 < apart[1].threshold <= 0.4


def test_sensors_that_cut_off_early_miss_as_few_as_their_false_alarms_allow() -> None:
    wide = made_up([(0, AT + 4), (1, 10.0)])
    narrow = made_up([(0, AT + 4), (1, 10.0), (1, 30.0)])
    scores = [np.array([0.8, 0.5]), np.array([0.4, 0.6, 0.2])]
    one_a_minute = replace(RECIPES["waist"], false_alarms_per_hour_max=60.0)
    apart = prove([wide, narrow], scores, one_a_minute, [False, True])
    assert (apart[1].detected, apart[1].false_alarms) == (1, 1)
    strict = prove([wide, narrow], scores, replace(one_a_minute, false_alarms_per_hour_max=59.0), [False, True])
    assert (strict[1].detected, strict[1].false_alarms) == (0, 0)


def test_a_short_recording_keeps_the_fall_and_its_time() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        told = told_by(Sensor("short", short=True), FALL, rng)
        assert told.impact_s is not None
        assert np.linalg.norm(told.acceleration, axis=1).argmax() / RATE == pytest.approx(told.impact_s, abs=0.05)
        assert told.seconds < FALL.seconds
