"""What one person is sent now, and what waits: bounded, the fire first and alone, and nothing left out."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import Alert, Kind, Priority, Source
from alerting.delivery import Form
from alerting.digest import Bundle, Item, Sent, bundle
from alerting.escalation import default_policy, parse
from alerting.ladder import Telling, TellingKey

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
GROUPING = parse(default_policy()).grouping


def alert(number: int, kind: Kind = Kind.FIRE, priority: Priority = Priority.CRITICAL, institution: int = 1) -> Alert:
    source = Source(institution, institution * 1000 + number % 7, number)
    return Alert(
        id=uuid.UUID(int=number), source=source, kind=kind, priority=priority, latching=False, active=True,
        acknowledged=False, latched=False, rules=frozenset({"r"}), version=1, occurrences=1, onset_at=NOW,
        raised_at=NOW, called_at=NOW, evidence={},
    )  # fmt: skip


def item(made: Alert, hold_until: datetime | None = None, gather_s: float = 0.0) -> Item:
    return Item(Telling(TellingKey(made.id, 1, 1, 0, 9), NOW, hold_until=hold_until), made, gather_s)


def forms(found: Bundle) -> list[tuple[Form, int]]:
    return [(message.form, len(message.items)) for message in found.messages]


def test_a_fire_goes_first_and_alone_and_the_rest_waits_to_go_together() -> None:
    faults = [item(alert(number, Kind.SENSOR_FAULT, Priority.MEDIUM)) for number in range(2, 50)]
    found = bundle([*faults, item(alert(1))], [], GROUPING, NOW)
    assert forms(found) == [(Form.ALONE, 1)]
    assert len(found.held) == 48
    later = NOW + timedelta(seconds=GROUPING.group_s)
    assert {until for _, until in found.held} == {later}
    released = [replace(each, telling=replace(each.telling, hold_until=until)) for each, until in found.held]
    assert forms(bundle(released, [Sent(NOW, Form.ALONE, 1, 1001)], GROUPING, later)) == [(Form.GROUP, 48)]


def test_a_fire_goes_alone_even_after_falls_have_used_the_bound() -> None:
    recent = [Sent(NOW - timedelta(seconds=20), Form.ALONE, n, n) for n in range(GROUPING.alone_per_minute_max)]
    assert forms(bundle([item(alert(1))], recent, GROUPING, NOW)) == [(Form.ALONE, 1)]
    fall = alert(1, Kind.FALL, Priority.HIGH)
    assert forms(bundle([item(fall)], recent, GROUPING, NOW)) == [(Form.SINGLE, 1)]


def test_many_institutions_at_once_are_one_digest() -> None:
    faults = [item(alert(n, Kind.OFFLINE, Priority.HIGH, institution=n)) for n in range(1, 500)]
    assert forms(bundle(faults, [], GROUPING, NOW)) == [(Form.DIGEST, 499)]


def test_what_has_waited_does_not_wait_for_others_again() -> None:
    held = [item(alert(number), hold_until=NOW) for number in range(1, 40)]
    found = bundle(held, [Sent(NOW - timedelta(seconds=1), Form.ALONE, 1, 1001)], GROUPING, NOW)
    assert found.held == ()


def test_what_a_route_gathers_waits_and_goes_as_one() -> None:
    found = bundle([item(alert(1, Kind.LOW_BATTERY, Priority.LOW), gather_s=3600)], [], GROUPING, NOW)
    assert found.messages == ()
    assert found.held[0][1] == NOW + timedelta(hours=1)


ALERTS = st.lists(
    st.tuples(
        st.sampled_from([Kind.FIRE, Kind.FALL, Kind.OFFLINE, Kind.SENSOR_FAULT]), st.sampled_from(Priority),
        st.integers(1, 40), st.floats(0, 120),
    ),
    max_size=60,
)  # fmt: skip


@given(ALERTS)
def test_everything_goes_in_the_end_and_no_minute_holds_more_than_the_bound(planned: Sequence[tuple]) -> None:
    """Plays two minutes of alerts, and then until nothing is held."""
    arriving = [
        (at_s, item(alert(n, kind, priority, place))) for n, (kind, priority, place, at_s) in enumerate(planned, 1)
    ]
    sent: list[Sent] = []
    told: list[TellingKey] = []
    held: list[Item] = []
    for second in range(400):
        now = NOW + timedelta(seconds=second)
        new = [each for at_s, each in arriving if second - 1 < at_s <= second]
        found = bundle([*new, *held], sent, GROUPING, now)
        held = [replace(each, telling=replace(each.telling, hold_until=until)) for each, until in found.held]
        for message in found.messages:
            source = message.items[0].alert.source
            place = None if message.form is Form.DIGEST else source.institution_id
            sent.append(Sent(now, message.form, place, source.zone_id))
            told += [each.telling.key for each in message.items]
        minute = [each for each in sent if each.at > now - timedelta(seconds=60)]
        assert sum(each.form is Form.ALONE for each in minute) <= GROUPING.alone_per_minute_max + 2
        assert sum(each.form is not Form.ALONE for each in minute) <= GROUPING.messages_per_minute_max + 2
    assert held == []
    assert sorted(told) == sorted(each.telling.key for _, each in arriving)
