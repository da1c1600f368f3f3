"""The spool: where batches wait on disk while the database is away, so that alarms need not.

One SQLite file (WAL, every commit flushed to disk), bounded in bytes. Only the pipeline writes it; followers on the
same machine may read its events while the database is silent (alerting/spool_feed.py). A batch leaves it, oldest first,
once the database has it.

It has a reserve: pages that it holds already, so that alarms go on when something has filled the disk, which stops the
database as well.
"""

import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import structlog

from ingest.errors import IngestError, Refusal
from ingest.formats.gb26875 import Said
from ingest.message import DeadLetter, Message
from ingest.panel_report import PanelReport
from ingest.reading import ReadingBatch
from ingest.spool_reader import open_file
from ingest.unclaimed import Unclaimed

log = structlog.get_logger("ingest.spool")

ALARM_SHARE: Final = 0.8
LOG_BYTES: Final = 8_388_608  # SQLite's own log is taken into the file at half of it, and begun anew
ROOM_SHARE_MAX: Final = 0.5  # of what is free on the disk, that a reserve may take

_RESERVE: Final = "reserve-"
_PLAIN: Final = b"1"  # the columns one after the other, little-endian
_COLUMNS: Final[dict[str, np.dtype[Any]]] = {
    "point_id": np.dtype("<i4"), "measured_at_us": np.dtype("<i8"), "received_at_us": np.dtype("<i8"),
    "value": np.dtype("<f4"), "quality": np.dtype("<i2"),
}  # fmt: skip
_SAID: Final = "type_flag", "place", "component_type", "states", "description", "analog", "value", "operator"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_batch ON events (batch_id);
CREATE TABLE IF NOT EXISTS cache (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS beat (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), at_us INTEGER NOT NULL);
"""


class SpoolFull(IngestError):
    """The spool, or the disk under it, is full; what comes now stays with the broker."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """What one transaction would have written: readings, refusals, unclaimed devices, events in their own form, and
    what fire panels said."""

    readings: ReadingBatch
    dead_letters: Sequence[DeadLetter]
    unclaimed: Sequence[Unclaimed]
    events: Sequence[bytes]
    panels: Sequence[PanelReport] = ()


class Spool:
    """The spool at `path`, holding at most `bytes_max` of batches. Its calls may come from any thread.

    With `reserve_bytes`, so much of that can be put in also on a full disk, in file systems that overwrite in place.
    """

    def __init__(self, path: Path, bytes_max: int, reserve_bytes: int = 0) -> None:
        self.bytes_max = bytes_max
        path.parent.mkdir(parents=True, exist_ok=True)
        self._turn = threading.Lock()
        self._file = open_file(path)
        self._file.executescript(_SCHEMA)
        path.chmod(0o600)
        row = self._file.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM batches").fetchone()
        self._count, self._bytes = int(row[0]), int(row[1])
        known = self.recall("id")
        if known is None:
            known = uuid.uuid4().bytes
            self.remember("id", known)
        self.id = uuid.UUID(bytes=known)
        if reserve_bytes:
            self._reserve(path, min(reserve_bytes, bytes_max))

    def __len__(self) -> int:
        return self._count

    @property
    def share(self) -> float:
        """How full it is, 0 to 1."""
        return self._bytes / self.bytes_max

    def put(self, batch: Spooled) -> None:
        """Keep `batch`; it is on the disk when this returns. Raises SpoolFull: then nothing of it is kept."""
        body = _dump(batch)
        if self._bytes + len(body) > self.bytes_max:
            raise SpoolFull
        with self._turn:
            try:
                with self._file:
                    cursor = self._file.execute("INSERT INTO batches (bytes, body) VALUES (?, ?)", (len(body), body))
                    self._file.executemany(
                        "INSERT INTO events (batch_id, body) VALUES (?, ?)",
                        [(cursor.lastrowid, event) for event in batch.events],
                    )
            except sqlite3.OperationalError as error:
                raise SpoolFull(f"the spool cannot be written: {error}") from error
            self._count += 1
            self._bytes += len(body)

    def first(self, count_max: int) -> list[tuple[int, Spooled]]:
        """The oldest batches, at most `count_max`, with their numbers."""
        with self._turn:
            rows = self._file.execute("SELECT id, body FROM batches ORDER BY id LIMIT ?", (count_max,)).fetchall()
            events = [
                self._file.execute("SELECT body FROM events WHERE batch_id = ? ORDER BY id", (row[0],)).fetchall()
                for row in rows
            ]
        return [
            (int(number), _load(body, [each[0] for each in mine]))
            for (number, body), mine in zip(rows, events, strict=True)
        ]

    def batches(self) -> Iterator[Spooled]:
        """All batches, oldest first, a few in memory at a time."""
        after = 0
        while True:
            with self._turn:
                row = self._file.execute(
                    "SELECT id, body FROM batches WHERE id > ? ORDER BY id LIMIT 1", (after,)
                ).fetchone()
                if row is None:
                    return
                events = self._file.execute(
                    "SELECT body FROM events WHERE batch_id = ? ORDER BY id", (row[0],)
                ).fetchall()
            after = row[0]
            yield _load(row[1], [each[0] for each in events])

    def remove(self, up_to: int) -> None:
        """Drop the batches up to that number, which the database has. Raises sqlite3.OperationalError (disk full): then
        they are still there."""
        with self._turn:
            with self._file:
                row = self._file.execute(
                    "SELECT count(*), coalesce(sum(bytes), 0) FROM batches WHERE id <= ?", (up_to,)
                ).fetchone()
                self._file.execute("DELETE FROM batches WHERE id <= ?", (up_to,))
                self._file.execute("DELETE FROM events WHERE batch_id <= ?", (up_to,))
            self._count -= int(row[0])
            self._bytes -= int(row[1])

    def remember(self, name: str, body: bytes) -> None:
        """Keep `body` for a start without the database. Raises sqlite3.OperationalError (disk full)."""
        with self._turn, self._file:
            self._file.execute("INSERT OR REPLACE INTO cache (name, body) VALUES (?, ?)", (name, body))

    def recall(self, name: str) -> bytes | None:
        """What was last remembered under `name`."""
        with self._turn:
            row = self._file.execute("SELECT body FROM cache WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def beat(self, at_us: int) -> None:
        """Leave a sign of life for followers that cannot ask the database. Raises sqlite3.OperationalError (disk
        full)."""
        with self._turn, self._file:
            self._file.execute("INSERT OR REPLACE INTO beat (only_row, at_us) VALUES (1, ?)", (at_us,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _reserve(self, path: Path, wanted_bytes: int) -> None:
        """Have so many free pages in the file, and SQLite's log as long as it gets: from then on neither grows before
        the reserve is used up. What batches hold of it is free again once they are brought in."""
        [page_bytes] = self._file.execute("PRAGMA page_size").fetchone()
        [free_pages] = self._file.execute("PRAGMA freelist_count").fetchone()
        missing_bytes = max(LOG_BYTES, wanted_bytes - free_pages * page_bytes - self._bytes)  # the log is made anew
        has_room = missing_bytes <= ROOM_SHARE_MAX * shutil.disk_usage(path.parent).free
        self._file.execute("PRAGMA synchronous = OFF")
        try:
            if has_room:
                self._grow(-(-missing_bytes // LOG_BYTES))
        except sqlite3.OperationalError:  # a quota, or somebody else was quicker: a start must not fail for it
            has_room = False
        finally:
            self._file.execute("PRAGMA synchronous = FULL")
        if not has_room:
            log.warning("no room for the spool's reserve: on a full disk no alarm could leave", mib=wanted_bytes >> 20)

    def _grow(self, times: int) -> None:
        """Write so many times LOG_BYTES and delete them again. Raises sqlite3.OperationalError (disk full); what was
        written then is deleted the next time."""
        for number in range(times):
            with self._file:
                self._file.execute(
                    "INSERT OR REPLACE INTO cache (name, body) VALUES (?, zeroblob(?))",
                    (f"{_RESERVE}{number}", LOG_BYTES),
                )
        names = self._file.execute("SELECT name FROM cache WHERE name LIKE ?", (f"{_RESERVE}%",)).fetchall()
        for name in names:  # one by one: where SQLite overwrites what it deletes, all of that goes through its log
            with self._file:
                self._file.execute("DELETE FROM cache WHERE name = ?", name)
        self._file.execute("PRAGMA wal_checkpoint(RESTART)")


def _dump(batch: Spooled) -> bytes:
    columns = [np.asarray(getattr(batch.readings, name), kind).tobytes() for name, kind in _COLUMNS.items()]
    letters = [
        [each.received_at_us, each.topic, each.reason, each.detail, each.payload.hex(), each.payload_bytes]
        for each in batch.dead_letters
    ]
    unclaimed = [
        [
            each.institution, each.device, each.quantity, each.reason, each.first_seen_us, each.last_seen_us,
            each.message_count, each.last_message.topic, each.last_message.payload[:2048].hex(),
            sorted(each.quantities),
        ]
        for each in batch.unclaimed
    ]  # fmt: skip
    panels = [
        [
            each.address, each.received_at_us, each.serial, each.clock_ahead_s,
            [[*(getattr(said, name) for name in _SAID), said.time.hex()] for said in each.objects], each.denied_for,
        ]
        for each in batch.panels
    ]  # fmt: skip
    head = orjson.dumps([letters, unclaimed, panels])
    return b"".join((len(head).to_bytes(8, "big"), head, _PLAIN, *columns))


def _load(body: bytes, events: Sequence[bytes]) -> Spooled:
    length = int.from_bytes(body[:8], "big")
    letters, unclaimed, *more = orjson.loads(body[8 : 8 + length])  # a spool of an earlier version has two of them
    return Spooled(
        _readings(body[8 + length :]),
        [
            DeadLetter(at_us, topic, Refusal(reason), detail, bytes.fromhex(payload), size)
            for at_us, topic, reason, detail, payload, size in letters
        ],
        [_unclaimed(*each) for each in unclaimed],
        events,
        [_panel(*each) for panels in more for each in panels],
    )


def _readings(columns: bytes) -> ReadingBatch:
    if not columns.startswith(_PLAIN):  # a zip file, of an earlier version
        with np.load(BytesIO(columns)) as found:
            return ReadingBatch(*(found[name] for name in _COLUMNS))
    start = len(_PLAIN)
    count = (len(columns) - start) // sum(kind.itemsize for kind in _COLUMNS.values())
    plain = []
    for kind in _COLUMNS.values():
        plain.append(np.frombuffer(columns, kind, count, start).astype(kind.newbyteorder("=")))
        start += count * kind.itemsize
    return ReadingBatch(*plain)


def _panel(
    address: str, received_us: int, serial: int, ahead_s: float | None, objects: Any, denied: str
) -> PanelReport:
    said = tuple(
        Said(flag, place, kind, tuple(states), told, analog, value, operator, bytes.fromhex(time))
        for flag, place, kind, states, told, analog, value, operator, time in objects
    )
    return PanelReport(address, received_us, serial, ahead_s, said, denied)


def _unclaimed(*each: Any) -> Unclaimed:
    institution, device, quantity, reason, first_us, last_us, count, topic, payload, *more = each
    message = Message(topic, bytes.fromhex(payload), last_us)
    quantities = set(more[0]) if more else set()  # what an older version spooled says nothing of them
    return Unclaimed(institution, device, quantity, reason, first_us, last_us, count, message, quantities)
