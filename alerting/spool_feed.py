"""Following events while the database is silent: what a pipeline on this machine has put into its spool.

Numbers are the spool's own. When the database is back the same events come through alerting.feed, with the same event
and alert ids: a follower that knows alerts by id and version sees nothing twice.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alerting.alert import Alert, AlertEvent
from alerting.event_json import load
from ingest.spool_reader import SpoolReader

Position = tuple[tuple[str, int], ...]  # of each spool: which one it is, and how far it was read
THE_BEGINNING: Final[Position] = ()  # a position before all that a spool holds


@dataclass(frozen=True, slots=True)
class SpooledEntry:
    """An event that is not in the database yet, and the alert as it stands after it."""

    number: int
    event: AlertEvent
    alert: Alert


class SpoolFeed:
    """Events spooled after this object was made; or after the position `after`, if it is still the same spool, and all
    it holds otherwise. `path` is a spool, or the folder of those of many shards: then also of spools that appear
    later."""

    def __init__(self, path: Path, *, after: Position | None = None) -> None:
        self._path = path
        self._after = None if after is None else dict(after)
        self._readers: dict[Path, SpoolReader] = {}
        self._numbers: dict[Path, int] = {}
        self._look_for_files()
        self._after = self._after or {}  # what appears from now on is new

    def new_entries(self) -> list[SpooledEntry]:
        """What was spooled since the last call, in order. Raises sqlite3.OperationalError for an unreadable file."""
        self._look_for_files()
        found: list[SpooledEntry] = []
        for path, reader in self._readers.items():
            entries = [SpooledEntry(number, *load(body)) for number, body in reader.events_after(self._numbers[path])]
            if entries:
                self._numbers[path] = entries[-1].number
            found += entries
        return found

    @property
    def position(self) -> Position:
        """How far this has read, for `after`."""
        return tuple((reader.id(), self._numbers[path]) for path, reader in self._readers.items())

    def pipeline_seen_us(self) -> int | None:
        """When a pipeline last left a sign of life in a spool, in µs since 1970."""
        return max((beat for each in self._readers.values() if (beat := each.beat_us()) is not None), default=None)

    def waiting(self) -> bool:
        """Whether a pipeline holds anything that the database does not have yet."""
        self._look_for_files()
        return any(reader.waiting() for reader in self._readers.values())

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers.values():
            reader.close()

    def _look_for_files(self) -> None:
        for path in sorted(self._path.glob("shard-*.sqlite")) if self._path.is_dir() else [self._path]:
            if path not in self._readers:
                reader = SpoolReader(path)
                self._numbers[path] = reader.last_event() if self._after is None else self._after.get(reader.id(), 0)
                self._readers[path] = reader
