"""The store alone, in this process: what `ingest.store` writes, beside a bare binary COPY of the same columns."""

import statistics
import time
from collections.abc import Callable
from typing import Final

from benchmarks.figures import Figure
from benchmarks.limits import COPY, synthetic
from benchmarks.stage import Stage, now_us
from ingest import store
from ingest.copy_format import copy_rows
from ingest.database import Connection, connect
from ingest.reading import ReadingBatch

Write = Callable[[Connection, ReadingBatch], None]

ROUNDS: Final = 2  # readings of each point in one batch
SECONDS: Final = 14.0
BACK_US: Final = 86_400_000_000  # a day of its own, so that neither chunk nor index is shared with other groups


def run(stage: Stage) -> list[Figure]:
    """Batches go by turns through the store and through a bare COPY, one transaction each, until the time is over."""
    at_us = now_us() - BACK_US
    points = sorted(number for each in stage.points.values() for number in each.values())
    spent_s: dict[Write, list[float]] = {_stored: [], _copied: []}
    with connect(stage.database_url, application="anhu bench") as connection:
        for write in spent_s:  # the first batch makes the chunk
            write(connection, synthetic(at_us := at_us + ROUNDS * 1_000_000, points, ROUNDS))
        deadline_s = time.monotonic() + SECONDS
        while time.monotonic() < deadline_s:
            for write, times_s in spent_s.items():
                batch = synthetic(at_us := at_us + ROUNDS * 1_000_000, points, ROUNDS)
                began_s = time.perf_counter()
                write(connection, batch)
                times_s.append(time.perf_counter() - began_s)
    # Medians: a checkpoint or a neighbour on the machine falls on some batches of one and none of the other.
    rows_per_s, limit = (ROUNDS * len(points) / statistics.median(each) for each in spent_s.values())
    return [Figure("limit.copy_rows_per_s", limit, "rows/s"), Figure("store.rows_per_s", rows_per_s, "rows/s", limit)]


def _stored(connection: Connection, batch: ReadingBatch) -> None:
    with connection.transaction():
        store.store_readings(connection, batch)


def _copied(connection: Connection, batch: ReadingBatch) -> None:
    with connection.cursor().copy(COPY.encode()) as copy:
        copy.write(copy_rows(batch))
    connection.commit()
