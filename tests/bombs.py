"""Files that are small to send and large to open, or something else than they say: for every place that takes files.

`python -m tests.bombs` opens each in a process of its own and says what became of it, and the most memory it took.
"""

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from alerting import floor_plan
from alerting.errors import FloorPlanRefused
from inspection import institution_document, institution_file_workbook, photo
from inspection.errors import DocumentRefused, PhotoRefused, WorkbookRefused
from inspection.institution_file import InstitutionFile, Kept, Practice
from inspection.institution_file_workbook import Entry, workbook

TAKERS: Final[dict[str, tuple[Callable[[bytes], object], type[Exception]]]] = {
    "photo": (photo.redraw, PhotoRefused),
    "document": (institution_document.take, DocumentRefused),
    "floor_plan": (floor_plan.harmless, FloorPlanRefused),
    "workbook": (institution_file_workbook.read, WorkbookRefused),
}
_MIB: Final = 1_048_576
_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_CONTENT: Final = {"contacts": Kept(0, ({"what": "duty", "name": "x", "phone": "119"},))}


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *, more: bytes = b"", rows: int = 0) -> bytes:
    """A PNG that says it is so large, with so many rows of it really there."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer, row = zlib.compressobj(1), bytes(width + 1)
    pixels = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + more + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def picture(kind: str, **options: object) -> bytes:
    """A small and good one."""
    written = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(written, kind, **options)
    return written.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    """As a zip file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return written.getvalue()


def reworked(changed: dict[str, bytes]) -> bytes:
    """A good workbook with some of its parts replaced."""
    good = workbook([Entry("home-1", "", InstitutionFile(0, "", _CONTENT, (), Practice()))], "zh")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        return packed({name: archive.read(name) for name in archive.namelist()} | changed)


def _grown(name: str, mark: bytes, more: bytes) -> bytes:
    """A good workbook one of whose parts has `more` before `mark`."""
    good = workbook([Entry("home-1", "", InstitutionFile(0, "", _CONTENT, (), Practice()))], "zh")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        return reworked({name: archive.read(name).replace(mark, more + mark)})


def _pictures() -> Iterator[tuple[str, bytes]]:
    yield "60,000 × 60,000 pixels, told", png(60_000, 60_000)
    yield "30,000 × 3,000 pixels, there", png(30_000, 3_000, rows=3_000)
    yield "one row of 400,000,000 pixels", png(400_000_000, 1)
    yield "a text of 80 MiB", png(8, 8, more=_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80 * _MIB), 1)), rows=8)
    yield "a colour profile of 80 MiB", png(8, 8, more=_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(80 * _MIB), 1)))
    jpeg = picture("JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    yield "a JPEG of 65,500 × 65,500", jpeg[:at] + struct.pack(">HH", 65_500, 65_500) + jpeg[at + 4 :]
    yield "half a JPEG", jpeg[: len(jpeg) // 2]
    yield "a JPEG without its pixels", jpeg[:30]
    for kind in ("GIF", "TIFF", "BMP", "ICO", "PPM", "TGA", "PCX"):
        yield f"a {kind}", picture(kind)
    yield "a PostScript program", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
    yield "a page", b"<!doctype html><script>alert(1)</script>"
    yield "nothing", b""


def _drawings() -> Iterator[tuple[str, bytes]]:
    head = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol" * 100) for n in range(10))
    yield "a billion laughs", b"<!DOCTYPE svg [" + laughs + b"]>" + head + b"<text>&l9;</text></svg>"
    yield (
        "a file of the server",
        (b'<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + head + b"<text>&f;</text></svg>"),
    )
    yield "100,000 groups in one another", head + b"<g>" * 100_000 + b"</g>" * 100_000 + b"</svg>"
    yield "500,000 elements", head + b"<g/>" * 500_000 + b"</svg>"
    yield "a foreign document", head + b"<foreignObject><iframe/></foreignObject></svg>"
    yield "an animation", head + b'<animate attributeName="href" to="javascript:alert(1)"/></svg>'


def _documents() -> Iterator[tuple[str, bytes]]:
    office = {"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}
    yield "a document of 40,000 parts", packed(office | {f"word/{number:05}.xml": b"" for number in range(40_000)})
    yield "half a document", packed(office)[:60]
    yield "a document with macros", packed(office | {"word/vbaProject.bin": b"x"})
    yield "two documents in one", packed(office | {"ppt/presentation.xml": b"<x/>"})
    yield "a program", b"MZ" + bytes(200)
    yield "a zip file", packed({"a.txt": b"x"})


def _workbooks() -> Iterator[tuple[str, bytes]]:
    fonts = b"<font/>" * 1_000_000
    yield "a workbook of a million fonts", _grown("xl/styles.xml", b"</fonts>", fonts)
    sheets = b"".join(
        b'<sheet name="s%d" sheetId="%d" r:id="rId1"/>' % (number, number + 100) for number in range(5_000)
    )
    yield "a workbook of 5,000 sheets that are one", _grown("xl/workbook.xml", b"</sheets>", sheets)
    styles = b'<?xml version="1.0"?><styleSheet xmlns="x"><fonts>' + fonts + b"</fonts></styleSheet>"
    yield "styles that call themselves a sheet", reworked({"xl/worksheets/sheet99.xml": styles})
    yield "a workbook of 1,500,000 texts", _grown("xl/sharedStrings.xml", b"</sst>", b"<si><t/></si>" * 1_500_000)
    laughs = b'<!DOCTYPE sst [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'
    texts = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&b;&b;</t></si></sst>'
    yield "a workbook of a billion laughs", reworked({"xl/sharedStrings.xml": laughs + texts})
    yield "a workbook of 65 MiB", reworked({"xl/worksheets/sheet1.xml": bytes(65 * _MIB)})
    yield "half a workbook", reworked({})[:4000]


BOMBS: Final[dict[str, Callable[[], Iterator[tuple[str, bytes]]]]] = {
    "photo": _pictures, "document": _documents, "floor_plan": _drawings, "workbook": _workbooks,
}  # fmt: skip


def bombs_for(taker: str) -> Iterator[tuple[str, bytes]]:
    """What is to be refused there. Pictures are taken in three places."""
    yield from BOMBS[taker]()
    if taker in ("document", "floor_plan"):
        yield from _pictures()


def _memory_mib(name: str) -> float:
    """A line of this process's status: what it takes, or the most it took."""
    return (
        next(int(line.split()[1]) for line in _STATUS.read_text("ascii").splitlines() if line.startswith(name)) / 1024
    )


def main() -> None:
    """One line for each: where, what, what became of it, and how many MiB more it took for a moment."""
    for taker, (take, refused) in TAKERS.items():
        for what, data in bombs_for(taker):
            _CLEAR.write_text("5", "ascii")  # the most so far is now what it takes: making the file took more
            before_mib = _memory_mib("VmRSS")
            try:
                take(data)
            except refused as error:
                became = str(error).splitlines()[0][:60]
            else:
                became = "taken"
            sys.stdout.write(f"{taker}\t{what}\t{became}\t{_memory_mib('VmHWM') - before_mib:.0f}\n")


if __name__ == "__main__":
    main()
