"""Falls by accelerometer: trials of people who fell, and of people who did not, through the fall detector.

Every trial is a device of its own that sends a pack a second, judged when it has arrived; what comes after is not
looked at. An alarm within [impact − 1 s, impact + 10 s] notices the fall. When a recording ends, the device is silent:
what was pending is judged after two seconds of silence, as in the service. Alarms are counted where the detector raises
them (none within 10 s of another), before the alert's latch, which would count several within minutes as one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from alerting.detect.fall import SILENCE_US, FallDetector, Impacts, Packs, Wear, shipped_model
from anhu.evaluate.fall_recording import Trial, of_one_range, trials
from anhu.evaluate.phone_recording import phone_trials
from anhu.evaluate.report import Outcome, Quiet, Report

PACK_S: Final = 1.0
BEFORE_S: Final = 1.0
AFTER_S: Final = 10.0
ROWS_MAX: Final = 512  # trials judged side by side


def evaluate(folder: Path, *, wear: Wear = "waist") -> Report:
    """Every trial in `folder` under the model for `wear`. Raises RecordingUnreadable."""
    phone = phone_trials(folder)
    recorded = of_one_range(phone) if phone else trials(folder)
    return report(recorded, FallDetector(shipped_model(wear)), wear)


def report(recorded: Sequence[Trial], detector: FallDetector, wear: str) -> Report:
    """What `detector` made of the trials."""
    outcomes: list[Outcome] = []
    quiet: list[Quiet] = []
    of: list[tuple[Trial, bool]] = []
    elsewhere = after_end = 0
    for first in range(0, len(recorded), ROWS_MAX):
        for trial, alarms_s in zip(
            recorded[first : first + ROWS_MAX], replay(recorded[first : first + ROWS_MAX], detector), strict=True
        ):
            name, group = (
                f"{trial.person} {trial.code} {trial.number}",
                trial.person.rstrip("0123456789") or trial.person,
            )
            if trial.impact_s is None:
                quiet.append(Quiet(group, trial.seconds / 3600, len(alarms_s)))
                of.append((trial, bool(alarms_s)))
                continue
            noticed = [at for at in alarms_s if -BEFORE_S <= at - trial.impact_s <= AFTER_S]
            elsewhere += len(alarms_s) - len(noticed)
            after_end += bool(noticed) and noticed[0] > trial.seconds
            outcomes.append(Outcome(name, group, noticed[0] - trial.impact_s if noticed else None))
            of.append((trial, bool(noticed)))
    more: dict[str, Any] = {
        "wear": wear,
        "missed_falls": [each.name for each in outcomes if each.delay_s is None],
        "false_alarms_in": [f"{t.person} {t.code} {t.number}" for t, raised in of if t.impact_s is None and raised],
        "alarms_in_fall_trials_outside_the_window": elsewhere,
        "noticed_after_the_recording_ended": after_end,
        "by_activity": _tally([(trial.code, trial, raised) for trial, raised in of]),
        "by_person": _tally([(trial.person, trial, raised) for trial, raised in of]),
    }
    return Report("fall", outcomes, quiet, _notes(after_end), more)


def replay(recorded: Sequence[Trial], detector: FallDetector) -> list[list[float]]:
    """When each trial's device raised an alarm, in seconds from its beginning: when the pack that told it had come."""
    alarms: list[list[float]] = [[] for _ in recorded]
    for row, at_s, impacts, nth in impacts_of(recorded, detector):
        if impacts.alarm[nth]:
            alarms[row].append(at_s)
    return alarms


def impacts_of(recorded: Sequence[Trial], detector: FallDetector) -> list[tuple[int, float, Impacts, int]]:
    """Every impact that `detector` finds: the trial's number, when it was judged (in seconds from the trial's
    beginning), and where it stands in which answer."""
    found: list[tuple[int, float, Impacts, int]] = []
    state = detector.begin(len(recorded))
    sent = [0] * len(recorded)
    second = 0
    while any(sent[row] < len(trial.acceleration) for row, trial in enumerate(recorded)):
        second += 1
        rows, counts, parts = [], [], []
        for row, trial in enumerate(recorded):
            until = min(round(second * PACK_S * trial.rate_hz), len(trial.acceleration))
            if until > sent[row]:
                rows.append(row)
                counts.append(until - sent[row])
                parts.append(trial.acceleration[sent[row] : until])
        packs = Packs(
            np.array(rows), np.array([round(sent[row] / recorded[row].rate_hz * 1e6) for row in rows]),
            np.array([recorded[row].rate_hz for row in rows]), np.array([recorded[row].range_g for row in rows]),
            np.array(counts), np.concatenate(parts),
        )  # fmt: skip
        impacts = detector.feed(state, packs)
        for row, count in zip(rows, counts, strict=True):
            sent[row] += count
        for nth, row in enumerate(impacts.row.tolist()):
            found.append((row, sent[row] / recorded[row].rate_hz, impacts, nth))
    impacts = detector.expire(state, int(state["next_us"].max()) + SILENCE_US)
    for nth, row in enumerate(impacts.row.tolist()):
        found.append((row, recorded[row].seconds + SILENCE_US / 1e6, impacts, nth))
    return found


def _tally(entries: Sequence[tuple[str, Trial, bool]]) -> dict[str, dict[str, float | int]]:
    """By name: trials with a fall and how many were noticed, trials without one and in how many an alarm was raised."""
    told: dict[str, dict[str, float | int]] = {}
    for name, trial, raised in entries:
        row = told.setdefault(
            name, {"events": 0, "detected": 0, "quiet_trials": 0, "hours": 0.0, "with_false_alarm": 0}
        )
        if trial.impact_s is None:
            row["quiet_trials"] += 1
            row["hours"] = round(row["hours"] + trial.seconds / 3600, 4)
            row["with_false_alarm"] += raised
        else:
            row["events"] += 1
            row["detected"] += raised
    return dict(sorted(told.items()))


def _notes(after_end: int) -> list[str]:
    notes = ["staged falls and activities: false alarms an hour of these are far more than in daily life"]
    if after_end:
        notes.append(
            f"{after_end} falls were noticed from what was there when the recording ended within 3.5 s of the impact, "
            "two seconds later"
        )
    return notes
