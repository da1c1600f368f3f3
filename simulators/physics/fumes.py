"""Something burnt in a pan: droplets of fat, a little CO and warmth, against the kitchen's ventilation (mixing.py).

    dm/dt = e/V − λ·m

e in kg/s of particles: 10 mg/min is ordinary frying, 100 to 400 mg/min a pan that burns. Simplification: the whole
kitchen is one zone, and the hood is part of its air change. Emissions differ by orders of magnitude between dishes: the
figures are an assumption, of the order measured in test kitchens.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats
from simulators.physics.extinction import COOKING_M2_PER_KG, db_per_m
from simulators.physics.mixing import well_mixed


@dataclass(frozen=True, slots=True)
class BurntFood:
    """A pan that burns for *burning_s*, then is taken off.

    >>> round(float(BurntFood(emission_mg_min=200).smoke_db_m(180)), 3)
    0.205
    """

    emission_mg_min: float = 200.0
    burning_s: float = 180.0
    kitchen_m3: float = 40.0
    hood_per_s: float = 10 / 3_600
    co_mg_per_mg: float = 2.0
    warmth_c: float = 1.5

    def smoke_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """At the ceiling."""
        return db_per_m(self._kg_m3(elapsed_s), COOKING_M2_PER_KG)

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """In the kitchen."""
        return np.asarray(self.co_mg_per_mg * self._kg_m3(elapsed_s) / 1.165e-6)

    def temperature_rise_c(self, elapsed_s: ArrayLike) -> Floats:
        """At the ceiling, towards *warmth_c* while it burns."""
        return well_mixed(elapsed_s, self.warmth_c / 120.0, 1 / 120.0, self.burning_s, 1 / 120.0)

    def _kg_m3(self, elapsed_s: ArrayLike) -> Floats:
        source = self.emission_mg_min * 1e-6 / 60 / self.kitchen_m3
        return well_mixed(elapsed_s, source, self.hood_per_s, self.burning_s, self.hood_per_s)
