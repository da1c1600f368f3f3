"""The notifier: follows the event log, decides who is told, and writes that down together with how far it has got.

It decides at once when something is recorded (NOTIFY), and otherwise when something falls due. Any number may run: one
decides, which holds a lock; all of them send.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter as Total
from prometheus_client import Gauge, start_http_server

from alerting import channel_trouble, feed, oncall_store, outbox_store, people_store, store, suppression_store
from alerting.alert import Kind
from alerting.book import REMEMBERED, Book, Decision, Directory
from alerting.channels import Poster, open_channels
from alerting.delivery import Delivery, plan
from alerting.escalation import CHANNELS, default_policy, parse
from alerting.escalation import Delivery as Bounds
from alerting.feed import Entry
from alerting.notification import decide, next_change
from alerting.people import Contact
from alerting.sender import Sender, open_senders
from alerting.settings import NotifySettings
from ingest import store as ingest_store
from ingest.database import Connection, connect, pool
from ingest.errors import DatabaseUnavailable
from ingest.registry import Registry

_RETRY_S: Final = 1.0
_READS_MAX: Final = 10  # of the log before a decision
_TROUBLE_AGE: Final = timedelta(days=1)

log = structlog.get_logger("alerting.notify")
_PUSHES: Final = Total("anhu_pushes_total", "Messages decided on, by form", ["form"])
_QUIET: Final = Total("anhu_alerts_quiet_total", "Alerts that called nobody, by reason", ["reason"])
_OPEN: Final = Gauge("anhu_notifier_alerts", "Open alerts the notifier looks after")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class Notifier:
    """One notifier; `run` it until it is to stop."""

    def __init__(self, database_url: str, settings: NotifySettings, clock: Callable[[], datetime] = utc_now) -> None:
        self._database_url = database_url
        self._settings = settings
        self._clock = clock
        self._senders: dict[str, Sender] = {}
        self._bounds: Bounds = parse(default_policy()).delivery

    def run(self, stop: threading.Event) -> None:
        """Decide and send until `stop` is set. Raises DatabaseUnavailable when it is not there at the start."""
        settings = self._settings
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        with ExitStack() as stack:
            poster = Poster(settings.send_s_max)
            stack.callback(poster.close)
            answers = stack.enter_context(
                pool(self._database_url, count_max=settings.database_connections_max, application="anhu answers")
            )
            channels = open_channels(settings, poster)
            self._senders = open_senders(
                channels, self._database_url, answers, settings, self._clock, lambda: self._bounds
            )  # fmt: skip
            for sender in self._senders.values():
                sender.start()
                stack.callback(sender.stop)
            self._decide_until(stop)

    def _decide_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with connect(self._database_url, autocommit=True, application="anhu notifier") as connection:
                    if outbox_store.lead(connection):
                        Desk(connection, self._settings, self._clock, self._decided).run(stop)
                    else:
                        self._stand_by(connection, stop)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("the database is away", error_type=type(error).__name__)
                stop.wait(_RETRY_S)

    def _stand_by(self, connection: Connection, stop: threading.Event) -> None:
        """Another notifier decides; send for it, and be ready to take over."""
        log.info("another notifier decides; this one sends")
        connection.execute(f"LISTEN {outbox_store.CHANNEL}".encode())
        while not stop.is_set() and not outbox_store.lead(connection):
            for _ in connection.notifies(timeout=_RETRY_S, stop_after=1):
                self._wake()
        connection.execute("SELECT pg_advisory_unlock_all()")

    def _decided(self, directory: Directory, channels: Iterable[str]) -> None:
        self._bounds = directory.policy.delivery
        for channel in channels:
            self._senders[channel].wake()

    def _wake(self) -> None:
        for sender in self._senders.values():
            sender.wake()


class Desk:
    """The one that decides, for as long as its connection lasts."""

    def __init__(
        self,
        connection: Connection,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        decided: Callable[[Directory, Iterable[str]], None],
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._decided = decided
        self._marks: tuple[object, ...] = ()
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
        for entry in entries:
            self._book.put(entry.alert, entry.recorded_at)
        now = self._clock()
        directory = self._current_directory(now)
        decision = decide(self._book, directory, now)
        cursor = entries[-1].cursor if entries else self._cursor
        channels: set[str] = set()
        if not decision.empty or entries:
            channels = self._write(decision, directory, cursor)
        self._cursor = cursor
        self._book.adopt(decision, now)
        self._decided(directory, channels)
        self._count(decision)
        return len(entries) == _READS_MAX * feed.BATCH_COUNT_MAX

    def _write(self, decision: Decision, directory: Directory, cursor: int) -> set[str]:
        """Put the decision on record; the channels that now have something to send."""
        deliveries: list[Delivery] = []
        for push in decision.pushes:
            deliveries += plan(push, directory.contacts[push.person_id], directory.policy.delivery)
        with self._connection.transaction():
            outbox_store.write(
                self._connection, decision.ladders, decision.tellings, decision.pushes, deliveries, decision.settled
            )
            outbox_store.advance(self._connection, cursor)
            if decision.pushes:
                self._connection.execute("SELECT pg_notify(%s, 'new')", (outbox_store.CHANNEL,))
            store.append(self._connection, decision.events)  # last: it holds the log's lock to the commit
        return {each.channel for each in deliveries}

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
            self._book = Book()
            cursor = outbox_store.cursor(connection)
            if cursor is None:
                outbox_store.advance(connection, taken.cursor)
            for ladder in outbox_store.load_ladders(connection):
                self._book.ladders[ladder.alert_id] = ladder
            for alert in store.load_many(connection, self._book.ladders).values():
                self._book.put(alert)
            for alert in taken.alerts:
                self._book.put(alert)
            for telling in outbox_store.load_tellings(connection):
                self._book.note(telling)
            for push in outbox_store.load_pushes(connection, now - REMEMBERED):
                self._book.note_sent(push)
        self._cursor = taken.cursor if cursor is None else min(cursor, taken.cursor)
        # What was recorded while nobody looked calls from the time it was recorded.
        while entries := feed.entries_after(connection, self._cursor):
            for entry in entries:
                self._book.put(entry.alert, entry.recorded_at)
            self._cursor = entries[-1].cursor
        log.info("notifier ready", open_alerts=len(self._book.alerts), cursor=self._cursor)

    def _current_directory(self, now: datetime) -> Directory:
        """The directory, read again when an act of a person or a change of the registry is on record."""
        row = self._connection.execute(
            "SELECT (SELECT max(id) FROM acts), (SELECT version FROM registry_version)"
        ).fetchone()
        if self._directory is None or row != self._marks or (self._change_at is not None and now >= self._change_at):
            known = self._directory.registry if self._directory and row and self._marks[1:] == row[1:] else None
            with self._connection.transaction():
                self._directory = load_directory(self._connection, now, known)
            self._marks = tuple(row) if row else ()
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
        heard = list(self._connection.notifies(timeout=wait_s, stop_after=1))
        mine = self._connection.info.backend_pid
        told = {note.payload for note in heard if note.channel == outbox_store.CHANNEL and note.pid != mine}
        if "dead" in told or not heard:
            self._look_for_trouble()
        if told:  # somebody else put something into the outbox
            self._decided(self._current_directory(self._clock()), CHANNELS)


def load_directory(connection: Connection, now: datetime, registry: Registry | None = None) -> Directory:
    """Everything people set, as it stands; `registry` where it is known to be the current one. The policy that ships
    with Anhu is put in force where there is none."""
    if oncall_store.load_policy(connection) is None:
        body = default_policy()
        oncall_store.save_policy(connection, parse(body), body, loaded_by="anhu: first start")
    contacts: dict[int, list[Contact]] = {}
    for contact in people_store.contacts(connection):
        contacts.setdefault(contact.person_id, []).append(contact)
    return Directory(
        policy=oncall_store.policy_in_force(connection),
        roster=oncall_store.roster(connection, now),
        contacts={number: tuple(ways) for number, ways in contacts.items()},
        suppressions=tuple(suppression_store.in_force_or_planned(connection, now)),
        registry=registry or ingest_store.load_registry(connection),
    )
