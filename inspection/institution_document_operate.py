"""Adding, replacing and removing documents of institution files.

Every function works in the caller's transaction; whether the writer may touch that institution is the caller's to ask.
"""

from uuid import UUID, uuid4

import structlog

from ingest.database import Connection
from inspection import institution_document_store as store
from inspection.errors import DocumentChanged, DocumentSurplus, FileSectionUnknown, StepRefused
from inspection.institution_document import (
    DOCUMENTS_COUNT_MAX,
    INSTITUTION_BYTES_MAX,
    REASON_LENGTH_MAX,
    Content,
    Document,
    Verb,
    section_known,
    titled,
)
from inspection.institution_file_store import Writer, lock

log = structlog.get_logger("inspection.institution_document_operate")


def add(
    connection: Connection, institution_id: int, section: str, title: str, file: Content, by: Writer
) -> Document:  # fmt: skip
    """Put a document into a section of the file. Raises FileSectionUnknown, DocumentRefused for its title,
    DocumentSurplus where it is there already or there is no more room."""
    if not section_known(section):
        raise FileSectionUnknown(f"there is no section {section!r}")
    title = titled(title)
    lock(connection, institution_id)
    there = [each.newest for each in store.documents(connection, institution_id) if not each.removed]
    if len(there) >= DOCUMENTS_COUNT_MAX:
        raise DocumentSurplus(f"a file holds at most {DOCUMENTS_COUNT_MAX} documents")
    if any((each.section, each.sha256) == (section, file.sha256.hex()) for each in there):
        raise DocumentSurplus("this very document is in this section already")
    _demand_room(connection, institution_id, file)
    number = uuid4()
    store.append(connection, number, institution_id, section, 1, Verb.ADD, title, file, "", by)
    log.info("document added", institution_id=institution_id, section=section, type=file.type, actor=by.actor)
    return store.document(connection, number)


def replace(connection: Connection, document_id: UUID, seen: int, title: str, file: Content, by: Writer) -> Document:
    """Put a new version in place of the one seen; the old one is kept. Raises DocumentUnknown, DocumentChanged where
    `seen` is not the newest, DocumentRefused for its title, DocumentSurplus where nothing is new or no room is left."""
    standing = _standing(connection, document_id, seen)
    newest = standing.newest
    if newest.sha256 == file.sha256.hex() and newest.title == titled(title):
        raise DocumentSurplus("this is what is there already")
    _demand_room(connection, newest.institution_id, file)
    store.append(
        connection, document_id, newest.institution_id, newest.section, seen + 1, Verb.REPLACE, titled(title), file, "",
        by,
    )  # fmt: skip
    return store.document(connection, document_id)


def remove(connection: Connection, document_id: UUID, seen: int, reason: str, by: Writer) -> Document:
    """Take a document out of the file; every version stays on record. Raises DocumentUnknown, DocumentChanged,
    StepRefused without a reason."""
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise StepRefused("say in a few words why it is removed")
    newest = _standing(connection, document_id, seen).newest
    store.append(
        connection, document_id, newest.institution_id, newest.section, seen + 1, Verb.REMOVE, newest.title, None,
        reason, by,
    )  # fmt: skip
    log.info("document removed", institution_id=newest.institution_id, section=newest.section, actor=by.actor)
    return store.document(connection, document_id)


def _standing(connection: Connection, document_id: UUID, seen: int) -> Document:
    """The document as it was seen, with its file locked."""
    lock(connection, store.document(connection, document_id).newest.institution_id)
    found = store.document(connection, document_id)
    if found.removed:
        raise StepRefused("this document was removed")
    if found.newest.version != seen:
        raise DocumentChanged(f"the document is at version {found.newest.version}, not {seen}")
    return found


def _demand_room(connection: Connection, institution_id: int, file: Content) -> None:
    if store.kept_bytes(connection, institution_id) + len(file.data) > INSTITUTION_BYTES_MAX:
        raise DocumentSurplus(f"{INSTITUTION_BYTES_MAX // 2**20} MiB are kept of this institution already")
