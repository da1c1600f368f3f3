"""A smouldering fire: upholstery or bedding that glows for an hour without a flame.

    ṁ = 0.10·t + 0.0185·t²   g/min, t in min, up to 60 min

Source: Quintiere, Birky, McDonald & Smith, "An analysis of smoldering fires in closed compartments and their hazard
due to carbon monoxide", Fire and Materials 6 (1982), as it is commonly cited (not read in the paper). 0.11 kg of CO and
0.03 kg of smoke per kg lost are of the order reported for upholstery that smoulders; an assumption.

Simplifications: so little heat that the ceiling does not warm noticeably; smoke spreads over the whole room (no
layer) and is felt after a lag of a minute; no change to flaming.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats
from simulators.physics.extinction import SMOULDERING_M2_PER_KG, db_per_m
from simulators.physics.fire import CO_KG_PER_M3_PER_PPM
from simulators.physics.mixing import aired, built_up

LINEAR_KG_S2: Final = 0.10e-3 / 60**2
QUADRATIC_KG_S3: Final = 0.0185e-3 / 60**3
LAST_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Smoulder:
    """Mass lost, and what of it hangs in the air; *size* scales the mass loss.

    >>> smoulder = Smoulder(put_out_s=3_600)
    >>> float(smoulder.loss_kg_s(3_600) * 60e3)  # 6 + 66.6 g/min
    72.6
    >>> round(float(smoulder.smoke_db_m(660)), 2)
    0.12
    """

    size: float = 1.0
    put_out_s: float = 1_800.0
    room_m3: float = 50.0
    co_yield: float = 0.11
    smoke_yield: float = 0.03
    lag_s: float = 60.0
    closed_per_s: float = 1 / 3_600
    open_per_s: float = 20 / 3_600

    def loss_kg_s(self, elapsed_s: ArrayLike) -> Floats:
        """Mass lost a second, while it glows."""
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        glowing = (elapsed > 0) & (elapsed <= min(self.put_out_s, LAST_S))
        return np.where(glowing, self.size * (LINEAR_KG_S2 * elapsed + QUADRATIC_KG_S3 * elapsed**2), 0.0)

    def smoke_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """At the ceiling."""
        return db_per_m(self.smoke_yield * self._lost_kg_m3(elapsed_s), SMOULDERING_M2_PER_KG)

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """In the room."""
        return np.asarray(self.co_yield * self._lost_kg_m3(elapsed_s) / CO_KG_PER_M3_PER_PPM)

    def _lost_kg_m3(self, elapsed_s: ArrayLike) -> Floats:
        """Mass lost per volume of air and not aired out."""
        felt = np.asarray(elapsed_s, dtype=np.float64) - self.lag_s
        until_s = min(self.put_out_s, LAST_S)
        glowing_s = np.minimum(felt, until_s)
        lost = LINEAR_KG_S2 * built_up(glowing_s, self.closed_per_s, 1)
        lost = lost + QUADRATIC_KG_S3 * built_up(glowing_s, self.closed_per_s, 2)
        return np.asarray(self.size * lost / self.room_m3 * aired(felt, until_s, self.open_per_s))
