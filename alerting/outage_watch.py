"""Whether the database is away: it refuses, or does not answer in time, or the pipeline's spool holds what it could
not take. A database that hangs says nothing, and whoever waits for it waits for ever: so it is asked by a thread of its
own, and who waits is cut off."""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from alerting import store
from alerting.alert import Alert
from alerting.spool_feed import SpoolFeed
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable
from ingest.writer import Writer

POLL_S: Final = 0.05
ASK_EVERY_S: Final = 1.0

log = structlog.get_logger("alerting.outage")


class OutageWatch(threading.Thread):
    """Looks until `end`. `on_away` is called whenever the database goes away, to cut off whoever waits for it.

    `calling`: alerts for which people are being called; which of them are `acknowledged` is asked along.
    """

    def __init__(self, database_url: str, spool: Path | None, answer_s_max: float, on_away: Callable[[], None]) -> None:
        super().__init__(name="outage-watch", daemon=True)
        self.calling: tuple[UUID, ...] = ()
        self.acknowledged: tuple[Alert, ...] = ()
        self._asking = Writer(database_url, lambda _: None, application="anhu outage watch")
        self._spool = spool
        self._feed: SpoolFeed | None = None
        self._answer_s_max = answer_s_max
        self._on_away = on_away
        self._ending = threading.Event()
        self._known = threading.Event()
        self._gone = threading.Event()
        self._silent = False
        self._asked: tuple[Future[None], float] | None = None
        self._ask_at_s = 0.0

    @property
    def away(self) -> bool:
        """Whether the database is away, as far as is known; waits for the first answer."""
        self._known.wait(self._answer_s_max + 1)
        return self._gone.is_set()

    def look_again(self, wait_s: float) -> None:
        """Somebody's connection broke: ask at once, and wait until the database counts as away, at most `wait_s`."""
        self._ask_at_s = 0.0
        self._gone.wait(wait_s)

    def end(self) -> None:
        """Stop looking."""
        self._ending.set()
        self.join(5)
        self._asking.close()
        if self._feed is not None:
            self._feed.close()

    def run(self) -> None:
        """Look until the end."""
        while not self._ending.wait(POLL_S):
            try:
                reason = self._look()
            except Exception:  # whatever it was, an outage must not go unseen
                log.exception("the watch of the database failed; it goes on")
                continue
            if reason is not None and not self._gone.is_set():
                log.error("the database is away", reason=reason)
                self._gone.set()
                self._on_away()
            if reason is None and self._gone.is_set():
                log.warning("the database is back")
                self._gone.clear()
            if self._asked is None or reason is not None:
                self._known.set()

    def _look(self) -> str | None:
        """Why the database counts as away, if it does."""
        now_s = time.monotonic()
        if self._asked is None and now_s >= self._ask_at_s:
            self._asked = self._asking.begin(self._ask), now_s
        if self._asked is not None:
            asked, since_s = self._asked
            overdue = now_s - since_s > self._answer_s_max
            if asked.done() or overdue:
                self._asked, self._ask_at_s = None, now_s + ASK_EVERY_S
                self._silent = not self._answered(asked)
        if self._silent:
            return "it does not answer"
        return "the pipeline has put readings into its spool" if self._spool_holds() else None

    def _answered(self, asked: "Future[None]") -> bool:
        try:
            self._asking.wait(asked, 0.001)
        except DatabaseUnavailable:
            return False
        return True

    def _ask(self, connection: Connection) -> None:
        connection.execute("SELECT 1")
        found = store.load_many(connection, self.calling).values() if self.calling else ()
        self.acknowledged = tuple(alert for alert in found if alert.acknowledged)

    def _spool_holds(self) -> bool:
        if self._spool is None:
            return False
        try:
            if self._feed is None:
                self._feed = SpoolFeed(self._spool)
            return self._feed.waiting()
        except sqlite3.Error:  # a pipeline that makes its spool at this moment
            return False
