"""Sending what lies in the outbox: for each channel a dispatcher that claims, and a pool of its own that sends, so that
a provider that hangs keeps nobody else waiting."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter as Total
from prometheus_client import Histogram

from alerting.channels import Channel, Letter
from alerting.delivery import Answer, Delivery, Outcome
from alerting.errors import OutboxUnavailable
from alerting.escalation import Delivery as Bounds
from alerting.outbox import Outbox, Taken
from alerting.outbox_store import Job
from alerting.settings import NotifySettings

IDLE_S_MAX: Final = 2.0
_OUTBOX_RETRY_S: Final = 0.5
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
        outbox: Outbox,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        bounds: Callable[[], Bounds],
        failed: Callable[[], None],
    ) -> None:
        self._kind = kind
        self._channel = channel
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._bounds = bounds
        self._failed = failed
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._going = threading.Event()
        self._slots = threading.Semaphore(settings.workers_per_channel)
        self._lock = threading.Lock()
        self._flying: Counter[int] = Counter()  # by contact
        self._passed_over = False
        self._paused_until: dict[int, datetime] = {}  # contacts whose provider asked us to wait
        self._workers = ThreadPoolExecutor(settings.workers_per_channel, thread_name_prefix=f"send-{kind}")
        self._thread = threading.Thread(target=self._run, name=f"dispatch-{kind}", daemon=True)

    def start(self) -> None:
        """Begin; nothing is looked for until `go_on`."""
        self._thread.start()

    def pause(self) -> None:
        """Look for nothing to send until `go_on`."""
        self._going.clear()

    def go_on(self) -> None:
        """Look for what there is to send."""
        self._going.set()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def halt(self) -> None:
        """Begin nothing more."""
        self._stop.set()
        self._wake.set()
        self._going.set()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is on its way."""
        self.halt()
        self._thread.join(_STOP_S)
        self._workers.shutdown(wait=True, cancel_futures=False)

    def reserve(self, contact_id: int) -> bool:
        """Whether a message to that contact could leave at once; if so, a place is kept for it until `deliver` or
        `release`."""
        busy = self._busy(self._clock())
        if contact_id in busy or self._stop.is_set() or not self._slots.acquire(blocking=False):
            return False
        with self._lock:
            self._flying[contact_id] += 1
        return True

    def release(self, contact_id: int) -> None:
        """Give back what `reserve` kept."""
        with self._lock:
            self._flying[contact_id] -= 1
            if not self._flying[contact_id]:
                del self._flying[contact_id]
        self._slots.release()
        if self._passed_over:
            self.wake()

    def deliver(self, taken: Taken) -> None:
        """Send what a place was kept for; that it is being sent is on record."""
        self._workers.submit(self._deliver, taken.job, letter(taken.job, taken.link))

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._going.wait(IDLE_S_MAX):
                continue
            try:
                self._dispatch()
            except OutboxUnavailable as error:
                log.warning("the outbox cannot be read", channel=self._kind, reason=str(error))
                self._stop.wait(_OUTBOX_RETRY_S)
            except Exception:  # the other channels must not suffer, and this one must not fall silent
                log.exception("the dispatcher failed; it begins again", channel=self._kind)
                self._stop.wait(_OUTBOX_RETRY_S)

    def _dispatch(self) -> None:
        """Send everything that is due, then wait for more."""
        self._wake.clear()
        while self._going.is_set() and not self._stop.is_set():
            if not self._slots.acquire(timeout=IDLE_S_MAX):
                continue
            taken = None
            try:
                now = self._clock()
                taken = self._outbox.claim(self._kind, now, self._busy(now))
            finally:
                if taken is None:
                    self._slots.release()
            if taken is None:
                break
            with self._lock:
                self._flying[taken.job.delivery.contact_id] += 1
            self.deliver(taken)
        if not self._going.is_set():
            return
        due_at = self._outbox.next_due(self._kind)
        wait_s = IDLE_S_MAX if due_at is None else (due_at - self._clock()).total_seconds()
        # What is due but was passed over waits for its contact, which wakes us.
        self._wake.wait(min(IDLE_S_MAX, wait_s) if wait_s > 0 else IDLE_S_MAX / 8)

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
            self.release(job.delivery.contact_id)

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
                unreached = self._outbox.settle(job, answer, self._bounds(), now)
                break
            except OutboxUnavailable as error:
                log.warning("an answer cannot be noted yet", reason=str(error), **told)
                if self._stop.wait(_OUTBOX_RETRY_S):
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


class Senders:
    """A sender for each channel, working on one outbox. `bounds` are those of the policy in force."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        outbox: Outbox,
        settings: NotifySettings,
        clock: Callable[[], datetime],
        bounds: Bounds,
    ) -> None:
        self.bounds = bounds
        self._each = {
            # A failure in one channel may make another channel's delivery due.
            kind: Sender(kind, channel, outbox, settings, clock, lambda: self.bounds, self.wake)
            for kind, channel in channels.items()
        }

    def start(self) -> None:
        """Begin; nothing is looked for until `go_on`."""
        for sender in self._each.values():
            sender.start()

    def pause(self) -> None:
        """Look for nothing to send until `go_on`; what is on its way goes on."""
        for sender in self._each.values():
            sender.pause()

    def go_on(self) -> None:
        """Look for what there is to send."""
        for sender in self._each.values():
            sender.go_on()

    def halt(self) -> None:
        """Begin nothing more."""
        for sender in self._each.values():
            sender.halt()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is on its way."""
        self.halt()
        for sender in self._each.values():
            sender.stop()

    def wake(self, kinds: Iterable[str] | None = None) -> None:
        """There may be something to send by these channels, or by any."""
        for kind in self._each if kinds is None else kinds:
            self._each[kind].wake()

    def reserve(self, delivery: Delivery) -> bool:
        """See Sender.reserve."""
        return self._each[delivery.channel].reserve(delivery.contact_id)

    def release(self, delivery: Delivery) -> None:
        """See Sender.release."""
        self._each[delivery.channel].release(delivery.contact_id)

    def deliver(self, taken: Taken) -> None:
        """See Sender.deliver."""
        self._each[taken.job.delivery.channel].deliver(taken)
