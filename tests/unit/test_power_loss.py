"""A power cut is an alert of its own, and the devices that fall silent by it call nobody; a silent institution does."""

import pytest

from alerting.alert import Alert, Kind, Priority
from alerting.book import Book
from alerting.engine import State
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from alerting.suppression import Reason, may_hide, why_quiet
from ingest.reading import from_us
from ingest.registry import Device, Institution, Point, Registry, Zone

from .engine_world import T0, S, feed, pass_time, readings

MONITOR = 9  # device of mains_power, on a battery of its own
SILENT = (1, 2, 3)


@pytest.fixture
def home() -> State:
    """Three smoke detectors at the mains, and a monitor."""
    registry = Registry.build(
        1,
        [Institution(1, "home", "安和养老院", "Anhe", "nursing_home", "220322")],
        [Zone(1, 1, "hall", "走廊", "Hall", "corridor", 1)],
        [Device(n, 1, 1, f"d{n}", f"设备 {n}", "multi", "", 60) for n in (*SILENT, MONITOR)],
        [*(Point(n, n, "smoke_obscuration", "dB/m") for n in SILENT), Point(MONITOR, MONITOR, "mains_power", "1")],
    )
    return State.begin(compile_plan(registry, parse(default_rules())), T0)


def mains(home: State, second: float, there: float) -> list[tuple]:
    return feed(home, readings((MONITOR, second, there)))


def at_rest(home: State, until: int) -> None:
    for second in range(0, until, 60):
        feed(home, readings(*((n, second, 0.0) for n in SILENT), (MONITOR, second, 1.0)))
        pass_time(home, second)


def by_kind(home: State, kind: Kind) -> list[Alert]:
    return [alert for alert in home.alerts.values() if alert.kind is kind]


def test_a_supply_that_takes_over_in_time_is_no_power_cut(home: State) -> None:
    at_rest(home, 300)
    assert mains(home, 301, 0.0) == []
    assert mains(home, 320, 1.0) == []
    assert pass_time(home, 400) == []


def test_a_power_cut_is_told_after_half_a_minute_and_over_when_it_is_back(home: State) -> None:
    at_rest(home, 300)
    mains(home, 301, 0.0)
    assert pass_time(home, 332) == [("raise", "power.mains", 331.0)]
    [cut] = by_kind(home, Kind.POWER_LOSS)
    assert (cut.priority, cut.latching) == (Priority.HIGH, False)
    mains(home, 400, 1.0)
    assert pass_time(home, 461) == [("clear", "power.mains", 460.0)]


def test_the_devices_it_silences_call_nobody_until_it_is_over(home: State) -> None:
    at_rest(home, 300)
    for second in range(301, 900, 60):
        mains(home, second, 0.0)  # the monitor goes on, the detectors do not
        pass_time(home, second)
    now, everything = from_us(T0 + 900 * S), list(home.alerts.values())
    [cut] = by_kind(home, Kind.POWER_LOSS)
    silent = by_kind(home, Kind.OFFLINE)
    assert {alert.source.device_id for alert in silent} == set(SILENT)
    assert may_hide(cut)
    assert {why_quiet(alert, [], everything, now) for alert in silent} == {Reason.POWER_LOSS}
    assert why_quiet(cut, [], everything, now) is None
    book = Book()  # what the notifier decides by
    for alert in silent:
        book.put(alert)
    book.dirty.clear()
    book.put(cut)
    assert set(book.dirty) == {cut.id, *(alert.id for alert in silent)}
    assert [list(book.hiders(alert)) for alert in (*silent, cut)] == [[cut], [cut], [cut], []]
    mains(home, 901, 1.0)
    pass_time(home, 970)
    assert {why_quiet(alert, [], home.alerts.values(), now) for alert in by_kind(home, Kind.OFFLINE)} == {None}


def test_that_nothing_at_all_is_heard_any_more_calls_in_spite_of_it(home: State) -> None:
    at_rest(home, 300)
    mains(home, 301, 0.0)
    for second in range(320, 900, 10):
        pass_time(home, second)
    now, everything = from_us(T0 + 900 * S), list(home.alerts.values())
    [whole] = [alert for alert in by_kind(home, Kind.OFFLINE) if alert.source.device_id is None]
    assert [alert.active for alert in by_kind(home, Kind.POWER_LOSS)] == [True]
    assert why_quiet(whole, [], everything, now) is None
