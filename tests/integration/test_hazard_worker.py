"""From sensors: what opens a hazard and what does not, once and only once; proof by data; reminders and escalation."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alerting import people_store, store
from alerting.alert import Condition, Kind, Priority, Verb, engine_event
from alerting.people import Role, Scope
from ingest.database import connect
from ingest.reading import to_us
from inspection import decide, hazard_list_store, hazard_store, operate, worker
from inspection.checklist import Level
from inspection.decide import Found, Standing
from inspection.errors import ProofMissing, StepRefused
from inspection.hazard import By, Category, Origin, State, Supervisor
from inspection.hazard import Verb as Step
from inspection.hazard_list_store import Filter, Which
from inspection.operate import Actor
from inspection.policy import default_policy
from inspection.proof import Reason
from tests.integration.dashboard_world import World, build
from tests.integration.people_world import add_user
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

POLICY = default_policy()
HOUR = timedelta(hours=1)


class Place:
    """A world whose hazards are looked at as of any time."""

    def __init__(self, world: World, connection) -> None:
        self.world, self.connection = world, connection
        self.now = datetime.now(UTC).replace(microsecond=0)
        with psycopg.connect(world.database_url) as people:
            nurse = add_user(people, "nurse", Role.OPERATOR, Scope(world.home))[0]
            manager = add_user(people, "manager", Role.INSTITUTION_MANAGER, Scope(world.home))[0]
            county = add_user(people, "county", Role.SUPERVISOR, Scope(None, "220322"))[0]
        self.nurse = By("user:nurse", nurse, outside=False)
        self.manager = By("user:manager", manager, outside=False)
        self.county = By("user:county", county, outside=True)

    def work(self, after: timedelta = timedelta()) -> None:
        """One round of the worker as of `after` from now."""
        while worker.follow(self.connection, self.now + after):
            pass
        worker.scan(self.connection, self.now + after)

    def hazards(self, which: Which = Which.ALL) -> list:
        return hazard_list_store.page(self.connection, Filter(which), None, 50, self.now, POLICY)[0]

    def act(self, hazard, step: str, by: By, after: timedelta, **more):
        with self.connection.transaction():
            return getattr(operate, step)(
                self.connection, hazard.id, hazard.version, Actor(by, self.now + after), **more
            )

    def rectified(self, hazard, after: timedelta):
        given = {"assignee_id": self.nurse.person_id, "term": None, "level": hazard.level,
                 "supervisor": hazard.supervisor, "note": ""}  # fmt: skip
        assigned = self.act(hazard, "assign", self.county, after, **given)
        return self.act(assigned, "rectify", self.nurse, after, measures="换电池、重启", photos=())


@pytest.fixture
def place(database_url):
    world = build(database_url)
    with connect(database_url, autocommit=True) as connection:
        worker.start(connection)
        yield Place(world, connection)


def raise_offline(place: Place, ago: timedelta, **more):
    return place.world.say(
        Verb.RAISE, kind=Kind.OFFLINE, priority=Priority.MEDIUM, at=place.now - ago, rule="supervision", **more
    )


def test_a_device_that_stays_offline_for_a_day_is_a_hazard_once(place: Place):
    raise_offline(place, timedelta(hours=23))
    place.work()
    assert place.hazards() == []
    for hours in (1, 1, 2, 30):
        place.work(timedelta(hours=hours))
    [hazard] = place.hazards()
    assert (hazard.origin, hazard.rule, hazard.device_id, hazard.state) == (
        Origin.SENSOR, "offline-24h", place.world.devices[0], State.REPORTED
    )  # fmt: skip
    assert hazard.reported_by == "policy"
    acts = place.connection.execute("SELECT actor, verb FROM acts WHERE verb = 'hazard_report'").fetchall()
    assert acts == [("policy", "hazard_report")]


def test_what_comes_back_in_time_or_is_a_drill_opens_nothing(place: Place):
    raise_offline(place, timedelta(hours=30))
    place.world.say(Verb.CLEAR, kind=Kind.OFFLINE, at=place.now - timedelta(hours=8), rule="supervision",
                    onset_at=place.now - timedelta(hours=30))  # fmt: skip
    at_us = to_us(place.now)
    condition = Condition("unanswered.fire", Kind.UNANSWERED, Priority.HIGH, latching=False)
    drill = engine_event(uuid.uuid4(), Verb.RAISE, at_us, at_us, place.world.source(), condition, {}, drill=True)
    with psycopg.connect(place.world.database_url) as connection:
        store.append(connection, [drill])
    place.work(timedelta(hours=40))
    assert place.hazards() == []


def test_the_third_gas_alarm_within_a_week_is_a_major_hazard_and_the_old_ones_do_not_count_twice(place: Place):
    def gas(hours_ago: float) -> None:
        at = place.now - timedelta(hours=hours_ago)
        place.world.say(Verb.RAISE, kind=Kind.GAS, priority=Priority.HIGH, at=at, rule="gas.early")
        place.world.say(Verb.CLEAR, kind=Kind.GAS, at=at + timedelta(minutes=5), onset_at=at, rule="gas.early")

    for hours_ago in (400, 30, 20):
        gas(hours_ago)
    place.work()
    assert place.hazards() == []  # two within the week
    gas(10)
    place.work()
    place.work()
    [hazard] = place.hazards()
    assert (hazard.rule, hazard.level, hazard.supervisor) == ("gas-repeated", "major", "head")
    gas(5)
    place.work()
    assert len(place.hazards()) == 1


def test_an_alarm_nobody_answered_is_one_and_a_missed_duty_check_is_not(place: Place):
    place.world.say(Verb.RAISE, None, Kind.UNANSWERED, rule="duty_check.missed")
    place.work()
    assert place.hazards() == []
    place.world.say(Verb.RAISE, kind=Kind.UNANSWERED, rule="unanswered.fire")
    place.work()
    assert [each.rule for each in place.hazards()] == ["alarm-unanswered"]


def test_an_event_judged_again_after_a_crash_opens_nothing_twice(place: Place):
    before = hazard_store.cursor(place.connection)
    place.world.say(Verb.RAISE, kind=Kind.UNANSWERED, rule="unanswered.fire")
    place.work()
    [hazard] = place.hazards()
    place.connection.execute("UPDATE hazard_cursor SET event_id = %s", (before,))
    place.work()
    assert [each.id for each in place.hazards()] == [hazard.id]


def test_what_the_sensor_still_shows_cannot_be_closed_and_data_prove_the_rest(place: Place):
    raise_offline(place, timedelta(hours=25))
    place.work()
    [hazard] = place.hazards()
    hazard = place.rectified(hazard, HOUR)

    def proof(after: timedelta) -> Reason:
        return operate.proof_of(place.connection, hazard, place.now + after).reason

    assert proof(2 * HOUR) is Reason.STILL_FAILING
    passing = {"passed": True, "note": "", "photos": ()}
    with pytest.raises(ProofMissing):
        place.act(hazard, "recheck", place.manager, 2 * HOUR, **passing)
    with pytest.raises(psycopg.IntegrityError, match="still shows"):  # nor past the code
        place.connection.execute(
            "INSERT INTO hazard_events"
            " (event_id, hazard_id, seq, verb, at, actor, person_id, outside, passed, note, body)"
            " VALUES (gen_random_uuid(), %s, %s, 'recheck', now(), 'user:manager', %s, false, true, '', '{}')",
            (hazard.id, hazard.version + 1, place.manager.person_id),
        )
    place.world.say(Verb.CLEAR, kind=Kind.OFFLINE, at=place.now + 2 * HOUR, rule="supervision",
                    onset_at=place.now - timedelta(hours=25))  # fmt: skip
    assert proof(3 * HOUR) is Reason.SILENT  # nothing measured since
    point = place.world.points[place.world.devices[0], "smoke_obscuration"]
    place.world.add_readings(point, [(place.now + 2 * HOUR + timedelta(minutes=each), 0.01) for each in range(5)])
    assert proof(3 * HOUR) is Reason.TOO_SOON  # two hours, by the policy
    assert proof(5 * HOUR) is Reason.PROVEN
    passed = place.act(hazard, "recheck", place.manager, 5 * HOUR, **passing)
    again = place.now + 6 * HOUR
    place.world.say(Verb.RAISE, kind=Kind.OFFLINE, at=again, rule="supervision")
    place.world.say(Verb.CLEAR, kind=Kind.OFFLINE, at=again + HOUR, onset_at=again, rule="supervision")
    with pytest.raises(ProofMissing):  # it failed again before it was closed
        place.act(passed, "close", place.county, 12 * HOUR, note="")
    back = place.act(passed, "recheck", place.county, 12 * HOUR, passed=False, note="又离线", photos=())
    done = place.act(back, "rectify", place.nurse, 13 * HOUR, measures="换网关", photos=())
    place.world.add_readings(point, [(place.now + 14 * HOUR, 0.01)])
    passed = place.act(done, "recheck", place.manager, 16 * HOUR, **passing)
    closed = place.act(passed, "close", place.county, 16 * HOUR, note="")
    assert closed.state is State.CLOSED
    event = hazard_store.events_of(place.connection, closed.id)[-1].event
    assert event.body["proof"]["reason"] == "proven"
    assert event.body["proof"]["readings"] == 1


def test_the_next_time_it_is_a_repeated_hazard(place: Place):
    first = raise_offline(place, timedelta(hours=50))
    place.world.say(Verb.CLEAR, kind=Kind.OFFLINE, at=place.now - timedelta(hours=49), rule="supervision",
                    onset_at=place.now - timedelta(hours=50))  # fmt: skip
    assert not store.load(place.connection, first.id).active
    raise_offline(place, timedelta(hours=25), device=1)
    place.work()
    [hazard] = place.hazards()
    hazard = place.rectified(hazard, HOUR)
    place.world.say(Verb.CLEAR, 1, Kind.OFFLINE, at=place.now + HOUR, rule="supervision",
                    onset_at=place.now - timedelta(hours=25))  # fmt: skip
    point = place.world.points[place.world.devices[1], "temperature"]
    place.world.add_readings(point, [(place.now + 2 * HOUR, 21.0)])
    passed = place.act(hazard, "recheck", place.manager, 9 * HOUR, passed=True, note="", photos=())
    place.act(passed, "close", place.county, 9 * HOUR, note="")
    place.world.say(Verb.RAISE, 1, Kind.OFFLINE, at=place.now + 10 * HOUR, rule="supervision")
    place.work(34 * HOUR)
    newest = place.hazards()[0]
    assert (newest.repeat_of, newest.occurrence, newest.state) == (hazard.id, 2, State.REPORTED)


def test_reminders_and_escalations_are_acts_of_the_policy_once_each(place: Place):
    raise_offline(place, timedelta(hours=25))
    place.work()
    [hazard] = place.hazards()
    given = {"assignee_id": place.nurse.person_id, "term": "days-3", "level": hazard.level,
             "supervisor": hazard.supervisor, "note": ""}  # fmt: skip
    place.act(hazard, "assign", place.county, timedelta(), **given)
    for hours in (10, 47, 49, 60, 71, 73, 80, 97, 97, 146, 300):
        place.work(timedelta(hours=hours))
    told = [
        (entry.event.verb, (entry.event.at - place.now) / HOUR, entry.event.by.person_id)
        for entry in hazard_store.events_of(place.connection, hazard.id)[2:]
    ]
    assert told == [
        (Step.REMIND, 49, None), (Step.ESCALATE, 73, None), (Step.ESCALATE, 97, None), (Step.ESCALATE, 146, None)
    ]  # fmt: skip


def test_what_nobody_is_given_is_brought_to_those_above_and_they_are_told(place: Place):
    with psycopg.connect(place.world.database_url) as connection:
        add_user(connection, "inspector", Role.INSPECTOR, Scope(None, "220322"))
        for each in people_store.persons(connection):
            ways = [("email", f"p{each.id}@example.org")]
            people_store.replace_contacts(connection, actor="test", who=each, ways=ways)
    found = Found(place.world.home, "灭火器过期", "", Category.FIRE, Level.GENERAL, Supervisor.DEPUTY)
    with place.connection.transaction():
        hazard = operate.report(place.connection, found, Actor(place.nurse, place.now))
    for hours in (1, 23, 25, 30, 47, 49, 49, 100):
        place.work(timedelta(hours=hours))
    told = [
        (entry.event.verb, (entry.event.at - place.now) / HOUR, entry.event.body["to"])
        for entry in hazard_store.events_of(place.connection, hazard.id)[1:]
    ]
    assert told == [
        (Step.ESCALATE, 25, ["inspector", "institution_manager", "safety_officer"]), (Step.ESCALATE, 49, ["supervisor"])
    ]  # fmt: skip
    rows = place.connection.execute(
        "SELECT name FROM pushes JOIN persons ON persons.id = person_id WHERE title LIKE '【隐患逾期未交办】%'"
        " ORDER BY pushes.created_at, name"
    )
    assert [row[0] for row in rows] == ["inspector", "manager", "county"]
    [standing] = place.hazards(Which.UNASSIGNED)
    assert decide.standing(standing, place.now + 25 * HOUR, POLICY) is Standing.ASSIGN_LATE


def test_a_second_worker_waits_and_a_running_one_opens_at_once(place: Place, database_url):
    stop = threading.Event()
    threads = [threading.Thread(target=worker.Worker(database_url).run, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        place.world.say(Verb.RAISE, kind=Kind.UNANSWERED, rule="unanswered.fire")
        wait_until(place.hazards, "the worker has opened it")
        assert len(place.hazards()) == 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_refusals_leave_no_trace(place: Place):
    raise_offline(place, timedelta(hours=25))
    place.work()
    [hazard] = place.hazards()
    with pytest.raises(StepRefused):
        place.act(hazard, "close", place.county, HOUR, note="")
    assert len(hazard_store.events_of(place.connection, hazard.id)) == 1
