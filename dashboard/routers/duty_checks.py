"""Duty checks: calling one, answering it, and how they went."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, status

from alerting import duty_check_store
from alerting.errors import DutyCheckUnknown
from alerting.people import Right
from dashboard import present_desk, schemas
from dashboard.access import Permit, Reach, Serving, Viewing

router = APIRouter(prefix="/duty-checks", tags=["duty checks"])

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409)}


@router.get("", summary="The latest duty checks", response_model=schemas.DutyCheckList)
def list_duty_checks(
    serving: Serving, reach: Viewing, institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> schemas.DutyCheckList:
    """Newest first."""
    with serving.reading() as connection:
        if institution_id is not None:
            reach.demand_institution(connection, institution_id)
            found = duty_check_store.of_institutions(connection, [institution_id])
        else:
            found = duty_check_store.of_institutions(connection, reach.institution_ids(connection))
        return schemas.DutyCheckList(items=present_desk.duty_checks(connection, found))


@router.post(
    "",
    summary="Call a duty check",
    response_model=schemas.DutyCheck,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def call(
    request: schemas.DutyCheckRequest,
    serving: Serving,
    reach: Annotated[Reach, Depends(Permit(Right.CALL_DUTY_CHECK))],
) -> schemas.DutyCheck:
    """The desk must answer in time; otherwise its supervisors are alerted. 409 while an earlier one is open."""
    with serving.writing() as connection:
        reach.demand_institution(connection, request.institution_id)
        called = duty_check_store.call(
            connection, request.institution_id, called_by=reach.actor, answer_s=request.answer_within_s,
            note=request.note,
        )  # fmt: skip
        return present_desk.duty_checks(connection, [called])[0]


@router.post("/{number}/answer", summary="Answer a duty check", response_model=schemas.DutyCheck, responses=_REFUSED)
def answer(
    number: Annotated[int, Path(ge=1, le=2**63 - 1)],
    serving: Serving,
    reach: Annotated[Reach, Depends(Permit(Right.ANSWER_DUTY_CHECK))],
) -> schemas.DutyCheck:
    """Say that somebody is at the desk. 409 when it was answered already, or its time is up."""
    with serving.writing() as connection:
        standing = duty_check_store.load(connection, number)
        if not reach.covers(connection, standing.institution_id):
            raise DutyCheckUnknown(f"there is no duty check {number}")
        answered = duty_check_store.answer(connection, number, actor=reach.actor)
        return present_desk.duty_checks(connection, [answered])[0]
