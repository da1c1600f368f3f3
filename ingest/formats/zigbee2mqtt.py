"""Zigbee2MQTT: the state of a device as JSON, and its availability.

    zigbee2mqtt/kitchen_smoke                {"smoke": true, "battery": 97, "last_seen": "2026-11-22T16:00:00+08:00"}
    zigbee2mqtt/kitchen_smoke/availability   {"state": "online"}

(https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html.) A message holds all that is known of the device,
old and new. `last_seen`, which its setting of that name switches on, is when the device was heard; without it the time
of arrival is taken, and a state that Zigbee2MQTT repeats when it starts cannot be told from news.
"""

from collections.abc import Mapping
from typing import Final

from ingest.errors import BadTime, Refusal
from ingest.formats import properties
from ingest.formats.json_text import BadJson, loads
from ingest.reading import Decoded, Rejection, Sample, parse_time_us
from ingest.routes import NO_NAMES

# Zigbee2MQTT itself takes these back after a while, and `last_seen` does not move when it does.
_TAKEN_BACK: Final = frozenset(("occupancy", "vibration", "sos"))


def decode(payload: bytes, device: str | None, received_at_us: int, names: Mapping[str, str] = NO_NAMES) -> Decoded:
    """The samples of one state; `device` comes from the topic. A message that says nothing Anhu knows shows that the
    device is there: `alive` is 1."""
    if device is None:
        return Decoded.refused(Refusal.TOPIC_UNKNOWN, "the topic names no device")
    try:
        state = loads(payload)
    except BadJson as error:
        return Decoded.refused(Refusal.BAD_JSON, str(error))
    if not isinstance(state, dict) or not state:
        return Decoded.refused(Refusal.BAD_SHAPE, "the state of a device is an object with properties")
    found = properties.read({name: value for name, value in state.items() if name != "device"}, names)
    measured_at_us = received_at_us
    try:
        if state.get("last_seen") is not None:
            measured_at_us = parse_time_us(state["last_seen"])
    except BadTime as error:  # an alarm is not lost to a clock
        found.rejections.append(Rejection(Refusal.BAD_TIME, f"last_seen, so the time of arrival counts: {error}"))
    values = found.values or {"alive": 1.0}
    return Decoded(
        [
            Sample(device, name, received_at_us if name in _TAKEN_BACK and not value else measured_at_us, value)
            for name, value in values.items()
        ],
        found.rejections,
    )


def decode_availability(payload: bytes, device: str | None, received_at_us: int) -> Decoded:
    """Whether Zigbee2MQTT reaches the device, as `alive`: {"state": "online"}, or the bare word of older versions."""
    if device is None:
        return Decoded.refused(Refusal.TOPIC_UNKNOWN, "the topic names no device")
    state: object = payload.decode("utf-8", "replace").strip()
    if payload.lstrip()[:1] in (b"{", b'"'):
        try:
            state = loads(payload)
        except BadJson as error:
            return Decoded.refused(Refusal.BAD_JSON, str(error))
    if isinstance(state, dict):
        state = state.get("state")
    if state not in ("online", "offline"):
        return Decoded.refused(Refusal.BAD_SHAPE, 'expected {"state": "online"} or {"state": "offline"}')
    return Decoded([Sample(device, "alive", received_at_us, float(state == "online"))], [])
