"""Connections to the database, and the migrations each package brings."""

import contextlib
import hashlib
import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg_pool import ConnectionPool

from ingest import reach
from ingest.errors import DatabaseUnavailable, MigrationConflict
from ingest.reach import Guard

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

CONNECT_TIMEOUT_S: Final = 10
_MIGRATION_LOCK: Final = 0x414E4855  # "ANHU": one process migrates at a time
_FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")

# The session speaks UTC, gives up on a lock or a statement rather than hang, and falls with a silent client, so that a
# dead pipeline's shard is free again within half a minute.
# A server that vanished without a word is noticed within half a minute, also while we only listen.
_WIRE: Final[dict[str, Any]] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_SESSION: Final = (
    "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


def connect(database_url: str, *, autocommit: bool = False, application: str = "anhu") -> Connection:
    """One connection. Raises DatabaseUnavailable."""
    try:
        return psycopg.connect(
            database_url,
            autocommit=autocommit,
            connect_timeout=CONNECT_TIMEOUT_S,
            options=_SESSION,
            application_name=application,
            **_WIRE,
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error)) from error


def of_server(url: str, database: str) -> str:
    """The address of another database of the same server.

    >>> of_server("postgresql://anhu@db/anhu?sslmode=require", "postgres")
    'postgresql://anhu@db/postgres?sslmode=require'
    """
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def cut(connection: Connection) -> None:
    """Cut the connection's socket, from any thread, which ends whatever call waits on it with an error."""
    if connection.closed:
        return
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


@contextmanager
def pool(database_url: str, *, count_max: int, application: str = "anhu", wait: bool = True) -> Iterator[Pool]:
    """A pool of at most `count_max` connections, closed at the end. Raises DatabaseUnavailable, unless it need not
    `wait` for the first."""
    settings = {
        "options": _SESSION, "application_name": application, "connect_timeout": CONNECT_TIMEOUT_S, **_WIRE
    }  # fmt: skip
    connections: Pool = ConnectionPool(
        database_url, min_size=1, max_size=count_max, open=False, timeout=CONNECT_TIMEOUT_S, kwargs=settings,
        check=ConnectionPool.check_connection,
    )  # fmt: skip
    try:
        try:
            connections.open(wait=wait, timeout=CONNECT_TIMEOUT_S)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        yield connections
    finally:
        connections.close()


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of a package's migrations/ folder."""

    package: str
    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the file's text: an applied migration must never change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str) -> list[Migration]:
    """The migrations of `package`, oldest first."""
    found = [
        Migration(package, int(matched[1]), entry.name, entry.read_text("utf-8"))
        for entry in resources.files(package).joinpath("migrations").iterdir()
        if (matched := _FILE_NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


def migrate(database_url: str, packages: tuple[str, ...]) -> list[Migration]:
    """Bring the database up to the newest schema of `packages`, in their order; what was applied is returned.

    Safe to run twice and by several processes at once: one holds the lock, the others then find nothing to do. Each
    migration is one transaction. The role of signed-in people's requests (ingest/reach.py) is made where this user may;
    `anhu doctor` tells where not. Raises DatabaseUnavailable, MigrationConflict.
    """
    applied: list[Migration] = []
    with connect(database_url, autocommit=True, application="anhu migrate") as connection:
        connection.execute("SET lock_timeout = '120s'; SET statement_timeout = 0")
        connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS anhu_migrations (package text, version int, name text NOT NULL,"
                " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (package, version))"
            )
            known = {
                (package, version): sha256
                for package, version, sha256 in connection.execute(
                    "SELECT package, version, sha256 FROM anhu_migrations"
                )
            }
            wanted = [each for package in packages for each in migrations_of(package)]
            _refuse_newer(known.keys() - {(each.package, each.version) for each in wanted}, packages)
            for migration in wanted:
                before = known.get((migration.package, migration.version))
                if before == migration.sha256:
                    continue
                if before is not None:
                    raise MigrationConflict(f"{migration.package}/{migration.name} was changed after it was applied")
                _apply(connection, migration)
                applied.append(migration)
            if applied or reach.guard(connection) is not Guard.READY:
                reach.prepare(connection)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_MIGRATION_LOCK,))
    return applied


def _refuse_newer(unknown: Iterable[tuple[str, int]], packages: tuple[str, ...]) -> None:
    """Whether all that was applied is known here. What a newer version made of the database an older one could neither
    read nor fill rightly."""
    if newer := sorted(f"{package}/{version:04d}" for package, version in unknown if package in packages):
        raise MigrationConflict(
            f"the database was upgraded by a newer Anhu ({', '.join(newer)}): install that version again, or restore"
            " the backup from before the upgrade"
        )


def _apply(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO anhu_migrations (package, version, name, sha256) VALUES (%s, %s, %s, %s)",
            (migration.package, migration.version, migration.name, migration.sha256),
        )


def edition(connection: Connection) -> tuple[str, str]:
    """TimescaleDB's version and its licence edition, `apache` or `community`."""
    row = connection.execute(
        "SELECT extversion, coalesce(current_setting('timescaledb.license', true), '') FROM pg_extension"
        " WHERE extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        raise DatabaseUnavailable("the database has no timescaledb extension")
    return str(row[0]), "community" if row[1] == "timescale" else "apache"
