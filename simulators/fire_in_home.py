"""A recorded fire in a simulated home: the home's own detectors play it, from time to time."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import ClassVar, Final

from simulators.fleet import Fleet
from simulators.incident_signals import Signal, Values
from simulators.premises import Zone
from simulators.recording import Recording
from simulators.scenario import HOUR_S, Incident

CLEARING_S: Final = 300.0
CLEARING_TIME_CONSTANT_S: Final = 45.0
"""How fast the air clears after the last recorded sample; not part of the recording."""

FIRE_ZONE_ORDER: Final = (
    "kitchen",
    "dining",
    "corridor",
    "activity",
    "laundry",
    "storage",
    "office",
    "bedroom",
    "dormitory",
)
"""The fire's room first, then the kinds of zone smoke reaches from a kitchen, nearest first."""


@dataclass(frozen=True, slots=True)
class RecordedFire:
    """Where and when the recorded fire burns, and what the detectors cast for it say.

    *casting* maps each played place of the recording to a device of the home, the fire's place first. The first
    ignition is at *first_s*, each later one *every_s* after the one before.
    """

    recording: Recording
    institution: str
    zone: str
    casting: Mapping[str, str]
    first_s: float
    every_s: float

    KIND: ClassVar[str] = "recorded_fire"

    @property
    def lasts_s(self) -> float:
        """From ignition to clean air."""
        return self.recording.times_s[-1] + CLEARING_S

    @property
    def interval_s(self) -> float:
        """How often the detectors report while it burns: as often as the recording was sampled."""
        times_s = self.recording.times_s
        return median(b - a for a, b in pairwise(times_s)) if len(times_s) > 1 else 1.0

    @property
    def devices(self) -> frozenset[tuple[str, str]]:
        """(institution, device) of every detector in it."""
        return frozenset((self.institution, device) for device in self.casting.values())

    def hour(self, index: int) -> list[Incident]:
        """The fires that start in [index, index + 1) hours."""
        nth = max(0, math.ceil((index * HOUR_S - self.first_s) / self.every_s))
        fires = []
        while (start_s := self.first_s + nth * self.every_s) < (index + 1) * HOUR_S:
            devices = tuple(self.casting.values())
            fires.append(Incident(self.KIND, self.institution, self.zone, devices, start_s, self.lasts_s, 1.0))
            nth += 1
        return fires

    def signal_for(self, position: int) -> Signal:
        """What the detector with index *position* in the casting says.

        The last recorded sample holds until the next. Recorded smoke is sent as it is. Recorded temperature is sent as
        its rise above the first sample on top of the room's own, so that the change from simulated to recorded air is
        no jump a rate-of-rise detector could take for a fire. Afterwards both fade into the room's quiet readings.
        """
        times_s = self.recording.times_s
        channels = self.recording.places[list(self.casting)[position]]
        smoke = channels["smoke_obscuration"]
        temperature = channels.get("temperature")
        rises = [0.0] * len(times_s) if temperature is None else _held(temperature.values, temperature.first)
        smokes = _held(smoke.values, 0.0)

        def signal(elapsed_s: float, quiet: Mapping[str, float]) -> Values:
            # The half millisecond keeps a report due exactly at a sample from falling to the one before by rounding.
            row = bisect_right(times_s, elapsed_s + 0.0005) - 1
            if row < 0:
                return dict(quiet)
            values = dict(quiet)
            left = math.exp(-max(elapsed_s - times_s[-1], 0.0) / CLEARING_TIME_CONSTANT_S)
            values["smoke_obscuration"] = smokes[row] * left + quiet["smoke_obscuration"] * (1 - left)
            values["temperature"] = quiet["temperature"] + rises[row] * left
            return values

        return signal


def _held(samples: tuple[float | None, ...], zero: float) -> list[float]:
    """Samples less *zero*; a missing one repeats the one before it."""
    held: list[float] = []
    for sample in samples:
        held.append((held[-1] if held else 0.0) if sample is None else sample - zero)
    return held


def cast_fire(
    fleet: Fleet, recording: Recording, *, first_s: float, quiet_between_s: float, institution: str | None = None
) -> RecordedFire:
    """Casts *recording* in a home of *fleet* (the first one unless *institution* says which).

    Places go to smoke detectors, the fire's to the kitchen, the others outward in the order the fire is felt; one
    detector in each zone. Places with no detector left, or without a smoke channel, are not played.
    Raises ValueError when the home has no smoke detector or is not in the fleet.
    """
    home = next((i for i in fleet.institutions if institution in (None, i.code)), None)
    if home is None:
        raise ValueError(f"no institution {institution!r} in the fleet")
    zones = sorted(
        (z for z in home.zones if z.kind in FIRE_ZONE_ORDER), key=lambda z: (FIRE_ZONE_ORDER.index(z.kind), z.floor)
    )
    detectors = [(zone, code) for zone in zones if (code := _smoke_detector(zone))]
    if not detectors:
        raise ValueError(f"{home.code} has no smoke detector to play the fire")
    places = [place for place in recording.places_by_rise() if "smoke_obscuration" in recording.places[place]]
    casting = {place: code for place, (_, code) in zip(places, detectors, strict=False)}
    every_s = recording.times_s[-1] + CLEARING_S + quiet_between_s
    return RecordedFire(recording, home.code, detectors[0][0].code, casting, first_s, every_s)


def _smoke_detector(zone: Zone) -> str | None:
    return next((device.code for device in zone.devices if device.kind == "smoke"), None)
