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

from alerting.people import RIGHTS, Person, Right, Scope
from dashboard import auth
from dashboard.auth import SignedIn
from dashboard.errors import NotFound, NotPermitted, NotSignedIn, PasswordChangeRequired
from dashboard.service import Service
from ingest import directory
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable

_ASK_S_MAX: Final = 3.0  # for a session, where what is known of it will do


def service(connection: HTTPConnection) -> Service:
    """The app's service object, as this request has it: bound to nobody until somebody is recognised."""
    return cast("Service", connection.app.state.service).of_request(client_address(connection))


Serving = Annotated[Service, Depends(service)]


def signed_in(connection: HTTPConnection, serving: Serving) -> SignedIn:
    """The session of the request's cookie. Raises NotSignedIn."""
    token_sha256 = _token_sha256(connection)
    with serving.as_service() as transaction:
        found = auth.session_of(transaction, token_sha256, serving.settings)
    if found is None:
        raise NotSignedIn
    serving.known.note(token_sha256, found, time.monotonic())
    return _bound(serving, SignedIn(found.user, token_sha256))


def _bound(serving: Service, session: SignedIn) -> SignedIn:
    """The session; what the request asks the database from here on reaches as far as its person."""
    serving.bind(session.person.scope, session.actor)
    return session


Session = Annotated[SignedIn, Depends(signed_in)]


async def recognised(connection: HTTPConnection, serving: Serving) -> SignedIn:
    """As signed_in, and while the database is away by what it last said of the session: for the alarms on the screen,
    and for nothing that a person could change or look up. Raises NotSignedIn, psycopg.OperationalError,
    DatabaseUnavailable."""
    token_sha256 = _token_sha256(connection)
    if serving.live.database_away and (user := serving.known.recall(token_sha256, time.monotonic())) is not None:
        return _bound(serving, SignedIn(user, token_sha256))
    try:
        with anyio.fail_after(_ASK_S_MAX):
            ask = functools.partial(signed_in, connection, serving)
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
    except (psycopg.OperationalError, DatabaseUnavailable, TimeoutError) as error:
        if (user := serving.known.recall(token_sha256, time.monotonic())) is not None:
            return _bound(serving, SignedIn(user, token_sha256))
        if isinstance(error, TimeoutError):
            raise DatabaseUnavailable from error
        raise


Recognised = Annotated[SignedIn, Depends(recognised)]


def _token_sha256(connection: HTTPConnection) -> bytes:
    token = connection.cookies.get(auth.COOKIE)
    if not token or len(token) > auth.TOKEN_LENGTH_MAX:
        raise NotSignedIn
    return auth.token_sha256(token)


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
        """Whether their role has `right`, over everything within reach."""
        return right in RIGHTS[self.person.role]

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
        """Raises NotPermitted, PasswordChangeRequired."""
        if session.user.password_one_time:
            raise PasswordChangeRequired
        person = session.person
        if not self.rights & RIGHTS[person.role] or (self.everywhere and not person.scope.covers(None, "")):
            raise NotPermitted
        return Reach(session)


VIEW = Permit(Right.VIEW)
Viewing = Annotated[Reach, Depends(VIEW)]


def client_address(connection: HTTPConnection) -> str:
    """Where the request comes from; behind a trusted proxy uvicorn has put the real address there."""
    return connection.client.host if connection.client else "local"
