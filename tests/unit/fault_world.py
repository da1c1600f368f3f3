"""A world in memory for the pipeline: broker, database and spool with faults, all from one seed. What survives a crash
lies in Ground; the pipeline, sink and judge that run on it are the real ones."""

import random
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from alerting.alert import Alert, AlertEvent
from alerting.joining import join
from alerting.rules import default_rules, parse
from ingest.errors import DatabaseUnavailable
from ingest.message import Message
from ingest.reading import ReadingBatch
from ingest.spool import Spooled

from .engine_world import registry

UNREGISTERED = "d9"
RULES = default_rules()
RULES_SHA256 = parse(RULES).sha256


class Crash(BaseException):
    """The process was killed here."""


class Ground:
    """What outlives the process: the broker's queue, the database, the spool's file."""

    def __init__(self, seed: int, *, faults: float) -> None:
        self.rng = random.Random(seed)
        self.faults = faults  # how likely a step fails, 0 to 1
        self.healed = False
        self.now_us = 0
        self.database_up = True
        self.on_disk: Any = None  # the tables as a crash of the database would leave them
        self.broker = Broker(self)
        self.rows: dict[tuple[int, int], float] = {}
        self.events: list[AlertEvent] = []
        self.alerts: dict[uuid.UUID, Alert] = {}
        self.progress: dict[uuid.UUID, int] = {}
        self.spool = MemorySpool(self)
        self.registry = registry(3)
        self.blind_starts = 0  # starts while the database was away
        self.crashes = 0  # of the database
        self.losses = 0  # crashes by which it lost what it had

    def strikes(self, share: float = 1.0) -> bool:
        """Whether a fault happens here."""
        return not self.healed and self.rng.random() < self.faults * share

    def turn_database(self) -> None:
        """It goes away, or comes back."""
        self.database_up = not self.database_up

    def crash_database(self) -> None:
        """It loses what was not on its disk, and is back at once; whoever was connected is so no more."""
        self.crashes += 1
        if self.on_disk is not None:
            self.rows, self.events, self.alerts, self.progress = self.on_disk
            self.on_disk = None
            self.losses += 1

    def commit(self, connection: "Connection") -> None:
        """Make the changes; one that is not flushed leaves the disk behind, one that is takes all along."""
        if connection.before_flush and self.on_disk is None:
            self.on_disk = dict(self.rows), list(self.events), dict(self.alerts), dict(self.progress)
        for change in connection.changes:
            change()
        if not connection.before_flush:
            self.on_disk = None

    def clock(self) -> int:
        return self.now_us

    def monotonic(self) -> float:
        return self.now_us / 1e6


class Broker:
    """A queue whose unacknowledged messages come again with every new connection, and now and then for no reason."""

    connected = True
    fenced = False

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._waiting: deque[Message] = deque()
        self._unacknowledged: dict[int, Message] = {}
        self._numbers = 0
        self._connection = 0

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._unacknowledged

    def publish(self, topic: str, payload: bytes) -> None:
        self._waiting.append(Message(topic, payload, 0))

    def reconnect(self) -> None:
        again = [each for _, each in sorted(self._unacknowledged.items())]
        self._waiting.extendleft(reversed(again))
        self._unacknowledged.clear()
        self._connection += 1

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        if self._ground.strikes(0.3):
            self.reconnect()
        taken = []
        for _ in range(min(len(self._waiting), self._ground.rng.randint(1, 6))):
            self._numbers += 1
            message = self._waiting.popleft()
            self._unacknowledged[self._numbers] = message
            receipt = (self._connection, self._numbers)
            taken.append(Message(message.topic, message.payload, self._ground.now_us, receipt))
        return taken

    def ack(self, messages: Sequence[Message]) -> None:
        for message in messages:
            connection, number = message.receipt
            if connection == self._connection:
                self._unacknowledged.pop(number, None)


class Connection:
    """One transaction: what it would change is applied at the commit, all or nothing; it sees its own appends."""

    def __init__(self, ground: Ground) -> None:
        self.changes: list[Callable[[], None]] = []
        self.before_flush = False
        self.events = list(ground.events)
        self.alerts = dict(ground.alerts)


class MemoryWriter:
    """The writer's face, with a database that refuses, loses answers, and a process that dies around the commit."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._connected: int | None = None  # since so many crashes of the database

    def run(self, work: Callable[[Any], None], limit_s: float) -> None:
        self.wait(self.begin(work), limit_s)

    def begin(self, work: Callable[[Any], None]) -> "Future[None]":
        return self._begin(work, Future())

    def _begin(self, work: Callable[[Any], None], future: "Future[None]") -> "Future[None]":
        ground = self._ground
        if not ground.database_up or ground.strikes(0.2):
            future.set_exception(DatabaseUnavailable("away"))
            return future
        connected, self._connected = self._connected, ground.crashes
        if connected not in (None, ground.crashes):
            self._connected = None
            future.set_exception(DatabaseUnavailable("the connection was lost"))
            return future
        connection = self._connection(new=connected is None)
        work(connection)
        if ground.strikes(0.3):
            raise Crash
        ground.commit(connection)
        if ground.strikes(0.3):
            raise Crash
        if ground.strikes(0.2):
            future.set_exception(DatabaseUnavailable("the commit's answer was lost"))
        else:
            future.set_result(None)
        return future

    def _connection(self, *, new: bool) -> "Connection":
        return Connection(self._ground)

    def wait(self, begun: "Future[None]", limit_s: float) -> None:
        begun.result(0)

    def close(self) -> None:
        pass


class MemoryFlusher(MemoryWriter):
    """A writer that takes its time: what is begun is done when somebody looks, or a look later. It shows by the
    connection's identity whether that is the one it had."""

    _last: Connection

    def begin(self, work: Callable[[Any], None]) -> "Future[None]":
        return Slow(self, work)

    def _connection(self, *, new: bool) -> Connection:
        if new:
            self._last = Connection(self._ground)
        return self._last

    def wait(self, begun: "Future[None]", limit_s: float) -> None:
        if not begun.done() and limit_s < 0.01:
            begun.cancel()
            raise DatabaseUnavailable("overdue")
        while not begun.done():
            pass
        begun.result(0)


class Slow(Future[None]):
    """What a MemoryFlusher has begun."""

    def __init__(self, flusher: MemoryFlusher, work: Callable[[Any], None]) -> None:
        super().__init__()
        self._flusher, self._work = flusher, work

    def done(self) -> bool:
        if not super().done() and not self._flusher._ground.strikes(3.0):
            self._flusher._begin(self._work, self)
        return super().done()


class MemorySpool:
    """The spool's face; what was put in survives."""

    share = 0.0

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._batches: list[tuple[int, Spooled]] = []
        self._number = 0
        self._cache: dict[str, bytes] = {}
        self.id = uuid.UUID(int=1)

    def __len__(self) -> int:
        return len(self._batches)

    def put(self, batch: Spooled) -> None:
        if self._ground.strikes(0.3):
            raise Crash
        self._number += 1
        self._batches.append((self._number, batch))
        if self._ground.strikes(0.3):
            raise Crash

    def first(self, count_max: int) -> list[tuple[int, Spooled]]:
        return self._batches[: self._ground.rng.randint(1, count_max)]

    def batches(self) -> list[Spooled]:
        return [batch for _, batch in self._batches]

    def remove(self, up_to: int) -> None:
        self._batches = [each for each in self._batches if each[0] > up_to]

    def remember(self, name: str, body: bytes) -> None:
        self._cache[name] = body

    def recall(self, name: str) -> bytes | None:
        return self._cache.get(name)

    def beat(self, at_us: int) -> None:
        pass


class MemoryTables:
    """ingest.store and alerting.store, in memory."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def store_readings(self, connection: Connection, batch: ReadingBatch) -> int:
        rows = zip(batch.point_id.tolist(), batch.measured_at_us.tolist(), batch.value.tolist(), strict=True)
        new = {(point, at): value for point, at, value in rows}

        def change() -> None:
            for key, value in new.items():
                assert self._ground.rows.setdefault(key, value) == value

        connection.changes.append(change)
        return len(new)

    def store_unclaimed(self, connection: Connection, entries: Any, kept_max: int) -> list[Any]:
        assert {each.device for each in entries} <= {UNREGISTERED}  # a list of what was heard, and no record
        return []

    def store_dead_letters(self, connection: Connection, letters: Any) -> None:
        assert not letters, letters

    def commit_before_flush(self, connection: Connection) -> None:
        connection.before_flush = True

    def flush(self, connection: Connection) -> None:
        pass

    def prune_dead_letters(self, connection: Connection, kept_max: int) -> int:
        return 0

    def prune_panel_reports(self, connection: Connection, before: Any) -> int:
        return 0

    def store_heartbeat(self, connection: Connection, beat: Any) -> None:
        pass

    def spool_progress(self, connection: Connection, spool: uuid.UUID) -> int:
        return self._ground.progress.get(spool, 0)

    def note_spool_progress(self, connection: Connection, spool: uuid.UUID, number: int) -> None:
        connection.changes.append(lambda: self._ground.progress.__setitem__(spool, number))

    def registry_version(self, connection: Connection) -> int:
        return self._ground.registry.version

    def load_registry(self, connection: Connection, shard: Any = None) -> Any:
        return self._ground.registry

    def drill_key(self, connection: Connection) -> bytes:
        return b"a key for drills"

    def readings_since(self, connection: Connection, since: Any, until: Any, points: Any = None) -> ReadingBatch:
        rows = sorted((at, point, value) for (point, at), value in self._ground.rows.items())
        chosen = [row for row in rows if points is None or row[1] in points]
        at = [row[0] for row in chosen]
        return ReadingBatch.build([row[1] for row in chosen], at, at, [row[2] for row in chosen])

    def last_heard(self, connection: Connection, since: Any, points: Any = None) -> list[tuple[int, int]]:
        return [(point, at) for point, at in self._ground.rows]

    def append(self, connection: Connection, events: Sequence[AlertEvent]) -> dict[uuid.UUID, Alert]:
        by_id = connection.alerts
        by_key = {alert.key: alert for alert in by_id.values() if alert.open}
        new, taken_by = join(events, {event.event_id for event in connection.events}, by_id, by_key)
        for event in new:
            connection.events.append(event)
            by_id[event.alert_id] = replace(by_id[event.alert_id], last_event_id=len(connection.events))

        def change() -> None:
            self._ground.events, self._ground.alerts = connection.events, connection.alerts

        connection.changes.append(change)
        return {meant: by_id[taker] for meant, taker in taken_by.items()}

    def load_rules(self, connection: Connection) -> tuple[str, str]:
        return RULES, RULES_SHA256

    def save_rules(self, connection: Connection, **_: Any) -> bool:
        return False

    def changed_since(self, connection: Connection, event_id: int) -> list[Alert]:
        changed = [alert for alert in self._ground.alerts.values() if alert.last_event_id > event_id]
        return sorted(changed, key=lambda alert: alert.last_event_id)

    def open_alerts(self, connection: Connection, institutions: Any = None) -> list[Alert]:
        return [alert for alert in self._ground.alerts.values() if alert.open]

    def last_event_id(self, connection: Connection) -> int:
        return len(self._ground.events)
