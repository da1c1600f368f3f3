"""Institutions, their zones and devices."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from dashboard import present, schemas
from dashboard.access import Serving, Viewing
from dashboard.errors import NotFound

router = APIRouter(prefix="/institutions", tags=["institutions"])

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", summary="List institutions, the worst first", response_model=schemas.InstitutionPage)
def list_institutions(
    serving: Serving,
    reach: Viewing,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    q: Annotated[str, Query(max_length=100, description="part of the name or the code")] = "",
) -> schemas.InstitutionPage:
    """Those whose name (in either language) or code contains `q`."""
    with serving.reading() as connection:
        shown = present.institutions(connection, reach.institution_ids(connection))
    wanted = q.strip().casefold()
    if wanted:
        shown = [
            each for each in shown if any(wanted in text.casefold() for text in (each.name, each.name_en, each.code))
        ]
    return schemas.InstitutionPage(items=shown[offset : offset + limit], total=len(shown))


@router.get(
    "/{institution_id}", summary="One institution with its zones and devices", response_model=schemas.InstitutionDetail
)
def show_institution(institution_id: Id, serving: Serving, reach: Viewing) -> schemas.InstitutionDetail:
    """Everything in it, with the last value of every point."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        shown = present.institution_detail(connection, institution_id)
    if shown is None:
        raise NotFound(f"there is no institution {institution_id}")
    return shown
