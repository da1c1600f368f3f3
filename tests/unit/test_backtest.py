"""Other rules on the same readings: what comes more, less, earlier, later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.alert import Kind, Priority
from alerting.backtest import Difference, Raised, Run, differences
from alerting.backtest_run import Outcome, replay
from alerting.errors import BacktestOverflow
from alerting.rules import default_rules, parse
from anhu.commands.backtest import line, moment
from anhu.errors import BacktestImpossible
from ingest import store
from ingest.reading import to_us

from .engine_world import T0, S, point, readings, registry

HOME = registry(3)
SMOKE, GAS = point(1, "smoke_obscuration"), point(1, "gas")


def run(rules: str, pack: int = 1000) -> list[Raised]:
    """What `rules` raise while smoke rises slowly, goes, and comes again after an hour, and gas stays at 20 %LEL."""
    rows = [
        (p, at, value)
        for at in range(0, 7200, 10)
        for p, value in ((SMOKE, min((at % 3600) / 3000, 0.5) if at % 3600 < 1800 else 0.0), (GAS, 20.0))
    ]
    found = Run(HOME, parse(rules), T0)
    for start in range(0, len(rows), pack):
        part = rows[start : start + pack]
        found.judge(readings(*part), T0 + (part[-1][1] + 10) * S)
    return found.raised


def test_the_same_rules_make_no_difference_and_the_same_readings_the_same_answer() -> None:
    once, again = run(default_rules()), run(default_rules())
    assert once == again
    assert once
    assert all(each.shift_s == 0 for each in differences(once, again))


def test_how_much_is_read_at_a_time_changes_nothing() -> None:
    assert run(default_rules()) == run(default_rules(), pack=60)


def test_an_alert_whose_condition_is_over_makes_room_for_the_next() -> None:
    fires = [each for each in run(default_rules()) if each.kind is Kind.FIRE]
    assert len(fires) == 2
    assert fires[1].at_us - fires[0].at_us > 1800 * S


def test_later_and_more_are_told() -> None:
    before = run(default_rules())
    lenient = default_rules().replace("raise_at = 0.15\n", "raise_at = 0.25\n")
    lenient = lenient.replace("raise_at = 0.3\nclear_at = 0.05", "raise_at = 0.5\nclear_at = 0.05")
    strict = lenient.replace("raise_at = 25\nclear_at = 10", "raise_at = 15\nclear_at = 10")
    found = differences(before, run(strict))
    gas = [each for each in found if each.after is not None and each.after.kind is Kind.GAS]
    assert [each.before for each in gas] == [None]
    fires = [each for each in found if each.before is not None and each.before.kind is Kind.FIRE]
    assert all((each.shift_s or 0) >= 0 for each in fires)
    assert any((each.shift_s or 0) > 0 for each in fires)
    assert "多报" in line(gas[0], HOME) or "more" in line(gas[0], HOME)


def test_alerts_far_apart_are_two() -> None:
    def at(second: float) -> Raised:
        return Raised(1, Kind.FIRE, Priority.HIGH, "r", T0 + round(second * S))

    assert differences([at(0)], [at(60)]) == [Difference(at(0), at(60))]
    assert differences([at(0)], [at(3600)]) == [Difference(at(0), None), Difference(None, at(3600))]
    assert differences([at(60)], [at(0)])[0].shift_s == -60
    assert differences([], []) == []


def test_times_are_chinas_where_no_zone_is_given() -> None:
    assert moment("2026-11-01T08:00", "--from") == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment("2026-11-01T00:00+00:00", "--from").utcoffset() == timedelta(0)
    with pytest.raises(BacktestImpossible, match="--to"):
        moment("yesterday", "--to")


def test_rules_that_raise_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    loud = readings(*((SMOKE, second, 1.0) for second in range(0, 60, 10)))
    shift_us = to_us(begin) - T0
    moved = replace(loud, measured_at_us=loud.measured_at_us + shift_us, received_at_us=loud.received_at_us + shift_us)
    monkeypatch.setattr(store, "readings_since", lambda *_: moved)
    rules = parse(default_rules()), parse(default_rules())

    def tried(raised_max: int | None) -> Outcome:
        end = begin + timedelta(minutes=10)
        return replay(None, HOME, rules, begin, end, raised_max=raised_max)  # type: ignore[arg-type]  # it is not asked

    assert len(tried(None).differences) == len(tried(2).differences) == 1
    with pytest.raises(BacktestOverflow):
        tried(1)
