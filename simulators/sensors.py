"""Each device's own small differences, its age among them, and the quiet readings they make."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.physics import ageing, battery
from simulators.physics.ageing import YEAR_S
from simulators.physics.day import CLIMATES, DAY_S, Floats, cooking, daily_cycle, local_second_of_day
from simulators.premises import Mounted

Ints = NDArray[np.intp]

NOISE: Final = {"smoke_obscuration": 0.0015, "temperature": 0.08, "co": 0.6, "gas": 0.15}
ZERO: Final = {"smoke_obscuration": 0.006, "co": 1.0, "gas": 0.6}
"""Noise (standard deviation) and clean-air reading of a healthy new sensor."""
DRIFT: Final = {"smoke_obscuration": 0.002, "temperature": 0.3, "co": 0.5, "gas": 0.3}
DRIFT_PERIOD_S: Final = (4 * DAY_S, 9 * DAY_S)
AGE_S_MAX: Final = 6 * YEAR_S
DUSTINESS: Final = {"kitchen": 1.5, "laundry": 1.5, "storage": 1.5, "boiler_room": 1.5}
BATTERY_LIFE_S: Final = (3 * YEAR_S, 6 * YEAR_S)
"""Shortest and longest time from a new battery to an empty one."""
GAS_LEL_PERCENT_MAX: Final = 100.0
DECIMALS: Final = {
    "smoke_obscuration": 4, "temperature": 2, "co": 1, "gas": 2, "fall": 0, "on_floor": 0, "sos": 0, "battery": 0,
}  # fmt: skip
"""What the sensors resolve."""


class Sensors:
    """The devices of a fleet as columns. A battery has at least the share *charge_min* left at the start."""

    def __init__(self, devices: Sequence[Mounted], rng: np.random.Generator, charge_min: float) -> None:
        n = len(devices)
        climates = [CLIMATES.get(m.zone.kind, CLIMATES["other"]) for m in devices]
        self._mean_c = np.array([c.mean_c for c in climates]) + rng.normal(0.0, 0.7, n)
        self._swing_c = np.array([c.swing_c for c in climates])
        self._meal = {
            "temperature": np.array([c.cooking_c for c in climates]),
            "smoke_obscuration": np.array([c.cooking_db_m for c in climates]),
            "co": np.array([c.cooking_co_ppm for c in climates]),
        }
        self.cooks = np.any(list(self._meal.values()), axis=0)
        self._zero = {quantity: zero * rng.uniform(0.5, 1.5, n) for quantity, zero in ZERO.items()}
        self._period_s = rng.uniform(*DRIFT_PERIOD_S, n)
        self._phase = rng.uniform(0.0, 2 * np.pi, n)
        age_s = rng.uniform(0.0, AGE_S_MAX, n)
        dustiness = np.array([DUSTINESS.get(m.zone.kind, 1.0) for m in devices])
        self._zero["smoke_obscuration"] += ageing.dust_db_m(age_s, dustiness)
        self.sensitivity = {quantity: ageing.sensitivity(quantity, age_s) for quantity in NOISE}
        self._taken = 1.0 - rng.uniform(charge_min, 1.0, n)
        self._life_s = rng.uniform(*BATTERY_LIFE_S, n)

    def empty_s(self) -> Floats:
        """When each battery is empty, in seconds after the start."""
        return np.asarray((battery.taken_when_empty() - self._taken) * self._life_s)

    def around(self, who: Ints, at_s: Floats, epoch_s: float) -> "Around":
        """What is the same for all quantities of devices *who* at offsets *at_s* after *epoch_s*."""
        day_s = local_second_of_day(epoch_s + at_s)
        meal = np.zeros(len(who))
        # The bell curves are dear, and only kitchens and dining rooms have them.
        cooks = np.flatnonzero(self.cooks[who])
        if len(cooks):
            meal[cooks] = cooking(day_s[cooks])
        drift = ageing.slow_drift(at_s, 1.0, self._period_s[who], self._phase[who])
        return Around(at_s, drift, daily_cycle(day_s), meal)

    def quiet(self, quantity: str, who: Ints, around: "Around", noise: Floats | None) -> Floats:
        """What devices *who* say of *quantity* on a quiet day; *noise* is standard normal, and may be None where there
        is none in the quantity. Not rounded to what a sensor resolves."""
        if quantity == "battery":
            return battery.gauge_percent(self._taken[who] + around.at_s / self._life_s[who])
        if quantity not in NOISE or noise is None:
            return np.zeros(len(who))
        value = DRIFT[quantity] * around.drift + NOISE[quantity] * noise
        if quantity in self._meal:
            value += self._meal[quantity][who] * around.meal
        if quantity == "temperature":
            return np.asarray(value + self._mean_c[who] + self._swing_c[who] * around.warmth)
        return np.maximum(value + self._zero[quantity][who], 0.0)


class Around(NamedTuple):
    """Offset, drift (−1 to 1), warmth of the day (−1 to 1) and how busy the kitchen is (0 to 1), one row a reading."""

    at_s: Floats
    drift: Floats
    warmth: Floats
    meal: Floats

    def take(self, rows: Ints) -> "Around":
        """The rows *rows*."""
        return Around(self.at_s[rows], self.drift[rows], self.warmth[rows], self.meal[rows])
