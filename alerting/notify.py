"""The notifier: follows the event log, decides who is told, and writes that down together with how far it has got.

It decides at once when something is recorded (NOTIFY), and otherwise when something falls due. Any number may run: one
decides, which holds a lock; all of them send. While the database is away, whoever has the journal of this machine
decides from that (alerting/outage_desk.py).
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
import structlog
from prometheus_client import start_http_server

from alerting import outbox_store
from alerting.channels import Channel, Poster, open_channels
from alerting.desk import Desk
from alerting.errors import JournalUnavailable
from alerting.escalation import default_policy, parse
from alerting.journal import Journal
from alerting.mirror import Mirror
from alerting.outage_desk import OutageDesk
from alerting.outage_watch import OutageWatch
from alerting.outbox import DatabaseOutbox
from alerting.reconcile import reconcile
from alerting.sender import Senders
from alerting.settings import NotifySettings
from ingest.database import Connection, connect, cut, pool
from ingest.errors import DatabaseUnavailable

_RETRY_S: Final = 1.0

log = structlog.get_logger("alerting.notify")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class Notifier:
    """One notifier; `run` it until it is to stop. `journal` is the file it remembers in for an outage, `spool` that of
    the pipeline on this machine; without them nobody is told while the database is away."""

    def __init__(
        self,
        database_url: str,
        settings: NotifySettings,
        clock: Callable[[], datetime] = utc_now,
        *,
        journal: Path | None = None,
        spool: Path | None = None,
    ) -> None:
        self._database_url = database_url
        self._settings = settings
        self._clock = clock
        self._journal_path = journal
        self._spool = spool
        self._journal: Journal | None = None
        self._connection: Connection | None = None
        self._opening = threading.Lock()
        self._aside: OutageDesk | None = None
        self._complaint = ""
        self._last_sends: list[threading.Thread] = []
        self._bounds = parse(default_policy()).delivery

    def run(self, stop: threading.Event) -> None:
        """Decide and send until `stop` is set, whether or not the database is there."""
        settings = self._settings
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        with ExitStack() as stack:
            poster = Poster(settings.send_s_max, settings.webhook_networks_allowed)
            stack.callback(poster.close)
            channels = open_channels(settings, poster)
            answers = stack.enter_context(
                pool(
                    self._database_url, count_max=settings.database_connections_max, application="anhu answers",
                    wait=False,
                )
            )  # fmt: skip
            outbox = DatabaseOutbox(self._database_url, answers, settings)
            stack.callback(outbox.close)
            stack.callback(self._close)
            senders = Senders(channels, outbox, settings, self._clock, self._bounds)
            senders.start()
            stack.callback(senders.stop)
            watch = OutageWatch(
                self._database_url, self._spool, settings.database_answer_s_max, lambda: self._cut_off(senders, outbox)
            )
            watch.start()
            stack.callback(watch.end)
            while not stop.is_set():
                if watch.away:
                    self._go_aside(channels, watch, stop)
                else:
                    self._decide(senders, outbox, watch, stop)

    def _decide(self, senders: Senders, outbox: DatabaseOutbox, watch: OutageWatch, stop: threading.Event) -> None:
        """Decide with the database, or stand by, until it goes away."""
        try:
            with connect(self._database_url, autocommit=True, application="anhu notifier") as connection:
                self._connection = connection
                if watch.away:
                    return
                leads = outbox_store.lead(connection)
                journal = self._open_journal() if leads else self._journal
                self._hand_over(connection, outbox, journal)
                senders.go_on()
                if leads:
                    Desk(connection, self._settings, self._clock, senders, Mirror(journal)).run(stop)
                else:
                    self._close_journal()  # whoever decides on this machine needs it
                    self._stand_by(connection, stop, senders)
        except (DatabaseUnavailable, psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the database does not serve us", error_type=type(error).__name__)
            watch.look_again(_RETRY_S)
        finally:
            self._connection = None

    def _stand_by(self, connection: Connection, stop: threading.Event, senders: Senders) -> None:
        """Another notifier decides; send for it, and be ready to take over."""
        log.info("another notifier decides; this one sends")
        connection.execute(f"LISTEN {outbox_store.CHANNEL}".encode())
        while not stop.is_set() and not outbox_store.lead(connection):
            for _ in connection.notifies(timeout=_RETRY_S, stop_after=1):
                senders.wake()
        connection.execute("SELECT pg_advisory_unlock_all()")

    def _go_aside(self, channels: Mapping[str, Channel], watch: OutageWatch, stop: threading.Event) -> None:
        """Decide without the database until it is back."""
        journal = self._open_journal()
        try:
            if journal is None:
                raise JournalUnavailable("no journal, or another notifier has it")  # noqa: TRY301 - told below
            if self._aside is None:
                self._aside = OutageDesk(journal, self._spool, self._settings, self._clock)
        except JournalUnavailable as error:
            if str(error) != self._complaint:
                log.error("this notifier tells nobody while the database is away", reason=str(error))  # noqa: TRY400
            self._complaint = str(error)
            stop.wait(_RETRY_S)
            return
        self._complaint = ""
        desk = self._aside
        senders = Senders(channels, desk.outbox, self._settings, self._clock, desk.directory.policy.delivery)
        senders.start()
        senders.go_on()
        try:
            desk.run(senders, watch, stop)
        except JournalUnavailable as error:
            log.error("the journal cannot be read", reason=str(error))  # noqa: TRY400
            stop.wait(_RETRY_S)
        finally:
            senders.halt()
            # What is on its way may take its time: we go on, and its answer goes wherever answers then go.
            last = threading.Thread(target=senders.stop, name="last-sends")
            last.start()
            self._last_sends = [*(each for each in self._last_sends if each.is_alive()), last]

    def _cut_off(self, senders: Senders, outbox: DatabaseOutbox) -> None:
        """The database went away: nobody is to wait for it."""
        senders.pause()
        journal = self._open_journal()
        if journal is not None:
            outbox.go_away(journal)
        connection = self._connection
        if connection is not None:
            cut(connection)

    def _hand_over(self, connection: Connection, outbox: DatabaseOutbox, journal: Journal | None) -> None:
        """Bring into the database what was done without it, by us or by one who died."""
        outbox.come_back()
        if journal is None or not (self._aside or journal.owes):
            return
        with ExitStack() as stack:
            if self._aside is not None:
                stack.enter_context(self._aside.outbox.handed_over(outbox))
            bounds = self._aside.directory.policy.delivery if self._aside else self._bounds
            try:
                reconcile(connection, journal, bounds, self._clock())
            except psycopg.OperationalError:
                raise
            except (psycopg.Error, JournalUnavailable) as error:
                # Alarms must go on; what was told meanwhile may be told again.
                kept = journal.put_by(f"failed-{time.time_ns()}.sqlite")
                log.error("an outage's record cannot be brought in", kept=str(kept), error_type=type(error).__name__)  # noqa: TRY400
                journal.clear()
        if self._aside is not None:
            self._aside.close()
            self._aside = None

    def _open_journal(self) -> Journal | None:
        """The journal, if it is ours; None where there is none or another notifier on this machine has it."""
        with self._opening:
            if self._journal is None and self._journal_path is not None:
                try:
                    self._journal = Journal(self._journal_path, self._settings.journal_mib_max)
                except JournalUnavailable as error:
                    log.warning("the journal cannot be had", reason=str(error))
            return self._journal

    def _close_journal(self) -> None:
        with self._opening:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _close(self) -> None:
        for each in self._last_sends:
            each.join()
        if self._aside is not None:
            self._aside.close()
        self._close_journal()
