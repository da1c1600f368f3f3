"""Ground truth: of every incident, when it became dangerous, and whether an alarm is wanted."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.incident_signals import fire_of, floor_of, leak_of, smoulder_of, stove_of
from simulators.physics import blood
from simulators.physics.day import Floats
from simulators.physics.person import LONG_LIE_S, STAYS_S
from simulators.scenario import NUISANCE_KINDS, Incident

ALARMS: Final = {
    "fire": "fire", "recorded_fire": "fire", "smoulder": "fire", "gas_leak": "gas", "slow_leak": "gas",
    "stove_co": "co", "fall": "fall", "sos": "sos", "offline": "offline", "outage": "offline",
    "low_battery": "low_battery", "flat_battery": "offline",
}  # fmt: skip
"""The kind of alarm that answers to each kind of incident; none answers to a nuisance."""

SMOKE_DANGEROUS_DB_M: Final = 2.0
"""Optical density 0.2 per metre: five metres of sight, the limit in small rooms (PD 7974-6)."""
EXPLOSIVE_LEL_PERCENT: Final = 100.0
STEP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened. Times are seconds since the scenario's start.

    *alarm* is the kind of alarm that answers to it, None where none does. *wanted* says whether one should: not for who
    is up again by themselves. *dangerous_s* is None where it never became so.
    """

    incident: Incident
    alarm: str | None
    wanted: bool
    dangerous_s: float | None

    def as_record(self) -> dict[str, object]:
        """A JSON-ready mapping for the ground truth log."""
        return {
            **self.incident.as_record(), "alarm": self.alarm, "wanted": self.wanted, "dangerous_s": self.dangerous_s
        }  # fmt: skip


def truth_of(incident: Incident) -> Truth:
    """The truth about *incident*, from the physics that makes its readings."""
    after_s = _dangerous_after_s(incident)
    dangerous_s = None if after_s is None else round(incident.start_s + after_s, 1)
    wanted = incident.kind not in NUISANCE_KINDS
    if incident.kind == "fall":
        wanted = floor_of(incident).lies_s >= STAYS_S
    return Truth(incident, ALARMS.get(incident.kind), wanted, dangerous_s)


def _dangerous_after_s(incident: Incident) -> float | None:
    """Seconds from the start until somebody there is in danger; None where they never are."""
    at_s = np.arange(0.0, incident.duration_s, STEP_S)
    match incident.kind:
        case "fire":  # whoever is in the room can no longer see the door
            return _first(at_s, fire_of(incident).room_db_m(at_s), SMOKE_DANGEROUS_DB_M)
        case "smoulder":
            return _first(at_s, blood.cohb_percent(smoulder_of(incident).co_ppm(at_s), STEP_S), blood.DANGEROUS_PERCENT)
        case "gas_leak" | "slow_leak":
            return _first(at_s, leak_of(incident).lel_percent(at_s), EXPLOSIVE_LEL_PERCENT)
        case "stove_co":
            return _first(at_s, blood.cohb_percent(stove_of(incident).co_ppm(at_s), STEP_S), blood.DANGEROUS_PERCENT)
        case "fall":
            return LONG_LIE_S if floor_of(incident).lies_s >= LONG_LIE_S else None
    return None


def _first(at_s: Floats, value: Floats, limit: float) -> float | None:
    beyond = np.flatnonzero(value >= limit)
    return float(at_s[beyond[0]]) if len(beyond) else None
