"""Reading personal data leaves a record: who, what, whose, when, from where. Kept apart from what it reads."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from dashboard import audit_store
from dashboard.access import Reach
from dashboard.service import Service
from ingest.database import Connection

# The same person reading the same thing again within this time, from the same address, is one entry: a page that is
# refreshed, a hazard with nine photos.
FOLD: Final = timedelta(minutes=10)


class Personal(StrEnum):
    """What was read."""

    RESIDENTS = "residents"  # who cannot walk
    CONTACTS = "contacts"  # how people are reached, as hints
    FILE = "file"  # an institution file: responsible persons, telephone numbers, trainings
    FILE_EXPORT = "file_export"
    DOCUMENT = "document"
    PHOTO = "photo"
    RELATIONS = "relations"  # of inspectors: family, former work
    AUDIT_EXPORT = "audit_export"


def note_read(
    connection: Connection,
    serving: Service,
    reach: Reach,
    kind: Personal,
    subject: str,
    institutions: Iterable[int | None],
    *,
    reason: str = "",
) -> None:
    """Record that `subject` of these institutions is read, in the transaction that reads it; None stands for a list
    that runs over several. `connection` must be allowed to write (Service.recording)."""
    audit_store.note_read(
        connection,
        person_id=reach.person.id,
        actor=reach.actor,
        kind=kind,
        subject=subject,
        institutions=list(institutions),
        address=serving.address,
        reason=reason,
        fold=FOLD,
    )


def of_scope(reach: Reach) -> tuple[str, list[int | None]]:
    """The subject and the institution of a list over everything within reach."""
    if reach.scope.institution_id is not None:
        return f"institution:{reach.scope.institution_id}", [reach.scope.institution_id]
    return f"scope:{reach.scope.region}", [None]
