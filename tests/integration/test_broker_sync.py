"""`anhu broker sync` against the real broker with its plugin: who may publish and hear what, and who is locked out."""

import getpass
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from anhu import broker_access, packages, probe, runtime
from anhu.broker_control import Control
from anhu.commands import broker
from anhu.errors import BrokerControlFailed
from ingest.database import connect
from ingest.mqtt import session_name
from tests.integration.test_mqtts import certify, free_port, running_broker
from tests.integration.world import HOME, World, native, paho_client
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration

SECOND = '[[institution]]\ncode = "home-2"\nname = "福寿养老院"\nkind = "nursing_home"\n'


class Account:
    """A connection of one account, and what the broker said to it."""

    def __init__(self, url: str, name: str) -> None:
        self.client, self._address = paho_client(url, f"test-account-{name}")
        self.heard: list[tuple[str, bytes]] = []
        self.gone = threading.Event()
        self._said: dict[int, bool] = {}
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, message.payload))
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self._said.update({mid: not reason.is_failure})
        self.client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._said.update({mid: not reasons[0].is_failure})
        self.client.on_disconnect = lambda *_: self.gone.set()

    def __enter__(self) -> Self:
        self.client.connect(self._address.host, self._address.port)
        self.client.loop_start()
        wait_until(self.client.is_connected, "the account is let in")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def may_say(self, topic: str) -> bool:
        """Publish; whether the broker took it."""
        return self._answer(self.client.publish(topic, native({"co": 1}), qos=1).mid)

    def may_hear(self, topic: str) -> bool:
        """Subscribe; whether the broker granted it."""
        return self._answer(self.client.subscribe(topic, qos=1)[1])

    def _answer(self, mid: int | None) -> bool:
        assert mid is not None
        return wait_until(lambda: (self._said[mid],) if mid in self._said else None, "the broker answers")[0]


@pytest.fixture
def admin_url(services: runtime.Services, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ANHU_DATABASE_URL", world.database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", services.mqtt_url)
    monkeypatch.setenv("ANHU_ADMIN_MQTT_URL", services.admin_mqtt_url)
    yield services.admin_mqtt_url
    with Control(services.admin_mqtt_url) as control:  # the broker is the whole run's
        commands = broker_access.changes({}, control.listed("clients"), control.listed("roles")).commands
        control.carry_out(commands, lambda: "", lambda *_: None)
        control.carry_out([{"command": "enableClient", "username": "device"}], lambda: "", lambda *_: None)


def test_each_gateway_speaks_for_its_own_institution_only(
    services: runtime.Services,
    admin_url: str,
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sync(file: Path | None = None, renew: list[str] | None = None, *, shared: bool | None = None) -> dict[str, str]:
        """The accounts and passwords that were printed."""
        broker.sync(file, renew, shared, dry_run=False, data_dir=tmp_path)
        printed = capsys.readouterr()
        found = dict(line.split("\t") for line in printed.out.splitlines())
        assert not any(password in printed.err for password in found.values())
        return found

    def address(user: str, password: str) -> str:
        return f"mqtt://{user}:{password}@127.0.0.1:{urlsplit(admin_url).port}"

    def state() -> tuple[list[dict], list[dict]]:
        with Control(admin_url) as control:
            return control.listed("clients"), control.listed("roles")

    def is_let_in(url: str) -> bool:
        return probe.broker_trouble(url, 5.0) is None

    world.register(HOME + SECOND)
    routes = tmp_path / "routes.toml"
    routes.write_text('[[route]]\ntopic = "zigbee2mqtt/{device}"\nformat = "zigbee2mqtt"\ninstitution = "home-1"\n')
    monkeypatch.setenv("ANHU_PIPELINE_ROUTES", str(routes))
    passwords = sync()
    assert set(passwords) == {"gateway-home-1", "gateway-home-2"}
    before = state()
    assert sync() == {}
    assert state() == before

    one, two = (address(user, passwords[user]) for user in ("gateway-home-1", "gateway-home-2"))
    with Account(services.mqtt_url, "service") as service, Account(one, "one") as first, Account(two, "two") as second:
        assert service.may_hear("anhu/v1/#")
        assert first.may_say("anhu/v1/home-1/d/readings")
        assert second.may_say("anhu/v1/home-2/senml")
        assert first.may_say("zigbee2mqtt/烟感 1")
        assert not second.may_say("zigbee2mqtt/烟感 1")
        assert not second.may_hear("zigbee2mqtt/#")
        for topic in ("anhu/v1/home-2/d/readings", "anhu/v1/home-10/d/readings", "anhu/v1/home-1/d/drill",
                      "anhu/v1/home-1/drill", "anhu/commands/v1/home-1/d", "$CONTROL/dynamic-security/v1"):  # fmt: skip
            assert not first.may_say(topic), topic
        for topic in ("#", "anhu/v1/#", "anhu/v1/home-1/#", "anhu/commands/v1/home-2/#", "anhu/commands/v1/#", "$SYS/#",
                      "$CONTROL/dynamic-security/v1/response"):  # fmt: skip
            assert not first.may_hear(topic), topic
        assert session_name(services.mqtt_url) != session_name(two)  # nor can it take the service's queue
        assert first.may_hear("anhu/commands/v1/home-1/#")
        assert service.may_say("anhu/commands/v1/home-2/d")
        assert service.may_say("anhu/commands/v1/home-1/d")
        wait_until(lambda: first.heard, "its command has come")
        assert [topic for topic, _ in first.heard] == ["anhu/commands/v1/home-1/d"]
        wait_until(lambda: len(service.heard) >= 2, "what was allowed has come")
        assert {topic for topic, _ in service.heard} == {"anhu/v1/home-1/d/readings", "anhu/v1/home-2/senml"}
        assert not is_let_in(address("gateway-home-1", "guess"))
        assert not is_let_in(address("gateway-home-9", passwords["gateway-home-1"]))

        # A new password goes into a file for its owner alone, and the old one ends.
        file = tmp_path / "gateways.txt"
        assert sync(file, ["home-1"]) == {}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        user, new = file.read_text().strip().split("\t")
        assert (user, is_let_in(one), is_let_in(address(user, new))) == ("gateway-home-1", False, True)
        with pytest.raises(SystemExit):  # never over an older one, and then nothing is changed
            sync(file, ["home-1"])
        assert is_let_in(address(user, new))

        # Out of the registry, out of the broker: at once, and without touching the others.
        with connect(world.database_url) as connection:
            connection.execute("DELETE FROM institutions WHERE code = 'home-2'")
        assert sync() == {}
        wait_until(second.gone.is_set, "its connection has ended")
        assert not is_let_in(two)
        assert is_let_in(address(user, new))
        assert {each["username"] for each in state()[0]} == {"anhu", "device", "anhu-admin", "gateway-home-1"}

    # The account all devices share is closed and opened by name.
    assert is_let_in(services.device_mqtt_url)
    sync(shared=False)
    assert not is_let_in(services.device_mqtt_url)
    sync(shared=True)
    assert is_let_in(services.device_mqtt_url)


def test_a_refused_command_is_told_after_the_passwords_that_were_drawn(admin_url: str) -> None:
    handed: list[str] = []
    commands: list[dict[str, Any]] = [
        {"command": "createRole", "rolename": "gateway-x", "acls": []},
        {"command": "createClient", "username": "gateway-x", "roles": [{"rolename": "gateway-x"}]},
        {"command": "modifyRole", "rolename": "gateway-nobody", "acls": []},
    ]
    with Control(admin_url) as control:
        with pytest.raises(BrokerControlFailed, match="modifyRole gateway-nobody") as refused:
            control.carry_out(commands, lambda: "drawn", lambda user, _: handed.append(user))
        assert handed == ["gateway-x"]
        assert "drawn" not in str(refused.value)
    with pytest.raises(BrokerControlFailed), Control(admin_url.replace("anhu-admin", "nobody")):
        pass


def test_who_may_not_change_accounts_is_told_so(services: runtime.Services) -> None:
    for url in (services.mqtt_url, services.device_mqtt_url):
        with pytest.raises(BrokerControlFailed), Control(url):
            pass
        with Account(url, "control") as account:
            assert not account.may_say(broker_access.CONTROL)


def test_a_file_of_accounts_for_a_broker_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dynamic-security.json"
    broker.init(file)
    drawn = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert set(drawn) == {"anhu", "device", "anhu-admin"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(password in file.read_text() for password in drawn.values())
    with pytest.raises(SystemExit):
        broker.init(file)


def test_the_settings_for_a_broker_of_ones_own_let_a_gateway_in_over_tls(
    services: runtime.Services, packages_dir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, secure = (free_port() for _ in range(2))
    certify(data_dir)
    monkeypatch.setenv("SSL_CERT_FILE", str(data_dir / "cert.pem"))
    broker.init(data_dir / "dynamic-security.json", data_dir / "accounts")
    drawn = dict(line.split("\t") for line in (data_dir / "accounts").read_text().splitlines())
    installed = packages.system_mosquitto()
    private = packages.private_folder(packages_dir) / "usr/sbin/mosquitto"
    program = installed or packages.Mosquitto(private, "", private=True)
    settings = (ROOT / "deploy/mosquitto.conf").read_text()
    for container, here in (
        ("/usr/lib/mosquitto_dynamic_security.so", program.access_plugin),
        ("/mosquitto/data", data_dir),
        ("/mosquitto/certificates/fullchain.pem", data_dir / "cert.pem"),
        ("/mosquitto/certificates/privkey.pem", data_dir / "key.pem"),
        ("listener 1883", f"listener {plain} 127.0.0.1"),
        ("listener 8883", f"listener {secure} 127.0.0.1\nuser {getpass.getuser()}"),
    ):
        assert container in settings
        settings = settings.replace(container, str(here))
    with running_broker(program.program, data_dir, settings, secure):
        with Control(f"mqtts://anhu-admin:{drawn['anhu-admin']}@127.0.0.1:{secure}") as control:
            commands = broker_access.changes({"home-1": "安和养老院"}, [], []).commands
            control.carry_out(commands, lambda: "drawn", lambda *_: None)
        assert probe.broker_trouble(f"mqtts://gateway-home-1:drawn@127.0.0.1:{secure}", 5.0) is None
        assert probe.broker_trouble(f"mqtts://gateway-home-1:guess@127.0.0.1:{secure}", 5.0) is not None
        assert probe.broker_trouble(f"mqtt://anhu:{drawn['anhu']}@127.0.0.1:{plain}", 5.0) is None
        assert probe.broker_trouble(f"mqtt://device:{drawn['device']}@127.0.0.1:{plain}", 5.0) is not None
        assert probe.broker_trouble(f"mqtt://127.0.0.1:{plain}", 5.0) is not None
