"""The list of devices over the API: what each needs somebody for, counted within reach and filters; its batteries; and
the list as a registry file that can be imported again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.alert import Kind, Priority, Source, Verb
from alerting.hours import CHINA
from alerting.people import Role, Scope
from ingest import rollup_store
from ingest.registry_file import parse
from tests.integration.dashboard_world import build, serve, sign_in
from tests.integration.people_world import add_user

pytestmark = pytest.mark.integration


def test_devices_are_listed_by_what_they_need_somebody_for(database_url: str) -> None:
    world = build(database_url)
    now = datetime.now(UTC)
    today = now.astimezone(CHINA).date()
    first, second, third, fourth = world.devices
    with world.connect() as connection:
        _, password = add_user(connection, "officer", Role.SAFETY_OFFICER, Scope(world.home))
        connection.execute("UPDATE devices SET test_due_on = %s WHERE id = %s", (today + timedelta(days=30), first))
        connection.execute("UPDATE devices SET test_due_on = %s WHERE id = %s", (today + timedelta(days=31), second))
        connection.execute("UPDATE devices SET name = '=1+1', address = '厨房 烟感' WHERE id = %s", (second,))
        battery = connection.execute(
            "INSERT INTO points (device_id, quantity, unit) VALUES (%s, 'battery', '%%') RETURNING id", (fourth,)
        ).fetchone()
        assert battery is not None
        connection.execute(
            "INSERT INTO unclaimed_devices (institution, device, quantity, reason, first_seen_at, last_seen_at,"
            " message_count, last_topic, last_payload)"
            " VALUES ('station-1', 'new-1', '', 'device_unknown', now(), now(), 1, 't', '')"
        )
        connection.execute(
            "INSERT INTO suppressions (kind, institution_id, zone_id, reason, actor, from_at, until_at) VALUES"
            " ('maintenance', %s, %s, '检修', 'user:x', now() - interval '1 h', now() + interval '1 h'),"
            " ('shelve', %s, %s, '过期', 'user:x', now() - interval '2 h', now() - interval '1 h')",
            (world.home, world.kitchen, world.home, world.bedroom),
        )
    world.say(Verb.RAISE, 0, Kind.OFFLINE, priority=Priority.MEDIUM, at=now - timedelta(hours=2))
    world.say(Verb.RAISE, 1, Kind.OFFLINE, priority=Priority.MEDIUM, at=now - timedelta(hours=3))
    world.say(Verb.CLEAR, 1, Kind.OFFLINE, priority=Priority.MEDIUM, at=now - timedelta(hours=1))  # it is back
    world.say(Verb.RAISE, 2, Kind.LOW_BATTERY, priority=Priority.LOW)
    told = {"text_zh": "读数不变", "text_en": "stuck"}
    world.say(Verb.RAISE, 3, Kind.SENSOR_FAULT, priority=Priority.LOW, evidence=told)
    for hours, percent in ((20 * 24, 50.0), (1, 40.0)):
        world.add_readings(battery[0], [(now - timedelta(hours=hours, minutes=each), percent) for each in range(3)])
    with world.connect() as connection, connection.transaction():
        for hour in (now - timedelta(hours=20 * 24), now - timedelta(hours=1)):
            begin = (hour - timedelta(minutes=3)).replace(minute=0, second=0, microsecond=0)
            connection.execute(
                "INSERT INTO readings_1h SELECT time_bucket('1 hour', measured_at), point_id, count(*), min(value),"
                " max(value), max(value), sum(value), max(measured_at) FROM readings WHERE point_id = %s"
                " AND measured_at >= %s AND measured_at < %s GROUP BY 1, 2",
                (battery[0], begin, begin + timedelta(hours=2)),
            )
        assert rollup_store.progress(connection)

    with serve(world) as served:
        client = served.client()

        def ask(query: str = "") -> dict[str, Any]:
            answer = client.get(f"/api/devices{query}")
            assert answer.status_code == 200, answer.text
            return answer.json()

        def ids(query: str = "") -> list[int]:
            return [each["device"]["id"] for each in ask(query)["items"]]

        whole = ask()
        assert whole["counts"] == {"offline": 1, "low_battery": 1, "sensor_fault": 1, "test_due": 1, "quiet": 2}
        assert (whole["total"], whole["all_count"], whole["unclaimed_count"]) == (4, 4, 1)
        assert ids() == list(world.devices)
        assert (ids("?limit=2&offset=1"), ids("?sort=place&descending=true")) == (
            [second, third],
            [*world.devices][::-1],
        )
        assert ids("?problem=offline") == [first]
        assert ids("?problem=test_due") == [first]
        assert ids("?problem=quiet") == [first, second]
        assert ids("?problem=low_battery") == [third]
        assert (ids(f"?zone_id={world.bedroom}"), ids("?zone_kind=kitchen")) == ([third, fourth], [first, second])
        assert (ids("?q=SMK-3"), ids("?q=烟感 2"), ids("?q=厨房 烟"), ids("?kind=gas")) == (
            [fourth],
            [third],
            [second],
            [],
        )
        narrowed = ask("?zone_kind=bedroom&problem=sensor_fault")
        assert (narrowed["total"], narrowed["all_count"], narrowed["counts"]["offline"]) == (1, 2, 0)
        [fault] = narrowed["items"]
        assert fault["troubles"] == [
            {"kind": "sensor_fault", "since": fault["since"], "whole": False, "text_zh": "读数不变", "text_en": "stuck"}
        ]
        assert (fault["silence"], fault["device"]["state"]) == (None, "warning")
        assert fault["battery"]["percent"] == pytest.approx(40)
        assert fault["battery"]["per_30_days"] == pytest.approx(-15, abs=0.6)  # ten points in twenty days
        days = (datetime.fromisoformat(fault["battery"]["change_by"]).date() - today).days
        assert 46 <= days <= 53  # 25 points to 15 % at half a point a day
        [quiet, _] = ask("?problem=quiet")["items"]
        assert (quiet["silence"]["means"], quiet["silence"]["reason"]) == ("maintenance", "检修")
        assert [each["kind"] for each in quiet["troubles"]] == ["offline"]

        # A silent institution is silent in each of its devices.
        source = Source(world.home, None, None)
        world.say(Verb.RAISE, kind=Kind.OFFLINE, priority=Priority.HIGH, source=source)
        silent = ask("?problem=offline")
        assert (silent["total"], silent["items"][1]["troubles"][0]["whole"]) == (4, True)
        assert silent["items"][1]["device"]["state"] == "offline"

        [heard] = client.get("/api/devices/unclaimed").json()["items"]
        assert (heard["device"], heard["institution"]["id"]) == ("new-1", world.station)

        officer = served.client(signed_in=False)
        sign_in(officer, password, "officer").raise_for_status()
        own = officer.get("/api/devices").json()
        assert (own["total"], own["unclaimed_count"]) == (4, 0)
        assert officer.get(f"/api/devices?institution_id={world.station}").status_code == 404
        assert officer.get(f"/api/devices/registry.csv?institution_id={world.station}").status_code == 404

        file = client.get("/api/devices/registry.csv?zone_kind=kitchen")
        assert file.headers["content-type"].startswith("text/csv")
        draft = parse(file.text, suffix=".csv")
        assert draft.device_count == 2
        exported = draft.institutions["home-1"].zones["kitchen"].devices
        assert (exported["smk-1"].name, exported["smk-1"].address) == ("'=1+1", "厨房 烟感")
        assert set(exported["smk-0"].quantities) == {"smoke_obscuration", "temperature"}
        assert exported["smk-0"].test_due_on == today + timedelta(days=30)
        assert not re.search(r"(^|,)=", file.text, re.MULTILINE)
