"""From an alert to pushes: suppress → route → escalate → group, decided without a clock, a socket or a database.

The decision looks at how things stand, not at what happened: the same alert looked at twice is told once, and whatever
was missed while the notifier was away is made up for. Why nobody is told is a reason that can be shown.

An alert that has returned to normal unacknowledged (RTN_UNACKED) goes on calling to the policy's end where its route
says `after_clear`: ISA-18.2 wants such an alarm acknowledged, and a fire that no longer smokes has still to be looked
at. Elsewhere the calling ends, and the alert stays on the screen.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from alerting import climb, oncall, unanswered, wording
from alerting.alert import Alert, AlertEvent, Kind, State
from alerting.book import Book, Decision, Directory
from alerting.delivery import URGENT, Form, Push
from alerting.digest import Item, Message, bundle
from alerting.drill import Reach, reach_of
from alerting.escalation import Entry, Route, Target
from alerting.ladder import FLAPPING_STEP, Ending, Ladder, Telling, TellingKey
from alerting.people import Person
from alerting.suppression import LIFE_SAFETY, why_quiet
from ingest.registry import Institution

_NAMESPACE: Final = uuid.UUID("0f0c6a3e-6a53-5f0f-9d55-2b1d4a1f7c60")  # of pushes; fixed for ever


NOBODY_LOOK_AGAIN: Final = timedelta(seconds=60)


class Reason(StrEnum):
    """Why nobody, or nobody further, is told; beside the reasons of a suppression (alerting.suppression.Reason)."""

    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    NO_ROUTE = "no_route"
    FLAPPING = "flapping"
    QUIET_HOURS = "quiet_hours"
    POLICY_ENDED = "policy_ended"
    NOBODY_SET_UP = "nobody_set_up"  # no person has a contact
    SCREEN_ONLY = "screen_only"  # a test of the chain that sends nothing


def decide(book: Book, directory: Directory, now: datetime) -> Decision:
    """What to do about everything in `book` that wants to be looked at by `now`."""
    work = _Work(book, directory, now)
    for alert_id in book.due(now):
        work.consider(alert_id)
    pushes = work.bundle()
    return Decision(
        ladders=[*work.superseded, *work.ladders.values()],
        tellings=list(work.tellings.values()),
        pushes=pushes,
        events=work.events,
        settled=work.settled,
        look_again=work.look_again,
        reasons=work.reasons,
    )


def push_id(person_id: int, keys: Iterable[TellingKey]) -> UUID:
    """The id of a push: the same however often it is worked out."""
    return uuid.uuid5(_NAMESPACE, f"{person_id}|" + "|".join(sorted(":".join(map(str, key)) for key in keys)))


class _Work:
    """One decision in the making."""

    def __init__(self, book: Book, directory: Directory, now: datetime) -> None:
        self._book = book
        self._directory = directory
        self._now = now
        self._roster = directory.reachable()
        self._items: dict[int, dict[TellingKey, Item]] = defaultdict(dict)
        self._found: dict[tuple[object, int | None], tuple[Person, ...]] = {}
        self.ladders: dict[UUID, Ladder] = {}  # the newest of each alert, where it changes
        self.superseded: list[Ladder] = []
        self.tellings: dict[TellingKey, Telling] = {}
        self.events: list[AlertEvent] = []
        self.settled: list[UUID] = []
        self.look_again: dict[UUID, datetime | None] = {}
        self.reasons: dict[UUID, str] = {}

    def consider(self, alert_id: UUID) -> None:
        """Decide about one alert."""
        self.look_again[alert_id] = None
        alert = self._book.alerts.get(alert_id)
        if alert is None:
            return
        ladder = self._book.ladders.get(alert_id)
        if alert.acknowledged:
            self._end(ladder, Ending.ACKNOWLEDGED)
            if ladder is not None and ladder.ending is Ending.POLICY_END:
                self.ladders[alert_id] = replace(ladder, ending=Ending.ANSWERED_LATE)
                self.events.append(unanswered.answered(alert, ladder, self._now))
            self.reasons[alert_id] = Reason.ACKNOWLEDGED
            return
        quiet = why_quiet(alert, self._directory.suppressions, self._book.hiders(alert), self._now)
        if quiet is not None:
            self._end(ladder, Ending.SUPPRESSED)
            self.reasons[alert_id] = quiet
            return
        if not self._directory.contacts:
            # Push has not been set up: the desk is all there is, and an alert a fire that says so would only be noise.
            self._end(ladder, Ending.NO_ROUTE)
            self.reasons[alert_id] = Reason.NOBODY_SET_UP
            self.look_again[alert_id] = self._now + NOBODY_LOOK_AGAIN
            return
        institution = self._institution(alert)
        if reach_of(alert) is Reach.SCREEN:
            self.reasons[alert_id] = Reason.SCREEN_ONLY
            return
        route = self._directory.policy.route(alert, institution.kind if institution else "")
        if route is None:
            self._end(ladder, Ending.NO_ROUTE)
            self.reasons[alert_id] = Reason.NO_ROUTE
        elif alert.state is State.RTN_UNACKED and not route.after_clear:
            self._end(ladder, Ending.CLEARED)
            self.reasons[alert_id] = Reason.CLEARED
        else:
            reached = route if reach_of(alert) is Reach.ALL else route.first_rung()
            self._climb(alert, self._call(alert, ladder), reached, institution)

    def _institution(self, alert: Alert) -> Institution | None:
        return self._directory.registry.institutions.get(alert.source.institution_id or 0)

    def _end(self, ladder: Ladder | None, ending: Ending) -> None:
        """End a running ladder; what is held back for it is dropped."""
        if ladder is None or not ladder.running:
            return
        self.ladders[ladder.alert_id] = replace(ladder, ended_at=self._now, ending=ending)
        if ending in (Ending.ACKNOWLEDGED, Ending.SUPPRESSED):
            self.settled.append(ladder.alert_id)
            for key in self._book.held_of.get(ladder.alert_id, ()):
                self.tellings[key] = replace(self._book.held[key.person_id][key], dropped=True)

    def _call(self, alert: Alert, ladder: Ladder | None) -> Ladder:
        """The ladder for the alert's call as it stands: the one that is there, or a new one."""
        grouping = self._directory.policy.grouping
        span = timedelta(seconds=grouping.flapping_s)
        again = ladder is not None and self._resumes(ladder, span)
        if ladder is not None and alert.called_at == ladder.called_at and not again:
            return ladder
        raised = tuple(at for at in (ladder.raised if ladder else ()) if at > alert.called_at - span)
        raised = (*raised, alert.called_at)[-grouping.flapping_count :] if not again else raised
        flapping = len(raised) >= grouping.flapping_count
        if ladder is not None and flapping and not again:
            if ladder.running:
                changed = replace(ladder, called_at=alert.called_at, raised=raised, flapping=True)
                if not ladder.flapping:
                    self._tell_flapping(alert, changed)
                return changed
            if ladder.flapping and alert.kind not in LIFE_SAFETY:
                return replace(ladder, called_at=alert.called_at, raised=raised, ending=Ending.FLAPPING)
        if ladder is not None and ladder.running:
            self.superseded.append(replace(ladder, ended_at=self._now, ending=Ending.SUPERSEDED))
        begun_at = self._now if again else min(self._now, self._book.heard_at.get(alert.id, self._now))
        return Ladder(
            alert.id, ladder.call + 1 if ladder else 1, alert.called_at, begun_at, flapping=flapping, raised=raised
        )  # fmt: skip

    def _resumes(self, ladder: Ladder, span: timedelta) -> bool:
        """Whether an alert that was kept quiet, and is no longer, calls as if new."""
        if ladder.ending is Ending.FLAPPING:
            return bool(ladder.raised) and ladder.raised[-1] + span <= self._now
        return ladder.ending in (Ending.SUPPRESSED, Ending.NO_ROUTE, Ending.ACKNOWLEDGED)

    def _climb(self, alert: Alert, ladder: Ladder, route: Route, institution: Institution | None) -> None:
        """Do what is due of the ladder, and say when to look again."""
        if not ladder.running:
            if ladder != self._book.ladders.get(alert.id):
                self.ladders[alert.id] = ladder
            if ladder.ending is Ending.FLAPPING:
                self.reasons[alert.id] = Reason.FLAPPING
                span = timedelta(seconds=self._directory.policy.grouping.flapping_s)
                self.look_again[alert.id] = ladder.raised[-1] + span
            else:
                self.reasons[alert.id] = Reason.POLICY_ENDED
            return
        if alert.id in self._book.unreached:
            ladder = climb.ahead(ladder, route, self._now)
        while due := climb.due(ladder, route, self._now):
            quiet_until = self._quiet_until(route)
            if quiet_until is not None:
                self._keep(alert, ladder, quiet_until)
                return
            occasion = self._directory.policy.hours.occasion(self._now)
            meant = [entry for entry in due if occasion in entry.step.at]
            told = [self._tell(alert, ladder, entry, route, institution) for entry in meant]
            ladder = replace(ladder, done=ladder.done | {(entry.step.number, entry.round) for entry in due})
            if meant and not any(told):
                ladder = climb.ahead(ladder, route, self._now)
        self._finish(alert, ladder, route)

    def _quiet_until(self, route: Route) -> datetime | None:
        return self._directory.policy.hours.quiet_until(self._now) if route.quiet_hours else None

    def _keep(self, alert: Alert, ladder: Ladder, wanted_at: datetime) -> None:
        if ladder != self._book.ladders.get(alert.id):
            self.ladders[alert.id] = ladder
        self.look_again[alert.id] = wanted_at

    def _finish(self, alert: Alert, ladder: Ladder, route: Route) -> None:
        """Nothing more is due now: wait, or end. Where nobody could be told at all, the end comes at once."""
        end_at = climb.end_at(ladder, route)
        known = self._book.ladders.get(alert.id)
        same_call = known is not None and known.call == ladder.call
        reached = (same_call and bool(self._book.told.get(alert.id)) and alert.id not in self._book.unreached) or any(
            key.alert_id == alert.id and key.call == ladder.call for key in self.tellings
        )
        left = climb.left(ladder, route)
        if self._now < end_at and (reached or any(not entry.round for entry in left)):
            self._keep(alert, ladder, min([end_at, *(climb.due_at(ladder, entry) for entry in left)]))
            return
        self.ladders[alert.id] = replace(ladder, ended_at=self._now, ending=Ending.POLICY_END)
        self.reasons[alert.id] = Reason.POLICY_ENDED
        if route.raises_unanswered and alert.kind is not Kind.UNANSWERED:
            told = len(self._book.told.get(alert.id, ())) if same_call else 0
            self.events.append(unanswered.unanswered(alert, ladder, told, self._now))

    def _tell(
        self, alert: Alert, ladder: Ladder, entry: Entry, route: Route, institution: Institution | None
    ) -> bool:  # fmt: skip
        """Note whom a step tells; whether there is anybody."""
        people = {person.id for target in entry.step.to for person in self._people(target, institution)}
        for person_id in sorted(people):
            key = TellingKey(alert.id, ladder.call, entry.step.number, entry.round, person_id)
            telling = Telling(key, self._now, entry.step.channels, entry.step.every_channel)
            self._add(Item(telling, alert, route.gather_s))
        return bool(people)

    def _people(self, target: Target, institution: Institution | None) -> tuple[Person, ...]:
        place = target, institution.id if institution else None
        if place not in self._found:
            self._found[place] = oncall.find(self._roster, target, institution, self._now)[0]
        return self._found[place]

    def _tell_flapping(self, alert: Alert, ladder: Ladder) -> None:
        for person_id in self._book.told.get(alert.id, ()):
            key = TellingKey(alert.id, ladder.call, FLAPPING_STEP, 0, person_id)
            self._add(Item(Telling(key, self._now), alert))

    def _add(self, item: Item) -> None:
        key = item.telling.key
        self._items[key.person_id][key] = item
        self.tellings[key] = item.telling

    def bundle(self) -> list[Push]:
        """Put together what each person is to know: the new, and what was held back until now."""
        for person_id in self._book.ripe(self._now) | self._items.keys():
            for key, telling in self._book.held[person_id].items():
                alert = self._book.alerts.get(key.alert_id)
                if key in self.tellings:
                    continue
                if alert is None:
                    self.tellings[key] = replace(telling, dropped=True)
                else:
                    self._items[person_id][key] = Item(telling, alert)
        pushes = []
        for person_id, items in self._items.items():
            pushes += self._bundle_for(person_id, list(items.values()))
        return sorted(pushes, key=lambda push: push.urgency)

    def _bundle_for(self, person_id: int, items: Sequence[Item]) -> list[Push]:
        person = self._roster.persons.get(person_id)
        if person is None:  # went while something was held back for them
            self.tellings.update({item.telling.key: replace(item.telling, dropped=True) for item in items})
            return []
        # Whatever a person is to know of one alert goes in one message.
        same: dict[UUID, list[Item]] = defaultdict(list)
        for item in sorted(items, key=lambda each: (each.telling.hold_until or self._now, each.telling.key)):
            same[item.alert.id].append(item)
        leads = [found[0] for found in same.values()]
        bundled = bundle(
            leads, list(self._book.recent.get(person_id, ())), self._directory.policy.grouping, self._now
        )  # fmt: skip
        for lead, until in bundled.held:
            for item in same[lead.alert.id]:
                if item.telling.hold_until != until:
                    self.tellings[item.telling.key] = replace(item.telling, hold_until=until)
        pushes = []
        for message in bundled.messages:
            whole = Message(message.form, tuple(item for lead in message.items for item in same[lead.alert.id]))
            push = self._push(person, whole)
            pushes.append(push)
            for item in whole.items:
                self.tellings[item.telling.key] = replace(item.telling, push_id=push.id, hold_until=None)
        return pushes

    def _push(self, person: Person, message: Message) -> Push:
        alerts = list({item.alert.id: item.alert for item in message.items}.values())
        first = alerts[0]
        registry = self._directory.registry
        if len(alerts) == 1:
            ladder = self.ladders.get(first.id) or self._book.ladders[first.id]
            title = wording.title(first, registry, person.language)
            text = wording.body(
                first, person.language, self._names_told(first, person), again=ladder.call > 1, flapping=ladder.flapping
            )
        else:
            title, text = wording.summary(alerts, registry, person.language, message.form)
        urgency = URGENT + first.priority.rank
        if message.form is Form.ALONE:
            urgency = 0 if first.kind is Kind.FIRE and not first.drill else 1
        return Push(
            id=push_id(person.id, [item.telling.key for item in message.items]),
            person_id=person.id,
            form=message.form,
            urgency=urgency,
            drill=all(alert.drill for alert in alerts),
            alert_id=first.id if len(alerts) == 1 else None,
            institution_id=None if message.form is Form.DIGEST else first.source.institution_id,
            zone_id=first.source.zone_id if len(alerts) == 1 else None,
            language=person.language,
            title=title,
            body=text,
            channels=_channels(message),
            every_channel=any(item.telling.every_channel for item in message.items),
            created_at=self._now,
        )

    def _names_told(self, alert: Alert, but: Person) -> list[str]:
        ladder = self.ladders.get(alert.id)
        known = self._book.ladders.get(alert.id)
        if ladder is not None and known is not None and ladder.call != known.call:
            return []
        people = (self._directory.roster.persons.get(number) for number in self._book.told.get(alert.id, ()))
        return [person.name for person in people if person is not None and person.id != but.id]


def _channels(message: Message) -> frozenset[str]:
    """The kinds of contact the steps ask for; all of them where any step asks for none in particular."""
    asked = [item.telling.channels for item in message.items]
    return frozenset().union(*asked) if all(asked) else frozenset()


def next_change(directory: Directory, now: datetime) -> datetime | None:
    """When a suppression next begins or ends by itself, and everything is to be looked at again."""
    edges = (moment for each in directory.suppressions for moment in (each.from_at, each.until_at))
    return min((moment for moment in edges if moment > now), default=None)
