"""kill -9 of a real notifier process at every step, while alarms keep coming: every message arrives, and only where an
answer was lost does one arrive twice."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from alerting.alert import Kind, Priority
from alerting.people import Role
from tests.commands import environment
from tests.integration.dying_notifier import STEPS
from tests.integration.notify_world import NotifyWorld, webhook
from tests.integration.providers import Request, Say, provider
from tests.integration.world import home_of
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
ALARMS = 60
SEED = 11


def test_killed_at_every_step_every_message_still_arrives(database_url: str) -> None:
    world = NotifyWorld(database_url, home_of(ALARMS + 1))
    world.policy(
        ("group_s = 10 ", "group_s = 1 "),
        ("alone_per_minute_max = 3 ", "alone_per_minute_max = 60 "),
        ("messages_per_minute_max = 6 ", "messages_per_minute_max = 60 "),
    )
    chance = random.Random(SEED)

    def behave(_request: Request) -> Say:
        return Say({"ok": 1}, wait_s=chance.choice((0.0, 0.0, 0.05)))

    with provider(behave) as server:
        for number in range(3):
            world.person(f"值班{number}", Role.OPERATOR, [webhook(server.url, f"/{number}")])
        over = threading.Event()

        def keep_raising() -> None:
            like = world.event("d0001")
            for (device,) in world.rows("SELECT id FROM devices ORDER BY id LIMIT %s", ALARMS):
                world.say(world.event_at(like, device, Kind.FIRE, Priority.CRITICAL))
                time.sleep(0.35)
            over.set()

        raising = threading.Thread(target=keep_raising)
        raising.start()
        plan = [(step, times) for step in STEPS[:-1] for times in (1, 3)]
        for step, times in plan:
            assert life(database_url, step, times).wait(40) == -9, step
        raising.join(60)
        last = life(database_url, "never", 1)
        try:
            wait_until(lambda: over.is_set() and told_everybody(world), "everybody is told", time_s_max=60)
        finally:
            last.kill()
            last.wait()
        received = Counter(request.headers["idempotency-key"] for request in server.requests)
    rows = world.rows("SELECT push_id || '.' || contact_id, state, lost_answers FROM deliveries")
    assert world.count("tellings", "push_id IS NULL AND NOT dropped") == 0
    assert {state for _, state, _ in rows} == {"sent"}
    for key, _, lost in rows:
        assert 1 <= received[key] <= 1 + lost, (key, received[key], lost)
    told = world.rows("SELECT count(DISTINCT (alert_id, person_id)) FROM tellings WHERE step = 1 AND round = 0")
    assert told == [(3 * ALARMS,)]
    twice = sum(count - 1 for count in received.values())
    sys.stdout.write(f"{len(plan)} kills, {len(rows)} messages, {twice} arrived twice after a lost answer\n")
    assert twice <= len(plan) * 8  # no more than were on their way


def life(database_url: str, step: str, times: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.integration.dying_notifier", database_url, step, str(times)]
    return subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)


def told_everybody(world: NotifyWorld) -> bool:
    waiting = world.count("deliveries", "state IN ('waiting', 'sending')") + world.count("tellings", "push_id IS NULL")
    told = world.rows("SELECT count(DISTINCT (alert_id, person_id)) FROM tellings WHERE step = 1 AND round = 0")[0][0]
    return waiting == 0 and told == 3 * ALARMS
