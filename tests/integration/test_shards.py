"""Two workers share four shards, and one is killed: nothing lost, nothing doubled, and its shards judged again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anhu.cli import app
from ingest import shard_store
from ingest.database import connect
from tests.commands import anhu, environment
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


def test_another_number_of_shards_loses_nothing_that_is_sent_meanwhile(
    homes: World, codes: list[str], mqtt_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHU_DATABASE_URL", homes.database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", mqtt_url)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["shards", *words])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    with connect(homes.database_url) as connection:
        shard_store.agree_count(connection, SHARDS)
    with crew(homes, mqtt_url, 2, tmp_path) as hired, Devices(mqtt_url) as devices:
        assert "prepare 2" in run("set", "2", code=1)
        run("prepare", "2")
        sent = Round(homes, devices, codes)
        sent.send(5)
        sent.call(codes[0])
        devices.settle()
        with connect(homes.database_url) as other:
            assert shard_store.lock(other, shard_store.Lock.WORKER, 1)
            assert "stop them first" in run("set", "2", code=1)
        run("set", "2")
        addresses = {"ANHU_DATABASE_URL": homes.database_url, "ANHU_MQTT_URL": mqtt_url}
        for count in ("1", str(SHARDS)):
            told = anhu("role", "pipeline", env=environment(**addresses, ANHU_PIPELINE_SHARDS=count))
            assert told.returncode == 1
            assert "this installation has 2 shards" in told.stderr
        hired.settle(hired.hire("one"))
        sent.send(5)
        sent.check()
        assert [line.split("\t")[0] for line in run("show").splitlines()[:2]] == ["0", "1"]
