"""The spool seen by others than the pipeline that writes it: followers on the same machine, and whoever starts it.

Without numpy, which begins threads of its own: the supervisor reads it, and forks.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

BUSY_TIMEOUT_S: Final = 5.0
REGISTRY, JUDGE = "registry", "judge"  # what a pipeline remembers, to start without the database


class SpoolReader:
    """A follower's view of the spool of a pipeline on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: sqlite3.Connection | None = None

    def events_after(self, number: int) -> list[tuple[int, bytes]]:
        """Events put in after the one with `number`; [] where there is no spool."""
        return [
            (int(row[0]), bytes(row[1]))
            for row in self._rows("SELECT id, body FROM events WHERE id > ? ORDER BY id", number)
        ]

    def last_event(self) -> int:
        """The number of the newest event ever put in, 0 for none."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return int(rows[0][0]) if rows else 0

    def id(self) -> str:
        """Which spool this is, "" where there is none: another one counts its events anew."""
        rows = self._rows("SELECT body FROM cache WHERE name = 'id'")
        return bytes(rows[0][0]).hex() if rows else ""

    def waiting(self) -> bool:
        """Whether any batch waits for the database."""
        rows = self._rows("SELECT EXISTS (SELECT 1 FROM batches)")
        return bool(rows and rows[0][0])

    def remembers(self, *names: str) -> bool:
        """Whether something is remembered under each of the names; False where there is no spool that can be read."""
        try:
            return all(self._rows("SELECT 1 FROM cache WHERE name = ?", name) for name in names)
        except sqlite3.Error:
            return False

    def beat_us(self) -> int | None:
        """When the pipeline last left a sign of life here, in µs since 1970."""
        rows = self._rows("SELECT at_us FROM beat")
        return int(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        if self._file is None:
            if not self._path.exists():
                return []
            self._file = open_file(self._path, read_only=True)
        return self._file.execute(statement, parameters).fetchall()


def open_file(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """The spool's file, as everybody opens it."""
    address = f"file:{path}?mode=ro" if read_only else f"file:{path}"
    file = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    if not read_only:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")  # a commit is on the disk before the message is acknowledged
        file.execute("PRAGMA journal_size_limit = 67108864")
    return file
