"""Reading what others recorded: CSV files as columns of numbers, and the part of a folder that holds them."""

import csv
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anhu.errors import RecordingUnreadable

PARTS: Final = ("open", "held_out")
FILE_BYTES_MAX: Final = 256 * 1024 * 1024

Float64 = NDArray[np.float64]


def part(folder: Path) -> Path:
    """`folder` itself, or the one of its parts (open, held_out) that is there. Raises RecordingUnreadable."""
    if not folder.is_dir():
        raise RecordingUnreadable(f"{folder} is no folder")
    found = [folder / name for name in PARTS if (folder / name).is_dir()]
    if len(found) > 1:
        raise RecordingUnreadable(f"{folder} holds {' and '.join(PARTS)}: name one of them")
    return found[0] if found else folder


def files(folder: Path, pattern: str) -> list[Path]:
    """The files in `folder` or its part that match `pattern`, by name."""
    return sorted(part(folder).glob(pattern))


def columns(path: Path, skip: int = 0) -> dict[str, Float64]:
    """The file's columns by their titles; a cell that is no number is NaN. `skip` lines after the header are passed
    over. Raises RecordingUnreadable."""
    header, rows = table(path)
    rows = rows[skip:]
    found: dict[str, Float64] = {}
    for at, title in enumerate(header):
        found.setdefault(title, np.array([number(row[at]) if at < len(row) else np.nan for row in rows], np.float64))
    return found


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows as text. Raises RecordingUnreadable."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RecordingUnreadable(f"{path}: larger than {FILE_BYTES_MAX // 2**20} MiB")
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [row for row in csv.reader(lines) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingUnreadable(f"{path}: {error}") from error
    if len(rows) < 2:
        raise RecordingUnreadable(f"{path}: a header and at least one row are needed")
    return [title.strip() for title in rows[0]], rows[1:]


def number(cell: str) -> float:
    """The number in `cell`, NaN where there is none.

    >>> number("2.60E-03"), number("n/a")
    (0.0026, nan)
    """
    try:
        return float(cell)
    except ValueError:
        return float("nan")
