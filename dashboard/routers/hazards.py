"""Hazards: the ledger, one hazard's history, and what people do about it."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response, status

from alerting.people import Right
from dashboard import cursors, present_hazard, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.personal import Personal, note_read
from dashboard.schemas import hazards as hazard_schemas
from dashboard.schemas.hazards import HazardDetail
from dashboard.service import Service
from ingest import directory
from ingest.database import Connection
from ingest.reading import from_us, to_us
from inspection import checklist, hazard_list_store, hazard_store, operate, photo_store, visit_store
from inspection.checklist import Level
from inspection.decide import SUPERVISE, Found
from inspection.errors import HazardUnknown, PhotoUnknown
from inspection.hazard import Category, Hazard, Origin, Supervisor
from inspection.hazard_list_store import Filter, Position, Which
from inspection.operate import Actor
from inspection.photo import UPLOAD_BYTES_MAX, redraw

PHOTOS_PATH: Final = "/api/hazards/photos"
PHOTO_BYTES_MAX: Final = UPLOAD_BYTES_MAX

router = APIRouter(prefix="/hazards", tags=["hazards"])

Reporting = Annotated[Reach, Depends(Permit(Right.REPORT_HAZARD))]
Assigning = Annotated[Reach, Depends(Permit(Right.ASSIGN_HAZARD))]
Rectifying = Annotated[Reach, Depends(Permit(Right.RECTIFY_HAZARD))]
Rechecking = Annotated[Reach, Depends(Permit(Right.RECHECK_HAZARD))]
Closing = Annotated[Reach, Depends(Permit(Right.CLOSE_HAZARD))]
Commenting = Annotated[Reach, Depends(Permit(Right.COMMENT))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


@router.get("", summary="List hazards", response_model=hazard_schemas.HazardPage)
def list_hazards(
    serving: Serving,
    reach: Viewing,
    which: Annotated[
        Which,
        Query(
            description="what has nobody comes first, then the earliest deadline; what is over, and `all`, by number"
        ),
    ] = Which.OPEN,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    level: Level | None = None,
    supervisor: Supervisor | None = None,
    category: Category | None = None,
    origin: Origin | None = None,
    mine: Annotated[bool, Query(description="only what was given to oneself")] = False,
    q: Annotated[str, Query(max_length=100, description="title, number or institution")] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> hazard_schemas.HazardPage:
    """A page of the ledger; ask again with `next_cursor` for the next one."""
    after, now = (_decode_cursor(cursor, which) if cursor else None), datetime.now(UTC)
    with serving.reading() as connection:
        assignee = reach.person.id if mine else None
        narrowed = Filter(
            which, reach.institution_ids(connection), institution_id, level, supervisor, category, origin, assignee, q
        )
        policy = operate.policy_in_force(connection)
        found, following = hazard_list_store.page(connection, narrowed, after, limit, now, policy)
        return hazard_schemas.HazardPage(
            items=present_hazard.rows(connection, found, now, policy),
            total=hazard_list_store.count(connection, narrowed, now, policy),
            next_cursor=_encode_cursor(following, which) if following else None,
        )


@router.get("/summary", summary="How many hazards there are of each sort", response_model=hazard_schemas.HazardSummary)
def summarise(
    serving: Serving, reach: Viewing, institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> hazard_schemas.HazardSummary:
    """Within one's reach, as of now."""
    with serving.reading() as connection:
        narrowed = Filter(Which.ALL, reach.institution_ids(connection), institution_id)
        policy = operate.policy_in_force(connection)
        found = hazard_list_store.summary(connection, narrowed, datetime.now(UTC), policy)
    return hazard_schemas.HazardSummary.model_validate(found)


@router.get("/options", summary="What the policy offers", response_model=hazard_schemas.HazardOptions)
def options(serving: Serving, _reach: Viewing) -> hazard_schemas.HazardOptions:
    """The terms, and which is proposed for which level and supervisor."""
    with serving.reading() as connection:
        return present_hazard.options(operate.policy_in_force(connection))


@router.post(
    "/photos",
    summary="Upload a photo",
    response_model=hazard_schemas.UploadedPhoto,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
    openapi_extra={"requestBody": {"required": True, "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
async def upload(
    request: Request, serving: Serving, reach: Reporting, institution_id: Annotated[int, Query(ge=1, le=2**31 - 1)]
) -> hazard_schemas.UploadedPhoto:
    """The picture is the body. It is drawn anew without what the camera wrote into it, and dropped after a day unless
    an act names it."""
    return await to_thread.run_sync(partial(_keep, serving, reach, institution_id, await request.body()))


def _keep(serving: Service, reach: Reach, institution_id: int, data: bytes) -> hazard_schemas.UploadedPhoto:
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
    photo = redraw(data)
    with serving.writing() as connection:
        number = photo_store.keep(connection, photo, institution_id=institution_id, uploader_id=reach.person.id)
    return hazard_schemas.UploadedPhoto(id=number, width=photo.width, height=photo.height)


@router.get(
    "/photos/{photo_id}",
    summary="One photo",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 404: {"model": schemas.Problem}},
)
def show_photo(photo_id: UUID, serving: Serving, reach: Viewing) -> Response:
    """Evidence is seen by whoever sees the hazard; what is not used yet only by who uploaded it."""
    with serving.recording() as connection:
        bound = photo_store.place(connection, photo_id)
        others = bound.loose and bound.uploader_id != reach.person.id
        hidden = (
            reach.scope.institution_id is not None
            and bound.inspection_id is not None
            and visit_store.load_many(connection, [bound.inspection_id])[bound.inspection_id].hidden
        )
        if others or hidden or not reach.covers(connection, bound.institution_id):
            raise PhotoUnknown(f"there is no photo {photo_id}")
        subject = next(
            (f"{what}:{number}" for what, number in (("hazard", bound.hazard_id), ("inspection", bound.inspection_id),
             ("credit", bound.credit_entry_id)) if number is not None), f"photo:{photo_id}"
        )  # fmt: skip
        note_read(connection, serving, reach, Personal.PHOTO, subject, [bound.institution_id])
        return Response(photo_store.jpeg(connection, photo_id), media_type="image/jpeg")


@router.post(
    "", summary="Report a hazard", response_model=HazardDetail, status_code=status.HTTP_201_CREATED, responses=_REFUSED
)
def report(request: hazard_schemas.HazardReport, serving: Serving, reach: Reporting) -> HazardDetail:
    """Whoever sees one. With an item of a checklist the clause is that item's."""
    item, clause = None, ""
    if request.checklist_id is not None and request.item_id is not None:
        clause = checklist.get(request.checklist_id).item(request.item_id).clause
        item = (request.checklist_id, request.item_id)
    found = Found(
        institution_id=request.institution_id,
        title=request.title,
        detail=request.detail,
        category=request.category,
        level=request.level,
        supervisor=request.supervisor,
        zone_id=request.zone_id,
        device_id=request.device_id,
        item=item,
        clause=clause,
        photos=request.photos,
    )
    with serving.writing() as connection:
        reach.demand_institution(connection, request.institution_id)
        actor = _actor(reach)
        return _shown(connection, reach, operate.report(connection, found, actor), actor.now)


@router.get("/{hazard_id}", summary="One hazard with its history", response_model=HazardDetail, responses=_REFUSED)
def show_hazard(hazard_id: UUID, serving: Serving, reach: Viewing) -> HazardDetail:
    """With what the sensor says, and what one may do now."""
    with serving.reading() as connection:
        return _shown(connection, reach, _within(connection, reach, hazard_id), datetime.now(UTC))


@router.get(
    "/{hazard_id}/assignees",
    summary="Whom a hazard may be given to",
    response_model=hazard_schemas.AssigneeList,
    responses=_REFUSED,
)
def list_assignees(hazard_id: UUID, serving: Serving, reach: Assigning) -> hazard_schemas.AssigneeList:
    """Everybody who may rectify there."""
    with serving.reading() as connection:
        place = _within(connection, reach, hazard_id).institution_id
        region = directory.region_of(connection, place) or ""
        found = hazard_list_store.with_right(connection, Right.RECTIFY_HAZARD, place, region)
    return hazard_schemas.AssigneeList(items=[hazard_schemas.Assignee.model_validate(each) for each in found])


@router.post("/{hazard_id}/assign", summary="Give it to somebody", response_model=HazardDetail, responses=_REFUSED)
def assign(hazard_id: UUID, act: hazard_schemas.Assignment, serving: Serving, reach: Assigning) -> HazardDetail:
    """交办: a person and a deadline, level and supervisor."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.assign(
            connection, hazard_id, act.version, actor, assignee_id=act.assignee_id, term=act.term, level=act.level,
            supervisor=act.supervisor, note=act.note,
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/rectify", summary="Say what was done", response_model=HazardDetail, responses=_REFUSED)
def rectify(hazard_id: UUID, act: hazard_schemas.Rectification, serving: Serving, reach: Rectifying) -> HazardDetail:
    """With photos as evidence; what a sensor found is proved by its data."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.rectify(
            connection, hazard_id, act.version, actor, measures=act.measures, photos=act.photos
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/recheck", summary="Recheck it", response_model=HazardDetail, responses=_REFUSED)
def recheck(hazard_id: UUID, act: hazard_schemas.Recheck, serving: Serving, reach: Rechecking) -> HazardDetail:
    """By somebody else than who rectified it. What fails goes back, with its deadline."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.recheck(
            connection, hazard_id, act.version, actor, passed=act.passed, note=act.note, photos=act.photos
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/close", summary="Take it off the list", response_model=HazardDetail, responses=_REFUSED)
def close(hazard_id: UUID, act: hazard_schemas.Closing, serving: Serving, reach: Closing) -> HazardDetail:
    """销号: only what passed its recheck."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.close(connection, hazard_id, act.version, actor, note=act.note),
    )  # fmt: skip


@router.post("/{hazard_id}/extension", summary="Ask for more time", response_model=HazardDetail, responses=_REFUSED)
def ask_extension(
    hazard_id: UUID, act: hazard_schemas.ExtensionRequest, serving: Serving, reach: Rectifying
) -> HazardDetail:
    """Somebody else decides."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.ask_extension(
            connection, hazard_id, act.version, actor, until=act.until, reason=act.reason
        ),
    )  # fmt: skip


@router.post(
    "/{hazard_id}/extension/decision", summary="Grant or refuse it", response_model=HazardDetail, responses=_REFUSED
)
def decide_extension(
    hazard_id: UUID, act: hazard_schemas.ExtensionDecision, serving: Serving, reach: Closing
) -> HazardDetail:
    """Not by who asked."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.decide_extension(
            connection, hazard_id, act.version, actor, granted=act.granted, note=act.note
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/proposal", summary="Propose 关停并转", response_model=HazardDetail, responses=_REFUSED)
def propose(hazard_id: UUID, act: hazard_schemas.ProposalRequest, serving: Serving, reach: Closing) -> HazardDetail:
    """At the end of the road, from outside the institution."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.propose(
            connection, hazard_id, act.version, actor, proposal=act.proposal, reason=act.reason
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/withdraw", summary="Take a report back", response_model=HazardDetail, responses=_REFUSED)
def withdraw(hazard_id: UUID, act: hazard_schemas.Withdrawal, serving: Serving, reach: Reporting) -> HazardDetail:
    """What was reported by mistake, with a reason: by its reporter until it is assigned, or by a supervisor until
    something was rectified or it is overdue."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.withdraw(
            connection, hazard_id, act.version, actor, reason=act.reason, supervises=reach.holds(SUPERVISE)
        ),
    )  # fmt: skip


@router.post("/{hazard_id}/comment", summary="Comment on it", response_model=HazardDetail, responses=_REFUSED)
def comment(hazard_id: UUID, said: hazard_schemas.HazardComment, serving: Serving, reach: Commenting) -> HazardDetail:
    """Add to its history, whatever its state."""
    return _act(
        serving, reach, hazard_id,
        lambda connection, actor: operate.comment(connection, hazard_id, actor, note=said.note, photos=said.photos),
    )  # fmt: skip


def _act(serving: Service, reach: Reach, hazard_id: UUID, act: Callable[[Connection, Actor], Hazard]) -> HazardDetail:
    with serving.writing() as connection:
        _within(connection, reach, hazard_id)
        actor = _actor(reach)
        return _shown(connection, reach, act(connection, actor), actor.now)


def _actor(reach: Reach) -> Actor:
    return Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))


def _within(connection: Connection, reach: Reach, hazard_id: UUID) -> Hazard:
    """The hazard, if it is within reach. Raises HazardUnknown, in the same words for one that is not and for none."""
    record = hazard_store.load(connection, hazard_id)
    if not reach.covers(connection, record.institution_id):
        raise HazardUnknown(f"there is no hazard {hazard_id}")
    return record


def _shown(connection: Connection, reach: Reach, record: Hazard, now: datetime) -> HazardDetail:
    by = operate.by_person(reach.person, reach.actor)
    return present_hazard.detail(connection, record, reach.person, by, now)


def _encode_cursor(position: Position, which: Which) -> str:
    """A position as the client hands it back: opaque, and good for the same list only."""
    return cursors.encode(which.value, to_us(position.deadline), position.no)


def _decode_cursor(cursor: str, which: Which) -> Position:
    """The inverse of _encode_cursor. Raises BadRequest."""
    name, deadline_us, no = cursors.decode(cursor, str, int, int)
    with cursors.of_this_list():
        if name != which or not 0 < no < 2**63:
            raise ValueError(name, no)
        return Position(from_us(deadline_us), no)
