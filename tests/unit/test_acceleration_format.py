"""Windows of acceleration as they come over the wire, and what the intake makes of them."""

import json
from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import Refusal
from ingest.formats import acceleration
from ingest.formats.acceleration import Pack
from ingest.intake import Intake, take_in
from ingest.message import Limits, Message
from ingest.reading import Rejection
from ingest.registry import Registry

from .engine_world import T0, S, point, registry

GOOD = {
    "measured_at": T0 / 1e6, "rate_hz": 50, "range_g": 2, "unit": "g", "samples": [[0, -1, 0.5], None, [2, 0, -2]],
}  # fmt: skip
LIMITS = Limits(payload_bytes_max=65_536, future_us_max=60 * S, age_us_max=86_400 * S)


def worn(wear: str) -> Registry:
    """The small home, whose first device is worn."""
    home = registry(2)
    first = replace(home.devices[1], wear=wear)
    points = [each for each in home.points.values() if each.quantity != "fall" or each.device_id == 1]
    return Registry.build(
        1, home.institutions.values(), home.zones.values(), [first, home.devices[2]], points
    )  # fmt: skip


def taken(payload: bytes, *, wear: str = "wrist", device: str = "d1", limits: Limits = LIMITS) -> Intake:
    return take_in([Message(f"anhu/v1/home/{device}/acceleration", payload, T0 + S)], worn(wear), limits)


# --- the format ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("unit", "per_g"), [("g", 1.0), ("mg", 1000.0), ("m/s2", 9.80665)])
def test_a_window_is_read_in_g_whatever_its_unit(unit: str, per_g: float) -> None:
    samples = [None if each is None else [axis * per_g for axis in each] for each in GOOD["samples"]]
    pack = acceleration.decode(orjson.dumps({**GOOD, "unit": unit, "samples": samples}))
    assert isinstance(pack, Pack)
    assert (pack.start_us, pack.rate_hz, pack.range_g, pack.end_us) == (T0, 50.0, 2.0, T0 + 60_000)
    assert pack.acceleration.dtype == np.float32
    np.testing.assert_allclose(pack.acceleration, [[0, -1, 0.5], [np.nan] * 3, [2, 0, -2]], atol=1e-6)


def test_what_is_encoded_is_read_back_to_the_thousandth_of_g() -> None:
    sent = np.random.default_rng(1).normal(0, 1, (100, 3))
    sent[7] = np.nan
    pack = acceleration.decode(acceleration.encode(T0 + 123_457, 87.5, 16, sent))
    assert isinstance(pack, Pack)
    assert (pack.start_us, pack.rate_hz) == (T0 + 123_457, 87.5)
    np.testing.assert_allclose(pack.acceleration, sent, atol=5.1e-4)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"samples": []}, Refusal.BAD_SHAPE),
        ({"samples": {"x": 1}}, Refusal.BAD_SHAPE),
        ({"samples": [[0, 1]]}, Refusal.BAD_SHAPE),
        ({"samples": [0, 1, 2]}, Refusal.BAD_SHAPE),
        ({"samples": [[0, "1", 2]]}, Refusal.BAD_TYPE),
        ({"samples": [[0, True, 2]]}, Refusal.BAD_TYPE),
        ({"samples": [[0, None, 2]]}, Refusal.BAD_TYPE),
        ({"samples": [None, None]}, Refusal.NOT_FINITE),
        ({"samples": [[0, 9.81, 0]]}, Refusal.BEYOND_RANGE),
        ({"samples": [[0, 10**400, 0]]}, Refusal.BAD_JSON),
        ({"samples": [[0, 0, 1]] * 1501}, Refusal.TOO_LARGE),
        ({"samples": [[0, 0, 1]] * 4001, "rate_hz": 200}, Refusal.TOO_LARGE),
        ({"rate_hz": 18}, Refusal.BAD_SHAPE),
        ({"rate_hz": 401}, Refusal.BAD_SHAPE),
        ({"rate_hz": "50"}, Refusal.BAD_SHAPE),
        ({"rate_hz": True}, Refusal.BAD_SHAPE),
        ({"range_g": 0.5}, Refusal.BAD_SHAPE),
        ({"range_g": 1000}, Refusal.BAD_SHAPE),
        ({"unit": "mm/s2"}, Refusal.UNIT_MISMATCH),
        ({"unit": 1}, Refusal.BAD_SHAPE),
        ({"measured_at": "yesterday"}, Refusal.BAD_TIME),
        ({"measured_at": None}, Refusal.BAD_TIME),
    ],
)
def test_what_is_refused_and_why(changed: dict[str, object], reason: Refusal) -> None:
    told = acceleration.decode(json.dumps({**GOOD, **changed}).encode())
    assert isinstance(told, Rejection)
    assert told.reason == reason


@pytest.mark.parametrize("missing", list(GOOD))
def test_nothing_may_be_left_out(missing: str) -> None:
    told = acceleration.decode(orjson.dumps({name: each for name, each in GOOD.items() if name != missing}))
    assert isinstance(told, Rejection)
    assert told.reason == Refusal.BAD_SHAPE


_NUMBER = st.none() | st.booleans() | st.integers() | st.floats()
_ANYTHING = _NUMBER | st.sampled_from(["", "g", "2026-11-22", [], {}])
_SAMPLES = st.lists(_ANYTHING | st.lists(_NUMBER, min_size=3, max_size=3), max_size=3)


@given(st.sampled_from(list(GOOD)), _ANYTHING, _SAMPLES)
def test_whatever_comes_is_read_or_refused(field: str, value: object, samples: list[object]) -> None:
    for document in ({**GOOD, "samples": samples}, {**GOOD, field: value}, value, [samples]):
        told = acceleration.decode(json.dumps(document).encode())
        assert isinstance(told, Pack | Rejection)


@given(st.binary(max_size=200))
def test_no_bytes_fail(payload: bytes) -> None:
    assert isinstance(acceleration.decode(payload), Pack | Rejection)


# --- the intake ---------------------------------------------------------------------------------------------------
def test_a_window_finds_its_wearer() -> None:
    intake = taken(orjson.dumps(GOOD))
    (window,) = intake.windows
    assert (window.point_id, window.wear, window.received_at_us) == (point(1, "fall"), "wrist", T0 + S)
    assert (len(intake.readings), intake.dead_letters, intake.unclaimed, intake.message_count) == (0, [], [], 1)


@pytest.mark.parametrize(
    ("changed", "wear", "reason"),
    [
        ({}, "", "wear_unknown"),
        ({"measured_at": T0 / 1e6 + 62}, "waist", "future"),
        ({"measured_at": T0 / 1e6 - 90_000}, "waist", "ancient"),
        ({"unit": "stone"}, "waist", "unit_mismatch"),
    ],
)
def test_a_bad_window_is_a_dead_letter(changed: dict[str, object], wear: str, reason: str) -> None:
    intake = taken(orjson.dumps({**GOOD, **changed}), wear=wear)
    assert [each.reason.value for each in intake.dead_letters] == [reason]
    assert not intake.windows


def test_a_window_that_is_too_large_is_not_even_read() -> None:
    intake = taken(orjson.dumps(GOOD), limits=replace(LIMITS, payload_bytes_max=100))
    assert [each.reason.value for each in intake.dead_letters] == ["too_large"]


@pytest.mark.parametrize(
    ("device", "expected"),
    [("d9", ("d9", "", "device_unknown")), ("d2", ("d2", "fall", "quantity_unregistered"))],
)
def test_whom_nobody_registered_is_unclaimed(device: str, expected: tuple[str, str, str]) -> None:
    intake = taken(orjson.dumps(GOOD), device=device)
    (entry,) = intake.unclaimed
    assert (entry.device, entry.quantity, entry.reason) == expected
    assert not intake.windows
