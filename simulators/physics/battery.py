"""A 3 V lithium cell drained evenly, and what a device that only measures its voltage says is left.

    V = E₀ − K·Q/(Q − q) + A·e^(−B·q/Q)

Shepherd's equation (J. Electrochem. Soc. 112, 1965), q charge taken of Q; E₀ 2.93 V, K 0.03 V, A 0.1 V, B 40 give the
shape of a Li-MnO₂ cell's data sheet: a short fall, a long flat, a sudden end. The gauge is linear in the voltage, as
most small devices do it: 100 % at 3.0 V, 0 % at 2.0 V, below which the radio does not start. So it says 80 to 90 %
for years and comes to 15 % days before the end: how many is what a rule of 15 % lives on.

Simplification: no temperature, no self-discharge, no sag while the radio sends.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from simulators.physics.day import Floats

E0_V: Final = 2.93
POLARISATION_V: Final = 0.03
EXPONENTIAL_V: Final = 0.1
EXPONENTIAL_RATE: Final = 40.0
FULL_V: Final = 3.0
EMPTY_V: Final = 2.0


def voltage_v(taken: ArrayLike) -> Floats:
    """Of a cell from which the share *taken* (0 to 1) of its charge has been taken.

    >>> [round(float(voltage_v(each)), 2) for each in (0.0, 0.5, 0.9, 0.95)]
    [3.0, 2.87, 2.63, 2.33]
    """
    used = np.clip(np.asarray(taken, dtype=np.float64), 0.0, 1.0 - 1e-6)
    return np.asarray(E0_V - POLARISATION_V / (1 - used) + EXPONENTIAL_V * np.exp(-EXPONENTIAL_RATE * used))


def gauge_percent(taken: ArrayLike) -> Floats:
    """What the device says is left, 0 to 100.

    >>> [round(float(gauge_percent(each))) for each in (0.0, 0.5, 0.95, 1.0)]
    [100, 87, 33, 0]
    """
    span = (voltage_v(taken) - EMPTY_V) / (FULL_V - EMPTY_V)
    return np.asarray(100 * np.clip(span, 0.0, 1.0))


def taken_when_empty() -> float:
    """The share of the charge that is gone when the gauge reaches 0 and the radio falls silent.

    >>> round(taken_when_empty(), 3)
    0.968
    """
    return 1 - POLARISATION_V / (E0_V - EMPTY_V)
