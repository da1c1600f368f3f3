"""CO dose: carbon monoxide by time at concentration.

A standard for CO alarms is a table: at this concentration the alarm comes between these times. Between its rows the
time T(c) to the alarm is interpolated on logarithmic scales, and the dose adds up as its share of that time:

    D ← D + ½·(1/T(c₀) + 1/T(c₁))·Δt,   alarm at D = 1

so that a constant concentration alarms after T(c), and one that changes as the parts of it ask for. Below the
concentration at which no alarm is allowed T is infinite and D decays with the half-life of carboxyhaemoglobin in air,
some 4 h at rest (Peterson & Stewart, Arch. Environ. Health 21 (1970) 165: 320 min on average): who was poisoned in the
morning is not fresh at noon. In air that is harmless now the score is half the dose: the alarm is over, and comes back
the sooner.

EN 50291: 30 ppm no alarm before 120 min (here never), 50 ppm 60–90 min, 100 ppm 10–40 min, 300 ppm within 3 min.
UL 2034: 70 ppm 60–240 min, 150 ppm 10–50 min, 400 ppm 4–15 min, and no alarm at 30 ppm for 30 days.

Grace: one sample has lasted no time. A gap longer than `gap_s` counts as `gap_s`: nobody knows what was in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter

HALF_LIFE_S: Final = 4 * 3600.0
DOSE_MAX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """At `ppm` the alarm must come between `earliest_s` and `latest_s`; here it comes at `alarm_s`."""

    ppm: float
    earliest_s: float
    latest_s: float
    alarm_s: float


@dataclass(frozen=True, slots=True)
class Table:
    """A standard's rows by rising concentration. At or below `harmless_ppm` no alarm ever comes."""

    standard: str
    harmless_ppm: float
    rows: tuple[Row, ...]


# The alarm lies early in its span, because there is more to lose on that side; but so far within that a sensor of the
# accuracy the standard asks for, and a report every minute, do not leave it.
EN_50291: Final = Table(
    "EN 50291",
    40.0,
    (Row(50, 3600, 5400, 3900), Row(100, 600, 2400, 660), Row(300, 0, 180, 60)),
)
UL_2034: Final = Table(
    "UL 2034",
    50.0,
    (Row(70, 3600, 14_400, 3900), Row(150, 600, 3000, 660), Row(400, 240, 900, 300)),
)


class CoDose:
    """Score in shares of the dose that calls for an alarm.

    >>> detector, state = CoDose("co_en50291", EN_50291), CoDose("co_en50291", EN_50291).begin(1)
    >>> for second in range(0, 3901, 60):
    ...     score = detector.score(state, {"gap_s": np.array([600.0])}, np.array([second * 10**6]), np.array([50.0]))
    >>> score.round(3)
    array([1.])
    """

    def __init__(self, name: str, table: Table) -> None:
        self._name = name
        self.table = table
        # Past the last row the slope goes on; below the first one T grows to a day at what is still harmless.
        self._ln_ppm = np.log([table.harmless_ppm, *(row.ppm for row in table.rows)])
        self._ln_s = np.log([86_400.0, *(row.alarm_s for row in table.rows)])

    @property
    def name(self) -> str:
        """What a rule calls it by."""
        return self._name

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The longest gap between samples that is taken as exposure."""
        return {"gap_s": Parameter(600.0, "s", 1.0, 86_400.0)}

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002
        """A share."""
        return "dose"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002
        """As long as the longest time of the table, where the dose adds up at all."""
        return float(self.table.rows[0].latest_s)

    def begin(self, count: int) -> Columns:
        """The dose, the latest concentration, and when it was (NEVER = -1 before the first)."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "dose": np.zeros(count),
            "rate": np.zeros(count),
        }

    def rate(self, ppm: Float64) -> Float64:
        """Shares of the alarm's dose a second at `ppm`."""
        ln_ppm = np.log(np.maximum(ppm, 1e-3))
        slope = (self._ln_s[-1] - self._ln_s[-2]) / (self._ln_ppm[-1] - self._ln_ppm[-2])
        beyond = self._ln_s[-1] + slope * np.maximum(ln_ppm - self._ln_ppm[-1], 0.0)
        ln_s = np.where(ln_ppm > self._ln_ppm[-1], beyond, np.interp(ln_ppm, self._ln_ppm, self._ln_s))
        rate: Float64 = np.where(ppm > self.table.harmless_ppm, np.exp(-ln_s), 0.0)
        return rate

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """The doses after these samples."""
        elapsed_s = np.where(state["at_us"] < 0, 0.0, (at_us - state["at_us"]) * 1e-6)
        now = self.rate(value)
        gained = 0.5 * (state["rate"] + now) * np.minimum(elapsed_s, parameters["gap_s"])
        fading = np.where((state["rate"] > 0) | (now > 0), 1.0, np.exp2(elapsed_s / -HALF_LIFE_S))
        # To the last digit that 65 equal parts of a row's time add up to it.
        dose: Float64 = np.minimum(np.round(state["dose"] * fading + gained, 12), DOSE_MAX)
        state["at_us"], state["dose"], state["rate"] = at_us, dose, now
        return np.where(now > 0, dose, 0.5 * dose)
