"""Who was told of an alert, by which way, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from alerting.people import Role
from ingest.database import Connection


class Progress(StrEnum):
    """Where one way of telling a person stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # and will be tried again
    DEAD = "dead"


class Told(NamedTuple):
    """One way of telling one person; no channel yet while it is held back to go with others."""

    person_id: int
    name: str
    role: Role
    channel: str | None
    step: int
    progress: Progress
    at: datetime
    attempts: int
    error: str | None


_TOLD: Final = (
    "SELECT persons.id, persons.name, persons.role, deliveries.channel, tellings.step,"
    " CASE WHEN state IS NULL THEN 'queued' WHEN state <> 'waiting' THEN state"
    "  WHEN attempts > 0 THEN 'failed' ELSE 'queued' END,"
    " coalesce(settled_at, CASE WHEN attempts = 0 THEN tellings.at END, next_attempt_at, tellings.hold_until,"
    "  tellings.at),"
    " coalesce(attempts, 0), CASE WHEN state = 'dead' OR (state = 'waiting' AND attempts > 0) THEN detail END"
    " FROM tellings JOIN persons ON persons.id = tellings.person_id LEFT JOIN deliveries USING (push_id)"
    " WHERE tellings.alert_id = %s AND NOT dropped AND (push_id IS NULL OR state <> 'unneeded')"
    " ORDER BY tellings.call, tellings.at, tellings.step, tellings.round, persons.id, deliveries.rank"
)


def told(connection: Connection, alert_id: UUID) -> list[Told]:
    """Everybody who was or is being told, in the order in which they were called; ways that were not needed, because
    another one reached the person, are left out."""
    rows = connection.execute(_TOLD, (alert_id,))
    return [
        Told(person_id, name, Role(role), channel, step, Progress(progress), at, attempts, error)
        for person_id, name, role, channel, step, progress, at, attempts, error in rows
    ]
