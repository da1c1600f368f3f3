"""`anhu evaluate sim`: matched by hand, and two days of a small fleet through the engine."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alerting import engine
from alerting.alert import AlertEvent, Kind, Priority
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from anhu import cli
from anhu.errors import EvaluationFailed
from anhu.evaluate.sim import START_US, Judged, evaluate, registry_of
from anhu.evaluate.sim_score import Judge, Raised, report
from ingest.reading import ReadingBatch
from simulators import fleet
from simulators.physics.radio import Channel
from simulators.scenario import Incident
from simulators.stream import Stream
from simulators.truth import truth_of
from tests.unit.test_sim_stream import Given

RULES = parse(default_rules())
FLEET = fleet.build(1, 40, 7)
CODES = [each.device.code for each in FLEET.devices()]
KITCHEN = [i for i, each in enumerate(FLEET.devices()) if each.zone.code == "kitchen"]
BEDROOM = next(each for each in FLEET.devices() if each.zone.kind == "bedroom" and each.device.kind == "fall")


class Told:
    """A stream's truth, without its readings."""

    def __init__(self, *incidents: Incident) -> None:
        self.truths = [truth_of(each) for each in incidents]

    def remaining_s(self, device: int) -> float:
        return 1e9 + device


def raised(kind: Kind, zone: str, device: str, at_s: float, rule: str = "r") -> Raised:
    return Raised("sim-001", zone, CODES.index(device), kind, Priority.HIGH, rule, at_s)


FIRE = Incident("fire", "sim-001", "kitchen", tuple(CODES[i] for i in KITCHEN), 1_000.0, 600.0, 0.5)
PAN = Incident("burnt_food", "sim-001", "kitchen", tuple(CODES[i] for i in KITCHEN), 5_000.0, 600.0, 0.5)
FALL = Incident("fall", "sim-001", BEDROOM.zone.code, (BEDROOM.device.code,), 9_000.0, 1_200.0, 0.2)


def test_alarms_are_answered_by_hand() -> None:
    smoke = CODES[KITCHEN[0]]
    judge = Judge(FLEET, Told(FIRE, PAN, FALL))
    during = judge.answer(raised(Kind.FIRE, "kitchen", smoke, 1_060))
    assert (during.answers and during.answers.incident, during.false) == (FIRE, False)
    beside = judge.answer(raised(Kind.CO, "kitchen", smoke, 1_060))
    assert (beside.answers, beside.false) == (None, False)
    nuisance = judge.answer(raised(Kind.FIRE, "kitchen", smoke, 5_060))
    assert (nuisance.false, nuisance.cause) == (True, "burnt_food")
    out_of_nothing = judge.answer(raised(Kind.FIRE, "kitchen", smoke, 20_000))
    assert (out_of_nothing.false, out_of_nothing.cause) == (True, "nothing")
    elsewhere = judge.answer(raised(Kind.FALL, "kitchen", smoke, 9_070))
    assert elsewhere.false
    silent = judge.answer(raised(Kind.OFFLINE, "kitchen", smoke, 1_060))
    assert (silent.false, silent.cause) == (True, "radio")


def test_the_report_counts_by_hand() -> None:
    smoke = CODES[KITCHEN[0]]
    found = [
        raised(Kind.FIRE, "kitchen", smoke, 1_050, "fire.smoke"),
        raised(Kind.FIRE, "kitchen", smoke, 5_060, "fire.smoke"),
        raised(Kind.OFFLINE, "kitchen", smoke, 7_000, "supervision.offline"),
    ]
    figures = report(FLEET, Told(FIRE, PAN, FALL), found, days=10, readings=5, channel=Channel()).as_json()
    assert (figures["kind"], figures["events"], figures["detected"], figures["missed"]) == ("sim", 2, 1, 1)
    assert (figures["median_delay_s"], figures["recall"], figures["hours"]) == (50.0, 0.5, 240.0)
    assert figures["by_group"]["fall"]["missed"] == 1
    device_years = 40 * 10 / 365.25
    assert figures["false_alarms_per_device_year"] == pytest.approx(2 / device_years, abs=1e-4)
    assert figures["false_alarms_by_kind"]["fire"]["per_device_year"] == pytest.approx(1 / device_years, abs=1e-4)
    assert figures["false_alarms_by_cause"] == {"fire: burnt_food": 1, "offline: radio": 1}
    assert figures["before_danger"]["fire"]["noticed_before"] == 1


def told(events: list[AlertEvent]) -> list[tuple[str, str, int | None, int | None, float]]:
    """Events of silence and of everything else, in an order that does not depend on when they were asked for."""
    return sorted(
        (each.verb.value, each.rule or "", each.source.institution_id, each.source.device_id or 0, each.at.timestamp())
        for each in events
    )


def test_silence_is_called_at_the_second_a_clock_that_always_ticks_would_call_it() -> None:
    homes = fleet.build(3, 30, 7)
    outage = Incident(
        "outage", "sim-002", "kitchen", tuple(each.device.code for each in homes.devices()
        if each.institution.code == "sim-002"), 1_234.5, 700.0, 0.0,
    )  # fmt: skip
    quick = replace(RULES, supervision=replace(RULES.supervision, intervals=3.0, s_min=60.0))
    stream = Stream(
        homes, Given(outage), 1, 7, start_epoch_s=START_US / 1e6, interval_s=30.0,
        channel=Channel(bad_share=0.2, burst_s=40.0),
    )  # fmt: skip
    registry = registry_of(homes, stream.points, 30.0)
    rounds = list(stream.rounds())
    judged = Judged(registry, quick)
    found = [event for each in rounds for event in judged.judge(each)]
    state, expected = engine.State.begin(compile_plan(registry, quick), START_US), []
    for each in rounds:
        for second in range(round(each.until_s) - 30, round(each.until_s)):
            verdicts = []
            for part in (each.calm, each.stirred):
                now = (part.at_s >= second) & (part.at_s < second + 1)
                at_us = START_US + np.round(part.at_s[now] * 1e6).astype(np.int64)
                batch = ReadingBatch.build(part.point[now] + 1, at_us, at_us, part.value[now])
                engine.adopt(state, (verdict := engine.step(state, batch)).patch)
                verdicts.append(verdict)
            verdict = engine.tick(state, START_US + (second + 1) * 1_000_000, listening=True, caught_up=True)
            engine.adopt(state, verdict.patch)
            expected += [event for each_verdict in (*verdicts, verdict) for event in each_verdict.events]
    assert told(found) == told(expected)
    assert ("raise", "supervision.institution") in [each[:2] for each in told(found)]
    assert sum(each[:2] == ("raise", "supervision.offline") for each in told(found)) > 50


def test_a_small_fleet_from_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "sim.json"
    arguments = ["evaluate", "sim", "--days", "1", "--institutions", "6", "--seed", "5", "--json", str(out)]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_text())
    assert {
        "kind", "events", "detected", "missed", "median_lead_vs_photoelectric_s", "median_lag_vs_ionisation_s",
        "median_delay_s", "false_alarms", "hours", "false_alarms_per_hour", "recall", "recall_ci95", "by_group",
        "false_alarms_per_device_year", "false_alarms_by_kind",
    } <= figures.keys()  # fmt: skip
    assert figures["kind"] == "sim"
    assert figures["readings"] > 1_000_000
    assert figures["events"] > 5
    assert figures["detected"] / figures["events"] > 0.8
    assert figures["device_years"] == pytest.approx(600 / 365.25, abs=1e-3)


def test_the_same_seed_the_same_figures() -> None:
    one, again = (evaluate(days=1, institutions=2, devices_per=30, interval_s=300).as_json() for _ in range(2))
    assert one == again
    assert one["readings"] > 10_000


def test_impossible_days_are_refused() -> None:
    with pytest.raises(EvaluationFailed, match="institutions must be"):
        evaluate(days=1, institutions=0)
