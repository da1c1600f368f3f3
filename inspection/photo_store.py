"""Evidence photos in the database: kept loose after the upload, then bound to one event of a hazard for good."""

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
    """Where a photo belongs; `hazard_id` and `event_seq` are None while it is loose."""

    institution_id: int
    uploader_id: int
    hazard_id: UUID | None
    event_seq: int | None


def keep(connection: Connection, photo: Photo, *, institution_id: int, uploader_id: int) -> UUID:
    """Keep an uploaded photo, in the caller's transaction; its id. Raises PhotoRefused for somebody who has too many
    that are not used."""
    row = connection.execute(
        "SELECT count(*) FROM hazard_photos WHERE hazard_id IS NULL AND uploader_id = %s", (uploader_id,)
    ).fetchone()
    if row and row[0] >= LOOSE_COUNT_MAX:
        raise PhotoRefused(f"{LOOSE_COUNT_MAX} photos are uploaded and not used yet")
    number = uuid4()
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
    if len(set(ids)) > PER_EVENT_COUNT_MAX:
        raise PhotoRefused(f"at most {PER_EVENT_COUNT_MAX} photos at once")
    if not ids:
        return
    rows = connection.execute(
        "UPDATE hazard_photos SET hazard_id = %s, event_seq = %s"
        " WHERE id = ANY(%s) AND institution_id = %s AND uploader_id = %s AND hazard_id IS NULL RETURNING id",
        (hazard_id, event_seq, list(ids), institution_id, person_id),
    ).fetchall()
    if {row[0] for row in rows} != set(ids):
        raise PhotoUnknown("a photo is not there, or belongs to something else")


def place(connection: Connection, photo_id: UUID) -> Bound:
    """Where the photo belongs. Raises PhotoUnknown."""
    row = connection.execute(
        "SELECT institution_id, uploader_id, hazard_id, event_seq FROM hazard_photos WHERE id = %s", (photo_id,)
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
        "DELETE FROM hazard_photos WHERE hazard_id IS NULL"
        " AND uploaded_at < clock_timestamp() - make_interval(hours => %s)",
        (_LOOSE_HOURS,),
    ).rowcount
