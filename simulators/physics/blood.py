"""Carbon monoxide in the blood of somebody who sits in it.

    %COHb = 3.317·10⁻⁵·ppm^1.036·V·t

V breathing in L/min (8.5 at rest), t in min (Stewart, 1973, as in Purser's chapter of the SFPE Handbook). For a
concentration that changes the increments are added up. Simplification: uptake only, right for short exposures far from
equilibrium. UL 2034 sets its alarm times so that 10 % is not exceeded.
"""

from typing import Final

import numpy as np

from simulators.physics.day import Floats

AT_REST_L_MIN: Final = 8.5
DANGEROUS_PERCENT: Final = 10.0


def cohb_percent(co_ppm: Floats, step_s: float, breathing_l_min: float = AT_REST_L_MIN) -> Floats:
    """%COHb after each of the samples *co_ppm*, *step_s* apart.

    >>> float(cohb_percent(np.full(60, 400.0), 60.0)[-1].round(1))  # an hour of 400 ppm
    8.4
    """
    return np.asarray(np.cumsum(3.317e-5 * np.maximum(co_ppm, 0.0) ** 1.036 * breathing_l_min * step_s / 60.0))
