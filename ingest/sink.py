"""Where a judged batch goes: into the database; into the spool while the database is away; back in order afterwards.

Nobody waits for the database's disk (ingest/flush.py). What it may have lost goes into the spool before anything else.
While anything is in the spool, everything goes through it, so that the order is kept. What is brought in later is
stored by the same idempotent statements, and how far that got is written in the same transaction.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from ingest.database import Connection
from ingest.errors import DatabaseUnavailable, ShardTaken
from ingest.flush import Batch, Flush
from ingest.message import DeadLetter, Message
from ingest.panel_report import PanelReport
from ingest.reading import ReadingBatch
from ingest.spool import Spool, Spooled
from ingest.unclaimed import Unclaimed
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
    def lost(self, verdicts: Sequence[Any]) -> None: ...


class Tables(Protocol):
    """Where readings and what was refused are stored (ingest.store)."""

    def store_readings(self, connection: Connection, batch: ReadingBatch) -> int: ...
    def store_unclaimed(
        self, connection: Connection, entries: Sequence[Unclaimed], kept_max: int
    ) -> list[DeadLetter]: ...
    def store_dead_letters(self, connection: Connection, letters: Sequence[DeadLetter]) -> None: ...
    def store_panels(self, connection: Connection, reports: Sequence[PanelReport]) -> None: ...
    def commit_before_flush(self, connection: Connection) -> None: ...
    def flush(self, connection: Connection) -> None: ...
    def spool_progress(self, connection: Connection, spool: UUID) -> int: ...
    def note_spool_progress(self, connection: Connection, spool: UUID, number: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the database may take for a batch, and how many unclaimed devices are listed."""

    answer_s_max: float
    unclaimed_kept_max: int


class Sink:
    """One pipeline's way to the database: what is written goes through `writer`, and `flusher` has it flushed."""

    def __init__(
        self, writer: Writer, flusher: Writer, spool: Spool, tables: Tables, events: EventWriter, bounds: Bounds
    ) -> None:
        self._writer = writer
        self._flush = Flush(flusher, tables.flush, bounds.answer_s_max)
        self._spool = spool
        self._tables = tables
        self._events = events
        self._bounds = bounds
        self._lost: list[Batch] = []  # what the database had and may have lost, on its way to the spool
        self._safe: list[Message] = []
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

    @property
    def flushing(self) -> bool:
        """Whether anything is on its way to the database's disk."""
        return len(self._flush) > 0

    def open(self) -> None:
        """Before the first batch. Where the database is away, that begins in the spool."""
        if not self.spooling:
            try:
                self._flush.connect()
            except DatabaseUnavailable as error:
                self._fall_back(error)

    def keep(self, batch: Batch) -> bool:
        """Put the batch where everybody sees it; True when that is the database. Its messages become `safe` once it is
        on a disk. Raises SpoolFull: then keep it again, before any other."""
        if self._run(lambda connection: self._write(connection, batch), self._bounds.answer_s_max):
            self._flush.add(batch)
            return True
        self._put_lost()
        self._put(batch)
        return False

    def safe(self) -> list[Message]:
        """The messages that have become safe since this was asked last, in their order. Raises SpoolFull, and can be
        asked again."""
        try:
            for batch in self._flush.flushed():
                self._safe.extend(batch.messages)
        except DatabaseUnavailable as error:
            self._fall_back(error)
        self._put_lost()
        safe, self._safe = self._safe, []
        return safe

    def run(self, work: Callable[[Connection], None], answer_s_max: float | None = None) -> bool:
        """Do `work` in a transaction unless the database is away; whether it was done. A crash of the database may undo
        it."""
        return self._run(work, answer_s_max or self._bounds.answer_s_max)

    def close(self) -> None:
        """End the connections, waiting for nobody."""
        self._flush.close()
        self._writer.close()

    def _run(self, work: Callable[[Connection], None], answer_s_max: float) -> bool:
        if self.spooling:
            return False

        def before_flush(connection: Connection) -> None:
            self._tables.commit_before_flush(connection)
            work(connection)

        try:
            self._writer.run(before_flush, answer_s_max)
        except DatabaseUnavailable as error:
            self._fall_back(error)
            return False
        return True

    def _put_lost(self) -> None:
        while self._lost:
            self._put(self._lost[0])
            del self._lost[0]

    def _put(self, batch: Batch) -> None:
        intake = batch.intake
        events = self._events.pack(batch.verdict)
        self._spool.put(Spooled(intake.readings, intake.dead_letters, intake.unclaimed, events, intake.panels))
        self._safe.extend(batch.messages)

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
            if not len(self._spool):
                self._flush.connect()
        except (DatabaseUnavailable, sqlite3.OperationalError) as error:
            self._draining, self._drain_after_s = None, time.monotonic() + DRAIN_PAUSE_S
            self.shard_taken = isinstance(error, ShardTaken)
            if isinstance(error, sqlite3.Error):  # a full disk; what the database has, the next step passes over
                log.error("what was brought in cannot be taken out of the spool", reason=str(error))  # noqa: TRY400
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
        self._lost += self._flush.take_back()
        self._events.lost([batch.verdict for batch in self._lost])
        log.error("database away, spooling", reason=str(error), unflushed=len(self._lost))

    def _write(self, connection: Connection, batch: Batch) -> None:
        intake = batch.intake
        self._store(connection, intake.readings, intake.dead_letters, intake.unclaimed, intake.panels)
        self._events.write(connection, batch.verdict)

    def _store(
        self,
        connection: Connection,
        readings: ReadingBatch,
        dead_letters: Sequence[DeadLetter],
        unclaimed: Sequence[Unclaimed],
        panels: Sequence[PanelReport],
    ) -> None:
        self._tables.store_readings(connection, readings)
        unlisted = self._tables.store_unclaimed(connection, unclaimed, self._bounds.unclaimed_kept_max)
        self._tables.store_dead_letters(connection, [*dead_letters, *unlisted])
        if panels:
            self._tables.store_panels(connection, panels)

    def _bring_in(self, connection: Connection) -> None:
        """Store the oldest batches; runs in the writer's thread, in a transaction."""
        done = self._tables.spool_progress(connection, self._spool.id)
        self._spool.remove(done)
        batches = self._spool.first(DRAIN_COUNT_MAX)
        for _, batch in batches:
            self._store(connection, batch.readings, batch.dead_letters, batch.unclaimed, batch.panels)
            self._events.write_packed(connection, batch.events)
        if batches:
            self._tables.note_spool_progress(connection, self._spool.id, batches[-1][0])
        self._bringing_in = batches[-1][0] if batches else done
