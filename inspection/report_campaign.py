"""The summary of a campaign (专项行动小结): which institutions were visited, what was found, rectified, and is still to
be rectified, in figures and institution by institution."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inspection.hazard import Hazard, State
from inspection.report import Cell, Column, Document, Figure, Figures, Language, Prose, ReportKind, Table
from inspection.report_ledger import Place
from inspection.report_words import either


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of hazards: each is in exactly one of closed, waiting, with_deadline, overdue and unassigned."""

    found: int
    major: int
    closed: int
    waiting: int
    with_deadline: int
    overdue: int
    unassigned: int


def outcome(hazards: Iterable[Hazard], at: datetime) -> Outcome:
    """What had come of `hazards`, as they stood `at`."""
    known = list(hazards)
    assigned = [each for each in known if each.state is State.ASSIGNED]
    overdue = sum(each.overdue(at) for each in assigned)
    return Outcome(
        found=len(known),
        major=sum(each.level == "major" for each in known),
        closed=sum(not each.open for each in known),
        waiting=sum(each.state in (State.RECTIFIED, State.RECHECKED) for each in known),
        with_deadline=len(assigned) - overdue,
        overdue=overdue,
        unassigned=sum(each.state is State.REPORTED for each in known),
    )


@dataclass(frozen=True, slots=True)
class Visited:
    """An institution with the visits it had, and what came of them."""

    place: Place
    visits: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Summary:
    """A campaign in figures. `visits` had begun; `concluded` of them were signed."""

    theme: str
    goal: str
    visits: int
    concluded: int
    institutions: tuple[Visited, ...]
    outcome: Outcome


def summary(
    theme: str, goal: str, visits: Mapping[int, tuple[int, int]], hazards: Iterable[Hazard],
    places: Mapping[int, Place], at: datetime,
) -> Summary:  # fmt: skip
    """`visits`: of each institution how many began and how many were concluded; `hazards` as they stood `at`."""
    known = list(hazards)
    found: dict[int, list[Hazard]] = {each: [] for each in visits}
    for one in known:
        found[one.institution_id].append(one)
    rows = [Visited(places[each], begun, outcome(found[each], at)) for each, (begun, _) in visits.items()]
    rows.sort(key=lambda row: (-row.outcome.overdue, -row.outcome.found, row.place.zh))
    begun, concluded = (sum(each[position] for each in visits.values()) for position in (0, 1))
    return Summary(theme, goal, begun, concluded, tuple(rows), outcome(known, at))


def outcome_figures(found: Outcome, language: Language) -> tuple[Figure, ...]:
    """What came of hazards, as figures."""
    pairs = (
        ("发现问题隐患", "hazards found", found.found),
        ("其中重大隐患", "of these major", found.major),
        ("已完成整改", "rectified and closed", found.closed),
        ("已整改待复查、待销号", "rectified, to recheck or close", found.waiting),
        ("限期整改", "with a deadline running", found.with_deadline),
        ("逾期未整改", "overdue", found.overdue),
        ("待交办", "to assign", found.unassigned),
    )
    return tuple(Figure(either(language, zh, en), value) for zh, en, value in pairs)


def lay_out(found: Summary, language: Language, heads: tuple[str, ...]) -> Document:
    """The summary as a document."""

    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    columns = (
        Column(t("序号", "No"), 5),
        Column(t("机构", "Institution"), 30),
        Column(t("检查次数", "Visits"), 10),
        Column(t("发现隐患", "Found"), 10),
        Column(t("其中重大", "Major"), 10),
        Column(t("已整改销号", "Closed"), 12),
        Column(t("待复查销号", "To recheck"), 12),
        Column(t("限期整改", "With deadline"), 14),
        Column(t("逾期", "Overdue"), 9),
        Column(t("待交办", "To assign"), 11),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            count, each.place.said(language), each.visits, each.outcome.found, each.outcome.major, each.outcome.closed,
            each.outcome.waiting, each.outcome.with_deadline, each.outcome.overdue, each.outcome.unassigned,
        )
        for count, each in enumerate(found.institutions, start=1)
    )  # fmt: skip
    figures = (
        Figure(t("检查机构", "institutions visited"), len(found.institutions)),
        Figure(t("检查次数", "visits"), found.visits),
        Figure(t("其中已签字结束", "of these concluded"), found.concluded),
        *outcome_figures(found.outcome, language),
    )
    blocks = (
        *((Prose((found.goal,)),) if found.goal else ()),
        Figures(t("总数", "In figures"), figures),
        Table(t("各机构情况", "By institution"), columns, rows, t("还没有检查。", "No visit has begun yet.")),
    )
    title = t(f"专项行动小结：{found.theme}", f"Summary of the campaign: {found.theme}")
    return Document(ReportKind.CAMPAIGN, language, title, heads, blocks, landscape=True)
