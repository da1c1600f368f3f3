"""Trials as MobiFall and MobiAct keep them: a text file for each, of a phone in a trouser pocket.

Vavoulas et al., "The MobiAct dataset" (ICT4AgeingWell 2016). A file is named CODE_acc_PERSON_TRIAL.txt; after a head
that ends with `@DATA` come lines of nanoseconds and m/s² along three axes. The phone samples as it can, so each trial
has the rate that its own time stamps come to. Falls are not labelled within a trial: the peak is the impact.
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from anhu.errors import RecordingUnreadable
from anhu.evaluate.fall_recording import STANDARD_GRAVITY_MS2, Trial, impact_s
from anhu.evaluate.recording import FILE_BYTES_MAX, part

FALLS: Final = frozenset({"FOL", "FKL", "SDL", "BSC"})  # forward on hands, on knees, sideward, back onto a chair
_NAME: Final = re.compile(r"([A-Z]{3})_acc_(\d+)_(\d+)")
_DATA: Final = "@DATA"


def phone_trials(folder: Path) -> list[Trial]:
    """All trials in `folder` or its part, however deep, by person; none where there are no such files. Raises
    RecordingUnreadable."""
    named = [(found, path) for path in part(folder).rglob("*_acc_*.txt") if (found := _NAME.fullmatch(path.stem))]
    named.sort(key=lambda each: (int(each[0][2]), each[0][1], int(each[0][3])))
    return [_trial(path, *found.groups()) for found, path in named]


def _trial(path: Path, code: str, person: str, number: str) -> Trial:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RecordingUnreadable(f"{path}: larger than {FILE_BYTES_MAX // 2**20} MiB")
        _, found, rows = path.read_text("utf-8", errors="replace").partition(_DATA)
        if not found:
            raise RecordingUnreadable(f"{path}: no {_DATA}")
        table = np.array([line.split(",")[:4] for line in rows.splitlines() if line.strip()], np.float64)
        if table.ndim != 2 or table.shape[1] != 4 or len(table) < 2:
            raise RecordingUnreadable(f"{path}: at least two lines of a time and three numbers are needed")
    except (OSError, ValueError) as error:
        raise RecordingUnreadable(f"{path}: {error}") from error
    table = table[np.argsort(table[:, 0], kind="stable")]
    seconds = (table[-1, 0] - table[0, 0]) / 1e9
    if not seconds > 0:
        raise RecordingUnreadable(f"{path}: all of it at one time")
    acceleration = (table[:, 1:] / STANDARD_GRAVITY_MS2).astype(np.float32)
    rate_hz = float((len(table) - 1) / seconds)
    fell = impact_s(acceleration, rate_hz) if code in FALLS else None
    return Trial(person, code, int(number), rate_hz, acceleration, fell)
