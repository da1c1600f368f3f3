"""SenML JSON (RFC 8428): packs of records with base fields.

The name of a record is its base name followed by its name (§4.5.1). The part after the last "/" or ":" is the quantity;
where the topic names no device, the part before that is the device.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ingest.errors import BadTime, Refusal
from ingest.formats.json_text import BadJson, as_float, loads
from ingest.reading import Decoded, Rejection, Sample, parse_time_us

VERSION_MAX: Final = 10  # RFC 8428 §4.4: a reader must refuse a pack of a version it does not know
RELATIVE_BELOW_S: Final = 2**28  # §4.5.3: smaller times are relative to now
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")  # §4.5.1
NAME_LENGTH_MAX: Final = 256  # a longer one is none of ours
_BASES: Final = frozenset(("bn", "bt", "bu", "bv"))
_NUMBERS: Final = frozenset(("bt", "bv", "bs", "t", "v", "s", "ut"))
_TEXTS: Final = frozenset(("bn", "bu", "n", "u", "vs", "vd"))


@dataclass(slots=True)
class _Base:
    """The base fields in force, which last until they are given again (§4.1)."""

    name: str = ""
    time: float = 0.0
    unit: str | None = None
    value: float | None = None

    def take(self, record: dict[str, Any]) -> None:
        """Those that a checked record gives."""
        self.name = record.get("bn", self.name)
        self.time = record.get("bt", self.time)
        self.unit = record.get("bu", self.unit)
        self.value = record.get("bv", self.value)


def decode(payload: bytes, device: str | None, received_at_us: int) -> Decoded:
    """The samples of one pack; `device` comes from the topic, or is None where the names carry it."""
    try:
        pack = loads(payload)
    except BadJson as error:
        return Decoded.refused(Refusal.BAD_JSON, str(error))
    if not isinstance(pack, list) or not pack:
        return Decoded.refused(Refusal.BAD_SHAPE, "a SenML pack is a non-empty array of records")
    decoded = Decoded([], [])
    base = _Base()
    for record in pack:
        if not isinstance(record, dict):
            decoded.rejections.append(Rejection(Refusal.BAD_SHAPE, "a SenML record is an object"))
            continue
        problem = _check(record)
        based = not _BASES.isdisjoint(record)
        if problem is not None:
            # A base field that cannot be read would silently falsify every record after it.
            decoded.rejections.append(problem)
            if based or any(key.startswith("b") for key in record):
                decoded.rejections.append(Rejection(Refusal.BAD_SHAPE, "the rest of the pack: its base is unreadable"))
                break
            continue
        if based:
            base.take(record)
        _decode_record(record, base, device, received_at_us, decoded)
    return decoded


def _check(record: dict[str, Any]) -> Rejection | None:
    version = record.get("bver", VERSION_MAX)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION_MAX:
        return Rejection(Refusal.BAD_SHAPE, f"bver {version!s:.16} is not a known SenML version")
    for key, value in record.items():
        if key in _NUMBERS:
            if type(value) is float and -math.inf < value < math.inf:  # as nearly all are
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                return Rejection(Refusal.BAD_TYPE, f"{key} must be a number")
            if not math.isfinite(as_float(value)):
                return Rejection(Refusal.NOT_FINITE, f"{key} is {as_float(value)}")
        elif key in _TEXTS:
            if not isinstance(value, str):
                return Rejection(Refusal.BAD_TYPE, f"{key} must be text")
        elif key.endswith("_"):  # §4.4: such a field must be understood or the pack refused
            return Rejection(Refusal.BAD_SHAPE, f"the field {key[:32]} must be understood and is not")
    return None


def _decode_record(
    record: dict[str, Any], base: _Base, device: str | None, received_at_us: int, decoded: Decoded
) -> None:
    value = _value(record, base)
    if value is None:
        if "n" in record or "vs" in record or "vd" in record:
            decoded.rejections.append(Rejection(Refusal.BAD_TYPE, "only v and vb records carry readings"))
        return
    if not math.isfinite(value):
        decoded.rejections.append(Rejection(Refusal.NOT_FINITE, f"v and the base value come to {value}"))
        return
    name = base.name + record.get("n", "")
    named_device, quantity = _named(name) if len(name) <= NAME_LENGTH_MAX else ("", "")
    if not quantity or not (device or named_device):
        decoded.rejections.append(Rejection(Refusal.BAD_SHAPE, f"the name {name[:64]!r} names no device and quantity"))
        return
    try:
        measured_at_us = _time_us(record, base, received_at_us)
    except BadTime as error:
        decoded.rejections.append(Rejection(Refusal.BAD_TIME, str(error)))
        return
    unit = record.get("u", base.unit)
    decoded.samples.append(Sample(device or named_device, quantity, measured_at_us, value, unit))


@lru_cache(maxsize=65_536)
def _named(name: str) -> tuple[str, str]:
    """The device ("" for none) and the quantity ("" for an unreadable name) that a record's whole name tells of.

    >>> _named("home:kitchen-1/temperature"), _named("temperature"), _named("kitchen-1/")
    (('kitchen-1', 'temperature'), ('', 'temperature'), ('', ''))
    """
    *before, quantity = re.split(r"[/:]", name)
    if not quantity or not _NAME.fullmatch(name):
        return "", ""
    return before[-1] if before else "", quantity


def _value(record: dict[str, Any], base: _Base) -> float | None:
    """v plus the base value, or vb; None for a record that holds no number (base fields only, text, data)."""
    if isinstance(flag := record.get("vb"), bool):
        return float(flag)
    if "v" in record:
        return float(record["v"]) + float(base.value or 0.0)
    # A base value alone is a reading of a record that has a name and no other value (§4.2).
    if base.value is not None and "n" in record and not {"vs", "vd", "s"} & record.keys():
        return float(base.value)
    return None


def _time_us(record: dict[str, Any], base: _Base, received_at_us: int) -> int:
    seconds = float(base.time) + float(record.get("t", 0.0))
    if abs(seconds) < RELATIVE_BELOW_S:
        return received_at_us + round(seconds * 1_000_000)
    if not math.isfinite(seconds) or seconds < 0:
        raise BadTime(f"{seconds} is not a time")
    return parse_time_us(seconds)
