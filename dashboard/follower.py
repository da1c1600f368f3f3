"""The one thread that follows the event log and hands every frame to the hub."""

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg
import structlog

from alerting import feed
from dashboard import present
from dashboard.hub import Frame
from ingest.database import connect
from ingest.errors import DatabaseUnavailable

_WAIT_S: Final = 0.25  # how long one look at a quiet log takes, and so how late a stop is noticed
_SILENCE_S_MAX: Final = 5.0  # of the thread, before it counts as stuck
_DELAY_S_FIRST: Final = 0.2

log = structlog.get_logger(__name__)


class Follower(threading.Thread):
    """Follows the log from a snapshot on; when the database goes away it begins again from a new snapshot.

    `on_resync(snapshot)` and `on_frames(frames, recorded_at of each)` are called on the event loop, in order.
    """

    def __init__(
        self,
        database_url: str,
        loop: asyncio.AbstractEventLoop,
        *,
        on_resync: Callable[[Frame], None],
        on_frames: Callable[[Sequence[Frame], Sequence[datetime]], None],
        delay_s_max: float,
    ) -> None:
        super().__init__(name="anhu-live-follower", daemon=True)
        self._database_url = database_url
        self._loop = loop
        self._on_resync = on_resync
        self._on_frames = on_frames
        self._delay_s_max = delay_s_max
        self._ending = threading.Event()
        self._seen_at_s = float("-inf")
        self._delay_s = _DELAY_S_FIRST

    @property
    def alive(self) -> bool:
        """Whether it follows the log right now."""
        return self.is_alive() and time.monotonic() - self._seen_at_s < _SILENCE_S_MAX

    def end(self, timeout_s: float) -> None:
        """Stop following; waits for the thread at most `timeout_s`."""
        self._ending.set()
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
        self._seen_at_s = float("-inf")
        log.warning("the event log cannot be followed", retry_in_s=self._delay_s, error=reason)
        self._ending.wait(self._delay_s)
        self._delay_s = min(self._delay_s * 2, self._delay_s_max)

    def _follow(self) -> None:
        with connect(self._database_url, autocommit=True, application="anhu live") as connection:
            taken = feed.snapshot(connection)
            frame = Frame(taken.cursor, present.snapshot_frame(connection, taken, datetime.now(UTC)))
            self._call(lambda: self._on_resync(frame))
            self._seen()
            for entries in feed.follow(self._database_url, taken.cursor, wait_s=_WAIT_S):
                if self._ending.is_set():
                    return
                if entries:
                    texts = present.alert_frames(connection, entries)
                    frames = [Frame(entry.cursor, text) for entry, text in zip(entries, texts, strict=True)]
                    self._publish(frames, [entry.recorded_at for entry in entries])
                self._seen()

    def _publish(self, frames: Sequence[Frame], recorded_at: Sequence[datetime]) -> None:
        self._call(lambda: self._on_frames(frames, recorded_at))

    def _seen(self) -> None:
        self._seen_at_s = time.monotonic()
        self._delay_s = _DELAY_S_FIRST

    def _call(self, action: Callable[[], None]) -> None:
        if not self._ending.is_set():
            self._loop.call_soon_threadsafe(action)
