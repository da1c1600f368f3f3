"""All SQL of how the database and who works with it are: connections by what they are for, weight, clock."""

from ingest.database import Connection


def sessions(connection: Connection) -> dict[str, int]:
    """How many connections there are, by what they say they are for."""
    rows = connection.execute(
        "SELECT application_name, count(*)::int FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'anhu %%' GROUP BY 1 ORDER BY 1",
        (),
    )
    return {str(name): int(count) for name, count in rows}


def database_bytes(connection: Connection) -> int:
    """What the whole database weighs. Work for the server where there are many tables: ask now and then."""
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def now_s(connection: Connection) -> float:
    """The server's clock, in seconds since 1970."""
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    return float(row[0]) if row else 0.0
