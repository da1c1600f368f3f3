"""How the service itself is doing, and what it refused."""

import time
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from alerting.people import Right
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving
from dashboard.schemas import health as shapes
from ingest import history, panel_store, refused
from ingest.database import edition
from ingest.history import Heartbeat

router = APIRouter(tags=["system"])

# What is refused may be anybody's: only who looks after the whole service sees it.
Overseeing = Annotated[Reach, Depends(Permit(Right.VIEW_SYSTEM, everywhere=True))]


@cache
def _version() -> str:
    return version("anhu")


@router.get("/system", summary="The service at a glance", response_model=schemas.System)
def show_system(serving: Serving, _reach: Overseeing) -> schemas.System:
    """Its version, the intake's pulse, what was refused."""
    with serving.reading() as connection:
        timescaledb, licence = edition(connection)
        heartbeats = history.heartbeats(connection)
        by_reason = refused.dead_letter_totals(connection)
        unclaimed_count = refused.unclaimed_count(connection)
    pulse = serving.live.pulse
    return schemas.System(
        version=_version(),
        edition=licence,
        timescaledb=timescaledb,
        readings_last_minute=pulse.readings_last_minute(),
        pipeline=_pipeline(heartbeats, alive=pulse.alive(time.monotonic(), datetime.now(UTC))),
        dead_letters=schemas.DeadLetterFigures(total=sum(by_reason.values()), by_reason=by_reason),
        unclaimed_count=unclaimed_count,
        live_clients=len(serving.live.hub.clients),
    )


@router.get("/system/health", summary="How the parts of the service are", response_model=shapes.SystemHealth)
def show_health(serving: Serving, _reach: Overseeing) -> shapes.SystemHealth:
    """Roles, broker, queues, disks, clocks, database, retention, certificates."""
    reachable = serving.gateways.reachable()
    with serving.reading() as connection:
        return serving.health.look(connection, reachable)


def _pipeline(heartbeats: list[Heartbeat], *, alive: bool) -> schemas.Pipeline:
    """All pipelines as one: the oldest sign of life, the longest lag."""
    return schemas.Pipeline(
        alive=alive,
        heartbeat_at=min((beat.at for beat in heartbeats), default=None),
        started_at=max((beat.started_at for beat in heartbeats), default=None),
        lag_ms=max((beat.lag_ms for beat in heartbeats), default=None),
        inbox_count=sum(beat.inbox_count for beat in heartbeats) if heartbeats else None,
    )


@router.get("/dead-letters", summary="Messages that were refused", response_model=schemas.DeadLetterPage)
def list_dead_letters(
    serving: Serving,
    _reach: Overseeing,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> schemas.DeadLetterPage:
    """The newest first, each with its reason; ask again with `next_cursor` for the next page."""
    with serving.reading() as connection:
        found = refused.dead_letters(connection, None if cursor is None else int(cursor), limit + 1)
    items = [
        schemas.DeadLetter(
            id=each.id,
            received_at=each.received_at,
            topic=each.topic,
            reason=each.reason,
            detail=each.detail,
            payload=each.payload.decode("utf-8", "replace"),
            payload_bytes=each.payload_bytes,
        )
        for each in found[:limit]
    ]
    return schemas.DeadLetterPage(items=items, next_cursor=str(items[-1].id) if len(found) > limit else None)


@router.get("/unclaimed", summary="What reports without being registered", response_model=schemas.UnclaimedPage)
def list_unclaimed(
    serving: Serving, _reach: Overseeing, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> schemas.UnclaimedPage:
    """The latest first."""
    with serving.reading() as connection:
        found = refused.unclaimed(connection, limit)
    items = [
        schemas.Unclaimed(
            institution=each.institution,
            device=each.device,
            quantity=each.quantity,
            reason=each.reason,
            first_seen_at=each.first_seen_at,
            last_seen_at=each.last_seen_at,
            message_count=each.message_count,
            last_topic=each.last_topic,
            last_payload=each.last_payload.decode("utf-8", "replace"),
            institution_id=each.institution_id,
        )
        for each in found
    ]
    return schemas.UnclaimedPage(items=items)


@router.get("/panels", summary="Fire panels", response_model=schemas.Panels)
def list_panels(serving: Serving, _reach: Overseeing) -> schemas.Panels:
    """Registered transmission devices, and how they are."""
    with serving.reading() as connection:
        found = panel_store.panel_states(connection)
    return schemas.Panels(items=[schemas.Panel(**each._asdict()) for each in found])
