"""From records to the shapes people see: who is on duty, and for whom nobody has made a rotation."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting import oncall, oncall_store, people_store
from alerting.oncall import Roster
from alerting.people import Person, Right, Role, Scope, may_manage
from dashboard import schemas
from dashboard.access import Reach
from ingest import directory
from ingest.database import Connection
from ingest.registry import Institution


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees of the people: who is within reach, and who can be told at all."""

    reach: Reach
    institutions: Mapping[int, Institution]
    reachable: Collection[int]

    def within(self, scope: Scope) -> bool:
        """Whether a place lies within reach."""
        institution = self.institutions.get(scope.institution_id or 0)
        return scope.within(self.reach.scope, institution.region if institution else "")

    def matches(self, wanted: str, scope: Scope, names: Iterable[str]) -> bool:
        """Whether `wanted` (folded) is part of a place's name, code or region, or of one of `names`."""
        institution = self.institutions.get(scope.institution_id or 0)
        place = (institution.name, institution.name_en, institution.code) if institution else (scope.region,)
        return any(wanted in text.casefold() for text in (*place, *names))

    def may_edit(self, person_role: Role, scope: Scope) -> bool:
        """Whether they may say who of that role is on duty there."""
        own = self.reach.person.role
        return self.reach.holds(Right.MANAGE_ROTATIONS) and may_manage(own, person_role) and self.within(scope)

    def person(self, person: Person) -> schemas.DutyPerson:
        """Somebody as the page shows them."""
        return schemas.DutyPerson(
            id=person.id, name=person.name, role=person.role,
            scope=schemas.Scope(institution_id=person.scope.institution_id, region=person.scope.region),
            active=person.active, reachable=person.id in self.reachable,
        )  # fmt: skip


def sight(connection: Connection, reach: Reach) -> Sight:
    """What `reach` sees."""
    institutions = {each.id: each for each in directory.institutions(connection)}
    return Sight(reach, institutions, people_store.reachable(connection))


def board(
    connection: Connection, reach: Reach, now: datetime, *, days: int, q: str, limit: int
) -> schemas.RotationBoard:
    """The rotations within reach that match `q` with their turns of the next days, stand-ins, and places without a
    rotation; of each list the first `limit`."""
    seen, roster, wanted = sight(connection, reach), oncall_store.roster(connection, now), q.strip().casefold()
    rotations = [
        each
        for each in roster.rotations
        if seen.within(each.scope)
        and seen.matches(wanted, each.scope, (each.name, *(roster.persons[number].name for number in each.members)))
    ]
    without = [each for each in _without(connection, seen, roster) if seen.matches(wanted, each[1], ())]
    return schemas.RotationBoard(
        items=[rotation(seen, roster, each, now, days) for each in rotations[:limit]],
        total=len(rotations),
        stand_ins=[
            schemas.StandIn(
                id=each.id,
                absent=seen.person(absent),
                stand_in=seen.person(roster.persons[each.stand_in_id]),
                from_at=each.from_at,
                until_at=each.until_at,
                may_end=seen.may_edit(absent.role, absent.scope),
            )
            for each in sorted(roster.stand_ins, key=lambda one: (one.from_at, one.id))
            if seen.within((absent := roster.persons[each.absent_id]).scope)
        ],
        without=[
            schemas.WithoutRotation(
                role=role,
                scope=schemas.Scope(institution_id=scope.institution_id, region=scope.region),
                count=count,
                may_edit=seen.may_edit(role, scope),
            )
            for role, scope, count in without[:limit]
        ],
        without_total=len(without),
    )


def rotation(seen: Sight, roster: Roster, record: oncall.Rotation, now: datetime, days: int) -> schemas.Rotation:
    """A rotation with its turns of the next days."""
    return schemas.Rotation(
        id=record.id,
        name=record.name,
        role=record.role,
        scope=schemas.Scope(institution_id=record.scope.institution_id, region=record.scope.region),
        members=[seen.person(roster.persons[number]) for number in record.members],
        anchor=record.anchor,
        starts=[each.isoformat("minutes") for each in record.starts],
        shifts_per_turn=record.shifts_per_turn,
        turns=[
            schemas.DutyTurn(
                from_at=turn.from_at,
                until_at=turn.until_at,
                person=seen.person(turn.standing.person) if turn.standing.person else None,
                in_place_of=seen.person(turn.standing.in_place_of) if turn.standing.in_place_of else None,
                found=turn.standing.found,
            )
            for turn in oncall.timetable(roster, record, now, now + timedelta(days=days))
        ],
        may_edit=seen.may_edit(record.role, record.scope),
    )


def _without(connection: Connection, seen: Sight, roster: Roster) -> list[tuple[Role, Scope, int]]:
    """Places whose people the policy calls by rotation, but which have none, and how many people those are."""
    policy = oncall_store.policy_in_force(connection)
    called = {target.role for route in policy.routes for step in route.steps for target in step.to if target.on_call}
    made = {(each.role, each.scope) for each in roster.rotations}
    counts = Counter(
        (person.role, person.scope)
        for person in roster.persons.values()
        if person.active and person.role in called and seen.within(person.scope)
    )
    return [(role, scope, count) for (role, scope), count in counts.items() if (role, scope) not in made]
