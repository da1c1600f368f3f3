"""Alerts: listing them, their history, and what a person does about them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query

from alerting import alert, ledger_store, listing, store
from alerting.alert import Alert, Kind, Verb
from alerting.errors import AlertUnknown
from alerting.listing import Filter, Position, Which
from alerting.people import Right
from dashboard import cursors, present, present_told, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.service import Service
from ingest.database import Connection
from ingest.reading import from_us, to_us

router = APIRouter(prefix="/alerts", tags=["alerts"])

log = structlog.get_logger(__name__)


@router.get("", summary="List alerts", response_model=schemas.AlertPage)
def list_alerts(
    serving: Serving,
    reach: Viewing,
    state: Annotated[
        Which, Query(description="open ones come by priority, then the newest; others the newest first")
    ] = Which.OPEN,
    institution_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    kind: Kind | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> schemas.AlertPage:
    """A page of alerts; ask again with `next_cursor` for the next one."""
    after = decode_cursor(cursor, state) if cursor else None
    with serving.reading() as connection:
        wanted = Filter(state, institution_id, kind, reach.institution_ids(connection))
        found, following = listing.page(connection, wanted, after, limit)
        items = present.alerts(connection, found, datetime.now(UTC))
    return schemas.AlertPage(items=items, next_cursor=encode_cursor(following, state) if following else None)


@router.get("/{alert_id}", summary="One alert with its history", response_model=schemas.AlertDetail)
def show_alert(alert_id: UUID, serving: Serving, reach: Viewing) -> schemas.AlertDetail:
    """Everything that ever happened to it, oldest first."""
    with serving.reading() as connection:
        record = within(connection, reach, alert_id)
        events = store.events_of(connection, alert_id)
        residents = reach.holds(Right.VIEW_RESIDENTS)
        return present.alert_detail(connection, record, events, datetime.now(UTC), residents=residents)


_CONFLICT: Final[dict[int | str, dict[str, Any]]] = {404: {"model": schemas.Problem}, 409: {"model": schemas.Problem}}


@router.post("/{alert_id}/acknowledge", summary="Take an alert on", response_model=schemas.Alert, responses=_CONFLICT)
def acknowledge(
    alert_id: UUID,
    act: schemas.Act,
    serving: Serving,
    reach: Annotated[Reach, Depends(Permit(Right.ACKNOWLEDGE))],
) -> schemas.Alert:
    """Say that somebody has taken the alert on. 409 when it changed since, or was acknowledged already."""
    return _act(serving, reach, alert_id, Verb.ACKNOWLEDGE, act.version, act.note)


@router.post("/{alert_id}/reset", summary="Reset a latched alert", response_model=schemas.Alert, responses=_CONFLICT)
def reset(
    alert_id: UUID, act: schemas.Act, serving: Serving, reach: Annotated[Reach, Depends(Permit(Right.RESET))]
) -> schemas.Alert:
    """End a latched alert whose condition has gone. 409 when it changed since, or cannot be reset now."""
    return _act(serving, reach, alert_id, Verb.RESET, act.version, act.note)


@router.post("/{alert_id}/comment", summary="Comment on an alert", response_model=schemas.Alert, responses=_CONFLICT)
def comment(
    alert_id: UUID, said: schemas.Comment, serving: Serving, reach: Annotated[Reach, Depends(Permit(Right.COMMENT))]
) -> schemas.Alert:
    """Add to an alert's history, whatever its state."""
    return _act(serving, reach, alert_id, Verb.COMMENT, None, said.note)


@router.get("/{alert_id}/notifications", summary="Who was told of an alert", response_model=schemas.Notifications)
def list_notifications(
    alert_id: UUID, serving: Serving, reach: Annotated[Reach, Depends(Permit(Right.VIEW_NOTIFICATIONS))]
) -> schemas.Notifications:
    """By which way, and what became of it, in the order in which people were called; and who is told next."""
    now = datetime.now(UTC)
    with serving.reading() as connection:
        record = within(connection, reach, alert_id)
        return present_told.notifications(connection, record, now)


def _act(
    serving: Service, reach: Reach, alert_id: UUID, verb: Verb, version: int | None, note: str | None
) -> schemas.Alert:
    """Have a person act on an alert as they saw it, or as it stands now where the act fits any version (None)."""
    with serving.writing() as connection:
        if version is None:
            ledger_store.lock(connection)
        standing = within(connection, reach, alert_id)
        now = datetime.now(UTC)
        event = alert.act(standing, verb, reach.actor, now, note or None)
        changed = store.act(connection, standing, event, standing.version if version is None else version)
        [shown] = present.alerts(connection, [changed], now)
    log.info("alert changed by a person", alert_id=str(alert_id), verb=verb.value, actor=reach.actor)
    return shown


def within(connection: Connection, reach: Reach, alert_id: UUID) -> Alert:
    """The alert, if it is within reach. Raises AlertUnknown, in the same words for one that is not and for none."""
    record = store.load(connection, alert_id)
    if not reach.covers(connection, record.source.institution_id):
        raise AlertUnknown(f"there is no alert {alert_id}")
    return record


def encode_cursor(position: Position, which: Which) -> str:
    """A position as the client hands it back: opaque, and good for the same list only."""
    return cursors.encode(which.value, position.rank, to_us(position.raised_at), str(position.id))


def decode_cursor(cursor: str, which: Which) -> Position:
    """The inverse of encode_cursor. Raises BadRequest."""
    name, rank, raised_at_us, alert_id = cursors.decode(cursor, str, int, int, str)
    with cursors.of_this_list():
        position = Position(rank, from_us(raised_at_us), UUID(alert_id))
        if name != which or not 0 <= rank < 2**31:
            raise ValueError(name, rank)
    return position
