"""Ratings on a real database: what was on record when, the same again for every institution and night,
nothing changed."""

import random
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from alerting import self_alerts, self_failure, store
from alerting.alert import Kind, Verb
from alerting.people import Role, Scope
from ingest.reading import to_us
from inspection import draw_store, evidence_store, hazard_store, rating_run, rating_store, safety_record_store
from inspection.errors import RatingRefused
from inspection.evidence import SOURCES, Query, select
from inspection.hazard import State
from inspection.hazard_steps import fold
from inspection.rating_policy import parse, shipped, shipped_text
from inspection.safety_record import RecordKind, SafetyRecord
from tests.integration.dashboard_world import build
from tests.integration.people_world import add_user
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

START = datetime(2026, 1, 5, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NIGHTS = [START + n * DAY for n in range(0, 120, 3)]
ROADS = (
    ("assign", "rectify", "pass", "close"),
    ("assign", "rectify", "fail", "rectify", "pass", "close"),
    ("assign", "ask", "extend", "rectify", "pass", "close"),
    ("assign",),
    ("assign", "rectify"),
    (),
    ("withdraw",),
)


def guard(connection, *, on: bool) -> None:
    """Switch the triggers that keep the past as it is."""
    for table in ("hazards", "hazard_events", "safety_records", "inspections", "inspection_events"):
        state = sql.SQL("ENABLE" if on else "DISABLE")
        connection.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(table), state))


def insert(connection, table: str, row: dict) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(row))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, marks)
    connection.execute(statement, list(row.values()))


def write_history(connection, world, person, nurse, seed: int) -> None:
    """Hazards that went their road in the past, recorded when they happened, and some of it later: past the
    triggers, which
    stamp the time of writing."""
    rng = random.Random(seed)
    guard(connection, on=False)
    connection.execute("UPDATE institutions SET created_at = %s", (START - 400 * DAY,))
    for _ in range(60):
        place, at = rng.choice((world.home, world.station)), START + rng.uniform(-60, 110) * DAY
        lag = rng.choice((0, 0, 40)) * HOUR  # some of it is put on record days later
        hazard, level, deadline, road = uuid.uuid4(), rng.choice(("general", "major")), None, rng.choice(ROADS)
        body = {
            "institution_id": place, "origin": "person", "category": "fire", "level": level, "supervisor": "head",
            "title": "通道堵塞", "occurrence": rng.choice((1, 1, 2)),
        }  # fmt: skip
        events = [("report", at, None, body)]
        for step in road:
            at += rng.uniform(0.2, 12) * DAY
            verb = {"pass": "recheck", "fail": "recheck", "ask": "ask_extension"}.get(step, step)
            said = {"photos": ["x"]} if verb == "rectify" else {}
            if step == "assign":
                deadline = at + rng.choice((1, 3, 7, 15)) * DAY
                said = {"assignee_id": nurse, "term": "days-7", "deadline": deadline.isoformat(), "level": level,
                        "supervisor": "head"}  # fmt: skip
            elif step in ("ask", "extend"):
                deadline = max(deadline, at) + 20 * DAY if step == "ask" else deadline
                said = {"until": deadline.isoformat()}
            events.append((verb, at, {"pass": True, "fail": False}.get(step), said))
        closed = events[-1][1] if road and road[-1] == "close" else None
        row = {
            "id": hazard, "institution_id": place, "origin": "person", "category": "fire", "level": level,
            "supervisor": "head", "title": "通道堵塞", "detail": "", "state": "reported", "version": len(events),
            "reported_at": events[0][1], "reported_by": "user:x", "clause": "", "occurrence": body["occurrence"],
            "failures": 0, "extensions": 0, "escalated": 0,
        }  # fmt: skip
        if road == ("withdraw",):
            row |= {"state": "withdrawn", "withdrawn_at": events[-1][1], "withdrawn_by": "user:x"}
        if closed:
            row |= {"state": "closed", "closed_at": closed, "assignee_id": nurse, "deadline": deadline,
                    "rectifier_id": nurse, "rechecked_at": closed}  # fmt: skip
        insert(connection, "hazards", row)
        for seq, (verb, when, passed, said) in enumerate(events, start=1):
            connection.execute(
                "INSERT INTO hazard_events (event_id, hazard_id, seq, verb, at, recorded_at, actor, person_id, outside,"
                " passed, note, body) VALUES (%s, %s, %s, %s, %s, %s, 'user:x', %s, %s, %s, 'x', %s)",
                (
                    uuid.uuid4(),
                    hazard,
                    seq,
                    verb,
                    when,
                    when + lag,
                    nurse if verb in ("rectify", "ask_extension") else person,
                    verb not in ("rectify", "ask_extension"),
                    passed,
                    Jsonb(said),
                ),
            )
    for number in range(1, 31):
        at, own = START + rng.uniform(-60, 110) * DAY, rng.random() < 0.7
        place, visit = rng.choice((world.home, world.station)), uuid.uuid4()
        insert(connection, "inspections", {
            "id": visit, "no": number, "institution_id": place, "kind": "monthly_check" if own else "expert",
            "own": own, "unannounced": False, "planned_for": at.date(), "purpose": "", "checklists": [],
            "leader_id": person, "state": "concluded", "version": 3, "planned_at": at, "planned_by": "user:x",
            "begun_at": at, "concluded_at": at, "conclusion": "x", "record_sha256": bytes(32),
        })  # fmt: skip
        connection.execute(
            "INSERT INTO inspection_events (event_id, inspection_id, seq, verb, at, recorded_at, actor, person_id,"
            " outside, note, body) VALUES (%s, %s, 3, 'conclude', %s, %s, 'user:x', %s, true, 'x', '{}')",
            (uuid.uuid4(), visit, at, at + rng.choice((0, 0, 300)) * HOUR, person),
        )
    for _ in range(25):
        kind = rng.choice((RecordKind.PENALTY, RecordKind.HONOUR, RecordKind.ACCIDENT, RecordKind.STANDARD))
        at = START + rng.uniform(-60, 110) * DAY
        level = {"penalty": "fine", "honour": "city", "accident": "general", "standard": rng.choice("123")}[kind]
        number = uuid.uuid4()
        rows = [(number, kind, level, at, at + 90 * DAY if kind is RecordKind.STANDARD else None, None, at + 2 * DAY)]
        if kind is RecordKind.PENALTY:
            about = rng.choice(("repair", "withdrawal"))
            rows.append((uuid.uuid4(), about, "", at + 20 * DAY, None, number, at + 30 * DAY))
        place = rng.choice((world.home, world.station))
        for row in rows:
            connection.execute(
                "INSERT INTO safety_records (id, institution_id, kind, level, occurred_at, until_at, title, source,"
                " about, person_id, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, 't', 's', %s, %s, %s)",
                (row[0], place, *row[1:5], row[5], person, row[6]),
            )
    guard(connection, on=True)


@pytest.fixture
def place(database_url):
    world = build(database_url)
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        person = add_user(connection, "county", Role.SUPERVISOR, Scope(None, "220322"))[0]
        nurse = add_user(connection, "nurse", Role.OPERATOR, Scope(world.home))[0]
        write_history(connection, world, person, nurse, seed=20260105)
        yield world, connection, person


def test_what_a_query_says_is_overdue_is_what_the_hazards_events_fold_to(place):
    _, connection, _ = place
    policy = parse(shipped_text("standard"))
    ids = [row[0] for row in connection.execute("SELECT id FROM hazards ORDER BY id")]
    events = {each: hazard_store.events_of(connection, each) for each in ids}
    seen = withdrawn = 0
    for night in NIGHTS:
        found = evidence_store.facts(connection, policy, night)["hazards"]
        standing = {number for number, late in zip(found.record, found.columns["standing"], strict=True) if late}
        folded, found_by_mistake, on_the_list = set(), set(), set()
        for number, entries in events.items():
            hazard = None
            for entry in entries:
                if entry.recorded_at > night:
                    break
                hazard = fold(hazard, entry.event)
            if hazard is not None and hazard.overdue(night):
                folded.add(str(number))
            if hazard is not None and hazard.state is State.WITHDRAWN:
                found_by_mistake.add(str(number))
            elif hazard is not None and hazard.open:
                on_the_list.add(str(number))
        assert standing == folded, night
        assert on_the_list <= set(found.record), night  # also what is withdrawn later
        assert not found_by_mistake & set(found.record), night
        seen, withdrawn = seen + len(folded), withdrawn + len(found_by_mistake)
    assert seen > 50
    assert withdrawn > 50


def test_every_rating_of_every_night_comes_out_again_and_adds_up(place):
    world, connection, _ = place
    scores = set()
    for name in shipped():
        text = shipped_text(name)
        policy = parse(text)
        with connection.transaction():
            rating_store.save_policy(connection, policy, text, "test")
        for night in NIGHTS[::4]:
            at = night + timedelta(minutes=len(name))  # one run a night and moment
            with connection.transaction():
                made, count = rating_run.run(connection, at, "night", "policy")
            assert count == 2
            for each in rating_store.ratings_of_run(connection, made.id):
                told = orjson.loads(each.explanation)
                lines = [line["points"] for one in told["indicators"] for line in one["lines"]]
                assert told["base"]["points"] + sum(lines) + told["bounded"] == each.score
                for one in told["indicators"]:
                    assert sum(line["points"] for line in one["lines"]) == one["points"]
                scores.add((each.score, each.grade))
                records = [line["record"] for one in told["indicators"] for line in one["lines"] if line["record"]]
                for record in (*records, *(one for veto in told["vetoes"] for one in veto["records"])):
                    assert datetime.fromisoformat(record["at"]) <= at
                    of = sql.SQL("SELECT institution_id FROM {} WHERE id::text = %s")
                    found = connection.execute(of.format(sql.Identifier(record["table"])), (record["id"],))
                    assert found.fetchone() == (each.institution_id,)
    assert len(scores) >= 15
    # What is recorded afterwards, about any day, changes no night that was.
    record = SafetyRecord(
        uuid.uuid4(), world.home, RecordKind.ACCIDENT, "larger", START + 30 * DAY, None, "晚录入的事故", "县应急 1 号",
        None, place[2],
    )  # fmt: skip
    with connection.transaction():
        safety_record_store.add(connection, record, "user:county")
    for each in rating_store.runs(connection, 1000):
        assert rating_run.verify(connection, each) == (2, []), each


def test_a_changed_past_is_found(place):
    _, connection, _ = place
    with connection.transaction():
        made, _ = rating_run.run(connection, NIGHTS[20], "night", "policy")
    guard(connection, on=False)
    connection.execute("DELETE FROM hazard_events WHERE at < %s", (NIGHTS[20],))
    count, found = rating_run.verify(connection, made)
    assert count == 2
    assert found
    assert all(each.stored != each.again for each in found)


def test_nothing_of_it_is_changed_or_removed(place):
    _, connection, _ = place
    with connection.transaction():
        rating_run.run(connection, NIGHTS[3], "demand", "user:county")
    for table in ("ratings", "rating_runs", "rating_explanations", "safety_records", "rating_policies"):
        assert connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone() != (0,)
        for form in ("DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
                connection.execute(sql.SQL(form).format(sql.Identifier(table)))


def test_a_night_is_rated_once_and_only_when_it_is_settled(place):
    world, connection, _ = place
    now = datetime.now(UTC)
    with connection.transaction(), pytest.raises(RatingRefused, match="not all on record"):
        rating_run.run(connection, now + HOUR, "night", "policy")
    # Somebody is still writing: what they have recorded is not seen yet, so that moment is not settled.
    with world.connect() as other:
        other.autocommit = False
        other.execute("SELECT pg_current_xact_id()")
        began = other.execute("SELECT xact_start FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()[0]
        assert rating_store.settled(connection) <= began
        other.rollback()
    rating_run.work(connection, now)
    rating_run.work(connection, now)
    assert [each.kind for each in rating_store.runs(connection, 10)] == ["night"]


def test_an_accident_is_rated_at_once_and_the_draw_sees_it(place):
    world, connection, person = place
    now = datetime.now(UTC)
    rating_run.work(connection, now)
    weigh = "SELECT risk_weight FROM institution_risk WHERE institution_id = %s"
    record = SafetyRecord(
        uuid.uuid4(), world.home, RecordKind.ACCIDENT, "larger", now - DAY, None, "火灾", "县应急 2 号", None, person
    )
    with connection.transaction():
        safety_record_store.add(connection, record, "user:county")
    guard(connection, on=False)
    connection.execute("UPDATE safety_records SET recorded_at = now() - interval '7 s' WHERE id = %s", (record.id,))
    guard(connection, on=True)
    rating_run.work(connection, now)
    rating_run.work(connection, now)
    assert [each.kind for each in rating_store.runs(connection, 10)] == ["demand", "night"]
    _, rating = rating_store.explained(connection, world.home, datetime.now(UTC))
    assert rating.grade == "D"
    assert str(record.id) in rating.explanation.decode()
    assert connection.execute(weigh, (world.home,)).fetchone() == (4.0,)
    assert draw_store.risks(connection, [world.home], now)[world.home].rating_weight == 4.0


def test_alerts_count_by_how_long_they_held(place):
    world, connection, _ = place
    policy = parse(shipped_text("hundred"))
    now = datetime.now(UTC)
    world.say(Verb.RAISE, 0, Kind.OFFLINE, at=now - 60 * HOUR)
    world.say(Verb.CLEAR, 0, Kind.OFFLINE, at=now - 10 * HOUR, onset_at=now - 60 * HOUR)
    world.say(Verb.RAISE, 1, Kind.OFFLINE, at=now - 30 * HOUR)
    [rating] = rating_run.rated(connection, policy, now + HOUR, [world.home])
    told = {each["id"]: each for each in orjson.loads(rating.explanation)["indicators"]}
    assert [(line["times"], line["points"]) for line in told["offline"]["lines"]] == [(2, -200), (1, -100)]
    assert SOURCES["offline_hours"].unit == "h"


def test_an_inspection_counts_from_the_signature_that_is_on_record(place):
    world, connection, _ = place
    policy = parse(shipped_text("hundred"))
    sql_count = (
        "SELECT i.institution_id, count(*) FROM inspection_events e JOIN inspections i ON i.id = e.inspection_id"
        " WHERE own AND verb = 'conclude' AND e.recorded_at <= %s AND e.at > %s GROUP BY 1"
    )
    seen = set()
    for night in NIGHTS[::6]:
        found = evidence_store.facts(connection, policy, night)
        checks = select(Query("self_checks", {"kind": "monthly_check"}, 0.0, 366), found, to_us(night))
        counted = Counter(checks.institution_id.tolist())
        assert counted == dict(connection.execute(sql_count, (night, night - 366 * DAY)).fetchall())
        visits = select(Query("visits", {"clean": True}, 0.0, 366), found, to_us(night))
        seen.add((len(checks), len(visits)))
        told = {
            each.institution_id: orjson.loads(each.explanation) for each in rating_run.rated(connection, policy, night)
        }
        for place_id in (world.home, world.station):
            [line] = [
                one["lines"][0] for one in told[place_id]["indicators"] if one["id"] == "monthly-checks-missing"
            ] or [{"times": 0}]
            assert line["times"] == max(12 - counted[place_id], 0)
    assert len(seen) > 3


def test_two_policies_are_compared_over_the_past(place):
    _, connection, _ = place
    old, new = parse(shipped_text("base80")), parse(shipped_text("hundred"))
    found = list(rating_run.backtest(connection, old, new, NIGHTS[0], NIGHTS[-1], 30 * DAY))
    assert len(found) == 4
    for each in found:
        assert sum(each.moves.values()) == 2
        again = [rating_run.rated(connection, policy, each.as_of) for policy in (old, new)]
        assert [each.old_mean, each.new_mean] == [sum(one.score for one in side) / 200 for side in again]
    same = list(rating_run.backtest(connection, old, old, NIGHTS[0], NIGHTS[1], 30 * DAY))
    assert all(not each.changed for each in same)


def test_a_rating_that_fails_is_told_and_taken_back_when_it_works_again(place, database_url, monkeypatch):
    """The alert about ourselves says so, once, and the thread of the role `hazards` goes on."""
    _, connection, _ = place
    tried, failing, stop = [], threading.Event(), threading.Event()
    failing.set()
    rate = rating_run.work

    def work(standing, now):
        tried.append(now)
        if failing.is_set():
            raise ZeroDivisionError
        rate(standing, now)

    monkeypatch.setattr(rating_run, "work", work)
    monkeypatch.setattr(self_failure, "WAIT_S", 0.05)
    monkeypatch.setattr(self_failure, "FAILED_WAIT_S", 0.05)

    def rules() -> set[str]:
        alert = store.open_alert(connection, self_alerts.KEY)
        return set(alert.rules) if alert is not None and alert.active else set()

    thread = threading.Thread(target=rating_run.Nightly(database_url).run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: rules() == {"self.ratings"} and len(tried) > 3, "the failing rating is told")
        failing.clear()
        wait_until(lambda: not rules(), "it is taken back")
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    said = connection.execute(
        "SELECT verb, evidence->>'error' FROM alert_events WHERE rule = 'self.ratings' ORDER BY id"
    )
    assert said.fetchall() == [("raise", "ZeroDivisionError"), ("clear", None)]
    assert [each.kind for each in rating_store.runs(connection, 10)] == ["night"]
