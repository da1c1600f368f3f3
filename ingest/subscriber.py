"""paho's client, made to take and acknowledge many messages at a time.

paho waits for the socket anew before every message, reads it in three calls, builds an object for properties nobody
looks at, and writes each acknowledgement by itself. Each of these calls lets another thread have the interpreter, and
waits to get it back. Here the socket is read as far as it goes and the messages in it are handed on at once, and the
acknowledgements of a batch are one write; everything else that comes, and the connection's life, is paho's
(docs/benchmarks.md has the figures).
"""

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from ingest import mqtt_packet
from ingest.mqtt_packet import Publish

READ_BYTES_MAX: Final = 64 * 1024


class Socket(Protocol):
    """What is needed of a connected socket that does not block."""

    def recv(self, buffer_size: int, /) -> bytes: ...
    def send(self, buffer: bytes | bytearray, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class Wire:
    """A socket for paho, which gets of what comes only the packets it is given (`give`), each as a whole."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._pieces: list[bytes] = []  # read, and not yet a whole packet
        self._pieces_bytes = 0
        self._wanted_bytes = 0  # so many make a packet, as far as is known
        self._given = b""
        self._ended: OSError | bytes | None = None  # how the connection ended: with an error, or with b""

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more; recv tells why."""
        return self._ended is not None

    def read(self) -> list[bytes]:
        """Read once from the network; the packets that are whole now. Where the broker does not keep to the protocol,
        the last is all the rest."""
        try:
            piece = self._socket.recv(READ_BYTES_MAX)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        except OSError as error:
            self._ended = error
            return []
        if not piece:
            self._ended = piece
            return []
        self._pieces.append(piece)
        self._pieces_bytes += len(piece)
        return self._cut(b"".join(self._pieces)) if self._pieces_bytes >= self._wanted_bytes else []

    def _cut(self, data: bytes) -> list[bytes]:
        packets, at = [], 0
        try:
            while (end := mqtt_packet.end_of_packet(data, at)) is not None and end <= len(data):
                packets.append(data[at:end])
                at = end
        except ValueError:
            packets.append(data[at:])
            at = end = len(data)
        self._pieces = [data[at:]]
        self._pieces_bytes = len(data) - at
        self._wanted_bytes = 0 if end is None else end - at
        return packets

    def give(self, packet: bytes) -> None:
        """Have paho read `packet` next."""
        self._given = packet

    def recv(self, count: int) -> bytes:
        """At most `count` bytes of what was given, b"" at the end of the connection. Raises BlockingIOError where there
        are none, OSError once the connection broke."""
        if self._given:
            part, self._given = self._given[:count], self._given[count:]
            return part
        if isinstance(self._ended, OSError):
            raise self._ended
        if self._ended is None:
            raise BlockingIOError
        return self._ended

    def pending(self) -> int:
        """How much can be read that no select() tells of: TLS has a buffer of its own."""
        return self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0

    def send(self, data: bytes | bytearray) -> int:
        """As a socket does."""
        return self._socket.send(data)

    def close(self) -> None:
        """As a socket does."""
        self._socket.close()

    def fileno(self) -> int:
        """As a socket does."""
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        """As a socket does."""
        self._socket.setblocking(flag)


class Subscriber(paho.Client):
    """A client of MQTT 5, or of 3.1.1, that listens at QoS 0 and 1 and acknowledges by hand.

    `heard` is called with every message, in the client's thread and in their order. What of paho is used here and is
    not public: `_create_socket`, `_packet_queue`, `_reset_sockets`, `_last_bytes_received` and its lock.
    """

    def __init__(self, client_id: str, heard: Callable[[Publish], None], *, version: int = 5) -> None:
        five = version == 5
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, manual_ack=True,
            protocol=paho.MQTTv5 if five else paho.MQTTv311, clean_session=None if five else False,
        )  # fmt: skip
        self._heard = heard
        self._properties = five

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has come, and handle every packet of it that is whole."""
        connected = self.socket()
        if not isinstance(connected, Wire):
            return super().loop_read(max_packets)  # there is no connection: paho says so
        wire: Wire = connected
        for packet in wire.read():
            message = mqtt_packet.publish(packet, self._properties)
            if message is not None:
                self._heard(message)
                continue
            wire.give(packet)
            done = super().loop_read()
            if done or self.socket() is not wire:
                return done
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        return super().loop_read() if wire.ended else MQTTErrorCode.MQTT_ERR_SUCCESS

    def ack_all(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge messages of QoS 1 in their order, in one write. From any thread."""
        if packet_ids:
            self._packet_queue(mqtt_packet.PUBACK << 4, mqtt_packet.pubacks(packet_ids), packet_ids[-1], 1)

    def release(self) -> None:
        """Close what the client's thread, which has ended, was woken through; paho leaves that to the garbage
        collector."""
        self._reset_sockets()

    def _create_socket(self) -> Any:
        return Wire(super()._create_socket())
