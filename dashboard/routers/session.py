"""Signing in and out."""

import time

import structlog
from fastapi import APIRouter, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from alerting.ledger_store import record_act
from alerting.people import RIGHTS
from dashboard import audit_store, auth, schemas, store
from dashboard.access import Recognised, Serving, Session, client_address
from dashboard.auth import SignedIn
from dashboard.errors import TooManyAttempts, WrongCredentials
from dashboard.service import Service
from dashboard.settings import DashboardSettings
from dashboard.store import User

public = APIRouter(prefix="/api/session", tags=["session"])
router = APIRouter(prefix="/session", tags=["session"])

log = structlog.get_logger(__name__)


@public.post(
    "",
    summary="Sign in",
    response_model=schemas.User,
    responses={401: {"model": schemas.Problem}, 429: {"model": schemas.Problem}},
)
async def sign_in(
    credentials: schemas.Credentials, request: Request, response: Response, serving: Serving
) -> schemas.User:
    """Check the password, open a session and set its cookie. After several failures: 429, with Retry-After."""
    account, address = auth.normal_username(credentials.username), client_address(request)
    wait_s = serving.throttle.attempt(account, address, time.monotonic())
    if wait_s is not None:
        serving.metrics.sign_ins.labels("throttled").inc()
        log.warning("sign-in refused: too many attempts", address=address, retry_after_s=wait_s)
        raise TooManyAttempts(wait_s)
    async with serving.password_checks:
        try:
            user, token = await run_in_threadpool(_open_session, serving, account, credentials.password, address)
        except WrongCredentials:
            # The name is left out on purpose: people type their password into the wrong field.
            serving.metrics.sign_ins.labels("refused").inc()
            log.warning("sign-in refused: wrong credentials", address=address)
            raise
    serving.throttle.succeeded(account, address, time.monotonic())
    serving.metrics.sign_ins.labels("accepted").inc()
    log.info("signed in", username=user.username, address=address)
    response.set_cookie(
        auth.COOKIE,
        token,
        max_age=int(serving.settings.session_hours_max * 3600),
        path="/",
        secure=_over_https(request, serving.settings),
        httponly=True,
        samesite="strict",
    )
    return _shown(user)


@public.get("", summary="Who is signed in", response_model=schemas.User, responses={401: {"model": schemas.Problem}})
def show(session: Recognised) -> schemas.User:
    """The user of this session; answered while the database is away, too, so that a page can be opened then."""
    return _shown(session.user)


@router.post(
    "/password",
    summary="Change one's own password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={401: {"model": schemas.Problem}, 429: {"model": schemas.Problem}},
)
async def change_password(
    change: schemas.PasswordChange, request: Request, session: Session, serving: Serving
) -> Response:
    """Choose another password; every other session of this user ends. Wrong old ones count as failed sign-ins."""
    account, address = session.user.username, client_address(request)
    wait_s = serving.throttle.attempt(account, address, time.monotonic())
    if wait_s is not None:
        raise TooManyAttempts(wait_s)
    async with serving.password_checks:
        await run_in_threadpool(_change_password, serving, session, change)
    serving.throttle.succeeded(account, address, time.monotonic())
    log.info("password changed", username=account)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete("", summary="Sign out", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(request: Request, session: Session, serving: Serving) -> Response:
    """End the session, its websockets too."""
    await run_in_threadpool(_end_session, serving, session.token_sha256)
    serving.known.end(session.token_sha256)
    serving.live.hub.end_sessions(lambda ended: ended == session.token_sha256)
    log.info("signed out", username=session.user.username)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    response.delete_cookie(
        auth.COOKIE, path="/", secure=_over_https(request, serving.settings), httponly=True, samesite="strict"
    )
    return response


def _open_session(serving: Service, username: str, password: str, address: str) -> tuple[User, str]:
    with serving.as_service() as connection:
        audit_store.purge_reads(connection)
        return auth.sign_in(connection, username, password, address, serving.settings)


def _change_password(serving: Service, session: SignedIn, change: schemas.PasswordChange) -> None:
    with serving.writing() as connection:
        auth.change_password(connection, session, change.old, change.new)
        record_act(
            connection, actor=session.actor, verb="change_password", subject=f"person:{session.person.id}",
            institution_id=session.person.scope.institution_id, body={},
        )  # fmt: skip


def _shown(user: User) -> schemas.User:
    person = user.person
    return schemas.User(
        id=user.id,
        username=user.username,
        display_name=person.name,
        role=person.role,
        person_id=person.id,
        scope=schemas.Scope(institution_id=person.scope.institution_id, region=person.scope.region),
        rights=sorted(RIGHTS[person.role]),
        password_change_required=user.password_one_time,
    )


def _end_session(serving: Service, token_sha256: bytes) -> None:
    with serving.writing() as connection:
        store.delete_session(connection, token_sha256)


def _over_https(request: Request, settings: DashboardSettings) -> bool:
    """Whether the browser reached the page by https. Behind a proxy only the origin, checked before, tells it."""
    if settings.secure_cookie != "auto":
        return settings.secure_cookie == "always"
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
