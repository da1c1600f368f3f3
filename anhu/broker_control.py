"""Talking to mosquitto's dynamic-security plugin: commands go to a topic of the broker, and answers come on another."""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import orjson
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from anhu.broker_access import CONTROL, WITH_PASSWORD
from anhu.errors import BrokerControlFailed
from anhu.language import text
from ingest import broker_tls
from ingest.mqtt import Address

ANSWER_S_MAX: Final = 30.0
COMMANDS_A_MESSAGE_MAX: Final = 40  # the plugin writes its file after each
LISTED_A_MESSAGE_MAX: Final = 200
ANSWERS_WAITING_MAX: Final = 8  # one is asked for at a time


class Control:
    """A connection with an account that may change accounts. Raises BrokerControlFailed, never repeating a password."""

    def __init__(self, admin_url: str) -> None:
        address = Address.parse(admin_url)
        self._answers: queue.Queue[bytes] = queue.Queue(ANSWERS_WAITING_MAX)
        self._ready = threading.Event()
        self._problem = ""
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set_context(broker_tls.client_context())
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _client, _data, message: self._take(bytes(message.payload))
        self._place = f"{address.host}:{address.port}"
        try:
            self._client.connect(address.host, address.port)
        except OSError as error:
            raise BrokerControlFailed(f"{self._place}: {broker_tls.refusal(error)}") from error

    def __enter__(self) -> Self:
        self._client.loop_start()
        if not self._ready.wait(ANSWER_S_MAX) or self._problem:
            self._close()
            raise BrokerControlFailed(f"{self._place}: {self._problem or 'no answer'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def ask(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The plugin's answers to at most COMMANDS_A_MESSAGE_MAX commands, in their order; one that was refused has an
        `error`."""
        self._client.publish(CONTROL, orjson.dumps({"commands": list(commands)}), qos=1)
        try:
            answer = orjson.loads(self._answers.get(timeout=ANSWER_S_MAX))
        except queue.Empty:
            raise BrokerControlFailed(
                text(
                    f"{self._place}：没有应答。MQTT 服务须加载 mosquitto_dynamic_security 插件，且该账户可修改账户。",
                    f"{self._place}: no answer. The broker must load the plugin mosquitto_dynamic_security, and this "
                    "account be allowed to change accounts.",
                )
            ) from None
        answers: list[dict[str, Any]] = answer["responses"]
        if len(answers) != len(commands):
            raise BrokerControlFailed(f"{self._place}: {len(answers)} answers to {len(commands)} commands")
        return answers

    def listed(self, what: str) -> list[dict[str, Any]]:
        """All `clients` or `roles` the plugin knows, with what they hold."""
        found: list[dict[str, Any]] = []
        while True:
            command = {"command": f"list{what.capitalize()}", "verbose": True, "count": LISTED_A_MESSAGE_MAX}
            [answer] = self.ask([command | {"offset": len(found)}])
            if "error" in answer:
                raise BrokerControlFailed(f"{command['command']}: {answer['error']}")
            part = answer["data"][what]
            found += part
            if not part or len(found) >= answer["data"]["totalCount"]:
                return found

    def carry_out(
        self,
        commands: Sequence[dict[str, Any]],
        draw: Callable[[], str],
        hand_out: Callable[[str, str], None],
    ) -> None:
        """Do `commands` in order. Every account that is made, or gets a new password, is given one by `draw`.
        `hand_out` is called with account and password as soon as the broker has it, whatever becomes of the rest."""
        for begin in range(0, len(commands), COMMANDS_A_MESSAGE_MAX):
            part = [
                each | ({"password": draw()} if each["command"] in WITH_PASSWORD else {})
                for each in commands[begin : begin + COMMANDS_A_MESSAGE_MAX]
            ]
            answers = self.ask(part)
            for command, answer in zip(part, answers, strict=True):
                if "error" not in answer and "password" in command:
                    hand_out(command["username"], command["password"])
            for command, answer in zip(part, answers, strict=True):
                if "error" in answer:
                    name = command.get("username") or command.get("rolename")
                    raise BrokerControlFailed(f"{self._place}: {command['command']} {name}: {answer['error']}")

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._fail(str(reason))
        else:
            client.subscribe(f"{CONTROL}/response", qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        if reasons[0].is_failure:
            self._fail(str(reasons[0]))
        self._ready.set()

    def _take(self, answer: bytes) -> None:
        with suppress(queue.Full):  # nobody asked for so many
            self._answers.put_nowait(answer)

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self._ready.set()

    def _close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
