"""Two workers share four shards, and one is killed: nothing lost, nothing doubled, and its shards judged again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.shard_world import Crew, Round, codes_of, crew, homes_of
from tests.integration.world import Devices, World
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SHARDS = 4
LIMIT_S = 60.0  # of what takes two seconds on a quiet machine


@pytest.fixture
def codes() -> list[str]:
    return codes_of(2, SHARDS)


@pytest.fixture
def homes(database_url: str, codes: list[str]) -> World:
    return World(database_url, homes_of(codes))


@pytest.fixture
def workers(homes: World, mqtt_url: str, tmp_path: Path) -> Iterator[Crew]:
    with crew(homes, mqtt_url, SHARDS, tmp_path) as hired:
        yield hired


def test_a_killed_workers_shards_are_judged_by_the_other_one(
    homes: World, workers: Crew, codes: list[str], mqtt_url: str
) -> None:
    first = workers.hire("one")
    workers.settle(first)
    second = workers.hire("two")
    served = workers.settle(first, second)
    assert sorted(list(served.values()).count(each.pid) for each in (first, second)) == [2, 2]
    with Devices(mqtt_url) as devices:
        sent = Round(homes, devices, codes)
        sent.send(20)
        sent.call(codes[0])
        sent.send(20)
        second.kill()
        second.wait()
        sent.send(20)
        for code in codes[1:]:
            sent.call(code)
        wait_until(lambda: len(sent.raised()) == len(codes), "all calls are judged", time_s_max=LIMIT_S)
        sent.check()
        # A home that is registered while the workers run is heard without a restart, and by its shard alone.
        homes.register(homes_of(["late-1"]))
        asked = "SELECT count(*) FROM shard_subscriptions WHERE 'anhu/v1/late-1/#' = ANY(filters)"
        wait_until(lambda: homes.rows(asked) == [(1,)], "it is subscribed", time_s_max=LIMIT_S)
        wait_until(
            lambda: (devices.report("call", {"sos": 1}, home="late-1"), "late-1" in sent.raised())[1],
            "it is heard",
            time_s_max=LIMIT_S,
            every_s=0.5,
        )
    assert first.poll() is None
