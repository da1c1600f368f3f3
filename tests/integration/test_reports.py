"""Reports from the database and by the API: as things stood, signed and changed since, within one's reach."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from alerting.people import Role, Scope
from anhu.cli import app
from ingest.database import of_server
from inspection import operate, report_operate, report_store, visit_operate
from inspection.checklist import Level
from inspection.decide import Found
from inspection.errors import ReportChanged, ReportRefused, SignatureRefused
from inspection.hazard import By, Category, Hazard, State, Supervisor
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.report import Period
from inspection.report_operate import Asked
from inspection.report_store import Narrowed
from inspection.visit import Duty, Kind, Member
from inspection.visit_operate import Plan
from inspection.visit_operate import Seen as SeenThere
from tests.conftest import drop_database, make_database
from tests.integration.dashboard_world import Served, World, build, serve, sign_in
from tests.integration.people_world import add_user, insert

pytestmark = pytest.mark.integration

BROKEN = psycopg.errors.IntegrityConstraintViolation
MAY = Period(date(2026, 5, 1), date(2026, 5, 31))
JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
COUNTY = Scope(None, "220322")
LATER = datetime(2026, 8, 1, tzinfo=UTC)
PICTURE = Photo(b"\xff\xd8" + b"x" * 200, 10, 10)
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("county", Role.SUPERVISOR, "220322"),
    ("deputy", Role.SUPERVISOR, "220322"),
    ("inspector", Role.INSPECTOR, "220322"),
    ("province", Role.SUPERVISOR, "22"),
    ("elsewhere", Role.SUPERVISOR, "310101"),
)


NEW_VERSION = (
    "INSERT INTO report_versions (kind, first_day, last_day, region, version, sha256, content)"
    " VALUES ('ledger', '2026-05-01', '2026-05-31', '22', {}, sha256('{}'), '{}')"
)


class Desk:
    """People of the home, of its county, its province and of another one; acts at any time of 2026."""

    def __init__(self, world: World) -> None:
        self.world, self.ids, self.passwords, self.by = world, {}, {}, {}
        with world.connect() as connection:
            self.other = insert(
                connection, "institutions", code="home-2", name="康乐院", name_en="Kangle Home", kind="nursing_home",
                region="220381",
            )  # fmt: skip
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], self.passwords[name] = add_user(connection, name, role, scope)
                self.by[name] = By(f"user:{name}", self.ids[name], outside=region is not None)

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def report(self, title: str, at: datetime, level=Level.GENERAL, place: int | None = None) -> Hazard:
        found = Found(place or self.world.home, title, "", Category.FIRE, level, Supervisor.DEPUTY)
        with self.transaction() as connection:
            return operate.report(connection, found, Actor(self.by["county"], at))

    def assign(self, hazard: Hazard, at: datetime, term: str = "days-7") -> Hazard:
        with self.transaction() as connection:
            return operate.assign(
                connection, hazard.id, hazard.version, Actor(self.by["county"], at), assignee_id=self.ids["nurse"],
                term=term, level=hazard.level, supervisor=hazard.supervisor, note="",
            )  # fmt: skip

    def work_off(self, hazard: Hazard, at: datetime) -> Hazard:
        with self.transaction() as connection:
            photo = operate.photo_store.keep(
                connection, PICTURE, institution_id=hazard.institution_id, uploader_id=self.ids["nurse"]
            )
            hazard = operate.rectify(
                connection, hazard.id, hazard.version, Actor(self.by["nurse"], at), measures="已清", photos=(photo,)
            )
            hazard = operate.recheck(
                connection, hazard.id, hazard.version, Actor(self.by["inspector"], at + timedelta(hours=1)),
                passed=True, note="", photos=(),
            )  # fmt: skip
            return operate.close(
                connection, hazard.id, hazard.version, Actor(self.by["county"], at + timedelta(hours=2)), note=""
            )

    def visit(self, at: datetime, kind=Kind.SURPRISE, titles=("出口上锁",)) -> tuple[uuid.UUID, list[uuid.UUID]]:
        team = (Member(self.ids["county"], Duty.LEADER), Member(self.ids["inspector"], Duty.OFFICER))
        actor = Actor(self.by["county"], at)
        with self.transaction() as connection:
            planned = Plan(self.world.home, kind, at.date(), team, unannounced=kind is Kind.SURPRISE)
            made = visit_operate.plan(connection, planned, actor)
            if titles is None:
                return made.id, []
            made = visit_operate.begin(connection, made.id, made.version, actor)
            for title in titles:
                made = visit_operate.find(connection, made.id, actor, SeenThere(title, "", Category.FIRE))
            return made.id, [each.hazard_id for each in made.findings]

    def ledger(self, period: Period = MAY, scope: Scope = COUNTY, now: datetime = LATER):
        with self.transaction() as connection:
            return report_operate.ledger(connection, period, Asked(scope, "zh", now))

    def client(self, served: Served, name: str) -> httpx.Client:
        client = served.client(signed_in=False)
        sign_in(client, self.passwords[name], name).raise_for_status()
        return client


@pytest.fixture(scope="module")
def module_database(services, template_database) -> Iterator[str]:
    name = "anhu_test_reports"
    make_database(services.database_url, name, template_database)
    yield of_server(services.database_url, name)
    drop_database(services.database_url, name)


@pytest.fixture(scope="module")
def desk(module_database: str) -> Desk:
    """One database for all tests here: in May one hazard is closed, one is overdue, one is new and not assigned; in
    June another is found, and the overdue one closed."""
    made = Desk(build(module_database))
    at = datetime(2026, 4, 28, 2, tzinfo=UTC)
    made.closed = made.work_off(made.assign(made.report("四月的", at), at), datetime(2026, 5, 3, tzinfo=UTC))
    made.before = made.work_off(
        made.assign(made.report("早已销号", at), at), datetime(2026, 4, 29, tzinfo=UTC)
    )  # fmt: skip
    found = datetime(2026, 5, 4, tzinfo=UTC)
    made.late = made.assign(made.report("逾期的", found, Level.MAJOR), found)
    made.fresh = made.report("未交办的", datetime(2026, 5, 30, tzinfo=UTC))
    made.far = made.report("别县的", datetime(2026, 5, 9, tzinfo=UTC), place=made.other)
    made.late = made.work_off(made.late, datetime(2026, 6, 20, tzinfo=UTC))
    made.june = made.report("六月的", datetime(2026, 6, 5, tzinfo=UTC))
    return made


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[Served]:
    with serve(desk.world) as found:
        yield found


def cells(document, column: int) -> dict[str, object]:
    """What a column of the ledger says, by the hazard's title."""
    [table] = [each for each in document.blocks if hasattr(each, "rows")]
    return {row[3]: row[column] for row in table.rows}


def shown(report: dict) -> dict[str, list]:
    [table] = [each for each in report["blocks"] if each["type"] == "table"]
    return {row[3]: row for row in table["rows"]}


def test_a_month_shows_what_was_on_the_list_as_it_stood_at_its_end(desk: Desk):
    states = cells(desk.ledger().document, 10)
    assert states == {"四月的": "已销号", "逾期的": "整改中", "未交办的": "待交办"}
    assert cells(desk.ledger().document, 13)["逾期的"] == "逾期；列入通报"
    june = cells(desk.ledger(JUNE).document, 10)
    assert june == {"逾期的": "已销号", "未交办的": "待交办", "六月的": "待交办"}
    whole = cells(desk.ledger(scope=Scope(None, "22")).document, 2)
    assert whole["别县的"] == "康乐院"
    alone = desk.ledger(scope=Scope(desk.other))
    assert (cells(alone.document, 3).keys(), alone.ledger.place) == ({"别县的"}, "institution:home-2")


def test_a_month_that_is_running_shows_how_things_stand_now(desk: Desk):
    at = datetime(2026, 5, 12, 12, tzinfo=UTC)
    found = desk.ledger(now=at)
    assert cells(found.document, 10) == {"四月的": "已销号", "逾期的": "整改中"}
    assert "2026-05-12 20:00" in found.document.heads[2]


def test_the_fold_at_any_moment_is_the_hazard_as_it_was_then(desk: Desk):
    moments = {
        datetime(2026, 5, 4, tzinfo=UTC): None,
        datetime(2026, 5, 4, 0, 0, 1, tzinfo=UTC): State.ASSIGNED,
        datetime(2026, 6, 20, 0, 30, tzinfo=UTC): State.RECTIFIED,
        datetime(2026, 6, 20, 1, 30, tzinfo=UTC): State.RECHECKED,
        datetime(2026, 6, 20, 2, 0, 1, tzinfo=UTC): State.CLOSED,
    }
    with desk.transaction() as connection:
        for moment, state in moments.items():
            found = report_store.on_list(connection, Narrowed(None, MAY.begins, moment))
            assert {each.state for each in found if each.id == desk.late.id} == ({state} if state else set()), moment
        now = report_store.on_list(connection, Narrowed(None, MAY.begins, LATER))
        assert desk.late in now  # exactly as it is stored


def test_what_was_withdrawn_is_in_no_report_of_the_time_after(desk: Desk):
    begins, between = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 5, tzinfo=UTC)
    with desk.transaction() as connection:
        found = Found(desk.world.home, "看错的", "", Category.FIRE, Level.GENERAL, Supervisor.DEPUTY)
        mistake = operate.report(connection, found, Actor(desk.by["county"], begins + timedelta(days=1)))
        taken_back = Actor(desk.by["county"], begins + timedelta(days=9))
        operate.withdraw(connection, mistake.id, mistake.version, taken_back, reason="不是隐患", supervises=True)
        for listed in (report_store.on_list, report_store.reported):
            assert mistake.id in {each.id for each in listed(connection, Narrowed(None, begins, between))}
            assert mistake.id not in {each.id for each in listed(connection, Narrowed(None, begins, LATER))}
        with pytest.raises(ReportRefused):
            report_operate.notice_of_hazard(connection, mistake.id, Asked(COUNTY, "zh", LATER))
        connection.rollback()


def test_a_signature_stands_on_what_was_seen(desk: Desk, served: Served):
    county, query = desk.client(served, "county"), {"from": "2026-05-01", "to": "2026-05-31"}
    report = county.get("/api/reports/ledger", params=query).json()
    signing = report["signing"]
    assert (signing["versions"], signing["valid"], signing["may_sign"]) == ([], False, True)
    assert shown(report).keys() == {"四月的", "逾期的", "未交办的"}
    wanted = {"first": "2026-05-01", "last": "2026-05-31", "sha256": signing["sha256"], "note": "五月调度会"}
    stale = county.post("/api/reports/ledger/signatures", json=wanted | {"sha256": "0" * 64})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:anhu:problem:report-changed")
    made = county.post("/api/reports/ledger/signatures", json=wanted)
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["sha256"]) == (1, signing["sha256"])
    again = county.post("/api/reports/ledger/signatures", json=wanted)
    assert (again.status_code, again.json()["type"]) == (409, "urn:anhu:problem:signature-refused")
    second = desk.client(served, "deputy").post("/api/reports/ledger/signatures", json=wanted).json()
    assert [each["name"] for each in second["signatures"]] == ["county", "deputy"]
    assert (second["version"], second["signatures"][0]["note"]) == (1, "五月调度会")
    english = county.get("/api/reports/ledger", params=query | {"lang": "en"}).json()
    assert english["signing"]["valid"]  # what is signed is the facts, in whichever language they are shown
    assert not english["signing"]["may_sign"]
    with desk.transaction() as connection:
        [act] = connection.execute(
            "SELECT actor, body FROM acts WHERE verb = 'sign_report' ORDER BY id LIMIT 1"
        ).fetchall()
    assert (act[0], act[1]["sha256"], act[1]["version"]) == ("user:county", signing["sha256"], 1)


def test_a_later_change_of_the_facts_shows_and_is_signed_as_a_new_version(desk: Desk, served: Served):
    county, query = desk.client(served, "province"), {"from": "2026-06-01", "to": "2026-06-30", "region": "220322"}
    first = county.get("/api/reports/ledger", params=query).json()["signing"]
    wanted = {"first": "2026-06-01", "last": "2026-06-30", "region": "220322"}
    one = county.post("/api/reports/ledger/signatures", json=wanted | {"sha256": first["sha256"]}).json()
    # Somebody finds in July that the hazard of June had been given to somebody in June already.
    desk.assign(desk.june, datetime(2026, 6, 29, tzinfo=UTC), "days-30")
    report = county.get("/api/reports/ledger", params=query).json()
    signing = report["signing"]
    assert not signing["valid"]
    assert signing["may_sign"]
    assert [(each["no"], each["what"]) for each in signing["changes"]] == [(desk.june.no, "changed")]
    assert set(signing["changes"][0]["columns"]) == {"state", "assignee", "deadline"}
    assert "签字之后有 1 项隐患的情况变化" in "".join(report["heads"])
    two = county.post("/api/reports/ledger/signatures", json=wanted | {"sha256": signing["sha256"]}).json()
    assert (one["version"], two["version"]) == (1, 2)
    then = county.get(f"/api/reports/ledger/versions/{one['id']}").json()
    now = county.get(f"/api/reports/ledger/versions/{two['id']}").json()
    assert (shown(then)["六月的"][10], shown(now)["六月的"][10]) == ("待交办", "整改中")
    assert one["sha256"] in "".join(then["heads"])
    file = county.get(f"/api/reports/ledger/versions/{one['id']}/file")
    assert zipfile.ZipFile(io.BytesIO(file.content)).testzip() is None
    listed = county.get("/api/reports/ledger", params=query).json()["signing"]
    assert [each["version"] for each in listed["versions"]] == [2, 1]
    assert listed["valid"]


def test_signatures_are_only_ever_added(desk: Desk):
    with desk.transaction() as connection:
        who = report_operate.signature_store
        made = desk.ledger(scope=Scope(desk.world.home)).ledger
        person = operate.people_store.person(connection, desk.ids["county"])
        who.lock(connection)
        version = who.sign(connection, made, Scope(desk.world.home), person, "user:county", "")
    for statement in (
        "UPDATE report_signatures SET name = 'x'", "DELETE FROM report_signatures", "TRUNCATE report_signatures",
        "UPDATE report_versions SET content = content", "DELETE FROM report_versions",
        NEW_VERSION.format(1, "x", "y"),  # not the hash of it
        NEW_VERSION.format(3, "x", "x"),  # not the next
        NEW_VERSION.format(1, "x", "x"),  # and nobody signs it
    ):  # fmt: skip
        with desk.transaction() as connection:
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises((BROKEN, psycopg.errors.CheckViolation)):
                connection.execute(statement)
    with desk.transaction() as connection:
        assert who.content(connection, version.id) == made


def test_what_cannot_be_signed(desk: Desk, served: Served):
    with desk.transaction() as connection:
        person = operate.people_store.person(connection, desk.ids["county"])
        asked = Asked(Scope(None, "220322"), "zh", datetime(2026, 4, 30, tzinfo=UTC))
        for period, error in ((Period(date(2026, 5, 1), date(2026, 5, 30)), SignatureRefused), (MAY, SignatureRefused),
                              (Period(date(2026, 4, 1), date(2026, 4, 30)), ReportChanged)):  # fmt: skip
            with pytest.raises(error):
                report_operate.sign(connection, period, asked, "0" * 64, person, "user:county", "")
    body = {"first": "2026-05-01", "last": "2026-05-31", "sha256": "0" * 64}
    assert desk.client(served, "manager").post("/api/reports/ledger/signatures", json=body).status_code == 403
    assert desk.client(served, "inspector").post("/api/reports/ledger/signatures", json=body).status_code == 403
    elsewhere = desk.client(served, "elsewhere")
    for region in ("22", "220322", ""):
        answer = elsewhere.post("/api/reports/ledger/signatures", json=body | {"region": region})
        assert answer.status_code == 404, region


def test_reports_reach_no_further_than_the_reader(desk: Desk, served: Served):
    query = {"from": "2026-05-01", "to": "2026-05-31"}
    nurse = desk.client(served, "nurse")
    assert shown(nurse.get("/api/reports/ledger", params=query).json()).keys() == {"四月的", "逾期的", "未交办的"}
    for more in ({"region": "22"}, {"region": "220322"}, {"institution_id": desk.other}):
        for kind in ("ledger", "bulletin", "year"):
            assert nurse.get(f"/api/reports/{kind}", params=query | more).status_code == 404, (kind, more)
    elsewhere = desk.client(served, "elsewhere")
    assert shown(elsewhere.get("/api/reports/ledger", params=query).json()) == {}
    for params in ({"hazard_id": str(desk.late.id)}, {"hazard_id": str(uuid.uuid4())}):
        assert elsewhere.get("/api/reports/notice", params=params).status_code == 404
    county, april = desk.client(served, "county"), {"first": "2026-04-01", "last": "2026-04-30"}
    of_home = {"institution_id": desk.world.home}
    seen = county.get("/api/reports/ledger", params={"from": april["first"], "to": april["last"], **of_home}).json()
    signed = county.post(
        "/api/reports/ledger/signatures", json={**april, **of_home, "sha256": seen["signing"]["sha256"]}
    ).json()
    for name, code in (("elsewhere", 404), ("nurse", 200), ("county", 200)):
        answer = desk.client(served, name).get(f"/api/reports/ledger/versions/{signed['id']}")
        assert answer.status_code == code, name
    bad = county
    assert bad.get("/api/reports/ledger").status_code == 422
    assert bad.get("/api/reports/ledger", params={"from": "2026-05-31", "to": "2026-05-01"}).status_code == 422
    assert bad.get("/api/reports/notice").status_code == 422
    assert bad.get("/api/reports/campaign").status_code == 422
    assert bad.get("/api/reports/diary", params=query).status_code == 422


def test_the_notice_of_a_visit_lists_what_is_open_and_tells_nothing_of_one_not_begun(desk: Desk, served: Served):
    visit_id, [first, second] = desk.visit(datetime(2026, 7, 1, tzinfo=UTC), titles=("甲", "乙"))
    with desk.transaction() as connection:
        hazard = operate.hazard_store.load(connection, first)
    hazard = desk.assign(hazard, datetime(2026, 7, 1, 1, tzinfo=UTC))
    manager = desk.client(served, "manager")
    report = manager.get("/api/reports/notice", params={"inspection_id": str(visit_id)}).json()
    [table] = [each for each in report["blocks"] if each["type"] == "table"]
    assert [(row[2], row[5]) for row in table["rows"]] == [("甲", "2026-07-08 09:00"), ("乙", "待交办")]
    assert [each["type"] for each in report["blocks"]][-1] == "signature_lines"
    desk.work_off(hazard, datetime(2026, 7, 2, tzinfo=UTC))
    after = manager.get("/api/reports/notice", params={"inspection_id": str(visit_id)}).json()
    assert [row[2] for block in after["blocks"] if block["type"] == "table" for row in block["rows"]] == ["乙"]
    closed = manager.get("/api/reports/notice", params={"hazard_id": str(first)})
    assert (closed.status_code, closed.json()["type"]) == (422, "urn:anhu:problem:report-refused")
    one = manager.get("/api/reports/notice", params={"hazard_id": str(second), "lang": "en"}).json()
    assert one["title"] == "Notice of rectification"
    assert "Anhe Home" in one["blocks"][0]["paragraphs"][0]
    planned, _ = desk.visit(datetime(2026, 7, 9, tzinfo=UTC), titles=None)
    nowhere = uuid.uuid4()
    hidden, unknown = (
        manager.get("/api/reports/notice", params={"inspection_id": str(each)}) for each in (planned, nowhere)
    )
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.text.replace(str(planned), str(nowhere)) == unknown.text
    counted = manager.get("/api/reports/year", params={"from": "2026-07-01", "to": "2026-07-31"}).json()
    assert counted["blocks"][0]["items"][0]["value"] == 1  # the planned one is not counted for anybody


def test_every_report_is_an_excel_file_too(desk: Desk, served: Served):
    county, query = desk.client(served, "county"), {"from": "2026-05-01", "to": "2026-05-31"}
    for kind, params in (("ledger", query), ("bulletin", query), ("year", query),
                         ("notice", {"hazard_id": str(desk.fresh.id)})):  # fmt: skip
        answer = county.get(f"/api/reports/{kind}/file", params=params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
        assert "filename*=UTF-8''" in answer.headers["content-disposition"]
        assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_a_report_with_too_many_hazards_is_refused_and_not_cut_short(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report_store, "HAZARDS_COUNT_MAX", 2)
    with pytest.raises(ReportRefused, match="more than 2"):
        desk.ledger()


def test_a_campaign_is_counted_from_its_visits(desk: Desk, served: Served):
    county = desk.client(served, "county")
    body = {"theme": "夏季防汛", "goal": "查隐患", "region": "220322", "checklists": []}
    body |= {"begins_on": "2026-07-01", "ends_on": "2026-07-31"}
    campaign = county.post("/api/campaigns", json=body).json()
    at = datetime(2026, 7, 15, tzinfo=UTC)
    actor = Actor(desk.by["county"], at)
    with desk.transaction() as connection:
        team = (Member(desk.ids["county"], Duty.LEADER),)
        plan = Plan(desk.world.home, Kind.CAMPAIGN, at.date(), team, campaign_id=uuid.UUID(campaign["id"]))
        made = visit_operate.plan(connection, plan, actor)
        made = visit_operate.begin(connection, made.id, made.version, actor)
        for title in ("一", "二"):
            made = visit_operate.find(connection, made.id, actor, SeenThere(title, "", Category.BUILDING))
        visit_operate.plan(connection, plan, actor)  # a second one has not begun
        hazard = operate.hazard_store.load(connection, made.findings[0].hazard_id)
    desk.work_off(desk.assign(hazard, at), at)
    report = county.get("/api/reports/campaign", params={"campaign_id": campaign["id"]}).json()
    [figures] = [each for each in report["blocks"] if each["type"] == "figures"]
    found = {each["label"]: each["value"] for each in figures["items"]}
    assert (found["检查机构"], found["检查次数"], found["其中已签字结束"]) == (1, 1, 0)
    assert (found["发现问题隐患"], found["已完成整改"], found["待交办"]) == (2, 1, 1)
    elsewhere = desk.client(served, "elsewhere")
    assert elsewhere.get("/api/reports/campaign", params={"campaign_id": campaign["id"]}).status_code == 404


def test_the_command_writes_what_the_page_shows(desk: Desk, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", desk.world.database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://127.0.0.1:1")  # never asked: these commands need the database only
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["report", *words])
        assert done.exit_code == code, done.output
        return done.stderr

    days = ("--from", "2026-05-01", "--to", "2026-05-31")
    file = tmp_path / "may.xlsx"
    run("ledger", *days, "--region", "220322", "--out", str(file))
    texts = zipfile.ZipFile(file).read("xl/sharedStrings.xml").decode()
    assert "逾期的" in texts
    assert "别县的" not in texts
    run("year", *days, "--lang", "en", "--out", str(tmp_path / "year.json"))
    assert '"Safety in figures, May 2026"' in (tmp_path / "year.json").read_text("utf-8")
    run("notice", "--hazard", str(desk.fresh.no), "--out", str(tmp_path / "notice.xlsx"))
    assert "no hazard 99999" in run("notice", "--hazard", "99999", "--out", str(file), code=1)
    assert "--hazard or --inspection" in run("notice", "--out", str(file), code=1)
    assert "--from and --to" in run("bulletin", "--out", str(file), code=1)
    assert ".xlsx or .json" in run("ledger", *days, "--out", str(tmp_path / "may.pdf"), code=1)
    assert "no prefix of a region code" in run("ledger", *days, "--region", "2", "--out", str(file), code=1)


def test_the_act_of_signing_is_chained(desk: Desk):
    with desk.transaction() as connection:
        rows = connection.execute(
            "SELECT a.body FROM acts a JOIN ledger l ON l.source = 'acts' AND l.row_id = a.id"
            " WHERE verb = 'sign_report'"
        ).fetchall()
        [[count]] = connection.execute("SELECT count(*) FROM report_signatures").fetchall()
    assert len(rows) == count > 0
