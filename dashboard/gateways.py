"""The accounts of gateways at the broker, as the pages ask for them. The broker is none of this package's: who puts the
service together hands one in (anhu/gateway_accounts.py, docs/decisions/0021-first-steps.md)."""

from dataclasses import dataclass
from typing import Protocol

from dashboard.errors import BrokerRefused


@dataclass(frozen=True, slots=True)
class Place:
    """Where devices reach the broker."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """An institution's account. The password is told when it is drawn, and "" where the account has one already."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Account(user={self.user!r})"


class Gateways(Protocol):
    """The broker's accounts."""

    def place(self) -> Place | None:
        """Where devices reach the broker, None where nobody has said."""

    def reachable(self) -> bool | None:
        """Whether the service's broker takes connections, None where nobody has said where it is. Takes a second at
        most."""

    def user(self, code: str) -> str:
        """What the account of the institution with that code is called."""

    def managed(self) -> bool:
        """Whether accounts can be made from here."""

    def give(self, code: str, name: str, *, renew: bool) -> Account:
        """The account of that institution, made where there is none; with `renew` a new password. Raises
        BrokerRefused. Takes as long as the broker takes, half a minute at most."""


class NoGateways:
    """Where nobody has handed in a broker."""

    def place(self) -> Place | None:
        """Nobody has said."""
        return None

    def reachable(self) -> bool | None:
        """Nobody has said where it is."""
        return None

    def user(self, code: str) -> str:
        """As `anhu broker sync` calls it."""
        return f"gateway-{code}"

    def managed(self) -> bool:
        """No."""
        return False

    def give(self, code: str, name: str, *, renew: bool) -> Account:  # noqa: ARG002 - as Gateways has it
        """Raises BrokerRefused."""
        raise BrokerRefused
