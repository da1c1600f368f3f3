"""What an incident does to the reading of one device that notices it."""

from collections.abc import Callable, Mapping
from typing import Final

from simulators.physics import GasLeak, StoveCo, TSquaredFire, steam
from simulators.scenario import Incident

Values = dict[str, float]
Signal = Callable[[float, Mapping[str, float]], Values]
"""(seconds since the incident's start, quiet values) → values as measured."""

MUTING_KINDS: Final = frozenset({"offline"})
"""Kinds during which the device sends nothing."""

ALERT_INTERVAL_S: Final[Mapping[str, float]] = {"fire": 5.0, "gas_leak": 5.0, "stove_co": 10.0, "steam": 10.0}
"""Detectors report more often while the air changes; other devices at once and then at their usual interval."""


def _between(low: float, high: float, severity: float) -> float:
    return low + (high - low) * severity


def signal_for(incident: Incident, position: int) -> Signal:
    """The signal *incident* makes at the device with index *position* among its devices.

    The first device is nearest; each further one hangs 1.5 m away and hears of it 4 s later.
    Raises ValueError for a kind that has no signal (see MUTING_KINDS).
    """
    severity = incident.severity
    match incident.kind:
        case "fire":
            return _fire(severity, position)
        case "gas_leak":
            shut_s = 0.6 * incident.duration_s
            leak = GasLeak(leak_m3_s=_between(0.0009, 0.0015, severity), shut_s=shut_s)
            return lambda t, quiet: _added(quiet, {"gas": float(leak.lel_percent(t - 4.0 * position))})
        case "stove_co":
            stove = StoveCo(level_ppm=_between(180.0, 350.0, severity), until_s=0.7 * incident.duration_s)
            return lambda t, quiet: _added(quiet, {"co": float(stove.co_ppm(t - 4.0 * position))})
        case "steam":
            peak, rise_s = _between(0.04, 0.13, severity), incident.duration_s / 6
            return lambda t, quiet: _added(
                quiet, {"smoke_obscuration": float(steam(t, peak, rise_s)), "temperature": float(steam(t, 1.5, rise_s))}
            )
        case "fall":
            return lambda _t, quiet: {**quiet, "fall": 1.0}
        case "sos":
            return lambda _t, quiet: {**quiet, "sos": 1.0}
        case "low_battery":
            start = _between(6.0, 14.0, severity)
            return lambda t, quiet: {**quiet, "battery": max(1.0, start - 3.0 * t / incident.duration_s)}
    raise ValueError(f"an incident of kind {incident.kind!r} makes no signal")


def _fire(severity: float, position: int) -> Signal:
    fire = TSquaredFire(
        growth_kw_s2=_between(0.00293, 0.0469, severity),
        put_out_s=_between(200.0, 120.0, severity),
        distance_m=1.5 + 1.5 * position,
        transport_s=5.0 + 4.0 * position,
    )

    def signal(t: float, quiet: Mapping[str, float]) -> Values:
        risen = {
            "smoke_obscuration": float(fire.smoke_db_m(t)),
            "temperature": float(fire.temperature_rise_c(t)),
            "co": float(fire.co_ppm(t)),
        }
        return _added(quiet, risen)

    return signal


def _added(quiet: Mapping[str, float], rises: Mapping[str, float]) -> Values:
    """*quiet* with each rise added to the quantity the device measures."""
    return {quantity: value + rises.get(quantity, 0.0) for quantity, value in quiet.items()}
