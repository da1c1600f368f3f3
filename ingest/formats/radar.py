"""Radars that watch a room: presence, somebody on the floor, falls. Events, states, or both in one message.

    {"measured_at": "2026-11-22T01:02:03.456Z", "event": "on_floor"}
    {"measured_at": 1795305723.456, "presence": true, "on_floor": false, "fall": false}

A radar that decides by itself sends `fall`; one that only sees somebody lie there sends `on_floor`, and Anhu waits for
them to get up (rule fall.floor).
"""

from typing import Final

from ingest.errors import BadTime, Refusal
from ingest.formats import properties
from ingest.formats.json_text import BadJson, loads
from ingest.reading import Decoded, Rejection, Sample, parse_time_us

# Somebody who lies still may be lost to a radar: `absent` does not say that nobody is on the floor.
EVENTS: Final = {
    "fall": {"fall": 1.0},
    "fall_over": {"fall": 0.0},
    "on_floor": {"on_floor": 1.0},
    "got_up": {"on_floor": 0.0, "fall": 0.0},
    "present": {"occupancy": 1.0},
    "absent": {"occupancy": 0.0},
}
_STATES: Final = ("presence", "occupancy", "on_floor", "fall")


def decode(payload: bytes, device: str | None, received_at_us: int) -> Decoded:
    """The samples of one message; `device` comes from the topic."""
    if device is None:
        return Decoded.refused(Refusal.TOPIC_UNKNOWN, "the topic names no device")
    try:
        document = loads(payload)
    except BadJson as error:
        return Decoded.refused(Refusal.BAD_JSON, str(error))
    if not isinstance(document, dict):
        return Decoded.refused(Refusal.BAD_SHAPE, 'expected {"measured_at": …, "event": …}')
    found = properties.read({name: document[name] for name in _STATES if name in document})
    event = document.get("event")
    if isinstance(event, str) and event in EVENTS:
        found.values |= EVENTS[event]
    elif event is not None:
        told = f"{str(event)[:32]!r} is not one of {', '.join(EVENTS)}"
        found.rejections.append(Rejection(Refusal.BAD_SHAPE, f"event: {told}"))
    if not found.values and not found.rejections:
        return Decoded.refused(Refusal.BAD_SHAPE, f"neither an event nor any of {', '.join(_STATES)}")
    measured_at_us = received_at_us
    try:
        if document.get("measured_at") is not None:
            measured_at_us = parse_time_us(document["measured_at"])
    except BadTime as error:
        return Decoded.refused(Refusal.BAD_TIME, str(error))
    samples = [Sample(device, name, measured_at_us, value) for name, value in found.values.items()]
    return Decoded(samples, found.rejections)
