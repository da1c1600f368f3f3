"""The seam between snapshot and stream, under random interleavings; slow clients; ended sessions."""

import asyncio
import itertools
import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from dashboard.hub import SIGNED_OUT, SLOW, Client, Frame, Hub


def frames(cursors: Iterable[int]) -> list[Frame]:
    return [Frame(cursor, json.dumps({"cursor": cursor})) for cursor in cursors]


def snapshot(cursor: int) -> Frame:
    return Frame(cursor, json.dumps({"snapshot": cursor}))


def drain(client: Client) -> list[dict[str, int]]:
    async def run():
        return [json.loads(await client.next() or "null") for _ in range(client.waiting_count)]

    return asyncio.run(run())


@given(st.lists(st.integers(1, 5), max_size=40), st.data())
def test_a_client_sees_every_event_after_its_snapshot_exactly_once(steps, data):
    """The hub lags behind the log; a client comes at any time, with a snapshot as old or as new as any."""
    log = list(itertools.accumulate(steps))  # numbers have gaps: of events whose transaction failed
    taken = data.draw(st.sampled_from([0, *log]))  # may be ahead of what the hub has published, or behind
    join_after = data.draw(st.integers(0, len(log)))
    hub = Hub(ring_count_max=8)
    hub.resync(snapshot(0))
    client = Client(b"", 1000)
    published, joined_at = 0, None
    while joined_at is None or published < len(log):
        if joined_at is None and published >= join_after:
            joined_at = published
            if not hub.admit(client, snapshot(taken)):
                assert taken < log[joined_at - 9]  # only where the ring has run past it
                return
        count = data.draw(st.integers(1, 4))
        hub.publish(frames(log[published : published + count]))
        published = min(published + count, len(log))
    assert [{"snapshot": taken}, *({"cursor": each} for each in log if each > taken)] == drain(client)


def test_a_snapshot_the_ring_has_run_past_is_refused():
    hub = Hub(ring_count_max=3)
    hub.resync(snapshot(0))
    hub.publish(frames(range(1, 11)))
    client = Client(b"", 100)
    assert not hub.admit(client, snapshot(6))
    assert client not in hub.clients
    assert hub.admit(client, snapshot(7))
    assert drain(client) == [{"snapshot": 7}, {"cursor": 8}, {"cursor": 9}, {"cursor": 10}]


def test_a_slow_client_is_closed_and_the_others_go_on():
    slow_count = 0

    def slow():
        nonlocal slow_count
        slow_count += 1

    hub = Hub(ring_count_max=100, on_slow=slow)
    stuck, quick = Client(b"", 5), Client(b"", 50)
    assert hub.admit(stuck, snapshot(0))
    assert hub.admit(quick, snapshot(0))
    hub.publish(frames(range(1, 21)))
    assert stuck.closing is not None
    assert stuck.closing.code == SLOW
    assert stuck.waiting_count == 0  # nothing is kept for it
    assert slow_count == 1
    assert len(drain(quick)) == 21


def test_after_a_resync_everybody_begins_again():
    hub = Hub(ring_count_max=100)
    client = Client(b"", 50)
    hub.admit(client, snapshot(0))
    hub.publish(frames([1, 2]))
    hub.resync(snapshot(9))
    hub.publish(frames([10]))
    assert drain(client) == [{"snapshot": 0}, {"cursor": 1}, {"cursor": 2}, {"snapshot": 9}, {"cursor": 10}]
    assert not hub.admit(Client(b"", 50), snapshot(8))


def test_clients_of_an_ended_session_are_closed():
    hub = Hub(ring_count_max=10)
    one, two = Client(b"one", 10), Client(b"two", 10)
    hub.admit(one, snapshot(0))
    hub.admit(two, snapshot(0))
    hub.end_sessions(lambda session: session == b"one")
    assert one.closing is not None
    assert one.closing.code == SIGNED_OUT
    assert two.closing is None
    assert asyncio.run(one.next()) is None
