"""Who may call what, and how far they reach: the dependency that stands before every route but the public ones."""

import functools
import time
from dataclasses import dataclass
from typing import Annotated, Final, cast

import anyio
import anyio.to_thread
import psycopg
from fastapi import Depends
from starlette.requests import HTTPConnection

from alerting.people import Person, Right, Scope
from dashboard import auth, token_scope
from dashboard.auth import Arrival, SignedIn
from dashboard.device_name import device_name
from dashboard.errors import (
    NotFound,
    NotPermitted,
    NotSignedIn,
    PasswordChangeRequired,
    SecondFactorRequired,
    TokenRefused,
)
from dashboard.service import Service
from dashboard.settings import DashboardSettings
from dashboard.store import OpenSession
from ingest import directory
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable

_ASK_S_MAX: Final = 3.0  # for a session, where what is known of it will do


def service(connection: HTTPConnection) -> Service:
    """The app's service object, as this request has it: bound to nobody until somebody is recognised."""
    return cast("Service", connection.app.state.service).of_request(client_address(connection))


Serving = Annotated[Service, Depends(service)]


@dataclass(frozen=True, slots=True)
class Key:
    """What a request comes in by: the SHA-256 of a session's cookie, or of an access token."""

    sha256: bytes
    bearer: bool

    def admit(self, connection: HTTPConnection, serving: Service, found: OpenSession | None) -> SignedIn:
        """Who it is; what the request asks the database from here on reaches as far as they do. Raises NotSignedIn,
        TokenRefused for a key that opens nothing, or of the other kind; NotPermitted for a token whose scopes do not
        reach this far."""
        if found is None or self.bearer != (found.scopes is not None):
            raise TokenRefused if self.bearer else NotSignedIn
        session = self._session(connection, serving, found)
        serving.bind(session.person.scope, session.actor)
        return session

    def _session(self, connection: HTTPConnection, serving: Service, found: OpenSession) -> SignedIn:
        if found.scopes is None:
            return auth.admit(found, self.sha256, serving.settings)
        method = connection.scope.get("method", "GET")  # a websocket has none: it is opened with GET
        rights = token_scope.permitted(found.scopes, found.user.person.role, method, connection.scope["path"])
        if not rights:
            raise NotPermitted("no scope of this token, or no right of its owner, reaches this far")
        return SignedIn(found.user, self.sha256, rights, scopes=found.scopes)


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of an Authorization header; None without one, or with one of another scheme, as a proxy in front may
    add. Raises TokenRefused for one that cannot be a token."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = token.strip()
    if not 0 < len(token) <= auth.TOKEN_LENGTH_MAX:
        raise TokenRefused
    return token


def _key(connection: HTTPConnection, settings: DashboardSettings) -> Key:
    """A token counts alone: with it a cookie is not looked at, so that neither can lend the other its rights."""
    if (token := bearer_token(connection)) is not None:
        return Key(auth.token_sha256(token), bearer=True)
    cookie = auth.session_token(connection.cookies, settings)
    if not cookie or len(cookie) > auth.TOKEN_LENGTH_MAX:
        raise NotSignedIn
    return Key(auth.token_sha256(cookie), bearer=False)


def signed_in(connection: HTTPConnection, serving: Serving) -> SignedIn:
    """The session of the request's cookie, or its access token. Raises NotSignedIn, TokenRefused, NotPermitted."""
    key = _key(connection, serving.settings)
    with serving.as_service() as transaction:
        found = auth.session_of(transaction, key.sha256, serving.settings)
    admitted = key.admit(connection, serving, found)
    if found is not None:
        serving.known.note(key.sha256, found, time.monotonic())
    return admitted


Session = Annotated[SignedIn, Depends(signed_in)]


async def recognised(connection: HTTPConnection, serving: Serving) -> SignedIn:
    """As signed_in, and while the database is away by what it last said of the session: for the alarms on the screen,
    and for nothing that a person could change or look up. Raises NotSignedIn, TokenRefused, NotPermitted,
    psycopg.OperationalError, DatabaseUnavailable."""
    key = _key(connection, serving.settings)
    if serving.live.database_away and (known := serving.known.recall(key.sha256, time.monotonic())) is not None:
        return key.admit(connection, serving, known)
    try:
        with anyio.fail_after(_ASK_S_MAX):
            ask = functools.partial(signed_in, connection, serving)
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
    except (psycopg.OperationalError, DatabaseUnavailable, TimeoutError) as error:
        if (known := serving.known.recall(key.sha256, time.monotonic())) is not None:
            return key.admit(connection, serving, known)
        if isinstance(error, TimeoutError):
            raise DatabaseUnavailable from error
        raise


Recognised = Annotated[SignedIn, Depends(recognised)]


def settled(session: Session) -> SignedIn:
    """A session whose owner owes nothing. Raises PasswordChangeRequired, SecondFactorRequired."""
    if session.user.password_one_time:
        raise PasswordChangeRequired
    if session.owes_second_factor:
        raise SecondFactorRequired
    return session


Settled = Annotated[SignedIn, Depends(settled)]


@dataclass(frozen=True, slots=True)
class Reach:
    """Who asks, and how far they reach with the right the route is about."""

    session: SignedIn

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.session.person

    @property
    def actor(self) -> str:
        """How the event log and the ledger name them."""
        return self.session.actor

    @property
    def scope(self) -> Scope:
        """What their role extends to."""
        return self.session.person.scope

    def holds(self, right: Right) -> bool:
        """Whether they have `right`, over everything within reach."""
        return right in self.session.rights

    def demand(self, right: Right) -> None:
        """Raises NotPermitted for somebody without `right`."""
        if not self.holds(right):
            raise NotPermitted

    def institution_ids(self, connection: Connection) -> list[int] | None:
        """The institutions within reach; None: everything, the service itself included."""
        if self.scope.institution_id is not None:
            return [self.scope.institution_id]
        return directory.ids_in_region(connection, self.scope.region) if self.scope.region else None

    def covers(self, connection: Connection, institution_id: int | None) -> bool:
        """Whether that institution exists within reach; None stands for the service itself."""
        if institution_id is None:
            return self.scope.covers(None, "")
        region = directory.region_of(connection, institution_id)
        return region is not None and self.scope.covers(institution_id, region)

    def demand_institution(self, connection: Connection, institution_id: int) -> None:
        """Raises NotFound for an institution out of reach, in the words for one that does not exist."""
        if not self.covers(connection, institution_id):
            raise NotFound(f"there is no institution {institution_id}")


class Permit:
    """The dependency of a route: lets those pass whose role has one of `rights`, and tells how far they reach.

    What a route shows or changes it must still hold against that reach; tests/integration/test_people_matrix.py tries
    every route with every role. With `everywhere`, only who is responsible for the whole service passes.
    """

    def __init__(self, *rights: Right, everywhere: bool = False) -> None:
        self.rights = frozenset(rights)
        self.everywhere = everywhere

    def __call__(self, session: Session) -> Reach:
        """Raises NotPermitted, PasswordChangeRequired, SecondFactorRequired."""
        person = settled(session).person
        if not self.rights & session.rights or (self.everywhere and not person.scope.covers(None, "")):
            raise NotPermitted
        return Reach(session)


VIEW = Permit(Right.VIEW)
Viewing = Annotated[Reach, Depends(VIEW)]


def client_address(connection: HTTPConnection) -> str:
    """Where the request comes from; behind a trusted proxy uvicorn has put the real address there."""
    return connection.client.host if connection.client else "local"


def arrival(connection: HTTPConnection) -> Arrival:
    """Where a sign-in comes from, and what is kept of the device."""
    return Arrival(client_address(connection), device_name(connection.headers.get("user-agent", "")))
