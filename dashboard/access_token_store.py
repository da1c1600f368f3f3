"""Access tokens in the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alerting.ledger_store import record_act
from dashboard import token_scope
from dashboard.errors import AccessTokenRefused, NotFound
from dashboard.store import User, tell
from dashboard.token_scope import TokenScope
from ingest.database import Connection

COUNT_MAX: Final = 20  # of one person that work
_SELECT: Final = "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM access_tokens"
_WORKS: Final = "revoked_at IS NULL AND expires_at > now()"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that works; itself it is only with the program."""

    id: int
    name: str
    scopes: tuple[TokenScope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def tokens_of(connection: Connection, user_id: int) -> list[AccessToken]:
    """Those of a user that work, the newest first."""
    rows = connection.execute(f"{_SELECT} WHERE user_id = %s AND {_WORKS} ORDER BY id DESC", (user_id,))
    return [_token(row) for row in rows]


def create(
    connection: Connection, user: User, name: str, scopes: Collection[TokenScope], token_sha256: bytes,
    expires_at: datetime,
) -> AccessToken:  # fmt: skip
    """A new token of `user`, in the caller's transaction, as an act in the ledger. Raises AccessTokenRefused."""
    connection.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (user.id,))  # one after the other, for the count
    known = tokens_of(connection, user.id)
    if len(known) >= COUNT_MAX:
        raise AccessTokenRefused(f"there are {COUNT_MAX} tokens already: revoke one first")
    if any(each.name == name for each in known):
        raise AccessTokenRefused("there is a token of this name already")
    row = connection.execute(
        "INSERT INTO access_tokens (user_id, name, scopes, token_sha256, expires_at) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING id, name, scopes, created_at, expires_at, last_used_at",
        (user.id, name, sorted(each.value for each in scopes), token_sha256, expires_at),
    ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    made = _token(row)
    body = {"id": made.id, "name": name, "scopes": list(made.scopes), "expires_at": expires_at.isoformat()}
    _note(connection, f"user:{user.username}", user, "create_access_token", body)
    return made


def revoke(connection: Connection, user: User, token_id: int, actor: str) -> bytes:
    """Let a token of `user` open nothing any more, as an act in the ledger: its SHA-256. Raises NotFound."""
    row = connection.execute(
        f"UPDATE access_tokens SET revoked_at = now() WHERE id = %s AND user_id = %s AND {_WORKS}"
        " RETURNING name, token_sha256",
        (token_id, user.id),
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no token {token_id}")
    _note(connection, actor, user, "revoke_access_token", {"id": token_id, "name": row[0]})
    tell(connection)
    return bytes(row[1])


def revoke_all(connection: Connection, user: User, actor: str) -> list[bytes]:
    """As revoke, for every token of `user` that works."""
    return [revoke(connection, user, each.id, actor) for each in tokens_of(connection, user.id)]


def _note(connection: Connection, actor: str, user: User, verb: str, body: dict[str, Any]) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=f"person:{user.person.id}",
        institution_id=user.person.scope.institution_id, body=body,
    )  # fmt: skip


def _token(row: Sequence[Any]) -> AccessToken:
    number, name, scopes, created_at, expires_at, last_used_at = row
    return AccessToken(
        int(number), str(name), tuple(sorted(token_scope.known(scopes))), created_at, expires_at, last_used_at
    )
