"""The storage's own work: rolling up all the time; by night packing what is closed and clearing away what is past its
time. Every step is a transaction of its own, so that it can be ended anywhere, and goes on where it was."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from ingest import packing_store, rollup_store
from ingest.database import Connection
from ingest.reading import to_us
from ingest.settings import StorageSettings

SETTLED: Final = timedelta(days=9)
GRACE: Final = timedelta(seconds=10)  # for readings on their way: what comes later is late, and costs a mark

log = structlog.get_logger("ingest.storage")


@dataclass(frozen=True, slots=True)
class Packed:
    """What one packing did: chunks and their readings, days of points that late readings were merged into, and the days
    that could not be packed because they were being read all the time (first of each chunk)."""

    chunks: int = 0
    readings: int = 0
    merged: int = 0
    postponed: tuple[datetime, ...] = ()


def roll_up(connection: Connection, now: datetime, ended: Callable[[], bool] = lambda: False) -> None:
    """Bring the rollups up to `now`, late readings included, or as far as it gets until it is `ended`. The connection
    commits by itself."""
    with connection.transaction():
        rollup_store.announce(connection, rollup_store.minute_of(to_us(now - GRACE)))
    for step in (rollup_store.roll, rollup_store.roll_late):
        more = True
        while more and not ended():
            with connection.transaction():
                more = bool(step(connection))


def pack(connection: Connection, now: datetime, after_days: float, ended: Callable[[], bool] = lambda: False) -> Packed:
    """Pack the days that ended `after_days` before `now`, and merge what came late. The connection commits by
    itself."""
    if packing_store.has_columnstore(connection):
        with connection.transaction():
            packing_store.use_columnstore(connection, after_days)
        return Packed()
    midnight = (now - timedelta(days=after_days)).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.transaction():
        packing_store.close(connection, midnight)
    chunks, readings, merged, postponed = 0, 0, 0, []
    for chunk in packing_store.closed_chunks(connection):
        if ended():
            break
        try:
            with connection.transaction():
                readings += packing_store.pack(connection, chunk)
            chunks += 1
        except psycopg.errors.LockNotAvailable:
            log.warning("a day is being read and could not be packed", day=chunk.start.isoformat())
            postponed.append(chunk.start)
    more = True
    while more and not ended():
        with connection.transaction():
            some = packing_store.merge_late(connection)
        merged += some
        more = some > 0
    return Packed(chunks, readings, merged, tuple(postponed))


def sort_hours(connection: Connection, now: datetime, ended: Callable[[], bool] = lambda: False) -> int:
    """Have the hours of a year, once nothing comes for them any more, lie point by point, so that its chart need not be
    gathered from all over the disk; how many chunks were written anew. The connection commits by itself."""
    count = 0
    for chunk in packing_store.unsorted_hours(connection, now - SETTLED):
        if ended():
            break
        try:
            with connection.transaction():
                packing_store.sort_hours(connection, chunk)
            count += 1
        except psycopg.errors.LockNotAvailable:
            log.warning("hours are being read and could not be sorted", start=chunk.start.isoformat())
    return count


def clear(connection: Connection, now: datetime, settings: StorageSettings) -> int:
    """Drop what is past its time at `now`; how many chunks went. The connection commits by itself."""
    raw, minutes, hours = (
        now - timedelta(days=days) for days in (settings.raw_days, settings.minute_days, settings.hour_days)
    )
    with connection.transaction():
        return packing_store.clear(connection, raw, minutes, hours)
