"""The embedded services, for real: they start, refuse strangers, keep data, and never outlive their parent."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from anhu import probe, runtime
from anhu.errors import DataFolderInUse, ServicesFailed

pytestmark = pytest.mark.integration

PAYLOAD_BYTES_MAX = 1_048_576
END_TIME_S_MAX = 10.0
PARENT = """
import json, sys, time
from pathlib import Path
from anhu import runtime
services = runtime.start(Path(sys.argv[1]), durable=False, progress=lambda line: None, packages_dir=Path(sys.argv[2]))
print(services.database_url, flush=True)
time.sleep(300)
"""


def processes_of(folder: Path) -> dict[int, str]:
    """The processes whose command line names the folder."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and "time.sleep(300)" not in words:
            found[int(path.parent.name)] = words
    return found


def eventually(happened: Callable[[], bool], time_s_max: float = END_TIME_S_MAX) -> bool:
    """Whether it happens in time."""
    deadline_s = time.monotonic() + time_s_max
    while not happened():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def answers(url: str) -> bool:
    """Whether the database takes a connection."""
    return probe.database_trouble(url, 2.0) is None


@contextmanager
def started(data_dir: Path, packages_dir: Path) -> Iterator[runtime.Services]:
    with runtime.start(data_dir, durable=False, progress=lambda _: None, packages_dir=packages_dir) as services:
        yield services


@contextmanager
def parent(data_dir: Path, packages_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs the services, and their database's address."""
    command = [sys.executable, "-c", PARENT, str(data_dir), str(packages_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
    assert eventually(lambda: not processes_of(data_dir))


def publish(url: str, topic: str, payload: bytes, *, listener_url: str) -> list[bytes]:
    """What a listener on the topic hears within a moment after a QoS 1 publication."""
    heard: list[bytes] = []
    clients = []
    for address in (listener_url, url):
        parts = urlsplit(address)
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set(parts.username or "", parts.password)
        client.on_message = lambda _client, _data, message: heard.append(bytes(message.payload))
        client.connect(parts.hostname or "", parts.port or 0)
        client.loop_start()
        clients.append(client)
    listener, publisher = clients
    subscribed: list[int] = []
    listener.on_subscribe = lambda *_: subscribed.append(1)
    assert eventually(listener.is_connected)
    assert eventually(publisher.is_connected)
    listener.subscribe(topic, qos=1)
    assert eventually(lambda: bool(subscribed))
    publisher.publish(topic, payload, qos=1)
    eventually(lambda: bool(heard), 1.0)
    for client in clients:
        client.disconnect()
        client.loop_stop()
    return heard


def test_a_test_gets_a_database_of_its_own_with_timescaledb(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        assert found is not None
        connection.execute("CREATE TABLE r (at timestamptz NOT NULL, v float4)")
        connection.execute("SELECT create_hypertable('r', 'at')")
        connection.execute("INSERT INTO r VALUES (now(), 1)")
        assert connection.execute("SELECT count(*) FROM r").fetchone() == (1,)
    assert probe.timescaledb_found(database_url, 2.0) is not None


def test_the_next_test_does_not_see_it(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regclass('r')").fetchone() == (None,)


def test_a_wrong_password_is_refused_even_on_the_socket(services: runtime.Services) -> None:
    password = urlsplit(services.database_url).password or ""
    trouble = probe.database_trouble(services.database_url.replace(password, "guess"), 2.0)
    assert trouble is not None
    assert "password authentication failed" in trouble


def test_the_owner_of_the_database_is_no_superuser(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_the_broker_refuses_strangers(mqtt_url: str) -> None:
    parts = urlsplit(mqtt_url)
    assert probe.broker_trouble(mqtt_url, 2.0) is None
    assert probe.broker_trouble(f"mqtt://127.0.0.1:{parts.port}", 2.0) is not None
    assert probe.broker_trouble(f"mqtt://anhu:guess@127.0.0.1:{parts.port}", 2.0) is not None


def test_devices_may_publish_readings_but_not_listen(services: runtime.Services) -> None:
    device, own = services.device_mqtt_url, services.mqtt_url
    assert publish(device, "anhu/v1/i/d/readings", b"x", listener_url=own) == [b"x"]
    assert publish(device, "anhu/v1/i/d/readings", b"x", listener_url=device) == []


def test_the_longest_payload_arrives_and_a_longer_one_does_not(services: runtime.Services) -> None:
    topic = "anhu/v1/i/long/readings"
    longest = bytes(PAYLOAD_BYTES_MAX)
    assert publish(services.device_mqtt_url, topic, longest, listener_url=services.mqtt_url) == [longest]
    assert publish(services.device_mqtt_url, topic, longest + bytes(66_048), listener_url=services.mqtt_url) == []


def test_a_restart_keeps_data_passwords_and_port(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir) as first:
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        addresses = first.database_url, first.mqtt_url, first.device_mqtt_url
    assert not processes_of(data_dir)
    with started(data_dir, packages_dir) as second:
        assert (second.database_url, second.mqtt_url, second.device_mqtt_url) == addresses
        with psycopg.connect(second.database_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_only_the_servers_user_may_enter_and_only_the_caller_reads_passwords(
    data_dir: Path, packages_dir: Path
) -> None:
    with started(data_dir, packages_dir):
        for name in ("socket", "postgres", "mosquitto"):
            assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o700
        for name in ("secrets.json", "services.json"):
            assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600


def test_a_long_path_gets_a_socket_elsewhere(data_dir: Path, packages_dir: Path) -> None:
    long = data_dir / ("深" * 40)
    with started(long, packages_dir) as services:
        assert answers(services.database_url)
        assert not (long / "socket").exists()


def test_a_second_start_is_refused_or_shares(data_dir: Path, packages_dir: Path) -> None:
    with parent(data_dir, packages_dir) as (process, url):
        with pytest.raises(DataFolderInUse, match=str(process.pid)):
            runtime.start(data_dir, progress=print, packages_dir=packages_dir)
        with runtime.start(data_dir, progress=print, packages_dir=packages_dir, reuse=True) as shared:
            assert shared.database_url == url
        assert answers(url)


def test_nothing_outlives_a_killed_parent_and_the_next_start_works(data_dir: Path, packages_dir: Path) -> None:
    with parent(data_dir, packages_dir) as (process, url):
        assert answers(url)
        assert len(processes_of(data_dir)) >= 2
        process.kill()
        with started(data_dir, packages_dir) as services:  # waits for the old ones to end
            assert answers(services.database_url)


def test_nothing_outlives_a_killed_guardian(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir) as services:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        guardians = [pid for pid in children if b"anhu.guardian" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(guardians[-1]), signal.SIGKILL)
        assert eventually(lambda: not processes_of(data_dir))
        assert eventually(lambda: services.trouble() is not None)


def test_a_server_that_dies_is_restarted(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir) as services:
        postmaster = int((data_dir / "postgres/postmaster.pid").read_text().split()[0])
        brokers = [pid for pid, words in processes_of(data_dir).items() if "mosquitto.conf" in words]
        for pid in (postmaster, *brokers):
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: answers(services.database_url))
        assert eventually(lambda: probe.broker_trouble(services.mqtt_url, 2.0) is None)
        assert services.trouble() is None
        assert "restarting" in (data_dir / "log/guardian.log").read_text()


def test_a_lock_file_that_a_crash_left_is_no_obstacle(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir):
        left = (data_dir / "postgres/postmaster.pid").read_text()
    number = left.split("\n", 1)[0]
    (data_dir / "postgres/postmaster.pid").write_text(left.replace(number, str(os.getpid()), 1))
    with started(data_dir, packages_dir) as services:
        assert answers(services.database_url)


def test_a_server_that_cannot_start_is_explained(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir):
        pass
    with (data_dir / "postgres/local.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(ServicesFailed, match="no_such_setting"), started(data_dir, packages_dir):
        pass
    assert not processes_of(data_dir)


def test_secrets_are_drawn_once(data_dir: Path, packages_dir: Path) -> None:
    with started(data_dir, packages_dir):
        drawn = json.loads((data_dir / "secrets.json").read_text())
    assert len(set(drawn.values())) == 5
    assert min(map(len, drawn.values())) >= 32
