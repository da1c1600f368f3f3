"""Signing in and out."""

import time

import structlog
from fastapi import APIRouter, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from dashboard import auth, schemas, store
from dashboard.access import Serving, Session, client_address
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
async def sign_in(credentials: schemas.Credentials, request: Request, response: Response, serving: Serving) -> User:
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
    return user


@router.get("", summary="Who is signed in", response_model=schemas.User)
def show(session: Session) -> User:
    """The user of this session."""
    return session.user


@router.delete("", summary="Sign out", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(request: Request, session: Session, serving: Serving) -> Response:
    """End the session, its websockets too."""
    await run_in_threadpool(_end_session, serving, session.token_sha256)
    serving.live.hub.end_sessions(lambda ended: ended == session.token_sha256)
    log.info("signed out", username=session.user.username)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    response.delete_cookie(
        auth.COOKIE, path="/", secure=_over_https(request, serving.settings), httponly=True, samesite="strict"
    )
    return response


def _open_session(serving: Service, username: str, password: str, address: str) -> tuple[User, str]:
    with serving.writing() as connection:
        return auth.sign_in(connection, username, password, address, serving.settings)


def _end_session(serving: Service, token_sha256: bytes) -> None:
    with serving.writing() as connection:
        store.delete_session(connection, token_sha256)


def _over_https(request: Request, settings: DashboardSettings) -> bool:
    """Whether the browser reached the page by https. Behind a proxy only the origin, checked before, tells it."""
    if settings.secure_cookie != "auto":
        return settings.secure_cookie == "always"
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
