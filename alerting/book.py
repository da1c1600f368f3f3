"""What the notifier knows between two decisions: open alerts, how far the calling for each has got, what is held back.

It is worked out from the database at a start and kept beside it while running; a decision reads it and, once it is
committed, is adopted. Nothing here looks at a clock or a socket.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from alerting.alert import Alert, AlertEvent
from alerting.delivery import Push
from alerting.digest import Sent
from alerting.escalation import Policy
from alerting.ladder import Ladder, Telling, TellingKey
from alerting.oncall import Roster
from alerting.people import Contact
from alerting.suppression import HIDES, Suppression, may_hide
from ingest.registry import Registry

REMEMBERED: Final = timedelta(minutes=12)  # more than the longest grouping window


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything people set: the policy in force, who is there and how to reach them, what is kept quiet, the places.

    `contacts` by person, in the order in which each is to be tried; a person without one cannot be told.
    """

    policy: Policy
    roster: Roster
    contacts: Mapping[int, tuple[Contact, ...]]
    suppressions: Sequence[Suppression]
    registry: Registry
    policy_body: str = ""  # the policy as it was loaded

    def reachable(self) -> Roster:
        """The roster without those who cannot be told."""
        known = {number: person for number, person in self.roster.persons.items() if self.contacts.get(number)}
        return Roster(known, self.roster.rotations, self.roster.stand_ins)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done. It becomes real when it is committed, and is then adopted.

    `settled`: alerts whose messages need not go out any more. `look_again`: when each alert that was looked at wants to
    be looked at next. `reasons`: why nobody, or nobody else, is told, by alert.
    """

    ladders: Sequence[Ladder] = ()
    tellings: Sequence[Telling] = ()
    pushes: Sequence[Push] = ()
    events: Sequence[AlertEvent] = ()
    settled: Sequence[UUID] = ()
    look_again: Mapping[UUID, datetime | None] = field(default_factory=dict)
    reasons: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.ladders or self.tellings or self.pushes or self.events or self.settled)


class Book:
    """The notifier's memory. `put` what was read, decide, `adopt` what was committed."""

    def __init__(self) -> None:
        self.alerts: dict[UUID, Alert] = {}
        self.ladders: dict[UUID, Ladder] = {}  # the newest of each alert
        self.heard_at: dict[UUID, datetime] = {}  # when the alert's last event was recorded
        self.held: dict[int, dict[TellingKey, Telling]] = defaultdict(dict)  # by person
        self.held_of: dict[UUID, set[TellingKey]] = defaultdict(set)  # the same by alert
        self.told: dict[UUID, dict[int, datetime]] = defaultdict(dict)  # who was told in the newest ladder, and when
        self.recent: dict[int, deque[Sent]] = defaultdict(deque)  # by person
        self.unreached: set[UUID] = set()  # alerts none of whose pushes reached anybody
        self.hushed: dict[UUID, str] = {}
        self.dirty: dict[UUID, None] = {}  # to be looked at now, in order of arrival
        self._by_institution: dict[int | None, set[UUID]] = defaultdict(set)
        self._hiding: dict[int | None, dict[UUID, Alert]] = defaultdict(dict)  # those that may hide others
        self._ripe: set[int] = set()  # persons for whom something was held back until now
        self._releases: list[tuple[datetime, int]] = []
        self._wanted_at: dict[UUID, datetime] = {}
        self._queue: list[tuple[datetime, UUID]] = []

    def restore(
        self, alerts: Iterable[Alert], ladders: Iterable[Ladder], tellings: Iterable[Telling], pushes: Iterable[Push]
    ) -> None:
        """Take in what was known, into an empty book; everything is looked at again."""
        for ladder in sorted(ladders, key=lambda each: each.call):
            self.ladders[ladder.alert_id] = ladder
        for alert in alerts:
            self.put(alert)
        for telling in sorted(tellings, key=lambda each: each.at):
            self.note(telling)
        for push in sorted(pushes, key=lambda each: each.created_at):
            self.note_sent(push)

    def put(self, alert: Alert, recorded_at: datetime | None = None) -> None:
        """Take in an alert as it stands now, and look at it and at those it may hide or reveal."""
        known = self.alerts.get(alert.id)
        if known is not None and known.version > alert.version:
            return
        self.alerts[alert.id] = alert
        self._by_institution[alert.source.institution_id].add(alert.id)
        if recorded_at is not None:
            self.heard_at[alert.id] = recorded_at
        self.dirty[alert.id] = None
        hiding = self._hiding[alert.source.institution_id]
        if may_hide(alert) != (alert.id in hiding):
            for other in self._by_institution[alert.source.institution_id]:
                if self.alerts[other].kind is HIDES[alert.kind]:
                    self.dirty[other] = None
        if may_hide(alert):
            hiding[alert.id] = alert
        else:
            hiding.pop(alert.id, None)

    def look_at_all(self) -> None:
        """Look at every alert again: the policy, people or suppressions have changed."""
        self.dirty.update(dict.fromkeys(self.alerts))

    def look_at_hushed(self) -> None:
        """Look again at those that are kept quiet."""
        self.dirty.update(dict.fromkeys(self.hushed))

    def hiders(self, alert: Alert) -> Iterable[Alert]:
        """The alerts that may keep `alert` from calling."""
        if alert.kind not in HIDES.values() or may_hide(alert):
            return ()
        return self._hiding[alert.source.institution_id].values()

    def due(self, now: datetime) -> list[UUID]:
        """The alerts to look at now; they stay so until a decision about them is adopted."""
        while self._queue and self._queue[0][0] <= now:
            at, alert_id = heapq.heappop(self._queue)
            if self._wanted_at.get(alert_id) == at:
                self.dirty[alert_id] = None
        return list(self.dirty)

    def ripe(self, now: datetime) -> set[int]:
        """The persons for whom something was held back until now."""
        while self._releases and self._releases[0][0] <= now:
            self._ripe.add(heapq.heappop(self._releases)[1])
        return self._ripe

    def next_at(self) -> datetime | None:
        """When there is next something to decide; None: not before something happens."""
        while self._queue and self._wanted_at.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        return min((line[0][0] for line in (self._queue, self._releases) if line), default=None)

    def adopt(self, decision: Decision, now: datetime) -> None:
        """Make a committed decision the past."""
        self._ripe.clear()
        for ladder in sorted(decision.ladders, key=lambda each: each.call):
            before = self.ladders.get(ladder.alert_id)
            if before is not None and before.call != ladder.call:
                self.told.pop(ladder.alert_id, None)
            self.ladders[ladder.alert_id] = ladder
        for telling in decision.tellings:
            self.note(telling)
        for push in decision.pushes:
            self.note_sent(push)
        for alert_id, wanted_at in decision.look_again.items():
            self.dirty.pop(alert_id, None)
            if wanted_at is None:
                self._wanted_at.pop(alert_id, None)
            else:
                self._wanted_at[alert_id] = wanted_at
                heapq.heappush(self._queue, (wanted_at, alert_id))
            self.unreached.discard(alert_id)
            self._set_hushed(alert_id, decision)
            self._forget_if_over(alert_id)
        self._forget_old(now)

    def note(self, telling: Telling) -> None:
        """Keep what somebody was told or is to be told."""
        held = self.held[telling.key.person_id]
        if telling.held:
            held[telling.key] = telling
            self.held_of[telling.key.alert_id].add(telling.key)
            if telling.hold_until is not None:
                heapq.heappush(self._releases, (telling.hold_until, telling.key.person_id))
        else:
            held.pop(telling.key, None)
            self.held_of[telling.key.alert_id].discard(telling.key)
        ladder = self.ladders.get(telling.key.alert_id)
        if not telling.dropped and ladder is not None and ladder.call == telling.key.call:
            self.told[telling.key.alert_id].setdefault(telling.key.person_id, telling.at)

    def note_sent(self, push: Push) -> None:
        """Remember that the person gets a message, for the bounds on what one person is sent."""
        self.recent[push.person_id].append(Sent(push.created_at, push.form, push.institution_id, push.zone_id))

    def _set_hushed(self, alert_id: UUID, decision: Decision) -> None:
        reason = decision.reasons.get(alert_id)
        if reason is None:
            self.hushed.pop(alert_id, None)
        else:
            self.hushed[alert_id] = reason

    def _forget_if_over(self, alert_id: UUID) -> None:
        alert = self.alerts.get(alert_id)
        ladder = self.ladders.get(alert_id)
        if alert is None or alert.open or (ladder is not None and ladder.running):
            return
        del self.alerts[alert_id]
        self._by_institution[alert.source.institution_id].discard(alert_id)
        self._hiding[alert.source.institution_id].pop(alert_id, None)
        for record in (self.ladders, self.heard_at, self.told, self.hushed, self.held_of, self._wanted_at):
            record.pop(alert_id, None)

    def _forget_old(self, now: datetime) -> None:
        for person_id in [number for number, sent in self.recent.items() if sent[0].at < now - REMEMBERED]:
            sent = self.recent[person_id]
            while sent and sent[0].at < now - REMEMBERED:
                sent.popleft()
            if not sent:
                del self.recent[person_id]
