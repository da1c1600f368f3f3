"""What gateways send: Zigbee2MQTT, ChirpStack, radars. Payloads named "published" are those of their documentation, or
of logs that their users have made public, with times of ours where none was given."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import Refusal
from ingest.formats import chirpstack, properties, radar, zigbee2mqtt
from ingest.formats.properties import PROPERTIES_MAX
from ingest.reading import Decoded, Sample, to_us

S = 1_000_000
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NOW_US = to_us(NOW)


def values(decoded: Decoded) -> dict[str, float]:
    return {each.quantity: each.value for each in decoded.samples}


def z2m(state: object, names: dict[str, str] | None = None) -> Decoded:
    return zigbee2mqtt.decode(json.dumps(state).encode(), "d1", NOW_US, names or {})


@pytest.mark.parametrize(
    ("published", "said"),
    [
        # https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
        ({"temperature": 27.34, "humidity": 44.72}, {"temperature": 27.34, "humidity": 44.72}),
        ({"action": "single"}, {"sos": 1}),
        ({"occupancy": True}, {"occupancy": 1}),
        # a Heiman smoke detector, with include_device_information
        (
            {"smoke": True, "linkquality": 134,
             "device": {"ieeeAddr": "0x005043c95333194d", "type": "EndDevice", "powerSource": "Battery",
                        "status": "offline"}},
            {"smoke_alarm": 1},
        ),
        ({"battery": 78.43, "linkquality": 55, "smoke": False, "battery_low": False},
         {"battery": 78.43, "smoke_alarm": 0, "battery_low": 0}),
        # a water leak sensor whose battery is told as text
        ({"battery": "100.00", "voltage": 3035, "linkquality": 107, "water_leak": False},
         {"battery": 100, "water_leak": 0}),
        # the documentation's exposes of TS0601_gas, JY-GZ-01AQ, HS1CA-E, ZMS-102, TS0215A, _TZE200_lu01t0zl
        ({"gas": True, "gas_value": 12.5, "self_test": "checking", "preheat": False}, {"gas_alarm": 1, "gas": 12.5}),
        ({"smoke": False, "smoke_density": 2, "smoke_density_dbm": 0.088, "selftest": "", "buzzer": None},
         {"smoke_alarm": 0, "smoke_obscuration": 0.088}),
        ({"carbon_monoxide": False, "battery_low": True, "tamper": True},
         {"co_alarm": 0, "battery_low": 1, "tamper": 1}),
        ({"carbon_monoxide": True, "co": 87}, {"co_alarm": 1, "co": 87}),
        ({"occupancy": False, "battery": 100, "sensitivity": "high", "keep_time": "30"},
         {"occupancy": 0, "battery": 100}),
        ({"action": "emergency", "battery": 100, "linkquality": 66}, {"sos": 1, "battery": 100}),
        ({"presence": True, "fall_down_status": "maybe_fall", "motion_speed": 3}, {"occupancy": 1, "fall": 0}),
        ({"presence": True, "fall_down_status": "fall"}, {"occupancy": 1, "fall": 1}),
        ({"sos": True, "vibration": True}, {"sos": 1, "vibration": 1}),
    ],
)  # fmt: skip
def test_published_states_of_zigbee2mqtt(published: dict[str, object], said: dict[str, float]) -> None:
    decoded = z2m(published)
    assert values(decoded) == said
    assert decoded.rejections == []
    assert {each.measured_at_us for each in decoded.samples} == {NOW_US}


@pytest.mark.parametrize(
    "action", ["", None, "release", "hold_release", "rotate_left", "arm_all_zones", "on", "off", 7]
)
def test_not_every_action_is_a_call(action: object) -> None:
    assert values(z2m({"action": action, "battery": 50})) == {"battery": 50}


@pytest.mark.parametrize("action", ["single", "1_single", "button_2_hold", "double_left", "sos", "panic", "emergency"])
def test_a_press_is_a_call(action: str) -> None:
    assert values(z2m({"action": action})) == {"sos": 1}


@pytest.mark.parametrize(
    "last_seen", ["2026-11-22T07:59:30.000Z", "2026-11-22T15:59:30+08:00", (NOW_US - 30 * S) // 1000]
)  # ISO_8601, ISO_8601_local, epoch
def test_last_seen_is_when_it_was_measured(last_seen: object) -> None:
    decoded = z2m({"smoke": True, "last_seen": last_seen})
    assert decoded.samples == [Sample("d1", "smoke_alarm", NOW_US - 30 * S, 1.0)]


def test_an_alarm_is_not_lost_to_a_clock() -> None:
    decoded = z2m({"smoke": True, "last_seen": "just now"})
    assert decoded.samples == [Sample("d1", "smoke_alarm", NOW_US, 1.0)]
    assert [each.reason for each in decoded.rejections] == [Refusal.BAD_TIME]


def test_what_the_gateway_takes_back_itself_is_later_than_what_it_took_back() -> None:
    seen = "2026-11-22T07:59:00Z"
    moved = z2m({"occupancy": True, "battery": 90, "last_seen": seen}).samples
    still = z2m({"occupancy": False, "battery": 90, "last_seen": seen}).samples
    assert [each.measured_at_us for each in moved] == [NOW_US - 60 * S] * 2
    assert [(each.quantity, each.measured_at_us) for each in still] == [
        ("occupancy", NOW_US), ("battery", NOW_US - 60 * S),
    ]  # fmt: skip


def test_a_message_without_anything_known_is_a_sign_of_life() -> None:
    assert values(z2m({"linkquality": 40, "state": "ON", "battery": None})) == {"alive": 1}


def test_good_properties_are_kept_beside_bad_ones() -> None:
    decoded = z2m({"smoke": "perhaps", "temperature": "warm", "humidity": float("nan"), "battery": 3})
    assert values(decoded) == {"battery": 3}
    assert [(each.reason, each.detail.split(":")[0]) for each in decoded.rejections] == [
        (Refusal.BAD_TYPE, "smoke"), (Refusal.BAD_TYPE, "temperature"), (Refusal.NOT_FINITE, "humidity"),
    ]  # fmt: skip


def test_names_of_a_route_come_before_those_known() -> None:
    state = {"alarm_state": "alarm", "battery": 20, "env": {"t": 21.5}}
    found = z2m(state, {"alarm_state": "smoke_alarm", "battery": "", "env.t": "temperature"})
    assert values(found) == {"smoke_alarm": 1, "temperature": 21.5}


def test_of_two_properties_the_alarm_counts() -> None:
    assert values(z2m({"smoke": False, "smoke_state": "alarm"})) == {"smoke_alarm": 1}
    assert values(z2m({"smoke_state": "alarm", "smoke": False})) == {"smoke_alarm": 1}
    assert values(z2m({"battery": 80, "battery_level": 20})) == {"battery": 80}


def test_a_message_is_read_to_a_bound() -> None:
    found = properties.read({**{f"p{n}": n for n in range(PROPERTIES_MAX)}, "smoke": True})
    assert found.values == {}
    assert [each.reason for each in found.rejections] == [Refusal.TOO_LARGE]
    deep: dict[str, object] = {"smoke": True}
    for _ in range(2000):
        deep = {"a": deep}
    assert properties.read(deep).values == {}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"", "bad_json"), (b"online", "bad_json"), (b"[]", "bad_shape"), (b"{}", "bad_shape"), (b'"x"', "bad_shape")],
)
def test_what_is_no_state(payload: bytes, reason: str) -> None:
    decoded = zigbee2mqtt.decode(payload, "d1", NOW_US)
    assert (decoded.samples, [each.reason.value for each in decoded.rejections]) == ([], [reason])


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"state":"online"}', {"alive": 1}), (b"online", {"alive": 1}), (b'"online"', {"alive": 1}),
        (b'{"state":"offline"}', {"alive": 0}), (b"offline", {"alive": 0}),
    ],
)  # fmt: skip
def test_availability(payload: bytes, said: dict[str, float]) -> None:
    decoded = zigbee2mqtt.decode_availability(payload, "d1", NOW_US)
    assert (values(decoded), decoded.rejections) == (said, [])


def test_availability_that_says_neither() -> None:
    for payload in (b"", b"maybe", b"{", b'{"state": 1}', b"[]"):
        assert zigbee2mqtt.decode_availability(payload, "d1", NOW_US).rejections


# https://www.chirpstack.io/docs/chirpstack/integrations/events.html; the object is ours, there is none in it.
UP = """
{"deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2022-07-18T09:34:15.775023242+00:00",
 "deviceInfo": {"tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "ChirpStack",
  "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97", "applicationName": "Test application",
  "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad", "deviceProfileName": "Test device-profile",
  "deviceName": "Test device", "devEui": "0101010101010101", "tags": {"key": "value"}},
 "devAddr": "00189440", "dr": 1, "fPort": 1, "data": "qg==",
 "rxInfo": [{"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5, "context": "E3OWOQ==",
  "metadata": {"region_name": "eu868", "region_common_name": "EU868"}}],
 "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 11,
  "codeRate": "CR_4_5"}}}}
"""
UP_US = to_us(datetime(2022, 7, 18, 9, 34, 15, 775023, tzinfo=UTC))
STATUS = """
{"deduplicationId": "a0047d3f-b432-4400-8ef8-ed8fad4c9025", "time": "2025-03-07T08:16:15.688878229+00:00",
 "deviceInfo": {"tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "ChirpStack",
  "applicationId": "acb57b95-2c39-486e-a8e7-724d4d6343ac", "deviceName": "node-01", "devEui": "9620853c959b5856",
  "deviceClassEnabled": "CLASS_C", "tags": {}},
 "margin": 10, "externalPowerSource": false, "batteryLevelUnavailable": false, "batteryLevel": 100}
"""


def uplink(values: object, **changed: object) -> bytes:
    return json.dumps({**json.loads(UP), "object": values, **changed}).encode()


def test_the_published_uplink_has_no_object() -> None:
    decoded = chirpstack.decode_up(UP.encode(), None, NOW_US)
    assert decoded.samples == []
    assert "codec" in decoded.rejections[0].detail


def test_an_uplink_with_what_the_codec_made_of_it() -> None:
    payload = uplink({"battery": 97, "smoke_status": "alarm", "temperature": 24.1, "humidity": 58, "uptime": 12})
    decoded = chirpstack.decode_up(payload, None, NOW_US)
    assert decoded.samples == [
        Sample("0101010101010101", "battery", UP_US, 97.0),
        Sample("0101010101010101", "smoke_alarm", UP_US, 1.0),
        Sample("0101010101010101", "temperature", UP_US, 24.1),
        Sample("0101010101010101", "humidity", UP_US, 58.0),
    ]
    assert decoded.rejections == []


def test_copies_of_one_uplink_are_the_same_readings() -> None:
    once, again = (chirpstack.decode_up(uplink({"battery": 97}), "e", at) for at in (NOW_US, NOW_US + 5 * S))
    assert once.samples == again.samples


def test_a_codec_in_words_of_its_own_needs_names() -> None:
    payload = uplink({"leakSensor": {"1": 1}, "TempC_SHT": 21.5})
    (told,) = chirpstack.decode_up(payload, "e", NOW_US).rejections
    assert "leakSensor, TempC_SHT" in told.detail
    named = chirpstack.decode_up(payload, "e", NOW_US, {"leakSensor.1": "water_leak", "TempC_SHT": "temperature"})
    assert values(named) == {"water_leak": 1, "temperature": 21.5}


def test_the_published_status() -> None:
    (sample,) = chirpstack.decode_status(STATUS.encode(), None, NOW_US).samples
    at = datetime(2025, 3, 7, 8, 16, 15, 688878, tzinfo=UTC)
    assert sample == Sample("9620853c959b5856", "battery", to_us(at), 100.0)


@pytest.mark.parametrize(
    "changed",
    [{"batteryLevelUnavailable": True}, {"externalPowerSource": True, "batteryLevel": 0}, {"batteryLevel": None}],
)
def test_a_status_without_a_battery_is_a_sign_of_life(changed: dict[str, object]) -> None:
    decoded = chirpstack.decode_status(json.dumps({**json.loads(STATUS), **changed}).encode(), "e", NOW_US)
    assert values(decoded) == {"alive": 1}


def test_an_event_names_its_device_and_its_time() -> None:
    assert chirpstack.decode_up(uplink({"battery": 1}), "of-the-topic", NOW_US).samples[0].device == "of-the-topic"
    nobody = chirpstack.decode_up(uplink({"battery": 1}, deviceInfo={}), None, NOW_US)
    assert [each.reason for each in nobody.rejections] == [Refusal.BAD_SHAPE]
    assert chirpstack.decode_up(uplink({"battery": 1}, time=None), None, NOW_US).samples[0].measured_at_us == NOW_US
    odd = chirpstack.decode_up(uplink({"smoke": True}, time="noon"), None, NOW_US)
    assert ([each.measured_at_us for each in odd.samples], len(odd.rejections)) == ([NOW_US], 1)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"event": "fall"}, {"fall": 1}),
        ({"event": "fall_over"}, {"fall": 0}),
        ({"event": "on_floor"}, {"on_floor": 1}),
        ({"event": "got_up"}, {"on_floor": 0, "fall": 0}),
        ({"event": "present"}, {"occupancy": 1}),
        ({"event": "absent"}, {"occupancy": 0}),
        ({"presence": True, "on_floor": False, "fall": False}, {"occupancy": 1, "on_floor": 0, "fall": 0}),
        ({"presence": True, "event": "fall", "fall": False}, {"occupancy": 1, "fall": 1}),
    ],
)
def test_radar(message: dict[str, object], said: dict[str, float]) -> None:
    at = (NOW - timedelta(seconds=2)).isoformat()
    decoded = radar.decode(json.dumps({"measured_at": at, **message}).encode(), "r1", NOW_US)
    assert values(decoded) == said
    assert {each.measured_at_us for each in decoded.samples} == {NOW_US - 2 * S}
    assert decoded.rejections == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [({}, "bad_shape"), ([], "bad_shape"), ({"event": "dance"}, "bad_shape"), ({"fall": 3}, "bad_type"),
     ({"event": "fall", "measured_at": "now"}, "bad_time")],
)  # fmt: skip
def test_radar_refuses(message: object, reason: str) -> None:
    decoded = radar.decode(json.dumps(message).encode(), "r1", NOW_US)
    assert (decoded.samples, [each.reason.value for each in decoded.rejections]) == ([], [reason])
