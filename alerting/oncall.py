"""Who is on duty, and who is told: rotations, stand-ins, and a fallback that always finds somebody of the role.

A rotation's turns are told by the wall clock in China: `starts` are the times of day at which a shift begins, and a
turn lasts `shifts_per_turn` of them, so 08:00 × 7 is weekly, 08:00 × 1 daily, and 07:00, 15:00, 23:00 × 1 three shifts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from alerting.escalation import CHINA, Reach, Target
from alerting.people import RIGHTS, Person, Right, Role, Scope
from ingest.registry import Institution

MEMBERS_MAX: Final = 100
SHIFTS_MAX: Final = 24  # a day
STAND_IN_MAX: Final = timedelta(days=180)
TIMETABLE_MAX: Final = timedelta(days=62)


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

    def shift_starts(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """When shifts begin, strictly between the two moments, in order."""
        day = after.astimezone(CHINA).date()
        while day <= before.astimezone(CHINA).date():
            for clock in self.starts:
                at = datetime.combine(day, clock, CHINA)
                if after < at < before:
                    yield at
            day += timedelta(days=1)


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


class Standing(NamedTuple):
    """Who is told for a rotation at a moment; without a `person` everybody of the role is. `in_place_of` is the member
    for whom the person stands in."""

    person: Person | None
    found: Found
    in_place_of: Person | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is told from `from_at` until `until_at`."""

    from_at: datetime
    until_at: datetime
    standing: Standing


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who can be told, and who takes turns."""

    persons: Mapping[int, Person]
    rotations: Sequence[Rotation] = ()
    stand_ins: Sequence[StandIn] = ()


def membership_problem(rotation: Rotation, persons: Mapping[int, Person]) -> str | None:
    """Why these people cannot take the rotation's turns; None where they can."""
    if len(set(rotation.members)) != len(rotation.members):
        return "nobody can be in a rotation twice"
    for number in rotation.members:
        person = persons.get(number)
        if person is None or not person.active or (person.role, person.scope) != (rotation.role, rotation.scope):
            return f"person {number} is not an active {rotation.role} of this very place"
    return None


def stand_in_problem(
    wanted: StandIn, persons: Mapping[int, Person], regions: Mapping[int, str], known: Iterable[StandIn], now: datetime
) -> str | None:
    """Why somebody cannot stand in as `wanted`; None where they can. `regions` are those of institutions, by id.

    Who is told in another's place must be able to acknowledge there.
    """
    absent, other = persons.get(wanted.absent_id), persons.get(wanted.stand_in_id)
    if absent is None or other is None or absent.id == other.id:
        return "a stand-in is one known person in the place of another"
    if not wanted.from_at < wanted.until_at or wanted.until_at <= now:
        return "the time must end after it begins, and not be over"
    if wanted.until_at - wanted.from_at > STAND_IN_MAX:
        return f"at most {STAND_IN_MAX.days} days in one go"
    region = regions.get(absent.scope.institution_id or 0, "")
    if not other.active or Right.ACKNOWLEDGE not in RIGHTS[other.role] or not absent.scope.within(other.scope, region):
        return f"{other.name} could not acknowledge an alert in the place of {absent.name}"
    for each in known:
        if each.absent_id == absent.id and each.from_at < wanted.until_at and wanted.from_at < each.until_at:
            return f"somebody stands in for {absent.name} in that time already: number {each.id}"
    return None


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


def standing(roster: Roster, rotation: Rotation, now: datetime) -> Standing:
    """Who is told for `rotation` at `now`: whoever's turn it is, or stands in for them, else the next in turn.

    A member who is gone, or no longer has the rotation's role at its place, is passed over.
    """
    for number, member in enumerate(rotation.order(now)):
        person = roster.persons.get(member)
        if person is None or person.role is not rotation.role or person.scope != rotation.scope:
            continue
        told = _stand_in(roster, person, now)
        if told.active:
            instead = None if told is person else person
            if number:
                return Standing(told, Found.NEXT_MEMBER, instead)
            return Standing(told, Found.STAND_IN if instead else Found.ON_DUTY, instead)
    return Standing(None, Found.EVERYBODY)


def timetable(roster: Roster, rotation: Rotation, from_at: datetime, until_at: datetime) -> tuple[Turn, ...]:
    """Who is told when, in order and without a gap from `from_at` until `until_at`. Raises ValueError for a span that
    is empty or longer than TIMETABLE_MAX."""
    if not timedelta(0) < until_at - from_at <= TIMETABLE_MAX:
        raise ValueError(f"a timetable is at most {TIMETABLE_MAX.days} days long")
    edges = {edge for each in roster.stand_ins for edge in (each.from_at, each.until_at) if from_at < edge < until_at}
    moments = sorted({from_at, *rotation.shift_starts(from_at, until_at), *edges})
    turns: list[Turn] = []
    for at, end in zip(moments, [*moments[1:], until_at], strict=True):
        now = standing(roster, rotation, at)
        if turns and turns[-1].standing == now:
            turns[-1] = Turn(turns[-1].from_at, end, now)
        else:
            turns.append(Turn(at, end, now))
    return tuple(turns)


def _on_duty(roster: Roster, role: Role, scope: Scope, now: datetime) -> tuple[Person | None, Found]:
    """Whose turn it is; None with EVERYBODY where no rotation names somebody who can be told."""
    for rotation in roster.rotations:
        if rotation.role is role and rotation.scope == scope:
            found = standing(roster, rotation, now)
            if found.person is not None:
                return found.person, found.found
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
