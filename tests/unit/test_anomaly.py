"""The anomaly score, and the Numenta Anomaly Benchmark's score by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alerting.detect.anomaly import Anomaly
from anhu import cli
from anhu.errors import RecordingUnreadable
from anhu.evaluate import anomaly
from anhu.evaluate.nab import sweep, worth


def scores(*series: np.ndarray) -> np.ndarray:
    """One row a reading, one column a series, all judged side by side."""
    detector = Anomaly()
    values = np.stack(series, axis=1)
    state, grace = detector.begin(values.shape[1]), {"grace": np.array([100.0])}
    at_us = np.zeros(values.shape[1], np.int64)
    return np.array([detector.score(state, grace, at_us + nth, row) for nth, row in enumerate(values)])


def quiet(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(50.0, 2.0, count)


# --- the score of the benchmark -----------------------------------------------------------------------------------
def raised(count: int, *readings: int) -> np.ndarray:
    score = np.zeros(count)
    score[list(readings)] = 1.0
    return score


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((), 0.0),  # nothing raised
        ((500,), 100.0),  # at the very beginning
        ((500, 520, 590), 100.0),  # only the earliest of a window counts
        ((10, 500), 100.0),  # the probation does not count
        ((400, 500), 100 - 11 / 2),  # one false alarm far from every window: 0.11 of the 2 that a window is worth
        ((990,), -11 / 2),
    ],
)
def test_what_is_raised_is_worth_what_the_definition_says(readings: tuple[int, ...], expected: float) -> None:
    figures = sweep([(raised(1000, *readings), worth(1000, [(500, 599)]))])
    assert figures.at(0.5) == pytest.approx(expected, abs=0.01)


def test_a_late_alarm_earns_less_and_one_shortly_after_costs_less() -> None:
    value = worth(1000, [(500, 599)]).value
    half, sigma = value[550], lambda y: 2 / (1 + np.exp(5 * y)) - 1
    assert half == pytest.approx(sigma(-0.5) / sigma(-1))
    assert value[599] == pytest.approx(sigma(-0.01) / sigma(-1))
    assert value[619] == pytest.approx(0.11 * sigma(20 / 99))
    assert value[599 + 300] == pytest.approx(-0.11, abs=1e-6)
    assert (np.diff(value[500:600]) < 0).all()


def test_the_best_threshold_is_the_one_with_the_highest_score() -> None:
    score = raised(1000)
    score[520], score[300], score[700] = 0.8, 0.6, 0.9
    figures = sweep([(score, worth(1000, [(500, 599)]))])
    assert figures.best() == 0.8
    assert figures.at(0.8) == figures.score.max()
    assert figures.at(0.95) == 0.0
    assert figures.at(0.55) < figures.at(0.8)


def test_windows_within_the_probation_do_not_count() -> None:
    assert worth(1000, [(20, 60), (500, 599)]).windows == 1
    assert worth(10_000, [(20, 60)]).first == 750


# --- the detector -------------------------------------------------------------------------------------------------
def test_every_kind_of_anomaly_is_found() -> None:
    spike, level, unrest, stopped = (quiet(1500, seed) for seed in range(4))
    spike[1300] += 40
    level[1300:] += 8
    unrest[1300:1400] = 50 + (unrest[1300:1400] - 50) * 5
    stopped[1300:] = 50.0
    found = scores(spike, level, unrest, stopped)
    assert (found[1300:1360].max(axis=0) > 0.5).all()
    assert (found[1300:1360].max(axis=0) > found[200:1300].max(axis=0)).all()


def test_an_anomaly_speaks_once_and_what_comes_again_and_again_becomes_ordinary() -> None:
    long, often, once = quiet(1500), quiet(1500), quiet(1500)
    long[1200:1240] += 60
    often[::50] += 40
    once[1200] += 40
    found = scores(long, often, once)
    assert 1 <= (found[1200:1240, 0] > 0.42).sum() <= 6  # it may say that it grows, not that it lasts
    assert found[400:, 1].max() < 0.5 < found[1200, 2]


def test_scores_are_shares_of_ordinary_readings() -> None:
    found = scores(*(quiet(800, seed) for seed in range(10)))
    assert found.min() >= 0
    assert found.max() < 1
    assert (found >= 0.5).mean() < 0.001  # a normal distribution is tamer than what it was calibrated on


# --- anhu evaluate anomaly ----------------------------------------------------------------------------------------
def folder(path: Path) -> Path:
    labels = {}
    for number in range(4):
        values = quiet(600, seed=number)
        values[450] += 60
        name = f"made/series_{number}.csv"
        file = path / name
        file.parent.mkdir(exist_ok=True)
        stamps = np.datetime64("2026-01-01T00:00:00") + np.arange(600) * np.timedelta64(300, "s")
        rows = [f"{str(stamp).replace('T', ' ')},{value}" for stamp, value in zip(stamps, values, strict=True)]
        file.write_text("\n".join(["timestamp,value", *rows]) + "\n", "utf-8")
        window = [f"{stamps[430]!s}.000000".replace("T", " "), f"{stamps[490]!s}.000000".replace("T", " ")]
        labels[name] = [window]
    (path / "windows.json").write_text(json.dumps(labels), "utf-8")
    return path


def test_a_folder_is_judged_and_its_scores_are_written(tmp_path: Path) -> None:
    out, told = tmp_path / "figures.json", tmp_path / "scores.csv"
    arguments = ["evaluate", "anomaly", str(folder(tmp_path)), "--scores", str(told), "--json", str(out)]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_text("utf-8"))
    assert (figures["kind"], figures["events"], figures["detected"], figures["missed"]) == ("anomaly", 4, 4, 0)
    assert figures["median_delay_s"] == 20 * 300
    assert 80 < figures["standard_score"] <= figures["best_possible_score"] <= 100
    assert len(figures["halves"]) == 2
    rows = told.read_text("utf-8").splitlines()
    assert len(rows) == 1 + 4 * 600
    assert rows[1].startswith("made/series_0.csv,2026-01-01 00:00:00,")
    assert float(rows[451].split(",")[-1]) > 0.42


def test_the_order_of_the_series_and_what_comes_later_change_nothing(tmp_path: Path) -> None:
    recorded = anomaly.read(folder(tmp_path))
    whole = anomaly.replay(recorded)
    turned = anomaly.replay(recorded[::-1])[::-1]
    cut = anomaly.replay(
        [anomaly.Series(each.name, each.at_us[:350], each.value[:350], each.windows) for each in recorded]
    )
    for one, other, early in zip(whole, turned, cut, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[:350], early)


def test_a_reading_that_is_no_number_is_not_judged(tmp_path: Path) -> None:
    (recorded, *_) = anomaly.read(folder(tmp_path))
    recorded.value[[200, 300]] = np.nan
    (told,) = anomaly.replay([recorded])
    assert np.isfinite(told).all()
    assert told[[200, 300]].max() == 0
    assert told[450] > 0.42


@pytest.mark.parametrize("text", [None, "{", "[]", '{"a.csv": []}'])
def test_a_folder_without_labels_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "windows.json").write_text(text, "utf-8")
    with pytest.raises(RecordingUnreadable):
        anomaly.evaluate(tmp_path)
