"""Who reads personal data is recorded, or reads nothing; and the audit trail shows each what is theirs to oversee."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from alerting.alert import Kind, Verb
from alerting.people import Role, Scope
from dashboard import audit_store
from ingest.reach import PAGE_ROLE
from tests.integration.dashboard_world import Served, serve
from tests.integration.people_world import FOREIGN_WORDS, Two, add_user, build_two

pytestmark = pytest.mark.integration

CODE = ("alerting", "dashboard", "inspection")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    two = build_two(shared_database_url)
    two.world.say(Verb.RAISE, kind=Kind.FIRE)
    with psycopg.connect(shared_database_url) as connection:
        for username, role, scope in (
            ("auditor-county", Role.AUDITOR, Scope(None, "220322")), ("auditor-all", Role.AUDITOR, Scope()),
            ("far-head", Role.INSTITUTION_MANAGER, Scope(two.far)),
        ):  # fmt: skip
            two.passwords[username] = add_user(connection, username, role, scope)[1]
    return two


@pytest.fixture(scope="module")
def served(two: Two) -> Iterator[Served]:
    with serve(two.world) as served:
        yield served


def entries(two: Two) -> list[tuple[Any, ...]]:
    with two.world.connect() as connection:
        return connection.execute(
            "SELECT actor, kind, subject, institution_id, address, reason FROM personal_reads ORDER BY id"
        ).fetchall()


def trail(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/audit", params={"limit": 200, **query})
    answer.raise_for_status()
    return list(answer.json()["items"])


def test_every_read_of_personal_data_is_recorded_once_within_some_minutes(two: Two, served: Served):
    manager, home = two.client(served, "institution_manager"), two.world.home
    expected = []
    for path, kind, subject in (
        (f"/institutions/{home}/residents", "residents", f"institution:{home}"),
        ("/people", "contacts", f"institution:{home}"),
        (f"/institution-files/{home}", "file", f"institution:{home}"),
        (f"/institution-files/{home}/history", None, ""),  # the same file again
        (f"/institution-files/workbook?institution_id={home}&reason=yearly", "file_export", f"institution:{home}"),
        (f"/institution-files/documents/{two.own_document}/versions/1", "document",
         f"institution_document:{two.own_document}"),
        (f"/hazards/photos/{two.own_photo}", "photo", f"hazard:{two.own_hazard}"),
    ):  # fmt: skip
        for _ in range(2):
            manager.get(f"/api{path}").raise_for_status()
        if kind:
            expected.append(("user:institution_manager", kind, subject, home, "127.0.0.1",
                             "yearly" if kind == "file_export" else ""))  # fmt: skip
        assert entries(two) == expected, path
    operator = two.client(served, "operator")
    shown = operator.get(f"/api/alerts/{two.own_alert.id}").json()
    assert shown["plan"]["cannot_walk"] is not None
    assert entries(two)[len(expected) :] == [
        ("user:operator", "residents", f"institution:{home}", home, "127.0.0.1", "")
    ]
    expert = two.client(served, "expert")  # is not told who cannot walk, so there is nothing to record
    assert expert.get(f"/api/alerts/{two.own_alert.id}").json()["plan"]["cannot_walk"] is None
    assert expert.get(f"/api/institutions/{home}/residents").status_code == 403
    assert operator.get(f"/api/institutions/{two.far}/residents").status_code == 404
    assert len(entries(two)) == len(expected) + 1
    county = two.client(served, "county")
    county.get("/api/people").raise_for_status()
    county.get("/api/draws/relations").raise_for_status()
    county.get("/api/institution-files/workbook").raise_for_status()
    assert entries(two)[len(expected) + 1 :] == [
        ("user:county", "contacts", "scope:220322", None, "127.0.0.1", ""),
        ("user:county", "relations", "scope:220322", None, "127.0.0.1", ""),
        ("user:county", "file_export", "scope:220322", home, "127.0.0.1", ""),  # one for each institution in it
    ]


def test_what_cannot_be_recorded_is_not_read(two: Two, served: Served):
    auditor = two.client(served, "auditor-county")
    path = f"/api/institutions/{two.world.home}/residents"
    with two.world.connect() as connection:
        connection.execute(f"REVOKE INSERT ON personal_reads FROM {PAGE_ROLE}".encode())
        try:
            refused = auditor.get(path)
        finally:
            connection.execute(f"GRANT INSERT ON personal_reads TO {PAGE_ROLE}".encode())
    assert refused.status_code == 500
    assert "items" not in refused.json()
    assert auditor.get(path).json()["items"] == []


def test_the_record_is_kept_for_three_years_and_not_changed(two: Two):
    with two.world.connect() as connection:
        [(person, home)] = connection.execute("SELECT id, institution_id FROM persons WHERE name = 'own-nurse'")
        new = (
            "INSERT INTO personal_reads (at, person_id, actor, kind, subject, institution_id, address, reason)"
            " VALUES (%s, %s, 'user:old', 'file', 'x', %s, '', '')"
        )
        now = datetime.now(UTC)
        for age in (timedelta(days=3 * 366), timedelta(days=3 * 364)):
            connection.execute(new, (now - age, person, home))
        for statement in ("UPDATE personal_reads SET actor = 'user:other'", "TRUNCATE personal_reads",
                          "DELETE FROM personal_reads WHERE at > now() - interval '2 years 360 days'"):  # fmt: skip
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                connection.execute(statement.encode())
        assert audit_store.purge_reads(connection) == 1
        assert connection.execute("SELECT count(*) FROM personal_reads WHERE actor = 'user:old'").fetchone() == (1,)
        fold = {"person_id": person, "actor": "user:own-nurse", "kind": "photo", "subject": "hazard:x",
                "institutions": [home], "address": "10.0.0.1", "reason": ""}  # fmt: skip
        for address, minutes, added in (("10.0.0.1", 10, 1), ("10.0.0.1", 10, 0), ("10.0.0.2", 10, 1),
                                        ("10.0.0.1", 0, 1)):  # fmt: skip
            before = len(entries(two))
            audit_store.note_read(connection, **fold | {"address": address}, fold=timedelta(minutes=minutes))
            assert len(entries(two)) - before == added, (address, minutes)


def test_the_trail_shows_each_what_is_theirs_to_oversee(two: Two, served: Served):
    two.client(served, "operator").post(
        f"/api/alerts/{two.own_alert.id}/comment", json={"note": "=seen"}
    ).raise_for_status()
    far = two.client(served, "far-head")
    far.get(f"/api/institutions/{two.far}/residents").raise_for_status()
    names = {}
    for username in ("institution_manager", "county", "auditor", "auditor-county", "auditor-all", "far-head", "admin"):
        client = served.client() if username == "admin" else two.client(served, username)
        found = trail(client)
        names[username] = {(each["source"], each["id"]) for each in found}
        places = {(each["institution"] or {}).get("id") for each in found}
        if username in {"auditor-all", "admin"}:
            assert places == {None, two.world.home, two.far}, username
        else:
            assert places == {two.far if username == "far-head" else two.world.home}, username
            if username != "far-head":
                text = json.dumps(found, ensure_ascii=False)
                assert not [each for each in FOREIGN_WORDS if each in text], username
    assert names["institution_manager"] == names["county"] == names["auditor"] == names["auditor-county"]
    assert names["auditor-all"] == names["admin"] > names["county"] | names["far-head"]
    assert two.client(served, "operator").get("/api/audit").status_code == 403
    assert far.get("/api/audit", params={"institution_id": two.world.home}).status_code == 404


def test_the_trail_is_narrowed_and_paged_on_the_server(two: Two, served: Served):
    client = two.client(served, "auditor-all")
    everything = trail(client)
    keys = [(each["at"], each["source"], each["id"]) for each in everything]
    assert [at for at, _, _ in keys] == sorted((at for at, _, _ in keys), reverse=True)
    paged, cursor = [], None
    while True:
        page = client.get("/api/audit", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        paged += [(each["at"], each["source"], each["id"]) for each in page["items"]]
        assert len(page["items"]) == 7 or page["next_cursor"] is None
        if (cursor := page["next_cursor"]) is None:
            break
    assert (len(paged), set(paged)) == (len(set(paged)), set(keys))
    assert paged == keys
    assert page["chained"] > 10
    for query, holds in (
        ({"source": "reads"}, lambda each: each["source"] == "reads"),
        ({"source": "alarms"}, lambda each: each["verb"] in {"alert_comment", "alert_acknowledge", "alert_reset"}),
        ({"what": "save_person"}, lambda each: each["verb"] == "save_person"),
        ({"what": "read_residents"}, lambda each: each["verb"] == "read_residents"),
        ({"who": "OPERATOR"}, lambda each: each["actor"] == "user:operator"),
        ({"institution_id": two.far}, lambda each: each["institution"]["id"] == two.far),
        ({"from": everything[9]["at"]}, lambda each: each["at"] >= everything[9]["at"]),
        ({"to": everything[9]["at"]}, lambda each: each["at"] <= everything[9]["at"]),
    ):  # fmt: skip
        found = trail(client, **query)
        assert found, query
        assert all(map(holds, found)), query
        assert len(found) < len(everything), query
    comment = trail(client, source="alarms", what="alert_comment")[0]
    assert (comment["name"], comment["reason"], comment["subject"]) == (
        "operator", "=seen", f"alert:{two.own_alert.id}"
    )  # fmt: skip
    for bad in ({"cursor": "x"}, {"cursor": "MS5hY3Rz"}, {"from": "2026-11-01T00:00:00"}):
        assert client.get("/api/audit", params=bad).status_code in {400, 422}, bad


def test_the_trail_goes_out_as_csv_and_that_is_an_entry_too(two: Two, served: Served):
    client = two.client(served, "auditor-all")
    answer = client.get("/api/audit/file", params={"lang": "en", "reason": "yearly audit", "what": "alert_comment"})
    answer.raise_for_status()
    assert answer.content.startswith("\ufeff".encode())
    assert "attachment" in answer.headers["content-disposition"]
    [heads, row] = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    told = dict(zip(heads, row, strict=True))
    assert (told["verb"], told["name"], told["institution"]) == ("alert_comment", "operator", "Anhe Home")
    assert told["note"] == "'=seen"  # no spreadsheet takes it for a formula
    [noted] = trail(client, what="read_audit_export")
    assert (noted["reason"], noted["actor"], noted["institution"]) == ("yearly audit", "user:auditor-all", None)


def test_an_auditor_changes_nothing(two: Two, served: Served):
    """Which routes they may call is in test_people_matrix; here what their own acts leave behind: reads only."""
    client = two.client(served, "auditor")
    with two.world.connect() as connection:
        before = connection.execute("SELECT (SELECT max(id) FROM acts), (SELECT max(id) FROM alert_events)").fetchone()
    for path in ("/alerts", "/hazards", "/people", "/ratings", "/rotations", "/inspections", "/audit"):
        client.get(f"/api{path}").raise_for_status()
    refused = client.post(f"/api/alerts/{two.own_alert.id}/acknowledge", json={"version": 1})
    assert refused.status_code == 403
    with two.world.connect() as connection:
        after = connection.execute("SELECT (SELECT max(id) FROM acts), (SELECT max(id) FROM alert_events)").fetchone()
    assert before == after


def test_every_act_has_words_in_both_languages(two: Two):
    with two.world.connect() as connection:
        known = {str(row[0]) for row in connection.execute("SELECT DISTINCT verb FROM acts")}
    for package in CODE:
        for path in (ROOT / package).rglob("*.py"):
            known |= set(re.findall(r'verb="([a-z_]+)"', path.read_text("utf-8")))
    for language in ("zh-CN", "en"):
        words = (ROOT / f"dashboard/web/src/locales/{language}/audit.ts").read_text("utf-8")
        said = set(re.findall(r"^      ([a-z_]+): ", words, re.MULTILINE))
        assert known <= said, language
