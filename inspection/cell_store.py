"""All SQL of cells: the publication in a cell, a cell's database and subscription above, and what stands in it."""

from collections.abc import Sequence
from typing import Final

from psycopg import sql

from ingest.database import Connection
from inspection.cells import PREFIX, PUBLISHED, CellSummary, Levels, ServerAbove
from inspection.errors import CellRefused

PUBLICATION: Final = "anhu_cell"
_GUARD: Final = """
    CREATE OR REPLACE FUNCTION cells_are_read_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'a cell''s records are changed in the cell alone' USING ERRCODE = 'read_only_sql_transaction';
    END $$
"""


def levels(connection: Connection) -> Levels:
    """The newest migration of each package."""
    rows = connection.execute("SELECT package, max(version) FROM anhu_migrations GROUP BY package")
    return {package: int(version) for package, version in rows}


def publish(connection: Connection) -> None:
    """Have the server of this cell offer its records. Raises CellRefused where its settings do not allow it."""
    [(wal_level, kept)] = connection.execute(
        "SELECT current_setting('wal_level'), current_setting('max_slot_wal_keep_size')"
    ).fetchall()
    if wal_level != "logical":
        raise CellRefused(f"wal_level is {wal_level}: set wal_level = logical in the cell's PostgreSQL and restart it")
    if kept == "-1":
        raise CellRefused(
            "max_slot_wal_keep_size is unlimited: a server above that is away would fill this cell's disk. Set it, to"
            " 8GB say, and reload"
        )
    tables = sql.SQL(", ").join(map(sql.Identifier, PUBLISHED))
    known = connection.execute("SELECT FROM pg_publication WHERE pubname = %s", (PUBLICATION,)).fetchone()
    verb = "ALTER PUBLICATION {} SET TABLE {}" if known is not None else "CREATE PUBLICATION {} FOR TABLE {}"
    connection.execute(sql.SQL(verb).format(sql.Identifier(PUBLICATION), tables))


def servers_above(connection: Connection) -> list[ServerAbove]:
    """Each that takes, or took, this cell's records."""
    rows = connection.execute(
        "SELECT slot_name::text, active, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint,"
        " coalesce(wal_status = 'lost', false)"
        " FROM pg_replication_slots WHERE slot_name LIKE %s AND database = current_database() ORDER BY 1",
        (PREFIX.replace("_", r"\_") + "%",),
    )
    return [ServerAbove(*row) for row in rows]


def drop_slot(connection: Connection, name: str) -> None:
    """Forget a server above that will not come back."""
    connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def make_database(server: Connection, name: str) -> None:
    """A cell's database, on a connection that commits by itself. Raises CellRefused where it is there."""
    if server.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
        raise CellRefused(f"{name} is there already: anhu cell leave first")
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_database(server: Connection, name: str) -> None:
    """Forget a cell's records."""
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def subscribe(connection: Connection, name: str, cell_url: str) -> None:
    """Take a cell's records, all there are and those that come, in its database above; nobody else may change them.
    On a connection that commits by itself."""
    connection.execute(_GUARD)
    for table in PUBLISHED:
        guard = (
            "CREATE OR REPLACE TRIGGER cells_are_read_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {}"
            " FOR EACH STATEMENT EXECUTE FUNCTION cells_are_read_only()"
        )
        connection.execute(sql.SQL(guard).format(sql.Identifier(table)))
    connection.execute(
        sql.SQL("CREATE SUBSCRIPTION {name} CONNECTION {url} PUBLICATION {publication}").format(
            name=sql.Identifier(name), url=sql.Literal(cell_url), publication=sql.Identifier(PUBLICATION)
        )
    )


def unsubscribe(connection: Connection, name: str, *, cell_is_gone: bool) -> None:
    """Take no more of it; its slot in the cell goes, too, unless the `cell_is_gone`. On a connection that commits by
    itself."""
    subscription = sql.Identifier(name)
    if cell_is_gone:
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(subscription))
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(subscription))
    connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))


def databases(server: Connection) -> list[str]:
    """Those of the cells."""
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", (PREFIX.replace("_", r"\_") + "%",)
    )
    return [name for (name,) in rows]


def summary(connection: Connection, name: str) -> CellSummary:
    """What stands in the cell's database above."""
    [(institutions,)] = connection.execute("SELECT count(*) FROM institutions").fetchall()
    state = connection.execute(
        "SELECT pid IS NOT NULL, extract(epoch FROM clock_timestamp() - latest_end_time)::float8"
        " FROM pg_stat_subscription WHERE subname = %s AND relid IS NULL",
        (PREFIX + name,),
    ).fetchone()
    [(copying,)] = connection.execute(
        "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')"
    ).fetchall()
    connected, behind_s = state or (False, None)
    return CellSummary(
        name,
        int(institutions),
        _counted(connection, "SELECT priority::text, count(*) FROM alerts WHERE open GROUP BY 1 ORDER BY 1"),
        _counted(connection, "SELECT state::text, count(*) FROM hazards GROUP BY 1 ORDER BY 1"),
        _counted(
            connection,
            "SELECT grade, count(*) FROM (SELECT DISTINCT ON (institution_id) grade FROM ratings"
            " ORDER BY institution_id, as_of DESC, run_id DESC) AS newest GROUP BY 1 ORDER BY 1",
        ),
        bool(connected),
        behind_s,
        int(copying),
    )


def _counted(connection: Connection, question: str) -> dict[str, int]:
    rows: Sequence[tuple[str, int]] = connection.execute(question.encode()).fetchall()
    return {name: int(count) for name, count in rows}
