"""Trials of people with an accelerometer: folders of one .npz a person.

A file holds `acc` (counts, [n, 3]), `offsets` (where each trial begins, and the end), `code` (what was done) and
`trial`; `scale_g` or `scale_ms2` (what a count is), `fs` or `t` (how often it was sampled), and for labelled falls
`fall_start`, seconds from the beginning of the trial. Where the sensor cuts off is not told; it is the smallest usual
range that holds all that a folder holds. Which trials are falls is said by `is_fall` here, by `is_fall` in
an index.csv beside the folder, or by codes that begin with F.
"""

import csv
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anhu.errors import RecordingUnreadable
from anhu.evaluate.recording import files, part
from ingest.formats.acceleration import ROUNDING

STANDARD_GRAVITY_MS2: Final = 9.80665
RANGES_G: Final = (2.0, 4.0, 8.0, 16.0, 32.0)
INDEX: Final = "index.csv"


@dataclass(frozen=True, slots=True)
class Trial:
    """One activity of one person. acceleration: float32[n, 3] in g, cut off at ±range_g. impact_s: when it hit, from
    the beginning — the label, or else the peak; None where nobody fell."""

    person: str
    code: str
    number: int
    rate_hz: float
    acceleration: NDArray[np.float32]
    impact_s: float | None
    range_g: float = math.inf

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.acceleration) / self.rate_hz


def trials(folder: Path) -> list[Trial]:
    """All trials in `folder` or its part, by person. Raises RecordingUnreadable."""
    index = _index(part(folder))
    found = [trial for path in files(folder, "*.npz") for trial in _person(path, index)]
    if not found:
        raise RecordingUnreadable(f"{folder}: no .npz with trials")
    return of_one_range(found)


def of_one_range(found: Sequence[Trial]) -> list[Trial]:
    """The trials, with the smallest usual range that holds all of them."""
    highest_g = max(float(np.abs(trial.acceleration).max()) for trial in found)
    range_g = next((each for each in RANGES_G if highest_g <= each * ROUNDING), math.inf)
    return [replace(trial, range_g=range_g) for trial in found]


def _index(folder: Path) -> dict[tuple[str, str, int], bool]:
    """(person, code, trial) → whether it is a fall, of the index beside the files or one folder up; empty without
    one."""
    for path in (folder / INDEX, folder.parent / INDEX):
        if path.is_file():
            try:
                with path.open(encoding="utf-8-sig", newline="") as lines:
                    return {
                        (row["subject"], row["code"], int(row["trial"])): row["is_fall"] not in {"0", "False", ""}
                        for row in csv.DictReader(lines)
                    }
            except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
                raise RecordingUnreadable(f"{path}: {error!r}") from error
    return {}


def _person(path: Path, index: Mapping[tuple[str, str, int], bool]) -> Iterator[Trial]:
    try:
        with path.open("rb") as lines, np.load(lines, allow_pickle=False) as held:
            data: dict[str, NDArray[Any]] = {name: held[name] for name in held.files}
        yield from _trials(path.stem, data, index)
    except (OSError, KeyError, ValueError, IndexError, TypeError, zipfile.BadZipFile) as error:
        raise RecordingUnreadable(f"{path}: {error!r}") from error


def _trials(
    person: str, data: Mapping[str, NDArray[Any]], index: Mapping[tuple[str, str, int], bool]
) -> Iterator[Trial]:
    scale_g = float(data["scale_g"]) if "scale_g" in data else float(data["scale_ms2"]) / STANDARD_GRAVITY_MS2
    offsets = data["offsets"].astype(np.int64)
    rate_hz = float(data["fs"]) if "fs" in data else _rate_hz(data["t"], offsets)
    for nth, (code, number) in enumerate(zip(data["code"].tolist(), data["trial"].tolist(), strict=True)):
        acceleration = data["acc"][offsets[nth] : offsets[nth + 1]].astype(np.float32) * np.float32(scale_g)
        if len(acceleration):
            key = (person, str(code), int(number))
            fell = bool(data["is_fall"][nth]) if "is_fall" in data else index.get(key, str(code).startswith("F"))
            label_s = float(data["fall_start"][nth]) if "fall_start" in data else float("nan")
            hit_s = impact_s(acceleration, rate_hz, label_s) if fell else None
            yield Trial(person, str(code), int(number), rate_hz, acceleration, hit_s)


def _rate_hz(at_s: NDArray[Any], offsets: NDArray[np.int64]) -> float:
    """The nominal rate: time stamps come in bursts, and some trials run slow, so the median trial's, in whole Hz."""
    spans = [
        (end - first - 1) / (at_s[end - 1] - at_s[first])
        for first, end in pairwise(offsets)
        if end - first > 1 and at_s[end - 1] > at_s[first]
    ]
    if not spans:
        raise RecordingUnreadable("no trial is long enough to tell how often it was sampled")
    return float(round(float(np.median(spans))))


def impact_s(acceleration: NDArray[np.float32], rate_hz: float, label_s: float = math.nan) -> float:
    """When it hit: the label, or else the peak."""
    if np.isfinite(label_s):
        return label_s
    return int(np.linalg.norm(acceleration, axis=1).argmax()) / rate_hz
