"""Homes spread over shards, devices that publish for all of them, and workers as processes of their own."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from anhu.roles import now_us
from ingest.mqtt import session_name
from ingest.shards import Shard, shard_of
from tests.commands import COMMAND, environment
from tests.integration.world import S, World, paho_client
from tests.waiting import wait_until

EVERY_US = S // 4  # between two readings of a device, on the devices' clocks


def homes_of(codes: Sequence[str]) -> str:
    """A registry file of homes with a smoke detector and a call button each."""
    home = (
        '[[institution]]\ncode = "{0}"\nname = "养老院 {0}"\nkind = "nursing_home"\n'
        '[[institution.zone]]\ncode = "hall"\nname = "走廊"\nkind = "corridor"\n'
        '[[institution.zone.device]]\ncode = "smoke"\nname = "烟感"\nkind = "smoke"\nreport_interval_s = 3600\n'
        'quantities = ["smoke_obscuration"]\n'
        '[[institution.zone.device]]\ncode = "call"\nname = "呼叫"\nkind = "sos"\nreport_interval_s = 86400\n'
        'quantities = ["sos"]\n'
    )
    return "".join(home.format(code) for code in codes)


def codes_of(count: int, shards: int) -> list[str]:
    """Codes of `count` homes for each of `shards` shards."""
    found: dict[int, list[str]] = {shard: [] for shard in range(shards)}
    number = 0
    while any(len(codes) < count for codes in found.values()):
        number += 1
        codes = found[shard_of(f"h-{number}", shards)]
        if len(codes) < count:
            codes.append(f"h-{number}")
    return sorted(code for codes in found.values() for code in codes)


class Round:
    """What devices of `codes` send, turn by turn, and what has to be stored of it."""

    def __init__(self, world: World, devices: Any, codes: Sequence[str]) -> None:
        self._world = world
        self._devices = devices
        self._codes = codes
        self._begun_us = now_us() - 120 * S
        self._turns = 0
        self.called: list[str] = []

    def send(self, turns: int) -> None:
        """So many readings of every smoke detector."""
        for _ in range(turns):
            at_us = self._begun_us + self._turns * EVERY_US
            self._turns += 1
            for code in self._codes:
                self._devices.report("smoke", {"smoke_obscuration": 0.1 + self._turns % 7 / 10}, at_us, home=code)

    def call(self, code: str) -> None:
        """Somebody presses the button of that home, which sends it twice, as radios do."""
        at_us = now_us()
        for _ in range(2):
            self._devices.report("call", {"sos": 1}, at_us, home=code)
        self.called.append(code)

    def sent(self) -> int:
        """Readings that are to be stored."""
        return self._turns * len(self._codes) + len(self.called)

    def raised(self) -> list[str]:
        """The homes whose calls are alerts, each as often as it is one."""
        return [
            str(row[0])
            for row in self._world.rows(
                "SELECT code FROM alerts JOIN institutions ON institutions.id = institution_id"
                " WHERE alerts.kind = 'sos' ORDER BY code"
            )
        ]

    def check(self) -> None:
        """Nothing lost, nothing doubled."""
        self._devices.settle()
        wait_until(lambda: self._world.count("readings") >= self.sent(), "everything is stored", time_s_max=60)
        wait_until(lambda: len(self.raised()) >= len(self.called), "every call is an alert", time_s_max=60)
        assert self._world.count("readings") == self.sent()
        assert self.raised() == sorted(self.called)
        raised = self._world.rows(
            "SELECT count(*), count(DISTINCT alert_id) FROM alert_events WHERE kind = 'sos' AND verb = 'raise'"
        )
        assert raised == [(len(self.called), len(self.called))]
        assert self._world.reasons() == {}
        assert self._world.count("unclaimed_devices") == 0


class Crew:
    """Workers of one installation, each a process and a machine (a spool folder) of its own."""

    def __init__(self, world: World, mqtt_url: str, shards: int, folder: Path) -> None:
        self._world = world
        self._mqtt_url = mqtt_url
        self._shards = shards
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def hire(self, machine: str, **settings: str) -> subprocess.Popen[bytes]:
        """One more worker, on that machine."""
        fixed = {
            "ANHU_DATABASE_URL": self._world.database_url, "ANHU_MQTT_URL": self._mqtt_url, "ANHU_LOG_LEVEL": "ERROR",
            "ANHU_PIPELINE_SHARDS": str(self._shards), "ANHU_PIPELINE_SPOOL_DIR": str(self._folder / machine),
        }  # fmt: skip
        env = environment(**{**fixed, **settings})
        process = subprocess.Popen([*COMMAND, "role", "pipeline"], env=env)
        self._processes.append(process)
        return process

    def served(self) -> dict[int, int]:
        """Which process gave each shard's last sign of life, of those that are not old."""
        return dict(  # type: ignore[arg-type]
            self._world.rows("SELECT shard, pid FROM pipeline_heartbeats WHERE at > clock_timestamp() - interval '3 s'")
        )

    def settle(self, *workers: subprocess.Popen[bytes]) -> dict[int, int]:
        """Wait until every shard is served, and each of these workers serves its fair share."""
        floor = self._shards // len(workers)
        pids = {each.pid for each in workers}

        def shared() -> dict[int, int]:
            served = self.served()
            counts = [sum(pid == each for pid in served.values()) for each in pids]
            fair = len(served) == self._shards and set(served.values()) <= pids and min(counts) >= floor
            return served if fair else {}

        return wait_until(shared, f"{len(workers)} workers share {self._shards} shards", time_s_max=90)

    def dismiss(self) -> None:
        """End them all, and look that they ended well."""
        for each in self._processes:
            if each.poll() is None:
                each.terminate()
        for each in self._processes:
            with suppress(subprocess.TimeoutExpired):
                each.wait(30)
            if each.returncode is None:
                each.kill()
                each.wait()


@contextmanager
def crew(world: World, mqtt_url: str, shards: int, folder: Path) -> Iterator[Crew]:
    """Workers to be, whose sessions the broker forgets at the end."""
    hired = Crew(world, mqtt_url, shards, folder)
    try:
        yield hired
    finally:
        hired.dismiss()
        for number in range(shards):
            client, address = paho_client(mqtt_url, session_name(mqtt_url, Shard(number, shards)))
            client.connect(address.host, address.port, clean_start=True)
            client.loop_start()
            wait_until(client.is_connected, "the session is forgotten")
            client.disconnect()
            client.loop_stop()
