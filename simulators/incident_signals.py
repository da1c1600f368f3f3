"""What an incident does to the readings of the devices that notice it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from simulators.physics.day import Floats
from simulators.physics.fire import FAST_KW_S2, SLOW_KW_S2, TSquaredFire
from simulators.physics.fumes import BurntFood
from simulators.physics.gas import GasLeak
from simulators.physics.person import HIDDEN_SHARE, Floor, floor_s
from simulators.physics.shower import Shower
from simulators.physics.smoulder import Smoulder
from simulators.physics.stove import StoveCo
from simulators.scenario import Incident

Values = dict[str, float]
Signal = Callable[[float, Mapping[str, float]], Values]
"""(seconds since the incident's start, quiet values) → values as measured."""
Rises = Mapping[str, Callable[[Floats], Floats]]
"""By quantity: seconds since the incident's start → what comes on top of the quiet reading, in the quantity's unit."""

MUTING_KINDS: Final = frozenset({"offline", "outage"})
"""Kinds during which the device sends nothing."""

ALERT_INTERVAL_S: Final[Mapping[str, float]] = {
    "fire": 5.0, "smoulder": 10.0, "gas_leak": 5.0, "slow_leak": 10.0, "stove_co": 10.0, "steam": 10.0, "shower": 10.0,
    "burnt_food": 10.0, "fall": 5.0, "kneel": 5.0,
}  # fmt: skip
"""Detectors report more often while the air changes; other devices at once and then at their usual interval."""
FURTHER_M: Final = 1.5
"""The first device is nearest; each further one hangs so much further away …"""
FURTHER_S: Final = 4.0
"""… and hears of what only spreads so much later."""
MISTAKEN_SHARE: Final = {"fall": 0.05, "on_floor": 0.2}
"""Of those who only kneel or sit down low, how many a radar takes for fallen that decides by itself, and how many for
lying one that tells postures (an assumption)."""


def rises_of(incident: Incident, position: int) -> Rises:
    """What *incident* adds at the device with index *position* among its devices.

    Raises ValueError for a kind that adds nothing (see MUTING_KINDS; and a low battery, which takes away).
    """
    later_s = FURTHER_S * position
    match incident.kind:
        case "fire":
            fire = fire_of(incident, position)
            return {
                "smoke_obscuration": fire.smoke_db_m, "temperature": fire.temperature_rise_c, "co": fire.co_ppm,
            }  # fmt: skip
        case "smoulder":
            smoulder = smoulder_of(incident)
            return {
                "smoke_obscuration": lambda t: smoulder.smoke_db_m(t - later_s),
                "co": lambda t: smoulder.co_ppm(t - later_s),
            }
        case "gas_leak" | "slow_leak":
            leak = leak_of(incident)
            return {"gas": lambda t: leak.lel_percent(t - later_s)}
        case "stove_co":
            stove = stove_of(incident)
            return {"co": lambda t: stove.co_ppm(t - later_s)}
        case "steam" | "shower":
            shower = _shower(incident)
            return {"smoke_obscuration": shower.smoke_db_m, "temperature": shower.temperature_rise_c}
        case "burnt_food":
            pan = BurntFood(emission_mg_min=100.0 * 4.0**incident.severity, burning_s=0.4 * incident.duration_s)
            return {
                "smoke_obscuration": lambda t: pan.smoke_db_m(t - later_s),
                "temperature": pan.temperature_rise_c,
                "co": lambda t: pan.co_ppm(t - later_s),
            }
        case "fall" | "kneel":
            floor = floor_of(incident)
            seen = {"on_floor": floor.seen, "fall": _decided(floor)}
            if incident.kind == "fall":
                return seen
            return {name: each for name, each in seen.items() if incident.severity < MISTAKEN_SHARE[name]}
        case "sos":
            return {"sos": lambda t: ((t >= 0) & (t < incident.duration_s)).astype(np.float64)}
    raise ValueError(f"an incident of kind {incident.kind!r} makes no signal")


def signal_for(incident: Incident, position: int) -> Signal:
    """The same for one message at a time. Raises ValueError as rises_of does."""
    if incident.kind == "low_battery":
        start = _between(6.0, 14.0, incident.severity)
        return lambda t, quiet: {**quiet, "battery": max(1.0, start - 3.0 * t / incident.duration_s)}
    rises = rises_of(incident, position)

    def signal(t: float, quiet: Mapping[str, float]) -> Values:
        at = np.array([t])
        return {
            quantity: value + (float(rises[quantity](at)[0]) if quantity in rises else 0.0)
            for quantity, value in quiet.items()
        }

    return signal


def fire_of(incident: Incident, position: int = 0) -> TSquaredFire:
    """From slow to fast (evenly on a scale of ratios), put out the sooner the faster it grows."""
    return TSquaredFire(
        growth_kw_s2=SLOW_KW_S2 * (FAST_KW_S2 / SLOW_KW_S2) ** incident.severity,
        put_out_s=_between(300.0, 150.0, incident.severity),
        distance_m=FURTHER_M * (1 + position),
    )


def smoulder_of(incident: Incident) -> Smoulder:
    """Half to one and a half of the published mass loss, found before it is over."""
    return Smoulder(size=_between(0.5, 1.5, incident.severity), put_out_s=0.75 * incident.duration_s)


def leak_of(incident: Incident) -> GasLeak:
    """A hose that came off (3 to 5 m³/h), or a burner that went out (0.1 to 0.4 m³/h)."""
    if incident.kind == "slow_leak":
        return GasLeak(
            leak_m3_s=_between(0.1, 0.4, incident.severity) / 3_600, shut_s=0.8 * incident.duration_s,
            closed_per_s=0.5 / 3_600,
        )  # fmt: skip
    return GasLeak(leak_m3_s=_between(0.0009, 0.0015, incident.severity), shut_s=0.6 * incident.duration_s)


def stove_of(incident: Incident) -> StoveCo:
    """Towards 180 to 350 ppm."""
    return StoveCo(level_ppm=_between(180.0, 350.0, incident.severity), until_s=0.7 * incident.duration_s)


def floor_of(incident: Incident) -> Floor:
    """Who fell lies until they get up or are found, *duration_s* after; who knelt does so all the time."""
    seed = round(1_000 * incident.start_s) + round(1_000 * incident.severity)
    if incident.kind == "kneel":
        return Floor(incident.duration_s, seed)
    # The luck that decides who gets up says nothing about where they fell.
    hidden = float(np.random.default_rng([seed, 0x41DE]).uniform()) < HIDDEN_SHARE
    return Floor(floor_s(incident.severity, incident.duration_s), seed, hidden)


def _shower(incident: Incident) -> Shower:
    """A puff within bounds (steam), or the showers of many days. These are set so that an alarm at 0.2 dB/m is bothered
    once in five years of daily showers: median 0.0077 dB/m, one in two thousand above 0.2 (an assumption)."""
    if incident.kind == "steam":
        return Shower.peaking(_between(0.04, 0.13, incident.severity), 0.6 * incident.duration_s)
    luck = min(max(incident.severity, 1e-4), 1 - 1e-4)
    return Shower.peaking(0.0077 * math.exp(NormalDist().inv_cdf(luck)), 0.6 * incident.duration_s)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A radar that has decided keeps to it until they are up, lost or not."""

    floor: Floor

    def __call__(self, elapsed_s: Floats) -> Floats:
        there = (elapsed_s >= 0) & (elapsed_s < self.floor.lies_s) & (not self.floor.hidden)
        return there.astype(np.float64)


def _decided(floor: Floor) -> Callable[[Floats], Floats]:
    return _Kept(floor)


def _between(low: float, high: float, severity: float) -> float:
    return low + (high - low) * severity
