"""The notifier's memory on disk, for when the database is away.

One SQLite file (WAL), readable by its owner only. While the database is there it mirrors what the notifier knows: who
is to be told how, and how far the calling for each open alert has got. While it is away it is the record: what was
decided, sent and answered, flushed to the disk before a message leaves, marked `away`, and brought into the database
afterwards (alerting/reconcile.py).
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from alerting.acknowledge_link import NewLink
from alerting.alert import Alert, AlertEvent
from alerting.delivery import Delivery, Outcome, Push
from alerting.errors import JournalUnavailable
from alerting.ladder import Ladder, Telling

BUSY_TIMEOUT_S: Final = 5.0
TIDY_EVERY_S: Final = 5.0
_PAGE_BYTES: Final = 4096

log = structlog.get_logger("alerting.outage")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
  kind TEXT NOT NULL, key TEXT NOT NULL, away INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_away ON records (kind, key) WHERE away;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, body BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A provider's answer to a delivery that lies in the database, which could not take it."""

    push_id: UUID
    contact_id: int
    attempts: int
    outcome: Outcome
    detail: str
    retry_after_s: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """Which event told of an alert while the database was away: in the log it may have joined another alert."""

    alert_id: UUID
    event_id: UUID


Record = Alert | AlertEvent | Ladder | Telling | Push | Delivery | NewLink | KeptAnswer | Heard
Kind = TypeVar("Kind", Alert, AlertEvent, Ladder, Telling, Push, Delivery, NewLink, KeptAnswer, Heard)


def _stamp(at: datetime) -> str:
    """A time as text that sorts."""
    return f"{at.timestamp():020.6f}"


# How a record is told from others of its kind.
_KEYS: Final[dict[type, Callable[[Any], str]]] = {
    Alert: lambda each: str(each.id),
    AlertEvent: lambda each: f"{_stamp(each.at)}:{each.event_id}",
    Ladder: lambda each: f"{each.alert_id}:{each.call}",
    Telling: lambda each: ":".join(map(str, each.key)),
    Push: lambda each: f"{_stamp(each.created_at)}:{each.id}",
    Delivery: lambda each: f"{each.push_id}:{each.contact_id}",
    NewLink: lambda each: each.token_sha256,
    KeptAnswer: lambda each: f"{each.push_id}:{each.contact_id}:{each.attempts}",
    Heard: lambda each: str(each.alert_id),
}
_Rows = dict[tuple[str, str], tuple[bool, bytes]]
_FORMS: Final[dict[type, TypeAdapter[Any]]] = {kind: TypeAdapter(kind) for kind in _KEYS}


class Journal:
    """The file at `path`, of at most `mib_max`. Its calls may come from any thread, and raise JournalUnavailable where
    the file cannot be read or written; one process has it at a time."""

    def __init__(self, path: Path, mib_max: int) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._unkept: _Rows = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            self._hold = _hold(path.with_suffix(".lock"))
        except OSError as error:
            raise JournalUnavailable(str(error)) from error
        try:
            try:
                self._file = _open(path, mib_max)
            except sqlite3.OperationalError:
                raise  # it is in use, or the disk is full or ill: nothing is wrong with what it says
            except sqlite3.DatabaseError as error:
                kept = _put_aside(path)
                log.error("the journal cannot be read; a new one is begun", kept=str(kept), reason=str(error))  # noqa: TRY400
                self._file = _open(path, mib_max)
        except (OSError, sqlite3.Error) as error:
            os.close(self._hold)
            raise JournalUnavailable(str(error)) from error
        self._closing = threading.Event()
        self._tidying = threading.Thread(target=self._tidy, name="journal", daemon=True)
        self._tidying.start()

    def keep(self, records: Iterable[Record], *, away: bool, notes: dict[str, bytes] | None = None) -> None:
        """Write records in one transaction, in place of those with the same keys. Without `away` they survive our end
        but not the machine's, which is no loss while the database has them.

        With `away` they are on the disk when this returns. Where that cannot be (disk full), they are kept in memory
        and tried again with the next: an alarm that may come twice is better than one that never comes.
        """
        rows = {(type(each).__name__, _KEYS[type(each)](each)): (away, _dump(each)) for each in records}
        with self._turn:
            rows = {**self._unkept, **rows}
            try:
                self._write(rows, notes or {}, durably=away)
            except sqlite3.Error as error:
                if not away:
                    raise JournalUnavailable(str(error)) from error
                log.error("the journal cannot be written; kept in memory", reason=str(error))  # noqa: TRY400
                self._unkept = rows
            else:
                self._unkept = {}

    def records(self, kind: type[Kind], *, away: bool = False) -> list[Kind]:
        """Those of a kind in the order of their keys: all, or those kept while the database was away."""
        with self._transaction():
            found = {
                key: (bool(marked), body)
                for key, marked, body in self._file.execute(
                    "SELECT key, away, body FROM records WHERE kind = ? AND away >= ?", (kind.__name__, away)
                )
            }
            found |= {key: row for (name, key), row in self._unkept.items() if name == kind.__name__}
        try:
            return [_FORMS[kind].validate_json(found[key][1]) for key in sorted(found)]
        except ValueError as error:
            raise JournalUnavailable(f"a {kind.__name__} that cannot be read") from error

    def forget(self, alerts: Iterable[UUID], pushes_before: datetime) -> None:
        """Remove what is known of alerts that are over, and of messages that no longer count."""
        with self._transaction():
            for alert_id in alerts:
                self._file.execute("DELETE FROM records WHERE kind = 'Alert' AND key = ?", (str(alert_id),))
                self._file.execute(
                    "DELETE FROM records WHERE kind IN ('Ladder', 'Telling') AND key >= ? AND key < ?",
                    (f"{alert_id}:", f"{alert_id};"),  # the character after the colon
                )
            self._file.execute(
                "DELETE FROM records WHERE kind = 'Push' AND NOT away AND key < ?", (_stamp(pushes_before),)
            )

    def clear(self, records: Iterable[Record] = ()) -> None:
        """Forget every record and keep these instead: the database has, and says, all there is to know."""
        rows = [(type(each).__name__, _KEYS[type(each)](each), False, _dump(each)) for each in records]
        with self._transaction():
            self._unkept = {}
            self._file.execute("DELETE FROM records")
            self._file.executemany("INSERT INTO records (kind, key, away, body) VALUES (?, ?, ?, ?)", rows)

    @property
    def owes(self) -> bool:
        """Whether it holds what the database does not know yet."""
        with self._transaction():
            kept = self._file.execute("SELECT EXISTS (SELECT 1 FROM records WHERE away)").fetchone()[0]
            return bool(kept or self._unkept)

    def put_by(self, name: str) -> Path:
        """Copy the file beside itself under that name: what cannot be brought in is not thrown away."""
        path = self._path.with_name(name)
        with self._transaction():
            path.touch(0o600)
            with contextlib.closing(sqlite3.connect(path)) as copy:
                self._file.backup(copy)
        return path

    def note(self, name: str) -> bytes | None:
        """What was last kept under that name."""
        with self._transaction():
            row = self._file.execute("SELECT body FROM notes WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def _write(self, rows: _Rows, notes: dict[str, bytes], *, durably: bool) -> None:
        self._file.execute(f"PRAGMA synchronous = {'FULL' if durably else 'NORMAL'}")
        with self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO records (kind, key, away, body) VALUES (?, ?, ?, ?)",
                [(*name, *row) for name, row in rows.items()],
            )
            self._file.executemany("INSERT OR REPLACE INTO notes (name, body) VALUES (?, ?)", notes.items())

    def close(self) -> None:
        """Close the file, and let another process have it."""
        self._closing.set()
        self._tidying.join()
        self._file.close()
        os.close(self._hold)

    def _tidy(self) -> None:
        """Take what was written from the log of the file into the file. That flushes both, for which nobody who has an
        alarm to send should wait: so it is done here, and does not hold up whoever writes."""
        with contextlib.closing(_connect(self._path)) as file:
            while not self._closing.wait(TIDY_EVERY_S):
                try:
                    file.execute("PRAGMA wal_checkpoint(PASSIVE)")
                except sqlite3.Error as error:
                    log.warning("the journal cannot be tidied", reason=str(error))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._turn, self._file:
                yield
        except sqlite3.Error as error:
            raise JournalUnavailable(str(error)) from error


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)


def _open(path: Path, mib_max: int) -> sqlite3.Connection:
    path.touch(0o600)
    path.chmod(0o600)
    file = _connect(path)
    try:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA wal_autocheckpoint = 0")  # _tidy does it
        file.execute(f"PRAGMA max_page_count = {mib_max * 1_048_576 // _PAGE_BYTES}")
        file.executescript(_SCHEMA)
    except sqlite3.Error:
        file.close()
        raise
    return file


def _put_aside(path: Path) -> Path:
    """Move a file that is none of SQLite's out of the way, with what belongs to it."""
    kept = path.with_name(f"unreadable-{time.time_ns()}.sqlite")
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{kept}{ending}")
    return kept


def _dump(record: Record) -> bytes:
    body: bytes = _FORMS[type(record)].dump_json(record)
    return body


def _hold(path: Path) -> int:
    """A lock that falls with this process."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number
