"""What happens in a fleet: quiet days and incidents with ground truth, hour by hour, from a seed.

Each hour is drawn from its own generator (seed, hour), so any hour can be had without the ones before it and a run that
is restarted in the middle meets the same history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from simulators.fleet import Fleet
from simulators.premises import Mounted

HOUR_S: Final = 3_600.0
INCIDENTS_PER_HOUR_MAX: Final = 100_000.0

KIND_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"fall": 30, "sos": 25, "steam": 15, "low_battery": 12, "offline": 10, "gas_leak": 6, "stove_co": 2, "fire": 0}
)
"""How often each kind comes up among incidents. No fire by default: the demo's is a recorded one. The other kinds of
DURATIONS_S are those of an evaluation (exposure.py)."""

DURATIONS_S: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "fire": (600, 900),
        "gas_leak": (420, 720),
        "stove_co": (1_800, 2_400),
        "fall": (60, 300),
        "sos": (30, 180),
        "offline": (300, 900),
        "low_battery": (900, 2_700),
        "steam": (180, 360),
        "smoulder": (1_800, 4_800),
        "slow_leak": (3_600, 10_800),
        "shower": (480, 1_200),
        "burnt_food": (300, 900),
        "kneel": (15, 120),
        "outage": (300, 3_600),
    }
)
"""Shortest and longest time an incident of a kind takes, the return to normal included."""

NUISANCE_KINDS: Final = frozenset({"steam", "shower", "burnt_food", "kneel"})
"""Kinds that no alarm should answer to."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Ground truth: what really happened, where, and which devices could notice it.

    Times are seconds since the scenario's start. *severity* in [0, 1] places the incident in the range its kind allows.
    """

    kind: str
    institution: str
    zone: str
    devices: tuple[str, ...]
    start_s: float
    duration_s: float
    severity: float

    @property
    def end_s(self) -> float:
        """When everything is back to normal."""
        return self.start_s + self.duration_s

    @property
    def nuisance(self) -> bool:
        """True when no alarm should be raised for it."""
        return self.kind in NUISANCE_KINDS

    def as_record(self) -> dict[str, object]:
        """A JSON-ready mapping for the ground truth log."""
        return {**asdict(self), "devices": list(self.devices), "nuisance": self.nuisance}


class History(Protocol):
    """Anything that can tell what begins in an hour."""

    def hour(self, index: int) -> Sequence[Incident]:
        """The incidents that start in [index, index + 1) hours."""
        ...


@dataclass(frozen=True, slots=True)
class _Site:
    """Devices that meet one incident together."""

    institution: str
    zone: str
    devices: tuple[str, ...]


class Scenario:
    """A Poisson process of incidents over a fleet.

    *per_hour* incidents are expected in each hour over the whole fleet, none before *quiet_s*. Devices in *spared*
    (institution, device) take no part. Raises ValueError for a rate out of range or an unknown kind in *weights*.
    """

    def __init__(
        self,
        fleet: Fleet,
        seed: int,
        per_hour: float,
        *,
        quiet_s: float = 45.0,
        weights: Mapping[str, float] = KIND_WEIGHTS,
        durations_s: Mapping[str, tuple[float, float]] = DURATIONS_S,
        spared: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        if not 0 <= per_hour <= INCIDENTS_PER_HOUR_MAX:
            raise ValueError(f"incidents per hour must be 0 to {INCIDENTS_PER_HOUR_MAX:g}, not {per_hour}")
        unknown = sorted(set(weights) - set(DURATIONS_S))
        if unknown:
            raise ValueError(f"unknown kinds of incident: {', '.join(unknown)}; known: {', '.join(DURATIONS_S)}")
        self._seed = seed
        self._per_hour = per_hour
        self._quiet_s = quiet_s
        self._durations_s = durations_s
        sites = _sites([m for m in fleet.devices() if (m.institution.code, m.device.code) not in spared])
        # A kind nobody could notice (falls in a fleet without radars) is left out and the others share its place.
        self._sites = {kind: sites[kind] for kind, weight in weights.items() if weight > 0 and sites[kind]}
        share = np.array([weights[kind] for kind in self._sites], dtype=np.float64)
        self._shares = share / share.sum() if share.size else share

    def hour(self, index: int) -> tuple[Incident, ...]:
        """The incidents that start in [index, index + 1) hours, by start."""
        rng = np.random.default_rng([self._seed, 0x5CE7A, index])
        number = int(rng.poisson(self._per_hour)) if self._sites else 0
        starts = np.sort(rng.uniform(index * HOUR_S, (index + 1) * HOUR_S, number))
        kinds = rng.choice(len(self._sites), size=number, p=self._shares) if number else ()
        names = tuple(self._sites)
        incidents = []
        for start_s, kind_index in zip(starts.tolist(), kinds, strict=True):
            kind = names[kind_index]
            sites = self._sites[kind]
            site = sites[int(rng.integers(len(sites)))]
            duration_s = round(float(rng.uniform(*self._durations_s[kind])), 1)
            severity = round(float(rng.uniform()), 3)
            if start_s >= self._quiet_s:
                start_s = round(start_s, 1)
                incidents.append(
                    Incident(kind, site.institution, site.zone, site.devices, start_s, duration_s, severity)
                )
        return tuple(incidents)


def site_counts(fleet: Fleet) -> dict[str, int]:
    """By kind of incident, at how many places of *fleet* it can happen."""
    return {kind: len(sites) for kind, sites in _sites(list(fleet.devices())).items()}


def _sites(devices: Sequence[Mounted]) -> dict[str, list[_Site]]:
    """For each kind of incident the places it can happen at."""
    zones: dict[tuple[str, str], list[Mounted]] = {}
    homes: dict[str, list[Mounted]] = {}
    for item in devices:
        zones.setdefault((item.institution.code, item.zone.code), []).append(item)
        homes.setdefault(item.institution.code, []).append(item)

    def single(*quantities: str) -> list[_Site]:
        return [_site([m]) for m in devices if any(q in m.device.quantities for q in quantities)]

    def shared(*quantities: str) -> list[_Site]:
        affected = (
            [m for m in members if any(q in m.device.quantities for q in quantities)] for members in zones.values()
        )
        return [_site(members) for members in affected if members]

    wet_kinds = {"kitchen", "laundry", "bedroom", "dormitory"}
    smoky = [
        _site(members)
        for members in zones.values()
        if members[0].zone.kind == "kitchen" and any("smoke_obscuration" in m.device.quantities for m in members)
    ]
    return {
        "fire": shared("smoke_obscuration", "temperature", "co"),
        "smoulder": shared("smoke_obscuration", "temperature", "co"),
        "gas_leak": shared("gas"),
        "slow_leak": shared("gas"),
        "stove_co": shared("co"),
        "burnt_food": smoky,
        "shower": [
            _site([m]) for m in devices if m.zone.kind == "bedroom" and "smoke_obscuration" in m.device.quantities
        ],
        "kneel": single("fall", "on_floor"),
        "outage": [_site(members) for members in homes.values()],
        "steam": [
            _site([m]) for m in devices if m.zone.kind in wet_kinds and "smoke_obscuration" in m.device.quantities
        ],
        "fall": single("fall", "on_floor"),
        "sos": single("sos"),
        "low_battery": single("battery"),
        "offline": [_site([m]) for m in devices],
    }


def _site(members: Sequence[Mounted]) -> _Site:
    first = members[0]
    return _Site(first.institution.code, first.zone.code, tuple(m.device.code for m in members))
