"""Signing in at the provider and coming back. Everything ends on the sign-in page, which says what came of it; the
password stays a way in, whatever the provider does."""

import hmac
import re
import time
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from alerting.people import Role
from dashboard import auth, identity_store, oidc, schemas, second_factor, store
from dashboard.access import Serving, arrival, client_address
from dashboard.auth import Arrival
from dashboard.errors import AccountKeyUnusable, IdentityTaken, NotFound, ProviderRefused, ProviderUnavailable
from dashboard.id_token import IdToken
from dashboard.oidc import Login, Provider
from dashboard.routers.session import set_cookie
from dashboard.service import Service
from dashboard.store import SignInWay, User
from ingest.database import Connection

public = APIRouter(prefix="/api/session", tags=["session"])
_NO_PROVIDER: Final[dict[int | str, dict[str, Any]]] = {404: {"model": schemas.Problem}}

log = structlog.get_logger(__name__)

COOKIE: Final = "anhu_oidc"
_PATH: Final = "/api/session/oidc"
_ONWARD: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")  # a path of this site
_PARAMETER = Query(max_length=4096)


class Outcome(StrEnum):
    """How it ended; the sign-in page has words for each."""

    DONE = "done"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    EXPIRED = "expired"  # it took too long, or was begun in another browser
    UNKNOWN = "unknown"  # signed in there, and nobody here
    SECOND_FACTOR = "second-factor"  # they need one, and the provider did not check it
    THROTTLED = "throttled"


@public.get("/ways", summary="Ways to sign in", response_model=schemas.SignInWays)
def ways(serving: Serving) -> schemas.SignInWays:
    """Besides user name and password."""
    settings = serving.settings.oidc
    return schemas.SignInWays(oidc=schemas.OidcWay(label=settings.label) if settings.issuer else None)


@public.get(
    "/oidc", summary="Sign in at the provider", status_code=302, response_class=RedirectResponse, responses=_NO_PROVIDER
)
async def begin(serving: Serving, onward: Annotated[str, Query(alias="next", max_length=500)] = "/") -> Response:
    """Leads the browser there; `next` is a path of this site."""
    provider = _provider(serving)
    try:
        url, login = await provider.begin(onward if _ONWARD.fullmatch(onward) else "/")
        sealed = login.seal(serving.account_key)
    except (ProviderUnavailable, ProviderRefused, AccountKeyUnusable) as error:
        return _back(serving, Outcome.UNAVAILABLE, str(error))
    response = RedirectResponse(url, 302)
    # Lax: the way back is a navigation that begins on the provider's site.
    response.set_cookie(
        COOKIE, sealed, max_age=oidc.LOGIN_S_MAX, path=_PATH, secure=provider.settings.secure, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return response


@public.get(
    "/oidc/callback",
    summary="Back from the provider",
    status_code=302,
    response_class=RedirectResponse,
    responses=_NO_PROVIDER,
)
async def finish(
    request: Request, serving: Serving, code: Annotated[str, _PARAMETER] = "", state: Annotated[str, _PARAMETER] = "",
    error: Annotated[str, _PARAMETER] = "", iss: Annotated[str, _PARAMETER] = "",
) -> Response:  # fmt: skip
    """Opens a session for whoever the provider says it is, if they are somebody here."""
    provider = _provider(serving)
    login = oidc.unseal(request.cookies.get(COOKIE, ""), serving.account_key, time.time())
    if login is None or not hmac.compare_digest(login.state.encode(), state.encode("utf-8", "surrogatepass")):
        return _back(serving, Outcome.EXPIRED, "the answer belongs to no sign-in of this browser")
    address = client_address(request)
    if serving.throttle.attempt_elsewhere(address, time.monotonic()) is not None:
        return _back(serving, Outcome.THROTTLED, "too many attempts", login)
    if error or not code or (iss and iss != provider.settings.issuer):
        return _back(serving, Outcome.REFUSED, f"it answered {error[:60] or 'without a code, or as another'}", login)
    try:
        token = await provider.finish(code, login)
    except ProviderUnavailable as failed:
        serving.throttle.not_refused_elsewhere(address, time.monotonic())
        return _back(serving, Outcome.UNAVAILABLE, str(failed), login)
    except ProviderRefused as failed:
        return _back(serving, Outcome.REFUSED, str(failed), login)
    outcome, username, session = await run_in_threadpool(_admit, serving, token, arrival(request))
    if session is None:
        # The subject is what whoever manages people links: it is told here, and nowhere to the browser.
        return _back(serving, outcome, f"subject {token.subject}", login)
    serving.throttle.not_refused_elsewhere(address, time.monotonic())
    serving.metrics.sign_ins.labels("accepted").inc()
    log.info("signed in at the provider", username=username, address=address)
    response = _answer(Outcome.DONE, login)
    set_cookie(response, serving.settings, session, secure=provider.settings.secure)
    return response


def _admit(serving: Service, token: IdToken, arrived: Arrival) -> tuple[Outcome, str, str | None]:
    """Who the token says it is, and a session for them."""
    settings = serving.settings
    with serving.as_service() as connection:
        user = _user(connection, token, serving)
        if user is None or not user.person.active:
            return Outcome.UNKNOWN, "", None
        checked = token.second_factor or settings.oidc.second_factor
        needs = user.person.role in settings.second_factor_roles or second_factor.load(connection, user) is not None
        if needs and not checked:
            return Outcome.SECOND_FACTOR, user.username, None
        session = auth.open_session(connection, user, arrived, settings, second_factor=checked, way=SignInWay.OIDC)
        return Outcome.DONE, user.username, session


def _user(connection: Connection, token: IdToken, serving: Service) -> User | None:
    """Whom the subject is linked to; at its first sign-in whoever the claim names, where the settings have one. A claim
    never makes an administrator, nor takes over from another subject."""
    settings = serving.settings.oidc
    person_id = identity_store.person_of(connection, settings.issuer, token.subject)
    if person_id is not None:
        return store.user_of(connection, person_id)
    name = token.account(settings.account_claim)
    found = store.load_user(connection, auth.normal_username(name)) if name and "\0" not in name else None
    if found is None or found[0].person.role is Role.ADMINISTRATOR or not found[0].person.active:
        return None
    try:
        identity_store.link(connection, found[0], settings.issuer, token.subject, "oidc")
    except IdentityTaken:
        return None
    return found[0]


def _provider(serving: Service) -> Provider:
    if serving.provider is None:
        raise NotFound("there is no provider to sign in at")
    return serving.provider


def _back(serving: Service, outcome: Outcome, why: str, login: Login | None = None) -> Response:
    serving.metrics.sign_ins.labels("throttled" if outcome is Outcome.THROTTLED else "refused").inc()
    log.warning("sign-in at the provider came to nothing", outcome=outcome.value, why=why[:400])
    return _answer(outcome, login)


def _answer(outcome: Outcome, login: Login | None) -> Response:
    query = {"oidc": outcome.value}
    if login is not None and login.onward != "/":
        query["next"] = login.onward
    response = RedirectResponse(f"/sign-in?{urlencode(query)}", 302)
    response.delete_cookie(COOKIE, path=_PATH)
    return response
