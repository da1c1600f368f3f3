"""Sending what lies in the outbox: for each channel a dispatcher that claims, and a pool of its own that sends, so that
a provider that hangs keeps nobody else waiting."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter as Total
from prometheus_client import Histogram

from alerting import acknowledge_link, outbox_store
from alerting.channels import Channel, Letter
from alerting.delivery import Answer, Form, Outcome
from alerting.escalation import Delivery as Bounds
from alerting.outbox_store import Job
from alerting.settings import NotifySettings
from ingest.database import Connection, Pool, connect
from ingest.errors import DatabaseUnavailable

IDLE_S_MAX: Final = 2.0
_DATABASE_RETRY_S: Final = 0.5
_STOP_S: Final = 15.0

log = structlog.get_logger("alerting.sender")
_ANSWERS: Final = Total(
    "anhu_deliveries_total", "Attempts to deliver, by channel and what became of them", ["channel", "outcome"]
)  # fmt: skip
_SECONDS: Final = Histogram(
    "anhu_delivery_seconds", "From the decision to the provider's answer, of what was delivered", ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)  # fmt: skip


class Sender:
    """One channel's dispatcher and pool. `bounds` answers with those of the policy in force, `failed` is called
    when an attempt has failed and that is on record."""

    def __init__(
        self,
        kind: str,
        channel: Channel,
        database_url: str,
        pool: Pool,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        bounds: Callable[[], Bounds],
        failed: Callable[[], None],
    ) -> None:
        self._kind = kind
        self._channel = channel
        self._database_url = database_url
        self._pool = pool
        self._settings = settings
        self._clock = clock
        self._bounds = bounds
        self._failed = failed
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._slots = threading.Semaphore(settings.workers_per_channel)
        self._lock = threading.Lock()
        self._flying: Counter[int] = Counter()  # by contact
        self._passed_over = False
        self._paused_until: dict[int, datetime] = {}  # contacts whose provider asked us to wait
        self._workers = ThreadPoolExecutor(settings.workers_per_channel, thread_name_prefix=f"send-{kind}")
        self._thread = threading.Thread(target=self._run, name=f"dispatch-{kind}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is on its way."""
        self._stop.set()
        self._wake.set()
        self._thread.join(_STOP_S)
        self._workers.shutdown(wait=True, cancel_futures=False)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._database_url, application=f"anhu send {self._kind}") as connection:
                    while not self._stop.is_set():
                        self._dispatch(connection)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("the outbox cannot be read", channel=self._kind, error_type=type(error).__name__)
                self._stop.wait(_DATABASE_RETRY_S)
            except Exception:  # the other channels must not suffer, and this one must not fall silent
                log.exception("the dispatcher failed; it begins again", channel=self._kind)
                self._stop.wait(_DATABASE_RETRY_S)

    def _dispatch(self, connection: Connection) -> None:
        """Send everything that is due, then wait for more."""
        self._wake.clear()
        while not self._stop.is_set():
            if not self._slots.acquire(timeout=IDLE_S_MAX):
                continue
            taken = None
            try:
                taken = self._take(connection)
            finally:
                if taken is None:
                    self._slots.release()
            if taken is None:
                break
            with self._lock:
                self._flying[taken[0].delivery.contact_id] += 1
            self._workers.submit(self._deliver, *taken)
        self._wait(connection)

    def _wait(self, connection: Connection) -> None:
        with connection.transaction():
            due_at = outbox_store.next_due(connection, self._kind)
        wait_s = IDLE_S_MAX if due_at is None else (due_at - self._clock()).total_seconds()
        # What is due but was passed over waits for its contact, which wakes us.
        self._wake.wait(min(IDLE_S_MAX, wait_s) if wait_s > 0 else IDLE_S_MAX / 8)

    def _take(self, connection: Connection) -> tuple[Job, Letter] | None:
        """Claim one delivery; its mark, and the hash of its link, are committed before it is sent."""
        now = self._clock()
        with connection.pipeline(), connection.transaction():
            job = outbox_store.claim(
                connection, self._kind, now, lease_s=self._settings.lease_s, busy=self._busy(now)
            )  # fmt: skip
            if job is None:
                return None
            link = None
            if self._settings.public_url and job.push.form not in (Form.TEST, Form.NOTICE):
                token = acknowledge_link.create(
                    connection, job.push.id, job.push.person_id, now, self._settings.link_hours
                )  # fmt: skip
                link = self._settings.public_url.rstrip("/") + acknowledge_link.PATH + token
        return job, letter(job, link)

    def _busy(self, now: datetime) -> list[int]:
        """Contacts to be passed over: those with enough on their way, and those whose provider asked for patience."""
        most = self._settings.sends_per_contact_max
        with self._lock:
            self._paused_until = {number: until for number, until in self._paused_until.items() if until > now}
            busy = [number for number, count in self._flying.items() if count >= most] + list(self._paused_until)
            self._passed_over = bool(busy)
            return busy

    def _deliver(self, job: Job, message: Letter) -> None:
        try:
            answer = self._send(job, message)
            self._note(job, answer)
            if answer.outcome is not Outcome.SENT:
                self._failed()  # the person's next contact may be due, by whichever channel
        finally:
            contact_id = job.delivery.contact_id
            with self._lock:
                self._flying[contact_id] -= 1
                if not self._flying[contact_id]:
                    del self._flying[contact_id]
            self._slots.release()
            if self._passed_over:
                self.wake()

    def _send(self, job: Job, message: Letter) -> Answer:
        if job.address is None:
            return Answer(Outcome.REFUSED, "the contact was removed")
        try:
            answer = self._channel.send(message)
        except Exception as error:  # noqa: BLE001 - a channel's fault must not end its pool; nobody knows what was sent
            # without its text, which may hold the address
            log.error("a channel failed", channel=self._kind, error_type=type(error).__name__)  # noqa: TRY400
            answer = Answer(Outcome.LOST, f"error in the channel ({type(error).__name__})")
        if answer.retry_after_s is not None:
            with self._lock:
                until = self._clock() + timedelta(seconds=answer.retry_after_s)
                self._paused_until[job.delivery.contact_id] = until
        return answer

    def _note(self, job: Job, answer: Answer) -> None:
        """Put the answer on record, however long that takes: what went out and is not noted goes out again."""
        now = self._clock()
        told = {
            "channel": self._kind, "push_id": str(job.push.id), "attempt": job.delivery.attempts,
            "detail": answer.detail,
        }  # fmt: skip
        while True:
            try:
                with self._pool.connection() as connection:
                    unreached = outbox_store.settle(connection, job, answer, self._bounds(), now)
                break
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("an answer cannot be noted yet", error_type=type(error).__name__, **told)
                if self._stop.wait(_DATABASE_RETRY_S):
                    return
        _ANSWERS.labels(self._kind, answer.outcome).inc()
        if answer.outcome is Outcome.SENT:
            _SECONDS.labels(self._kind).observe((now - job.push.created_at).total_seconds())
            log.info("delivered", **told)
        else:
            log.warning("not delivered", outcome=answer.outcome, unreached=unreached, **told)


def letter(job: Job, link: str | None) -> Letter:
    """The message of a job."""
    push = job.push
    return Letter(
        push_id=push.id,
        contact_id=job.delivery.contact_id,
        address=job.address or "",
        title=push.title,
        body=push.body,
        link=link,
        language=push.language,
        form=push.form,
        urgency=push.urgency,
        drill=push.drill,
        alert_id=push.alert_id,
    )


def open_senders(
    channels: Mapping[str, Channel],
    database_url: str,
    pool: Pool,
    settings: NotifySettings,
    clock: Callable[[], datetime],
    bounds: Callable[[], Bounds],
) -> dict[str, Sender]:
    """A sender for each channel, not yet started. A failure in one may make another channel's delivery due."""
    senders: dict[str, Sender] = {}

    def failed() -> None:
        for each in senders.values():
            each.wake()

    for kind, channel in channels.items():
        senders[kind] = Sender(kind, channel, database_url, pool, settings, clock, bounds, failed)
    return senders
