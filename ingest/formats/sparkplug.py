"""Sparkplug B on the wire: payloads of metrics as protobuf, on spBv1.0/{group}/{type}/{edge node}[/{device}].

Eclipse Sparkplug 3.0, §6.4 (payload), with the field numbers of its sparkplug_b.proto. Of the schema there is here what
is read: metadata, properties, data sets and templates pass as unknown fields. What messages mean one after another —
births, aliases, sequence numbers — is ingest/edge_node.py.
"""

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ingest.errors import Refusal
from ingest.reading import Rejection

FORMAT: Final = "sparkplug"
REBIRTH: Final = "Node Control/Rebirth"
BD_SEQ: Final = "bdSeq"
METRICS_MAX: Final = 5000  # of one payload, and of one edge node with all its devices
NAME_LENGTH_MAX: Final = 256
SEQ_COUNT: Final = 256  # seq goes from 0 to 255 and round
_BOOLEAN: Final = 11
_SIGNED_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8 to Int64, which travel as two's complement (§6.4.16)
_Field: Final = descriptor_pb2.FieldDescriptorProto
_PAYLOAD: Final = (
    ("timestamp", 1, _Field.TYPE_UINT64),
    ("metrics", 2, _Field.TYPE_MESSAGE),
    ("seq", 3, _Field.TYPE_UINT64),
)
_METRIC: Final = (
    ("name", 1, _Field.TYPE_STRING),
    ("alias", 2, _Field.TYPE_UINT64),
    ("timestamp", 3, _Field.TYPE_UINT64),
    ("datatype", 4, _Field.TYPE_UINT32),
    ("is_null", 7, _Field.TYPE_BOOL),
)
_VALUE: Final = (
    ("int_value", 10, _Field.TYPE_UINT32),
    ("long_value", 11, _Field.TYPE_UINT64),
    ("float_value", 12, _Field.TYPE_FLOAT),
    ("double_value", 13, _Field.TYPE_DOUBLE),
    ("boolean_value", 14, _Field.TYPE_BOOL),
    ("string_value", 15, _Field.TYPE_STRING),
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as sent. `name` is "" where only the alias is; `value` is None for null and for what is no number, yes
    or no, or text; `at_ms` is in ms since 1970."""

    name: str
    alias: int | None
    at_ms: int | None
    datatype: int | None
    value: float | str | None


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload as sent."""

    at_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(payload: bytes) -> Payload | Rejection:
    """What `payload` holds, or why it is none."""
    message = _Payload()
    try:
        message.ParseFromString(payload)
        if len(message.metrics) > METRICS_MAX:
            return Rejection(Refusal.TOO_LARGE, f"{len(message.metrics)} metrics; at most {METRICS_MAX} are read")
    except DecodeError as error:
        return Rejection(Refusal.BAD_SHAPE, f"no Sparkplug payload: {error}")
    return Payload(
        message.timestamp if message.HasField("timestamp") else None,
        message.seq % SEQ_COUNT if message.HasField("seq") else None,
        tuple(map(_metric, message.metrics)),
    )


def rebirth(at_ms: int) -> bytes:
    """The command that asks an edge node for its births (§6.4.25)."""
    message = _Payload(timestamp=at_ms)
    message.metrics.add(name=REBIRTH, timestamp=at_ms, datatype=_BOOLEAN, boolean_value=True)
    encoded: bytes = message.SerializeToString()
    return encoded


def signed(value: float, datatype: int | None) -> float:
    """A value in the sense of its datatype, which may have been told at birth only.

    >>> signed(4294967291, 3), signed(4294967291, 7), signed(251, 1)
    (-5, 4294967291, -5)
    """
    bits = _SIGNED_BITS.get(datatype or 0)
    if bits is None or isinstance(value, bool) or not isinstance(value, int):
        return value
    low = value & (1 << bits) - 1
    return low - (1 << bits) if low >> bits - 1 else low


def _metric(message: Any) -> Metric:
    which = message.WhichOneof("value")
    null = which is None or message.is_null
    return Metric(
        _text(message.name)[:NAME_LENGTH_MAX],
        message.alias if message.HasField("alias") else None,
        message.timestamp if message.HasField("timestamp") else None,
        message.datatype if message.HasField("datatype") else None,
        None if null else _text(message.string_value) if which == "string_value" else getattr(message, which),
    )


def _text(text: str | bytes) -> str:
    """A string; the library hands on as bytes what is no UTF-8."""
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _payload_class() -> Any:
    """The class of payloads, from the part of the schema that is read."""
    file = descriptor_pb2.FileDescriptorProto(name="anhu/sparkplug_b.proto", package="anhu.sparkplug", syntax="proto2")
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind in _PAYLOAD:
        repeated = kind == _Field.TYPE_MESSAGE
        field = payload.field.add(
            name=name, number=number, type=kind,
            label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
        )  # fmt: skip
        if repeated:
            field.type_name = ".anhu.sparkplug.Payload.Metric"
    for name, number, kind in _METRIC:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    for name, number, kind in _VALUE:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL, oneof_index=0)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("anhu.sparkplug.Payload"))


_Payload: Final = _payload_class()
