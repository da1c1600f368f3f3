"""Drills, duty checks and emergency plans over the API and the live feed."""

import json
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from alerting import people_store, store
from alerting.alert import Condition, Kind, Priority, Source, Verb, engine_event
from alerting.people import Person, Role, Scope
from dashboard import auth
from dashboard import store as users
from ingest.reading import to_us
from tests.integration.dashboard_world import Served, build, frames, serve, sign_in, until

pytestmark = pytest.mark.integration

PASSWORD = "correct-horse-battery"


@pytest.fixture
def served(database_url):
    with serve(build(database_url)) as running:
        yield running


def as_person(served: Served, name: str, role: Role, institution_id: int | None) -> httpx.Client:
    """A client signed in as somebody of that role at an institution, or everywhere."""
    with served.world.connect() as connection, connection.transaction():
        who = people_store.save_person(connection, actor="test", who=Person(0, name, role, Scope(institution_id)))
        users.insert_user(connection, name, who.id, auth.hash_password(PASSWORD), one_time=False)
    client = served.client(signed_in=False)
    sign_in(client, PASSWORD, name).raise_for_status()
    return client


def raise_drill(served: Served, drill: dict) -> None:
    """What the pipeline does when it hears the call."""
    world = served.world
    at_us = to_us(datetime.now(UTC))
    event = engine_event(
        UUID(drill["id"]), Verb.RAISE, at_us, at_us, Source(world.home, world.kitchen, world.devices[0]),
        Condition("drill", Kind.FIRE, Priority.CRITICAL, latching=False), {"ends_at": "2030-01-01T00:00:00+00:00"},
        drill=True,
    )  # fmt: skip
    with world.connect() as connection, connection.transaction():
        store.append(connection, [event])


def test_a_page_sees_a_drill_from_its_start_and_says_so(served: Served):
    client, world = served.client(), served.world
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        wanted = {"institution_id": world.home, "device_id": world.devices[0], "kind": "fire", "note": "季度演练"}
        answer = client.post("/api/drills", json=wanted)
        assert answer.status_code == 201, answer.text
        drill = answer.json()
        assert (drill["state"], drill["by"], drill["seen_on_screen_s"]) == ("running", "user:admin", None)
        assert frames(socket, 1, "drill")[0]["drill"]["id"] == drill["id"]
        assert client.post("/api/drills", json=wanted).status_code == 409
        raise_drill(served, drill)
        [frame] = frames(socket, 1)
        assert (frame["alert"]["id"], frame["alert"]["drill"]) == (drill["id"], True)
        assert frame["institution"]["open_alerts"]["critical"] == 0
        assert frame["institution"]["state"] == "normal"
        socket.send(json.dumps({"type": "seen", "alert_id": frame["alert"]["id"]}))
        [told] = frames(socket, 1, "drill")
        assert 0 < told["drill"]["seen_on_screen_s"] < 10
        assert 0 < told["drill"]["raised_s"] <= told["drill"]["seen_on_screen_s"]
        with served.socket(client) as second:
            [snapshot] = frames(second, 1, "snapshot")
            assert [each["id"] for each in snapshot["drills"]] == [drill["id"]]
    listed = client.get("/api/drills", params={"institution_id": world.home}).json()["items"]
    assert [each["id"] for each in listed] == [drill["id"]]
    assert client.get(f"/api/drills/{drill['id']}").json()["seen_on_screen_s"] == told["drill"]["seen_on_screen_s"]
    shown = next(each for each in client.get("/api/institutions").json()["items"] if each["id"] == world.home)
    assert shown["state"] == "normal"  # a drill does not make a home look as if on fire


def test_drills_and_checks_stay_within_the_scope(served: Served):
    world = served.world
    head = as_person(served, "head", Role.INSTITUTION_MANAGER, world.home)
    other = as_person(served, "other", Role.INSTITUTION_MANAGER, world.station)
    desk = as_person(served, "desk", Role.OPERATOR, world.home)
    with served.socket(other) as socket:
        frames(socket, 1, "snapshot")
        assert desk.post("/api/drills", json={"institution_id": world.home}).status_code == 403
        assert other.post("/api/drills", json={"institution_id": world.home}).status_code == 404
        drill = head.post("/api/drills", json={"institution_id": world.home}).json()
        check = served.client().post("/api/duty-checks", json={"institution_id": world.home}).json()
        assert other.get(f"/api/drills/{drill['id']}").status_code == 404
        assert other.get("/api/drills", params={"institution_id": world.home}).status_code == 404
        assert other.get("/api/drills").json()["items"] == []
        assert other.get("/api/duty-checks").json()["items"] == []
        assert other.post(f"/api/duty-checks/{check['id']}/answer").status_code == 404
        socket.send(json.dumps({"type": "seen", "alert_id": drill["id"]}))  # not theirs to have seen
        with pytest.raises(TimeoutError):
            frames(socket, 1, "drill", timeout_s=1.5)
    assert desk.get(f"/api/drills/{drill['id']}").json()["seen_on_screen_s"] is None
    assert desk.get("/api/drills/00000000-0000-4000-8000-000000000000").status_code == 404


def test_a_duty_check_is_called_answered_and_told(served: Served):
    world = served.world
    desk = as_person(served, "desk", Role.OPERATOR, world.home)
    assert desk.post("/api/duty-checks", json={"institution_id": world.home}).status_code == 403
    with served.socket(desk) as socket:
        frames(socket, 1, "snapshot")
        boss = served.client()
        assert (
            boss.post("/api/duty-checks", json={"institution_id": world.home, "answer_within_s": 5}).status_code == 422
        )
        check = boss.post("/api/duty-checks", json={"institution_id": world.home, "note": "夜班"}).json()
        [called] = frames(socket, 1, "duty_check")
        assert called["check"] == check
        assert (check["state"], check["called_by"]) == ("open", "user:admin")
        with served.socket(desk) as second:
            assert frames(second, 1, "snapshot")[0]["duty_checks"] == [check]
        assert boss.post("/api/duty-checks", json={"institution_id": world.home}).status_code == 409
        answered = desk.post(f"/api/duty-checks/{check['id']}/answer").json()
        assert (answered["state"], answered["answered_by"]) == ("answered", "user:desk")
        assert frames(socket, 1, "duty_check")[0]["check"] == answered
    assert desk.post(f"/api/duty-checks/{check['id']}/answer").status_code == 409
    assert desk.post("/api/duty-checks/999/answer").status_code == 404
    assert desk.get("/api/duty-checks").json()["items"] == [answered]


def test_an_alert_says_when_it_flaps(served: Served):
    world, client = served.world, served.client()
    onset = datetime.now(UTC)
    for _ in range(3):
        record = world.say(Verb.RAISE, 0, Kind.GAS, onset_at=onset)
        world.say(Verb.CLEAR, 0, Kind.GAS, onset_at=onset)
    told = client.get(f"/api/alerts/{record.id}").json()["flapping"]
    assert (told["flapping"], told["reason"], told["change_count"]) == (True, "often", 6)
    assert "最近 10 分钟" in told["text_zh"]


def test_after_an_outage_what_is_open_is_told_again(served: Served):
    world, client = served.world, served.client()
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        with world.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'anhu desk'"
                " AND datname = current_database()"
            )
        answer = client.post("/api/duty-checks", json={"institution_id": world.home})
        assert answer.status_code == 201
        until(lambda: frames(socket, 1, "duty_check")[0]["check"]["id"] == answer.json()["id"])
