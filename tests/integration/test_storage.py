"""What is stored, wherever it is kept: read again, kept up by night, cleared, and told by the commands."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from alerting import backtest_run as backtest
from alerting import self_alerts
from alerting import store as alert_store
from alerting.storage_upkeep import RULE, Upkeep
from anhu import doctor
from anhu.cli import app
from anhu.language import Language
from ingest import history, packing_store, rollup_store, storage, store
from ingest.database import Connection, connect
from ingest.reading import ReadingBatch, to_us
from ingest.settings import StorageSettings
from tests.integration.storage_world import (
    ALL,
    BEGIN,
    BEGIN_US,
    DAY_US,
    EVER,
    S,
    batch,
    begin_at,
    count,
    day_of,
    pack_all,
    put,
)

pytestmark = pytest.mark.integration


def test_the_last_reading_is_found_wherever_it_is_kept(undone: Connection) -> None:
    ids = {row[0] for row in undone.execute("SELECT id FROM points")}
    packed, late, open_, silent = sorted(ids)[:4]
    store.store_readings(
        undone, batch((packed, 5 * S, 250, 1.0, 0), (packed, 9 * S, 750, 2.0, 0), (open_, 3 * DAY_US, 10, 3.0, 0))
    )
    pack_all(undone, 2)
    store.store_readings(undone, batch((late, 7 * S, 40_000, 4.0, 0), (open_, 8 * S, 1, 5.0, 0)))
    found = history.last_readings(undone, [packed, late, open_, silent])
    at = BEGIN + timedelta(seconds=9)
    assert found[packed] == (at, at + timedelta(milliseconds=750), 2.0)
    assert (found[late].value, found[open_].value) == (4.0, 3.0)
    assert silent not in found
    heard = dict(store.last_heard(undone, BEGIN - timedelta(days=1)))
    assert heard == {packed: BEGIN_US + 9_750_000, late: BEGIN_US + 47 * S, open_: BEGIN_US + 3 * DAY_US + 10_000}
    assert dict(store.last_heard(undone, BEGIN + timedelta(seconds=8))).keys() == {packed, open_}
    after = history.samples_after(undone, {packed: BEGIN, open_: BEGIN}, 10)
    assert [(each.point_id, each.value) for each in after] == [(packed, 1.0), (packed, 2.0), (open_, 5.0), (open_, 3.0)]
    assert [each.value for each in history.samples_after(undone, {packed: BEGIN}, 1)] == [1.0]


def test_a_backtest_reads_packed_days_a_step_at_a_time(undone: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    store.store_readings(undone, day_of(step_s=300, days=3))
    before = store.readings_since(undone, BEGIN, BEGIN + timedelta(days=3))
    pack_all(undone, 2)
    reads: list[datetime] = []
    readings_since = store.readings_since

    def read(connection: Connection, since: datetime, until: datetime) -> ReadingBatch:
        reads.append(since)
        return readings_since(undone, since, until)

    monkeypatch.setattr(store, "readings_since", read)
    monkeypatch.setattr(backtest, "READ_COUNT", 250)
    begin, end = BEGIN + timedelta(minutes=3), BEGIN + timedelta(days=3) - timedelta(minutes=4)
    found = list(backtest.steps(undone, begin, end))
    assert len(found) == 432
    assert [until for until, _ in found] == [min(begin + backtest.STEP * n, end) for n in range(1, 433)]
    for until, batch_ in found:
        assert (batch_.measured_at_us < to_us(until)).all()
        assert (batch_.measured_at_us >= to_us(until - backtest.STEP)).all()
    inside = (before.measured_at_us >= to_us(begin)) & (before.measured_at_us < to_us(end))
    together = np.concatenate([batch_.value for _, batch_ in found])
    assert together.tobytes() == before.value[inside].tobytes()
    assert len(reads) < 60, "a packed day is not unpacked for every step"


def test_what_is_past_its_time_goes_and_the_rollups_stay(emptied: Connection) -> None:
    for day in (0, 30, 31, 50):
        put(emptied, batch((1, day * DAY_US + 5 * S, 1, float(day), 0)))
    now = BEGIN + timedelta(days=51)
    short = StorageSettings(raw_days=31, minute_days=15, pack_after_days=10)
    storage.pack(emptied, now, short.pack_after_days)  # nothing is rolled up: nothing may be packed or dropped
    assert storage.clear(emptied, now, short) == 0
    assert count(emptied, "readings") == 4
    storage.roll_up(emptied, now)
    assert storage.pack(emptied, now, short.pack_after_days).chunks == 3
    storage.clear(emptied, now, short)
    kept = [row[1].date() for row in emptied.execute(ALL, EVER).fetchall()]
    assert kept[-1] == (BEGIN + timedelta(days=50)).date()
    assert BEGIN.date() not in kept
    assert count(emptied, "readings_1min") == 1
    assert [row[0] for row in emptied.execute("SELECT last FROM readings_1h ORDER BY bucket")] == [0, 30, 31, 50]
    # a chart of the time from which there are no minutes any more is made of the readings
    span = BEGIN + timedelta(days=31), BEGIN + timedelta(days=32)
    assert history.source_of(*span, 600, rollup_store.progress(emptied)) is None
    assert history.series(emptied, [1], *span, 600)[1].value == [31.0]
    storage.clear(emptied, now + timedelta(days=200), short)
    assert count(emptied, "readings_packed") == count(emptied, "packed_days") == 0
    assert len(history.series(emptied, [1], BEGIN, now, 3)[1].value) == 3  # of the hours, four readings in three parts


def test_the_upkeep_works_by_night_once_and_tells_when_it_fails(emptied: Connection) -> None:
    now = BEGIN + timedelta(days=30)
    times = [now]
    upkeep = Upkeep("", StorageSettings(), clock=lambda: times[-1])
    put(emptied, day_of(points=2, step_s=900))
    upkeep.look(emptied)
    standing = rollup_store.progress(emptied)
    assert standing.night_at == datetime(2026, 10, 30, 19, tzinfo=UTC)
    assert (count(emptied, "readings"), count(emptied, "readings_packed")) == (0, 2)
    assert count(emptied, "readings_1h") == 48
    times.append(now + timedelta(hours=2))
    put(emptied, batch((1, 11 * S, 1, 5.0, 0)))
    upkeep.look(emptied)
    assert count(emptied, "readings_late") == 1  # merged by the next night
    assert emptied.execute("SELECT count FROM readings_1h ORDER BY bucket, point_id LIMIT 1").fetchone() == (3,)
    emptied.execute("ALTER TABLE readings_1min RENAME TO elsewhere")
    for moved in (20, 21):
        times.append(now + timedelta(hours=moved))
        upkeep.look(emptied)
        alert = alert_store.open_alert(emptied, self_alerts.KEY)
        assert alert is not None
        assert alert.rules == {RULE}
    emptied.execute("ALTER TABLE elsewhere RENAME TO readings_1min")
    upkeep.look(emptied)
    assert not (alert_store.open_alert(emptied, self_alerts.KEY) or alert).active
    assert count(emptied, "readings_late") == 0
    events = emptied.execute("SELECT verb, rule FROM alert_events ORDER BY id").fetchall()
    assert events == [("raise", RULE), ("clear", RULE)]


def test_the_commands_and_the_doctor_tell_what_is_stored(
    emptied: Connection, storage_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("ANHU_DATABASE_URL", storage_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://nobody:x@127.0.0.1:1")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    begin_at(emptied, BEGIN)
    put(emptied, day_of())

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
    with connect(storage_url, autocommit=True) as busy, packing_store.turn(busy) as mine:
        assert mine
        monkeypatch.setattr("anhu.commands.storage.TURN_S_MAX", 0.0)
        refused = CliRunner().invoke(app, ["storage", "pack"])
        assert refused.exit_code == 1
        assert "packing just now" in refused.output
    [finding] = doctor._storage(doctor.Words(Language.EN), {"ANHU_DATABASE_URL": storage_url}, tmp_path)  # type: ignore[arg-type]
    assert "packed 4,320" in finding.seen
