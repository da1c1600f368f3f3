"""People over HTTP: nobody grants more than they have, contacts cannot be read, passwords, and who is shown out."""

import json

import pytest

from alerting.people import Role
from dashboard import auth, cursors
from tests.integration.dashboard_world import frames, serve, sign_in
from tests.integration.people_world import Two, build_two
from tests.integration.test_live import close_code

pytestmark = pytest.mark.integration


@pytest.fixture
def two(database_url):
    return build_two(database_url)


@pytest.fixture
def served(two):
    with serve(two.world) as running:
        yield running


@pytest.fixture(scope="module")
def shared_two(shared_database_url):
    """For the tests whose cases add people of their own and do not look at others'."""
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def shared_served(shared_two):
    with serve(shared_two.world) as running:
        yield running


def person(role: str, scope: dict, name: str = "新人", **more) -> dict:
    return {"name": name, "role": role, "scope": scope, **more}


def test_a_one_time_password_is_good_for_choosing_another_and_nothing_else(two: Two, served):
    manager = two.client(served, "institution_manager")
    wanted = person("operator", {"institution_id": two.world.home}, username=" Li.Wei ")
    answer = manager.post("/api/people", json=wanted)
    assert answer.status_code == 201, answer.text
    added = answer.json()
    assert (added["username"], added["active"], added["contacts"]) == ("li.wei", True, [])
    client = served.client(signed_in=False)
    user = sign_in(client, added["one_time_password"], "li.wei").json()
    assert user["password_change_required"] is True
    for path in ("/api/alerts", "/api/institutions", "/api/suppressions"):
        refused = client.get(path)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:anhu:problem:password-change-required")
    with served.socket(client) as socket:
        assert close_code(socket) == 4403

    def change(old: str, new: str) -> int:
        return client.post("/api/session/password", json={"old": old, "new": new}).status_code

    assert change("wrong", "a good long secret") == 401
    for bad in ("short", "x" * 40, "my li.wei password", added["one_time_password"]):
        assert change(added["one_time_password"], bad) == 422, bad
    assert change(added["one_time_password"], "a good long secret") == 204
    assert client.get("/api/alerts").status_code == 200  # this session goes on
    assert sign_in(served.client(signed_in=False), added["one_time_password"], "li.wei").status_code == 401
    assert sign_in(served.client(signed_in=False), "a good long secret", "li.wei").status_code == 200
    again = manager.post("/api/people", json=wanted)
    assert (again.status_code, again.json()["type"]) == (409, "urn:anhu:problem:username-taken")
    with two.world.connect() as connection:
        everything = str(connection.execute("SELECT body::text FROM acts").fetchall())
        verbs = {row[0] for row in connection.execute("SELECT verb FROM acts WHERE actor = 'user:institution_manager'")}
        mine = connection.execute("SELECT verb FROM acts WHERE actor = 'user:li.wei'").fetchall()
    assert added["one_time_password"] not in everything
    assert "good long secret" not in everything
    assert verbs == {"save_person", "add_user"}
    assert mine == [("change_password",)]


def test_changing_ones_password_ends_the_other_sessions(two: Two, served):
    one, other = two.client(served, "operator"), two.client(served, "operator")
    with served.socket(other) as socket:
        frames(socket, 1, "snapshot")
        body = {"old": two.passwords["operator"], "new": "a good long secret"}
        assert one.post("/api/session/password", json=body).status_code == 204
        assert close_code(socket, 5) == 4401
    assert (one.get("/api/session").status_code, other.get("/api/session").status_code) == (200, 401)


@pytest.mark.parametrize(
    ("username", "role", "scope", "status"),
    [
        ("institution_manager", "operator", "home", 201),
        ("institution_manager", "institution_manager", "home", 201),
        ("institution_manager", "administrator", "home", 403),
        ("institution_manager", "supervisor", "home", 403),
        ("institution_manager", "operator", "far", 404),
        ("institution_manager", "operator", "220322", 403),
        ("institution_manager", "operator", "", 403),
        ("county", "inspector", "220322", 201),
        ("county", "inspector", "home", 201),
        ("county", "inspector", "2203", 403),
        ("county", "inspector", "", 403),
        ("county", "inspector", "far", 404),
        ("county", "administrator", "220322", 403),
        ("administrator", "administrator", "home", 201),
        ("administrator", "administrator", "", 403),
        ("admin", "administrator", "", 201),
        ("operator", "operator", "home", 403),
    ],
)
def test_nobody_grants_more_than_they_have(shared_two: Two, shared_served, username, role, scope, status):
    two, served = shared_two, shared_served
    places = {"home": {"institution_id": two.world.home}, "far": {"institution_id": two.far}}
    client = served.client() if username == "admin" else two.client(served, username)
    wanted = person(role, places.get(scope, {"region": scope}))
    assert client.post("/api/people", json=wanted).status_code == status
    if username == "operator":
        return
    # And not by changing somebody they may change, either.
    victim = client.post("/api/people", json=person("expert", {"institution_id": two.world.home})).json()
    changed = client.patch(f"/api/people/{victim['id']}", json={"role": role, "scope": wanted["scope"]})
    assert changed.status_code == {201: 200}.get(status, status)


def test_who_is_above_one_cannot_be_touched(two: Two, served):
    manager = two.client(served, "institution_manager")
    people = {each["username"]: each for each in manager.get("/api/people").json()["items"]}
    above = people["administrator"]["id"]
    assert manager.patch(f"/api/people/{above}", json={"active": False}).status_code == 403
    assert manager.post(f"/api/people/{above}/reset-password").status_code == 403
    ways = {"ways": [{"channel": "email", "address": "me@example.org"}]}
    assert manager.put(f"/api/people/{above}/contacts", json=ways).status_code == 403
    own = people["institution_manager"]["id"]
    for change in ({"active": False}, {"role": "operator"}):
        assert manager.patch(f"/api/people/{own}", json=change).status_code == 422
    assert manager.patch(f"/api/people/{own}", json={"name": "李主任"}).json()["name"] == "李主任"
    assert manager.get("/api/session").json()["display_name"] == "李主任"


def test_people_come_in_pages_the_widest_scope_first(shared_two: Two, shared_served):
    admin = shared_served.client()
    whole = admin.get("/api/people?limit=200").json()
    assert whole["total"] == len(whole["items"])
    assert whole["next_cursor"] is None
    widths = [len(each["scope"]["region"]) if each["scope"]["institution_id"] is None else 7 for each in whole["items"]]
    assert widths == sorted(widths)
    assert {0, 7} <= set(widths)
    read, cursor = [], ""
    for _ in whole["items"]:
        page = admin.get("/api/people", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        read += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert read == whole["items"]
    found = admin.get("/api/people", params={"q": "OWN-nurse"}).json()["items"]
    assert [each["name"] for each in found] == ["own-nurse"]
    supervisors = admin.get("/api/people?role=supervisor").json()["items"]
    assert {each["role"] for each in supervisors} == {"supervisor"}
    made_up = cursors.encode(0, "", 0, "", 0), cursors.encode(9, "", 0, "", 1), cursors.encode(1, "a")
    for cursor in ("x", "W10", *made_up):
        assert admin.get("/api/people", params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost", "169.254.169.254", "[::1]", "10.0.0.7"])
def test_a_webhook_into_our_own_network_is_refused_and_said_so(shared_two: Two, shared_served, host: str):
    address = f"https://{host}/hook#0123456789-secret-key"
    wanted = {"ways": [{"channel": "sms", "address": "13800138000"}, {"channel": "webhook", "address": address}]}
    refused = shared_served.client().put(f"/api/people/{shared_two.own_person}/contacts", json=wanted)
    assert refused.status_code == 422
    assert "contact 2" in refused.text
    assert "webhook_networks_allowed" in refused.text
    assert "secret-key" not in refused.text


def test_addresses_can_be_written_and_never_be_read(two: Two, served):
    admin = served.client()
    secret = "0123456789-secret-key"
    ways = [
        {"channel": "wecom", "address": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={secret}"},
        {"channel": "email", "address": "li.wei.secret@example.org"},
        {"channel": "sms", "address": "13800138000"},
    ]
    answer = admin.put(f"/api/people/{two.own_person}/contacts", json={"ways": ways})
    hints = [(each["channel"], each["rank"], each["hint"]) for each in answer.json()["contacts"]]
    assert hints == [("wecom", 1, "qyapi.weixin.qq.com"), ("email", 2, "example.org"), ("sms", 3, "8000")]
    listed = admin.get("/api/people").json()
    [shown] = [each for each in listed["items"] if each["id"] == two.own_person]
    assert shown["contacts"] == answer.json()["contacts"]
    with two.world.connect() as connection:
        acts = str(connection.execute("SELECT body::text FROM acts").fetchall())
    for text in (answer.text, json.dumps(listed), acts):
        assert secret not in text
        assert "li.wei.secret" not in text
        assert "1380013" not in text
    fewer = admin.put(f"/api/people/{two.own_person}/contacts", json={"ways": ways[2:]}).json()
    assert [each["channel"] for each in fewer["contacts"]] == ["sms"]
    wrong = {"ways": [{"channel": "pigeon", "address": secret}]}
    refused = admin.put(f"/api/people/{two.own_person}/contacts", json=wrong)
    assert refused.status_code == 422
    assert secret not in refused.text


def test_who_is_made_inactive_is_out_at_once(two: Two, served):
    client, admin = two.client(served, "operator"), served.client()
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        number = client.get("/api/session").json()["person_id"]
        assert admin.patch(f"/api/people/{number}", json={"active": False}).status_code == 200
        assert close_code(socket, 3) == 4401
    assert client.get("/api/alerts").status_code == 401
    assert sign_in(served.client(signed_in=False), two.passwords["operator"], "operator").status_code == 401
    admin.patch(f"/api/people/{number}", json={"active": True}).raise_for_status()
    assert sign_in(served.client(signed_in=False), two.passwords["operator"], "operator").status_code == 200


def test_a_new_scope_holds_at_once_also_on_the_websocket(two: Two, served):
    client, admin = two.client(served, "operator"), served.client()
    number = client.get("/api/session").json()["person_id"]
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        change = {"scope": {"institution_id": two.far}, "role": "expert"}
        admin.patch(f"/api/people/{number}", json=change).raise_for_status()
        assert close_code(socket, 3) == 1013  # come again
    with served.socket(client) as socket:
        [snapshot] = frames(socket, 1, "snapshot")
        assert [each["id"] for each in snapshot["institutions"]] == [two.far]
    user = client.get("/api/session").json()
    assert (user["role"], user["scope"]) == ("expert", {"institution_id": two.far, "region": ""})
    assert client.get(f"/api/institutions/{two.world.home}").status_code == 404


def test_a_reset_password_is_a_one_time_password(two: Two, served):
    client, manager = two.client(served, "operator"), two.client(served, "institution_manager")
    number = client.get("/api/session").json()["person_id"]
    answer = manager.post(f"/api/people/{number}/reset-password").json()
    assert client.get("/api/session").status_code == 401
    fresh = served.client(signed_in=False)
    assert sign_in(fresh, answer["one_time_password"], "operator").json()["password_change_required"] is True
    nameless = manager.post("/api/people", json=person("operator", {"institution_id": two.world.home})).json()
    assert (nameless["username"], nameless["one_time_password"]) == (None, None)
    assert manager.post(f"/api/people/{nameless['id']}/reset-password").status_code == 422
    named = manager.patch(f"/api/people/{nameless['id']}", json={"username": "late.comer"}).json()
    assert sign_in(fresh, named["one_time_password"], "late.comer").status_code == 200


def test_users_from_before_are_administrators_of_everything(services):
    import psycopg

    from ingest.database import migrate, migrations_of, of_server
    from tests.conftest import make_database

    make_database(services.database_url, "anhu_before_people", "anhu")
    database_url = of_server(services.database_url, "anhu_before_people")
    migrate(database_url, ("ingest", "alerting"))

    with psycopg.connect(database_url) as connection:
        connection.execute(migrations_of("dashboard")[0].sql.encode())
        connection.execute(
            "INSERT INTO users (username, display_name, role, password_hash)"
            " VALUES ('old', '老管理员', 'administrator', %s)",
            (auth.hash_password("secret"),),
        )
        connection.execute(migrations_of("dashboard")[1].sql.encode())
        rows = connection.execute(
            "SELECT username, name, role, institution_id, region, active FROM users"
            " JOIN persons ON persons.id = person_id"
        ).fetchall()
    assert rows == [("old", "老管理员", Role.ADMINISTRATOR.value, None, "", True)]


def test_the_ledger_can_be_checked_from_the_page(two: Two, served):
    admin = served.client()
    checked = admin.get("/api/ledger/verify").json()
    assert checked["records"] > 10
    assert (checked["faults"], checked["fault_count"], checked["last_checkpoint_at"]) == ([], 0, None)
    with two.world.connect() as connection:
        connection.execute("ALTER TABLE acts DISABLE TRIGGER USER")
        connection.execute("UPDATE acts SET actor = 'user:somebody-else' WHERE id = 3")
    faults = admin.get("/api/ledger/verify").json()["faults"]
    assert [(each["fault"], each["source"], each["row_id"]) for each in faults] == [("changed", "acts", 3)]
