"""One message, tried: which route it takes, what is read from it and what is refused, exactly as the pipeline has it.

The registry is not asked: every device that the message names counts as registered for whatever it measures.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

from ingest.edge_node import Exchange
from ingest.formats import FORMATS, sparkplug
from ingest.intake import decode, take_in
from ingest.message import DeadLetter, Limits, Message
from ingest.quantity import QUANTITIES
from ingest.reading import GOOD
from ingest.registry import Device, Institution, Point, Registry, Zone
from ingest.routes import Route, Routes

_SELDOM_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Tried:
    """One reading as it would be stored; `good`: within what a working sensor can say, and so judged."""

    device: str
    quantity: str
    value: float
    unit: str
    measured_at_us: int
    good: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the message; `route` is None where none is for its topic. `samples`: how many samples of
    acceleration it holds."""

    route: Route | None
    readings: list[Tried]
    samples: int
    refused: list[DeadLetter]


def attempt(message: Message, routes: Routes, limits: Limits) -> Trial:
    """Take `message` in, by itself. Never raises for what it holds."""
    where = routes.find(message.topic)
    registry = _registry_for(message, where, limits)
    intake = take_in([message], registry, limits, routes=routes)
    batch = intake.readings
    readings = [
        Tried(registry.devices[point.device_id].code, point.quantity, value, point.unit, at_us, quality == GOOD)
        for point, value, at_us, quality in zip(
            [registry.points[each] for each in batch.point_id.tolist()],
            batch.value.tolist(),
            batch.measured_at_us.tolist(),
            batch.quality.tolist(),
            strict=True,
        )
    ]
    return Trial(where, readings, sum(len(each.pack.acceleration) for each in intake.windows), intake.dead_letters)


def _registry_for(message: Message, where: Route | None, limits: Limits) -> Registry:
    """A registry in which the devices of the message are, with every quantity."""
    if where is None:
        return Registry.build(0, (), (), (), ())
    names = dict.fromkeys([where.device] if where.device else [])
    if where.format in (*FORMATS, sparkplug.FORMAT):
        decoded, _ = decode(message, where, limits, Exchange({}))
        names |= dict.fromkeys(each.device for each in decoded.samples)
    devices = list(enumerate(names, 1))
    points = enumerate(product((number for number, _ in devices), QUANTITIES.values()), 1)
    return Registry.build(
        0,
        [Institution(1, where.institution, "", "", "other", "")],
        [Zone(1, 1, "zone", "", "", "other", 1)],
        [Device(number, 1, 1, name, "", "multi", "", _SELDOM_S, "wrist") for number, name in devices],
        [Point(number, device, each.name, each.unit) for number, (device, each) in points],
    )
