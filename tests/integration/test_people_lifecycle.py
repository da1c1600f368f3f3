"""Several people act on alerts at random, at once and with what they saw some time ago: the rules of the state machine
hold, nobody overwrites anybody, and every act that was accepted, and none else, is in the log with its person."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerting import ledger_store, store
from alerting.alert import Alert, Verb, fold
from alerting.ledger import verify
from alerting.people import RIGHTS, Right, Role
from tests.integration.dashboard_world import Served, frames, serve
from tests.integration.people_world import Two, build_two

pytestmark = pytest.mark.integration

USERS = ("operator", "safety_officer", "institution_manager", "inspector", "expert")
NEEDED = {"acknowledge": Right.ACKNOWLEDGE, "reset": Right.RESET, "comment": Right.COMMENT}


@pytest.fixture
def served(database_url):
    two = build_two(database_url)
    with serve(two.world) as running:
        yield two, running


def act(client: httpx.Client, alert_id: Any, verb: str, version: int) -> httpx.Response:
    body = {"note": "说明"} if verb == "comment" else {"version": version}
    return client.post(f"/api/alerts/{alert_id}/{verb}", json=body)


def folded(two: Two, alert_id: Any) -> Alert:
    """The alert as its log tells it."""
    with two.world.connect() as connection:
        standing = None
        for _, _, event in store.events_of(connection, alert_id):
            standing = fold(standing, event)
    assert standing is not None
    return standing


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*NEEDED, "engine raises", "engine clears"]),
        st.sampled_from(USERS),
        st.integers(0, 2),  # how many versions old what they saw is
    ),
    min_size=1,
    max_size=25,
)


def test_random_acts_of_several_users_keep_to_the_rules(served):
    two, running = served
    clients = {name: two.client(running, name) for name in USERS}
    number = 0

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(STEPS)
    def one_history(steps) -> None:
        nonlocal number
        number += 1
        began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        kind = two.own_alert.kind
        with two.world.connect() as connection:
            # The one place in which one alert may be open: what an earlier history left there is closed.
            connection.execute("UPDATE alerts SET active = false, latched = false, acknowledged = true")
        raised = two.world.say(Verb.RAISE, 2, kind, onset_at=began, at=began, latching=True, rule="r0")
        expected, accepted = raised, 1
        for step, (what, username, stale) in enumerate(steps, start=1):
            at = began + timedelta(seconds=step)
            if what.startswith("engine"):
                verb = Verb.RAISE if what == "engine raises" else Verb.CLEAR
                before = expected
                expected = two.world.say(verb, 2, kind, onset_at=began, at=at, latching=True, rule="r0")
                accepted += expected.version - before.version
                continue
            answer = act(clients[username], raised.id, what, max(1, expected.version - stale))
            allowed = NEEDED[what] in RIGHTS[Role(username)]
            seen = what == "comment" or stale == 0 or expected.version == 1
            legal = {
                "comment": True,
                "acknowledge": not expected.acknowledged,
                "reset": expected.latched and expected.acknowledged and not expected.active,
            }[what]
            assert answer.status_code == (403 if not allowed else 200 if seen and legal else 409), (what, username)
            if answer.status_code == 200:
                accepted += 1
                expected = folded(two, raised.id)
                shown = answer.json()
                assert (shown["version"], shown["state"]) == (expected.version, expected.state.value)
                if what == "acknowledge":
                    assert shown["acknowledged_by"] == f"user:{username}"
        assert folded(two, raised.id).version == accepted

    one_history()
    with two.world.connect() as connection:
        assert list(verify(ledger_store.entries(connection), [], None)) == []


def test_of_many_at_the_same_moment_one_wins_and_all_comments_stay(served):
    two, running = served
    admin = running.client()
    clients = [two.client(running, name) for name in ("operator", "safety_officer", "institution_manager")]
    outcomes: list[tuple[str, int]] = []
    seed = random.Random(7)

    def work(client: httpx.Client, verbs: list[str]) -> None:
        outcomes.extend((verb, act(client, two.own_alert.id, verb, 1).status_code) for verb in verbs)

    with running.socket(admin) as socket:
        frames(socket, 1, "snapshot")
        plans = [seed.sample(["acknowledge"] * 3 + ["comment"] * 5, 8) for _ in clients]
        threads = [threading.Thread(target=work, args=each) for each in zip(clients, plans, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted = Counter(outcomes)
        assert counted["comment", 200] == 15
        assert counted["acknowledge", 200] <= 1  # none where a comment came first: it made the version stale
        events = admin.get(f"/api/alerts/{two.own_alert.id}").json()["events"]
        assert len(events) == 1 + 15 + counted["acknowledge", 200]
        told = frames(socket, len(events) - 1)
        assert [each["event"]["id"] for each in told] == [each["id"] for each in events[1:]]
        actors = Counter(each["actor"] for each in events[1:] if each["verb"] == "comment")
        assert actors == {f"user:{name}": 5 for name in ("operator", "safety_officer", "institution_manager")}


def test_a_comment_needs_words(served: tuple[Two, Served]):
    two, running = served
    client = two.client(running, "expert")
    for note in ("", "x" * 2001, "a\0b"):
        assert client.post(f"/api/alerts/{two.own_alert.id}/comment", json={"note": note}).status_code == 422
