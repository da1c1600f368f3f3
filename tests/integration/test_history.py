"""Readings over HTTP: raw where they are few, thinned as numpy would thin them where they are many."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from tests.integration.dashboard_world import Served, build, serve

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@pytest.fixture
def served(database_url):
    with serve(build(database_url)) as running:
        yield running


def ask(served: Served, client, **params):
    return client.get(f"/api/devices/{served.world.devices[0]}/readings", params=params)


def not_rolled_up(served: Served) -> None:
    """As if the rollups had got no further than START: everything then comes from the readings."""
    with psycopg.connect(served.world.database_url) as connection:
        connection.execute("UPDATE storage_boundaries SET rolling_until = %s", (START,))
        connection.execute("UPDATE storage_progress SET rolled_until = %s", (START,))


def by_quantity(answer):
    return {series["quantity"]: series for series in answer.json()["series"]}


def test_few_readings_come_as_they_are(served: Served):
    world, client = served.world, served.client()
    point = world.points[world.devices[0], "temperature"]
    at = [START + timedelta(seconds=number) for number in range(6)]
    world.add_readings(point, [(moment, 20.1 + number) for number, moment in enumerate(at)])
    world.add_readings(point, [(START + timedelta(seconds=2.5), -200.0)], quality=1)
    answer = ask(served, client, **{"from": at[1].isoformat(), "to": at[5].isoformat()})
    assert answer.status_code == 200
    series = by_quantity(answer)["temperature"]
    assert series["measured_at_ms"] == [int(moment.timestamp() * 1000) for moment in at[1:5]]  # `to` not included
    assert series["value"] == [21.1, 22.1, 23.1, 24.1]  # as sent, with no digits of a float's noise
    assert (series["low"], series["high"]) == (None, None)
    assert by_quantity(answer)["smoke_obscuration"]["value"] == []
    assert answer.json()["from"] == "2026-03-01T12:00:01.123Z"
    assert answer.json()["device"]["code"] == "smk-0"


@pytest.mark.parametrize("points_max", [1, 7, 100, 600])
def test_many_readings_are_thinned_as_numpy_would(served: Served, points_max):
    world, client = served.world, served.client()
    random = np.random.default_rng(7)
    span_us = 3 * 3600 * 1_000_000 + 17
    offset_us = np.unique([0, span_us - 1, *random.integers(0, span_us, 5000)])
    offset_us = offset_us[(offset_us < 4e9) | (offset_us > 5e9)]  # a silence: empty buckets must not appear
    value = random.normal(20, 5, len(offset_us)).astype(np.float32)
    point = world.points[world.devices[0], "temperature"]
    not_rolled_up(served)
    world.add_readings(
        point, [(START + timedelta(microseconds=int(us)), float(x)) for us, x in zip(offset_us, value, strict=True)]
    )
    end = START + timedelta(microseconds=span_us)
    answer = ask(served, client, **{"from": START.isoformat(), "to": end.isoformat(), "points_max": points_max})
    series = by_quantity(answer)["temperature"]

    width_us = -(-span_us // points_max)
    bucket = offset_us // width_us
    start_us = int((START - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    expected = []
    for each in np.unique(bucket):
        inside = bucket == each
        middle_us = start_us + (int(offset_us[inside].min()) + int(offset_us[inside].max())) / 2
        expected.append(
            (middle_us // 1000, value[inside].mean(dtype=np.float64), value[inside].min(), value[inside].max())
        )
    at_ms, mean, low, high = (np.array(column) for column in zip(*expected, strict=True))
    assert len(series["value"]) == len(expected) <= points_max
    np.testing.assert_allclose(series["measured_at_ms"], at_ms, rtol=0, atol=1)
    np.testing.assert_allclose(series["value"], mean, rtol=1e-9)
    np.testing.assert_allclose(series["low"], low, rtol=1e-6)
    np.testing.assert_allclose(series["high"], high, rtol=1e-6)


def test_a_peak_of_one_reading_survives_the_thinning(served: Served):
    world, client = served.world, served.client()
    point = world.points[world.devices[0], "smoke_obscuration"]
    world.add_readings(point, [(START + timedelta(seconds=n), 9.5 if n == 1234 else 0.0) for n in range(3000)])
    answer = ask(
        served, client, **{"from": START.isoformat(), "to": (START + timedelta(hours=1)).isoformat(), "points_max": 50}
    )
    assert max(by_quantity(answer)["smoke_obscuration"]["high"]) == 9.5


def test_without_a_span_it_is_the_last_hour(served: Served):
    world, client = served.world, served.client()
    now = datetime.now(UTC)
    point = world.points[world.devices[0], "temperature"]
    world.add_readings(point, [(now - timedelta(minutes=minutes), minutes) for minutes in (1, 59, 61)])
    assert by_quantity(ask(served, client))["temperature"]["value"] == [59.0, 1.0]
    shown = ask(served, client, to=(now - timedelta(minutes=30)).isoformat())
    assert by_quantity(shown)["temperature"]["value"] == [61.0, 59.0]


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-03-01T00:00:00"},  # no time zone
        {"from": "yesterday"},
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2024-01-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"},  # longer than a request may span
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59Z"},
        {"points_max": 0},
        {"points_max": 5001},
        {"points_max": "many"},
    ],
)
def test_a_span_that_makes_no_sense_is_refused(served: Served, params):
    answer = ask(served, served.client(), **params)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_device_that_does_not_exist_is_not_found(served: Served):
    client = served.client()
    assert client.get("/api/devices/999/readings").status_code == 404
    assert client.get("/api/devices/99999999999/readings").status_code == 422
