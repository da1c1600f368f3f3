"""What an evaluation exposes a fleet to: dangers far more often than in life, nuisance about as often.

Recall needs many dangers; false alarms per device-year mean something only where what causes them comes as often as
it does. So the two lists are apart. Rates are per site (a zone, a device or an institution, see `scenario`) and month
of 30 days; what no source is named for is an assumption.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.fleet import Fleet
from simulators.scenario import DURATIONS_S, HOUR_S, Scenario, site_counts

MONTH_H: Final = 30 * 24
QUIET_S: Final = HOUR_S
"""Nothing happens in the first hour: a service that was just installed learns what is usual."""

DANGERS: Final[Mapping[str, float]] = MappingProxyType(
    {"fire": 0.05, "smoulder": 0.03, "gas_leak": 1.0, "slow_leak": 1.0, "stove_co": 1.0, "sos": 0.5}
)
"""Some hundred times as often as in life, for recall."""
DAILY_LIFE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "fall": 1.5 * 30 / 365.25,  # 1.5 falls a bed and year (Rubenstein, Josephson & Robbins, Ann. Intern. Med. 1994)
        "kneel": 15.0,  # somebody cleans, looks for a slipper, sits on the floor
        "shower": 30.0,
        "burnt_food": 3.0,
        "offline": 0.02,  # a device taken off for a while
        "outage": 0.2,  # the institution's gateway or its power
    }
)

EXPOSURE_DURATIONS_S: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {**DURATIONS_S, "fall": (600, 5_400), "offline": (900, 14_400)}
)
"""Falls: when somebody comes by who finds them."""


def exposure(fleet: Fleet, seed: int) -> Scenario:
    """The scenario of an evaluation."""
    sites = site_counts(fleet)
    expected = {kind: rate * sites[kind] for kind, rate in {**DANGERS, **DAILY_LIFE}.items()}
    return Scenario(
        fleet,
        seed,
        sum(expected.values()) / MONTH_H,
        quiet_s=QUIET_S,
        weights=expected,
        durations_s=EXPOSURE_DURATIONS_S,
    )
