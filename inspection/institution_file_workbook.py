"""Institution files as an Excel workbook, one sheet a section: written to be filled in, and read back with every error
by sheet, row and column.

A workbook is foreign: it is bounded before it is opened and while it is read. Columns are known by their headings, in
either language; choices and yes or no by their words in either.
"""

import io
import threading
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from inspection import workbook_bounds
from inspection.errors import WorkbookRefused
from inspection.institution_file import CATALOGUE, Field, FieldKind, FireGap, InstitutionFile, Kept, Section, Value
from inspection.report import Language
from inspection.report_words import either

WORKBOOK_BYTES_MAX: Final = 5 * 1_048_576
SHEETS_COUNT_MAX: Final = 30  # there is one a section; the same part can stand behind any number of sheets
ROWS_COUNT_MAX: Final = 20_000  # of a sheet
FAULTS_COUNT_MAX: Final = 100  # told at once
_GAPS: Final = ("消防问题", "Fire gaps")  # for reading: gaps are opened and closed one by one
CODE: Final = "institution_code"
VERSION: Final = "file_version"
_NAME: Final = "institution_name"
_LEAD: Final = ((CODE, "机构编码", "code"), (_NAME, "机构名称", "institution"), (VERSION, "版本", "version"))
_LEAD_WIDTHS: Final = (14, 26, 8)
_GAP_HEADINGS: Final = (
    ("机构编码", "code"), ("机构名称", "institution"), ("问题", "gap"), ("发现日期", "found on"), ("期限", "due on"),
    ("登记人", "opened by"), ("结果", "outcome"), ("销号日期", "closed on"), ("销号人", "closed by"), ("说明", "note"),
)  # fmt: skip
_OUTCOMES: Final = {"rectified": ("已整改", "rectified"), "mistaken": ("登记有误", "entered by mistake")}
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    SyntaxError,
    RuntimeError,
)  # fmt: skip - what opening and reading a file that is no workbook, or a damaged one, raises

_one_at_a_time: Final = threading.Lock()  # a workbook of the largest size takes seconds and 100 MB


class Entry(NamedTuple):
    """One institution with its file."""

    code: str
    name: str
    file: InstitutionFile


@dataclass(frozen=True, slots=True)
class SheetFault:
    """An error in a workbook, where Excel shows it."""

    sheet: str
    row: int
    column: str
    why: str

    def __str__(self) -> str:
        return f"{self.sheet}，第 {self.row} 行 / row {self.row}，{self.column}：{self.why}"


@dataclass(frozen=True, slots=True)
class Filled:
    """What a sheet says of one institution: `rows` as read, `places` the rows of the sheet they stand in."""

    sheet: str
    section: Section
    code: str
    version: int
    rows: tuple[Mapping[str, Any], ...]
    places: tuple[int, ...]
    columns: Mapping[str, str]  # field → the heading as the sheet has it

    def fault(self, row: int, field: str, why: str) -> SheetFault:
        """An error in one of the rows, counted from 0."""
        place = self.places[min(row, len(self.places) - 1)]
        return SheetFault(self.sheet, place, self.columns.get(field, field or "—"), why)


def workbook(entries: Sequence[Entry], language: Language) -> bytes:
    """The files of these institutions; one without anything has a line to be filled in. Texts stay texts."""
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(written, options)
    heading = book.add_format({"bold": True, "bg_color": "#E8EEF0", "border": 1, "text_wrap": True})
    needed = book.add_format({"bold": True, "bg_color": "#FBE7C6", "border": 1, "text_wrap": True})
    day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    for section in CATALOGUE:
        sheet = book.add_worksheet(either(language, section.zh, section.en))
        _head(sheet, section, language, heading, needed)
        line = 1
        for each in entries:
            kept = each.file.sections.get(section.name, Kept())
            for row in kept.rows or ({},):
                sheet.write_string(line, 0, each.code)
                sheet.write_string(line, 1, each.name)
                sheet.write_number(line, 2, kept.version)
                for column, field in enumerate(section.fields, len(_LEAD)):
                    _write(sheet, line, column, field, row.get(field.name), language, day)
                line += 1
    _gaps(book.add_worksheet(_GAPS[language == "en"]), entries, language, heading)
    book.close()
    return written.getvalue()


def _head(sheet: Worksheet, section: Section, language: Language, heading: Format, needed: Format) -> None:
    for column, (_, zh, en) in enumerate(_LEAD):
        sheet.write_string(0, column, either(language, zh, en), heading)
        sheet.set_column(column, column, _LEAD_WIDTHS[column])
    for column, field in enumerate(section.fields, len(_LEAD)):
        sheet.write_string(0, column, either(language, field.zh, field.en), needed if field.required else heading)
        sheet.set_column(column, column, 30 if field.length_max > 100 else 20)
        words = [either(language, each.zh, each.en) for each in field.choices]
        if field.kind is FieldKind.YES:
            words = list(either(language, "是,否", "yes,no").split(","))
        if words:
            sheet.data_validation(1, column, ROWS_COUNT_MAX, column, {"validate": "list", "source": words})
    sheet.freeze_panes(1, 2)


def _write(
    sheet: Worksheet, line: int, column: int, field: Field, value: Value, language: Language, day: Format
) -> None:
    if value is None:
        return
    match field.kind:
        case FieldKind.DAY:
            sheet.write_datetime(line, column, datetime.fromisoformat(str(value)), day)
        case FieldKind.COUNT:
            sheet.write_number(line, column, int(value))
        case FieldKind.YES:
            sheet.write_string(line, column, either(language, "是", "yes") if value else either(language, "否", "no"))
        case FieldKind.CHOICE:
            word = next((each for each in field.choices if each.value == value), None)
            sheet.write_string(line, column, either(language, word.zh, word.en) if word else str(value))
        case FieldKind.TEXT:
            sheet.write_string(line, column, str(value))


def _gaps(sheet: Worksheet, entries: Iterable[Entry], language: Language, heading: Format) -> None:
    for column, (zh, en) in enumerate(_GAP_HEADINGS):
        sheet.write_string(0, column, either(language, zh, en), heading)
        sheet.set_column(column, column, 30 if column in (1, 2, 9) else 14)
    line = 1
    for each in entries:
        for gap in each.file.gaps:
            for column, text in enumerate((each.code, each.name, *_gap_texts(gap, language))):
                sheet.write_string(line, column, text)
            line += 1


def _gap_texts(gap: FireGap, language: Language) -> tuple[str, ...]:
    outcome = either(language, *_OUTCOMES[gap.outcome]) if gap.outcome else ""
    return (
        gap.title, gap.found_on.isoformat(), gap.due_on.isoformat() if gap.due_on else "", gap.opened_by, outcome,
        gap.closed_on.isoformat() if gap.closed_on else "", gap.closed_by or "", gap.note,
    )  # fmt: skip


def read(data: bytes) -> list[Filled]:
    """What a workbook says. A line with nothing beside the institution says nothing; the sheet of gaps is not read.
    Raises WorkbookRefused with every error by sheet, row and column, or where it is no workbook or too large."""
    faults: list[SheetFault] = []
    filled: list[Filled] = []
    for name, lines in _sheets(data).items():
        if name in _GAPS:
            continue
        section = next((each for each in CATALOGUE if name in (each.zh, each.en)), None)
        if section is None:
            faults.append(SheetFault(name, 1, "—", "没有这个部分 / there is no section of this name"))
        elif lines:
            filled += _Sheet(name, section, lines, faults).read()
    if not filled and not faults:
        raise WorkbookRefused(["没有内容 / there is nothing in it"])
    if faults:
        raise WorkbookRefused([str(each) for each in faults[:FAULTS_COUNT_MAX]])
    return filled


def _sheets(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """Every sheet's lines, from the first on. Raises WorkbookRefused."""
    if len(data) > WORKBOOK_BYTES_MAX:
        raise WorkbookRefused([f"超过 {WORKBOOK_BYTES_MAX // 1_048_576} MiB / it is larger than that"])
    with _one_at_a_time:
        return _opened(data)


def _opened(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    columns = len(_LEAD) + max(len(each.fields) for each in CATALOGUE) + 1
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if (why := workbook_bounds.why_too_large(packed)) is not None:
                raise WorkbookRefused([why])
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            if len(book.worksheets) > SHEETS_COUNT_MAX:
                raise WorkbookRefused([f"超过 {SHEETS_COUNT_MAX} 个工作表 / more sheets than that"])
            found: dict[str, list[tuple[Any, ...]]] = {}
            for sheet in book.worksheets:
                lines = list(sheet.iter_rows(max_col=columns, max_row=ROWS_COUNT_MAX + 2, values_only=True))
                found[sheet.title] = lines
                if len(lines) > ROWS_COUNT_MAX + 1:
                    raise WorkbookRefused([f"{sheet.title}：超过 {ROWS_COUNT_MAX} 行 / more rows than that"])
            return found
        finally:
            book.close()
    except _BROKEN as error:
        raise WorkbookRefused(
            ["不是 Excel 文件（.xlsx）或已损坏 / it is no Excel workbook, or it is damaged"]
        ) from error


class _Sheet:
    """One sheet that is being read."""

    def __init__(
        self, name: str, section: Section, lines: list[tuple[Any, ...]], faults: list[SheetFault]
    ) -> None:  # fmt: skip
        self._name, self._section, self._lines, self._faults = name, section, lines, faults
        self._headings: dict[str, str] = {}

    def read(self) -> list[Filled]:
        """What it says of each institution, in the order they come."""
        columns = self._columns()
        if columns is None:
            return []
        found: dict[str, tuple[int, list[Mapping[str, Any]], list[int]]] = {}
        for number, line in enumerate(self._lines[1:], 2):
            values = {field: line[column] if column < len(line) else None for field, column in columns.items()}
            code, version = _text(values.pop(CODE)), values.pop(VERSION, None)
            values.pop(_NAME, None)
            row = {name: _value(field, values.get(name)) for name, field in self._fields().items() if name in values}
            if all(each is None for each in row.values()):
                continue
            if not isinstance(code, str):
                self._fault(number, CODE, "未填写 / is missing")
                continue
            seen = _version(version)
            if seen is None:
                self._fault(number, VERSION, "不是版本号 / is no version")
                continue
            known = found.setdefault(code, (seen, [], []))
            if known[0] != seen:
                self._fault(number, VERSION, "与上一行不同 / differs from the line before")
            known[1].append(row)
            known[2].append(number)
        return [
            Filled(self._name, self._section, code, version, tuple(rows), tuple(places), self._headings)
            for code, (version, rows, places) in found.items()
        ]

    def _fields(self) -> dict[str, Field]:
        return {each.name: each for each in self._section.fields}

    def _columns(self) -> dict[str, int] | None:
        """Field → column, by the headings; None where one is unknown, there twice, or the institution's is missing."""
        names = {word: name for name, zh, en in _LEAD for word in (zh, en)}
        names |= {word: each.name for each in self._section.fields for word in (each.zh, each.en)}
        columns: dict[str, int] = {}
        before = len(self._faults)
        for column, heading in enumerate(self._lines[0]):
            if heading is None:
                continue
            word = str(heading).strip()
            name = names.get(word)
            if name is None or name in columns:
                self._faults.append(
                    SheetFault(
                        self._name, 1, word[:40], "没有这一列，或重复 / there is no such column, or it is there twice"
                    )
                )
                continue
            columns[name] = column
            self._headings[name] = word
        missing = [each.zh for each in self._section.fields if each.required and each.name not in columns]
        if CODE not in columns:
            missing.insert(0, _LEAD[0][1])
        self._faults += [SheetFault(self._name, 1, each, "缺少这一列 / this column is missing") for each in missing]
        return columns if len(self._faults) == before else None

    def _fault(self, row: int, field: str, why: str) -> None:
        self._faults.append(SheetFault(self._name, row, self._headings.get(field, field), why))


def _version(value: Any) -> int | None:
    """The version a line was exported at, 0 where it says none; None for what is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0
    number = _count(value)
    return number if isinstance(number, int) and 0 <= number < 2**31 else None


def _value(field: Field, value: Any) -> Any:
    """What a cell means for a field; what it cannot mean is left as it is, for the check to say so."""
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        return None
    match field.kind:
        case FieldKind.TEXT:
            return _text(value)
        case FieldKind.DAY:
            return value.date().isoformat() if isinstance(value, datetime) else value
        case FieldKind.COUNT:
            return _count(value)
        case FieldKind.YES:
            return {"是": True, "yes": True, "否": False, "no": False}.get(str(value).casefold(), value)
        case FieldKind.CHOICE:
            word = _text(value)
            return next((each.value for each in field.choices if word in (each.value, each.zh, each.en)), word)


def _text(value: Any) -> Any:
    """A number typed into a text's cell is the text of it: a phone, a licence's number."""
    number = _count(value)
    if isinstance(number, int) and not isinstance(number, bool):
        return value.strip() if isinstance(value, str) else str(number)
    return value.strip() if isinstance(value, str) else value


def _count(value: Any) -> Any:
    """A whole number, however Excel keeps it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() and len(value.strip()) <= 9:
        return int(value)
    return value
