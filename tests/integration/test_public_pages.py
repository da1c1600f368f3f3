"""Commitments and public pages by the API and the database: who signs and publishes, what anybody reads, and that
nothing personal is in it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from alerting.people import Role, Scope
from anhu.cli import app
from ingest.database import of_server
from inspection import (
    commitment,
    commitment_store,
    credit_list_operate,
    credit_list_store,
    institution_document_operate,
    institution_file_operate,
    publicity_operate,
    worker,
)
from inspection.checklist import Level
from inspection.credit_criteria import ListKind
from inspection.credit_list import Verb
from inspection.hazard import By
from inspection.institution_document import take
from inspection.institution_file_store import Writer
from inspection.operate import Actor
from inspection.visit import Kind as VisitKind
from tests.conftest import drop_database, make_database
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user, insert, picture
from tests.integration.public_world import BROKEN, COUNTY, DAY, MARK, NAMED, NOW, PHONE, SHA256, Desk

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def desk(services, template_database: str) -> Iterator[Desk]:
    name = "anhu_test_public_pages"
    make_database(services.database_url, name, template_database)
    world = build(of_server(services.database_url, name))
    with serve(world) as served:
        yield Desk(world, served)
    drop_database(services.database_url, name)


def test_the_head_signs_the_newest_holds_and_what_holds_can_be_revoked(desk: Desk):
    before = desk.commitment("manager")
    assert (before["history"], before["text"]["sha256"], before["may_sign"]) == ([], SHA256, True)
    assert [desk.commitment(each)["may_sign"] for each in ("safety", "county")] == [False, False]
    assert desk.clients["county"].get("/api/commitments").json()["in_force"] == 0
    for who, code in (("nurse", 403), ("safety", 403), ("county", 403)):
        assert desk.sign(who).status_code == code, who
    assert desk.sign("manager", place=desk.other).status_code == 404
    assert desk.clients["elsewhere"].get(f"/api/commitments/{desk.home}").status_code == 404
    stale = desk.sign("manager", "0" * 64)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:anhu:problem:stale-version")
    assert desk.sign("manager", months=13).status_code == 409
    desk.hazard(NOW - 20 * DAY, Level.MAJOR, until="assigned")
    first = desk.sign("manager", months=6).raise_for_status().json()["history"][0]
    assert (first["standing"], first["open_major"], first["overdue"], first["signer_name"]) == (
        "in_force", 1, 1, f"{MARK}manager",
    )  # fmt: skip
    assert first["text"]["clauses"] == before["text"]["clauses"]
    signed = desk.sign("manager").raise_for_status().json()
    second = signed["history"]
    assert ([each["standing"] for each in second], signed["head_gone"]) == (["in_force", "superseded"], False)
    held = datetime.now(UTC)
    assert desk.rated(held) == [f"commitment-{second[0]['id']}"]
    for change in ("active = false", "active = true, role = 'operator'", "role = 'institution_manager'"):
        with desk.transaction() as connection:
            manager = desk.by["manager"].person_id
            connection.execute(f"UPDATE persons SET {change} WHERE id = %s".encode(), (manager,))  # noqa: S608
        assert desk.commitment()["head_gone"] is ("manager" not in change), change
    number = second[0]["id"]
    assert desk.revoke("manager", first["id"]).status_code == 409
    assert desk.revoke("county", number, " ").status_code == 409
    assert desk.revoke("safety", number).status_code == 403
    assert desk.revoke("elsewhere", number).status_code == 404
    assert desk.revoke("county", number, "失信").status_code == 200
    assert desk.rated(datetime.now(UTC)) == []
    assert desk.rated(held) == [f"commitment-{number}"]  # worked out again, it is as it was
    gone = desk.commitment()["history"]
    assert [each["standing"] for each in gone] == ["revoked", "superseded"]  # the older does not come back
    assert (gone[0]["revocation"]["reason"], gone[0]["revocation"]["outside"]) == ("失信", True)
    assert desk.revoke("county", number, "again").status_code == 409
    rows = desk.clients["county"].get("/api/commitments", params={"lacking": True}).json()
    assert {each["institution"]["id"]: each["standing"] for each in rows["items"]} == {
        desk.home: "revoked", desk.other: None, desk.third: None,
    }  # fmt: skip
    with desk.transaction() as connection:
        acts = connection.execute(
            "SELECT verb, actor FROM acts WHERE verb LIKE '%commitment' AND institution_id IS NOT NULL ORDER BY id"
        ).fetchall()
    assert acts == [
        ("sign_commitment", "user:manager"), ("sign_commitment", "user:manager"), ("revoke_commitment", "user:county"),
    ]  # fmt: skip


def test_the_head_is_reminded_once_before_a_commitment_ends(desk: Desk):
    desk.sign("manager", months=2).raise_for_status()
    held = desk.sign("manager", months=6).raise_for_status().json()["history"][0]
    until = datetime.fromisoformat(held["until"])
    words = "SELECT title, body FROM pushes p JOIN persons w ON w.id = p.person_id WHERE title LIKE '%承诺%'"
    with desk.world.connect() as connection:
        insert(
            connection, "contacts", person_id=desk.by["manager"].person_id, channel="sms", address=f"{MARK}{PHONE}"
        )  # fmt: skip
    with desk.transaction() as connection:  # the service's own round, of which nothing is kept here
        worker.scan(connection, until - 29 * DAY)
        assert len(connection.execute(words).fetchall()) == 1
        connection.rollback()
    with desk.world.connect() as connection:
        assert publicity_operate.remind(connection, until - 31 * DAY) == 0  # the one for two months does not count
        assert publicity_operate.remind(connection, until - 29 * DAY) == 1
        assert publicity_operate.remind(connection, until - 28 * DAY) == 0
        [(title, body)] = connection.execute(words).fetchall()
    assert (title, "重新签署" in body) == ("【安全承诺即将到期】安和养老院", True)
    revoked = desk.sign("manager", months=6).raise_for_status().json()["history"][0]["id"]
    desk.revoke("county", revoked).raise_for_status()
    with desk.world.connect() as connection:
        assert publicity_operate.remind(connection, until - 5 * DAY) == 0


def test_no_door_leads_around_a_signature(desk: Desk):
    desk.sign("manager").raise_for_status()
    with desk.transaction() as connection:
        newest, older = commitment_store.history(connection, desk.home)[:2]
    signing = (
        "INSERT INTO commitments (institution_id, text_id, signed_at, until, signer_id, signer_name, actor,"
        " open_general, open_major, overdue)"
        " VALUES (%s, %s, now(), now() + interval '1 year', %s, %s, 'user:x', 0, 0, 0)"
    )
    revoking = (
        "INSERT INTO commitment_revocations (commitment_id, reason, actor, person_id, outside)"
        " VALUES (%s, %s, %s, %s, %s)"
    )
    name, manager, county = f"{MARK}manager", desk.by["manager"].person_id, desk.by["county"].person_id
    refused = [
        (signing, (desk.home, newest.text_id, desk.by["safety"].person_id, f"{MARK}safety")),
        (signing, (desk.home, newest.text_id, manager, "somebody else")),
        (signing, (desk.other, newest.text_id, manager, name)),
        (revoking, (older.id, "x", "user:x", manager, False)),
        (revoking, (newest.id, "x", "user:x", manager, True)),
        (revoking, (newest.id, "x", "user:x", county, False)),
        (revoking, (newest.id, "x", "user:x", desk.by["safety"].person_id, False)),
        ("UPDATE commitments SET until = until + interval '1 day' WHERE id = %s", (newest.id,)),
        ("DELETE FROM commitments WHERE id = %s", (newest.id,)),
        ("UPDATE commitment_texts SET body = 'x' WHERE id = %s", (newest.text_id,)),
    ]
    for statement, values_given in refused:
        with desk.transaction() as connection, pytest.raises(BROKEN):
            connection.execute(statement.encode(), values_given)
    with desk.transaction() as connection:
        connection.execute(signing.encode(), (desk.home, newest.text_id, manager, name))  # as it should be
        connection.rollback()


def test_nothing_is_public_before_somebody_publishes_it(desk: Desk):
    unknown = desk.public("institutions/999999")
    hidden = desk.public(f"institutions/{desk.other}")
    assert (hidden.status_code, hidden.text) == (404, unknown.text)
    assert hidden.headers["cache-control"] == "no-store"
    assert desk.county()["institutions"] == []
    assert desk.publish("nurse").status_code == 403
    assert desk.publish("safety").status_code == 403
    assert desk.publish("manager", place=desk.other).status_code == 404
    assert desk.publish("elsewhere").status_code == 404
    assert desk.take_down("county", "x", place=desk.other).status_code == 409  # it is not public
    desk.publish("county", place=desk.other).raise_for_status()
    assert desk.page(desk.other)["institution"]["name"] == "康乐院"
    assert [each["institution"]["id"] for each in desk.county()["institutions"]] == [desk.other]
    assert desk.publish("county", place=desk.other).status_code == 409
    assert desk.take_down("county", place=desk.other).status_code == 409  # without a reason
    desk.take_down("county", "核实中", place=desk.other).raise_for_status()
    assert desk.public(f"institutions/{desk.other}").status_code == 404  # at once
    desk.publish("manager").raise_for_status()
    taken = desk.take_down("county", "内容有误").raise_for_status().json()
    assert [each["published"] for each in taken["acts"]] == [False, True]
    again = desk.publish("manager")
    assert (again.status_code, again.json()["type"]) == (409, "urn:anhu:problem:wrong-person")
    assert not desk.commitment("manager")["may_publish"]
    with desk.transaction() as connection, pytest.raises(BROKEN):
        connection.execute(
            "INSERT INTO page_publications (institution_id, published, note, actor, person_id, outside)"
            " VALUES (%s, true, '', 'user:x', %s, false)",
            (desk.home, desk.by["manager"].person_id),
        )
    desk.publish("city").raise_for_status()
    assert desk.page()["institution"]["id"] == desk.home


def test_the_figures_are_those_of_the_record(desk: Desk):
    if not desk.commitment()["published"]:
        desk.publish("county").raise_for_status()
    before = desk.page()
    row = next(each for each in desk.county()["institutions"] if each["institution"]["id"] == desk.home)
    desk.hazard(NOW - 9 * DAY)  # in time
    desk.hazard(NOW - 9 * DAY, rectified_after=4 * DAY)  # after three days it was late
    desk.hazard(NOW - DAY, until="assigned")  # running
    desk.hazard(NOW - 9 * DAY, until="assigned")  # overdue
    desk.hazard(NOW - 1 * DAY, until="reported")  # running
    desk.hazard(NOW - DAY, until="withdrawn")  # never was one
    desk.hazard(NOW - 400 * DAY)  # long ago and closed
    desk.hazard(NOW - 400 * DAY, until="assigned")  # long ago, and still there
    desk.hazard(NOW - 9 * DAY, Level.MAJOR)
    desk.check(NOW - 2 * DAY)
    desk.check(NOW - 5 * DAY)
    desk.check(NOW - 400 * DAY)
    desk.check(NOW - DAY, conclude=False)
    desk.check(NOW - DAY, VisitKind.DAILY_PATROL)
    desk.take_down("county", "x").raise_for_status()  # what is kept for half a minute is forgotten with that
    desk.publish("county").raise_for_status()
    after = desk.page()
    grown = {each: after["general"][each] - before["general"][each] for each in after["general"]}
    assert grown == {"found": 6, "closed": 2, "closed_in_time": 1, "running": 2, "overdue": 2}
    assert {each: after["major"][each] - before["major"][each] for each in after["major"]} == {
        "found": 1, "closed": 1, "closed_in_time": 1, "running": 0, "overdue": 0,
    }  # fmt: skip
    checks = {each["kind"]: each for each in after["checks"]}
    assert {kind: each["made"] for kind, each in checks.items()} == {
        "self_check": 2, "daily_patrol": 1, "monthly_check": 0,
    }  # fmt: skip
    assert checks["self_check"]["last_on"] == institution_file_operate.today(NOW - 2 * DAY).isoformat()
    told = next(each for each in desk.county()["institutions"] if each["institution"]["id"] == desk.home)
    assert (told["found"] - row["found"], told["closed"] - row["closed"], told["self_checks"]) == (7, 3, 2)


def test_only_entries_in_force_are_made_known_in_words_for_the_public(desk: Desk):
    black, watch = desk.listed(ListKind.BLACK, desk.other), desk.listed(ListKind.WATCH, desk.home)
    assert desk.county()["lists"] == {"red": [], "black": []}
    assert desk.make_known("manager", black, "x").status_code == 404
    assert desk.make_known("inspector", black, "x").status_code == 403
    assert desk.make_known("elsewhere", black, "x").status_code == 404
    assert desk.make_known("county", watch, "x").status_code == 409  # nobody publishes the watch list
    assert desk.make_known("manager", watch, "x").status_code == 409
    assert desk.make_known("county", black, "").status_code == 409
    number = desk.make_known("county", black, f"举报电话 {PHONE}")
    assert (number.status_code, number.json()["why"]) == (422, "number")
    with desk.transaction() as connection:
        add_user(connection, "reporter", Role.OPERATOR, Scope(desk.other), name="张晓燕")
    assert desk.make_known("county", black, "护理员张晓燕反映").json()["why"] == "name"
    desk.make_known("county", black, "重大火灾隐患逾期未整改").raise_for_status()
    [shown] = desk.county()["lists"]["black"]
    assert (shown["name"], shown["words_zh"], shown["words_en"], shown["has_page"]) == (
        "康乐院", "重大火灾隐患逾期未整改", "reasons", False,
    )  # fmt: skip
    assert desk.public("counties/310101").json()["lists"] == {"red": [], "black": []}
    assert desk.take_back("county", black).status_code == 409  # without a reason
    desk.take_back("county", black, f"{MARK}核实").raise_for_status()
    assert desk.county()["lists"]["black"] == []
    desk.make_known("county", black, "重大火灾隐患逾期未整改").raise_for_status()
    with desk.transaction() as connection:  # the objection is granted, and the public page changes with it
        head, _ = add_user(connection, "head-2", Role.INSTITUTION_MANAGER, Scope(desk.other), name=f"{MARK}head")
        made = credit_list_store.load(connection, black)
        made = credit_list_operate.ask(
            connection, black, made.version, Actor(By("user:head", head, outside=False), NOW), Verb.APPEAL,
            reason=f"{MARK}异议", photos=(),
        )  # fmt: skip
        credit_list_operate.decide(
            connection, black, made.version, desk.actor("city"), Verb.GRANT_APPEAL, note=f"{MARK}查实"
        )  # fmt: skip
    ended = desk.listed(ListKind.RED, desk.world.station, months=13)
    with desk.transaction() as connection:  # its term is over, though nobody has taken it off the list yet
        connection.execute("UPDATE institutions SET region = %s WHERE id = %s", (COUNTY, desk.world.station))
    desk.make_known("county", ended, "连续两年未发生安全事故").raise_for_status()
    assert desk.county()["lists"] == {"red": [], "black": []}
    red = desk.listed(ListKind.RED, desk.third)
    desk.make_known("county", red, "连续两年未发生安全事故").raise_for_status()
    assert [each["name_en"] for each in desk.county()["lists"]["red"]] == ["Third Home"]
    desk.publish("county", place=desk.other).raise_for_status()
    assert desk.county()["lists"]["black"] == []
    known = desk.clients["county"].get(f"/api/credit-lists/{black}/publication").json()
    assert (known["published"], known["publishable"], known["acts"][0]["published"]) == (False, False, True)
    with desk.transaction() as connection, pytest.raises(BROKEN):
        connection.execute(
            "INSERT INTO credit_publications (entry_id, published, words_zh, words_en, note, actor, person_id)"
            " VALUES (%s, true, 'x', '', '', 'user:x', %s)",
            (watch, desk.by["county"].person_id),
        )


def fill_with_marks(desk: Desk) -> None:
    """Something personal wherever there is room for it."""
    writer = Writer("user:safety", desk.by["safety"].person_id)
    sections = {
        "identity": [{"legal_name": f"{MARK}登记", "ownership": "private", "address": f"{MARK}地址"}],
        "responsibles": [
            {"duty": "head", "name": NAMED, "position": "院长", "phone": PHONE, "public": True},
            {"duty": "officer", "name": f"{MARK}安全员", "position": f"{MARK}职务", "phone": PHONE, "public": False},
            {"duty": "township", "name": f"{MARK}乡镇", "phone": PHONE},
            {"duty": "department", "name": f"李四 {PHONE}", "public": True},
        ],
        "contacts": [{"what": "duty", "name": f"{MARK}值班", "phone": PHONE}],
        "licences": [{"kind": "food", "number": f"{MARK}证照", "issuer": f"{MARK}机关"}],
        "risks": [
            {
                "risk": "fire",
                "place": f"{MARK}厨房",
                "level": level,
                "measures": f"{MARK}措施",
                "owner": f"{MARK}岗位",
                "assessed_on": day,
            }
            for level, day in (("major", "2026-01-05"), ("low", "2026-03-02"), ("low", "2026-02-01"))
        ],
        "trainings": [{"held_on": "2026-01-05", "kind": "fire", "topic": f"{MARK}培训", "participants": 3}],
        "equipment": [
            {"kind": "lift", "checked_on": "2026-01-05", "passed": True, "checked_by": f"{MARK}检查人", "note": MARK}
        ],
    }
    with desk.transaction() as connection:
        for section, rows in sections.items():
            institution_file_operate.write(connection, desk.home, section, 0, rows, writer, NOW)
        institution_file_operate.open_gap(connection, desk.home, f"{MARK}缺项", date(2026, 1, 5), None, writer, NOW)
        for section, colour in (("risks", "blue"), ("responsibles", "red")):
            institution_document_operate.add(
                connection, desk.home, section, f"{MARK}文件", take(picture(colour)), writer
            )  # fmt: skip
        connection.execute("UPDATE zones SET name = %s WHERE institution_id = %s", (f"{MARK}房间", desk.home))
        connection.execute("UPDATE devices SET name = %s WHERE institution_id = %s", (f"{MARK}设备", desk.home))
        connection.execute(
            "INSERT INTO residents_lists (institution_id, version, saved_by) VALUES (%s, 1, %s)",
            (desk.home, f"{MARK}saver"),
        )
        connection.execute(
            "INSERT INTO residents_carried (institution_id, zone_id, count_cannot_walk, note) VALUES (%s, %s, 2, %s)",
            (desk.home, desk.world.kitchen, f"{MARK}老人"),
        )
    desk.hazard(NOW - 3 * DAY)
    desk.hazard(NOW - 3 * DAY, Level.MAJOR, until="assigned")
    desk.check(NOW - DAY)
    desk.sign("manager").raise_for_status()
    if desk.commitment()["published"]:
        desk.take_down("county", f"{MARK}撤下原因").raise_for_status()
    desk.publish("county", f"{MARK}公开说明").raise_for_status()


def stored(connection: psycopg.Connection) -> set[str]:
    """The tables that hold the mark."""
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname = 'public'"
    ).fetchall()
    return {
        name
        for (name,) in tables
        if connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {} t WHERE t::text LIKE %s)").format(sql.Identifier(name)),
            (f"%{MARK}%",),
        ).fetchone()[0]
    }


def test_nothing_personal_is_in_anything_that_anybody_reads(desk: Desk):
    fill_with_marks(desk)
    with desk.transaction() as connection:
        holding = stored(connection)
        secrets = [
            str(each)
            for (each,) in connection.execute(
                "SELECT username FROM users UNION SELECT id::text FROM hazards UNION SELECT id::text FROM hazard_photos"
                " UNION SELECT id::text FROM inspections"
                " UNION SELECT document_id::text FROM institution_document_events"
            )
        ]
    assert {
        "persons", "contacts", "zones", "devices", "residents_carried", "hazards", "hazard_events", "inspections",
        "inspection_events", "institution_file_sections",
        "institution_document_events", "fire_gaps", "commitments", "page_publications",
        "credit_entries", "credit_events", "credit_publications",
    } <= holding, holding  # fmt: skip
    paths = [
        f"/api/public/institutions/{desk.home}", f"/api/public/institutions/{desk.other}",
        f"/api/public/counties/{COUNTY}", "/api/public/counties/310101", "/api/public/institutions/999999",
        "/api/public/counties/x", f"/public/institutions/{desk.home}", f"/public/counties/{COUNTY}",
    ]  # fmt: skip
    for path in paths:
        answer = desk.anybody.get(path)
        said = answer.text + str(answer.headers)
        assert MARK not in said, path
        assert PHONE not in said, path
        assert "user:" not in said
        assert "set-cookie" not in answer.headers
        if path.startswith("/api/"):
            assert [each for each in secrets if f'"{each}"' in said] == [], path
    page = desk.page()
    assert page["responsibles"] == [{"duty": "head", "name": NAMED, "position": "院长"}]
    assert (page["commitment"]["signer"], page["institution"]["ownership"]) == (None, "private")
    assert page["general"]["found"] > 0
    assert page["risks"] == {"major": 1, "high": 0, "medium": 0, "low": 2, "assessed_on": "2026-03-02"}
    with desk.transaction() as connection:
        connection.execute(
            "UPDATE persons SET name = %s WHERE id = %s", (NAMED, desk.by["manager"].person_id)
        )  # fmt: skip
    desk.sign("manager").raise_for_status()
    assert desk.page()["commitment"]["signer"] == NAMED  # the file says that this name is public


def test_a_page_is_kept_by_who_reads_it_and_not_indexed_unless_told(desk: Desk):
    if not desk.commitment()["published"]:
        desk.publish("county").raise_for_status()
    first = desk.public(f"institutions/{desk.home}")
    assert (first.headers["cache-control"], first.headers["x-robots-tag"]) == ("public, max-age=60", "noindex")
    again = desk.public(f"institutions/{desk.home}", **{"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert desk.public(f"institutions/{desk.home}", **{"If-None-Match": '"x"'}).status_code == 200
    assert "x-robots-tag" in desk.anybody.get("/public/counties/220322").headers
    assert "x-robots-tag" not in desk.anybody.get("/").headers
    assert desk.clients["county"].get("/api/commitments").headers["cache-control"] == "no-store"
    for path in ("institutions/0", "institutions/x", "counties/22", "counties/2203224", "counties/22032x"):
        assert desk.public(path).status_code == 422, path
    with serve(desk.world, public_indexed=True, public_age_s_max=600) as served:
        told = served.client(signed_in=False).get(f"/api/public/institutions/{desk.home}")
        assert told.headers["cache-control"] == "public, max-age=600"
        assert "x-robots-tag" not in told.headers


def test_a_text_of_ones_own_is_loaded_and_what_was_signed_stays_as_it_was(desk: Desk, tmp_path, monkeypatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", desk.world.database_url)
    own = tmp_path / "own.toml"
    own.write_text(commitment.default_text().replace("2026.11.1", "county-1").replace("安全承诺书", "梨树承诺书"))
    desk.sign("manager").raise_for_status()
    run = CliRunner().invoke
    assert run(app, ["commitment", "check", str(own)]).exit_code == 0
    assert run(app, ["commitment", "load", str(own), "--by", "王工"]).exit_code == 0
    shown = desk.commitment("manager")
    assert (shown["text"]["version"], shown["history"][0]["text"]["version"]) == ("county-1", "2026.11.1")
    assert desk.sign("manager").status_code == 409  # over the text that was in force before
    new = desk.sign("manager", shown["text"]["sha256"]).raise_for_status().json()["history"][0]
    assert new["text"]["title_zh"] == "梨树承诺书"
    assert "梨树承诺书" in run(app, ["commitment", "show"]).output
    own.write_text("version = 1")
    assert run(app, ["commitment", "check", str(own)]).exit_code == 1
