"""The broker as the drills' runner needs it: one message at a time, and certain that the broker has it."""

import threading
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from ingest import broker_tls
from ingest.errors import BrokerUnavailable
from ingest.mqtt import CONNECT_TIMEOUT_S, KEEPALIVE_S, Address

PUBLISH_S_MAX: Final = 5.0


class MqttPublisher:
    """Publishes at QoS 1; connects at the first message, and again after the broker was away."""

    def __init__(self, mqtt_url: str) -> None:
        self._address = Address.parse(mqtt_url)
        self._client: paho.Client | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand over one message. Raises BrokerUnavailable."""
        client = self._client if self._client is not None and self._client.is_connected() else self._connect()
        info = client.publish(topic, payload, qos=1)
        try:
            info.wait_for_publish(PUBLISH_S_MAX)
        except (RuntimeError, ValueError) as error:
            self.close()
            raise BrokerUnavailable(str(error)) from error
        if not info.is_published():
            self.close()
            raise BrokerUnavailable(f"the broker has not taken the message within {PUBLISH_S_MAX:g} s")

    def close(self) -> None:
        """Leave the broker."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _connect(self) -> paho.Client:
        self.close()
        problems: list[str] = []
        for place in self._address.nodes:
            client = self._connect_to(*place, problems)
            if client is not None:
                return client
        raise BrokerUnavailable("; ".join(problems))

    def _connect_to(self, host: str, port: int, problems: list[str]) -> paho.Client | None:
        """The client, connected to this node; None where it does not take us in, and `problems` says why."""
        protocol = paho.MQTTv5 if self._address.version == 5 else paho.MQTTv311
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(broker_tls.client_context())
        answered = threading.Event()
        problem: list[str] = []

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            if reason.is_failure:
                problem.append(str(reason))
            answered.set()

        client.on_connect = on_connect
        try:
            client.connect(host, port, KEEPALIVE_S)
        except OSError as error:
            problems.append(f"{host}:{port}: {broker_tls.refusal(error)}")
            return None
        client.loop_start()
        self._client = client
        if not answered.wait(CONNECT_TIMEOUT_S) or problem:
            self.close()
            problems.append(f"{host}:{port}: {(problem or ['no answer'])[0]}")
            return None
        return client
