"""Two cells and what is above, on two real servers: what the cells have on record arrives, once, whatever is killed."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from alerting import store
from alerting.alert import Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from anhu import postgres, runtime
from anhu.commands.cell import app
from anhu.commands.migrate import PACKAGES
from anhu.data_folder import DataFolder
from ingest.database import connect, migrate, of_server
from ingest.errors import DatabaseUnavailable
from ingest.reading import to_us
from inspection import cell_store
from inspection.cells import PUBLISHED, database_name
from tests import recorded_database
from tests.recorded_database import FOLDER
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
WAIT_S = 60.0
CELLS = {"a": "acts-to-zones", "b": "ratings"}


class Servers(NamedTuple):
    """The addresses of the cells' databases and of the server above, all by their superusers; the data folders."""

    cells: dict[str, str]
    above: str
    folders: dict[str, Path]

    def kept(self, cell: str) -> str:
        """The address of the cell's database above."""
        return of_server(self.above, database_name(cell))

    def kill(self, which: str) -> None:
        """SIGKILL for the whole server; who keeps it starts it again."""
        pid = int((self.folders[which] / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        before = psutil.Process(pid)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not before.is_running() or before.status() == psutil.STATUS_ZOMBIE, WAIT_S)
        url = self.above if which == "above" else self.cells["a"]
        wait_until(lambda: answers(url), WAIT_S)


def answers(url: str) -> bool:
    try:
        with connect(url):
            return True
    except DatabaseUnavailable:
        return False


def upward(url: str) -> str:
    """The same database by the user that docs/cells.md has made for who is above."""
    where = urlsplit(url)
    return urlunsplit(where._replace(netloc=f"upward:of-a-test@{where.netloc.rpartition('@')[2]}"))


def superuser_url(services: runtime.Services, folder: Path, database: str) -> str:
    where = urlsplit(services.database_url)
    login = f"{postgres.SUPERUSER}:{DataFolder(folder).secrets.postgres_superuser}"
    return urlunsplit(where._replace(netloc=f"{login}@{where.netloc.rpartition('@')[2]}", path=f"/{database}"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, packages_dir: Path) -> Iterator[Servers]:
    folders = {name: tmp_path_factory.mktemp(name, numbered=False) for name in ("below", "above")}
    for folder in folders.values():
        for parent in (folder, *folder.parents[:3]):
            parent.chmod(0o711)
    start = partial(runtime.start, durable=False, progress=print, packages_dir=packages_dir)
    below = folders["below"]
    with (
        start(below) as services,
        psycopg.connect(superuser_url(services, below, "postgres"), autocommit=True) as connection,
    ):
        connection.execute("ALTER SYSTEM SET wal_level = logical")
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'")
    with start(below) as services, start(folders["above"]) as above:
        with psycopg.connect(superuser_url(services, below, "postgres"), autocommit=True) as connection:
            for cell in CELLS:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(cell)))
            connection.execute("CREATE ROLE upward LOGIN REPLICATION BYPASSRLS PASSWORD 'of-a-test'")
            connection.execute("GRANT pg_read_all_data TO upward")
        cells = {cell: superuser_url(services, below, cell) for cell in CELLS}
        for cell, recording in CELLS.items():
            migrate(cells[cell], PACKAGES)
            with connect(cells[cell]) as connection:
                recorded_database.load(connection, recorded_database.read(FOLDER / f"2026-11-27-{recording}.gz"))
        yield Servers(cells, superuser_url(above, folders["above"], "postgres"), folders)


def records(url: str) -> dict[str, tuple[str, ...]]:
    """Every published row."""
    found = {}
    with connect(url) as connection:
        for table in PUBLISHED:
            columns = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
                " AND is_generated = 'NEVER' ORDER BY ordinal_position",
                (table,),
            )
            found[table] = recorded_database.rows_of(connection, table, tuple(name for (name,) in columns.fetchall()))
    return found


def arrived(servers: Servers, cell: str) -> bool:
    try:
        return records(servers.kept(cell)) == records(servers.cells[cell])
    except (DatabaseUnavailable, psycopg.OperationalError):
        return False  # it was killed


def raise_alert(url: str, kind: Kind) -> None:
    with connect(url) as connection:
        [(institution, zone, device)] = connection.execute(
            "SELECT institution_id, zone_id, id FROM devices ORDER BY id LIMIT 1"
        ).fetchall()
        source, at_us = Source(institution, zone, device), to_us(datetime.now(UTC))
        key = alert_id(Key(institution, device, kind), at_us)
        condition = Condition("r", kind, Priority.CRITICAL, latching=True)
        store.append(connection, [engine_event(key, Verb.RAISE, at_us, at_us, source, condition, {"value": 1.5})])


def keep_less_than_is_needed(url: str) -> None:
    """As when the server above stays away for too long: a checkpoint lets go of what nobody may have kept."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: connection.execute("SHOW max_slot_wal_keep_size").fetchone() == ("1MB",), WAIT_S)
        for _ in range(3):  # each ends a file of 16 MiB
            connection.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 100)), pg_switch_wal()")
        connection.execute("CHECKPOINT")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_cells_have_on_record_arrives_once_whatever_is_killed(servers: Servers) -> None:
    with connect(servers.above) as connection, pytest.raises(cell_store.CellRefused, match="wal_level is replica"):
        cell_store.publish(connection)
    for cell, url in servers.cells.items():
        with connect(url) as connection:
            cell_store.publish(connection)
        run("join", cell, "--from", upward(url), "--above", servers.above)
    for cell in CELLS:
        wait_until(lambda cell=cell: arrived(servers, cell), WAIT_S)  # type: ignore[misc]
    assert records(servers.kept("a")) != records(servers.kept("b"))
    assert any(records(servers.kept("b"))["ratings"])

    raise_alert(servers.cells["a"], Kind.GAS)
    servers.kill("above")
    raise_alert(servers.cells["b"], Kind.GAS)
    raise_alert(servers.cells["a"], Kind.CO)
    servers.kill("below")
    raise_alert(servers.cells["a"], Kind.SOS)
    for cell in CELLS:
        wait_until(lambda cell=cell: arrived(servers, cell), WAIT_S)  # type: ignore[misc]
    told = run("status", "--above", servers.above).splitlines()
    assert [line.split("\t")[0] for line in told] == ["a", "b"]
    with connect(servers.cells["a"]) as connection:
        [(critical,)] = connection.execute(
            "SELECT count(*) FROM alerts WHERE open AND priority = 'critical'"
        ).fetchall()
    assert f"critical={critical}" in told[0]

    with connect(servers.kept("a")) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("UPDATE alerts SET version = version + 1")

    run("leave", "a", "--above", servers.above)
    with connect(servers.cells["a"]) as connection:
        assert cell_store.servers_above(connection) == []
    raise_alert(servers.cells["b"], Kind.CO)
    wait_until(lambda: arrived(servers, "b"), WAIT_S)
    run("leave", "b", "--above", servers.above, "--cell-is-gone", "--forget")
    with connect(servers.cells["b"]) as connection:
        [above] = cell_store.servers_above(connection)
        assert (above.name, above.connected, above.lost) == (database_name("b"), False, False)
    keep_less_than_is_needed(servers.cells["b"])
    with connect(servers.cells["b"]) as connection:
        [above] = cell_store.servers_above(connection)
        assert (above.connected, above.lost, above.kept_bytes) == (False, True, 0)
        cell_store.drop_slot(connection, above.name)
        assert cell_store.servers_above(connection) == []
