"""What a program may do in a person's name: what its scopes say of what that person may at that moment, and nothing of
accounts; a token and a cookie never lend each other anything."""

import json
from typing import Any

import httpx
import psycopg
import pytest

from alerting.alert import Kind, Verb
from dashboard import auth
from tests.integration.dashboard_world import Served, frames, serve
from tests.integration.people_world import Two, build_two
from tests.integration.test_accounts import Somebody, refusal
from tests.integration.test_live import close_code

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def served(two: Two):
    with serve(two.world) as running:
        yield running


def make(client: httpx.Client, who: Somebody, *scopes: str, **more: Any) -> str:
    body = {"name": " ".join(scopes), "scopes": scopes, "days": 30, "password": who.password} | more
    answer = client.post("/api/account/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def program(served: Served, token: str) -> httpx.Client:
    """A client without cookies or an origin, as a program is."""
    client = served.client(signed_in=False)
    del client.headers["Origin"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_a_token_reaches_what_its_scopes_say_and_no_account(two: Two, served: Served):
    who = Somebody(served, "reader")
    client = who.browser()
    reader = program(served, make(client, who, "alerts:read"))
    listed = reader.get("/api/alerts")
    assert [each["id"] for each in listed.json()["items"]] == [str(two.own_alert.id)]  # the person's scope, no more
    assert reader.get(f"/api/alerts/{two.own_alert.id}").status_code == 200
    assert reader.get(f"/api/alerts/{two.far_alert.id}").status_code == 404
    assert refusal(reader.post(f"/api/alerts/{two.own_alert.id}/acknowledge", json={"version": 1})) == (
        403, "not-permitted",
    )  # fmt: skip
    for path in ("/api/institutions", "/api/hazards", "/api/people", "/api/account", "/api/session", "/api/system"):
        assert refusal(reader.get(path)) == (403, "not-permitted"), path
    assert reader.get("/api/export/alerts").status_code == 403
    both = program(served, make(client, who, "alerts:read", "alerts:operate", "institutions:read"))
    alert = two.world.say(Verb.RAISE, 1, Kind.GAS)
    assert both.post(f"/api/alerts/{alert.id}/acknowledge", json={"version": alert.version}).status_code == 200
    assert both.get(f"/api/alerts/{alert.id}").json()["events"][-1]["actor"] == "user:reader"
    assert both.get(f"/api/institutions/{two.world.home}").status_code == 200
    assert both.get(f"/api/institutions/{two.world.home}/residents").status_code == 403  # personal data: in no scope
    everything = program(served, make(client, who, *client.get("/api/account").json()["scopes_offered"]))
    more = {"name": "more", "scopes": ["alerts:read"], "days": 1, "password": who.password}
    for method, path, body in (
        ("POST", "/api/session/password", {"old": who.password, "new": "a good long secret"}),
        ("DELETE", "/api/session", None),
        ("DELETE", "/api/account/sessions", None),
        ("POST", "/api/account/tokens", more),
        ("DELETE", "/api/account/tokens/1", None),
        ("POST", "/api/account/second-factor", {"password": who.password}),
        ("POST", "/api/hazards", {}),
    ):
        assert refusal(everything.request(method, path, json=body)) == (403, "not-permitted"), path
    shown = {each["name"]: each for each in client.get("/api/account").json()["tokens"]}
    assert shown["alerts:read"]["last_used_at"] is not None
    assert "token" not in shown["alerts:read"]
    with served.world.connect() as connection:
        stored = str(connection.execute("SELECT t::text FROM access_tokens t").fetchall())
        stored += str(connection.execute("SELECT body::text FROM acts").fetchall())
    assert reader.headers["Authorization"].removeprefix("Bearer ") not in stored
    assert ("create_access_token", "user:reader") in who.acts()


def test_token_and_cookie_lend_each_other_nothing(two: Two, served: Served):
    who = Somebody(served, "mixed")
    client = who.browser()
    token, cookie = make(client, who, "alerts:read"), client.cookies[auth.COOKIE]
    admin = served.client()
    for authorization, status in ((f"Bearer {token}", 403), (f"bearer {token}x", 401), ("Bearer", 401)):
        assert admin.get("/api/people", headers={"Authorization": authorization}).status_code == status
    assert admin.get("/api/people", headers={"Authorization": "Basic cHJveHk6eA=="}).status_code == 200  # a proxy's
    assert refusal(program(served, cookie).get("/api/alerts")) == (401, "token-refused")
    thief = served.client(signed_in=False)
    thief.cookies.set(auth.COOKIE, token)
    assert refusal(thief.get("/api/alerts")) == (401, "not-signed-in")
    refused = program(served, "anhup_unknown").get("/api/alerts")
    assert refusal(refused) == (401, "token-refused")
    assert refused.headers["www-authenticate"] == "Bearer"
    # Another site's page may not use one either: it names its origin.
    forged = program(served, token)
    forged.headers["Origin"] = "https://evil.example"
    assert refusal(forged.post(f"/api/alerts/{two.own_alert.id}/comment", json={"note": "x"}))[1] == "origin-refused"


def test_a_token_is_never_more_than_its_person_is_now(two: Two, served: Served):
    who = Somebody(served, "changes")
    client, manager = who.browser(), two.client(served, "institution_manager")
    token = program(served, make(client, who, "alerts:read", "alerts:operate"))

    def operate(verb: str) -> int:
        alert = two.world.say(Verb.RAISE, 1, Kind.CO, rule=f"r-{verb}")
        return token.post(f"/api/alerts/{alert.id}/{verb}", json={"version": alert.version}).status_code

    assert operate("acknowledge") == 200
    assert manager.patch(f"/api/people/{who.id}", json={"role": "expert"}).status_code == 200
    assert operate("acknowledge") == 403
    assert token.get("/api/alerts").status_code == 200
    with served.world.connect() as connection:
        connection.execute("UPDATE persons SET institution_id = %s WHERE id = %s", (two.far, who.id))
    assert str(two.own_alert.id) not in token.get("/api/alerts").text
    with served.world.connect() as connection:
        connection.execute("UPDATE persons SET institution_id = %s WHERE id = %s", (two.world.home, who.id))
    manager.patch(f"/api/people/{who.id}", json={"active": False}).raise_for_status()
    assert refusal(token.get("/api/alerts")) == (401, "token-refused")
    manager.patch(f"/api/people/{who.id}", json={"active": True}).raise_for_status()
    assert token.get("/api/alerts").status_code == 401  # who comes back makes new ones
    assert ("revoke_access_token", "user:institution_manager") in who.acts()
    other = Somebody(served, "reset")
    token = program(served, make(other.browser(), other, "alerts:read"))
    assert token.get("/api/alerts").status_code == 200
    manager.post(f"/api/people/{other.id}/reset-password").raise_for_status()
    assert token.get("/api/alerts").status_code == 401


def test_what_there_can_be_and_how_it_ends(served: Served):
    who = Somebody(served, "maker")
    client = who.browser()
    good = {"name": "x", "scopes": ["alerts:read"], "days": 30, "password": who.password}
    assert refusal(client.post("/api/account/tokens", json=good | {"password": "wrong"})) == (401, "wrong-credentials")
    for bad in ({"scopes": []}, {"scopes": ["people:write"]}, {"days": 0}, {"days": 367}, {"name": ""}, {"name": "\0"}):
        assert client.post("/api/account/tokens", json=good | bad).status_code == 422, bad
    token = make(client, who, "alerts:read", name="x")
    assert refusal(client.post("/api/account/tokens", json=good)) == (409, "access-token-refused")
    [number] = [each["id"] for each in client.get("/api/account").json()["tokens"]]
    stranger = Somebody(served, "not-the-maker").browser()
    for wrong in (number, number + 1000, 2**40):
        assert stranger.delete(f"/api/account/tokens/{wrong}").status_code == 404
    reader = program(served, token)
    assert reader.get("/api/alerts").status_code == 200
    assert client.delete(f"/api/account/tokens/{number}").status_code == 204
    assert reader.get("/api/alerts").status_code == 401
    old = program(served, make(client, who, "alerts:read", name="x"))  # the name is free again
    with served.world.connect() as connection:
        connection.execute("UPDATE access_tokens SET expires_at = now() WHERE revoked_at IS NULL AND name = 'x'")
    assert old.get("/api/alerts").status_code == 401
    with psycopg.connect(served.world.database_url) as connection:
        connection.execute(
            "INSERT INTO access_tokens (user_id, name, scopes, token_sha256, expires_at)"
            " SELECT users.id, n::text, '{alerts:read}', sha256(n::text::bytea), now() + interval '1 day'"
            " FROM users, generate_series(1, 20) n WHERE username = 'maker'"
        )
    assert refusal(client.post("/api/account/tokens", json=good)) == (409, "access-token-refused")


def test_the_websocket_opens_to_alerts_read_alone_and_closes_with_the_token(two: Two, served: Served):
    who = Somebody(served, "listener")
    client = who.browser()

    def listen(token: str):
        return served.socket(client, origin=None, additional_headers={"Authorization": f"Bearer {token}"})

    with listen(make(client, who, "institutions:read", "export:read")) as socket:
        assert close_code(socket) == 4403
    with listen("anhup_unknown") as socket:
        assert close_code(socket) == 4401
    token = make(client, who, "alerts:read")
    with listen(token) as socket:
        [snapshot] = frames(socket, 1, "snapshot")
        assert len(snapshot["institutions"]) == 1
        two.world.say(Verb.RAISE, kind=Kind.GAS, source=two.far_alert.source, rule="far")
        mine = two.world.say(Verb.RAISE, 3, Kind.GAS, rule="token")
        assert frames(socket, 1)[0]["alert"]["id"] == str(mine.id)
        socket.send(json.dumps({"type": "watch", "device_id": two.world.devices[0]}))
        number = client.get("/api/account").json()["tokens"][0]["id"]  # the newest first
        assert client.delete(f"/api/account/tokens/{number}").status_code == 204
        assert close_code(socket, 5) == 4401
    with listen(token) as socket:
        assert close_code(socket) == 4401


def test_the_export_opens_to_a_person_by_its_scope(two: Two, served: Served):
    who = Somebody(served, "exporter")
    client = who.browser()
    export = program(served, make(client, who, "export:read"))
    for collection in ("alerts", "hazards", "ratings"):
        answer = export.get(f"/api/export/{collection}")
        assert answer.status_code == 200
        assert "远" not in answer.text  # nothing foreign
    assert str(two.own_alert.id) in export.get("/api/export/alerts").text
    assert export.get("/api/alerts").status_code == 403
    assert refusal(program(served, make(client, who, "alerts:read")).get("/api/export/alerts")) == (
        403,
        "not-permitted",
    )
    assert refusal(client.get("/api/export/alerts")) == (401, "token-refused")  # a session's cookie does not
    two.client(served, "institution_manager").post(f"/api/people/{who.id}/sign-out").raise_for_status()
    assert refusal(export.get("/api/export/alerts")) == (401, "token-refused")
