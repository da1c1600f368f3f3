"""Service accounts: machines that take the export. Each has a scope, the collections it may read, and a token that only
it knows: Anhu keeps the token's SHA-256. A token is 256 random bits, so that guessing needs no slowing down."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from alerting.people import Scope

PREFIX: Final = "anhu_"  # so that whoever finds one in a file knows what it opens
TOKEN_LENGTH_MAX: Final = 128
DAYS_MAX: Final = 3660
_TOKEN_BYTES: Final = 32


class Collection(StrEnum):
    """What can be exported."""

    ALERTS = "alerts"
    HAZARDS = "hazards"
    RATINGS = "ratings"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A machine. It works until `expires_at`, or until it is revoked."""

    id: int
    name: str
    scope: Scope
    collections: frozenset[Collection]
    created_at: datetime
    created_by: str
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None

    def standing(self, now: datetime) -> "Standing":
        """Whether it may come in, and why not."""
        if self.revoked_at is not None:
            return Standing.REVOKED
        return Standing.EXPIRED if now >= self.expires_at else Standing.VALID


class Standing(StrEnum):
    """Whether an account may come in."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


def new_token() -> str:
    """A token nobody has had."""
    return PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def token_sha256(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
