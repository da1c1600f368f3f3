"""The websocket /live: one connection from its opening to its end."""

import asyncio
import time
from typing import Final, cast
from uuid import UUID

import psycopg
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter, ValidationError

from alerting import drill_store
from alerting.errors import DrillUnknown
from dashboard.access import VIEW, Reach, recognised, service
from dashboard.errors import (
    NotPermitted,
    NotSignedIn,
    PasswordChangeRequired,
    SecondFactorRequired,
    TokenRefused,
)
from dashboard.hub import BAD_MESSAGE, NOT_PERMITTED, SIGNED_OUT, SLOW, Client, Wire
from dashboard.live import Live
from dashboard.schemas import SeenRequest, WatchRequest
from dashboard.service import Service
from ingest import directory
from ingest.errors import DatabaseUnavailable

router = APIRouter()

_REQUEST: Final[TypeAdapter[WatchRequest | SeenRequest]] = TypeAdapter(WatchRequest | SeenRequest)
WIRE: Final = "anhu.wire"  # the extension by which the server hands over the connection (dashboard.serve)

log = structlog.get_logger(__name__)


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """A snapshot, then every event (schemas.py: …Frame). Closed with 4401: not signed in; 4403: not
    permitted; 1013: come again."""
    serving = service(websocket)
    # Accepted before it is refused: only then does a browser tell the page the code.
    try:
        reach = VIEW(await recognised(websocket, serving))
    except (NotSignedIn, TokenRefused):
        await _refuse(websocket, SIGNED_OUT, "not signed in")
    except (NotPermitted, PasswordChangeRequired, SecondFactorRequired) as error:
        await _refuse(websocket, NOT_PERMITTED, str(error))
    except (psycopg.OperationalError, DatabaseUnavailable) as error:
        log.warning("websocket refused: the database does not answer", error=str(error))
        await _refuse(websocket, SLOW, "the database does not answer")
    else:
        if len(serving.live.hub.clients) >= serving.settings.clients_max:
            await _refuse(websocket, SLOW, "too many connections")
        else:
            await _serve(websocket, serving, reach)


async def _refuse(websocket: WebSocket, code: int, reason: str) -> None:
    await websocket.accept()
    await websocket.close(code, reason)


async def _serve(websocket: WebSocket, serving: Service, reach: Reach) -> None:
    wire = cast("Wire", websocket.scope["extensions"][WIRE])
    waiting_bytes_max = round(serving.settings.client_waiting_mib_max * 2**20)
    session = reach.session
    client = Client(wire, session.token_sha256, reach.person, waiting_bytes_max, screen=session.scopes is None)
    await websocket.accept()
    try:
        if serving.live.join(client):
            await _exchange(websocket, client, serving)
        else:
            client.close(SLOW, "the event log is not being followed yet")
    finally:
        serving.live.leave(client)
    if client.closing is not None:
        await websocket.close(*client.closing)


async def _exchange(websocket: WebSocket, client: Client, serving: Service) -> None:
    """Receive until the client goes or is to be closed; the hub writes to it meanwhile."""
    tasks = [
        asyncio.create_task(_receive(websocket, client, serving.live, serving)),
        asyncio.create_task(client.ended()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if (error := task.exception()) is not None and not isinstance(error, WebSocketDisconnect):
            raise error


async def _receive(websocket: WebSocket, client: Client, live: Live, serving: Service) -> None:
    allowance = serving.settings.client_messages_per_s_max
    left, as_of_s = allowance, time.monotonic()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        now_s = time.monotonic()
        left, as_of_s = min(allowance, left + (now_s - as_of_s) * allowance) - 1, now_s
        if left < 0:
            client.close(BAD_MESSAGE, "too many messages")
            return
        try:
            request = _REQUEST.validate_json(message.get("text") or b"")
        except ValidationError:
            client.close(BAD_MESSAGE, "not a message of this protocol")
            return
        if isinstance(request, SeenRequest):
            if client.screen:
                await _note_seen(request.alert_id, client, serving)
            continue
        if request.type == "unwatch":
            live.watches.remove(client, request.device_id)
            continue
        if request.device_id in client.watched:
            continue
        if len(client.watched) >= serving.settings.watched_per_client_max:
            client.close(BAD_MESSAGE, f"at most {serving.settings.watched_per_client_max} devices can be watched")
            return
        place = live.place_of_device(request.device_id)
        if place is not None and place.within(client.person.scope):
            live.watches.add(client, request.device_id)
        else:
            client.watched.add(request.device_id)  # it counts, but of what is not there for them nothing comes


async def _note_seen(alert_id: UUID, client: Client, serving: Service) -> None:
    """A page has drawn an alert: a running drill within the client's scope is measured by it."""

    def note() -> None:
        with serving.writing() as connection:
            try:
                institution_id = drill_store.load(connection, alert_id).drill.institution_id
            except DrillUnknown:
                return
            region = directory.region_of(connection, institution_id) or ""
            if client.person.scope.covers(institution_id, region):
                drill_store.note_shown(connection, alert_id)

    try:
        await run_in_threadpool(note)
    except psycopg.OperationalError as error:
        log.warning("a drill's arrival on the screen was not noted", error=str(error))
