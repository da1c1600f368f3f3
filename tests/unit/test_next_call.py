"""What is foreseen of an alert's calling is what the notifier then does."""

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest

from alerting.alert import Alert, Condition, Key, Kind, Priority, Source, Verb, act, alert_id, engine_event, fold
from alerting.book import Book, Decision, Directory
from alerting.escalation import default_policy, parse
from alerting.next_call import Forecast, Reason, foresee
from alerting.notification import decide
from alerting.oncall import Roster, Rotation, StandIn
from alerting.people import Contact, Person, Role, Scope
from alerting.suppression import Reason as Quiet
from ingest.reading import to_us
from ingest.registry import Institution, Registry

HOME = Institution(1, "h", "家", "", "nursing_home", "220322")
POLICY = parse(default_policy())
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # a Wednesday, by day in China


def raised(at: datetime, kind: Kind = Kind.FIRE, priority: Priority = Priority.CRITICAL) -> Alert:
    number = alert_id(Key(1, None, kind), to_us(at))
    condition = Condition("r", kind, priority, latching=False)
    return fold(None, engine_event(number, Verb.RAISE, to_us(at), to_us(at), Source(1, None, None), condition, {}))


def world(*people: Person, rotations: tuple[Rotation, ...] = (), stand_ins: tuple[StandIn, ...] = ()) -> Directory:
    contacts = {person.id: (Contact(person.id, person.id, "sms", "…", 1),) for person in people}
    roster = Roster({person.id: person for person in people}, rotations, stand_ins)
    return Directory(POLICY, roster, contacts, (), Registry.build(1, [HOME], [], [], []))


def step(book: Book, directory: Directory, now: datetime) -> Decision:
    decision = decide(book, directory, now)
    book.adopt(decision, now)
    return decision


def forecast(book: Book, directory: Directory, alert: Alert, now: datetime, quiet: Quiet | None = None) -> Forecast:
    return foresee(alert, book.ladders.get(alert.id), quiet, directory.policy, directory.reachable(), HOME, now)


NURSE = Person(1, "夜班", Role.OPERATOR, Scope(1))
OFFICER = Person(2, "安全员", Role.SAFETY_OFFICER, Scope(1))
HEAD = Person(3, "院长", Role.INSTITUTION_MANAGER, Scope(1))


def test_a_fire_by_day_goes_from_the_desk_to_the_officer_to_the_head() -> None:
    directory, alert, book = world(NURSE, OFFICER, HEAD), raised(NOON), Book()
    book.put(alert, NOON)
    step(book, directory, NOON)
    seen = []
    now = NOON
    while (found := forecast(book, directory, alert, now)).following:
        following = found.following
        seen.append(((following.at - NOON).total_seconds(), [who.name for who in following.people], following.again))
        now = following.at
        step(book, directory, now)
    assert seen == [
        (60, ["安全员"], False),
        (180, ["院长"], False),
        (300, ["夜班"], True),  # the county's supervisor would be told with him; nobody is one
        (600, ["夜班"], True),
    ]
    assert found.reason is Reason.LAST_TOLD
    assert (found.ends_at, found.raises) == (NOON + timedelta(seconds=900), True)
    ended = step(book, directory, NOON + timedelta(seconds=900))
    assert [event.kind for event in ended.events] == [Kind.UNANSWERED]
    assert forecast(book, directory, alert, NOON + timedelta(seconds=901)).reason is Reason.POLICY_ENDED


def test_it_names_whoever_is_on_duty_by_then() -> None:
    relief = Person(4, "早班", Role.OPERATOR, Scope(1))
    turns = Rotation(1, "班", Role.OPERATOR, Scope(1), (1, 4), date(2026, 11, 25), (time(0), time(12, 3)), 1)
    directory, alert, book = world(NURSE, relief, rotations=(turns,)), raised(NOON), Book()
    book.put(alert, NOON)
    step(book, directory, NOON)  # nobody but the desk is there: the first repetition is next, after the hand-over
    following = forecast(book, directory, alert, NOON).following
    assert following is not None
    assert [who.name for who in following.people] == ["早班"]


@pytest.mark.parametrize(
    ("quiet", "people", "alert", "reason"),
    [
        (None, (NURSE,), act(raised(NOON), Verb.ACKNOWLEDGE, "user:li", NOON, None), Reason.ACKNOWLEDGED),
        (Quiet.SHELVED, (NURSE,), raised(NOON), Quiet.SHELVED),
        (None, (), raised(NOON), Reason.NOBODY_SET_UP),
        (None, (NURSE,), raised(NOON), Reason.NOT_BEGUN),
    ],
)
def test_why_nobody_is_next(quiet: Quiet | None, people: tuple[Person, ...], alert: object, reason: Reason) -> None:
    standing = alert if isinstance(alert, Alert) else fold(raised(NOON), alert)  # type: ignore[arg-type]
    found = forecast(Book(), world(*people), standing, NOON, quiet)
    assert (found.following, found.reason) == (None, reason)


@pytest.mark.parametrize("seed", range(60))
def test_the_notifier_does_what_was_foreseen(seed: int) -> None:
    pick = random.Random(seed)
    begun = NOON + timedelta(minutes=pick.randrange(14 * 24 * 60))
    people = []
    for number, role in enumerate([Role.OPERATOR] * 3 + [Role.SAFETY_OFFICER, Role.INSTITUTION_MANAGER], start=1):
        if pick.random() < 0.6:
            people.append(Person(number, f"人{number}", role, Scope(1), active=pick.random() < 0.9))
    for number, region in ((6, "220322"), (7, "2203"), (8, "")):
        if pick.random() < 0.6:
            people.append(Person(number, f"人{number}", Role.SUPERVISOR, Scope(region=region)))
    turns = Rotation(1, "班", Role.OPERATOR, Scope(1), (1, 2, 3), date(2026, 11, 1), (time(8), time(20)), 1)
    away = StandIn(1, pick.choice((1, 2, 3)), 4, begun, begun + timedelta(minutes=pick.choice((1, 6, 60))))
    directory = world(*people, rotations=(turns,), stand_ins=(away,))
    kind, priority = pick.choice([(Kind.FIRE, Priority.CRITICAL), (Kind.OFFLINE, Priority.CRITICAL),
                                  (Kind.OFFLINE, Priority.MEDIUM), (Kind.LOW_BATTERY, Priority.LOW),
                                  (Kind.UNANSWERED, Priority.CRITICAL)])  # fmt: skip
    alert, book = raised(begun, kind, priority), Book()
    book.put(alert, begun)
    step(book, directory, begun)
    now = begun
    for _ in range(60):
        found = forecast(book, directory, alert, now)
        if found.following is None:
            break
        told: dict[int, datetime] = {}
        while not told:
            now = book.next_at()
            assert now is not None, "foreseen, but nothing is planned"
            assert now <= found.following.at, "foreseen for earlier than the notifier looks again"
            decision = step(book, directory, now)
            told = {each.key.person_id: each.at for each in decision.tellings if each.at == now}
        assert now == found.following.at
        assert set(told) == {who.id for who in found.following.people}
    assert found.following is None
    while (wanted_at := book.next_at()) is not None:
        later = step(book, directory, wanted_at)
        assert not [each for each in later.tellings if each.at == wanted_at], "told, but not foreseen"
