"""The notice of rectification (整改通知书): what one institution has to put right, by when, and by which clause — of
one hazard, or of everything an inspection found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inspection.hazard import Hazard
from inspection.notice import clock, number
from inspection.report import Block, Cell, Column, Document, Language, Prose, ReportKind, SignatureLines, Table, day
from inspection.report_words import either, word


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice is about. `visit_no` and `begun_at` of the inspection, where it is of one."""

    institution: str
    hazards: tuple[Hazard, ...]
    visit_no: int | None = None
    begun_at: datetime | None = None


def notice_number(found: Notice) -> str:
    """The number a notice goes by: the inspection's, or the hazard's."""
    if found.visit_no is not None:
        return f"ZG-JC{found.visit_no:06d}"
    return f"ZG-{number(found.hazards[0].no)}"


def lay_out(found: Notice, language: Language, made_at: datetime) -> Document:
    """The notice as a document, with lines for stamps and names. A hazard nobody has been given yet has no deadline,
    and the notice says so."""

    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    if found.begun_at is not None:
        begun = day(found.begun_at)
        occasion = t(f"{begun} 对你单位的安全检查发现", f"The inspection of {begun} found")
    else:
        occasion = t("经核查，你单位存在", "It was found that you have")
    count = len(found.hazards)
    asked = t(
        f"{occasion}下列安全隐患 {count} 项。请按期限逐项整改，整改后在系统中上传整改情况和照片，"
        "由检查方复查合格后销号。确有困难不能按期完成的，应在期限前说明理由并申请延期；未经批准逾期的，将列入通报。",
        f"{occasion} the following hazards: {count}. Rectify each by its deadline and enter the measures with photos; "
        "each is rechecked by us and then closed. If more time is needed, ask for it with reasons before the deadline; "
        "what is overdue without leave stands on the bulletin.",
    )
    major = sum(each.level == "major" for each in found.hazards)
    warned = t(
        f"其中重大事故隐患 {major} 项：整改期间应采取措施确保安全，必要时停止使用相关场所和设备。",
        f"Of these {major} are major: keep people safe until they are gone, if need be by closing what is unsafe.",
    )
    blocks: tuple[Block, ...] = (
        Prose((t(f"{found.institution}：", f"To {found.institution}"), asked, *([warned] if major else []))),
        _table(found.hazards, language),
        Prose((t("整改不到位或者拒不整改的，依法依规处理。", "Whoever does not rectify is dealt with by law."),)),
        SignatureLines(
            (
                t("检查（督办）人员", "For the bureau"),
                t("被通知单位负责人签收", "Received for the institution"),
                t("签收日期", "On"),
            )
        ),
    )
    heads = (
        t(f"编号：{notice_number(found)}", f"No {notice_number(found)}"),
        t(f"日期：{day(made_at)}", f"Date: {day(made_at)}"),
    )
    return Document(
        ReportKind.NOTICE, language, t("安全隐患整改通知书", "Notice of rectification"), heads, blocks, landscape=False
    )


def _table(hazards: Sequence[Hazard], language: Language) -> Table:
    def t(zh: str, en: str) -> str:
        return either(language, zh, en)

    columns = (
        Column(t("序号", "No"), 5),
        Column(t("编号", "Hazard"), 12),
        Column(t("隐患", "What"), 40),
        Column(t("依据", "Clause"), 22),
        Column(t("等级", "Level"), 8),
        Column(t("整改期限", "Deadline"), 17),
    )
    rows: list[tuple[Cell, ...]] = []
    for count, each in enumerate(hazards, start=1):
        what = f"{each.title}：{each.detail}" if each.detail and each.detail != each.title else each.title
        deadline = clock(each.deadline) if each.deadline else t("待交办", "not set yet")
        rows.append((count, number(each.no), what, each.clause, word("level", each.level, language), deadline))
    return Table(t("隐患清单", "The hazards"), columns, tuple(rows), t("没有隐患。", "There is none."))
