"""MQTT packets, built here from the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.mqtt_packet import Publish, end_of_packet, pubacks, publish


def length(count: int) -> bytes:
    found = b""
    while True:
        count, low = divmod(count, 128)
        found += bytes([low | 0x80 if count else low])
        if not count:
            return found


def packet(message: Publish, *, properties: bytes = b"\0", header: int = 0x30) -> bytes:
    topic = message.topic.encode()
    body = len(topic).to_bytes(2, "big") + topic
    if message.qos:
        body += message.packet_id.to_bytes(2, "big")
    body += properties + message.payload
    return bytes([header | message.qos << 1]) + length(len(body)) + body


def published(qos: int, packet_id: int, topic: str, payload: bytes) -> Publish:
    return Publish(topic, payload, packet_id if qos else 0, qos)


messages = st.builds(
    published, st.integers(0, 1), st.integers(1, 65_535), st.text(max_size=60).filter(lambda text: "\0" not in text),
    st.binary(max_size=300),
)  # fmt: skip


@given(messages, st.booleans(), st.booleans())
def test_a_message_says_what_it_was_made_of(message: Publish, retained: bool, again: bool) -> None:
    made = packet(message, header=0x30 | retained | again << 3)
    assert publish(made) == message._replace(retained=retained)


@given(messages, st.integers(0, 300))
def test_properties_are_passed_over(message: Publish, size: int) -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = 60
    properties.UserProperty = ("name", "x" * size)
    assert publish(packet(message, properties=properties.pack())) == message  # type: ignore[no-untyped-call]


@given(messages)
def test_the_end_is_known_as_soon_as_the_length_is_there(message: Publish) -> None:
    made = packet(message)
    head = 1 + next(number for number, byte in enumerate(made[1:], 1) if byte < 0x80)
    for cut in range(len(made) + 1):
        assert end_of_packet(made[:cut], 0) == (len(made) if cut >= head else None)
    assert end_of_packet(made + made, len(made)) == 2 * len(made)


def test_a_length_has_four_bytes_at_most() -> None:
    assert end_of_packet(b"\x30\xff\xff\xff\x7f", 0) == 5 + 268_435_455
    with pytest.raises(ValueError, match="four bytes"):
        end_of_packet(b"\x30\xff\xff\xff\xff\x01", 0)


@given(st.integers(0, 255), st.binary(max_size=40))
def test_no_bytes_make_it_fail(header: int, body: bytes) -> None:
    found = publish(bytes([header]) + length(len(body)) + body)
    assert found is None or (header >> 4 == 3 and len(found.topic.encode()) + len(found.payload) < len(body))


@pytest.mark.parametrize(
    "made",
    [
        b"\x40\x02\x00\x01",  # an acknowledgement
        b"\x34\x07\x00\x01a\x00\x01\x00x",  # QoS 2
        b"\x32\x03\x00\x01a",  # ends before its packet id
        b"\x30\x05\x00\x09abc",  # ends within its topic
        b"\x30\x04\x00\x01\xff\x00",  # a topic that is not UTF-8
        b"\x30\x05\x00\x01a\x09x",  # ends within its properties
    ],
)
def test_what_is_no_whole_message_is_left_to_others(made: bytes) -> None:
    assert publish(made) is None


def test_acknowledgements_in_their_order() -> None:
    assert pubacks([7, 65_535]) == b"\x40\x02\x00\x07\x40\x02\xff\xff"
