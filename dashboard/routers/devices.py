"""Devices and their readings."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from alerting.escalation import CHINA
from dashboard import present, schemas
from dashboard.access import Serving, Viewing
from dashboard.errors import BadRequest, NotFound
from ingest import device_store, directory, history
from ingest.reading import EPOCH

router = APIRouter(prefix="/devices", tags=["devices"])

_SPAN_DEFAULT: Final = timedelta(hours=1)
_FAR: Final = datetime(2200, 1, 1, tzinfo=UTC)


@router.get("/{device_id}/readings", summary="Readings of a device over a span", response_model=schemas.Readings)
def show_readings(
    device_id: Annotated[int, Path(ge=1, le=2**31 - 1)],
    serving: Serving,
    reach: Viewing,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="default: one hour before `to`")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="default: now; not included itself")] = None,
    points_max: Annotated[int, Query(ge=1, le=5000, description="thinned when a series has more")] = 600,
) -> schemas.Readings:
    """Every good reading in [from, to), or, where a point has more than `points_max`, one mean with the lowest and the
    highest value for each of at most that many equal parts of the span. Parts of a minute or more are whole minutes, of
    an hour or more whole hours."""
    start, end = _span(start, end, datetime.now(UTC), timedelta(days=serving.settings.span_days_max))
    with serving.reading() as connection:
        [institution_id] = [each.institution_id for each in directory.devices(connection, [device_id])] or [0]
        device = present.device(connection, device_id) if reach.covers(connection, institution_id) else None
        if device is None:
            raise NotFound(f"there is no device {device_id}")
        found = history.series(connection, [point.id for point in device.points], start, end, points_max)
    series = [
        schemas.Series(
            point_id=point.id,
            quantity=point.quantity,
            unit=point.unit,
            measured_at_ms=found[point.id].measured_at_ms,
            value=found[point.id].value,
            low=found[point.id].low,
            high=found[point.id].high,
        )
        for point in device.points
    ]
    return schemas.Readings(device=device, start=start, end=end, series=series)


@router.get("/tests-due", summary="Devices whose test is due", response_model=schemas.DueTests)
def list_tests_due(
    serving: Serving,
    reach: Viewing,
    days: Annotated[int, Query(ge=0, le=3660, description="due within so many days; overdue ones always")] = 30,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> schemas.DueTests:
    """The longest overdue first. A day is one of China's."""
    today = datetime.now(CHINA).date()
    with serving.reading() as connection:
        ids = reach.institution_ids(connection)
        if institution_id is not None:
            reach.demand_institution(connection, institution_id)
            ids = [institution_id]
        found = device_store.due_tests(connection, ids, today + timedelta(days=days), limit)
        return present.due_tests(connection, found, today)


def _span(
    start: datetime | None, end: datetime | None, now: datetime, span_max: timedelta
) -> tuple[datetime, datetime]:
    for moment in (start, end):
        if moment is not None and not EPOCH < moment < _FAR:
            raise BadRequest("from and to lie between 1970 and 2200")
    end = (end or now).astimezone(UTC)
    start = (start or end - _SPAN_DEFAULT).astimezone(UTC)
    if start >= end:
        raise BadRequest("from must be before to")
    if end - start > span_max:
        raise BadRequest(f"from and to may be {span_max.total_seconds() / 86_400:g} days apart at most")
    return start, end
