"""Heat: recorded house fires with minutes of quiet before time 0.

The layout is that of UL FSRI's gas-burner experiments (`exp*.csv`, 1 Hz, `Time` in s): the highest thermocouple of each
room is a device there. A fire counts as noticed with the first fire alert anywhere in the house; alerts before time 0
are false. Where the experiment's log of events is at hand (`events/`), the delay from the burner's own ignition is told
too: at time 0 only the pilot flame burns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from alerting.alert import Kind, Priority
from alerting.rules import RuleSet, default_rules, parse
from anhu.errors import RecordingUnreadable
from anhu.evaluate.recording import Float64, columns, files, number, part, table
from anhu.evaluate.replay import CALLING, Reading, Replay, Spot, edges
from anhu.evaluate.report import Outcome, Quiet, Report
from anhu.evaluate.sensitivity import variants

REFRACTORY_S: Final = 300.0
SENSITIVE_RULES: Final = ("fire.heat.sudden", "fire.heat.early")
MAIN_FIGURES: Final = ("detected", "missed", "median_delay_s", "false_alarms")
_CHANNEL: Final = re.compile(r"(.+) Temperature ([0-9.]+) m Above Floor")
_ZONES: Final = {"kitchen": "kitchen", "hvac": "boiler_room"}


def evaluate(folder: Path, rules: RuleSet | None = None, *, sensitivity: bool = False) -> Report:
    """The report on `folder`; with `sensitivity`, of the same under changed rules, too. Raises RecordingUnreadable
    where it holds no such experiment."""
    report = _report(folder, rules)
    if sensitivity:
        report = replace(report, more={**report.more, "sensitivity": _sensitivity(folder, rules)})
    return report


def _sensitivity(folder: Path, rules: RuleSet | None) -> dict[str, dict[str, object]]:
    """The main figures with each parameter of the early warnings 30 % smaller and larger."""
    told = {}
    for name, changed in variants(rules if rules is not None else parse(default_rules()), SENSITIVE_RULES):
        figures = _report(folder, changed).as_json()
        told[name] = {key: figures[key] for key in MAIN_FIGURES}
    return told


def _report(folder: Path, rules: RuleSet | None) -> Report:
    outcomes, quiet, from_burner_s, critical_s = [], [], [], []
    for path in files(folder, "exp*.csv"):
        found = columns(path)
        if "Time" not in found:
            raise RecordingUnreadable(f"{path}: no column Time")
        begin_s = float(found["Time"][0])
        rooms = _rooms(found)
        spots = [Spot(room, ("temperature",), _zone_kind(room)) for room in rooms]
        raised = Replay(spots, rules).run(_readings(rooms, found["Time"] - begin_s))
        fires = [each for each in raised if each.kind is Kind.FIRE and each.priority in CALLING]
        after = [each.at_s + begin_s for each in fires if each.at_s + begin_s >= 0]
        delay_s = round(min(after), 3) if after else None
        outcomes.append(Outcome(path.stem, "house fires", delay_s))
        early = edges((each for each in fires if each.at_s + begin_s < 0), REFRACTORY_S)
        quiet.append(Quiet("house fires", max(0.0, -begin_s) / 3600, len(early)))
        critical = [
            each.at_s + begin_s for each in fires if each.priority is Priority.CRITICAL and each.at_s >= -begin_s
        ]
        critical_s += [min(critical)] if critical else []
        burner_s = _burner_s(path)
        if delay_s is not None and burner_s is not None:
            from_burner_s.append(delay_s - burner_s)
    if not outcomes:
        raise RecordingUnreadable(f"{part(folder)}: no experiments (exp*.csv) with temperatures")
    more = {
        "median_delay_critical_s": round(median(critical_s), 3) if critical_s else None,
        "median_delay_from_burner_s": round(median(from_burner_s), 3) if from_burner_s else None,
        "by_experiment": {each.name: each.delay_s for each in outcomes},
    }
    notes = [
        "hours count the recorded time before time 0 of the house as a whole, with a device in every room",
        "median_delay_from_burner_s counts from the burner's ignition in the log of events, not from the pilot's",
    ]
    return Report("heat", outcomes, quiet, notes, more)


def _rooms(found: Mapping[str, Float64]) -> dict[str, Float64]:
    """The highest channel with samples of each room."""
    best: dict[str, tuple[float, Float64]] = {}
    for title, values in found.items():
        match = _CHANNEL.fullmatch(title)
        if match and np.isfinite(values).any() and float(match[2]) > best.get(match[1], (0.0, values))[0]:
            best[match[1]] = float(match[2]), values
    return {room: values for room, (_, values) in best.items()}


def _zone_kind(room: str) -> str:
    return next((kind for word, kind in _ZONES.items() if word in room.lower()), "bedroom")


def _readings(rooms: Mapping[str, Float64], at_s: Float64) -> Iterator[Reading]:
    for room, values in rooms.items():
        for at, value in zip(at_s.tolist(), values.tolist(), strict=True):
            yield Reading(room, "temperature", at, value)


def _burner_s(path: Path) -> float | None:
    """When the burner was lit, by the log of events beside the experiment."""
    log = path.parent / "events" / f"Gas_Burner_Experiment_{int(path.stem.removeprefix('exp'))}_Events.csv"
    if not log.exists():
        return None
    _, rows = table(log)
    return next((number(row[0]) for row in rows if len(row) > 1 and row[1].strip().lower() == "ignition"), None)
