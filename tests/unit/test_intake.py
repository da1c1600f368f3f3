"""From messages to columns, purely."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.native import encode
from ingest.intake import REJECTIONS_A_MESSAGE_MAX, Intake, take_in
from ingest.message import PAYLOAD_KEPT_BYTES, Limits, Message, dead_letter
from ingest.reading import GOOD, OUT_OF_RANGE, Rejection
from ingest.registry import Registry
from ingest.route_file import parse
from tests.unit.engine_world import T0, S, point, registry

LIMITS = Limits(payload_bytes_max=2000, future_us_max=60 * S, age_us_max=86_400 * S)
REGISTRY = registry()


def taken(*messages: tuple[str, bytes]) -> Intake:
    return take_in(
        [Message(topic, payload, T0 + row) for row, (topic, payload) in enumerate(messages)], REGISTRY, LIMITS
    )


def native(values: dict[str, float], second: float = 0, device: str = "d1", home: str = "home") -> tuple[str, bytes]:
    return f"anhu/v1/{home}/{device}/readings", encode(T0 + round(second * S), values)


def reasons(intake: Intake) -> list[str]:
    return [letter.reason.value for letter in intake.dead_letters]


def test_columns() -> None:
    intake = taken(native({"temperature": 21.5, "smoke_obscuration": 0.25}, -5), native({"co": 3}, device="d2"))
    batch = intake.readings
    assert batch.point_id.tolist() == [point(1, "temperature"), point(1, "smoke_obscuration"), point(2, "co")]
    assert batch.measured_at_us.tolist() == [T0 - 5 * S, T0 - 5 * S, T0]
    assert batch.received_at_us.tolist() == [T0, T0, T0 + 1]
    assert (batch.value.tolist(), batch.quality.tolist()) == ([21.5, 0.25, 3.0], [GOOD] * 3)
    assert (intake.dead_letters, intake.unclaimed, intake.message_count) == ([], [], 2)
    assert (batch.point_id.dtype, batch.value.dtype, batch.quality.dtype) == (np.int32, np.float32, np.int16)


def test_nothing_makes_an_empty_batch() -> None:
    intake = take_in([], REGISTRY, LIMITS)
    assert (len(intake.readings), intake.message_count) == (0, 0)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (60, None),
        (60.001, "future"),
        (-86_400, None),
        (-86_400.001, "ancient"),
        (10**8, "future"),
        (-(10**9), "ancient"),
    ],
)
def test_the_bounds_of_time_belong_to_the_good_side(second: float, reason: str | None) -> None:
    assert reasons(taken(native({"co": 1}, second))) == ([reason] if reason else [])


@pytest.mark.parametrize(("length", "reason"), [(2000, []), (2001, ["too_large"])])
def test_the_bound_of_size(length: int, reason: list[str]) -> None:
    topic, payload = native({"co": 1})
    assert reasons(taken((topic, payload.ljust(length)))) == reason


def test_an_unknown_topic_is_told_before_its_size() -> None:
    assert reasons(taken(("anhu/v1/x", b"x" * 9999))) == ["topic_unknown"]


@pytest.mark.parametrize(
    ("quantity", "value", "quality"),
    [
        ("temperature", -60.0, GOOD), ("temperature", -60.1, OUT_OF_RANGE), ("temperature", 1400.0, GOOD),
        ("temperature", -200.0, OUT_OF_RANGE), ("battery", 101.0, OUT_OF_RANGE), ("fall", 2.0, OUT_OF_RANGE),
        ("co", -5.0, GOOD), ("co", 1.7e308, OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_what_no_sensor_can_say_is_kept_and_marked(quantity: str, value: float, quality: int) -> None:
    batch = taken(native({quantity: value})).readings
    assert batch.quality.tolist() == [quality]
    assert np.isfinite(batch.value).all()


def test_unregistered_things_are_counted_by_message() -> None:
    intake = taken(
        native({"co": 1, "gas": 2}, device="x"), native({"co": 1}, device="x"), native({"co": 1}, home="elsewhere"),
        native({"humidity": 50}), native({"humidity": 51}),
    )  # fmt: skip
    listed = {(each.institution, each.device, each.quantity): each for each in intake.unclaimed}
    assert {key: (each.reason, each.message_count) for key, each in listed.items()} == {
        ("home", "x", ""): ("device_unknown", 2),
        ("elsewhere", "d1", ""): ("institution_unknown", 1),
        ("home", "d1", "humidity"): ("quantity_unregistered", 2),
    }
    x = listed["home", "x", ""]
    assert (x.first_seen_us, x.last_seen_us, x.last_message.received_at_us) == (T0, T0 + 1, T0 + 1)
    assert intake.dead_letters == []


def test_an_unknown_device_is_listed_whatever_its_clock_says() -> None:
    for second, reason in ((10**8, ["future"]), (-(10**9), [])):
        intake = taken(native({"co": 1}, second, device="x"))
        assert (reasons(intake), len(intake.unclaimed)) == (reason, 1)


def test_one_message_makes_a_bounded_number_of_dead_letters() -> None:
    limits = Limits(10**6, 60 * S, 86_400 * S)
    bad = ("anhu/v1/home/d1/readings", b"[" + b"1," * 5000 + b"1]")
    intake = take_in([Message(*bad, T0), Message(*native({"co": 1}), T0)], REGISTRY, limits)
    assert len(intake.dead_letters) == REJECTIONS_A_MESSAGE_MAX
    assert len(intake.readings) == 1


def test_a_dead_letter_is_cut_and_can_be_stored() -> None:
    message = Message("t\0" * 400, b"\xff" * 5000, T0)
    letter = dead_letter(message, Rejection(reason="bad_json", detail="\ud800\0" + "长" * 900))  # type: ignore[arg-type]
    assert (len(letter.payload), letter.payload_bytes) == (PAYLOAD_KEPT_BYTES, 5000)
    for text in (letter.topic, letter.detail):
        assert "\0" not in text
        text.encode("utf-8")
    assert len(letter.topic) <= 1000
    assert len(letter.detail) <= 501


def test_a_retained_message_is_how_things_stood_when_it_was_measured() -> None:
    topic, payload = native({"smoke_alarm": 1}, -5)
    kept = [
        Message(topic, payload, T0, retained=True),
        Message(topic, b'{"values":{"smoke_alarm":1}}', T0 + S, retained=True),
        Message("anhu/v1/home/senml", b'[{"n":"d1/smoke_alarm","v":1,"t":-5}]', T0 + S, retained=True),
        Message(topic, b'{"values":{"smoke_alarm":0}}', T0 + 2 * S),
    ]
    intake = take_in(kept, REGISTRY, LIMITS)
    # A reading of the time it bears; and of what is undated, only that which comes as it happens.
    assert intake.readings.measured_at_us.tolist() == [T0 - 5 * S, T0 + 2 * S]
    assert reasons(intake) == ["retained_undated"] * 2
    assert "smoke_alarm" in intake.dead_letters[0].detail


def test_routes_say_what_is_read_and_devices_are_found_by_their_address() -> None:
    device = replace(REGISTRY.devices[1], address="厨房 烟感")
    known = Registry.build(
        1, REGISTRY.institutions.values(), REGISTRY.zones.values(), [device, *list(REGISTRY.devices.values())[1:]],
        REGISTRY.points.values(),
    )  # fmt: skip
    routes = parse(
        '[[route]]\ntopic = "z/{device}"\nformat = "zigbee2mqtt"\ninstitution = "home"\n'
        'names = { warm = "temperature" }\n'
        '[[route]]\ntopic = "z/bridge/#"\nformat = "ignore"\n'
    )
    messages = [
        Message("z/厨房 烟感", b'{"smoke":true,"warm":21.5}', T0), Message("z/d2", b'{"smoke":false}', T0),
        Message("z/bridge/state", b"online", T0), Message("z/elsewhere", b'{"smoke":true}', T0),
        Message("y/d2", b'{"smoke":true}', T0),
    ]  # fmt: skip
    intake = take_in(messages, known, LIMITS, routes=routes)
    assert intake.readings.point_id.tolist() == [
        point(1, "smoke_alarm"),
        point(1, "temperature"),
        point(2, "smoke_alarm"),
    ]
    assert intake.readings.value.tolist() == [1.0, 21.5, 0.0]
    assert [(each.device, each.reason) for each in intake.unclaimed] == [("elsewhere", "device_unknown")]
    assert reasons(intake) == ["topic_unknown"]
    assert intake.message_count == 5


def test_a_gateway_whose_clock_is_ahead_costs_no_alarm() -> None:
    routes = parse('[[route]]\ntopic = "z/{device}"\nformat = "zigbee2mqtt"\ninstitution = "home"\n')

    def said(ahead_s: float, *, retained: bool = False) -> tuple[list[int], list[str]]:
        seen_ms = round((T0 + ahead_s * S) / 1000)
        body = b'{"smoke":true,"last_seen":%d}' % seen_ms
        intake = take_in([Message("z/d1", body, T0, retained=retained)], REGISTRY, LIMITS, routes=routes)
        return [each - T0 for each in intake.readings.measured_at_us.tolist()], reasons(intake)

    assert said(60) == ([60 * S], [])
    assert said(60.001) == ([0], ["future"])
    assert said(10**9) == ([0], ["future"])
    assert said(-86_400.001) == ([], ["ancient"])  # that may be an old state, told anew
    assert said(120, retained=True) == ([], ["future"])


def test_nor_does_a_device_whose_clock_is_ahead_or_ours_that_was_set_back() -> None:
    def said(*ahead_s: float) -> tuple[list[int], list[str]]:
        records = [{"n": "co", "t": T0 / S + each, "v": 90} for each in ahead_s]
        intake = taken(("anhu/v1/home/d1/senml", json.dumps(records).encode()))
        return [each - T0 for each in intake.readings.measured_at_us.tolist()], reasons(intake)

    assert said(3600) == ([0], ["future"])
    assert said(3598, 3600, 3599) == ([-2 * S, 0, -1 * S], ["future"])
    assert said(-10, 3600) == ([-10 * S, 0], ["future"])
    assert said(3600, 10**7) == ([0, 0], ["future"])  # no distance that could be meant
    assert reasons(taken(native({"co": 90}, 3600))) == ["future"]
    assert taken(native({"co": 90}, 3600)).readings.measured_at_us.tolist() == [T0]


def test_a_code_means_its_own_device_whatever_another_is_called() -> None:
    devices = [replace(REGISTRY.devices[1], address="d2"), REGISTRY.devices[2]]
    known = Registry.build(
        1, REGISTRY.institutions.values(), REGISTRY.zones.values(), devices,
        [each for each in REGISTRY.points.values() if each.device_id < 3],
    )  # fmt: skip
    found = known.points_of("home", "d2")
    assert found is not None
    assert found["co"][0] == point(2, "co")
    assert known.place_of("home", "d2") == (1, 2, 2)


topics = st.one_of(
    st.sampled_from(
        ["anhu/v1/home/d1/readings", "anhu/v1/home/d1/senml", "anhu/v1/home/senml", "anhu/v1/x/y/readings"]
    ),
    st.text(max_size=40),
)
payloads = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b'{"values":{"co":1}}', b'[{"n":"d1/co","v":1}]', b'{"values":{"co":NaN}}', b"[" * 1500]),
)


@given(st.lists(st.tuples(topics, payloads), max_size=12))
def test_no_message_makes_it_fail_and_each_good_one_is_kept(noise: list[tuple[str, bytes]]) -> None:
    good = [native({"co": number}, number) for number in range(len(noise))]
    mixed = [each for pair in zip(good, noise, strict=True) for each in pair]
    intake = taken(*mixed)
    measured = set(zip(intake.readings.measured_at_us.tolist(), intake.readings.value.tolist(), strict=True))
    assert {(T0 + number * S, float(number)) for number in range(len(noise))} <= measured
    assert intake.message_count == len(mixed)
