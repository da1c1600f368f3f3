"""Gateways' own topics, from the broker to the alert: homes with a Zigbee gateway, a LoRaWAN network, an edge node."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.subscribeoptions import SubscribeOptions

from anhu.roles import now_us
from ingest import store
from ingest.database import connect
from ingest.errors import RegistryFileInvalid
from ingest.formats import sparkplug
from ingest.mqtt import Source, session_name
from ingest.reading import to_us
from ingest.route_file import parse
from ingest.settings import PipelineSettings
from tests.integration.test_redelivery import role
from tests.integration.world import Devices, S, World, native, paho_client, pipeline
from tests.unit.test_edge_node import BOOLEAN, INT64, NO, YES, metric, payload
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

HOMES = 5  # one a test: they share a database
HOME = """
[[institution]]
code = "home-{0}"
name = "安和养老院 {0}"
kind = "nursing_home"
[[institution.zone]]
code = "kitchen"
name = "厨房"
kind = "kitchen"
[[institution.zone.device]]
code = "kit-smk-{0}"
name = "厨房烟感"
address = "厨房 烟感"
kind = "smoke"
report_interval_s = 14400
quantities = ["smoke_alarm", "battery", "alive"]
[[institution.zone.device]]
code = "kit-gas-{0}"
name = "厨房燃气"
address = "AC:1F:09:FF:FE:0B:12:34"
kind = "gas"
report_interval_s = 3600
quantities = ["gas_alarm", "battery"]
"""
ROUTES_FILE = """
[[route]]
topic = "homes/{institution}/zigbee2mqtt/{device}/availability"
format = "zigbee2mqtt_availability"
[[route]]
topic = "homes/{institution}/zigbee2mqtt/{device}"
format = "zigbee2mqtt"
[[route]]
topic = "application/{institution}/device/{device}/event/up"
format = "chirpstack_up"
names = { alarm_state = "gas_alarm" }
[[route]]
topic = "spBv1.0/{institution}/{device*}"
format = "sparkplug"
"""
ROUTES = parse(ROUTES_FILE)


class Home:
    """One of the homes, and what is in the database of it."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.database_url = world.database_url
        self.toml = HOME.format(number)
        self.code = f"home-{number}"
        self.smoke, self.gas = f"kit-smk-{number}", f"kit-gas-{number}"
        self.zigbee = f"homes/{self.code}/zigbee2mqtt"
        self.smoke_topic = f"{self.zigbee}/厨房 烟感"
        self.gas_topic = f"application/{self.code}/device/ac1f09fffe0b1234/event/up"

    def events(self, kind: str) -> list[tuple[Any, ...]]:
        """(verb, rule, when its condition began) of the event log."""
        return self.world.rows(
            "SELECT verb, rule, onset_at FROM alert_events e JOIN institutions i ON i.id = e.institution_id"
            " WHERE code = %s AND e.kind = %s ORDER BY e.id", self.code, kind,
        )  # fmt: skip

    def reasons(self) -> dict[str, int]:
        """Its dead letters by reason."""
        found = self.world.rows(
            "SELECT reason, count(*) FROM dead_letters WHERE topic LIKE %s GROUP BY 1", f"%/{self.code}/%"
        )
        return dict(found)  # type: ignore[arg-type]

    def unclaimed(self) -> int:
        """How many of its things are unclaimed."""
        return self.world.count("unclaimed_devices", "institution = %s", self.code)

    def values(self, device: str, quantity: str) -> list[float]:
        """What is stored of a point."""
        return [value for _, value in self.world.readings(device, quantity)]


def smoke(at_us: int | None, *, alarm: bool = True) -> bytes:
    state = {"smoke": alarm, "battery": 97, "linkquality": 120, "battery_low": None}
    return json.dumps(state if at_us is None else {**state, "last_seen": at_us // 1000}).encode()


def uplink(at_us: int, state: str) -> bytes:
    at = datetime.fromtimestamp(at_us / S, UTC).isoformat()
    event = {"deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": at, "object": {"alarm_state": state}}
    return json.dumps(event).encode()


@pytest.fixture(scope="module")
def homes(shared_database_url: str) -> Iterator[Home]:
    world = World(shared_database_url, "".join(HOME.format(number) for number in range(1, HOMES + 1)))
    return iter([Home(world, number) for number in range(1, HOMES + 1)])


@pytest.fixture
def home(homes: Iterator[Home]) -> Home:
    return next(homes)


def test_a_smoke_alarm_behind_a_gateway_raises_the_alert(home: Home, session_url: str) -> None:
    at = now_us() // 1000 * 1000 - 2 * S
    with pipeline(home.database_url, session_url, routes=ROUTES) as running, Devices(session_url) as devices:
        devices.say(f"{home.smoke_topic}/availability", b'{"state":"online"}')
        devices.say(f"{home.smoke_topic}/availability", b'{"state":"offline"}')
        devices.say(home.smoke_topic, smoke(at))
        devices.say(home.smoke_topic, smoke(at))  # a second copy
        devices.say(home.gas_topic, uplink(at, "alarm"))
        devices.say(home.gas_topic, uplink(at, "alarm"))
        devices.say(f"{home.zigbee}/bridge/state", b"online")  # on no topic we asked for
        devices.say(home.smoke_topic, smoke(at + S))
        running.took(7)
    measured = datetime.fromtimestamp(at / S, UTC)
    assert home.events("fire") == [("raise", "fire.smoke.contact", measured)]
    assert home.events("gas") == [("raise", "gas.contact", measured)]
    fires = home.world.rows(
        "SELECT priority, active FROM alerts a JOIN institutions i ON i.id = institution_id"
        " WHERE a.kind = 'fire' AND code = %s", home.code,
    )  # fmt: skip
    assert fires == [("critical", True)]
    assert home.world.readings(home.smoke, "smoke_alarm") == [(measured, 1.0), (measured + timedelta(seconds=1), 1.0)]
    assert home.values(home.smoke, "alive") == [1.0, 0.0]
    alive = home.world.point(home.smoke, "alive")
    with connect(home.database_url) as connection:
        heard = dict(store.last_heard(connection, measured - timedelta(hours=1)))
    ((online, delay_ms),) = home.world.rows(
        "SELECT measured_at, delay_ms FROM readings WHERE value = 1 AND point_id = %s", alive
    )
    assert heard[alive] == to_us(online) + delay_ms * 1000  # and not when it was lost
    assert home.values(home.gas, "gas_alarm") == [1.0]
    assert (home.reasons(), home.unclaimed()) == ({}, 0)


def test_what_the_broker_has_kept_is_no_news(home: Home, mqtt_url: str, session_url: str) -> None:
    """A retained alarm: not asked for; and where a broker sends it all the same, as of the time it bears, or not at
    all."""
    undated, dated = f"anhu/v1/{home.code}/{home.smoke}/readings", home.gas_topic
    at = now_us() - 3600 * S
    with Devices(mqtt_url) as devices:
        try:
            devices.say(undated, native({"smoke_alarm": 1}), retain=True)
            devices.say(dated, uplink(at, "alarm"), retain=True)
            devices.settle()
            end_of_old_session(mqtt_url)
            with pipeline(home.database_url, session_url, routes=ROUTES) as running:
                devices.say(home.smoke_topic, smoke(None, alarm=False))
                running.took(1)
                assert (home.values(home.smoke, "smoke_alarm"), home.values(home.gas, "gas_alarm")) == ([0.0], [])
                # As from a broker that does not know how not to send it.
                running.source._client.subscribe(
                    [(topic, SubscribeOptions(qos=1, retainHandling=0)) for topic in (undated, dated)]
                )
                running.took(3)
                wait_until(lambda: home.events("gas"), "the dated state is judged")
        finally:
            devices.say(undated, b"", retain=True)
            devices.say(dated, b"", retain=True)
            devices.settle()
    assert home.events("fire") == []
    assert home.reasons() == {"retained_undated": 1}
    assert home.events("gas") == [("raise", "gas.contact", datetime.fromtimestamp(at / S, UTC))]


def end_of_old_session(mqtt_url: str) -> None:
    """Take what was published for the session before this test looks, so that only the broker's copy is left."""
    with closing(Source(mqtt_url, session_name(mqtt_url), PipelineSettings(), now_us)) as source:
        source.open()
        wait_until(lambda: source.waiting_count, "what was published as it happened has come")
        source.ack(source.take(count_max=100, age_ms_max=1, wait_s=1))


def test_an_edge_node_nobody_has_seen_is_asked_for_its_births(home: Home, mqtt_url: str, session_url: str) -> None:
    node = f"spBv1.0/{home.code}"
    home.world.register(home.toml.replace("厨房 烟感", "gw-1/smk"))
    asked: list[tuple[str, bytes]] = []
    client, address = paho_client(mqtt_url, "test-edge-node")
    client.on_message = lambda _client, _data, message: asked.append((message.topic, message.payload))
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        wait_until(client.is_connected, "the edge node is connected")
        subscribed: list[object] = []
        client.on_subscribe = lambda *_: subscribed.append(1)
        client.subscribe(f"{node}/NCMD/gw-1")
        wait_until(lambda: subscribed, "the edge node hears commands")
        with pipeline(home.database_url, session_url, routes=ROUTES) as running, Devices(session_url) as devices:
            devices.say(f"{node}/DDATA/gw-1/smk", payload(metric(value=YES, datatype=BOOLEAN, alias=2), seq=7))
            wait_until(lambda: asked, "its births are asked for")
            at_ms = now_us() // 1000
            devices.say(f"{node}/NBIRTH/gw-1", payload(metric("bdSeq", 0, INT64), seq=0, at_ms=at_ms))
            smoke_metric = metric("smoke", YES, BOOLEAN, alias=2, at_ms=at_ms)
            devices.say(f"{node}/DBIRTH/gw-1/smk", payload(smoke_metric, seq=1, at_ms=at_ms))
            after = metric(value=NO, datatype=BOOLEAN, alias=2, at_ms=at_ms + 1)
            devices.say(f"{node}/DDATA/gw-1/smk", payload(after, seq=2, at_ms=at_ms + 1))
            running.took(5)  # the request too, which is passed over
    finally:
        client.disconnect()
        client.loop_stop()
    ((topic, command),) = asked
    assert topic == f"{node}/NCMD/gw-1"
    told = sparkplug.decode(command)
    assert isinstance(told, sparkplug.Payload)
    assert [(each.name, each.value) for each in told.metrics] == [("Node Control/Rebirth", True)]
    assert home.events("fire")[0][:2] == ("raise", "fire.smoke.contact")  # after 30 s it is over, on a slow machine
    assert home.values(home.smoke, "smoke_alarm") == [1.0, 0.0]
    assert home.reasons() == {"alias_unknown": 1}


def test_the_service_reads_what_its_routes_file_names_and_no_more(home: Home, session_url: str, tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES_FILE)
    with Devices(session_url) as devices:
        with role(home.world, session_url, ANHU_PIPELINE_ROUTES=str(file)) as running:
            devices.say(home.smoke_topic, smoke(None, alarm=False))
            wait_until(lambda: home.values(home.smoke, "smoke_alarm"), "the routed message is stored")
            assert running.stop() == 0
        with role(home.world, session_url):  # the session stands, and the topic is given back
            devices.say(home.smoke_topic, smoke(None, alarm=False))
            devices.report(home.smoke, {"smoke_alarm": 0}, home=home.code)
            wait_until(lambda: len(home.values(home.smoke, "smoke_alarm")) == 2, "our own topic is read")
    assert home.reasons() == {}


def test_an_address_is_one_device(home: Home) -> None:
    smoke_address, gas_address = "厨房 烟感", "AC:1F:09:FF:FE:0B:12:34"
    swapped = (
        home.toml.replace(smoke_address, "x").replace(gas_address, smoke_address).replace('"x"', f'"{gas_address}"')
    )
    home.world.register(swapped)  # the two for each other's
    found = "SELECT address FROM devices WHERE code = ANY(%s) ORDER BY code"
    codes = [home.gas, home.smoke]
    assert home.world.rows(found, codes) == [(smoke_address,), ("ac1f09fffe0b1234",)]
    unsaid = "\n".join(line for line in swapped.splitlines() if not line.startswith("address"))
    home.world.register(unsaid)  # which leaves them as they are
    third = swapped[: swapped.rindex("[[institution.zone.device]]")].replace(home.smoke, "kit-smk-x")
    with pytest.raises(RegistryFileInvalid, match=f"ac1f09fffe0b1234 is that of device {home.smoke} already"):
        home.world.register(third)
    assert home.world.count("devices", "code = 'kit-smk-x'") == 0
    assert home.world.rows(found, codes) == [(smoke_address,), ("ac1f09fffe0b1234",)]
