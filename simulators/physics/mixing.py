"""A room whose air is well stirred: the single-zone mass balance.

    dC/dt = s(t) − λ·C,   C(0) = 0   ⇒   C(t) = ∫₀ᵗ s(u)·e^(−λ(t−u)) du

λ is the air change in 1/s; s what is brought in, in concentration a second. For s = tⁿ the integral has a closed form
by parts: I₀ = (1 − e^(−λt))/λ, Iₙ = (tⁿ − n·Iₙ₋₁)/λ. Source: the tracer-gas balance of ASTM E741.

Simplification: one zone, no gradients; whoever hangs nearer hears of it earlier only by a lag that the caller takes
off.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats

SMALL: Final = 0.05
"""Below this λt the parts cancel to rounding noise; a series of four terms is exact to 1e-8 there."""


def built_up(elapsed_s: ArrayLike, air_change_per_s: float, power: int) -> Floats:
    """∫₀ᵗ uⁿ·e^(−λ(t−u)) du in s^(n+1), n = *power*; zero before the source starts.

    >>> float(built_up(10.0, 0.0, 2))  # no draught: t³/3
    333.3333333333333
    >>> float(built_up(1e6, 0.01, 0))  # long after: 1/λ
    100.0
    """
    elapsed = np.maximum(np.asarray(elapsed_s, dtype=np.float64), 0.0)
    decay = air_change_per_s * elapsed
    # Σ (−λt)^k · n!/(n+1+k)!, the expansion of the integral around λt = 0.
    term = elapsed ** (power + 1) / (power + 1)
    series = term.copy()
    for k in range(1, 5):
        term = term * -decay / (power + 1 + k)
        series = series + term
    if air_change_per_s == 0.0:
        return np.asarray(series)
    parts = -np.expm1(-decay) / air_change_per_s
    for n in range(1, power + 1):
        parts = (elapsed**n - n * parts) / air_change_per_s
    return np.where(decay < SMALL, series, parts)


def aired(elapsed_s: ArrayLike, until_s: float, open_per_s: float) -> Floats:
    """What is left, 0 to 1, of a concentration once the windows are open: e^(−μ(t − until)), 1 before."""
    return np.asarray(np.exp(-open_per_s * np.maximum(np.asarray(elapsed_s, dtype=np.float64) - until_s, 0.0)))


def well_mixed(
    elapsed_s: ArrayLike, source_per_s: float, closed_per_s: float, until_s: float, open_per_s: float
) -> Floats:
    """Concentration of a steady source *source_per_s* (concentration per second) that runs until *until_s* against the
    air change *closed_per_s*; then it stops and the room is aired at *open_per_s*. Zero before it starts.

    >>> round(float(well_mixed(100, 2.0, 0.01, 1_000, 0.02)), 2)  # 200·(1 − 1/e)
    126.42
    """
    elapsed = np.asarray(elapsed_s, dtype=np.float64)
    running = np.minimum(elapsed, until_s)
    return np.asarray(source_per_s * built_up(running, closed_per_s, 0) * aired(elapsed, until_s, open_per_s))
