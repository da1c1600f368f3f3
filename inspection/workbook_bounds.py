"""How large an Excel workbook may become before anything of it is opened: told from its directory, and from how its
sheets begin.

zipfile unpacks no more of a part than the directory says. What is no sheet is read at once and into objects some twenty
times as large, and 100 kB can hold ten million of them, so it is bounded more narrowly than sheets, which are read line
by line. A part counts as a sheet by its place and its first element together: its name alone would let a list of styles
call itself one.
"""

import zipfile
from contextlib import suppress
from typing import Final
from xml.parsers import expat

UNPACKED_BYTES_MAX: Final = 64 * 1_048_576
TEXTS_BYTES_MAX: Final = 16 * 1_048_576  # what cells share
OTHER_BYTES_MAX: Final = 2 * 1_048_576
PARTS_COUNT_MAX: Final = 200
_BEGINNING_BYTES: Final = 65_536
_SHEETS: Final = "xl/worksheets/"
_TEXTS: Final = "xl/sharedstrings.xml"


def why_too_large(packed: zipfile.ZipFile) -> str | None:
    """In both languages, what of it is too large; None: nothing. Raises what zipfile raises for a damaged file."""
    parts = packed.infolist()
    if len(parts) > PARTS_COUNT_MAX:
        return f"解压后超过 {PARTS_COUNT_MAX} 个部分 / unpacked it has more parts than that"
    if sum(each.file_size for each in parts) > UNPACKED_BYTES_MAX:
        return f"解压后超过 {UNPACKED_BYTES_MAX // 1_048_576} MiB / unpacked it is larger than that"
    for each in parts:
        bytes_max = TEXTS_BYTES_MAX if each.filename.lower() == _TEXTS else OTHER_BYTES_MAX
        if each.file_size > bytes_max and not _is_sheet(packed, each):
            place = ascii(each.filename[:60])
            return f"{place} 解压后超过 {bytes_max // 1_048_576} MiB / unpacked it is larger than that"
    return None


def _is_sheet(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    if not part.filename.lower().startswith(_SHEETS):
        return False
    with packed.open(part) as opened:
        return _first_element(opened.read(_BEGINNING_BYTES)) == "worksheet"


def _first_element(beginning: bytes) -> str:
    """The name of the first element, without its namespace's prefix; "" where there is none.

    >>> _first_element(b'<?xml version="1.0"?><!-- <worksheet> --><x:styleSheet xmlns:x="u"><x:fonts')
    'styleSheet'
    """
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: names.append(name)
    with suppress(expat.ExpatError):  # whoever reads the part says what is wrong with it
        parser.Parse(beginning, False)  # noqa: FBT003 - expat takes it by position alone
    return names[0].rpartition(":")[2] if names else ""
