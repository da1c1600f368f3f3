"""One worker's share of the judging benchmark, in a process of its own: no broker and no database, so that nothing but
the judging is measured. Messages are decoded, resolved and judged as the pipeline does, each shard in a thread."""

import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from typing import Final, NamedTuple

import numpy as np
import orjson

from alerting import engine
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from benchmarks.limits import READY
from ingest.intake import take_in
from ingest.message import Limits, Message
from ingest.quantity import QUANTITIES
from ingest.registry import Device, Institution, Point, Registry, Zone
from ingest.routes import OWN_ROUTES
from ingest.shard_routes import ShardRoutes
from ingest.shards import Shard

QUIET: Final = {"smoke_obscuration": 0.01, "temperature": 21.0, "battery": 95.0}
INSTITUTIONS: Final = 256
DEVICES_EACH: Final = 50
BATCH: Final = 500
ROUND_US: Final = 30_000_000
_LIMITS: Final = Limits(65_536, 60_000_000, 7 * 86_400_000_000)


class Share(NamedTuple):
    """What one process judged."""

    readings: int
    cpu_s: float
    wall_s: float


def code(number: int) -> str:
    """Of an institution."""
    return f"bench-{number:04d}"


def part(shard: Shard) -> Registry:
    """The institutions of one shard, each a home of multi-sensor devices."""
    mine = [number for number in range(1, INSTITUTIONS + 1) if shard.has(code(number))]
    devices = [(home, home * DEVICES_EACH + place) for home in mine for place in range(DEVICES_EACH)]
    quantities = len(QUIET)
    return Registry.build(
        1,
        [Institution(home, code(home), "测试院", "Bench", "nursing_home", "220322") for home in mine],
        [Zone(device, home, f"z{device}", "室", "room", "bedroom", 1) for home, device in devices],
        [Device(device, home, device, f"d{device}", "设备", "multi", "", 30) for home, device in devices],
        [
            Point(device * quantities + row + 1, device, quantity, QUANTITIES[quantity].unit)
            for _, device in devices
            for row, quantity in enumerate(QUIET)
        ],
    )


def judge_share(shards: Sequence[Shard], seconds: float, pipe: Pipe) -> None:
    """Judge those shards for so long, once told to begin; answers with a Share."""
    work = [_Work(shard) for shard in shards]
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in work]
    pipe.send(READY)
    pipe.recv()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    pipe.send(
        Share(sum(each.readings for each in work), time.process_time() - cpu_s, time.perf_counter() - began_s)
    )  # fmt: skip


class _Work:
    """One shard: its messages of one round, which are judged again and again, 30 s later each time."""

    def __init__(self, shard: Shard) -> None:
        self.readings = 0
        self._registry = part(shard)
        self._routes = ShardRoutes(OWN_ROUTES, shard)
        self._now_us = time.time_ns() // 1000
        self._state = engine.State.begin(compile_plan(self._registry, parse(default_rules())), self._now_us)
        rng = np.random.default_rng(7)
        self._said = [
            (
                f"anhu/v1/{self._registry.institutions[device.institution_id].code}/{device.code}/readings",
                orjson.dumps({"values": {name: value + rng.normal(0, 0.001) for name, value in QUIET.items()}}),
            )
            for device in self._registry.devices.values()
        ]

    def run(self, stop: threading.Event) -> None:
        """Judge until `stop`. What is sent bears no time, so that it is of its arrival's."""
        while True:
            self._now_us += ROUND_US
            for at in range(0, len(self._said), BATCH):
                if stop.is_set():
                    return
                some = [Message(topic, payload, self._now_us) for topic, payload in self._said[at : at + BATCH]]
                intake = take_in(some, self._registry, _LIMITS, None, self._routes)
                engine.adopt(self._state, engine.step(self._state, intake.readings).patch)
                self.readings += len(intake.readings)
