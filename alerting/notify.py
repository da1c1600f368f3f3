"""The notifier: follows the event log, decides who is told, and writes that down together with how far it has got.

It decides at once when something is recorded (NOTIFY), and otherwise when something falls due. Any number may run: one
decides, which holds a lock; all of them send.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter as Total
from prometheus_client import Gauge, start_http_server

from alerting import (
    acknowledge_link,
    channel_trouble,
    feed,
    oncall_store,
    outbox_store,
    people_store,
    store,
    suppression_store,
)
from alerting.alert import Kind
from alerting.book import REMEMBERED, Book, Decision, Directory
from alerting.channels import Poster, open_channels
from alerting.dispatch import Dispatch, dispatch
from alerting.errors import PolicyInvalid
from alerting.escalation import default_policy, parse
from alerting.feed import Entry
from alerting.notification import decide, next_change
from alerting.oncall import Roster
from alerting.outbox import DatabaseOutbox
from alerting.people import Contact
from alerting.sender import Senders
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
            outbox = DatabaseOutbox(self._database_url, answers, settings)
            stack.callback(outbox.close)
            bounds = parse(default_policy()).delivery
            senders = Senders(open_channels(settings, poster), outbox, settings, self._clock, bounds)
            senders.start()
            stack.callback(senders.stop)
            self._decide_until(stop, senders)

    def _decide_until(self, stop: threading.Event, senders: Senders) -> None:
        while not stop.is_set():
            try:
                with connect(self._database_url, autocommit=True, application="anhu notifier") as connection:
                    if outbox_store.lead(connection):
                        Desk(connection, self._settings, self._clock, senders).run(stop)
                    else:
                        self._stand_by(connection, stop, senders)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("the database is away", error_type=type(error).__name__)
                stop.wait(_RETRY_S)

    def _stand_by(self, connection: Connection, stop: threading.Event, senders: Senders) -> None:
        """Another notifier decides; send for it, and be ready to take over."""
        log.info("another notifier decides; this one sends")
        connection.execute(f"LISTEN {outbox_store.CHANNEL}".encode())
        while not stop.is_set() and not outbox_store.lead(connection):
            for _ in connection.notifies(timeout=_RETRY_S, stop_after=1):
                senders.wake()
        connection.execute("SELECT pg_advisory_unlock_all()")


class Desk:
    """The one that decides, for as long as its connection lasts."""

    def __init__(
        self,
        connection: Connection,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        senders: Senders,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._senders = senders
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
        self._senders.bounds = directory.policy.delivery
        decision = decide(self._book, directory, now)
        cursor = entries[-1].cursor if entries else self._cursor
        if not decision.empty or entries:
            self._carry_out(decision, directory, cursor, now)
        self._cursor = cursor
        self._book.adopt(decision, now)
        self._count(decision)
        return len(entries) == _READS_MAX * feed.BATCH_COUNT_MAX

    def _carry_out(self, decision: Decision, directory: Directory, cursor: int, now: datetime) -> None:
        """Put the decision on record, and then send what it wants sent."""
        outgoing = dispatch(decision.pushes, directory, self._senders, self._settings, now)
        waiting = outgoing.waiting()
        try:
            self._write(decision, outgoing, cursor, tell_others=bool(waiting))
        except BaseException:
            outgoing.drop(self._senders)
            raise
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


def load_directory(connection: Connection, now: datetime, registry: Registry | None = None) -> Directory:
    """Everything people set, as it stands; `registry` where it is known to be the current one. The policy that ships
    with Anhu is put in force where there is none."""
    found = oncall_store.load_policy(connection)
    if found is None:
        body = default_policy()
        oncall_store.save_policy(connection, parse(body), body, loaded_by="anhu: first start")
    else:
        body = found[0]
    try:
        policy = parse(body)
    except PolicyInvalid as error:  # loaded by another version of Anhu: better told by our ladder than not at all
        log.error("the policy in force cannot be read; the default one is used", problems=error.problems)  # noqa: TRY400
        policy = parse(default_policy())
    contacts: dict[int, list[Contact]] = {}
    for contact in people_store.contacts(connection):
        contacts.setdefault(contact.person_id, []).append(contact)
    return Directory(
        policy=policy,
        roster=Roster(
            {person.id: person for person in people_store.persons(connection)},
            tuple(oncall_store.rotations(connection)),
            tuple(oncall_store.stand_ins(connection, now)),
        ),
        contacts={number: tuple(ways) for number, ways in contacts.items()},
        suppressions=tuple(suppression_store.in_force_or_planned(connection, now)),
        registry=registry or ingest_store.load_registry(connection),
    )
