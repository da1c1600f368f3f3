"""From the broker to the table and the event log: one pipeline, real services."""

import json
import subprocess
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anhu.roles import now_us
from ingest.errors import BrokerUnavailable, DatabaseUnavailable
from ingest.message import Message
from ingest.mqtt import Source, session_name
from ingest.pipeline import Fenced
from ingest.settings import PipelineSettings
from tests.integration.world import Devices, S, World, home_of, make_pipeline, native, pipeline, steps
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_a_senml_pack_published_by_hand(world: World, session_url: str, mosquitto_pub: Path) -> None:
    pack = [
        {"bn": "kit-smk-1/", "bu": "dB/m", "n": "smoke_obscuration", "v": 0.6, "t": -1},
        {"n": "smoke_obscuration", "v": 0.7},
        {"n": "temperature", "u": "K", "v": 300.15},
    ]
    command = [str(mosquitto_pub), "-q", "1", "-L", f"{session_url}/anhu/v1/home-1/senml", "-m", json.dumps(pack)]
    with pipeline(world.database_url, session_url) as running:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        running.took(1)
    (early, low), (late, high) = world.readings("kit-smk-1", "smoke_obscuration")
    assert (round(low, 6), round(high, 6), late - early) == (0.6, 0.7, timedelta(seconds=1))
    assert abs(late - datetime.now(UTC)) < timedelta(minutes=1)
    assert [round(value, 3) for _, value in world.readings("kit-smk-1", "temperature")] == [27.0]
    (alert,) = world.alerts("fire")
    assert (alert["priority"], alert["rules"], alert["onset_at"]) == ("critical", ["fire.smoke"], early)
    assert alert["evidence"]["value"] == 0.7


def test_readings_reach_the_table_to_the_microsecond_and_with_their_delay(world: World, session_url: str) -> None:
    at = now_us() - 5 * S + 7
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("bed-smk-1", {"temperature": 21.5, "smoke_obscuration": 0.01}, at)
        running.took(1)
    rows = world.rows(
        "SELECT extract(epoch FROM measured_at) * 1000000, value, delay_ms, quality FROM readings ORDER BY 2"
    )
    assert [(int(us), round(value, 5), quality) for us, value, _, quality in rows] == [
        (at, 0.01, None),
        (at, 21.5, None),
    ]
    assert all(5000 <= delay <= 65_000 for _, _, delay, _ in rows)


def test_the_life_of_a_fire_in_one_batch(world: World, session_url: str) -> None:
    smoke = [0.01, 0.2, 0.4, 0.6, 0.5, 0.2, *[0.02] * 8]
    at = steps(now_us() - 300 * S, len(smoke), 20)
    with Devices(session_url) as devices:
        for moment, value in zip(at, smoke, strict=True):
            devices.report("kit-smk-1", {"smoke_obscuration": value}, moment)
        devices.settle()
    with pipeline(world.database_url, session_url) as running:  # all of it waited at the broker
        running.took(len(smoke))
    assert world.events("fire") == [("raise", "fire.smoke"), ("clear", "fire.smoke")]
    (alert,) = world.alerts("fire")
    assert (alert["active"], alert["latched"], alert["open"], alert["occurrences"]) == (False, True, True, 1)


def test_unordered_and_repeated_messages_are_stored_and_judged_once(world: World, session_url: str) -> None:
    at = steps(now_us() - 60 * S, 5, 10)
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        for number in (0, 2, 1, 2, 4, 4, 3, 0):
            devices.report("kit-smk-1", {"smoke_obscuration": 0.5}, at[number])
        running.took(8)
    assert len(world.readings("kit-smk-1", "smoke_obscuration")) == 5
    assert world.events("fire") == [("raise", "fire.smoke")]


def test_a_pack_of_ten_thousand_readings(world: World, session_url: str) -> None:
    at = steps(now_us() - 3000 * S, 600, 1)
    pack = json.dumps([{"measured_at": us / 1e6, "values": {"temperature": 20, "smoke_obscuration": 0}} for us in at])
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.say("anhu/v1/home-1/bed-smk-1/readings", pack.encode())
        running.took(1)
    assert world.count("readings") == 1200


def test_a_retained_message_of_long_ago_is_not_taken_for_news(world: World, mqtt_url: str, session_url: str) -> None:
    topic = "anhu/v1/home-1/kit-smk-1/readings"
    with Devices(mqtt_url) as devices:
        devices._client.publish(topic, native({"smoke_obscuration": 0.9}), qos=1, retain=True).wait_for_publish(10)
        with pipeline(world.database_url, session_url) as running:
            running.took(1)  # published while the session stood: once, as any message
        with pipeline(world.database_url, session_url) as running:
            devices.report("bed-co-1", {"co": 1})
            running.took(1)
        devices._client.publish(topic, b"", qos=1, retain=True).wait_for_publish(10)
    assert len(world.readings("kit-smk-1", "smoke_obscuration")) == 1


def test_messages_at_qos_0_are_taken_too(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.say("anhu/v1/home-1/bed-co-1/readings", native({"co": 4}), qos=0)
        running.took(1)
    assert [value for _, value in world.readings("bed-co-1", "co")] == [4]


def test_the_sign_of_life_counts_and_goes_on(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("bed-co-1", {"co": 4})
        devices.report("bed-co-1", {"co": "much"})
        running.took(2)
        wait_until(
            lambda: world.rows("SELECT messages, readings, dead_letters FROM pipeline_heartbeats") == [(2, 1, 1)],
            "the counts are told",
        )
        ((first,),) = world.rows("SELECT at FROM pipeline_heartbeats")
        wait_until(lambda: world.rows("SELECT at > %s FROM pipeline_heartbeats", first) == [(True,)], "it goes on")


def test_a_new_device_and_a_changed_one_are_taken_up_while_running(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("d0001", {"co": 1}, home="late")
        running.took(1)
        assert world.count("unclaimed_devices") == 1
        world.register(home_of(1, "late", ("co",)))

        def heard() -> bool:
            devices.report("d0001", {"co": 2}, home="late")
            return world.count("readings") > 0

        wait_until(heard, "the new device is known", every_s=0.2)


def test_a_second_pipeline_waits_and_takes_over(
    world: World, session_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.pipeline.FIRST_ANSWER_S_MAX", 0.5)
    second = make_pipeline(world.database_url, tmp_path, PipelineSettings())
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        with closing(second), pytest.raises(DatabaseUnavailable, match="another pipeline holds this shard"):
            second.open()
        devices.report("bed-co-1", {"co": 1})
        running.took(1)
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("bed-co-1", {"co": 2})
        running.took(1)
    assert world.count("readings") == 2


def test_a_pipeline_whose_session_is_taken_over_gives_up(world: World, session_url: str, tmp_path: Path) -> None:
    settings = PipelineSettings()
    pipe = make_pipeline(world.database_url, tmp_path, settings)
    first, second = (Source(session_url, session_name(session_url), settings, now_us) for _ in range(2))
    fenced: list[bool] = []

    def run() -> None:
        with pytest.raises(Fenced):
            pipe.run(first, threading.Event())
        fenced.append(True)

    with closing(pipe), closing(first), closing(second):
        pipe.open()
        first.open()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        second.open()
        wait_until(lambda: fenced, "the first one gives up")
        client = first._client._thread
        wait_until(lambda: client is None or not client.is_alive(), "it does not come back to take the session again")
        first.close()
        with Devices(session_url) as devices:
            devices.report("bed-co-1", {"co": 1})
            wait_until(lambda: second.take(count_max=9, age_ms_max=1, wait_s=0.1), "the queue goes to the second one")


def test_no_broker_and_wrong_passwords_are_told(world: World, mqtt_url: str) -> None:
    settings = PipelineSettings()
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        Source("mqtt://a:b@127.0.0.1:1", "test-nobody", settings, now_us).open()
    with pytest.raises(ValueError, match="looks like mqtt://"):
        Source("http://secret:word@x", "test-nobody", settings, now_us)


def test_the_inbox_never_holds_more_than_it_may(world: World, session_url: str) -> None:
    settings = PipelineSettings(inbox_count_max=100)
    source = Source(session_url, session_name(session_url), settings, now_us)
    with Devices(session_url) as devices:
        for number in range(1000):
            devices.report("bed-co-1", {"co": number})
        devices.settle()
        with closing(source):
            source.open()
            wait_until(lambda: source.waiting_count == 100, "the window is full")
            taken: list[Message] = []

            def all_taken() -> bool:
                assert source.waiting_count <= 100
                messages = source.take(count_max=30, age_ms_max=1, wait_s=0.1)
                source.ack(messages)
                taken.extend(messages)
                return len(taken) >= 1000

            wait_until(all_taken, "all of it is taken")
    assert [json.loads(each.payload)["values"]["co"] for each in taken] == list(range(1000))


def test_the_inbox_is_bounded_by_bytes_and_nothing_is_lost_by_that(world: World, session_url: str) -> None:
    settings = PipelineSettings(inbox_mib_max=1)
    source = Source(session_url, session_name(session_url), settings, now_us)
    bulk = "x" * 100_000
    with Devices(session_url) as devices, closing(source):
        source.open()
        for number in range(40):
            devices.report("bed-co-1", {"co": number, "text": bulk})
        devices.settle()
        wait_until(lambda: source.waiting_bytes > 900_000, "the inbox is full")
        taken: list[Message] = []

        def all_taken() -> bool:
            assert source.waiting_bytes <= 2**20
            messages = source.take(count_max=3, age_ms_max=1, wait_s=0.1)
            source.ack(messages)
            taken.extend(messages)
            return len(taken) >= 40

        wait_until(all_taken, "all of it is taken")
        assert source.waiting_count == 0
    assert [json.loads(each.payload)["values"]["co"] for each in taken] == list(range(40))


def test_a_source_ends_also_while_it_waits_for_room(world: World, session_url: str) -> None:
    source = Source(session_url, session_name(session_url), PipelineSettings(inbox_mib_max=1), now_us)
    with Devices(session_url) as devices:
        source.open()
        for _ in range(20):
            devices.report("bed-co-1", {"text": "x" * 100_000})
        devices.settle()
        wait_until(lambda: source.waiting_bytes > 900_000, "the inbox is full")
        source.close()  # the test's own limit of time tells if this hangs
