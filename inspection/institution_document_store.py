"""Documents of institution files in the database: every version of every one, append-only."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.errors import DocumentUnknown
from inspection.institution_document import Content, Document, Type, Verb, Version
from inspection.institution_file_store import Writer

_VERSIONS: Final = (
    "SELECT document_id, institution_id, section, seq AS version, verb, title, type, size_bytes,"
    " encode(sha256, 'hex') AS sha256, reason, at, actor FROM institution_document_events"
)


def documents(connection: Connection, institution_id: int) -> list[Document]:
    """All documents of an institution, those that were removed among them, in the order in which they came."""
    return _documents(connection, "institution_id = %s", (institution_id,))


def document(connection: Connection, document_id: UUID) -> Document:
    """One document. Raises DocumentUnknown."""
    found = _documents(connection, "document_id = %s", (document_id,))
    if not found:
        raise DocumentUnknown(f"there is no document {document_id}")
    return found[0]


def kept_bytes(connection: Connection, institution_id: int) -> int:
    """How much is kept of an institution, every version counted."""
    row = connection.execute(
        "SELECT coalesce(sum(size_bytes), 0)::bigint FROM institution_document_events WHERE institution_id = %s",
        (institution_id,),
    ).fetchone()
    if row is None:
        raise RuntimeError("SELECT sum(…) returned nothing")
    return int(row[0])


def content(connection: Connection, document_id: UUID, version: int) -> bytes:
    """The file of one version. Raises DocumentUnknown."""
    row = connection.execute(
        "SELECT content FROM institution_document_events WHERE document_id = %s AND seq = %s AND content IS NOT NULL",
        (document_id, version),
    ).fetchone()
    if row is None:
        raise DocumentUnknown(f"there is no version {version} of the document {document_id}")
    return bytes(row[0])


def append(
    connection: Connection, document_id: UUID, institution_id: int, section: str, seq: int, verb: Verb, title: str,
    file: Content | None, reason: str, by: Writer,
) -> None:  # fmt: skip
    """Put the next version on record, in the caller's transaction and with an act in the ledger."""
    connection.execute(
        "INSERT INTO institution_document_events (document_id, institution_id, section, seq, verb, title, type, sha256,"
        " content, size_bytes, reason, actor, person_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            document_id, institution_id, section, seq, verb, title, file.type if file else None,
            file.sha256 if file else None, file.data if file else None, len(file.data) if file else None, reason,
            by.actor, by.person_id,
        ),
    )  # fmt: skip
    body = {"section": section, "version": seq, "title": title, "reason": reason}
    if file is not None:
        body |= {"type": file.type.value, "sha256": file.sha256.hex()}
    record_act(
        connection, actor=by.actor, verb=f"{verb}_document", subject=f"institution_document:{document_id}",
        institution_id=institution_id, body=body,
    )  # fmt: skip


def _documents(connection: Connection, where: str, parameters: tuple[object, ...]) -> list[Document]:
    with connection.cursor(row_factory=class_row(Version)) as cursor:
        rows = cursor.execute(f"{_VERSIONS} WHERE {where} ORDER BY id DESC".encode(), parameters).fetchall()
    found: dict[UUID, list[Version]] = {}
    for each in rows:
        typed = replace(each, verb=Verb(each.verb), type=Type(each.type) if each.type is not None else None)
        found.setdefault(each.document_id, []).append(typed)
    made = [Document(tuple(versions)) for versions in found.values()]
    return sorted(made, key=lambda each: (each.versions[-1].at, each.newest.document_id))
