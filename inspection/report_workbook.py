"""A report as an Excel file: one sheet, columns as wide as what stands in them, set up to be printed on A4."""

import io
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from inspection.report import Document, Figures, Prose, ReportKind, SignatureLines, Table

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_A4: Final = 9  # as Excel numbers paper
_PLAIN_COLUMNS: Final = (30, 14, 30, 14)  # of a report without a table
_LINE_HEIGHT: Final = 16.0  # points
_NAMES: Final = {
    ReportKind.LEDGER: ("月调度表", "Ledger"),
    ReportKind.NOTICE: ("整改通知书", "Notice"),
    ReportKind.BULLETIN: ("通报", "Bulletin"),
    ReportKind.CAMPAIGN: ("专项行动小结", "Campaign"),
    ReportKind.YEAR: ("年度数据", "Year"),
}
_FONT: Final = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
_CELL: Final = {**_FONT, "border": 1, "text_wrap": True}
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "title": {**_FONT, "font_size": 16, "bold": True, "align": "center"},
    "head": {**_FONT, "font_color": "#555555"},
    "block": {**_FONT, "font_size": 12, "bold": True},
    "prose": {**_FONT, "font_size": 11, "text_wrap": True, "valign": "top"},
    "heading": {**_CELL, "bold": True, "align": "center", "bg_color": "#E8EEF0"},
    "text": _CELL,
    "number": {**_CELL, "align": "right", "num_format": "0"},
    "line": {**_FONT, "bottom": 1},
}


def workbook(document: Document) -> bytes:
    """The file. Texts are written as texts: what begins with = or looks like an address stays what it is."""
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(written, options)
    book.set_properties({"title": document.title, "comments": " · ".join(document.heads)})
    sheet = book.add_worksheet(_NAMES[document.kind][document.language == "en"])
    formats = {name: book.add_format(values) for name, values in _FORMATS.items()}
    _Sheet(sheet, formats, document).write()
    book.close()
    return written.getvalue()


class _Sheet:
    """A sheet that is filled from the top."""

    def __init__(self, sheet: Worksheet, formats: dict[str, Format], document: Document) -> None:
        self._sheet, self._formats, self._document = sheet, formats, document
        tables = [each for each in document.blocks if isinstance(each, Table)]
        self._widths = _widths(tables)
        self._last = len(self._widths) - 1
        self._row = 0
        self._only = tables[0] if len(tables) == 1 else None

    def write(self) -> None:
        """Everything, and how it is printed."""
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, width)
        self._across(self._document.title, "title", 28)
        for each in self._document.heads:
            self._across(each, "head", _LINE_HEIGHT)
        for block in self._document.blocks:
            match block:
                case Table():
                    self._table(block)
                case Figures():
                    self._figures(block)
                case Prose():
                    for paragraph in block.paragraphs:
                        self._across(paragraph, "prose", _LINE_HEIGHT * self._lines(paragraph))
                case SignatureLines():
                    self._signature_lines(block)
        self._set_up_paper()

    def _set_up_paper(self) -> None:
        self._sheet.set_paper(_A4)
        if self._document.landscape:
            self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        self._sheet.center_horizontally()
        self._sheet.set_footer("&C&P / &N")
        self._sheet.print_area(0, 0, max(0, self._row - 1), self._last)

    def _across(self, text: str, name: str, height: float) -> None:
        """`text` in one row over all columns."""
        self._sheet.merge_range(self._row, 0, self._row, self._last, text, self._formats[name])
        self._sheet.set_row(self._row, height)
        self._row += 1

    def _table(self, table: Table) -> None:
        self._across(table.title, "block", 24)
        for column, each in enumerate(table.columns):
            self._sheet.write_string(self._row, column, each.title, self._formats["heading"])
        if table is self._only:
            self._sheet.repeat_rows(self._row)
        self._row += 1
        if not table.rows:
            self._across(table.empty, "head", _LINE_HEIGHT)
        for row in table.rows:
            for column, value in enumerate(row):
                if isinstance(value, int):
                    self._sheet.write_number(self._row, column, value, self._formats["number"])
                else:
                    self._sheet.write_string(self._row, column, value or "", self._formats["text"])
            self._row += 1

    def _figures(self, block: Figures) -> None:
        """A line for each; label and value stand over as many columns as they need."""
        self._across(block.title, "block", 24)
        label_end = _reaching(self._widths, 0, 30)
        value_end = _reaching(self._widths, label_end + 1, 10)
        for each in block.items:
            self._span(0, label_end, each.label, "text")
            self._span(label_end + 1, value_end, each.value, "number")
            self._row += 1

    def _signature_lines(self, block: SignatureLines) -> None:
        self._row += 1
        end = _reaching(self._widths, 0, 30)
        for each in block.labels:
            self._span(0, end, f"{each}：" if self._document.language == "zh" else f"{each}:", "head")
            self._span(end + 1, self._last, "", "line")
            self._sheet.set_row(self._row, 30)
            self._row += 1

    def _span(self, first: int, last: int, value: str | int, name: str) -> None:
        if last > first:
            self._sheet.merge_range(self._row, first, self._row, last, value, self._formats[name])
        else:
            self._sheet.write(self._row, first, value, self._formats[name])

    def _lines(self, paragraph: str) -> int:
        return 1 + _letters(paragraph) // max(20, sum(self._widths))


def _widths(tables: list[Table]) -> list[int]:
    """Of each column the widest that a table asks for."""
    if not tables:
        return list(_PLAIN_COLUMNS)
    count = max(len(each.columns) for each in tables)
    return [max(each.columns[place].width for each in tables if place < len(each.columns)) for place in range(count)]


def _reaching(widths: list[int], first: int, wanted: int) -> int:
    """The column up to which those from `first` on are `wanted` letters wide; one is left for what follows."""
    reached, column = 0, first
    while (reached := reached + widths[column]) < wanted and column < len(widths) - 2:
        column += 1
    return column


def _letters(text: str) -> int:
    """How wide `text` is, as Excel counts: a Chinese letter is two.

    >>> _letters("隐患 2")
    6
    """
    return sum(2 if ord(each) > 0x2E80 else 1 for each in text)
