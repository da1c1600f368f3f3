"""A backup of a running service, brought back elsewhere: every row, every key and account."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from alerting import store
from anhu import backup, packages, postgres, restore, runtime
from anhu.commands.migrate import PACKAGES
from anhu.data_folder import DataFolder
from anhu.errors import BackupFailed, BackupUnsound, DataFolderUnusable
from ingest.database import connect, migrate
from tests.integration.alerts import condition_of, said
from tests.integration.world import World

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table, readings included."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
        ).fetchall()
        return {
            name: sorted(row[0] for row in connection.execute(SQL("SELECT t::text FROM {} t").format(Identifier(name))))
            for (name,) in names
        }


def test_what_was_backed_up_comes_back_whole(data_dir: Path, packages_dir: Path) -> None:
    home, into = data_dir / "home", data_dir / "backups"
    told: list[str] = []
    with runtime.start(home, durable=False, progress=told.append, packages_dir=packages_dir) as services:
        migrate(services.database_url, PACKAGES)
        world = World(services.database_url)
        with connect(services.database_url) as connection:
            statement = (
                "INSERT INTO readings (measured_at, point_id, value, delay_ms) SELECT now(), id, 0.02, 7 FROM points"
            )
            connection.execute(statement)
            store.append(connection, [said(condition_of(world, "kit-smk-1"), "raise", 1)])
        (home / "ledger-key.pem").write_text("a key", "utf-8")
        programs = packages.find(packages_dir, progress=told.append, postgres_major=17).postgres
        made = backup.make(home, into, services.database_url, programs, NOW, told.append)
        before = everything(services.database_url)
        with pytest.raises(BackupFailed):  # the same second again
            backup.make(home, into, services.database_url, programs, NOW, told.append)
        broken = home / "broken.sqlite"
        broken.write_bytes(b"no database" * 1000)
        with pytest.raises(BackupFailed):
            backup.make(home, into, services.database_url, programs, NOW + timedelta(minutes=1), told.append)
        broken.unlink()
        later = backup.make(home, into, services.database_url, programs, NOW + timedelta(hours=1), told.append)
    assert made.name == "anhu-20261128T030000Z"
    assert not list(into.glob("*.partial"))
    assert {path.stat().st_mode & 0o077 for path in into.rglob("*")} == {0}  # nobody else reads it
    assert before["alert_events"]
    assert before["ledger"]

    back = data_dir / "back"
    manifest = restore.restore(made, back, packages_dir, told.append, durable=False)
    assert manifest.records["alert_events"] == len(before["alert_events"])
    assert (back / "ledger-key.pem").read_text("utf-8") == "a key"
    assert DataFolder(back).secrets == DataFolder(home).secrets
    with runtime.start(back, durable=False, progress=told.append, packages_dir=packages_dir) as services:
        assert everything(services.database_url) == before
        with connect(services.database_url) as connection:  # and it goes on from there
            connection.execute("DELETE FROM sessions")
    with pytest.raises(DataFolderUnusable):  # never over what is there
        restore.restore(made, back, packages_dir, told.append, durable=False)

    assert backup.thin_out(into, 1) == [made]
    archive = later / "postgres" / "base.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"\0")
    with pytest.raises(BackupUnsound, match=r"base\.tar\.gz"):
        restore.restore(later, data_dir / "third", packages_dir, told.append, durable=False)
    assert not (data_dir / "third").exists()


def test_a_backup_that_cannot_be_made_leaves_nothing(data_dir: Path, packages_dir: Path) -> None:
    home, into = data_dir / "home", data_dir / "backups"
    DataFolder(home)
    programs = packages.find(packages_dir, progress=print, postgres_major=17).postgres
    address = postgres.url(home / "socket", postgres.OWNER, "x")
    with pytest.raises(BackupFailed):
        backup.make(home, into, address, programs, NOW, print)
    assert not list(into.iterdir())
