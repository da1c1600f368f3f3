"""Gateways' own topics, from the broker to the alert: one home with a Zigbee gateway and a LoRaWAN network."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from paho.mqtt.subscribeoptions import SubscribeOptions

from anhu.roles import now_us
from ingest import store
from ingest.database import connect
from ingest.errors import RegistryFileInvalid
from ingest.formats import sparkplug
from ingest.mqtt import Source, Subscriptions
from ingest.reading import to_us
from ingest.route_file import parse
from ingest.settings import PipelineSettings
from tests.integration.world import SHARD_CLIENT, Devices, S, World, native, paho_client, pipeline
from tests.unit.test_edge_node import BOOLEAN, INT64, NO, YES, metric, payload
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

HOME = """
[[institution]]
code = "home-1"
name = "安和养老院"
kind = "nursing_home"
[[institution.zone]]
code = "kitchen"
name = "厨房"
kind = "kitchen"
[[institution.zone.device]]
code = "kit-smk-1"
name = "厨房烟感 1"
address = "厨房 烟感"
kind = "smoke"
report_interval_s = 14400
quantities = ["smoke_alarm", "battery", "alive"]
[[institution.zone.device]]
code = "kit-gas-1"
name = "厨房燃气 1"
address = "AC:1F:09:FF:FE:0B:12:34"
kind = "gas"
report_interval_s = 3600
quantities = ["gas_alarm", "battery"]
"""
ROUTES = parse("""
[[route]]
topic = "zigbee2mqtt/{device}/availability"
format = "zigbee2mqtt_availability"
institution = "home-1"
[[route]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
institution = "home-1"
[[route]]
topic = "application/{institution}/device/{device}/event/up"
format = "chirpstack_up"
names = { alarm_state = "gas_alarm" }
[[route]]
topic = "spBv1.0/{institution}/{device*}"
format = "sparkplug"
""")
SMOKE = "zigbee2mqtt/厨房 烟感"
GAS = "application/home-1/device/ac1f09fffe0b1234/event/up"


def smoke(at_us: int | None, *, alarm: bool = True) -> bytes:
    state = {"smoke": alarm, "battery": 97, "linkquality": 120, "battery_low": None}
    return json.dumps(state if at_us is None else {**state, "last_seen": at_us // 1000}).encode()


def uplink(at_us: int, state: str) -> bytes:
    at = datetime.fromtimestamp(at_us / S, UTC).isoformat()
    event = {"deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": at, "object": {"alarm_state": state}}
    return json.dumps(event).encode()


@pytest.fixture
def home(database_url: str) -> World:
    return World(database_url, HOME)


def test_a_smoke_alarm_behind_a_gateway_raises_the_alert(home: World, session_url: str) -> None:
    at = now_us() // 1000 * 1000 - 2 * S
    with pipeline(home.database_url, session_url, routes=ROUTES) as running, Devices(session_url) as devices:
        devices.say(f"{SMOKE}/availability", b'{"state":"online"}')
        devices.say(f"{SMOKE}/availability", b'{"state":"offline"}')
        devices.say(SMOKE, smoke(at))
        devices.say(SMOKE, smoke(at))  # a second copy
        devices.say(GAS, uplink(at, "alarm"))
        devices.say(GAS, uplink(at, "alarm"))
        devices.say("zigbee2mqtt/bridge/state", b"online")  # on no topic we asked for
        devices.say(SMOKE, smoke(at + S, alarm=False))
        running.took(7)
    measured = datetime.fromtimestamp(at / S, UTC)
    assert home.events("fire") == [("raise", "fire.smoke.contact")]
    (fire,) = home.alerts("fire")
    assert (fire["priority"], fire["onset_at"], fire["active"]) == ("critical", measured, True)
    assert home.events("gas") == [("raise", "gas.contact")]
    assert home.readings("kit-smk-1", "smoke_alarm") == [(measured, 1.0), (measured + timedelta(seconds=1), 0.0)]
    assert [value for _, value in home.readings("kit-smk-1", "alive")] == [1.0, 0.0]
    with connect(home.database_url) as connection:
        heard = dict(store.last_heard(connection, measured - timedelta(hours=1)))
    ((online, delay_ms),) = home.rows("SELECT measured_at, delay_ms FROM readings WHERE value = 1 AND point_id = %s",
                                      home.point("kit-smk-1", "alive"))  # fmt: skip
    assert heard[home.point("kit-smk-1", "alive")] == to_us(online) + delay_ms * 1000  # and not when it was lost
    assert len(home.readings("kit-gas-1", "gas_alarm")) == 1
    assert (home.reasons(), home.count("unclaimed_devices")) == ({}, 0)


def test_what_the_broker_has_kept_is_no_news(home: World, mqtt_url: str, session_url: str) -> None:
    """A retained alarm: not asked for; and where a broker sends it all the same, as of the time it bears, or not at
    all."""
    undated, dated = "anhu/v1/home-1/kit-smk-1/readings", GAS
    at = now_us() - 3600 * S
    with Devices(mqtt_url) as devices:
        try:
            devices.say(undated, native({"smoke_alarm": 1}), retain=True)
            devices.say(dated, uplink(at, "alarm"), retain=True)
            devices.settle()
            end_of_old_session(mqtt_url)
            with pipeline(home.database_url, session_url, routes=ROUTES) as running:
                devices.say(SMOKE, smoke(None, alarm=False))
                running.took(1)
                assert (home.count("readings"), home.events("fire"), home.events("gas")) == (2, [], [])
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
    (gas,) = home.alerts("gas")
    assert gas["onset_at"] == datetime.fromtimestamp(at / S, UTC)


def end_of_old_session(mqtt_url: str) -> None:
    """Take what was published for the session before this test looks, so that only the broker's copy is left."""
    with closing(Source(mqtt_url, SHARD_CLIENT, PipelineSettings(), now_us)) as source:
        source.open()
        wait_until(lambda: source.waiting_count, "what was published as it happened has come")
        source.ack(source.take(count_max=100, age_ms_max=1, wait_s=1))


def test_an_edge_node_nobody_has_seen_is_asked_for_its_births(home: World, mqtt_url: str, session_url: str) -> None:
    node = "spBv1.0/home-1"
    home.register(HOME.replace("厨房 烟感", "gw-1/smk"))
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
    assert home.events("fire") == [("raise", "fire.smoke.contact")]
    assert [value for _, value in home.readings("kit-smk-1", "smoke_alarm")] == [1.0, 0.0]
    assert home.reasons() == {"alias_unknown": 1}


def test_a_topic_that_no_route_names_any_more_is_given_back(home: World, session_url: str) -> None:
    with pipeline(home.database_url, session_url, routes=ROUTES) as running, Devices(session_url) as devices:
        devices.say(SMOKE, smoke(None, alarm=False))
        running.took(1)
    noted = Subscriptions(ROUTES.subscriptions).all()
    former = Subscriptions.after(("anhu/v1/#",), noted).former
    with pipeline(home.database_url, session_url, former=former) as running, Devices(session_url) as devices:
        devices.say(SMOKE, smoke(None, alarm=False))
        devices.report("kit-smk-1", {"smoke_alarm": 0})
        running.took(1)
    assert home.reasons() == {}


def test_an_address_is_one_device(home: World) -> None:
    renamed = (
        HOME.replace("厨房 烟感", "x")
        .replace("AC:1F:09:FF:FE:0B:12:34", "厨房 烟感")
        .replace('"x"', '"ac1f09fffe0b1234"')
    )
    home.register(renamed)  # the two for each other's
    assert home.rows("SELECT code, address FROM devices ORDER BY code") == [
        ("kit-gas-1", "厨房 烟感"), ("kit-smk-1", "ac1f09fffe0b1234"),
    ]  # fmt: skip
    third = renamed[: renamed.rindex("[[institution.zone.device]]")].replace("kit-smk-1", "kit-smk-2")
    with pytest.raises(RegistryFileInvalid, match="ac1f09fffe0b1234 is that of device kit-smk-1 already"):
        home.register(third)
    assert home.count("devices") == 2
    with connect(home.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM devices WHERE address = ''").fetchone() == (0,)
