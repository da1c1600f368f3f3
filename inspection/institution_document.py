"""Documents and photos of the institution file: which types are taken, known by their content and never by their name.

A picture is drawn anew as evidence is (inspection/photo.py), so nothing of its camera travels along. Other types are
kept as they came and only ever handed out as a download: nothing here opens them. What can carry a program — an office
file with macros, the old binary formats — is not taken.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from inspection.errors import DocumentRefused, PhotoRefused
from inspection.institution_file import CATALOGUE, Choice
from inspection.photo import redraw

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
TITLE_LENGTH_MAX: Final = 100
REASON_LENGTH_MAX: Final = 500
DOCUMENTS_COUNT_MAX: Final = 200  # of one institution, that stand
INSTITUTION_BYTES_MAX: Final = 512 * 1024 * 1024  # of one institution, with every version ever kept
_UNPACKED_BYTES_MAX: Final = 256 * 1024 * 1024
_DIRECTORY_BYTES_MAX: Final = 1024 * 1024
_END_OF_DIRECTORY: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_COMMENT_BYTES_MAX: Final = 65_535
_PDF_END_WITHIN: Final = 2048

SECTIONS: Final[tuple[Choice, ...]] = (
    *(Choice(each.name, each.zh, each.en) for each in CATALOGUE),
    Choice("plans", "应急预案", "Emergency plans"),
    Choice("drills", "演练", "Drills"),
    Choice("general", "其他材料", "Other documents"),
)


class Type(StrEnum):
    """What a document is."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    OFD = "ofd"  # GB/T 33190, what authorities issue
    PHOTO = "photo"


_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES: Final[Mapping[Type, str]] = {
    Type.PDF: "application/pdf",
    Type.DOCX: f"{_OFFICE}.wordprocessingml.document",
    Type.XLSX: f"{_OFFICE}.spreadsheetml.sheet",
    Type.PPTX: f"{_OFFICE}.presentationml.presentation",
    Type.OFD: "application/ofd",
    Type.PHOTO: "image/jpeg",
}
_MAIN_PARTS: Final[Mapping[str, Type]] = {
    "word/document.xml": Type.DOCX,
    "xl/workbook.xml": Type.XLSX,
    "ppt/presentation.xml": Type.PPTX,
    "OFD.xml": Type.OFD,
}


class Verb(StrEnum):
    """What can happen to a document."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Content:
    """A document as it is kept."""

    type: Type
    data: bytes

    @property
    def sha256(self) -> bytes:
        """Of the file."""
        return hashlib.sha256(self.data).digest()


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a document's history. Of a removal type, size and SHA-256 are None."""

    document_id: UUID
    institution_id: int
    section: str
    version: int
    verb: Verb
    title: str
    type: Type | None
    size_bytes: int | None
    sha256: str | None
    reason: str
    at: datetime
    actor: str

    @property
    def file_name(self) -> str:
        """What it is called when it is downloaded: its title, with the ending of what it is."""
        if self.type is None:
            raise DocumentRefused("a removal has no file")
        plain = "".join(each if each not in '\\/:*?"<>|' else "_" for each in self.title).strip(". ") or "document"
        ending = "jpg" if self.type is Type.PHOTO else self.type.value
        return plain if plain.lower().endswith(f".{ending}") else f"{plain}.{ending}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its history, the newest version first."""

    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """As it stands."""
        return self.versions[0]

    @property
    def removed(self) -> bool:
        """Whether it is no longer part of the file."""
        return self.newest.verb is Verb.REMOVE


def section_known(name: str) -> bool:
    """Whether documents can belong there."""
    return any(each.value == name for each in SECTIONS)


def titled(title: str) -> str:
    """The title as it is kept. Raises DocumentRefused."""
    title = title.strip()
    if not 1 <= len(title) <= TITLE_LENGTH_MAX or not title.isprintable():
        raise DocumentRefused(f"a document is called something in 1 to {TITLE_LENGTH_MAX} letters")
    return title


def take(data: bytes) -> Content:
    """The document in `data`, of the type its content says; a picture drawn anew. Raises DocumentRefused."""
    if not data:
        raise DocumentRefused("the file is empty")
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentRefused(f"a document has at most {DOCUMENT_BYTES_MAX // 2**20} MiB")
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-_PDF_END_WITHIN:]:
            raise DocumentRefused("this PDF has no end: it was not sent, or saved, completely")
        return Content(Type.PDF, data)
    if data.startswith(b"PK\x03\x04"):
        return Content(_packed(data), data)
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
        try:
            return Content(Type.PHOTO, redraw(data).jpeg)
        except PhotoRefused as error:
            raise DocumentRefused(str(error)) from error
    raise DocumentRefused("this is none of PDF, OFD, docx, xlsx, pptx, JPEG, PNG and WebP")


def _packed(data: bytes) -> Type:
    """Which of the packed types it is, by its directory alone: nothing is unpacked."""
    at = data.rfind(_END_OF_DIRECTORY, max(len(data) - _END_BYTES - _COMMENT_BYTES_MAX, 0))
    if at < 0 or int.from_bytes(data[at + 12 : at + 16], "little") > _DIRECTORY_BYTES_MAX:
        raise DocumentRefused("this file is damaged, or has too many parts")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DocumentRefused("this file is damaged") from error
    names = {each.filename for each in entries}
    if sum(each.file_size for each in entries) > _UNPACKED_BYTES_MAX:
        raise DocumentRefused("this file is too large unpacked")
    if any(each.lower().endswith("vbaproject.bin") or "/macrosheets/" in each.lower() for each in names):
        raise DocumentRefused("office files with macros are not taken: save it without them, or as PDF")
    kinds = {kind for part, kind in _MAIN_PARTS.items() if part in names}
    if len(kinds) != 1 or (kinds != {Type.OFD} and "[Content_Types].xml" not in names):
        raise DocumentRefused("this is none of PDF, OFD, docx, xlsx, pptx, JPEG, PNG and WebP")
    return kinds.pop()
