"""Where the work of the senders lies, and where its end is noted: the database's outbox (alerting/outbox_store.py)."""

import contextlib
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple, Protocol

import psycopg

from alerting import acknowledge_link, outbox_store
from alerting.delivery import Answer, Form
from alerting.errors import OutboxUnavailable
from alerting.escalation import Delivery as Bounds
from alerting.journal import Journal, KeptAnswer
from alerting.outbox_store import Job
from alerting.settings import NotifySettings
from ingest.database import Connection, Pool, connect, cut
from ingest.errors import DatabaseUnavailable


class Taken(NamedTuple):
    """A delivery that is marked as being sent, and the acknowledge link that goes with it."""

    job: Job
    link: str | None


class Outbox(Protocol):
    """What a sender asks of the place where its work lies. Every call raises OutboxUnavailable while that is away."""

    def claim(self, kind: str, now: datetime, busy: Collection[int]) -> Taken | None:
        """The most urgent delivery of a channel that is due, past the `busy` contacts; that it is being sent is on
        record when this returns."""

    def next_due(self, kind: str) -> datetime | None:
        """When a delivery of the channel is next due."""

    def settle(self, job: Job, answer: Answer, bounds: Bounds, now: datetime) -> bool:
        """Note a provider's answer; True when with it the last way to the person has failed."""


class DatabaseOutbox:
    """The outbox in the database. A channel's dispatcher has a connection of its own, answers go through `pool`."""

    def __init__(self, database_url: str, pool: Pool, settings: NotifySettings) -> None:
        self._database_url = database_url
        self._pool = pool
        self._settings = settings
        self._connections: dict[str, Connection] = {}
        self._turn = threading.Lock()
        self._journal: Journal | None = None  # takes the answers while the database is away

    def claim(self, kind: str, now: datetime, busy: Collection[int]) -> Taken | None:
        """See Outbox.claim; the hash of the link is committed with the mark."""
        with self._session(kind) as connection, connection.pipeline(), connection.transaction():
            job = outbox_store.claim(connection, kind, now, lease_s=self._settings.lease_s, busy=busy)
            if job is None:
                return None
            link = new_link(job, now, self._settings)
            if link is not None:
                acknowledge_link.save(connection, [link])
        return Taken(job, url_of(link, self._settings))

    def next_due(self, kind: str) -> datetime | None:
        """See Outbox.next_due."""
        with self._session(kind) as connection:
            return outbox_store.next_due(connection, kind)

    def settle(self, job: Job, answer: Answer, bounds: Bounds, now: datetime) -> bool:
        """See Outbox.settle."""
        with self._turn:
            if self._journal is not None:
                self._journal.keep(
                    [
                        KeptAnswer(
                            job.push.id, job.delivery.contact_id, job.delivery.attempts, answer.outcome, answer.detail,
                            answer.retry_after_s, now,
                        )
                    ],
                    away=True,
                )  # fmt: skip
                return False
        try:
            with self._pool.connection() as connection:
                return outbox_store.settle(connection, job, answer, bounds, now)
        except (DatabaseUnavailable, psycopg.OperationalError) as error:
            raise OutboxUnavailable(type(error).__name__) from error

    def go_away(self, journal: Journal) -> None:
        """The database is away: answers go into `journal`, and no dispatcher waits any longer."""
        with self._turn:
            self._journal = journal
        for connection in list(self._connections.values()):
            cut(connection)

    def come_back(self) -> None:
        """Answers go into the database again."""
        with self._turn:
            self._journal = None

    def close(self) -> None:
        """Close the dispatchers' connections, once the dispatchers are gone."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    @contextmanager
    def _session(self, kind: str) -> Iterator[Connection]:
        """The connection of a channel's dispatcher, which commits by itself."""
        try:
            if kind not in self._connections:
                self._connections[kind] = connect(self._database_url, autocommit=True, application=f"anhu send {kind}")
            yield self._connections[kind]
        except (DatabaseUnavailable, psycopg.OperationalError) as error:
            with contextlib.suppress(KeyError, psycopg.Error):
                self._connections.pop(kind).close()
            raise OutboxUnavailable(type(error).__name__) from error


def new_link(job: Job, now: datetime, settings: NotifySettings) -> acknowledge_link.NewLink | None:
    """An acknowledge link for a delivery; None for a test, and where nobody said where the dashboard is."""
    if not settings.public_url or job.push.form in (Form.TEST, Form.NOTICE):
        return None
    return acknowledge_link.draw(job.push.id, job.push.person_id, now, settings.link_hours)


def url_of(link: acknowledge_link.NewLink | None, settings: NotifySettings) -> str | None:
    """The address that stands in the message. It is a secret."""
    if link is None or not settings.public_url:
        return None
    return settings.public_url.rstrip("/") + acknowledge_link.PATH + link.token
