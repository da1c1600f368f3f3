"""Keeping alarms quiet over HTTP, and what open pages hear of it: silence, and the call afterwards, also by time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.alert import Kind, Priority, Verb
from tests.integration.dashboard_world import frames, serve
from tests.integration.people_world import Two, build_two

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
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def shared_served(shared_two):
    with serve(shared_two.world) as running:
        yield running


def wanted(two: Two, means: str = "shelve", *, minutes: float = 20, **more: Any) -> dict[str, Any]:
    until_at = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "means": means, "institution_id": two.world.home, "reason": "换电池", "until_at": until_at.isoformat(), **more
    }  # fmt: skip


def test_pages_fall_silent_and_call_again(two: Two, served):
    client = two.client(served, "operator")
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        begun = client.post("/api/suppressions", json=wanted(two, device_id=two.world.devices[0])).json()
        assert begun["device"]["id"] == two.world.devices[0]
        assert (begun["reason"], begun["actor"], begun["ended_at"]) == ("换电池", "user:operator", None)
        [silent] = frames(socket, 1, "quiet")
        assert silent["institution_id"] == two.world.home
        [told] = silent["alerts"]
        assert (told["id"], told["quiet"], told["quiet_until"]) == (str(two.own_alert.id), "shelved", begun["until_at"])
        shown = client.get("/api/alerts").json()["items"][0]
        assert (shown["quiet"], shown["quiet_until"]) == ("shelved", begun["until_at"])
        with served.socket(client) as later:
            assert frames(later, 1, "snapshot")[0]["alerts"][0]["quiet"] == "shelved"
        ended = client.post(f"/api/suppressions/{begun['id']}/end")
        assert ended.status_code == 200
        assert frames(socket, 1, "quiet")[0]["alerts"][0]["quiet"] is None
        assert client.post(f"/api/suppressions/{begun['id']}/end").status_code == 409
        assert client.get(f"/api/alerts/{two.own_alert.id}").json()["quiet"] is None
    with two.world.connect() as connection:
        acts = connection.execute(
            "SELECT actor, verb FROM acts WHERE subject = %s ORDER BY id", (f"suppression:{begun['id']}",)
        ).fetchall()
    assert acts == [("user:operator", "suppress"), ("user:operator", "end_suppression")]


def test_time_alone_begins_and_ends_a_suppression(two: Two, served):
    client = two.client(served, "safety_officer")
    now = datetime.now(UTC)
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        planned = {
            **wanted(two, "maintenance", zone_id=two.world.kitchen),
            "from_at": (now + timedelta(seconds=1.5)).isoformat(),
            "until_at": (now + timedelta(seconds=3)).isoformat(),
        }
        assert client.post("/api/suppressions", json=planned).status_code == 201
        assert client.get("/api/alerts").json()["items"][0]["quiet"] is None
        [begun] = frames(socket, 1, "quiet")
        assert datetime.now(UTC) - now < timedelta(seconds=2.5)
        assert begun["alerts"][0]["quiet"] == "maintenance"
        [over] = frames(socket, 1, "quiet")
        assert timedelta(seconds=2.9) < datetime.now(UTC) - now < timedelta(seconds=4)
        assert over["alerts"][0] == {"id": str(two.own_alert.id), "quiet": None, "quiet_until": None}


def test_a_shelved_fire_that_is_raised_again_breaks_through(two: Two, served):
    client = two.client(served, "operator")
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        client.post("/api/suppressions", json=wanted(two, alert_kind="fire")).raise_for_status()
        assert frames(socket, 1, "quiet")[0]["alerts"][0]["quiet"] == "shelved"
        time.sleep(0.01)
        onset_at = two.own_alert.onset_at
        two.world.say(Verb.CLEAR, onset_at=onset_at, latching=True)
        two.world.say(Verb.RAISE, onset_at=onset_at, latching=True)
        cleared, raised = frames(socket, 2)
        assert raised["alert"]["quiet"] is None
        assert cleared["alert"]["id"] == raised["alert"]["id"] == str(two.own_alert.id)


def test_a_certain_fire_hides_the_early_warning_beside_it_until_it_is_over(two: Two, served):
    client = two.client(served, "operator")
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        early = two.world.say(Verb.RAISE, 1, priority=Priority.HIGH)  # in the kitchen, where the own alert burns
        assert frames(socket, 1)[0]["alert"]["quiet"] == "confirmed_fire"
        assert client.get(f"/api/alerts/{early.id}").json()["quiet"] == "confirmed_fire"
        two.world.say(Verb.CLEAR, onset_at=two.own_alert.onset_at, latching=True)
        [calls] = frames(socket, 1, "quiet")
        assert calls["alerts"] == [{"id": str(early.id), "quiet": None, "quiet_until": None}]


def test_a_power_cut_hides_the_devices_it_silences(two: Two, served):
    client = two.client(served, "operator")
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        silent = two.world.say(Verb.RAISE, 1, Kind.OFFLINE, priority=Priority.MEDIUM)
        assert frames(socket, 1)[0]["alert"]["quiet"] is None
        cut = two.world.say(Verb.RAISE, 0, Kind.POWER_LOSS, priority=Priority.HIGH)
        [hidden] = frames(socket, 1, "quiet")
        assert hidden["alerts"] == [{"id": str(silent.id), "quiet": "power_loss", "quiet_until": None}]
        assert client.get(f"/api/alerts/{silent.id}").json()["quiet"] == "power_loss"
        two.world.say(Verb.CLEAR, 0, Kind.POWER_LOSS, priority=Priority.HIGH, onset_at=cut.onset_at)
        [calls] = frames(socket, 1, "quiet")
        assert calls["alerts"] == [{"id": str(silent.id), "quiet": None, "quiet_until": None}]


@pytest.mark.parametrize(
    ("username", "change", "status"),
    [
        ("operator", {"minutes": 29}, 201),
        ("operator", {"minutes": 31}, 422),  # everything, and so life safety
        ("operator", {"minutes": 31, "alert_kind": "co"}, 422),
        ("operator", {"minutes": 24 * 60 - 1, "alert_kind": "low_battery"}, 201),
        ("operator", {"minutes": 24 * 60 + 1, "alert_kind": "low_battery"}, 422),
        ("operator", {"means": "maintenance"}, 403),
        ("operator", {"means": "out_of_service"}, 403),
        ("expert", {}, 403),
        ("safety_officer", {"means": "maintenance", "minutes": 30 * 24 * 60 - 1}, 201),
        ("safety_officer", {"means": "maintenance", "minutes": 30 * 24 * 60 + 1}, 422),
        ("safety_officer", {"minutes": -1}, 422),
        ("safety_officer", {"reason": ""}, 422),
        ("safety_officer", {"zone_id": 9999}, 404),
        ("safety_officer", {"device_id": 9999}, 404),
        ("safety_officer", {"from_at": "2020-01-01T00:00:00Z"}, 422),
    ],
)
def test_limits_and_rights(shared_two: Two, shared_served, username, change, status):
    two = shared_two
    means = change.pop("means", "shelve")
    answer = two.client(shared_served, username).post("/api/suppressions", json=wanted(two, means, **change))
    assert answer.status_code == status, answer.text
    if change.get("minutes", 0) > 0 and status == 422:
        assert answer.json()["limit_s"] in {1800, 86_400, 30 * 86_400}
        assert answer.json()["type"] == "urn:anhu:problem:suppression-too-long"


def test_a_place_of_another_institution_is_not_there(two: Two, served):
    client = two.client(served, "safety_officer")
    for foreign in ({"zone_id": two.far_zone}, {"device_id": two.far_device}):
        assert client.post("/api/suppressions", json=wanted(two, **foreign)).status_code == 404
    other_zone = {"device_id": two.world.devices[0], "zone_id": two.world.bedroom}
    assert client.post("/api/suppressions", json=wanted(two, **other_zone)).status_code == 422


def test_alerts_of_another_institution_stay_loud(two: Two, served):
    admin = served.client()
    admin.post("/api/suppressions", json=wanted(two)).raise_for_status()
    quiet = {each["id"]: each["quiet"] for each in admin.get("/api/alerts").json()["items"]}
    assert quiet == {
        str(two.own_alert.id): "shelved", str(two.far_alert.id): None, str(two.self_alert.id): None
    }  # fmt: skip
    low = two.world.say(Verb.RAISE, 3, Kind.LOW_BATTERY, priority=Priority.LOW)
    assert admin.get(f"/api/alerts/{low.id}").json()["quiet"] == "shelved"
