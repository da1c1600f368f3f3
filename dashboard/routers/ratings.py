"""Safety credit ratings: the list, one institution's rating point by point, and what a bureau puts on record."""

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, status

from alerting.people import Right
from dashboard import present_rating, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.schemas import ratings as shapes
from ingest.database import Connection
from inspection import rating_run, rating_store, safety_record, safety_record_store
from inspection.errors import RatingRefused
from inspection.safety_record import SafetyRecord

router = APIRouter(prefix="/ratings", tags=["ratings"])
records = APIRouter(prefix="/safety-records", tags=["ratings"])

Recording = Annotated[Reach, Depends(Permit(Right.RECORD_SAFETY))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


@router.get("", summary="List ratings", response_model=shapes.RatingPage)
def list_ratings(
    serving: Serving,
    reach: Viewing,
    grade: Annotated[str | None, Query(max_length=4)] = None,
    region: Annotated[str, Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")] = "",
    q: Annotated[str, Query(max_length=100, description="the institution's name")] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.RatingPage:
    """Where each institution stands, the lowest score first; those not rated yet come last."""
    with serving.reading() as connection:
        found = rating_store.standings(
            connection, within=reach.institution_ids(connection), now=datetime.now(UTC), text=q
        )
        regions = rating_store.regions(connection, [each.institution_id for each in found])
        chosen = [
            each for each in found if grade in (None, each.grade) and regions[each.institution_id].startswith(region)
        ]
        return shapes.RatingPage(
            items=present_rating.rows(connection, chosen[offset : offset + limit]),
            total=len(chosen),
            grades=dict(Counter(each.grade for each in found if each.grade is not None)),
            regions=dict(Counter(regions.values())),
            change_days=rating_store.CHANGE_DAYS,
        )


@router.get("/policy", summary="The policy in force", response_model=shapes.RatingPolicyShape)
def show_policy(serving: Serving, _reach: Viewing) -> shapes.RatingPolicyShape:
    """What counts, and which grade brings what."""
    with serving.writing() as connection:
        return present_rating.policy(rating_run.in_force(connection)[1])


@router.get(
    "/{institution_id}", summary="One institution's rating", response_model=shapes.RatingDetail, responses=_REFUSED
)
def show_rating(institution_id: int, serving: Serving, reach: Viewing) -> shapes.RatingDetail:
    """Every point down to the record it came from."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return _detail(connection, institution_id)


@router.post(
    "/{institution_id}", summary="Rate an institution now", response_model=shapes.RatingDetail, responses=_REFUSED
)
def rate_now(institution_id: int, serving: Serving, reach: Recording) -> shapes.RatingDetail:
    """By what is on record up to a few seconds ago."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        _, count = rating_run.run(connection, None, "demand", reach.actor, [institution_id])
        if not count:
            raise RatingRefused("it was registered only just now")
        return _detail(connection, institution_id)


@records.get(
    "/{institution_id}", summary="What is on record", response_model=shapes.SafetyRecordList, responses=_REFUSED
)
def list_records(institution_id: int, serving: Serving, reach: Viewing) -> shapes.SafetyRecordList:
    """Accidents, penalties, honours, levels held, and the rest about one institution."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        found = safety_record_store.of_institution(connection, institution_id)
    return shapes.SafetyRecordList(items=present_rating.records(found))


@records.post(
    "",
    summary="Put something on record",
    response_model=shapes.SafetyRecordList,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def record(request: shapes.NewSafetyRecord, serving: Serving, reach: Recording) -> shapes.SafetyRecordList:
    """It is never changed or removed: another record withdraws it, or says it has been made good."""
    with serving.writing() as connection:
        reach.demand_institution(connection, request.institution_id)
        made = SafetyRecord(id=uuid.uuid4(), person_id=reach.person.id, **request.model_dump())
        about = safety_record_store.load(connection, request.about) if request.about else None
        safety_record.check(made, about, datetime.now(UTC))
        safety_record_store.add(connection, made, reach.actor)
        found = safety_record_store.of_institution(connection, request.institution_id)
    return shapes.SafetyRecordList(items=present_rating.records(found))


def _detail(connection: Connection, institution_id: int) -> shapes.RatingDetail:
    now = datetime.now(UTC)
    [standing] = rating_store.standings(connection, within=[institution_id], now=now)
    return present_rating.detail(connection, standing, now)
