"""Nuisance: recordings in which nothing burns for real, or not where the sensor is meant to look.

- logs of cheap sensors in a small room (`single-sensor-data/`, `no_fire/`): breath, tealights, a lighter's gas,
  alcohol, smoke five centimetres away, room air;
- seven MQ sensors in clean air, perfume, smoke and both (one CSV with a column `Gas`);
- an IoT set without usable labels (columns `Temperature[C]`, `Humidity[%]`).

What these hobby sensors say are counts of a 10-bit converter. They become ppm by the curve of the sensor's data sheet,

    r = Rs/Rs(clean) · r_clean,  Rs ∝ (1023 − v)/v,  ppm = a·r^b

with the clean level taken from the recordings' own clean air. That is a rough figure, right within a factor of two or
so, and good enough to see whether breath is called a fire.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from alerting.alert import Kind
from alerting.rules import RuleSet
from anhu.evaluate.recording import Float64, columns, number, part, table
from anhu.evaluate.replay import CALLING, Raised, Reading, Replay, Spot, edges
from anhu.evaluate.report import Quiet

REFRACTORY_S: Final = 300.0
COUNTS_MAX: Final = 1023.0


@dataclass(frozen=True, slots=True)
class Curve:
    """ppm = a·(r·clean)^b of a MOX sensor's data sheet; `lel_ppm` is the lower explosive limit, 0 for plain ppm."""

    quantity: str
    a: float
    b: float
    clean: float
    lel_ppm: float = 0.0

    def read(self, counts: Float64, clean_counts: float) -> Float64:
        """Counts as values of the quantity."""
        counts, clean_counts = np.clip(counts, 1, COUNTS_MAX - 1), min(max(clean_counts, 1.0), COUNTS_MAX - 1)
        ratio = (COUNTS_MAX - counts) / counts / ((COUNTS_MAX - clean_counts) / clean_counts)
        ppm: Float64 = self.a * (ratio * self.clean) ** self.b
        return np.minimum(100 * ppm / self.lel_ppm, 100.0) if self.lel_ppm else ppm


_PROPANE_LEL_PPM: Final = 21_000.0
_LPG: Final = Curve("gas", 574.25, -2.222, 9.83, _PROPANE_LEL_PPM)  # MQ-2; stands in for every sensor of vapours
_CO: Final = Curve("co", 99.042, -1.518, 27.5)  # MQ-7
_CURVES: Final = {
    "Smoke": _LPG, "VOC": _LPG, "CO": _CO, "smoke": _LPG, "voc": _LPG, "co": _CO,
    "MQ2": _LPG, "MQ5": _LPG, "MQ6": _LPG, "MQ7": _CO,
}  # fmt: skip
_CLEAN: Final = ("no-fire-source", "small-room-no-smoke", "no-alcochol-source", "no-alcohol-source")


@dataclass(frozen=True, slots=True)
class Log:
    """One recording: what it is of, how long, and the readings of each of its channels."""

    group: str
    name: str
    readings: tuple[Reading, ...]

    @property
    def hours(self) -> float:
        """From the first to the last reading."""
        return (self.readings[-1].at_s - self.readings[0].at_s) / 3600 if self.readings else 0.0


def of_kinds(folder: Path, kinds: Sequence[Kind], rules: RuleSet | None = None) -> tuple[list[Quiet], list[str]]:
    """Alerts of `kinds` that call people in every nuisance recording of `folder`, and what to know about them."""
    quiet = []
    logs = [*_small_room(folder), *_mq_array(folder), *_iot(folder)]
    for log in logs:
        wrong = [each for each in _replay(log, rules) if each.kind in kinds and each.priority in CALLING]
        quiet.append(Quiet(log.group, log.hours, len(edges(wrong, REFRACTORY_S))))
    notes = []
    if any(log.group != "iot" for log in logs):
        notes.append("counts of hobby sensors were converted by data-sheet curves against their own clean air")
    if any(log.group.startswith("mq_array") for log in logs):
        notes.append("the MQ array's rate is not stated; one row a second was assumed")
    if any(log.group == "iot" for log in logs):
        notes.append("iot: the set's labels are unusable and it holds real heating to 60 °C; its alarms may be true")
    return quiet, notes


def _replay(log: Log, rules: RuleSet | None) -> list[Raised]:
    quantities: dict[str, set[str]] = {}
    for each in log.readings:
        quantities.setdefault(each.spot, set()).add(each.quantity)
    spots = [Spot(name, tuple(sorted(found))) for name, found in sorted(quantities.items())]
    return Replay(spots, rules).run(log.readings) if spots else []


def _channel(spot: str, quantity: str, at_s: Float64, values: Float64) -> Iterator[Reading]:
    for at, value in zip(at_s.tolist(), values.tolist(), strict=True):
        yield Reading(spot, quantity, at, value)


def _small_room(folder: Path) -> Iterator[Log]:
    """The single-sensor logs and the ten-second logs of room air."""
    singles = sorted((part(folder) / "single-sensor-data").rglob("*.csv"))
    clean: dict[str, list[float]] = {}
    for path in singles:
        sensor, at_s, values = _single(path)
        if path.stem in _CLEAN and len(at_s):
            clean.setdefault(sensor, []).append(float(np.median(values)))
    for path in singles:
        sensor, at_s, values = _single(path)
        curve = _CURVES.get(sensor)
        if curve is not None and sensor in clean:  # a flame sensor measures no quantity we judge
            read = curve.read(values, float(np.median(clean[sensor])))
            yield Log(f"small_room {sensor.lower()}", path.stem, tuple(_channel("room", curve.quantity, at_s, read)))
    for path in sorted((part(folder) / "no_fire").rglob("*.csv")):
        found = columns(path)
        at_s = (found["timestamp"] - found["timestamp"][0]) / 1000
        readings: list[Reading] = []
        for name in ("smoke", "voc", "co"):
            curve = _CURVES[name]
            read = curve.read(found[name], float(np.median(found[name])))
            readings += _channel(f"room {name}", curve.quantity, at_s, read)
        readings += _channel("room", "temperature", at_s, found["temp"])
        readings += _channel("room", "humidity", at_s, found["humid"])
        yield Log("small_room air", path.stem, tuple(readings))


def _single(path: Path) -> tuple[str, Float64, Float64]:
    """Sensor, seconds and counts of a single-sensor log."""
    _, rows = table(path)
    rows = [row for row in rows if len(row) >= 3]
    at_s = np.array([number(row[0]) for row in rows]) / 1000
    return rows[0][1] if rows else "", at_s - (at_s[0] if len(at_s) else 0), np.array([number(row[2]) for row in rows])


def _mq_array(folder: Path) -> Iterator[Log]:
    """The seven sensors, block after block as they stand in the file."""
    for path in sorted(part(folder).glob("*.csv")):
        header, rows = table(path)
        if "Gas" not in header or "MQ2" not in header:
            continue
        found, label = columns(path), [row[header.index("Gas")] for row in rows]
        calm = np.array([each == "NoGas" for each in label])
        readings: list[Reading] = []
        for name in ("MQ2", "MQ5", "MQ6", "MQ7"):
            curve = _CURVES[name]
            read = curve.read(found[name], float(np.median(found[name][calm])) if calm.any() else found[name][0])
            readings += _channel(name, curve.quantity, np.arange(len(rows), dtype=np.float64), read)
        yield Log("mq_array", path.stem, tuple(readings))


def _iot(folder: Path) -> Iterator[Log]:
    """Temperature and humidity at 1 Hz."""
    for path in sorted(part(folder).glob("*.csv")):
        header, _ = table(path)
        if "Temperature[C]" not in header:
            continue
        found = columns(path)
        at_s = np.arange(len(found["Temperature[C]"]), dtype=np.float64)
        readings = [
            *_channel("iot", "temperature", at_s, found["Temperature[C]"]),
            *_channel("iot", "humidity", at_s, found["Humidity[%]"]),
        ]
        yield Log("iot", path.stem, tuple(readings))
