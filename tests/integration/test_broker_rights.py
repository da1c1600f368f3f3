"""Who may do what at the real broker, as one table: every account × every kind of topic, said and heard; and what an
account may leave behind at the broker (a will, a retained message) or take from it (another's session).

What `anhu broker sync` does to accounts is in test_broker_sync.py; that the service is fooled by no forged drill, and
by no retained message, is in the drills' and the gateways' tests.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import paho.mqtt.client as paho
import pytest

from anhu import broker_access, probe, runtime
from anhu.broker_control import Control
from ingest.mqtt import session_name
from tests.integration.test_broker_sync import Account
from tests.integration.world import native, paho_client
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

A, B = "rights-a", "rights-b"
OWN_ROUTE = f"zigbee2mqtt-{A}/#"
GATEWAY_A, GATEWAY_B, DEVICE, SERVICE, ADMIN = "gateway A", "gateway B", "shared device", "service", "admin"
# who may: said (published) and heard (subscribed); a letter for each account, - for none
#   A gateway of A   B gateway of B   D shared device   S service   M admin
SAID: dict[str, str] = {
    f"anhu/v1/{A}/d/readings": "ADS",
    f"anhu/v1/{A}/senml": "ADS",
    f"anhu/v1/{B}/d/readings": "BDS",
    f"anhu/v1/{A}x/d/readings": "DS",  # a code that begins like A's
    "anhu/v1": "DS",
    f"anhu/v1/{A}/drill": "S",
    f"anhu/v1/{A}/d/drill": "S",
    f"anhu/v1/{B}/d/drill": "S",
    f"anhu/v1/{A}/d/drill/readings": "ADS",  # no call for a drill, only something called so
    f"anhu/commands/v1/{A}/d": "DS",
    f"anhu/commands/v1/{B}/d": "DS",
    f"zigbee2mqtt-{A}/烟感": "ADS",
    "homeassistant/x": "DS",
    "$CONTROL/dynamic-security/v1": "M",
    "$CONTROL/other": "-",
}
HEARD: dict[str, str] = {
    f"anhu/commands/v1/{A}/#": "AS",
    f"anhu/commands/v1/{A}/d": "AS",
    f"anhu/commands/v1/{B}/#": "BS",
    "anhu/commands/v1/+/d": "S",
    "anhu/commands/v1/#": "S",
    f"zigbee2mqtt-{A}/set": "AS",
    f"anhu/v1/{A}/#": "S",  # a gateway does not even hear itself
    f"anhu/v1/{A}/+/drill": "S",
    "anhu/v1/#": "S",
    "+/#": "S",
    "#": "S",
    f"$share/x/anhu/v1/{A}/#": "S",  # a shared subscription is no way round
    "$SYS/#": "S",
    "$SYS/broker/clients/connected": "S",
    "$CONTROL/#": "-",
    "$CONTROL/dynamic-security/v1/response": "M",
}
LETTERS = {"A": GATEWAY_A, "B": GATEWAY_B, "D": DEVICE, "S": SERVICE, "M": ADMIN}


class Rights(NamedTuple):
    """The broker with two institutions' accounts: an address for each account of the table."""

    addresses: dict[str, str]

    @property
    def place(self) -> str:
        """Host and port."""
        parts = urlsplit(self.addresses[SERVICE])
        return f"{parts.hostname}:{parts.port}"

    @contextmanager
    def client(self, account: str, client_id: str, **options: object) -> Iterator[paho.Client]:
        """A connection under a client id of one's choice, with a will if one is given."""
        client, address = paho_client(self.addresses[account], client_id)
        if will := options.get("will"):
            client.will_set(str(will), b"gone", qos=1, retain=True)
        client.connect(address.host, address.port)
        client.loop_start()
        try:
            yield client
        finally:
            client.disconnect()
            client.loop_stop()


@pytest.fixture(scope="module")
def rights(services: runtime.Services) -> Iterator[Rights]:
    passwords: dict[str, str] = {}
    with Control(services.admin_mqtt_url) as control:
        wanted = broker_access.changes({A: "甲", B: "乙"}, [], [], {A: [OWN_ROUTE]}).commands
        control.carry_out(wanted, lambda: f"drawn {len(passwords)}", passwords.__setitem__)
    place = urlsplit(services.mqtt_url)
    gateways = {
        name: f"mqtt://gateway-{code}:{quote(passwords[f'gateway-{code}'])}@{place.hostname}:{place.port}"
        for name, code in ((GATEWAY_A, A), (GATEWAY_B, B))
    }
    yield Rights(
        gateways | {DEVICE: services.device_mqtt_url, SERVICE: services.mqtt_url, ADMIN: services.admin_mqtt_url}
    )
    with Control(services.admin_mqtt_url) as control:  # the broker is the whole run's
        gone = broker_access.changes({}, control.listed("clients"), control.listed("roles")).commands
        control.carry_out(gone, lambda: "", lambda *_: None)


def test_the_table(rights: Rights) -> None:
    found_said: dict[str, str] = dict.fromkeys(SAID, "")
    found_heard: dict[str, str] = dict.fromkeys(HEARD, "")
    for letter, name in LETTERS.items():
        with Account(rights.addresses[name], f"table-{letter}") as account:
            for topic in SAID:
                found_said[topic] += letter if account.may_say(topic) else ""
            for topic in HEARD:
                found_heard[topic] += letter if account.may_hear(topic) else ""
    assert {topic: found or "-" for topic, found in found_said.items()} == SAID
    assert {topic: found or "-" for topic, found in found_heard.items()} == HEARD


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (None, None),
        ("anhu", "guess"),
        ("anhu", ""),
        (f"gateway-{A}", "guess"),
        ("nobody", "guess"),
        ("anhu-admin", "anhu-admin"),
    ],
)
def test_who_has_no_password_is_not_let_in(rights: Rights, user: str | None, password: str | None) -> None:
    account = "" if user is None else f"{user}:{password}@"
    assert probe.broker_trouble(f"mqtt://{account}{rights.place}", 5.0) is not None


def test_wildcards_bring_a_gateway_nothing_of_anothers(rights: Rights) -> None:
    """Not only is the subscription refused: nothing comes by the ones that are granted, and it is there for others."""
    with ExitStack() as stack:
        first, second, service = (
            stack.enter_context(Account(rights.addresses[name], f"wild-{number}"))
            for number, name in enumerate((GATEWAY_A, GATEWAY_B, SERVICE))
        )
        for pattern in ("#", "+/+/+/#", "anhu/#", "anhu/commands/v1/+/#"):
            assert not first.may_hear(pattern)
        assert first.may_hear(f"anhu/commands/v1/{A}/#")
        assert service.may_hear("anhu/v1/#")
        assert second.may_say(f"anhu/v1/{B}/d/readings")
        assert service.may_say(f"anhu/commands/v1/{B}/d")
        assert service.may_say(f"anhu/commands/v1/{A}/last")  # what comes comes in order
        wait_until(lambda: first.heard, "its own command has come")
        assert [topic for topic, _ in first.heard] == [f"anhu/commands/v1/{A}/last"]
        wait_until(lambda: service.heard, "the readings have come")


def test_a_retained_message_is_kept_only_where_one_may_speak(rights: Rights) -> None:
    own, other = f"anhu/v1/{A}/kept/readings", f"anhu/v1/{B}/kept/readings"
    with ExitStack() as stack:
        gateway = stack.enter_context(rights.client(GATEWAY_A, "test-rights-kept"))
        wait_until(gateway.is_connected, "the gateway is let in")
        for topic in (other, f"anhu/v1/{B}/drill", own):
            gateway.publish(topic, native({"co": 1}), qos=1, retain=True).wait_for_publish(10)
        service = stack.enter_context(Account(rights.addresses[SERVICE], "kept"))
        try:
            assert service.may_hear("anhu/v1/+/kept/#")
            assert service.may_hear("anhu/v1/+/drill")
            wait_until(lambda: service.heard, "what is kept comes")
            assert {topic for topic, _ in service.heard} == {own}
        finally:
            service.client.publish(own, b"", qos=1, retain=True).wait_for_publish(10)


def test_a_will_says_nothing_its_account_may_not_say(rights: Rights) -> None:
    """The broker speaks it when the connection breaks; where it may not be said nobody hears it, and it is not kept."""
    allowed = f"anhu/v1/{A}/will/readings"
    forbidden = (f"anhu/v1/{B}/will/readings", f"anhu/v1/{A}/will/drill", "$CONTROL/dynamic-security/v1")
    with Account(rights.addresses[SERVICE], "wills") as service:
        assert service.may_hear("anhu/v1/+/will/#")
        try:
            for number, topic in enumerate((*forbidden, allowed)):
                break_with_will(rights, f"test-rights-will-{number}", topic)
            wait_until(lambda: allowed in {topic for topic, _ in service.heard}, "the will that may be said is heard")
            assert {topic for topic, _ in service.heard} == {allowed}
        finally:
            service.client.publish(allowed, b"", qos=1, retain=True).wait_for_publish(10)
    with Control(rights.addresses[ADMIN]) as control:
        assert {each["username"] for each in control.listed("clients")} >= {"anhu", "device", f"gateway-{A}"}


def break_with_will(rights: Rights, client_id: str, topic: str) -> None:
    """Connect as the gateway of A, and have the connection cut. A broker may refuse such a will at once."""
    client, address = paho_client(rights.addresses[GATEWAY_A], client_id)
    answered = threading.Event()
    client.on_connect = lambda *_: answered.set()
    client.on_disconnect = lambda *_: answered.set()
    client.will_set(
        topic, json.dumps({"commands": [{"command": "deleteClient", "username": "device"}]}), 1, retain=True
    )
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        assert answered.wait(30)
    finally:
        client.loop_stop()
        if (wire := client.socket()) is not None:
            wire.close()  # without DISCONNECT


def test_nobody_takes_the_services_session(rights: Rights) -> None:
    """The broker gives a session to whoever names its client id. The service's cannot be guessed, not even by who knows
    how it is made and has an account of their own; a known one would be taken, which is why it is a secret."""
    ours = session_name(rights.addresses[SERVICE])
    guesses = {session_name(address) for name, address in rights.addresses.items() if name != SERVICE}
    guesses |= {session_name(f"mqtt://anhu:{word}@{rights.place}") for word in ("", "anhu", "guess")}
    assert ours not in guesses
    gone = threading.Event()
    with rights.client(SERVICE, f"{ours}-of-the-test") as service:
        wait_until(service.is_connected, "the service is let in")
        service.on_disconnect = lambda *_: gone.set()
        for number, guess in enumerate(sorted(guesses)):
            with rights.client((GATEWAY_A, GATEWAY_B, DEVICE)[number % 3], guess) as thief:
                wait_until(thief.is_connected, "the guess is let in, to a session of its own")
        assert not gone.is_set()
        with rights.client(GATEWAY_A, f"{ours}-of-the-test"):
            assert gone.wait(30), "what a leaked id would do"
