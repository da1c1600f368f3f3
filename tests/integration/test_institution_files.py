"""Institution files by the API and the database: who writes what, nothing lost, the countdown, workbooks
as a whole or not at all."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import UUID

import httpx
import openpyxl
import psycopg
import pytest
from typer.testing import CliRunner

from alerting.people import Role, Scope
from anhu.cli import app
from ingest.database import of_server
from inspection import institution_document_operate, institution_file_store
from inspection.errors import DocumentChanged
from inspection.institution_document import take
from inspection.institution_file import CATALOGUE
from inspection.institution_file_operate import today
from inspection.institution_file_store import Writer
from tests.conftest import drop_database, make_database
from tests.integration.dashboard_world import Served, World, build, serve
from tests.integration.people_world import add_user, insert, picture

pytestmark = pytest.mark.integration

BROKEN = psycopg.errors.IntegrityConstraintViolation
BASE = "/api/institution-files"
IDENTITY = {"legal_name": "安和养老院", "ownership": "private"}
TODAY = today(datetime.now(UTC))
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("safety", Role.SAFETY_OFFICER, None),
    ("county", Role.SUPERVISOR, "220322"),
    ("expert", Role.EXPERT, "220322"),
    ("elsewhere", Role.SUPERVISOR, "310101"),
)


class Desk:
    """People of the home, its county and another one, signed in."""

    def __init__(self, world: World, served: Served) -> None:
        self.world, self.home, self.clients = world, world.home, {}
        with world.connect() as connection:
            self.other = insert(
                connection, "institutions", code="home-2", name="康乐院", name_en="Kangle Home", kind="nursing_home",
                region="220322",
            )  # fmt: skip
            for name, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                _, password = add_user(connection, name, role, scope)
                client = served.client(signed_in=False)
                client.post("/api/session", json={"username": name, "password": password}).raise_for_status()
                self.clients[name] = client

    def get(self, who: str, path: str = "", **query) -> httpx.Response:
        return self.clients[who].get(f"{BASE}{path}", params=query)

    def file(self, place: int | None = None, who: str = "county") -> dict:
        return self.get(who, f"/{place or self.home}").raise_for_status().json()

    def write(self, who: str, section: str, version: int, *rows: dict, place: int | None = None) -> httpx.Response:
        path = f"{BASE}/{place or self.home}/sections/{section}"
        return self.clients[who].put(path, json={"version": version, "rows": list(rows)})

    def open_gap(self, who: str, title: str, days: int = 3, place: int | None = None, **more) -> httpx.Response:
        body = {"title": title, "found_on": (TODAY - timedelta(days=days)).isoformat(), **more}
        return self.clients[who].post(f"{BASE}/{place or self.home}/fire-gaps", json=body)

    def close_gap(self, who: str, gap: int, outcome: str = "rectified", note: str = "", days: int = 0):
        body = {"outcome": outcome, "closed_on": (TODAY - timedelta(days=days)).isoformat(), "note": note}
        return self.clients[who].post(f"{BASE}/fire-gaps/{gap}/close", json=body)

    def add(self, who: str, section: str, title: str, data: bytes, place: int | None = None) -> httpx.Response:
        query = {"institution_id": place or self.home, "section": section, "title": title}
        return self.clients[who].post(f"{BASE}/documents", params=query, content=data)

    def replace(self, who: str, document: str, version: int, title: str, data: bytes) -> httpx.Response:
        query = {"document_id": document, "version": version, "title": title}
        return self.clients[who].post(f"{BASE}/documents/versions", params=query, content=data)

    def remove(self, who: str, document: str, version: int, reason: str = "上传有误") -> httpx.Response:
        return self.clients[who].post(
            f"{BASE}/documents/{document}/remove", json={"version": version, "reason": reason}
        )  # fmt: skip

    def send(self, who: str, data: bytes) -> httpx.Response:
        return self.clients[who].post(f"{BASE}/workbook", content=data)


@pytest.fixture(scope="module")
def desk(services, template_database: str) -> Iterator[Desk]:
    name = "anhu_test_institution_files"
    make_database(services.database_url, name, template_database)
    world = build(of_server(services.database_url, name))
    with serve(world) as served:
        yield Desk(world, served)
    drop_database(services.database_url, name)


def test_a_section_is_written_by_house_and_county_and_nothing_is_lost(desk: Desk):
    assert desk.file()["sections"] == {}
    assert desk.write("nurse", "identity", 0, IDENTITY).status_code == 403
    assert desk.write("expert", "identity", 0, IDENTITY).status_code == 403
    assert desk.write("elsewhere", "identity", 0, IDENTITY).status_code == 404
    assert desk.write("manager", "identity", 0, IDENTITY, place=desk.other).status_code == 404
    before = desk.file()["completeness"]
    made = desk.write("safety", "identity", 0, IDENTITY).raise_for_status().json()
    assert made["sections"]["identity"]["changed_by"] == "user:safety"
    assert made["completeness"]["points"] == before["points"] + 8
    stale = desk.write("county", "identity", 0, IDENTITY | {"ownership": "public"})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:anhu:problem:stale-version")
    desk.write("county", "identity", 1, IDENTITY | {"ownership": "public"}).raise_for_status()
    history = desk.get("manager", f"/{desk.home}/history").json()["items"]
    assert [(each["version"], each["actor"], each["rows"][0]["ownership"]) for each in history] == [
        (2, "user:county", "public"), (1, "user:safety", "private"),
    ]  # fmt: skip
    wrong = desk.write("county", "licences", 0, {"kind": "food", "number": "1"}, {"kind": "boat", "number": ""})
    assert wrong.status_code == 422
    assert "row 2, kind" in wrong.json()["detail"]
    assert "row 2, number" in wrong.json()["detail"]
    assert desk.write("county", "secrets", 0).status_code == 404
    assert "licences" not in desk.file()["sections"]
    with desk.world.connect() as connection:
        acts = connection.execute("SELECT actor FROM acts WHERE verb = 'write_institution_file' ORDER BY id").fetchall()
        assert acts == [("user:safety",), ("user:county",)]


def test_every_table_that_names_a_section_knows_those_of_the_catalogue(desk: Desk):
    with desk.world.connect() as connection:
        checks = connection.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND pg_get_constraintdef(oid) LIKE %s",
            ("%(section = ANY (ARRAY[%",),
        ).fetchall()
    assert "institution_file_changes" in [table for table, _ in checks]
    for table, definition in checks:
        assert [each.name for each in CATALOGUE if f"'{each.name}'" not in definition] == [], table


def test_no_door_leads_around_the_history(desk: Desk):
    desk.write("county", "star", 0, {"stars": 3, "awarded_on": "2025-01-01", "expires_on": "2028-01-01"})
    gap = desk.open_gap("county", "外窗设有栅栏", place=desk.other).raise_for_status().json()["gaps"][-1]["id"]
    with desk.world.connect() as connection:
        manager = connection.execute("SELECT id FROM persons WHERE name = 'manager'").fetchone()[0]
        numbers = {"home": desk.home, "manager": manager, "gap": gap}
        for statement in (
            """UPDATE institution_file_sections SET rows = '[{"stars": 5}]', version = version + 1""",
            "DELETE FROM institution_file_sections",
            "TRUNCATE institution_file_sections",
            "UPDATE institution_file_changes SET actor = 'user:nobody'",
            "DELETE FROM institution_file_changes",
            """INSERT INTO institution_file_changes (institution_id, section, version, rows, actor, person_id, door)
               VALUES (%(home)s, 'star', 2, '[]', 'user:x', %(manager)s, 'page')""",
            "UPDATE fire_gaps SET title = 'x' WHERE id = %(gap)s",
            "DELETE FROM fire_gaps WHERE id = %(gap)s",
            """UPDATE fire_gaps SET outcome = 'rectified', closed_on = found_on, closed_at = now(),
               closed_by = 'user:manager', closer_id = %(manager)s WHERE id = %(gap)s""",
        ):
            with pytest.raises(BROKEN):
                connection.execute(statement.encode(), numbers)
    assert desk.close_gap("county", gap, "mistaken", "重复登记").status_code == 200


def test_gaps_count_down_to_zero_by_the_authority_alone(desk: Desk):
    due = (TODAY - timedelta(days=1)).isoformat()
    first = desk.open_gap("safety", "疏散楼梯未封闭", due_on=due).raise_for_status().json()["gaps"][-1]
    second = desk.open_gap("county", "无消防水池").raise_for_status().json()["gaps"][-1]
    third = desk.open_gap("county", "灭火器过期", place=desk.other).raise_for_status().json()["gaps"][-1]
    assert (first["opened_by"], first["outcome"]) == ("user:safety", None)
    assert desk.open_gap("nurse", "x").status_code == 403
    assert desk.open_gap("county", "无消防水池").status_code == 409  # on the list already
    assert desk.open_gap("county", "x", days=-2).status_code == 409  # found in the future
    page = desk.get("county", "/fire-acceptance", region="220322").json()
    assert (page["known"], page["left"], page["open_gaps"], page["total"]) == (2, 2, 3, 2)
    assert (page["items"][0]["institution"]["code"], page["items"][0]["overdue"]) == ("home-1", True)
    assert desk.close_gap("manager", first["id"]).json()["type"] == "urn:anhu:problem:wrong-person"
    assert desk.close_gap("elsewhere", first["id"]).status_code == 404
    assert desk.close_gap("county", first["id"], days=9).status_code == 409  # before it was found
    assert desk.close_gap("county", second["id"], "mistaken").status_code == 409  # and why?
    closed = desk.close_gap("county", first["id"], note="已验收").raise_for_status().json()["gaps"]
    assert ("user:county", "已验收") in [(each["closed_by"], each["note"]) for each in closed]
    assert desk.close_gap("county", first["id"]).status_code == 409
    desk.close_gap("county", second["id"], "mistaken", "不需要水池").raise_for_status()
    page = desk.get("county", "/fire-acceptance").json()
    assert (page["known"], page["left"], page["open_gaps"]) == (2, 1, 1)
    desk.close_gap("county", third["id"]).raise_for_status()
    page = desk.get("county", "/fire-acceptance").json()
    assert (page["known"], page["left"], page["open_gaps"]) == (2, 0, 0)
    assert {each["known_count"] for each in page["items"]} == {1}  # the mistaken ones never were
    own = desk.get("manager", "/fire-acceptance").json()
    assert [each["institution"]["code"] for each in own["items"]] == ["home-1"]


def changed(data: bytes, change) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    change(book)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_a_workbook_is_taken_in_as_a_whole_or_not_at_all(desk: Desk):
    exported = desk.get("county", "/workbook", region="220322").raise_for_status().content

    def fill(book):
        contacts = book["联系方式"]
        assert [row[0].value for row in contacts.iter_rows(min_row=2)] == ["home-1", "home-2"]
        for row, phone in ((2, "0434-5223344"), (3, "110")):
            for column, value in enumerate(("24 小时值班", "值班室", phone), 4):
                contacts.cell(row, column, value)

    def spoil(book):
        fill(book)
        book["联系方式"].cell(3, 6, "nobody")
        book["培训"].append(["faraway", None, 0, "2026-01-01", "消防", "x", 3])

    before = desk.file()
    wrong = desk.send("county", changed(exported, spoil))
    assert wrong.status_code == 422
    assert wrong.json()["detail"].splitlines() == [
        "联系方式，第 3 行 / row 3，电话：格式不对 / is not written as it should be",
        "培训，第 4 行 / row 4，机构编码：没有这家机构 / there is no such institution",
    ]
    assert desk.file() == before
    good = changed(exported, fill)
    assert desk.send("nurse", good).status_code == 403
    foreign = desk.send("manager", good)
    assert "there is no such institution" in foreign.json()["detail"]  # nobody writes beyond their reach
    assert desk.send("county", good).raise_for_status().json() == {"institutions": 2, "sections": 2}
    assert desk.file(desk.other)["sections"]["contacts"]["rows"][0]["phone"] == "110"
    assert desk.get("county", f"/{desk.other}/history").json()["items"][0]["door"] == "workbook"
    assert desk.send("county", good).json() == {"institutions": 0, "sections": 0}  # nothing new in it
    desk.write("manager", "contacts", 1, {"what": "office", "name": "办公室", "phone": "5551"}).raise_for_status()
    stale = desk.send("county", good)
    assert (stale.status_code, "somebody has changed this since" in stale.json()["detail"]) == (422, True)
    assert desk.file()["sections"]["contacts"]["rows"][0]["phone"] == "5551"
    assert desk.send("county", b"no workbook").status_code == 422
    assert desk.send("county", bytes(5 * 1_048_576 + 1)).status_code == 413


def test_the_list_begins_with_what_is_least_complete(desk: Desk):
    page = desk.get("county").json()
    assert [each["institution"]["code"] for each in page["items"]] == ["home-2", "home-1"]
    assert page["items"][0]["percent"] < page["items"][1]["percent"]
    assert page["items"][0]["missing"][0] in {"ownership", "beds", "fire_state"}
    assert page["mean_percent"] == sum(each["percent"] for each in page["items"]) // 2
    assert [each["institution"]["code"] for each in desk.get("county", q="康乐").json()["items"]] == ["home-2"]
    assert desk.get("elsewhere").json()["total"] == 0
    assert desk.get("nurse").json()["total"] == 1
    sections = desk.get("nurse", "/catalogue").json()["sections"]
    assert [each["name"] for each in sections][:3] == ["identity", "beds", "building"]


def test_who_is_named_is_told_with_whether_they_agreed(desk: Desk):
    people = ({"duty": "head", "name": "王院长", "public": True}, {"duty": "township", "name": "赵镇长"})
    desk.write("county", "responsibles", 0, *people).raise_for_status()
    with desk.world.connect() as connection:
        found = institution_file_store.named(connection, desk.home)
        assert found.ownership == "public"
        assert [(each.name, each.public) for each in found.responsibles] == [("王院长", True), ("赵镇长", False)]
        assert institution_file_store.named(connection, desk.world.station).ownership is None


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"


def test_a_document_is_added_replaced_and_removed_and_every_version_is_kept(desk: Desk):
    before = desk.file()["completeness"]["points"]
    assert desk.add("nurse", "licences", "食品经营许可证", PDF).status_code == 403
    assert desk.add("expert", "licences", "食品经营许可证", PDF).status_code == 403
    assert desk.add("elsewhere", "licences", "食品经营许可证", PDF).status_code == 404
    assert desk.add("manager", "licences", "食品经营许可证", PDF, place=desk.other).status_code == 404
    assert desk.add("safety", "secrets", "x", PDF).status_code == 404
    added = desk.add("safety", "licences", "食品经营许可证", PDF)
    assert added.status_code == 201
    [one] = added.json()["items"]
    assert (one["section"], one["removed"], added.json()["kept_bytes"]) == ("licences", False, len(PDF))
    assert [(each["version"], each["type"], each["actor"]) for each in one["versions"]] == [(1, "pdf", "user:safety")]
    assert desk.file()["completeness"]["points"] == before + 4
    assert desk.add("county", "licences", "再传一次", PDF).status_code == 409  # the very same file
    url = f"/documents/{one['id']}/versions"
    changed = desk.replace("county", one["id"], 1, "食品经营许可证（换发）", picture())
    assert [(each["version"], each["type"]) for each in changed.json()["items"][0]["versions"]] == [
        (2, "photo"), (1, "pdf"),
    ]  # fmt: skip
    assert desk.replace("manager", one["id"], 1, "x", PDF).json()["type"] == "urn:anhu:problem:stale-version"
    assert desk.replace("elsewhere", one["id"], 2, "x", PDF).status_code == 404
    for who in ("nurse", "expert", "county"):
        assert desk.get(who, f"/{desk.home}/documents").status_code == 200
        assert desk.get(who, f"{url}/1").content == PDF  # the old version
    assert desk.get("elsewhere", f"{url}/1").status_code == 404
    photo = desk.get("nurse", f"{url}/2")
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.headers["content-disposition"].startswith("attachment; filename=\"document.jpg\"; filename*=UTF-8''%")
    assert photo.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (photo.headers["x-content-type-options"], photo.headers["cache-control"]) == ("nosniff", "no-store")
    assert desk.get("nurse", f"{url}/3").status_code == 404
    assert desk.remove("nurse", one["id"], 2).status_code == 403
    assert desk.remove("county", one["id"], 2, "  ").status_code in (409, 422)
    assert desk.remove("county", one["id"], 1).status_code == 409
    gone = desk.remove("county", one["id"], 2).raise_for_status().json()
    assert (gone["items"][0]["removed"], gone["items"][0]["versions"][0]["reason"]) == (True, "上传有误")
    assert desk.file()["completeness"]["points"] == before
    assert desk.get("nurse", f"{url}/2").status_code == 404  # it is no part of the file any more
    assert desk.get("manager", f"{url}/2").content == photo.content  # and stays on record
    assert desk.replace("county", one["id"], 3, "x", PDF).status_code == 409
    assert desk.add("county", "licences", "再传一次", PDF).status_code == 201  # what was removed is not in the way
    with desk.world.connect() as connection:
        acts = connection.execute(
            "SELECT verb, actor, body ->> 'title' FROM acts WHERE subject = %s ORDER BY id",
            (f"institution_document:{one['id']}",),
        ).fetchall()
    assert acts == [
        ("add_document", "user:safety", "食品经营许可证"),
        ("replace_document", "user:county", "食品经营许可证（换发）"),
        ("remove_document", "user:county", "食品经营许可证（换发）"),
    ]


def test_what_is_no_document_or_too_much_is_refused(desk: Desk, monkeypatch):
    for data in (b"MZ" + bytes(99), b"<html>", b""):
        refused = desk.add("county", "general", "说明.pdf", data, place=desk.other)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:anhu:problem:document-refused")
    assert desk.add("county", "general", "x", bytes(16 * 1_048_576 + 1), place=desk.other).status_code == 413
    monkeypatch.setattr(institution_document_operate, "INSTITUTION_BYTES_MAX", len(PDF) + 9)
    first = desk.add("county", "general", "说明", PDF, place=desk.other).raise_for_status().json()["items"][0]
    assert desk.add("county", "general", "说明二", PDF + b"%%EOF", place=desk.other).status_code == 409
    assert desk.replace("county", first["id"], 1, "说明", PDF + b"%%EOF").status_code == 409  # old versions count
    monkeypatch.undo()
    monkeypatch.setattr(institution_document_operate, "DOCUMENTS_COUNT_MAX", 1)
    assert desk.add("county", "drills", "演练照片", picture(), place=desk.other).status_code == 409
    desk.remove("county", first["id"], 1).raise_for_status()
    assert desk.add("county", "drills", "演练照片", picture(), place=desk.other).status_code == 201


def test_of_two_who_replace_at_once_the_second_is_told(desk: Desk):
    made = desk.add("county", "star", "等级牌", picture("green")).raise_for_status().json()["items"][-1]
    number, outcome = UUID(made["id"]), []

    def second() -> None:
        with psycopg.connect(desk.world.database_url) as connection:
            try:
                institution_document_operate.replace(connection, number, 1, "乙", take(PDF + b"2\n%%EOF"), by)
            except DocumentChanged as error:
                outcome.append(str(error))

    with psycopg.connect(desk.world.database_url) as connection:
        county = connection.execute("SELECT id FROM persons WHERE name = 'county'").fetchone()[0]
        by = Writer("user:county", county)
        institution_document_operate.replace(connection, number, 1, "甲", take(PDF + b"1\n%%EOF"), by)
        waiting = Thread(target=second)
        waiting.start()
    waiting.join(60)
    assert outcome == ["the document is at version 2, not 1"]


def test_no_door_leads_around_a_documents_history(desk: Desk):
    made = desk.add("county", "building", "平面图", PDF + b"\n").raise_for_status().json()["items"][-1]
    with desk.world.connect() as connection:
        county, nurse = (
            connection.execute("SELECT id FROM persons WHERE name = %s", (name,)).fetchone()[0]
            for name in ("county", "nurse")
        )
        numbers = {"id": made["id"], "home": desk.home, "other": desk.other, "county": county, "nurse": nurse}
        step = (
            "INSERT INTO institution_document_events (document_id, seq, verb, institution_id, section, title, reason,"
        )
        kept = f"{step} actor, person_id, type, content, size_bytes, sha256) VALUES"
        file, other = "'pdf', 'abc', 3, sha256('abc'))", "'pdf', 'abc', 3, sha256('abd'))"
        for statement in (
            "UPDATE institution_document_events SET title = 'x'",
            "DELETE FROM institution_document_events",
            "TRUNCATE institution_document_events",
            f"{step} actor, person_id) VALUES (%(id)s, 3, 'remove', %(home)s, 'building', 'x', 'x', 'x', %(county)s)",
            f"{step} actor, person_id) VALUES (%(id)s, 2, 'remove', %(other)s, 'building', 'x', 'x', 'x', %(county)s)",
            f"{step} actor, person_id) VALUES (%(id)s, 2, 'remove', %(home)s, 'building', 'x', '', 'x', %(county)s)",
            f"{kept} (gen_random_uuid(), 1, 'add', %(other)s, 'building', 'x', '', 'x', %(nurse)s, {file}",
            f"{kept} (%(id)s, 2, 'replace', %(home)s, 'building', 'x', '', 'x', %(county)s, {other}",
        ):
            with pytest.raises(psycopg.errors.IntegrityError):
                connection.execute(statement.encode(), numbers)


def test_the_command_line_exports_and_imports(desk: Desk, tmp_path, monkeypatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", desk.world.database_url)
    out = tmp_path / "files.xlsx"
    run = CliRunner().invoke(app, ["institution-file", "export", "--institution", "home-2", "--out", str(out)])
    assert run.exit_code == 0, run.output

    def fill(book):
        for column, value in enumerate((30, 5, 2), 4):
            book["床位与人员"].cell(2, column, value)

    out.write_bytes(changed(out.read_bytes(), fill))
    run = CliRunner().invoke(app, ["institution-file", "import", str(out), "--by", "test"])
    assert run.exit_code == 0, run.output
    assert desk.file(desk.other)["sections"]["beds"]["changed_by"] == "cli:test"
    assert desk.file(desk.other)["sections"]["beds"]["rows"][0]["full_care"] == 2
    out.write_bytes(changed(out.read_bytes(), lambda book: book["床位与人员"].cell(2, 4, "many")))
    run = CliRunner().invoke(app, ["institution-file", "import", str(out), "--by", "test"])
    assert run.exit_code == 1
    assert "自理床位" in run.output
