"""Signing in and out."""

import time
from datetime import timedelta

import structlog
from fastapi import APIRouter, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from alerting.ledger_store import record_act
from dashboard import audit_store, auth, schemas, second_factor, store
from dashboard.access import Recognised, Serving, Session, arrival, client_address
from dashboard.auth import Arrival, SignedIn
from dashboard.errors import SecondFactorWanted, TooManyAttempts, WrongCredentials
from dashboard.service import Service
from dashboard.settings import DashboardSettings
from dashboard.store import OpenSession, User

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
    """Check the password, then the code of somebody who has a second factor, open a session and set its cookie. Where a
    code is wanted and none was sent: 401 `second-factor-wanted`. After several failures: 429, with Retry-After."""
    account, address = auth.normal_username(credentials.username), client_address(request)
    wait_s = serving.throttle.attempt(account, address, time.monotonic())
    if wait_s is not None:
        raise _throttled(serving, address, wait_s)
    try:
        async with serving.password_checks:
            user, has_second = await run_in_threadpool(_check, serving, account, credentials.password)
        if has_second and not credentials.code:
            serving.throttle.half_way(account, address, time.monotonic())
            raise SecondFactorWanted
        if has_second and (wait_s := serving.throttle.attempt_code(account, time.monotonic())) is not None:
            raise _throttled(serving, address, wait_s)
        code = credentials.code if has_second else None
        token = await run_in_threadpool(_open_session, serving, user, code, arrival(request))
    except WrongCredentials as error:
        # The name is left out on purpose: people type their password into the wrong field.
        serving.metrics.sign_ins.labels("refused").inc()
        log.warning("sign-in refused", why=str(error), address=address)
        raise
    if has_second:
        serving.throttle.code_succeeded(account, time.monotonic())
    serving.throttle.succeeded(account, address, time.monotonic())
    serving.metrics.sign_ins.labels("accepted").inc()
    log.info("signed in", username=user.username, address=address, second_factor=has_second)
    set_cookie(response, serving.settings, token, secure=over_https(request, serving.settings))
    opened = OpenSession(user, timedelta(hours=serving.settings.session_hours_max), has_second)
    return _shown(auth.admit(opened, auth.token_sha256(token), serving.settings))


@public.get("", summary="Who is signed in", response_model=schemas.User, responses={401: {"model": schemas.Problem}})
def show(session: Recognised) -> schemas.User:
    """The user of this session; answered while the database is away, too, so that a page can be opened then."""
    return _shown(session)


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
    for name in (auth.COOKIE, auth.SECURE_COOKIE):
        if name in request.cookies:
            response.delete_cookie(name, path="/", secure=name == auth.SECURE_COOKIE, httponly=True, samesite="strict")
    return response


def set_cookie(response: Response, settings: DashboardSettings, token: str, *, secure: bool) -> None:
    """Give the browser its session."""
    response.set_cookie(
        auth.SECURE_COOKIE if secure else auth.COOKIE,
        token,
        max_age=int(settings.session_hours_max * 3600),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def _throttled(serving: Service, address: str, wait_s: int) -> TooManyAttempts:
    serving.metrics.sign_ins.labels("throttled").inc()
    log.warning("sign-in refused: too many attempts", address=address, retry_after_s=wait_s)
    return TooManyAttempts(wait_s)


def _check(serving: Service, username: str, password: str) -> tuple[User, bool]:
    """Whose password it is, and whether they have a second factor."""
    with serving.as_service() as connection:
        user = auth.check_credentials(connection, username, password)
        return user, second_factor.load(connection, user) is not None


def _open_session(serving: Service, user: User, code: str | None, arrived: Arrival) -> str:
    with serving.as_service() as connection:
        audit_store.purge_reads(connection)
        if code is not None:
            second_factor.check(connection, user, code, serving.account_key, time.time())
        return auth.open_session(connection, user, arrived, serving.settings, second_factor=code is not None)


def _change_password(serving: Service, session: SignedIn, change: schemas.PasswordChange) -> None:
    with serving.writing() as connection:
        auth.change_password(connection, session, change.old, change.new)
        record_act(
            connection, actor=session.actor, verb="change_password", subject=f"person:{session.person.id}",
            institution_id=session.person.scope.institution_id, body={},
        )  # fmt: skip


def _shown(session: SignedIn) -> schemas.User:
    user, person = session.user, session.person
    return schemas.User(
        id=user.id,
        username=user.username,
        display_name=person.name,
        role=person.role,
        person_id=person.id,
        scope=schemas.Scope(institution_id=person.scope.institution_id, region=person.scope.region),
        rights=sorted(session.rights),
        password_change_required=user.password_one_time,
        second_factor_required=session.owes_second_factor,
    )


def _end_session(serving: Service, token_sha256: bytes) -> None:
    with serving.writing() as connection:
        store.delete_session(connection, token_sha256)


def over_https(request: Request, settings: DashboardSettings) -> bool:
    """Whether the browser reached the page by https. Behind a proxy only the origin, checked before, tells it."""
    if settings.secure_cookie != "auto":
        return settings.secure_cookie == "always"
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
