"""Incidents: seeded, at the stated rate, where somebody can notice them."""

import json
from collections import Counter

import pytest

from simulators import fleet
from simulators.scenario import DURATIONS_S, HOUR_S, KIND_WEIGHTS, Scenario

FLEET = fleet.build(20, 100, 7)


def hours(scenario: Scenario, count: int) -> list:
    return [incident for index in range(count) for incident in scenario.hour(index)]


def test_one_seed_one_history_whatever_hour_is_asked_first():
    one, other = Scenario(FLEET, 7, 15), Scenario(FLEET, 7, 15)
    later = other.hour(5)
    assert hours(one, 6) == hours(other, 6)
    assert one.hour(5) == later
    assert hours(one, 6) != hours(Scenario(FLEET, 8, 15), 6)


def test_the_rate_is_kept_over_many_hours():
    # Poisson with mean 1,500: three standard deviations are 116
    assert abs(len(hours(Scenario(FLEET, 7, 15), 100)) - 1_500) < 120


def test_incidents_come_in_order_within_their_hour_and_not_at_once():
    scenario = Scenario(FLEET, 7, 600)
    for index in range(3):
        starts = [incident.start_s for incident in scenario.hour(index)]
        assert starts == sorted(starts)
        assert all(index * HOUR_S <= s <= (index + 1) * HOUR_S for s in starts)
    assert min(incident.start_s for incident in scenario.hour(0)) >= 45


def test_the_default_day_has_many_kinds_but_no_fire():
    kinds = Counter(incident.kind for incident in hours(Scenario(FLEET, 7, 60), 24))
    assert set(kinds) == {kind for kind, weight in KIND_WEIGHTS.items() if weight}
    assert kinds["fall"] > kinds["gas_leak"]


def test_every_incident_is_where_a_device_can_notice_it():
    needs = {
        "fall": {"fall", "on_floor"}, "kneel": {"fall", "on_floor"}, "sos": {"sos"}, "gas_leak": {"gas"},
        "slow_leak": {"gas"}, "stove_co": {"co"}, "low_battery": {"battery"}, "shower": {"smoke_obscuration"},
    }  # fmt: skip
    index = {(m.institution.code, m.device.code): m for m in FLEET.devices()}
    for incident in hours(Scenario(FLEET, 3, 200, weights=dict.fromkeys(DURATIONS_S, 1.0)), 5):
        low_s, high_s = DURATIONS_S[incident.kind]
        assert low_s - 0.1 <= incident.duration_s <= high_s + 0.1
        assert 0 <= incident.severity <= 1
        assert incident.devices
        for code in incident.devices:
            item = index[incident.institution, code]
            assert item.zone.code == incident.zone or incident.kind == "outage"
            if incident.kind in needs:
                assert needs[incident.kind] & set(item.device.quantities)


def test_spared_devices_meet_nothing():
    spared = frozenset((m.institution.code, m.device.code) for m in FLEET.devices() if m.institution.code == "sim-001")
    assert all(i.institution != "sim-001" for i in hours(Scenario(FLEET, 7, 500, spared=spared), 4))


def test_a_fleet_without_radars_has_no_falls():
    tiny = fleet.build(1, 1, 7)  # one smoke detector
    kinds = {incident.kind for incident in hours(Scenario(tiny, 7, 100), 3)}
    assert kinds == {"steam", "low_battery", "offline"}


def test_a_quiet_fleet_and_a_refused_rate():
    assert hours(Scenario(FLEET, 7, 0), 10) == []
    for rate in (-1, float("nan"), 1e9):
        with pytest.raises(ValueError, match="incidents per hour"):
            Scenario(FLEET, 7, rate)
    with pytest.raises(ValueError, match="flood"):
        Scenario(FLEET, 7, 1, weights={"flood": 1.0})


def test_ground_truth_is_json():
    incident = hours(Scenario(FLEET, 7, 60), 1)[0]
    record = json.loads(json.dumps(incident.as_record()))
    assert record["devices"] == list(incident.devices)
    assert record["nuisance"] == (incident.kind == "steam")


def test_an_outage_silences_a_whole_institution():
    outage = hours(Scenario(FLEET, 3, 50, weights={"outage": 1.0}), 1)[0]
    home = next(home for home in FLEET.institutions if home.code == outage.institution)
    assert len(outage.devices) == sum(len(zone.devices) for zone in home.zones)
