"""Who is on duty, and who is told: rotations, stand-ins, and a fallback that always finds somebody of the role.

A rotation's turns are told by the wall clock in China: `starts` are the times of day at which a shift begins, and a
turn lasts `shifts_per_turn` of them, so 08:00 × 7 is weekly, 08:00 × 1 daily, and 07:00, 15:00, 23:00 × 1 three shifts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final

from alerting.escalation import CHINA, Reach, Target
from alerting.people import Person, Role, Scope
from ingest.registry import Institution

MEMBERS_MAX: Final = 100
SHIFTS_MAX: Final = 24  # a day


class Found(StrEnum):
    """How those who are told were found."""

    ON_DUTY = "on_duty"
    STAND_IN = "stand_in"
    NEXT_MEMBER = "next_member"  # whoever's turn it is cannot be told
    EVERYBODY = "everybody"  # the whole role: no rotation, or one that names nobody
    WIDENED = "widened"  # nobody of the role so near; looked for further out
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns of a role's people at an institution or in a region. Raises ValueError for what cannot turn."""

    id: int
    name: str
    role: Role
    scope: Scope
    members: tuple[int, ...]
    anchor: date
    starts: tuple[time, ...]
    shifts_per_turn: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.members) <= MEMBERS_MAX:
            raise ValueError(f"a rotation has 1 to {MEMBERS_MAX} members")
        if not 1 <= len(self.starts) <= SHIFTS_MAX or list(self.starts) != sorted(set(self.starts)):
            raise ValueError(f"a rotation has 1 to {SHIFTS_MAX} different times at which a shift starts, in order")
        if not 1 <= self.shifts_per_turn <= 400:
            raise ValueError("a turn lasts 1 to 400 shifts")

    def turn(self, now: datetime) -> int:
        """The number of the turn at `now`; 0 begins with the first shift of the anchor's day."""
        local = now.astimezone(CHINA)
        day = (local.date() - self.anchor).days
        shift = day * len(self.starts) + bisect_right(self.starts, local.time().replace(tzinfo=None)) - 1
        return shift // self.shifts_per_turn

    def order(self, now: datetime) -> tuple[int, ...]:
        """The members, whoever's turn it is first and those after in turn."""
        first = self.turn(now) % len(self.members)
        return self.members[first:] + self.members[:first]


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody who is told in another's place from `from_at` until `until_at`."""

    id: int
    absent_id: int
    stand_in_id: int
    from_at: datetime
    until_at: datetime

    def in_force(self, now: datetime) -> bool:
        """Whether it holds at `now`."""
        return self.from_at <= now < self.until_at


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who can be told, and who takes turns."""

    persons: Mapping[int, Person]
    rotations: Sequence[Rotation] = ()
    stand_ins: Sequence[StandIn] = ()


def find(
    roster: Roster, target: Target, institution: Institution | None, now: datetime
) -> tuple[tuple[Person, ...], Found]:
    """Whom `target` means for an alert at `institution` (None: about the service itself), and how they were found.

    Looks at the reach asked for and, where nobody holds the role there, further and further out.
    """
    for number, scope in enumerate(_scopes(target.reach, institution)):
        everybody = tuple(
            person
            for person in roster.persons.values()
            if person.active and person.role is target.role and person.scope == scope
        )
        if not everybody:
            continue
        told, found = _on_duty(roster, target.role, scope, now) if target.on_call else (None, Found.EVERYBODY)
        standing = (told,) if told else [_stand_in(roster, each, now) for each in everybody]
        people = tuple({person.id: person for person in standing}.values())
        return people, Found.WIDENED if number else found
    return (), Found.NOBODY


def _scopes(reach: Reach, institution: Institution | None) -> Iterable[Scope]:
    """The scopes to look in, from `reach` outwards."""
    region = institution.region if institution else ""
    scopes = [
        (Reach.INSTITUTION, Scope(institution.id) if institution else None),
        (Reach.COUNTY, Scope(region=region[:6]) if len(region) >= 6 else None),
        (Reach.CITY, Scope(region=region[:4]) if len(region) >= 4 else None),
        (Reach.PROVINCE, Scope(region=region[:2]) if len(region) >= 2 else None),
        (Reach.EVERYWHERE, Scope()),
    ]
    start = [each for each, _ in scopes].index(reach)
    return [scope for _, scope in scopes[start:] if scope is not None]


def _on_duty(roster: Roster, role: Role, scope: Scope, now: datetime) -> tuple[Person | None, Found]:
    """Whose turn it is; None with EVERYBODY where no rotation names somebody who can be told."""
    for rotation in roster.rotations:
        if rotation.role is not role or rotation.scope != scope:
            continue
        for number, member in enumerate(rotation.order(now)):
            person = roster.persons.get(member)
            if person is None:
                continue
            standing = _stand_in(roster, person, now)
            if standing.active:
                if number:
                    return standing, Found.NEXT_MEMBER
                return standing, Found.ON_DUTY if standing is person else Found.STAND_IN
    return None, Found.EVERYBODY


def _stand_in(roster: Roster, person: Person, now: datetime) -> Person:
    """Who is told in the place of `person`: themselves unless somebody active stands in, or for that one another."""
    seen = {person.id}
    found = person
    while True:
        names = (
            roster.persons.get(each.stand_in_id)
            for each in roster.stand_ins
            if each.absent_id == found.id and each.in_force(now)
        )
        following = next((each for each in names if each is not None and each.active and each.id not in seen), None)
        if following is None:
            return found
        seen.add(following.id)
        found = following
