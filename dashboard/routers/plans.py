"""Emergency plans: reading an institution's cards and writing its own; who cannot walk there."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from alerting import plan_card_store
from alerting.alert import Kind
from alerting.people import Right
from alerting.plan_card import Own, Phone, Residents, Step
from dashboard import present_desk, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.personal import Personal, note_read

router = APIRouter(prefix="/institutions/{institution_id}", tags=["plans"])

InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Writing = Annotated[Reach, Depends(Permit(Right.MANAGE_PLANS))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


@router.get("/plans", summary="An institution's emergency plans", response_model=schemas.PlanList, responses=_REFUSED)
def list_plans(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> schemas.PlanList:
    """Its own cards, and the defaults for other kinds of alert."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return schemas.PlanList(items=present_desk.plans(connection, institution_id))


@router.put("/plans/{kind}", summary="Write an institution's own plan", response_model=schemas.Plan, responses=_REFUSED)
def save_plan(
    institution_id: InstitutionId, kind: Kind, request: schemas.PlanRequest, serving: Serving, reach: Writing
) -> schemas.Plan:
    """Put it in place of the one that was seen; who did is kept in the ledger. 409 when somebody else was faster."""
    own = Own(
        kind,
        tuple(Step(step.zh, step.en) for step in request.steps),
        tuple(Phone(phone.name, phone.number) for phone in request.phones),
    )
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        plan_card_store.save(connection, institution_id, own, seen=request.version, actor=reach.actor)
        return next(each for each in present_desk.plans(connection, institution_id) if each.kind is kind)


@router.delete("/plans/{kind}", summary="Go back to the default plan", status_code=204, responses=_REFUSED)
def remove_plan(
    institution_id: InstitutionId,
    kind: Kind,
    seen: Annotated[int, Query(ge=0, alias="version", description="the version that was seen")],
    serving: Serving,
    reach: Writing,
) -> None:
    """Take the institution's own card away. 409 when somebody else has changed it since."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        plan_card_store.remove(connection, institution_id, kind, seen=seen, actor=reach.actor)


@router.get("/residents", summary="Who cannot walk, by zone", response_model=schemas.Residents, responses=_REFUSED)
def list_residents(
    institution_id: InstitutionId, serving: Serving, reach: Annotated[Reach, Depends(Permit(Right.VIEW_RESIDENTS))]
) -> schemas.Residents:
    """Personal data: for those who would have to carry them."""
    with serving.recording() as connection:
        reach.demand_institution(connection, institution_id)
        note_read(connection, serving, reach, Personal.RESIDENTS, f"institution:{institution_id}", [institution_id])
        return schemas.Residents.model_validate(plan_card_store.residents(connection, institution_id))


@router.put("/residents", summary="Say who cannot walk", response_model=schemas.Residents, responses=_REFUSED)
def save_residents(
    institution_id: InstitutionId, request: schemas.ResidentsRequest, serving: Serving, reach: Writing
) -> schemas.Residents:
    """The whole list; for whoever may write plans and see residents. The ledger notes who wrote it, and nothing of the
    people in it."""
    reach.demand(Right.VIEW_RESIDENTS)
    carried = [Residents(each.zone_id, each.count_cannot_walk, each.note) for each in request.items]
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        note_read(connection, serving, reach, Personal.RESIDENTS, f"institution:{institution_id}", [institution_id])
        plan_card_store.save_residents(connection, institution_id, carried, seen=request.version, actor=reach.actor)
        return schemas.Residents.model_validate(plan_card_store.residents(connection, institution_id))
