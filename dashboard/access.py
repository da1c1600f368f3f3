"""Who may call what: the dependencies that stand before every route but the public ones."""

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from dashboard import auth
from dashboard.auth import SignedIn
from dashboard.errors import NotPermitted, NotSignedIn
from dashboard.service import Service
from dashboard.store import Role


def service(connection: HTTPConnection) -> Service:
    """The app's one service object."""
    return cast("Service", connection.app.state.service)


Serving = Annotated[Service, Depends(service)]


def signed_in(connection: HTTPConnection, serving: Serving) -> SignedIn:
    """The session of the request's cookie. Raises NotSignedIn."""
    token = connection.cookies.get(auth.COOKIE)
    if not token:
        raise NotSignedIn
    with serving.writing() as transaction:
        found = auth.session_of(transaction, token, serving.settings)
    if found is None:
        raise NotSignedIn
    return found


Session = Annotated[SignedIn, Depends(signed_in)]


def permit(*roles: Role) -> Callable[[SignedIn], None]:
    """The dependency that lets only users of `roles` pass."""

    def check(session: Session) -> None:
        if session.user.role not in roles:
            raise NotPermitted

    return check


def client_address(connection: HTTPConnection) -> str:
    """Where the request comes from; behind a trusted proxy uvicorn has put the real address there."""
    return connection.client.host if connection.client else "local"
