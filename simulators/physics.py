"""What the air of a room and the sensors in it do, as closed formulas of time.

Everything here is pure and works on numbers and numpy arrays alike: time goes in, readings come out. Noise comes in as
standard normal draws made by the caller, so one seed gives one history.

Units: seconds, degrees Celsius, smoke in dB/m, CO in ppm by volume, combustible gas in % of the lower explosive limit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DAY_S: Final = 86_400.0
CHINA_UTC_OFFSET_S: Final = 8 * 3_600  # one time zone, no summer time

DB_PER_NEPER: Final = 10 * math.log10(math.e)
"""dB/m for an extinction coefficient of 1/m: Bouguer's law I = I0·exp(−K·l) written as 10·log10(I0/I)."""
DB_PER_OPTICAL_DENSITY: Final = 10.0
"""dB/m for an optical density of 1/m: D = log10(I0/I)/l."""
EXTINCTION_M2_PER_KG: Final = 8_700.0
"""Specific extinction of soot from flaming fires (Mulholland & Croarkin, Fire and Materials 24, 2000)."""
CO_KG_PER_M3_PER_PPM: Final = 1.165e-6
"""Density of 1 ppm CO at 20 °C, 101.3 kPa: 28.01 g/mol / 24.05 L/mol."""
METHANE_LEL_FRACTION: Final = 0.05
"""Lower explosive limit of methane: 5 % by volume (GB/T 50493 uses the same figure)."""


@dataclass(frozen=True, slots=True)
class Climate:
    """The quiet day of one kind of zone."""

    mean_c: float
    swing_c: float
    """Half the distance between the coolest and the warmest hour."""
    cooking_c: float = 0.0
    cooking_db_m: float = 0.0
    cooking_co_ppm: float = 0.0
    """How much a meal being cooked adds at its height."""


CLIMATES: Final[Mapping[str, Climate]] = {
    "bedroom": Climate(mean_c=22.5, swing_c=1.2),
    "dormitory": Climate(mean_c=21.5, swing_c=1.5),
    "kitchen": Climate(mean_c=23.0, swing_c=1.5, cooking_c=4.5, cooking_db_m=0.02, cooking_co_ppm=4.0),
    "corridor": Climate(mean_c=20.0, swing_c=1.5),
    "dining": Climate(mean_c=21.5, swing_c=1.5, cooking_c=1.0, cooking_db_m=0.003),
    "activity": Climate(mean_c=22.0, swing_c=1.5),
    "laundry": Climate(mean_c=23.5, swing_c=2.0),
    "boiler_room": Climate(mean_c=29.0, swing_c=2.0, cooking_co_ppm=1.0),
    "office": Climate(mean_c=22.0, swing_c=1.5),
    "storage": Climate(mean_c=18.0, swing_c=1.0),
    "other": Climate(mean_c=21.0, swing_c=1.5),
}

MEALS_S: Final = (6.2 * 3_600, 10.9 * 3_600, 16.9 * 3_600)
"""Local times at which the kitchen is busiest, as seconds after midnight."""
MEAL_WIDTH_S: Final = 1_500.0


def local_second_of_day(epoch_s: ArrayLike) -> Floats:
    """Seconds after midnight in China at *epoch_s* (seconds since 1970, UTC)."""
    return np.asarray((np.asarray(epoch_s, dtype=np.float64) + CHINA_UTC_OFFSET_S) % DAY_S)


def daily_cycle(day_s: ArrayLike) -> Floats:
    """−1 at the coolest hour (03:00), +1 at the warmest (15:00): a first harmonic, cos(2π·(t − 15 h)/24 h)."""
    return np.asarray(np.cos(2 * np.pi * (np.asarray(day_s) - 15 * 3_600) / DAY_S))


def cooking(day_s: ArrayLike) -> Floats:
    """How busy a kitchen is, 0 to 1: one bell curve (standard deviation 25 min) for each of three meals."""
    day = np.asarray(day_s, dtype=np.float64)
    return np.asarray(np.sum([np.exp(-0.5 * ((day - meal) / MEAL_WIDTH_S) ** 2) for meal in MEALS_S], axis=0))


def slow_drift(elapsed_s: ArrayLike, amplitude: ArrayLike, period_s: ArrayLike, phase: ArrayLike) -> Floats:
    """A sensor wandering around its zero: amplitude·sin(2π·t/period + phase), in the amplitude's unit."""
    turn = 2 * np.pi * np.asarray(elapsed_s) / np.asarray(period_s) + np.asarray(phase)
    return np.asarray(np.asarray(amplitude) * np.sin(turn))


def battery_percent(level_percent: ArrayLike, elapsed_s: ArrayLike, life_s: ArrayLike) -> Floats:
    """Charge left of a lithium cell drained at a constant rate: level − 100·t/life, never below 0."""
    spent = 100 * np.asarray(elapsed_s) / np.asarray(life_s)
    return np.asarray(np.clip(np.asarray(level_percent) - spent, 0.0, 100.0))


def well_mixed(
    elapsed_s: ArrayLike, source_per_s: float, closed_per_s: float, until_s: float, open_per_s: float
) -> Floats:
    """Concentration in a well-stirred room: dC/dt = s − λ·C with C(0) = 0, hence C = s/λ·(1 − e^(−λt)).

    The source *source_per_s* (concentration per second) runs until *until_s* against the air change *closed_per_s*;
    then it stops and the room is aired at *open_per_s*. Zero before it starts.
    Source: the single-zone mass balance, e.g. ASTM E741.
    """
    elapsed = np.maximum(np.asarray(elapsed_s, dtype=np.float64), 0.0)
    build_up = source_per_s / closed_per_s * -np.expm1(-closed_per_s * np.minimum(elapsed, until_s))
    return np.asarray(build_up * np.exp(-open_per_s * np.maximum(elapsed - until_s, 0.0)))


@dataclass(frozen=True, slots=True)
class TSquaredFire:
    """A fire whose heat release grows as α·t² until it is put out, then the room is aired.

    α: 0.00293 slow, 0.01172 medium, 0.0469 fast, 0.1876 kW/s² ultra-fast (NFPA 72 annex B, NFPA 204).
    """

    growth_kw_s2: float = 0.01172
    put_out_s: float = 150.0
    room_m3: float = 50.0
    ceiling_m: float = 2.6
    distance_m: float = 2.0
    """Horizontal distance from the fire's axis to the detector."""
    combustion_kj_kg: float = 20_000.0
    soot_yield: float = 0.015
    co_yield: float = 0.004
    """kg per kg of fuel; wood burning with enough air (SFPE Handbook, 5th ed., table A.39)."""
    closed_per_s: float = 1 / 3_600
    open_per_s: float = 20 / 3_600
    cooling_s: float = 60.0
    transport_s: float = 5.0
    """Time for the smoke to reach the ceiling detector."""

    def heat_release_kw(self, elapsed_s: ArrayLike) -> Floats:
        """Q = α·t² while it burns, 0 before and after."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        burning = (elapsed > 0) & (elapsed <= self.put_out_s)
        return np.where(burning, self.growth_kw_s2 * elapsed**2, 0.0)

    def temperature_rise_c(self, elapsed_s: ArrayLike) -> Floats:
        """Alpert's ceiling jet: ΔT = 16.9·Q^⅔/H^(5/3) for r/H ≤ 0.18, else 5.38·(Q/r)^⅔/H; then exponential cooling.

        Source: Alpert, Fire Technology 8 (1972), Q in kW, H and r in m.
        """
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        burning_s = np.clip(elapsed, 0.0, self.put_out_s)
        heat = self.growth_kw_s2 * burning_s**2
        if self.distance_m / self.ceiling_m <= 0.18:
            rise = 16.9 * heat ** (2 / 3) / self.ceiling_m ** (5 / 3)
        else:
            rise = 5.38 * (heat / self.distance_m) ** (2 / 3) / self.ceiling_m
        return np.asarray(rise * np.exp(-np.maximum(elapsed - self.put_out_s, 0.0) / self.cooling_s))

    def smoke_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """Soot made so far, mixed into the room, times the specific extinction, as dB/m."""
        kg_m3 = self.soot_yield * self._fuel_kg_m3(elapsed_s)
        return np.asarray(DB_PER_NEPER * EXTINCTION_M2_PER_KG * kg_m3)

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """CO made so far, mixed into the room, as ppm."""
        return np.asarray(self.co_yield * self._fuel_kg_m3(elapsed_s) / CO_KG_PER_M3_PER_PPM)

    def _fuel_kg_m3(self, elapsed_s: ArrayLike) -> Floats:
        """Fuel burnt per volume of air and not yet aired out: the solution of dC/dt = g·t² − λ·C, then of dC/dt = −μ·C.

        C = g·(t²/λ − 2t/λ² + 2(1 − e^(−λt))/λ³), g = α/(ΔHc·V).
        """
        elapsed = np.maximum(np.asarray(elapsed_s, dtype=np.float64) - self.transport_s, 0.0)
        burning_s = np.minimum(elapsed, self.put_out_s)
        rate = self.closed_per_s
        per_s3 = self.growth_kw_s2 / (self.combustion_kj_kg * self.room_m3)
        built_up = burning_s**2 / rate - 2 * burning_s / rate**2 - 2 * np.expm1(-rate * burning_s) / rate**3
        aired = np.exp(-self.open_per_s * np.maximum(elapsed - self.put_out_s, 0.0))
        # Near zero the three terms cancel to rounding noise around 1e-5 of a second cubed: never below clean air.
        return np.asarray(per_s3 * np.maximum(built_up, 0.0) * aired)


@dataclass(frozen=True, slots=True)
class GasLeak:
    """Natural gas from a burner left open, until somebody shuts it and opens the window."""

    leak_m3_s: float = 0.0008
    around_m3: float = 15.0
    """Volume the gas mixes into first: the part of the kitchen under the ceiling, where the detector hangs."""
    shut_s: float = 300.0
    closed_per_s: float = 0.5 / 3_600
    open_per_s: float = 25 / 3_600

    def lel_percent(self, elapsed_s: ArrayLike) -> Floats:
        """Well-mixed build-up, then airing out; 1 %LEL of methane is 0.05 % by volume."""
        source = 100 * self.leak_m3_s / self.around_m3 / METHANE_LEL_FRACTION
        return well_mixed(elapsed_s, source, self.closed_per_s, self.shut_s, self.open_per_s)


@dataclass(frozen=True, slots=True)
class StoveCo:
    """A stove that burns without enough air and fills its room towards *level_ppm*."""

    level_ppm: float = 250.0
    until_s: float = 1_500.0
    closed_per_s: float = 1 / 400
    open_per_s: float = 20 / 3_600

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """Well-mixed approach to the level at which the stove's output and the draught balance."""
        return well_mixed(
            elapsed_s, self.level_ppm * self.closed_per_s, self.closed_per_s, self.until_s, self.open_per_s
        )


def steam(elapsed_s: ArrayLike, peak: float, rise_s: float) -> Floats:
    """A puff of steam or cooking fumes: peak·(t/τ)·e^(1 − t/τ), a gamma-shaped pulse highest at t = τ = *rise_s*."""
    scaled = np.maximum(np.asarray(elapsed_s, dtype=np.float64), 0.0) / rise_s
    return np.asarray(peak * scaled * np.exp(1 - scaled))
