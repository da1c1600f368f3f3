"""ChirpStack v4, LoRaWAN: events of devices as JSON, `application/{id}/device/{devEui}/event/{up or status}`.

    {"deduplicationId": "3ac7e3c4-…", "time": "2022-07-18T09:34:15.775023242+00:00",
     "deviceInfo": {"devEui": "0101010101010101", …}, "object": {"temperature": 21.5, "smoke_status": "normal"}, …}

(https://www.chirpstack.io/docs/chirpstack/integrations/events.html.) `object` is what the codec of the device profile
made of the payload. The gateways' copies of one uplink are one event, with one `deduplicationId` and one `time`: an
event that comes twice is the same reading, and counts once.
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.errors import BadTime, Refusal
from ingest.formats import properties
from ingest.formats.json_text import BadJson, loads
from ingest.reading import Decoded, Rejection, Sample, parse_time_us
from ingest.routes import NO_NAMES

_NAMES_TOLD_MAX: Final = 8


def decode_up(payload: bytes, device: str | None, received_at_us: int, names: Mapping[str, str] = NO_NAMES) -> Decoded:
    """The samples of one uplink; the device is the one of the topic, or else of `deviceInfo`."""
    event = _event(payload, device)
    if isinstance(event, Rejection):
        return Decoded([], [event])
    document, eui = event
    values = document.get("object")
    if not isinstance(values, dict) or not values:
        detail = "no decoded object: the device profile needs a codec, and the uplink a payload"
        return Decoded.refused(Refusal.BAD_SHAPE, detail)
    found = properties.read(values, names)
    if not found.values and not found.rejections:
        told = ", ".join(list(values)[:_NAMES_TOLD_MAX])
        detail = f"nothing of the object is known ({told[:200]}); say what it is in the route's names"
        return Decoded.refused(Refusal.BAD_SHAPE, detail)
    return _dated(document, eui, found, received_at_us)


def decode_status(payload: bytes, device: str | None, received_at_us: int) -> Decoded:
    """The level of the battery, as the device told the network (DevStatusAns); without one, that the device is there:
    `alive` is 1."""
    event = _event(payload, device)
    if isinstance(event, Rejection):
        return Decoded([], [event])
    document, eui = event
    level = document.get("batteryLevel")
    known = (
        level is not None and not document.get("batteryLevelUnavailable") and not document.get("externalPowerSource")
    )
    return _dated(document, eui, properties.read({"battery": level} if known else {"alive": 1}), received_at_us)


def _event(payload: bytes, device: str | None) -> tuple[dict[str, Any], str] | Rejection:
    """The event and its device, or why there is none."""
    try:
        document = loads(payload)
    except BadJson as error:
        return Rejection(Refusal.BAD_JSON, str(error))
    if not isinstance(document, dict):
        return Rejection(Refusal.BAD_SHAPE, "an event is an object")
    info = document.get("deviceInfo")
    eui = device or (info.get("devEui") if isinstance(info, dict) else None)
    if not isinstance(eui, str) or not eui:
        return Rejection(Refusal.BAD_SHAPE, "neither the topic nor deviceInfo.devEui names the device")
    return document, eui.lower() if device is None else eui


def _dated(document: Mapping[str, Any], eui: str, found: properties.Found, received_at_us: int) -> Decoded:
    measured_at_us = received_at_us
    try:
        if document.get("time") is not None:
            measured_at_us = parse_time_us(document["time"])
    except BadTime as error:  # an alarm is not lost to a clock
        found.rejections.append(Rejection(Refusal.BAD_TIME, f"time, so the time of arrival counts: {error}"))
    samples = [Sample(eui, name, measured_at_us, value) for name, value in found.values.items()]
    return Decoded(samples, found.rejections)
