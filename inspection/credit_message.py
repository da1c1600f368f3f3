"""Who is told about an entry on a credit list, and in which words: the institution's managers, those of the county who
handle it, those who may decide on an objection."""

from collections.abc import Iterable, Mapping
from typing import Final

from alerting.people import RIGHTS, Person, Right
from inspection.credit_list import CreditEvent, Entry, Verb
from inspection.credit_paper import LISTS, number
from inspection.notice import Notice, clock

_WORDS: Final[Mapping[Verb, tuple[str, str]]] = {
    Verb.PROPOSE: ("拟列入名单，请审查", "An entry on a credit list is proposed: please decide"),
    Verb.NOTIFY: ("拟列入名单告知书", "Notice of an intended entry on a credit list"),
    Verb.APPEAL: ("名单异议，请处理", "An objection to a credit list: please decide"),
    Verb.GRANT_APPEAL: ("名单异议成立", "An objection to a credit list was granted"),
    Verb.REJECT_APPEAL: ("名单异议不成立", "An objection to a credit list was rejected"),
    Verb.LIST: ("已列入名单", "Entered on a credit list"),
    Verb.PROLONG: ("名单期限重新计算", "The term on a credit list counts anew"),
    Verb.ASK_REPAIR: ("申请移出名单，请处理", "Removal from a credit list is asked for: please decide"),
    Verb.REFUSE_REPAIR: ("不予移出名单", "Removal from a credit list was refused"),
    Verb.REMOVE: ("已移出名单", "Removed from a credit list"),
    Verb.REVOKE: ("已移出名单", "Removed from a credit list"),
}
# Of those outside the nearest who hold this right; who is inside has APPEAL_CREDIT_LIST.
_OUTSIDE: Final[Mapping[Verb, Right]] = {
    Verb.PROPOSE: Right.MANAGE_CREDIT_LIST,
    Verb.APPEAL: Right.DECIDE_CREDIT_APPEAL,
    Verb.ASK_REPAIR: Right.MANAGE_CREDIT_LIST,
}


def readers(entry: Entry, event: CreditEvent, people: Iterable[Person], region: str) -> list[Person]:
    """Who is told of `event`; never who did it. Nobody of the institution hears of a proposal, and who has had a part
    in the listing is not asked to decide on the objection."""
    if event.verb not in _WORDS:
        return []
    reached = [
        each
        for each in people
        if each.active and each.id != event.by.person_id and each.scope.covers(entry.institution_id, region)
    ]
    right = _OUTSIDE.get(event.verb)
    if right is None:
        return [
            each
            for each in reached
            if each.scope.institution_id is not None and Right.APPEAL_CREDIT_LIST in RIGHTS[each.role]
        ]
    judging = event.verb is Verb.APPEAL
    outside = [
        each
        for each in reached
        if each.scope.institution_id is None
        and right in RIGHTS[each.role]
        and not (judging and each.id in entry.handlers)
    ]
    nearest = max((len(each.scope.region) for each in outside), default=0)
    return [each for each in outside if len(each.scope.region) == nearest]


def message(entry: Entry, event: CreditEvent, person: Person, institution: str) -> Notice:
    """The message for one of the readers. `institution` is its name in the reader's language."""
    zh = person.language == "zh"
    words, kind = _WORDS[event.verb][not zh], LISTS[entry.kind][not zh]
    lines = [kind if entry.no is None else f"{number(entry.no)} {kind}"]
    if entry.until is not None and entry.standing:
        lines.append(("期限至：" if zh else "Until: ") + clock(entry.until))
    if event.verb in (Verb.LIST, Verb.PROLONG) and entry.appeal_until is not None:
        lines.append(("异议期限：" if zh else "You may object until: ") + clock(entry.appeal_until))
    if event.note:
        lines.append(("说明：" if zh else "Note: ") + event.note[:200])
    title = f"【{words}】{institution}" if zh else f"[{words}] {institution}"
    return Notice(person, title, "\n".join(lines))
