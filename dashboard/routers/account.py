"""One's own account: sessions, second factor, access tokens. A session of the page is needed: no token reaches here."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

import structlog
from fastapi import APIRouter, Path, Request, Response, status
from fastapi.concurrency import run_in_threadpool

from dashboard import access_token_store, auth, schemas, second_factor, second_factor_store, store, token_scope
from dashboard.access import Serving, Session, Settled, client_address
from dashboard.auth import SignedIn
from dashboard.errors import BadRequest, NotFound, NotPermitted, SecondFactorRefused, TooManyAttempts
from dashboard.schemas import account as shapes
from dashboard.service import Service
from dashboard.store import User
from ingest.database import Connection

router = APIRouter(prefix="/account", tags=["account"])

log = structlog.get_logger(__name__)

T = TypeVar("T")
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": schemas.Problem} for code in (401, 403, 404, 409, 429)
}


@router.get("", summary="One's own account", response_model=shapes.Account)
def show(session: Session, serving: Serving) -> shapes.Account:
    """Sessions that go on, the second factor, tokens that work."""
    with serving.reading() as connection:
        listed = store.sessions_of(connection, session.user.id, idle=auth.idle_max(serving.settings))
        return shapes.Account(
            sessions=[
                shapes.Session(
                    id=each.id, created_at=each.created_at, last_used_at=each.last_used_at, address=each.address,
                    device=each.device, second_factor=each.second_factor, way=each.way,
                    this=each.token_sha256 == session.token_sha256,
                )
                for each in listed
            ],
            second_factor=shown_second_factor(connection, session.user, serving),
            tokens=shown_tokens(connection, session.user),
            scopes_offered=token_scope.offered(session.person.role),
            token_days_max=serving.settings.access_token_days_max,
        )  # fmt: skip


@router.delete("/sessions/{number}", summary="End one of one's sessions", status_code=204, responses=_REFUSED)
async def end_session(number: Number, session: Session, serving: Serving) -> Response:
    """Its websockets are closed at once."""

    def end() -> bytes:
        with serving.writing() as connection:
            ended = store.delete_session_of(connection, session.user.id, number)
            if ended is None:
                raise NotFound(f"there is no session {number}")
            second_factor.note(connection, session.actor, session.person, "end_session")
            return ended

    close(serving, [await run_in_threadpool(end)])
    log.info("session ended", username=session.user.username)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete("/sessions", summary="End all one's other sessions", status_code=204)
async def end_other_sessions(session: Session, serving: Serving) -> Response:
    """This one goes on; access tokens do, too."""

    def end() -> list[bytes]:
        with serving.writing() as connection:
            ended = store.delete_sessions_of(connection, session.user.id, but=session.token_sha256)
            second_factor.note(connection, session.actor, session.person, "end_sessions")
            return ended

    ended = await run_in_threadpool(end)
    close(serving, ended)
    log.info("sessions ended", username=session.user.username, count=len(ended))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/second-factor", summary="Begin to enrol a second factor", response_model=shapes.Enrolment, responses=_REFUSED
)
async def enrol(check: shapes.PasswordCheck, request: Request, session: Session, serving: Serving) -> shapes.Enrolment:
    """The secret, which is shown now only. Nothing is asked for before it is confirmed, within 15 minutes."""

    def begin(connection: Connection) -> second_factor.Enrolment:
        _demand_password(connection, session, check.password)
        return second_factor.begin(connection, session.user, serving.account_key)

    async with _counted(request, session, serving):
        begun = await _checked(serving, begin)
    return shapes.Enrolment(secret=begun.secret, uri=begun.uri, qr_svg=begun.qr_svg)


@router.post(
    "/second-factor/confirm", summary="Take the second factor into use", response_model=shapes.RecoveryCodes,
    responses=_REFUSED,
)  # fmt: skip
async def confirm(
    check: shapes.CodeCheck, request: Request, session: Session, serving: Serving
) -> shapes.RecoveryCodes:
    """With a code the app shows. The recovery codes, which are shown now only; every other session ends."""

    def take(connection: Connection) -> tuple[list[str], list[bytes]]:
        codes = second_factor.confirm(connection, session.user, check.code, serving.account_key, time.time())
        store.note_second_factor(connection, session.token_sha256)
        return codes, store.delete_sessions_of(connection, session.user.id, but=session.token_sha256)

    async with _counted(request, session, serving, with_code=True):
        codes, ended = await _transact(serving, take)
    close(serving, ended)
    log.info("second factor enrolled", username=session.user.username)
    return shapes.RecoveryCodes(recovery_codes=codes)


@router.post(
    "/second-factor/recovery-codes", summary="New recovery codes", response_model=shapes.RecoveryCodes,
    responses=_REFUSED,
)  # fmt: skip
async def renew_recovery_codes(
    check: shapes.BothCheck, request: Request, session: Session, serving: Serving
) -> shapes.RecoveryCodes:
    """Those before open nothing any more."""

    def renew(connection: Connection) -> list[str]:
        _demand_both(connection, session, check, serving)
        return second_factor.renew_recovery_codes(connection, session.user)

    async with _counted(request, session, serving, with_code=True):
        codes = await _checked(serving, renew)
    return shapes.RecoveryCodes(recovery_codes=codes)


@router.post("/second-factor/remove", summary="Remove one's second factor", status_code=204, responses=_REFUSED)
async def remove(check: shapes.BothCheck, request: Request, session: Session, serving: Serving) -> Response:
    """Not where one's role must have one."""
    if session.person.role in serving.settings.second_factor_roles:
        raise SecondFactorRefused("your role signs in with a second factor: have it reset by who manages people")

    def take_away(connection: Connection) -> None:
        _demand_both(connection, session, check, serving)
        second_factor.remove(connection, session.user, session.actor, "remove_second_factor")

    async with _counted(request, session, serving, with_code=True):
        await _checked(serving, take_away)
    log.info("second factor removed", username=session.user.username)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/tokens", summary="Make an access token", response_model=shapes.NewToken, status_code=201, responses=_REFUSED
)
async def make_token(
    wanted: shapes.TokenRequest, request: Request, session: Settled, serving: Serving
) -> shapes.NewToken:
    """For a program, which sends it as `Authorization: Bearer`. It never may more than its owner may at that moment."""
    if wanted.days > serving.settings.access_token_days_max:
        raise BadRequest(f"a token lasts {serving.settings.access_token_days_max} days at most")
    if not set(wanted.scopes) <= set(token_scope.offered(session.person.role)):
        raise NotPermitted("nobody gives a token what they may not do themselves")
    token, expires_at = auth.new_access_token(), datetime.now(UTC) + timedelta(days=wanted.days)

    def make(connection: Connection) -> access_token_store.AccessToken:
        _demand_password(connection, session, wanted.password)
        return access_token_store.create(
            connection, session.user, wanted.name, set(wanted.scopes), auth.token_sha256(token), expires_at
        )

    async with _counted(request, session, serving):
        made = await _checked(serving, make)
    log.info("access token made", username=session.user.username, scopes=list(made.scopes))
    return shapes.NewToken(**shapes.AccessToken.model_validate(made).model_dump(), token=token)


@router.delete("/tokens/{number}", summary="Revoke an access token", status_code=204, responses=_REFUSED)
async def revoke_token(number: Number, session: Session, serving: Serving) -> Response:
    """It opens nothing from now on; websockets it opened are closed."""
    if number >= 2**31:
        raise NotFound(f"there is no token {number}")

    def revoke(connection: Connection) -> bytes:
        return access_token_store.revoke(connection, session.user, number, session.actor)

    close(serving, [await _transact(serving, revoke)])
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def close(serving: Service, ended: Iterable[bytes]) -> None:
    """Part with those whose session or token has ended, here and now; other dashboards are told by the database. On
    the event loop's thread."""
    gone = set(ended)
    for digest in gone:
        serving.known.end(digest)
    serving.live.hub.end_sessions(lambda digest: digest in gone)


def shown_second_factor(connection: Connection, user: User, serving: Service) -> shapes.SecondFactor:
    """The second factor of somebody's account."""
    known = second_factor.load(connection, user)
    return shapes.SecondFactor(
        enrolled_at=known.confirmed_at if known else None,
        recovery_codes_left=second_factor_store.recovery_codes_left(connection, user.id) if known else 0,
        required=user.person.role in serving.settings.second_factor_roles,
    )


def shown_tokens(connection: Connection, user: User) -> list[shapes.AccessToken]:
    """The tokens of somebody's account."""
    return [shapes.AccessToken.model_validate(each) for each in access_token_store.tokens_of(connection, user.id)]


@asynccontextmanager
async def _counted(
    request: Request, session: SignedIn, serving: Service, *, with_code: bool = False
) -> AsyncIterator[None]:
    """A try at one's own password or code counts as one to sign in. Raises TooManyAttempts."""
    account, address = session.user.username, client_address(request)
    wait_s = serving.throttle.attempt(account, address, time.monotonic())
    if wait_s is None and with_code:
        wait_s = serving.throttle.attempt_code(account, time.monotonic())
    if wait_s is not None:
        raise TooManyAttempts(wait_s)
    yield
    serving.throttle.succeeded(account, address, time.monotonic())
    if with_code:
        serving.throttle.code_succeeded(account, time.monotonic())


async def _transact(serving: Service, work: Callable[[Connection], T]) -> T:
    def transaction() -> T:
        with serving.writing() as connection:
            return work(connection)

    return await run_in_threadpool(transaction)


async def _checked(serving: Service, work: Callable[[Connection], T]) -> T:
    """As _transact, for work that checks a password: only so many at once."""
    async with serving.password_checks:
        return await _transact(serving, work)


def _demand_password(connection: Connection, session: SignedIn, password: str) -> None:
    """Raises WrongCredentials."""
    auth.check_credentials(connection, session.user.username, password)


def _demand_both(connection: Connection, session: SignedIn, check: shapes.BothCheck, serving: Service) -> None:
    """Raises WrongCredentials, WrongCode, AccountKeyUnusable."""
    _demand_password(connection, session, check.password)
    second_factor.check(connection, session.user, check.code, serving.account_key, time.time())
