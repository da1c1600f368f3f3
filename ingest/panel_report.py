"""What a fire panel's frame means for our points, purely, with the registry.

A component or system that is registered (by its address) speaks for itself. What is not registered speaks through the
panel: a fire, a fault or lost mains go to the panel's own points, and are never taken back by one of them, as others
may still say it; that is for the panel's own state (type 21) and for a reset. docs/panels.md has the whole table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ingest.errors import Refusal
from ingest.formats import gb26875
from ingest.formats.gb26875 import Said
from ingest.formats.gb26875_frame import Command, Fault, Frame, clock_us, read_one
from ingest.formats.gb26875_names import ANALOGS, component_name, system_name
from ingest.reading import Rejection, Sample, from_us
from ingest.registry import PANEL_PREFIX, Device, Registry

TOPIC_PREFIX: Final = "gb26875#"
UTC_OFFSET_S: Final = 8 * 3600  # the standard is China's, whose clocks all show one time
_FAULTS: Final = frozenset({"fault", "power_fault", "standby_fault", "bus_fault", "centre_link_fault", "line_fault"})
_OVER: Final = frozenset({"reset", "alarm_cleared"})
_ALARMS: Final = "fire_alarm", "smoke_alarm", "heat_alarm", "gas_alarm", "call_point"
ALARM_QUANTITIES: Final[dict[int, tuple[str, ...]]] = {  # what a component's fire bit is, by its type
    **dict.fromkeys((10, 11, 12, 13, 74), ("gas_alarm",)),
    **dict.fromkeys((23, 24), ("call_point",)),
    **dict.fromkeys(range(30, 38), ("heat_alarm",)),
    **dict.fromkeys(range(40, 45), ("smoke_alarm",)),
    **dict.fromkeys(range(50, 54), ("smoke_alarm", "heat_alarm")),
}


@dataclass(frozen=True, slots=True)
class PanelReport:
    """One frame of a registered transmission device, for the record. `clock_ahead_s` is how far its clock is ahead of
    ours, None where its time is none; `denied_for` is why the frame was not taken, "" where it was."""

    address: str
    received_at_us: int
    serial: int
    clock_ahead_s: float | None
    objects: tuple[Said, ...] = ()
    denied_for: str = ""


class Reported(NamedTuple):
    """A value for a point, and what an alert that it raises shows as evidence. `spoken_for`: nobody has registered what
    said it, and the panel's own point tells of it."""

    sample: Sample
    note: Mapping[str, Any] | None = None
    spoken_for: bool = False


@dataclass(slots=True)
class Meaning:
    """All that one frame came to."""

    report: PanelReport
    reported: list[Reported] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def topic(address: str) -> str:
    """Under which name a transmission device's frames go through the intake: none that MQTT lets anybody publish to.

    >>> topic("790300000000")
    'gb26875#790300000000'
    """
    return TOPIC_PREFIX + address


def read(payload: bytes, panel: Device, registry: Registry, received_at_us: int) -> Meaning:
    """What the frame in `payload` means; never raises for what it holds. That it came shows that the panel lives."""
    frame, address = read_one(payload), panel.address.removeprefix(PANEL_PREFIX)
    if isinstance(frame, Fault):
        serial = 0 if frame.head is None else frame.head.serial
        meaning = Meaning(PanelReport(address, received_at_us, serial, None, (), frame.cause.value))
        meaning.rejections.append(Rejection(Refusal.FRAME_DENIED, f"{frame.cause}: {frame.detail}"))
        return meaning
    says = frame.command in {Command.SEND, Command.ANSWER}
    unit = gb26875.decode_unit(frame.unit if says else b"")
    clock = clock_us(frame.time, UTC_OFFSET_S)
    ahead_s = None if clock is None else (clock - received_at_us) / 1e6
    meaning = Meaning(PanelReport(address, received_at_us, frame.serial, ahead_s, unit.objects))
    if unit.problem:
        meaning.rejections.append(Rejection(Refusal.BAD_SHAPE, f"type {unit.type_flag}: {unit.problem}"))
    meaning.reported.append(Reported(Sample(panel.code, "alive", received_at_us, 1.0)))
    for nth, said in enumerate(unit.objects):
        # A microsecond apart, so that what is said twice of one thing is judged in its order.
        speaker = _Speaker(panel, registry, said, received_at_us + nth)
        meaning.reported += speaker.reported(_age_us(frame, said) if said.type_flag == gb26875.ANALOG_VALUE else 0)
    return meaning


def _age_us(frame: Frame, said: Said) -> int:
    """How old a measurement was when it was sent, by the panel's own clock: whether that is right is another matter.

    Alarms and states are taken for news when they come: an alarm must not be passed over because of a clock.
    """
    sent_us, measured_us = clock_us(frame.time, UTC_OFFSET_S), clock_us(said.time, UTC_OFFSET_S) if said.time else None
    return 0 if sent_us is None or measured_us is None else max(0, sent_us - measured_us)


class _Speaker:
    """One object of a frame, and whose points it is about."""

    def __init__(self, panel: Device, registry: Registry, said: Said, at_us: int) -> None:
        self._panel = panel
        self._address = panel.address.removeprefix(PANEL_PREFIX)
        self._said = said
        self._at_us = at_us
        device = registry.on_panel(f"{self._address}/{said.place}") if said.place else None
        if device is not None and device.institution_id != panel.institution_id:
            device = None
        institution = registry.institutions[panel.institution_id].code
        self._device = device
        self._points = (registry.points_of(institution, device.code) or {}) if device is not None else {}
        self._panel_points = registry.points_of(institution, panel.code) or {}

    def reported(self, age_us: int) -> list[Reported]:
        match self._said.type_flag:
            case gb26875.COMPONENT_STATE:
                return self._component_state()
            case gb26875.ANALOG_VALUE:
                return self._analog_value(age_us)
            case gb26875.SYSTEM_STATE:
                return self._system_state()
            case gb26875.DEVICE_STATE:
                return self._device_state()
            case gb26875.OPERATION | gb26875.DEVICE_OPERATION:
                return self._operation()
            case _:
                return []

    def _component_state(self) -> list[Reported]:
        fire = "fire" in self._said.states
        wanted = (*ALARM_QUANTITIES.get(self._said.component_type or 0, ()), *_ALARMS)
        found = next((each for each in wanted if each in self._points), None)
        told = self._own("fault", bool(_FAULTS & set(self._said.states)))
        if found is not None:
            return [*self._own(found, fire), *told]
        if self._device is None:  # of a device whose points lack it, the panel's word is enough
            told.append(self._unclaimed(wanted[0], fire)._replace(spoken_for=True))
        return [*told, *(self._panels("fire_alarm", 1) if fire else [])]

    def _analog_value(self, age_us: int) -> list[Reported]:
        kind, value = ANALOGS.get(self._said.analog or 0), self._said.value
        if kind is None or not kind.quantity or value is None:
            return []  # on record only: there is no quantity for it
        if self._device is None:
            return [self._unclaimed(kind.quantity, value)]
        at_us = self._at_us - age_us
        sample = Sample(self._device.code, kind.quantity, at_us, value, kind.unit)
        return [Reported(sample)] if kind.quantity in self._points else []

    def _system_state(self) -> list[Reported]:
        fire, fault = "fire" in self._said.states, bool(_FAULTS & set(self._said.states))
        mains = "mains_fault" not in self._said.states
        told = [*self._own("fire_alarm", fire), *self._own("fault", fault), *self._own("mains_power", mains)]
        if fire and "fire_alarm" not in self._points:
            told += self._panels("fire_alarm", 1)
        if fault and "fault" not in self._points:
            told += self._panels("fault", 1)
        if not mains and "mains_power" not in self._points:
            told += self._panels("mains_power", 0)
        return told

    def _device_state(self) -> list[Reported]:
        states = set(self._said.states)
        return [
            *self._panels("fire_alarm", "fire" in states),
            *self._panels("fault", bool(_FAULTS & states)),
            *self._panels("mains_power", "mains_fault" not in states),
        ]

    def _operation(self) -> list[Reported]:
        if "manual_alarm" in self._said.states:
            quantity = "call_point" if "call_point" in self._panel_points else "fire_alarm"
            return self._panels(quantity, 1)
        if _OVER & set(self._said.states):
            return [*self._own("fire_alarm", 0), *self._panels("fire_alarm", 0), *self._panels("call_point", 0)]
        return []

    def _own(self, quantity: str, value: float) -> list[Reported]:
        """On a point of what is registered, where it has one."""
        if self._device is None or quantity not in self._points:
            return []
        return [self._on(self._device.code, quantity, value)]

    def _panels(self, quantity: str, value: float) -> list[Reported]:
        """On a point of the panel itself. Where it has none of the kind that raises an alarm, the installer is told."""
        if quantity not in self._panel_points and not value:
            return []
        return [self._on(self._panel.code, quantity, value)]

    def _unclaimed(self, quantity: str, value: float) -> Reported:
        """On a point of nobody: the list of unclaimed devices names it."""
        return Reported(Sample(f"{self._panel.address}/{self._said.place}", quantity, self._at_us, float(value)))

    def _on(self, device: str, quantity: str, value: float) -> Reported:
        alarm = quantity in _ALARMS and value
        note = _note(self._address, self._said) if alarm else None
        return Reported(Sample(device, quantity, self._at_us, float(value)), note)


def _note(address: str, said: Said) -> dict[str, Any]:
    """The evidence: which component it was, in the panel's words."""
    where_zh, where_en = _whose(said)
    said_us = clock_us(said.time, UTC_OFFSET_S) if said.time else None
    manual = "manual_alarm" in said.states
    title_zh, title_en = ("手动报警", "Manual alarm") if manual else ("消防主机报火警", "The fire panel reports a fire")
    description = said.description
    return {
        "panel": {
            "address": address,
            "place": said.place,
            "component_type": said.component_type,
            "description": description,
            "said_at": None if said_us is None else from_us(said_us).isoformat(),
        },
        "text_zh": f"{title_zh}：{where_zh}" + (f"，{description}" if description else ""),
        "text_en": f"{title_en}: {where_en}" + (f", {description}" if description else ""),
    }


def _whose(said: Said) -> tuple[str, str]:
    parts = said.place.split(".")
    if said.component_type is not None:
        name = component_name(said.component_type)
        return f"{name.zh} {parts[2]} 回路 {parts[3]} 号", f"{name.en}, loop {parts[2]} number {parts[3]}"
    if said.place:
        name = system_name(int(parts[0]))
        return f"{name.zh} {parts[1]}", f"{name.en} {parts[1]}"
    return "用户信息传输装置", "the transmission device"
