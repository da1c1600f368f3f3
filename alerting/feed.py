"""Following the event log: a snapshot, then every event after it, from one cursor.

Order is safe to rely on because appends take a lock that they hold to their commit (store.append).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import IsolationLevel

from alerting import store
from alerting.alert import Alert, AlertEvent
from ingest.database import Connection, connect

BATCH_COUNT_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All open alerts as of the event with id `cursor`."""

    cursor: int
    alerts: list[Alert]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the log, and the alert as it stands at the time of reading (which may already be further on)."""

    cursor: int
    recorded_at: datetime
    event: AlertEvent
    alert: Alert


def snapshot(connection: Connection) -> Snapshot:
    """All open alerts and the cursor that belongs to them, read as of one moment. Opens its own transaction."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            return Snapshot(store.last_event_id(connection), store.open_alerts(connection))
    finally:
        connection.isolation_level = None


def entries_after(connection: Connection, cursor: int) -> list[Entry]:
    """At most BATCH_COUNT_MAX entries after `cursor`, in order: one question, as of one moment."""
    return [Entry(*each) for each in store.entries_after(connection, cursor, BATCH_COUNT_MAX)]


def follow(database_url: str, cursor: int, *, wait_s: float) -> Iterator[list[Entry]]:
    """Entries after `cursor` as they are recorded; an empty list whenever `wait_s` has passed without one.

    The caller ends it by leaving the loop. Raises DatabaseUnavailable, psycopg.OperationalError when the connection
    breaks: begin again from the last cursor.
    """
    with connect(database_url, autocommit=True, application="anhu feed") as connection:
        connection.execute(f"LISTEN {store.CHANNEL}".encode())
        while True:
            entries = entries_after(connection, cursor)
            if entries:
                cursor = entries[-1].cursor
                yield entries
                continue
            if not any(True for _ in connection.notifies(timeout=wait_s, stop_after=1)):
                yield []
