"""The figures of a year as a bureau publishes them: visits by its people and what came of them, what institutions found
by themselves, the homes and their fire acceptance. Every figure is counted from records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inspection.hazard import Hazard, Origin
from inspection.protection import Share
from inspection.report import Block, Column, Document, Figure, Figures, Language, Period, ReportKind, Table
from inspection.report_campaign import Outcome, outcome, outcome_figures
from inspection.report_words import either, word
from inspection.visit import Kind


@dataclass(frozen=True, slots=True)
class VisitCount:
    """How many inspections of one kind began in the time, and in how many institutions."""

    kind: Kind
    own: bool
    visits: int
    institutions: int


@dataclass(frozen=True, slots=True)
class Homes:
    """The nursing homes there are, by what their files say of ownership. Fire gaps: of how many homes some were open at
    any moment of the time, and of how many some are at its end."""

    total: int
    public: int
    private: int
    fire_gaps: int
    fire_gaps_left: int


@dataclass(frozen=True, slots=True)
class Protections:
    """The nine protections of GB 38600 at the end of the time, beside the target."""

    share: Share
    target_percent: int


@dataclass(frozen=True, slots=True)
class Year:
    """The figures. `supervised` and `own` are what came of findings of visits from outside and of own checks."""

    visits: tuple[VisitCount, ...]
    institutions_visited: int
    supervised: Outcome
    own: Outcome
    own_major: Outcome
    sensors: Outcome
    reported: Outcome
    homes: Homes
    protections: Protections

    def visited(self, *, own: bool, kind: Kind | None = None) -> int:
        """How many inspections were made, from outside or by institutions themselves."""
        return sum(each.visits for each in self.visits if each.own is own and kind in (None, each.kind))


def year(
    visits: Iterable[VisitCount], institutions_visited: int, hazards: Iterable[Hazard],
    found_by_own: Mapping[object, bool], homes: Homes, protections: Protections, at: datetime,
) -> Year:  # fmt: skip
    """The figures of hazards reported in the time, as they stood `at`; `found_by_own` says of each that an inspection
    found whether it was the institution's own check."""
    known = list(hazards)
    supervised = [each for each in known if found_by_own.get(each.id) is False]
    own = [each for each in known if found_by_own.get(each.id) is True]
    return Year(
        visits=tuple(visits),
        institutions_visited=institutions_visited,
        supervised=outcome(supervised, at),
        own=outcome(own, at),
        own_major=outcome((each for each in own if each.level == "major"), at),
        sensors=outcome((each for each in known if each.origin is Origin.SENSOR), at),
        reported=outcome((each for each in known if each.origin is Origin.PERSON), at),
        homes=homes,
        protections=protections,
    )


def lay_out(found: Year, period: Period, language: Language, heads: tuple[str, ...]) -> Document:
    """The figures as a document."""

    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    self_checks = found.visited(own=True, kind=Kind.SELF_CHECK)
    blocks: tuple[Block, ...] = (
        Figures(
            t("一、督导检查", "1. Visits from outside"),
            (
                Figure(t("督查次数", "visits"), found.visited(own=False)),
                Figure(t("检查机构", "institutions visited"), found.institutions_visited),
                *outcome_figures(found.supervised, language),
            ),
        ),
        Figures(
            t("二、自查自纠", "2. Institutions' own checks"),
            (
                Figure(t("自查次数", "self-checks"), self_checks),
                Figure(t("其他自行检查（巡查、月检查）", "other own checks"), found.visited(own=True) - self_checks),
                Figure(t("发现问题隐患", "hazards found"), found.own.found),
                Figure(t("已完成整改", "rectified and closed"), found.own.closed),
                Figure(t("其中重大隐患", "of these major"), found.own_major.found),
                Figure(t("重大隐患已完成整改", "major ones rectified and closed"), found.own_major.closed),
            ),
        ),
        Figures(
            t("三、监测与报告", "3. By sensors and by people"),
            (
                Figure(t("监测发现隐患", "found by sensors"), found.sensors.found),
                Figure(t("其中已完成整改", "of these closed"), found.sensors.closed),
                Figure(t("人员报告隐患", "reported by people"), found.reported.found),
                Figure(t("其中已完成整改", "of these closed"), found.reported.closed),
            ),
        ),
        _homes(found.homes, language),
        _protections(found.protections, language),
        Table(
            t("检查种类", "Kinds of inspections"),
            (
                Column(t("种类", "Kind"), 30),
                Column(t("谁检查", "By whom"), 24),
                Column(t("次数", "Visits"), 10),
                Column(t("机构数", "Institutions"), 14),
            ),
            tuple(
                (
                    word("visit", each.kind, language),
                    t("机构自己", "the institution") if each.own else t("主管部门", "from outside"),
                    each.visits, each.institutions,
                )
                for each in found.visits
            ),
            t("没有检查。", "There was none."),
        ),
    )  # fmt: skip
    title = t(f"安全生产年度数据（{period.said('zh')}）", f"Safety in figures, {period.said('en')}")
    return Document(ReportKind.YEAR, language, title, heads, blocks, landscape=False)


def _homes(homes: Homes, language: Language) -> Figures:
    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    return Figures(
        t("四、养老机构消防审验", "4. Nursing homes and their fire acceptance"),
        (
            Figure(t("养老机构", "nursing homes"), homes.total),
            Figure(t("公办", "public"), homes.public),
            Figure(t("民办", "private"), homes.private),
            Figure(t("未填写公办或民办", "ownership not written"), homes.total - homes.public - homes.private),
            Figure(t("存在消防问题的机构", "homes with fire gaps"), homes.fire_gaps),
            Figure(t("已完成达标", "of these brought to none"), homes.fire_gaps - homes.fire_gaps_left),
            Figure(t("期末仍存在问题", "with gaps at the end"), homes.fire_gaps_left),
        ),
    )


def _protections(found: Protections, language: Language) -> Figures:
    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    return Figures(
        t("五、GB 38600 九项防护", "5. The nine protections of GB 38600"),
        (
            Figure(t("养老机构", "nursing homes"), found.share.total),
            Figure(t("达标", "conforming"), found.share.conforming),
            Figure(t("其中经外部检查核实", "of these seen from outside"), found.share.verified),
            Figure(t("不达标", "not conforming"), found.share.not_conforming),
            Figure(t("未评估完整", "not assessed in full"), found.share.incomplete),
            Figure(t("达标率（%）", "share that conforms (%)"), found.share.percent),
            Figure(t("目标（%）", "target (%)"), found.target_percent),
        ),
    )
