"""Anhu's own JSON.

    {"measured_at": "2026-11-22T01:02:03.456Z", "values": {"smoke_obscuration": 0.01, "temperature": 21.5}}

or an array of such objects (a pack). `measured_at` is ISO 8601 with a zone or epoch seconds; without it the time of
arrival is taken, and a redelivered message can then not be told from a new one.
"""

import math
from collections.abc import Mapping

import orjson

from ingest.errors import BadTime, Refusal
from ingest.formats.json_text import BadJson, as_float, loads
from ingest.reading import Decoded, Rejection, Sample, parse_time_us


def encode(measured_at_us: int, values: Mapping[str, float]) -> bytes:
    """One message; `values` maps quantity to a value in the quantity's own unit."""
    return orjson.dumps({"measured_at": measured_at_us / 1e6, "values": dict(values)})


def decode(payload: bytes, device: str | None, received_at_us: int) -> Decoded:
    """The samples of one message; `device` comes from the topic."""
    if device is None:
        return Decoded.refused(Refusal.TOPIC_UNKNOWN, "the topic names no device")
    try:
        document = loads(payload)
    except BadJson as error:
        return Decoded.refused(Refusal.BAD_JSON, str(error))
    decoded = Decoded([], [])
    for record in document if isinstance(document, list) else [document]:
        _decode_record(record, device, received_at_us, decoded)
    if not decoded.samples and not decoded.rejections:
        decoded.rejections.append(Rejection(Refusal.BAD_SHAPE, "the message holds no values"))
    return decoded


def _decode_record(record: object, device: str, received_at_us: int, decoded: Decoded) -> None:
    if not isinstance(record, dict) or not isinstance(values := record.get("values"), dict):
        decoded.rejections.append(Rejection(Refusal.BAD_SHAPE, 'expected {"measured_at": …, "values": {…}}'))
        return
    try:
        measured_at = record.get("measured_at")
        measured_at_us = received_at_us if measured_at is None else parse_time_us(measured_at)
    except BadTime as error:
        decoded.rejections.append(Rejection(Refusal.BAD_TIME, str(error)))
        return
    for quantity, value in values.items():
        if not isinstance(value, int | float):  # true and false are numbers: so do alarm contacts arrive
            detail = f"{quantity[:64]}: a value cannot be of type {type(value).__name__}"
            decoded.rejections.append(Rejection(Refusal.BAD_TYPE, detail))
            continue
        number = as_float(value)
        if not math.isfinite(number):
            decoded.rejections.append(Rejection(Refusal.NOT_FINITE, f"{quantity[:64]}: {number}"))
            continue
        decoded.samples.append(Sample(device, quantity, measured_at_us, number))
