"""Rollups and packed days in a real TimescaleDB: whatever is rolled up, packed, merged or cleared, and in whatever
order readings come, the same questions get the same answers."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from alerting import backtest_run as backtest
from alerting import self_alerts
from alerting import store as alert_store
from alerting.storage_upkeep import RULE, Upkeep, work
from anhu import doctor, runtime
from anhu.cli import app
from anhu.language import Language
from ingest import history, packing_store, rollup_store, storage, store
from ingest.database import Connection, connect, edition
from ingest.reading import ReadingBatch, from_us, to_us
from ingest.settings import StorageSettings
from tests.conftest import drop_database, make_database, named
from tests.integration.storage_world import (
    ALL,
    BEGIN,
    BEGIN_US,
    DAY_US,
    EVER,
    POINTS,
    TABLES,
    S,
    batch,
    begin_at,
    count,
    day_of,
    expected_rollup,
    pack_all,
    put,
    stored,
    waits_for_lock,
)
from tests.integration.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def module_url(services: runtime.Services, template_database: str) -> Iterator[str]:
    """A database with one home, for all of these tests: each cleans up."""
    name = "anhu_test_storage"
    make_database(services.database_url, name, template_database)
    url = named(services.database_url, name)
    World(url)
    yield url
    drop_database(services.database_url, name)


@pytest.fixture
def connection(module_url: str) -> Iterator[Connection]:
    """A connection in a transaction that is undone; the rollups stand at BEGIN."""
    with connect(module_url) as opened, opened.transaction(force_rollback=True):
        begin_at(opened, BEGIN)
        yield opened


@pytest.fixture
def own(module_url: str) -> Iterator[Connection]:
    """A connection that commits by itself; the rollups stand at BEGIN. Afterwards nothing is stored any more."""
    with connect(module_url, autocommit=True) as opened:
        begin_at(opened, BEGIN)
        yield opened
        for table in TABLES:
            opened.execute(f"TRUNCATE {table}".encode())
        opened.execute("UPDATE storage_boundaries SET packing_until = to_timestamp(0)")
        opened.execute("UPDATE storage_progress SET minutes_since = to_timestamp(0), night_at = NULL")


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
def test_packed_days_and_what_comes_late_are_what_was_stored(module_url: str, sent: list, late: list) -> None:
    first = {(point, at): (point, at, delay, value, quality) for point, at, delay, value, quality in reversed(sent)}
    with connect(module_url) as connection, connection.transaction(force_rollback=True):
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


def test_a_packing_that_is_cut_off_leaves_everything_as_it_was(own: Connection, module_url: str) -> None:
    put(own, day_of())
    before = stored(own)
    begin_at(own, BEGIN + timedelta(days=2))
    packing_store.close(own, BEGIN + timedelta(days=1))
    [chunk] = packing_store.closed_chunks(own)
    with connect(module_url) as other:
        assert packing_store.pack(other, chunk) == len(before)
        own.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            other.commit()
    assert stored(own) == before
    assert count(own, "readings_packed") == 0
    assert packing_store.closed_chunks(own) == [chunk]
    with own.transaction():
        packing_store.pack(own, chunk)
    assert stored(own) == before
    assert (count(own, "readings"), count(own, "readings_packed")) == (0, 3)


def test_a_day_is_closed_only_after_those_who_are_storing_into_it(own: Connection, module_url: str) -> None:
    put(own, day_of(points=1))
    begin_at(own, BEGIN + timedelta(days=2))
    closed = threading.Event()

    def close() -> None:
        with connect(module_url) as closing:
            packing_store.close(closing, BEGIN + timedelta(days=1))
        closed.set()

    with connect(module_url) as storing:
        store.store_readings(storing, batch((1, 30 * S, 5, 1.25, 0)))  # not yet committed
        closer = threading.Thread(target=close)
        closer.start()
        wait_until(lambda: waits_for_lock(own), "closing waits for who is storing")
        assert not closed.is_set()
    closer.join(30)
    assert closed.is_set()
    [chunk] = packing_store.closed_chunks(own)
    with own.transaction():
        assert packing_store.pack(own, chunk) == 1441
    # from now on it is late, wherever it comes from
    put(own, batch((1, 40 * S, 5, 2.25, 0)))
    assert (count(own, "readings"), count(own, "readings_late")) == (0, 1)
    assert len(stored(own)) == 1442


def test_a_day_that_is_being_read_is_packed_another_time(
    own: Connection, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing_store, "DROP_TRIES", 1)
    monkeypatch.setattr(packing_store, "DROP_WAIT_S", 0.05)
    put(own, day_of(points=1))
    begin_at(own, BEGIN + timedelta(days=9))
    before = stored(own)
    with connect(module_url) as reading:
        reading.execute("SELECT count(*) FROM readings")
        packed = storage.pack(own, BEGIN + timedelta(days=4), 2)
        assert (packed.chunks, packed.postponed) == (0, (BEGIN,))
        work(own, BEGIN + timedelta(days=4), StorageSettings(pack_after_days=2))
        assert rollup_store.progress(own).night_at == BEGIN + timedelta(days=3, hours=19)  # no matter
        assert count(own, "readings") == 1440
    put(own, batch((1, 1000, 1, 99.0, 0), (1, 7 * S, 1, 8.0, 0)))
    assert len(stored(own)) == len(before) + 1  # late, for a day that is closed and not packed; one of them is known
    assert storage.pack(own, BEGIN + timedelta(days=4), 2) == storage.Packed(1, 1440, 1, ())
    assert [row for row in stored(own) if row in before] == before
    assert len(stored(own)) == len(before) + 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rollups_hold_what_was_measured_in_whatever_order_it_comes(own: Connection, seed: int) -> None:
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
            put(own, batch(*sent))
        if random.random() < 0.7:
            storage.roll_up(own, BEGIN + timedelta(seconds=now_s))
    storage.roll_up(own, BEGIN + timedelta(seconds=now_s, hours=1))
    standing = rollup_store.progress(own)
    assert standing.rolled_until > BEGIN + timedelta(seconds=now_s)
    assert rollup_store.late_hours(own) == 0
    minutes = own.execute("SELECT * FROM readings_1min ORDER BY bucket, point_id").fetchall()
    assert minutes == expected_rollup(own, "readings_1min", standing.rolled_until)
    whole_hours = standing.rolled_until.replace(minute=0)
    hours = own.execute("SELECT * FROM readings_1h ORDER BY bucket, point_id").fetchall()
    assert hours == expected_rollup(own, "readings_1h", whole_hours)


def test_a_reading_stored_while_the_rollup_moves_on_is_in_it(own: Connection, module_url: str) -> None:
    """The one who stores has seen the old boundary; whoever moves it on waits for his commit."""
    with connect(module_url) as storing:
        store.store_readings(storing, batch((1, 20 * S, 5, 4.0, 0)))
        roller = threading.Thread(target=_roll, args=(module_url, BEGIN + timedelta(minutes=5)))
        roller.start()
        wait_until(lambda: waits_for_lock(own), "the roller waits for who is storing")
    roller.join(30)
    assert own.execute("SELECT point_id, count, last FROM readings_1min").fetchall() == [(1, 1, 4.0)]


def test_who_stores_does_not_wait_for_who_rolls_up(own: Connection, module_url: str) -> None:
    put(own, batch((1, 20 * S, 5, 4.0, 0)))
    with own.transaction():
        rollup_store.announce(own, BEGIN + timedelta(minutes=5))
    with connect(module_url) as rolling, connect(module_url, autocommit=True) as storing:
        assert rollup_store.roll(rolling)  # and its commit takes as long as a disk likes
        storing.execute("SET lock_timeout = '1s'")
        put(storing, batch((1, 40 * S, 5, 6.0, 0)))
    storage.roll_up(own, BEGIN + timedelta(minutes=5))
    assert own.execute("SELECT point_id, count, last FROM readings_1min").fetchall() == [(1, 2, 6.0)]


def _roll(url: str, now: datetime) -> None:
    with connect(url, autocommit=True) as connection:
        storage.roll_up(connection, now)


def test_a_chart_of_any_span_shows_every_peak_and_the_newest_minutes(connection: Connection) -> None:
    """Raw, by minutes and by hours, over packed days and open ones, with marks waiting, it tells the same."""
    random = np.random.default_rng(5)
    at_s = np.unique(random.integers(0, 4 * 86_400, 9000))
    value = random.normal(20, 1, len(at_s)).astype(np.float32)
    value[4000], value[-2] = 95.0, 77.0  # an alarm of one reading, and one just now
    store.store_readings(
        connection, batch(*[(1, int(s) * S, 5, float(v), 0) for s, v in zip(at_s, value, strict=True)])
    )
    now = BEGIN + timedelta(days=4)
    storage.roll_up(connection, now - timedelta(minutes=50))
    packing_store.close(connection, BEGIN + timedelta(days=2))
    for chunk in packing_store.closed_chunks(connection):
        packing_store.pack(connection, chunk)
    spike_s = 200_000
    store.store_readings(connection, batch((1, spike_s * S + 1, 5, 88.0, 0)))  # late, its hour is marked
    at_us, value = np.append(at_s * S, spike_s * S + 1), np.append(value, np.float32(88.0))
    assert rollup_store.late_hours(connection) == 1
    widths = set()
    for days, points_max in ((4, 96), (4, 90), (4, 600), (2.53, 60), (0.4, 600), (0.9, 300), (4, 1), (4, 20_000)):
        start = now - timedelta(days=days) + timedelta(seconds=17)
        source = history.source_of(start, now, points_max, rollup_store.progress(connection))
        widths.add(source.table if source else None)
        found = history.series(connection, [1, 2], start, now, points_max)
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


def test_the_last_reading_is_found_wherever_it_is_kept(connection: Connection) -> None:
    ids = {row[0] for row in connection.execute("SELECT id FROM points")}
    packed, late, open_, silent = sorted(ids)[:4]
    store.store_readings(
        connection, batch((packed, 5 * S, 250, 1.0, 0), (packed, 9 * S, 750, 2.0, 0), (open_, 3 * DAY_US, 10, 3.0, 0))
    )
    pack_all(connection, 2)
    store.store_readings(connection, batch((late, 7 * S, 40_000, 4.0, 0), (open_, 8 * S, 1, 5.0, 0)))
    found = history.last_readings(connection, [packed, late, open_, silent])
    at = BEGIN + timedelta(seconds=9)
    assert found[packed] == (at, at + timedelta(milliseconds=750), 2.0)
    assert (found[late].value, found[open_].value) == (4.0, 3.0)
    assert silent not in found
    heard = dict(store.last_heard(connection, BEGIN - timedelta(days=1)))
    assert heard == {packed: BEGIN_US + 9_750_000, late: BEGIN_US + 47 * S, open_: BEGIN_US + 3 * DAY_US + 10_000}
    assert dict(store.last_heard(connection, BEGIN + timedelta(seconds=8))).keys() == {packed, open_}
    after = history.samples_after(connection, {packed: BEGIN, open_: BEGIN}, 10)
    assert [(each.point_id, each.value) for each in after] == [(packed, 1.0), (packed, 2.0), (open_, 5.0), (open_, 3.0)]
    assert [each.value for each in history.samples_after(connection, {packed: BEGIN}, 1)] == [1.0]


def test_a_backtest_reads_packed_days_a_step_at_a_time(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    store.store_readings(connection, day_of(step_s=300, days=3))
    before = store.readings_since(connection, BEGIN, BEGIN + timedelta(days=3))
    pack_all(connection, 2)
    reads: list[datetime] = []
    readings_since = store.readings_since

    def read(connection: Connection, since: datetime, until: datetime) -> ReadingBatch:
        reads.append(since)
        return readings_since(connection, since, until)

    monkeypatch.setattr(store, "readings_since", read)
    monkeypatch.setattr(backtest, "READ_COUNT", 250)
    begin, end = BEGIN + timedelta(minutes=3), BEGIN + timedelta(days=3) - timedelta(minutes=4)
    found = list(backtest.steps(connection, begin, end))
    assert len(found) == 432
    assert [until for until, _ in found] == [min(begin + backtest.STEP * n, end) for n in range(1, 433)]
    for until, batch_ in found:
        assert (batch_.measured_at_us < to_us(until)).all()
        assert (batch_.measured_at_us >= to_us(until - backtest.STEP)).all()
    inside = (before.measured_at_us >= to_us(begin)) & (before.measured_at_us < to_us(end))
    together = np.concatenate([batch_.value for _, batch_ in found])
    assert together.tobytes() == before.value[inside].tobytes()
    assert len(reads) < 60, "a packed day is not unpacked for every step"


def test_settled_hours_are_sorted_once_and_are_the_same(own: Connection) -> None:
    put(own, day_of(points=4, step_s=900, days=2))
    storage.roll_up(own, BEGIN + timedelta(days=3))
    before = own.execute("SELECT * FROM readings_1h ORDER BY point_id, bucket").fetchall()
    assert len(before) == 4 * 48
    order = "SELECT point_id FROM readings_1h"  # as they lie
    assert [row[0] for row in own.execute(order)] != sorted(row[1] for row in before)
    assert storage.sort_hours(own, BEGIN) == 0  # something may still come
    assert storage.sort_hours(own, BEGIN + timedelta(days=60)) == 1
    assert [row[0] for row in own.execute(order)] == sorted(row[1] for row in before)
    assert own.execute("SELECT * FROM readings_1h ORDER BY point_id, bucket").fetchall() == before
    assert storage.sort_hours(own, BEGIN + timedelta(days=60)) == 0


def test_what_a_gateway_said_of_a_device_out_of_reach_is_no_life_also_when_it_is_packed(connection: Connection) -> None:
    row = connection.execute(
        "INSERT INTO points (device_id, quantity, unit) SELECT min(id), 'alive', '1' FROM devices RETURNING id"
    ).fetchone()
    alive = row[0] if row else 0
    store.store_readings(connection, batch((alive, 5 * S, 250, 1.0, 0), (alive, 9 * S, 750, 0.0, 0)))
    open_ = dict(store.last_heard(connection, BEGIN))
    pack_all(connection, 2)
    store.store_readings(connection, batch((alive, 12 * S, 0, 0.0, 0)))
    assert open_ == dict(store.last_heard(connection, BEGIN)) == {alive: BEGIN_US + 5_250_000}
    store.store_readings(connection, batch((alive, 7 * S, 0, 1.0, 0)))
    assert dict(store.last_heard(connection, BEGIN)) == {alive: BEGIN_US + 7 * S}


def test_what_is_past_its_time_goes_and_the_rollups_stay(own: Connection) -> None:
    for day in (0, 30, 31, 50):
        put(own, batch((1, day * DAY_US + 5 * S, 1, float(day), 0)))
    now = BEGIN + timedelta(days=51)
    short = StorageSettings(raw_days=31, minute_days=15, pack_after_days=10)
    storage.pack(own, now, short.pack_after_days)  # nothing is rolled up: nothing may be packed or dropped
    assert storage.clear(own, now, short) == 0
    assert count(own, "readings") == 4
    storage.roll_up(own, now)
    assert storage.pack(own, now, short.pack_after_days).chunks == 3
    storage.clear(own, now, short)
    kept = [row[1].date() for row in own.execute(ALL, EVER).fetchall()]
    assert kept[-1] == (BEGIN + timedelta(days=50)).date()
    assert BEGIN.date() not in kept
    assert count(own, "readings_1min") == 1
    assert [row[0] for row in own.execute("SELECT last FROM readings_1h ORDER BY bucket")] == [0, 30, 31, 50]
    # a chart of the time from which there are no minutes any more is made of the readings
    span = BEGIN + timedelta(days=31), BEGIN + timedelta(days=32)
    assert history.source_of(*span, 600, rollup_store.progress(own)) is None
    assert history.series(own, [1], *span, 600)[1].value == [31.0]
    storage.clear(own, now + timedelta(days=200), short)
    assert count(own, "readings_packed") == count(own, "packed_days") == 0
    assert len(history.series(own, [1], BEGIN, now, 3)[1].value) == 3  # of the hours, four readings in three parts


def test_the_upkeep_works_by_night_once_and_tells_when_it_fails(own: Connection) -> None:
    now = BEGIN + timedelta(days=30)
    times = [now]
    upkeep = Upkeep("", StorageSettings(), clock=lambda: times[-1])
    put(own, day_of(points=2, step_s=900))
    upkeep.look(own)
    standing = rollup_store.progress(own)
    assert standing.night_at == datetime(2026, 10, 30, 19, tzinfo=UTC)
    assert (count(own, "readings"), count(own, "readings_packed")) == (0, 2)
    assert count(own, "readings_1h") == 48
    times.append(now + timedelta(hours=2))
    put(own, batch((1, 11 * S, 1, 5.0, 0)))
    upkeep.look(own)
    assert count(own, "readings_late") == 1  # merged by the next night
    assert own.execute("SELECT count FROM readings_1h ORDER BY bucket, point_id LIMIT 1").fetchone() == (3,)
    own.execute("ALTER TABLE readings_1min RENAME TO elsewhere")
    for moved in (20, 21):
        times.append(now + timedelta(hours=moved))
        upkeep.look(own)
        alert = alert_store.open_alert(own, self_alerts.KEY)
        assert alert is not None
        assert alert.rules == {RULE}
    own.execute("ALTER TABLE elsewhere RENAME TO readings_1min")
    upkeep.look(own)
    assert not (alert_store.open_alert(own, self_alerts.KEY) or alert).active
    assert count(own, "readings_late") == 0
    events = own.execute("SELECT verb, rule FROM alert_events ORDER BY id").fetchall()
    assert events == [("raise", RULE), ("clear", RULE)]


def test_the_columnstore_is_asked_for_only_where_there_is_one(own: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    put(own, day_of(points=1))
    storage.roll_up(own, BEGIN + timedelta(days=2))
    before = stored(own)
    community = packing_store.has_columnstore(own)
    assert community == (edition(own)[1] == "community")
    if not community:  # what TimescaleDB says to the very statements, and that nothing is harmed by it
        with monkeypatch.context() as patch:
            patch.setattr(packing_store, "has_columnstore", lambda _: True)
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="license"):
                storage.pack(own, BEGIN + timedelta(days=20), 8.0)
    assert storage.pack(own, BEGIN + timedelta(days=20), 8.0).chunks == (0 if community else 1)
    assert stored(own) == before


def test_the_commands_and_the_doctor_tell_what_is_stored(
    own: Connection, module_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("ANHU_DATABASE_URL", module_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://nobody:x@127.0.0.1:1")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    begin_at(own, BEGIN)
    put(own, day_of())

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["storage", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "open 4,320" in run("status")
    assert "1 days with 4320 readings packed" in run("pack", "--after-days", "2")
    told = run("status")
    assert "packed 4,320" in told
    assert "readings_packed" in told
    assert "more tables" in told
    assert "kept: readings 400 days" in told
    assert "1 chunks dropped" in run("retain")  # the minutes of a day long ago
    with connect(module_url, autocommit=True) as busy, packing_store.turn(busy) as mine:
        assert mine
        monkeypatch.setattr("anhu.commands.storage.TURN_S_MAX", 0.0)
        refused = CliRunner().invoke(app, ["storage", "pack"])
        assert refused.exit_code == 1
        assert "packing just now" in refused.output
    [finding] = doctor._storage(doctor.Words(Language.EN), {"ANHU_DATABASE_URL": module_url}, tmp_path)  # type: ignore[arg-type]
    assert "packed 4,320" in finding.seen
