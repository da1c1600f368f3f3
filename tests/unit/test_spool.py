"""The spool on a real file: full, on a full disk, and after the power went in the middle of a write."""

import random
import resource
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from structlog.testing import capture_logs

from alerting.process import Judge
from alerting.self_alerts import SPOOL_RULE
from alerting.settings import AlertingSettings
from ingest.errors import Refusal
from ingest.formats import native
from ingest.message import DeadLetter, Message
from ingest.pipeline import Pipeline
from ingest.reading import ReadingBatch
from ingest.settings import PipelineSettings
from ingest.sink import Bounds, Sink
from ingest.spool import LOG_BYTES, Spool, Spooled, SpoolFull

from .engine_world import T0, S
from .fault_world import Connection, Ground, MemoryFlusher, MemoryTables, MemoryWriter

MIB = 1 << 20
ROOM = 64 * MIB


def made(number: int, readings: int = 200) -> Spooled:
    """A batch like no other."""
    at = [T0 + number * S + each for each in range(readings)]
    values = [random.Random(number * 1000 + each).random() for each in range(readings)]  # nothing that packs well
    letter = DeadLetter(T0 + number, f"t/{number}", Refusal.BAD_JSON, "detail", bytes([number % 256]) * 9, 9)
    return Spooled(ReadingBatch.build([1] * readings, at, at, values), [letter], [], [b"event %d" % number])


def told(spool: Spool) -> list[tuple[bytes, object, bytes]]:
    """Everything in the spool, as it can be compared."""
    return [(each.readings.value.tobytes(), each.dead_letters, each.events[0]) for each in spool.batches()]


def expected(numbers: range) -> list[tuple[bytes, object, bytes]]:
    batches = [made(number) for number in numbers]
    return [(each.readings.value.tobytes(), each.dead_letters, each.events[0]) for each in batches]


def full_disk(spool: Spool, pages_more: int | None) -> None:
    """Let the file grow by so many pages only; None: as far as it likes."""
    [pages] = spool._file.execute("PRAGMA page_count").fetchone()
    limit = 2**31 if pages_more is None else pages + pages_more
    spool._file.execute(f"PRAGMA max_page_count = {limit}")


def test_what_does_not_fit_is_refused_and_the_rest_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 20_000)
    kept = 0
    while spool.share < 0.6:
        spool.put(made(kept))
        kept += 1
    with pytest.raises(SpoolFull):
        spool.put(made(kept, readings=3000))
    assert spool.share <= 1
    assert told(spool) == expected(range(kept))
    spool.remove(spool.first(1)[0][0])
    spool.put(made(kept))
    assert told(spool) == expected(range(1, kept + 1))


def test_a_full_disk_refuses_whole_batches_and_counts_none_of_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", ROOM)
    spool.put(made(0))
    full_disk(spool, 1)
    for _ in range(2):
        with pytest.raises(SpoolFull, match="full"):
            spool.put(made(1, readings=3000))
        assert (len(spool), told(spool)) == (1, expected(range(1)))
    full_disk(spool, None)
    spool.put(made(1))
    assert (len(spool), told(spool)) == (2, expected(range(2)))
    spool.remove(spool.first(2)[-1][0])
    assert (len(spool), spool.share) == (0, 0.0)


@pytest.mark.parametrize("tail", ["cut", "zeros", "noise", "more"])
def test_a_power_cut_in_the_last_write_loses_nothing_that_was_acknowledged(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, ROOM)
    log = Path(f"{path}-wal")
    for number in range(5):
        spool.put(made(number))
    acknowledged_bytes = log.stat().st_size
    spool.put(made(5))  # the power goes while this is written: nobody was told that it is kept
    end = log.stat().st_size
    assert end > acknowledged_bytes > 0
    dice = random.Random(7)
    for attempt in range(12):
        copy = tmp_path / f"{attempt}" / "spool.sqlite"
        copy.parent.mkdir()
        shutil.copy(path, copy)
        torn = bytearray(log.read_bytes())
        at = acknowledged_bytes + (0 if not attempt else dice.randrange(end - acknowledged_bytes))
        if tail == "cut":
            del torn[at:]
        elif tail == "zeros":
            torn[at:] = bytes(len(torn) - at)
        elif tail == "noise":
            torn[at:] = dice.randbytes(len(torn) - at)
        else:  # whole, and then garbage of a write that had just begun
            torn += dice.randbytes(dice.randrange(1, 9000))
        Path(f"{copy}-wal").write_bytes(torn)
        again = Spool(copy, ROOM)
        kept = 6 if tail == "more" else 5
        assert told(again) == expected(range(kept))
        assert (len(again), again.id) == (kept, spool.id)
        again.put(made(kept))
        assert told(again) == expected(range(kept + 1))
        numbers = [number for number, _ in again.first(10)]
        assert numbers == sorted(set(numbers))
        again.close()
    spool.close()


class Patience(threading.Event):
    """A stop that never comes. Instead of waiting, it notes how many messages are acknowledged and how many readings
    are kept, and the third time somebody makes room."""

    def __init__(self, spool: Spool, safe: list[Message]) -> None:
        super().__init__()
        self._spool, self._safe = spool, safe
        self.seen: list[tuple[int, int]] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self.seen.append((len(self._safe), sum(len(each.readings) for each in self._spool.batches())))
        if len(self.seen) == 3:
            full_disk(self._spool, None)
            self._spool.bytes_max = ROOM
        return False


@pytest.mark.parametrize(("bound", "count"), [("bytes", 60), ("disk", 300)])
def test_a_full_spool_leaves_messages_with_the_broker_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, count: int
) -> None:
    ground = Ground(7, faults=0.0)
    ground.now_us = T0
    monkeypatch.setattr("time.monotonic", ground.monotonic)
    spool = Spool(tmp_path / "spool.sqlite", 2_000 if bound == "bytes" else ROOM)
    tables = MemoryTables(ground)
    judge = Judge(AlertingSettings(), tables, tables)
    settings, writers = PipelineSettings(age_days_max=3650), (MemoryWriter(ground), MemoryFlusher(ground))
    pipe = Pipeline(*writers, spool, tables, judge, settings, ground.clock)
    pipe.open()
    ground.database_up = False
    safe: list[Message] = []
    monkeypatch.setattr(ground.broker, "ack", safe.extend)
    stop = Patience(spool, safe)
    if bound == "disk":
        full_disk(spool, 2)
    for _ in range(count):
        ground.now_us += S
        ground.broker.publish("anhu/v1/home/d1/readings", native.encode(ground.now_us, {"temperature": 20.0}))
        pipe._cycle(ground.broker, stop)
    assert len(stop.seen) == 3, "it was full, and the pipeline went on when there was room"
    assert all(acknowledged <= kept for acknowledged, kept in stop.seen)
    told_of = [body for batch in spool.batches() for body in batch.events if SPOOL_RULE.encode() in body]
    assert bool(told_of) == (bound == "bytes"), "an alarm before it is full; a full disk has one of its own"
    ground.database_up = True
    for _ in range(400 + count):
        ground.now_us += S
        pipe._cycle(ground.broker, stop)
    assert len(spool) == 0
    assert (len(ground.rows), len(safe)) == (count, count)


class Threaded(MemoryWriter):
    """A writer whose work fails in its own thread, as the real one's does."""

    def begin(self, work: Callable[[Any], None]) -> "Future[None]":
        future: Future[None] = Future()
        try:
            return self._begin(work, future)
        except sqlite3.Error as error:
            future.set_exception(error)
            return future


class Letters(MemoryTables):
    """Tables that keep dead letters, and take whatever events there are."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.kept: list[object] = []

    def store_dead_letters(self, connection: Connection, letters: Any) -> None:
        connection.changes.append(lambda: self.kept.extend(letters))

    def write_packed(self, connection: Connection, events: Any) -> None:
        assert (events, connection.before_flush) == ([mock.ANY], False)


def test_a_disk_too_full_to_take_out_what_the_database_has_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(7, faults=0.0)
    spool = Spool(tmp_path / "spool.sqlite", ROOM)
    for number in range(3):
        spool.put(made(number))
    tables, remove, refused = Letters(ground), spool.remove, []

    def take_out(up_to: int) -> None:
        if up_to and len(refused) < 3:
            refused.append(up_to)
            raise sqlite3.OperationalError("database or disk is full")
        remove(up_to)

    monkeypatch.setattr(spool, "remove", take_out)
    sink = Sink(Threaded(ground), MemoryFlusher(ground), spool, tables, tables, Bounds(2.0, 10))  # type: ignore[arg-type]
    for _ in range(50):
        sink._drain_after_s = 0.0  # the pause is over
        sink.drain()
    assert len(refused) == 3
    assert (sink.spooling, len(spool)) == (False, 0)
    assert len(tables.kept) == 3, "each once"


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """No file of the spool's may grow: to a program that is what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    longest = max(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def large(number: int) -> Spooled:
    """A batch of a quarter of a MiB like no other."""
    at = np.arange(10_000) + T0 + number * S
    values = np.random.default_rng(number).random(len(at))
    return Spooled(ReadingBatch.build(np.ones(len(at)), at, at, values), [], [], [b"event %d" % number])


def put_until_full(spool: Spool, first: int) -> int:
    """How many large batches it takes, of those from number `first` on."""
    for number in range(first, first + 10_000):
        try:
            spool.put(large(number))
        except SpoolFull:
            return number - first
    raise AssertionError("it is never full")


def test_on_a_full_disk_the_reserve_takes_what_comes_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    reserve_bytes = 12 * MIB
    spool = Spool(path, ROOM, reserve_bytes)
    for first in (0, 1000):
        with no_room(path):
            kept = put_until_full(spool, first)
        assert spool.share * ROOM > 0.9 * reserve_bytes
        held = [batch for _, batch in spool.first(10_000)]
        assert [batch.events for batch in held] == [[b"event %d" % number] for number in range(first, first + kept)]
        assert held[-1].readings.value.tobytes() == large(first + kept - 1).readings.value.tobytes()
        spool.remove(spool.first(10_000)[-1][0])
    spool.close()
    size_bytes = path.stat().st_size
    again = Spool(path, ROOM, reserve_bytes)  # the log is made anew, and the reserve is there already
    assert path.stat().st_size == size_bytes
    with no_room(path):
        put_until_full(again, 0)
    assert again.share * ROOM > 0.9 * reserve_bytes
    again.close()


def test_without_a_reserve_next_to_nothing_is_taken_on_a_full_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", ROOM)
    with no_room(tmp_path / "spool.sqlite"):
        assert put_until_full(spool, 0) == 0
    spool.close()


def test_what_is_in_the_spool_at_the_start_is_part_of_the_reserve(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, ROOM)
    for number in range(50):
        spool.put(large(number))
    spool.close()
    size_bytes = path.stat().st_size
    Spool(path, ROOM, 12 * MIB).close()
    assert path.stat().st_size <= size_bytes + LOG_BYTES + MIB


def test_without_room_for_a_reserve_there_is_a_warning_and_a_spool(tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)
    with mock.patch("shutil.disk_usage", return_value=usage._replace(free=10 * MIB)), capture_logs() as told_of:
        spool = Spool(tmp_path / "spool.sqlite", ROOM, 8 << 20)
    assert [(each["log_level"], each["mib"]) for each in told_of] == [("warning", 8)]
    spool.put(made(1))
    assert told(spool) == expected(range(1, 2))


def test_a_disk_that_refuses_the_reserve_in_the_middle_of_it_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    Spool(path, ROOM).close()
    with no_room(path), capture_logs() as told_of:
        spool = Spool(path, ROOM, 24 * MIB)
    assert [each["log_level"] for each in told_of] == ["warning"]
    assert spool._file.execute("PRAGMA synchronous").fetchone() == (2,), "what is acknowledged is on the disk"
    spool.put(made(1))
    assert told(spool) == expected(range(1, 2))
    spool.close()


def test_what_an_earlier_version_spooled_is_read(tmp_path: Path) -> None:
    """Its readings are a zip file of numpy's."""
    spool = Spool(tmp_path / "spool.sqlite", ROOM)
    batch = made(7)
    spool.put(batch)
    columns = BytesIO()
    np.savez(columns, **{name: getattr(batch.readings, name) for name in ReadingBatch.__slots__})
    [body] = spool._file.execute("SELECT body FROM batches").fetchone()
    head = body[: 8 + int.from_bytes(body[:8], "big")]
    with spool._file:
        spool._file.execute("UPDATE batches SET body = ?", (head + columns.getvalue(),))
    [(_, found)] = spool.first(1)
    for name in ReadingBatch.__slots__:
        before, after = getattr(batch.readings, name), getattr(found.readings, name)
        assert (before.dtype, before.tobytes()) == (after.dtype, after.tobytes())
