"""A gateway's word that it cannot reach a device: an alert of its own, and no sign of life."""

from alerting import restore
from alerting.engine import State
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from ingest.registry import Point, Registry
from tests.unit.engine_world import T0, S, feed, pass_time, point, readings, registry

ALIVE = 99  # the point of device 1


def world() -> State:
    known = registry(3)
    points = [*known.points.values(), Point(ALIVE, 1, "alive", "1")]
    rich = Registry.build(1, known.institutions.values(), known.zones.values(), known.devices.values(), points)
    return State.begin(compile_plan(rich, parse(default_rules())), T0)


def others(second: float) -> list[tuple[int, float, float]]:
    return [(point(device, "temperature"), second, 20.0) for device in (2, 3)]


def run(engine: State, start: int, end: int, *said: tuple[int, float, float]) -> list[tuple[str, str | None]]:
    """Ticks each second while devices 2 and 3 report every ten; what is said of device 1, (point, second, value)."""
    events = []
    for second in range(start, end):
        mine = [each for each in said if each[1] == second]
        if mine or second % 10 == 0:
            events += feed(engine, readings(*others(second), *mine))
        events += pass_time(engine, second)
    return [event[:2] for event in events]


def test_a_device_its_gateway_cannot_reach_is_told_after_two_minutes_and_comes_back() -> None:
    engine = world()
    assert run(engine, 0, 130, (ALIVE, 0, 1.0), (ALIVE, 10, 0.0)) == []
    assert run(engine, 130, 140) == [("raise", "link.lost")]
    assert run(engine, 140, 150, (ALIVE, 145, 1.0)) == [("clear", "link.lost")]


def test_a_gateway_that_restarts_loses_nobody() -> None:
    assert run(world(), 0, 280, (ALIVE, 0, 1.0), (ALIVE, 10, 0.0), (ALIVE, 100, 1.0)) == []


def test_the_word_of_a_gateway_is_no_sign_of_life_of_the_device() -> None:
    engine = world()
    events = run(engine, 0, 320, (point(1, "temperature"), 0, 20.0), (ALIVE, 200, 0.0))
    # Silent for 290 s although its gateway spoke of it at 200 s.
    assert events == [("raise", "supervision.offline")]
    assert run(engine, 320, 330) == [("raise", "link.lost")]
    # One alert with two reasons, which end each by itself.
    assert run(engine, 330, 340, (point(1, "temperature"), 335, 20.0)) == [("clear", "supervision.offline")]
    (alert,) = engine.alerts.values()
    assert alert.rules == {"link.lost"}
    assert run(engine, 340, 350, (ALIVE, 345, 1.0)) == [("clear", "link.lost")]
    assert [each.active for each in engine.alerts.values()] == [False]


def test_its_good_word_is_one() -> None:
    said = [(ALIVE, second, 1.0) for second in range(0, 600, 60)]
    assert run(world(), 0, 600, (point(1, "temperature"), 0, 20.0), *said) == []


def test_a_start_in_between_goes_on_from_the_log_and_the_readings() -> None:
    engine = world()
    run(engine, 0, 135, (ALIVE, 0, 1.0), (ALIVE, 10, 0.0))
    again = world()
    feed(again, readings((ALIVE, 10, 0.0)))
    again.alerts = dict(engine.alerts)
    assert restore.conditions(again, T0 + 140 * S).events == []
    assert run(again, 140, 150, (ALIVE, 145, 1.0)) == [("clear", "link.lost")]
