"""Inspections and draws: the whole road by the API, nothing known beforehand, the same steps through SQL."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from alerting.people import Role, Scope
from inspection import (
    draw,
    draw_operate,
    draw_store,
    hazard_store,
    operate,
    visit,
    visit_list_store,
    visit_operate,
    visit_store,
)
from inspection.draw_operate import Wanted
from inspection.errors import HazardChanged, StepRefused, WrongPerson
from inspection.hazard import By
from inspection.operate import Actor
from inspection.visit import Duty, ItemKey, Kind, Member, Outcome, State
from inspection.visit_list_store import Filter
from inspection.visit_operate import Plan
from tests.integration.dashboard_world import World, build, serve, sign_in
from tests.integration.people_world import add_user, picture

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
BROKEN = psycopg.errors.IntegrityConstraintViolation
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("county", Role.SUPERVISOR, "220322"),
    ("inspector", Role.INSPECTOR, "220322"),
    ("inspector2", Role.INSPECTOR, "220322"),
    ("expert", Role.EXPERT, "220322"),
    ("province", Role.SUPERVISOR, "31"),
)


class Desk:
    """People of the home, of its county and of another province."""

    def __init__(self, world: World) -> None:
        self.world, self.ids, self.passwords, self.by = world, {}, {}, {}
        with world.connect() as connection:
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], self.passwords[name] = add_user(connection, name, role, scope)
                self.by[name] = By(f"user:{name}", self.ids[name], outside=region is not None)

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def actor(self, name: str, at: datetime = NOW) -> Actor:
        return Actor(self.by[name], at)

    def plan(self, kind=Kind.SURPRISE, who="county", team=("county", "inspector"), **more):
        members = tuple(
            Member(self.ids[name], Duty.LEADER if place == 0 else Duty.OFFICER) for place, name in enumerate(team)
        )
        more = {"checklists": ("season-gas",), "unannounced": kind is Kind.SURPRISE, **more}
        with self.transaction() as connection:
            planned = Plan(self.world.home, kind, NOW.date(), members, **more)
            return visit_operate.plan(connection, planned, self.actor(who))

    def begun(self, **more):
        made = self.plan(**more)
        with self.transaction() as connection:
            return visit_operate.begin(connection, made.id, made.version, self.actor("county"))

    def answer(self, made, key, outcome, who="inspector", **more):
        with self.transaction() as connection:
            return visit_operate.answer(connection, made.id, self.actor(who), key, outcome, note="现场", **more)


@pytest.fixture
def desk(database_url) -> Desk:
    return Desk(build(database_url))


def clients(desk: Desk, served) -> dict:
    found = {}
    for name, password in desk.passwords.items():
        found[name] = served.client(signed_in=False)
        sign_in(found[name], password, name).raise_for_status()
    return found


def test_an_unannounced_visit_by_the_api_from_plan_to_signature(desk: Desk):
    with serve(desk.world) as served:
        who = clients(desk, served)
        choice = who["county"].get(f"/api/inspections/team/{desk.world.home}").json()["items"]
        assert {each["name"] for each in choice} == {"管理员", "county", "inspector", "inspector2", "expert"}
        body = {
            "institution_id": desk.world.home, "kind": "surprise", "unannounced": True, "planned_for": "2026-12-01",
            "checklists": ["season-gas"], "purpose": "冬季暗访",
            "team": [{"person_id": desk.ids["county"], "duty": "leader"},
                     {"person_id": desk.ids["expert"], "duty": "expert"}],
        }  # fmt: skip
        assert who["nurse"].post("/api/inspections", json=body).status_code == 409
        unsuitable = {**body, "checklists": ["rescue-station-major", "duties", "child-welfare-major"]}
        refused = who["county"].post("/api/inspections", json=unsuitable)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:anhu:problem:checklists-unsuitable")
        assert [each["id"] for each in refused.json()["checklists"]] == ["rescue-station-major", "child-welfare-major"]
        made = who["county"].post("/api/inspections", json=body).json()
        assert (made["state"], made["no"], made["acts"]) == ("planned", None, ["begin", "cancel", "comment"])
        url = f"/api/inspections/{made['id']}"
        for name in ("nurse", "manager"):
            client = who[name]
            none = uuid.uuid4()
            hidden, unknown = client.get(url), client.get(f"/api/inspections/{none}")
            assert (hidden.status_code, unknown.status_code) == (404, 404)
            assert hidden.text.replace(made["id"], str(none)) == unknown.text
            assert client.get("/api/inspections").json() == {"items": [], "total": 0, "next_cursor": None}
            assert set(client.get("/api/inspections/figures").json().values()) == {0}
            for path, act in (
                ("begin", {"version": 1}), ("comment", {"note": "x"}), ("cancel", {"version": 1, "reason": "x"})
            ):  # fmt: skip
                assert client.post(f"{url}/{path}", json=act).status_code == 404
        assert who["province"].get(url).status_code == 404
        assert who["expert"].post(f"{url}/begin", json={"version": 9}).status_code == 409
        made = who["expert"].post(f"{url}/begin", json={"version": 1}).json()
        assert (made["state"], made["no"]) == ("begun", 1)
        assert who["nurse"].get(url).json()["acts"] == ["comment"]
        photo = who["expert"].post(
            "/api/hazards/photos", params={"institution_id": desk.world.home}, content=picture(),
            headers={"Content-Type": "image/jpeg"},
        ).json()["id"]  # fmt: skip
        first, *rest = made["items"]
        key = {"checklist_id": first["checklist_id"], "item_id": first["item_id"]}
        fail = {**key, "outcome": "fail", "note": "软管老化", "photos": [photo], "category": "gas"}
        assert who["nurse"].post(f"{url}/answers", json=fail).status_code == 409
        made = who["expert"].post(f"{url}/answers", json=fail).json()
        hazard = who["nurse"].get(f"/api/hazards/{made['items'][0]['hazard_id']}").json()
        assert (hazard["origin"], hazard["level"], hazard["clause"]) == ("inspection", first["level"], first["clause"])
        assert hazard["events"][0]["photos"] == [photo]
        for each in rest:
            answered = {"checklist_id": each["checklist_id"], "item_id": each["item_id"], "outcome": "pass"}
            made = who["county"].post(f"{url}/answers", json=answered).json()
        seen = {"title": "灶台旁堆放纸箱", "category": "fire", "level": "major"}
        made = who["county"].post(f"{url}/findings", json=seen).json()
        end = {"version": made["version"], "conclusion": "发现两处隐患，限期整改"}
        assert who["expert"].post(f"{url}/conclude", json=end).status_code == 409
        made = who["county"].post(f"{url}/conclude", json=end).json()
        assert (made["state"], made["findings_count"], len(made["record_sha256"])) == ("concluded", 2, 64)
        found = who["county"].get("/api/inspections/figures").json()
        assert (found["institutions_visited"], found["findings"], found["major"], found["unassigned"]) == (
            1, 2, 1 + (first["level"] == "major"), 2,
        )  # fmt: skip
        assert who["province"].get("/api/inspections/figures").json()["findings"] == 0


def test_a_draw_by_the_api_is_secret_until_its_visits_have_begun(desk: Desk):
    with serve(desk.world) as served:
        who = clients(desk, served)
        told = {"person_id": desk.ids["inspector2"], "institution_id": desk.world.home, "relation": "family"}
        choice = who["county"].get("/api/draws/inspectors").json()["items"]
        assert {each["name"] for each in choice} == {"county", "inspector", "inspector2", "expert"}
        assert who["county"].post("/api/draws/relations", json={**told, "person_id": 999}).status_code == 404
        assert len(who["county"].post("/api/draws/relations", json=told).json()["items"]) == 1
        wanted = {"title": "一季度双随机", "region": "220322", "visits": 1, "planned_for": "2026-12-01",
                  "officers": 1, "checklists": ["duties"]}  # fmt: skip
        assert who["inspector"].post("/api/draws", json=wanted).status_code == 403
        assert who["county"].post("/api/draws", json={**wanted, "region": "31"}).status_code == 403
        assert who["county"].post("/api/draws", json={**wanted, "officers": 5}).status_code == 409
        made = who["county"].post("/api/draws", json=wanted).json()
        assert (made["state"], made["seed"], made["candidates"]) == ("announced", None, 1)
        assert (made["checklists"], made["campaign_id"]) == (["duties"], None)
        assert made["grounds"]["conflicts"] == [[f"P{desk.ids['inspector2']}", "home-1", "family"]]
        stranger = served.client(signed_in=False)
        public = f"/api/public/draws/{made['id']}"
        announced = stranger.get(public).json()
        assert announced["seed_sha256"] == made["seed_sha256"]
        assert not {"seed", "register", "result"} & set(announced)
        url = f"/api/draws/{made['id']}"
        assert who["county"].post(f"{url}/publish", json={"version": 1}).status_code == 409
        made = who["county"].post(f"{url}/draw", json={"version": 1, "word": "今天下雪"}).json()
        assert (made["state"], made["seed"], made["waiting"]) == ("drawn", None, 1)
        assert who["county"].post(f"{url}/draw", json={"version": 2, "word": "再来"}).status_code == 409
        refused = who["county"].post(f"{url}/publish", json={"version": 2})
        assert (refused.status_code, "have not begun" in refused.json()["detail"]) == (409, True)
        assert "home-1" not in stranger.get(public).text
        [visit_row] = who["county"].get(f"/api/inspections?draw_id={made['id']}").json()["items"]
        assert (visit_row["kind"], visit_row["unannounced"]) == ("random", True)
        assert {each["name"] for each in visit_row["team"]} == {"county", "inspector"}  # inspector2 has a relation
        for client in (who["nurse"], who["manager"]):
            assert client.get("/api/inspections").json()["total"] == 0
            assert client.get("/api/draws").status_code == 403
        begin = who["inspector"].post(f"/api/inspections/{visit_row['id']}/begin", json={"version": 1})
        assert begin.status_code == 200
        made = who["county"].post(f"{url}/publish", json={"version": 2}).json()
        record = stranger.get(public).json()
        assert draw.commitment(bytes.fromhex(record["seed"])) == announced["seed_sha256"]
        [drawn] = draw.verify(record)
        assert drawn.institution == "home-1"
        text = json.dumps(record, ensure_ascii=False)
        assert not [name for name in ("nurse", "manager", "county", "inspector2", "province") if name in text]
        assert {each["key"] for each in record["register"]["inspectors"]} == {
            f"P{desk.ids[name]}" for name in ("county", "inspector", "inspector2", "expert")
        }
        assert "family" not in text
        [declared] = who["county"].get("/api/draws/relations").json()["items"]
        end = f"/api/draws/relations/{declared['id']}/end"
        assert who["province"].post(end).status_code == 404  # another province's
        assert who["county"].post(end).json()["items"] == []
        assert who["county"].post(end).status_code == 404  # it has ended


def test_a_draw_weighs_and_keeps_apart_those_of_last_time(desk: Desk):
    made = desk.plan(team=("county", "inspector"))
    with desk.transaction() as connection:
        visit_operate.begin(connection, made.id, 1, desk.actor("county", NOW - timedelta(days=95)))
        wanted = Wanted("抽查", "220322", 1, NOW.date(), officers=0)
        record = draw_operate.announce(connection, wanted, bytes(32), desk.actor("county"))
        assert record.grounds["parts"]["home-1"]["time"] == 9
        assert {pair[0] for pair in record.register["conflicts"]} == {
            f"P{desk.ids[name]}" for name in ("county", "inspector")
        }
        for name, error in (("nurse", WrongPerson), ("manager", WrongPerson)):
            with pytest.raises(error):
                draw_operate.run(connection, record.id, 1, "x", desk.actor(name))
        with pytest.raises(HazardChanged):
            draw_operate.run(connection, record.id, 7, "x", desk.actor("county"))
        record = draw_operate.run(connection, record.id, 1, "x", desk.actor("county"))
        assert record.result["visits"] == [
            {"institution": "home-1", "team": [[f"P{desk.ids['inspector2']}", "leader"]]}
        ]  # fmt: skip
        assert draw_store.waiting(connection, record.id) == 1


def test_the_row_is_the_fold_of_its_events(desk: Desk):
    made = desk.begun()
    keys = list(made.items)
    made = desk.answer(made, keys[0], Outcome.FAIL)
    made = desk.answer(made, keys[1], Outcome.NOT_APPLICABLE)
    made = desk.answer(made, keys[1], Outcome.PASS)
    with desk.transaction() as connection:
        folded = None
        for entry in visit_store.events_of(connection, made.id):
            folded = visit.fold(folded, entry.event)
        loaded = visit_store.load(connection, made.id)
        assert visit.record(folded) == visit.record(loaded) == visit.record(made)
        assert (folded.items, folded.findings, folded.version) == (loaded.items, loaded.findings, loaded.version)
        acts = connection.execute("SELECT verb FROM acts WHERE subject = %s ORDER BY id", (f"inspection:{made.id}",))
        assert [row[0] for row in acts] == [
            "inspection_plan", "inspection_begin", *["inspection_answer"] * 3
        ]  # fmt: skip
        found = visit_list_store.figures(connection, Filter(inside=True), NOW)
        assert (found.inspections, found.findings, found.unassigned) == (1, 1, 1)


def test_a_finding_and_its_hazard_are_one(desk: Desk):
    made = desk.begun()
    key = next(iter(made.items))
    with pytest.raises(StepRefused, match="stays failed"):
        desk.answer(desk.answer(made, key, Outcome.FAIL), key, Outcome.FAIL)
    with pytest.raises(StepRefused, match="no such item"):
        desk.answer(made, ItemKey("duties", "nothing"), Outcome.FAIL)
    with pytest.raises(WrongPerson):
        desk.answer(made, list(made.items)[1], Outcome.FAIL, who="inspector2")
    with desk.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM hazards").fetchone() == (1,)

    # One that was a mistake is no longer one in the figures; what was written down stays written.
    desk.answer(made, list(made.items)[1], Outcome.FAIL)
    with desk.transaction() as connection:
        found = visit_store.load(connection, made.id).findings
        before = visit_list_store.figures(connection, Filter(inside=False), NOW)
        hazard = hazard_store.load(connection, found[0].hazard_id)
        operate.withdraw(
            connection, hazard.id, 1, Actor(desk.by["county"], NOW), reason="看错了房间", supervises=True
        )  # fmt: skip
        after = visit_list_store.figures(connection, Filter(inside=False), NOW)
        assert (before.findings, before.unassigned, after.findings, after.unassigned) == (2, 2, 1, 1)
        assert visit_list_store.findings_counted(connection, [made.id]) == {made.id: 1}
        assert len(visit_store.load(connection, made.id).findings) == 2


def test_nobody_is_on_a_team_who_cannot_be(desk: Desk):
    for kind, who, team in (
        (Kind.SURPRISE, "county", ("county", "nurse")),
        (Kind.SURPRISE, "county", ("province",)),
        (Kind.SELF_CHECK, "manager", ("manager", "county")),
    ):
        with pytest.raises(StepRefused, match="cannot inspect there"):
            desk.plan(kind, who, team)
    own = desk.plan(Kind.SELF_CHECK, "nurse", ("nurse", "manager"))
    assert (own.own, own.state) == (True, State.PLANNED)
    with pytest.raises(StepRefused, match="not for this kind"):
        desk.plan(checklists=("rescue-station-major",))


REWRITING = (
    "UPDATE inspections SET state = 'concluded', version = version + 1",
    "UPDATE inspections SET unannounced = false, kind = 'joint'",
    "UPDATE inspections SET version = version + 1",
    "UPDATE inspection_items SET outcome = 'pass', note = '', answered_at = now(), person_id = 1, event_seq = 1",
    "UPDATE inspection_team SET duty = 'expert'",
    "DELETE FROM inspection_items",
    "DELETE FROM inspections",
    "DELETE FROM inspection_events",
    "UPDATE inspection_findings SET level = 'general'",
    "UPDATE draws SET state = 'published', version = version + 1",
    "UPDATE draws SET register = '{}'",
    "UPDATE draw_seeds SET seed = seed",
    "DELETE FROM draws",
    "TRUNCATE inspections CASCADE",
)


def test_sql_takes_no_other_steps(desk: Desk):
    made = desk.begun()
    made = desk.answer(made, next(iter(made.items)), Outcome.FAIL)
    hidden = desk.plan()
    with desk.transaction() as connection:
        draw_operate.announce(connection, Wanted("抽查", "220322", 1, NOW.date(), 0), bytes(32), desk.actor("county"))
    with desk.world.connect() as connection:
        for statement in REWRITING:
            with pytest.raises(BROKEN):
                connection.execute(statement.encode())
        for of, verb, name in (
            (made, "conclude", "county"),  # items are open
            (made, "answer", "inspector2"),  # not of the team
            (made, "plan", "county"),
            (hidden, "conclude", "county"),
            (hidden, "begin", "expert"),
            (hidden, "comment", "nurse"),
            (hidden, "cancel", "manager"),
            (hidden, "begin", "county"),  # an event without its fold
        ):
            by = desk.by[name]
            with pytest.raises(psycopg.IntegrityError):
                connection.execute(
                    "INSERT INTO inspection_events (event_id, inspection_id, seq, verb, at, actor, person_id, outside,"
                    " note, body) VALUES (%s, %s, %s, %s, now(), %s, %s, %s, 'x', %s)",
                    (uuid.uuid4(), of.id, of.version + 1, verb, by.actor, by.person_id, by.outside, Jsonb({})),
                )
