"""Rollups in a real TimescaleDB hold what was measured, in whatever order it came, and charts are drawn from them."""

import threading
from datetime import datetime, timedelta

import numpy as np
import pytest

from ingest import history, packing_store, rollup_store, storage, store
from ingest.database import Connection, connect
from ingest.reading import to_us
from tests.integration.storage_world import (
    BEGIN,
    BEGIN_US,
    POINTS,
    S,
    batch,
    day_of,
    expected_rollup,
    put,
    waits_for_lock,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rollups_hold_what_was_measured_in_whatever_order_it_comes(emptied: Connection, seed: int) -> None:
    random = np.random.default_rng(seed)
    now_s = 0
    for _ in range(14):
        now_s += int(random.integers(30, 4000))
        sent = []
        for _ in range(60):
            back_s = 0 if random.random() < 0.6 else int(random.integers(0, 3 * 3600))
            at_us = max(0, now_s - back_s) * S + int(random.integers(0, S))
            sent.append((int(random.choice(POINTS)), at_us, back_s * 1000, float(random.normal(20, 3)), 0))
        sent += [(1, now_s * S, 1, 1e30, 1)]  # beyond what a working sensor can say
        for _ in range(2):  # and once more, as a broker does
            put(emptied, batch(*sent))
        if random.random() < 0.7:
            storage.roll_up(emptied, BEGIN + timedelta(seconds=now_s))
    storage.roll_up(emptied, BEGIN + timedelta(seconds=now_s, hours=1))
    standing = rollup_store.progress(emptied)
    assert standing.rolled_until > BEGIN + timedelta(seconds=now_s)
    assert rollup_store.late_hours(emptied) == 0
    minutes = emptied.execute("SELECT * FROM readings_1min ORDER BY bucket, point_id").fetchall()
    assert minutes == expected_rollup(emptied, "readings_1min", standing.rolled_until)
    whole_hours = standing.rolled_until.replace(minute=0)
    hours = emptied.execute("SELECT * FROM readings_1h ORDER BY bucket, point_id").fetchall()
    assert hours == expected_rollup(emptied, "readings_1h", whole_hours)


def test_a_reading_stored_while_the_rollup_moves_on_is_in_it(emptied: Connection, storage_url: str) -> None:
    """The one who stores has seen the old boundary; whoever moves it on waits for his commit."""
    with connect(storage_url) as storing:
        store.store_readings(storing, batch((1, 20 * S, 5, 4.0, 0)))
        roller = threading.Thread(target=_roll, args=(storage_url, BEGIN + timedelta(minutes=5)))
        roller.start()
        wait_until(lambda: waits_for_lock(emptied), "the roller waits for who is storing")
    roller.join(30)
    assert emptied.execute("SELECT point_id, count, last FROM readings_1min").fetchall() == [(1, 1, 4.0)]


def test_who_stores_does_not_wait_for_who_rolls_up(emptied: Connection, storage_url: str) -> None:
    put(emptied, batch((1, 20 * S, 5, 4.0, 0)))
    with emptied.transaction():
        rollup_store.announce(emptied, BEGIN + timedelta(minutes=5))
    with connect(storage_url) as rolling, connect(storage_url, autocommit=True) as storing:
        assert rollup_store.roll(rolling)  # and its commit takes as long as a disk likes
        storing.execute("SET lock_timeout = '1s'")
        put(storing, batch((1, 40 * S, 5, 6.0, 0)))
    storage.roll_up(emptied, BEGIN + timedelta(minutes=5))
    assert emptied.execute("SELECT point_id, count, last FROM readings_1min").fetchall() == [(1, 2, 6.0)]


def _roll(url: str, now: datetime) -> None:
    with connect(url, autocommit=True) as connection:
        storage.roll_up(connection, now)


def test_a_chart_of_any_span_shows_every_peak_and_the_newest_minutes(undone: Connection) -> None:
    """Raw, by minutes and by hours, over packed days and open ones, with marks waiting, it tells the same."""
    random = np.random.default_rng(5)
    at_s = np.unique(random.integers(0, 4 * 86_400, 9000))
    value = random.normal(20, 1, len(at_s)).astype(np.float32)
    value[4000], value[-2] = 95.0, 77.0  # an alarm of one reading, and one just now
    store.store_readings(undone, batch(*[(1, int(s) * S, 5, float(v), 0) for s, v in zip(at_s, value, strict=True)]))
    now = BEGIN + timedelta(days=4)
    storage.roll_up(undone, now - timedelta(minutes=50))
    packing_store.close(undone, BEGIN + timedelta(days=2))
    for chunk in packing_store.closed_chunks(undone):
        packing_store.pack(undone, chunk)
    spike_s = 200_000
    store.store_readings(undone, batch((1, spike_s * S + 1, 5, 88.0, 0)))  # late, its hour is marked
    at_us, value = np.append(at_s * S, spike_s * S + 1), np.append(value, np.float32(88.0))
    assert rollup_store.late_hours(undone) == 1
    widths = set()
    for days, points_max in ((4, 96), (4, 90), (4, 600), (2.53, 60), (0.4, 600), (0.9, 300), (4, 1), (4, 20_000)):
        start = now - timedelta(days=days) + timedelta(seconds=17)
        source = history.source_of(start, now, points_max, rollup_store.progress(undone))
        widths.add(source.table if source else None)
        found = history.series(undone, [1, 2], start, now, points_max)
        inside = at_us >= to_us(start) - BEGIN_US
        shown = found[1]
        if inside.sum() <= points_max:
            assert shown.low is None
            assert sorted(np.float32(shown.value)) == sorted(value[inside])
            continue
        assert 0 < len(shown.value) <= points_max
        assert shown.low is not None
        assert shown.high is not None
        width = source.width if source else history.bucket_width(start, now, points_max)
        origin_us = to_us(source.origin if source else start) - BEGIN_US
        part = (at_us[inside] - origin_us) // (width // timedelta(microseconds=1))
        parts = np.unique(part)
        assert len(shown.value) == len(parts)
        np.testing.assert_array_equal(np.float32(shown.high), [value[inside][part == each].max() for each in parts])
        np.testing.assert_array_equal(np.float32(shown.low), [value[inside][part == each].min() for each in parts])
        means = [value[inside][part == each].mean(dtype=np.float64) for each in parts]
        np.testing.assert_allclose(shown.value, means, rtol=1e-6)
        assert found[2].value == []
    assert widths == {None, "readings_1min", "readings_1h"}


def test_settled_hours_are_sorted_once_and_are_the_same(emptied: Connection) -> None:
    put(emptied, day_of(points=4, step_s=900, days=2))
    storage.roll_up(emptied, BEGIN + timedelta(days=3))
    before = emptied.execute("SELECT * FROM readings_1h ORDER BY point_id, bucket").fetchall()
    assert len(before) == 4 * 48
    order = "SELECT point_id FROM readings_1h"  # as they lie
    assert [row[0] for row in emptied.execute(order)] != sorted(row[1] for row in before)
    assert storage.sort_hours(emptied, BEGIN) == 0  # something may still come
    assert storage.sort_hours(emptied, BEGIN + timedelta(days=60)) == 1
    assert [row[0] for row in emptied.execute(order)] == sorted(row[1] for row in before)
    assert emptied.execute("SELECT * FROM readings_1h ORDER BY point_id, bucket").fetchall() == before
    assert storage.sort_hours(emptied, BEGIN + timedelta(days=60)) == 0
