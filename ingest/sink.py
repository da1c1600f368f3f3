"""Where a judged batch goes: into the database; into the spool while the database is away; back in order afterwards.

While anything is in the spool, everything goes through it, so that the order is kept. What is brought in later is
stored by the same idempotent statements, and how far that got is written in the same transaction.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from ingest.database import Connection
from ingest.errors import DatabaseUnavailable, ShardTaken
from ingest.intake import DeadLetter, Intake, Unclaimed
from ingest.reading import ReadingBatch
from ingest.spool import Spool, Spooled
from ingest.writer import Writer

DRAIN_COUNT_MAX: Final = 50
DRAIN_PAUSE_S: Final = 1.0
DRAIN_S_MAX: Final = 30.0

log = structlog.get_logger("ingest.sink")


class EventWriter(Protocol):
    """How verdicts and their events are written (alerting.process)."""

    def write(self, connection: Connection, verdict: Any) -> None: ...
    def pack(self, verdict: Any) -> list[bytes]: ...
    def write_packed(self, connection: Connection, events: Sequence[bytes]) -> None: ...


class Tables(Protocol):
    """Where readings and what was refused are stored (ingest.store)."""

    def store_readings(self, connection: Connection, batch: ReadingBatch) -> int: ...
    def store_unclaimed(
        self, connection: Connection, entries: Sequence[Unclaimed], kept_max: int
    ) -> list[DeadLetter]: ...
    def store_dead_letters(self, connection: Connection, letters: Sequence[DeadLetter]) -> None: ...
    def spool_progress(self, connection: Connection, spool: UUID) -> int: ...
    def note_spool_progress(self, connection: Connection, spool: UUID, number: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the database may take for a batch, and how many unclaimed devices are listed."""

    answer_s_max: float
    unclaimed_kept_max: int


class Sink:
    """One pipeline's way to the database."""

    def __init__(self, writer: Writer, spool: Spool, tables: Tables, events: EventWriter, bounds: Bounds) -> None:
        self._writer = writer
        self._spool = spool
        self._tables = tables
        self._events = events
        self._bounds = bounds
        self._draining: Future[None] | None = None
        self._bringing_in = 0  # the last batch of the step; it may go once the step is committed
        self._drain_begun_s = 0.0
        self._drain_after_s = 0.0
        self.spooling = len(spool) > 0
        self.shard_taken = False  # as the database last said

    @property
    def spool_share(self) -> float:
        """How full the spool is, 0 to 1."""
        return self._spool.share

    def keep(self, intake: Intake, verdict: Any) -> bool:
        """Put the batch where it is safe; True when that is the database. Raises SpoolFull, sqlite3.Error."""
        if not self.spooling:
            try:
                self._writer.run(lambda connection: self._write(connection, intake, verdict), self._bounds.answer_s_max)
            except DatabaseUnavailable as error:
                self._fall_back(error)
            else:
                return True
        batch = Spooled(intake.readings, intake.dead_letters, intake.unclaimed, self._events.pack(verdict))
        self._spool.put(batch)
        return False

    def run(self, work: Callable[[Connection], None], answer_s_max: float | None = None) -> bool:
        """Do `work` in a transaction unless the database is away; whether it was done."""
        if self.spooling:
            return False
        try:
            self._writer.run(work, answer_s_max or self._bounds.answer_s_max)
        except DatabaseUnavailable as error:
            self._fall_back(error)
            return False
        return True

    def drain(self, *, wait_s: float = 0.0) -> None:
        """Bring the spool in, a step at a time and without waiting (but `wait_s`); to be called now and then."""
        if not self.spooling:
            return
        now_s = time.monotonic()
        if self._draining is None:
            if now_s < self._drain_after_s:
                return
            self._draining, self._drain_begun_s = self._writer.begin(self._bring_in), now_s
        try:
            self._writer.wait(self._draining, wait_s) if wait_s else self._look()
            if not self._draining.done():
                return
            self._writer.wait(self._draining, 0)  # it may have failed between the two looks
            self._draining = None
            self._spool.remove(self._bringing_in)
            if 0 < len(self._spool) <= DRAIN_COUNT_MAX:
                # While readings keep coming there is always one more: the last few are waited for.
                self._writer.run(self._bring_in, self._bounds.answer_s_max)
                self._spool.remove(self._bringing_in)
        except DatabaseUnavailable as error:
            self._draining, self._drain_after_s = None, time.monotonic() + DRAIN_PAUSE_S
            self.shard_taken = isinstance(error, ShardTaken)
            return
        if not len(self._spool):
            self.spooling = False
            log.info("database back, spool brought in")

    def _look(self) -> None:
        """See whether the step is done, failed or takes too long. Raises DatabaseUnavailable."""
        if self._draining is None:
            return
        if self._draining.done():
            self._writer.wait(self._draining, 0)
        elif time.monotonic() - self._drain_begun_s > DRAIN_S_MAX:
            self._writer.wait(self._draining, 0.001)

    def _fall_back(self, error: DatabaseUnavailable) -> None:
        self.spooling = True
        self._drain_after_s = time.monotonic() + DRAIN_PAUSE_S
        log.error("database away, spooling", reason=str(error))

    def _write(self, connection: Connection, intake: Intake, verdict: Any) -> None:
        self._store(connection, intake.readings, intake.dead_letters, intake.unclaimed)
        self._events.write(connection, verdict)

    def _store(
        self,
        connection: Connection,
        readings: ReadingBatch,
        dead_letters: Sequence[DeadLetter],
        unclaimed: Sequence[Unclaimed],
    ) -> None:
        self._tables.store_readings(connection, readings)
        unlisted = self._tables.store_unclaimed(connection, unclaimed, self._bounds.unclaimed_kept_max)
        self._tables.store_dead_letters(connection, [*dead_letters, *unlisted])

    def _bring_in(self, connection: Connection) -> None:
        """Store the oldest batches; runs in the writer's thread, in a transaction."""
        done = self._tables.spool_progress(connection, self._spool.id)
        self._spool.remove(done)
        batches = self._spool.first(DRAIN_COUNT_MAX)
        for _, batch in batches:
            self._store(connection, batch.readings, batch.dead_letters, batch.unclaimed)
            self._events.write_packed(connection, batch.events)
        if batches:
            self._tables.note_spool_progress(connection, self._spool.id, batches[-1][0])
        self._bringing_in = batches[-1][0] if batches else done
