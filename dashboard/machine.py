"""How a machine comes in: by the token of its service account, which opens the export and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Header

from alerting.people import Scope
from dashboard.access import Serving
from dashboard.errors import NotPermitted, TokenRefused
from inspection import service_account_store
from inspection.service_account import TOKEN_LENGTH_MAX, Collection, ServiceAccount, Standing

_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Machine:
    """The account that asks."""

    account: ServiceAccount

    @property
    def scope(self) -> Scope:
        """How far it reaches."""
        return self.account.scope


class Reads:
    """The dependency of a route of the export: lets those accounts pass that may read `collection`."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def __call__(
        self, serving: Serving, authorization: Annotated[str, Header(description="Bearer TOKEN")] = ""
    ) -> Machine:
        """Raises TokenRefused, NotPermitted."""
        token = authorization[len(_SCHEME) :].strip()
        if not authorization.lower().startswith(_SCHEME) or not 0 < len(token) <= TOKEN_LENGTH_MAX:
            raise TokenRefused
        now = datetime.now(UTC)
        with serving.as_service() as connection:
            account = service_account_store.of_token(connection, token)
            if account is None or account.standing(now) is not Standing.VALID:
                raise TokenRefused
            if self.collection not in account.collections:
                raise NotPermitted
            service_account_store.used(connection, account, now)
        serving.bind(account.scope, "export")
        return Machine(account)
