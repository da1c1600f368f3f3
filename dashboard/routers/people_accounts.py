"""The accounts of the people one manages: their sessions, second factor and access tokens."""

from typing import Any, Final

import structlog
from fastapi import APIRouter, Response, status
from fastapi.concurrency import run_in_threadpool

from dashboard import auth, identity_store, schemas, second_factor, store
from dashboard.access import Reach, Serving
from dashboard.errors import BadRequest, ProviderMissing
from dashboard.routers.account import close, shown_second_factor, shown_tokens
from dashboard.routers.people import Managing, PersonId, demand_standing, managed
from dashboard.schemas import account as shapes
from dashboard.service import Service
from dashboard.store import User
from ingest.database import Connection

router = APIRouter(prefix="/people", tags=["people"])

log = structlog.get_logger(__name__)

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (403, 404, 409, 422)}


@router.get("/{person_id}/account", summary="How somebody signs in", response_model=shapes.ManagedAccount)
def show(person_id: PersonId, serving: Serving, reach: Managing) -> shapes.ManagedAccount:
    """Their sessions, without where from; their second factor; their tokens."""
    with serving.reading() as connection:
        user = _user(connection, reach, person_id)
        listed = store.sessions_of(connection, user.id, idle=auth.idle_max(serving.settings))
        return shapes.ManagedAccount(
            sessions=[shapes.SeenSession(last_used_at=each.last_used_at, device=each.device) for each in listed],
            second_factor=shown_second_factor(connection, user, serving),
            tokens=shown_tokens(connection, user),
            provider=serving.provider is not None,
            identity=_identity(connection, user, serving),
        )


@router.put("/{person_id}/identity", summary="Link somebody to the provider", status_code=204, responses=_REFUSED)
def link(person_id: PersonId, wanted: shapes.IdentityLink, serving: Serving, reach: Managing) -> Response:
    """From now on this subject signs in as them."""
    with serving.writing() as connection:
        demand_standing(connection, reach)
        user = _user(connection, reach, person_id)
        identity_store.link(connection, user, _issuer(serving), wanted.subject, reach.actor)
    log.info("identity linked", person_id=person_id, actor=reach.actor)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete("/{person_id}/identity", summary="End a link to the provider", status_code=204, responses=_REFUSED)
async def unlink(person_id: PersonId, serving: Serving, reach: Managing) -> Response:
    """Ends their sessions, too."""

    def end() -> list[bytes]:
        with serving.writing() as connection:
            demand_standing(connection, reach)
            user = _user(connection, reach, person_id)
            return identity_store.unlink(connection, user, _issuer(serving), reach.actor)

    close(serving, await run_in_threadpool(end))
    log.info("identity unlinked", person_id=person_id, actor=reach.actor)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/{person_id}/sign-out", summary="End somebody's sessions", status_code=204, responses=_REFUSED)
async def sign_out(person_id: PersonId, serving: Serving, reach: Managing) -> Response:
    """All of them and their access tokens, at once; they may sign in again."""

    def end() -> list[bytes]:
        with serving.writing() as connection:
            demand_standing(connection, reach)
            user = _user(connection, reach, person_id)
            return auth.end_everything(connection, user, reach.actor, "end_sessions")

    ended = await run_in_threadpool(end)
    close(serving, ended)
    log.info("sessions ended", person_id=person_id, count=len(ended), actor=reach.actor)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/{person_id}/reset-second-factor", summary="Remove somebody's second factor", status_code=204, responses=_REFUSED
)
async def reset_second_factor(person_id: PersonId, serving: Serving, reach: Managing) -> Response:
    """For somebody who has lost phone and recovery codes. Ends their sessions; where their role must have a second
    factor, they enrol another one at their next sign-in. Nobody resets their own."""

    def reset() -> list[bytes]:
        with serving.writing() as connection:
            demand_standing(connection, reach)
            user = _user(connection, reach, person_id)
            if person_id == reach.person.id:
                raise BadRequest("nobody resets their own second factor: remove it with a code")
            second_factor.remove(connection, user, reach.actor, "reset_second_factor")
            return store.delete_sessions_of(connection, user.id)

    close(serving, await run_in_threadpool(reset))
    log.info("second factor reset", person_id=person_id, actor=reach.actor)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _issuer(serving: Service) -> str:
    """Raises ProviderMissing."""
    if serving.provider is None:
        raise ProviderMissing
    return serving.settings.oidc.issuer


def _identity(connection: Connection, user: User, serving: Service) -> shapes.Identity | None:
    found = identity_store.of_user(connection, user, serving.settings.oidc.issuer) if serving.provider else None
    return shapes.Identity.model_validate(found) if found else None


def _user(connection: Connection, reach: Reach, person_id: int) -> User:
    """Somebody one manages, who may sign in. Raises NotFound, NotPermitted, BadRequest."""
    managed(connection, reach, person_id)
    user = store.user_of(connection, person_id)
    if user is None:
        raise BadRequest("somebody without a user name has no account")
    return user
