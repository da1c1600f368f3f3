"""How much light smoke and fog take away: mass of particles to dB/m.

    I = I₀·e^(−K·l),   K = σ·m

K extinction coefficient in 1/m, m mass of particles per volume in kg/m³, σ specific extinction in m²/kg; dB/m is
10·log10(I₀/I)/l = 4.343·K (Bouguer's law).
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats

DB_PER_NEPER: Final = 10 * math.log10(math.e)
"""dB/m for an extinction coefficient of 1/m."""
DB_PER_OPTICAL_DENSITY: Final = 10.0
"""dB/m for an optical density of 1/m: D = log10(I0/I)/l."""
FLAMING_M2_PER_KG: Final = 8_700.0
"""Soot of flaming fires (Mulholland & Croarkin, Fire and Materials 24, 2000)."""
SMOULDERING_M2_PER_KG: Final = 4_400.0
"""Smoke of pyrolysis without flame (Seader & Einhorn, 16th Symposium on Combustion, 1977)."""
COOKING_M2_PER_KG: Final = 4_000.0
"""Droplets of oil below a micrometre: of the order of pyrolysis smoke; an assumption."""
WATER_KG_M3: Final = 1_000.0


def fog_m2_per_kg(droplet_m: float) -> float:
    """Specific extinction of water droplets much larger than the wavelength: σ = 3·Q/(2·ρ·d) with Q = 2.

    Source: geometric optics of large spheres, e.g. Bohren & Huffman (1983), ch. 4.

    >>> round(fog_m2_per_kg(10e-6))
    300
    """
    return 3 * 2.0 / (2 * WATER_KG_M3 * droplet_m)


def db_per_m(particles_kg_m3: ArrayLike, specific_m2_per_kg: float) -> Floats:
    """Obscuration of *particles_kg_m3*.

    >>> round(float(db_per_m(1e-5, FLAMING_M2_PER_KG)), 3)
    0.378
    """
    return np.asarray(DB_PER_NEPER * specific_m2_per_kg * np.asarray(particles_kg_m3, dtype=np.float64))
