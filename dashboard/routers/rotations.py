"""Who is on duty: rotations and stand-ins."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from alerting import oncall_store, people_store
from alerting.errors import RotationUnknown
from alerting.oncall import Rotation, StandIn
from alerting.people import Person, Right, Role, Scope, may_manage
from dashboard import present_rotations, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.errors import BadRequest, NotFound, NotPermitted
from ingest.database import Connection

router = APIRouter(tags=["rotations"])

log = structlog.get_logger(__name__)

Planning = Annotated[Reach, Depends(Permit(Right.MANAGE_ROTATIONS))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Days = Annotated[int, Query(ge=1, le=31, description="how far the turns are told")]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (403, 404, 409, 422)}


@router.get("/rotations", summary="Who is on duty, now and in the coming days", response_model=schemas.RotationBoard)
def list_rotations(
    serving: Serving,
    reach: Viewing,
    days: Days = 7,
    q: Annotated[str, Query(max_length=100, description="part of a place's or a person's name")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> schemas.RotationBoard:
    """Every rotation within one's scope with its turns from now on, who stands in for whom, and roles that the policy
    calls by rotation without there being one."""
    with serving.reading() as connection:
        return present_rotations.board(connection, reach, datetime.now(UTC), days=days, q=q, limit=limit)


@router.get("/rotations/people", summary="Who can take turns or stand in", response_model=schemas.DutyPeople)
def list_people(serving: Serving, reach: Planning) -> schemas.DutyPeople:
    """Active people within one's scope, by id."""
    with serving.reading() as connection:
        seen = present_rotations.sight(connection, reach)
        everybody = people_store.persons(connection)
        return schemas.DutyPeople(
            items=[seen.person(who) for who in everybody if who.active and seen.within(who.scope)]
        )


@router.put("/rotations", summary="Put a rotation in use", response_model=schemas.Rotation, responses=_REFUSED)
def put_rotation(wanted: schemas.RotationRequest, serving: Serving, reach: Planning) -> schemas.Rotation:
    """In place of the one that was seen for the same role and place: 409 when somebody else has changed it since."""
    scope = Scope(wanted.scope.institution_id, wanted.scope.region)
    try:
        made = Rotation(
            0, wanted.name, wanted.role, scope, tuple(wanted.members), wanted.anchor, wanted.clocks(),
            wanted.shifts_per_turn,
        )  # fmt: skip
    except ValueError as error:
        raise BadRequest(str(error)) from error
    with serving.writing() as connection:
        _demand(connection, reach, wanted.role, scope)
        number = oncall_store.put_rotation(connection, made, replaces=wanted.replaces, actor=reach.actor)
        now = datetime.now(UTC)
        seen, roster = present_rotations.sight(connection, reach), oncall_store.roster(connection, now)
        shown = present_rotations.rotation(seen, roster, oncall_store.rotation(connection, number), now, 7)
    log.info("rotation put in use", rotation_id=number, role=wanted.role.value, actor=reach.actor)
    return shown


@router.post(
    "/rotations/{rotation_id}/end", summary="Use a rotation no longer", status_code=status.HTTP_204_NO_CONTENT,
    responses=_REFUSED,
)  # fmt: skip
def end_rotation(rotation_id: Number, serving: Serving, reach: Planning) -> None:
    """Everybody of the role is told from now on. 404 when somebody else has ended or replaced it already."""
    with serving.writing() as connection:
        known = oncall_store.rotation(connection, rotation_id)
        if not present_rotations.sight(connection, reach).within(known.scope):
            raise RotationUnknown(f"there is no rotation {rotation_id} in use")
        _demand(connection, reach, known.role, known.scope)
        oncall_store.end_rotation(connection, rotation_id, actor=reach.actor)
    log.info("rotation ended", rotation_id=rotation_id, actor=reach.actor)


@router.post(
    "/stand-ins", summary="Let somebody be told in another's place", status_code=status.HTTP_201_CREATED,
    response_model=schemas.StandIn, responses=_REFUSED,
)  # fmt: skip
def add_stand_in(wanted: schemas.StandInRequest, serving: Serving, reach: Planning) -> schemas.StandIn:
    """From–until. 409 where somebody stands in for that person then already, or could not acknowledge in their
    place."""
    now = datetime.now(UTC)
    with serving.writing() as connection:
        seen = present_rotations.sight(connection, reach)
        absent, other = (_within(connection, seen, number) for number in (wanted.absent_id, wanted.stand_in_id))
        _demand(connection, reach, absent.role, absent.scope)
        record = StandIn(0, absent.id, other.id, wanted.from_at, wanted.until_at)
        number = oncall_store.add_stand_in(connection, record, actor=reach.actor, now=now)
        shown = schemas.StandIn(
            id=number, absent=seen.person(absent), stand_in=seen.person(other), from_at=record.from_at,
            until_at=record.until_at, may_end=True,
        )  # fmt: skip
    log.info("stand-in added", stand_in_id=number, actor=reach.actor)
    return shown


@router.post(
    "/stand-ins/{stand_in_id}/end", summary="Call a stand-in off", status_code=status.HTTP_204_NO_CONTENT,
    responses=_REFUSED,
)  # fmt: skip
def end_stand_in(stand_in_id: Number, serving: Serving, reach: Planning) -> None:
    """Who was absent is told again from now on. 404 when it is over already."""
    now = datetime.now(UTC)
    with serving.writing() as connection:
        known = oncall_store.stand_in(connection, stand_in_id, now)
        absent = people_store.person(connection, known.absent_id)
        if absent is None or not present_rotations.sight(connection, reach).within(absent.scope):
            raise RotationUnknown(f"nobody stands in under the number {stand_in_id} any more")
        _demand(connection, reach, absent.role, absent.scope)
        oncall_store.end_stand_in(connection, stand_in_id, actor=reach.actor, now=now)
    log.info("stand-in ended", stand_in_id=stand_in_id, actor=reach.actor)


def _demand(connection: Connection, reach: Reach, role: Role, scope: Scope) -> None:
    """Raises NotFound, NotPermitted for a place or role beyond one's own: who is on duty decides whom an alarm
    reaches."""
    if scope.institution_id is not None:
        reach.demand_institution(connection, scope.institution_id)
    elif not scope.within(reach.scope):
        raise NotPermitted("this place goes beyond yours")
    if not may_manage(reach.person.role, role):
        raise NotPermitted("this role goes beyond yours")


def _within(connection: Connection, seen: present_rotations.Sight, number: int) -> Person:
    who = people_store.person(connection, number)
    if who is None or not seen.within(who.scope):
        raise NotFound(f"there is no person {number}")
    return who
