"""The thread that needs no database: it watches the pipeline's spool, and lets time pass for what is kept quiet."""

import sqlite3
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from alerting.spool_feed import THE_BEGINNING, SpoolFeed
from dashboard.follower import Tell

POLL_S: Final = 0.05

log = structlog.get_logger(__name__)


class Bystander(threading.Thread):
    """Looks every POLL_S seconds, and a first time in `begin`, which is called before the log is followed: what waits
    in the spool then may be in no snapshot of the database. `spool` is the file of a pipeline on this machine, which
    need not exist, or None where pipelines run elsewhere. `on_beat` is called with the pipeline's sign of life there,
    in µs since 1970."""

    def __init__(self, spool: Path | None, tell: Tell, on_beat: Callable[[int], None]) -> None:
        super().__init__(name="anhu-live-bystander", daemon=True)
        self._spool = spool
        self._tell = tell
        self._on_beat = on_beat
        self._ending = threading.Event()
        self._feed: SpoolFeed | None = None
        self._complained = False

    def begin(self) -> None:
        """Look for the first time, in the caller's thread."""
        self._look_safely()

    def end(self, timeout_s: float) -> None:
        """Stop; waits for the thread at most `timeout_s`."""
        self._ending.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Look until the end."""
        while not self._ending.wait(POLL_S):
            self._look_safely()
        if self._feed is not None:
            self._feed.close()

    def _look_safely(self) -> None:
        try:
            self._look()
        except sqlite3.Error as error:
            self._complain(str(error))
        except Exception:  # noqa: BLE001 - told in full; and a page that shows no more alarms is worse
            # The trace as text: structlog's own rendering can print local variables, and with them passwords.
            self._complain(traceback.format_exc())

    def _look(self) -> None:
        self._tell(lambda picture: picture.tick(datetime.now(UTC)))
        if self._spool is None:
            return
        if self._feed is None:
            self._feed = SpoolFeed(self._spool, after=THE_BEGINNING)
        if entries := self._feed.new_entries():
            log.warning("alerts told from the spool: the database is away", count=len(entries))
            self._tell(lambda picture: picture.take_spooled(entries, datetime.now(UTC)))
        if (beat_us := self._feed.pipeline_seen_us()) is not None:
            self._on_beat(beat_us)
        self._complained = False

    def _complain(self, reason: str) -> None:
        if not self._complained:
            log.error("the spool cannot be watched", reason=reason)
        self._complained = True
