"""What reports from an institution without being registered, and registering it in one step."""

from functools import cache
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path

from alerting import claiming
from alerting.people import Right
from dashboard import present, schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.errors import NotFound
from ingest import claim, claim_store, directory, route_file
from ingest.claim import Claim, Heard
from ingest.database import Connection
from ingest.errors import RoutesInvalid
from ingest.quantity import QUANTITIES
from ingest.routes import OWN_ROUTES, Routes
from ingest.settings import PipelineSettings

router = APIRouter(prefix="/institutions/{institution_id}", tags=["devices"])

InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
DeviceId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Registering = Annotated[Reach, Depends(Permit(Right.REGISTER_DEVICE))]
Reading = Annotated[Reach, Depends(Permit(Right.REGISTER_DEVICE, Right.READ_ALL))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
_LISTED_MAX: Final = 500

log = structlog.get_logger("dashboard.claims")


@router.get(
    "/unclaimed",
    summary="What reports from the institution without being registered",
    response_model=schemas.HeardDevices,
    responses=_REFUSED,
)
def list_heard(institution_id: InstitutionId, serving: Serving, reach: Reading) -> schemas.HeardDevices:
    """The latest first, each with what it sent and what that suggests it is."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        found = claim_store.heard(connection, institution_id, _LISTED_MAX)
        ids = [each.device_id for each in found if each.device_id is not None]
        names = {each.id: each.name for each in directory.devices(connection, ids)}
    return schemas.HeardDevices(items=[_shown(each, names.get(each.device_id or 0)) for each in found])


@router.post(
    "/devices", summary="Register a device", status_code=201, response_model=schemas.Device, responses=_REFUSED
)
def claim_device(
    institution_id: InstitutionId, request: schemas.ClaimRequest, serving: Serving, reach: Registering
) -> schemas.Device:
    """One that was heard. Its next message is stored and judged; who registered it is kept in the ledger. 409 when it
    is registered already."""
    wanted = Claim(**{**request.model_dump(), "quantities": tuple(request.quantities)})
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        device_id = claiming.claim(connection, institution_id, wanted, reach.actor)
        shown = _device(connection, device_id)
    log.info("device claimed", institution_id=institution_id, device=wanted.code, actor=reach.actor)
    return shown


@router.post(
    "/devices/{device_id}/quantities",
    summary="Register more of what a device measures",
    response_model=schemas.Device,
    responses=_REFUSED,
)
def claim_quantities(
    institution_id: InstitutionId,
    device_id: DeviceId,
    request: schemas.ClaimQuantitiesRequest,
    serving: Serving,
    reach: Registering,
) -> schemas.Device:
    """Of what it was heard to send; who registered it is kept in the ledger."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        claiming.claim_quantities(connection, institution_id, device_id, tuple(request.quantities), reach.actor)
        return _device(connection, device_id)


@router.put(
    "/devices/{device_id}/dates",
    summary="Say when a device was put up and is tested next",
    response_model=schemas.Device,
    responses=_REFUSED,
)
def set_dates(
    institution_id: InstitutionId,
    device_id: DeviceId,
    request: schemas.DatesRequest,
    serving: Serving,
    reach: Registering,
) -> schemas.Device:
    """Both, in place of what was known; who said so is kept in the ledger."""
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        claiming.set_dates(
            connection, institution_id, device_id, request.installed_on, request.test_due_on, reach.actor
        )
        return _device(connection, device_id)


@cache
def _routes() -> Routes:
    """As the pipeline of this machine reads them; Anhu's own where its file cannot be read, as then nothing else is."""
    try:
        return route_file.load(PipelineSettings().routes)
    except RoutesInvalid as error:
        log.warning("routes file cannot be read", reason=str(error))
        return OWN_ROUTES


def _device(connection: Connection, device_id: int) -> schemas.Device:
    shown = present.device(connection, device_id)
    if shown is None:
        raise NotFound(f"there is no device {device_id}")
    return shown


def _shown(heard: Heard, name: str | None) -> schemas.HeardDevice:
    values = claim.last_values(heard, _routes())
    return schemas.HeardDevice(
        device=heard.device,
        device_id=heard.device_id,
        name=name,
        quantities=[
            schemas.HeardQuantity(quantity=each, unit=QUANTITIES[each].unit, last_value=values.get(each))
            for each in heard.quantities
            if each in QUANTITIES
        ],
        claimable=heard.claimable,
        suggested_code=heard.suggested_code,
        suggested_kind=claim.suggested_kind(heard.quantities),
        suggested_interval_s=claim.suggested_interval_s(heard.first_seen_at, heard.last_seen_at, heard.message_count),
        first_seen_at=heard.first_seen_at,
        last_seen_at=heard.last_seen_at,
        message_count=heard.message_count,
        last_topic=heard.last_topic,
        last_payload=heard.last_payload.decode("utf-8", "replace"),
    )
