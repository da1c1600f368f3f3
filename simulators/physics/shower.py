"""The steam of a shower that drifts to a bedroom's detector: fog that is fed, mixes and evaporates (mixing.py).

    dm/dt = share·f/V − (λ + 1/τ)·m,   K = 300 m²/kg · m

f the fog a hot shower makes (about 1 g/s of water condenses in a cold bathroom), τ the time in which droplets of 10
µm evaporate or settle once they are in drier air. Only a share drifts out of the door: most days almost nothing, a
door left open almost all. Simplification: one zone, and the ceiling warms with the fog.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats
from simulators.physics.extinction import db_per_m, fog_m2_per_kg
from simulators.physics.mixing import well_mixed

DROPLET_M: Final = 10e-6
FOG_KG_S: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Shower:
    """A shower of *running_s*, of whose fog *share* reaches the room with the detector.

    >>> round(float(Shower(share=0.05).smoke_db_m(480)), 3)
    0.114
    """

    share: float = 0.05
    running_s: float = 480.0
    room_m3: float = 50.0
    evaporation_s: float = 90.0
    air_change_per_s: float = 1 / 3_600
    warmth_c: float = 1.5

    @classmethod
    def peaking(cls, peak_db_m: float, running_s: float) -> "Shower":
        """The one that comes to *peak_db_m* if it runs long."""
        unit = cls(share=1.0, running_s=1e6)
        return cls(share=peak_db_m / float(unit.smoke_db_m(1e6)), running_s=running_s)

    def smoke_db_m(self, elapsed_s: ArrayLike) -> Floats:
        """What the detector takes for smoke."""
        gone = 1 / self.evaporation_s + self.air_change_per_s
        fog = well_mixed(elapsed_s, self.share * FOG_KG_S / self.room_m3, gone, self.running_s, gone)
        return db_per_m(fog, fog_m2_per_kg(DROPLET_M))

    def temperature_rise_c(self, elapsed_s: ArrayLike) -> Floats:
        """At the ceiling: with the fog, at most *warmth_c* when half of it drifts out."""
        rate = 1 / 300.0
        towards = self.warmth_c * min(1.0, 2 * self.share)
        return np.asarray(well_mixed(elapsed_s, towards * rate, rate, self.running_s, rate))
