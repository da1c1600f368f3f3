"""The inspector's phone: what it takes along when there is signal, and what it brings back.

An act is done once, however often it is sent; what others did meanwhile is never overwritten unseen.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from alerting.people import Right
from dashboard import present_phone, schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.schemas import phone as shapes
from dashboard.schemas.hazards import UploadedPhoto
from dashboard.service import Service
from ingest.database import Connection
from inspection import hazard_store, operate, phone_operate, visit, visit_store
from inspection.errors import HazardUnknown, VisitUnknown
from inspection.operate import Actor
from inspection.phone import RIGHT_OF, Act, Position, Stamp, Verb
from inspection.photo import UPLOAD_BYTES_MAX, redraw

PHOTOS_PATH: Final = "/api/phone/photos"
PHOTO_BYTES_MAX: Final = UPLOAD_BYTES_MAX

router = APIRouter(prefix="/phone", tags=["phone"])

Working = Annotated[Reach, Depends(Permit(Right.INSPECT))]
Viewing = Annotated[Reach, Depends(Permit(Right.VIEW))]
Reporting = Annotated[Reach, Depends(Permit(Right.REPORT_HAZARD))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
_OF_HAZARDS: Final = frozenset({Verb.RECHECK})


@router.get("/day", summary="What one takes along", response_model=shapes.PhoneDay)
def take_along(serving: Serving, reach: Working) -> shapes.PhoneDay:
    """One's inspections, rechecks that are due, and the institutions of both."""
    with serving.reading() as connection:
        return present_phone.day(connection, reach, datetime.now(UTC))


@router.post("/acts", summary="Something done on a phone", response_model=shapes.PhoneReceipt, responses=_REFUSED)
def perform(sent: shapes.PhoneAct, serving: Serving, reach: Working) -> shapes.PhoneReceipt:
    """Once: the same id again is answered again and not done again. Outcome `conflict`: others have changed it
    meanwhile, nothing was done, and the act is on record; another act settles it."""
    verb = Verb(sent.act.verb)
    reach.demand(RIGHT_OF[verb])
    body = sent.act.model_dump(mode="json", exclude={"verb"})
    if body.get("assignment"):
        reach.demand(Right.ASSIGN_HAZARD)
    act = Act(
        id=sent.id,
        person_id=reach.person.id,
        verb=verb,
        subject_id=sent.subject_id,
        based_on=sent.based_on,
        body=body,
        done_at=sent.done_at,
        sent_at=sent.sent_at,
        position=Position(sent.latitude, sent.longitude, sent.accuracy_m),
        settles=sent.settles,
    )
    with serving.writing() as connection:
        _demand_within(connection, reach, act)
        now = datetime.now(UTC)
        actor = Actor(operate.by_person(reach.person, reach.actor), now)
        made = phone_operate.perform(connection, act, actor, reach.person.language)
        return present_phone.receipt(connection, reach, act.id, made, now)


@router.post(
    "/photos",
    summary="A photo with its stamp",
    response_model=UploadedPhoto,
    responses=_REFUSED,
    openapi_extra={"requestBody": {"required": True, "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
async def upload(
    request: Request,
    serving: Serving,
    reach: Reporting,
    photo_id: UUID,
    institution_id: Annotated[int, Query(ge=1, le=2**31 - 1)],
    taken_at: AwareDatetime,
    sent_at: AwareDatetime,
    latitude: Annotated[float | None, Query(ge=-90, le=90)] = None,
    longitude: Annotated[float | None, Query(ge=-180, le=180)] = None,
    accuracy_m: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    place_missing: Literal["denied", "unavailable", "timeout", "unsupported"] | None = None,
) -> UploadedPhoto:
    """The picture is the body; it is drawn anew, without what the camera wrote into it. Time and place are kept beside
    it. The same id again changes nothing."""
    known = latitude is not None and longitude is not None
    position = Position(latitude, longitude, accuracy_m) if known else Position()
    stamp = Stamp(taken_at, sent_at, position, None if known else place_missing or "unavailable")
    data = await request.body()
    return await to_thread.run_sync(partial(_keep, serving, reach, institution_id, photo_id, stamp, data))


@router.get(
    "/hazards/{hazard_id}/stamps", summary="When and where a hazard's photos were taken",
    response_model=list[shapes.PhotoStamp], responses=_REFUSED,
)  # fmt: skip
def show_stamps(hazard_id: UUID, serving: Serving, reach: Viewing) -> list[shapes.PhotoStamp]:
    """Of those that were taken on a phone."""
    with serving.reading() as connection:
        _demand_hazard(connection, reach, hazard_id)
        return present_phone.stamps(connection, hazard_id)


def _keep(
    serving: Service, reach: Reach, institution_id: int, photo_id: UUID, stamp: Stamp, data: bytes
) -> UploadedPhoto:
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
    photo = redraw(data)
    actor = Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))
    with serving.writing() as connection:
        phone_operate.upload(connection, photo, photo_id, stamp, actor, institution_id)
    return UploadedPhoto(id=photo_id, width=photo.width, height=photo.height)


def _demand_within(connection: Connection, reach: Reach, act: Act) -> None:
    """Raises VisitUnknown, HazardUnknown, NotFound for what is out of reach, in the words for what does not exist."""
    if act.verb is Verb.REPORT:
        reach.demand_institution(connection, act.body["institution_id"])
        return
    if act.subject_id is None:
        raise VisitUnknown("say what this act is about")
    hazardous = act.verb in _OF_HAZARDS or (
        act.verb is Verb.KEEP and hazard_store.exists(connection, act.subject_id)
    )  # fmt: skip
    if hazardous:
        _demand_hazard(connection, reach, act.subject_id)
        return
    record = visit_store.load(connection, act.subject_id)
    by = operate.by_person(reach.person, reach.actor)
    if not reach.covers(connection, record.institution_id) or not visit.visible(record, by):
        raise VisitUnknown(f"there is no inspection {act.subject_id}")


def _demand_hazard(connection: Connection, reach: Reach, hazard_id: UUID) -> None:
    if not reach.covers(connection, hazard_store.load(connection, hazard_id).institution_id):
        raise HazardUnknown(f"there is no hazard {hazard_id}")
