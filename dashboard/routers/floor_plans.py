"""Floor plans: the pictures, and the marks on them."""

from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Body, Depends, Path, Query, Response

from alerting import floor_plan, floor_plan_store
from alerting.floor_plan import Mark
from alerting.people import Right
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.errors import NotFound
from ingest.database import Connection

router = APIRouter(prefix="/institutions/{institution_id}/floor-plans", tags=["plans"])

log = structlog.get_logger(__name__)

InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Floor = Annotated[int, Path(ge=-20, le=200)]
Seen = Annotated[int, Query(ge=0, alias="version", description="the version that was seen; 0: there was none")]
Writing = Annotated[Reach, Depends(Permit(Right.MANAGE_PLANS))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 413, 422)}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"image/webp": {}, "image/svg+xml": {}}},
    404: {"model": schemas.Problem},
}
# Even opened by itself the picture can run nothing, load nothing and be part of no other page.
_INERT: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    "content-disposition": "inline",
}


@router.get("", summary="An institution's floor plans", response_model=schemas.FloorPlanList)
def list_floor_plans(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> schemas.FloorPlanList:
    """With what is marked on them."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return schemas.FloorPlanList(
            items=[
                schemas.FloorPlan.model_validate(each) for each in floor_plan_store.plans(connection, institution_id)
            ]
        )


@router.get("/{floor}/picture", summary="The picture of a floor", response_class=Response, responses=_PICTURE)
def show_picture(institution_id: InstitutionId, floor: Floor, serving: Serving, reach: Viewing) -> Response:
    """WebP or SVG, as made harmless when it was sent."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        picture = floor_plan_store.picture(connection, institution_id, floor)
    return Response(picture.image, media_type=picture.media_type, headers=_INERT)


@router.put(
    "/{floor}/picture", summary="Put a picture of a floor", response_model=schemas.FloorPlan, responses=_REFUSED
)
def save_picture(
    institution_id: InstitutionId,
    floor: Floor,
    seen: Seen,
    sent: Annotated[bytes, Body(media_type="application/octet-stream")],
    serving: Serving,
    reach: Writing,
) -> schemas.FloorPlan:
    """PNG, JPEG, WebP or SVG. It is made anew before it is kept; what was marked stays marked. 409 when somebody else
    has changed the plan since."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
    with serving.picture_work:  # one at a time: a picture of the largest size takes 100 MB while it is decoded
        made = floor_plan.harmless(sent)
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        floor_plan_store.save_picture(connection, institution_id, floor, made, seen=seen, actor=reach.actor)
        shown = _shown(connection, institution_id, floor)
    log.info("floor plan saved", institution_id=institution_id, floor=floor, actor=reach.actor)
    return shown


@router.put("/{floor}/marks", summary="Say where things are", response_model=schemas.FloorPlan, responses=_REFUSED)
def save_marks(
    institution_id: InstitutionId, floor: Floor, wanted: schemas.MarksRequest, serving: Serving, reach: Writing
) -> schemas.FloorPlan:
    """All marks of the floor. 409 when somebody else has changed the plan since."""
    marks = [Mark(each.zone_id, each.device_id, each.x, each.y) for each in wanted.marks]
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        floor_plan_store.save_marks(connection, institution_id, floor, marks, seen=wanted.version, actor=reach.actor)
        return _shown(connection, institution_id, floor)


@router.delete("/{floor}", summary="Take a floor plan away", status_code=204, responses=_REFUSED)
def remove_plan(institution_id: InstitutionId, floor: Floor, seen: Seen, serving: Serving, reach: Writing) -> None:
    """With its marks. 409 when somebody else has changed it since."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        floor_plan_store.remove(connection, institution_id, floor, seen=seen, actor=reach.actor)


def _shown(connection: Connection, institution_id: int, floor: int) -> schemas.FloorPlan:
    for each in floor_plan_store.plans(connection, institution_id):
        if each.floor == floor:
            return schemas.FloorPlan.model_validate(each)
    raise NotFound(f"there is no plan of floor {floor}")
