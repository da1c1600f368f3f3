"""The export for a province's platform: alerts, hazards and ratings as JSON, read on from a cursor."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from dashboard import present_export, schemas
from dashboard.access import Serving
from dashboard.machine import Machine, Reads
from dashboard.schemas import export as shapes
from inspection import export_store
from inspection.export import cursor
from inspection.service_account import Collection

router = APIRouter(prefix="/api/export", tags=["export"])

After = Annotated[
    str | None, Query(max_length=60, description="`next_cursor` of the last page; without it from the beginning")
]
Limit = Annotated[int, Query(ge=1, le=1000)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (401, 403, 422)}


@router.get("/alerts", summary="Export alerts", response_model=shapes.ExportAlertPage, responses=_REFUSED)
def export_alerts(
    serving: Serving, machine: Annotated[Machine, Depends(Reads(Collection.ALERTS))], after: After = None,
    limit: Limit = 500,
) -> shapes.ExportAlertPage:  # fmt: skip
    """Every event of every alert in the account's scope, in the order of commits, with the alert as it stands."""
    place = cursor(after, Collection.ALERTS)
    with serving.reading() as connection:
        page, alerts = export_store.alerts(connection, machine.scope, place, limit)
        items = present_export.alert_events(connection, page.items, alerts)
    return shapes.ExportAlertPage(items=items, next_cursor=str(page.following), has_more=page.more)


@router.get("/hazards", summary="Export hazards", response_model=shapes.ExportHazardPage, responses=_REFUSED)
def export_hazards(
    serving: Serving, machine: Annotated[Machine, Depends(Reads(Collection.HAZARDS))], after: After = None,
    limit: Limit = 500,
) -> shapes.ExportHazardPage:  # fmt: skip
    """Every event of every hazard in the account's scope, in the order of commits, with the hazard as it stands."""
    place = cursor(after, Collection.HAZARDS)
    with serving.reading() as connection:
        page, hazards = export_store.hazards(connection, machine.scope, place, limit)
        items = present_export.hazard_events(connection, page.items, hazards)
    return shapes.ExportHazardPage(items=items, next_cursor=str(page.following), has_more=page.more)


@router.get("/ratings", summary="Export ratings", response_model=shapes.ExportRatingPage, responses=_REFUSED)
def export_ratings(
    serving: Serving, machine: Annotated[Machine, Depends(Reads(Collection.RATINGS))], after: After = None,
    limit: Limit = 500,
) -> shapes.ExportRatingPage:  # fmt: skip
    """Every rating in the account's scope, run by run."""
    place = cursor(after, Collection.RATINGS)
    with serving.reading() as connection:
        page = export_store.ratings(connection, machine.scope, place, limit)
        items = present_export.ratings(connection, page.items)
    return shapes.ExportRatingPage(items=items, next_cursor=str(page.following), has_more=page.more)
