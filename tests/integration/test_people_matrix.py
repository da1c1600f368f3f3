"""Every route and the websocket, with every role, on one's own institution and on another: nothing leaks.

A route that is not in EXPECTED fails the test: whoever adds one states who may call it.
"""

import json
import re
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from alerting.alert import Kind, Verb
from alerting.people import RIGHTS, Role, Scope
from dashboard.access import Reach
from dashboard.app import described
from tests.integration.dashboard_world import frames, serve
from tests.integration.people_world import FOREIGN_WORDS, Two, build_two
from tests.integration.route_rights import ENDS, EXPECTED, GRANTS, PICTURE, PUBLIC, SESSION

pytestmark = pytest.mark.integration


def routes() -> list[tuple[str, str]]:
    paths = described()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def test_every_route_has_an_expectation():
    assert {(method, path.replace("/{kind}", "/gas")) for method, path in routes()} == set(EXPECTED) | SESSION | PUBLIC


def call(client, two: Two, route: tuple[str, str], parts: dict[str, Any]):
    method, path = route
    body = EXPECTED[route].body
    for name, stands_for in parts.items():
        value = two.stands_for(stands_for)
        if name:
            path = path.replace(f"{{{name}}}", str(value))
        else:
            body = {**body, **value}
    if EXPECTED[route].picture:
        return client.request(method, path, params=body, content=PICTURE, headers={"Content-Type": "image/jpeg"})
    if EXPECTED[route].query:
        path = f"{path}?{EXPECTED[route].query}"
    if EXPECTED[route].content is not None:
        return client.request(method, path, content=EXPECTED[route].content)
    return client.request(method, path, json=body)


@pytest.fixture
def two(database_url):
    return build_two(database_url)


def leaks(text: str, two: Two) -> list[str]:
    """What of the foreign institution shows in an answer."""
    return [each for each in (*FOREIGN_WORDS, str(two.far_alert.id), str(two.self_alert.id)) if each in text]


def test_every_route_with_every_role_on_own_and_foreign_things(two: Two):
    with serve(two.world) as served:
        odd_ids_and_methods_tell_nothing(two, two.client(served, "county"))
        the_database_holds_where_the_application_forgets(two, two.client(served, "auditor"))
        for role in Role:
            client = two.client(served, role.value)
            for route, expected in EXPECTED.items():
                permitted = bool(expected.rights & RIGHTS[role]) and not expected.everywhere
                what = (role, route)
                if expected.foreign is not None:
                    answer = call(client, two, route, expected.foreign)
                    assert answer.status_code == (404 if permitted else 403), (what, answer.text)
                    assert not leaks(answer.text.replace(str(two.far_alert.id), ""), two), what
                answer = call(client, two, route, expected.own)
                if not permitted:
                    assert answer.status_code == 403, (what, answer.text)
                else:
                    # A role may lack the right for this very case (403 from the body), never the thing (404) — unless
                    # somebody before them has ended it.
                    allowed = {200, 201, 204, 409} | ({403} if route[1].startswith(GRANTS) else set())
                    allowed |= {404} if route[1].endswith(ENDS) else set()
                    assert answer.status_code in allowed, (what, answer.text)
                assert not leaks(answer.text, two), what
        everything = served.client()
        for route, expected in EXPECTED.items():
            for parts in (expected.own, expected.foreign or expected.own):
                assert call(everything, two, route, parts).status_code in {
                    200, 201, 204, 409, *((404,) if route[1].endswith(ENDS) else ())
                }, route  # fmt: skip


def odd_ids_and_methods_tell_nothing(two: Two, client: httpx.Client) -> None:
    """HEAD, and ids that are none, on every route that shows something."""
    for (method, path), expected in EXPECTED.items():
        if method != "GET" or "{" not in path:
            continue
        for odd in ("0", "-1", "99999999999999999999", "%27", "null", "1%00", "..%2F1", str(two.far_alert.id)):
            answer = client.get(re.sub(r"{\w+}", odd, path))
            assert answer.status_code in {400, 403, 404, 422} | ({200} if odd == "0" else set()), (path, odd)
            assert not leaks(answer.text.replace(str(two.far_alert.id), ""), two), (path, odd)
        if expected.foreign is not None:
            for name, stands_for in expected.foreign.items():
                path = path.replace(f"{{{name}}}", str(two.stands_for(stands_for)))
            answer = client.head(path)
            assert (answer.status_code, answer.content) in {(405, b""), (404, b""), (403, b"")}, path


def the_database_holds_where_the_application_forgets(two: Two, client: httpx.Client) -> None:
    """With every check of the application's own switched off, row-level security alone keeps what is foreign."""
    shown = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reach, "institution_ids", lambda *_: None)
        patch.setattr(Reach, "covers", lambda *_: True)
        patch.setattr(Reach, "demand_institution", lambda *_: None)
        patch.setattr(Scope, "covers", lambda *_: True)
        patch.setattr(Scope, "within", lambda *_: True)
        for route, expected in EXPECTED.items():
            if route[0] != "GET" or not expected.rights & RIGHTS[Role.AUDITOR] or expected.everywhere:
                continue
            for parts in (expected.own, expected.foreign or {}):
                answer = call(client, two, route, parts)
                shown += answer.status_code == 200
                assert not leaks(answer.text.replace(str(two.far_alert.id), ""), two), (route, answer.text)
    assert shown > 60  # they were let in, and saw what is theirs


def test_lists_show_and_count_only_what_the_scope_covers(two: Two):
    with serve(two.world) as served:
        for username in ("operator", "county"):
            client = two.client(served, username)
            institutions = client.get("/api/institutions").json()
            assert (institutions["total"], [each["id"] for each in institutions["items"]]) == (1, [two.world.home])
            assert client.get("/api/institutions?q=Faraway").json() == {"items": [], "total": 0}
            for query in ("", "?state=all", "?state=closed", f"?institution_id={two.far}", "?kind=system"):
                shown = {each["id"] for each in client.get(f"/api/alerts{query}").json()["items"]}
                assert shown <= {str(two.own_alert.id)}, query
            assert len(client.get("/api/alerts").json()["items"]) == 1
            assert len(client.get("/api/suppressions").json()["items"]) == 1
            assert client.get(f"/api/suppressions?institution_id={two.far}").json()["items"] == []
        nobody = "00000000-0000-0000-0000-000000000000"
        client = two.client(served, "operator")
        foreign, none = (client.get(f"/api/alerts/{each}").json() for each in (two.far_alert.id, nobody))
        assert foreign["detail"].replace(str(two.far_alert.id), nobody) == none["detail"]  # in the very same words
        people = two.client(served, "institution_manager").get("/api/people").json()["items"]
        assert {each["scope"]["institution_id"] for each in people} == {two.world.home}
        shown = served.client().get("/api/alerts").json()["items"]
        assert {each["id"] for each in shown} == {str(a.id) for a in (two.own_alert, two.far_alert, two.self_alert)}
        assert [each["institution"] for each in shown if each["kind"] == "system"] == [None]


def test_nothing_foreign_comes_over_the_websocket(two: Two):
    with serve(two.world, readings_poll_s=0.1) as served:
        for username, sees_all in (*((role.value, False) for role in Role), ("county", False), ("admin", True)):
            client = served.client() if sees_all else two.client(served, username)
            with served.socket(client) as socket:
                [snapshot] = frames(socket, 1, "snapshot")
                assert bool(leaks(json.dumps(snapshot, ensure_ascii=False), two)) is sees_all, username
                assert str(two.own_alert.id) in json.dumps(snapshot)
                assert len(snapshot["institutions"]) == (3 if sees_all else 1)
                socket.send(json.dumps({"type": "watch", "device_id": two.far_device}))
                source = two.far_alert.source
                two.world.say(Verb.RAISE, kind=Kind.GAS, source=source, rule=f"g-{username}")
                two.world.say(Verb.CLEAR, kind=Kind.SYSTEM, source=two.self_alert.source, rule="nothing")
                with two.world.connect() as connection:
                    connection.execute(
                        "INSERT INTO readings (measured_at, point_id, value, delay_ms)"
                        " SELECT clock_timestamp(), id, 20, 1 FROM points WHERE device_id = %s", (two.far_device,)
                    )  # fmt: skip
                mine = two.world.say(Verb.RAISE, kind=Kind.CO, rule=f"c-{username}")
                if sees_all:
                    assert frames(socket, 1)[0]["alert"]["institution"]["id"] == two.far
                    assert len(frames(socket, 1, "readings")) == 1
                    continue
                heard = ""
                while not (heard and json.loads(heard)["type"] == "alert"):
                    heard = str(socket.recv(timeout=10))
                    assert not leaks(heard, two), username
                assert json.loads(heard)["alert"]["id"] == str(mine.id), username
                with pytest.raises(TimeoutError):
                    frames(socket, 1, "readings", timeout_s=0.3)


def test_who_is_moved_or_put_out_while_connected_hears_nothing_more_of_before(two: Two):
    with serve(two.world, readings_poll_s=0.1) as served:
        client, admin = two.client(served, "operator"), served.client()
        number = client.get("/api/session").json()["person_id"]
        mine = two.world.devices[0]

        def until_closed(socket) -> int:
            try:
                while True:
                    socket.recv(timeout=10)
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else 0

        with served.socket(client) as socket:
            frames(socket, 1, "snapshot")
            socket.send(json.dumps({"type": "watch", "device_id": mine}))
            admin.patch(f"/api/people/{number}", json={"scope": {"institution_id": two.far}}).raise_for_status()
            assert until_closed(socket) == 1013
        with served.socket(client) as socket:
            [snapshot] = frames(socket, 1, "snapshot")
            assert [each["id"] for each in snapshot["institutions"]] == [two.far]
            socket.send(json.dumps({"type": "watch", "device_id": mine}))
            before = two.world.say(Verb.RAISE, kind=Kind.CO, rule="before")
            with two.world.connect() as connection:
                connection.execute(
                    "INSERT INTO readings (measured_at, point_id, value, delay_ms)"
                    " SELECT clock_timestamp(), id, 20, 1 FROM points WHERE device_id = %s", (mine,)
                )  # fmt: skip
            now = two.world.say(Verb.RAISE, kind=Kind.GAS, source=two.far_alert.source, rule="now")
            heard = []
            while not any(str(now.id) in each for each in heard):
                heard.append(str(socket.recv(timeout=10)))
            with pytest.raises(TimeoutError):
                frames(socket, 1, "readings", timeout_s=0.3)
            assert not [each for each in heard if str(before.id) in each or "Anhe" in each]
            admin.patch(f"/api/people/{number}", json={"active": False}).raise_for_status()
            assert until_closed(socket) == 4401
        with served.socket(client) as socket:
            assert until_closed(socket) == 4401
