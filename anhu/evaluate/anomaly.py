"""Anomalies in any series of readings: the generic score, reading after reading, by the Numenta Anomaly Benchmark.

The folder holds windows.json (file → labelled stretches, first and last time) and the files it names: CSV of timestamp
and value. All series go through the detector of the engine side by side, each a point of its own. The threshold is the
one that ships (`THRESHOLD`, chosen on a half of the open series); what the other half says of it, and a choice on this
folder's own halves, stand beside it.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.anomaly import Anomaly
from anhu.errors import EvaluationFailed, RecordingUnreadable
from anhu.evaluate.nab import Sweep, Worth, sweep, worth
from anhu.evaluate.recording import part, table
from anhu.evaluate.report import Outcome, Quiet, Report

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

THRESHOLD: Final = 0.42  # of the score; chosen on the half of the open series that `HALVES_SEED` deals first
HALVES_SEED: Final = 0
WINDOWS: Final = "windows.json"
ORDINARY: Final = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)  # shares of the readings outside windows


@dataclass(frozen=True, slots=True)
class Series:
    """One file: times in µs, values, and its windows as (first, last) reading."""

    name: str
    at_us: Int64
    value: Float64
    windows: list[tuple[int, int]]


def evaluate(folder: Path, *, scores: Path | None = None) -> Report:
    """All series in `folder`; one score a reading goes to `scores` (CSV) where asked. Raises RecordingUnreadable."""
    recorded = read(folder)
    told = replay(recorded)
    if scores is not None:
        write_scores(scores, recorded, told)
    return report(recorded, told)


def read(folder: Path) -> list[Series]:
    """The series that windows.json names, by name. Raises RecordingUnreadable."""
    inside = part(folder)
    path = next((each / WINDOWS for each in (inside, folder) if (each / WINDOWS).is_file()), inside / WINDOWS)
    try:
        labels: dict[str, list[list[str]]] = json.loads(path.read_text("utf-8"))
        return [
            _series(inside, name, labels[name]) for name in sorted(labels) if _file(inside, name).is_file()
        ] or _none(folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordingUnreadable(f"{path}: {error!r}") from error


def _none(folder: Path) -> list[Series]:
    raise RecordingUnreadable(f"{folder}: none of the series that {WINDOWS} names")


def _file(folder: Path, name: str) -> Path:
    return folder / name if name.endswith(".csv") else folder / f"{name}.csv"


def _series(folder: Path, name: str, labels: Sequence[Sequence[str]]) -> Series:
    _, rows = table(_file(folder, name))
    at_us = np.array([_us(row[0]) for row in rows], np.int64)
    windows = []
    for first, last in labels:
        begin, end = np.searchsorted(at_us, _us(first)), np.searchsorted(at_us, _us(last), side="right") - 1
        if begin <= end:
            windows.append((int(begin), int(end)))
    return Series(name, at_us, np.array([float(row[1]) for row in rows]), sorted(windows))


def _us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)).total_seconds() * 1e6)


def replay(recorded: Sequence[Series]) -> list[Float64]:
    """The scores of each series, one a reading. A value that is no number is not judged, as in the engine: it gets
    0."""
    detector = Anomaly()
    tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    state = detector.begin(len(recorded))
    told = [np.zeros(len(each.value)) for each in recorded]
    for nth in range(max(len(each.value) for each in recorded)):
        rows = np.array(
            [row for row, each in enumerate(recorded) if nth < len(each.value) and np.isfinite(each.value[nth])],
            np.int64,
        )
        if len(rows):
            working = {name: column[rows] for name, column in state.items()}
            at_us = np.array([recorded[row].at_us[nth] for row in rows.tolist()])
            value = np.array([recorded[row].value[nth] for row in rows.tolist()])
            score = detector.score(working, tuned, at_us, value)
            for name, column in working.items():
                state[name][rows] = column
            for row, each in zip(rows.tolist(), score.tolist(), strict=True):
                told[row][nth] = each
    return told


def report(recorded: Sequence[Series], told: Sequence[Float64]) -> Report:
    """What the scores are worth."""
    worths = [worth(len(each.value), each.windows) for each in recorded]
    whole = sweep(list(zip(told, worths, strict=True)))
    outcomes: list[Outcome] = []
    quiet: list[Quiet] = []
    for series, score, each in zip(recorded, told, worths, strict=True):
        group = series.name.partition("/")[0]
        raised = (score >= THRESHOLD) & (np.arange(len(score)) >= each.first)
        for number, (begin, end) in enumerate(series.windows):
            if end >= each.first:
                hits = np.flatnonzero(raised[begin : end + 1])
                delay_s = float(series.at_us[begin + hits[0]] - series.at_us[begin]) / 1e6 if len(hits) else None
                outcomes.append(Outcome(f"{series.name} {number + 1}", group, delay_s))
        quiet.append(Quiet(group, _quiet_hours(series, each), int((raised & (each.window < 0)).sum())))
    more: dict[str, Any] = {
        "standard_score": round(whole.at(THRESHOLD), 2),
        "threshold": THRESHOLD,
        "halves": _halves(list(zip(told, worths, strict=True))),
        "ordinary_readings": _ordinary(told, worths),
        "best_possible_score": round(float(whole.score.max()), 2),
    }
    notes = [
        f"NAB standard score {more['standard_score']} at the threshold that ships, {THRESHOLD}",
        "halves: threshold chosen on one half of these series, score on the other: "
        + ", ".join(f"{each['chosen_on']} → {each['score_on_the_other']}" for each in more["halves"]),
        "best_possible_score chooses the threshold on the very labels it is judged by: no honest figure",
    ]
    return Report("anomaly", outcomes, quiet, notes, more)


def _quiet_hours(series: Series, each: Worth) -> float:
    """Time outside windows, after the probation."""
    step_us = np.diff(series.at_us, append=series.at_us[-1])
    counted = (each.window < 0) & (np.arange(len(step_us)) >= each.first)
    return float(np.maximum(step_us[counted], 0).sum() / 3.6e9)


def _halves(pairs: list[tuple[Float64, Worth]]) -> list[dict[str, Any]]:
    """The threshold chosen on either half (series dealt by `HALVES_SEED`), and the score on the other."""
    order = np.random.default_rng(HALVES_SEED).permutation(len(pairs)).tolist()
    cut = len(order) // 2
    parts = (("first", order[:cut], order[cut:]), ("second", order[cut:], order[:cut]))
    told = []
    for name, mine, others in parts:
        if mine and others:
            chosen: Sweep = sweep([pairs[row] for row in mine])
            threshold = chosen.best()
            told.append(
                {
                    "chosen_on": name,
                    "threshold": round(threshold, 4),
                    "score_on_it": round(float(chosen.score.max()), 2),
                    "score_on_the_other": round(sweep([pairs[row] for row in others]).at(threshold), 2),
                    "shipped_threshold_on_the_other": round(sweep([pairs[row] for row in others]).at(THRESHOLD), 2),
                }
            )
    return told


def _ordinary(told: Sequence[Float64], worths: Sequence[Worth]) -> dict[str, float]:
    """The calibration: the score that a share of the readings outside windows reaches."""
    outside = np.concatenate(
        [score[each.first :][each.window[each.first :] < 0] for score, each in zip(told, worths, strict=True)]
    )
    return (
        {f"{share:g}": round(float(np.quantile(outside, 1 - share)), 4) for share in ORDINARY} if len(outside) else {}
    )


def write_scores(path: Path, recorded: Sequence[Series], told: Sequence[Float64]) -> None:
    """CSV of file, timestamp (UTC as recorded), value, score: one row a reading. Raises EvaluationFailed."""
    try:
        with path.open("w", encoding="utf-8", newline="") as lines:
            out = csv.writer(lines)
            out.writerow(("file", "timestamp", "value", "score"))
            for series, score in zip(recorded, told, strict=True):
                stamps = series.at_us.astype("datetime64[us]").astype("datetime64[s]").astype(str).tolist()
                for stamp, value, each in zip(stamps, series.value.tolist(), score.tolist(), strict=True):
                    out.writerow((series.name, stamp.replace("T", " "), value, f"{each:.6f}"))
    except OSError as error:
        raise EvaluationFailed(f"{path}: {error.strerror or error}") from error
