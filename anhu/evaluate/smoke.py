"""Smoke: recorded fires beside real alarms, and recorded nuisance that must not be called a fire.

Three layouts are known by their files:

- home fires of NIST TN 1455-1 (`*SDC*.csv`, `alarm_activation_times.csv`): for every place with real alarms, the delay
  of the first fire alert there against the median activation of the real photoelectric and ionisation alarms. The
  device at a place is a multi-sensor one with the ceiling's channels, or the highest that was recorded;
- cargo compartments of the FAA (`TestCase*.csv`): a detector at each beam, the alert's delay from ignition;
- logs of cheap sensors in a small room, and the IoT set of 31,895 rows: no fire at all (nuisance.py).

The recordings begin at ignition, when a detector must have known its clean air for long: ten minutes of baseline are
prepended, drawn with replacement from the channel's own first ten seconds. Alarms in it count as false ones. A smoke
meter that was off its zero then has this taken off, as commissioning a detector would; the notes say which.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from alerting.alert import Kind, Priority
from alerting.rules import RuleSet, default_rules, parse
from anhu.errors import RecordingUnreadable
from anhu.evaluate import nuisance
from anhu.evaluate.recording import Float64, columns, files, number, part, table
from anhu.evaluate.replay import CALLING, Raised, Reading, Replay, Spot, edges
from anhu.evaluate.report import Outcome, Quiet, Report
from anhu.evaluate.sensitivity import variants

REFRACTORY_S: Final = 300.0
BASELINE_S: Final = 600.0
BASELINE_FROM_S: Final = 10.0
SMOKE_OFFSET_DB_M: Final = 0.05  # a meter that begins above what the most sensitive detector allows was off its zero
DB_PER_OPTICAL_DENSITY: Final = 10.0
PPM_PER_VOLUME_PERCENT: Final = 1e4
PPM_PER_MOLE: Final = 1e6
KELVIN: Final = 273.15
ROOM_C: Final = 20.0  # what a rise in K is added to

MAIN_FIGURES: Final = (
    "detected", "missed", "median_lead_vs_photoelectric_s", "median_lag_vs_ionisation_s", "median_delay_s",
    "false_alarms",
)  # fmt: skip
SENSITIVE_RULES: Final = ("fire.smoke", "fire.smoke.early", "fire.smoke.rise", "fire.heat.early", "fire.heat.rise")

_FACTORS: Final = {
    "SM": ("smoke_obscuration", DB_PER_OPTICAL_DENSITY),
    "TC": ("temperature", 1.0),
    "GAS": ("co", PPM_PER_VOLUME_PERCENT),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One recorded fire: times in seconds after ignition, channels by place and quantity in the quantities' units, and
    the activation times of the real alarms by place and type (Ion, Pho)."""

    name: str
    times_s: Float64
    places: Mapping[str, Mapping[str, Float64]]
    alarms_s: Mapping[str, Mapping[str, Sequence[float]]]
    notes: tuple[str, ...] = ()


def evaluate(folder: Path, rules: RuleSet | None = None, *, sensitivity: bool = False) -> Report:
    """The report on `folder`; with `sensitivity`, of the same under changed rules, too. Raises RecordingUnreadable
    where nothing in it is known."""
    tests = [*home_tests(folder), *cargo_tests(folder)]
    report = of_tests(tests, rules) if tests else Report("smoke", [], [])
    if sensitivity:
        report = replace(report, more={**report.more, "sensitivity": _sensitivity(tests)})
    quiet, notes = nuisance.of_kinds(folder, (Kind.FIRE,), rules)
    if not tests and not quiet:
        raise RecordingUnreadable(f"{part(folder)}: neither recorded fires with smoke nor nuisance recordings")
    return Report("smoke", report.outcomes, [*report.quiet, *quiet], [*report.notes, *notes], report.more)


def home_tests(folder: Path) -> Iterator[Test]:
    """NIST's home fires in `folder`."""
    activation = part(folder) / "alarm_activation_times.csv"
    alarms: dict[str, dict[str, dict[str, list[float]]]] = {}
    if activation.exists():
        header, rows = table(activation)
        for row in rows:
            one = dict(zip(header, row, strict=False))
            by_type = alarms.setdefault(one["test"], {}).setdefault(one["location"], {})
            if np.isfinite(activation_s := number(one["activation_s"])):  # an alarm that never went off has no time
                by_type.setdefault(one["type"], []).append(activation_s)
    for path in files(folder, "*SDC*.csv"):
        found = columns(path)
        if "TIME" not in found:
            raise RecordingUnreadable(f"{path}: no column TIME")
        name = path.stem.rsplit("_", 1)[-1]
        places = _home_places(found)
        notes = tuple(_zero(name, found["TIME"], place, channels) for place, channels in places.items())
        yield Test(name, found["TIME"], places, alarms.get(name, {}), tuple(filter(None, notes)))


def _zero(test: str, times_s: Float64, place: str, channels: dict[str, Float64]) -> str:
    """Take a standing offset off the smoke channel; what was done, in words, or nothing."""
    smoke = channels.get("smoke_obscuration")
    if smoke is None:
        return ""
    offset = float(np.nanmedian(smoke[times_s <= times_s[0] + BASELINE_FROM_S]))
    if not offset > SMOKE_OFFSET_DB_M:
        return ""
    channels["smoke_obscuration"] = np.maximum(smoke - offset, 0.0)
    return f"{test}-{place}: the smoke meter stood at {offset:.2f} dB/m from the start; taken off"


def _home_places(found: Mapping[str, Float64]) -> dict[str, dict[str, Float64]]:
    """The highest channel of each sort at each place; 1 is the ceiling, and the only height with CO."""
    places: dict[str, dict[str, Float64]] = {}
    heights = sorted(
        (int(match[3]), match[1], match[2], title)
        for title in found
        if (match := re.fullmatch(r"(SM|TC|GAS)([A-Z])_(\d)", title)) and (match[1] != "GAS" or match[3] == "1")
    )
    for _, sort, place, title in heights:
        quantity, factor = _FACTORS[sort]
        if np.isfinite(found[title]).any():
            places.setdefault(place, {}).setdefault(quantity, found[title] * factor)
    return places


def cargo_tests(folder: Path) -> Iterator[Test]:
    """The FAA's cargo compartments: each beam is a place; CO and the ceiling's mean temperature are the compartment's.

    Light transmission T in %/m is 10·log10(100/T) dB/m. Temperatures are rises in K where they begin at 0.
    """
    for path in files(folder, "TestCase*.csv"):
        found = columns(path, skip=1)
        if "Time" not in found:
            raise RecordingUnreadable(f"{path}: no column Time")
        ceiling = [
            values for title, values in found.items() if re.fullmatch(r"TC\d+", title) and np.isfinite(values).all()
        ]
        kelvin = np.mean(ceiling, axis=0) if ceiling else np.full(len(found["Time"]), np.nan)
        temperature = kelvin - KELVIN if kelvin[0] > KELVIN / 2 else ROOM_C + kelvin
        co = next((found[t] for t in ("Aft Pan CO", "Mid Pan CO") if np.isfinite(found.get(t, np.nan)).any()), None)
        places: dict[str, dict[str, Float64]] = {}
        for title, values in found.items():
            if title.startswith("LT_"):
                smoke = DB_PER_OPTICAL_DENSITY * np.log10(100.0 / np.clip(values, 1e-6, None))
                places[title] = {"smoke_obscuration": smoke, "temperature": temperature}
                if co is not None:
                    places[title]["co"] = co * PPM_PER_MOLE
        yield Test(path.stem.removesuffix("_FAA_EXPDATA"), found["Time"], places, {})


def of_tests(tests: Sequence[Test], rules: RuleSet | None = None) -> Report:
    """Each place of each test that had real alarms (every place where a test had none at all)."""
    outcomes, urgent, quiet = [], [], []
    for test in tests:
        raised = [each for each in replay(test, rules) if each.kind is Kind.FIRE]
        calling = [each for each in raised if each.priority in CALLING]
        critical = [each for each in raised if each.priority is Priority.CRITICAL]
        for place in sorted(test.alarms_s or test.places):
            outcomes.append(_outcome(test, place, calling))
            urgent.append(_outcome(test, place, critical))
        early = edges((each for each in calling if each.at_s < BASELINE_S), REFRACTORY_S)
        quiet.append(Quiet(test.name, len(test.places) * BASELINE_S / 3600, len(early), synthetic=True))
    critical_only = Report("smoke", urgent, []).as_json()
    more = {
        "critical_only": _main_figures(critical_only),
        "leave_one_out": _leave_one_out(outcomes),
        "by_place": {
            each.name: {"delay_s": each.delay_s, "lead_s": each.lead_s, "lag_s": each.lag_s} for each in outcomes
        },
    }
    notes = [
        "the quiet hours before the fires are synthetic: values of each channel's first 10 s, drawn with replacement",
        "an alarm is a fire alert that calls people, critical or an early warning; critical_only counts critical ones",
        *(note for test in tests for note in test.notes),
    ]
    return Report("smoke", outcomes, quiet, notes, more)


def _sensitivity(tests: Sequence[Test]) -> dict[str, dict[str, object]]:
    """The main figures with each parameter of the smoke and heat rules 30 % smaller and larger."""
    return {
        name: _main_figures(of_tests(tests, changed).as_json())
        for name, changed in variants(parse(default_rules()), SENSITIVE_RULES)
    }


def _main_figures(figures: Mapping[str, object]) -> dict[str, object]:
    return {key: figures[key] for key in MAIN_FIGURES}


def _leave_one_out(outcomes: Sequence[Outcome]) -> dict[str, dict[str, object]]:
    """The main figures without each of the tests: how far one fire carries the result."""
    return {
        f"without {group}": _main_figures(
            Report("smoke", [each for each in outcomes if each.group != group], []).as_json()
        )
        for group in sorted({each.group for each in outcomes})
    }


def _outcome(test: Test, place: str, raised: Sequence[Raised]) -> Outcome:
    after = [each.at_s - BASELINE_S for each in raised if each.spot == place and each.at_s >= BASELINE_S]
    delay_s = round(min(after), 3) if after else None
    real = {sort: median(times) for sort, times in test.alarms_s.get(place, {}).items()}
    lead = real["Pho"] - delay_s if delay_s is not None and "Pho" in real else None
    lag = delay_s - real["Ion"] if delay_s is not None and "Ion" in real else None
    return Outcome(f"{test.name}-{place}", test.name, delay_s, lead, lag)


def replay(test: Test, rules: RuleSet | None = None) -> list[Raised]:
    """Everything the engine raises in `test`; ignition is BASELINE_S after the beginning."""
    spots = [Spot(place, tuple(channels)) for place, channels in sorted(test.places.items())]
    readings = list(_readings(test))
    return Replay(spots, rules).run(readings)


def _readings(test: Test) -> Iterator[Reading]:
    spacing_s = float(np.median(np.diff(test.times_s)))
    before_s = np.arange(0.0, BASELINE_S, spacing_s)
    seen = test.times_s <= test.times_s[0] + BASELINE_FROM_S
    for at, (place, channels) in enumerate(sorted(test.places.items())):
        for row, (quantity, values) in enumerate(sorted(channels.items())):
            first = values[seen][np.isfinite(values[seen])]
            if len(first):
                drawn = np.random.default_rng([at, row]).choice(first, len(before_s))
                yield from _column(place, quantity, before_s, drawn)
            yield from _column(place, quantity, test.times_s + BASELINE_S, values)


def _column(place: str, quantity: str, at_s: Float64, values: Float64) -> Iterator[Reading]:
    for at, value in zip(at_s.tolist(), values.tolist(), strict=True):
        yield Reading(place, quantity, at, value)
