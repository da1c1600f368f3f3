"""Packed days in a real TimescaleDB: whatever is packed, merged or comes late, and in whatever order, the same
questions get the same answers."""

import threading
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.storage_upkeep import work
from ingest import packing_store, rollup_store, storage, store
from ingest.database import Connection, connect, edition
from ingest.reading import from_us
from ingest.settings import StorageSettings
from tests.integration.storage_world import (
    BEGIN,
    BEGIN_US,
    DAY_US,
    POINTS,
    S,
    batch,
    begin_at,
    count,
    day_of,
    pack_all,
    put,
    stored,
    waits_for_lock,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


rows = st.tuples(
    st.sampled_from(POINTS),
    st.one_of(
        st.integers(0, 3 * DAY_US - 1),
        st.integers(0, 3 * 86_400_000 - 1).map(lambda ms: ms * 1000),
        st.integers(0, 3 * 1440 - 1).map(lambda minute: minute * 60 * S),
    ),
    st.one_of(st.integers(0, 500), st.sampled_from([32_767, 32_768, -32_769, 2**31 - 1])),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 0, 0, 1]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=40), st.lists(rows, max_size=8))
def test_packed_days_and_what_comes_late_are_what_was_stored(storage_url: str, sent: list, late: list) -> None:
    first = {(point, at): (point, at, delay, value, quality) for point, at, delay, value, quality in reversed(sent)}
    with connect(storage_url) as connection, connection.transaction(force_rollback=True):
        store.store_readings(connection, batch(*sent))
        before = stored(connection)
        assert [(point, at) for point, at, *_ in before] == [(p, from_us(BEGIN_US + us)) for p, us in sorted(first)]
        pack_all(connection, 2)
        assert stored(connection) == before
        kept = [at for _, at, *_ in before if at >= BEGIN + timedelta(days=2)]
        assert count(connection, "readings") == len(kept)
        # Late: also what is there already, with another value; what was stored first counts.
        late += [(*key, 7, 7.5, 0) for key in list(first)[:4]]
        store.store_readings(connection, batch(*late))
        for point, at, delay, value, quality in late:
            first.setdefault((point, at), (point, at, delay, value, quality))
        after = stored(connection)
        assert [(point, at, value) for point, at, value, *_ in after] == [
            (point, from_us(BEGIN_US + us), np.float32(first[point, us][3]).tobytes()) for point, us in sorted(first)
        ]
        assert [row for row in after if row in before] == before
        packing_store.merge_late(connection)
        assert count(connection, "readings_late") == 0
        assert stored(connection) == after
        per_day = "SELECT day, sum(count) FROM readings_packed GROUP BY 1 ORDER BY 1"
        noted = "SELECT day, readings FROM packed_days WHERE readings > 0 ORDER BY 1"
        assert connection.execute(per_day).fetchall() == connection.execute(noted).fetchall()


def test_a_packing_that_is_cut_off_leaves_everything_as_it_was(emptied: Connection, storage_url: str) -> None:
    put(emptied, day_of())
    before = stored(emptied)
    begin_at(emptied, BEGIN + timedelta(days=2))
    packing_store.close(emptied, BEGIN + timedelta(days=1))
    [chunk] = packing_store.closed_chunks(emptied)
    with connect(storage_url) as other:
        assert packing_store.pack(other, chunk) == len(before)
        emptied.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            other.commit()
    assert stored(emptied) == before
    assert count(emptied, "readings_packed") == 0
    assert packing_store.closed_chunks(emptied) == [chunk]
    with emptied.transaction():
        packing_store.pack(emptied, chunk)
    assert stored(emptied) == before
    assert (count(emptied, "readings"), count(emptied, "readings_packed")) == (0, 3)


def test_a_day_is_closed_only_after_those_who_are_storing_into_it(emptied: Connection, storage_url: str) -> None:
    put(emptied, day_of(points=1))
    begin_at(emptied, BEGIN + timedelta(days=2))
    closed = threading.Event()

    def close() -> None:
        with connect(storage_url) as closing:
            packing_store.close(closing, BEGIN + timedelta(days=1))
        closed.set()

    with connect(storage_url) as storing:
        store.store_readings(storing, batch((1, 30 * S, 5, 1.25, 0)))  # not yet committed
        closer = threading.Thread(target=close)
        closer.start()
        wait_until(lambda: waits_for_lock(emptied), "closing waits for who is storing")
        assert not closed.is_set()
    closer.join(30)
    assert closed.is_set()
    [chunk] = packing_store.closed_chunks(emptied)
    with emptied.transaction():
        assert packing_store.pack(emptied, chunk) == 1441
    # from now on it is late, wherever it comes from
    put(emptied, batch((1, 40 * S, 5, 2.25, 0)))
    assert (count(emptied, "readings"), count(emptied, "readings_late")) == (0, 1)
    assert len(stored(emptied)) == 1442


def test_a_day_that_is_being_read_is_packed_another_time(
    emptied: Connection, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing_store, "DROP_TRIES", 1)
    monkeypatch.setattr(packing_store, "DROP_WAIT_S", 0.05)
    put(emptied, day_of(points=1))
    begin_at(emptied, BEGIN + timedelta(days=9))
    before = stored(emptied)
    with connect(storage_url) as reading:
        reading.execute("SELECT count(*) FROM readings")
        packed = storage.pack(emptied, BEGIN + timedelta(days=4), 2)
        assert (packed.chunks, packed.postponed) == (0, (BEGIN,))
        work(emptied, BEGIN + timedelta(days=4), StorageSettings(pack_after_days=2))
        assert rollup_store.progress(emptied).night_at == BEGIN + timedelta(days=3, hours=19)  # no matter
        assert count(emptied, "readings") == 1440
    put(emptied, batch((1, 1000, 1, 99.0, 0), (1, 7 * S, 1, 8.0, 0)))
    assert (
        len(stored(emptied)) == len(before) + 1
    )  # late, for a day that is closed and not packed; one of them is known
    assert storage.pack(emptied, BEGIN + timedelta(days=4), 2) == storage.Packed(1, 1440, 1, ())
    assert [row for row in stored(emptied) if row in before] == before
    assert len(stored(emptied)) == len(before) + 1


def test_what_a_gateway_said_of_a_device_out_of_reach_is_no_life_also_when_it_is_packed(undone: Connection) -> None:
    row = undone.execute(
        "INSERT INTO points (device_id, quantity, unit) SELECT min(id), 'alive', '1' FROM devices RETURNING id"
    ).fetchone()
    alive = row[0] if row else 0
    store.store_readings(undone, batch((alive, 5 * S, 250, 1.0, 0), (alive, 9 * S, 750, 0.0, 0)))
    open_ = dict(store.last_heard(undone, BEGIN))
    pack_all(undone, 2)
    store.store_readings(undone, batch((alive, 12 * S, 0, 0.0, 0)))
    assert open_ == dict(store.last_heard(undone, BEGIN)) == {alive: BEGIN_US + 5_250_000}
    store.store_readings(undone, batch((alive, 7 * S, 0, 1.0, 0)))
    assert dict(store.last_heard(undone, BEGIN)) == {alive: BEGIN_US + 7 * S}


def test_the_columnstore_is_asked_for_only_where_there_is_one(
    emptied: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(emptied, day_of(points=1))
    storage.roll_up(emptied, BEGIN + timedelta(days=2))
    before = stored(emptied)
    community = packing_store.has_columnstore(emptied)
    assert community == (edition(emptied)[1] == "community")
    if not community:  # what TimescaleDB says to the very statements, and that nothing is harmed by it
        with monkeypatch.context() as patch:
            patch.setattr(packing_store, "has_columnstore", lambda _: True)
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="license"):
                storage.pack(emptied, BEGIN + timedelta(days=20), 8.0)
    assert storage.pack(emptied, BEGIN + timedelta(days=20), 8.0).chunks == (0 if community else 1)
    assert stored(emptied) == before
