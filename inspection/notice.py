"""What people are told about hazards, and who: the person it was given to, those who have to look at it, and, step by
step, those above."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from alerting.people import RIGHTS, Person, Right, Role
from inspection.checklist import Level
from inspection.hazard import Hazard, HazardEvent, State, Verb

CHINA: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person, in their language."""

    person: Person
    title: str
    body: str


_WORDS: Final[Mapping[Verb, tuple[str, str]]] = {
    Verb.REPORT: ("新隐患待交办", "New hazard to assign"),
    Verb.ASSIGN: ("隐患交办给您", "A hazard was assigned to you"),
    Verb.RECTIFY: ("隐患已整改，请复查", "A hazard was rectified: please recheck"),
    Verb.RECHECK: ("隐患复查未通过，请继续整改", "A hazard failed its recheck: please go on"),
    Verb.ASK_EXTENSION: ("隐患申请延期，请审批", "More time is asked for: please decide"),
    Verb.EXTEND: ("隐患延期已批准", "More time was granted"),
    Verb.REFUSE_EXTENSION: ("隐患延期未批准", "More time was refused"),
    Verb.PROPOSE: (
        "隐患拒不整改，已提出关停并转建议",
        "A hazard is not rectified: closing the institution was proposed",
    ),
    Verb.REMIND: ("隐患整改即将到期", "A hazard is due soon"),
    Verb.ESCALATE: ("隐患整改逾期", "A hazard is overdue"),
    Verb.WITHDRAW: ("隐患已撤回", "A hazard report was withdrawn"),
}
_UNASSIGNED: Final = ("隐患逾期未交办", "A hazard has not been assigned in time")
# Who is told beside the person it was given to: everybody with this right over the institution.
_TOLD: Final[Mapping[Verb, Right]] = {
    Verb.REPORT: Right.ASSIGN_HAZARD,
    Verb.WITHDRAW: Right.ASSIGN_HAZARD,
    Verb.RECTIFY: Right.RECHECK_HAZARD,
    Verb.ASK_EXTENSION: Right.CLOSE_HAZARD,
    Verb.PROPOSE: Right.CLOSE_HAZARD,
}
_TO_ASSIGNEE: Final = frozenset(
    {Verb.ASSIGN, Verb.WITHDRAW, Verb.RECHECK, Verb.EXTEND, Verb.REFUSE_EXTENSION, Verb.REMIND, Verb.ESCALATE}
)


def number(no: int) -> str:
    """The number `no` of the ledger, as people say it.

    >>> number(123)
    'YH-000123'
    """
    return f"YH-{no:06d}"


def readers(hazard: Hazard, event: HazardEvent, people: Iterable[Person], region: str) -> list[Person]:
    """Who is told of `event`; never who did it. What passes and what is said between people is seen on the page."""
    if event.verb not in _WORDS or event.passed:
        return []
    roles = {Role(each) for each in event.body["to"]} if event.verb is Verb.ESCALATE else set()
    right = _TOLD.get(event.verb)
    reached = [
        each
        for each in people
        if each.active and each.id != event.by.person_id and each.scope.covers(hazard.institution_id, region)
    ]
    concerned = _concerned([each for each in reached if right in RIGHTS[each.role]], right, hazard)
    return [
        each
        for each in reached
        if (event.verb in _TO_ASSIGNEE and each.id == hazard.assignee_id) or each.role in roles or each.id in concerned
    ]


def _concerned(people: list[Person], right: Right | None, hazard: Hazard) -> set[int]:
    """Those of `people` who have to know: the institution's own, and of those outside only the nearest, a county before
    its province. Who is inside has no part in rechecking and deciding on a major hazard."""
    inside = [each for each in people if each.scope.institution_id is not None]
    outside = [each for each in people if each.scope.institution_id is None]
    nearest = max((len(each.scope.region) for each in outside), default=0)
    told = [each for each in outside if len(each.scope.region) == nearest]
    if hazard.level is not Level.MAJOR or right is Right.ASSIGN_HAZARD:
        told += inside
    return {each.id for each in told}


def notice(hazard: Hazard, event: HazardEvent, person: Person, institution: str, note: str) -> Notice:
    """The message for one of the readers. `institution` is its name in the reader's language."""
    zh = person.language == "zh"
    unassigned = event.verb is Verb.ESCALATE and hazard.state is State.REPORTED
    words = (_UNASSIGNED if unassigned else _WORDS[event.verb])[not zh]
    lines = [f"{number(hazard.no)} {hazard.title}"]
    if hazard.deadline is not None:
        lines.append(("整改期限：" if zh else "Deadline: ") + clock(hazard.deadline))
    if note:
        lines.append(("说明：" if zh else "Note: ") + note[:200])
    title = f"【{words}】{institution}" if zh else f"[{words}] {institution}"
    return Notice(person, title, "\n".join(lines))


def clock(at: datetime) -> str:
    """A moment as people in China read it."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
