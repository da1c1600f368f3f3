"""Credit lists on a real database: what the night proposes, the whole road by the API, the same steps through SQL."""

import itertools
import threading
import uuid
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from alerting.people import Role, Scope
from inspection import (
    credit_list,
    credit_list_operate,
    credit_list_store,
    credit_night,
    draw_store,
    photo_store,
    rating_policy,
    rating_run,
    rating_store,
    visit_due_store,
)
from inspection.credit_calendar import CHINA, add_months, window_end
from inspection.credit_criteria import ListKind, default_criteria
from inspection.credit_list import CreditEvent, Delivery, State, Verb
from inspection.errors import StepRefused, WrongPerson
from inspection.hazard import By
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.rating import Rating
from inspection.visit_due import due
from inspection.weighing import default_weights, weigh
from tests.integration.dashboard_world import World, build, serve, sign_in
from tests.integration.people_world import add_user, picture
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

START = datetime(2021, 3, 1, 18, tzinfo=UTC)  # long ago: terms end within the test
DAY = timedelta(days=1)
BROKEN = psycopg.errors.IntegrityConstraintViolation
POLICY = rating_policy.parse(rating_policy.shipped_text("standard"))
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("inspector", Role.INSPECTOR, "220322"),
    ("county", Role.SUPERVISOR, "220322"),
    ("city", Role.SUPERVISOR, "2203"),
    ("expert", Role.EXPERT, "220322"),
    ("province", Role.SUPERVISOR, "31"),
)


class Desk:
    """People of the home and above it, and nights of ratings."""

    def __init__(self, world: World) -> None:
        self.world, self.ids, self.passwords, self.by = world, {}, {}, {}
        with self.transaction() as connection:
            connection.execute("UPDATE institutions SET created_at = %s", (START - 400 * DAY,))
            rating_store.save_policy(connection, POLICY, rating_policy.shipped_text("standard"), "test")
            self.policy_id = rating_store.load_policy(connection)[0]
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], self.passwords[name] = add_user(connection, name, role, scope)
                self.by[name] = By(f"user:{name}", self.ids[name], outside=region is not None)

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def actor(self, name: str, at: datetime) -> Actor:
        return Actor(self.by[name], at)

    def night(self, n: int, grade: str, records=(), veto="accident-larger") -> datetime:
        """The `n`th night rates the home with `grade`, by a veto where there are records (id, at), the station with B;
        then the night's work is done."""
        as_of = START + n * DAY
        told = [{"table": "safety_records", "id": one, "at": at.isoformat()} for one, at in records]
        vetoes = [{"id": veto, "steps": 0, "to": "D", "records": told}] if told else []
        ratings = [
            Rating(place, 5000, each, orjson.dumps({"vetoes": found}))
            for place, each, found in ((self.world.home, grade, vetoes), (self.world.station, "B", []))
        ]
        with self.transaction() as connection:
            rating_store.save_run(connection, self.policy_id, POLICY, as_of, "night", "policy", ratings)
        with psycopg.connect(self.world.database_url, autocommit=True, options="-c timezone=UTC") as connection:
            credit_night.work(connection, as_of + timedelta(minutes=1))
        return as_of

    def entries(self):
        with self.transaction() as connection:
            return credit_list_store.of_institutions(connection, [self.world.home])[self.world.home]

    def entry(self):
        [found] = self.entries()
        return found

    def chosen(self, entry_id):
        """The entry of that id, the home's newest for None."""
        if entry_id is None:
            return self.entries()[-1]
        with self.transaction() as connection:
            return credit_list_store.load(connection, entry_id)

    def decide(self, verb: Verb, who: str, at: datetime, note="理由", of=None):
        entry = self.chosen(of)
        with self.transaction() as connection:
            return credit_list_operate.decide(connection, entry.id, entry.version, self.actor(who, at), verb, note=note)

    def notified(self, at: datetime, of=None):
        entry = self.chosen(of)
        with self.transaction() as connection:
            entry = credit_list_operate.notify(connection, entry.id, entry.version, self.actor("county", at), note="")
            return credit_list_operate.deliver(
                connection, entry.id, entry.version, self.actor("inspector", at), delivered_at=at,
                delivery=Delivery.POST, note="",
            )  # fmt: skip


@pytest.fixture
def desk(database_url) -> Desk:
    return Desk(build(database_url))


def test_the_night_proposes_lists_nobody_prolongs_by_a_new_breach_and_takes_off_in_the_end(desk: Desk):
    for n in range(6):
        desk.night(n, "D")
    assert desk.entries() == []
    night = desk.night(6, "D")  # the seventh in a row
    entry = desk.entry()
    assert (entry.kind, entry.state, entry.criterion, entry.proposed_by) == (
        ListKind.BLACK, State.PROPOSED, "black-grade", "policy"
    )  # fmt: skip
    for n in range(7, 12):
        desk.night(n, "D")
    assert desk.entry() == entry  # nothing more comes of it, however often the night returns
    delivered = desk.notified(night + 6 * DAY)
    assert delivered.no == 1
    with pytest.raises(StepRefused, match="still object"):
        desk.decide(Verb.LIST, "county", delivered.appeal_until - timedelta(minutes=1))
    listed = desk.decide(Verb.LIST, "county", delivered.appeal_until)
    assert listed.until == add_months(delivered.appeal_until, 36)

    with desk.transaction() as connection:  # the list weighs in the draw, and in how often it is visited
        now = listed.listed_at + DAY
        risk = draw_store.risks(connection, [desk.world.home], now)[desk.world.home]
        assert (risk.rating_weight, risk.list_factor) == (4.0, 2.0)
        weight = weigh(risk, now, default_weights())
        assert weight.value == 50 * 4 * 2
        assert (weight.parts["rating"], weight.parts["list"]) == (150, 200)
        [known] = visit_due_store.known(connection, [desk.world.home], now)
        assert due(known, now, default_criteria()).days_between == 30

    for n in range(40, 45):
        desk.night(n, "D")
    assert desk.entry().until == listed.until  # as it has been since the listing
    accident_at = START + 60 * DAY
    desk.night(61, "D", [("accident-1", accident_at)])
    longer = desk.entry()
    assert (longer.until, longer.until_before) == (add_months(accident_at, 36), listed.until)
    desk.night(62, "D", [("accident-1", accident_at)])
    assert desk.entry().version == longer.version  # counted once
    with psycopg.connect(desk.world.database_url, autocommit=True, options="-c timezone=UTC") as connection:
        credit_night.work(connection, listed.until)  # when it would have ended without the breach
        assert desk.entry().standing
        for _ in range(2):
            credit_night.work(connection, longer.until)
        history = credit_list_store.events_of(connection, entry.id)
        assert [each.event.verb for each in history] == [
            Verb.PROPOSE, Verb.NOTIFY, Verb.DELIVER, Verb.LIST, Verb.PROLONG, Verb.REMOVE
        ]  # fmt: skip
        assert [each.event.by.actor for each in history][3:] == ["user:county", "policy", "policy"]
        assert credit_list_operate.as_it_stood(desk.entry(), history, 6) == desk.entry()  # the row is the fold
        acts = connection.execute("SELECT count(*) FROM acts WHERE subject = %s", (f"credit:{entry.id}",))
        assert acts.fetchone() == (6,)
        assert draw_store.risks(connection, [desk.world.home], longer.until)[desk.world.home].list_factor == 1.0
    gone = desk.entry()
    assert (gone.state, gone.end) == (State.REMOVED, "term")


def test_what_was_decided_is_not_proposed_again_before_something_new(desk: Desk):
    at = START - 3 * DAY
    desk.night(0, "D", [("accident-1", at)])
    assert desk.entry().criterion == "black-accident"
    assert desk.entry().grounds == {"safety_records:accident-1"}
    desk.decide(Verb.DROP, "county", START + timedelta(hours=2))
    desk.night(1, "D", [("accident-1", at)])
    assert len(desk.entries()) == 1
    desk.night(2, "D", [("accident-1", at), ("accident-2", at + DAY)])
    assert [each.state for each in desk.entries()] == [State.DROPPED, State.PROPOSED]

    with desk.transaction() as connection:  # nobody is praised and blamed at once
        with pytest.raises(StepRefused, match="adverse_stands"):
            credit_list_operate.propose(
                connection, desk.world.home, ListKind.RED, desk.actor("county", START + 5 * DAY), reason="x"
            )
        red = credit_list_operate.propose(
            connection, desk.world.station, ListKind.RED, desk.actor("county", START), reason="表彰"
        )
        black = credit_list_operate.propose(
            connection, desk.world.station, ListKind.BLACK, desk.actor("county", START), reason="事故"
        )
    desk.notified(START + DAY, of=red.id)
    desk.decide(Verb.LIST, "county", START + 20 * DAY, of=red.id)
    desk.notified(START + 21 * DAY, of=black.id)
    desk.decide(Verb.LIST, "county", START + 40 * DAY, of=black.id)
    with desk.transaction() as connection:
        assert credit_list_store.load(connection, red.id).end == "revoked"
        assert credit_list_store.events_of(connection, red.id)[-1].event.note == "列入黑名单"
        assert credit_list_store.load(connection, black.id).standing
        other_red = credit_list_store.begin(connection, red_again(desk, START + 41 * DAY))
    desk.notified(START + 42 * DAY, of=other_red.id)
    with pytest.raises(StepRefused, match="watch or black list"):
        desk.decide(Verb.LIST, "county", START + 60 * DAY, of=other_red.id)
    with pytest.raises(BROKEN, match="watch or black list"), desk.transaction() as connection:
        insert(connection, other_red, 4, "list", desk.ids["county"], START + 60 * DAY)
    with desk.transaction() as connection:  # and the pages of the list follow one another
        everything, seen, after = credit_list_store.Filter(None, inside=False), [], None
        while True:
            found, after = credit_list_store.page(connection, everything, after, 3)
            seen += [each.id for each in found]
            if after is None:
                break
        own = [each.id for each in desk.entries()]
        assert set(seen) == {*own, red.id, black.id, other_red.id}
        assert [each for each in seen if each in own] == own[::-1]  # the newest first
        assert len(seen) == sum(credit_list_store.counts(connection, everything).values()) == 5


def the_worker_looks_through_the_night(desk: Desk) -> None:
    """The one that rates by night does, by itself."""
    stop = threading.Event()
    working = threading.Thread(target=rating_run.Nightly(desk.world.database_url).run, args=(stop,))
    working.start()

    def judged() -> bool:
        with desk.transaction() as connection:
            return connection.execute("SELECT FROM credit_nights").fetchone() is not None

    try:
        wait_until(judged, "the night has been looked through")
    finally:
        stop.set()
        working.join()
    with desk.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM rating_runs WHERE kind = 'night'").fetchone() == (1,)
        assert connection.execute("SELECT loaded_by FROM credit_criteria").fetchone() == ("anhu: first start",)


def red_again(desk: Desk, at: datetime) -> CreditEvent:
    """A proposal past the check that a worse list stands."""
    body = {"institution_id": desk.world.station, "kind": "red", "criterion": None, "grounds": []}
    return CreditEvent(uuid.uuid4(), uuid.uuid4(), Verb.PROPOSE, at, desk.by["county"], "表彰", body)


def test_the_whole_road_by_the_api_with_an_objection(desk: Desk):
    now = datetime.now(UTC)
    with serve(desk.world) as served:
        who = {}
        for name, password in desk.passwords.items():
            who[name] = served.client(signed_in=False)
            sign_in(who[name], password, name).raise_for_status()
        body = {"institution_id": desk.world.home, "kind": "black", "reason": "拒不整改"}
        assert who["expert"].post("/api/credit-lists", json=body).status_code == 403
        assert who["province"].post("/api/credit-lists", json=body).status_code == 404
        made = who["inspector"].post("/api/credit-lists", json=body).json()
        assert (made["state"], made["acts"], made["no"]) == ("proposed", ["drop", "notify"], None)
        assert who["inspector"].post("/api/credit-lists", json=body).status_code == 409  # one open entry of a list
        url = f"/api/credit-lists/{made['id']}"
        assert who["manager"].get(url).status_code == 404  # a proposal is not known there
        assert who["manager"].get("/api/credit-lists").json() == {
            "items": [], "total": 0, "counts": [], "next_cursor": None
        }  # fmt: skip
        made = who["county"].post(f"{url}/notify", json={"version": 1, "note": "请核对"}).json()
        assert made["no"] == 1
        assert who["manager"].get("/api/credit-lists").json()["counts"] == [
            {"kind": "black", "state": "notified", "count": 1}
        ]
        notice = who["manager"].get(f"{url}/papers/2").json()
        assert (notice["zh"]["title"], notice["zh"]["number"]) == ("拟列入黑名单告知书", "XY-000001-2")
        assert "拒不整改" in "".join(notice["zh"]["paragraphs"])
        assert who["manager"].get(f"{url}/papers/1").status_code == 404
        early = {"version": 2, "delivered_at": (now - DAY).isoformat(), "delivery": "post"}
        assert who["inspector"].post(f"{url}/deliver", json=early).status_code == 409  # before it was issued
        at = datetime.now(UTC).isoformat()
        made = who["inspector"].post(f"{url}/deliver", json=early | {"delivered_at": at}).json()
        window = datetime.fromisoformat(made["appeal_until"]).astimezone(CHINA)
        assert (window.hour, window.minute) == (0, 0)
        assert "list" not in made["acts"]
        assert who["county"].post(f"{url}/list", json={"version": 3}).status_code == 409
        assert who["nurse"].get(url).json()["acts"] == []
        assert who["manager"].get(url).json()["acts"] == ["appeal"]
        photo = who["manager"].post(
            "/api/hazards/photos", params={"institution_id": desk.world.home}, content=picture(),
            headers={"Content-Type": "image/jpeg"},
        ).json()["id"]  # fmt: skip
        asked = {"version": 3, "reason": "已整改", "photos": [photo]}
        made = who["manager"].post(f"{url}/appeal", json=asked).json()
        assert (made["state"], made["events"][-1]["photos"]) == ("appealed", [photo])
        assert who["expert"].get(f"/api/hazards/photos/{photo}").status_code == 200
        no = {"version": 4, "granted": False, "reason": "整改不到位"}
        assert who["county"].post(f"{url}/appeal/decision", json=no).status_code == 409  # had a part in it
        assert who["inspector"].post(f"{url}/appeal/decision", json=no).status_code == 403
        made = who["city"].post(f"{url}/appeal/decision", json=no).json()
        assert (made["state"], made["acts"]) == ("delivered", ["drop"])  # not by who decided on the objection
        made = who["county"].post(f"{url}/list", json={"version": 5, "note": ""}).json()
        assert (made["state"], made["standing"]) == ("listed", True)
        assert "异议经审查不成立" in "".join(who["manager"].get(f"{url}/papers/6").json()["zh"]["paragraphs"])
        assert who["manager"].post(f"{url}/repair", json={"version": 6, "reason": "x"}).status_code == 409  # not yet
        made = who["manager"].post(f"{url}/appeal", json={"version": 6, "reason": "再次申诉"}).json()
        assert (made["state"], made["standing"]) == ("contested", True)
        yes = {"version": 7, "granted": True, "reason": "依据有误"}
        made = who["city"].post(f"{url}/appeal/decision", json=yes).json()
        assert (made["state"], made["end"]) == ("removed", "appeal")
        assert who["county"].post(f"{url}/list", json={"version": 7}).status_code == 409
        assert who["county"].get("/api/credit-lists?which=standing").json()["items"] == []
        assert [each["id"] for each in who["county"].get("/api/credit-lists?kind=black").json()["items"]] == [
            made["id"]
        ]

        shown = who["county"].get("/api/visits-due").json()
        assert [(each["because"], each["standing"]) for each in shown["items"]] == [("law", "overdue")]
        assert shown["items"][0]["days_late"] > 365 * 5
        assert who["manager"].get("/api/visits-due").status_code == 403
        criteria = who["manager"].get("/api/credit-lists/criteria").json()
        black = next(each for each in criteria["lists"] if each["kind"] == "black")
        assert "term_months" not in black["clauses"]
        assert "2019" in black["clauses"]["repair_after_months"]
    the_worker_looks_through_the_night(desk)


def insert(connection, entry, seq: int, verb: str, person_id, at: datetime, *, outside=True, note="x", **body):
    connection.execute(
        "INSERT INTO credit_events (event_id, entry_id, seq, verb, at, actor, person_id, outside, note, body)"
        " VALUES (%s, %s, %s, %s, %s, 'user:x', %s, %s, %s, %s)",
        (uuid.uuid4(), entry.id, seq, verb, at, person_id, outside, note, Jsonb(body)),
    )


def test_what_the_code_cannot_do_nobody_can_do_with_sql(desk: Desk):
    desk.night(0, "D", [("accident-1", START - DAY)])
    entry, county, city, manager = desk.entry(), *(desk.ids[each] for each in ("county", "city", "manager"))
    at = START + DAY

    def do(*doing):
        with desk.transaction() as connection:
            for each in doing:
                each(connection)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def refused(*doing, said=""):
        with pytest.raises(BROKEN, match=said):
            do(*doing)

    def tried(seq, verb, person, when=at, **more):
        return lambda connection: insert(connection, desk.entries()[-1], seq, verb, person, when, **more)

    def update(change):
        statement = sql.SQL("UPDATE credit_entries SET {}").format(sql.SQL(change))
        return lambda connection: connection.execute(statement)

    refused(tried(2, "list", county), said="does not allow list")
    refused(tried(2, "notify", manager, outside=False), said="from outside")
    refused(tried(2, "notify", manager), said="said wrongly")
    refused(tried(3, "notify", county), said="as number 3")
    refused(tried(2, "notify", county, when=START - DAY), said="does not allow")
    refused(tried(2, "notify", county), said="does not stand as its events say")
    refused(update("state = 'listed'"), said="by its events only")
    refused(lambda connection: connection.execute("DELETE FROM credit_entries"), said="stays on record")
    refused(lambda connection: connection.execute("UPDATE credit_events SET note = ''"), said="append-only")
    delivered = desk.notified(at)
    refused(tried(4, "list", county, when=delivered.appeal_until - DAY), said="may still object")
    refused(tried(4, "appeal", county), said="institution itself")
    refused(tried(4, "appeal", manager, when=delivered.appeal_until, outside=False), said="time to object")
    with pytest.raises(psycopg.errors.CheckViolation), desk.transaction() as connection:
        insert(connection, delivered, 4, "list", county, datetime.now(UTC) + 30 * DAY)  # ahead of its time
    with desk.transaction() as connection:
        credit_list_operate.ask(
            connection, entry.id, delivered.version, desk.actor("manager", at), Verb.APPEAL, reason="异议", photos=()
        )
    for verb in ("grant_appeal", "reject_appeal"):
        refused(tried(5, verb, county), said="had a part")
    refused(tried(5, "list", county, when=at + 90 * DAY), said="does not allow")
    with pytest.raises(WrongPerson):
        desk.decide(Verb.GRANT_APPEAL, "inspector", at)
    desk.decide(Verb.REJECT_APPEAL, "city", at)
    refused(tried(6, "list", city), said="has decided on its objection")
    moved = "state = 'listed', version = 6, changed_at = {0}, handlers = handlers, listed_at = {0}, until = {0}"
    refused(  # a term of one's own making
        tried(6, "list", county),
        update(moved.format(f"'{at.isoformat()}'::timestamptz + interval '1 day'")),
        said="does not make this",
    )
    listed = desk.decide(Verb.LIST, "county", at)
    refused(tried(7, "remove", county, end="repair"), said="has not asked")
    refused(tried(7, "revoke", county), said="red list")
    refused(tried(7, "ask_repair", manager, when=at + 90 * DAY, outside=False), said="not be asked for now")
    refused(tried(7, "remove", county, when=listed.until, end="term"), said="has not asked")  # no person ends a term
    with desk.transaction() as connection:
        photo = photo_store.keep(
            connection, Photo(b"\xff\xd8" + b"x" * 200, 10, 10), institution_id=desk.world.home, uploader_id=manager
        )
        credit_list_operate.ask(
            connection, entry.id, listed.version, desk.actor("manager", at), Verb.APPEAL, reason="异议", photos=(photo,)
        )
    refused(lambda connection: connection.execute("DELETE FROM hazard_photos"), said="stays as it is")
    with desk.transaction() as connection:
        assert photo_store.place(connection, photo).credit_entry_id == entry.id
        assert photo_store.drop_loose(connection) == 0
        # SQL and code say the same of every step, month and window.
        for state, verb, prolonged in itertools.product(State, Verb, (False, True)):
            row = connection.execute("SELECT credit_step(%s, %s, %s)", (state, verb, prolonged)).fetchone()
            assert (row[0] is not None) == ((state, verb) in credit_list._STEPS), (state, verb)
        for days in range(0, 800, 13):
            at = START + timedelta(days=days, hours=days % 24)
            row = connection.execute(
                "SELECT credit_months(%s, %s), credit_window(%s, %s)", (at, days % 40 - 12, at, days)
            )
            assert row.fetchone() == (add_months(at, days % 40 - 12), window_end(at, days)), at
