"""A fleet's readings of days as columns, round after round: what reaches the broker, at a million readings a second.

Devices do as battery-powered ones do: a heartbeat at their interval, and while the air or a person changes a report
as soon as something has moved by more than a deadband (send on delta). A change that is not acknowledged is repeated
with the next sample; a heartbeat that is lost is lost. The battery's gauge goes with one heartbeat in an hour.

A round is one interval. Devices in an incident are *stirred*: their readings are made by the incident, sample by
sample, and may be several in a round; all others are *calm* and say one thing each. What may confirm each other in a
zone is stirred together, so that both can be judged one after the other without anything being out of order.

Simplifications: an incident in a zone where another is under way does not happen; clocks are exact and arrival is at
once; while it is stirred a device's channel has a life of its own.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.fleet import Fleet
from simulators.incident_signals import ALERT_INTERVAL_S, MUTING_KINDS, Rises, rises_of
from simulators.physics.day import DAY_S, Floats
from simulators.physics.radio import Channel
from simulators.premises import Mounted
from simulators.scenario import HOUR_S, Incident, Scenario
from simulators.sensors import DECIMALS, GAS_LEL_PERCENT_MAX, NOISE, Sensors
from simulators.truth import Truth, truth_of

Ints = NDArray[np.intp]

DEADBANDS: Final[Mapping[str, float]] = {
    "smoke_obscuration": 0.02, "temperature": 1.0, "co": 5.0, "gas": 2.0, "fall": 0.5, "on_floor": 0.5, "sos": 0.5,
}  # fmt: skip
"""What a quantity must move by, in its unit, to be reported before the next heartbeat: beyond noise, below every
limit."""
SAMPLE_S: Final[Mapping[str, float]] = {"fall": 1.0, "kneel": 1.0, "sos": 1.0}
"""How often devices look, where it is oftener than ALERT_INTERVAL_S says: radars and buttons."""
JITTER_S: Final = 1.0
"""A heartbeat comes up to so much after its time: another device was on the air."""
BATTERY_EVERY_S: Final = HOUR_S
WARNED_S: Final = 30 * DAY_S
"""NFPA 72 asks for the warning so long before the end."""
SEEN_OUT_S: Final = HOUR_S
"""What ends later than so long before the end is no truth: nobody can say whether it would have been noticed."""
CHARGE_MIN: Final = 0.04
"""Some batteries are nearly empty at the start, none quite."""


class Point(NamedTuple):
    """A device, by its place in registry order, and one thing it measures."""

    device: int
    quantity: str


class Readings(NamedTuple):
    """Columns of equal length: point (place in `Stream.points`), offset in seconds from the start, value."""

    point: NDArray[np.int32]
    at_s: Floats
    value: Floats

    def cut(self, begin: int, end: int) -> "Readings":
        """The rows from *begin* up to *end*."""
        return Readings(self.point[begin:end], self.at_s[begin:end], self.value[begin:end])


@dataclass(frozen=True, slots=True)
class Round:
    """What was received before *until_s* and not before the round's start; *calm* has each point once at most."""

    until_s: float
    calm: Readings
    stirred: Readings


@dataclass(frozen=True, slots=True)
class _Kind:
    """The points of one quantity, by device."""

    quantity: str
    device: Ints
    point: NDArray[np.int32]


class Stream:
    """*scenario* over *fleet* for *hours*, as received over *channel*. *truths* is the ground truth, by start.

    The same arguments give the same readings, byte for byte. Raises ValueError for hours or an interval below 1.
    """

    def __init__(
        self,
        fleet: Fleet,
        scenario: Scenario,
        hours: int,
        seed: int,
        *,
        start_epoch_s: float,
        interval_s: float,
        channel: Channel,
    ) -> None:
        if hours < 1 or interval_s < 1:
            raise ValueError(f"hours and interval_s must be at least 1, not {hours} and {interval_s}")
        devices = list(fleet.devices())
        setup = np.random.default_rng([seed, 0x57EA])
        self._seed, self._epoch_s, self._channel = seed, start_epoch_s, channel
        self._interval_s, self._end_s = interval_s, hours * HOUR_S
        self._sensors = Sensors(devices, setup, CHARGE_MIN)
        self._everyone = np.arange(len(devices))
        self._phase_s = setup.uniform(0.0, interval_s - JITTER_S if interval_s > JITTER_S else 0.0, len(devices))
        self._bad = setup.uniform(size=len(devices)) < channel.bad_share
        self.points = [Point(i, quantity) for i, each in enumerate(devices) for quantity in each.device.quantities]
        self._point_of = {point: number for number, point in enumerate(self.points)}
        self._kinds = [_kind(quantity, self.points) for quantity in DECIMALS]
        self._quantities = [tuple(q for q in each.device.quantities if q != "battery") for each in devices]
        self._index = {(each.institution.code, each.device.code): i for i, each in enumerate(devices)}
        self._mutes: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._happening = self._thinned(scenario, hours)
        truths = [truth_of(each) for each in self._happening] + self._batteries(devices)
        self.truths = sorted(truths, key=lambda each: each.incident.start_s)

    def _thinned(self, scenario: Scenario, hours: int) -> list[Incident]:
        """What happens and is over in time, by start: of what overlaps in a zone the first; what silences devices
        always."""
        busy_until: dict[tuple[str, str], float] = {}
        happening = []
        for incident in (each for hour in range(hours) for each in scenario.hour(hour)):
            if incident.end_s > self._end_s:
                continue
            if incident.kind in MUTING_KINDS:
                for code in incident.devices:
                    self._mutes[self._index[incident.institution, code]].append((incident.start_s, incident.end_s))
            else:
                zone = incident.institution, incident.zone
                # A whole interval more: the incident's own readings go on to the end of their round.
                if incident.start_s < busy_until.get(zone, 0.0):
                    continue
                busy_until[zone] = incident.end_s + 2 * self._interval_s
            happening.append(incident)
        return happening

    def _batteries(self, devices: Sequence[Mounted]) -> list[Truth]:
        """Batteries that end in the time of the stream: the warning wanted before, and the silence after."""
        truths = []
        empty_s = self._sensors.empty_s()
        for i, each in enumerate(devices):
            end_s = float(empty_s[i])
            if "battery" not in each.device.quantities:
                continue
            if end_s < self._end_s:
                self._mutes[i].append((end_s, math.inf))
            if end_s < self._end_s - SEEN_OUT_S:
                place = each.institution.code, each.zone.code, (each.device.code,)
                low = Incident("low_battery", *place, end_s - WARNED_S, WARNED_S, 0.0)
                flat = Incident("flat_battery", *place, end_s, self._end_s - end_s, 0.0)
                truths += [Truth(low, "low_battery", wanted=True, dangerous_s=round(end_s, 1)), truth_of(flat)]
        return truths

    def remaining_s(self, device: int) -> float:
        """How long after the start the battery of a device lasts."""
        return float(self._sensors.empty_s()[device])

    def rounds(self) -> Iterator[Round]:
        """Everything received, a round at a time."""
        rng = np.random.default_rng([self._seed, 0xCA1])
        count = len(self._phase_s)
        bad, stirred_until = self._bad.copy(), np.full(count, -1)
        mutes, waiting, nth = _Mutes(self._mutes, count), defaultdict[int, list[Readings]](list), 0
        audible = [each for each in self._happening if each.kind not in MUTING_KINDS]
        if_bad, if_good = self._channel.bad_after([True, False], self._interval_s)
        for number in range(math.ceil(self._end_s / self._interval_s)):
            begin_s, until_s = number * self._interval_s, (number + 1) * self._interval_s
            while nth < len(audible) and audible[nth].start_s < until_s:
                self._stir(audible[nth], waiting, stirred_until)
                nth += 1
            at_s = begin_s + self._phase_s + rng.uniform(0.0, JITTER_S, count)
            bad = rng.uniform(size=count) < np.where(bad, if_bad, if_good)
            lost = rng.uniform(size=count) < self._channel.lost(bad)
            sends = ~lost & (stirred_until < number) & ~mutes.at(at_s, until_s)
            calm = self._calm(sends, at_s, number, rng)
            yield Round(until_s, calm, _joined(waiting.pop(number, [])))

    def _calm(self, sends: NDArray[np.bool_], at_s: Floats, number: int, rng: np.random.Generator) -> Readings:
        """The heartbeats of devices that send."""
        every = max(1, round(BATTERY_EVERY_S / self._interval_s))
        around = self._sensors.around(self._everyone, at_s, self._epoch_s)
        parts = []
        for kind in self._kinds:
            noise = rng.standard_normal(len(kind.device)) if kind.quantity in NOISE else None
            chosen = sends[kind.device]
            if kind.quantity == "battery":
                chosen &= (kind.device + number) % every == 0
            who = kind.device[chosen]
            drawn = None if noise is None else noise[chosen]
            value = self._sensors.quiet(kind.quantity, who, around.take(who), drawn)
            parts.append(Readings(kind.point[chosen], at_s[who], np.round(value, DECIMALS[kind.quantity])))
        return _joined(parts)

    def _stir(self, incident: Incident, waiting: dict[int, list[Readings]], stirred_until: NDArray[np.int64]) -> None:
        """Put the readings of the devices in *incident* into the rounds they are received in."""
        first, last = int(incident.start_s // self._interval_s), int(incident.end_s // self._interval_s)
        for position, code in enumerate(incident.devices):
            device = self._index[incident.institution, code]
            stirred_until[device] = last
            rng = np.random.default_rng([self._seed, 0x571, device, round(incident.start_s * 10)])
            rises = rises_of(incident, position)
            sample_s = SAMPLE_S.get(incident.kind, ALERT_INTERVAL_S.get(incident.kind, self._interval_s))
            begin_s, end_s = first * self._interval_s, (last + 1) * self._interval_s
            at_s = np.arange(begin_s + rng.uniform(0.0, sample_s), end_s, sample_s)
            values = self._values(device, at_s, at_s - incident.start_s, rises, rng)
            sent = self._sent(at_s, values, sample_s, rng)
            sent = sent[~self._muted(device, at_s[sent])]
            for quantity, value in values.items():
                point = np.full(len(sent), self._point_of[Point(device, quantity)], np.int32)
                received = Readings(point, at_s[sent], value[sent])
                for number, part in _by_round(received, self._interval_s):
                    waiting[number].append(part)

    def _values(
        self, device: int, at_s: Floats, elapsed_s: Floats, rises: Rises, rng: np.random.Generator
    ) -> dict[str, Floats]:
        """What the device measures at each sample."""
        values = {}
        who = np.full(len(at_s), device)
        around = self._sensors.around(who, at_s, self._epoch_s)
        for quantity in self._quantities[device]:
            noise = rng.standard_normal(len(at_s)) if quantity in NOISE else None
            value = self._sensors.quiet(quantity, who, around, noise)
            if quantity in rises:
                shown = self._sensors.sensitivity[quantity][device] if quantity in NOISE else 1.0
                value = value + shown * rises[quantity](elapsed_s)
            if quantity == "gas":
                value = np.minimum(value, GAS_LEL_PERCENT_MAX)  # the bead's range ends at the explosive limit
            values[quantity] = np.round(value, DECIMALS[quantity])
        return values

    def _sent(self, at_s: Floats, values: dict[str, Floats], sample_s: float, rng: np.random.Generator) -> Ints:
        """The samples that are received: sent on delta or as a heartbeat, and not lost."""
        times = at_s.tolist()
        rows = list(zip(*(value.tolist() for value in values.values()), strict=True))
        deadbands = [DEADBANDS[quantity] for quantity in values]
        chances = rng.uniform(size=(len(times), 2)).tolist()
        bad = bool(rng.uniform() < self._channel.bad_share)
        if_bad, if_good = self._channel.bad_after([True, False], sample_s).tolist()
        told, told_s = rows[0], -math.inf
        received = []
        for k, (now_s, row) in enumerate(zip(times, rows, strict=True)):
            bad = chances[k][0] < (if_bad if bad else if_good)
            changed = any(abs(new - old) >= band for new, old, band in zip(row, told, deadbands, strict=True))
            beat = now_s - told_s >= self._interval_s
            if not (changed or beat):
                continue
            lost = chances[k][1] < (self._channel.lost_bad if bad else self._channel.lost_good)
            if not lost:
                received.append(k)
                told, told_s = row, now_s
            elif not changed:
                told_s = now_s  # a heartbeat is not repeated
        return np.array(received, np.intp)

    def _muted(self, device: int, at_s: Floats) -> NDArray[np.bool_]:
        muted = np.zeros(len(at_s), np.bool_)
        for begin_s, end_s in self._mutes.get(device, ()):
            muted |= (at_s >= begin_s) & (at_s < end_s)
        return muted


class _Mutes:
    """Who is off the air, as time goes on."""

    def __init__(self, mutes: Mapping[int, list[tuple[float, float]]], count: int) -> None:
        self._coming = sorted((begin_s, end_s, device) for device, spans in mutes.items() for begin_s, end_s in spans)
        self._nth = 0
        self._from_s = np.full(count, math.inf)
        self._until_s = np.full(count, -math.inf)

    def at(self, at_s: Floats, until_s: float) -> NDArray[np.bool_]:
        """Who is silent at their time in *at_s*, all of them before *until_s*; to be asked round after round."""
        while self._nth < len(self._coming) and self._coming[self._nth][0] < until_s:
            begin_s, end_s, device = self._coming[self._nth]
            if begin_s > self._until_s[device]:
                self._from_s[device] = begin_s
            self._until_s[device] = max(end_s, self._until_s[device])
            self._nth += 1
        return (at_s >= self._from_s) & (at_s < self._until_s)


def _kind(quantity: str, points: list[Point]) -> _Kind:
    mine = [(number, point.device) for number, point in enumerate(points) if point.quantity == quantity]
    return _Kind(quantity, np.array([d for _, d in mine], np.intp), np.array([n for n, _ in mine], np.int32))


def _by_round(readings: Readings, interval_s: float) -> Iterator[tuple[int, Readings]]:
    """The readings, which are in the order of time, by the round they fall into."""
    if not len(readings.at_s):
        return
    number = (readings.at_s // interval_s).astype(np.intp)
    cuts = np.flatnonzero(np.diff(number)) + 1
    begins = [0, *cuts.tolist()]
    for begin, end in zip(begins, [*begins[1:], len(number)], strict=True):
        yield int(number[begin]), readings.cut(begin, end)


def _joined(parts: list[Readings]) -> Readings:
    if not parts:
        return Readings(np.empty(0, np.int32), np.empty(0), np.empty(0))
    point, at_s, value = zip(*parts, strict=True)
    return Readings(np.concatenate(point), np.concatenate(at_s), np.concatenate(value))
