"""Claiming over the API, beside a running pipeline: what was heard is listed with what it sent, registered in one step,
and stored and judged from its next message on; by whom is on record."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from alerting.escalation import CHINA
from alerting.people import Role, Scope
from tests.integration.dashboard_world import Served, build, serve, sign_in
from tests.integration.people_world import add_user
from tests.integration.world import Devices, World, pipeline
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def served(database_url: str):
    with serve(build(database_url)) as running:
        yield running


class _Looking(World):
    """A look into the database of the dashboard's world."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url


def test_what_is_heard_is_claimed_in_one_step_and_judged_from_then_on(served: Served, session_url: str) -> None:
    world, looking = served.world, _Looking(served.world.database_url)
    with world.connect() as connection, connection.transaction():
        _, password = add_user(connection, "officer", Role.SAFETY_OFFICER, Scope(world.home))
    officer = served.client(signed_in=False)
    sign_in(officer, password, "officer").raise_for_status()
    url = f"/api/institutions/{world.home}"

    def heard() -> dict[str, dict[str, Any]]:
        return {each["device"]: each for each in officer.get(f"{url}/unclaimed").json()["items"]}

    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("new-1", {"temperature": 21.5, "battery": 80})
        devices.report("new-1", {"smoke_alarm": 0})
        devices.report("smk-0", {"humidity": 40})
        devices.report("neu 1", {"co": 1})
        devices.report("far-1", {"co": 1}, home="station-1")
        running.took(5)
        shown = heard()
        assert set(shown) == {"new-1", "smk-0", "neu 1"}
        new = shown["new-1"]
        assert (new["device_id"], new["claimable"], new["suggested_kind"], new["message_count"]) == (
            None,
            True,
            "smoke",
            2,
        )
        assert {each["quantity"]: each["last_value"] for each in new["quantities"]} == {
            "battery": None, "smoke_alarm": 0.0, "temperature": None,
        }  # fmt: skip
        known = shown["smk-0"]
        assert (known["device_id"], known["name"], [each["quantity"] for each in known["quantities"]]) == (
            world.devices[0], "烟感 0", ["humidity"],
        )  # fmt: skip
        assert (shown["neu 1"]["claimable"], shown["neu 1"]["suggested_code"]) == (True, "")

        wanted = {
            "heard": "new-1", "code": "new-1", "zone_id": world.bedroom, "name": "卧室新烟感", "kind": "smoke",
            "report_interval_s": 3600,
            "quantities": ["smoke_alarm", "temperature"],
        }  # fmt: skip
        for wrong, status in (
            ({"zone_id": 2**31 - 1}, 422), ({"kind": "toaster"}, 422), ({"quantities": ["noise"]}, 422),
            ({"heard": "nobody"}, 404), ({"heard": "neu 1", "code": "neu 1"}, 422), ({"code": "smk-0"}, 409),
            ({"more": 1}, 422),
        ):  # fmt: skip
            assert officer.post(f"{url}/devices", json=wanted | wrong).status_code == status, wrong
        made = officer.post(f"{url}/devices", json=wanted)
        assert made.status_code == 201, made.text
        assert (made.json()["zone_id"], made.json()["state"]) == (world.bedroom, "normal")
        assert officer.post(f"{url}/devices", json=wanted).status_code == 409
        named = {"heard": "neu 1", "code": "neu-1", "name": "一氧化碳", "kind": "co", "quantities": ["co"]}
        assert officer.post(f"{url}/devices", json=wanted | named).status_code == 201
        more = f"{url}/devices/{world.devices[0]}/quantities"
        assert officer.post(more, json={"quantities": ["gas"]}).status_code == 404  # it was never heard to say that
        assert officer.post(more, json={"quantities": ["humidity"]}).status_code == 200
        assert heard() == {}
        everywhere = served.client().get("/api/unclaimed").json()["items"]
        places = {each["device"]: each["institution_id"] for each in everywhere}
        assert places == {"far-1": world.station}

        def stored() -> bool:
            devices.report("new-1", {"smoke_alarm": 1})
            devices.report("smk-0", {"humidity": 41})
            devices.report("neu 1", {"co": 2})
            points = ("new-1", "smoke_alarm"), ("smk-0", "humidity"), ("neu-1", "co")
            return all(looking.readings(*each) for each in points)

        wait_until(stored, "what is registered is stored", every_s=0.2)
        wait_until(
            lambda: any(
                each["device"] and each["device"]["code"] == "new-1"
                for each in officer.get("/api/alerts").json()["items"]
            ),
            "and judged",
        )
        wait_until(lambda: not heard(), "nothing of it is unclaimed any more")

    # Its dates, and which tests are due; a day is one of China's.
    today = datetime.now(CHINA).date()
    dates = f"{url}/devices/{made.json()['id']}/dates"

    def dated(installed_on: date | None, test_due_on: date | None) -> int:
        body = {
            name: each and each.isoformat()
            for name, each in (("installed_on", installed_on), ("test_due_on", test_due_on))
        }
        return officer.put(dates, json=body).status_code

    def due(query: str = "", client: httpx.Client = officer) -> list[tuple[str, int]]:
        items = client.get(f"/api/devices/tests-due{query}").json()["items"]
        return [(each["device"]["code"], each["days_left"]) for each in items]

    assert dated(today, today - timedelta(days=1)) == 422
    assert dated(today - timedelta(days=400), today - timedelta(days=2)) == 200
    assert due() == due(f"?institution_id={world.home}") == due("?days=0") == [("new-1", -2)]
    assert dated(None, today + timedelta(days=31)) == 200
    assert (due(), due("?days=31")) == ([], [("new-1", 31)])
    assert officer.get(f"/api/devices/tests-due?institution_id={world.station}").status_code == 404
    assert due(f"?institution_id={world.station}&days=99", served.client()) == []
    [shown] = [each for zone in officer.get(url).json()["zones"] for each in zone["devices"] if each["code"] == "new-1"]
    assert (shown["installed_on"], shown["test_due_on"]) == (None, (today + timedelta(days=31)).isoformat())
    assert (
        officer.put(f"{url}/devices/{2**31 - 1}/dates", json={"installed_on": None, "test_due_on": None}).status_code
        == 404
    )
    changes = looking.rows("SELECT body->>'test_due_on' FROM acts WHERE verb = 'set_device_dates' ORDER BY id")
    assert changes == [((today + timedelta(days=each)).isoformat(),) for each in (-2, 31)]
    acts = looking.rows("SELECT actor, verb, subject, body->>'code' FROM acts WHERE verb LIKE 'claim%%' ORDER BY id")
    assert acts == [
        ("user:officer", "claim_device", f"device:{made.json()['id']}", "new-1"),
        ("user:officer", "claim_device", acts[1][2], "neu-1"),
        ("user:officer", "claim_quantities", f"device:{world.devices[0]}", "smk-0"),
    ]
