"""The loop from the broker to the table: take, decode, judge, store in one transaction, acknowledge."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg
import stamina
import structlog

from ingest import store
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable, IngestError, Refusal
from ingest.intake import DeadLetter, Intake, Limits, Message, dead_letter, take_in
from ingest.reading import ReadingBatch, Rejection, from_us
from ingest.registry import Registry
from ingest.settings import SHARD, PipelineSettings

TICK_US: Final = 1_000_000
PRUNE_US: Final = 60_000_000
_TRANSIENT: Final = (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable)

log = structlog.get_logger("ingest.pipeline")


class Fenced(IngestError):
    """Another pipeline has taken over this shard."""


class Source(Protocol):
    """Where messages come from (mqtt.Source)."""

    @property
    def connected(self) -> bool: ...
    @property
    def fenced(self) -> bool: ...
    @property
    def waiting_count(self) -> int: ...
    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]: ...
    def ack(self, messages: Sequence[Message]) -> None: ...


class Judge(Protocol):
    """Who decides what readings mean (alerting.process). Times in µs since 1970.

    `judge` and `tick` decide without changing anything; the verdict is written by `write` in the caller's transaction
    and becomes the judge's own state with `adopt`, after the commit.
    """

    def refresh(self, connection: Connection, registry: Registry, now_us: int) -> None: ...
    def judge(self, readings: ReadingBatch, now_us: int) -> Any: ...
    def tick(self, now_us: int, *, listening: bool) -> Any: ...
    def write(self, connection: Connection, verdict: Any) -> None: ...
    def adopt(self, verdict: Any) -> None: ...


@dataclass(slots=True)
class Counts:
    """What this process has taken in since it started."""

    messages: int = 0
    readings: int = 0
    dead_letters: int = 0


class Pipeline:
    """One shard's pipeline. `clock` answers µs since 1970."""

    def __init__(self, database_url: str, judge: Judge, settings: PipelineSettings, clock: Callable[[], int]) -> None:
        self._database_url = database_url
        self._judge = judge
        self._settings = settings
        self._clock = clock
        self._limits = Limits(
            settings.payload_bytes_max, int(settings.future_s_max * 1e6), int(settings.age_days_max * 86_400e6)
        )
        self._connection: Connection | None = None
        self._registry = Registry.build(0, (), (), (), ())
        self._started_us = clock()
        self._ticked_us = self._pruned_us = 0
        self._lag_ms = 0
        self.counts = Counts()

    def open(self) -> None:
        """Take the shard and get ready to judge. Raises DatabaseUnavailable."""
        self._in_transaction(self._refresh)
        log.info("pipeline ready", devices=len(self._registry.devices), points=len(self._registry.points))

    def run(self, source: Source, stop: threading.Event) -> None:
        """Serve `source` until `stop`. Raises DatabaseUnavailable when it stays away, Fenced on a takeover."""
        while not stop.is_set():
            self._cycle(source)

    def close(self) -> None:
        """Let the shard go."""
        if self._connection is not None:
            self._connection.close()

    def _cycle(self, source: Source) -> None:
        wait_s = max(0.0, (self._ticked_us + TICK_US - self._clock()) / 1e6)
        messages = source.take(
            count_max=self._settings.batch_count_max,
            age_ms_max=self._settings.batch_age_ms_max,
            wait_s=min(wait_s, 1.0),
        )
        if messages:
            self._handle(messages)
            source.ack(messages)
        if source.fenced:
            raise Fenced
        if self._clock() - self._ticked_us >= TICK_US:
            self._tick(source)

    def _handle(self, messages: list[Message]) -> None:
        """Take `messages` in; one that the database or the judge chokes on is set aside, and the others are kept."""
        try:
            self._take_in(messages)
        except _TRANSIENT:
            raise
        except Exception as error:
            if len(messages) > 1:
                log.exception("batch refused, taking its messages one by one", count=len(messages))
                for message in messages:
                    self._handle([message])
                return
            log.exception("message refused", topic=messages[0].topic)
            detail = f"{type(error).__name__}: {error}"
            letter = dead_letter(messages[0], Rejection(Refusal.STORE_REFUSED, detail))
            self._in_transaction(lambda connection: store.store_dead_letters(connection, [letter]))
            self._count(1, 0, 1)
        self._lag_ms = (self._clock() - messages[0].received_at_us) // 1000

    def _take_in(self, messages: Sequence[Message]) -> None:
        intake = take_in(messages, self._registry, self._limits)
        verdict = self._judge.judge(intake.readings, self._clock())
        letters: list[DeadLetter] = []

        def write(connection: Connection) -> None:
            letters[:] = self._write(connection, intake)
            self._judge.write(connection, verdict)

        self._in_transaction(write)
        self._judge.adopt(verdict)
        self._count(intake.message_count, len(intake.readings), len(letters))

    def _write(self, connection: Connection, intake: Intake) -> list[DeadLetter]:
        store.store_readings(connection, intake.readings)
        unlisted = store.store_unclaimed(connection, intake.unclaimed, self._settings.unclaimed_kept_max)
        letters = [*intake.dead_letters, *unlisted]
        store.store_dead_letters(connection, letters)
        return letters

    def _tick(self, source: Source) -> None:
        now_us = self._ticked_us = self._clock()
        self._in_transaction(self._refresh)
        verdict = self._judge.tick(now_us, listening=source.connected)
        prune = now_us - self._pruned_us >= PRUNE_US

        def write(connection: Connection) -> None:
            if prune:
                store.prune_dead_letters(connection, self._settings.dead_letters_kept_max)
            store.store_heartbeat(connection, self._heartbeat(now_us, source.waiting_count))
            self._judge.write(connection, verdict)

        self._in_transaction(write)
        self._judge.adopt(verdict)
        if prune:
            self._pruned_us = now_us

    def _refresh(self, connection: Connection) -> None:
        if store.registry_version(connection) != self._registry.version:
            self._registry = store.load_registry(connection)
        self._judge.refresh(connection, self._registry, self._clock())

    def _heartbeat(self, now_us: int, waiting_count: int) -> store.Heartbeat:
        return store.Heartbeat(
            SHARD, from_us(now_us), from_us(self._started_us), os.getpid(), self.counts.messages, self.counts.readings,
            self.counts.dead_letters, waiting_count, min(self._lag_ms, 2**31 - 1),
        )  # fmt: skip

    def _count(self, messages: int, readings: int, dead_letters: int) -> None:
        self.counts.messages += messages
        self.counts.readings += readings
        self.counts.dead_letters += dead_letters

    def _in_transaction(self, work: Callable[[Connection], None]) -> None:
        """Do `work` in one transaction, again on a new connection when the database went away meanwhile.

        All work is idempotent, so a commit whose answer was lost may safely be repeated. After `database_retry_s` the
        error is raised: the process ends, its supervisor starts another, and the broker keeps what is unacknowledged.
        """
        for attempt in stamina.retry_context(
            on=_TRANSIENT, attempts=None, timeout=self._settings.database_retry_s, wait_initial=0.05, wait_max=2.0
        ):
            with attempt:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self._database_url, application="anhu pipeline")
                    if not store.hold_shard(self._connection, SHARD):
                        self._connection.close()
                        raise DatabaseUnavailable("another pipeline holds this shard")
                    self._connection.commit()
                with self._connection.transaction():
                    work(self._connection)
