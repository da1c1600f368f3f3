"""The desk: reads the event log, decides, and puts that on record together with how far it has read."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter as Total
from prometheus_client import Gauge

from alerting import acknowledge_link, channel_trouble, directory_store, feed, outbox_store, store, suppression_store
from alerting.alert import Kind
from alerting.book import REMEMBERED, Book, Decision, Directory
from alerting.directory_store import Standing
from alerting.dispatch import Dispatch, dispatch
from alerting.feed import Entry
from alerting.mirror import Mirror
from alerting.notification import decide, next_change
from alerting.sender import Senders
from alerting.settings import NotifySettings
from ingest.database import Connection

_READS_MAX: Final = 10  # of the log before a decision
_TROUBLE_AGE: Final = timedelta(days=1)

log = structlog.get_logger("alerting.notify")
_PUSHES: Final = Total("anhu_pushes_total", "Messages decided on, by form", ["form"])
_QUIET: Final = Total("anhu_alerts_quiet_total", "Alerts that called nobody, by reason", ["reason"])
_OPEN: Final = Gauge("anhu_notifier_alerts", "Open alerts the notifier looks after")


class Desk:
    """The one that decides, for as long as its connection lasts."""

    def __init__(
        self,
        connection: Connection,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        senders: Senders,
        mirror: Mirror,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._senders = senders
        self._mirror = mirror
        self._standing: Standing | None = None
        self._change_at: datetime | None = None
        self._cursor = 0
        self._book = Book()
        self._directory: Directory | None = None

    def run(self, stop: threading.Event) -> None:
        """Take up where the last one left off, and go on until `stop` is set. Raises psycopg.OperationalError."""
        for channel in (store.CHANNEL, outbox_store.CHANNEL, suppression_store.CHANNEL):
            self._connection.execute(f"LISTEN {channel}".encode())
        self._restore()
        self._look_for_trouble()
        while not stop.is_set():
            more = self.step()
            if more:
                continue
            self._wait()

    def step(self) -> bool:
        """Read, decide, write; whether there is more to read."""
        entries: list[Entry] = []
        # A storm is read before it is judged: the fire may be the last of it.
        for _ in range(_READS_MAX):
            more = feed.entries_after(self._connection, entries[-1].cursor if entries else self._cursor)
            entries += more
            if len(more) < feed.BATCH_COUNT_MAX:
                break
        self._mirror.heard([entry.alert for entry in entries])
        for entry in entries:
            self._book.put(entry.alert, entry.recorded_at)
        now = self._clock()
        directory = self._current_directory(now)
        self._senders.bounds = directory.policy.delivery
        decision = decide(self._book, directory, now)
        cursor = entries[-1].cursor if entries else self._cursor
        if not decision.empty or entries:
            self._carry_out(decision, directory, cursor, now)
        self._cursor = cursor
        self._book.adopt(decision, now)
        if over := [number for number in decision.look_again if number not in self._book.alerts]:
            self._mirror.forget(over, now)
        self._count(decision)
        return len(entries) == _READS_MAX * feed.BATCH_COUNT_MAX

    def _carry_out(self, decision: Decision, directory: Directory, cursor: int, now: datetime) -> None:
        """Put the decision on record, and then send what it wants sent."""
        outgoing = dispatch(decision.pushes, directory, self._senders, self._settings, now)
        waiting = outgoing.waiting(now)
        try:
            self._write(decision, outgoing, cursor, tell_others=bool(waiting))
        except BaseException:
            outgoing.drop(self._senders)
            raise
        self._mirror.decided(decision)
        outgoing.send(self._senders)
        self._senders.wake(waiting)

    def _write(self, decision: Decision, outgoing: Dispatch, cursor: int, *, tell_others: bool) -> None:
        """Put the decision on record, in one transaction and as few round trips."""
        connection = self._connection
        with connection.pipeline(), connection.transaction():
            outbox_store.write(
                connection, decision.ladders, decision.tellings, decision.pushes, outgoing.deliveries, decision.settled
            )
            if outgoing.links:
                acknowledge_link.save(connection, outgoing.links)
            outbox_store.advance(connection, cursor)
            if tell_others:
                connection.execute("SELECT pg_notify(%s, 'new')", (outbox_store.CHANNEL,))
            store.append(connection, decision.events)  # last: it holds the log's lock to the commit

    def _count(self, decision: Decision) -> None:
        _OPEN.set(len(self._book.alerts))
        for push in decision.pushes:
            _PUSHES.labels(push.form).inc()
        for alert_id, reason in decision.reasons.items():
            _QUIET.labels(reason).inc()
            log.debug("nobody further is told", alert_id=str(alert_id), reason=reason)
        if decision.pushes:
            log.info("to be sent", pushes=len(decision.pushes), events=self._cursor)

    def _restore(self) -> None:
        """Everything that is open, as of the stored cursor; at the very first start, as of now."""
        connection, now = self._connection, self._clock()
        taken = feed.snapshot(connection)
        with connection.transaction():
            cursor = outbox_store.cursor(connection)
            if cursor is None:
                outbox_store.advance(connection, taken.cursor)
            ladders = outbox_store.load_ladders(connection)
            tellings = outbox_store.load_tellings(connection)
            pushes = outbox_store.load_pushes(connection, now - REMEMBERED)
            called = store.load_many(connection, {ladder.alert_id for ladder in ladders})
        alerts = {**called, **{alert.id: alert for alert in taken.alerts}}
        self._book = Book()
        self._book.restore(alerts.values(), ladders, tellings, pushes)
        self._mirror.begin(list(alerts.values()), ladders, tellings, pushes)
        self._cursor = taken.cursor if cursor is None else min(cursor, taken.cursor)
        # What was recorded while nobody looked calls from the time it was recorded.
        while entries := feed.entries_after(connection, self._cursor):
            for entry in entries:
                self._book.put(entry.alert, entry.recorded_at)
            self._mirror.heard([entry.alert for entry in entries])
            self._cursor = entries[-1].cursor
        log.info("notifier ready", open_alerts=len(self._book.alerts), cursor=self._cursor)

    def _current_directory(self, now: datetime) -> Directory:
        """The directory, read again when an act that changes it or a change of the registry is on record."""
        if self._directory is None or self._standing is None:
            known, self._standing = None, directory_store.standing(self._connection)
        else:
            before = self._standing
            self._standing, by_people = directory_store.changed(self._connection, before)
            same_places = self._standing.registry == before.registry
            if same_places and not by_people and (self._change_at is None or now < self._change_at):
                return self._directory
            known = self._directory.registry if same_places else None
        with self._connection.transaction():
            self._directory = directory_store.load_directory(self._connection, now, known)
        self._mirror.directory(self._directory)
        self._change_at = next_change(self._directory, now)
        self._book.look_at_all()
        return self._directory

    def _look_for_trouble(self) -> None:
        """Messages that could not be delivered: tell the next in line, and that the channel is broken."""
        since = self._clock() - _TROUBLE_AGE
        with self._connection.transaction():
            unreached = outbox_store.unreached(self._connection, since)
            troubles = outbox_store.troubles(self._connection, since)
            standing = next((alert for alert in self._book.alerts.values() if alert.kind is Kind.SYSTEM), None)
            store.append(self._connection, channel_trouble.events(troubles, standing))
        self._book.unreached.update(unreached)
        self._book.dirty.update(dict.fromkeys(unreached))

    def _wait(self) -> None:
        """Until something is recorded or falls due."""
        now = self._clock()
        moments = [at for at in (self._book.next_at(), self._change_at) if at is not None]
        wait_s = min([self._settings.refresh_s, *((at - now).total_seconds() for at in moments)])
        if wait_s <= 0 or self._book.dirty:
            return
        heard = self._hear(wait_s)
        told = {note.payload for note in heard if note.channel == outbox_store.CHANNEL}
        if "dead" in told or not heard:
            self._look_for_trouble()
        if told:  # somebody else put something into the outbox
            self._senders.wake()

    def _hear(self, wait_s: float) -> list[psycopg.Notify]:
        """What others say within `wait_s`; what we put into the outbox ourselves is no news."""
        deadline_s = time.monotonic() + wait_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            notes = list(self._connection.notifies(timeout=left_s, stop_after=1))
            mine = self._connection.info.backend_pid
            if heard := [each for each in notes if (each.channel, each.pid) != (outbox_store.CHANNEL, mine)]:
                return heard
        return []
