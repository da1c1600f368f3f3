"""The first steps over the API and the command line, from a database with nobody's institution, beside the real broker:
each is done when the data say so, and the account that is handed out speaks for its institution only."""

from typing import Any

import psycopg
import pytest

from alerting.people import Role, Scope
from anhu import broker_access, runtime
from anhu.broker_control import Control
from anhu.gateway_accounts import GatewayAccounts
from dashboard import auth
from tests.commands import anhu, environment
from tests.integration.dashboard_world import World, serve, sign_in
from tests.integration.people_world import add_user
from tests.integration.test_broker_sync import Account
from tests.integration.world import Devices, pipeline
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

HOME = {"code": "first", "name": "第一养老院", "name_en": "", "kind": "nursing_home", "region": "220322"}


@pytest.fixture
def admin_url(services: runtime.Services, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANHU_ADMIN_MQTT_URL", services.admin_mqtt_url)
    yield services.admin_mqtt_url
    with Control(services.admin_mqtt_url) as control:  # the broker is the whole run's
        commands = broker_access.changes({}, control.listed("clients"), control.listed("roles")).commands
        control.carry_out(commands, lambda: "", lambda *_: None)


def test_each_step_is_done_when_the_data_say_so(
    database_url: str, services: runtime.Services, session_url: str, admin_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        password = auth.seed_administrator(connection)
    assert password is not None
    world = World(database_url, password, 0, 0, 0, 0, (), {})
    env = environment(ANHU_DATABASE_URL=database_url, ANHU_MQTT_URL=services.mqtt_url, ANHU_LANG="en")
    gateways = GatewayAccounts({"ANHU_DEVICE_MQTT_URL": "mqtts://device:secret@broker.example:8883"})
    with (
        serve(world, gateways=gateways) as served,
        pipeline(database_url, session_url),
        Devices(session_url) as devices,
    ):
        client = served.client()

        def steps() -> dict[str, Any]:
            return client.get("/api/first-steps").json()

        def missing() -> dict[str, str | None]:
            return {each["step"]: each["missing"] for each in steps()["steps"]}

        assert missing() == {
            "institution": "no_institution", "zones": "no_zone", "connect": "nothing_heard", "device": "not_registered",
            "alarm": "not_tried", "people": "nobody",
        }  # fmt: skip
        assert "secret" not in client.get("/api/first-steps").text
        shown = anhu("first-steps", "show", env=env)
        assert (shown.returncode, shown.stdout.count("–")) == (1, 6), shown.stderr

        assert client.post("/api/institutions", json=HOME | {"region": "22"}).status_code == 422
        home = client.post("/api/institutions", json=HOME).json()["id"]
        assert client.post("/api/institutions", json=HOME).status_code == 409
        url = f"/api/institutions/{home}"
        kitchen = {"code": "kitchen-1", "name": "厨房", "kind": "kitchen"}
        assert client.post(f"{url}/zones", json=kitchen | {"kind": "attic"}).status_code == 422
        zone = client.post(f"{url}/zones", json=kitchen).json()["id"]
        assert client.post(f"{url}/zones", json=kitchen).status_code == 409
        assert (missing()["institution"], missing()["zones"]) == (None, None)

        broker = steps()["broker"]
        assert broker == {
            "managed": True, "host": "broker.example", "port": 8883, "tls": True, "user": "gateway-first",
            "topic": "anhu/v1/first/",
        }  # fmt: skip
        made = client.post(f"{url}/gateway", json={})
        assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store"), made.text
        again = client.post(f"{url}/gateway", json={}).json()
        assert (again["user"], again["password"]) == ("gateway-first", "")
        renewed = client.post(f"{url}/gateway", json={"renew": True}).json()["password"]
        assert renewed not in ("", made.json()["password"])
        mqtt_url = services.mqtt_url.replace(f"//{_login(services.mqtt_url)}@", f"//gateway-first:{renewed}@")
        with Account(mqtt_url, "first") as gateway:
            assert gateway.may_say("anhu/v1/first/smk-1/readings")
            assert not gateway.may_say("anhu/v1/other/smk-1/readings")

        # The gateway's own words first say what is wrong with them.
        devices.report("smk-1", {"smoke_alarm": 0}, home="frist")
        wait_until(lambda: steps()["stranger"], "a message for nobody's institution is seen")
        heard = wait_until(lambda: steps()["heard_count"] and missing(), "the gateway is heard")
        assert (heard["connect"], heard["device"]) == (None, "not_registered")
        claimed = client.post(
            f"{url}/devices",
            json={"heard": "smk-1", "code": "smk-1", "zone_id": zone, "name": "厨房烟感", "kind": "smoke",
                  "report_interval_s": 60, "quantities": ["co"]},
        )  # fmt: skip
        assert claimed.status_code == 201, claimed.text
        assert missing()["device"] == "silent"

        def reports() -> bool:
            devices.report("smk-1", {"co": 1}, home="first")
            return missing()["device"] is None

        wait_until(reports, "the device reports", every_s=0.2)

        sent = client.post(f"{url}/trial", json={"device_id": claimed.json()["id"]}).json()
        assert (sent["kind"], sent["reach"], missing()["alarm"]) == ("fire", "screen", "under_way")
        assert client.post(f"{url}/trial", json={}).status_code == 409
        with world.connect() as connection:
            connection.execute("UPDATE drills SET shown_at = clock_timestamp()")  # as a page says that has drawn it
            assert missing()["alarm"] is None
            with connection.transaction():
                add_user(connection, "desk", Role.OPERATOR, Scope(home))
            assert missing()["people"] == "no_contact"
            connection.execute(
                "INSERT INTO contacts (person_id, channel, address) SELECT id, 'webhook', 'https://example.org/x'"
                " FROM persons WHERE role = 'operator'"
            )
        assert steps()["complete"]
        shown = anhu("first-steps", "show", env=env)
        assert (shown.returncode, shown.stdout.count("✓")) == (0, 6), shown.stderr

        # Another one by the command line; it is the newest then.
        by = ("--by", "王工")
        added = anhu(
            "first-steps", "institution", "second", "二院", "--kind", "other", "--region", "220322", *by, env=env
        )
        assert (added.returncode, added.stdout.strip()) == (0, str(steps()["institution"]["id"])), added.stderr
        assert anhu("first-steps", "zone", "second", "k", "厨房", "--kind", "kitchen", *by, env=env).returncode == 0
        assert missing()["zones"] is None
        assert client.get(f"/api/first-steps?institution_id={home}").json()["complete"]
        with world.connect() as connection:
            acts = connection.execute("SELECT verb, actor FROM acts ORDER BY id").fetchall()
        done = [each for each in acts if each[0] in ("add_institution", "add_zone", "make_gateway", "renew_gateway")]
        assert done == [
            ("add_institution", "user:admin"), ("add_zone", "user:admin"), ("make_gateway", "user:admin"),
            ("renew_gateway", "user:admin"), ("add_institution", "cli:王工"), ("add_zone", "cli:王工"),
        ]  # fmt: skip
        assert made.json()["password"] not in str(acts)


def test_a_broker_that_is_not_kept_from_here_is_left_alone(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://anhu:x@127.0.0.1:1")
    accounts = GatewayAccounts({"ANHU_DATA_DIR": "/nonexistent"})
    with psycopg.connect(database_url) as connection:
        password = auth.seed_administrator(connection)
    assert password is not None
    with serve(World(database_url, password, 0, 0, 0, 0, (), {}), gateways=accounts) as served:
        client = served.client()
        home = client.post("/api/institutions", json=HOME).json()["id"]
        shown = client.get("/api/first-steps").json()["broker"]
        assert (shown["managed"], shown["host"], shown["user"]) == (False, None, "gateway-first")
        refused = client.post(f"/api/institutions/{home}/gateway", json={})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:anhu:problem:broker-refused")
        # A broker that is away is no reason to say more than that.
        monkeypatch.setenv("ANHU_ADMIN_MQTT_URL", "mqtt://anhu-admin:geheim@127.0.0.1:1")
        assert client.get("/api/first-steps").json()["broker"]["managed"] is True
        away = client.post(f"/api/institutions/{home}/gateway", json={})
        assert (away.status_code, "geheim" in away.text) == (409, False)
        officer = served.client(signed_in=False)
        with psycopg.connect(database_url) as connection:
            _, word = add_user(connection, "officer", Role.SAFETY_OFFICER, Scope(home))
        sign_in(officer, word, "officer").raise_for_status()
        assert officer.get("/api/first-steps").status_code == 403
        assert officer.post("/api/institutions", json=HOME).status_code == 403


def _login(url: str) -> str:
    return url.partition("//")[2].partition("@")[0]
