"""kill -9 of a real notifier process at every step, while alarms keep coming: every message arrives, and only where an
answer was lost does one arrive twice."""

import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from alerting.alert import Kind, Priority
from alerting.people import Role
from tests.integration.dying_notifier import STEPS
from tests.integration.forker import Fork, Forker
from tests.integration.notify_world import NotifyWorld, webhook
from tests.integration.providers import Request, Say, provider
from tests.integration.world import home_of
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
ALARMS_MAX = 800
SEED = 11


def test_killed_at_every_step_every_message_still_arrives(database_url: str) -> None:
    world = NotifyWorld(database_url, home_of(ALARMS_MAX + 1))
    world.policy(
        ("group_s = 10 ", "group_s = 1 "),
        ("alone_per_minute_max = 3 ", "alone_per_minute_max = 60 "),
        ("messages_per_minute_max = 6 ", "messages_per_minute_max = 60 "),
    )
    chance = random.Random(SEED)

    def behave(_request: Request) -> Say:
        return Say({"ok": 1}, wait_s=chance.choice((0.0, 0.0, 0.05)))

    with ExitStack() as stack, provider(behave) as server:
        for number in range(3):
            world.person(f"值班{number}", Role.OPERATOR, [webhook(server.url, f"/{number}")])
        dying_over = threading.Event()
        raised: list[int] = []

        def keep_raising() -> None:  # for as long as notifiers die: each step needs something to die of
            like = world.event("d0001")
            for (device,) in world.rows("SELECT id FROM devices ORDER BY id LIMIT %s", ALARMS_MAX):
                if dying_over.wait(0.35):
                    break
                world.say(world.event_at(like, device, Kind.FIRE, Priority.CRITICAL))
                raised.append(device)

        raising = threading.Thread(target=keep_raising)
        raising.start()
        forker = stack.enter_context(Forker("tests.integration.dying_notifier"))
        plan = [(step, times) for step in STEPS[:-1] for times in (1, 3)]
        try:
            for step, times in plan:
                with life(forker, database_url, step, times) as dying:
                    assert dying.wait(60) == -9, step
        finally:
            dying_over.set()
            raising.join(60)
        with life(forker, database_url, "never", 1):
            wait_until(lambda: told_everybody(world, len(raised)), "everybody is told", time_s_max=60)
        received = Counter(request.headers["idempotency-key"] for request in server.requests)
    rows = world.rows("SELECT push_id || '.' || contact_id, state, lost_answers FROM deliveries")
    assert world.count("tellings", "push_id IS NULL AND NOT dropped") == 0
    assert {state for _, state, _ in rows} == {"sent"}
    for key, _, lost in rows:
        assert 1 <= received[key] <= 1 + lost, (key, received[key], lost)
    told = world.rows("SELECT count(DISTINCT (alert_id, person_id)) FROM tellings WHERE step = 1 AND round = 0")
    assert told == [(3 * len(raised),)]
    twice = sum(count - 1 for count in received.values())
    sys.stdout.write(f"{len(plan)} kills, {len(rows)} messages, {twice} arrived twice after a lost answer\n")
    assert twice <= len(plan) * 8  # no more than were on their way


@contextmanager
def life(forker: Forker, database_url: str, step: str, times: int) -> Iterator[Fork]:
    fork = forker.run(database_url, step, times)
    try:
        yield fork
    finally:
        fork.kill()
        fork.wait()


def told_everybody(world: NotifyWorld, alarms: int) -> bool:
    # In one statement: between two of them the notifier may put its last messages into the outbox.
    [(waiting, told)] = world.rows(
        "SELECT (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending'))"
        " + (SELECT count(*) FROM tellings WHERE push_id IS NULL AND NOT dropped),"
        " (SELECT count(DISTINCT (alert_id, person_id)) FROM tellings WHERE step = 1 AND round = 0)"
    )
    return waiting == 0 and told == 3 * alarms
