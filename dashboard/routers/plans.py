"""Emergency plans: reading an institution's cards, and writing its own."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path

from alerting import plan_card_store
from alerting.alert import Kind
from alerting.people import Right
from alerting.plan_card import Own, Phone, Residents, Step
from dashboard import present_desk, schemas
from dashboard.access import Permit, Reach, Serving, Viewing

router = APIRouter(prefix="/institutions", tags=["plans"])

InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 422)}


@router.get(
    "/{institution_id}/plans",
    summary="An institution's emergency plans",
    response_model=schemas.PlanList,
    responses=_REFUSED,
)
def list_plans(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> schemas.PlanList:
    """Its own cards, and the defaults for other kinds of alert."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return schemas.PlanList(items=present_desk.plans(connection, institution_id))


@router.put(
    "/{institution_id}/plans/{kind}",
    summary="Write an institution's own plan",
    response_model=schemas.Plan,
    responses=_REFUSED,
)
def save_plan(
    institution_id: InstitutionId,
    kind: Kind,
    request: schemas.PlanRequest,
    serving: Serving,
    reach: Annotated[Reach, Depends(Permit(Right.MANAGE_PLANS))],
) -> schemas.Plan:
    """Put it in place of the one it had; who did is kept in the ledger."""
    own = Own(
        kind,
        tuple(Step(step.zh, step.en) for step in request.steps),
        tuple(Phone(phone.name, phone.number) for phone in request.phones),
    )
    carried = (
        None
        if request.residents is None
        else [Residents(each.zone_id, each.count_cannot_walk, each.note) for each in request.residents]
    )
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        plan_card_store.save(connection, institution_id, own, carried, actor=reach.actor)
        return next(each for each in present_desk.plans(connection, institution_id) if each.kind is kind)
