"""A recorded fire played as the detectors of a home.

Around the recording lies air we made up: a quiet baseline before ignition and the return to clean air after the last
sample. Each message says which it is (`Message.origin`). The room names are ours too: the recordings give letters only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from simulators.premises import Device, Institution, Zone, readings_topic
from simulators.recording import Recording
from simulators.scenario import Incident
from simulators.source import Message
from simulators.timetable import Timetable

INSTITUTION: Final = "replay-home"
QUIET_INTERVAL_S: Final = 10
CLEARING_S: Final = 300.0
CLEARING_TIME_CONSTANT_S: Final = 45.0
BASELINE_S_MAX: Final = 86_400.0

NOISE: Final = {"smoke_obscuration": 0.0015, "temperature": 0.08, "co": 0.6}
CLEAN_CO_PPM_MAX: Final = 5.0
"""A first CO sample above this is analyser noise, not the air before the fire."""
DECIMALS: Final = {"smoke_obscuration": 4, "temperature": 2, "co": 1}
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def home(recording: Recording, institution: str = INSTITUTION) -> Institution:
    """The home in which *recording* plays, for the registry: one zone and one detector `det-a`… for each place.

    The zone the fire starts in is presented as the kitchen. Raises ValueError for a code the registry would refuse.
    """
    if not _CODE.fullmatch(institution):
        raise ValueError(
            f"institution code {institution!r}: letters, digits, - and _ only, at most 64, no - or _ first"
        )
    zones = []
    for place in sorted(recording.places):
        quantities = tuple(q for q in ("smoke_obscuration", "temperature", "co") if q in recording.places[place])
        if place == recording.fire_place:
            code, name, name_en, kind = "kitchen", "厨房", "Kitchen", "kitchen"
        else:
            code, name, name_en, kind = f"place-{place.lower()}", f"测点 {place}", f"Place {place}", "other"
        device = Device(
            code=device_code(place),
            name=f"{name}探测器",
            kind=_device_kind(quantities),
            model="NIST-REPLAY",
            report_interval_s=QUIET_INTERVAL_S,
            quantities=quantities,
        )
        zones.append(Zone(code, name, name_en, kind, 1, (device,)))
    return Institution(institution, "火灾录像之家", "Recorded-fire Home", "other", "", tuple(zones))


def device_code(place: str) -> str:
    """Code of the detector that plays *place*."""
    return f"det-{place.lower()}"


def _device_kind(quantities: Sequence[str]) -> str:
    if "smoke_obscuration" not in quantities:
        return "co" if quantities == ("co",) else "heat" if "co" not in quantities else "multi"
    return "multi" if "co" in quantities else "smoke"


class Replay(Timetable):
    """A recording as a source of messages: *baseline_s* of quiet, the fire, and *clearing_s* back to clean air.

    The detectors are those of `home`. Offsets begin at 0; ignition is at `ignition_s`, the last message at `end_s`.
    """

    def __init__(
        self,
        recording: Recording,
        seed: int,
        *,
        institution: str = INSTITUTION,
        baseline_s: float = 60.0,
        clearing_s: float = CLEARING_S,
    ) -> None:
        if not 0 <= baseline_s <= BASELINE_S_MAX or not 0 <= clearing_s <= BASELINE_S_MAX:
            raise ValueError(f"baseline and clearing must be 0 to {BASELINE_S_MAX:g} s")
        self.ignition_s = baseline_s - min(recording.times_s[0], 0.0)
        self.recorded_end_s = self.ignition_s + recording.times_s[-1]
        messages = _messages(
            recording,
            {place: readings_topic(institution, device_code(place)) for place in recording.places},
            np.random.default_rng([seed, 0x2EC02D]),
            ignition_s=self.ignition_s,
            clearing_s=clearing_s,
        )
        devices = tuple(device_code(place) for place in recording.places_by_rise())
        duration_s = recording.times_s[-1] + clearing_s
        fire = Incident("recorded_fire", institution, "kitchen", devices, self.ignition_s, duration_s, 1.0)
        super().__init__(messages, [fire])
        self.end_s = messages[-1].offset_s


def _messages(
    recording: Recording, topics: Mapping[str, str], rng: np.random.Generator, *, ignition_s: float, clearing_s: float
) -> tuple[Message, ...]:
    first_s = ignition_s + recording.times_s[0]
    last_s = ignition_s + recording.times_s[-1]
    messages: list[Message] = []
    for place in sorted(recording.places):
        channels = recording.places[place]
        clean = {quantity: _clean(quantity, channel.first) for quantity, channel in channels.items()}
        quiet_s = np.arange(0.0, first_s, QUIET_INTERVAL_S).tolist()
        messages += [Message(at_s, topics[place], _noisy(clean, rng), "synthetic") for at_s in quiet_s]
        last: dict[str, float] = dict(clean)
        for row, time_s in enumerate(recording.times_s):
            sample = {q: channel.values[row] for q, channel in channels.items()}
            values = {q: round(value, DECIMALS[q]) for q, value in sample.items() if value is not None}
            last.update(values)
            if values:
                messages.append(Message(ignition_s + time_s, topics[place], values, "recorded"))
        for after_s in np.arange(QUIET_INTERVAL_S, clearing_s + 1e-6, QUIET_INTERVAL_S).tolist():
            left = math.exp(-after_s / CLEARING_TIME_CONSTANT_S)
            air = {q: clean[q] + (last[q] - clean[q]) * left for q in clean}
            messages.append(Message(last_s + after_s, topics[place], _noisy(air, rng), "synthetic"))
    return tuple(sorted(messages, key=lambda message: message.offset_s))


def _clean(quantity: str, first: float) -> float:
    """The air before the fire, taken from the first sample."""
    return min(first, CLEAN_CO_PPM_MAX) if quantity == "co" else first


def _noisy(air: Mapping[str, float], rng: np.random.Generator) -> dict[str, float]:
    noise = rng.standard_normal(len(air)).tolist()
    values = {q: value + NOISE[q] * z for (q, value), z in zip(air.items(), noise, strict=True)}
    return {q: round(v if q == "temperature" else max(v, 0.0), DECIMALS[q]) for q, v in values.items()}
