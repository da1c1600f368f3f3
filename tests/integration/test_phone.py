"""What an inspector's phone brings back: once, in spite of lost answers, and never over what others did meanwhile."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from PIL import Image

from alerting.people import Role, Scope
from inspection import visit_operate
from inspection.hazard import By
from inspection.operate import Actor
from inspection.visit import Duty, Kind, Member
from inspection.visit_operate import Plan
from tests.integration.dashboard_world import build, serve, sign_in
from tests.integration.people_world import add_user, picture

pytestmark = pytest.mark.integration

PEOPLE = (
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("li", Role.INSPECTOR, "220322"),
    ("wang", Role.INSPECTOR, "220322"),
    ("other", Role.INSPECTOR, "220322"),
)
DONE_AT = datetime(2026, 3, 2, 2, tzinfo=UTC)


class Field:
    """A visit of two inspectors to the home, begun, and their phones."""

    def __init__(self, served, world) -> None:
        self.world, self.ids, self.clients = world, {}, {}
        with world.connect() as connection:
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], password = add_user(connection, name, role, scope)
                self.clients[name] = served.client(signed_in=False)
                sign_in(self.clients[name], password, name).raise_for_status()

    def planned(self, *, lists=("season-gas",)):
        team = (Member(self.ids["li"], Duty.LEADER), Member(self.ids["wang"], Duty.OFFICER))
        actor = Actor(By("user:li", self.ids["li"], outside=True), datetime.now(UTC))
        planned = Plan(self.world.home, Kind.SURPRISE, datetime.now(UTC).date(), team, lists, unannounced=True)
        with psycopg.connect(self.world.database_url, options="-c timezone=UTC") as connection:
            return str(visit_operate.plan(connection, planned, actor).id)

    def act(self, who, subject, act, *, based_on=0, number=None, **more):
        body = {
            "id": number or str(uuid4()), "subject_id": subject, "based_on": based_on, "act": act,
            "done_at": DONE_AT.isoformat(), "sent_at": (DONE_AT + timedelta(hours=2)).isoformat(), **more,
        }  # fmt: skip
        return self.clients[who].post("/api/phone/acts", json=body)

    def done(self, *args, **more):
        answer = self.act(*args, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def photo(self, who, number, data=None, **more):
        asked = {
            "photo_id": number, "institution_id": self.world.home, "taken_at": DONE_AT.isoformat(),
            "sent_at": (DONE_AT + timedelta(hours=2)).isoformat(), **more,
        }  # fmt: skip
        return self.clients[who].post("/api/phone/photos", params=asked, content=data or picture())

    def count(self, table, where="true"):
        with self.world.connect() as connection:
            row = connection.execute(
                f"SELECT count(*) FROM {table} WHERE {where}".encode()  # noqa: S608 - both from below
            ).fetchone()
        return row[0]


@pytest.fixture
def field(database_url):
    world = build(database_url)
    with serve(world) as served:
        yield Field(served, world)


def keyed(item):
    return {"checklist_id": item["checklist_id"], "item_id": item["item_id"]}


def test_a_visit_done_without_signal_arrives_once_and_with_photos_assignment_and_stamp(field: Field):
    visit = field.planned()
    day = field.clients["li"].get("/api/phone/day").json()
    [planned] = day["inspections"]
    assert (planned["state"], planned["items"][0]["seq"]) == ("planned", 0)
    assert len(planned["items"]) == len(field.done("li", visit, {"verb": "begin"})["inspection"]["items"])
    [place] = day["places"]
    assert place["institution"]["zones"]
    assert {each["name"] for each in place["assignees"]} >= {"manager"}
    assert field.done("wang", visit, {"verb": "begin"})["outcome"] == "same"  # the leader has begun it for both

    number = str(uuid4())
    bare = {"latitude": 43.17, "longitude": 124.33, "accuracy_m": 12}
    assert [field.photo("li", number, **bare).status_code for _ in range(2)] == [200, 200]
    first, second, *rest = planned["items"]
    found = {
        "verb": "answer", **keyed(first), "outcome": "fail", "note": "软管老化", "category": "gas", "photos": [number],
        "assignment": {"assignee_id": field.ids["manager"], "term": None},
    }  # fmt: skip
    act_id = str(uuid4())
    made = field.done("li", visit, found, number=act_id)
    again = field.done("li", visit, found, number=act_id)  # the answer was lost
    assert (made["outcome"], made["seq"]) == (again["outcome"], again["seq"])
    hazard = field.clients["li"].get(f"/api/hazards/{made['hazard_id']}").json()
    assert (hazard["state"], hazard["assignee"]["name"]) == ("assigned", "manager")
    assert hazard["deadline"] is not None
    assert hazard["events"][0]["photos"] == [number]
    opened = hazard["events"][0]
    late = datetime.fromisoformat(opened["at"]) - datetime.fromisoformat(opened["done_at"])
    assert abs(late - timedelta(hours=2)) < timedelta(seconds=1)
    assert hazard["events"][1]["done_at"] is None
    [stamp] = field.clients["manager"].get(f"/api/phone/hazards/{hazard['id']}/stamps").json()
    assert (stamp["latitude"], stamp["longitude"], stamp["place_missing"]) == (43.17, 124.33, None)
    taken, received = (datetime.fromisoformat(stamp[each]) for each in ("taken_at", "received_at"))
    assert received - taken == timedelta(hours=2)  # whatever the phone's clock said
    jpeg = field.clients["li"].get(f"/api/hazards/photos/{number}").content
    assert not Image.open(io.BytesIO(jpeg)).getexif()

    reused = field.act("li", visit, {"verb": "answer", **keyed(second), "outcome": "pass"}, number=act_id)
    assert (reused.status_code, reused.json()["type"]) == (409, "urn:anhu:problem:act-reused")
    assert field.act("wang", visit, found, number=act_id).status_code == 409  # nor is it another's
    for each in (second, *rest):
        field.done("li", visit, {"verb": "answer", **keyed(each), "outcome": "pass"})
    end = field.done("li", visit, {"verb": "conclude", "conclusion": "限期整改"}, based_on=1)
    assert end["inspection"]["state"] == "concluded"
    assert field.count("hazards") == 1
    assert field.count("inspection_events", "verb = 'begin'") == field.count("inspection_events", "verb = 'conclude'")
    late = field.act("wang", visit, {"verb": "answer", **keyed(second), "outcome": "pass"}, based_on=0)
    assert late.status_code == 409  # it is closed: the phone keeps the act as refused
    assert field.act("other", visit, {"verb": "begin"}).status_code == 409


def test_the_same_act_sent_at_once_on_several_connections_happens_once(field: Field):
    visit = field.planned()
    field.done("li", visit, {"verb": "begin"})
    number, gate = str(uuid4()), threading.Barrier(6)

    def send(_turn):
        gate.wait(30)
        return field.act("li", visit, {"verb": "find", "title": "纸箱", "category": "fire"}, number=number)

    with ThreadPoolExecutor(6) as several:
        answers = list(several.map(send, range(6)))
    assert {(each.status_code, each.json()["outcome"], each.json()["seq"]) for each in answers} == {(200, "done", 3)}
    assert field.count("hazards") == 1


def test_others_answers_are_met_side_by_side_and_what_is_not_chosen_stays_on_record(field: Field):
    visit = field.planned()
    items = field.done("li", visit, {"verb": "begin"})["inspection"]["items"]
    theirs = [
        field.done("wang", visit, {"verb": "answer", **keyed(each), "outcome": "pass", "note": "看过"})
        for each in items[:3]
    ]
    same = field.done("li", visit, {"verb": "answer", **keyed(items[0]), "outcome": "pass", "note": "看过 "})
    assert (same["outcome"], same["seq"]) == ("same", None)

    photo, act_id = str(uuid4()), str(uuid4())
    field.photo("li", photo).raise_for_status()
    mine = {"verb": "answer", **keyed(items[1]), "outcome": "not_applicable", "note": "没有燃气", "photos": [photo]}
    met = field.done("li", visit, mine, number=act_id)
    assert met["outcome"] == "conflict"
    assert [(each["seq"], each["person"]["name"], each["note"]) for each in met["theirs"]] == [
        (theirs[1]["seq"], "wang", "看过")
    ]
    assert met["inspection"]["items"][1]["outcome"] == "pass"  # nothing was overwritten
    assert field.count("acts", "verb = 'phone_conflict'") == 1  # and what was meant is in the ledger
    kept = field.done("li", visit, {"verb": "keep"}, settles=act_id)
    remark = kept["inspection"]["events"][-1]
    assert (remark["verb"], remark["photos"]) == ("comment", [photo])
    assert "没有燃气" in remark["note"]
    twice = field.act("li", visit, {**mine, "photos": []}, based_on=theirs[1]["seq"], settles=act_id)
    assert twice.status_code == 409  # it is settled

    other_id = str(uuid4())
    worse = {"verb": "answer", **keyed(items[2]), "outcome": "fail", "note": "漏气", "category": "gas"}
    assert field.done("li", visit, worse, number=other_id)["outcome"] == "conflict"
    stolen = field.act("wang", visit, {"verb": "keep"}, settles=other_id)
    assert stolen.status_code == 409  # only who did it settles it
    chosen = field.done("li", visit, worse, based_on=theirs[2]["seq"], settles=other_id)
    assert (chosen["outcome"], chosen["inspection"]["items"][2]["outcome"]) == ("done", "fail")
    passed = [each["note"] for each in chosen["inspection"]["events"] if each["outcome"] == "pass"]
    assert passed == ["看过"] * 3  # the other's word stays in the history

    signed = field.done("li", visit, {"verb": "conclude", "conclusion": "好"}, based_on=2)
    assert (signed["outcome"], len(signed["theirs"])) == ("conflict", 3)  # found by others, unseen by who signs


def test_a_recheck_meets_another_recheck_and_a_remark_is_no_conflict(field: Field):
    li, manager = field.clients["li"], field.clients["manager"]
    place = {
        "institution_id": field.world.home,
        "title": "灭火器过期",
        "category": "fire",
        "zone_id": field.world.kitchen,
    }
    opened = field.done("li", None, {"verb": "report", **place})
    url = f"/api/hazards/{opened['hazard_id']}"
    given = {"version": 1, "assignee_id": field.ids["manager"], "level": "general", "supervisor": "department"}
    li.post(f"{url}/assign", json=given).raise_for_status()
    photo = str(uuid4())
    field.photo("manager", photo).raise_for_status()
    manager.post(f"{url}/rectify", json={"version": 2, "measures": "已更换", "photos": [photo]}).raise_for_status()
    [due] = li.get("/api/phone/day").json()["rechecks"]
    assert (due["id"], due["version"]) == (opened["hazard_id"], 3)
    manager.post(f"{url}/comment", json={"note": "请来看"}).raise_for_status()
    missing = field.act("wang", due["id"], {"verb": "recheck", "passed": True, "photos": [str(uuid4())]}, based_on=3)
    assert missing.json()["type"] == "urn:anhu:problem:photos-missing"
    assert field.done("wang", due["id"], {"verb": "recheck", "passed": True}, based_on=3)["outcome"] == "done"
    act_id = str(uuid4())
    mine = {"verb": "recheck", "passed": False, "note": "压力不足"}
    met = field.done("li", due["id"], mine, based_on=3, number=act_id)
    assert (met["outcome"], met["theirs"][0]["passed"], met["theirs"][0]["person"]["name"]) == (
        "conflict",
        True,
        "wang",
    )
    again = field.done("li", due["id"], mine, based_on=met["hazard"]["version"], settles=act_id)
    assert (again["outcome"], again["hazard"]["state"]) == ("done", "assigned")


def test_bombs_and_foreign_pictures_are_refused_and_the_records_stay(field: Field):
    written = io.BytesIO()
    Image.new("1", (9000, 9000)).save(written, "PNG")
    assert field.photo("li", str(uuid4()), written.getvalue()).status_code == 422
    assert field.photo("li", str(uuid4()), b"GIF89a").status_code == 422
    number = str(uuid4())
    field.photo("li", number, place_missing="denied").raise_for_status()
    assert field.photo("wang", number).status_code == 409
    found = {"institution_id": field.world.home, "title": "x", "category": "fire", "photos": [number]}
    assert field.act("wang", None, {"verb": "report", **found}).status_code == 409  # nor used by another
    hazard_id = field.done("li", None, {"verb": "report", **found})["hazard_id"]
    [stamp] = field.clients["li"].get(f"/api/phone/hazards/{hazard_id}/stamps").json()
    assert (stamp["latitude"], stamp["place_missing"]) == (None, "denied")
    visit = field.planned()
    field.done("li", visit, {"verb": "begin"})
    for statement in (
        "UPDATE phone_acts SET outcome = 'same'",
        "DELETE FROM phone_acts",
        "UPDATE photo_stamps SET latitude = 1",
    ):
        with field.world.connect() as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute(statement.encode())
