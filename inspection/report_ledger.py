"""The monthly ledger (月调度表): every hazard that was on the list at some time in the period, as it stood at its end.

Its content is what a supervisor signs: whole numbers and text only, so that whoever has it works out the same SHA-256.
When the facts change afterwards the content differs from the one signed, and `changes` says in what.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from inspection import decide
from inspection.canonical import sha256
from inspection.hazard import Hazard, State
from inspection.notice import clock, number
from inspection.policy import Policy
from inspection.report import Block, Cell, Column, Document, Figure, Figures, Language, Period, ReportKind, Table, day
from inspection.report_words import either, word

FORM: Final = 1  # of the content; another one cannot be compared with this


@dataclass(frozen=True, slots=True)
class Place:
    """An institution's name in both languages; the English one may be empty."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """Its name in that language."""
        return self.en if language == "en" and self.en else self.zh


@dataclass(frozen=True, slots=True)
class Row:
    """One hazard. Days and moments are as people in China write them; `assignee` is who has to rectify it."""

    no: int
    institution: str
    institution_en: str
    title: str
    category: str
    level: str
    supervisor: str
    clause: str
    reported_on: str
    assignee: str | None
    deadline: str | None
    state: str
    overdue: bool
    on_bulletin: bool
    rectified_on: str | None
    rechecked_on: str | None
    closed_on: str | None
    failures: int
    occurrence: int
    extensions: int
    proposal: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The facts of a monthly ledger. `place` is whose: the beginning of a region code, or an institution's code."""

    first: str
    last: str
    place: str
    rows: tuple[Row, ...]

    def content(self) -> dict[str, Any]:
        """As it is signed."""
        return {"form": FORM, **asdict(self)}

    @property
    def sha256(self) -> str:
        """Of the content, in hex."""
        return sha256(self.content())

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Ledger":
        """The inverse of `content`. Raises ValueError for a form that this version does not know."""
        if content["form"] != FORM:
            raise ValueError(f"the form {content['form']} of a ledger is not known")
        rows = tuple(Row(**each) for each in content["rows"])
        return cls(content["first"], content["last"], content["place"], rows)


def ledger(
    period: Period, place: str, hazards: Iterable[Hazard], places: Mapping[int, Place], people: Mapping[int, str],
    at: datetime, policy: Policy,
) -> Ledger:  # fmt: skip
    """The ledger of `hazards` as they stood `at`, the end of the period or the moment it is asked for."""
    rows = [_row(each, places[each.institution_id], people, at, policy) for each in hazards]
    return Ledger(period.first.isoformat(), period.last.isoformat(), place, tuple(sorted(rows, key=lambda one: one.no)))


def _row(hazard: Hazard, place: Place, people: Mapping[int, str], at: datetime, policy: Policy) -> Row:
    return Row(
        no=hazard.no,
        institution=place.zh,
        institution_en=place.en,
        title=hazard.title,
        category=hazard.category.value,
        level=hazard.level.value,
        supervisor=hazard.supervisor.value,
        clause=hazard.clause,
        reported_on=day(hazard.reported_at) or "",
        assignee=people[hazard.assignee_id] if hazard.assignee_id is not None else None,
        deadline=clock(hazard.deadline) if hazard.deadline else None,
        state=hazard.state.value,
        overdue=hazard.overdue(at),
        on_bulletin=decide.on_bulletin(hazard, at, policy),
        rectified_on=day(hazard.rectified_at),
        rechecked_on=day(hazard.rechecked_at),
        closed_on=day(hazard.closed_at),
        failures=hazard.failures,
        occurrence=hazard.occurrence,
        extensions=hazard.extensions,
        proposal=hazard.proposal.value if hazard.proposal else None,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """How a hazard differs between two ledgers: `added`, `removed`, or the names of the columns that changed."""

    no: int
    what: str
    columns: tuple[str, ...] = ()


def changes(signed: Ledger, now: Ledger) -> list[Change]:
    """What happened to the ledger since it was signed, by the hazards' numbers; nothing exactly when the content is the
    same but for whose ledger it is."""
    before, after = ({each.no: each for each in one.rows} for one in (signed, now))
    found = [Change(no, "removed") for no in before.keys() - after.keys()]
    found += [Change(no, "added") for no in after.keys() - before.keys()]
    for no in before.keys() & after.keys():
        names = tuple(
            each.name for each in fields(Row) if getattr(before[no], each.name) != getattr(after[no], each.name)
        )
        if names:
            found.append(Change(no, "changed", names))
    return sorted(found, key=lambda one: one.no)


def lay_out(found: Ledger, period: Period, language: Language, heads: tuple[str, ...]) -> Document:
    """The ledger as a document in landscape."""

    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    columns = (
        Column(t("序号", "No"), 5),
        Column(t("编号", "Hazard"), 12),
        Column(t("机构", "Institution"), 24),
        Column(t("隐患", "What"), 34),
        Column(t("类别", "About"), 10 if language == "en" else 7),
        Column(t("等级", "Level"), 8 if language == "en" else 6),
        Column(t("督办", "Colour"), 8 if language == "en" else 6),
        Column(t("发现日期", "Found"), 11),
        Column(t("整改责任人", "Person"), 12),
        Column(t("整改期限", "Deadline"), 16),
        Column(t("进展", "Stands"), 15 if language == "en" else 9),
        Column(t("整改日期", "Rectified"), 11),
        Column(t("销号日期", "Closed"), 11),
        Column(t("备注", "Remarks"), 22),
    )
    rows = tuple(_cells(count, each, language) for count, each in enumerate(found.rows, start=1))
    blocks: tuple[Block, ...] = (
        Figures(t("总数", "In figures"), _figures(found, language)),
        Table(t("隐患台账", "The ledger"), columns, rows, t("本期没有隐患。", "There was no hazard.")),
    )
    title = t(f"安全隐患整改月调度表（{period.said('zh')}）", f"Ledger of hazards, {period.said('en')}")
    if not period.is_month:
        title = t(f"安全隐患整改调度表（{period.said('zh')}）", title)
    return Document(ReportKind.LEDGER, language, title, heads, blocks, landscape=True)


def _figures(found: Ledger, language: Language) -> tuple[Figure, ...]:
    rows = found.rows
    new = [each for each in rows if each.reported_on >= found.first]
    left = [each for each in rows if each.state != State.CLOSED]
    pairs = (
        ("上期结转", "carried over", [each for each in rows if each.reported_on < found.first]),
        ("本期新增", "new", new),
        ("新增重大隐患", "new and major", [each for each in new if each.level == "major"]),
        ("本期销号", "closed", [each for each in rows if each.state == State.CLOSED]),
        ("期末在册", "on the list at the end", left),
        ("期末逾期", "overdue at the end", [each for each in rows if each.overdue]),
        ("期末在册重大隐患", "major at the end", [each for each in left if each.level == "major"]),
    )
    return tuple(Figure(either(language, zh, en), len(those)) for zh, en, those in pairs)


def _cells(count: int, row: Row, language: Language) -> tuple[Cell, ...]:
    return (
        count,
        number(row.no),
        Place(row.institution, row.institution_en).said(language),
        row.title,
        word("category", row.category, language),
        word("level", row.level, language),
        word("supervisor", row.supervisor, language),
        row.reported_on,
        row.assignee,
        row.deadline,
        word("state", row.state, language),
        row.rectified_on,
        row.closed_on,
        _remarks(row, language),
    )


def _remarks(row: Row, language: Language) -> str:
    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    said = []
    if row.overdue:
        said.append(t("逾期", "overdue"))
    if row.on_bulletin:
        said.append(t("列入通报", "on the bulletin"))
    if row.occurrence > 1:
        said.append(t(f"第 {row.occurrence} 次出现", f"occurrence {row.occurrence}"))
    if row.failures:
        said.append(t(f"复查未通过 {row.failures} 次", f"failed {row.failures} rechecks"))
    if row.extensions:
        said.append(t(f"延期 {row.extensions} 次", f"extended {row.extensions} times"))
    if row.proposal:
        said.append(word("proposal", row.proposal, language))
    return t("；", "; ").join(said)
