"""Somebody is always found, and whoever's turn it is comes first."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.escalation import Reach, Target
from alerting.oncall import Found, Roster, Rotation, StandIn, find
from alerting.people import Person, Role, Scope
from ingest.registry import Institution

HOME = Institution(1, "h", "家", "", "nursing_home", "220322")
DESK = Target(Role.OPERATOR, Reach.INSTITUTION, on_call=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00").astimezone(UTC)


def staff(*numbers: int, role: Role = Role.OPERATOR, scope: Scope = Scope(1)) -> dict[int, Person]:  # noqa: B008
    return {number: Person(number, f"人{number}", role, scope) for number in numbers}


def rotation(*members: int, starts: tuple[time, ...] = (time(8),), shifts: int = 1) -> Rotation:
    return Rotation(1, "班", Role.OPERATOR, Scope(1), members, date(2026, 11, 23), starts, shifts)


def told(roster: Roster, now: datetime, target: Target = DESK) -> tuple[list[int], Found]:
    people, found = find(roster, target, HOME, now)
    return [person.id for person in people], found


@pytest.mark.parametrize(
    ("made", "moment", "member"),
    [
        (rotation(1, 2, 3), "2026-11-23T08:00", 1),
        (rotation(1, 2, 3), "2026-11-24T07:59", 1),
        (rotation(1, 2, 3), "2026-11-24T08:00", 2),
        (rotation(1, 2, 3), "2026-11-23T07:59", 3),  # before the anchor it turns backwards
        (rotation(1, 2, shifts=7), "2026-11-30T07:59", 1),
        (rotation(1, 2, shifts=7), "2026-11-30T08:00", 2),
        (rotation(1, 2, 3, starts=(time(7), time(15), time(23))), "2026-11-23T15:00", 2),
        (rotation(1, 2, 3, starts=(time(7), time(15), time(23))), "2026-11-24T06:59", 3),
    ],
)
def test_turns(made: Rotation, moment: str, member: int) -> None:
    assert told(Roster(staff(1, 2, 3), [made]), at(moment)) == ([member], Found.ON_DUTY)


def test_a_stand_in_is_told_instead_and_for_as_long() -> None:
    absence = StandIn(1, 1, 3, at("2026-11-23T00:00"), at("2026-11-23T12:00"))
    roster = Roster(staff(1, 2, 3), [rotation(1, 2)], [absence])
    assert told(roster, at("2026-11-23T11:59")) == ([3], Found.STAND_IN)
    assert told(roster, at("2026-11-23T12:00")) == ([1], Found.ON_DUTY)


def test_where_the_rotation_names_nobody_everybody_of_the_role_is_told() -> None:
    assert told(Roster(staff(4, 5), [rotation(1, 2)]), at("2026-11-23T09:00")) == ([4, 5], Found.EVERYBODY)
    people = staff(1, 2)
    people[1] = replace(people[1], active=False)
    assert told(Roster(people, [rotation(1, 2)]), at("2026-11-23T09:00")) == ([2], Found.NEXT_MEMBER)


def test_where_nobody_is_near_somebody_further_out_is_told() -> None:
    city = staff(8, role=Role.SUPERVISOR, scope=Scope(region="2203"))
    county = Target(Role.SUPERVISOR, Reach.COUNTY, on_call=True)
    assert told(Roster(city), at("2026-11-23T09:00"), county) == ([8], Found.WIDENED)
    assert told(Roster({}), at("2026-11-23T09:00"), county) == ([], Found.NOBODY)


SCOPES = st.sampled_from(
    [Scope(1), Scope(2), Scope(region="220322"), Scope(region="2203"), Scope(region="22"), Scope()]
)
PEOPLE = st.lists(st.tuples(st.sampled_from([Role.OPERATOR, Role.SUPERVISOR]), SCOPES, st.booleans()), max_size=8)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
ROTATIONS = st.builds(
    lambda members, hours, shifts: rotation(*members, starts=tuple(map(time, sorted(hours))), shifts=shifts),
    st.lists(st.integers(1, 9), min_size=1, max_size=5), st.sets(st.integers(0, 23), min_size=1, max_size=4),
    st.integers(1, 30),
)  # fmt: skip
ABSENCES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(-48, 48)), max_size=6)


@given(PEOPLE, ROTATIONS, ABSENCES, MOMENTS)
def test_somebody_is_found_while_anybody_of_the_role_covers_the_place(
    people: list[tuple[Role, Scope, bool]],
    made: Rotation,
    absences: list[tuple[int, int, int]],
    now: datetime,
) -> None:
    persons = {n: Person(n, f"人{n}", role, scope, "zh", active) for n, (role, scope, active) in enumerate(people, 1)}
    away = [StandIn(n, absent, other, now + timedelta(hours=hours), now + timedelta(hours=hours + 24))
            for n, (absent, other, hours) in enumerate(absences) if absent != other]  # fmt: skip
    found, how = find(Roster(persons, [made], away), DESK, HOME, now)
    there = [each for each in persons.values()
             if each.active and each.role is Role.OPERATOR and each.scope.covers(HOME.id, HOME.region)]  # fmt: skip
    assert bool(found) == bool(there)
    assert (how is Found.NOBODY) == (not there)
    assert all(person.active for person in found)
    assert len({person.id for person in found}) == len(found)
