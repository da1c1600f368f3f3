"""The simulators' edge: an MQTT publisher with bounded memory, which rides over the death of a node of a cluster."""

import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol, Self
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import BrokerUnreachable

RECEIVE_MAXIMUM_DEFAULT: Final = 65_535
"""What MQTT 5 takes a broker to accept when it says nothing (3.2.2.3.3)."""
WAIT_SLICE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Broker:
    """Where and as whom to connect; with `others`, the further nodes of a cluster, and `mqtt5` False for a broker that
    speaks MQTT 3.1.1 alone."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    others: tuple[tuple[str, int], ...] = ()
    mqtt5: bool = True

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """All nodes, (host, port) each."""
        return ((self.host, self.port), *self.others)

    @classmethod
    def parse(cls, mqtt_url: str) -> "Broker":
        """From `mqtt://user:password@host:1883` (mqtts: TLS, port 8883; several nodes with commas between them;
        `?version=3.1.1`); the ValueError holds no secrets."""
        url = urlsplit(mqtt_url)
        tls = url.scheme == "mqtts"
        user, _, places = url.netloc.rpartition("@")
        try:
            found = [urlsplit(f"//{place}") for place in places.split(",")]
            nodes = [(node.hostname or "", node.port or (8883 if tls else 1883)) for node in found]
            options = parse_qsl(url.query, strict_parsing=True) if url.query else [("version", "5")]
        except ValueError:
            nodes, options = [], []
        if url.scheme not in {"mqtt", "mqtts"} or not nodes or not all(host for host, _ in nodes):
            raise ValueError("the MQTT address must look like mqtt://user:password@host:1883")
        if options not in ([("version", "5")], [("version", "3.1.1")]):
            raise ValueError("the one option of an MQTT address is ?version=3.1.1 or ?version=5")
        name, colon, word = user.partition(":")
        return cls(
            *nodes[0], unquote(name) if name else None, unquote(word) if colon else None, tls, tuple(nodes[1:]),
            options == [("version", "5")],
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the messages handed to a publisher."""

    published: int
    acknowledged: int
    refused: int
    """Answered by the broker with a failure (no right to the topic, quota exceeded)."""

    @property
    def unanswered(self) -> int:
        """Neither acknowledged nor refused (yet)."""
        return self.published - self.acknowledged - self.refused


class Link(Protocol):
    """A connection that mends itself and tells how each message was answered."""

    def send(self, topic: str, payload: bytes) -> None:
        """Takes one message; without a connection it is kept and sent after reconnecting."""
        ...

    def hang_up(self) -> None:
        """Ends the connection and its thread."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one publisher."""

    outstanding_max: int = 2_000
    """Messages waiting for their acknowledgement, on the wire and before it."""
    retry_delay_s_max: int = 10
    connect_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not 1 <= self.outstanding_max < RECEIVE_MAXIMUM_DEFAULT:
            raise ValueError(f"outstanding_max must be 1 to {RECEIVE_MAXIMUM_DEFAULT - 1}, not {self.outstanding_max}")


class Answer(Enum):
    """What the broker said to a message."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


Connect = Callable[[Broker, Limits, Callable[[Answer], None]], Link]
"""Opens a link; the function it is given is to be called with the answer to each message."""


class Publisher:
    """Publishes at QoS 1 and counts the acknowledgements.

    When `Limits.outstanding_max` messages wait for theirs, `publish` blocks. A lost connection is taken up again after
    1 s, 2 s, … `Limits.retry_delay_s_max`, and what was not acknowledged is sent again. Use as a context manager, or
    `open` and `close`.
    """

    def __init__(self, mqtt_url: str, limits: Limits | None = None, connect: Connect | None = None) -> None:
        self._broker = Broker.parse(mqtt_url)
        self._limits = limits or Limits()
        self._connect = connect or _connect
        self._link: Link | None = None
        self._changed = threading.Condition()
        self._published = 0
        self._acknowledged = 0
        self._refused = 0
        self._awaited = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def counts(self) -> Counts:
        """So far."""
        with self._changed:
            return self._counts()

    def open(self) -> None:
        """Connects; raises BrokerUnreachable when the broker does not take us in within the time limit."""
        self._link = self._connect(self._broker, self._limits, self._answered)

    def publish(self, topic: str, payload: bytes, stop: threading.Event | None = None) -> bool:
        """Hands one message over, waiting for room; False when *stop* was set before there was any."""
        link = self._link
        if link is None:
            raise RuntimeError("the publisher is not open")
        with self._changed:
            while self._counts().unanswered >= self._limits.outstanding_max:
                if stop is not None and stop.is_set():
                    return False
                self._await_answer()
            self._published += 1
        link.send(topic, payload)
        return True

    def close(self, timeout_s: float = 10.0) -> Counts:
        """Waits up to *timeout_s* for the acknowledgements still due, then disconnects; safe to call twice."""
        link, self._link = self._link, None
        if link is not None:
            deadline_s = time.monotonic() + timeout_s
            with self._changed:
                while self._counts().unanswered and time.monotonic() < deadline_s:
                    self._await_answer()
            link.hang_up()
        return self.counts

    def _counts(self) -> Counts:
        return Counts(self._published, self._acknowledged, self._refused)

    def _await_answer(self) -> None:
        self._awaited = True
        self._changed.wait(WAIT_SLICE_S)
        self._awaited = False

    def _answered(self, answer: Answer) -> None:
        with self._changed:
            if answer is Answer.ACKNOWLEDGED:
                self._acknowledged += 1
            else:
                self._refused += 1
            if self._awaited:
                self._changed.notify_all()


class _PahoLink:
    def __init__(self, client: paho.Client, ended: threading.Event) -> None:
        self._client = client
        self._ended = ended

    def send(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def hang_up(self) -> None:
        self._ended.set()
        self._client.disconnect()
        self._client.loop_stop()


def _connect(broker: Broker, limits: Limits, answered: Callable[[Answer], None]) -> Link:
    at, receive_maximum = _ask_receive_maximum(broker, limits.connect_timeout_s)
    client = _client(broker)

    def on_publish(_client: paho.Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Properties) -> None:
        answered(Answer.REFUSED if reason.is_failure else Answer.ACKNOWLEDGED)

    def on_lost(*_: Any) -> None:
        """The client comes back by itself, and sends again what was not acknowledged: to the next node."""
        nonlocal at
        if len(broker.nodes) > 1 and not ended.is_set():
            at = (at + 1) % len(broker.nodes)
            client.connect_async(*broker.nodes[at], keepalive=30)

    ended = threading.Event()
    client.on_publish = on_publish
    client.on_connect_fail = on_lost
    client.on_disconnect = on_lost
    # The client library does not heed the broker's receive maximum; exceeding it would end the connection.
    client.max_inflight_messages_set(min(receive_maximum, limits.outstanding_max))
    client.max_queued_messages_set(0)  # the publisher counts
    client.reconnect_delay_set(min_delay=1, max_delay=limits.retry_delay_s_max)
    client.connect_async(*broker.nodes[at], keepalive=30)
    client.loop_start()
    return _PahoLink(client, ended)


def _client(broker: Broker) -> paho.Client:
    client_id = f"anhu-sim-{uuid4().hex[:12]}"
    protocol = MQTTProtocolVersion.MQTTv5 if broker.mqtt5 else MQTTProtocolVersion.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set_context(ssl.create_default_context(cafile=os.environ.get("ANHU_MQTT_CA_FILE")))
    return client


def _ask_receive_maximum(broker: Broker, timeout_s: float) -> tuple[int, int]:
    """Connects once to learn whether the broker takes us in, by which node, and how many unacknowledged messages it
    allows."""
    for at in range(len(broker.nodes)):
        try:
            return at, _ask_node(broker, at, timeout_s)
        except BrokerUnreachable:
            if at == len(broker.nodes) - 1:
                raise
    raise BrokerUnreachable(f"{broker}: it has no node")


def _ask_node(broker: Broker, at: int, timeout_s: float) -> int:
    client = _client(broker)
    host, port = broker.nodes[at]
    place = f"{host}:{port}"
    answer: list[tuple[ReasonCode, Properties | None]] = []

    def on_connect(
        _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        answer.append((reason, properties))

    client.on_connect = on_connect
    client.connect_timeout = timeout_s
    deadline_s = time.monotonic() + timeout_s
    try:
        client.connect(host, port, keepalive=30)
        while not answer and time.monotonic() < deadline_s:
            if client.loop(timeout=0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS and not answer:
                raise BrokerUnreachable(f"{place}: the connection was closed before the broker answered")
    except (OSError, ValueError) as error:
        raise BrokerUnreachable(f"{place}: {error}") from error
    finally:
        client.disconnect()
    if not answer:
        raise BrokerUnreachable(f"{place}: no answer within {timeout_s:g} s")
    reason, properties = answer[0]
    if reason.is_failure:
        raise BrokerUnreachable(f"{place} refused the connection: {reason}")
    return int(getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM_DEFAULT))
