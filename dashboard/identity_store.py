"""Who somebody is at the provider, in the database."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from alerting.ledger_store import record_act
from dashboard import store
from dashboard.errors import IdentityTaken
from dashboard.store import User
from ingest.database import Connection


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider."""

    subject: str
    linked_at: datetime


def person_of(connection: Connection, issuer: str, subject: str) -> int | None:
    """The person that this subject is, None for one that is not linked."""
    row = connection.execute(
        "SELECT person_id FROM identities JOIN users ON users.id = user_id WHERE issuer = %s AND subject = %s",
        (issuer, subject),
    ).fetchone()
    return int(row[0]) if row else None


def of_user(connection: Connection, user: User, issuer: str) -> Identity | None:
    """Who a user is at the provider."""
    row = connection.execute(
        "SELECT subject, linked_at FROM identities WHERE user_id = %s AND issuer = %s", (user.id, issuer)
    ).fetchone()
    return Identity(str(row[0]), row[1]) if row else None


def link(connection: Connection, user: User, issuer: str, subject: str, actor: str) -> None:
    """From now on this subject signs in as `user`, in the caller's transaction, as an act in the ledger. Raises
    IdentityTaken where either has another one already."""
    try:
        with connection.transaction():
            connection.execute(
                "INSERT INTO identities (user_id, issuer, subject) VALUES (%s, %s, %s)", (user.id, issuer, subject)
            )
    except psycopg.errors.UniqueViolation:
        raise IdentityTaken from None
    _note(connection, user, "link_identity", issuer, subject, actor)


def unlink(connection: Connection, user: User, issuer: str, actor: str) -> list[bytes]:
    """The subject opens nothing any more, nor do the user's sessions: their SHA-256; as an act in the ledger. None
    where there is no link."""
    row = connection.execute(
        "DELETE FROM identities WHERE user_id = %s AND issuer = %s RETURNING subject", (user.id, issuer)
    ).fetchone()
    if row is None:
        return []
    _note(connection, user, "unlink_identity", issuer, str(row[0]), actor)
    return store.delete_sessions_of(connection, user.id)


def _note(connection: Connection, user: User, verb: str, issuer: str, subject: str, actor: str) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=f"person:{user.person.id}",
        institution_id=user.person.scope.institution_id, body={"issuer": issuer, "subject": subject},
    )  # fmt: skip
