"""Service accounts in the database."""

from collections.abc import Collection as Some
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.errors import UniqueViolation

from alerting.ledger_store import record_act
from alerting.people import Scope
from ingest.database import Connection
from inspection.errors import AccountRefused, AccountUnknown
from inspection.service_account import Collection, ServiceAccount, token_sha256

_USED_EVERY: Final = timedelta(minutes=1)  # not a write for every page of an export
_SELECT: Final = (
    "SELECT id, name, institution_id, region, collections, created_at, created_by, expires_at, last_used_at,"
    " revoked_at, revoked_by FROM service_accounts"
)


def create(
    connection: Connection, name: str, scope: Scope, collections: Some[Collection], token: str, expires_at: datetime,
    actor: str,
) -> ServiceAccount:  # fmt: skip
    """A new account, in the caller's transaction, as an act in the ledger; of the token only its hash is kept. Raises
    AccountRefused for a name that is in use."""
    try:
        with connection.transaction():
            row = connection.execute(
                "INSERT INTO service_accounts (name, institution_id, region, collections, token_sha256, created_by,"
                " expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
                (
                    name, scope.institution_id, scope.region, sorted(each.value for each in collections),
                    token_sha256(token), actor, expires_at,
                ),
            ).fetchone()  # fmt: skip
    except UniqueViolation:
        raise AccountRefused(f"there is an account {name} already") from None
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    made = _one(connection, "WHERE id = %s", row[0])
    if made is None:
        raise RuntimeError("an account that was created is not there")
    body = {
        "name": name, "region": scope.region, "collections": sorted(each.value for each in collections),
        "expires_at": expires_at.isoformat(),
    }  # fmt: skip
    record_act(
        connection, actor=actor, verb="create_service_account", subject=f"service_account:{made.id}",
        institution_id=scope.institution_id, body=body,
    )  # fmt: skip
    return made


def revoke(connection: Connection, name: str, actor: str, now: datetime) -> ServiceAccount:
    """Let an account in no more, as an act in the ledger. Raises AccountUnknown for one that is not there, or is
    revoked already."""
    row = connection.execute(
        "UPDATE service_accounts SET revoked_at = %s, revoked_by = %s WHERE name = %s AND revoked_at IS NULL"
        " RETURNING id, institution_id",
        (now, actor, name),
    ).fetchone()
    if row is None:
        raise AccountUnknown(f"there is no account {name}")
    record_act(
        connection, actor=actor, verb="revoke_service_account", subject=f"service_account:{row[0]}",
        institution_id=row[1], body={"name": name},
    )  # fmt: skip
    found = _one(connection, "WHERE id = %s", row[0])
    if found is None:
        raise RuntimeError("an account that was revoked is not there")
    return found


def of_token(connection: Connection, token: str) -> ServiceAccount | None:
    """Whose token this is, valid or not."""
    return _one(connection, "WHERE token_sha256 = %s", token_sha256(token))


def used(connection: Connection, account: ServiceAccount, now: datetime) -> None:
    """Note that it came."""
    if account.last_used_at is None or now >= account.last_used_at + _USED_EVERY:
        connection.execute("UPDATE service_accounts SET last_used_at = %s WHERE id = %s", (now, account.id))


def accounts(connection: Connection) -> list[ServiceAccount]:
    """Every account there ever was, the newest first."""
    return [_account(row) for row in connection.execute(f"{_SELECT} ORDER BY id DESC".encode())]


def _one(connection: Connection, condition: str, value: Any) -> ServiceAccount | None:
    row = connection.execute(f"{_SELECT} {condition}".encode(), (value,)).fetchone()
    return _account(row) if row else None


def _account(row: tuple[Any, ...]) -> ServiceAccount:
    return ServiceAccount(
        row[0], row[1], Scope(row[2], row[3]), frozenset(Collection(each) for each in row[4]), *row[5:]
    )
