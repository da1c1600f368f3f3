"""A flaming fire that grows as t², and what a detector under the ceiling sees of it: two zones, with closed formulas.

    Q = α·t²                                        (NFPA 72 annex B, NFPA 204)
    z/H = 0.91·(t·τ^(−2/5)·H^(−4/5)·(S/H²)^(−3/5))^(−1.45)    smoke layer's lower edge (NFPA 92, unsteady fire)
    m = y·∫Q dt/ΔHc − what the air change carries off

τ is the time in s at which Q reaches 1,055 kW, S the floor in m². Soot and CO that have been made are spread evenly
over the layer between its lower edge and the ceiling, which is at least as deep as the ceiling jet. Temperature is
the ceiling jet's. Smoke arrives with the jet's lag.

Simplifications: yields do not depend on the air that is left; the layer's correlation is used outside 1 ≤ S/H² ≤ 23,
too; after the fire is out the layer stays where it is and is aired.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics import ceiling_jet
from simulators.physics.day import Floats
from simulators.physics.extinction import FLAMING_M2_PER_KG, db_per_m
from simulators.physics.mixing import aired, built_up

SLOW_KW_S2: Final = 0.00293
MEDIUM_KW_S2: Final = 0.01172
FAST_KW_S2: Final = 0.0469
GROWN_KW: Final = 1_055.0
CO_KG_PER_M3_PER_PPM: Final = 1.165e-6
"""Density of 1 ppm CO at 20 °C, 101.3 kPa: 28.01 g/mol / 24.05 L/mol."""


@dataclass(frozen=True, slots=True)
class TSquaredFire:
    """A fire whose heat release grows as α·t² until it is put out, then the room is aired.

    >>> fire = TSquaredFire(MEDIUM_KW_S2, put_out_s=400)
    >>> float(fire.heat_release_kw(300).round(1)), round(float(fire.smoke_db_m(60)), 2)
    (1054.8, 0.88)
    """

    growth_kw_s2: float = MEDIUM_KW_S2
    put_out_s: float = 150.0
    floor_m2: float = 20.0
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

    @property
    def lag_s(self) -> float:
        """When the fire is first felt at the detector."""
        return ceiling_jet.lag_s(self.growth_kw_s2, self.ceiling_m, self.distance_m)

    def heat_release_kw(self, elapsed_s: ArrayLike) -> Floats:
        """Q = α·t² while it burns, 0 before and after."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        burning = (elapsed > 0) & (elapsed <= self.put_out_s)
        return np.where(burning, self.growth_kw_s2 * elapsed**2, 0.0)

    def temperature_rise_c(self, elapsed_s: ArrayLike) -> Floats:
        """The ceiling jet's, the lag after it left the flame; exponential cooling once the fire is out."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64) - self.lag_s
        heat = self.growth_kw_s2 * np.clip(elapsed, 0.0, self.put_out_s) ** 2
        cooling = np.exp(-np.maximum(elapsed - self.put_out_s, 0.0) / self.cooling_s)
        return np.asarray(ceiling_jet.rise_c(heat, self.ceiling_m, self.distance_m) * cooling)

    def layer_m(self, elapsed_s: ArrayLike) -> Floats:
        """How deep the smoke hangs: from the jet's own depth to the floor."""
        burning_s = np.clip(np.asarray(elapsed_s, dtype=np.float64), 1e-3, self.put_out_s)
        grown_s = (GROWN_KW / self.growth_kw_s2) ** 0.5
        shape = (self.floor_m2 / self.ceiling_m**2) ** -0.6
        edge = 0.91 * (burning_s * grown_s**-0.4 * self.ceiling_m**-0.8 * shape) ** -1.45
        return np.asarray(np.clip(1 - edge, ceiling_jet.JET_DEPTH_SHARE, 1.0) * self.ceiling_m)

    def smoke_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """At the detector, in the layer."""
        felt = np.asarray(elapsed_s, dtype=np.float64) - self.lag_s
        soot = self.soot_yield * self.fuel_kg(felt) / (self.floor_m2 * self.layer_m(felt))
        return db_per_m(soot, FLAMING_M2_PER_KG)

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """At the detector, in the layer."""
        felt = np.asarray(elapsed_s, dtype=np.float64) - self.lag_s
        made = self.co_yield * self.fuel_kg(felt) / (self.floor_m2 * self.layer_m(felt))
        return np.asarray(made / CO_KG_PER_M3_PER_PPM)

    def room_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """The smoke of the fire spread over the whole room: what somebody has to see through."""
        soot = self.soot_yield * self.fuel_kg(elapsed_s) / (self.floor_m2 * self.ceiling_m)
        return db_per_m(soot, FLAMING_M2_PER_KG)

    def fuel_kg(self, elapsed_s: ArrayLike) -> Floats:
        """Fuel burnt whose smoke has not been aired out."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        burning_s = np.minimum(elapsed, self.put_out_s)
        burnt = self.growth_kw_s2 / self.combustion_kj_kg * built_up(burning_s, self.closed_per_s, 2)
        return np.asarray(burnt * aired(elapsed, self.put_out_s, self.open_per_s))
