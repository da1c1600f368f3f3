"""Nothing lost, nothing doubled: the pipeline killed, the broker cut off, the database gone, all under load."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from anhu.roles import now_us
from tests.commands import COMMAND, environment
from tests.integration.world import Devices, S, World, home_of
from tests.waiting import wait_until
from tests.wire import Wire, to_port

pytestmark = pytest.mark.integration

DETECTORS = 10
EVERY_S = 0.25  # between two readings of a detector, on the devices' clocks
FIRE_BEGINS, FIRE_ENDS, ROUNDS_MIN = 100, 300, 600  # a minute of clean air, 240 rounds, clears the alarm
TURNS = 4


class Role:
    """The pipeline as `anhu serve` runs it: a process of its own."""

    def __init__(self, world: World, mqtt_url: str, **settings: str) -> None:
        self._world = world
        addresses = {"ANHU_DATABASE_URL": world.database_url, "ANHU_MQTT_URL": mqtt_url}
        self._env = environment(**addresses, ANHU_LOG_LEVEL="WARNING", **settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it has given its first sign of life."""
        self._process = subprocess.Popen([*COMMAND, "role", "pipeline"], env=self._env)
        number = self._process.pid
        wait_until(lambda: self._world.count("pipeline_heartbeats", "pid = %s", number), "the pipeline runs")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)


@contextmanager
def role(world: World, mqtt_url: str, **settings: str) -> Iterator[Role]:
    running = Role(world, mqtt_url, **settings)
    try:
        running.start()
        yield running
    finally:
        running.kill()


class Load:
    """Ten detectors that report all the time; two of them meet a fire that goes out again."""

    def __init__(self, world: World, mqtt_url: str) -> None:
        world.register(home_of(DETECTORS))
        self.world = world
        self._mqtt_url = mqtt_url
        self._start_us = now_us() - 800 * S
        self._enough = threading.Event()
        self.published = 0
        self.acknowledged: list[object] = []

    def value(self, number: int, device: int) -> float:
        """The smoke at a detector in one round."""
        burns = device % 4 == 0 and FIRE_BEGINS <= number < FIRE_ENDS
        return 0.5 if burns else 0.01 + number / 1e5

    def run(self) -> None:
        """Publish a thousand messages a second until it is enough."""
        with Devices(self._mqtt_url) as devices:
            number = 0
            while number < ROUNDS_MIN or not self._enough.is_set():
                for device in range(1, DETECTORS + 1):
                    at = self._start_us + round(number * EVERY_S * S) + device
                    devices.report(f"d{device:04d}", {"smoke_obscuration": self.value(number, device)}, at, home="mass")
                    self.published += 1
                number += 1
                self._enough.wait(0.01 if number > ROUNDS_MIN or not self._enough.is_set() else 0)
            devices.settle()
            self.acknowledged = devices.acknowledged

    def disturbed(self, disturb: Callable[[], None]) -> None:
        """Publish, and `disturb` several times meanwhile; returns when all that was acknowledged is stored."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            for _ in range(TURNS):
                before = self.published
                wait_until(lambda before=before: self.published > before + 500, "the load is under way")
                disturb()
        finally:
            self._enough.set()
            thread.join(60)
        assert len(self.acknowledged) == self.published
        wait_until(lambda: self.world.count("readings") >= self.published, "all of it is stored", time_s_max=60)

    def check(self) -> None:
        """Every acknowledged message is one row, each alert was raised once and cleared once."""
        assert len(set(self.acknowledged)) == self.published >= ROUNDS_MIN * DETECTORS
        stored = self.world.rows(
            "SELECT d.code, (extract(epoch FROM measured_at) * 1000000)::bigint FROM readings"
            " JOIN points p ON p.id = point_id JOIN devices d ON d.id = device_id"
        )
        assert len(stored) == len(set(stored))
        assert set(stored) == set(self.acknowledged)
        assert self.world.totals() == {}
        burning = [f"d{device:04d}" for device in range(1, DETECTORS + 1) if device % 4 == 0]
        log = self.world.rows(
            "SELECT d.code, verb, rule FROM alert_events e JOIN devices d ON d.id = device_id WHERE e.kind = 'fire'"
            " ORDER BY d.code, e.id"
        )
        # All stand in one corridor: the second to burn confirms the fire of the first.
        confirmed = [(code, verb) for code, verb, rule in log if rule == "fire.confirmed"]
        assert confirmed == [(burning[0], "raise"), (burning[0], "clear")]
        log = [each for each in log if each[2] != "fire.confirmed"]
        rules = [rule for _, _, rule in log]
        for code in burning:
            told = [(verb, rule) for each, verb, rule in log if each == code]
            assert sorted(told) == sorted(
                [(verb, rule) for verb in ("raise", "clear") for rule in ("fire.smoke", "fire.smoke.early")]
            ), told
        assert len(rules) == 4 * len(burning)
        alerts = self.world.alerts("fire")
        told = [(each["occurrences"], each["version"], each["active"], each["latched"]) for each in alerts]
        assert sorted(told) == [(1, 4, False, True)] * (len(burning) - 1) + [(1, 6, False, True)]


def test_kill_9_of_the_pipeline(world: World, session_url: str) -> None:
    load = Load(world, session_url)
    with role(world, session_url) as running:

        def disturb() -> None:
            running.kill()
            running.start()

        load.disturbed(disturb)
        load.check()
        assert running.stop() == 0


def test_the_connection_to_the_broker_cut(world: World, session_url: str) -> None:
    load = Load(world, session_url)
    parts = urlsplit(session_url)
    with Wire(to_port(parts.port or 0)) as wire:
        through = session_url.replace(f":{parts.port}", f":{wire.port}")
        with role(world, through) as running:

            def disturb() -> None:
                wait_until(lambda: wire.standing, "the pipeline is connected again")
                wire.cut()

            load.disturbed(disturb)
            load.check()
            assert wire.cut_count == TURNS
            assert running.stop() == 0


def test_the_database_gone_for_a_moment(world: World, session_url: str) -> None:
    load = Load(world, session_url)

    def disturb() -> None:
        with psycopg.connect(world.database_url) as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'anhu pipeline'"
            ).fetchone()
        assert ended is not None

    with role(world, session_url) as running:
        load.disturbed(disturb)
        load.check()
        assert running.stop() == 0


def test_a_database_that_stays_away_stops_nothing_and_nothing_is_lost(world: World, session_url: str) -> None:
    name = urlsplit(world.database_url).path.strip("/")
    admin = world.database_url.replace(f"/{name}", "/postgres")
    with role(world, session_url):
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            with Devices(session_url) as devices:
                for number in range(100):
                    devices.report("bed-co-1", {"co": number})
                devices.settle()
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        wait_until(lambda: world.count("readings") == 100, "what was spooled is stored")


def test_two_pipelines_at_once_and_the_first_one_killed(world: World, session_url: str) -> None:
    with role(world, session_url) as first:
        env = environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL=session_url)
        with subprocess.Popen([*COMMAND, "role", "pipeline"], env=env) as second, Devices(session_url) as devices:
            try:
                for number in range(50):
                    devices.report("bed-co-1", {"co": number})
                wait_until(lambda: world.count("readings") == 50, "the first one stores")
                assert world.count("pipeline_heartbeats", "pid = %s", second.pid) == 0
                first.kill()
                wait_until(lambda: world.count("pipeline_heartbeats", "pid = %s", second.pid), "the second one runs")
                for number in range(50, 100):
                    devices.report("bed-co-1", {"co": number})
                wait_until(lambda: world.count("readings") == 100, "the second one stores")
            finally:
                second.terminate()
        assert second.returncode == 0
