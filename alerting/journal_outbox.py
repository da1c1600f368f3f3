"""The outbox while the database is away: in memory, and on the disk before anything leaves.

What was put in here is brought into the database later as it then stands (alerting/reconcile.py), messages that are on
their way included: from then on their answers are noted in the database.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from alerting import delivery
from alerting.alert import Alert
from alerting.book import Decision, Directory
from alerting.delivery import Answer, Delivery, Push, State
from alerting.dispatch import Dispatch
from alerting.escalation import Delivery as Bounds
from alerting.journal import Heard, Journal, Record
from alerting.outbox import Outbox, Taken, new_link, url_of
from alerting.outbox_store import Job
from alerting.settings import NotifySettings


class JournalOutbox:
    """What was decided while the database is away, and how far its sending has got (alerting.outbox.Outbox)."""

    def __init__(self, journal: Journal, settings: NotifySettings, directory: Callable[[], Directory]) -> None:
        self._journal = journal
        self._settings = settings
        self._directory = directory
        self._turn = threading.RLock()
        self._successor: Outbox | None = None
        self._pushes = {push.id: push for push in journal.records(Push, away=True)}
        self._deliveries: dict[UUID, dict[int, Delivery]] = defaultdict(dict)
        self._open: dict[tuple[UUID, int], Delivery] = {}  # those of them that are still to be sent or settled
        self._unreached: set[UUID] = set()
        self._adopt(journal.records(Delivery, away=True))

    def write(
        self, decision: Decision, outgoing: Dispatch, alerts: Sequence[Alert], heard: Sequence[Heard], note: bytes
    ) -> None:
        """Put a decision on record, with the alerts it was made about; `note` says how far the spool has been read.
        Raises JournalUnavailable."""
        links = [replace(link, token="") for link in outgoing.links]  # what is stored is no key
        with self._turn:
            settled = self._unneeded(decision.settled)
            self._journal.keep(
                [
                    *alerts, *heard, *decision.ladders, *decision.tellings, *decision.pushes, *decision.events, *links,
                    *outgoing.deliveries, *settled,
                ],
                away=True,
                notes={"spool": note},
            )  # fmt: skip
            self._pushes.update({push.id: push for push in decision.pushes})
            self._adopt([*outgoing.deliveries, *settled])

    def claim(self, kind: str, now: datetime, busy: Collection[int]) -> Taken | None:
        """See Outbox.claim."""
        with self._turn:
            due = [each for each in self._of(kind) if each.due(now) and each.contact_id not in busy]
            if not due or self._successor is not None:
                return None
            first = min(due, key=lambda each: (each.urgency, each.next_attempt_at))
            job = Job(
                delivery.claim(first, now, self._settings.lease_s), self._pushes[first.push_id], self._address(first)
            )  # fmt: skip
            link = new_link(job, now, self._settings)
            self._keep([job.delivery, *([replace(link, token="")] if link else [])])
            return Taken(job, url_of(link, self._settings))

    def next_due(self, kind: str) -> datetime | None:
        """See Outbox.next_due."""
        with self._turn:
            times = (each.lease_until if each.state is State.SENDING else each.next_attempt_at
                     for each in self._of(kind))  # fmt: skip
            return min((at for at in times if at is not None), default=None)

    def settle(self, job: Job, answer: Answer, bounds: Bounds, now: datetime) -> bool:
        """See Outbox.settle."""
        with self._turn:
            successor = self._successor
            if successor is None:
                siblings = self._deliveries[job.push.id]
                if siblings[job.delivery.contact_id].attempts != job.delivery.attempts:
                    return False  # its lease ran out, and it is being sent again
                ranked = sorted(siblings.values(), key=lambda each: each.rank)
                self._keep(
                    delivery.settle(
                        ranked, job.delivery.contact_id, answer, bounds, now, every_channel=job.push.every_channel
                    )
                )
                return delivery.unreached(list(siblings.values()))
        return successor.settle(job, answer, bounds, now)

    def unreached(self) -> frozenset[UUID]:
        """Pushes all of whose ways have failed for good."""
        with self._turn:
            return frozenset(self._unreached)

    @contextmanager
    def handed_over(self, successor: Outbox) -> Iterator[None]:
        """While in it nothing here changes; once it is left without an exception, all is `successor`'s."""
        with self._turn:
            yield
            self._successor = successor

    def _of(self, kind: str) -> Iterator[Delivery]:
        return (each for each in self._open.values() if each.channel == kind)

    def _address(self, wanted: Delivery) -> str | None:
        ways = self._directory().contacts.get(self._pushes[wanted.push_id].person_id, ())
        return next((contact.address for contact in ways if contact.id == wanted.contact_id), None)

    def _unneeded(self, alerts: Collection[UUID]) -> list[Delivery]:
        """What waits to be sent about alerts that are settled."""
        return [
            replace(each, state=State.UNNEEDED)
            for each in self._open.values()
            if each.state is State.WAITING and self._pushes[each.push_id].alert_id in alerts
        ]

    def _keep(self, changed: Iterable[Record]) -> None:
        changed = list(changed)
        self._journal.keep(changed, away=True)
        self._adopt(each for each in changed if isinstance(each, Delivery))

    def _adopt(self, changed: Iterable[Delivery]) -> None:
        for each in changed:
            ways = self._deliveries[each.push_id]
            ways[each.contact_id] = each
            if each.state in (State.WAITING, State.SENDING):
                self._open[each.push_id, each.contact_id] = each
            else:
                self._open.pop((each.push_id, each.contact_id), None)
            if delivery.unreached(list(ways.values())):
                self._unreached.add(each.push_id)
