"""The board and the stream after it: nothing missed, nothing twice, nothing outside a scope; slow and ended clients."""

import asyncio
import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.people import Person, Role, Scope
from dashboard.hub import PART_COUNT, SIGNED_OUT, SLOW, Client, Frame, Hub, Place, Shown, Update, on_wire

NOW = datetime(2026, 11, 22, tzinfo=UTC)
EVERYWHERE = Scope()
PLACES = [Place(None, ""), Place(1, "220322"), Place(2, "220322"), Place(3, "220381"), Place(4, "310101"), Place(5, "")]
SCOPES = [EVERYWHERE, Scope(1), Scope(4), Scope(None, "22"), Scope(None, "2203"), Scope(None, "220322")]


class FakeWire:
    """Takes everything, and remembers it."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        self.waiting_bytes = 0

    def post(self, data: bytes) -> None:
        self.posted.append(data)

    def messages(self) -> list[dict]:
        """What a websocket at the other end makes of it."""
        found, data = [], b"".join(self.posted)
        while data:
            assert data[0] == 0x81
            length, start = data[1], 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(data[2:10], "big"), 10
            found.append(json.loads(data[start : start + length]))
            data = data[start + length :]
        return found


def client(scope: Scope = EVERYWHERE, session: bytes = b"", role: Role = Role.OPERATOR) -> tuple[Client, FakeWire]:
    wire = FakeWire()
    return Client(wire, session, Person(1, "x", role, scope), 1000), wire


def update(cursor: int, place: Place = PLACES[1], *, closed: bool = False) -> Update:
    shown = None if closed else Shown(place, (cursor,), json.dumps({"id": cursor}))
    return Update([Frame(place, on_wire(json.dumps({"cursor": cursor})))], {"alerts": {cursor: shown}}, cursor)


def begun(*updates: Update) -> Hub:
    hub = Hub()
    hub.publish([Update((), {"alerts": {}, "institutions": {}}, 0, fresh=True)], NOW)
    hub.publish(updates, NOW)
    return hub


@given(st.lists(st.sampled_from(PLACES), max_size=30), st.integers(0, 30), st.sampled_from(SCOPES))
def test_a_client_sees_each_event_of_their_scope_once_be_it_in_the_snapshot_or_after_it(places, join_after, scope):
    hub = begun()
    one, wire = client(scope)
    for number, place in enumerate(places, start=1):
        if number - 1 == min(join_after, len(places)):
            assert hub.admit(one, NOW)
        hub.publish([update(number, place)], NOW)
    if one not in hub.clients:
        assert hub.admit(one, NOW)
    snapshot, *rest = wire.messages()
    seen = [each["id"] for each in snapshot["alerts"]] + [each["cursor"] for each in rest]
    assert seen == [number for number, place in enumerate(places, start=1) if place.within(scope)]


def test_before_there_is_a_picture_nobody_is_admitted():
    assert not Hub().admit(client()[0], NOW)


def test_a_snapshot_holds_what_is_open_in_order_and_every_section():
    hub = begun(update(3), update(1), update(2), update(3, closed=True))
    one, wire = client()
    hub.admit(one, NOW)
    [snapshot] = wire.messages()
    assert snapshot == {
        "type": "snapshot", "cursor": 3, "server_time": "2026-11-22T00:00:00.000Z", "database_away": False,
        "alerts": [{"id": 1}, {"id": 2}], "institutions": [], "duty_checks": [], "drills": [], "parts": 0,
    }  # fmt: skip


def test_a_long_snapshot_comes_in_parts_with_the_worst_first_and_nothing_between_them():
    count = 2 * PART_COUNT + 7
    hub = begun(*(update(number) for number in range(count, 0, -1)))
    one, wire = client()
    hub.admit(one, NOW)
    hub.publish([update(count + 1)], NOW)
    first, *parts, after = wire.messages()
    assert (first["type"], len(first["alerts"]), first["parts"]) == ("snapshot", PART_COUNT, 2)
    assert [(each["type"], len(each["alerts"]), each["parts"]) for each in parts] == [
        ("snapshot_part", PART_COUNT, 1), ("snapshot_part", 7, 0),
    ]  # fmt: skip
    seen = [each["id"] for frame in (first, *parts) for each in frame["alerts"]]
    assert seen == list(range(1, count + 1))
    assert after == {"cursor": count + 1}


class UnreadWire(FakeWire):
    """Nobody reads at the other end."""

    def post(self, data: bytes) -> None:
        super().post(data)
        self.waiting_bytes += len(data)


def test_a_snapshot_larger_than_what_may_wait_does_not_part_with_whoever_asked_for_it():
    hub = begun(*(update(number) for number in range(1, 2 * PART_COUNT)))
    slow, quick = UnreadWire(), UnreadWire()
    one, other = (Client(wire, b"", Person(1, "x", Role.OPERATOR, EVERYWHERE), 1000) for wire in (slow, quick))
    for each in (one, other):
        hub.admit(each, NOW)
    assert slow.waiting_bytes > 1000
    hub.publish([update(5000)], NOW)
    assert (one.closing, other.closing) == (None, None)  # both are still reading the snapshot
    quick.waiting_bytes = 0
    for number in range(5001, 5200):
        hub.publish([update(number)], NOW)
        quick.waiting_bytes = 0
    assert one.closing is not None, "too slow for what comes after it"
    assert other.closing is None
    quick.waiting_bytes = 1001
    hub.publish([update(5300)], NOW)
    assert other.closing is not None, "once the snapshot has left it excuses nothing"


def test_a_fresh_picture_replaces_what_it_names_and_everybody_begins_again():
    hub = begun(update(1))
    hub.publish([Update((), {"drills": {7: Shown(PLACES[1], (0,), "7")}})], NOW)
    one, wire = client()
    hub.admit(one, NOW)
    hub.publish([Update((), {"alerts": {9: Shown(PLACES[1], (0,), '{"id":9}')}}, 9, fresh=True), update(10)], NOW)
    first, second, third = wire.messages()
    assert (first["alerts"], first["drills"]) == ([{"id": 1}], [7])
    assert (second["alerts"], second["drills"], second["cursor"]) == ([{"id": 9}], [7], 9)
    assert third == {"cursor": 10}


@given(
    st.lists(st.one_of(st.sampled_from(PLACES), st.none()), min_size=1, max_size=20),
    st.lists(st.integers(1, 20), max_size=5),
    st.sampled_from(SCOPES),
)
def test_several_changes_in_one_write_say_what_they_say_one_by_one(places, cuts, scope):
    """None: everything begins anew."""
    updates = [
        Update((), {"alerts": {-number: Shown(PLACES[1], (number,), str(number))}}, number, fresh=True)
        if place is None
        else update(number, place)
        for number, place in enumerate(places, start=1)
    ]
    one_by_one, together = begun(), begun()
    (first, first_wire), (second, second_wire) = client(scope), client(scope)
    one_by_one.admit(first, NOW)
    together.admit(second, NOW)
    for each in updates:
        one_by_one.publish([each], NOW)
    edges = sorted({0, len(updates), *(cut for cut in cuts if cut < len(updates))})
    for start, end in itertools.pairwise(edges):
        together.publish(updates[start:end], NOW)
    assert second_wire.messages() == first_wire.messages()
    assert len(second_wire.posted) <= len(edges)
    assert together.board.snapshot(scope, NOW) == one_by_one.board.snapshot(scope, NOW)


def test_the_pause_grows_with_the_clients_and_has_a_bound():
    hub = begun()
    assert hub.pause_s == 0
    for _ in range(1000):
        hub.admit(client()[0], NOW)
    assert hub.pause_s == pytest.approx(0.04)
    for _ in range(3000):
        hub.admit(client()[0], NOW)
    assert hub.pause_s == pytest.approx(0.1)


def test_a_slow_client_is_closed_and_the_others_go_on():
    slow_count = 0

    def slow():
        nonlocal slow_count
        slow_count += 1

    hub = Hub(on_slow=slow)
    hub.publish([Update((), {}, 0, fresh=True)], NOW)
    (stuck, stuck_wire), (quick, quick_wire) = client(), client()
    hub.admit(stuck, NOW)
    hub.admit(quick, NOW)
    stuck_wire.waiting_bytes = 1001
    hub.publish([update(1)], NOW)
    hub.publish([update(2)], NOW)
    assert stuck.closing is not None
    assert stuck.closing.code == SLOW
    assert slow_count == 1
    assert len(stuck_wire.messages()) == 1
    assert len(quick_wire.messages()) == 3
    asyncio.run(asyncio.wait_for(stuck.ended(), 1))


def test_clients_of_an_ended_session_are_closed():
    hub = begun()
    (one, _), (two, _) = client(session=b"one"), client(session=b"two")
    hub.admit(one, NOW)
    hub.admit(two, NOW)
    hub.end_sessions(lambda session: session == b"one")
    assert one.closing is not None
    assert one.closing.code == SIGNED_OUT
    assert two.closing is None


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        ({}, SIGNED_OUT),
        ({b"s": Person(1, "y", Role.OPERATOR, Scope(1))}, None),
        ({b"s": Person(1, "x", Role.EXPERT, Scope(1))}, SLOW),
        ({b"s": Person(1, "x", Role.OPERATOR, Scope(2))}, SLOW),
    ],
)
def test_who_may_do_less_or_more_now_comes_again(standing, code):
    hub = begun()
    (one, _), (unasked, _) = client(Scope(1), b"s"), client(Scope(1), b"t")
    hub.admit(one, NOW)
    hub.admit(unasked, NOW)
    hub.compare({b"s"}, standing)
    assert (one.closing and one.closing.code) == code
    assert unasked.closing is None


def test_who_has_left_is_told_nothing():
    hub = begun()
    one, wire = client(Scope(1))
    hub.admit(one, NOW)
    hub.dismiss(one)
    hub.dismiss(one)
    hub.publish([update(1)], NOW)
    assert len(wire.messages()) == 1
