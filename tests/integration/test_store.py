"""Readings, dead letters and unclaimed devices in a real TimescaleDB."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import store
from ingest.database import connect
from ingest.errors import Refusal
from ingest.message import DeadLetter, Message
from ingest.reading import ReadingBatch, from_us
from ingest.unclaimed import Unclaimed
from tests.integration.world import S, World
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

T0 = 1_795_305_600 * S
DAY_US = 86_400 * S
EVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
DELAY_US_MAX = (2**31 - 1) * 1000

# A few days far apart, any microsecond of them: each day is a chunk of its own, and a thousand chunks are slow to make.
moments = st.builds(
    lambda day, us: day * DAY_US + us, st.sampled_from([0, 10_957, 20_779, 40_000]), st.integers(0, DAY_US - 1)
)
rows = st.tuples(
    st.one_of(st.integers(1, 4), st.sampled_from([0, 2**31 - 1, -(2**31)])),
    moments,
    st.one_of(st.integers(-(10**12), 10**12), st.sampled_from([0, DELAY_US_MAX, -DELAY_US_MAX, 10**16])),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 0, 1, 2, 32_767]),
)


def batch(*each: tuple[int, int, int, float, int]) -> ReadingBatch:
    """(point, measured at, delay in µs, value, quality) each."""
    points, measured, delays, values, quality = zip(*each, strict=True) if each else ((), (), (), (), ())
    received = [at + delay for at, delay in zip(measured, delays, strict=True)]
    return ReadingBatch.build(points, measured, received, values, quality)


def simple(*each: tuple[int, int, float]) -> ReadingBatch:
    """(point, µs after T0, value) each."""
    return batch(*[(point, T0 + us, 1000, value, 0) for point, us, value in each])


def stored(url: str) -> list[tuple[int, int, float]]:
    """(point, µs after T0, value) of every row."""
    with connect(url) as connection:
        found = store.readings_since(connection, *EVER)
    return list(zip(found.point_id.tolist(), (found.measured_at_us - T0).tolist(), found.value.tolist(), strict=True))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=25))
def test_columns_come_back_from_the_table_to_the_microsecond(database_url: str, sent: list) -> None:
    first = {(point, at): (point, at, delay, value, quality) for point, at, delay, value, quality in reversed(sent)}
    expected = sorted(first.values(), key=lambda row: (row[1], row[0]))
    with connect(database_url) as connection, connection.transaction(force_rollback=True):
        assert store.store_readings(connection, batch(*sent)) == len(expected)
        found = store.readings_since(connection, *EVER)
    assert found.point_id.tolist() == [row[0] for row in expected]
    assert found.measured_at_us.tolist() == [row[1] for row in expected]
    # to the bit: minus zero and the smallest numbers too
    assert found.value.tobytes() == np.array([row[3] for row in expected], np.float32).tobytes()
    assert found.quality.tolist() == [row[4] for row in expected]
    delays = [max(-DELAY_US_MAX, min(DELAY_US_MAX, row[2] // 1000 * 1000)) for row in expected]
    assert (found.received_at_us - found.measured_at_us).tolist() == delays


def test_a_good_reading_has_no_quality_and_a_doubtful_one_has(world: World) -> None:
    with connect(world.database_url) as connection:
        store.store_readings(connection, batch((1, T0, 0, 1.0, 0), (2, T0, 0, -200.0, 1)))
    assert world.rows("SELECT point_id, quality FROM readings ORDER BY 1") == [(1, None), (2, 1)]


def test_the_largest_and_smallest_numbers(world: World) -> None:
    extremes = [3.4028235e38, -3.4028235e38, 1e-45, -0.0, 0.0]
    with connect(world.database_url) as connection:
        store.store_readings(connection, simple(*[(1, us, value) for us, value in enumerate(extremes)]))
    assert [np.float32(value) for _, _, value in stored(world.database_url)] == [np.float32(each) for each in extremes]


def test_an_empty_batch(world: World) -> None:
    with connect(world.database_url) as connection:
        assert store.store_readings(connection, batch()) == 0


def test_of_duplicates_within_a_batch_the_first_counts(world: World) -> None:
    with connect(world.database_url) as connection:
        assert store.store_readings(connection, simple((1, 5, 1.0), (2, 5, 2.0), (1, 5, 3.0), (1, 6, 4.0))) == 3
    assert stored(world.database_url) == [(1, 5, 1.0), (2, 5, 2.0), (1, 6, 4.0)]


def test_a_redelivered_batch_stores_nothing_twice_and_what_is_new_beside_it(world: World) -> None:
    with connect(world.database_url) as connection:
        assert store.store_readings(connection, simple((1, 1, 1.0), (2, 1, 2.0))) == 2
    with connect(world.database_url) as connection:
        assert store.store_readings(connection, simple((1, 1, 1.0), (2, 1, 2.0))) == 0
    with connect(world.database_url) as connection:
        assert store.store_readings(connection, simple((3, 1, 5.0), (1, 1, 9.0), (2, 1, 9.0), (1, 2, 6.0))) == 2
    assert stored(world.database_url) == [(1, 1, 1.0), (2, 1, 2.0), (3, 1, 5.0), (1, 2, 6.0)]


def test_a_conflict_undoes_nothing_else_of_the_transaction(world: World) -> None:
    with connect(world.database_url) as connection:
        store.store_readings(connection, simple((1, 1, 1.0)))
    with connect(world.database_url) as connection:
        store.store_dead_letters(connection, [letter(Refusal.BAD_JSON)])
        assert store.store_readings(connection, simple((1, 1, 1.0), (1, 2, 2.0))) == 1
        assert store.store_readings(connection, simple((1, 2, 1.0), (1, 3, 3.0))) == 1  # the staging table twice over
    assert stored(world.database_url) == [(1, 1, 1.0), (1, 2, 2.0), (1, 3, 3.0)]
    assert world.reasons() == {"bad_json": 1}


def test_two_writers_with_the_same_batch(world: World) -> None:
    same = simple(*[(point, us, 1.0) for point in range(1, 50) for us in range(20)])
    counts: list[int] = []

    def write() -> None:
        with connect(world.database_url) as connection:
            counts.append(store.store_readings(connection, same))

    with connect(world.database_url) as connection, connection.transaction():
        counts.append(store.store_readings(connection, same))
        other = threading.Thread(target=write)
        other.start()
        wait_until(
            lambda: world.count(
                "pg_stat_activity", "state = 'active' AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"
            ),
            "the second writer waits for the first",
        )
    other.join(30)
    assert sorted(counts) == [0, len(same)]
    assert len(stored(world.database_url)) == len(same)


def letter(reason: Refusal, number: int = 0, topic: str = "anhu/v1/x") -> DeadLetter:
    return DeadLetter(T0 + number, topic, reason, f"detail {number}", b"\x00\xff{", 3)


def test_dead_letters_are_counted_for_ever_and_kept_up_to_a_bound(world: World) -> None:
    with connect(world.database_url) as connection:
        store.store_dead_letters(connection, [letter(Refusal.BAD_JSON, number) for number in range(40)])
        store.store_dead_letters(connection, [letter(Refusal.FUTURE), letter(Refusal.BAD_JSON)])
        assert store.prune_dead_letters(connection, 10) == 32
        assert store.prune_dead_letters(connection, 10) == 0
    assert world.count("dead_letters") == 10
    assert world.totals() == {"bad_json": 41, "future": 1}
    assert world.rows("SELECT payload, payload_bytes FROM dead_letters LIMIT 1") == [(b"\x00\xff{", 3)]


def unclaimed(device: str, seconds: int = 0, count: int = 1) -> Unclaimed:
    message = Message(f"anhu/v1/home-1/{device}/readings", b"{}", T0)
    at = T0 + seconds * S
    return Unclaimed("home-1", device, "", "device_unknown", at, at, count, message)


def test_unclaimed_devices_are_listed_up_to_a_bound_and_then_refused(world: World) -> None:
    with connect(world.database_url) as connection:
        assert store.store_unclaimed(connection, [unclaimed("b"), unclaimed("a")], 2) == []
        refused = store.store_unclaimed(connection, [unclaimed("c", 9), unclaimed("a", 9, count=4)], 2)
    assert [(each.reason, each.detail) for each in refused] == [
        ("unclaimed_full", "device_unknown: home-1/c; the list of unclaimed devices is full")
    ]
    kept = world.rows("SELECT device, message_count, first_seen_at, last_seen_at FROM unclaimed_devices ORDER BY 1")
    t0, later = from_us(T0), from_us(T0) + timedelta(seconds=9)
    assert kept == [("a", 5, t0, later), ("b", 1, t0, t0)]


def test_a_shard_is_held_by_one_connection_and_freed_with_it(world: World) -> None:
    with connect(world.database_url) as first:
        assert store.hold_shard(first, 0)
        with connect(world.database_url) as second:
            assert not store.hold_shard(second, 0)
            assert store.hold_shard(second, 1)
        first.commit()
    with connect(world.database_url) as third:
        wait_until(lambda: store.hold_shard(third, 0), "the shard is free again")


def test_last_heard_is_the_newest_arrival_of_each_point(world: World) -> None:
    smoke, battery = world.point("kit-smk-1", "smoke_obscuration"), world.point("kit-smk-1", "battery")
    readings = batch(
        (smoke, T0, 2 * S, 1.0, 0), (smoke, T0 + 60 * S, 3 * S, 1.0, 0), (battery, T0 - 60 * S, S, 1.0, 1)
    )  # fmt: skip
    with connect(world.database_url) as connection:
        store.store_readings(connection, readings)
        heard = store.last_heard(connection, from_us(T0 - 120 * S))
        assert sorted(heard) == [(smoke, T0 + 63 * S), (battery, T0 - 59 * S)]
        assert store.last_heard(connection, from_us(T0)) == [(smoke, T0 + 63 * S)]


def test_readings_of_some_points(world: World) -> None:
    with connect(world.database_url) as connection:
        store.store_readings(connection, simple((1, 0, 1.0), (2, 0, 2.0), (1, S, 3.0)))
        some = store.readings_since(connection, from_us(T0), from_us(T0 + S), [1])
    assert (some.point_id.tolist(), some.value.tolist()) == ([1], [1.0])
