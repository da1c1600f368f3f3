"""MQTT intake: a persistent session whose messages are acknowledged only when they are safe.

With MQTT 5, or with 3.1.1 for brokers that speak no other.
"""

import hmac
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import paho.mqtt.client as paho
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest import broker_tls
from ingest.errors import BrokerUnavailable
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.mqtt_packet import Publish
from ingest.routes import PREFIX, SUBSCRIPTION
from ingest.settings import PipelineSettings
from ingest.shards import THE_ONE, Shard
from ingest.subscriber import Subscriber

CONNECT_TIMEOUT_S: Final = 20
KEEPALIVE_S: Final = 15
_RECONNECT_DELAY_S_MAX: Final = 5
_ROOM_S: Final = 0.5  # how long one look for room in the inbox takes, and so how late a stop is noticed
_SESSION_TAKEN_OVER: Final = 0x8E
_VERSIONS: Final = {"5": 5, "3.1.1": 4}  # by their protocol level
_FILTERS_A_PACKET: Final = 200

log = structlog.get_logger("ingest.mqtt")


class Address(NamedTuple):
    """A broker's address, from mqtt://user:password@host:port or mqtts://… for TLS. A cluster's names its nodes with
    commas between them; `?version=3.1.1` is for a broker without MQTT 5. `version` is the protocol's level: 5, or 4 for
    3.1.1; `others` are the further nodes."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    version: int = 5
    others: tuple[tuple[str, int], ...] = ()

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """All nodes, (host, port) each."""
        return ((self.host, self.port), *self.others)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raises ValueError, never repeating the password.

        >>> Address.parse("mqtt://one:1884,two/?version=3.1.1").nodes
        (('one', 1884), ('two', 1883))
        """
        parts = urlsplit(url)
        user, _, places = parts.netloc.rpartition("@")
        try:
            nodes = [urlsplit(f"//{place}") for place in places.split(",")]
            tls = parts.scheme == "mqtts"
            found = [(node.hostname or "", node.port or (8883 if tls else 1883)) for node in nodes]
            options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
            version = _VERSIONS[options.pop("version", "5")]
        except (KeyError, ValueError):
            found, options, version = [], {}, 5
        if parts.scheme not in ("mqtt", "mqtts") or options or not found or not all(host for host, _ in found):
            raise ValueError(
                "a broker's address looks like mqtt://user:password@host:1883 (mqtts:// for TLS; several nodes with"
                " commas between them; ?version=3.1.1 where the broker has no MQTT 5)"
            )
        name, colon, word = user.partition(":")
        return cls(
            *found[0], unquote(name) if name else None, unquote(word) if colon else None, tls, version, tuple(found[1:])
        )


def session_name(mqtt_url: str, shard: Shard = THE_ONE) -> str:
    """The client id under which the broker keeps our queue. It gives the queue to whoever comes with the id, so the id
    is one that nobody can guess who does not have the service's password. With another number of shards it is another
    queue: what waits in one is for the institutions that it was made for.

    >>> session_name("mqtt://anhu:secret@host") == session_name("mqtts://anhu:secret@elsewhere:8883")
    True
    >>> len({session_name(f"mqtt://anhu:{word}@host") for word in ("secret", "other")})
    2
    """
    word = (Address.parse(mqtt_url).password or "").encode()
    of = "" if shard.whole else f" of {shard.count}"
    secret = hmac.digest(word, f"session of shard {shard.number}{of}".encode(), "sha256").hex()
    return f"anhu-shard-{shard.number:02d}-{secret[:16]}"


class Subscriptions(NamedTuple):
    """What is asked of the broker: the topic filters wanted, and those of earlier starts that are so no more."""

    wanted: Sequence[str]
    former: Sequence[str] = ()

    @classmethod
    def after(cls, wanted: Sequence[str], noted: bytes | None) -> Self:
        """What is wanted now, after `all` of an earlier start was noted.

        >>> Subscriptions.after(["a/#"], Subscriptions(["a/#", "b/#"]).all()).former
        ['b/#']
        """
        former: list[str] = orjson.loads(noted) if noted else []
        return cls(wanted, [each for each in former if each not in wanted])

    def all(self) -> bytes:
        """All of them, to be noted before the broker is asked: what is not wanted may still be subscribed."""
        return orjson.dumps([*self.wanted, *self.former])


OWN_TOPICS: Final = Subscriptions((SUBSCRIPTION,))


class _Receipt(NamedTuple):
    """What an acknowledgement needs: ids are the broker's and mean something on one connection only."""

    connection: int
    packet_id: int
    qos: int


class Source:
    """The broker's queue for one shard, as three calls: take, ack, close.

    At most `inbox_count_max` messages are unacknowledged at a time (MQTT 5 Receive Maximum), so the broker holds what
    we cannot take. Where large ones fill the inbox earlier, nothing more is read from the connection until there is
    room; with MQTT 3.1.1, in which a client cannot say how much it takes, that is the only bound of ours.

    A node of a cluster that does not take us in is passed over for the next.
    """

    def __init__(
        self,
        mqtt_url: str,
        client_id: str,
        settings: PipelineSettings,
        clock: Callable[[], int],
        subscriptions: Subscriptions = OWN_TOPICS,
    ) -> None:
        self._address = Address.parse(mqtt_url)
        self._node = 0
        self._subscriptions = subscriptions
        self._asking = threading.Lock()  # held while a SUBSCRIBE goes out, until it is noted down
        self._asked: dict[int, list[str]] = {}  # not answered yet, by packet
        self._settings = settings
        self._clock = clock
        # Twice: after a broker has lost our session, the old messages wait beside the new ones.
        self._inbox = Inbox(2 * settings.inbox_count_max, settings.inbox_mib_max * 2**20)
        self._closing = threading.Event()
        self._connection = 0
        self._acknowledging = threading.Lock()  # held while `_connection` changes, and while it has to stay
        self._connected = threading.Event()
        self._problem = ""
        self.fenced = False
        self._client = Subscriber(client_id, self._on_message, version=self._address.version)
        self._client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            self._client.tls_set_context(broker_tls.client_context())
        self._client.reconnect_delay_set(min_delay=1, max_delay=_RECONNECT_DELAY_S_MAX)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_connect_fail = self._on_connect_fail

    def open(self) -> None:
        """Connect and subscribe. Raises BrokerUnavailable; later losses are mended by the client itself."""
        for left in reversed(range(len(self._address.nodes))):
            try:
                self._client.connect(*self._address.nodes[self._node], KEEPALIVE_S, **self._session())
                break
            except OSError as error:
                host, port = self._address.nodes[self._node]
                if not left:
                    raise BrokerUnavailable(f"{host}:{port}: {broker_tls.refusal(error)}") from error
                self._node = (self._node + 1) % len(self._address.nodes)
        self._client.loop_start()
        if not self._connected.wait(CONNECT_TIMEOUT_S):
            self.close()
            raise BrokerUnavailable(f"{self._address.host}:{self._address.port}: {self._problem or 'no answer'}")

    def _session(self) -> dict[str, Any]:
        """What else CONNECT says: the session stays when we leave. (In MQTT 3.1.1 the client said so when it was made,
        and for how long is the broker's affair.)"""
        if self._address.version < 5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.ReceiveMaximum = self._settings.inbox_count_max
        return {"clean_start": False, "properties": properties}

    @property
    def wanted(self) -> Sequence[str]:
        """What the session is to be subscribed to."""
        return self._subscriptions.wanted

    def resubscribe(self, wanted: Sequence[str]) -> None:
        """Subscribe to what is `wanted` from now on, and not before, and to nothing else. From any thread."""
        before = self._subscriptions.wanted
        former = [each for each in (*before, *self._subscriptions.former) if each not in frozenset(wanted)]
        self._subscriptions = Subscriptions(wanted, former)
        if not self.connected:
            return  # it is done with the next connection
        if former:
            self._client.unsubscribe(former)
        self._subscribe([each for each in wanted if each not in frozenset(before)])

    @property
    def connected(self) -> bool:
        """Whether the broker is there now, and gives us what is published."""
        return self._connected.is_set()

    @property
    def waiting_count(self) -> int:
        """How many messages wait in the inbox."""
        return len(self._inbox)

    @property
    def waiting_bytes(self) -> int:
        """The size of what waits in the inbox."""
        return self._inbox.waiting_bytes

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        """See Inbox.take."""
        return self._inbox.take(count_max=count_max, age_ms_max=age_ms_max, wait_s=wait_s)

    def ack(self, messages: Sequence[Message]) -> None:
        """Tell the broker that `messages` are safe, in their order.

        Those of an earlier connection are passed over: the broker delivers them again, perhaps under the same ids as
        other messages, and an id must not be acknowledged for a message we have not stored.
        """
        receipts = [message.receipt for message in messages]
        with self._acknowledging:
            self._client.ack_all(
                [
                    each.packet_id
                    for each in receipts
                    if isinstance(each, _Receipt) and each.qos and each.connection == self._connection
                ]
            )

    def send(self, topic: str, payload: bytes) -> None:
        """Say something that need not arrive, at QoS 0: whoever asks will ask again."""
        if self._client.publish(topic, payload).rc:
            log.warning("not sent, the broker is away", topic=topic)

    def close(self) -> None:
        """Leave the broker; the session stays, and with it the queue."""
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._client.release()

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: paho.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._problem = str(reason)
            log.warning("broker refused us", reason=str(reason))
            return
        self._problem = ""
        with self._acknowledging:
            self._connection += 1
        if flags.session_present:
            # What we had not acknowledged comes again; the copies still queued would only be stored twice over.
            again = self._inbox.discard(_is_redelivered)
            log.info("session resumed", redelivered_count=again)
        if self._subscriptions.former:  # a session that stands keeps them
            client.unsubscribe(list(self._subscriptions.former))
        with self._asking:
            self._asked.clear()
        if self._subscriptions.wanted:
            self._subscribe(self._subscriptions.wanted)
        else:
            self._connected.set()

    def _subscribe(self, filters: Sequence[str]) -> None:
        # What the broker has kept is state, and no news: it is not asked for (docs/formats.md).
        five = self._address.version == 5
        options: Any = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND) if five else 1
        for at in range(0, len(filters), _FILTERS_A_PACKET):
            some = list(filters[at : at + _FILTERS_A_PACKET])
            with self._asking:
                _, number = self._client.subscribe([(topic, options) for topic in some])
                if number is not None:
                    self._asked[number] = some

    def _on_subscribe(self, _client: Any, _data: Any, number: int, reasons: list[ReasonCode], _properties: Any) -> None:
        """Only now does the broker keep for us what is published."""
        with self._asking:
            asked = self._asked.pop(number, [])
            all_answered = not self._asked
        refused = {topic: str(reason) for topic, reason in zip(asked, reasons, strict=False) if reason.is_failure}
        for topic, reason in refused.items():
            log.error("broker refused a subscription", topic=topic, reason=reason)
            if topic.startswith(PREFIX):  # without a gateway's topics we still serve the others
                self._problem = f"{topic}: {reason}"
        if all_answered and not self._problem:
            self._connected.set()

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self._try_next_node()

    def _try_next_node(self) -> None:
        """Let the client, which is about to connect again, come to another node of the cluster."""
        if len(self._address.nodes) > 1 and not self._closing.is_set() and not self.fenced:
            self._node = (self._node + 1) % len(self._address.nodes)
            self._client.connect_async(*self._address.nodes[self._node], KEEPALIVE_S, **self._session())

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._connected.clear()
        with self._acknowledging:
            self._connection += 1  # already: what is acknowledged from here on would be sent to the next connection
        if reason.value == _SESSION_TAKEN_OVER:
            self.fenced = True
            self._client.disconnect()  # else it would come back in a second and take the session from who has it now
        if reason.is_failure:
            log.warning("broker lost", reason=str(reason))
            self._try_next_node()

    def _on_message(self, message: Publish) -> None:
        if message.retained and self._address.version < 5:  # which cannot be told not to send it
            self._client.ack_all([message.packet_id] if message.qos else [])
            return
        receipt = _Receipt(self._connection, message.packet_id, message.qos)
        arrived = Message(message.topic, message.payload, self._clock(), receipt, message.retained)
        if self._inbox.put(arrived):
            return
        log.warning("inbox full", topic=message.topic[:200], qos=message.qos, waiting_count=self.waiting_count)
        # QoS 0 promises nothing. For room for another one we wait, in the thread that reads from the broker: when that
        # takes too long the broker ends the connection, and what is unacknowledged comes again with the next one.
        while message.qos and not self._closing.is_set():
            if self._inbox.put(arrived, wait_s=_ROOM_S):
                return


def _is_redelivered(message: Message) -> bool:
    return isinstance(message.receipt, _Receipt) and message.receipt.qos > 0
