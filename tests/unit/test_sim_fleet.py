"""The fleet: same seed same fleet, codes the registry takes, a registry file that says what was built."""

import re
import tomllib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.quantity import QUANTITIES
from simulators import fleet
from simulators.physics.day import CLIMATES
from simulators.premises import Device, Institution, Zone, registry_toml

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def test_one_seed_one_fleet():
    assert fleet.build(6, 40, 7) == fleet.build(6, 40, 7)
    assert fleet.build(6, 40, 7) != fleet.build(6, 40, 8)


def test_the_first_home_is_anhe_nursing_home_whatever_the_seed():
    for seed in (1, 7, 12345):
        home = fleet.build(2, 30, seed).institutions[0]
        assert (home.code, home.name, home.name_en, home.kind) == (
            "sim-001", "安和养老院", "Anhe Nursing Home", "nursing_home",
        )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 400), st.integers(0, 2**32))
def test_codes_are_valid_and_unique_and_counts_exact(institutions, devices_per, seed):
    built = fleet.build(institutions, devices_per, seed)
    assert built.device_count == institutions * devices_per
    codes = [home.code for home in built.institutions]
    assert len(set(codes)) == institutions
    for home in built.institutions:
        zones = [zone.code for zone in home.zones]
        devices = [device.code for zone in home.zones for device in zone.devices]
        assert len(set(zones)) == len(zones)
        assert len(set(devices)) == len(devices) == devices_per
        assert all(CODE.fullmatch(code) for code in [home.code, *zones, *devices])


def test_names_stay_unique_beyond_the_first_round():
    names = [home.name for home in fleet.build(600, 1, 3).institutions]
    words = [re.sub(r"(养老院|敬老院|老年公寓|救助管理站|救助站)$", "", name) for name in names]
    assert len(set(words)) == 600


def test_kinds_are_those_of_the_registry():
    built = fleet.build(10, 120, 7)
    kinds = Counter(home.kind for home in built.institutions)
    assert kinds == {"nursing_home": 8, "rescue_station": 2}
    for mounted in built.devices():
        assert mounted.device.kind in {"smoke", "heat", "gas", "co", "fall", "sos"}
        assert mounted.zone.kind in CLIMATES
        assert set(mounted.device.quantities) <= set(QUANTITIES)
        assert mounted.device.report_interval_s in {30, 60}


def test_every_kitchen_has_smoke_and_gas_and_every_bedroom_a_radar_and_a_button():
    home = fleet.build(1, 100, 7).institutions[0]
    kitchen = next(zone for zone in home.zones if zone.kind == "kitchen")
    assert {"smoke", "gas", "co"} <= {device.kind for device in kitchen.devices}
    bedroom = next(zone for zone in home.zones if zone.kind == "bedroom")
    assert {"smoke", "fall", "sos"} == {device.kind for device in bedroom.devices}


def test_of_two_radars_one_decides_by_itself_and_one_tells_who_is_on_the_floor():
    home = fleet.build(1, 100, 7).institutions[0]
    radars = [device for zone in home.zones for device in zone.devices if device.kind == "fall"]
    assert {(radar.model, radar.quantities) for radar in radars} == {("SIM-R1", ("fall",)), ("SIM-R2", ("on_floor",))}
    assert abs(sum(radar.model == "SIM-R2" for radar in radars) - len(radars) / 2) <= 1


def test_the_registry_file_parses_and_holds_every_device():
    built = fleet.build(5, 60, 7)
    document = tomllib.loads(built.registry_toml())
    assert document.keys() == {"institution"}
    assert len(document["institution"]) == 5
    devices = [d for home in document["institution"] for zone in home["zone"] for d in zone["device"]]
    assert len(devices) == built.device_count == 300
    kitchen = next(zone for zone in document["institution"][0]["zone"] if zone["code"] == "kitchen")
    assert kitchen == {
        "code": "kitchen",
        "name": "厨房",
        "name_en": "Kitchen",
        "kind": "kitchen",
        "floor": 1,
        "device": kitchen["device"],
    }
    assert kitchen["device"][0] == {
        "code": "kit-smk-1",
        "name": "厨房烟感 1",
        "kind": "smoke",
        "model": "SIM-S1",
        "report_interval_s": 30,
        "quantities": ["smoke_obscuration", "temperature", "battery"],
    }
    assert re.fullmatch(r"\d{6}", document["institution"][0]["region"])


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1))
def test_any_name_survives_the_registry_file(name):
    device = Device("d", name, "smoke", "m", 30, ("temperature",))
    zone = Zone("z", name, name, "other", 1, (device,))
    home = tomllib.loads(registry_toml([Institution("i", name, name, "other", "", (zone,))]))["institution"][0]
    assert (home["name"], home["zone"][0]["name"], home["zone"][0]["device"][0]["name"]) == (name, name, name)
    assert "region" not in home


@pytest.mark.parametrize(("institutions", "devices_per"), [(0, 1), (1, 0), (100_001, 1), (1, 10_001)])
def test_impossible_sizes_are_refused(institutions, devices_per):
    with pytest.raises(ValueError, match="must be 1 to"):
        fleet.build(institutions, devices_per, 7)
