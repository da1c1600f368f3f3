"""The loop from the broker to the table: take, decode, judge, keep, acknowledge."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from ingest import registry_cache, store
from ingest.database import Connection
from ingest.edge_memory import EdgeMemory
from ingest.errors import DatabaseUnavailable, IngestError, Refusal, ShardTaken
from ingest.flush import Batch
from ingest.formats import sparkplug
from ingest.intake import Intake, take_in
from ingest.message import Limits, Message, dead_letter
from ingest.reading import ReadingBatch, Rejection, from_us
from ingest.registry import Registry
from ingest.routes import OWN_ROUTES, Routes
from ingest.settings import PipelineSettings
from ingest.shards import THE_ONE, Shard
from ingest.sink import Bounds, EventWriter, Sink
from ingest.sink import Tables as SinkTables
from ingest.spool import Spool, Spooled, SpoolFull
from ingest.spool_reader import JUDGE, REGISTRY
from ingest.writer import Writer

TICK_US: Final = 1_000_000
PRUNE_US: Final = 60_000_000
FIRST_ANSWER_S_MAX: Final = 60.0
REFRESH_S_MAX: Final = 60.0
SPOOL_FULL_PAUSE_S: Final = 0.5
SHARD_PAUSE_S: Final = 0.25
DRAIN_LOOK_S: Final = 0.02
FLUSH_LOOK_S: Final = 0.005
BEHIND_US_MAX: Final = 30_000_000
PANEL_REPORTS_KEPT: Final = timedelta(days=400)  # GB 50440: alarms and states for a year at least

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
    def send(self, topic: str, payload: bytes) -> None: ...


class Ruling(Protocol):
    """What the judge has decided. `told`: readings that it has made itself, to be stored with those it was given."""

    @property
    def told(self) -> ReadingBatch: ...


class Judge(EventWriter, Protocol):
    """Who decides what readings mean (alerting.process). Times in µs since 1970.

    `judge` and `tick` decide without changing anything; the verdict becomes the judge's own past with `adopt`, once it
    is safe: `stored` says whether the database has it, or only the spool. `read` fetches what others changed and runs
    in another thread; `take_up` makes it count and may have something to say about it. Of what `lost` names, which was
    stored, the database may know nothing any more; it will be brought in again. `cached` is what `cache` once
    gave, for a start without the database; until it `knows_the_past`, the log has still to be read.
    """

    def read(self, connection: Connection, registry: Registry, now_us: int) -> Any: ...
    def take_up(self, news: Any, registry: Registry, now_us: int) -> Ruling: ...
    @property
    def knows_the_past(self) -> bool: ...
    def cache(self) -> bytes: ...
    def start_cached(self, cached: bytes, registry: Registry, spooled: Iterable[Spooled], now_us: int) -> None: ...
    def judge(self, intake: Intake) -> Ruling: ...
    def tick(self, now_us: int, *, listening: bool, caught_up: bool, spool_share: float) -> Ruling: ...
    def adopt(self, verdict: Any, *, stored: bool) -> None: ...


@dataclass(slots=True)
class Counts:
    """What this process has taken in since it started."""

    messages: int = 0
    readings: int = 0
    dead_letters: int = 0


class Tables(SinkTables, Protocol):
    """The tables the pipeline works with (ingest.store)."""

    def registry_version(self, connection: Connection) -> int: ...
    def load_registry(self, connection: Connection, shard: Shard) -> Registry: ...
    def drill_key(self, connection: Connection) -> bytes: ...
    def prune_dead_letters(self, connection: Connection, kept_max: int) -> int: ...
    def prune_panel_reports(self, connection: Connection, before: datetime) -> int: ...
    def store_heartbeat(self, connection: Connection, beat: store.Heartbeat) -> None: ...


class _Refresh:
    """One reading of what others changed, under way in the writer's thread."""

    def __init__(
        self, tables: Tables, judge: Judge, registry: Registry, clock: Callable[[], int], shard: Shard
    ) -> None:
        self.registry = registry
        self._shard = shard
        self._tables = tables
        self.drill_key: bytes | None = None
        self.news: Any = None
        self._judge = judge
        self._clock = clock

    def __call__(self, connection: Connection) -> None:
        if self._tables.registry_version(connection) != self.registry.version:
            self.registry = self._tables.load_registry(connection, self._shard)
        self.drill_key = self._tables.drill_key(connection)
        self.news = self._judge.read(connection, self.registry, self._clock())


class Pipeline:
    """One shard's pipeline. `clock` answers µs since 1970; the writer's connections must `hold_shard`, the flusher's
    are for themselves. `on_registry` is told whenever the shard's part of the registry has changed. `broker_tells`: why
    it parts with us, which MQTT 3.1.1 does not."""

    def __init__(
        self,
        writer: Writer,
        flusher: Writer,
        spool: Spool,
        tables: Tables,
        judge: Judge,
        settings: PipelineSettings,
        clock: Callable[[], int],
        routes: Routes = OWN_ROUTES,
        shard: Shard = THE_ONE,
        on_registry: Callable[[Registry], None] = lambda _: None,
        *,
        broker_tells: bool = True,
    ) -> None:
        self._tables = tables
        self._shard = shard
        self._on_registry = on_registry
        self._broker_tells = broker_tells
        self._routes = routes
        self._judge = judge
        self._settings = settings
        self._clock = clock
        self._limits = Limits(
            settings.payload_bytes_max, int(settings.future_s_max * 1e6), int(settings.age_days_max * 86_400e6)
        )
        self._writer = writer
        self._spool = spool
        bounds = Bounds(settings.database_answer_s_max, settings.unclaimed_kept_max)
        self._sink = Sink(writer, flusher, spool, tables, judge, bounds)
        self._registry = Registry.build(0, (), (), (), ())
        self._drill_key: bytes | None = None
        self._edge = EdgeMemory(spool)
        self._refreshing: tuple[_Refresh, Future[None], float] | None = None
        self._started_us = clock()
        self._ticked_us = self._pruned_us = 0
        self._lag_ms = 0
        self._emptied = False  # since the last tick, nothing waited after a take
        self._ticks_emptied = 0
        self._caught_up_us = self._started_us
        self.counts = Counts()

    def open(self) -> None:
        """Take the shard and get ready to judge: from the database, or as it was last known when that stays away.

        Raises DatabaseUnavailable when there is neither, ShardTaken while another pipeline has the shard. (Once we run,
        a shard that cannot be had back is a database that is away: who served it would have taken our MQTT session.)
        """
        deadline_s = time.monotonic() + FIRST_ANSWER_S_MAX
        while self._sink.spooling and time.monotonic() < deadline_s:
            self._sink.drain(wait_s=self._settings.database_answer_s_max)  # what waits comes before what is read
        if self._sink.shard_taken:
            raise ShardTaken
        if self._sink.spooling:
            self._open_cached("the spool could not be brought in")
        else:
            self._sink.open()
            self._open_fresh()
        log.info("pipeline ready", devices=len(self._registry.devices), points=len(self._registry.points))

    @property
    def registry(self) -> Registry:
        """Who may report, as last known; may be asked from any thread."""
        return self._registry

    def run(self, source: Source, stop: threading.Event) -> None:
        """Serve `source` until `stop`, and acknowledge what is on its way to the disk. Raises Fenced on a takeover."""
        while not stop.is_set():
            self._cycle(source, stop)
        deadline_s = time.monotonic() + self._settings.database_answer_s_max
        while self._sink.flushing and time.monotonic() < deadline_s:
            time.sleep(FLUSH_LOOK_S)
            self._acknowledge(source)

    def close(self) -> None:
        """Let the shard go."""
        self._sink.close()
        self._edge.save()
        self._spool.close()

    def _open_fresh(self) -> None:
        refresh = _Refresh(self._tables, self._judge, self._registry, self._clock, self._shard)
        deadline_s = time.monotonic() + FIRST_ANSWER_S_MAX
        try:
            self._run_when_free(refresh, deadline_s)
        except ShardTaken:
            raise
        except DatabaseUnavailable as error:
            self._open_cached(str(error))
        else:
            self._take_up(refresh)

    def _run_when_free(self, refresh: _Refresh, deadline_s: float) -> None:
        """Run `refresh`, waiting until `deadline_s` for a shard that another pipeline is about to leave."""
        while True:
            try:
                self._writer.run(refresh, FIRST_ANSWER_S_MAX)
            except ShardTaken:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(SHARD_PAUSE_S)
            else:
                return

    def _open_cached(self, reason: str) -> None:
        registry, judge = self._spool.recall(REGISTRY), self._spool.recall(JUDGE)
        if registry is None or judge is None:
            raise DatabaseUnavailable(reason)
        log.error("database away at the start, judging by what was last known", reason=reason)
        self._registry = registry_cache.load(registry)
        self._judge.start_cached(judge, self._registry, self._spool.batches(), self._clock())
        self._sink.spooling = True

    def _cycle(self, source: Source, stop: threading.Event) -> None:
        wait_s = max(0.0, (self._ticked_us + TICK_US - self._clock()) / 1e6)
        messages = source.take(
            count_max=self._settings.batch_count_max,
            age_ms_max=self._settings.batch_age_ms_max,
            wait_s=min(wait_s, self._look_s()),
        )
        self._emptied |= source.connected and not source.waiting_count
        if messages:
            self._handle(messages, stop)
        self._acknowledge(source)
        for topic in self._edge.rebirths():
            source.send(topic, sparkplug.rebirth(self._clock() // 1000))
        if source.fenced or (not self._broker_tells and self._sink.shard_taken and not source.connected):
            raise Fenced  # who took our session has the shard's lock, too
        self._sink.drain()
        if not self._sink.spooling and not self._judge.knows_the_past:
            self._learn_the_past()
        self._look_for_news()
        if is_due(self._ticked_us, TICK_US, self._clock()):
            self._tick(source, stop)

    def _look_s(self) -> float:
        """How long to wait for messages. What waits in the spool comes in a step at a time, and what is flushed is to
        be acknowledged: when nobody sends anything, these must not wait for ticks."""
        if self._sink.spooling:
            return DRAIN_LOOK_S
        return FLUSH_LOOK_S if self._sink.flushing else 1.0

    def _acknowledge(self, source: Source) -> None:
        with suppress(SpoolFull):  # which is told where messages come
            source.ack(self._sink.safe())

    def _handle(self, messages: list[Message], stop: threading.Event) -> None:
        """Take `messages` in; one that the database or the judge chokes on is set aside, and the others are kept."""
        try:
            intake = take_in(messages, self._registry, self._limits, self._drill_key, self._routes, self._edge.nodes)
            self._keep(Batch(messages, intake, self._judge.judge(intake)), stop)
            self._edge.adopt(intake.edge)
        except Exception as error:
            if len(messages) > 1:
                log.exception("batch refused, taking its messages one by one", count=len(messages))
                for message in messages:
                    self._handle([message], stop)
                return
            log.exception("message refused", topic=messages[0].topic)
            self._set_aside(messages[0], error, stop)
        self._lag_ms = (self._clock() - messages[0].received_at_us) // 1000

    def _set_aside(self, message: Message, error: Exception, stop: threading.Event) -> None:
        letter = dead_letter(message, Rejection(Refusal.STORE_REFUSED, f"{type(error).__name__}: {error}"))
        intake = Intake(ReadingBatch.build((), (), (), ()), [letter], [], 1)
        self._keep(Batch([message], intake, self._judge.judge(intake)), stop)

    def _say(self, verdict: Ruling, stop: threading.Event) -> None:
        """Keep what was decided without a message."""
        self._keep(Batch([], Intake(ReadingBatch.build((), (), (), ()), [], [], 0), verdict), stop)

    def _keep(self, batch: Batch, stop: threading.Event) -> None:
        """Keep `batch`, then adopt its verdict. With database and spool both refusing, the messages stay with the
        broker and we try again, until we are stopped."""
        intake, verdict = batch.intake, batch.verdict
        if len(verdict.told):
            intake = replace(intake, readings=intake.readings.joined(verdict.told))
            batch = replace(batch, intake=intake)
        while True:
            try:
                stored = self._sink.keep(batch)
                break
            except SpoolFull:
                log.error("spool full, the broker keeps what comes", share=self._sink.spool_share)  # noqa: TRY400
                self._sink.drain(wait_s=self._settings.database_answer_s_max)
                if stop.wait(SPOOL_FULL_PAUSE_S):
                    return
        self._judge.adopt(verdict, stored=stored)
        self.counts.messages += intake.message_count
        self.counts.readings += len(intake.readings)
        self.counts.dead_letters += len(intake.dead_letters)

    def _tick(self, source: Source, stop: threading.Event) -> None:
        now_us = self._ticked_us = self._clock()
        verdict = self._judge.tick(
            now_us, listening=source.connected, caught_up=self._caught_up(now_us), spool_share=self._sink.spool_share
        )
        self._say(verdict, stop)
        self._edge.save()
        prune = is_due(self._pruned_us, PRUNE_US, now_us)
        beat = self._heartbeat(now_us, source.waiting_count)

        def note(connection: Connection) -> None:
            if prune:
                self._tables.prune_dead_letters(connection, self._settings.dead_letters_kept_max)
                self._tables.prune_panel_reports(connection, from_us(now_us) - PANEL_REPORTS_KEPT)
            self._tables.store_heartbeat(connection, beat)

        if self._sink.run(note):
            self._pruned_us = now_us if prune else self._pruned_us
            if self._refreshing is None:
                refresh = _Refresh(self._tables, self._judge, self._registry, self._clock, self._shard)
                self._refreshing = refresh, self._writer.begin(refresh), time.monotonic()
        else:
            with self._while_disk_is_full():
                self._spool.beat(now_us)

    def _caught_up(self, now_us: int) -> bool:
        """Whether what was sent while we were not listening has been taken. A broker needs a moment to begin sending
        what it kept, so one empty second proves nothing; and delays that ran out are not held up for ever."""
        self._ticks_emptied = self._ticks_emptied + 1 if self._emptied else 0
        self._emptied = False
        # A clock that was set back must not hold them up for as long either.
        self._caught_up_us = now_us if self._ticks_emptied > 1 else min(self._caught_up_us, now_us)
        return self._ticks_emptied > 1 or now_us - self._caught_up_us > BEHIND_US_MAX

    def _learn_the_past(self) -> None:
        """After a start without the database, and before anything else is judged with it: all is in there now."""
        refresh = _Refresh(self._tables, self._judge, self._registry, self._clock, self._shard)
        if self._sink.run(refresh, FIRST_ANSWER_S_MAX):
            self._take_up(refresh)

    def _look_for_news(self) -> None:
        """Take up what others changed, once it has been read; while spooling our memory is ahead of the database."""
        if self._refreshing is None:
            return
        refresh, begun, since_s = self._refreshing
        if not begun.done() and time.monotonic() - since_s < REFRESH_S_MAX:
            return
        self._refreshing = None
        try:
            self._writer.wait(begun, 0.001)
        except DatabaseUnavailable as error:
            log.warning("registry, rules and acts could not be read", reason=str(error))
            return
        if not self._sink.spooling:
            self._take_up(refresh)

    def _take_up(self, refresh: _Refresh) -> None:
        changed = refresh.registry.version != self._registry.version
        self._registry, self._drill_key = refresh.registry, refresh.drill_key
        verdict = self._judge.take_up(refresh.news, self._registry, self._clock())
        with self._while_disk_is_full():
            if changed:
                self._spool.remember(REGISTRY, registry_cache.dump(self._registry))
            cached = self._judge.cache()
            if cached != self._spool.recall(JUDGE):
                self._spool.remember(JUDGE, cached)
        self._say(verdict, threading.Event())
        if changed:
            self._on_registry(self._registry)

    @contextmanager
    def _while_disk_is_full(self) -> Iterator[None]:
        """What is only of use while the database is away is no reason to stop: a full disk has its own alarm."""
        try:
            yield
        except sqlite3.OperationalError as error:
            log.error("the spool cannot be written", reason=str(error))  # noqa: TRY400 - a state, not a surprise

    def _heartbeat(self, now_us: int, waiting_count: int) -> store.Heartbeat:
        return store.Heartbeat(
            self._shard.number, from_us(now_us), from_us(self._started_us), os.getpid(), self.counts.messages,
            self.counts.readings, self.counts.dead_letters, waiting_count, min(self._lag_ms, 2**31 - 1),
        )  # fmt: skip


def is_due(last_us: int, every_us: int, now_us: int) -> bool:
    """Whether it is time again; also after the clock was set back, which would else put it off by as much.

    >>> [is_due(100, 10, now_us) for now_us in (100, 109, 110, 99)]
    [False, False, True, True]
    """
    return not 0 <= now_us - last_us < every_us


def hold_shard(connection: Connection, shard: Shard = THE_ONE) -> None:
    """Take the shard's lock for the life of the connection. Raises ShardTaken while another holds it."""
    if not store.hold_shard(connection, shard.number):
        raise ShardTaken("another pipeline holds this shard")
