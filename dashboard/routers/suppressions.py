"""Keeping alarms quiet for a time: shelving, out of service, maintenance."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from alerting import suppression_store
from alerting.people import Right
from alerting.suppression import Means, Suppression
from dashboard import present, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.errors import BadRequest, NotFound
from ingest import directory
from ingest.database import Connection

router = APIRouter(prefix="/suppressions", tags=["suppressions"])

log = structlog.get_logger(__name__)

RIGHT_FOR: Final = {
    Means.SHELVE: Right.SHELVE,
    Means.OUT_OF_SERVICE: Right.OUT_OF_SERVICE,
    Means.MAINTENANCE: Right.MAINTENANCE,
}
_PAST_MAX: Final = timedelta(minutes=5)  # a page's clock may be behind ours
_AHEAD_MAX: Final = timedelta(days=90)
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {status: {"model": schemas.Problem} for status in (404, 409, 422)}

Silencing = Annotated[Reach, Depends(Permit(*RIGHT_FOR.values()))]


@router.get("", summary="What is kept quiet now or will be", response_model=schemas.SuppressionList)
def list_suppressions(
    serving: Serving, reach: Viewing, institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> schemas.SuppressionList:
    """In force or planned, the oldest first."""
    with serving.reading() as connection:
        found = suppression_store.in_force_or_planned(connection, datetime.now(UTC))
        ids = reach.institution_ids(connection)
        within = [
            each
            for each in found
            if (ids is None or each.institution_id in ids) and institution_id in (None, each.institution_id)
        ]
        return schemas.SuppressionList(items=present.suppressions(connection, within))


@router.post(
    "",
    summary="Keep alarms quiet for a time",
    response_model=schemas.Suppression,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def begin(wanted: schemas.SuppressionRequest, serving: Serving, reach: Silencing) -> schemas.Suppression:
    """They are still raised, stored and shown, and call again when it ends. 422 with `limit_s` when it is too long."""
    reach.demand(RIGHT_FOR[wanted.means])
    with serving.writing() as connection:
        reach.demand_institution(connection, wanted.institution_id)
        zone_id = _place(connection, wanted)
        now = datetime.now(UTC)
        from_at = _from(wanted, now)
        begun = suppression_store.begin(
            connection,
            Suppression(
                0, wanted.means, wanted.institution_id, zone_id, wanted.device_id, wanted.alert_kind, wanted.reason,
                reach.actor, from_at, wanted.until_at,
            ),
        )  # fmt: skip
        [shown] = present.suppressions(connection, [begun])
    log.info("alarms kept quiet", means=begun.means.value, suppression_id=begun.id, actor=reach.actor)
    return shown


@router.post(
    "/{suppression_id}/end", summary="Let them call again", response_model=schemas.Suppression, responses=_REFUSED
)
def end(
    suppression_id: Annotated[int, Path(ge=1, le=2**31 - 1)], serving: Serving, reach: Silencing
) -> schemas.Suppression:
    """End it before its time. 409 when it is over already."""
    with serving.writing() as connection:
        known = suppression_store.load(connection, suppression_id)
        if known is None or not reach.covers(connection, known.institution_id):
            raise NotFound(f"there is no suppression {suppression_id}")
        reach.demand(RIGHT_FOR[known.means])
        ended = suppression_store.end(connection, suppression_id, actor=reach.actor, now=datetime.now(UTC))
        [shown] = present.suppressions(connection, [ended])
    log.info("alarms may call again", suppression_id=suppression_id, actor=reach.actor)
    return shown


def _from(wanted: schemas.SuppressionRequest, now: datetime) -> datetime:
    from_at = wanted.from_at or now
    if from_at < now - _PAST_MAX or from_at > now + _AHEAD_MAX:
        raise BadRequest(f"from_at lies between now and {_AHEAD_MAX.days} days from now")
    from_at = max(from_at, now)
    if wanted.until_at <= from_at:
        raise BadRequest("until_at must be after now and after from_at")
    return from_at


def _place(connection: Connection, wanted: schemas.SuppressionRequest) -> int | None:
    """The zone to keep quiet. Raises NotFound for a zone or device that is not of the institution."""
    zone_id = wanted.zone_id
    if wanted.device_id is not None:
        devices = directory.devices(connection, [wanted.device_id])
        if not devices or devices[0].institution_id != wanted.institution_id:
            raise NotFound(f"there is no device {wanted.device_id}")
        if zone_id not in (None, devices[0].zone_id):
            raise BadRequest("the device is in another zone")
    if zone_id is not None:
        zones = directory.zones(connection, [zone_id])
        if not zones or zones[0].institution_id != wanted.institution_id:
            raise NotFound(f"there is no zone {zone_id}")
    return zone_id
