"""What devices send, decoded: good values kept, bad ones refused with a reason, and never an exception."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import BadTime, Refusal, UnitMismatch
from ingest.formats import FORMATS, native, senml
from ingest.quantity import QUANTITIES, convert
from ingest.reading import Sample, parse_time_us, to_us

NOW_US = to_us(datetime(2026, 11, 22, 8, 0, tzinfo=UTC))


def reasons(decoded):
    return [each.reason for each in decoded.rejections]


def test_native_message():
    payload = b'{"measured_at": "2026-11-22T15:59:58.5+08:00", "values": {"temperature": 21.5, "smoke_alarm": true}}'
    decoded = native.decode(payload, "d1", NOW_US)
    assert decoded.samples == [
        Sample("d1", "temperature", NOW_US - 1_500_000, 21.5),
        Sample("d1", "smoke_alarm", NOW_US - 1_500_000, 1.0),
    ]
    assert not decoded.rejections


def test_native_encode_is_read_back_to_the_microsecond():
    decoded = native.decode(native.encode(NOW_US + 123_457, {"co": 3.25}), "d1", NOW_US)
    assert decoded.samples == [Sample("d1", "co", NOW_US + 123_457, 3.25)]


def test_native_pack_keeps_good_records_beside_bad_ones():
    pack = [
        {"measured_at": 1795305600, "values": {"co": 1}},
        {"measured_at": "yesterday", "values": {"co": 2}},
        {"values": {"co": "three", "temperature": 4}},
        "five",
    ]
    decoded = native.decode(json.dumps(pack).encode(), "d1", NOW_US)
    assert [(sample.quantity, sample.value) for sample in decoded.samples] == [("co", 1.0), ("temperature", 4.0)]
    assert decoded.samples[1].measured_at_us == NOW_US  # no time of its own: the time of arrival
    assert reasons(decoded) == [Refusal.BAD_TIME, Refusal.BAD_TYPE, Refusal.BAD_SHAPE]


def test_nan_is_refused_and_its_neighbour_kept():
    decoded = native.decode(b'{"measured_at": 1795305600, "values": {"co": NaN, "temperature": 20}}', "d1", NOW_US)
    assert [sample.quantity for sample in decoded.samples] == ["temperature"]
    assert reasons(decoded) == [Refusal.NOT_FINITE]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", Refusal.BAD_JSON),
        (b"", Refusal.BAD_JSON),
        (b"\xff\xfe", Refusal.BAD_JSON),
        (b"[" * 100_000, Refusal.BAD_JSON),
        (b"[NaN," * 50_000, Refusal.BAD_JSON),
        (b"7", Refusal.BAD_SHAPE),
        (b"[]", Refusal.BAD_SHAPE),
        (b'{"values": {}}', Refusal.BAD_SHAPE),
        (b'{"values": {"co": [1]}}', Refusal.BAD_TYPE),
        (b'{"measured_at": "2026-11-22T08:00:00", "values": {"co": 1}}', Refusal.BAD_TIME),
        (b'{"measured_at": true, "values": {"co": 1}}', Refusal.BAD_TIME),
        (b'{"measured_at": 1e300, "values": {"co": 1}}', Refusal.BAD_TIME),
    ],
)
def test_native_refuses(payload, reason):
    decoded = native.decode(payload, "d1", NOW_US)
    assert decoded.samples == []
    assert reasons(decoded) == [reason]


def test_senml_base_fields_accumulate():
    # After RFC 8428 §5.1.2, the multiple-datapoints example, with the times of ours.
    pack = [
        {"bn": "kitchen-1/", "bt": 1795305600.001, "bu": "Cel", "bver": 5, "n": "temperature", "v": 23.1},
        {"n": "smoke_obscuration", "u": "dB/m", "v": 0.02},
        {"n": "temperature", "t": -5, "v": 22.5},
    ]
    decoded = senml.decode(json.dumps(pack).encode(), None, NOW_US)
    at = 1795305600_001000
    assert decoded.samples == [
        Sample("kitchen-1", "temperature", at, 23.1, "Cel"),
        Sample("kitchen-1", "smoke_obscuration", at, 0.02, "dB/m"),
        Sample("kitchen-1", "temperature", at - 5_000_000, 22.5, "Cel"),
    ]
    assert not decoded.rejections


def test_senml_base_value_relative_time_and_booleans():
    pack = [{"bn": "urn:dev:ow:10e2073a01080063:", "bv": 20, "n": "temperature", "v": 1.5, "t": -2},
            {"n": "sos", "vb": True}]  # fmt: skip
    decoded = senml.decode(json.dumps(pack).encode(), "d9", NOW_US)
    assert decoded.samples == [
        Sample("d9", "temperature", NOW_US - 2_000_000, 21.5),
        Sample("d9", "sos", NOW_US, 1.0),
    ]


@pytest.mark.parametrize(
    ("pack", "reason", "kept"),
    [
        ({"n": "d/co", "v": 1}, Refusal.BAD_SHAPE, 0),
        ([], Refusal.BAD_SHAPE, 0),
        ([{"n": "d/co", "v": "1"}, {"n": "d/co", "v": 2}], Refusal.BAD_TYPE, 1),
        ([{"n": "d/co", "v": True}], Refusal.BAD_TYPE, 0),
        ([{"bver": 99, "n": "d/co", "v": 1}], Refusal.BAD_SHAPE, 0),
        ([{"n": "d/co", "v": 1, "must_": 1}], Refusal.BAD_SHAPE, 0),
        ([{"n": "co", "v": 1}], Refusal.BAD_SHAPE, 0),  # names no device, and the topic does not either
        ([{"n": "d/c o", "v": 1}], Refusal.BAD_SHAPE, 0),
        ([{"n": "d/co", "vs": "much"}], Refusal.BAD_TYPE, 0),
        ([{"n": "d/co", "v": 1, "t": -1e10}], Refusal.BAD_TIME, 0),
    ],
)
def test_senml_refuses(pack, reason, kept):
    decoded = senml.decode(json.dumps(pack).encode(), None, NOW_US)
    assert reason in reasons(decoded)
    assert len(decoded.samples) == kept


def test_senml_a_broken_base_spoils_the_rest_and_says_so():
    pack = [{"n": "d/co", "v": 1}, {"bt": "noon", "n": "d/co", "v": 2}, {"n": "d/co", "v": 3}]
    decoded = senml.decode(json.dumps(pack).encode(), None, NOW_US)
    assert [sample.value for sample in decoded.samples] == [1.0]
    assert reasons(decoded) == [Refusal.BAD_TYPE, Refusal.BAD_SHAPE]


@pytest.mark.parametrize("decode", FORMATS.values(), ids=FORMATS.keys())
@given(payload=st.binary(max_size=300), device=st.one_of(st.none(), st.just("d1")))
def test_no_bytes_make_a_decoder_raise(decode, payload, device):
    decoded = decode(payload, device, NOW_US)
    assert decoded.samples or decoded.rejections


KEYS = [
    "bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vb", "vs", "t", "values", "measured_at", "smoke", "gas",
    "battery", "action", "last_seen", "object", "time", "deviceInfo", "batteryLevel", "event", "state",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("decode", FORMATS.values(), ids=FORMATS.keys())
@given(document=JSON)
def test_no_json_makes_a_decoder_raise(decode, document):
    decoded = decode(json.dumps(document).encode(), "d1", NOW_US)
    for sample in decoded.samples:
        assert isinstance(sample.value, float)
        assert isinstance(sample.measured_at_us, int)


def test_times():
    assert parse_time_us("2026-11-22T08:00:00Z") == NOW_US
    assert parse_time_us(NOW_US / 1e6) == parse_time_us(NOW_US // 1000) == NOW_US
    for bad in ("", "2026-11-22", "2026-11-22T08:00:00", None, [], float("nan"), 1e16, True):
        with pytest.raises(BadTime):
            parse_time_us(bad)


def test_units():
    assert convert(0.02, "1/m", QUANTITIES["smoke_obscuration"]) == pytest.approx(0.2)
    assert convert(0.5, "/", QUANTITIES["battery"]) == 50
    with pytest.raises(UnitMismatch):
        convert(1, "V", QUANTITIES["temperature"])
