"""Institutions spread over shards, and shards over workers."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.rebalance import Crew, Timings
from ingest.formats import IGNORE
from ingest.route_file import parse
from ingest.routes import OWN_ROUTES, Filter
from ingest.shard_routes import ShardRoutes, subscriptions
from ingest.shards import (
    RESETTLE_S,
    SETTLE_S,
    TAKE_AFTER_S,
    Moves,
    Shard,
    Sharing,
    View,
    Why,
    fair_share,
    shard_of,
)

ROUTES = parse(
    """
[[route]]
topic = "zigbee2mqtt/home-2/{device}"
format = "zigbee2mqtt"
institution = "home-2"

[[route]]
topic = "zigbee2mqtt/{device*}"
format = "zigbee2mqtt"
institution = "home-1"

[[route]]
topic = "application/{institution}/device/{device}/event/up"
format = "chirpstack_up"

[[route]]
topic = "other/#"
format = "ignore"
"""
)
CODES = [f"home-{number}" for number in range(1, 9)]


def test_a_shards_number_is_one_of_its_count() -> None:
    assert Shard(0, 1).whole
    for number, count in ((1, 1), (-1, 4), (0, 0), (0, 1001)):
        with pytest.raises(ValueError, match="there is no shard"):
            Shard(number, count)


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 64))
def test_every_institution_belongs_to_one_shard(codes: list[str], count: int) -> None:
    shards = [Shard(number, count) for number in range(count)]
    assert all([shard.has(code) for shard in shards].count(True) == 1 for code in codes)


def test_where_an_institution_belongs_never_changes() -> None:
    """Other numbers than these, and running installations lose what their brokers have queued."""
    assert [shard_of(code, 64) for code in ("home-1", "home-2", "安和", "station-9")] == [15, 36, 20, 45]


def test_the_one_shard_subscribes_to_what_it_always_did() -> None:
    assert subscriptions(ROUTES, Shard(0, 1), CODES) == ROUTES.subscriptions
    assert subscriptions(OWN_ROUTES, Shard(0, 1), []) == ("anhu/v1/#",)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_shards_together_hear_every_institution_and_each_hears_only_its_own(count: int) -> None:
    heard: Counter[str] = Counter()
    for number in range(count):
        shard = Shard(number, count)
        routes = ShardRoutes(ROUTES, shard)
        filters = [Filter.parse(each) for each in subscriptions(ROUTES, shard, CODES)]
        for code in CODES:
            for topic in (f"anhu/v1/{code}/d/readings", f"application/{code}/device/d/event/up"):
                taken = [each for each in filters if each.pattern().fullmatch(topic.replace("+", "x"))]
                assert len(taken) == (shard_of(code, count) == number), (topic, number)
                heard[code] += len(taken)
                found = routes.find(topic)
                assert found is not None
                assert (found.format == IGNORE) is (shard_of(code, count) != number)
    assert heard == dict.fromkeys(CODES, 2)


def test_a_gateways_broad_topic_is_asked_for_once_and_others_messages_on_it_are_passed_over() -> None:
    count = 8
    one, two = (Shard(shard_of(code, count), count) for code in ("home-1", "home-2"))
    assert one != two
    assert [each for each in subscriptions(ROUTES, one, CODES) if "zigbee" in each] == ["zigbee2mqtt/#"]
    assert [each for each in subscriptions(ROUTES, two, CODES) if "zigbee" in each] == ["zigbee2mqtt/home-2/+"]
    found = ShardRoutes(ROUTES, one).find("zigbee2mqtt/home-2/smoke")
    assert found is not None
    assert found.format == IGNORE
    alone = Shard(0, 1)
    assert "other/#" in subscriptions(ROUTES, alone, CODES)
    assert not any(
        "other" in each for number in range(count) for each in subscriptions(ROUTES, Shard(number, count), CODES)
    )


@given(st.integers(1, 200), st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=20))
def test_fair_shares_add_up_and_differ_by_one_at_most(count: int, workers: set[int]) -> None:
    shares = [fair_share(count, sorted(workers), worker) for worker in workers]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


def test_a_free_shard_is_left_for_a_moment_to_whom_it_was() -> None:
    me = Sharing(2, 1)
    me.joined(0.0, again=False)
    alone = View(frozenset({1}), {}, {})
    assert me.moves(alone, frozenset(), frozenset(), 0.0).take == {}
    taken = me.moves(alone, frozenset(), frozenset(), max(SETTLE_S, TAKE_AFTER_S)).take
    assert taken == {0: Why.FREE, 1: Why.FREE}

    me.joined(100.0, again=True)
    back = me.moves(alone, frozenset({1}), frozenset(), 100.0)
    assert back.take == {1: Why.OURS}
    later = View(frozenset({1}), {1: 1}, {})
    assert me.moves(later, frozenset({1}), frozenset(), 100.0 + TAKE_AFTER_S).take == {}
    assert me.moves(later, frozenset({1}), frozenset(), 100.0 + RESETTLE_S).take == {0: Why.FREE}


def test_a_shard_with_which_we_failed_is_left_to_others_for_a_while() -> None:
    me = Sharing(2, 1)
    me.joined(0.0, again=False)
    alone = View(frozenset({1}), {}, {})
    me.moves(alone, frozenset(), frozenset(), 0.0)
    assert me.moves(alone, frozenset(), frozenset({0}), 5.0).take == {1: Why.FREE}


def test_what_lies_in_a_machines_spool_brings_the_shard_there() -> None:
    mine, theirs = Sharing(4, 1), Sharing(4, 2)
    for each in (mine, theirs):
        each.joined(0.0, again=False)
    view = View(frozenset({1, 2}), {0: 1, 1: 1, 2: 2, 3: 2}, {2: 1})
    assert theirs.moves(view, frozenset({2, 3}), frozenset(), 9.0).give == {2: Why.TO_SPOOL}
    free = View(view.workers, {0: 1, 1: 1, 3: 2}, {2: 1})
    assert mine.moves(free, frozenset({0, 1}), frozenset(), 9.0).take == {2: Why.SPOOLED}
    assert theirs.moves(free, frozenset({3}), frozenset(), 20.0).take == {}
    ill = View(
        view.workers, {0: 1, 1: 1, 3: 2}, {2: 1}, ill=frozenset({1})
    )  # which cannot bring it in: judging goes first
    assert theirs.moves(ill, frozenset({3}), frozenset(), 21.0).take == {2: Why.FREE}
    full = View(view.workers, {0: 1, 1: 1, 2: 1, 3: 2}, {2: 1})
    given_ = mine.moves(full, frozenset({0, 1, 2}), frozenset(), 20.0).give
    assert given_ == {1: Why.TO_SHARE}  # and not the one whose spool is being brought in


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 24))
def test_whatever_comes_and_goes_each_shard_is_served_once_and_shares_are_fair(
    seed: int, workers: int, shards: int
) -> None:
    crew = Crew(shards, Timings(warm_s=0.5), seed)
    hired = [crew.hire() for _ in range(workers)]
    crew.settle(15.0)
    hired.append(crew.hire())
    crew.settle(15.0)
    crew.kill(hired[seed % len(hired)])
    crew.settle(15.0)
    crew.restart_database()
    before = crew.moves
    crew.settle(15.0)
    crew.run(10.0)
    assert crew.moves == before  # everybody has the shards back that it had
    assert crew.settled()


def test_an_ill_worker_keeps_what_it_serves_and_the_others_take_what_it_cannot() -> None:
    ill, fit = Sharing(4, 1), Sharing(4, 2)
    for each in (ill, fit):
        each.joined(0.0, again=False)
    view = View(frozenset({1, 2}), {0: 1, 2: 2, 3: 2}, {}, ill=frozenset({1}))
    for each, serving in ((ill, {0}), (fit, {2, 3})):
        each.moves(view, frozenset(serving), frozenset(), 0.0)
    assert ill.moves(view, frozenset({0}), frozenset(), 9.0) == Moves()
    assert fit.moves(view, frozenset({2, 3}), frozenset(), 9.0) == Moves({1: Why.FREE})
    both = View(view.workers, view.claimed, {}, ill=view.workers)  # then it is the shard: each tries as ever
    assert ill.moves(both, frozenset({0}), frozenset(), 9.5).take == {1: Why.FREE}


def test_a_dead_machine_that_returns_brings_in_what_it_had_and_shares_again() -> None:
    crew = Crew(8, Timings(warm_s=0.5), 7)
    hired = [crew.hire() for _ in range(3)]
    crew.settle(15.0)
    crew.kill(hired[0])
    crew.settle(15.0)
    back = crew.hire()
    crew.leave_spooled(back, [1, 5])
    crew.run(10.0)
    assert [crew.owner(shard) for shard in (1, 5)] == [back, back]
    crew.bring_in(1)
    crew.bring_in(5)
    crew.settle(15.0)
