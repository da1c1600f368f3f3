"""Reading back what was refused (dead letters) and what nobody has registered (unclaimed devices)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from ingest.database import Connection


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """One message, or part of one, that could not become a reading; `payload` is its beginning."""

    id: int
    received_at: datetime
    topic: str
    reason: str
    detail: str
    payload: bytes
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class UnclaimedEntry:
    """Something that reports without being registered."""

    institution: str
    device: str
    quantity: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime
    message_count: int
    last_topic: str
    last_payload: bytes
    institution_id: int | None


_DEAD_LETTERS: Final = (
    "SELECT id, received_at, topic, reason, detail, payload, payload_bytes FROM dead_letters"
    " WHERE %(before)s::bigint IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(limit)s"
)
_LOOKED_AT_MAX: Final = 2000
_NEWEST_REFUSED: Final = (
    "SELECT id, received_at, topic, reason, detail, payload, payload_bytes FROM"
    " (SELECT * FROM dead_letters ORDER BY id DESC LIMIT %(looked_at)s) AS latest"
    " WHERE starts_with(topic, %(prefix)s) ORDER BY id DESC LIMIT 1"
)
# What has been registered since is no longer unclaimed, whatever still stands in the table.
STILL_UNCLAIMED: Final = (
    "WHERE NOT EXISTS (SELECT FROM devices k WHERE k.institution_id = i.id AND u.device IN (k.code, k.address)"
    " AND (u.quantity = ''"
    " OR EXISTS (SELECT FROM points p WHERE p.device_id = k.id AND p.quantity = u.quantity)))"
)
_UNCLAIMED: Final = (
    "SELECT u.institution, u.device, u.quantity, u.reason, u.first_seen_at, u.last_seen_at, u.message_count,"  # noqa: S608 - no input
    " u.last_topic, u.last_payload, i.id AS institution_id FROM unclaimed_devices u"
    " LEFT JOIN institutions i ON i.code = u.institution "
    + STILL_UNCLAIMED
    + " ORDER BY u.last_seen_at DESC, u.institution, u.device, u.quantity LIMIT %s"
)
_UNCLAIMED_COUNT: Final = (
    "SELECT count(*) FROM unclaimed_devices u LEFT JOIN institutions i ON i.code = u.institution "  # noqa: S608
    + STILL_UNCLAIMED
)


def dead_letters(connection: Connection, before_id: int | None, count_max: int) -> list[DeadLetterEntry]:
    """The newest ones, or those before `before_id`, newest first."""
    with connection.cursor(row_factory=class_row(DeadLetterEntry)) as cursor:
        return cursor.execute(_DEAD_LETTERS, {"before": before_id, "limit": count_max}).fetchall()


def newest_refused(connection: Connection, topic_prefix: str) -> DeadLetterEntry | None:
    """The newest one whose topic begins so, among the latest that were refused."""
    with connection.cursor(row_factory=class_row(DeadLetterEntry)) as cursor:
        return cursor.execute(_NEWEST_REFUSED, {"looked_at": _LOOKED_AT_MAX, "prefix": topic_prefix}).fetchone()


def dead_letter_totals(connection: Connection) -> dict[str, int]:
    """How many there ever were, by reason."""
    return dict(connection.execute("SELECT reason, count FROM dead_letter_totals ORDER BY reason").fetchall())


def unclaimed(connection: Connection, count_max: int) -> list[UnclaimedEntry]:
    """Those that reported last, first."""
    with connection.cursor(row_factory=class_row(UnclaimedEntry)) as cursor:
        return cursor.execute(_UNCLAIMED.encode(), (count_max,)).fetchall()


def unclaimed_count(connection: Connection) -> int:
    """How many there are."""
    row = connection.execute(_UNCLAIMED_COUNT.encode()).fetchone()
    return int(row[0]) if row else 0
