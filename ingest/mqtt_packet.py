"""MQTT packets as they come over the wire: where each ends, and what a PUBLISH says. Pure.

MQTT 5.0 §2.1 (fixed header), §1.5.5 (variable byte integers), §3.3 (PUBLISH), §3.4 (PUBACK); MQTT 3.1.1 §3.3 and §3.4,
which is the same without properties.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

PUBLISH: Final = 3
PUBACK: Final = 4
_LENGTH_BYTES_MAX: Final = 4
_PUBACK: Final = struct.Struct("!BBH")


class Publish(NamedTuple):
    """A message as the broker sends it; `packet_id` is 0 where `qos` is 0. `retained`: it is older than our
    subscription. Its properties are not read."""

    topic: str
    payload: bytes
    packet_id: int
    qos: int
    retained: bool = False


def end_of_packet(data: bytes, at: int) -> int | None:
    """Where the packet that begins at `at` ends, which may lie beyond `data`; None while its length is not all here.
    Raises ValueError where the length is none.

    >>> end_of_packet(bytes([0x40, 2, 0, 1]), 0), end_of_packet(bytes([0x30, 0x80]), 0)
    (4, None)
    """
    body = _variable(data, at + 1)
    return None if body is None else body[0] + body[1]


def publish(packet: bytes, properties: bool = True) -> Publish | None:
    """The whole `packet` as a Publish; None for any other packet, for QoS 2, and for what is malformed. MQTT 3.1.1 has
    no `properties`.

    >>> publish(bytes.fromhex("32 07 0001 61 0007 6869"), False)
    Publish(topic='a', payload=b'hi', packet_id=7, qos=1, retained=False)
    """
    qos = packet[0] >> 1 & 3
    if packet[0] >> 4 != PUBLISH or qos > 1:
        return None
    try:
        at = 1
        while packet[at] > 0x7F:  # over the length of the packet
            at += 1
        topic_at = at + 3
        topic_end = topic_at + (packet[at + 1] << 8 | packet[at + 2])
        topic = packet[topic_at:topic_end].decode()
        at = topic_end + 2 * qos  # QoS 0 has no packet id
        packet_id = packet[at - 2] << 8 | packet[at - 1] if qos else 0
        if not properties:
            pass
        elif packet[at]:
            length = _variable(packet, at)
            if length is None:
                return None
            at = sum(length)
        else:
            at += 1
    except (IndexError, ValueError):
        return None
    return Publish(topic, packet[at:], packet_id, qos, bool(packet[0] & 1)) if at <= len(packet) else None


def pubacks(packet_ids: Iterable[int]) -> bytes:
    """The acknowledgements of messages of QoS 1, one packet each.

    >>> pubacks([1, 258]).hex(" ", 4)
    '40020001 40020102'
    """
    return b"".join([_PUBACK.pack(PUBACK << 4, 2, number) for number in packet_ids])


def _variable(data: bytes, at: int) -> tuple[int, int] | None:
    """The variable byte integer at `at` and where it ends; None while it is not all here. Raises ValueError where it is
    longer than one may be."""
    value = 0
    for place, byte in enumerate(data[at : at + _LENGTH_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    if len(data) - at >= _LENGTH_BYTES_MAX:
        raise ValueError("a length of more than four bytes")
    return None
