"""The red, watch and black list: entries, their history and papers, what people do about them; visits that are due."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from alerting.people import Right
from dashboard import cursors, present_credit_list, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.schemas import credit_lists as shapes
from dashboard.schemas.credit_lists import CreditDetail
from dashboard.service import Service
from ingest.database import Connection
from ingest.reading import from_us, to_us
from inspection import credit_list, credit_list_operate, credit_list_store, operate, visit_due, visit_due_store
from inspection.credit_criteria import ListKind
from inspection.credit_list import Entry, Verb
from inspection.credit_list_store import Filter, Position, Which
from inspection.errors import CreditEntryUnknown
from inspection.operate import Actor
from inspection.visit_due import Standing

router = APIRouter(prefix="/credit-lists", tags=["credit lists"])
due = APIRouter(prefix="/visits-due", tags=["credit lists"])

Managing = Annotated[Reach, Depends(Permit(Right.MANAGE_CREDIT_LIST))]
Objecting = Annotated[Reach, Depends(Permit(Right.APPEAL_CREDIT_LIST))]
Judging = Annotated[Reach, Depends(Permit(Right.DECIDE_CREDIT_APPEAL))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
_REGION: Final = Query(pattern=r"^([0-9]{2}){0,3}$", description="the beginning of a region code")


@router.get("", summary="List entries", response_model=shapes.CreditPage)
def list_entries(
    serving: Serving,
    reach: Viewing,
    kind: ListKind | None = None,
    which: Annotated[Which, Query(description="`open`: proposed, and not listed yet")] = Which.ALL,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    region: Annotated[str, _REGION] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.CreditPage:
    """The newest proposal first. The institution sees its own from the notice on."""
    after = _decode_cursor(cursor) if cursor else None
    with serving.reading() as connection:
        within, inside = reach.institution_ids(connection), reach.scope.institution_id is not None
        narrowed = Filter(within, inside, which, kind, institution_id, region)
        found, following = credit_list_store.page(connection, narrowed, after, limit)
        counted = credit_list_store.counts(connection, Filter(within, inside, Which.ALL, None, institution_id, region))
        criteria = credit_list_operate.criteria_known(connection)
        return shapes.CreditPage(
            items=present_credit_list.rows(connection, found, criteria),
            total=sum(n for each, n in counted.items() if kind in (None, each[0]) and each[1] in which.states),
            counts=[shapes.CreditCount(kind=each[0], state=each[1], count=n) for each, n in sorted(counted.items())],
            next_cursor=_encode_cursor(following) if following else None,
        )


@router.get("/criteria", summary="The criteria in force", response_model=shapes.CreditCriteriaShape)
def show_criteria(serving: Serving, _reach: Viewing) -> shapes.CreditCriteriaShape:
    """Who is proposed, and what a list means."""
    with serving.reading() as connection:
        return present_credit_list.criteria_shape(credit_list_operate.criteria_known(connection))


@router.post(
    "", summary="Propose an entry", response_model=CreditDetail, status_code=status.HTTP_201_CREATED, responses=_REFUSED
)
def propose(request: shapes.NewCreditEntry, serving: Serving, reach: Managing) -> CreditDetail:
    """On a person's own grounds; what the ratings bring is proposed at night."""
    with serving.writing() as connection:
        reach.demand_institution(connection, request.institution_id)
        actor = _actor(reach)
        made = credit_list_operate.propose(
            connection, request.institution_id, request.kind, actor, reason=request.reason
        )
        return _shown(connection, reach, made, actor.now)


@router.get("/{entry_id}", summary="One entry with its history", response_model=CreditDetail, responses=_REFUSED)
def show_entry(entry_id: UUID, serving: Serving, reach: Viewing) -> CreditDetail:
    """With what one may do now."""
    with serving.reading() as connection:
        return _shown(connection, reach, _within(connection, reach, entry_id), datetime.now(UTC))


@router.get(
    "/{entry_id}/papers/{seq}", summary="A paper to print", response_model=shapes.CreditPaperShape, responses=_REFUSED
)
def show_paper(entry_id: UUID, seq: int, serving: Serving, reach: Viewing) -> shapes.CreditPaperShape:
    """The notice, the decision, the answer to an objection: of the event with that number."""
    with serving.reading() as connection:
        return present_credit_list.paper(connection, _within(connection, reach, entry_id), seq)


@router.post("/{entry_id}/notify", summary="Issue the notice", response_model=CreditDetail, responses=_REFUSED)
def notify(entry_id: UUID, act: shapes.Noted, serving: Serving, reach: Managing) -> CreditDetail:
    """告知: a person decides to go on."""
    return _act(
        serving, reach, entry_id,
        lambda connection, actor: credit_list_operate.notify(connection, entry_id, act.version, actor, note=act.note),
    )  # fmt: skip


@router.post("/{entry_id}/deliver", summary="Note the delivery", response_model=CreditDetail, responses=_REFUSED)
def deliver(entry_id: UUID, act: shapes.NoticeDelivered, serving: Serving, reach: Managing) -> CreditDetail:
    """送达: the window to object runs from that day."""
    return _act(
        serving, reach, entry_id,
        lambda connection, actor: credit_list_operate.deliver(
            connection, entry_id, act.version, actor, delivered_at=act.delivered_at, delivery=act.delivery,
            note=act.note,
        ),
    )  # fmt: skip


@router.post("/{entry_id}/list", summary="Put it on the list", response_model=CreditDetail, responses=_REFUSED)
def enter(entry_id: UUID, act: shapes.Noted, serving: Serving, reach: Managing) -> CreditDetail:
    """列入: once the window is over, or the objection rejected."""
    return _decided(serving, reach, entry_id, act.version, Verb.LIST, act.note)


@router.post("/{entry_id}/drop", summary="Decide against it", response_model=CreditDetail, responses=_REFUSED)
def drop(entry_id: UUID, act: shapes.Reasoned, serving: Serving, reach: Managing) -> CreditDetail:
    """不予列入."""
    return _decided(serving, reach, entry_id, act.version, Verb.DROP, act.reason)


@router.post("/{entry_id}/revoke", summary="Revoke a place on the red list", response_model=CreditDetail,
             responses=_REFUSED)  # fmt: skip
def revoke(entry_id: UUID, act: shapes.Reasoned, serving: Serving, reach: Managing) -> CreditDetail:
    """Where the conditions are no longer met."""
    return _decided(serving, reach, entry_id, act.version, Verb.REVOKE, act.reason)


@router.post("/{entry_id}/appeal", summary="Object", response_model=CreditDetail, responses=_REFUSED)
def appeal(entry_id: UUID, act: shapes.Asking, serving: Serving, reach: Objecting) -> CreditDetail:
    """异议: by the institution itself, within the window."""
    return _asked(serving, reach, entry_id, act, Verb.APPEAL)


@router.post(
    "/{entry_id}/appeal/decision", summary="Decide on an objection", response_model=CreditDetail, responses=_REFUSED
)
def decide_appeal(entry_id: UUID, act: shapes.Deciding, serving: Serving, reach: Judging) -> CreditDetail:
    """By somebody who has had no part in the listing."""
    verb = Verb.GRANT_APPEAL if act.granted else Verb.REJECT_APPEAL
    return _decided(serving, reach, entry_id, act.version, verb, act.reason)


@router.post("/{entry_id}/repair", summary="Ask to be taken off", response_model=CreditDetail, responses=_REFUSED)
def ask_repair(entry_id: UUID, act: shapes.Asking, serving: Serving, reach: Objecting) -> CreditDetail:
    """信用修复: from the day the criteria allow it."""
    return _asked(serving, reach, entry_id, act, Verb.ASK_REPAIR)


@router.post(
    "/{entry_id}/repair/decision", summary="Decide on a removal", response_model=CreditDetail, responses=_REFUSED
)
def decide_repair(entry_id: UUID, act: shapes.Deciding, serving: Serving, reach: Managing) -> CreditDetail:
    """Whether who has made good is taken off."""
    if not act.granted:
        return _decided(serving, reach, entry_id, act.version, Verb.REFUSE_REPAIR, act.reason)
    return _act(
        serving, reach, entry_id,
        lambda connection, actor: credit_list_operate.remove_repaired(
            connection, entry_id, act.version, actor, note=act.reason
        ),
    )  # fmt: skip


@due.get("", summary="Visits that are due", response_model=shapes.DueVisitPage)
def list_due(
    serving: Serving,
    reach: Managing,
    standing: Standing | None = None,
    region: Annotated[str, _REGION] = "",
    q: Annotated[str, Query(max_length=100, description="the institution's name")] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.DueVisitPage:
    """Who is to be visited next, by grade and list; who is due first comes first."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        criteria = credit_list_operate.criteria_known(connection)
        known = visit_due_store.known(connection, reach.institution_ids(connection), now, region=region, text=q)
        found = visit_due.in_order(visit_due.due(each, now, criteria) for each in known)
        chosen = [each for each in found if standing in (None, each.standing)]
        outside = reach.scope.institution_id is None
        return shapes.DueVisitPage(
            items=present_credit_list.due_visits(connection, chosen[offset : offset + limit], plans=outside),
            total=len(chosen),
            counts=dict(Counter(each.standing for each in found)),
            due_soon_days=criteria.due_soon_days,
        )


def _decided(
    serving: Service, reach: Reach, entry_id: UUID, version: int, verb: Verb, note: str
) -> CreditDetail:  # fmt: skip
    return _act(
        serving, reach, entry_id,
        lambda connection, actor: credit_list_operate.decide(connection, entry_id, version, actor, verb, note=note),
    )  # fmt: skip


def _asked(serving: Service, reach: Reach, entry_id: UUID, act: shapes.Asking, verb: Verb) -> CreditDetail:
    return _act(
        serving, reach, entry_id,
        lambda connection, actor: credit_list_operate.ask(
            connection, entry_id, act.version, actor, verb, reason=act.reason, photos=act.photos
        ),
    )  # fmt: skip


def _act(serving: Service, reach: Reach, entry_id: UUID, act: Callable[[Connection, Actor], Entry]) -> CreditDetail:
    with serving.writing() as connection:
        _within(connection, reach, entry_id)
        actor = _actor(reach)
        return _shown(connection, reach, act(connection, actor), actor.now)


def _actor(reach: Reach) -> Actor:
    return Actor(operate.by_person(reach.person, reach.actor), datetime.now(UTC))


def _within(connection: Connection, reach: Reach, entry_id: UUID) -> Entry:
    """The entry, if one may know of it. Raises CreditEntryUnknown, in the same words for one that is not there."""
    entry = credit_list_store.load(connection, entry_id)
    by = operate.by_person(reach.person, reach.actor)
    if not reach.covers(connection, entry.institution_id) or not credit_list.visible(entry, by):
        raise CreditEntryUnknown(f"there is no entry {entry_id}")
    return entry


def _shown(connection: Connection, reach: Reach, entry: Entry, now: datetime) -> CreditDetail:
    by = operate.by_person(reach.person, reach.actor)
    criteria = credit_list_operate.criteria_known(connection)
    return present_credit_list.detail(connection, entry, reach.person, by, now, criteria)


def _encode_cursor(position: Position) -> str:
    return cursors.encode(to_us(position.proposed_at), str(position.id))


def _decode_cursor(cursor: str) -> Position:
    """The inverse of _encode_cursor. Raises BadRequest."""
    proposed_us, entry_id = cursors.decode(cursor, int, str)
    with cursors.of_this_list():
        return Position(from_us(proposed_us), UUID(entry_id))
