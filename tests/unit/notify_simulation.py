"""A seeded world for the notifier: its real decisions on a store, providers and people that are made up, with a clock
that jumps from event to event. Every process may die between any two steps, and providers fail in every way."""

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from uuid import UUID

from alerting import delivery, unanswered
from alerting.alert import (
    Alert,
    AlertEvent,
    Condition,
    Key,
    Kind,
    Priority,
    Source,
    Verb,
    act,
    alert_id,
    engine_event,
    fold,
)
from alerting.book import REMEMBERED, Book, Decision, Directory
from alerting.delivery import Answer, Delivery, Outcome, Push, State
from alerting.escalation import default_policy, parse
from alerting.ladder import Ladder, Telling, TellingKey
from alerting.notification import decide
from alerting.oncall import Roster, Rotation
from alerting.people import Contact, Person, Role, Scope
from ingest.reading import to_us
from ingest.registry import Device, Institution, Registry, Zone

POLICY = parse(default_policy())
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LEASE_S = 12.0


class Killed(Exception):
    """The process died here."""


class Store:
    """What is on record: survives every crash. Each method is one transaction."""

    def __init__(self) -> None:
        self.alerts: dict[UUID, Alert] = {}
        self.open_by_key: dict[Key, UUID] = {}
        self.log: list[tuple[datetime, AlertEvent]] = []
        self.cursor = 0
        self.ladders: dict[tuple[UUID, int], Ladder] = {}
        self.tellings: dict[TellingKey, Telling] = {}
        self.pushes: dict[UUID, Push] = {}
        self.deliveries: dict[UUID, dict[int, Delivery]] = defaultdict(dict)
        self.unreached: set[UUID] = set()

    def append(self, event: AlertEvent, now: datetime) -> None:
        """As alerting.store.append: an alert raised where one is open joins it."""
        if any(known.event_id == event.event_id for _, known in self.log):
            return
        standing = self.alerts.get(event.alert_id)
        if standing is None and event.key in self.open_by_key:
            standing = self.alerts[self.open_by_key[event.key]]
        if event.verb is not Verb.RAISE and (standing is None or (event.rule and not standing.active)):
            return
        if standing is not None and standing.id != event.alert_id:
            event = replace(event, alert_id=standing.id)
        changed = fold(standing, event)
        self.alerts[changed.id] = changed
        if changed.open:
            self.open_by_key[changed.key] = changed.id
        else:
            self.open_by_key.pop(changed.key, None)
        self.log.append((now, event))

    def write(self, decision: Decision, deliveries: list[Delivery], cursor: int, now: datetime) -> None:
        for ladder in decision.ladders:
            self.ladders[ladder.alert_id, ladder.call] = ladder
        for push in decision.pushes:
            self.pushes.setdefault(push.id, push)
        for telling in decision.tellings:
            before = self.tellings.get(telling.key)
            if before is None or before.push_id is None:
                self.tellings[telling.key] = telling
        for each in deliveries:
            self.deliveries[each.push_id].setdefault(each.contact_id, each)
        for push in self.pushes.values():
            if push.alert_id in decision.settled:
                for number, each in self.deliveries[push.id].items():
                    if each.state is State.WAITING:
                        self.deliveries[push.id][number] = replace(each, state=State.UNNEEDED)
        for event in decision.events:
            self.append(event, now)
        self.cursor = cursor

    def unreached_alerts(self) -> set[UUID]:
        """As outbox_store.unreached."""
        if not self.unreached:
            return set()
        told = defaultdict(list)
        for key, telling in self.tellings.items():
            if not telling.dropped:
                told[key.alert_id, key.call].append(telling.push_id in self.unreached)
        running = (ladder for ladder in self.ladders.values() if ladder.running)
        return {
            ladder.alert_id
            for ladder in running
            if not self.alerts[ladder.alert_id].acknowledged
            and told[ladder.alert_id, ladder.call]
            and all(told[ladder.alert_id, ladder.call])
        }


class World:
    """One history. `run` it to its end, then look at what is left."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = START + timedelta(hours=self.random.uniform(0, 24 * 14))
        self.end_of_faults = self.now + timedelta(seconds=self.random.uniform(60, 2400))
        self.store = Store()
        self.book: Book | None = None
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._planned: set[tuple[datetime, Callable[[], None]]] = set()
        self._numbers = count()
        self._died = 0
        self.received: Counter[tuple[UUID, int]] = Counter()
        self.lost: Counter[tuple[UUID, int]] = Counter()
        self.crash_share = self.random.choice((0.0, 0.02, 0.1))
        self.fault_share = self.random.choice((0.0, 0.2, 0.6))
        self.answer_share = self.random.choice((0.0, 0.3, 0.9))
        self.directory = self._directory()
        self._plan_alarms()

    # --- what there is ----------------------------------------------------------------------------

    def _directory(self) -> Directory:
        pick = self.random
        institutions = [Institution(n, f"i{n}", f"机构{n}", "", "nursing_home", "220322") for n in (1, 2)]
        zones = [Zone(10 * n + z, n, f"z{z}", f"房间{z}", "", "bedroom", 1) for n in (1, 2) for z in (1, 2)]
        devices = [Device(10 * zone.id + d, zone.institution_id, zone.id, f"d{d}", f"设备{d}", "multi", "", 30)
                   for zone in zones for d in (1, 2, 3)]  # fmt: skip
        self.devices = devices
        people, contacts = [], {}
        roles = [(Role.OPERATOR, n) for n in (1, 1, 2)] + [(Role.SAFETY_OFFICER, n) for n in (1, 2)]
        roles += [
            (Role.INSTITUTION_MANAGER, 1),
            (Role.SUPERVISOR, None),
            (Role.SUPERVISOR, None),
            (Role.ADMINISTRATOR, None),
        ]
        for number, (role, place) in enumerate(roles, start=1):
            region = "" if role is Role.ADMINISTRATOR else "220322"
            scope = Scope(place) if place else Scope(region=region)
            if pick.random() < 0.9:
                people.append(Person(number, f"人{number}", role, scope, active=pick.random() < 0.95))
                ways = pick.choices(("wecom", "sms", "email"), k=pick.choice((0, 1, 1, 2, 3)))
                contacts[number] = tuple(Contact(100 * number + n, number, way, "…", n) for n, way in enumerate(ways))
        rotations = [Rotation(1, "班", Role.OPERATOR, Scope(1), (1, 2), date(2026, 1, 1), (time(8), time(20)), 1)]
        registry = Registry.build(1, institutions, zones, devices, [])
        roster = Roster({person.id: person for person in people}, rotations)
        return Directory(POLICY, roster, {n: w for n, w in contacts.items() if w}, (), registry)

    def _plan_alarms(self) -> None:
        for _ in range(self.random.choice((1, 2, 5, 20))):
            at_s = self.random.choice((0.0, self.random.uniform(0, 1200)))
            device = self.random.choice(self.devices)
            kind = self.random.choice((Kind.FIRE, Kind.FIRE, Kind.GAS, Kind.SOS, Kind.OFFLINE))
            priority = self.random.choice((Priority.CRITICAL, Priority.CRITICAL, Priority.HIGH, Priority.MEDIUM))
            self._at(at_s, lambda d=device, k=kind, p=priority: self._raise(d, k, p))

    def _raise(self, device: Device, kind: Kind, priority: Priority) -> None:
        source = Source(device.institution_id, device.zone_id, device.id)
        key, rule = Key(source.institution_id, source.device_id, kind), f"{kind}.{priority}"
        number = self.store.open_by_key.get(key) or alert_id(key, to_us(self.now))
        condition = Condition(rule, kind, priority, latching=self.random.random() < 0.5)
        onset_us = to_us(self.now)
        self._say(engine_event(number, Verb.RAISE, onset_us, onset_us, source, condition, {}))
        if self.random.random() < 0.5:

            def clear() -> None:
                self._say(engine_event(number, Verb.CLEAR, to_us(self.now), onset_us, source, condition, {}))

            self._at(self.random.uniform(0.1, 400), clear)

    def _say(self, event: AlertEvent) -> None:
        self.store.append(event, self.now)
        self._at(0.0, self._decide)

    # --- time -------------------------------------------------------------------------------------

    def _at(self, after_s: float, what: Callable[[], None]) -> None:
        """Let `what` happen later; the same thing is not planned twice for the same moment."""
        at = self.now + timedelta(seconds=max(0.0, after_s))
        if (at, what) in self._planned:
            return
        self._planned.add((at, what))
        heapq.heappush(self._agenda, (at, next(self._numbers), what))

    def run(self) -> None:
        """To the end of every policy, and until nothing more is to be done."""
        limit = self.now + timedelta(days=3)
        self._at(0.0, self._tick)
        while self._agenda and self._agenda[0][0] < limit:
            self.now, _, what = heapq.heappop(self._agenda)
            self._planned.discard((self.now, what))
            try:
                what()
            except Killed:
                self.book = None  # all that was not on record is gone
                self._died += 1
                self._at(self.random.uniform(0.1, 30), self._tick)
        assert not self._agenda, "the world never comes to rest"

    def _may_die(self) -> None:
        if self.now < self.end_of_faults and self.random.random() < self.crash_share:
            raise Killed

    # --- the notifier -----------------------------------------------------------------------------

    def _tick(self) -> None:
        self._decide()
        self._dispatch()

    def _restore(self) -> Book:
        book, store = Book(), self.store
        newest: dict[UUID, Ladder] = {}
        for ladder in sorted(store.ladders.values(), key=lambda each: each.call):
            newest[ladder.alert_id] = ladder
        book.ladders.update(
            {n: ladder for n, ladder in newest.items() if store.alerts[n].open or ladder.running}
        )  # fmt: skip
        for number, alert in store.alerts.items():
            if alert.open or number in book.ladders:
                book.put(alert)
        for telling in store.tellings.values():
            ladder = store.ladders.get((telling.key.alert_id, telling.key.call))
            if telling.held or ladder is None or ladder.running:
                book.note(telling)
        for push in store.pushes.values():
            if push.created_at > self.now - REMEMBERED:
                book.note_sent(push)
        return book

    def _decide(self) -> None:
        if self.book is None:
            self.book = self._restore()
        store = self.store
        for recorded_at, event in store.log[store.cursor :]:
            self.book.put(store.alerts[event.alert_id], recorded_at)
        for number in store.unreached_alerts():
            self.book.unreached.add(number)
            self.book.dirty[number] = None
        cursor = len(store.log)
        decision = decide(self.book, self.directory, self.now)
        self._may_die()
        ways = self.directory.contacts
        deliveries = [
            each for push in decision.pushes for each in delivery.plan(push, ways[push.person_id], POLICY.delivery)
        ]
        store.write(decision, deliveries, cursor, self.now)
        self._may_die()
        self.book.adopt(decision, self.now)
        if decision.events:
            self._at(0.0, self._decide)
        if deliveries:
            self._at(0.0, self._dispatch)
        wanted_at = self.book.next_at()
        if wanted_at is not None:
            self._at((wanted_at - self.now).total_seconds(), self._decide)

    def _dispatch(self) -> None:
        """Claim and send everything that is due."""
        for push_id, ways in self.store.deliveries.items():
            for number, each in list(ways.items()):
                if each.due(self.now):
                    mine = ways[number] = delivery.claim(each, self.now, LEASE_S)
                    if each.state is State.SENDING:
                        self.lost[push_id, number] += 1
                    self._at(LEASE_S + 0.1, self._dispatch)
                    self._may_die()
                    self._send(mine)
                elif each.state is State.WAITING and each.attempts == 0:
                    self._at((each.next_attempt_at - self.now).total_seconds(), self._dispatch)

    def _send(self, mine: Delivery) -> None:
        key = mine.push_id, mine.contact_id
        fault = self.random.random() < self.fault_share and self.now < self.end_of_faults
        kind = self.random.choice(("busy", "refused", "unheard", "heard", "limited")) if fault else "taken"
        took_s = self.random.uniform(0.01, 1.0)
        if kind in ("taken", "heard"):
            self.received[key] += 1
            self._read(mine.push_id)
        answer = {
            "taken": Answer(Outcome.SENT), "busy": Answer(Outcome.FAILED), "refused": Answer(Outcome.REFUSED),
            "limited": Answer(Outcome.FAILED, "", 30.0), "unheard": Answer(Outcome.LOST), "heard": Answer(Outcome.LOST),
        }[kind]  # fmt: skip
        if answer.outcome is Outcome.LOST:
            took_s = 8.0
        self._may_die()
        died = self._died
        self._at(took_s, lambda: self._settle(mine, answer, died))

    def _settle(self, mine: Delivery, answer: Answer, died: int) -> None:
        if died != self._died:
            return  # the process that waited for the answer is gone
        self._may_die()
        ways = self.store.deliveries[mine.push_id]
        if ways[mine.contact_id].attempts != mine.attempts:
            return
        if answer.outcome is Outcome.LOST:
            self.lost[mine.push_id, mine.contact_id] += 1
        siblings = sorted(ways.values(), key=lambda each: each.rank)
        changed = delivery.settle(
            siblings, mine.contact_id, answer, POLICY.delivery, self.now,
            every_channel=self.store.pushes[mine.push_id].every_channel,
        )  # fmt: skip
        for each in changed:
            ways[each.contact_id] = each
            if each.state is State.WAITING:
                self._at((each.next_attempt_at - self.now).total_seconds(), self._dispatch)
        if delivery.unreached(list(ways.values())):
            self.store.unreached.add(mine.push_id)
            self._at(0.0, self._decide)

    # --- people -----------------------------------------------------------------------------------

    def _read(self, push_id: UUID) -> None:
        """Somebody reads the message and, perhaps, takes an alert on."""
        for telling in list(self.store.tellings.values()):
            if telling.push_id == push_id and self.random.random() < self.answer_share:
                number = telling.key.alert_id
                self._at(self.random.uniform(1, 200), lambda n=number: self._acknowledge(n))

    def _acknowledge(self, number: UUID) -> None:
        alert = self.store.alerts[number]
        if not alert.acknowledged:
            self._say(act(alert, Verb.ACKNOWLEDGE, "person:1:甲", self.now, None))


def unanswered_of(world: World, alert: Alert, ladder: Ladder) -> bool:
    """Whether the next level was told that nobody answered."""
    meant = unanswered.unanswered(alert, ladder, 0, world.now).event_id
    return any(event.event_id == meant for _, event in world.store.log)
