"""The pure parts of the benchmarks: figures and their file, the open loop's schedule, the search for a rate."""

import json
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import fleet, groups
from benchmarks.figures import Figure, document, latency_figures, percentile, rounded, save
from benchmarks.groups import alert, latency
from benchmarks.load import Load, Trial, best, search
from benchmarks.stage import BenchFailed
from ingest.formats import native
from ingest.routes import route

START_US = 1_795_305_600_000_000


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(each) for each in range(1, 101)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile([7.0], 99) == 7
    assert percentile([2.0, 1.0], 0) == 1
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_at_least_so_many_values_lie_within_a_percentile(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert sum(each <= found for each in values) >= percent / 100 * len(values) - 1e-9


def test_latencies_are_told_as_p50_and_p99() -> None:
    figures = latency_figures("latency.x_ms", [3.0, 1.0, 2.0], p99_ms_max=60)
    assert [(each.name, each.value, each.unit, each.ratio) for each in figures] == [
        ("latency.x_ms.p50", 2.0, "ms", None),
        ("latency.x_ms.p99", 3.0, "ms", 0.05),
    ]
    assert latency_figures("latency.x_ms", [1.0])[1].limit is None


def test_a_figure_as_it_stands_in_the_file() -> None:
    assert Figure("a.b", 8123.4, "rows/s", 10_000).as_json() == {
        "name": "a.b", "value": 8123, "unit": "rows/s", "limit": 10_000, "ratio": 0.812,
    }  # fmt: skip
    assert Figure("loss.messages", 0, "messages").as_json()["ratio"] is None
    assert rounded(0.012345) == 0.01234 or rounded(0.012345) == 0.01235


def test_a_group_run_alone_leaves_the_other_figures_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    save(path, {"cores": 2}, [Figure("store.rows_per_s", 1.0, "rows/s"), Figure("loss.messages", 5, "messages")])
    save(path, {"cores": 4}, [Figure("loss.messages", 0, "messages")])
    kept = json.loads(path.read_text("utf-8"))
    assert kept["machine"] == {"cores": 4}
    assert [(each["name"], each["value"]) for each in kept["results"]] == [
        ("loss.messages", 0),
        ("store.rows_per_s", 1),
    ]
    assert document({}, [], {}) == {"machine": {}, "results": []}


@given(st.floats(0.5, 100_000), st.integers(1, 5000), st.integers(-10_000_000, 100_000_000))
def test_what_is_due_is_counted_as_it_is_scheduled(rate: float, count: int, after_us: int) -> None:
    load = Load(rate, count, START_US)
    now_us = START_US + after_us
    due = load.due_count(now_us)
    assert 0 <= due <= count
    assert due == 0 or load.due_us(due - 1) <= now_us
    assert due == count or load.due_us(due) > now_us


def test_a_rate_is_spread_evenly() -> None:
    load = Load(1000, 2000, START_US)
    assert load.due_us(0) == START_US
    assert load.due_us(1) == START_US + 1000
    assert load.last_us == START_US + 1_999_000
    assert load.due_count(START_US + 999_999) == 1000


def test_a_device_keeps_its_connection_and_its_times_differ() -> None:
    load = Load(20_000, 10_000, START_US)
    connections: dict[int, set[int]] = {}
    keys = set()
    for number in range(load.count):
        connections.setdefault(load.device(number), set()).add(number % load.connections)
        keys.add((load.device(number), load.due_us(number)))
    assert {len(each) for each in connections.values()} == {1}
    assert len(keys) == load.count


def test_chosen_devices_send_in_turn() -> None:
    load = Load(10, 9, START_US, connections=2, chosen=(7, 3, 1900, 4))
    assert [load.device(number) for number in range(5)] == [7, 3, 1900, 4, 7]
    assert list(load.devices) == [7, 3, 1900, 4]
    with pytest.raises(ValueError, match="shared out"):
        Load(10, 9, START_US, connections=2, chosen=(1, 2, 3))


def test_a_stride_visits_every_device_and_keeps_its_connection() -> None:
    load = alert.alarms(START_US, alert.DEVICE_FIRST, alert.DEVICE_COUNT)
    connections = {load.device(number): number % load.connections for number in range(2 * load.count)}
    assert sorted(connections) == list(load.devices)
    assert all(connections[load.device(number)] == number % load.connections for number in range(2 * load.count))
    places = [fleet.institution_code(load.device(number)) for number in range(load.count)]
    assert sum(one == two for one, two in pairwise(places)) < load.count / 50


def test_the_parts_of_a_group_raise_alarms_of_different_devices() -> None:
    parts = [
        {load.device(number) for number in range(load.count)}
        for load in (
            alert.alarms(START_US, alert.DEVICE_FIRST, alert.COUNT),
            alert.alarms(START_US, alert.DEVICE_FIRST + alert.DEVICE_COUNT, alert.AWAY_COUNT),
            Load(latency.ALARMS_PER_S, round(latency.ALARMS_PER_S * latency.SECONDS), START_US, alarm=True),
        )
    ]
    assert [len(each) for each in parts] == [240, 160, 400]
    assert len(set.union(*parts)) == 800
    assert max(set.union(*parts)) < fleet.LOADED_COUNT


def test_an_alarm_that_did_not_arrive_is_no_latency() -> None:
    load = alert.alarms(START_US, alert.DEVICE_FIRST, 2)
    arrived_us = {fleet.device_code(load.device(number)): load.due_us(number) + 5000 for number in range(2)}
    assert alert.latencies_ms(load, arrived_us) == [5.0, 5.0]
    arrived_us.popitem()
    with pytest.raises(BenchFailed, match="1 of 2"):
        alert.latencies_ms(load, arrived_us)


def test_devices_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(ValueError, match="shared out"):
        Load(10, 10, START_US, device_count=7, connections=2)
    with pytest.raises(ValueError, match="shared out"):
        Load(10, 10, START_US, device_count=8, connections=2, stride=4)  # some would never send


@pytest.mark.parametrize("alarm", [False, True])
def test_messages_are_native_json_at_their_due_time(alarm: bool) -> None:
    load = Load(333.3, 1000, START_US, alarm=alarm)
    for number in (0, 1, 63, 64, 999):
        payload = load.payload(number)
        orjson.loads(payload)
        decoded = native.decode(payload, "d", 0)
        assert not decoded.rejections
        assert tuple(sample.quantity for sample in decoded.samples) == load.quantities
        assert {sample.measured_at_us for sample in decoded.samples} == {load.due_us(number)}


def test_every_device_of_the_registry_has_a_topic_of_its_own() -> None:
    draft = fleet.draft()
    assert draft.device_count == fleet.DEVICE_COUNT == 2000
    for number in range(fleet.DEVICE_COUNT):
        where = route(fleet.topic(number))
        assert where is not None
        zones = draft.institutions[where.institution].zones.values()
        assert sum(where.device in zone.devices for zone in zones) == 1


def machine(capacity_per_s: float, hiccups: int = 0):
    """A service that stores so much and no more, and at first is slowed by a neighbour `hiccups` times."""
    left = hiccups

    def trial(rate: float) -> Trial:
        nonlocal left
        slowed, left = left > 0, max(0, left - 1)
        load = Load(rate, round(rate * 4), START_US)
        drained_s = load.count / (capacity_per_s / (3 if slowed else 1))
        return Trial(load, load.count, max(load.last_us + 50_000, START_US + int(drained_s * 1e6)))

    return trial


@pytest.mark.parametrize("first", [2000, 11_000, 40_000])
@pytest.mark.parametrize("hiccups", [0, 1])
def test_the_search_finds_the_highest_rate(first: float, hiccups: int) -> None:
    trials = search(machine(10_000, hiccups), first, tries_max=20)
    # A second of backlog is allowed after four of sending, so up to a quarter more passes.
    assert 9400 <= best(trials) <= 12_600


def test_the_search_ends() -> None:
    assert len(search(machine(10), 100_000, tries_max=5)) == 5
    assert best(search(machine(10), 1e6, tries_max=2)) == 0


def test_what_was_not_stored_is_not_kept_up_with() -> None:
    load = Load(1000, 100, START_US)
    assert Trial(load, 100, load.last_us).sustained
    assert not Trial(load, 99, load.last_us).sustained
    assert not Trial(load, 100, load.last_us + 1_500_000).sustained


def test_each_file_of_groups_is_a_group() -> None:
    assert {"alert", "alert_pages", "alert_websocket", "engine", "ingest", "latency", "store"} <= set(groups.names())
    for name in groups.names():
        assert callable(groups.load(name))
