"""Institutions, devices and the service's own state over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from alerting.alert import Kind, Priority, Source, Verb
from tests.integration.dashboard_world import Served, build, minutes_ago, outage, serve, until

pytestmark = pytest.mark.integration


@pytest.fixture
def served(database_url):
    with serve(build(database_url), pulse_s=0.1) as running:
        yield running


def test_the_worst_institution_comes_first(served: Served):
    world, client = served.world, served.client()
    quiet = client.get("/api/institutions").json()
    assert [(each["code"], each["state"]) for each in quiet["items"]] == [("home-1", "normal"), ("station-1", "normal")]
    assert (quiet["total"], quiet["items"][0]["device_count"], quiet["items"][1]["device_count"]) == (2, 4, 0)
    world.say(Verb.RAISE, 0, Kind.LOW_BATTERY, priority=Priority.LOW)
    world.say(Verb.RAISE, 1, Kind.OFFLINE, priority=Priority.MEDIUM)
    world.say(Verb.RAISE, kind=Kind.SOS, source=Source(world.station, None, None))
    first, second = client.get("/api/institutions").json()["items"]
    assert (first["code"], first["state"], first["open_alerts"]["critical"]) == ("station-1", "alarm", 1)
    assert (second["code"], second["state"], second["offline_count"]) == ("home-1", "warning", 1)
    assert second["open_alerts"] == {"critical": 0, "high": 0, "medium": 1, "low": 1, "advisory": 0}


def test_institutions_are_found_by_part_of_a_name_and_paged(served: Served):
    client = served.client()

    def codes(**params):
        answer = client.get("/api/institutions", params=params).json()
        return [each["code"] for each in answer["items"]], answer["total"]

    assert codes(q="养老") == (["home-1"], 1)
    assert codes(q="ANHE") == (["home-1"], 1)
    assert codes(q="station") == (["station-1"], 1)
    assert codes(q="%") == ([], 0)
    assert client.get("/api/institutions", params={"q": "\0"}).status_code == 422  # nothing that is kept has it
    assert codes(limit=1) == (["home-1"], 2)
    assert codes(limit=1, offset=1) == (["station-1"], 2)
    assert codes(offset=2) == ([], 2)


def test_an_institution_with_everything_in_it(served: Served):
    world, client = served.world, served.client()
    long_ago, newest = minutes_ago(3 * 24 * 60), minutes_ago(1)
    smoke = world.points[world.devices[0], "smoke_obscuration"]
    world.add_readings(smoke, [(minutes_ago(2), 0.5), (newest, 0.01)])
    world.add_readings(world.points[world.devices[1], "temperature"], [(long_ago, 21.5)])
    world.add_readings(world.points[world.devices[2], "temperature"], [(newest, -200.0)], quality=1)
    world.say(Verb.RAISE, 1)
    shown = client.get(f"/api/institutions/{world.home}").json()
    assert (shown["code"], shown["state"]) == ("home-1", "alarm")
    assert [(zone["code"], zone["floor"]) for zone in shown["zones"]] == [("kitchen", 1), ("bed-1", 2)]
    kitchen, bedroom = shown["zones"]
    assert [(device["code"], device["state"]) for device in kitchen["devices"]] == [
        ("smk-0", "normal"),
        ("smk-1", "alarm"),
    ]

    def iso(moment: datetime) -> str:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    first = kitchen["devices"][0]
    assert first["points"][0] == {
        "id": smoke,
        "quantity": "smoke_obscuration",
        "unit": "dB/m",
        "last_value": 0.01,
        "last_measured_at": iso(newest),
    }
    assert first["points"][1]["last_value"] is None
    assert first["last_seen_at"] == iso(newest + timedelta(milliseconds=250))
    assert kitchen["devices"][1]["points"][1]["last_value"] == 21.5  # also when it was days ago
    doubtful = bedroom["devices"][0]["points"][1]
    assert (doubtful["last_value"], doubtful["last_measured_at"]) == (None, iso(newest))  # heard of, not believed
    assert bedroom["devices"][1]["last_seen_at"] is None
    assert client.get("/api/institutions/999").status_code == 404


def test_the_service_tells_of_itself(served: Served):
    world, client = served.world, served.client()
    nothing = client.get("/api/system").json()
    assert nothing["pipeline"]["alive"] is False
    assert nothing["pipeline"]["heartbeat_at"] is None
    assert (nothing["edition"], nothing["unclaimed_count"], nothing["readings_last_minute"]) == ("apache", 0, 0)
    with world.connect() as connection:
        connection.execute(
            "INSERT INTO pipeline_heartbeats VALUES (0, now(), now() - interval '1 hour', 1, 10, 1000, 0, 3, 7)"
        )
        connection.execute("INSERT INTO dead_letter_totals VALUES ('bad_json', 2), ('future', 1)")
        connection.execute(
            "INSERT INTO unclaimed_devices VALUES ('x', 'y', '', 'device_unknown', now(), now(), 4, 't', '\\xff41')"
        )
        until(lambda: client.get("/api/system").json()["pipeline"]["alive"])
        connection.execute("UPDATE pipeline_heartbeats SET readings = 1500, at = now()")
    until(lambda: client.get("/api/system").json()["readings_last_minute"] == 500)
    shown = client.get("/api/system").json()
    assert (shown["pipeline"]["lag_ms"], shown["pipeline"]["inbox_count"]) == (7, 3)
    assert shown["dead_letters"] == {"total": 3, "by_reason": {"bad_json": 2, "future": 1}}
    assert shown["unclaimed_count"] == 1
    assert client.get("/api/panels").json() == {"items": []}
    with world.connect() as connection:
        connection.execute(
            "UPDATE devices SET address = 'gb26875/790300000000' WHERE id = (SELECT min(id) FROM devices)"
        )
        connection.execute("INSERT INTO panels VALUES ('790300000000', '2026-11-27 01:02:03Z', -7200, NULL, '')")
    [panel] = client.get("/api/panels").json()["items"]
    assert (panel["address"], panel["heard_at"], panel["clock_ahead_s"], panel["denied_at"]) == (
        "790300000000", "2026-11-27T01:02:03.000Z", -7200, None,
    )  # fmt: skip
    [unclaimed] = client.get("/api/unclaimed").json()["items"]
    assert (unclaimed["device"], unclaimed["reason"], unclaimed["last_payload"]) == ("y", "device_unknown", "\ufffdA")


def test_refused_messages_are_paged_from_the_newest(served: Served):
    world, client = served.world, served.client()
    with world.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO dead_letters (received_at, topic, reason, detail, payload, payload_bytes)"
            " VALUES (%s, 't', 'bad_json', %s, %s, 3)",
            [(datetime.now(UTC), str(number), b"{\xff\x00") for number in range(7)],
        )
    seen, cursor_text = [], None
    for _ in range(10):
        answer = client.get(
            "/api/dead-letters", params={"limit": 3} | ({"cursor": cursor_text} if cursor_text else {})
        ).json()
        seen += [each["detail"] for each in answer["items"]]
        cursor_text = answer["next_cursor"]
        if cursor_text is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert answer["items"][0]["payload"] == "{\ufffd\0"


def test_health_tells_when_the_database_is_gone(served: Served):
    world, client = served.world, served.client()
    assert client.get("/healthz").json() == {"status": "ok", "database": True, "follower": True}
    with outage(world.database_url):
        until(lambda: client.get("/healthz").json() == {"status": "failing", "database": False, "follower": False})
        assert client.get("/healthz").status_code == 503
        answer = client.get("/api/institutions")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:anhu:problem:database-unavailable")
        assert "retry-after" in answer.headers
        assert "anhu_test" not in answer.text
    until(lambda: client.get("/healthz").json()["status"] == "ok")
    until(lambda: client.get("/api/institutions").status_code == 200)
