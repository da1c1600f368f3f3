"""The schema: brought up to date once, however often and by however many it is asked; history that cannot change."""

import subprocess

import psycopg
import pytest

from alerting import store
from anhu.commands.migrate import PACKAGES
from ingest import database
from ingest.database import Migration, connect, edition, migrate, migrations_of
from ingest.errors import DatabaseUnavailable, MigrationConflict
from tests.commands import COMMAND, environment
from tests.integration.alerts import condition_of, said
from tests.integration.world import World

pytestmark = pytest.mark.integration

FILES = sum(len(migrations_of(package)) for package in PACKAGES)


def tables(url: str) -> set[str]:
    with connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row[0] for row in rows}


def test_a_second_run_finds_nothing_to_do(empty_database_url: str) -> None:
    assert len(migrate(empty_database_url, PACKAGES)) == FILES
    assert migrate(empty_database_url, PACKAGES) == []
    assert {"readings", "alert_events", "alerts", "institutions"} <= tables(empty_database_url)
    with connect(empty_database_url) as connection:
        assert edition(connection)[1] in ("apache", "community")
        interval = connection.execute(
            "SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'readings'"
        ).fetchone()
    assert interval is not None
    assert interval[0].days == 1


def test_three_processes_at_once(empty_database_url: str) -> None:
    env = environment(ANHU_DATABASE_URL=empty_database_url, ANHU_MQTT_URL="mqtt://nobody:x@127.0.0.1:1")
    running = [
        subprocess.Popen([*COMMAND, "migrate"], env=env, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]  # fmt: skip
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert sum(text.count("applied ") for text in told) == FILES
    with connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM anhu_migrations").fetchone() == (FILES,)


def test_a_changed_file_is_refused_by_name(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE anhu_migrations SET sha256 = 'another' WHERE package = 'alerting' AND version = 1")
    with pytest.raises(MigrationConflict, match=r"alerting/0001_alerting\.sql was changed"):
        migrate(database_url, PACKAGES)


def test_a_migration_that_fails_leaves_nothing_and_the_lock_free(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Migration("ingest", 1, "0001_good.sql", "CREATE TABLE first_one (x int)")
    bad = Migration("ingest", 2, "0002_bad.sql", "CREATE TABLE second_one (x int); SELECT 1 / 0")
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations_of", lambda _package: [good, bad])
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(empty_database_url, ("ingest",))
    assert tables(empty_database_url) >= {"first_one"}
    assert "second_one" not in tables(empty_database_url)
    with connect(empty_database_url) as connection:
        assert connection.execute("SELECT version FROM anhu_migrations").fetchall() == [(1,)]
        assert connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)


def test_a_database_that_is_not_there_is_told_apart(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate(database_url.replace("anhu_test_", "anhu_missing_"), PACKAGES)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alert_events SET actor = 'nobody'",
        "UPDATE alert_events SET actor = 'nobody' WHERE false",
        "DELETE FROM alert_events",
        "TRUNCATE alert_events",
        "TRUNCATE alert_events CASCADE",
    ],
)
def test_the_event_log_is_append_only(world: World, statement: str) -> None:
    with connect(world.database_url) as connection:
        store.append(connection, [said(condition_of(world, "kit-smk-1"), "raise", 0)])
    with connect(world.database_url) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute(statement.encode())
    assert world.events() == [("raise", "r")]
