"""The fall detector: made-up streams whose truth is known, and what must not matter."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alerting.detect.fall import SILENCE_US, FallDetector, FallModel, Impacts, Packs, shipped_model
from alerting.detect.nets import Nets
from alerting.errors import ModelUnreadable
from anhu import cli
from anhu.errors import RecordingUnreadable
from anhu.evaluate import fall as evaluation
from anhu.evaluate.fall_recording import STANDARD_GRAVITY_MS2, Trial, trials
from anhu.evaluate.phone_recording import phone_trials
from anhu.learn.sensors import Sensor, told_by

from .engine_world import T0

RATE = 200.0
AT = 12.0  # when the made-up fall hits, in seconds
DETECTOR = FallDetector(shipped_model("waist"))


def walking(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Upright, two steps a second."""
    at = np.arange(int(seconds * RATE)) / RATE
    acceleration = rng.normal(0, 0.03, (len(at), 3))
    acceleration[:, 1] += -1 - 0.2 * np.sin(2 * np.pi * 2 * at)
    acceleration[:, 0] += 0.1 * np.sin(2 * np.pi * 1 * at)
    return acceleration.astype(np.float32)


def falling(seed: int = 1, seconds: float = 20.0) -> np.ndarray:
    """Walks, tips over within half a second (the dip), hits the floor with several g, and stays lying."""
    rng = np.random.default_rng(seed)
    acceleration = walking(seconds, rng)
    at = np.arange(len(acceleration)) / RATE
    tipping, lying = (at > AT - 0.5) & (at < AT), at >= AT
    turn = np.clip((at - (AT - 0.5)) / 0.6, 0, 1) * np.pi / 2
    gravity = np.stack([np.sin(turn) * 0.2, -np.cos(turn), np.sin(turn)], axis=1)
    still = rng.normal(0, 0.01, acceleration.shape)
    acceleration[tipping] = gravity[tipping] * 0.45 + still[tipping] * 5
    acceleration[lying] = (gravity + still)[lying]
    for off_s, height in ((0.0, 5.0), (0.12, 2.5), (0.3, 1.0)):
        acceleration += (height * np.exp(-(((at - AT - off_s) / 0.025) ** 2)))[:, None] * np.array([0.3, -0.4, 0.85])
    return acceleration.astype(np.float32)


def feed(
    streams: list[np.ndarray],
    rate: float = RATE,
    pack: int = 200,
    detector: FallDetector = DETECTOR,
    start_us: int = T0,
    range_g: float = 16.0,
) -> Impacts:
    """All streams side by side, packs of `pack` samples, then silence."""
    state, found = detector.begin(len(streams)), []
    for first in range(0, max(map(len, streams)), pack):
        rows = [row for row, stream in enumerate(streams) if len(stream) > first]
        found.append(detector.feed(state, packs([streams[row][first : first + pack] for row in rows], rows, rate,
                                                start_us + round(first / rate * 1e6), range_g)))  # fmt: skip
    found.append(detector.expire(state, int(state["next_us"].max()) + SILENCE_US))
    return Impacts.joined(found)


def packs(parts: list[np.ndarray], rows: list[int], rate: float, start_us: int, range_g: float = 16.0) -> Packs:
    count = np.array([len(part) for part in parts])
    each = np.ones(len(rows))
    return Packs(np.array(rows), np.full(len(rows), start_us), each * rate, each * range_g, count,
                 np.concatenate(parts).astype(np.float32))  # fmt: skip


def alarms(impacts: Impacts, row: int = 0) -> list[float]:
    """When, in seconds from the beginning."""
    return ((impacts.judged_us[impacts.alarm & (impacts.row == row)] - T0) / 1e6).tolist()


def test_a_fall_is_told_once_within_five_seconds_and_walking_never() -> None:
    walked = walking(120, np.random.default_rng(2))
    found = feed([falling(), walked])
    (at,) = alarms(found)
    assert AT < at < AT + 5
    assert alarms(found, 1) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "sensor",
    [Sensor("20", 20, 16), Sensor("25, 2 g", 25, 2), Sensor("50, 2 g", 50, 2), Sensor("100", 100, 8, averaged=True)],
    ids=lambda sensor: sensor.name,
)  # fmt: skip
def test_rate_range_and_axes_of_the_sensor_do_not_matter(sensor: Sensor, seed: int) -> None:
    trial = told_by(sensor, Trial("x", "F", 1, RATE, falling(seed), AT), np.random.default_rng(seed))
    assert trial.rate_hz == sensor.rate_hz
    assert np.abs(trial.acceleration).max() <= (sensor.range_g or 0)
    found = feed([trial.acceleration], trial.rate_hz, pack=int(trial.rate_hz), range_g=trial.range_g)
    assert len(alarms(found)) == 1


def test_turning_the_axes_changes_no_score() -> None:
    turned = falling()[:, [2, 0, 1]] * np.array([1, -1, -1], np.float32)
    np.testing.assert_allclose(feed([falling()]).score, feed([turned]).score, atol=1e-5)


@pytest.mark.parametrize("pack", [7, 90, 4000])
def test_how_samples_are_packed_changes_nothing(pack: int) -> None:
    stream = falling()[int(7 * RATE) :]
    expected, found = feed([stream]), feed([stream], pack=pack)
    np.testing.assert_array_equal(expected.impact_us, found.impact_us)
    np.testing.assert_allclose(expected.score, found.score, atol=1e-6)
    np.testing.assert_array_equal(expected.alarm, found.alarm)


def test_a_device_does_not_see_its_neighbours() -> None:
    streams = [falling(1), walking(20, np.random.default_rng(3)), falling(2)]
    together = feed(streams)
    for row, stream in enumerate(streams):
        alone = feed([stream])
        mine = together.row == row
        np.testing.assert_array_equal(together.impact_us[mine], alone.impact_us)
        np.testing.assert_array_equal(together.score[mine], alone.score)


def test_a_restart_in_the_middle_changes_nothing_and_the_state_keeps_its_size() -> None:
    stream, expected = falling(), feed([falling()])
    state = DETECTOR.begin(1)
    size = {name: (column.shape, column.dtype) for name, column in state.items()}
    first = DETECTOR.feed(state, packs([stream[:2500]], [0], RATE, T0))
    saved = {name: column.copy() for name, column in state.items()}
    rest = DETECTOR.feed(saved, packs([stream[2500:]], [0], RATE, T0 + 12_500_000))
    found = Impacts.joined([first, rest])
    assert alarms(found) == alarms(expected)
    assert {name: (column.shape, column.dtype) for name, column in saved.items()} == size


def test_a_device_that_breaks_in_the_fall_is_judged_by_what_it_sent() -> None:
    (at,) = alarms(feed([falling()[: int((AT + 2.0) * RATE)]]))
    assert at == pytest.approx(AT + 2.0, abs=0.1)


def test_a_redelivered_pack_is_passed_over_and_a_gap_begins_afresh() -> None:
    stream, state = falling(), DETECTOR.begin(1)
    found = []
    for second in range(20):
        part = packs([stream[second * 200 : second * 200 + 200]], [0], RATE, T0 + second * 1_000_000)
        found += [DETECTOR.feed(state, part), DETECTOR.feed(state, part)]
    assert alarms(Impacts.joined(found)) == alarms(feed([stream]))
    before = state["next_us"].copy()
    DETECTOR.feed(state, packs([stream[:200]], [0], RATE, int(before[0]) + 3_600_000_000))
    assert state["next_us"][0] == before[0] + 3_601_000_000
    assert (np.ptp(state["bins"][0, :100], axis=0) == 0).all()  # what was before the gap is forgotten


@pytest.mark.parametrize("step_s", [3600, -3600, 400 * 86_400])
def test_a_clock_that_steps_neither_fails_nor_alarms(step_s: int) -> None:
    stream, state = walking(20, np.random.default_rng(5)), DETECTOR.begin(1)
    for second in range(20):
        at = T0 + second * 1_000_000 + (step_s * 1_000_000 if second >= 10 else 0)
        found = DETECTOR.feed(state, packs([stream[second * 200 : second * 200 + 200]], [0], RATE, at))
        assert not found.alarm.any()
    (after,) = alarms(feed([falling()]))
    assert after > AT


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -200.0, 1e30])
def test_missing_samples_neither_fail_nor_hide_a_fall(bad: float) -> None:
    stream = falling()
    stream[np.random.default_rng(4).random(len(stream)) < 0.05] = bad
    assert len(alarms(feed([stream]))) == 1
    assert len(feed([np.full((2000, 3), bad, np.float32)]).row) == 0


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0, 16.0])
def test_a_stuck_sensor_is_no_fall(level: float) -> None:
    assert not feed([np.full((6000, 3), level, np.float32)]).alarm.any()


def test_a_second_alarm_waits_for_the_refractory_time() -> None:
    always = shipped_model("waist")
    nets = always.nets
    certain = Nets(nets.middle, nets.spread, nets.weight * 0, nets.bias * 0, nets.out * 0, nets.out_bias * 0 + 9)
    detector = FallDetector(FallModel(certain, 0.5, 0.5, always.feature_names))
    stream = np.tile(np.array([0, 0, 1], np.float32), (60 * 50, 1))
    stream[250::150] = 3.0  # a blow every three seconds
    impacts = feed([stream], 50.0, 50, detector)
    assert len(impacts.row) > 15
    assert np.diff(alarms(impacts)).min() >= 10


@pytest.mark.parametrize(("range_g", "told"), [(2.0, 1), (4.0, 0), (16.0, 0)])
def test_a_sensor_that_cuts_off_early_has_a_threshold_of_its_own(range_g: float, told: int) -> None:
    shipped = shipped_model("waist")
    detector = FallDetector(FallModel(shipped.nets, 0.9999999, 0.2, shipped.feature_names))
    stream = np.clip(falling(), -2, 2)
    sent = Packs(
        np.array([0]), np.array([T0]), np.array([RATE]), np.array([range_g]), np.array([len(stream)]), stream
    )  # fmt: skip
    found = detector.feed(detector.begin(1), sent)
    assert found.alarm.sum() == told
    assert set(found.threshold.tolist()) == {0.2 if range_g < 3 else 0.9999999}


@pytest.mark.parametrize(
    "text", ["", "{}", '{"features": ["a"], "threshold": 2}', '{"features": [], "threshold": "x"}']
)
def test_a_broken_model_is_refused(text: str) -> None:
    with pytest.raises(ModelUnreadable):
        FallModel.parse(text)


@pytest.mark.parametrize("wear", ["waist", "wrist", "pocket"])
def test_the_models_that_ship_say_how_they_were_made(wear: str) -> None:
    model = shipped_model(wear)  # type: ignore[arg-type]
    assert 0 < model.threshold < 1
    FallDetector(model)  # learnt from the features of today


# --- anhu evaluate fall -------------------------------------------------------------------------------------------
def folder(path: Path, rate: float = RATE) -> Path:
    """One person who falls twice (once like a stone on the floor next door) and walks twice."""
    parts = [falling(1), falling(2), walking(30, np.random.default_rng(1)), walking(30, np.random.default_rng(2))]
    (path / "open").mkdir()
    np.savez(
        path / "open" / "P01.npz",
        acc=np.rint(np.concatenate(parts) * 256).astype(np.int16),
        offsets=np.cumsum([0, *map(len, parts)]),
        code=np.array(["F01", "F02", "D01", "D02"]),
        trial=np.array([1, 1, 1, 1]),
        fs=np.array(rate),
        scale_g=np.array(1 / 256),
    )
    return path


def test_evaluation_counts_falls_and_hours(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        cli.app, ["evaluate", "fall", str(folder(tmp_path)), "--wear", "waist", "--json", str(out)]
    )
    assert result.exit_code == 0, result.output
    figures = evaluation.evaluate(tmp_path, wear="waist").as_json()
    assert (figures["events"], figures["detected"], figures["missed"], figures["false_alarms"]) == (2, 2, 0, 0)
    assert figures["hours"] == pytest.approx(60 / 3600, abs=1e-4)
    assert 3 < figures["median_delay_s"] < 5
    assert figures["by_activity"]["F01"]["detected"] == 1
    assert figures["kind"] == "fall"


def test_an_alarm_before_the_impact_or_too_late_is_a_miss() -> None:
    for impact, noticed in ((AT, True), (AT + 8, False), (0.5, False)):
        trial = Trial("P", "F", 1, RATE, falling(), impact)
        assert (evaluation.report([trial], DETECTOR, "waist").outcomes[0].delay_s is not None) == noticed


def test_recordings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable):
        trials(tmp_path)
    (tmp_path / "P.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RecordingUnreadable):
        trials(tmp_path)


def test_an_index_says_which_trials_are_falls(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "index.csv").write_text("subject,code,trial,is_fall\nP01,F01,1,1\nP01,F02,01,0\nP01,D01,1,0\n", "utf-8")
    assert [trial.impact_s is not None for trial in trials(tmp_path)] == [True, False, False, False]


def as_phone_file(path: Path, acceleration: np.ndarray) -> None:
    """A text file as MobiAct's, by a phone that samples as it can, and notes the lines in no strict order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at_ns = np.arange(len(acceleration)) / RATE * 1e9 + np.random.default_rng(3).integers(0, 10**6, len(acceleration))
    rows = [
        f"{int(t)}, {x:.6f}, {y:.6f}, {z:.6f}"
        for t, (x, y, z) in zip(at_ns, acceleration * STANDARD_GRAVITY_MS2, strict=True)
    ]
    rows[100], rows[101] = rows[101], rows[100]
    path.write_text("#Activity: 10\n#timestamp(ns),x,y,z(m/s^2)\n@DATA\n" + "\n".join(rows) + "\n", "utf-8")


def test_a_phones_recordings_are_read_as_they_are_published(tmp_path: Path) -> None:
    as_phone_file(tmp_path / "sub3/FALLS/FOL/FOL_acc_3_2.txt", falling())
    as_phone_file(tmp_path / "sub3/ADL/WAL/WAL_acc_3_1.txt", walking(30, np.random.default_rng(5)))
    (tmp_path / "sub3/FALLS/FOL/FOL_gyro_3_2.txt").write_text("not read", "utf-8")
    fell, walked = phone_trials(tmp_path)
    assert (fell.person, fell.code, fell.number, walked.code, walked.impact_s) == ("3", "FOL", 2, "WAL", None)
    assert fell.rate_hz == pytest.approx(RATE, rel=1e-3)
    assert fell.impact_s == pytest.approx(AT, abs=0.05)
    figures = evaluation.evaluate(tmp_path, wear="pocket").as_json()
    assert (figures["events"], figures["detected"], figures["false_alarms"]) == (1, 1, 0)
    for broken in ("no data", "@DATA\n1,2\n", "@DATA\n1,2,3,x\n2,2,3,4\n", "@DATA\n1,2,3,4\n1,2,3,4\n"):
        (tmp_path / "sub3/FALLS/FOL/FOL_acc_3_3.txt").write_text(broken, "utf-8")
        with pytest.raises(RecordingUnreadable, match="FOL_acc_3_3"):
            phone_trials(tmp_path)
