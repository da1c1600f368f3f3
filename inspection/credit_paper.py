"""The papers of a listing: the notice before it, the decision, the answer to an objection, prolongation, removal.

A paper says what its event says and nothing else, so the same event gives the same paper for ever. Both languages are
made; the Chinese one is the paper, the English one its translation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from inspection.credit_calendar import CHINA
from inspection.credit_criteria import ListKind
from inspection.credit_list import CreditEvent, Delivery, End, Entry, Verb


@dataclass(frozen=True, slots=True)
class Names:
    """What the paper calls things, in one language: the institution, the list, the criterion (empty where a person
    proposed by their own grounds), its clause, and who did this."""

    institution: str
    kind: str
    criterion: str
    clause: str
    person: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper in one language; `paragraphs` in order."""

    title: str
    number: str
    addressee: str
    paragraphs: tuple[str, ...]
    signer: str
    day: str


LISTS: Final[Mapping[ListKind, tuple[str, str]]] = {
    ListKind.RED: ("红名单", "Red list"),
    ListKind.WATCH: ("重点关注名单", "Watch list"),
    ListKind.BLACK: ("黑名单", "Black list"),
}
_SECOND: Final = timedelta(seconds=1)
_DELIVERIES: Final[Mapping[Delivery, tuple[str, str]]] = {
    Delivery.IN_PERSON: ("直接送达", "in person"),
    Delivery.POST: ("邮寄送达", "by post"),
    Delivery.ELECTRONIC: ("电子送达", "electronically"),
    Delivery.LEFT: ("留置送达", "by leaving it there"),
}


def number(no: int) -> str:
    """The number of an entry, as people say it.

    >>> number(12)
    'XY-000012'
    """
    return f"XY-{no:06d}"


def has_paper(verb: Verb) -> bool:
    """Whether there is a paper of such an event."""
    return verb in _PAPERS


def paper(entry: Entry, event: CreditEvent, seq: int, names: Names, *, zh: bool) -> Paper:
    """The paper of `event`, the number `seq` of the history. `entry` is as it stood right after that event. Raises
    KeyError for a verb without one."""
    title, paragraphs = _PAPERS[event.verb](entry, event, names, zh)
    return Paper(
        title=title,
        number=f"{number(entry.no or 0)}-{seq}",
        addressee=f"{names.institution}：" if zh else f"To {names.institution}",
        paragraphs=tuple(each for each in paragraphs if each),
        signer=names.person,
        day=day(event.at, zh=zh),
    )


def day(at: datetime | None, *, zh: bool) -> str:
    """A day as people in China read it.

    >>> day(datetime(2026, 3, 2, 17, tzinfo=CHINA), zh=True)
    '2026年3月2日'
    """
    if at is None:
        return "—"
    local = at.astimezone(CHINA)
    return f"{local.year}年{local.month}月{local.day}日" if zh else local.strftime("%Y-%m-%d")


def _until(at: datetime | None, *, zh: bool) -> str:
    """The last day of a window that ends at midnight."""
    return day(None if at is None else at.replace(microsecond=0) - _SECOND, zh=zh)


def _notice(entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    months, days, repair = entry.term_months, entry.appeal_days, entry.repair_after_months
    if zh:
        return f"拟列入{names.kind}告知书", [
            (f"{'根据安全生产信用评价的结果' if names.criterion else '经审查'}，拟将你单位列入{names.kind}，"
            f"期限 {months} 个月，自列入之日起计算。"),
            f"事由：{names.criterion or entry.reason}。" + (f"依据：{names.clause}。" if names.clause else ""),
            f"说明：{event.note}" if event.note else "",
            (f"你单位对上述内容有异议的，可自收到本告知书次日起 {days} 日内提出异议并附材料。逾期不提出的，视为无异议。"
            "异议由未参与本次列入的人员处理。"),
            "" if entry.kind is ListKind.RED else "在列期间再次出现应当列入的情形的，期限自该情形发生之日起重新计算。"
            + (f"列入满 {repair} 个月，完成整改的，可申请移出。" if repair else ""),
        ]  # fmt: skip
    return f"Notice of an intended entry on the {names.kind.lower()}", [
        (f"{'By the result of the safety credit rating it' if names.criterion else 'It'} is intended to put you on the"
        f" {names.kind.lower()} for {months} months from the day of the entry."),
        f"Grounds: {names.criterion or entry.reason}." + (f" Clause: {names.clause}." if names.clause else ""),
        f"Remark: {event.note}" if event.note else "",
        (f"You may object, with documents, within {days} days after the day you receive this notice. Somebody who has"
        " had no part in this entry decides on the objection."),
        "" if entry.kind is ListKind.RED else "A new breach while you are listed makes the term count anew."
        + (f" After {repair} months you may ask to be taken off when you have made good." if repair else ""),
    ]  # fmt: skip


def _decision(entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    delivered, how = day(entry.delivered_at, zh=zh), _DELIVERIES[entry.delivery or Delivery.POST][not zh]
    until, window = day(entry.until, zh=zh), _until(entry.appeal_until, zh=zh)
    if zh:
        heard = "你单位提出的异议经审查不成立。" if entry.judges else "你单位在期限内未提出异议。"
        return f"列入{names.kind}决定书", [
            f"拟列入告知书已于 {delivered} {how}。{heard}",
            f"现决定自 {day(entry.listed_at, zh=zh)} 起将你单位列入{names.kind}，至 {until} 止。",
            f"事由：{names.criterion or entry.reason}。" + (f"依据：{names.clause}。" if names.clause else ""),
            f"说明：{event.note}" if event.note else "",
            f"在列期间每年检查不少于 {entry.inspections_per_year:g} 次。" if entry.kind is not ListKind.RED else "",
            f"对本决定有异议的，可在 {window} 前（含当日）提出。期满自动移出。",
        ]
    heard = "Your objection was examined and rejected." if entry.judges else "You have not objected in time."
    return f"Decision on the entry on the {names.kind.lower()}", [
        f"The notice was delivered {how} on {delivered}. {heard}",
        f"From {day(entry.listed_at, zh=zh)} to {until} you are on the {names.kind.lower()}.",
        f"Grounds: {names.criterion or entry.reason}." + (f" Clause: {names.clause}." if names.clause else ""),
        f"Remark: {event.note}" if event.note else "",
        f"Meanwhile you are visited at least {entry.inspections_per_year:g} times a year."
        if entry.kind is not ListKind.RED else "",
        f"You may object until {window}, that day included. When the term ends you are taken off by itself.",
    ]  # fmt: skip


def _answer(entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    granted = event.verb is Verb.GRANT_APPEAL
    if zh:
        if not granted:
            said = "异议不成立，维持原决定。" if entry.standing else "异议不成立，可以列入。"
        elif entry.standing:
            said = f"异议成立，撤销期限的延长，期限至 {day(entry.until, zh=zh)} 止。"
        else:
            said = f"异议成立，{'移出' if entry.listed_at else '不列入'}{names.kind}。"
        return "异议处理决定书", [f"你单位对{names.kind}提出的异议已审查完毕。", said, f"理由：{event.note}"]
    if not granted:
        said = "The objection is rejected; the entry stands." if entry.standing else "The objection is rejected."
    elif entry.standing:
        said = f"The objection is granted: the term is not prolonged and ends on {day(entry.until, zh=zh)}."
    else:
        gone = "taken off" if entry.listed_at else "not put on"
        said = f"The objection is granted: you are {gone} the {names.kind.lower()}."
    return "Decision on an objection", [
        f"Your objection about the {names.kind.lower()} was examined.", said, f"Reasons: {event.note}"
    ]  # fmt: skip


def _prolongation(entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    breach_at = day(datetime.fromisoformat(event.body["breach_at"]), zh=zh)
    until, window = day(entry.until, zh=zh), _until(entry.appeal_until, zh=zh)
    if zh:
        return f"{names.kind}期限重新计算通知书", [
            f"你单位在列期间，于 {breach_at} 再次出现应当列入的情形：{names.criterion}。",
            f"期限自该日起重新计算，至 {until} 止。",
            f"对此有异议的，可在 {window} 前（含当日）提出。",
        ]
    return f"Notice that the term on the {names.kind.lower()} counts anew", [
        f"While you were listed there was a new breach on {breach_at}: {names.criterion}.",
        f"The term counts anew from that day and ends on {until}.",
        f"You may object until {window}, that day included.",
    ]


def _removal(entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    why = _ENDS[entry.end or End.TERM][not zh]
    if zh:
        return f"移出{names.kind}通知书", [
            f"自 {day(event.at, zh=zh)} 起将你单位移出{names.kind}。", f"原因：{why}。",
            f"说明：{event.note}" if event.note else "",
        ]  # fmt: skip
    return f"Notice of removal from the {names.kind.lower()}", [
        f"From {day(event.at, zh=zh)} you are no longer on the {names.kind.lower()}.", f"Reason: {why}.",
        f"Remark: {event.note}" if event.note else "",
    ]  # fmt: skip


def _refusal(_entry: Entry, event: CreditEvent, names: Names, zh: bool) -> tuple[str, list[str]]:
    if zh:
        return "不予移出决定书", [f"你单位移出{names.kind}的申请已审查，不予移出。", f"理由：{event.note}"]
    return "Decision not to remove", [
        f"Your request to be taken off the {names.kind.lower()} was examined and refused.", f"Reasons: {event.note}"
    ]  # fmt: skip


_ENDS: Final[Mapping[End, tuple[str, str]]] = {
    End.DECISION: ("决定不列入", "it was decided against the entry"),
    End.APPEAL: ("异议成立", "the objection was granted"),
    End.TERM: ("期限届满", "the term has ended"),
    End.REPAIR: ("信用修复", "you have made good"),
    End.REVOKED: ("不再符合条件", "the conditions are no longer met"),
}
_PAPERS: Final[Mapping[Verb, Callable[[Entry, CreditEvent, Names, bool], tuple[str, list[str]]]]] = {
    Verb.NOTIFY: _notice,
    Verb.LIST: _decision,
    Verb.GRANT_APPEAL: _answer,
    Verb.REJECT_APPEAL: _answer,
    Verb.PROLONG: _prolongation,
    Verb.REFUSE_REPAIR: _refusal,
    Verb.REMOVE: _removal,
    Verb.REVOKE: _removal,
}
