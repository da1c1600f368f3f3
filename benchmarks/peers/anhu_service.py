"""Anhu itself, with its default settings."""

import importlib.metadata
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psutil

from benchmarks import listener, rows
from benchmarks.load import Load
from benchmarks.peers.contender import Counted, Running
from benchmarks.peers.traffic import Form, native
from benchmarks.stage import Child, Stage
from ingest.database import Connection

ROLES = ("pipeline", "dashboard")


@dataclass(frozen=True)
class Anhu:
    """`anhu serve` with the roles that take messages, judge them and show alerts."""

    name: str = "anhu"
    title: str = "Anhu"
    settings: str = (
        "As it comes: MQTT 5, persistent session, acknowledged after the flushed commit; binary COPY;"
        " the roles pipeline and dashboard."
    )
    first_per_s: float = 20_000

    @property
    def form(self) -> Form:
        """Its own JSON."""
        return native

    def version(self) -> str:
        """Of the package."""
        return importlib.metadata.version("anhu")

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Running]:
        """The service; what kills its pipeline holds up the supervisor that would start it again at once."""
        with stage.service(ROLES) as service:
            supervisor = psutil.Process(service.roots["supervisor"])

            def kill(away_s: float) -> None:
                supervisor.suspend()
                try:
                    pipeline = next(each for each in supervisor.children() if each.cmdline()[-1] == "pipeline")
                    os.kill(pipeline.pid, signal.SIGKILL)
                    time.sleep(away_s)
                finally:
                    supervisor.resume()

            roots = {name: service.roots[name] for name in ("supervisor", *ROLES)}
            yield Running(
                roots, kill, partial(Child, listener.listen, service.origin, stage.password), _alerts
            )  # fmt: skip

    def load(self, rate_per_s: float, count: int, start_us: int) -> Load:
        """Ordinary messages."""
        return Load(rate_per_s, count, start_us)

    def probes(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Messages whose rows are looked for one by one."""
        return Load(rate_per_s, count, start_us, connections=2, chosen=devices)

    def alarms(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Contacts that close."""
        return Load(rate_per_s, count, start_us, connections=2, alarm=True, chosen=devices)

    def messages_each(self) -> int:
        """One message tells what a device says at a time."""
        return 1

    def count(self, connection: Connection) -> Counted:
        """Of the table of readings."""
        row = connection.execute("SELECT count(*), count(DISTINCT (point_id, measured_at)) FROM readings").fetchone()
        total, distinct = row or (0, 0)
        return Counted(distinct, total - distinct)

    def clear(self, connection: Connection) -> None:
        """Forget the readings."""
        connection.execute("TRUNCATE readings")

    def seen(self, stage: Stage, connection: Connection, load: Load, numbers: Sequence[int]) -> list[int]:
        """Which messages are rows."""
        return rows.seen(connection, load, stage.points, list(numbers))


def _alerts(connection: Connection) -> "Counter[str]":
    found: Counter[str] = Counter()
    for (code,) in connection.execute(
        "SELECT devices.code FROM alerts JOIN devices ON devices.id = device_id WHERE alerts.kind = 'fire'"
    ):
        found[code] += 1
    return found
