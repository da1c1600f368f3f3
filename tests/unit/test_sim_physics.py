"""The formulas against values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import physics
from simulators.physics import GasLeak, StoveCo, TSquaredFire

SECONDS = st.floats(min_value=0, max_value=1e5, allow_nan=False)


def test_a_neper_is_4_34_decibels():
    assert math.isclose(physics.DB_PER_NEPER, 4.342945, rel_tol=1e-6)


def test_the_day_is_coolest_at_three_and_warmest_at_fifteen():
    assert physics.daily_cycle(3 * 3_600) == pytest.approx(-1)
    assert physics.daily_cycle(15 * 3_600) == pytest.approx(1)
    assert physics.daily_cycle(9 * 3_600) == pytest.approx(0, abs=1e-12)


def test_local_time_is_eight_hours_ahead_of_utc():
    assert physics.local_second_of_day(0.0) == 8 * 3_600
    assert physics.local_second_of_day(17 * 3_600) == 3_600


def test_the_kitchen_is_busy_at_meals_and_idle_at_night():
    assert physics.cooking(10.9 * 3_600) == pytest.approx(1, abs=0.01)
    assert physics.cooking(2 * 3_600) < 1e-6


def test_a_battery_never_goes_below_empty():
    assert physics.battery_percent(80, 10, 100) == pytest.approx(70)
    assert physics.battery_percent(5, 1_000, 100) == 0


def test_a_well_mixed_room_reaches_the_hand_computed_level():
    # s/λ·(1 − e^(−λt)) with s = 2/s, λ = 0.01/s, t = 100 s: 200·(1 − 1/e)
    assert physics.well_mixed(100, 2.0, 0.01, 1_000, 0.02) == pytest.approx(200 * (1 - math.exp(-1)))
    # 50 s after the source stopped, aired at 0.02/s, it is down by another factor e
    assert physics.well_mixed(1_050, 2.0, 0.01, 1_000, 0.02) == pytest.approx(200 * (1 - math.exp(-10)) / math.e)
    assert physics.well_mixed(-5, 2.0, 0.01, 1_000, 0.02) == 0


def test_a_medium_fire_releases_one_megawatt_after_300_seconds():
    fire = TSquaredFire(growth_kw_s2=0.01172, put_out_s=400)
    assert fire.heat_release_kw(300) == pytest.approx(1_054.8)
    assert fire.heat_release_kw(401) == 0
    assert fire.heat_release_kw(-1) == 0


def test_alperts_ceiling_jet_near_and_far_from_the_plume():
    # Q = 100 kW at t = 100 s with α = 0.01
    far = TSquaredFire(growth_kw_s2=0.01, put_out_s=200, ceiling_m=2.5, distance_m=2.0)
    assert far.temperature_rise_c(100) == pytest.approx(5.38 * 50 ** (2 / 3) / 2.5)
    near = TSquaredFire(growth_kw_s2=0.01, put_out_s=200, ceiling_m=2.5, distance_m=0.3)
    assert near.temperature_rise_c(100) == pytest.approx(16.9 * 100 ** (2 / 3) / 2.5 ** (5 / 3))


def test_smoke_of_a_growing_fire_without_draught_is_the_fuel_burnt():
    # ∫α·t² dt = α·t³/3: 0.012·100³/3 = 4 MJ = 0.2 kg of fuel, 3 g of soot in 50 m³
    fire = TSquaredFire(growth_kw_s2=0.012, put_out_s=200, closed_per_s=1e-4, transport_s=0)
    assert fire.smoke_db_m(100) == pytest.approx(physics.DB_PER_NEPER * 8_700 * 0.003 / 50, rel=0.01)
    assert fire.co_ppm(100) == pytest.approx(0.2 * 0.004 / 50 / 1.165e-6, rel=0.01)


def test_smoke_arrives_late_and_clears_away():
    fire = TSquaredFire(put_out_s=150, transport_s=10)
    assert fire.smoke_db_m(9.9) == 0
    smoke = fire.smoke_db_m(np.array([60.0, 160.0, 1_800.0]))
    assert smoke[0] < smoke[1]
    assert smoke[2] < 0.001 * smoke[1]


def test_a_gas_leak_passes_both_levels_and_is_aired_out():
    leak = GasLeak(leak_m3_s=0.0015, around_m3=15, shut_s=300)
    # 0.0015·300/15 = 3 % by volume = 60 %LEL, a little less for the draught
    assert 57 < leak.lel_percent(300) < 60
    assert leak.lel_percent(900) < 1


@given(SECONDS, SECONDS)
def test_gas_and_co_only_rise_while_their_source_runs(first, second):
    early, late = sorted((first, second))
    leak, stove = GasLeak(shut_s=1e6), StoveCo(until_s=1e6)
    assert leak.lel_percent(early) <= leak.lel_percent(late)
    assert stove.co_ppm(early) <= stove.co_ppm(late) <= stove.level_ppm


@given(st.floats(min_value=-1e4, max_value=1e6), st.floats(min_value=0.001, max_value=0.2))
def test_a_fire_never_gives_a_negative_or_unbounded_reading(elapsed_s, growth):
    fire = TSquaredFire(growth_kw_s2=growth)
    for value in (fire.smoke_db_m(elapsed_s), fire.co_ppm(elapsed_s), fire.temperature_rise_c(elapsed_s)):
        assert np.isfinite(value)
        assert value >= 0


def test_steam_peaks_once():
    assert physics.steam(60, 0.1, 60) == pytest.approx(0.1)
    assert physics.steam(0, 0.1, 60) == 0
    assert physics.steam(600, 0.1, 60) < 0.002
