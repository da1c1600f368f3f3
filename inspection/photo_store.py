"""Evidence photos in the database: kept loose after the upload, then bound for good to one event of a hazard, of an
inspection, or of an entry of a credit list."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from ingest.database import Connection
from inspection.errors import PhotoRefused, PhotoUnknown
from inspection.photo import Photo

PER_EVENT_COUNT_MAX: Final = 9
LOOSE_COUNT_MAX: Final = 30  # of one person, uploaded and not used
_LOOSE_HOURS: Final = 24


class Bound(NamedTuple):
    """Where a photo belongs: to a hazard, an inspection, an entry of a credit list; to none while it is loose."""

    institution_id: int
    uploader_id: int
    hazard_id: UUID | None
    event_seq: int | None
    inspection_id: UUID | None
    credit_entry_id: UUID | None

    @property
    def loose(self) -> bool:
        """Whether nothing names it yet."""
        return self.hazard_id is None and self.inspection_id is None and self.credit_entry_id is None


_LOOSE: Final = "hazard_id IS NULL AND inspection_id IS NULL AND credit_entry_id IS NULL"


def keep(
    connection: Connection, photo: Photo, *, institution_id: int, uploader_id: int, number: UUID | None = None
) -> UUID:
    """Keep an uploaded photo, in the caller's transaction, under `number` or an id made here; its id. Raises
    PhotoRefused for somebody who has too many that are not used."""
    row = connection.execute(
        f"SELECT count(*) FROM hazard_photos WHERE {_LOOSE} AND uploader_id = %s".encode(), (uploader_id,)
    ).fetchone()
    if row and row[0] >= LOOSE_COUNT_MAX:
        raise PhotoRefused(f"{LOOSE_COUNT_MAX} photos are uploaded and not used yet")
    number = number or uuid4()
    connection.execute(
        "INSERT INTO hazard_photos (id, institution_id, uploader_id, width, height, sha256, jpeg)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (number, institution_id, uploader_id, photo.width, photo.height, photo.sha256, photo.jpeg),
    )
    return number


def bind(
    connection: Connection, ids: Sequence[UUID], *, hazard_id: UUID, event_seq: int, institution_id: int, person_id: int
) -> None:
    """Make the photos part of an event, in its transaction. Raises PhotoUnknown for one that is not the person's own,
    of that institution, and loose; PhotoRefused for too many."""
    _bind(connection, "hazard_id = %s, event_seq = %s", (hazard_id, event_seq), ids, institution_id, person_id)


def bind_to_visit(
    connection: Connection, ids: Sequence[UUID], *, visit_id: UUID, event_seq: int, institution_id: int, person_id: int
) -> None:
    """As `bind`, for an event of an inspection."""
    _bind(connection, "inspection_id = %s, inspection_seq = %s", (visit_id, event_seq), ids, institution_id, person_id)


def bind_to_credit(
    connection: Connection, ids: Sequence[UUID], *, entry_id: UUID, event_seq: int, institution_id: int, person_id: int
) -> None:
    """As `bind`, for an event of an entry of a credit list."""
    change = "credit_entry_id = %s, credit_seq = %s"
    _bind(connection, change, (entry_id, event_seq), ids, institution_id, person_id)


def _bind(
    connection: Connection, change: str, owner: tuple[UUID, int], ids: Sequence[UUID], institution_id: int,
    person_id: int,
) -> None:  # fmt: skip
    if len(set(ids)) > PER_EVENT_COUNT_MAX:
        raise PhotoRefused(f"at most {PER_EVENT_COUNT_MAX} photos at once")
    if not ids:
        return
    statement = (
        f"UPDATE hazard_photos SET {change} WHERE id = ANY(%s) AND institution_id = %s AND uploader_id = %s"
        f" AND {_LOOSE} RETURNING id"
    )
    rows = connection.execute(statement.encode(), (*owner, list(ids), institution_id, person_id)).fetchall()
    if {row[0] for row in rows} != set(ids):
        raise PhotoUnknown("a photo is not there, or belongs to something else")


def place(connection: Connection, photo_id: UUID) -> Bound:
    """Where the photo belongs. Raises PhotoUnknown."""
    row = connection.execute(
        "SELECT institution_id, uploader_id, hazard_id, event_seq, inspection_id, credit_entry_id"
        " FROM hazard_photos WHERE id = %s",
        (photo_id,),
    ).fetchone()
    if row is None:
        raise PhotoUnknown(f"there is no photo {photo_id}")
    return Bound(*row)


def jpeg(connection: Connection, photo_id: UUID) -> bytes:
    """The picture. Raises PhotoUnknown."""
    row = connection.execute("SELECT jpeg FROM hazard_photos WHERE id = %s", (photo_id,)).fetchone()
    if row is None:
        raise PhotoUnknown(f"there is no photo {photo_id}")
    return bytes(row[0])


def drop_loose(connection: Connection) -> int:
    """Remove what was uploaded a day ago and never used; how many."""
    return connection.execute(
        f"DELETE FROM hazard_photos WHERE {_LOOSE} AND uploaded_at < clock_timestamp() - %s * interval '1 h'".encode(),
        (_LOOSE_HOURS,),
    ).rowcount
