"""Databases that earlier versions left (tests/recorded_databases) are brought up to date: every row stays what it was,
and the service goes on with them."""

from pathlib import Path

import pytest

from alerting import ledger, ledger_store, store
from anhu.commands.migrate import PACKAGES
from ingest import database
from ingest import store as ingest_store
from ingest.database import connect, migrate, migrations_of
from ingest.errors import MigrationConflict
from tests import recorded_database
from tests.recorded_database import FOLDER

pytestmark = pytest.mark.integration

RECORDED = sorted(FOLDER.glob("*.gz"))
# Whose rows are what an installation is: in every one of them something was recorded.
KEPT_WHOLE = {
    "institutions", "zones", "devices", "points", "readings", "alert_events", "alerts", "acts", "ledger", "persons",
    "users", "hazards", "hazard_events", "inspections", "inspection_events",
}  # fmt: skip


def at_the_levels_of(recorded: recorded_database.Recorded, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty database as that version made it."""
    with monkeypatch.context() as patched:
        patched.setattr(
            database,
            "migrations_of",
            lambda package: [each for each in migrations_of(package) if each.version <= recorded.levels[package]],
        )
        migrate(url, PACKAGES)


def test_what_matters_was_recorded() -> None:
    named = {table.name for path in RECORDED for table in recorded_database.read(path).tables}
    assert named >= KEPT_WHOLE


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_an_earlier_database_is_whole_after_the_upgrade(
    path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = recorded_database.read(path)
    at_the_levels_of(recorded, empty_database_url, monkeypatch)
    with connect(empty_database_url) as connection:
        recorded_database.load(connection, recorded)
    applied = migrate(empty_database_url, PACKAGES)
    assert applied
    assert all(each.version > recorded.levels[each.package] for each in applied)
    with connect(empty_database_url) as connection:
        for table in recorded.tables:
            assert recorded_database.rows_of(connection, table.name, table.columns) == tuple(sorted(table.rows)), (
                table.name
            )
        registry = ingest_store.load_registry(connection)
        assert len(registry.points) == sum(len(each.rows) for each in recorded.tables if each.name == "points")
        for alert in store.open_alerts(connection):
            assert alert.last_event_id > 0
        assert list(ledger_store.unchained(connection)) == []
        chain = ledger_store.entries(connection), ledger_store.checkpoints(connection)
        assert list(ledger.verify(*chain, None)) == []


def test_an_older_anhu_leaves_a_newer_database_alone(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute(
            "INSERT INTO anhu_migrations (package, version, name, sha256) VALUES ('alerting', 9999, '9999_x.sql', '')"
        )
    with pytest.raises(MigrationConflict, match=r"newer Anhu \(alerting/9999\)"):
        migrate(database_url, PACKAGES)
    assert migrate(database_url, ("ingest",)) == []  # of another package it says nothing
