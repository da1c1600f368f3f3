"""The hot gas under a ceiling: how warm it is at a detector, and how long it takes to get there.

    ΔT = 16.9·Q^⅔/H^(5/3)            for r/H ≤ 0.18
    ΔT = 5.38·(Q/r)^⅔/H              beyond

Q heat release in kW, H ceiling above the fire and r distance from its axis in m, ΔT in K (Alpert, Fire Technology 8,
1972). A fire that grows as α·t² is felt at r after the lag

    t = 0.813·(1 + r/H)·A^(−1/5)·α^(−1/5)·H^(4/5),   A = g/(c_p·T·ρ)

(Heskestad & Delichatsios, 17th Symposium on Combustion, 1979). Simplifications: quasi-steady, a flat unbounded ceiling,
no hot layer below it, and a detector without thermal inertia.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats

BUOYANCY_M4_PER_S2_KJ: Final = 9.81 / (1.006 * 293.0 * 1.204)
"""A for air of 20 °C: g/(c_p·T·ρ)."""
LAG_FACTOR: Final = 0.813
JET_DEPTH_SHARE: Final = 0.1
"""The jet is 5.5 to 12 % of the ceiling's height thick (Alpert, SFPE Handbook): where a detector hangs."""


def rise_c(heat_kw: ArrayLike, ceiling_m: float, distance_m: float) -> Floats:
    """ΔT at the ceiling.

    >>> round(float(rise_c(100.0, 2.5, 2.0)), 1), round(float(rise_c(100.0, 2.5, 0.3)), 1)
    (29.2, 79.1)
    """
    heat = np.maximum(np.asarray(heat_kw, dtype=np.float64), 0.0)
    if distance_m / ceiling_m <= 0.18:
        return np.asarray(16.9 * heat ** (2 / 3) / ceiling_m ** (5 / 3))
    return np.asarray(5.38 * (heat / distance_m) ** (2 / 3) / ceiling_m)


def lag_s(growth_kw_s2: float, ceiling_m: float, distance_m: float) -> float:
    """Time from ignition until a t² fire of *growth_kw_s2* is felt at the detector.

    >>> round(lag_s(0.01172, 2.6, 2.0), 1)
    15.4
    """
    scale = BUOYANCY_M4_PER_S2_KJ**-0.2 * growth_kw_s2**-0.2 * ceiling_m**0.8
    return LAG_FACTOR * (1 + distance_m / ceiling_m) * float(scale)
