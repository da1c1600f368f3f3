"""Random draws (双随机): announced, drawn, published; and what of it anybody may see without signing in."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, status

from alerting import people_store
from alerting.people import Right, Scope
from dashboard import present_inspection, schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.errors import NotFound, NotPermitted
from dashboard.schemas import inspections as shapes
from dashboard.schemas.hazards import Versioned
from dashboard.schemas.recorded import AsRecorded, PublicDraw
from ingest.database import Connection
from inspection import draw_operate, draw_store, operate
from inspection.draw import SEED_BYTES
from inspection.draw_operate import Wanted
from inspection.draw_store import DrawRecord
from inspection.errors import DrawUnknown, RelationUnknown, WrongPerson
from inspection.operate import Actor

router = APIRouter(prefix="/draws", tags=["inspections"])
public = APIRouter(prefix="/api/public/draws", tags=["public"])

Drawing = Annotated[Reach, Depends(Permit(Right.DRAW))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


@public.get("/{draw_id}", summary="The public record of a draw", responses={404: {"model": schemas.Problem}})
def show_public(draw_id: UUID, serving: Serving) -> Annotated[dict[str, Any], AsRecorded(PublicDraw)]:
    """Without signing in: first what was announced, after the publication everything that recomputing takes. Nobody's
    name stands in it."""
    with serving.reading() as connection:
        return draw_operate.export(draw_store.load(connection, draw_id))


@router.get("", summary="Draws", response_model=shapes.DrawList, responses=_REFUSED)
def list_draws(serving: Serving, reach: Drawing) -> shapes.DrawList:
    """Of regions within reach."""
    _outside(reach)
    with serving.reading() as connection:
        found = [each for each in draw_store.newest(connection) if _covers(reach, each)]
    return shapes.DrawList(items=[present_inspection.draw_row(each) for each in found])


@router.post(
    "", summary="Announce one", response_model=shapes.DrawDetail, status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)  # fmt: skip
def announce(wanted: shapes.DrawWanted, serving: Serving, reach: Drawing) -> shapes.DrawDetail:
    """Candidates, weights, inspectors and conflicts are fixed; their SHA-256 and that of a new seed are made known."""
    actor = _actor(reach)
    if not Scope(None, wanted.region).within(reach.scope):
        raise NotPermitted
    asked = Wanted(**wanted.model_dump())
    with serving.writing() as connection:
        made = draw_operate.announce(connection, asked, secrets.token_bytes(SEED_BYTES), actor)
        return present_inspection.draw_detail(connection, made)


@router.get("/inspectors", summary="Who may be drawn", response_model=shapes.DrawableList, responses=_REFUSED)
def list_inspectors(serving: Serving, reach: Drawing) -> shapes.DrawableList:
    """For draws of regions within reach: also those who reach further than oneself."""
    _outside(reach)
    with serving.reading() as connection:
        people = people_store.persons(connection)
    found = [each for each in people if draw_operate.may_be_drawn(each) and _meets(reach.scope, each.scope)]
    return shapes.DrawableList(
        items=[shapes.Drawable.model_validate(each) for each in sorted(found, key=lambda each: each.name)]
    )


@router.get("/relations", summary="Declared relations", response_model=shapes.RelationList, responses=_REFUSED)
def list_relations(serving: Serving, reach: Drawing) -> shapes.RelationList:
    """Between inspectors and institutions within reach."""
    _outside(reach)
    with serving.reading() as connection:
        found = draw_store.relations(connection, reach.institution_ids(connection))
    return shapes.RelationList(items=[shapes.Relation.model_validate(each) for each in found])


@router.post(
    "/relations", summary="Declare a relation", response_model=shapes.RelationList,
    status_code=status.HTTP_201_CREATED, responses=_REFUSED,
)  # fmt: skip
def declare(told: shapes.RelationDeclared, serving: Serving, reach: Drawing) -> shapes.RelationList:
    """Whoever has one is not drawn for that institution (回避)."""
    _outside(reach)
    with serving.writing() as connection:
        reach.demand_institution(connection, told.institution_id)
        if people_store.person(connection, told.person_id) is None:
            raise NotFound(f"there is no person {told.person_id}")
        draw_store.declare(
            connection, person_id=told.person_id, institution_id=told.institution_id, relation=told.relation,
            note=told.note, actor=reach.actor,
        )  # fmt: skip
        found = draw_store.relations(connection, reach.institution_ids(connection))
    return shapes.RelationList(items=[shapes.Relation.model_validate(each) for each in found])


@router.post(
    "/relations/{relation_id}/end", summary="It no longer stands", response_model=shapes.RelationList,
    responses=_REFUSED,
)  # fmt: skip
def end_relation(relation_id: int, serving: Serving, reach: Drawing) -> shapes.RelationList:
    """From now on; what was declared stays on record."""
    _outside(reach)
    with serving.writing() as connection:
        within = reach.institution_ids(connection)
        if relation_id not in {each.id for each in draw_store.relations(connection, within)}:
            raise RelationUnknown(f"no relation {relation_id} stands")
        draw_store.end_relation(connection, relation_id, reach.actor)
        found = draw_store.relations(connection, within)
    return shapes.RelationList(items=[shapes.Relation.model_validate(each) for each in found])


@router.get("/{draw_id}", summary="One draw", response_model=shapes.DrawDetail, responses=_REFUSED)
def show(draw_id: UUID, serving: Serving, reach: Drawing) -> shapes.DrawDetail:
    """With grounds and names, for those who draw."""
    with serving.reading() as connection:
        return present_inspection.draw_detail(connection, _within(connection, reach, draw_id))


@router.post("/{draw_id}/draw", summary="Draw", response_model=shapes.DrawDetail, responses=_REFUSED)
def run(draw_id: UUID, act: shapes.DrawRun, serving: Serving, reach: Drawing) -> shapes.DrawDetail:
    """With the word of a witness; the visits are planned."""
    with serving.writing() as connection:
        _within(connection, reach, draw_id)
        made = draw_operate.run(connection, draw_id, act.version, act.word, _actor(reach))
        return present_inspection.draw_detail(connection, made)


@router.post("/{draw_id}/publish", summary="Publish the seed", response_model=shapes.DrawDetail, responses=_REFUSED)
def publish(draw_id: UUID, act: Versioned, serving: Serving, reach: Drawing) -> shapes.DrawDetail:
    """Once every visit has begun or was cancelled."""
    with serving.writing() as connection:
        _within(connection, reach, draw_id)
        made = draw_operate.publish(connection, draw_id, act.version, _actor(reach))
        return present_inspection.draw_detail(connection, made)


@router.post("/{draw_id}/void", summary="Give it up", response_model=shapes.DrawDetail, responses=_REFUSED)
def void(draw_id: UUID, act: shapes.Reasoned, serving: Serving, reach: Drawing) -> shapes.DrawDetail:
    """Before anything is drawn, with a reason."""
    with serving.writing() as connection:
        _within(connection, reach, draw_id)
        made = draw_operate.void(connection, draw_id, act.version, act.reason, _actor(reach))
        return present_inspection.draw_detail(connection, made)


def _outside(reach: Reach) -> None:
    """Raises WrongPerson for whoever is of an institution: they must not learn who will be visited."""
    if reach.scope.institution_id is not None:
        raise WrongPerson("nobody of an institution draws")


def _actor(reach: Reach) -> Actor:
    _outside(reach)
    return Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))


def _meets(one: Scope, other: Scope) -> bool:
    return one.within(other) or other.within(one)


def _covers(reach: Reach, record: DrawRecord) -> bool:
    return Scope(None, record.region).within(reach.scope)


def _within(connection: Connection, reach: Reach, draw_id: UUID) -> DrawRecord:
    _outside(reach)
    record = draw_store.load(connection, draw_id)
    if not _covers(reach, record):
        raise DrawUnknown(f"there is no draw {draw_id}")
    return record
