"""Commitments (一承诺): who has signed, signing and revoking; publishing pages and credit list entries (两公开)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, status

from alerting.people import Right, Scope
from dashboard import present_publicity as present
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.schemas import publicity as shapes
from ingest import directory
from ingest.database import Connection
from inspection import (
    commitment,
    commitment_store,
    credit_list,
    credit_list_store,
    operate,
    publicity,
    publicity_operate,
    publicity_store,
)
from inspection.errors import CreditEntryUnknown
from inspection.operate import Actor

router = APIRouter(prefix="/commitments", tags=["public pages"])
entries = APIRouter(prefix="/credit-lists", tags=["public pages"])

Signing = Annotated[Reach, Depends(Permit(Right.SIGN_COMMITMENT))]
Revoking = Annotated[Reach, Depends(Permit(Right.SIGN_COMMITMENT, Right.PUBLISH_PAGE))]
Publishing = Annotated[Reach, Depends(Permit(Right.PUBLISH_PAGE))]
InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}


@router.get("", summary="Who has signed", response_model=shapes.CommitmentPage)
def list_commitments(
    serving: Serving,
    reach: Viewing,
    region: Annotated[str, Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")] = "",
    q: Annotated[str, Query(max_length=100, description="the institution's name or code")] = "",
    lacking: Annotated[bool, Query(description="only those without a commitment in force")] = False,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.CommitmentPage:
    """Institutions within reach: those without a commitment in force first, then whose ends first."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        places = [
            each
            for each in directory.institutions(connection, reach.institution_ids(connection))
            if Scope(None, region).covers(each.id, each.region)
            and q.strip().casefold() in f"{each.name} {each.name_en} {each.code}".casefold()
        ]
        ids = [each.id for each in places]
        signed, public = commitment_store.newest(connection, ids), publicity_store.stand(connection, ids)
    rows = [present.row(each, signed.get(each.id), now, published=public[each.id]) for each in places]
    held = [each for each in rows if each.standing is commitment.Standing.IN_FORCE]
    chosen = sorted(
        (each for each in rows if not lacking or each.standing is not commitment.Standing.IN_FORCE),
        key=lambda each: (
            each.standing is commitment.Standing.IN_FORCE, each.until.timestamp() if each.until else 0.0,
            each.institution.code,
        ),
    )  # fmt: skip
    return shapes.CommitmentPage(
        items=chosen[offset : offset + limit],
        total=len(chosen),
        in_force=len(held),
        ends_soon=sum(each.ends_soon for each in held),
        published=sum(each.published for each in rows),
    )


@router.get(
    "/{institution_id}", summary="An institution's commitment", response_model=shapes.CommitmentDetail,
    responses=_REFUSED,
)  # fmt: skip
def show_commitment(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> shapes.CommitmentDetail:
    """The text to sign, what was signed, and whether the page is public; with what one may do now."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return _detail(connection, reach, institution_id, datetime.now(UTC))


@router.post(
    "/{institution_id}", summary="Sign", response_model=shapes.CommitmentDetail, status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)  # fmt: skip
def sign(
    institution_id: InstitutionId, request: shapes.Signing, serving: Serving, reach: Signing
) -> shapes.CommitmentDetail:
    """By the head of the institution, over the text as they saw it; it takes the place of the one before."""
    actor = _actor(reach)
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        publicity_operate.sign(connection, institution_id, request.sha256, request.months, reach.person, actor)
        made = _detail(connection, reach, institution_id, actor.now)
    serving.public.forget()
    return made


@router.post(
    "/{institution_id}/revoke", summary="Revoke", response_model=shapes.CommitmentDetail, responses=_REFUSED
)  # fmt: skip
def revoke(
    institution_id: InstitutionId, request: shapes.Revoking, serving: Serving, reach: Revoking
) -> shapes.CommitmentDetail:
    """The commitment in force, with a reason: by the head of the institution, or by the authority."""
    actor = _actor(reach)
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        publicity_operate.revoke(
            connection, institution_id, request.commitment_id, request.reason, reach.person, actor
        )  # fmt: skip
        made = _detail(connection, reach, institution_id, actor.now)
    serving.public.forget()
    return made


@router.post(
    "/{institution_id}/publication", summary="Publish the page, or take it down",
    response_model=shapes.CommitmentDetail, responses=_REFUSED,
)  # fmt: skip
def publish_page(
    institution_id: InstitutionId, request: shapes.Publishing, serving: Serving, reach: Publishing
) -> shapes.CommitmentDetail:
    """By the institution or its authority; what the authority has taken down, it publishes again."""
    actor = _actor(reach)
    with serving.writing() as connection:
        reach.demand_institution(connection, institution_id)
        publicity_operate.publish_page(connection, institution_id, request.published, request.note, actor)
        made = _detail(connection, reach, institution_id, actor.now)
    serving.public.forget()
    return made


@entries.get(
    "/{entry_id}/publication", summary="Whether the public is told of an entry",
    response_model=shapes.EntryPublication, responses=_REFUSED,
)  # fmt: skip
def show_publication(entry_id: UUID, serving: Serving, reach: Viewing) -> shapes.EntryPublication:
    """With the words the public reads, and who wrote them when."""
    with serving.reading() as connection:
        return _publication(connection, reach, entry_id)


@entries.post(
    "/{entry_id}/publication", summary="Make an entry known, or take it down", response_model=shapes.EntryPublication,
    responses=_REFUSED,
)  # fmt: skip
def publish_entry(
    entry_id: UUID, request: shapes.EntryPublishing, serving: Serving, reach: Publishing
) -> shapes.EntryPublication:
    """Of the red or black list, while it is in force, by the authority and in words for the public."""
    with serving.writing() as connection:
        _demand_entry(connection, reach, entry_id)
        publicity_operate.publish_entry(
            connection, entry_id, request.published, (request.words_zh, request.words_en), request.note, _actor(reach)
        )
        made = _publication(connection, reach, entry_id)
    serving.public.forget()
    return made


def _actor(reach: Reach) -> Actor:
    return Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))


def _detail(connection: Connection, reach: Reach, institution_id: int, now: datetime) -> shapes.CommitmentDetail:
    [place] = directory.institutions(connection, [institution_id])
    history = commitment_store.history(connection, institution_id)
    texts = publicity_operate.texts_of(connection, history)
    acts = publicity_store.page_acts(connection, institution_id)
    by = operate.by_person(reach.person, reach.actor)
    held = commitment.in_force(history, now)
    named = publicity.named(publicity_store.responsibles(connection, institution_id))
    return present.detail(
        place, publicity_operate.text_known(connection), texts, history,
        commitment_store.open_hazards(connection, institution_id, now), acts, len(named), now,
        head_gone=held is not None and commitment_store.head_gone(connection, held),
        may_sign=commitment.may_sign(reach.person, institution_id),
        may_revoke=held is not None and commitment.may_revoke(reach.person, institution_id),
        may_publish=reach.holds(Right.PUBLISH_PAGE) and publicity.may_publish_page(next(iter(acts), None), by),
    )  # fmt: skip


def _publication(connection: Connection, reach: Reach, entry_id: UUID) -> shapes.EntryPublication:
    entry = _demand_entry(connection, reach, entry_id)
    acts = publicity_store.entry_acts(connection, entry_id)
    published = bool(acts) and acts[0].published
    may = reach.holds(Right.PUBLISH_PAGE) and reach.scope.institution_id is None
    return shapes.EntryPublication(
        published=published and publicity.publishable(entry),
        publishable=publicity.publishable(entry),
        acts=[shapes.EntryActShape.model_validate(each) for each in acts],
        may_publish=may and (published or publicity.publishable(entry)),
    )


def _demand_entry(connection: Connection, reach: Reach, entry_id: UUID) -> credit_list.Entry:
    """The entry, if one may know of it. Raises CreditEntryUnknown, in the same words for one that is not there."""
    entry = credit_list_store.load(connection, entry_id)
    by = operate.by_person(reach.person, reach.actor)
    if not reach.covers(connection, entry.institution_id) or not credit_list.visible(entry, by):
        raise CreditEntryUnknown(f"there is no entry {entry_id}")
    return entry
