"""Bad input through a real broker: each piece gets its reason and is counted, and nothing beside it is lost."""

import json
import os

import pytest

from ingest.settings import PipelineSettings
from tests.integration.world import Devices, World, native, pipeline
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SMOKE = "anhu/v1/home-1/kit-smk-1/readings"
SENML = "anhu/v1/home-1/kit-smk-1/senml"
LONG = json.dumps({"values": {"temperature": 20}, "padding": "x" * 1_048_000}).encode()

# (topic, payload, the reasons it is refused for)
BAD = [
    (SMOKE, b"", ["bad_json"]),
    (SMOKE, b"{", ["bad_json"]),
    (SMOKE, b'{"values": {"temperature": 21.5}', ["bad_json"]),
    (SMOKE, b"\x00\xff\xfe\x80binary", ["bad_json"]),
    (SMOKE, os.urandom(4096), ["bad_json"]),
    (SMOKE, b"[" * 50_000, ["bad_json"]),
    (SMOKE, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, ["bad_json"]),
    (SMOKE, b"NaN" + b"[" * 50_000, ["bad_json"]),
    (SMOKE, "\ufeff{}".encode("utf-16"), ["bad_json"]),
    (SMOKE, b"null", ["bad_shape"]),
    (SMOKE, b"[]", ["bad_shape"]),
    (SMOKE, b'{"values": {}}', ["bad_shape"]),
    (SMOKE, b'{"values": [1, 2]}', ["bad_shape"]),
    (SMOKE, b'{"temperature": 21.5}', ["bad_shape"]),
    (SMOKE, native({"temperature": "warm"}), ["bad_type"]),
    (SMOKE, native({"temperature": None, "battery": [9]}), ["bad_type", "bad_type"]),
    (SMOKE, b'{"values": {"temperature": NaN}}', ["not_finite"]),
    (SMOKE, b'{"values": {"temperature": -Infinity}}', ["not_finite"]),
    (SMOKE, b'{"values": {"temperature": NaN, "battery": 1' + b"0" * 400 + b"}}", ["not_finite", "not_finite"]),
    (SMOKE, b'{"measured_at": "yesterday", "values": {"temperature": 21.5}}', ["bad_time"]),
    (SMOKE, b'{"measured_at": "2026-11-22T01:02:03", "values": {"temperature": 21.5}}', ["bad_time"]),
    (SMOKE, b'{"measured_at": {}, "values": {"temperature": 21.5}}', ["bad_time"]),
    (SMOKE, b'{"measured_at": 1e300, "values": {"temperature": 21.5}}', ["bad_time"]),
    (SMOKE, b'{"measured_at": NaN, "values": {"temperature": 21.5}}', ["bad_time"]),
    (SMOKE, b'{"measured_at": "9999-12-31T23:59:59Z", "values": {"temperature": 21.5}}', ["future"]),
    (SMOKE, b'{"measured_at": 99999999999, "values": {"temperature": 21.5}}', ["future"]),
    (SMOKE, b'{"measured_at": 0, "values": {"temperature": 21.5, "battery": 5}}', ["ancient", "ancient"]),
    (SMOKE, b'{"measured_at": -62135596800, "values": {"temperature": 21.5}}', ["ancient"]),
    (SMOKE, b'{"measured_at": "0001-01-01T00:00:00Z", "values": {"temperature": 21.5}}', ["ancient"]),
    (SMOKE, native({"smell": 5}), ["quantity_unknown"]),
    (SMOKE, b'{"values": {"\\ud800": 5, "x": NaN}}', ["quantity_unknown", "not_finite"]),
    (SMOKE, b'{"values": {"a\\u0000b": 5}}', ["quantity_unknown"]),
    (SMOKE, LONG, ["too_large"]),
    (SENML, LONG, ["too_large"]),
    (SENML, b"{}", ["bad_shape"]),
    (SENML, b'[{"n":"temperature","u":"ppm","v":20}]', ["unit_mismatch"]),
    (SENML, b'[{"n":"temperature","u":"Cel","v":20,"must_":1}]', ["bad_shape"]),
    (SENML, b'[{"n":"temperature","vs":"warm"}]', ["bad_type"]),
    (SENML, b'[{"bv":1e308,"n":"temperature","v":1e308}]', ["not_finite"]),
    ("anhu/v1/home-1/senml", b'[{"n":"temperature","v":20}]', ["bad_shape"]),
    ("anhu/v1/home-1/kit-smk-1/firmware", b"{}", ["topic_unknown"]),
    ("anhu/v1/home-1", b"{}", ["topic_unknown"]),
    ("anhu/v1//kit-smk-1/readings", b"{}", ["topic_unknown"]),
    ("anhu/v1/" + "a/" * 100, b"{}", ["topic_unknown"]),
    ("anhu/v1/" + "长" * 20_000, b"{}", ["topic_unknown"]),
    (f"anhu/v1/{'h' * 300}/{'d' * 300}/readings", native({"co": 1}), ["topic_unknown"]),
]  # fmt: skip
# (topic, payload, what is listed: institution, device, quantity, reason)
UNCLAIMED = [
    ("anhu/v1/nowhere/x-1/readings", native({"co": 1}), ("nowhere", "x-1", "", "institution_unknown")),
    ("anhu/v1/home-1/x-2/readings", native({"co": 1, "gas": 2}), ("home-1", "x-2", "", "device_unknown")),
    ("anhu/v1/home-1/烟感 1/readings", native({"co": 1}), ("home-1", "烟感 1", "", "device_unknown")),
    ("anhu/v1/home-1/senml", b'[{"n":"x-3/co","v":1}]', ("home-1", "x-3", "", "device_unknown")),
    (SMOKE, native({"co": 1}), ("home-1", "kit-smk-1", "co", "quantity_unregistered")),
]  # fmt: skip


def counted(reasons: list[list[str]]) -> dict[str, int]:
    flat = [reason for each in reasons for reason in each]
    return {reason: flat.count(reason) for reason in set(flat)}


def test_everything_bad_has_its_reason_and_every_good_reading_is_there(world: World, session_url: str) -> None:
    messages = [(topic, payload) for topic, payload, _ in BAD + UNCLAIMED]
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        for number, (topic, payload) in enumerate(messages):
            devices.report("bed-smk-1", {"temperature": number})
            devices.say(topic, payload)
        devices.report("bed-smk-1", {"temperature": len(messages)})
        running.took(2 * len(messages) + 1)
    assert [value for _, value in world.readings("bed-smk-1", "temperature")] == list(range(len(messages) + 1))
    of_fast_clocks = [reasons for _, _, reasons in BAD].count(["future"])  # these count as of their arrival
    assert world.count("readings") == len(messages) + 1 + of_fast_clocks
    expected = counted([reasons for _, _, reasons in BAD])
    assert world.reasons() == expected
    assert world.totals() == expected
    listed = world.rows("SELECT institution, device, quantity, reason FROM unclaimed_devices")
    assert sorted(listed) == sorted(each for _, _, each in UNCLAIMED)
    assert world.rows("SELECT max(length(payload)), max(payload_bytes) FROM dead_letters") == [(2048, len(LONG))]


def test_good_values_beside_bad_ones_of_the_same_message_are_kept(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.say(SMOKE, b'{"values": {"temperature": 21.5, "smoke_obscuration": NaN, "battery": "full", "co": 1}}')
        devices.say(SMOKE, b'[{"values": {"battery": 90}}, 7, {"measured_at": 0, "values": {"battery": 91}}]')
        devices.say(
            "anhu/v1/home-1/senml", b'[{"n":"bed-co-1/co","u":"ppb","v":5000},{"n":"bed-co-1/co","t":-9,"v":"x"}]'
        )
        running.took(3)
    assert [value for _, value in world.readings("kit-smk-1", "temperature")] == [21.5]
    assert [value for _, value in world.readings("kit-smk-1", "battery")] == [90]
    assert [value for _, value in world.readings("bed-co-1", "co")] == [5]
    assert world.reasons() == {"not_finite": 1, "bad_type": 2, "bad_shape": 1, "ancient": 1}
    assert world.count("unclaimed_devices") == 1


def test_a_reading_no_working_sensor_can_send_is_kept_marked_and_not_judged(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        for value in (-200, 1e300, -1e300, 1401):
            devices.report("bed-smk-1", {"temperature": value})
        running.took(4)
    assert world.count("readings", "quality = 1") == world.count("readings") == 4
    assert world.events() == []


def test_made_up_names_fill_neither_the_list_nor_the_disk(world: World, session_url: str) -> None:
    settings = PipelineSettings(unclaimed_kept_max=50, dead_letters_kept_max=100)
    with pipeline(world.database_url, session_url, settings) as running, Devices(session_url) as devices:
        for number in range(500):
            devices.say(f"anhu/v1/home-1/made-up-{number}/readings", native({"co": 1}))
        devices.report("bed-co-1", {"co": 3})
        running.took(501)
        wait_until(lambda: world.totals().get("unclaimed_full") == 450, "all of them are counted")
        running.pipeline._pruned_us = 0  # a minute has passed
        wait_until(lambda: world.count("dead_letters") == 100, "the oldest are dropped")
    assert world.count("unclaimed_devices") == 50
    assert world.totals() == {"unclaimed_full": 450}
    assert len(world.readings("bed-co-1", "co")) == 1


def test_one_message_that_cannot_be_stored_is_set_aside_alone(
    world: World, session_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest import store  # the pipeline's own name for it

    original = store.store_readings

    def picky(connection, batch):
        if (batch.value == 13).any():
            connection.execute("SELECT 1 / 0")
        return original(connection, batch)

    monkeypatch.setattr(store, "store_readings", picky)
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        for value in range(30):
            devices.report("bed-smk-1", {"temperature": value})
        running.took(30)
    assert [value for _, value in world.readings("bed-smk-1", "temperature")] == [x for x in range(30) if x != 13]
    assert world.reasons() == {"store_refused": 1}
    assert world.rows("SELECT detail FROM dead_letters") == [("DivisionByZero: division by zero",)]


def test_a_decoder_that_fails_costs_its_own_message(
    world: World, session_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.formats import FORMATS

    def broken(payload, device, received_at_us):
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(FORMATS, "senml", broken)
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.say(SENML, b"[]")
        devices.report("bed-smk-1", {"temperature": 20})
        running.took(2)
    assert world.reasons() == {"decoder_failed": 1}
    assert world.count("readings") == 1
