"""The quiet day of a room: warm afternoons, cool nights, and a kitchen that cooks three times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DAY_S: Final = 86_400.0
CHINA_UTC_OFFSET_S: Final = 8 * 3_600  # one time zone, no summer time


@dataclass(frozen=True, slots=True)
class Climate:
    """The quiet day of one kind of zone."""

    mean_c: float
    swing_c: float
    """Half the distance between the coolest and the warmest hour."""
    cooking_c: float = 0.0
    cooking_db_m: float = 0.0
    cooking_co_ppm: float = 0.0
    """How much a meal being cooked adds at its height."""


CLIMATES: Final[Mapping[str, Climate]] = {
    "bedroom": Climate(mean_c=22.5, swing_c=1.2),
    "dormitory": Climate(mean_c=21.5, swing_c=1.5),
    "kitchen": Climate(mean_c=23.0, swing_c=1.5, cooking_c=4.5, cooking_db_m=0.02, cooking_co_ppm=4.0),
    "corridor": Climate(mean_c=20.0, swing_c=1.5),
    "dining": Climate(mean_c=21.5, swing_c=1.5, cooking_c=1.0, cooking_db_m=0.003),
    "activity": Climate(mean_c=22.0, swing_c=1.5),
    "laundry": Climate(mean_c=23.5, swing_c=2.0),
    "boiler_room": Climate(mean_c=29.0, swing_c=2.0, cooking_co_ppm=1.0),
    "office": Climate(mean_c=22.0, swing_c=1.5),
    "storage": Climate(mean_c=18.0, swing_c=1.0),
    "other": Climate(mean_c=21.0, swing_c=1.5),
}

MEALS_S: Final = (6.2 * 3_600, 10.9 * 3_600, 16.9 * 3_600)
"""Local times at which the kitchen is busiest, as seconds after midnight."""
MEAL_WIDTH_S: Final = 1_500.0


def local_second_of_day(epoch_s: ArrayLike) -> Floats:
    """Seconds after midnight in China at *epoch_s* (seconds since 1970, UTC).

    >>> float(local_second_of_day(0.0))
    28800.0
    """
    return np.asarray((np.asarray(epoch_s, dtype=np.float64) + CHINA_UTC_OFFSET_S) % DAY_S)


def daily_cycle(day_s: ArrayLike) -> Floats:
    """−1 at the coolest hour (03:00), +1 at the warmest (15:00): a first harmonic, cos(2π·(t − 15 h)/24 h).

    >>> float(daily_cycle(15 * 3600))
    1.0
    """
    return np.asarray(np.cos(2 * np.pi * (np.asarray(day_s) - 15 * 3_600) / DAY_S))


def cooking(day_s: ArrayLike) -> Floats:
    """How busy a kitchen is, 0 to 1: one bell curve (standard deviation 25 min) for each of three meals."""
    day = np.asarray(day_s, dtype=np.float64)
    return np.asarray(np.sum([np.exp(-0.5 * ((day - meal) / MEAL_WIDTH_S) ** 2) for meal in MEALS_S], axis=0))
