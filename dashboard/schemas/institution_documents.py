"""The shapes of documents and photos of the institution file."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from dashboard.schemas.base import Moment, Shape, Text
from dashboard.schemas.institution_files import FileChoice
from inspection.institution_document import REASON_LENGTH_MAX, Type, Verb


class DocumentVersion(Shape):
    """One entry of a document's history. Of a removal type, size and SHA-256 are null."""

    version: int
    verb: Verb
    title: str
    type: Type | None
    size_bytes: int | None
    sha256: str | None
    reason: str
    at: Moment
    actor: str


class DocumentShape(Shape):
    """A document: which section it belongs to, and its versions, the newest first."""

    id: UUID
    section: str
    removed: bool
    versions: Annotated[list[DocumentVersion], Field(min_length=1)]


class DocumentList(Shape):
    """An institution's documents in the order in which they came, those that were removed among them; the sections
    they can belong to; and what is kept, of how much can be."""

    sections: list[FileChoice]
    items: list[DocumentShape]
    kept_bytes: int
    kept_bytes_max: int
    count_max: int
    bytes_max: int


class DocumentRemoval(BaseModel):
    """Why a document is removed, as it was seen at `version`."""

    version: Annotated[int, Field(ge=1, le=2**31 - 2)]
    reason: Annotated[Text, Field(min_length=1, max_length=REASON_LENGTH_MAX)]
