"""The event log: idempotent, one open alert a place whatever races, and followed in order without a gap."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerting import feed, store
from alerting.alert import Alert, Kind, Priority, Source, State, Verb, act
from alerting.errors import AlertUnknown, IllegalVerb, StaleVersion
from ingest.database import connect
from tests.integration.alerts import Place, condition_of, said
from tests.integration.world import World, home_of
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def appended(world: World, *events) -> dict[uuid.UUID, Alert]:
    with connect(world.database_url) as connection:
        return store.append(connection, events)


def places(world: World, kinds: int = 1) -> list[Place]:
    """Every device under each of so many kinds of alert."""
    rows = world.rows("SELECT institution_id, zone_id, id FROM devices ORDER BY id")
    return [Place(Source(*row), kind) for kind in list(Kind)[:kinds] for row in rows]


def test_appending_again_changes_nothing(world: World) -> None:
    place = condition_of(world, "kit-smk-1")
    life = [said(place, "raise", 1), said(place, "raise", 2, rule="q"), said(place, "clear", 3)]
    once = appended(world, *life)
    again = appended(world, *life)
    assert once == again
    assert world.events() == [("raise", "r"), ("raise", "q"), ("clear", "r")]
    (alert,) = once.values()
    assert (alert.version, alert.rules, alert.occurrences) == (3, {"q"}, 1)


def test_what_is_written_is_what_was_folded(world: World) -> None:
    answer = appended(world, said(condition_of(world, "kit-smk-1"), "raise", 1.25, latching=True))
    with connect(world.database_url) as connection:
        for alert in answer.values():
            assert store.load(connection, alert.id) == alert
            ((_, recorded_at, event),) = store.events_of(connection, alert.id)
            assert event == said(condition_of(world, "kit-smk-1"), "raise", 1.25, latching=True)
            assert abs((recorded_at - datetime.now(UTC)).total_seconds()) < 60


def test_a_second_onset_joins_the_open_alert(world: World) -> None:
    place = condition_of(world, "kit-smk-1")
    first = appended(world, said(place, "raise", 1, onset=0))
    second = appended(world, said(place, "raise", 9, onset=8, rule="q"))
    (one,) = first.values()
    two = second[said(place, "raise", 9, onset=8).alert_id]  # under the id that the engine meant
    assert one.id == two.id
    assert world.count("alerts") == 1
    assert two.rules == {"r", "q"}


def test_a_raise_after_a_reset_the_engine_has_not_heard_of_begins_a_new_alert(world: World) -> None:
    place = condition_of(world, "kit-smk-1")
    life = [said(place, verb, second, latching=True) for verb, second in (("raise", 1), ("clear", 2))]
    (first,) = appended(world, *life).values()
    with connect(world.database_url) as connection:
        for verb in (Verb.ACKNOWLEDGE, Verb.RESET):
            standing = store.load(connection, first.id)
            over = store.act(connection, standing, act(standing, verb, "user:a", NOW, None), standing.version)
        assert store.ended_last(connection, 9) == [over]
    again = replace(said(place, "raise", 9, onset=8, latching=True), alert_id=first.id)
    for _ in range(2):  # also when it is delivered again
        taken = appended(world, again)[first.id]
        assert (taken.id != first.id, taken.version, taken.open, taken.acknowledged) == (True, 1, True, False)
    with connect(world.database_url) as connection:
        assert store.load(connection, first.id) == over
        assert store.open_alerts(connection) == [taken]
    assert [verb for verb, _ in world.events()] == ["raise", "clear", "acknowledge", "reset", "raise"]


def test_two_connections_that_race_make_one_alert(world: World) -> None:
    place = condition_of(world, "kit-smk-1")
    with ThreadPoolExecutor(1) as other:
        with connect(world.database_url) as connection:
            store.append(connection, [said(place, "raise", 1, onset=0)])
            racing = other.submit(appended, world, said(place, "raise", 1, onset=0.5, rule="q"))
            wait_until(
                lambda: world.count("pg_locks", "locktype = 'advisory' AND NOT granted"), "the second one waits"
            )  # fmt: skip
        racing.result(30)
    (alert,) = world.alerts("fire")
    assert (alert["rules"], alert["version"], alert["occurrences"]) == (["q", "r"], 2, 1)


def test_many_that_race_make_one_alert_each(world: World) -> None:
    world.register(home_of(20))
    everywhere = places(world)
    gate = threading.Barrier(4)

    def race(number: int) -> None:
        gate.wait()
        for index in range(len(everywhere)):
            place = everywhere[(index + number * 5) % len(everywhere)]
            appended(world, said(place, "raise", 1 + number, onset=number, rule=f"r{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert world.count("alerts", "open") == world.count("alerts") == len(everywhere)
    assert world.count("alert_events") == 4 * len(everywhere)
    assert {alert["version"] for alert in world.alerts("fire")} == {4}


def test_a_person_may_only_act_on_what_they_have_seen(world: World) -> None:
    place = condition_of(world, "kit-smk-1")
    (seen,) = appended(world, said(place, "raise", 1)).values()
    appended(world, said(place, "raise", 2, rule="q"))
    acknowledge = act(seen, Verb.ACKNOWLEDGE, "user:a", NOW, None)
    with connect(world.database_url) as connection:
        with pytest.raises(StaleVersion):
            store.act(connection, seen, acknowledge, seen.version)
        fresh = store.load(connection, seen.id)
        done = store.act(connection, fresh, acknowledge, fresh.version)
        with pytest.raises(IllegalVerb):
            store.act(connection, done, act(done, Verb.ACKNOWLEDGE, "user:b", NOW, None), done.version)
        with pytest.raises(AlertUnknown):
            store.load(connection, uuid.uuid4())
    assert done.state is State.ACKED
    assert world.events() == [("raise", "r"), ("raise", "q"), ("acknowledge", None)]


def test_of_two_people_one_acknowledges(world: World) -> None:
    (seen,) = appended(world, said(condition_of(world, "kit-smk-1"), "raise", 1)).values()
    gate, outcomes = threading.Barrier(8), []

    def press(number: int) -> None:
        with connect(world.database_url) as connection:
            gate.wait()
            try:
                store.act(connection, seen, act(seen, Verb.ACKNOWLEDGE, f"user:{number}", NOW, None), seen.version)
                outcomes.append("done")
            except StaleVersion:
                outcomes.append("stale")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(press, range(8)))
    assert sorted(outcomes) == ["done"] + ["stale"] * 7
    assert world.events() == [("raise", "r"), ("acknowledge", None)]


def test_a_storm_of_five_thousand_alerts_is_one_transaction(world: World) -> None:
    world.register(home_of(620))
    storm = [said(place, "raise", 1) for place in places(world, kinds=8)]
    assert len(storm) == 5000
    assert len(appended(world, *storm)) == 5000
    assert world.count("alerts", "open") == world.count("alert_events") == 5000
    cleared = [said(Place(each.source, each.kind), "clear", 2) for each in storm]
    assert len(appended(world, *cleared, *storm)) == 5000  # and the raises, redelivered, say nothing
    assert world.count("alerts", "active") == 0
    assert world.count("alert_events") == 10_000


def test_a_follower_misses_nothing_of_four_writers(world: World) -> None:
    world.register(home_of(400))
    everywhere = places(world)[-400:]
    gate = threading.Barrier(4)

    def write(number: int) -> None:
        with connect(world.database_url) as connection:
            gate.wait()
            for place in everywhere[number::4]:
                store.append(connection, [said(place, "raise", 1)])
                connection.commit()

    seen: list[feed.Entry] = []
    with ThreadPoolExecutor(4) as pool:
        writing = pool.map(write, range(4))
        for entries in feed.follow(world.database_url, 0, wait_s=10):
            assert entries, "the log went quiet before the end"
            seen += entries
            if len(seen) >= 400:
                break
        list(writing)
    assert [entry.cursor for entry in seen] == sorted(entry.cursor for entry in seen)
    assert {entry.event.source for entry in seen} == {place.source for place in everywhere}
    assert len(seen) == 400
    assert all(entry.alert.id == entry.event.alert_id for entry in seen)


def test_a_snapshot_and_the_stream_after_it_are_the_whole(world: World) -> None:
    world.register(home_of(300))
    everywhere = places(world)[-300:]
    ended = threading.Event()

    def write() -> None:
        with connect(world.database_url) as connection:
            for number, place in enumerate(everywhere):
                store.append(connection, [said(place, "raise", 1)])
                connection.commit()
                if number % 3 == 0:
                    store.append(connection, [said(place, "clear", 2)])
                    connection.commit()
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: world.count("alerts") > 20, "the storm is under way")
    with connect(world.database_url, autocommit=True) as connection:
        taken = feed.snapshot(connection)
    open_now = {alert.id: alert for alert in taken.alerts}
    for entries in feed.follow(world.database_url, taken.cursor, wait_s=1):
        for entry in entries:
            assert entry.cursor > taken.cursor
            open_now[entry.alert.id] = entry.alert
        if not entries and ended.is_set():
            break
    writer.join()
    with connect(world.database_url) as connection:
        assert {key: alert for key, alert in open_now.items() if alert.open} == {
            alert.id: alert for alert in store.open_alerts(connection)
        }
    assert len(open_now) == 300


def test_a_quiet_log_says_so_and_the_most_urgent_comes_first(world: World) -> None:
    kitchen, bedroom = condition_of(world, "kit-smk-1"), condition_of(world, "bed-smk-1")
    appended(world, said(kitchen, "raise", 1, priority=Priority.LOW), said(bedroom, "raise", 1))
    with connect(world.database_url, autocommit=True) as connection:
        taken = feed.snapshot(connection)
    assert [alert.priority for alert in taken.alerts] == ["critical", "low"]
    assert next(feed.follow(world.database_url, taken.cursor, wait_s=0.05)) == []
