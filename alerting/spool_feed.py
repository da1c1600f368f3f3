"""Following events while the database is silent: what a pipeline on this machine has put into its spool.

Numbers are the spool's own. When the database is back the same events come through alerting.feed, with the same event
and alert ids: a follower that knows alerts by id and version sees nothing twice.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alerting.alert import Alert, AlertEvent
from alerting.event_json import load
from ingest.spool import SpoolReader

THE_BEGINNING: Final = ("", 0)  # a position before all that a spool holds


@dataclass(frozen=True, slots=True)
class SpooledEntry:
    """An event that is not in the database yet, and the alert as it stands after it."""

    number: int
    event: AlertEvent
    alert: Alert


class SpoolFeed:
    """Events spooled after this object was made; or after the position `after`, if it is still the same spool, and all
    it holds otherwise."""

    def __init__(self, path: Path, *, after: tuple[str, int] | None = None) -> None:
        self._reader = SpoolReader(path)
        self._number = self._reader.last_event() if after is None else self._place(after)

    def new_entries(self) -> list[SpooledEntry]:
        """What was spooled since the last call, in order. Raises sqlite3.OperationalError for an unreadable file."""
        entries = [SpooledEntry(number, *load(body)) for number, body in self._reader.events_after(self._number)]
        if entries:
            self._number = entries[-1].number
        return entries

    @property
    def position(self) -> tuple[str, int]:
        """How far this has read, for `after`."""
        return self._reader.id(), self._number

    def pipeline_seen_us(self) -> int | None:
        """When the pipeline last left a sign of life in the spool, in µs since 1970."""
        return self._reader.beat_us()

    def waiting(self) -> bool:
        """Whether the pipeline holds anything that the database does not have yet."""
        return self._reader.waiting()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _place(self, after: tuple[str, int]) -> int:
        spool, number = after
        return number if spool == self._reader.id() else 0
