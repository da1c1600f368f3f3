"""Sends a load over MQTT at QoS 1, from a process of its own.

A general client would need more of the two cores than the service it is to load, so the few packets needed are written
here: CONNECT, PUBLISH and PUBACK of MQTT 3.1.1.
"""

import socket
import time
from multiprocessing.connection import Connection
from typing import Final, NamedTuple
from uuid import uuid4

from benchmarks.load import Load
from ingest.mqtt import Address

TICK_S: Final = 0.002  # messages due within it go out together
ANSWER_S_MAX: Final = 20.0
_PUBACK: Final = b"\x40\x02"


class Sent(NamedTuple):
    """What became of a load on its way into the broker."""

    messages: int
    acknowledged: int
    late_ms_max: float  # how far the publisher itself was behind


def publish(mqtt_url: str, load: Load, result: Connection) -> None:
    """Send `load` and answer with a Sent; the process's main function."""
    links = [_Link(Address.parse(mqtt_url), f"bench-{uuid4().hex}") for _ in range(load.connections)]
    heads = {device: mqtt_text(load.topic_of(device)) for device in load.devices}
    sent, late_us_max = 0, 0
    while sent < load.count:
        now_us = time.time_ns() // 1000
        due = load.due_count(now_us)
        if due == sent:
            time.sleep(TICK_S)
            continue
        late_us_max = max(late_us_max, now_us - load.due_us(sent))
        for number in range(sent, due):
            head, payload = heads[load.device(number)], load.payload(number)
            links[number % load.connections].add(head, payload)
        for link in links:
            link.flush()
        sent = due
    deadline_s = time.monotonic() + ANSWER_S_MAX
    while sum(link.acknowledged for link in links) < sent and time.monotonic() < deadline_s:
        time.sleep(TICK_S)
        for link in links:
            link.read_answers()
    result.send(Sent(sent, sum(link.acknowledged for link in links), late_us_max / 1000))
    for link in links:
        link.close()


class _Link:
    """One connection to the broker."""

    def __init__(self, broker: Address, client_id: str) -> None:
        self._socket = connected(broker, client_id, ANSWER_S_MAX)
        self._socket.settimeout(None)  # with one, recv would wait in spite of MSG_DONTWAIT; the parent bounds us
        self._waiting: list[bytes] = []
        self._packet_id = 0
        self._unread = b""
        self.acknowledged = 0

    def add(self, head: bytes, payload: bytes) -> None:
        """Queue one message for the next flush."""
        self._packet_id = self._packet_id % 65_535 + 1
        length = len(head) + 2 + len(payload)
        self._waiting += (b"\x32", remaining_length(length), head, self._packet_id.to_bytes(2, "big"), payload)

    def flush(self) -> None:
        """Send what was queued, and count what the broker has answered."""
        if self._waiting:
            self._socket.sendall(b"".join(self._waiting))
            self._waiting.clear()
        self.read_answers()

    def read_answers(self) -> None:
        """Count the broker's acknowledgements."""
        try:
            answer = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not answer:
            raise ConnectionError("the broker closed the connection")
        self._unread += answer
        whole = len(self._unread) // 4
        if self._unread[: whole * 4 : 4].count(_PUBACK[:1]) != whole:
            raise ConnectionError("the broker answered with something else than PUBACK")
        self.acknowledged += whole
        self._unread = self._unread[whole * 4 :]

    def close(self) -> None:
        """DISCONNECT."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()


def mqtt_text(value: str) -> bytes:
    """A string as MQTT writes it (§1.5.3)."""
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def remaining_length(count: int) -> bytes:
    """A remaining length below 16,384 (MQTT 3.1.1 §2.2.3)."""
    return bytes((count,)) if count < 128 else bytes((count & 0x7F | 0x80, count >> 7))


def connected(broker: Address, client_id: str, timeout_s: float) -> socket.socket:
    """A clean session with user name and password; no keep-alive, the runs are short. Raises OSError."""
    made = socket.create_connection((broker.host, broker.port), timeout=timeout_s)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = b"".join(
        (
            mqtt_text("MQTT"), b"\x04\xc2\x00\x00",
            *(mqtt_text(each) for each in (client_id, broker.username or "", broker.password or "")),
        )
    )  # fmt: skip
    made.sendall(b"\x10" + remaining_length(len(body)) + body)
    answer = made.recv(4)
    if answer[:1] != b"\x20" or answer[3:] != b"\0":
        made.close()
        raise ConnectionError(f"the broker refused the connection: {answer.hex()}")
    return made
