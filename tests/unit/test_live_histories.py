"""Whatever happens to the database, the dashboard and the pages: no page is left without an open alert."""

import os
from random import Random

from tests.unit.live_world import DEVICES, PAGES, LiveWorld

HISTORIES = int(os.environ.get("ANHU_LIVE_HISTORIES", "300"))
STEPS = 120
WEIGHTS = {
    "engine": 8, "person": 3, "hear": 3, "lose_database": 1, "find_database": 1, "drain": 2, "follow": 4, "stand_by": 4,
    "flush": 4, "connect": 5, "disconnect": 1, "stall": 1, "restart": 0.5,
}  # fmt: skip


def live_through(world: LiveWorld, random: Random, steps: int) -> None:
    """So many things happen, one after the other."""
    for step in random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=steps):
        if step in {"connect", "disconnect", "stall"}:
            getattr(world, step)(world.pages[random.randrange(PAGES)])
        elif step in {"engine", "person"}:
            getattr(world, step)(random.randrange(DEVICES))
        elif step in {"lose_database", "drain"}:
            getattr(world, step)(random.randrange(4))
        else:
            getattr(world, step)()


def test_snapshot_and_stream_lead_every_page_to_what_the_log_says():
    for seed in range(HISTORIES):
        world = LiveWorld()
        live_through(world, Random(seed), STEPS)
        world.settle()
        for page in world.pages:
            assert page.client is not None, f"history {seed}"
            assert page.open == world.open_now(), f"history {seed}"


def test_an_alert_is_on_every_connected_page_whether_log_or_spool_has_it():
    """At any moment, once followers have looked and the round is written: nothing waits for the database."""
    for seed in range(HISTORIES):
        world, random = LiveWorld(), Random(seed)
        for _ in range(8):
            live_through(world, random, STEPS // 8)
            world.stand_by()
            world.follow()
            world.flush()
            for page in world.pages:
                if page.client is not None and page.reading:
                    page.read()
                    assert world.calling() <= page.calling, f"history {seed}"


def test_a_page_that_does_not_read_is_parted_with_and_comes_back_to_everything():
    world = LiveWorld()
    slow, quick, _ = world.pages
    for page in (slow, quick):
        world.connect(page)
    world.stall(slow)
    for number in range(60):
        world.engine(number % DEVICES)
        world.follow()
        world.flush()
    assert slow.client is None
    assert quick.client is not None
    assert quick.open == world.open_now()
    world.settle()
    assert slow.open == world.open_now() != {}
