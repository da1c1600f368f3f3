"""Databases of earlier versions, as files: what a test of that version had left, table by table, in COPY's own form.

Recorded with ANHU_RECORD_DATABASES=FOLDER beside any test; kept in tests/recorded_databases. A file's first line says
up to which migrations its database had come.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final, NamedTuple

from psycopg import sql

from ingest.database import Connection, connect

FOLDER: Final = Path(__file__).parent / "recorded_databases"
_NOT_KEPT: Final = frozenset({"anhu_migrations", "sessions", "drill_key"})
_END: Final = "\\.\n"
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_COLUMNS: Final = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
    " AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
_REFERENCES: Final = (
    "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
    " WHERE contype = 'f' AND conrelid <> confrelid"
)
_TRIGGERS: Final = (
    "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname <> 'ts_insert_blocker'"
    " AND tgrelid::regclass::text = ANY(%s)"
)
_SEQUENCES: Final = (
    "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)"
    " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%s)"
    " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
)


class Table(NamedTuple):
    """One table's rows, each a line of COPY's text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]


class Recorded(NamedTuple):
    """A database as it was: the newest migration of each package, and what was in its tables."""

    levels: dict[str, int]
    tables: tuple[Table, ...]


def record(database_url: str, path: Path) -> None:
    """Write what is in the database into the file at `path`."""
    with connect(database_url) as connection, gzip.GzipFile(path, "wb", mtime=0) as out:
        levels = connection.execute(
            "SELECT package, max(version) FROM anhu_migrations GROUP BY package ORDER BY package"
        )
        out.write((" ".join(f"{package}={version}" for package, version in levels) + "\n").encode())
        for (name,) in connection.execute(_TABLES).fetchall():
            columns = tuple(column for (column,) in connection.execute(_COLUMNS, (name,)))
            rows = () if name in _NOT_KEPT else rows_of(connection, name, columns)
            if rows:
                out.write(f"{name} {' '.join(columns)}\n{''.join(rows)}{_END}".encode())


def rows_of(connection: Connection, table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """These columns of every row, each row a line, in the order of the lines."""
    question = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)
    )
    with connection.cursor() as cursor, cursor.copy(question) as copy:
        return tuple(sorted(bytes(row).decode() for row in copy))


def read(path: Path) -> Recorded:
    """What `record` wrote."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        levels = dict(each.split("=") for each in next(lines).split())
        tables = []
        for head in lines:
            name, *columns = head.split()
            rows = tuple(iter(lambda: next(lines), _END))
            tables.append(Table(name, tuple(columns), rows))
    return Recorded({package: int(version) for package, version in levels.items()}, tuple(tables))


def load(connection: Connection, recorded: Recorded) -> None:
    """Put it into a database of those migrations, in the caller's transaction."""
    tables = {each.name: each for each in recorded.tables}
    references: dict[str, set[str]] = {name: set() for name in tables}
    for name, other in connection.execute(_REFERENCES):
        if name in tables and other in tables:
            references[name].add(other)
    order = list(TopologicalSorter(references).static_order())
    with _without_triggers(connection, order):
        for name in reversed(order):  # rows that migrations have made
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for name in order:
            columns = sql.SQL(", ").join(map(sql.Identifier, tables[name].columns))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write("".join(tables[name].rows))
    for name, column, sequence in connection.execute(_SEQUENCES, (order,)).fetchall():
        newest = sql.SQL("SELECT setval(%s, coalesce(max({}), 1)) FROM {}")
        connection.execute(newest.format(sql.Identifier(column), sql.Identifier(name)), (sequence,))


@contextmanager
def _without_triggers(connection: Connection, tables: list[str]) -> Iterator[None]:
    """They would refuse, or make rows that are in the recording already."""
    triggers = connection.execute(_TRIGGERS, (tables,)).fetchall()
    for change in ("DISABLE", "ENABLE"):
        for table, name in triggers:
            words = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
            connection.execute(words.format(sql.Identifier(table), sql.SQL(change), sql.Identifier(name)))  # type: ignore[arg-type]
        if change == "DISABLE":
            yield
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the tables are in use
