"""A recorded home fire: the NIST smoke-alarm tests' CSV as series of smoke, temperature and CO by place.

The files are those of NIST TN 1455-1 as kept in firemodels/exp: `TIME` in seconds after ignition, then for each place x
`SMx_n` (optical density, 1/m), `TCx_n` (°C) and `GASx_n` (volume %), n = 1 being the ceiling and, for gases, CO. All
other columns (raw analogue sensor channels, lower heights) are not read: some are dead or swapped.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from simulators.errors import NotARecording
from simulators.physics.extinction import DB_PER_OPTICAL_DENSITY

BUNDLED: Final = "nist_sdc02.csv"
FILE_BYTES_MAX: Final = 64 * 1024 * 1024

PPM_PER_VOLUME_PERCENT: Final = 1e4
RISE_C: Final = 5.0
"""A ceiling this much warmer than at the start is warmed by the fire."""
SMOKE_OFFSET_DB_M: Final = 0.05
"""A smoke meter that starts above this was off its zero: the most sensitive detector GB 4715 allows would alarm."""
CO_NEVER_CLEAN_PPM: Final = 30.0
"""A CO channel that never falls below this was off its zero: EN 50291 takes 30 ppm for harmless for two hours."""

_COLUMN: Final = re.compile(r"(SM|TC|GAS)([A-Z]{1,2})_1")
_QUANTITY: Final = {"SM": "smoke_obscuration", "TC": "temperature", "GAS": "co"}
_FACTOR: Final = {"SM": DB_PER_OPTICAL_DENSITY, "TC": 1.0, "GAS": PPM_PER_VOLUME_PERCENT}
_NEVER_NEGATIVE: Final = frozenset({"smoke_obscuration", "co"})


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity at one place; *values* run along the recording's times, None where there is no usable sample."""

    quantity: str
    values: tuple[float | None, ...]

    @property
    def first(self) -> float:
        """The first usable sample."""
        return next(value for value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Note:
    """Something in the file that was left out or changed, and why."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Times in seconds after ignition, and for each place (a letter) its channels by quantity."""

    name: str
    times_s: tuple[float, ...]
    places: Mapping[str, Mapping[str, Channel]]
    fire_place: str
    """The place whose ceiling warms first."""
    notes: tuple[Note, ...]

    def places_by_rise(self) -> tuple[str, ...]:
        """Places in the order the fire is felt there, the fire's own first."""
        return tuple(sorted(self.places, key=lambda place: (_rise_s(self.times_s, self.places[place]), place)))


def bundled() -> Recording:
    """The recording that comes with the package (see recordings/SOURCE.txt)."""
    return parse(resources.files("simulators").joinpath("recordings", BUNDLED).read_text("utf-8"), Path(BUNDLED).stem)


def load(path: Path) -> Recording:
    """Reads *path*; raises NotARecording with what is wrong with it."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise NotARecording(f"{path}: larger than {FILE_BYTES_MAX // 2**20} MiB")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise NotARecording(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise NotARecording(f"{path}: not a text file in UTF-8") from error
    try:
        return parse(text, path.stem)
    except NotARecording as error:
        raise NotARecording(f"{path}: {error}") from error


def parse(text: str, name: str) -> Recording:
    """The recording in a CSV file's *text*.

    Optical density becomes dB/m (×10), CO volume % becomes ppm (×10⁴); small negative smoke and CO values are noise
    around zero and become 0. Blank or non-numeric samples are left out one by one, unusable columns whole; `notes` says
    which. A smoke meter with a standing offset has it taken off, as commissioning a detector would.
    Raises NotARecording for a missing TIME, no SMx_1 column, rows of the wrong length or times that do not rise.
    """
    try:
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise NotARecording(f"not a CSV file: {error}") from error
    if len(rows) < 2:
        raise NotARecording("a header and at least one row of samples are needed")
    header = [title.strip() for title in rows[0]]
    times_s = _times(header, rows)
    columns = [(i, match[1], match[2]) for i, title in enumerate(header) if (match := _COLUMN.fullmatch(title))]
    if not any(kind == "SM" for _, kind, _ in columns):
        raise NotARecording("no column SMx_1 (optical density at the ceiling of place x)")
    places: dict[str, dict[str, Channel]] = {}
    notes: list[Note] = []
    for i, kind, place in columns:
        channel = _channel(header[i], kind, [row[i] for row in rows[1:]], notes)
        if channel is not None:
            places.setdefault(place, {})[channel.quantity] = channel
    if not places:
        raise NotARecording("every column is unusable: " + "; ".join(f"{n.column}: {n.reason}" for n in notes))
    fire_place = min(places, key=lambda place: (_rise_s(times_s, places[place]), place))
    return Recording(name, times_s, places, fire_place, tuple(notes))


def _times(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    if "TIME" not in header:
        raise NotARecording("no column TIME (seconds after ignition)")
    doubled = sorted(
        {title for title in header if header.count(title) > 1 and (title == "TIME" or _COLUMN.fullmatch(title))}
    )
    if doubled:
        raise NotARecording(f"column {', '.join(doubled)} appears more than once")
    column = header.index("TIME")
    times_s: list[float] = []
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise NotARecording(f"row {line}: {len(row)} fields where the header has {len(header)}")
        at_s = _number(row[column])
        if at_s is None:
            raise NotARecording(f"row {line}: TIME {row[column]!r} is not a number")
        if times_s and at_s <= times_s[-1]:
            raise NotARecording(f"row {line}: TIME {at_s:g} does not come after {times_s[-1]:g}")
        times_s.append(at_s)
    return tuple(times_s)


def _channel(column: str, kind: str, cells: Sequence[str], notes: list[Note]) -> Channel | None:
    """The column as a channel, or None with a note when it cannot be used."""
    quantity = _QUANTITY[kind]
    numbers = [_number(cell) for cell in cells]
    missing = numbers.count(None)
    if missing == len(numbers):
        notes.append(Note(column, "left out: no sample is a number"))
        return None
    if missing:
        notes.append(Note(column, f"{missing} of {len(numbers)} samples left out: blank or not a number"))
    values = [None if number is None else number * _FACTOR[kind] for number in numbers]
    if quantity in _NEVER_NEGATIVE:
        values = [None if value is None else max(value, 0.0) for value in values]
    usable = [value for value in values if value is not None]
    if quantity == "co" and len(usable) > 1:
        if min(usable) == max(usable):
            notes.append(Note(column, f"left out: {usable[0]:g} ppm throughout, the analyser was not connected"))
            return None
        if min(usable) > CO_NEVER_CLEAN_PPM:
            notes.append(Note(column, f"left out: never below {min(usable):.0f} ppm, the analyser was off its zero"))
            return None
    if quantity == "smoke_obscuration" and usable[0] > SMOKE_OFFSET_DB_M:
        offset = usable[0]
        notes.append(Note(column, f"standing offset of {offset:.3f} dB/m at the start taken off"))
        values = [None if value is None else max(value - offset, 0.0) for value in values]
    return Channel(quantity, tuple(values))


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rise_s(times_s: Sequence[float], channels: Mapping[str, Channel]) -> float:
    """When the ceiling has become RISE_C warmer (without a thermocouple: when smoke passes 0.2 dB/m), else infinity."""
    if "temperature" in channels:
        channel, limit = channels["temperature"], channels["temperature"].first + RISE_C
    elif "smoke_obscuration" in channels:
        channel, limit = channels["smoke_obscuration"], 0.2
    else:
        return math.inf
    return next((t for t, v in zip(times_s, channel.values, strict=True) if v is not None and v >= limit), math.inf)
