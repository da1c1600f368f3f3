"""Two dashboards on one database: each follows the log by itself, whichever of them somebody acts on."""

from contextlib import ExitStack

import httpx
import pytest

from alerting.alert import Verb
from tests.integration.dashboard_world import build, frames, serve, sign_in

pytestmark = pytest.mark.integration


def test_what_happens_on_one_is_seen_on_the_other_and_one_that_ends_is_no_loss(database_url: str) -> None:
    world = build(database_url)
    with serve(world) as first, ExitStack() as other:
        second = other.enter_context(serve(world))
        here, there = first.client(), second.client()
        with first.socket(here) as seen_here, second.socket(there) as seen_there:
            frames(seen_here, 1, "snapshot")
            frames(seen_there, 1, "snapshot")
            raised = world.say(Verb.RAISE)
            told = [frames(socket, 1)[0] for socket in (seen_here, seen_there)]
            assert told[0] == told[1]
            here.post(f"/api/alerts/{raised.id}/acknowledge", json={"version": 1, "note": None}).raise_for_status()
            told = [frames(socket, 1)[0] for socket in (seen_here, seen_there)]
            assert told[0] == told[1]
            assert told[0]["event"]["verb"] == "acknowledge"
            stale = there.post(f"/api/alerts/{raised.id}/acknowledge", json={"version": 1, "note": None})
            assert stale.status_code == 409  # what the other has recorded counts here
        session = httpx.Cookies(there.cookies)
        other.close()
        with httpx.Client(base_url=first.url, headers={"Origin": first.url}, cookies=session) as moved:
            assert moved.get("/api/session").json()["username"] == "admin"  # a session is no one dashboard's
        with first.socket(here) as seen_here:
            frames(seen_here, 1, "snapshot")
            world.say(Verb.RAISE, 1)
            assert frames(seen_here, 1)[0]["event"]["verb"] == "raise"


def test_who_is_signed_out_on_one_is_so_on_the_other(shared_database_url: str) -> None:
    world = build(shared_database_url)
    with serve(world) as first, serve(world) as second:
        client = first.client()
        elsewhere = second.client(signed_in=False)
        elsewhere.cookies = client.cookies
        assert elsewhere.get("/api/session").status_code == 200
        client.delete("/api/session").raise_for_status()
        assert elsewhere.get("/api/session").status_code == 401
        sign_in(elsewhere, world.password).raise_for_status()
