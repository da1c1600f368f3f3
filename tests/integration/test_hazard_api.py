"""The hazards' API: the whole road by different people, photos, refusals in words, paging, checklists."""

import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from PIL import Image

from alerting import outbox_store
from alerting.people import Role, Scope
from alerting.people_store import person, replace_contacts
from inspection.photo import UPLOAD_BYTES_MAX
from tests.integration.dashboard_world import World, build, serve, sign_in
from tests.integration.people_world import add_user, picture

pytestmark = pytest.mark.integration


class House:
    """A served dashboard, and a client for each of its people."""

    def __init__(self, world: World, served) -> None:
        self.world, self.served = world, served
        self.ids, passwords = {}, {}
        with world.connect() as connection:
            for name, role, scope in (
                ("nurse", Role.OPERATOR, Scope(world.home)),
                ("manager", Role.INSTITUTION_MANAGER, Scope(world.home)),
                ("county", Role.SUPERVISOR, Scope(None, "220322")),
                ("expert", Role.EXPERT, Scope(None, "220322")),
            ):
                self.ids[name], passwords[name] = add_user(connection, name, role, scope)
        for name, password in passwords.items():
            client = served.client(signed_in=False)
            sign_in(client, password, name).raise_for_status()
            setattr(self, name, client)

    def report(self, client: httpx.Client, **more) -> dict:
        body = {"institution_id": self.world.home, "title": "消防通道堆放杂物", "category": "fire",
                "zone_id": self.world.bedroom}  # fmt: skip
        answer = client.post("/api/hazards", json={**body, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def upload(self, client: httpx.Client, data: bytes | None = None) -> httpx.Response:
        return client.post(
            "/api/hazards/photos", params={"institution_id": self.world.home}, content=data or picture(),
            headers={"Content-Type": "image/jpeg"},
        )  # fmt: skip

    def act(self, client: httpx.Client, hazard: dict, what: str, expected: int = 200, **body) -> dict:
        answer = client.post(f"/api/hazards/{hazard['id']}/{what}", json={"version": hazard["version"], **body})
        assert answer.status_code == expected, answer.text
        return answer.json()

    def assign(self, hazard: dict, **more) -> dict:
        body = {"assignee_id": self.ids["nurse"], "level": "general", "supervisor": "deputy", **more}
        return self.act(self.county, hazard, "assign", **body)


@pytest.fixture
def house(database_url):
    world = build(database_url)
    with serve(world) as served:
        yield House(world, served)


def test_the_whole_road_by_different_people(house: House):
    seen = house.upload(house.nurse).json()
    hazard = house.report(house.nurse, photos=[seen["id"]], detail="二楼东侧")
    assert (hazard["state"], hazard["standing"], hazard["no"]) == ("reported", "unassigned", 1)
    assert hazard["acts"] == ["comment", "withdraw"]  # a nurse does not assign
    assert house.county.get(f"/api/hazards/{hazard['id']}").json()["acts"] == ["assign", "comment", "withdraw"]
    choice = house.county.get(f"/api/hazards/{hazard['id']}/assignees").json()["items"]
    assert {each["name"] for each in choice} >= {"nurse", "manager"}
    assert not {each["name"] for each in choice} & {"expert", "county"}
    hazard = house.assign(hazard, term="days-3")
    days = datetime.fromisoformat(hazard["deadline"]) - datetime.fromisoformat(hazard["assigned_at"])
    assert (days, hazard["standing"], hazard["assignee"]["name"]) == (timedelta(days=3), "in_time", "nurse")
    refused = house.act(house.nurse, hazard, "rectify", 409, measures="已清走")
    assert refused["type"] == "urn:anhu:problem:step-refused"
    after = house.upload(house.nurse, picture("green")).json()
    hazard = house.act(house.nurse, hazard, "rectify", measures="已清走", photos=[after["id"]])
    assert (hazard["state"], hazard["standing"]) == ("rectified", "waiting")
    assert house.act(house.nurse, hazard, "recheck", 403, passed=True)["type"].endswith("not-permitted")
    hazard = house.act(house.expert, hazard, "recheck", passed=True, note="现场看过")
    assert house.act(house.expert, hazard, "close", 403)["status"] == 403
    hazard = house.act(house.county, hazard, "close")
    assert (hazard["state"], hazard["acts"]) == ("closed", ["comment"])
    assert [(each["verb"], each["person"]["name"]) for each in hazard["events"]] == [
        ("report", "nurse"), ("assign", "county"), ("rectify", "nurse"), ("recheck", "expert"), ("close", "county")
    ]  # fmt: skip
    assert [each["photos"] for each in hazard["events"]] == [[seen["id"]], [], [after["id"]], [], []]


def test_a_photo_is_served_to_those_who_see_the_hazard(house: House):
    with Image.new("RGB", (60, 40), "red") as image:
        exif = Image.Exif()
        exif[0x010F] = "SECRET-CAMERA"
        written = io.BytesIO()
        image.save(written, "JPEG", exif=exif)
    number = house.upload(house.nurse, written.getvalue()).json()["id"]
    assert house.manager.get(f"/api/hazards/photos/{number}").status_code == 404  # not used yet: its uploader's own
    house.report(house.nurse, photos=[number])
    shown = house.manager.get(f"/api/hazards/photos/{number}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert b"SECRET" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (60, 40)
    assert house.nurse.post("/api/hazards", json={"institution_id": house.world.home, "title": "x", "category": "fire",
                                                  "photos": [number]}).status_code == 404  # fmt: skip
    assert house.upload(house.nurse, b"no picture").status_code == 422
    assert house.upload(house.nurse, b"\xff" * (UPLOAD_BYTES_MAX + 1)).status_code == 413
    large = house.nurse.post(
        "/api/hazards", content=b"{" + b" " * 100_000, headers={"Content-Type": "application/json"}
    )
    assert large.status_code == 413  # only photos may be so large


def test_a_mistaken_report_is_taken_back_and_stays_on_record(house: House):
    hazard = house.report(house.nurse)
    assert "withdraw" not in house.manager.get(f"/api/hazards/{hazard['id']}").json()["acts"]
    for client in (house.manager, house.expert):  # neither reported it, nor supervises from outside
        assert house.act(client, hazard, "withdraw", 409, reason="x")["type"].endswith("wrong-person")
    assert house.act(house.nurse, hazard, "withdraw", 422, reason="")["status"] == 422
    hazard = house.act(house.nurse, hazard, "withdraw", reason="把待运走的床当成了堆放物")
    assert (hazard["state"], hazard["standing"], hazard["acts"]) == ("withdrawn", "withdrawn", ["comment"])
    assert hazard["events"][-1]["note"] == "把待运走的床当成了堆放物"
    for which, count in (("open", 0), ("closed", 0), ("withdrawn", 1), ("all", 1)):
        assert house.nurse.get(f"/api/hazards?which={which}").json()["total"] == count, which
    summary = house.nurse.get("/api/hazards/summary").json()
    assert (summary["open"], summary["unassigned"], summary["withdrawn"]) == (0, 0, 1)
    assigned = house.assign(house.report(house.nurse))
    assert house.act(house.nurse, assigned, "withdraw", 409, reason="x")["type"].endswith("wrong-person")
    assert house.act(house.county, assigned, "withdraw", reason="重复上报")["state"] == "withdrawn"


def test_more_time_is_asked_for_and_decided_by_somebody_else(house: House):
    hazard = house.assign(house.report(house.nurse))
    until = datetime.fromisoformat(hazard["deadline"]) + timedelta(days=4)
    hazard = house.act(house.manager, hazard, "extension", until=until.isoformat(), reason="等配件")
    assert hazard["extension"]["asker"]["name"] == "manager"
    refused = house.act(house.manager, hazard, "extension/decision", 409, granted=True)
    assert refused["type"] == "urn:anhu:problem:wrong-person"
    assert house.county.get("/api/hazards/summary").json()["extensions_asked"] == 1
    hazard = house.act(house.county, hazard, "extension/decision", granted=True)
    assert (datetime.fromisoformat(hazard["deadline"]), hazard["extension"], hazard["extensions"]) == (until, None, 1)


def test_who_is_slower_is_told(house: House):
    hazard = house.report(house.nurse)
    house.assign(hazard)
    stale = house.act(house.county, hazard, "assign", 409, assignee_id=house.ids["nurse"], level="general",
                      supervisor="head")  # fmt: skip
    assert stale["type"] == "urn:anhu:problem:stale-version"


def test_the_ledger_is_filtered_and_paged(house: House):
    for number in range(5):
        house.report(house.nurse, title=f"隐患 {number}", level="major" if number % 2 else "general")
    found, cursor = [], None
    while True:
        query = {"limit": 2, "which": "all", **({"cursor": cursor} if cursor else {})}
        page = house.county.get("/api/hazards", params=query).json()
        assert page["total"] == 5
        found += [each["no"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == [5, 4, 3, 2, 1]
    assert house.county.get("/api/hazards?level=major").json()["total"] == 2
    assert house.county.get("/api/hazards?q=安和").json()["total"] == 5
    assert house.county.get("/api/hazards?q=YH-000002").json()["items"][0]["no"] == 2
    assert house.nurse.get("/api/hazards?mine=true").json()["total"] == 0
    assert house.county.get("/api/hazards?which=open&cursor=AAAA").status_code == 422
    summary = house.county.get("/api/hazards/summary").json()
    assert (summary["open"], summary["unassigned"], summary["major"], summary["blue"]) == (5, 5, 2, 5)
    options = house.nurse.get("/api/hazards/options").json()
    assert [each["hours"] for each in options["terms"]] == [24, 72, 168, 360, 720]
    assert options["defaults"]["major.head"] == "hours-24"


def test_a_place_has_to_be_of_the_institution_and_an_item_of_a_list(house: House):
    body = {"institution_id": house.world.station, "title": "x", "category": "fire", "zone_id": house.world.kitchen}
    assert house.served.client().post("/api/hazards", json=body).status_code == 409
    unknown = {"institution_id": house.world.home, "title": "x", "category": "fire", "checklist_id": "duties"}
    assert house.nurse.post("/api/hazards", json={**unknown, "item_id": "nothing"}).status_code == 404
    found = house.report(house.nurse, checklist_id="duties", item_id="gas-alarm")
    assert (found["clause"], found["item"]["checklist_id"]) == ("安全生产法第三十六条", "duties")


def test_checklists_show_what_is_missing(house: House):
    lists = {each["id"]: each for each in house.nurse.get("/api/checklists").json()["items"]}
    assert (lists["rescue-station-major"]["items_count"], lists["rescue-station-major"]["missing_count"]) == (21, 16)
    shown = house.nurse.get("/api/checklists/rescue-station-major").json()
    assert {each["zh"] for each in shown["items"] if each["wording"] == "missing"} == {""}
    assert house.nurse.get("/api/checklists/nothing").status_code == 404


def test_people_are_told_by_the_outbox(house: House):
    with house.world.connect() as connection:
        for name in ("nurse", "county", "expert"):
            who = person(connection, house.ids[name])
            replace_contacts(connection, actor="test", who=who, ways=[("email", f"{name}@example.org")])
    hazard = house.assign(house.report(house.nurse, title="灭火器过期"))
    number = house.upload(house.nurse).json()["id"]
    house.act(house.nurse, hazard, "rectify", measures="已更换", photos=[number])
    with house.world.connect() as connection:
        told = connection.execute(
            "SELECT name, form, title, body FROM pushes JOIN persons ON persons.id = person_id"
            " ORDER BY pushes.created_at, name"
        ).fetchall()
        assert [(name, title[: title.index("】") + 1]) for name, _, title, _ in told] == [
            ("county", "【新隐患待交办】"), ("nurse", "【隐患交办给您】"),
            ("county", "【隐患已整改，请复查】"), ("expert", "【隐患已整改，请复查】"),
        ]  # fmt: skip
        assert {form for _, form, _, _ in told} == {"notice"}
        assert "YH-000001 灭火器过期" in told[1][3]
        assert "整改期限" in told[1][3]
        assert outbox_store.load_pushes(connection, datetime.now(UTC) - timedelta(hours=1)) == []  # no alarm is bounded
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (4,)
    mistaken = house.report(house.nurse, title="灯不亮")
    house.act(house.nurse, mistaken, "withdraw", reason="灯是好的，开关没开")
    with house.world.connect() as connection:
        newest = "SELECT title, body FROM pushes JOIN persons ON persons.id = person_id WHERE name = 'county' ORDER BY"
        [told] = connection.execute(f"{newest} pushes.created_at DESC LIMIT 1".encode())
        assert told[0].startswith("【隐患已撤回】")
        assert "开关没开" in told[1]
    for number in range(8):
        house.report(house.nurse, title=f"电量低 {number}", zone_id=None)
    with house.world.connect() as connection:
        to_county = "SELECT count(*) FROM pushes JOIN persons ON persons.id = person_id WHERE name = 'county'"
        assert connection.execute(to_county).fetchone() == (6,)  # a flood of hazards is no flood of messages
