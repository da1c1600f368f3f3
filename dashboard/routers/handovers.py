"""Handing a duty desk over between shifts, and how long its sound may be kept off."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from alerting import handover_store, oncall_store
from alerting.errors import HandoverUnknown
from alerting.handover import Handover, State, shift_start, why_not_write
from alerting.people import Right
from dashboard import present_handover, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from ingest import directory
from ingest.database import Connection

router = APIRouter(tags=["duty desk"])

log = structlog.get_logger(__name__)

HandingOver = Annotated[Reach, Depends(Permit(Right.HAND_OVER))]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409)}


@router.get("/desk/sound", summary="How long the desk's sound may be kept off", response_model=schemas.SoundPolicy)
def show_sound(serving: Serving, _reach: Viewing) -> schemas.SoundPolicy:
    """From the escalation policy in force. A page that could not ask keeps the sound on."""
    with serving.reading() as connection:
        policy = oncall_store.policy_in_force(connection)
    sound = policy.sound
    return schemas.SoundPolicy(
        policy_version=policy.version, mute_s_max=sound.mute_s_max, mutes_max=sound.mutes_max,
        fault_mute_s_max=sound.fault_mute_s_max,
    )  # fmt: skip


@router.get("/handovers", summary="Handovers, newest first", response_model=schemas.HandoverPage)
def list_handovers(
    serving: Serving,
    reach: Viewing,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next_before` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> schemas.HandoverPage:
    """Those of every desk within one's scope."""
    with serving.reading() as connection:
        within = reach.institution_ids(connection), reach.scope.region
        found, following = handover_store.page(connection, *within, before, limit)
        return schemas.HandoverPage(
            items=present_handover.handovers(connection, found),
            total=handover_store.count(connection, *within),
            next_before=following,
        )


@router.get("/handovers/desk", summary="What waits at one's own desk", response_model=schemas.HandoverDesk)
def show_desk(serving: Serving, reach: HandingOver) -> schemas.HandoverDesk:
    """Whether one's own desk hands over at all, and the note that nobody has taken over yet."""
    with serving.reading() as connection:
        last = handover_store.latest(connection, reach.scope)
        waiting = [last] if last is not None and last.state is State.WAITING else []
        return schemas.HandoverDesk(
            in_use=handover_store.in_use(connection, reach.scope),
            waiting=next(iter(present_handover.handovers(connection, waiting)), None),
        )


@router.get("/handovers/draft", summary="The facts of the shift that ends now", response_model=schemas.HandoverDraft)
def show_draft(serving: Serving, reach: HandingOver) -> schemas.HandoverDraft:
    """What a note left at one's own desk would be kept with."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        last = handover_store.latest(connection, reach.scope)
        since_at, since = shift_start(last, now)
        own = last if last is not None and last.state is State.WAITING and last.actor == reach.actor else None
        return schemas.HandoverDraft(
            since_at=since_at,
            since=since,
            now=now,
            facts=present_handover.facts(connection, reach.institution_ids(connection), since_at, now),
            replaces=own.id if own else None,
            note=own.note if own else "",
            why_not=why_not_write(last, reach.actor),
        )


@router.post(
    "/handovers", summary="Leave a note for the next shift", response_model=schemas.Handover,
    status_code=status.HTTP_201_CREATED, responses=_REFUSED,
)  # fmt: skip
def write(note: schemas.HandoverNote, serving: Serving, reach: HandingOver) -> schemas.Handover:
    """At one's own desk, with the facts of the shift as the records have them now. One's own note that still waits is
    replaced; 409 while somebody else's does."""
    now = datetime.now(UTC)
    with serving.writing() as connection:
        since_at, _ = shift_start(handover_store.latest(connection, reach.scope), now)
        facts = present_handover.facts(connection, reach.institution_ids(connection), since_at, now)
        written = handover_store.write(
            connection, reach.scope, actor=reach.actor, name=note.name, note=note.note, since_at=since_at,
            facts=facts.model_dump(mode="json"),
        )  # fmt: skip
        shown = present_handover.handovers(connection, [written])[0]
    log.info("handover written", handover_id=written.id, actor=reach.actor)
    return shown


@router.get("/handovers/{handover_id}", summary="One handover", response_model=schemas.Handover, responses=_REFUSED)
def show(handover_id: Number, serving: Serving, reach: Viewing) -> schemas.Handover:
    """Note, facts and both signatures."""
    with serving.reading() as connection:
        return present_handover.handovers(connection, [_within(connection, reach, handover_id)])[0]


@router.post(
    "/handovers/{handover_id}/take-over", summary="Take over", response_model=schemas.Handover, responses=_REFUSED
)
def take_over(
    handover_id: Number, signature: schemas.HandoverSignature, serving: Serving, reach: HandingOver
) -> schemas.Handover:
    """Sign for the note that waits at one's own desk. 409 where it is another's desk, does not wait any more, or the
    name is that of its writer."""
    with serving.writing() as connection:
        _within(connection, reach, handover_id)
        taken = handover_store.take_over(
            connection, handover_id, reach.scope, actor=reach.actor, name=signature.name, remark=signature.remark
        )
        shown = present_handover.handovers(connection, [taken])[0]
    log.info("handover taken over", handover_id=handover_id, actor=reach.actor)
    return shown


def _within(connection: Connection, reach: Reach, handover_id: int) -> Handover:
    """Raises HandoverUnknown for one of a desk out of reach, in the words for one that does not exist."""
    found = handover_store.load(connection, handover_id)
    institution_id = found.desk.institution_id
    region = directory.region_of(connection, institution_id) if institution_id is not None else None
    if not found.desk.within(reach.scope, region or ""):
        raise HandoverUnknown(f"there is no handover {handover_id}")
    return found
