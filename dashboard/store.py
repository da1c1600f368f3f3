"""Users and what they come in by in the database: sessions, and the access tokens of their programs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import psycopg

from alerting.people import Person, Role, Scope
from dashboard import token_scope
from dashboard.errors import UsernameTaken
from dashboard.token_scope import TokenScope
from ingest.database import Connection

CHANNEL: Final = "people"  # a person, a password or a session changed: look at who is connected


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `password_one_time`: somebody else gave it to them."""

    id: int
    username: str
    password_one_time: bool
    person: Person


class SignInWay(StrEnum):
    """How somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Whose session it is, and how long it lasts at most. `scopes`: it is no session of the page but an access token,
    and these are all it is good for."""

    user: User
    lasts: timedelta
    second_factor: bool = False  # opened with one
    scopes: frozenset[TokenScope] | None = None


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner sees it in the list."""

    id: int
    token_sha256: bytes
    created_at: datetime
    last_used_at: datetime
    address: str
    device: str
    second_factor: bool
    way: SignInWay


_TOUCH_EVERY: Final = timedelta(minutes=1)  # a session's last use is known to the minute: not a write per request

_USER: Final = (
    "users.id, username, password_one_time, person_id, persons.name, role, institution_id, region, language, active"
    " FROM users JOIN persons ON persons.id = person_id"
)
# Who comes from the provider need not choose a password in place of the one somebody gave them.
_USER_IN_SESSION: Final = _USER.replace("password_one_time", "password_one_time AND way = 'password'")
_VALID: Final = "expires_at > now() AND last_used_at > now() - %(idle)s"
_SELECT_USER: Final = f"SELECT password_hash, {_USER} WHERE username = %s"
_SELECT_USER_OF: Final = f"SELECT {_USER} WHERE person_id = %s"
_SELECT_SESSIONS: Final = (
    f"SELECT token_sha256, expires_at - now(), second_factor, NULL::text[], {_USER_IN_SESSION}"
    f" JOIN sessions ON users.id = user_id WHERE token_sha256 = ANY(%(tokens)s) AND active AND {_VALID}"
    f" UNION ALL SELECT token_sha256, expires_at - now(), false, scopes, {_USER}"
    " JOIN access_tokens ON users.id = user_id"
    " WHERE token_sha256 = ANY(%(tokens)s) AND active AND revoked_at IS NULL AND expires_at > now()"
)
_SELECT_SESSIONS_OF: Final = (
    "SELECT id, token_sha256, created_at, last_used_at, address, device, second_factor, way FROM sessions"
    f" WHERE user_id = %(user_id)s AND {_VALID} ORDER BY last_used_at DESC, id DESC"
)
_TOUCH_SESSIONS: Final = (
    f"UPDATE sessions SET last_used_at = now() WHERE token_sha256 = ANY(%(tokens)s) AND {_VALID}"
    " AND last_used_at < now() - %(every)s"
)
_TOUCH_TOKENS: Final = (
    "UPDATE access_tokens SET last_used_at = now() WHERE token_sha256 = ANY(%(tokens)s) AND revoked_at IS NULL"
    " AND (last_used_at IS NULL OR last_used_at < now() - %(every)s)"
)
_PURGE_SESSIONS: Final = f"DELETE FROM sessions WHERE NOT ({_VALID})"
_TRIM_SESSIONS: Final = (
    "DELETE FROM sessions WHERE token_sha256 IN"
    " (SELECT token_sha256 FROM sessions WHERE user_id = %s ORDER BY created_at DESC OFFSET %s)"
)


def _user(row: Sequence[Any]) -> User:
    number, username, one_time, person_id, name, role, institution_id, region, language, active = row
    return User(
        number, username, one_time, Person(person_id, name, Role(role), Scope(institution_id, region), language, active)
    )


def lock_users(connection: Connection) -> None:
    """Nobody else adds a user until the caller's transaction ends."""
    connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


def count_users(connection: Connection) -> int:
    """How many users there are."""
    row = connection.execute("SELECT count(*) FROM users").fetchone()
    return int(row[0]) if row else 0


def insert_user(connection: Connection, username: str, person_id: int, password_hash: str, *, one_time: bool) -> None:
    """Let a person sign in, in the caller's transaction. Raises UsernameTaken."""
    try:
        with connection.transaction():
            connection.execute(
                "INSERT INTO users (username, person_id, password_hash, password_one_time) VALUES (%s, %s, %s, %s)",
                (username, person_id, password_hash, one_time),
            )
    except psycopg.errors.UniqueViolation as error:
        raise UsernameTaken from error


def load_user(connection: Connection, username: str) -> tuple[User, str] | None:
    """The user and their password hash."""
    row = connection.execute(_SELECT_USER, (username,)).fetchone()
    return (_user(row[1:]), str(row[0])) if row else None


def user_of(connection: Connection, person_id: int) -> User | None:
    """The user that is this person, None for somebody who cannot sign in."""
    row = connection.execute(_SELECT_USER_OF, (person_id,)).fetchone()
    return _user(row) if row else None


def usernames(connection: Connection, person_ids: Collection[int]) -> dict[int, str]:
    """The user names of those of these people who may sign in, by person."""
    statement = "SELECT person_id, username FROM users WHERE person_id = ANY(%s)"
    return {int(row[0]): str(row[1]) for row in connection.execute(statement, (list(person_ids),))}


def set_password_hash(connection: Connection, user_id: int, password_hash: str, *, one_time: bool) -> None:
    """Replace a user's password hash."""
    connection.execute(
        "UPDATE users SET password_hash = %s, password_one_time = %s WHERE id = %s", (password_hash, one_time, user_id)
    )


def insert_session(
    connection: Connection, token_sha256: bytes, user_id: int, *, lasts: timedelta, count_max: int, address: str,
    device: str, second_factor: bool, way: SignInWay,
) -> None:  # fmt: skip
    """Open a session; the user's oldest ones beyond `count_max` end."""
    connection.execute(
        "INSERT INTO sessions (token_sha256, user_id, expires_at, address, device, second_factor, way)"
        " VALUES (%s, %s, now() + %s, %s, %s, %s, %s)",
        (token_sha256, user_id, lasts, address, device, second_factor, way),
    )
    connection.execute(_TRIM_SESSIONS, (user_id, count_max))


def load_session(connection: Connection, token_sha256: bytes, *, idle: timedelta) -> OpenSession | None:
    """Whose session this is, None when it has ended; the use is noted."""
    found = sessions(connection, [token_sha256], idle=idle).get(token_sha256)
    if found is not None:
        touch_sessions(connection, [token_sha256], idle=idle)
    return found


def touch_sessions(connection: Connection, tokens: Collection[bytes], *, idle: timedelta) -> None:
    """Note that these sessions and access tokens are in use."""
    connection.execute(_TOUCH_SESSIONS, {"tokens": list(tokens), "idle": idle, "every": _TOUCH_EVERY})
    connection.execute(_TOUCH_TOKENS, {"tokens": list(tokens), "every": _TOUCH_EVERY})


def sessions(connection: Connection, tokens: Collection[bytes], *, idle: timedelta) -> dict[bytes, OpenSession]:
    """Those of `tokens` (their SHA-256) whose session goes on, or which are access tokens that work, and whose they
    are."""
    rows = connection.execute(_SELECT_SESSIONS, {"tokens": list(tokens), "idle": idle})
    return {bytes(row[0]): _open_session(row) for row in rows}


def _open_session(row: Sequence[Any]) -> OpenSession:
    return OpenSession(_user(row[4:]), row[1], row[2], None if row[3] is None else token_scope.known(row[3]))


def sessions_of(connection: Connection, user_id: int, *, idle: timedelta) -> list[ListedSession]:
    """The sessions of a user that go on, the one used last first."""
    rows = connection.execute(_SELECT_SESSIONS_OF, {"user_id": user_id, "idle": idle})
    return [
        ListedSession(number, bytes(digest), created_at, used_at, address, device, second_factor, SignInWay(way))
        for number, digest, created_at, used_at, address, device, second_factor, way in rows
    ]


def delete_session(connection: Connection, token_sha256: bytes) -> None:
    """End one session."""
    connection.execute("DELETE FROM sessions WHERE token_sha256 = %s", (token_sha256,))
    tell(connection)


def delete_session_of(connection: Connection, user_id: int, session_id: int) -> bytes | None:
    """End one session of a user by its number: the SHA-256 of its token, None when there is no such session."""
    row = connection.execute(
        "DELETE FROM sessions WHERE id = %s AND user_id = %s RETURNING token_sha256", (session_id, user_id)
    ).fetchone()
    tell(connection)
    return bytes(row[0]) if row else None


def delete_sessions_of(connection: Connection, user_id: int, *, but: bytes = b"") -> list[bytes]:
    """End every session of a user, except one: the SHA-256 of their tokens."""
    rows = connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND token_sha256 <> %s RETURNING token_sha256", (user_id, but)
    )
    ended = [bytes(row[0]) for row in rows]
    tell(connection)
    return ended


def note_second_factor(connection: Connection, token_sha256: bytes) -> None:
    """A session counts as opened with a second factor: its owner has just shown that they have one."""
    connection.execute("UPDATE sessions SET second_factor = true WHERE token_sha256 = %s", (token_sha256,))


def tell(connection: Connection) -> None:
    """Have every dashboard look at who is connected to it, once the caller's transaction is committed."""
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def purge_sessions(connection: Connection, *, idle: timedelta) -> int:
    """Remove the sessions that have ended by themselves; how many went."""
    return connection.execute(_PURGE_SESSIONS, {"idle": idle}).rowcount
