"""What reports without a point in the registry: listed with what it sent, and handed on where it may be an alarm."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ingest.errors import UnitMismatch
from ingest.message import TOPIC_LENGTH_MAX, Limits, Message, untimely
from ingest.quantity import QUANTITIES, convert
from ingest.reading import Sample
from ingest.registry import Registry

DEVICE_LENGTH_MAX: Final = 128  # of what an unclaimed device is called


@dataclass(slots=True)
class Unclaimed:
    """What one thing sent that reports without being registered; `quantity` is "" where the whole device is unknown."""

    institution: str
    device: str
    quantity: str
    reason: str
    first_seen_us: int
    last_seen_us: int
    message_count: int
    last_message: Message
    quantities: set[str] = field(default_factory=set)  # that it sent, of those we know


class Stray(NamedTuple):
    """One value that the registry of a known institution has no point for: of a device that nobody has registered, or
    of a quantity that its device is not registered with (then `zone_id` and `device_id` are known). `value` is in the
    quantity's unit and within what a working sensor can say; times in µs since 1970."""

    institution_id: int
    zone_id: int | None
    device_id: int | None
    device: str
    quantity: str
    value: float
    measured_at_us: int
    received_at_us: int
    topic: str


def note_stray(
    strays: list[Stray], sample: Sample, institution: str, message: Message, registry: Registry, limits: Limits
) -> None:
    """Append `sample` to `strays`, if it can be read: it may be an alarm. What a broker has kept is no news."""
    place = registry.place_of(institution, sample.device) or registry.place_of(institution, None)
    quantity = QUANTITIES.get(sample.quantity)
    if (
        message.retained
        or place is None
        or quantity is None
        or untimely("", sample.measured_at_us, message, limits) is not None
    ):
        return
    value = sample.value
    if sample.unit is not None:
        try:
            value = convert(value, sample.unit, quantity)
        except UnitMismatch:
            return  # it stays listed as unclaimed, with its message
    if quantity.low <= value <= quantity.high:
        device, topic = plain(sample.device, DEVICE_LENGTH_MAX), plain(message.topic, TOPIC_LENGTH_MAX)
        strays.append(Stray(*place, device, quantity.name, value, sample.measured_at_us, message.received_at_us, topic))


def plain(text: str, length_max: int) -> str:
    """What a stranger sent, fit to be shown to people: cut, and without anything that is not a letter or a sign.

    >>> plain("smoke-9\\n119", 64)
    'smoke-9?119'
    """
    return "".join(each if each.isprintable() else "?" for each in text[:length_max]) or "?"


def note_unknown(
    unclaimed: dict[tuple[str, str, str], Unclaimed],
    institution: str,
    device: str,
    quantity: str,
    registry: Registry,
    message: Message,
) -> None:
    """Note what the registry lacks of this quantity of this device."""
    if registry.points_of(institution, device) is not None:
        entry = _note(unclaimed, institution, device, quantity, "quantity_unregistered", message)
    else:
        known = institution in registry.institution_codes
        entry = _note(unclaimed, institution, device, "", "device_unknown" if known else "institution_unknown", message)
    if quantity in QUANTITIES:
        entry.quantities.add(quantity)


def _note(
    unclaimed: dict[tuple[str, str, str], Unclaimed],
    institution: str,
    device: str,
    quantity: str,
    reason: str,
    message: Message,
) -> Unclaimed:
    institution, device = institution[:64].replace("\0", ""), device[:DEVICE_LENGTH_MAX].replace("\0", "")
    entry = unclaimed.get((institution, device, quantity))
    if entry is None:
        first = message.received_at_us
        entry = Unclaimed(institution, device, quantity, reason, first, first, 1, message)
        unclaimed[institution, device, quantity] = entry
    elif entry.last_message is not message:  # a message with several values of the device is one message
        entry.message_count += 1
        entry.last_seen_us = message.received_at_us
        entry.last_message = message
    return entry
