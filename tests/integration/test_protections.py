"""The nine protections by the API: from the inspections that answer their checklist to the share of the county."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import openpyxl
import psycopg
import pytest
from typer.testing import CliRunner

from alerting.people import Role, Scope
from anhu.cli import app
from ingest.database import of_server
from inspection import protection_operate, protection_store, visit_operate
from inspection.hazard import By
from inspection.operate import Actor
from inspection.protection import CHECKLIST, conformity, protections
from inspection.protection_policy import default_policy
from inspection.visit import Duty, ItemKey, Kind, Member, Outcome
from inspection.visit_operate import Plan
from tests.conftest import drop_database, make_database
from tests.integration.dashboard_world import Served, World, build, serve
from tests.integration.people_world import add_user, insert, picture

pytestmark = pytest.mark.integration

NINE = protections()
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("county", Role.SUPERVISOR, "220322"),
    ("inspector", Role.INSPECTOR, "220322"),
    ("elsewhere", Role.SUPERVISOR, "310101"),
)


class Desk:
    """People of a home, its county and another one; a second home beside it, and a rescue station."""

    def __init__(self, world: World, served: Served) -> None:
        self.world, self.home, self.clients, self.ids = world, world.home, {}, {}
        with world.connect() as connection:
            self.other = insert(
                connection, "institutions", code="home-2", name="康乐院", name_en="Kangle Home", kind="nursing_home",
                region="220322",
            )  # fmt: skip
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], password = add_user(connection, name, role, scope)
                client = served.client(signed_in=False)
                client.post("/api/session", json={"username": name, "password": password}).raise_for_status()
                self.clients[name] = client

    def page(self, who: str = "county", **query) -> dict:
        return self.clients[who].get("/api/protections", params=query).raise_for_status().json()

    def one(self, who: str = "county", place: int | None = None) -> dict:
        return self.clients[who].get(f"/api/protections/{place or self.home}").raise_for_status().json()

    def verdict(self, protection: str) -> tuple[str, str]:
        [found] = [each for each in self.one()["found"] if each["protection"] == protection]
        return found["verdict"], found["because"]

    def post(self, who: str, path: str, **body) -> dict:
        return self.clients[who].post(f"/api{path}", json=body).raise_for_status().json()

    def begin(self, who: str, kind: str) -> dict:
        """A visit with the list, planned and begun."""
        made = self.post(
            who, "/inspections", institution_id=self.home, kind=kind, planned_for=datetime.now(UTC).date().isoformat(),
            checklists=[CHECKLIST], team=[{"person_id": self.ids[who], "duty": "leader"}],
            unannounced=kind == "surprise",
        )  # fmt: skip
        return self.post(who, f"/inspections/{made['id']}/begin", version=made["version"])

    def answer(self, who: str, visit: dict, item: str, outcome: str = "pass", **more) -> dict:
        return self.post(
            who, f"/inspections/{visit['id']}/answers", checklist_id=CHECKLIST, item_id=item, outcome=outcome, **more
        )  # fmt: skip

    def conclude(self, who: str, visit: dict) -> None:
        self.post(who, f"/inspections/{visit['id']}/conclude", version=visit["version"], conclusion="已逐项查看")


@pytest.fixture(scope="module")
def desk(services, template_database: str) -> Iterator[Desk]:
    name = "anhu_test_protections"
    make_database(services.database_url, name, template_database)
    world = build(of_server(services.database_url, name))
    with serve(world) as served:
        yield Desk(world, served)
    drop_database(services.database_url, name)


def test_a_county_comes_to_conform_by_its_inspections_alone(desk: Desk):
    page = desk.page()
    assert (page["policy"]["target_percent"], page["share"]["total"], page["share"]["incomplete"]) == (80, 2, 2)
    assert [each["id"] for each in page["protections"]] == list(NINE)
    # The institution looks by itself: one fails, one does not apply, and nothing counts before it is signed.
    own = desk.begin("manager", "self_check")
    photo = desk.clients["manager"].post(
        "/api/hazards/photos", params={"institution_id": desk.home}, content=picture()
    ).json()["id"]  # fmt: skip
    for item in NINE:
        outcome = {"scald": "fail", "choking": "not_applicable"}.get(item, "pass")
        more = {"photos": [photo], "note": "热水无恒温阀"} if outcome == "fail" else {"note": "已查看"}
        own = desk.answer("manager", own, item, outcome, **more)
    assert {each["verdict"] for each in desk.one()["found"]} == {"unassessed"}
    desk.conclude("manager", own)
    found = desk.one()
    assert (found["standing"], found["verified"], found["until"]) == ("not_conforming", False, None)
    assert desk.verdict("scald") == ("not_conforming", "hazard_open")
    assert desk.verdict("choking") == ("not_applicable", "answered")
    basis = next(each["basis"] for each in found["found"] if each["protection"] == "scald")
    assert (basis["by"], basis["own"], basis["photos"], basis["note"]) == ("manager", True, 1, "热水无恒温阀")
    assert (basis["inspection_id"], len(found["history"])) == (own["id"], 9)
    [row, other] = desk.page()["items"]
    assert (row["institution"]["code"], other["standing"]) == ("home-1", "incomplete")
    assert [(each["protection"], each["because"], each["hazard_no"]) for each in row["lacks"]] == [
        ("scald", "hazard_open", basis["hazard_no"])
    ]
    # A visit from outside says it is in place, and it does not conform while the hazard is open.
    seen = desk.begin("county", "joint")
    for item in NINE:
        seen = desk.answer("county", seen, item)
    desk.conclude("county", seen)
    assert desk.verdict("scald") == ("not_conforming", "hazard_open")
    assert desk.verdict("choking") == ("conforming", "answered")  # the newest answer
    hazard = f"/hazards/{basis['hazard_id']}"
    given = desk.post(
        "manager", f"{hazard}/assign", version=1, assignee_id=desk.ids["nurse"], level="general", supervisor="head"
    )
    assert given["state"] == "assigned"
    desk.post("nurse", f"{hazard}/rectify", version=2, measures="加装恒温阀", photos=[_photo(desk, "nurse")])
    desk.post("inspector", f"{hazard}/recheck", version=3, passed=True)
    assert desk.verdict("scald") == ("not_conforming", "hazard_open")  # rechecked is not closed
    desk.post("county", f"{hazard}/close", version=4)
    assert desk.verdict("scald") == ("conforming", "rectified")
    found = desk.one("nurse")
    assert (found["standing"], found["verified"]) == ("conforming", False)  # the scald was its own word
    page = desk.page()
    assert (page["share"]["percent"], page["share"]["reached"], page["share"]["short_of"]) == (50, False, 1)
    assert [(each["region"], each["share"]["conforming"]) for each in page["counties"]] == [("220322", 1)]
    assert [each["institution"]["code"] for each in page["items"]] == ["home-2", "home-1"]
    assert len(page["items"][0]["lacks"]) == 9
    months = desk.clients["county"].get("/api/protections/trend", params={"months": 3}).json()["items"]
    assert [each["share"]["conforming"] for each in months] == [0, 0, 1]


def _photo(desk: Desk, who: str) -> str:
    sent = desk.clients[who].post(
        "/api/hazards/photos", params={"institution_id": desk.home}, content=picture("blue")
    )  # fmt: skip
    return str(sent.raise_for_status().json()["id"])


def test_who_sees_what(desk: Desk):
    assert desk.clients["elsewhere"].get(f"/api/protections/{desk.home}").status_code == 404
    assert desk.page("elsewhere")["share"]["total"] == 0
    assert desk.page("nurse")["share"]["total"] == 1
    assert desk.page(region="2203")["total"] == 2
    assert desk.page(region="31")["total"] == 0
    assert [each["institution"]["code"] for each in desk.page(q="康乐")["items"]] == ["home-2"]
    assert desk.page(standing="not_conforming")["total"] == 0
    assert desk.clients["county"].get("/api/protections", params={"standing": "x"}).status_code == 422
    station = desk.world.station
    admin = desk.clients["county"].get(f"/api/protections/{station}")
    assert admin.status_code in (200, 404)
    with desk.world.connect() as connection:
        _, found, _ = protection_operate.one(connection, station, datetime.now(UTC))
    assert found is None  # the list is for nursing homes


def test_an_unannounced_visit_is_not_told_before_it_is_concluded(desk: Desk):
    visit = desk.begin("county", "surprise")
    before = desk.one("manager")
    for item in NINE:
        visit = desk.answer("county", visit, item, "fail" if item == "fall" else "pass", note="查看")
    assert desk.one("manager") == before
    desk.conclude("county", visit)
    assert desk.verdict("fall") == ("not_conforming", "hazard_open")
    found = next(each for each in desk.one()["found"] if each["protection"] == "fall")
    # The report was a mistake: withdrawn from outside, it never was one.
    desk.post("county", f"/hazards/{found['basis']['hazard_id']}/withdraw", version=1, reason="看错房间")
    assert desk.verdict("fall") == ("conforming", "answered")


def test_an_answer_expires_and_the_past_stays_what_it_was(desk: Desk):
    """Of the other home, two years of records, through the same code as the API's."""
    start = datetime(2024, 3, 1, 8, tzinfo=UTC)
    inspector = By("user:inspector", desk.ids["inspector"], outside=True)
    with psycopg.connect(desk.world.database_url) as connection:
        planned = Plan(
            desk.other, Kind.JOINT, start.date(), (Member(desk.ids["inspector"], Duty.LEADER),), (CHECKLIST,)
        )  # fmt: skip
        made = visit_operate.plan(connection, planned, Actor(inspector, start))
        made = visit_operate.begin(connection, made.id, made.version, Actor(inspector, start))
        for item in NINE:
            made = visit_operate.answer(
                connection, made.id, Actor(inspector, start), ItemKey(CHECKLIST, item), Outcome.PASS, note=""
            )
        visit_operate.conclude(connection, made.id, made.version, Actor(inspector, start), conclusion="合格")
    row = next(each for each in desk.page()["items"] if each["institution"]["code"] == "home-2")
    assert {each["because"] for each in row["lacks"]} == {"too_old"}
    with desk.world.connect() as connection:
        for days, conforming in ((-1, 0), (1, 1), (364, 1), (366, 0)):
            found = protection_operate.overview(connection, [desk.other], start + timedelta(days=days))
            assert found.share.conforming == conforming
        # The list reads only what decides: that is what all records say, at any moment.
        for at in [datetime.now(UTC), *(start + timedelta(days=days) for days in (0, 100, 365, 366))]:
            everything = protection_store.assessments(connection, None, at)
            for number, each in protection_operate.overview(connection, None, at).known.items():
                assert each == conformity(number, everything.get(number, ()), at, default_policy())
        months = protection_operate.trend(connection, [desk.other], start + timedelta(days=400), 15)
    assert [each.conforming for _, each in months] == [0] + [1] * 12 + [0, 0]
    assert [each.total for _, each in months] == [0] + [1] * 14  # it was known from its first inspection on


def test_the_policy_is_put_in_force_by_name_and_counts_at_once(desk: Desk, tmp_path, monkeypatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", desk.world.database_url)
    file = tmp_path / "mine.toml"
    file.write_text('version = "county.1"\ntarget_percent = 50\nvalid_days = 365\nown_checks_count = false\n', "utf-8")
    run = CliRunner().invoke(app, ["protection", "load", str(file), "--by", "王工"])
    assert run.exit_code == 0, run.output
    page = desk.page()
    assert (page["policy"]["version"], page["policy"]["target_percent"]) == ("county.1", 50)
    assert desk.verdict("fall") == ("conforming", "answered")  # seen from outside
    assert (page["share"]["conforming"], page["share"]["verified"], page["share"]["reached"]) == (1, 1, True)
    with desk.world.connect() as connection:
        acts = connection.execute("SELECT actor FROM acts WHERE verb = 'load_protection_policy'").fetchall()
        assert acts == [("cli:王工",)]
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("DELETE FROM protection_policies")
    file.write_text('version = "county.2"\ntarget_percent = 0\n', "utf-8")
    run = CliRunner().invoke(app, ["protection", "load", str(file), "--by", "王工"])
    assert run.exit_code == 1
    assert "target_percent" in run.output


def test_the_report_of_the_year_counts_them(desk: Desk, tmp_path):
    year = datetime.now(UTC).year
    query = {"from": f"{year}-01-01", "to": f"{year}-12-31"}
    sent: httpx.Response = desk.clients["county"].get("/api/reports/year/file", params=query)
    file = tmp_path / "year.xlsx"
    file.write_bytes(sent.raise_for_status().content)
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(file).active.iter_rows()]
    figures = {str(row[0]): row[1] for row in rows if len(row) > 1 and isinstance(row[1], int)}
    assert (figures["达标"], figures["目标（%）"], figures["达标率（%）"]) == (1, 50, 50)
