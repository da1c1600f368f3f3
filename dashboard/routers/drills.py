"""Drills: starting one, and how they went."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from alerting import drill_store
from alerting.drill_runner import wanted
from alerting.errors import DrillUnknown
from alerting.people import Right
from alerting.settings import DrillSettings
from dashboard import present_desk, schemas
from dashboard.access import Permit, Reach, Serving, Viewing

router = APIRouter(prefix="/drills", tags=["drills"])

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409)}


@router.get("", summary="The latest drills", response_model=schemas.DrillList)
def list_drills(
    serving: Serving, reach: Viewing, institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> schemas.DrillList:
    """Newest first."""
    with serving.reading() as connection:
        if institution_id is not None:
            reach.demand_institution(connection, institution_id)
            found = drill_store.of_institutions(connection, [institution_id])
        else:
            found = drill_store.of_institutions(connection, reach.institution_ids(connection))
        return schemas.DrillList(items=present_desk.drills(connection, found))


@router.get("/{drill_id}", summary="One drill with its report", response_model=schemas.Drill, responses=_REFUSED)
def show_drill(drill_id: UUID, serving: Serving, reach: Viewing) -> schemas.Drill:
    """The report is there once the drill is over."""
    with serving.reading() as connection:
        record = drill_store.load(connection, drill_id)
        if not reach.covers(connection, record.drill.institution_id):
            raise DrillUnknown(f"there is no drill {drill_id}")
        return present_desk.drills(connection, [record])[0]


@router.post(
    "",
    summary="Start a drill",
    response_model=schemas.Drill,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def start(
    request: schemas.DrillRequest, serving: Serving, reach: Annotated[Reach, Depends(Permit(Right.DRILL))]
) -> schemas.Drill:
    """A marked, simulated alarm goes the whole real way. 409 beside another drill, or during a real alarm."""
    with serving.writing() as connection:
        reach.demand_institution(connection, request.institution_id)
        record = drill_store.start(
            connection,
            wanted(
                connection, request.institution_id, request.device_id, request.kind, DrillSettings(), by=reach.actor,
                note=request.note,
            ),
        )  # fmt: skip
        return present_desk.drills(connection, [record])[0]
