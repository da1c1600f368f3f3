"""A report: the time it is about, and what stands on it, before anybody has decided between paper and Excel.

A report is made in three steps: facts are gathered from the records (report_operate.py), a pure function lays them out
in one language (report_ledger.py and its neighbours), and the page or report_workbook.py draws what was laid out.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal

from inspection.errors import ReportRefused
from inspection.notice import CHINA

DAYS_MAX: Final = 1100  # three years
YEARS: Final = (2000, 2199)
Language = Literal["zh", "en"]
Cell = str | int | None


class ReportKind(StrEnum):
    """月调度表, 整改通知书, 通报, 专项行动小结, 年度数据."""

    LEDGER = "ledger"
    NOTICE = "notice"
    BULLETIN = "bulletin"
    CAMPAIGN = "campaign"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in China, `first` and `last` included. Raises ReportRefused for one that ends before it begins, is
    longer than DAYS_MAX days, or lies outside of YEARS."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.last - self.first < timedelta(days=DAYS_MAX):
            raise ReportRefused(f"a report is about 1 to {DAYS_MAX} days, the first before the last")
        if not YEARS[0] <= self.first.year <= self.last.year <= YEARS[1]:
            raise ReportRefused(f"a report is about a time between {YEARS[0]} and {YEARS[1]}")

    @property
    def begins(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), CHINA)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last, time(), CHINA) + timedelta(days=1)

    def as_of(self, now: datetime) -> datetime:
        """Which moment's state the report shows: that at its end, or `now` while the time is still running."""
        return min(now, self.ends)

    @property
    def is_month(self) -> bool:
        """Whether it is one calendar month."""
        following = self.last + timedelta(days=1)
        return self.first.day == 1 and following.day == 1 and (following - self.first).days <= 31

    def said(self, language: Language) -> str:
        """As a heading names it.

        >>> Period(date(2026, 11, 1), date(2026, 11, 30)).said("zh")
        '2026 年 11 月'
        >>> Period(date(2026, 1, 1), date(2026, 12, 31)).said("en")
        '2026'
        >>> Period(date(2026, 1, 1), date(2026, 1, 9)).said("zh")
        '2026-01-01 至 2026-01-09'
        """
        if self.is_month:
            return f"{self.first.year} 年 {self.first.month} 月" if language == "zh" else f"{self.first:%B %Y}"
        if (self.first, self.last) == (date(self.first.year, 1, 1), date(self.first.year, 12, 31)):
            return f"{self.first.year} 年" if language == "zh" else str(self.first.year)
        return f"{self.first} 至 {self.last}" if language == "zh" else f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `width` in letters as Excel counts them, a Chinese one being two."""

    title: str
    width: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `empty` is said where there is no row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it counts."""

    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers that belong together."""

    title: str
    items: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignatureLines:
    """Where people put their names and stamps by hand."""

    labels: tuple[str, ...]


Block = Table | Figures | Prose | SignatureLines


@dataclass(frozen=True, slots=True)
class Document:
    """What stands on a report; `heads` are the lines under the title, `landscape` how the paper lies."""

    kind: ReportKind
    language: Language
    title: str
    heads: tuple[str, ...]
    blocks: tuple[Block, ...]
    landscape: bool


def day(at: datetime | None) -> str | None:
    """The day of a moment, as people in China count it."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d") if at else None
