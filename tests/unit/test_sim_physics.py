"""The formulas against values worked out by hand, and against what no closed formula may break: mass, order, bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.physics import ageing, battery, blood, ceiling_jet, day, extinction, mixing, person
from simulators.physics.fire import FAST_KW_S2, MEDIUM_KW_S2, SLOW_KW_S2, TSquaredFire
from simulators.physics.fumes import BurntFood
from simulators.physics.gas import GasLeak
from simulators.physics.radio import Channel
from simulators.physics.shower import Shower
from simulators.physics.smoulder import Smoulder
from simulators.physics.stove import StoveCo

SECONDS = st.floats(min_value=0, max_value=1e5, allow_nan=False)


def stepped(source, air_change_per_s: float, until_s: float, step_s: float = 0.05) -> float:
    """The mass balance dC/dt = s(t) − λ·C, by small steps instead of in closed form."""
    level, at_s = 0.0, 0.0
    while at_s < until_s - step_s / 2:
        # Heun's method: the mean of the slopes at both ends.
        slope = source(at_s) - air_change_per_s * level
        ahead = source(at_s + step_s) - air_change_per_s * (level + step_s * slope)
        level += step_s * (slope + ahead) / 2
        at_s += step_s
    return level


# --- the day ------------------------------------------------------------------------------------------------------
def test_the_day_is_coolest_at_three_and_warmest_at_fifteen():
    assert day.daily_cycle(3 * 3_600) == pytest.approx(-1)
    assert day.daily_cycle(15 * 3_600) == pytest.approx(1)
    assert day.daily_cycle(9 * 3_600) == pytest.approx(0, abs=1e-12)


def test_local_time_is_eight_hours_ahead_of_utc():
    assert day.local_second_of_day(0.0) == 8 * 3_600
    assert day.local_second_of_day(17 * 3_600) == 3_600


def test_the_kitchen_is_busy_at_meals_and_idle_at_night():
    assert day.cooking(10.9 * 3_600) == pytest.approx(1, abs=0.01)
    assert day.cooking(2 * 3_600) < 1e-6


# --- the air ------------------------------------------------------------------------------------------------------
def test_a_neper_is_4_34_decibels():
    assert math.isclose(extinction.DB_PER_NEPER, 4.342945, rel_tol=1e-6)


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("air_change_per_s", [0.0, 1e-5, 1 / 3_600, 0.02])
def test_the_closed_mass_balance_is_that_of_small_steps(power, air_change_per_s):
    for until_s in (10.0, 200.0):
        by_steps = stepped(lambda t: t**power, air_change_per_s, until_s)
        assert mixing.built_up(until_s, air_change_per_s, power) == pytest.approx(by_steps, rel=1e-3)


@settings(deadline=None)
@given(st.floats(1e-6, 0.1), st.integers(0, 2))
def test_the_series_near_zero_meets_the_closed_form(rate, power):
    at_s = mixing.SMALL / rate
    below, above = mixing.built_up(at_s * (1 - 1e-9), rate, power), mixing.built_up(at_s * (1 + 1e-9), rate, power)
    assert below == pytest.approx(above, rel=1e-5)


def test_what_a_room_holds_and_what_left_it_is_what_was_brought_in():
    # ∫s dt = C + ∫λ·C dt for a steady source, the outflow integrated over a fine grid
    at_s = np.linspace(0.0, 600.0, 60_001)
    level = mixing.well_mixed(at_s, 2.0, 0.01, 600.0, 0.02)
    left = 0.01 * 0.01 * (level.sum() - (level[0] + level[-1]) / 2)  # the trapezoidal rule, 0.01 s apart
    assert level[-1] + left == pytest.approx(2.0 * 600.0, rel=1e-6)


def test_a_well_mixed_room_reaches_the_hand_computed_level():
    # s/λ·(1 − e^(−λt)) with s = 2/s, λ = 0.01/s, t = 100 s: 200·(1 − 1/e)
    assert mixing.well_mixed(100, 2.0, 0.01, 1_000, 0.02) == pytest.approx(200 * (1 - math.exp(-1)))
    # 50 s after the source stopped, aired at 0.02/s, it is down by another factor e
    assert mixing.well_mixed(1_050, 2.0, 0.01, 1_000, 0.02) == pytest.approx(200 * (1 - math.exp(-10)) / math.e)
    assert mixing.well_mixed(-5, 2.0, 0.01, 1_000, 0.02) == 0


# --- fire ---------------------------------------------------------------------------------------------------------
def test_nfpas_fires_reach_a_megawatt_after_600_300_and_150_seconds():
    for growth, at_s in ((SLOW_KW_S2, 600), (MEDIUM_KW_S2, 300), (FAST_KW_S2, 150)):
        fire = TSquaredFire(growth, put_out_s=700)
        assert fire.heat_release_kw(at_s) == pytest.approx(1_055, rel=0.002)
        assert fire.heat_release_kw(701) == 0
        assert fire.heat_release_kw(-1) == 0


def test_alperts_ceiling_jet_near_and_far_from_the_plume():
    assert ceiling_jet.rise_c(100.0, 2.5, 2.0) == pytest.approx(5.38 * 50 ** (2 / 3) / 2.5)
    assert ceiling_jet.rise_c(100.0, 2.5, 0.3) == pytest.approx(16.9 * 100 ** (2 / 3) / 2.5 ** (5 / 3))
    fire = TSquaredFire(0.01, put_out_s=400, ceiling_m=2.5, distance_m=2.0)
    assert fire.temperature_rise_c(100 + fire.lag_s) == pytest.approx(5.38 * 50 ** (2 / 3) / 2.5)


def test_a_fire_is_felt_later_further_away_and_sooner_when_it_grows_faster():
    near, far = (ceiling_jet.lag_s(MEDIUM_KW_S2, 2.6, r) for r in (1.5, 3.0))
    assert near < far == pytest.approx(near * (1 + 3.0 / 2.6) / (1 + 1.5 / 2.6))
    assert ceiling_jet.lag_s(FAST_KW_S2, 2.6, 1.5) == pytest.approx(near * (FAST_KW_S2 / MEDIUM_KW_S2) ** -0.2)


def test_smoke_of_a_growing_fire_is_the_fuel_burnt():
    # ∫α·t² dt = α·t³/3: 0.012·100³/3 = 4 MJ = 0.2 kg of fuel, 3 g of soot in 50 m³
    fire = TSquaredFire(0.012, put_out_s=200, floor_m2=20.0, ceiling_m=2.5, closed_per_s=1e-6)
    assert fire.fuel_kg(100) == pytest.approx(0.2, rel=1e-3)
    assert fire.room_db_m(100) == pytest.approx(extinction.DB_PER_NEPER * 8_700 * 0.003 / 50, rel=1e-3)


def test_the_layer_holds_the_soot_of_the_room_and_descends():
    fire = TSquaredFire(put_out_s=300)
    at_s = np.arange(20.0, 300.0, 10.0)
    layer = fire.layer_m(at_s)
    assert (np.diff(layer) >= 0).all()
    assert layer[0] >= 0.1 * fire.ceiling_m
    assert layer[-1] <= fire.ceiling_m
    # Smoke times depth is the same whether it hangs in the layer or is spread over the room.
    column = fire.smoke_db_m(at_s + fire.lag_s) * layer
    assert column == pytest.approx(fire.room_db_m(at_s) * fire.ceiling_m)


def test_smoke_arrives_late_and_clears_away():
    fire = TSquaredFire(put_out_s=150)
    assert fire.smoke_db_m(fire.lag_s - 0.1) == 0
    smoke = fire.smoke_db_m(np.array([60.0, 160.0, 1_800.0]))
    assert smoke[0] < smoke[1]
    assert smoke[2] < 0.001 * smoke[1]


@settings(deadline=None)
@given(st.floats(min_value=-1e4, max_value=1e6), st.floats(min_value=0.001, max_value=0.2))
def test_a_fire_never_gives_a_negative_or_unbounded_reading(elapsed_s, growth):
    fire = TSquaredFire(growth_kw_s2=growth)
    for value in (fire.smoke_db_m(elapsed_s), fire.co_ppm(elapsed_s), fire.temperature_rise_c(elapsed_s)):
        assert np.isfinite(value)
        assert value >= 0


def test_a_smouldering_hour_loses_the_published_mass():
    smoulder = Smoulder(put_out_s=3_600, closed_per_s=1e-9, lag_s=0.0)
    # ∫0.10·t + 0.0185·t² dt over 60 min: 180 + 1,332 = 1,512 g, of which 11 % is CO, in 50 m³
    assert smoulder.co_ppm(3_600) == pytest.approx(1.512 * 0.11 / 50 / 1.165e-6, rel=1e-3)
    assert smoulder.loss_kg_s(3_601) == 0


# --- gas, CO, blood -----------------------------------------------------------------------------------------------
def test_a_gas_leak_passes_both_levels_and_is_aired_out():
    leak = GasLeak(leak_m3_s=0.0015, around_m3=15, shut_s=300)
    # 0.0015·300/15 = 3 % by volume = 60 %LEL, a little less for the draught
    assert 57 < leak.lel_percent(300) < 60
    assert leak.lel_percent(900) < 1


@settings(deadline=None)
@given(SECONDS, SECONDS)
def test_gas_and_co_only_rise_while_their_source_runs(first, second):
    early, late = sorted((first, second))
    leak, stove = GasLeak(shut_s=1e6), StoveCo(until_s=1e6)
    assert leak.lel_percent(early) <= leak.lel_percent(late)
    assert stove.co_ppm(early) <= stove.co_ppm(late) <= stove.level_ppm


def test_carbon_monoxide_adds_up_in_the_blood():
    # 3.317e-5 · 1000^1.036 · 8.5 · 30 min
    level = blood.cohb_percent(np.full(360, 1_000.0), 5.0)
    assert level[-1] == pytest.approx(3.317e-5 * 1_000**1.036 * 8.5 * 30)
    assert (np.diff(level) > 0).all()


# --- nuisance -----------------------------------------------------------------------------------------------------
def test_a_burnt_pan_and_a_shower_rise_while_they_last_and_are_gone_after():
    pan, shower = BurntFood(burning_s=180.0), Shower.peaking(0.1, 480.0)
    for source, lasts_s in ((pan, 180.0), (shower, 480.0)):
        during = source.smoke_db_m(np.arange(0.0, lasts_s, 10.0))
        assert (np.diff(during) > 0).all()
        assert source.smoke_db_m(lasts_s + 3_600) < 0.01 * during[-1]
    assert shower.smoke_db_m(480.0) == pytest.approx(0.1, rel=0.01)


def test_fog_that_is_fed_longer_comes_to_the_level_it_was_asked_for():
    assert Shower.peaking(0.05, 1e5).smoke_db_m(5e4) == pytest.approx(0.05)


# --- sensors, batteries, radio ------------------------------------------------------------------------------------
def test_a_battery_stands_for_long_and_falls_at_the_end():
    taken = np.linspace(0.0, 1.0, 501)
    gauge = battery.gauge_percent(taken)
    assert (np.diff(gauge) <= 0).all()
    assert gauge[0] == pytest.approx(100, abs=0.1)
    assert gauge[int(0.8 * 500)] > 75
    assert battery.gauge_percent(battery.taken_when_empty()) == pytest.approx(0, abs=0.1)
    assert gauge[-1] == 0


def test_a_sensor_gets_dusty_and_numb_with_age():
    assert ageing.dust_db_m(10 * ageing.YEAR_S, 1.0) == pytest.approx(0.02)
    assert ageing.sensitivity("co", np.array([0.0, ageing.YEAR_S])) == pytest.approx([1.0, math.exp(-0.05)])
    assert ageing.sensitivity("temperature", 20 * ageing.YEAR_S) == 1


def test_a_radio_loses_what_it_says_in_bursts_of_the_length_it_says():
    channel, rng, step_s = Channel(bad_share=0.05, burst_s=30.0), np.random.default_rng(3), 5.0
    bad = rng.uniform(size=2_000) < channel.bad_share
    states = []
    for _ in range(1_000):
        bad = rng.uniform(size=bad.size) < channel.bad_after(bad, step_s)
        states.append(bad)
    history = np.array(states)
    assert history.mean() == pytest.approx(channel.bad_share, rel=0.05)
    # Of what is bad, the share that is good again a step later; e^(−5/30) would stay but for what comes back.
    ended = (history[:-1] & ~history[1:]).sum() / history[:-1].sum()
    assert ended == pytest.approx(1 - float(channel.bad_after([True], step_s)[0]), rel=0.05)
    assert channel.loss == pytest.approx(0.05 * 0.9 + 0.95 * 0.002)


# --- people -------------------------------------------------------------------------------------------------------
def test_about_half_of_those_who_fall_stay_down_and_the_others_are_soon_up():
    luck = (np.arange(10_000) + 0.5) / 10_000
    lies_s = np.array([person.floor_s(each, 1_800.0) for each in luck])
    assert np.mean(lies_s == 1_800.0) == pytest.approx(person.NEEDS_HELP_SHARE, abs=0.01)
    assert np.median(lies_s[lies_s < 1_800.0]) == pytest.approx(person.UP_MEDIAN_S, rel=0.02)


def test_a_radar_loses_who_lies_still_now_and_then_and_finds_them_again():
    seen = person.Floor(lies_s=3_600.0, seed=5).seen(np.arange(-10.0, 3_700.0, 1.0))
    assert not seen[:10].any()
    assert not seen[3_610:].any()
    lying = seen[10:3_610]
    assert 0.9 < lying.mean() < 1.0
    assert (np.diff(lying) == 1).sum() > 10
    assert not person.Floor(lies_s=3_600.0, seed=5, hidden=True).seen(np.arange(100.0)).any()
