"""Whatever fails and dies: every critical alarm ends acknowledged or at the end of its policy, every message arrives by
some way if any works, and none arrives twice by the same way unless an answer was lost.

ANHU_HISTORIES sets how many random histories are played, ANHU_SEED the first seed.
"""

import os
from collections import defaultdict

import pytest

from alerting.alert import Kind, Priority
from alerting.delivery import State
from alerting.ladder import Ending
from alerting.suppression import LIFE_SAFETY
from tests.unit.notify_simulation import World, unanswered_of

HISTORIES = int(os.environ.get("ANHU_HISTORIES", "1000"))
FIRST_SEED = int(os.environ.get("ANHU_SEED", "1"))
PER_TEST = 100


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + HISTORIES, PER_TEST))
def test_no_alarm_is_lost_in_random_histories(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST_SEED + HISTORIES)):
        world = World(seed)
        world.run()
        try:
            every_alarm_came_to_an_end(world)
            every_message_arrived(world)
            nothing_was_told_twice(world)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def every_alarm_came_to_an_end(world: World) -> None:
    newest = {}
    for (number, _), ladder in sorted(world.store.ladders.items(), key=lambda each: each[1].call):
        newest[number] = ladder
    for alert in world.store.alerts.values():
        ladder = newest.get(alert.id)
        must = alert.kind in LIFE_SAFETY | {Kind.SYSTEM} and alert.priority is Priority.CRITICAL
        if alert.acknowledged:
            assert ladder is None or ladder.ended_at is not None, f"{alert.kind} is acknowledged and still calls"
            continue
        if not must:
            continue
        assert ladder is not None, f"{alert.kind} called nobody"
        assert ladder.called_at == alert.called_at, f"{alert.kind} did not call again"
        assert ladder.ending is Ending.POLICY_END, f"{alert.kind} ended {ladder.ending}"
        assert unanswered_of(world, alert, ladder), f"{alert.kind}: nobody was told that nobody answered"


def every_message_arrived(world: World) -> None:
    for push in world.store.pushes.values():
        ways = world.store.deliveries[push.id]
        assert ways, "a message without a way to go"
        assert all(each.state not in (State.WAITING, State.SENDING) for each in ways.values()), "a message still waits"
        sent = any(each.state is State.SENT for each in ways.values())
        given_up = all(each.state is State.DEAD for each in ways.values())
        settled = push.alert_id is not None and any(each.state is State.UNNEEDED for each in ways.values())
        assert sent or given_up or settled, f"{[each.state for each in ways.values()]}"
        if sent:
            assert any(world.received[push.id, number] for number in ways), "sent, but never received"
    for telling in world.store.tellings.values():
        assert telling.push_id is not None or telling.dropped, "something is still held back"


def nothing_was_told_twice(world: World) -> None:
    for key, times in world.received.items():
        assert times <= 1 + world.lost[key], f"arrived {times} times with {world.lost[key]} answers lost"
    pushes = defaultdict(set)
    for telling in world.store.tellings.values():
        if telling.push_id is not None:
            pushes[telling.key].add(telling.push_id)
    assert all(len(found) == 1 for found in pushes.values())
