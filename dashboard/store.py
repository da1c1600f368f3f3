"""All SQL of the dashboard: users and their sessions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from psycopg.rows import class_row

from ingest.database import Connection


class Role(StrEnum):
    """What a user may do."""

    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    id: int
    username: str
    display_name: str
    role: Role

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))  # the database speaks text


_TOUCH_EVERY: Final = timedelta(minutes=1)  # a session's last use is known to the minute: not a write per request

_VALID: Final = "expires_at > now() AND last_used_at > now() - %(idle)s"
_SELECT_SESSION: Final = (
    "SELECT users.id, username, display_name, role FROM sessions JOIN users ON users.id = user_id"
    f" WHERE token_sha256 = %(token)s AND {_VALID}"
)
_TOUCH_SESSIONS: Final = (
    f"UPDATE sessions SET last_used_at = now() WHERE token_sha256 = ANY(%(tokens)s) AND {_VALID}"
    " AND last_used_at < now() - %(every)s"
)
_SELECT_VALID: Final = f"SELECT token_sha256 FROM sessions WHERE token_sha256 = ANY(%(tokens)s) AND {_VALID}"
_PURGE_SESSIONS: Final = f"DELETE FROM sessions WHERE NOT ({_VALID})"
_TRIM_SESSIONS: Final = (
    "DELETE FROM sessions WHERE token_sha256 IN"
    " (SELECT token_sha256 FROM sessions WHERE user_id = %s ORDER BY created_at DESC OFFSET %s)"
)


def lock_users(connection: Connection) -> None:
    """Nobody else adds a user until the caller's transaction ends."""
    connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


def count_users(connection: Connection) -> int:
    """How many users there are."""
    row = connection.execute("SELECT count(*) FROM users").fetchone()
    return int(row[0]) if row else 0


def insert_user(connection: Connection, username: str, display_name: str, role: Role, password_hash: str) -> None:
    """Add a user in the caller's transaction."""
    connection.execute(
        "INSERT INTO users (username, display_name, role, password_hash) VALUES (%s, %s, %s, %s)",
        (username, display_name, role, password_hash),
    )


def load_user(connection: Connection, username: str) -> tuple[User, str] | None:
    """The user and their password hash."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        user = cursor.execute(
            "SELECT id, username, display_name, role FROM users WHERE username = %s", (username,)
        ).fetchone()
    if user is None:
        return None
    row = connection.execute("SELECT password_hash FROM users WHERE id = %s", (user.id,)).fetchone()
    return (user, str(row[0])) if row else None


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    connection.execute("UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user_id))


def insert_session(
    connection: Connection, token_sha256: bytes, user_id: int, *, lasts: timedelta, count_max: int, address: str
) -> None:
    """Open a session; the user's oldest ones beyond `count_max` end."""
    connection.execute(
        "INSERT INTO sessions (token_sha256, user_id, expires_at, address) VALUES (%s, %s, now() + %s, %s)",
        (token_sha256, user_id, lasts, address),
    )
    connection.execute(_TRIM_SESSIONS, (user_id, count_max))


def load_session(connection: Connection, token_sha256: bytes, *, idle: timedelta) -> User | None:
    """Whose session this is, None when it has ended; the use is noted."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        user = cursor.execute(_SELECT_SESSION, {"token": token_sha256, "idle": idle}).fetchone()
    if user is not None:
        touch_sessions(connection, [token_sha256], idle=idle)
    return user


def touch_sessions(connection: Connection, tokens: Collection[bytes], *, idle: timedelta) -> None:
    """Note that these sessions are in use."""
    connection.execute(_TOUCH_SESSIONS, {"tokens": list(tokens), "idle": idle, "every": _TOUCH_EVERY})


def valid_sessions(connection: Connection, tokens: Collection[bytes], *, idle: timedelta) -> set[bytes]:
    """Those of `tokens` (their SHA-256) whose session goes on."""
    return {bytes(row[0]) for row in connection.execute(_SELECT_VALID, {"tokens": list(tokens), "idle": idle})}


def delete_session(connection: Connection, token_sha256: bytes) -> None:
    """End one session."""
    connection.execute("DELETE FROM sessions WHERE token_sha256 = %s", (token_sha256,))


def delete_sessions_of(connection: Connection, user_id: int) -> None:
    """End every session of a user."""
    connection.execute("DELETE FROM sessions WHERE user_id = %s", (user_id,))


def purge_sessions(connection: Connection, *, idle: timedelta) -> int:
    """Remove the sessions that have ended by themselves; how many went."""
    return connection.execute(_PURGE_SESSIONS, {"idle": idle}).rowcount
