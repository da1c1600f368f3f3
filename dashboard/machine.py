"""How a machine comes to the export: by the token of its service account, which opens nothing else, or by an access
token that a person has given the scope export:read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Header, Request

from alerting.people import Scope
from dashboard import auth, token_scope
from dashboard.access import Serving, bearer_token
from dashboard.errors import NotPermitted, PasswordChangeRequired, TokenRefused
from dashboard.service import Service
from ingest.database import Connection
from inspection import service_account_store
from inspection.service_account import Collection, Standing


@dataclass(frozen=True, slots=True)
class Machine:
    """Who asks: how far they reach."""

    scope: Scope


class Reads:
    """The dependency of a route of the export: lets those accounts pass that may read `collection`."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def __call__(
        self,
        request: Request,
        serving: Serving,
        authorization: Annotated[str, Header(description="Bearer TOKEN")] = "",  # noqa: ARG002 - for the OpenAPI alone
    ) -> Machine:
        """Raises TokenRefused, NotPermitted, PasswordChangeRequired."""
        token = bearer_token(request)
        if token is None:
            raise TokenRefused
        with serving.writing() as connection:
            if token.startswith(auth.ACCESS_TOKEN_PREFIX):
                return self._of_person(connection, token, request, serving)
            return self._of_account(connection, token, datetime.now(UTC))

    def _of_account(self, connection: Connection, token: str, now: datetime) -> Machine:
        account = service_account_store.of_token(connection, token)
        if account is None or account.standing(now) is not Standing.VALID:
            raise TokenRefused
        if self.collection not in account.collections:
            raise NotPermitted
        service_account_store.used(connection, account, now)
        return Machine(account.scope)

    @staticmethod
    def _of_person(connection: Connection, token: str, request: Request, serving: Service) -> Machine:
        found = auth.session_of(connection, auth.token_sha256(token), serving.settings)
        if found is None or found.scopes is None:
            raise TokenRefused
        if found.user.password_one_time:
            raise PasswordChangeRequired
        if not token_scope.permitted(found.scopes, found.user.person.role, "GET", request.url.path):
            raise NotPermitted
        return Machine(found.user.person.scope)
