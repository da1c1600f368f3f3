"""`anhu evaluate`: the metrics by hand, and small recordings through the engine."""

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alerting.alert import Kind, Priority
from alerting.detect.co_dose import EN_50291, UL_2034
from alerting.rules import default_rules, parse
from anhu import cli
from anhu.errors import RecordingUnreadable
from anhu.evaluate import co, gas, heat, nuisance, recording, sensitivity, smoke
from anhu.evaluate.replay import Raised, Reading, Replay, Spot, edges
from anhu.evaluate.report import Outcome, Quiet, Report, wilson

RULES = parse(default_rules())
# Of test SDC02 of NIST TN 1455-1 (firemodels/exp, Activation_Times.csv).
ACTIVATIONS = """test,alarm,type,location,activation_s
SDC02,Ion1A,Ion,A,106
SDC02,Ion3A,Ion,A,124
SDC02,Ion4A,Ion,A,160
SDC02,Pho1A,Pho,A,154
SDC02,Pho3A,Pho,A,102
SDC02,Ion1D,Ion,D,44
SDC02,Ion3D,Ion,D,48
SDC02,Pho1D,Pho,D,120
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["evaluate", *arguments])
    return result.exit_code, result.output


# --- the metrics --------------------------------------------------------------------------------------------------
def test_wilson_by_hand() -> None:
    low, high = wilson(8, 10) or (0.0, 0.0)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson(0, 5) == (0.0, pytest.approx(0.4345, abs=1e-4))
    assert wilson(0, 0) is None


def test_the_report_counts_misses_as_misses_and_groups() -> None:
    outcomes = [Outcome("a", "one", 10.0, 40.0, -5.0), Outcome("b", "one", None), Outcome("c", "two", 30.0, 20.0, 5.0)]
    figures = Report("smoke", outcomes, [Quiet("one", 2.0, 1), Quiet("two", 1.0, 0, synthetic=True)]).as_json()
    assert (figures["events"], figures["detected"], figures["missed"], figures["recall"]) == (3, 2, 1, 0.6667)
    assert (figures["median_lead_vs_photoelectric_s"], figures["median_lag_vs_ionisation_s"]) == (30.0, 0.0)
    assert (figures["median_delay_s"], figures["false_alarms"], figures["hours"]) == (20.0, 1, 3.0)
    assert (figures["false_alarms_per_hour"], figures["hours_synthetic"]) == (0.3333, 1.0)
    assert figures["by_group"]["one"]["missed"] == 1
    assert figures["by_group"]["two"]["false_alarms"] == 0


def test_an_alarm_counts_once_until_its_refractory_time_is_over() -> None:
    def at(*seconds: float) -> list[Raised]:
        return [Raised("a", Kind.FIRE, Priority.HIGH, "r", each) for each in seconds]

    assert [each.at_s for each in edges(at(0, 100, 350, 700), 300)] == [0, 700]


# --- the engine in memory -----------------------------------------------------------------------------------------
def test_a_replay_goes_through_the_rules_that_ship() -> None:
    readings = [Reading("room", "smoke_obscuration", at, 0.01 if at < 600 else 0.5) for at in range(0, 700, 10)]
    raised = Replay([Spot("room", ("smoke_obscuration",))]).run(readings)
    assert ("fire.smoke", 610.0) in [(each.rule, each.at_s) for each in raised]
    assert min(each.at_s for each in raised) >= 600


def test_a_replay_does_not_look_ahead() -> None:
    readings = [Reading("room", "smoke_obscuration", at, 0.01 if at < 600 else 0.5) for at in range(0, 700, 10)]
    whole = Replay([Spot("room", ("smoke_obscuration",))]).run(readings)
    cut = Replay([Spot("room", ("smoke_obscuration",))]).run([each for each in readings if each.at_s <= 620])
    assert [each for each in whole if each.at_s <= 620] == cut


# --- smoke --------------------------------------------------------------------------------------------------------
@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder as the recordings come: its part `open`, one of NIST's tests, the real alarms' times."""
    part = tmp_path / "open"
    part.mkdir()
    text = resources.files("simulators").joinpath("recordings", "nist_sdc02.csv").read_text("utf-8")
    (part / "NIST_Smoke_Alarms_SDC02.csv").write_text(text, "utf-8")
    (part / "alarm_activation_times.csv").write_text(ACTIVATIONS, "utf-8")
    return tmp_path


def test_a_recorded_fire_is_noticed_before_the_real_photoelectric_alarms(home: Path, tmp_path: Path) -> None:
    code, output = run("smoke", str(home), "--json", str(tmp_path / "out.json"))
    assert code == 0, output
    figures = json.loads((tmp_path / "out.json").read_text())
    assert (figures["kind"], figures["events"], figures["missed"], figures["false_alarms"]) == ("smoke", 2, 0, 0)
    by_place = figures["by_place"]
    # The median of A's photoelectric alarms is 128 s, of its ionisation alarms 124 s.
    assert by_place["SDC02-A"]["lead_s"] == 128 - by_place["SDC02-A"]["delay_s"]
    assert by_place["SDC02-A"]["lag_s"] == by_place["SDC02-A"]["delay_s"] - 124
    assert figures["median_lead_vs_photoelectric_s"] > 0
    assert figures["hours_synthetic"] > 0
    assert figures["critical_only"]["missed"] == 0
    assert set(figures["leave_one_out"]) == {"without SDC02"}


def test_a_smoke_meter_off_its_zero_is_put_right_and_said_so(home: Path) -> None:
    path = home / "open" / "NIST_Smoke_Alarms_SDC02.csv"
    header, *rows = path.read_text("utf-8").splitlines()
    at = header.split(",").index("SMA_1")
    shifted = []
    for row in rows:
        cells = row.split(",")
        cells[at] = str(float(cells[at]) + 0.02)
        shifted.append(",".join(cells))
    path.write_text("\n".join([header, *shifted]), "utf-8")
    report = smoke.evaluate(home)
    assert any("SDC02-A" in note and "0.2" in note for note in report.notes)
    assert sum(each.false_alarms for each in report.quiet) == 0


def test_a_fire_is_missed_under_rules_that_hear_nothing(home: Path) -> None:
    deaf = parse(default_rules().split("[[combination]]")[0].split("[[rule]]")[0] + _only("battery.low"))
    assert smoke.evaluate(home, deaf).as_json()["missed"] == 2


def _only(rule: str) -> str:
    text = default_rules()
    start = text.rindex("[[rule]]", 0, text.index(f'id = "{rule}"'))
    return text[start:].split("\n[[", 1)[0] if "\n[[" in text[start + 5 :] else text[start:]


def test_sensitivity_changes_one_number_at_a_time() -> None:
    found = dict(sensitivity.variants(RULES, ("fire.heat.rise",)))
    assert set(found) == {
        f"fire.heat.rise {name} ×{factor}" for name in ("raise_at", "fast_s", "slow_s") for factor in ("0.7", "1.3")
    }
    changed = next(each for each in found["fire.heat.rise raise_at ×0.7"].rules if each.id == "fire.heat.rise")
    assert changed.raise_at == pytest.approx(0.7 * 8.3)


# --- heat ---------------------------------------------------------------------------------------------------------
def house(folder: Path, hot: float) -> None:
    """A minute of quiet and a fire in the living room; a bedroom channel stands at `hot` °C from the start."""
    folder.mkdir(parents=True)
    lines = [("Time,Living Room Temperature 2.41 m Above Floor,Living Room Temperature 1.22 m Above Floor,"
             "Bedroom 1 Temperature 2.41 m Above Floor")]  # fmt: skip
    lines += [f"{at},{22 + max(at - 60, 0) * 1.5},{21},{hot + 0.02 * at}" for at in range(-120, 120)]
    (folder / "exp01.csv").write_text("\n".join(lines), "utf-8")
    (folder / "events").mkdir()
    (folder / "events" / "Gas_Burner_Experiment_1_Events.csv").write_text("Time,Event\n60,Ignition\n", "utf-8")


@pytest.mark.parametrize("hot", [22.0, 58.0])
def test_a_house_fire_by_heat_and_a_channel_that_was_hot_before(tmp_path: Path, hot: float) -> None:
    house(tmp_path / "open", hot)
    figures = heat.evaluate(tmp_path).as_json()
    assert (figures["detected"], figures["false_alarms"]) == (1, 0)
    assert 60 < figures["median_delay_s"] < 90
    assert figures["median_delay_from_burner_s"] == figures["median_delay_s"] - 60
    assert figures["hours"] == pytest.approx(120 / 3600, abs=1e-4)


def test_what_the_heat_result_hangs_on_is_told_for_each_number(tmp_path: Path) -> None:
    house(tmp_path / "open", 22.0)
    only = replace(RULES, rules=tuple(each for each in RULES.rules if each.id == "fire.heat.early"), combinations=())
    told = heat.evaluate(tmp_path, only, sensitivity=True).as_json()["sensitivity"]
    assert set(told) == {
        f"fire.heat.early {name} ×{factor}"
        for name in ("raise_at", "baseline_s", "jump_max")
        for factor in ("0.7", "1.3")
    }
    assert (
        told["fire.heat.early raise_at ×0.7"]["median_delay_s"]
        < told["fire.heat.early raise_at ×1.3"]["median_delay_s"]
    )


# --- gas and carbon monoxide --------------------------------------------------------------------------------------
@pytest.mark.parametrize("interval_s", [1.0, 30.0])
def test_gas_is_told_within_15_to_60_seconds(interval_s: float) -> None:
    for level in (25.0, 60.0):
        outcome, early = gas._step(interval_s, level, None)
        assert outcome.delay_s is not None, outcome.name
        assert 15 <= outcome.delay_s <= 60
        assert early == 0


def test_a_slow_leak_is_told_before_level_1() -> None:
    outcome, early = gas._leak(30.0, None)
    assert outcome.delay_s is not None
    assert outcome.delay_s < 60 * gas.LEVEL_1_LEL / gas.LEAK_LEL_PER_MIN
    assert early == 0


@pytest.mark.parametrize("table", [EN_50291, UL_2034], ids=["EN 50291", "UL 2034"])
def test_every_row_of_the_co_tables_is_met(table: object) -> None:
    rules = RULES if table is EN_50291 else co.under_ul_2034(RULES)
    chosen = EN_50291 if table is EN_50291 else UL_2034
    for index in range(len(chosen.rows)):
        assert co._row(chosen, index, 60.0, rules).delay_s is not None, chosen.rows[index]


def test_thirty_ppm_for_a_month_is_silent() -> None:
    at_s = np.arange(0.0, 30 * 86_400.0, 3600.0)
    assert co._times(at_s, np.full(len(at_s), 30.0), RULES) == []


def test_a_missing_code_is_no_measurement() -> None:
    at_s = np.arange(0.0, 7200.0, 60.0)
    assert co._times(at_s, np.full(len(at_s), -200.0), RULES) == []


# --- nuisance -----------------------------------------------------------------------------------------------------
def small_room(folder: Path) -> None:
    """Clean air, then breath on a CO sensor: counts as the hobby logs have them."""
    where = folder / "single-sensor-data" / "co"
    where.mkdir(parents=True)
    calm = "\n".join(f"{1000 * at},CO,90" for at in range(60))
    breath = "\n".join(f"{1000 * at},CO,{90 + min(at, 46) * 10}" for at in range(60))
    (where / "no-fire-source.csv").write_text(f"time_ms,sensor,value\n{calm}\n", "utf-8")
    (where / "human-exhaling-over-it.csv").write_text(f"time_ms,sensor,value\n{breath}\n", "utf-8")


def test_breath_is_called_neither_fire_nor_poison(tmp_path: Path) -> None:
    small_room(tmp_path)
    quiet, notes = nuisance.of_kinds(tmp_path, (Kind.FIRE, Kind.CO))
    assert len(quiet) == 2
    assert sum(each.false_alarms for each in quiet) == 0
    assert any("data-sheet" in note for note in notes)
    assert smoke.evaluate(tmp_path).as_json()["events"] == 0


def test_counts_become_ppm_by_the_data_sheets_curve() -> None:
    curve = nuisance.Curve("co", 99.042, -1.518, 27.5)
    assert curve.read(np.array([90.0]), 90.0)[0] == pytest.approx(99.042 * 27.5**-1.518)
    assert curve.read(np.array([400.0]), 90.0)[0] > 5
    assert np.isfinite(curve.read(np.array([0.0, 1023.0, 5000.0]), 90.0)).all()


# --- what cannot be read ------------------------------------------------------------------------------------------
def test_what_is_no_recording_is_told_in_words(tmp_path: Path) -> None:
    assert run("smoke", str(tmp_path / "nowhere"))[0] == 1
    (tmp_path / "open").mkdir()
    for kind in ("smoke", "heat"):
        code, output = run(kind, str(tmp_path))
        assert code == 1
        assert "Traceback" not in output
    (tmp_path / "held_out").mkdir()
    with pytest.raises(RecordingUnreadable, match="name one"):
        recording.part(tmp_path)
    (tmp_path / "open" / "x_SDC01.csv").write_text("TIME,SMA_1\n", "utf-8")
    with pytest.raises(RecordingUnreadable, match="at least one row"):
        list(smoke.home_tests(tmp_path / "open"))
