"""The devices, in a process of their own: every message at QoS 1, sent again until the broker has acknowledged it, as a
device does that means to be heard. What was acknowledged, and when, is kept in a journal.

MQTT 3.1.1, a clean session: only the sender remembers, so that the broker's memory is what is tried.
"""

import socket
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final
from uuid import uuid4

from ingest.mqtt import Address
from tests.faults.plan import AGAIN_AFTER, Plan

STOP: Final = "stop"
TICK_S: Final = 0.004
UNACKNOWLEDGED_MAX: Final = 2000
SILENCE_S_MAX: Final = 10.0  # a broker that acknowledges nothing for so long is left, and asked anew
RETRY_S: Final = 0.2
GIVE_UP_S: Final = 240.0


@dataclass
class Journal:
    """What became of `count` messages: `acknowledged_us` of each since 1970 (0: never), how many packets went out a
    second time because a connection broke or as planned, how often the publisher connected."""

    count: int = 0
    acknowledged_us: "array[int]" = field(default_factory=lambda: array("q"))
    resent: int = 0
    redelivered: int = 0
    connections: int = 0


class Sender:
    """One connection to the broker after the other."""

    def __init__(self, mqtt_url: str) -> None:
        self._broker = Address.parse(mqtt_url)
        self._socket: socket.socket | None = None
        self._packet_id = 0
        self._under_way: dict[int, tuple[int, bytes]] = {}  # packet id → (message or -1, its packet), in order
        self._unread = b""
        self._answered_s = self._tried_s = 0.0
        self._out = bytearray()
        self.journal = Journal()

    @property
    def unacknowledged(self) -> int:
        return len(self._under_way)

    def publish(self, number: int, topic: str, payload: bytes, *, again: bool = False) -> None:
        """Queue message `number`; `again`: as a redelivery, of which no account is kept."""
        self._packet_id = self._packet_id % 65_535 + 1
        while self._packet_id in self._under_way:
            self._packet_id = self._packet_id % 65_535 + 1
        body = _text(topic) + self._packet_id.to_bytes(2, "big") + payload
        packet = bytes((0x3A if again else 0x32,)) + _length(len(body)) + body
        if not again:
            self.journal.acknowledged_us.append(0)
            self.journal.count = number + 1
        else:
            self.journal.redelivered += 1
        self._under_way[self._packet_id] = (-1 if again else number, packet)
        self._out += packet

    def go_on(self) -> None:
        """Send what waits and read what is answered; connect anew where that fails."""
        try:
            if self._socket is None:
                self._connect()
            if self._socket is not None:
                self._exchange(self._socket)
        except OSError:
            self._leave()

    def close(self) -> None:
        """DISCONNECT."""
        if self._socket is not None:
            self._socket.settimeout(SILENCE_S_MAX)
            self._socket.sendall(b"\xe0\x00")
            self._leave()

    def _exchange(self, wire: socket.socket) -> None:
        with suppress(BlockingIOError):
            while self._out:
                del self._out[: wire.send(self._out)]
        while True:
            try:
                answer = wire.recv(1 << 16)
            except BlockingIOError:
                break
            if not answer:
                raise ConnectionError("the broker closed the connection")
            self._take(answer)
        if not self._under_way:
            self._answered_s = time.monotonic()
        elif time.monotonic() - self._answered_s > SILENCE_S_MAX:
            raise ConnectionError("the broker says nothing any more")

    def _take(self, answer: bytes) -> None:
        self._unread += answer
        whole = len(self._unread) // 4 * 4
        at_us = time.time_ns() // 1000
        for start in range(0, whole, 4):
            packet = self._unread[start : start + 4]
            if packet[:2] != b"\x40\x02":
                raise ConnectionError(f"not a PUBACK: {packet.hex()}")
            number, _ = self._under_way.pop(int.from_bytes(packet[2:], "big"), (-1, b""))
            if number >= 0:
                self.journal.acknowledged_us[number] = at_us
            self._answered_s = time.monotonic()
        self._unread = self._unread[whole:]

    def _connect(self) -> None:
        if time.monotonic() - self._tried_s < RETRY_S:
            return
        self._tried_s = time.monotonic()
        wire = socket.create_connection((self._broker.host, self._broker.port), timeout=SILENCE_S_MAX)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(_hello(f"fault-{uuid4().hex}", self._broker.username or "", self._broker.password or ""))
        answer = wire.recv(4)
        if answer[:1] != b"\x20" or answer[3:] != b"\0":
            wire.close()
            raise ConnectionError(f"the broker refused the connection: {answer.hex()}")
        wire.settimeout(0)
        self._socket, self._unread, self._answered_s = wire, b"", time.monotonic()
        self.journal.connections += 1
        again = [bytes((packet[0] | 0x08,)) + packet[1:] for _, packet in self._under_way.values()]
        if self.journal.connections > 1:
            self.journal.resent += len(again)
        self._out = bytearray(b"".join(again))

    def _leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def publish(mqtt_url: str, plan: Plan, result: Connection) -> None:
    """Send `plan` until STOP comes, see every message acknowledged, and answer with the Journal; the process's main
    function."""
    sender, number, stopping, deadline_s = Sender(mqtt_url), 0, False, 0.0
    while True:
        if not stopping and result.poll() and result.recv() == STOP:
            stopping, deadline_s = True, time.monotonic() + GIVE_UP_S
        now_us = time.time_ns() // 1000
        while not stopping and sender.unacknowledged < UNACKNOWLEDGED_MAX and plan.due_us(number) <= now_us:
            sender.publish(number, plan.topic(number), plan.payload(number))
            earlier = number - AGAIN_AFTER
            if plan.again_every and earlier >= 0 and earlier % plan.again_every == 0:
                sender.publish(earlier, plan.topic(earlier), plan.payload(earlier), again=True)
            number += 1
        sender.go_on()
        if stopping and (not sender.unacknowledged or time.monotonic() > deadline_s):
            break
        time.sleep(TICK_S)
    sender.close()
    result.send(sender.journal)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _length(count: int) -> bytes:
    """MQTT 3.1.1 §2.2.3."""
    made = b""
    while True:
        count, low = divmod(count, 128)
        made += bytes((low | (0x80 if count else 0),))
        if not count:
            return made


def _hello(client_id: str, username: str, password: str) -> bytes:
    """CONNECT with a clean session, user name and password, and no keep-alive."""
    body = _text("MQTT") + b"\x04\xc2\x00\x00" + _text(client_id) + _text(username) + _text(password)
    return b"\x10" + _length(len(body)) + body
