"""Policies are checked as a whole; hours and holidays are China's."""

from datetime import UTC, datetime

import pytest

from alerting.alert import Kind, Priority
from alerting.errors import PolicyInvalid
from alerting.escalation import Occasion, default_policy, is_workday, parse
from tests.unit.test_digest import alert

DEFAULT = parse(default_policy())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00").astimezone(UTC)


def test_the_default_ladder() -> None:
    route = DEFAULT.route(alert(1), "nursing_home")
    assert route is not None
    assert route.id == "life-safety"
    assert not route.clause_verified
    assert [(entry.after_s, entry.step.number, entry.round) for entry in route.entries()] == [
        (0, 1, 0), (60, 2, 0), (60, 3, 0), (180, 4, 0), (300, 1, 1), (300, 5, 0), (600, 1, 2),
    ]  # fmt: skip
    for kind in Kind:
        for priority in Priority:
            assert kind not in {Kind.FIRE, Kind.UNANSWERED, Kind.SYSTEM} or DEFAULT.route(alert(1, kind, priority), "")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("end_s = 900", "end_s = 200", "a step lies at or after the end"),
        ('to = ["safety_officer@institution"]', 'to = ["janitor@institution"]', "janitor@institution"),
        ('kinds = ["fire", "gas", ', 'kinds = ["gas", ', "no route takes a critical fire"),
        ("after_clear = true ", "quiet_hours = true ", "cannot wait for quiet hours"),
        ("after_clear = true ", "gather_s = 60 ", "cannot wait for a digest"),
        ('night = ["22:00", "06:00"]', 'night = ["22:00", "26:00"]', "night must be two times"),
        ("group_s = 10 ", "group_seconds = 10 ", "unknown field group_seconds"),
        ("repeat_s = 300", "repeat_s = 1", "repeat more than"),
        ("failover_s = 20", "failover_s = 0", "failover_s = 0 is not within"),
        ('id = "service"', 'id = "unanswered"', "stands twice"),
        ("mute_s_max = 60 ", "mute_s_max = 3600 ", "mute_s_max = 3600 is not within"),
        ("mutes_max = 3 ", "mutes = 3 ", "unknown field mutes"),
    ],
)  # fmt: skip
def test_errors_are_named(old: str, new: str, problem: str) -> None:
    text = default_policy()
    assert old in text
    with pytest.raises(PolicyInvalid, match=problem):
        parse(text.replace(old, new))


def test_every_error_is_told_at_once() -> None:
    text = default_policy().replace("failover_s = 20", "failover_s = 0").replace("end_s = 900", "end_s = 1")
    with pytest.raises(PolicyInvalid) as refused:
        parse(text)
    assert len(refused.value.problems) == 2


def test_a_policy_from_before_the_sound_keeps_to_ours() -> None:
    head, rest = default_policy().split("[sound]")
    before = parse(head + rest[rest.index("[[route]]") :])
    assert before.sound == DEFAULT.sound
    assert (DEFAULT.sound.mute_s_max, DEFAULT.sound.mutes_max) == (60, 3)


def test_holidays_worked_weekends_and_nights() -> None:
    assert not is_workday(at("2026-10-01T12:00").date())  # National Day
    assert is_workday(at("2026-10-10T12:00").date())  # a Saturday worked in exchange
    assert DEFAULT.hours.occasion(at("2026-11-23T10:00")) is Occasion.WORKDAY
    assert DEFAULT.hours.occasion(at("2026-11-22T10:00")) is Occasion.HOLIDAY  # a Sunday
    assert DEFAULT.hours.occasion(at("2026-11-23T22:00")) is Occasion.NIGHT
    assert DEFAULT.hours.occasion(at("2026-11-23T05:59:59")) is Occasion.NIGHT


def test_quiet_hours_end_in_the_morning() -> None:
    assert DEFAULT.hours.quiet_until(at("2026-11-23T23:00")) == at("2026-11-24T07:00")
    assert DEFAULT.hours.quiet_until(at("2026-11-24T06:59")) == at("2026-11-24T07:00")
    assert DEFAULT.hours.quiet_until(at("2026-11-24T07:00")) is None
