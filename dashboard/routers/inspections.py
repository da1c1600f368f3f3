"""Inspections and campaigns: what is planned, the visit itself, what came of it.

Whoever is of an institution learns nothing of a visit that is not to be known there before it has begun: not from a
list, a number, a figure, nor from the words of a refusal.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, status

from alerting import people_store
from alerting.people import Right, Scope
from dashboard import cursors, present_inspection, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.errors import BadRequest, NotPermitted
from dashboard.schemas import inspections as shapes
from dashboard.schemas.hazards import Versioned
from dashboard.schemas.inspections import InspectionDetail
from dashboard.service import Service
from ingest import directory
from ingest.database import Connection
from inspection import checklist, operate, visit, visit_list_store, visit_operate, visit_store
from inspection.errors import CampaignUnknown, VisitUnknown
from inspection.operate import Actor
from inspection.visit import ItemKey, Kind, Member, Visit
from inspection.visit_list_store import Campaign, Filter, Position, Which
from inspection.visit_operate import Plan, Seen

router = APIRouter(prefix="/inspections", tags=["inspections"])
campaigns = APIRouter(prefix="/campaigns", tags=["inspections"])

Planning = Annotated[Reach, Depends(Permit(Right.PLAN_INSPECTION))]
Inspecting = Annotated[Reach, Depends(Permit(Right.INSPECT))]
Commenting = Annotated[Reach, Depends(Permit(Right.COMMENT))]
Drawing = Annotated[Reach, Depends(Permit(Right.DRAW))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


def _filter(
    reach: Viewing,
    serving: Serving,
    which: Which = Which.ALL,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    kind: Kind | None = None,
    own: Annotated[bool | None, Query(description="by the institution's own people, or by others")] = None,
    campaign_id: UUID | None = None,
    draw_id: UUID | None = None,
    mine: Annotated[bool, Query(description="only with oneself on the team")] = False,
    from_date: date | None = None,
    until_date: date | None = None,
) -> Filter:
    with serving.reading() as connection:
        within = reach.institution_ids(connection)
    inside = reach.scope.institution_id is not None
    person = reach.person.id if mine else None
    return Filter(
        inside, which, within, institution_id, kind, own, campaign_id, draw_id, person, from_date, until_date
    )  # fmt: skip


Narrowed = Annotated[Filter, Depends(_filter)]


@router.get("", summary="List inspections", response_model=shapes.InspectionPage)
def list_inspections(
    serving: Serving,
    _reach: Viewing,
    narrowed: Narrowed,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.InspectionPage:
    """The latest day first; ask again with `next_cursor` for the next page."""
    after = _decode_cursor(cursor) if cursor else None
    with serving.reading() as connection:
        found, following = visit_list_store.page(connection, narrowed, after, limit)
        return shapes.InspectionPage(
            items=present_inspection.rows(connection, found),
            total=visit_list_store.count(connection, narrowed),
            next_cursor=_encode_cursor(following) if following else None,
        )


@router.get("/figures", summary="What came of inspections", response_model=shapes.InspectionFigures)
def figures(serving: Serving, _reach: Viewing, narrowed: Narrowed) -> shapes.InspectionFigures:
    """Within one's reach, as of now."""
    with serving.reading() as connection:
        found = visit_list_store.figures(connection, narrowed, datetime.now(UTC))
    return shapes.InspectionFigures.model_validate(found)


@router.get(
    "/team/{institution_id}", summary="Who may be on a team", response_model=shapes.ColleagueList, responses=_REFUSED
)
def team(institution_id: int, serving: Serving, reach: Planning) -> shapes.ColleagueList:
    """For whoever is of the institution its own people, for others people from outside."""
    own = reach.scope.institution_id is not None
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        region = directory.region_of(connection, institution_id) or ""
        found = visit_operate.can_go(people_store.persons(connection), institution_id, region, own=own)
    return shapes.ColleagueList(
        items=[
            shapes.Colleague(id=each.id, name=each.name, role=each.role, duty=visit_operate.default_duty(each, own=own))
            for each in found
        ]
    )


@router.post(
    "", summary="Plan one", response_model=InspectionDetail, status_code=status.HTTP_201_CREATED, responses=_REFUSED
)
def plan(wanted: shapes.InspectionPlan, serving: Serving, reach: Planning) -> InspectionDetail:
    """An institution's own check by its own people, any other visit from outside."""
    planned = Plan(
        institution_id=wanted.institution_id,
        kind=wanted.kind,
        planned_for=wanted.planned_for,
        team=tuple(Member(each.person_id, each.duty) for each in wanted.team),
        checklists=wanted.checklists,
        unannounced=wanted.unannounced,
        purpose=wanted.purpose,
        campaign_id=wanted.campaign_id,
    )
    with serving.writing() as connection:
        reach.demand_institution(connection, wanted.institution_id)
        return _shown(connection, reach, visit_operate.plan(connection, planned, _actor(reach)))


@router.get("/{inspection_id}", summary="One inspection", response_model=InspectionDetail, responses=_REFUSED)
def show(inspection_id: UUID, serving: Serving, reach: Viewing) -> InspectionDetail:
    """With its items, findings and history, and what one may do now."""
    with serving.reading() as connection:
        return _shown(connection, reach, _within(connection, reach, inspection_id))


@router.post("/{inspection_id}/begin", summary="Begin it", response_model=InspectionDetail, responses=_REFUSED)
def begin(inspection_id: UUID, act: Versioned, serving: Serving, reach: Inspecting) -> InspectionDetail:
    """The team is there; from now on the institution sees it."""
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.begin(connection, inspection_id, act.version, actor),
    )  # fmt: skip


@router.post("/{inspection_id}/answers", summary="Answer an item", response_model=InspectionDetail, responses=_REFUSED)
def answer(inspection_id: UUID, act: shapes.ItemAnswer, serving: Serving, reach: Inspecting) -> InspectionDetail:
    """A failed one opens a hazard, and stays failed."""
    seen = Seen(act.title, act.note, act.category, act.level, supervisor=act.supervisor, zone_id=act.zone_id)
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.answer(
            connection, inspection_id, actor, ItemKey(act.checklist_id, act.item_id), act.outcome, note=act.note,
            photos=act.photos, seen=seen,
        ),
    )  # fmt: skip


@router.post(
    "/{inspection_id}/findings", summary="A finding besides the lists", response_model=InspectionDetail,
    responses=_REFUSED,
)  # fmt: skip
def find(inspection_id: UUID, act: shapes.FindingReport, serving: Serving, reach: Inspecting) -> InspectionDetail:
    """It opens a hazard."""
    seen = Seen(act.title, act.note, act.category, act.level, act.clause, act.supervisor, act.zone_id)
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.find(connection, inspection_id, actor, seen, act.photos),
    )  # fmt: skip


@router.post("/{inspection_id}/conclude", summary="Sign it", response_model=InspectionDetail, responses=_REFUSED)
def conclude(inspection_id: UUID, act: shapes.Conclusion, serving: Serving, reach: Inspecting) -> InspectionDetail:
    """By the leader, when every item has been looked at."""
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.conclude(
            connection, inspection_id, act.version, actor, conclusion=act.conclusion
        ),
    )  # fmt: skip


@router.post("/{inspection_id}/cancel", summary="Cancel it", response_model=InspectionDetail, responses=_REFUSED)
def cancel(inspection_id: UUID, act: shapes.Reasoned, serving: Serving, reach: Planning) -> InspectionDetail:
    """Before it begins, with a reason."""
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.cancel(
            connection, inspection_id, act.version, actor, reason=act.reason
        ),
    )  # fmt: skip


@router.post("/{inspection_id}/comment", summary="Comment on it", response_model=InspectionDetail, responses=_REFUSED)
def comment(inspection_id: UUID, said: shapes.Remark, serving: Serving, reach: Commenting) -> InspectionDetail:
    """Add to its history."""
    return _act(
        serving, reach, inspection_id,
        lambda connection, actor: visit_operate.comment(
            connection, inspection_id, actor, note=said.note, photos=said.photos
        ),
    )  # fmt: skip


@campaigns.get("", summary="Campaigns", response_model=shapes.CampaignList)
def list_campaigns(serving: Serving, reach: Viewing) -> shapes.CampaignList:
    """For whoever is of an institution those of which a visit there is known."""
    with serving.reading() as connection:
        found = [each for each in visit_list_store.campaigns(connection) if knows(connection, reach, each)]
        return shapes.CampaignList(items=present_inspection.campaign_rows(connection, found))


@campaigns.post(
    "", summary="Plan a campaign", response_model=shapes.CampaignDetail, status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)  # fmt: skip
def plan_campaign(wanted: shapes.CampaignPlan, serving: Serving, reach: Drawing) -> shapes.CampaignDetail:
    """Of a region within one's reach."""
    if wanted.ends_on < wanted.begins_on:
        raise BadRequest("a campaign ends after it begins")
    if not Scope(None, wanted.region).within(reach.scope):
        raise NotPermitted
    for each in wanted.checklists:
        checklist.get(each)
    made = Campaign(
        uuid4(), 0, wanted.theme, wanted.goal, wanted.region, wanted.begins_on, wanted.ends_on,
        list(wanted.checklists), datetime.now(UTC), reach.actor, reach.person.id,
    )  # fmt: skip
    with serving.writing() as connection:
        return _campaign(connection, reach, visit_list_store.create_campaign(connection, made))


@campaigns.get("/{campaign_id}", summary="One campaign", response_model=shapes.CampaignDetail, responses=_REFUSED)
def show_campaign(campaign_id: UUID, serving: Serving, reach: Viewing) -> shapes.CampaignDetail:
    """With institutions visited, findings, rectified, open with a deadline."""
    with serving.reading() as connection:
        found = visit_list_store.campaign(connection, campaign_id)
        if not knows(connection, reach, found):
            raise CampaignUnknown(f"there is no campaign {campaign_id}")
        return _campaign(connection, reach, found)


def knows(connection: Connection, reach: Reach, made: Campaign) -> bool:
    """Whether whoever asks may know of a campaign."""
    if reach.scope.institution_id is None:
        return made.region.startswith(reach.scope.region) or reach.scope.region.startswith(made.region)
    return visit_list_store.count(connection, _of_campaign(connection, reach, made)) > 0


def _of_campaign(connection: Connection, reach: Reach, made: Campaign) -> Filter:
    inside = reach.scope.institution_id is not None
    return Filter(inside, within=reach.institution_ids(connection), campaign_id=made.id)


def _campaign(connection: Connection, reach: Reach, made: Campaign) -> shapes.CampaignDetail:
    found = visit_list_store.figures(connection, _of_campaign(connection, reach, made), datetime.now(UTC))
    [row] = present_inspection.campaign_rows(connection, [made])
    return shapes.CampaignDetail(**row.model_dump(), figures=shapes.InspectionFigures.model_validate(found))


def _act(
    serving: Service, reach: Reach, inspection_id: UUID, act: Callable[[Connection, Actor], Visit]
) -> InspectionDetail:
    with serving.writing() as connection:
        _within(connection, reach, inspection_id)
        return _shown(connection, reach, act(connection, _actor(reach)))


def _actor(reach: Reach) -> Actor:
    return Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))


def _within(connection: Connection, reach: Reach, inspection_id: UUID) -> Visit:
    """The inspection, if it is within reach and may be known. Raises VisitUnknown, in the same words for all others."""
    record = visit_store.load(connection, inspection_id)
    by = operate.by_person(reach.person, reach.actor)
    if not reach.covers(connection, record.institution_id) or not visit.visible(record, by):
        raise VisitUnknown(f"there is no inspection {inspection_id}")
    return record


def _shown(connection: Connection, reach: Reach, record: Visit) -> InspectionDetail:
    by = operate.by_person(reach.person, reach.actor)
    return present_inspection.detail(connection, record, reach.person, by)


def _encode_cursor(position: Position) -> str:
    return cursors.encode(position.planned_for.isoformat(), str(position.id))


def _decode_cursor(cursor: str) -> Position:
    """The inverse of _encode_cursor. Raises BadRequest."""
    day, number = cursors.decode(cursor, str, str)
    with cursors.of_this_list():
        return Position(date.fromisoformat(day), UUID(number))
