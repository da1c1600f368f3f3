"""What waits in the spool comes in, also when nobody sends anything more."""

import threading
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

import ingest.pipeline
import ingest.sink
from alerting.process import Judge
from alerting.settings import AlertingSettings
from ingest.formats import native
from ingest.message import Message
from ingest.pipeline import DRAIN_LOOK_S, Pipeline
from ingest.settings import PipelineSettings

from .engine_world import T0, S
from .fault_world import Ground, MemoryFlusher, MemoryTables, MemoryWriter


class Watched:
    """The ground's broker; how long each take would have waited for a message is noted."""

    connected, fenced, waiting_count = True, False, 0

    def __init__(self, ground: Ground) -> None:
        self._broker = ground.broker
        self.waits_s: list[float] = []

    def take(self, *, count_max: int, age_ms_max: float, wait_s: float) -> list[Message]:
        self.waits_s.append(wait_s)
        return self._broker.take(count_max=count_max, age_ms_max=age_ms_max, wait_s=wait_s)

    def ack(self, messages: Sequence[Message]) -> None:
        self._broker.ack(messages)


def test_the_spool_is_not_left_waiting_for_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    ground = Ground(7, faults=0.0)
    ground.now_us = T0
    ticking = iter(range(10**6))
    world = SimpleNamespace(monotonic=lambda: next(ticking) * 0.2)
    monkeypatch.setattr(ingest.sink, "time", world)
    monkeypatch.setattr(ingest.pipeline, "time", world)
    tables = MemoryTables(ground)
    judge = Judge(AlertingSettings(), tables, tables)
    settings, writers = PipelineSettings(age_days_max=3650), (MemoryWriter(ground), MemoryFlusher(ground))
    pipe = Pipeline(*writers, ground.spool, tables, judge, settings, ground.clock)
    pipe.open()
    source, stop = Watched(ground), threading.Event()
    for _ in range(5):  # it ticks, has that flushed, and the next tick is a second away
        pipe._cycle(source, stop)
    calm_s = source.waits_s[-1]
    ground.database_up = False
    for second in range(250):
        ground.now_us = T0 + second * S // 100
        ground.broker.publish("anhu/v1/home/d1/readings", native.encode(ground.now_us, {"temperature": 20.0}))
        pipe._cycle(source, stop)
    waiting = len(ground.spool)
    assert waiting > 100
    ground.database_up = True
    source.waits_s.clear()
    while len(ground.spool):
        pipe._cycle(source, stop)
        assert len(source.waits_s) < 1000
    assert max(source.waits_s) <= DRAIN_LOOK_S < calm_s
    assert len(ground.rows) == 250
