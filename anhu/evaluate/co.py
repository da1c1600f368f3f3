"""Carbon monoxide: the rows of both standards' tables, a month of what is allowed, and long recordings outdoors.

A row is noticed when the alert at its steady concentration comes within the row's span; the tables' exposures and the
30 days at 30 ppm are synthetic. The recording is UCI's Air Quality set: the reference analyser in mg/m³, and a MOX
sensor's counts, calibrated against it over the first fourteen days, which are then not judged. −200 means missing there
and is fed as it stands: the intake marks it as out of range.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from alerting.alert import Kind
from alerting.detect.co_dose import EN_50291, UL_2034, Table
from alerting.rules import RuleSet, default_rules, parse
from anhu.evaluate import nuisance
from anhu.evaluate.recording import Float64, columns, part
from anhu.evaluate.replay import Reading, Replay, Spot
from anhu.evaluate.report import Outcome, Quiet, Report

INTERVALS_S: Final = (5.0, 30.0, 60.0)
ALLOWED_PPM: Final = 30.0
ALLOWED_DAYS: Final = 30
ALLOWED_EVERY_S: Final = 300.0
PPM_PER_MG_M3: Final = 24.055 / 28.010  # molar volume at 20 °C in l/mol over CO's molar mass in g/mol
CALIBRATION_HOURS: Final = 14 * 24
MISSING: Final = -200.0


def evaluate(folder: Path, rules: RuleSet | None = None) -> Report:
    """The report: both tables, and the recordings in `folder`. Raises RecordingUnreadable."""
    rules = rules if rules is not None else parse(default_rules())
    outcomes = [
        _row(table, index, interval_s, chosen)
        for table, chosen in ((EN_50291, rules), (UL_2034, under_ul_2034(rules)))
        for index in range(len(table.rows))
        for interval_s in INTERVALS_S
    ]
    at_s: Float64 = np.arange(0.0, ALLOWED_DAYS * 86_400.0, ALLOWED_EVERY_S)
    wrong = _times(at_s, np.full(len(at_s), ALLOWED_PPM, np.float64), rules)
    quiet = [Quiet("30 ppm for 30 days (synthetic)", ALLOWED_DAYS * 24.0, len(wrong), synthetic=True)]
    recorded, notes = nuisance.of_kinds(folder, (Kind.CO,), rules)
    outdoors = _outdoors(folder, rules)
    notes = [
        "the tables' exposures and the 30 days at 30 ppm are synthetic; each row at a report every 5, 30 and 60 s",
        "UL 2034 is judged with its table chosen in place of EN 50291's (detector = co_ul2034, without co.300ppm)",
        *notes,
    ]
    return Report("co", outcomes, [*quiet, *recorded, *outdoors], notes)


def under_ul_2034(rules: RuleSet) -> RuleSet:
    """`rules` with the American table in place of the European one."""
    chosen = [
        replace(each, detector="co_ul2034") if each.detector == "co_en50291" else each
        for each in rules.rules
        if each.kind is not Kind.CO or each.detector == "co_en50291"
    ]
    return replace(rules, rules=tuple(chosen))


def _row(table: Table, index: int, interval_s: float, rules: RuleSet) -> Outcome:
    row = table.rows[index]
    at_s: Float64 = np.arange(0.0, row.latest_s + interval_s, interval_s)
    times = _times(at_s, np.full(len(at_s), row.ppm, np.float64), rules)
    delay_s = round(min(times), 3) if times else None
    exact = delay_s is not None and row.earliest_s <= delay_s <= row.latest_s
    return Outcome(
        f"{row.ppm:g} ppm every {interval_s:g} s", f"{table.standard} (synthetic)", delay_s if exact else None
    )


def _times(at_s: Float64, ppm: Float64, rules: RuleSet) -> list[float]:
    """When CO alerts are raised."""

    def readings() -> Iterator[Reading]:
        for at, value in zip(at_s.tolist(), ppm.tolist(), strict=True):
            yield Reading("room", "co", at, value)

    return [each.at_s for each in Replay([Spot("room", ("co",))], rules).run(readings()) if each.kind is Kind.CO]


def _outdoors(folder: Path, rules: RuleSet) -> Iterator[Quiet]:
    for path in sorted(part(folder).glob("*.csv")):
        found = columns(path)
        if "CO_GT" not in found or "PT08_S1_CO" not in found:
            continue
        at_s = 3600.0 * np.arange(len(found["CO_GT"]), dtype=np.float64)
        reference, counts = found["CO_GT"], found["PT08_S1_CO"]
        ppm = np.where(reference == MISSING, MISSING, reference * PPM_PER_MG_M3)
        yield Quiet("outdoors, reference analyser", len(at_s), len(_times(at_s, ppm, rules)))
        known = (ppm != MISSING) & (counts != MISSING)
        learn = known & (np.arange(len(ppm)) < CALIBRATION_HOURS)
        if learn.sum() > 1:
            slope, offset = np.polyfit(counts[learn], ppm[learn], 1)
            judged = slice(CALIBRATION_HOURS, None)
            mox = np.where(counts == MISSING, MISSING, slope * counts + offset)[judged]
            yield Quiet("outdoors, MOX sensor", len(mox), len(_times(at_s[judged], mox, rules)))
