"""Sends the messages of a fault run over MQTT at QoS 1 as a gateway does: what the broker did not acknowledge is sent
again on the next connection."""

import socket
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final
from uuid import uuid4

from benchmarks import fleet
from benchmarks.load import CONNECTIONS
from benchmarks.peers.messages import Form, Message, connection_of
from benchmarks.publisher import connected, mqtt_text, remaining_length
from ingest.mqtt import Address

TICK_S: Final = 0.005
RETRY_S: Final = 0.2
ANSWER_S_MAX: Final = 5.0
_PUBACK: Final = 0x40
_DUP: Final = 0x08


def send(mqtt_url: str, messages: list[Message], form: Form, finish_s_max: float, result: Connection) -> None:
    """Send each message when it is due and answer with how many were acknowledged; the process's main function."""
    links = [_Link(Address.parse(mqtt_url)) for _ in range(CONNECTIONS)]
    waiting = deque(messages)
    deadline_s = messages[-1].due_us / 1e6 + finish_s_max
    while (waiting or any(link.unanswered for link in links)) and time.time() < deadline_s:
        now_us = time.time_ns() // 1000
        while waiting and waiting[0].due_us <= now_us:
            each = waiting.popleft()
            head = mqtt_text(fleet.topic(each.device))
            links[connection_of(each.device)].add(head, form(each.measured_us, each.contact))
        for link in links:
            link.work()
        time.sleep(TICK_S)
    result.send(sum(link.acknowledged for link in links))
    for link in links:
        link.close()


class _Link:
    """One connection to the broker, made again when it breaks."""

    def __init__(self, broker: Address) -> None:
        self._broker = broker
        self._client_id = f"gateway-{uuid4().hex}"
        self._socket: socket.socket | None = None
        self._again_s = 0.0
        self._packet_id = 0
        self._new: list[bytes] = []
        self._unread = b""
        self.unanswered: dict[int, bytes] = {}
        self.acknowledged = 0

    def add(self, head: bytes, payload: bytes) -> None:
        """Queue one message."""
        self._packet_id = self._packet_id % 65_535 + 1
        body = head + self._packet_id.to_bytes(2, "big") + payload
        packet = b"\x32" + remaining_length(len(body)) + body
        self.unanswered[self._packet_id] = packet
        self._new.append(packet)

    def work(self) -> None:
        """Send what is queued, count what is acknowledged; connect where there is no connection and it is time to."""
        try:
            if self._socket is None:
                if time.monotonic() < self._again_s:
                    return
                self._connect()
            if self._new and self._socket is not None:
                self._socket.sendall(b"".join(self._new))
                self._new.clear()
            self._read()
        except OSError:
            self.close()
            self._again_s = time.monotonic() + RETRY_S

    def _connect(self) -> None:
        link = self._socket = connected(self._broker, self._client_id, ANSWER_S_MAX)
        self._unread = b""
        link.settimeout(None)  # the parent bounds us
        link.sendall(b"".join(bytes((each[0] | _DUP,)) + each[1:] for each in self.unanswered.values()))
        self._new.clear()

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            answer = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not answer:
            raise ConnectionError("the broker closed the connection")
        self._unread += answer
        while len(self._unread) >= 4:
            if self._unread[0] != _PUBACK:
                raise ConnectionError("the broker answered with something else than PUBACK")
            if self.unanswered.pop(int.from_bytes(self._unread[2:4], "big"), None) is not None:
                self.acknowledged += 1
            self._unread = self._unread[4:]

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.sendall(b"\xe0\x00")
            self._socket.close()
            self._socket = None
