"""From raw messages to a batch of readings, purely: decode, resolve against the registry, refuse with a reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from ingest import panel_report
from ingest.edge_node import EdgeNode, Exchange
from ingest.errors import DrillMessageRefused, Refusal, UnitMismatch
from ingest.formats import FORMATS, IGNORE, acceleration, drill, sparkplug
from ingest.formats.acceleration import Window
from ingest.formats.drill import DrillCall
from ingest.message import DeadLetter, Limits, Message, dead_letter, too_large, untimely
from ingest.panel_report import PanelReport
from ingest.quantity import QUANTITIES, convert
from ingest.reading import GOOD, OUT_OF_RANGE, Decoded, ReadingBatch, Rejection, Sample
from ingest.registry import PANEL_PREFIX, Registry
from ingest.routes import OWN_ROUTES, Route, Routes
from ingest.unclaimed import Stray, Unclaimed, note_stray, note_unknown

REJECTIONS_A_MESSAGE_MAX: Final = 20
_FLOAT4_MAX: Final = 3.4e38
NO_NODES: Final[Mapping[str, EdgeNode]] = MappingProxyType({})
NO_READINGS: Final = frozenset({drill.FORMAT, acceleration.FORMAT, IGNORE})  # messages of these are no readings
_UNDATED_US: Final = 0  # told to a decoder as the time of arrival, it shows which samples have no time of their own
_DATED_FROM_US: Final = 366 * 86_400_000_000


Notes = dict[tuple[int, int], Mapping[str, Any]]  # (point, when measured in µs) → evidence


@dataclass(slots=True)
class Intake:
    """All that a batch of messages came to. `notes` say more of readings, for the alerts they raise."""

    readings: ReadingBatch
    dead_letters: list[DeadLetter]
    unclaimed: list[Unclaimed]
    message_count: int
    drills: list[DrillCall] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    edge: Exchange = field(default_factory=lambda: Exchange({}))
    panels: list[PanelReport] = field(default_factory=list)
    notes: Notes = field(default_factory=dict)


@dataclass(slots=True)
class _Columns:
    point_id: list[int] = field(default_factory=list)
    measured_at_us: list[int] = field(default_factory=list)
    received_at_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)


class _Aside(NamedTuple):
    """What is no reading, or goes with one."""

    drills: list[DrillCall]
    windows: list[Window]
    panels: list[PanelReport]
    notes: Notes


def take_in(
    messages: Iterable[Message],
    registry: Registry,
    limits: Limits,
    drill_key: bytes | None = None,
    routes: Routes = OWN_ROUTES,
    edge_nodes: Mapping[str, EdgeNode] = NO_NODES,
) -> Intake:
    """Decode and resolve `messages`. Never raises for what a message holds.

    Without `drill_key` no drill is believed. `edge_nodes` are Sparkplug's, as they stood before.
    """
    find = routes.find
    edge = Exchange(edge_nodes)
    columns = _Columns()
    dead: list[DeadLetter] = []
    aside = _Aside([], [], [], {})
    unclaimed: dict[tuple[str, str, str], Unclaimed] = {}
    count = 0
    for message in messages:
        count += 1
        if message.topic.startswith(panel_report.TOPIC_PREFIX):
            rejections = _of_panel(message, registry, limits, columns, unclaimed, aside)
            dead.extend(dead_letter(message, each) for each in rejections[:REJECTIONS_A_MESSAGE_MAX])
            continue
        where = find(message.topic)
        if where is not None and where.format in NO_READINGS:
            problem = _set_aside(message, where, registry, limits, drill_key, aside, unclaimed)
            if problem is not None:
                dead.append(dead_letter(message, problem))
            continue
        decoded, institution = decode(message, where, limits, edge)
        rejections = decoded.rejections
        for sample in decoded.samples:
            problem = _resolve(sample, institution, message, registry, limits, columns, unclaimed)
            if problem is not None:
                rejections.append(problem)
        dead.extend(dead_letter(message, each) for each in rejections[:REJECTIONS_A_MESSAGE_MAX])
    storable = np.clip(columns.value, -_FLOAT4_MAX, _FLOAT4_MAX)  # float4 is what the table and the engine use
    readings = ReadingBatch.build(
        columns.point_id, columns.measured_at_us, columns.received_at_us, storable, columns.quality
    )
    return Intake(
        readings, dead, list(unclaimed.values()), count, aside.drills, aside.windows, columns.strays, edge,
        aside.panels, aside.notes,
    )  # fmt: skip


def _set_aside(
    message: Message,
    where: Route,
    registry: Registry,
    limits: Limits,
    drill_key: bytes | None,
    aside: _Aside,
    unclaimed: dict[tuple[str, str, str], Unclaimed],
) -> Rejection | None:
    """Append what `message` holds to `aside`, or note its unclaimed device, or say why it is refused."""
    if where.format == IGNORE:
        return None
    if where.format == acceleration.FORMAT:
        return _window(message, where, registry, limits, aside.windows, unclaimed)
    try:
        aside.drills.append(_drill(message, where, registry, limits, drill_key))
    except DrillMessageRefused as error:
        return Rejection(Refusal.DRILL_REFUSED, str(error))
    return None


def _window(
    message: Message,
    where: Route,
    registry: Registry,
    limits: Limits,
    windows: list[Window],
    unclaimed: dict[tuple[str, str, str], Unclaimed],
) -> Rejection | None:
    if len(message.payload) > limits.payload_bytes_max:
        return too_large(message, limits)
    device = where.device or ""
    points = registry.points_of(where.institution, device)
    if points is None or acceleration.QUANTITY not in points:
        note_unknown(unclaimed, where.institution, device, acceleration.QUANTITY, registry, message)
        return None
    wear = registry.wear_of(where.institution, device)
    if not wear:
        return Rejection(Refusal.WEAR_UNKNOWN, "the registry does not say where this device is worn")
    try:
        pack = acceleration.decode(message.payload)
    except Exception as error:  # noqa: BLE001 - a fault in the decoder must not stop the messages beside it
        return Rejection(Refusal.DECODER_FAILED, f"the acceleration decoder failed: {type(error).__name__}: {error}")
    if isinstance(pack, Rejection):
        return pack
    problem = untimely("acceleration", pack.start_us, message, limits)
    if problem is None:
        windows.append(Window(points[acceleration.QUANTITY][0], wear, message.received_at_us, pack))
    return problem


def _of_panel(
    message: Message,
    registry: Registry,
    limits: Limits,
    columns: _Columns,
    unclaimed: dict[tuple[str, str, str], Unclaimed],
    aside: _Aside,
) -> list[Rejection]:
    """Append what a fire panel's frame means to `columns` and `aside`; what of it is refused."""
    address = message.topic.removeprefix(panel_report.TOPIC_PREFIX)
    panel = registry.on_panel(address)
    if panel is None:
        note_unknown(unclaimed, "", PANEL_PREFIX + address, "", registry, message)
        return []
    try:
        meaning = panel_report.read(message.payload, panel, registry, message.received_at_us)
    except Exception as error:  # noqa: BLE001 - a fault in the decoder must not stop the messages beside it
        detail = f"the decoder of fire panels failed: {type(error).__name__}: {error}"
        return [Rejection(Refusal.DECODER_FAILED, detail)]
    aside.panels.append(meaning.report)
    institution = registry.institutions[panel.institution_id].code
    for sample, note, spoken_for in meaning.reported:
        if spoken_for:  # the panel's alert names the detector: one call for one fire
            note_unknown(unclaimed, institution, sample.device, sample.quantity, registry, message)
            continue
        stored = len(columns.point_id)
        problem = _resolve(sample, institution, message, registry, limits, columns, unclaimed)
        if problem is not None:
            meaning.rejections.append(problem)
        elif note is not None and len(columns.point_id) > stored:
            aside.notes[columns.point_id[-1], sample.measured_at_us] = note
    return meaning.rejections


def _drill(message: Message, where: Route, registry: Registry, limits: Limits, drill_key: bytes | None) -> DrillCall:
    if len(message.payload) > limits.payload_bytes_max:
        raise DrillMessageRefused(f"{len(message.payload)} bytes; at most {limits.payload_bytes_max} are read")
    order = drill.decode(message.payload, where.institution, where.device, message.received_at_us, drill_key)
    place = registry.place_of(where.institution, where.device)
    if place is None:
        raise DrillMessageRefused("there is no such institution or device")
    return DrillCall(order, *place)


def decode(message: Message, where: Route | None, limits: Limits, edge: Exchange) -> tuple[Decoded, str]:
    """What `message` holds by its route, and the institution it speaks for. Never raises."""
    if where is None:
        return Decoded.refused(Refusal.TOPIC_UNKNOWN, "no format is read on this topic"), ""
    if len(message.payload) > limits.payload_bytes_max:
        return Decoded([], [too_large(message, limits)]), where.institution
    received_at_us = _UNDATED_US if message.retained else message.received_at_us
    try:
        if where.format == sparkplug.FORMAT:
            decoded = _of_edge_node(message, where, edge)
        elif where.names:
            decoded = FORMATS[where.format](message.payload, where.device, received_at_us, where.names)
        else:
            decoded = FORMATS[where.format](message.payload, where.device, received_at_us)
    except Exception as error:  # noqa: BLE001 - a fault in one decoder must not stop the messages beside it
        detail = f"the {where.format} decoder failed: {type(error).__name__}: {error}"
        return Decoded.refused(Refusal.DECODER_FAILED, detail), where.institution
    if message.retained:
        return _as_state(decoded), where.institution
    _date_by_arrival(decoded, message, limits)
    return decoded, where.institution


def _of_edge_node(message: Message, where: Route, edge: Exchange) -> Decoded:
    if message.retained:
        return Decoded.refused(Refusal.RETAINED_UNDATED, "kept by the broker: Sparkplug's messages have an order")
    return edge.read(message.topic, message.payload, where, message.received_at_us)


def _date_by_arrival(decoded: Decoded, message: Message, limits: Limits) -> None:
    """Let what is dated later than can be count as of its arrival: the clock it comes from is ahead, or ours was set
    back, and neither may cost an alarm. What was measured before in the same message keeps its distance."""
    latest_us = message.received_at_us + limits.future_us_max
    ahead_us = max((each.measured_at_us for each in decoded.samples), default=latest_us) - message.received_at_us
    if ahead_us <= limits.future_us_max:
        return
    oldest_us = message.received_at_us - limits.age_us_max

    def dated(measured_us: int) -> int:
        if measured_us <= latest_us:
            return measured_us
        return measured_us - ahead_us if measured_us - ahead_us >= oldest_us else message.received_at_us

    decoded.samples = [each._replace(measured_at_us=dated(each.measured_at_us)) for each in decoded.samples]
    detail = f"the clock is {ahead_us / 1e6:.0f} s ahead of ours; kept as of the arrival"
    decoded.rejections.append(Rejection(Refusal.FUTURE, detail))


def _as_state(decoded: Decoded) -> Decoded:
    """What a retained message says: how things stood when it was measured, and nothing of which nobody knows when."""
    dated = [each for each in decoded.samples if each.measured_at_us >= _DATED_FROM_US]
    undated = [each.quantity[:64] for each in decoded.samples if each.measured_at_us < _DATED_FROM_US]
    if not undated:
        return decoded
    detail = f"kept by the broker, and without a time of its own: {', '.join(undated[:8])}"
    return Decoded(dated, [*decoded.rejections, Rejection(Refusal.RETAINED_UNDATED, detail)])


def _resolve(
    sample: Sample,
    institution: str,
    message: Message,
    registry: Registry,
    limits: Limits,
    columns: _Columns,
    unclaimed: dict[tuple[str, str, str], Unclaimed],
) -> Rejection | None:
    """Append `sample` to `columns`, or note its unclaimed device, or say why it is refused."""
    points = registry.points_of(institution, sample.device)
    if points is None:
        note_unknown(unclaimed, institution, sample.device, sample.quantity, registry, message)
        note_stray(columns.strays, sample, institution, message, registry, limits)
        return None
    if not -limits.age_us_max <= sample.measured_at_us - message.received_at_us <= limits.future_us_max:
        return untimely(sample.quantity, sample.measured_at_us, message, limits)
    point = points.get(sample.quantity)
    if point is None:
        if sample.quantity not in QUANTITIES:
            return Rejection(Refusal.QUANTITY_UNKNOWN, f"{sample.quantity[:64]} is not a quantity")
        note_unknown(unclaimed, institution, sample.device, sample.quantity, registry, message)
        note_stray(columns.strays, sample, institution, message, registry, limits)
        return None
    point_id, quantity = point
    value = sample.value
    if sample.unit is not None:
        try:
            value = convert(value, sample.unit, quantity)
        except UnitMismatch as error:
            return Rejection(Refusal.UNIT_MISMATCH, str(error))
    columns.point_id.append(point_id)
    columns.measured_at_us.append(sample.measured_at_us)
    columns.received_at_us.append(message.received_at_us)
    columns.value.append(value)
    columns.quality.append(GOOD if quantity.low <= value <= quantity.high else OUT_OF_RANGE)
    return None
