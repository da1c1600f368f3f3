"""The thread that follows the database: the event log, suppressions, the registry, and who may be connected."""

import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
import structlog

from alerting import feed, store, suppression_store
from alerting.feed import Entry
from dashboard.hub import Update
from dashboard.picture import Picture
from dashboard.present import Places
from dashboard.store import CHANNEL as PEOPLE_CHANNEL
from ingest import directory
from ingest.database import Connection, connect, cut
from ingest.errors import DatabaseUnavailable
from ingest.store import REGISTRY_CHANNEL

_WAIT_S: Final = 0.25  # how long one look at a quiet log takes, and so how late a stop is noticed
_SILENCE_S_MAX: Final = 5.0  # of the thread, before it counts as stuck
_DELAY_S_FIRST: Final = 0.2
_ENDED_MAX: Final = 1000  # alerts of which it is known at the start how they ended
_CHANNELS: Final = (store.CHANNEL, suppression_store.CHANNEL, REGISTRY_CHANNEL, PEOPLE_CHANNEL)

log = structlog.get_logger(__name__)

Tell = Callable[[Callable[[Picture], Update | None]], None]


class Follower(threading.Thread):
    """Follows from a snapshot on; when the database goes away it begins again from a new snapshot.

    `tell` is given what to do with the picture, and sends on what comes of it; `on_people` is called when somebody's
    session, role or scope has changed, `on_recorded` with the times of recording of events that were sent on. All are
    called from this thread.
    """

    def __init__(
        self,
        database_url: str,
        tell: Tell,
        *,
        on_people: Callable[[], None],
        on_recorded: Callable[[list[datetime]], None],
        delay_s_max: float,
    ) -> None:
        super().__init__(name="anhu-live-follower", daemon=True)
        self._database_url = database_url
        self._tell = tell
        self._on_people = on_people
        self._on_recorded = on_recorded
        self._delay_s_max = delay_s_max
        self._ending = threading.Event()
        self._seen_at_s = float("-inf")
        self._delay_s = _DELAY_S_FIRST
        self._connection: Connection | None = None

    @property
    def alive(self) -> bool:
        """Whether it follows the log right now."""
        return self.is_alive() and time.monotonic() - self._seen_at_s < _SILENCE_S_MAX

    def end(self, timeout_s: float) -> None:
        """Stop following; waits for the thread at most `timeout_s`."""
        self._ending.set()
        if self._connection is not None:
            cut(self._connection)  # it may be waiting there for something to happen
        self.join(timeout_s)

    def run(self) -> None:
        """Follow until the end."""
        while not self._ending.is_set():
            try:
                self._follow()
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                self._lost(str(error))
            except Exception:  # noqa: BLE001 - told in full, see below
                # Whatever it was, a dashboard that shows no more alarms is worse: say so loudly and begin again.
                # The trace as text: structlog's own rendering can print local variables, and with them passwords.
                trace = traceback.format_exc()
                log.error("the follower of the event log failed", trace=trace)  # noqa: TRY400 - see above
                self._lost("unexpected error")

    def _lost(self, reason: str) -> None:
        if self._ending.is_set():
            return
        self._seen_at_s = float("-inf")
        log.warning("the event log cannot be followed", retry_in_s=self._delay_s, error=reason)
        self._ending.wait(self._delay_s)
        self._delay_s = min(self._delay_s * 2, self._delay_s_max)

    def _follow(self) -> None:
        with connect(self._database_url, autocommit=True, application="anhu live") as connection:
            self._connection = connection
            for channel in _CHANNELS:
                connection.execute(f"LISTEN {channel}".encode())
            cursor = self._begin(connection)
            self._on_people()
            while not self._ending.is_set():
                entries = feed.entries_after(connection, cursor)
                self._seen_at_s, self._delay_s = time.monotonic(), _DELAY_S_FIRST
                if entries:
                    self._pass_on(connection, entries)
                    cursor = entries[-1].cursor
                else:
                    told = {each.channel for each in connection.notifies(timeout=_WAIT_S, stop_after=1)}
                    self._hear(connection, told)

    def _begin(self, connection: Connection) -> int:
        told_early: list[UUID] = []
        about: set[UUID] = set()

        def ask(picture: Picture) -> None:
            told_early.extend(picture.told_early)
            about.update(picture.early_alerts)

        self._tell(ask)
        # Before the snapshot is taken: what is in the log by now, the snapshot holds for certain.
        logged = store.logged_event_ids(connection, told_early)
        taken = feed.snapshot(connection)
        concerned = [*store.ended_last(connection, _ENDED_MAX), *store.load_many(connection, about).values()]
        places, suppressions = _places(connection), suppression_store.in_force_or_planned(connection, _now())
        self._tell(
            lambda picture: picture.begin(taken.cursor, taken.alerts, places, suppressions, logged, concerned, _now())
        )
        return taken.cursor

    def _pass_on(self, connection: Connection, entries: list[Entry]) -> None:
        lacking = False

        def take(picture: Picture) -> Update | None:
            nonlocal lacking
            lacking = picture.lacks(entry.alert for entry in entries)
            return None if lacking else picture.take(entries, _now())

        self._tell(take)
        if lacking:
            self._read_registry(connection)
            self._tell(lambda picture: picture.take(entries, _now()))
        self._on_recorded([entry.recorded_at for entry in entries])

    def _hear(self, connection: Connection, channels: set[str]) -> None:
        if REGISTRY_CHANNEL in channels:
            self._read_registry(connection)
        if suppression_store.CHANNEL in channels:
            suppressions = suppression_store.in_force_or_planned(connection, _now())
            self._tell(lambda picture: picture.suppress(suppressions, _now()))
        if PEOPLE_CHANNEL in channels:
            self._on_people()

    def _read_registry(self, connection: Connection) -> None:
        places = _places(connection)
        self._tell(lambda picture: picture.move(places, _now()))


def _places(connection: Connection) -> Places:
    institutions, zones, devices = directory.everything(connection)
    return Places(
        {each.id: each for each in institutions},
        {each.id: each for each in zones},
        {each.id: each for each in devices},
    )


def _now() -> datetime:
    return datetime.now(UTC)
