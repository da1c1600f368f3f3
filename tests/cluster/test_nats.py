"""Three workers on a real 3-node NATS JetStream cluster: a worker, a node, both killed under load.

Nothing lost, nothing doubled, judged again. How long that takes is reported, and a generous limit decides.
"""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.publish import Publisher
from tests.cluster.nats import Cluster, program
from tests.integration.shard_world import Crew, Round, codes_of, homes_of
from tests.integration.world import S, World
from tests.waiting import wait_until

pytestmark = pytest.mark.cluster

SHARDS = 6
LIMIT_S = 90.0  # of what is to take ten seconds on a quiet machine
TURNS_A_S = 10.0


class Field:
    """Devices of all homes behind one publisher, which rides over the death of its node."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def report(self, device: str, values: dict[str, Any], at_us: int, *, home: str) -> None:
        """Publish one native message at QoS 1."""
        at = datetime.fromtimestamp(at_us // S, UTC).replace(microsecond=at_us % S).isoformat()
        body = json.dumps({"values": values, "measured_at": at}).encode()
        assert self._publisher.publish(f"anhu/v1/{home}/{device}/readings", body)

    def settle(self) -> None:
        """Wait until the cluster has acknowledged everything."""
        wait_until(lambda: not self._publisher.counts.unanswered, "all is acknowledged", time_s_max=LIMIT_S)
        assert not self._publisher.counts.refused


class Load:
    """Readings of every home, turn after turn, in a thread; a context manager that ends it."""

    def __init__(self, sent: Round) -> None:
        self._sent = sent
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(1 / TURNS_A_S):
            self._sent.send(1)


@pytest.fixture
def cluster(packages_dir: Path, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(program(packages_dir), tmp_path) as nodes:
        yield nodes


@pytest.mark.parametrize("victims", ["worker", "node", "node and worker"])
def test_killed_under_load(
    victims: str, cluster: Cluster, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = codes_of(2, SHARDS)
    world = World(database_url, homes_of(codes))
    crew = Crew(world, cluster.url, SHARDS, tmp_path)
    try:
        workers = [crew.hire(name) for name in ("one", "two", "three")]
        crew.settle(*workers)
        with Publisher(cluster.url) as publisher:
            sent = Round(world, Field(publisher), codes)
            sent.call(codes[0])
            wait_until(lambda: sent.raised() == codes[:1], "it is judged", time_s_max=LIMIT_S)
            with Load(sent):
                wait_until(lambda: world.count("readings") > 5 * len(codes), "the load is stored", time_s_max=LIMIT_S)
                killed_s = time.monotonic()
                if "node" in victims:
                    cluster.kill(0)  # the one they all came to first
                if "worker" in victims:
                    workers[2].kill()
                for code in codes[1:]:
                    sent.call(code)
                wait_until(lambda: sent.raised() == codes, "all calls are judged", time_s_max=LIMIT_S)
                with capsys.disabled():
                    print(f"\n{victims} killed, judged again after {time.monotonic() - killed_s:.1f} s")  # noqa: T201
                if "node" in victims:
                    cluster.start(0)
                    cluster.wait(0)
                if "worker" in victims:
                    workers[2] = crew.hire("three")
                crew.settle(*workers)
            sent.check()
        assert all(each.poll() is None for each in workers)
    finally:
        crew.dismiss()
