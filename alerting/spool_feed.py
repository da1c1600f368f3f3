"""Following events while the database is silent: what a pipeline on this machine has put into its spool.

Numbers are the spool's own. When the database is back the same events come through alerting.feed, with the same event
and alert ids: a follower that knows alerts by id and version sees nothing twice.
"""

from dataclasses import dataclass
from pathlib import Path

from alerting.alert import Alert, AlertEvent
from alerting.event_json import load
from ingest.spool import SpoolReader


@dataclass(frozen=True, slots=True)
class SpooledEntry:
    """An event that is not in the database yet, and the alert as it stands after it."""

    number: int
    event: AlertEvent
    alert: Alert


class SpoolFeed:
    """Events spooled after this object was made; with `backlog`, also those that still wait for the database then."""

    def __init__(self, path: Path, *, backlog: bool = False) -> None:
        self._reader = SpoolReader(path)
        self._number = 0 if backlog else self._reader.last_event()

    def new_entries(self) -> list[SpooledEntry]:
        """What was spooled since the last call, in order. Raises sqlite3.OperationalError for an unreadable file."""
        entries = [SpooledEntry(number, *load(body)) for number, body in self._reader.events_after(self._number)]
        if entries:
            self._number = entries[-1].number
        return entries

    def pipeline_seen_us(self) -> int | None:
        """When the pipeline last left a sign of life in the spool, in µs since 1970."""
        return self._reader.beat_us()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
