"""The client that takes many messages at a time, on a socket made here."""

from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt import Source
from ingest.mqtt_packet import Publish
from ingest.settings import PipelineSettings
from ingest.subscriber import Subscriber
from tests.unit.test_mqtt_packet import messages, packet

CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x04\x00\x01\x00"  # and the reason: the QoS granted, or why not
ONE = Publish("anhu/v1/a/b/readings", b"{}", 1, 1)
TWO = Publish("anhu/v1/a/c/readings", b"[]", 2, 1)


class Socket:
    """Gives the pieces it is told to, one a call; an exception among them is raised."""

    def __init__(self) -> None:
        self.pieces: list[bytes | OSError] = []
        self.sent: list[bytes] = []
        self.taken_at_once = 1 << 20
        self.closed = False

    def recv(self, buffer_size: int, /) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece = self.pieces.pop(0)
        if isinstance(piece, OSError):
            raise piece
        assert len(piece) <= buffer_size
        return piece

    def send(self, buffer: bytes | bytearray, /) -> int:
        self.sent.append(bytes(buffer[: self.taken_at_once]))
        return len(self.sent[-1])

    def close(self) -> None:
        self.closed = True

    def fileno(self) -> int:
        return 3

    def setblocking(self, flag: bool, /) -> None:
        assert not flag


class Listening(Subscriber):
    """Connected to `socket`; what happens is noted in `seen`."""

    def __init__(self, socket: Socket) -> None:
        self.seen: list[Any] = []
        self._socket_made_here = socket
        super().__init__("test", self.seen.append)
        self.on_connect = lambda *_: self.seen.append("connected")
        self.on_disconnect = lambda *_: self.seen.append("disconnected")
        self.connect("broker.invalid")
        socket.sent.clear()

    def _create_socket_connection(self) -> Any:
        return self._socket_made_here


def listen(*pieces: bytes | OSError) -> list[Any]:
    """What a client has seen after these pieces, and how often it had to look."""
    socket = Socket()
    client = Listening(socket)
    socket.pieces = list(pieces)
    while socket.pieces and client.socket() is not None:
        client.loop_read()
    return client.seen


@given(st.lists(messages, max_size=6), st.lists(st.integers(1, 400), max_size=12))
def test_however_the_stream_is_cut_the_messages_are_the_same(sent: list[Publish], cuts: list[int]) -> None:
    stream = CONNACK + b"".join(packet(each) for each in sent)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    pieces.append(stream[at:])
    assert listen(*(each for each in pieces if each)) == ["connected", *sent]


def test_one_read_brings_all_that_is_there() -> None:
    socket = Socket()
    client = Listening(socket)
    socket.pieces = [CONNACK + packet(ONE) + packet(TWO), packet(ONE)]
    client.loop_read()
    assert client.seen == ["connected", ONE, TWO]
    assert len(socket.pieces) == 1


@pytest.mark.parametrize("end", [b"", ConnectionResetError(), b"\x30\xff\xff\xff\xff\x01", b"\x36\x02ab"])
def test_what_came_before_the_end_is_heard(end: bytes | OSError) -> None:
    assert listen(CONNACK + packet(ONE) + packet(TWO)[:5], packet(TWO)[5:], end) == [
        "connected", ONE, TWO, "disconnected",
    ]  # fmt: skip


def test_half_a_message_is_not_heard_and_not_taken_into_the_next_connection() -> None:
    socket = Socket()
    client = Listening(socket)
    socket.pieces = [CONNACK + packet(ONE)[:-1], b""]
    client.loop_read()
    client.loop_read()
    assert client.seen == ["connected", "disconnected"]
    assert socket.closed
    client.reconnect()
    socket.pieces = [CONNACK + packet(TWO)]
    client.loop_read()
    assert client.seen == ["connected", "disconnected", "connected", TWO]


def test_acknowledgements_are_one_write_and_in_order() -> None:
    socket = Socket()
    client = Listening(socket)
    client.ack_all([1, 2, 258])
    client.ack_all([])
    assert socket.sent == [b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\x01\x02"]


def test_a_socket_that_takes_a_part_gets_the_rest() -> None:
    socket = Socket()
    client = Listening(socket)
    socket.taken_at_once = 5
    client.ack_all([1, 2, 258])
    while client.want_write():
        client.loop_write()
    assert b"".join(socket.sent) == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\x01\x02"


def connected(monkeypatch: pytest.MonkeyPatch, *pieces: bytes | OSError) -> tuple[Source, Subscriber, Socket]:
    """A source after these pieces."""
    socket = Socket()
    monkeypatch.setattr(paho.Client, "_create_socket_connection", lambda _: socket)
    source = Source("mqtt://a:b@broker.invalid", "test", PipelineSettings(), lambda: 0)
    client = source._client
    client.connect("broker.invalid")
    socket.pieces = list(pieces)
    while socket.pieces:
        client.loop_read()
    return source, client, socket


def test_a_source_is_connected_once_the_broker_keeps_messages_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source, client, socket = connected(monkeypatch, CONNACK)
    assert not source.connected
    socket.pieces = [SUBACK + b"\x01"]
    client.loop_read()
    assert source.connected


def test_a_source_that_may_not_subscribe_is_not_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    source, _, _ = connected(monkeypatch, CONNACK, SUBACK + b"\x87")
    assert not source.connected


def test_what_a_lost_connection_brought_is_not_acknowledged_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    source, client, socket = connected(monkeypatch, CONNACK + SUBACK + b"\x01" + packet(ONE) + packet(TWO))
    first, second = source.take(count_max=10, age_ms_max=1, wait_s=0)
    source.ack([first])
    assert socket.sent[-1] == b"\x40\x02\x00\x01"
    socket.pieces = [b""]
    client.loop_read()
    assert not source.connected
    source.ack([second])  # the broker sends it again, perhaps with another message's id
    assert not client.want_write()
