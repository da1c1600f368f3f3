"""The bulletin (通报): by name, who lets a hazard become overdue, where the same hazard has come back, and where
closing has been proposed. It names institutions, never a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inspection import decide
from inspection.hazard import Hazard
from inspection.notice import clock, number
from inspection.policy import Policy
from inspection.report import Cell, Column, Document, Figure, Figures, Language, Period, ReportKind, Table, day
from inspection.report_ledger import Place
from inspection.report_words import either, word


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What is made public. `overdue` are beyond the time the policy allows, the longest first; `repeated` were found
    again in the period; of `proposed` closing was proposed and they are not closed yet."""

    overdue: tuple[Hazard, ...]
    repeated: tuple[Hazard, ...]
    proposed: tuple[Hazard, ...]


def bulletin(period: Period, hazards: Iterable[Hazard], at: datetime, policy: Policy) -> Bulletin:
    """The bulletin of `hazards` as they stood `at`."""
    known = list(hazards)
    overdue = [each for each in known if decide.on_bulletin(each, at, policy)]
    repeated = [each for each in known if each.occurrence > 1 and period.begins <= each.reported_at < period.ends]
    proposed = [each for each in known if each.open and each.proposal is not None]
    return Bulletin(
        tuple(sorted(overdue, key=lambda each: (each.deadline or at, each.no))),
        tuple(sorted(repeated, key=lambda each: each.no)),
        tuple(sorted(proposed, key=lambda each: each.no)),
    )


def lay_out(
    found: Bulletin, period: Period, places: Mapping[int, Place], at: datetime, language: Language,
    heads: tuple[str, ...],
) -> Document:  # fmt: skip
    """The bulletin as a document."""

    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    what = (
        Column(t("机构", "Institution"), 26),
        Column(t("编号", "Hazard"), 12),
        Column(t("隐患", "What"), 36),
        Column(t("等级", "Level"), 8),
    )

    def common(each: Hazard) -> tuple[Cell, ...]:
        place = places[each.institution_id].said(language)
        return (place, number(each.no), each.title, word("level", each.level, language))

    overdue = tuple(
        (*common(each), clock(each.deadline), (at - each.deadline).days, _colour(each, language))
        for each in found.overdue
        if each.deadline is not None
    )
    repeated = tuple(
        (*common(each), day(each.reported_at), each.occurrence, word("state", each.state, language))
        for each in found.repeated
    )
    proposed = tuple(
        (*common(each), word("proposal", each.proposal, language), each.failures, word("state", each.state, language))
        for each in found.proposed
        if each.proposal is not None
    )
    deadline, days, colour = (
        Column(t("整改期限", "Deadline"), 17),
        Column(t("逾期天数", "Days overdue"), 10),
        Column(t("督办", "Colour"), 8),
    )
    stands = Column(t("进展", "Stands"), 15)
    blocks = (
        Figures(
            t("总数", "In figures"),
            (
                Figure(t("逾期未整改", "overdue"), len(overdue)),
                Figure(t("涉及机构", "institutions concerned"), len({each.institution_id for each in found.overdue})),
                Figure(t("重复出现", "found again"), len(repeated)),
                Figure(t("建议关停并转", "closing proposed"), len(proposed)),
            ),
        ),
        Table(t("一、逾期未整改", "1. Overdue"), (*what, deadline, days, colour), overdue, t("没有。", "None.")),
        Table(
            t("二、重复出现", "2. Found again"),
            (*what, Column(t("发现日期", "Found"), 12), Column(t("第几次", "Occurrence"), 12), stands),
            repeated,
            t("没有。", "None."),
        ),
        Table(
            t("三、建议关停并转", "3. Closing proposed"),
            (*what, Column(t("建议", "Proposed"), 20), Column(t("复查未通过", "Failed rechecks"), 12), stands),
            proposed,
            t("没有。", "None."),
        ),
    )  # fmt: skip
    title = t(f"安全隐患整改情况通报（{period.said('zh')}）", f"Bulletin on hazards, {period.said('en')}")
    return Document(ReportKind.BULLETIN, language, title, heads, blocks, landscape=True)


def _colour(hazard: Hazard, language: Language) -> str:
    return word("supervisor", hazard.supervisor, language)
