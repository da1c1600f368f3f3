"""Who is on duty: rotations, their turns, stand-ins."""

from datetime import date, time
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerting.oncall import MEMBERS_MAX, SHIFTS_MAX, Found
from alerting.people import Role
from dashboard.schemas.base import Id, Moment, Shape
from dashboard.schemas.people import PersonName
from dashboard.schemas.session import Scope

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class DutyPerson(Shape):
    """Somebody who takes turns; without any contact (`reachable`) the next in turn is told."""

    id: int
    name: str
    role: Role
    scope: Scope
    active: bool
    reachable: bool


class DutyTurn(Shape):
    """Who is told in a span; no `person`: everybody of the role. `in_place_of`: for whom the person stands in."""

    from_at: Moment
    until_at: Moment
    person: DutyPerson | None
    in_place_of: DutyPerson | None
    found: Found


class Rotation(Shape):
    """A rotation in use with its coming turns. Its id changes with every edit, and is what an edit names as seen."""

    id: int
    name: str
    role: Role
    scope: Scope
    members: list[DutyPerson]
    anchor: date
    starts: list[Clock]
    shifts_per_turn: int
    turns: list[DutyTurn]
    may_edit: bool


class StandIn(Shape):
    """Somebody who is told in another's place."""

    id: int
    absent: DutyPerson
    stand_in: DutyPerson
    from_at: Moment
    until_at: Moment
    may_end: bool


class WithoutRotation(Shape):
    """A role at a place without a rotation: all of its `count` people are told."""

    role: Role
    scope: Scope
    count: int
    may_edit: bool


class RotationBoard(Shape):
    """Who is on duty, as far as one's own scope; the totals count all that match, `items` and `without` the first."""

    items: list[Rotation]
    total: int
    stand_ins: list[StandIn]
    without: list[WithoutRotation]
    without_total: int


class DutyPeople(Shape):
    """Active people within one's own scope."""

    items: list[DutyPerson]


class RotationRequest(BaseModel):
    """A rotation to put in use. `starts` are times of day in China, a turn lasts `shifts_per_turn` of them, and turn 0
    begins with the first shift of `anchor`. `replaces` is the id of the one that was seen there, null for none."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    role: Role
    scope: Scope
    members: list[Id] = Field(min_length=1, max_length=MEMBERS_MAX)
    anchor: date
    starts: list[Clock] = Field(min_length=1, max_length=SHIFTS_MAX)
    shifts_per_turn: int = Field(ge=1, le=400)
    replaces: Id | None = None

    def clocks(self) -> tuple[time, ...]:
        """The starts in order."""
        return tuple(sorted({time.fromisoformat(each) for each in self.starts}))


class StandInRequest(BaseModel):
    """Who is told in whose place, and from when until when."""

    model_config = ConfigDict(extra="forbid")

    absent_id: Id
    stand_in_id: Id
    from_at: AwareDatetime
    until_at: AwareDatetime
