"""What the database knows about how safely the service is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest import reach
from ingest.database import Connection
from ingest.reach import Guard

_IDLE_USERS = """
SELECT u.username FROM users u JOIN persons p ON p.id = u.person_id
 WHERE p.active AND u.created_at < %(since)s
   AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id AND s.last_used_at >= %(since)s)
   AND NOT EXISTS (SELECT FROM access_tokens t WHERE t.user_id = u.id AND t.last_used_at >= %(since)s)
   AND NOT EXISTS (SELECT FROM personal_reads r WHERE r.person_id = p.id AND r.at >= %(since)s)
   AND NOT EXISTS (SELECT FROM acts a WHERE a.actor = 'user:' || u.username AND a.at >= %(since)s)
   AND NOT EXISTS (SELECT FROM alert_events e WHERE e.actor = 'user:' || u.username AND e.at >= %(since)s)
 ORDER BY 1"""
_ONE_FACTOR = """
SELECT u.username FROM users u JOIN persons p ON p.id = u.person_id
  LEFT JOIN second_factors f ON f.user_id = u.id AND f.confirmed_at IS NOT NULL
 WHERE p.active AND p.role = 'administrator' AND f.user_id IS NULL ORDER BY 1"""
_ONE_TIME = """
SELECT u.username FROM users u JOIN persons p ON p.id = u.person_id
 WHERE p.active AND u.password_one_time AND u.created_at < %s ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What was found; names are user names."""

    superuser: bool
    row_security: Guard
    administrators_with_one_factor: tuple[str, ...]
    one_time_passwords: tuple[str, ...]  # still unchanged
    idle_users: tuple[str, ...]  # nothing is on record of them
    signed_at: datetime | None  # the ledger's newest checkpoint
    records: bool  # whether there is anything to sign
    enrolled: int  # users with a second factor


def look(connection: Connection, idle_since: datetime, one_time_since: datetime) -> DatabaseFacts:
    """Read it. Raises psycopg.Error, as where nothing has been migrated."""

    def names(statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in connection.execute(statement.encode(), parameters))

    row = connection.execute(
        "SELECT rolsuper OR rolbypassrls, (SELECT max(at) FROM ledger_checkpoints), EXISTS (SELECT FROM ledger),"
        " (SELECT count(*) FROM second_factors WHERE confirmed_at IS NOT NULL)"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    superuser, signed_at, records, enrolled = row or (False, None, False, 0)
    return DatabaseFacts(
        superuser=bool(superuser),
        row_security=reach.guard(connection),
        administrators_with_one_factor=names(_ONE_FACTOR),
        one_time_passwords=names(_ONE_TIME, (one_time_since,)),
        idle_users=names(_IDLE_USERS, {"since": idle_since}),
        signed_at=signed_at,
        records=bool(records),
        enrolled=int(enrolled),
    )
