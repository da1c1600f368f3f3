"""Recorded trials of a person, played by a device that is worn: a window of acceleration a second.

Trials follow one another with a pause in which the device says nothing, as one that was taken off. Only at speed 1 is
what it sends what it would send: samples cannot come faster than their rate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.premises import Device, Institution, Zone
from simulators.scenario import Incident
from simulators.source import Message, Stretch
from simulators.timetable import Timetable

INSTITUTION: Final = "replay-worn"
ZONE: Final = "room"
DEVICE: Final = "worn-1"
WINDOW_S: Final = 1.0
PAUSE_S: Final = 20.0
RANGE_G_MAX: Final = 64.0  # where a recording does not say how far its sensor reached


@dataclass(frozen=True, slots=True)
class Activity:
    """What was done, and what the sensor said. acceleration: float32[n, 3] in g; fell_s: when somebody fell, from the
    beginning, None where nobody did."""

    name: str
    rate_hz: float
    range_g: float
    acceleration: NDArray[np.float32]
    fell_s: float | None


def home(wear: str, institution: str = INSTITUTION) -> Institution:
    """Where the wearer lives, for the registry."""
    device = Device(DEVICE, "佩戴式跌倒探测器", "fall", "WORN-REPLAY", 60, ("fall",), wear)
    room = Zone(ZONE, "房间", "Room", "bedroom", 1, (device,))
    return Institution(institution, "佩戴记录之家", "Recorded-wearer Home", "other", "", (room,))


class Worn(Timetable):
    """The activities as a source of messages, one after the other."""

    def __init__(self, activities: Sequence[Activity], *, institution: str = INSTITUTION) -> None:
        topic = f"anhu/v1/{institution}/{DEVICE}/acceleration"
        messages: list[Message] = []
        incidents: list[Incident] = []
        at_s = 0.0
        for activity in activities:
            seconds = len(activity.acceleration) / activity.rate_hz
            messages += _windows(activity, at_s, topic)
            if activity.fell_s is not None:
                begun_s = at_s + activity.fell_s
                incident = Incident("fall", institution, ZONE, (DEVICE,), begun_s, at_s + seconds - begun_s, 1.0)
                incidents.append(incident)
            at_s += seconds + PAUSE_S
        super().__init__(messages, incidents)


def _windows(activity: Activity, at_s: float, topic: str) -> Iterator[Message]:
    """Each is sent when its last sample has been taken."""
    step = max(1, round(WINDOW_S * activity.rate_hz))
    reach_g = min(activity.range_g, RANGE_G_MAX)
    for first in range(0, len(activity.acceleration), step):
        part = activity.acceleration[first : first + step]
        stretch = Stretch(activity.rate_hz, reach_g, part)
        yield Message(at_s + (first + len(part)) / activity.rate_hz, topic, {}, "recorded", stretch)
