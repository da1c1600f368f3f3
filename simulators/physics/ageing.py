"""What the years do to a sensor.

Photoelectric smoke: dust in the chamber scatters light as smoke does and raises the reading in clean air, by d·t. CO
cells and gas beads lose sensitivity, S = e^(−k·t), and their zero wanders. Over days every zero swings slowly, with
temperature and humidity: a·sin(2π·t/T + φ).

Simplification: dust settles evenly; no cell dries out or is poisoned at once. The rates are makers' typical figures
(a CO cell: less than 5 % a year) and, for dust, an assumption.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import DAY_S, Floats

YEAR_S: Final = 365.25 * DAY_S
DUST_DB_M_PER_YEAR: Final = 0.002
SENSITIVITY_LOSS_PER_YEAR: Final = {"co": 0.05, "gas": 0.03}
"""By quantity; none for what is not named."""


def slow_drift(elapsed_s: ArrayLike, amplitude: ArrayLike, period_s: ArrayLike, phase: ArrayLike) -> Floats:
    """A sensor wandering around its zero: amplitude·sin(2π·t/period + phase), in the amplitude's unit.

    >>> float(slow_drift(25.0, 2.0, 100.0, 0.0))
    2.0
    """
    turn = 2 * np.pi * np.asarray(elapsed_s) / np.asarray(period_s) + np.asarray(phase)
    return np.asarray(np.asarray(amplitude) * np.sin(turn))


def dust_db_m(age_s: ArrayLike, dustiness: ArrayLike) -> Floats:
    """What dust adds to clean air after *age_s*; *dustiness* 1 in a clean room.

    >>> float(dust_db_m(5 * YEAR_S, 2.0))
    0.02
    """
    return np.asarray(DUST_DB_M_PER_YEAR * np.asarray(dustiness) * np.asarray(age_s) / YEAR_S)


def sensitivity(quantity: str, age_s: ArrayLike) -> Floats:
    """The share of a rise that a sensor of that age still shows, 0 to 1.

    >>> float(sensitivity("co", 10 * YEAR_S).round(3))
    0.607
    """
    loss = SENSITIVITY_LOSS_PER_YEAR.get(quantity, 0.0)
    return np.asarray(np.exp(-loss * np.asarray(age_s, dtype=np.float64) / YEAR_S))
