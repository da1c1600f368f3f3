"""Checklists: which there are, and what is on them."""

from typing import Annotated

from fastapi import APIRouter, Path

from dashboard import present_hazard, schemas
from dashboard.access import Viewing
from dashboard.schemas import hazards as hazard_schemas
from inspection import checklist

router = APIRouter(prefix="/checklists", tags=["checklists"])


@router.get("", summary="The checklists", response_model=hazard_schemas.ChecklistList)
def list_checklists(_reach: Viewing) -> hazard_schemas.ChecklistList:
    """Each in one line."""
    return hazard_schemas.ChecklistList(
        items=[present_hazard.checklist_row(each) for each in checklist.shipped().values()]
    )


@router.get(
    "/{checklist_id}",
    summary="One checklist with its items",
    response_model=hazard_schemas.ChecklistDetail,
    responses={404: {"model": schemas.Problem}},
)
def show_checklist(
    checklist_id: Annotated[str, Path(max_length=64)], _reach: Viewing
) -> hazard_schemas.ChecklistDetail:
    """An item whose wording is missing has no text: nobody here has seen it."""
    return present_hazard.checklist_detail(checklist.get(checklist_id))
