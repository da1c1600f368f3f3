"""The battery: what every registered detector must pass, by itself and in the engine under a rule made for it."""

from collections.abc import Iterator

import numpy as np
import pytest

from alerting.alert import Verb
from alerting.detect import DETECTORS
from alerting.detect.detector import Columns, Detector
from alerting.engine import State, adopt, step, tick
from alerting.engine_state import carry_over
from alerting.plan import compile_plan
from alerting.rules import parse
from ingest.reading import OUT_OF_RANGE, ReadingBatch

from .engine_world import T0, S, point, registry

COUNT = 40
# Raised by the burst below.
RAISED = (
    "setpoint",
    "heat",
    "rate_of_rise",
    "sudden_rise",
    "excess",
    "excess_sum",
    "co_en50291",
    "co_ul2034",
    "dwell",
)  # by the burst below
LEVELS = {"setpoint": 20.0, "heat": 20.0, "excess_sum": 0.4}  # raised at; else at 0.9
SET = {"dwell": "level = 20.0"}  # where the default would see the clean level as the alarm
ALL = pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
RULE = """
version = "battery"
[[rule]]
id = "r"
kind = "gas"
priority = "high"
quantity = "gas"
detector = "{detector}"
raise_at = {raise_at}
clear_at = {clear_at}
off_delay_s = 30
{more}
title_zh = "气"
title_en = "gas"
clause = "none"
"""


def tuned(detector: Detector, count: int = 1) -> Columns:
    """The parameters' defaults."""
    return {name: np.full(count, each.default) for name, each in detector.parameters.items()}


def samples(count: int = COUNT, length: int = 300, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Times in µs (uneven, rising) and values of `count` points, with quiet, bursts, a stuck stretch and clipping."""
    rng = np.random.default_rng(seed)
    at_us = T0 + np.cumsum(rng.integers(1, 20 * S, (length, count)), axis=0)
    value = rng.normal(1.0, 0.3, (length, count))
    value[100:130] += rng.exponential(30.0, (30, count))
    value[150:200] = value[150]
    value[220:240] = 1e6
    value[240:260] = -200.0
    return at_us, value


def run(detector: Detector, at_us: np.ndarray, value: np.ndarray, state: Columns | None = None) -> np.ndarray:
    """The scores, sample after sample; the state's columns keep their types as they do in the engine."""
    columns = detector.begin(value.shape[1]) if state is None else state
    scores = []
    for when, what in zip(at_us, value, strict=True):
        working = {name: column.copy() for name, column in columns.items()}
        scores.append(detector.score(working, tuned(detector), when, what))
        for name, column in working.items():
            columns[name][:] = column
    return np.array(scores)


@ALL
def test_whatever_finite_comes_the_scores_are_finite_and_the_state_keeps_its_size(detector: Detector) -> None:
    state = detector.begin(COUNT)
    before = {name: (column.dtype, column.shape) for name, column in state.items()}
    at_us, value = samples()
    extremes = np.array([0.0, 1e9, -1e9, 1e-30, 3.4e38, -3.4e38])[np.arange(30) % 6][:, None] * np.ones(COUNT)
    later = at_us[-1] + np.cumsum(np.full((30, COUNT), S), axis=0)
    scores = run(detector, np.vstack([at_us, later]), np.vstack([value, extremes]), state)
    assert np.isfinite(scores).all()
    assert {name: (column.dtype, column.shape) for name, column in state.items()} == before


@ALL
def test_a_row_does_not_see_its_neighbours(detector: Detector) -> None:
    at_us, value = samples()
    order = np.random.default_rng(3).permutation(COUNT)
    together, turned = run(detector, at_us, value), run(detector, at_us[:, order], value[:, order])
    np.testing.assert_array_equal(together[:, order], turned)
    alone = np.hstack([run(detector, at_us[:, [row]], value[:, [row]]) for row in range(3)])
    np.testing.assert_array_equal(together[:, :3], alone)


@ALL
def test_a_restart_in_the_middle_changes_nothing(detector: Detector) -> None:
    at_us, value = samples()
    state = detector.begin(COUNT)
    first = run(detector, at_us[:137], value[:137], state)
    saved = {name: np.frombuffer(column.tobytes(), column.dtype).copy() for name, column in state.items()}
    second = run(detector, at_us[137:], value[137:], saved)
    np.testing.assert_array_equal(np.vstack([first, second]), run(detector, at_us, value))


@ALL
def test_memory_and_parameters_are_told(detector: Detector) -> None:
    defaults = {name: each.default for name, each in detector.parameters.items()}
    assert 0 <= detector.memory_s(defaults) <= 7 * 86_400
    for name, each in detector.parameters.items():
        assert each.low <= each.default <= each.high, name
        assert each.unit
    assert detector.unit("ppm")


@ALL
def test_a_fresh_row_scores_no_higher_than_its_value(detector: Detector) -> None:
    """Grace: joining at a level is no event for whatever looks at changes."""
    score = detector.score(detector.begin(3), tuned(detector), np.full(3, T0), np.array([0.0, 1.0, 50.0]))
    assert (score <= np.array([0.0, 1.0, 50.0]) + 1e-9).all()


# --- in the engine ------------------------------------------------------------------------------------------------


def engine_of(detector: Detector, devices: int = 3) -> State:
    """An engine under one rule of this detector, sensitive enough to be raised by what follows."""
    level = LEVELS.get(detector.name, 0.9)
    more = SET.get(detector.name, "")
    rules = parse(RULE.format(detector=detector.name, raise_at=level, clear_at=level * 0.8, more=more))
    return State.begin(compile_plan(registry(devices), rules), T0)


def story(devices: int = 3) -> Iterator[tuple[int, int, float]]:
    """(device, µs, value) in the order of time: clean, a burst, back to clean for long."""
    rng = np.random.default_rng(11)
    for number in range(900):
        value = 1.0 + rng.normal(0, 0.01) + (300.0 if 300 <= number < 360 else 0.0)
        for device in range(1, devices + 1):
            yield device, T0 + number * 10 * S + device, value


def alive(at_us: int) -> float:
    """The clean level, with the little that a living sensor's readings move from one to the next."""
    return 1.0 + at_us // (10 * S) % 2 * 0.001


def judge(state: State, rows: list[tuple[int, int, float]], quality: int = 0) -> list[tuple[str, int, int | None]]:
    points = [point(device, "gas") for device, _, _ in rows]
    times = [at for _, at, _ in rows]
    batch = ReadingBatch.build(points, times, times, [value for _, _, value in rows], [quality] * len(rows))
    verdict = step(state, batch)
    adopt(state, verdict.patch)
    return [(event.verb.value, round(event.at.timestamp() * S), event.source.device_id) for event in verdict.events]


@ALL
def test_how_readings_are_packed_and_ordered_changes_nothing(detector: Detector) -> None:
    rows = list(story())
    one, packed = engine_of(detector), engine_of(detector)
    expected = [event for row in rows for event in judge(one, [row])]
    assert {verb for verb, _, _ in expected} == {Verb.RAISE.value, Verb.CLEAR.value} or detector.name not in RAISED
    events, rng = [], np.random.default_rng(5)
    for start in range(0, len(rows), 50):
        pack = [rows[start + place] for place in rng.permutation(len(rows[start : start + 50]))]
        events += judge(packed, pack)
    assert sorted(events) == sorted(expected)
    for left, right in zip(one.rows, packed.rows, strict=True):
        np.testing.assert_array_equal(left, right)


@ALL
def test_a_new_plan_in_the_middle_changes_nothing(detector: Detector) -> None:
    rows = list(story())
    straight, broken = engine_of(detector), engine_of(detector)
    expected = judge(straight, rows)
    events = judge(broken, rows[:1000])
    after = engine_of(detector, 5)
    carry_over(broken, after)
    after.alerts = broken.alerts
    events += judge(after, rows[1000:])
    assert sorted(events) == sorted(expected)


@ALL
def test_what_is_no_measurement_is_passed_over_and_nothing_stays_raised(detector: Detector) -> None:
    state = engine_of(detector)
    size = sum(rows.nbytes for rows in state.rows)
    rows = list(story())
    noise = [(device, at + 1, value) for (device, at, _), value in zip(
        rows[::7], (np.nan, np.inf, -np.inf) * 1000, strict=False)]  # fmt: skip
    for start in range(0, len(rows), 300):
        judge(state, rows[start : start + 300])
        judge(state, [each for each in noise if rows[start][1] <= each[1] <= rows[min(start + 299, len(rows) - 1)][1]])
        judge(state, [(1, rows[start][1] + 2, -200.0)], OUT_OF_RANGE)
        judge(state, [(2, rows[start][1] - 86_400 * S, 99.0)])  # a clock that was set back
    clean = [(device, at + 9_000 * S, alive(at)) for device, at, _ in rows]
    judge(state, clean)
    adopt(state, tick(state, clean[-1][1] + 3_600 * S, listening=True, caught_up=True).patch)
    assert not state.latch.active.any()
    assert sum(rows.nbytes for rows in state.rows) == size


@ALL
def test_a_clock_that_jumps_ahead_neither_fails_nor_raises_for_ever(detector: Detector) -> None:
    state = engine_of(detector)
    rows = list(story())
    judge(state, rows[:600])
    ahead = [(device, at + 400 * 86_400 * S, alive(at)) for device, at, _ in rows]
    judge(state, ahead)
    assert not state.latch.active.any()


@ALL
def test_a_stuck_sensor_does_not_stay_raised_by_what_came_before(detector: Detector) -> None:
    state = engine_of(detector)
    judge(state, [(1, T0 + number * 10 * S, 1.0 if number < 100 else 1.05) for number in range(3000)])
    assert not state.latch.active.any() or detector.name == "flatline"  # which is there to say just this


# --- sudden rise --------------------------------------------------------------------------------------------------
def test_the_same_rise_is_sudden_in_a_quiet_room_and_not_where_it_comes_and_goes() -> None:
    at_s = np.arange(0, 1860.0)
    rise = np.clip(at_s - 1800, 0, 60) * 4 / 60  # 4 °C/min in the last minute
    quiet = 22 + rise
    heated = 22 + np.sin(at_s * 2 * np.pi / 180) * 2 + rise  # ±4.2 °C/min, every three minutes
    scores = run(DETECTORS["sudden_rise"], at_s[:, None].astype(np.int64) * S, np.stack([quiet, heated], axis=1))
    assert scores[:1800].max() < 3
    assert scores[1800:, 0].max() > 3
    assert scores[1800:, 1].max() < 3


def test_no_sudden_rise_before_the_noise_is_known() -> None:
    at_s = np.arange(0, 90.0)
    value = 22 + 4.0 * (at_s > 10) + np.clip(at_s - 60, 0, None) * 20 / 60  # a sensor that warms up; later a fire
    scores = run(DETECTORS["sudden_rise"], at_s[:, None].astype(np.int64) * S, value[:, None])
    assert (scores[:30] == 0).all()
    assert scores[30:60].max() < 3
    assert scores[60:].max() > 3


def test_a_fire_does_not_excuse_itself() -> None:
    at_s = np.arange(0, 360.0)
    value = 22 + np.clip(at_s - 60, 0, None) * 12 / 60  # a minute of quiet, five of 12 °C/min
    scores = run(DETECTORS["sudden_rise"], at_s[:, None].astype(np.int64) * S, value[:, None])
    assert scores[70:150].min() > 3
