"""All devices of a fleet as columns: who reports when, and what it says.

One numpy pass makes the quiet readings of every device that is due; only the few devices in an incident are touched one
by one. Messages, and the noise in them, depend on the seed and the fleet, never on how often `due` is called.
"""

import heapq
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.fire_in_home import RecordedFire
from simulators.fleet import Fleet
from simulators.incident_signals import ALERT_INTERVAL_S, MUTING_KINDS, Signal, signal_for
from simulators.physics.day import Floats
from simulators.premises import readings_topic
from simulators.scenario import HOUR_S, History, Incident
from simulators.sensors import DECIMALS, GAS_LEL_PERCENT_MAX, NOISE, Sensors
from simulators.source import Message

Ints = NDArray[np.intp]

NOISY: Final = tuple(NOISE)
QUIET: Final = (*NOISY, "battery")
COLUMNS: Final = (*QUIET, "fall", "on_floor", "sos")
"""What is measured; on a quiet day the last three say 0."""
CHARGE_MIN: Final = 0.45
"""Nobody's battery is low at the start: a low one is an incident here."""


class Devices:
    """The fleet as a source of messages.

    *start_epoch_s* (seconds since 1970, UTC) sets the time of day the offsets begin at. A device first reports within
    its first interval, each at its own moment. *fire*, if given, burns beside what *history* brings.
    """

    def __init__(
        self, fleet: Fleet, history: History, seed: int, start_epoch_s: float, fire: RecordedFire | None = None
    ) -> None:
        devices = list(fleet.devices())
        setup = np.random.default_rng([seed, 0xDE71CE])
        self._noise = np.random.default_rng([seed, 0x2015E])
        self._histories: tuple[History, ...] = (history,) if fire is None else (history, fire)
        self._fire = fire
        self._epoch_s = start_epoch_s
        self._sensors = Sensors(devices, setup, CHARGE_MIN)
        self._topics = [readings_topic(m.institution.code, m.device.code) for m in devices]
        self._layouts = [tuple((q, COLUMNS.index(q)) for q in m.device.quantities) for m in devices]
        self._index = {(m.institution.code, m.device.code): i for i, m in enumerate(devices)}
        self._usual_s = np.array([m.device.report_interval_s for m in devices], dtype=np.float64)
        self._interval_s = self._usual_s.copy()
        self._next_s = setup.uniform(0.0, 1.0, len(devices)) * self._usual_s
        self._touched = np.zeros(len(devices), dtype=bool)
        self._active: dict[int, list[tuple[Incident, Signal | None]]] = {}
        self._edges: list[tuple[float, int, bool, Incident]] = []  # (time, tie-breaker, begins, incident)
        self._edge_count = 0
        self._hours = 0
        self._begun: list[Incident] = []

    def next_s(self) -> float:
        """Offset of the next message or incident."""
        edge_s = self._edges[0][0] if self._edges else math.inf
        return min(float(self._next_s.min()), edge_s, self._hours * HOUR_S)

    def take_incidents(self) -> list[Incident]:
        """The incidents that began since this was last asked."""
        begun, self._begun = self._begun, []
        return begun

    def due(self, until_s: float) -> list[Message]:
        """Everything sent up to *until_s*, in order of time."""
        while self._hours * HOUR_S <= until_s:
            for history in self._histories:
                for incident in history.hour(self._hours):
                    self._plan(incident)
            self._hours += 1
        messages: list[Message] = []
        while self._edges and self._edges[0][0] <= until_s:
            at_s, _, begins, incident = heapq.heappop(self._edges)
            messages += self._report(np.nextafter(at_s, -math.inf))
            self._begin(incident) if begins else self._end(incident)
        messages += self._report(until_s)
        return messages

    def _plan(self, incident: Incident) -> None:
        for at_s, begins in ((incident.start_s, True), (incident.end_s, False)):
            heapq.heappush(self._edges, (at_s, self._edge_count, begins, incident))
            self._edge_count += 1

    def _begin(self, incident: Incident) -> None:
        self._begun.append(incident)
        for position, code in enumerate(incident.devices):
            i = self._index[incident.institution, code]
            signal, interval_s = self._effect(incident, position)
            self._active.setdefault(i, []).append((incident, signal))
            self._touched[i] = True
            if signal is not None:
                self._interval_s[i] = min(self._interval_s[i], interval_s)
                self._next_s[i] = incident.start_s  # devices report a change at once

    def _effect(self, incident: Incident, position: int) -> tuple[Signal | None, float]:
        """What a device says during *incident* (None: nothing) and how often it reports at least."""
        if incident.kind in MUTING_KINDS:
            return None, math.inf
        if self._fire is not None and incident.kind == self._fire.KIND:
            return self._fire.signal_for(position), self._fire.interval_s
        return signal_for(incident, position), ALERT_INTERVAL_S.get(incident.kind, math.inf)

    def _end(self, incident: Incident) -> None:
        for code in incident.devices:
            i = self._index[incident.institution, code]
            left = [item for item in self._active[i] if item[0] is not incident]
            self._next_s[i] = incident.end_s
            if left:
                self._active[i] = left
            else:
                del self._active[i]
                self._touched[i] = False
                self._interval_s[i] = self._usual_s[i]

    def _report(self, until_s: float) -> list[Message]:
        """Messages up to *until_s* while nothing begins or ends."""
        who, at_s = self._pop_due(until_s)
        if not len(who):
            return []
        table = self._quiet(who, at_s)
        rows = table.tolist()
        messages = []
        for i, offset_s, touched, row in zip(
            who.tolist(), at_s.tolist(), self._touched[who].tolist(), rows, strict=True
        ):
            values = {quantity: row[column] for quantity, column in self._layouts[i]}
            if touched:
                disturbed = self._disturb(i, offset_s, values)
                if disturbed is None:
                    continue
                values = disturbed
            messages.append(Message(offset_s, self._topics[i], values))
        return messages

    def _quiet(self, who: Ints, at_s: Floats) -> Floats:
        """Quiet readings of devices *who* at offsets *at_s*: a row each, a column per quantity."""
        noise = self._noise.standard_normal((len(who), len(NOISY)))
        around = self._sensors.around(who, at_s, self._epoch_s)
        table = np.zeros((len(who), len(COLUMNS)))
        for column, quantity in enumerate(QUIET):
            drawn = noise[:, column] if quantity in NOISY else None
            table[:, column] = np.round(self._sensors.quiet(quantity, who, around, drawn), DECIMALS[quantity])
        return table

    def _pop_due(self, until_s: float) -> tuple[Ints, Floats]:
        """Device indices and times of every report up to *until_s*, by time then device."""
        rounds: list[tuple[Ints, Floats]] = []
        while len(who := np.flatnonzero(self._next_s <= until_s)):
            rounds.append((who, self._next_s[who]))
            self._next_s[who] += self._interval_s[who]
        if not rounds:
            return np.empty(0, dtype=np.intp), np.empty(0)
        who = np.concatenate([r[0] for r in rounds])
        at_s = np.concatenate([r[1] for r in rounds])
        order = np.lexsort((who, at_s))
        return who[order], at_s[order]

    def _disturb(self, i: int, offset_s: float, values: dict[str, float]) -> dict[str, float] | None:
        """The values of a device in one or more incidents; None while it is off the air."""
        for incident, signal in self._active[i]:
            if signal is None:
                return None
            values = signal(offset_s - incident.start_s, values)
        if "gas" in values:
            values["gas"] = min(values["gas"], GAS_LEL_PERCENT_MAX)  # the cell's range ends at the explosive limit
        return {quantity: round(value, DECIMALS[quantity]) for quantity, value in values.items()}
