"""Whose eyes an evidence photo is for."""

from uuid import UUID

from dashboard.access import Reach
from ingest.database import Connection
from inspection import photo_store, visit_store
from inspection.errors import PhotoUnknown


def sees(connection: Connection, reach: Reach, photo_id: UUID) -> bool:
    """Whether there is such a photo and whoever asks may see it: evidence whoever sees what it is evidence of, what is
    not used yet only who uploaded it."""
    try:
        bound = photo_store.place(connection, photo_id)
    except PhotoUnknown:
        return False
    hidden = (
        reach.scope.institution_id is not None
        and bound.inspection_id is not None
        and visit_store.load_many(connection, [bound.inspection_id])[bound.inspection_id].hidden
    )
    others = bound.loose and bound.uploader_id != reach.person.id
    return not others and not hidden and reach.covers(connection, bound.institution_id)
