"""Documents of the institution file: their type is told by their content, what can carry a program is refused."""

import io
import struct
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import pytest
from PIL import Image

from inspection.errors import DocumentRefused
from inspection.institution_document import DOCUMENT_BYTES_MAX, MEDIA_TYPES, Type, Verb, Version, take, titled

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def packed(*names: str, **contents: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as book:
        for name in names:
            book.writestr(name, contents.get(name, b"<x/>"))
    return written.getvalue()


def office(part: str, *more: str) -> bytes:
    return packed("[Content_Types].xml", part, *more)


def photo(format_: str = "JPEG") -> bytes:
    written = io.BytesIO()
    picture = Image.new("RGB", (640, 480), "red")
    exif = Image.Exif()
    exif[0x010E] = "1 Lishu Road"
    picture.save(written, format_, exif=exif)
    return written.getvalue()


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        (PDF, Type.PDF),
        (office("word/document.xml"), Type.DOCX),
        (office("xl/workbook.xml"), Type.XLSX),
        (office("ppt/presentation.xml"), Type.PPTX),
        (packed("OFD.xml", "Doc_0/Document.xml"), Type.OFD),
    ],
)
def test_a_document_is_kept_as_it_came_under_what_its_content_says(data: bytes, type_: Type):
    made = take(data)
    assert (made.type, made.data) == (type_, data)
    assert set(MEDIA_TYPES) == set(Type)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_drawn_anew_and_says_nothing_of_where_it_was_taken(format_: str):
    data = photo(format_)
    assert b"Lishu" in data
    made = take(data)
    assert made.type is Type.PHOTO
    with Image.open(io.BytesIO(made.data)) as drawn:
        assert (drawn.format, drawn.size, dict(drawn.getexif())) == ("JPEG", (640, 480), {})
    assert b"Lishu" not in made.data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00" + bytes(100), "none of PDF"),
        (b"<html><script>alert(1)</script></html>", "none of PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "none of PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "none of PDF"),  # .doc and .xls of old
        (b"\n" + PDF, "none of PDF"),
        (PDF[:-6], "no end"),
        (packed("index.html"), "none of PDF"),
        (packed("word/document.xml"), "none of PDF"),
        (office("word/document.xml", "xl/workbook.xml"), "none of PDF"),
        (office("word/document.xml", "word/vbaProject.bin"), "macros"),
        (office("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "macros"),
        (office("word/document.xml")[:-8], "damaged"),
        (b"\xff\xd8\xff\xe0 no picture", "picture"),
        (PDF + bytes(DOCUMENT_BYTES_MAX), "16 MiB"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(data: bytes, why: str):
    with pytest.raises(DocumentRefused, match=why):
        take(data)


def test_a_packed_file_is_not_unpacked_and_bounded_by_what_its_directory_says():
    bomb = bytearray(office("word/document.xml"))
    entry = bomb.find(b"PK\x01\x02")
    struct.pack_into("<I", bomb, entry + 24, 300 * 2**20)  # what it says to be when unpacked
    with pytest.raises(DocumentRefused, match="too large unpacked"):
        take(bytes(bomb))
    crowded = bytearray(office("word/document.xml"))
    struct.pack_into("<I", crowded, crowded.rfind(b"PK\x05\x06") + 12, 2 * 2**20)
    with pytest.raises(DocumentRefused, match="too many parts"):
        take(bytes(crowded))


def version(title: str, type_: Type) -> Version:
    return Version(
        UUID(int=1), 7, "licences", 1, Verb.ADD, title, type_, 9, "00", "", datetime(2026, 1, 1, tzinfo=UTC), "user:a"
    )


def test_a_download_is_called_by_its_title_and_what_it_is():
    assert version("食品经营许可证", Type.PHOTO).file_name == "食品经营许可证.jpg"
    assert version("预案.pdf", Type.PDF).file_name == "预案.pdf"
    assert version("setup.exe", Type.PDF).file_name == "setup.exe.pdf"
    assert version("..", Type.PDF).file_name == "document.pdf"
    assert version('a/b\\c:"d"', Type.DOCX).file_name == "a_b_c__d_.docx"


def test_a_title_is_a_line_of_text():
    assert titled("  预案 ") == "预案"
    for wrong in ("", "  ", "x" * 101, "a\nb", "a\0b"):
        with pytest.raises(DocumentRefused):
            titled(wrong)
