"""An inspection (检查) is the fold of its events, as a hazard is.

planned → begun → concluded, or cancelled before it began. From the beginning on it has the items of its checklists as
they were that day; each is passed, failed or not applicable. A failed item is a finding, as is what was seen besides
the lists, and has opened a hazard. The leader signs the conclusion, over the SHA-256 of everything found. An
institution's own people make its own checks; every other visit is made by nobody of the institution.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from alerting.people import Right
from inspection.canonical import sha256
from inspection.checklist import Level
from inspection.errors import StepRefused, WrongPerson
from inspection.hazard import By

TEAM_COUNT_MAX: Final = 20
LISTS_COUNT_MAX: Final = 10


class State(StrEnum):
    """Where an inspection stands."""

    PLANNED = "planned"
    BEGUN = "begun"
    CONCLUDED = "concluded"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What can happen to an inspection."""

    PLAN = "plan"
    BEGIN = "begin"
    ANSWER = "answer"
    FIND = "find"
    CONCLUDE = "conclude"
    CANCEL = "cancel"
    COMMENT = "comment"


class Kind(StrEnum):
    """日巡查, 月检查, 自查, 四不两直, 双随机, 联合检查, 专家检查, 专项行动."""

    DAILY_PATROL = "daily_patrol"
    MONTHLY_CHECK = "monthly_check"
    SELF_CHECK = "self_check"
    SURPRISE = "surprise"
    RANDOM = "random"
    JOINT = "joint"
    EXPERT = "expert"
    CAMPAIGN = "campaign"


OWN_KINDS: Final = frozenset({Kind.DAILY_PATROL, Kind.MONTHLY_CHECK, Kind.SELF_CHECK})
UNANNOUNCED_KINDS: Final = frozenset({Kind.SURPRISE, Kind.RANDOM})


class Duty(StrEnum):
    """What somebody is on a team: 领导, 专家, 监管干部; `member` in an institution's own check."""

    LEADER = "leader"
    EXPERT = "expert"
    OFFICER = "officer"
    MEMBER = "member"


class Outcome(StrEnum):
    """What was found of an item."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


class Member(NamedTuple):
    """Somebody on a team."""

    person_id: int
    duty: Duty


class ItemKey(NamedTuple):
    """An item of a checklist."""

    checklist_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody found of an item; `seq` is the number of its event."""

    outcome: Outcome
    note: str
    at: datetime
    person_id: int
    seq: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A failed item, or something seen besides the lists (`key` None). `seq` is the number of its event."""

    seq: int
    hazard_id: uuid.UUID
    key: ItemKey | None
    level: Level
    clause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VisitEvent:
    """One entry of an inspection's history; `body` holds what the verb needs, as JSON."""

    event_id: uuid.UUID
    visit_id: uuid.UUID
    verb: Verb
    at: datetime
    by: By
    note: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an event's time needs a time zone")


@dataclass(frozen=True, slots=True)
class Visit:
    """Where an inspection stands after its events. `no` is given when it begins: a gap in the numbers would tell of a
    visit that is planned. In a list `items` and `findings` are not read and stay empty."""

    id: uuid.UUID
    institution_id: int
    kind: Kind
    own: bool
    unannounced: bool
    planned_for: date
    purpose: str
    checklists: tuple[str, ...]
    team: tuple[Member, ...]
    state: State
    version: int
    planned_at: datetime
    planned_by: str
    no: int | None = None
    campaign_id: uuid.UUID | None = None
    draw_id: uuid.UUID | None = None
    begun_at: datetime | None = None
    begun_by: str | None = None
    concluded_at: datetime | None = None
    concluded_by: str | None = None
    conclusion: str | None = None
    record_sha256: str | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    items: Mapping[ItemKey, Answer | None] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def leader_id(self) -> int:
        """Who leads the team."""
        return next(each.person_id for each in self.team if each.duty is Duty.LEADER)

    @property
    def hidden(self) -> bool:
        """Whether nobody of the institution may know of it."""
        return self.unannounced and self.begun_at is None

    def on_team(self, person_id: int | None) -> bool:
        """Whether that person is on the team."""
        return any(each.person_id == person_id for each in self.team)


def fold(visit: Visit | None, event: VisitEvent) -> Visit:
    """`visit` after `event`. Raises StepRefused, WrongPerson where there is no such step."""
    if event.by.person_id is None:
        raise WrongPerson("a person has to do this")
    if visit is None:
        if event.verb is not Verb.PLAN:
            raise StepRefused(f"an inspection begins with its plan, not with {event.verb}")
        return _plan(event)
    step = _STEPS.get((visit.state, event.verb))
    if step is None:
        raise StepRefused(f"an inspection that is {visit.state} does not allow {event.verb}")
    return replace(step(visit, event), version=visit.version + 1)


def visible(visit: Visit, by: By) -> bool:
    """Whether `by`, within whose reach the institution lies, may know of the visit."""
    return by.outside or not visit.hidden


def record(visit: Visit) -> str:
    """The SHA-256 (hex) of everything that was found: what the leader's signature is about."""
    return sha256(
        {
            "inspection": str(visit.id),
            "institution": visit.institution_id,
            "team": sorted([each.person_id, each.duty.value] for each in visit.team),
            "items": [
                [*key, answer.outcome.value, answer.note, answer.person_id, answer.at.isoformat()]
                for key, answer in sorted(visit.items.items())
                if answer is not None
            ],
            "findings": [
                [each.seq, str(each.hazard_id), each.level.value, each.clause, *(each.key or ("", ""))]
                for each in visit.findings
            ],
        }
    )


def counts(visit: Visit) -> dict[str, int]:
    """How many items have which outcome, and `open` ones that nobody has looked at."""
    found = [answer.outcome.value if answer else "open" for answer in visit.items.values()]
    return {each: found.count(each) for each in (*Outcome, "open")}


def allowed(visit: Visit, by: By, rights: frozenset[Right]) -> frozenset[Verb]:
    """What somebody with these `rights` may do now, as the state machine will judge it."""
    found = {verb for verb in Verb if (visit.state, verb) in _STEPS and RIGHT_OF[verb] in rights}
    if not visit.on_team(by.person_id):
        found -= {Verb.BEGIN, Verb.ANSWER, Verb.FIND}
    if by.person_id != visit.leader_id:
        found.discard(Verb.CONCLUDE)
    if visit.own is by.outside:
        found.discard(Verb.CANCEL)
    return frozenset(found) if visible(visit, by) else frozenset()


RIGHT_OF: Final[Mapping[Verb, Right]] = {
    Verb.PLAN: Right.PLAN_INSPECTION,
    Verb.CANCEL: Right.PLAN_INSPECTION,
    Verb.BEGIN: Right.INSPECT,
    Verb.ANSWER: Right.INSPECT,
    Verb.FIND: Right.INSPECT,
    Verb.CONCLUDE: Right.INSPECT,
    Verb.COMMENT: Right.COMMENT,
}


def _plan(event: VisitEvent) -> Visit:
    body = event.body
    visit = Visit(
        id=event.visit_id,
        institution_id=body["institution_id"],
        kind=Kind(body["kind"]),
        own=body["own"],
        unannounced=body["unannounced"],
        planned_for=date.fromisoformat(body["planned_for"]),
        purpose=event.note,
        checklists=tuple(body["checklists"]),
        team=tuple(Member(person_id, Duty(duty)) for person_id, duty in body["team"]),
        state=State.PLANNED,
        version=1,
        planned_at=event.at,
        planned_by=event.by.actor,
        campaign_id=uuid.UUID(body["campaign_id"]) if body.get("campaign_id") else None,
        draw_id=uuid.UUID(body["draw_id"]) if body.get("draw_id") else None,
    )
    _demand_sense(visit, event.by)
    return visit


def _demand_sense(visit: Visit, by: By) -> None:
    if visit.own is by.outside:
        raise WrongPerson("an institution's own check is planned by its own people, every other visit from outside")
    if visit.own and visit.kind not in OWN_KINDS:
        raise StepRefused("an institution checks itself by daily patrols, monthly checks and self-checks")
    if visit.kind is Kind.SELF_CHECK and not visit.own:
        raise StepRefused("a self-check is made by the institution's own people")
    if visit.kind in UNANNOUNCED_KINDS and not visit.unannounced:
        raise StepRefused("this kind of visit is never announced")
    if visit.own and visit.unannounced:
        raise StepRefused("an own check cannot be kept from one's own people")
    if (visit.kind is Kind.RANDOM) != (visit.draw_id is not None):
        raise StepRefused("a random visit comes from a draw, and nothing else does")
    if visit.kind is Kind.CAMPAIGN and visit.campaign_id is None:
        raise StepRefused("name the campaign")
    people = [each.person_id for each in visit.team]
    if len(set(people)) != len(people) or not 1 <= len(people) <= TEAM_COUNT_MAX:
        raise StepRefused(f"a team is between 1 and {TEAM_COUNT_MAX} different people")
    if sum(each.duty is Duty.LEADER for each in visit.team) != 1:
        raise StepRefused("a team has one leader")
    if len(set(visit.checklists)) != len(visit.checklists) or len(visit.checklists) > LISTS_COUNT_MAX:
        raise StepRefused(f"at most {LISTS_COUNT_MAX} different checklists")


def _begin(visit: Visit, event: VisitEvent) -> Visit:
    _demand_team(visit, event)
    items = [ItemKey(*each) for each in event.body["items"]]
    if not {each.checklist_id for each in items} <= set(visit.checklists):
        raise StepRefused("these items are not of its checklists")
    return replace(
        visit,
        state=State.BEGUN,
        begun_at=event.at,
        begun_by=event.by.actor,
        items=dict.fromkeys(items),
    )


def _answer(visit: Visit, event: VisitEvent) -> Visit:
    _demand_team(visit, event)
    key, outcome = ItemKey(event.body["checklist_id"], event.body["item_id"]), Outcome(event.body["outcome"])
    if key not in visit.items:
        raise StepRefused("this inspection has no such item")
    before = visit.items[key]
    if before is not None and before.outcome is Outcome.FAIL:
        raise StepRefused("a failed item has opened a hazard and stays failed")
    if outcome is not Outcome.PASS and not event.note.strip():
        raise StepRefused("say what was found, or why it does not apply")
    answer = Answer(outcome, event.note, event.at, _person(event), visit.version + 1)
    changed = replace(visit, items={**visit.items, key: answer})
    return _found(changed, event, key) if outcome is Outcome.FAIL else changed


def _find(visit: Visit, event: VisitEvent) -> Visit:
    _demand_team(visit, event)
    return _found(visit, event, None)


def _found(visit: Visit, event: VisitEvent, key: ItemKey | None) -> Visit:
    body = event.body
    finding = Finding(
        visit.version + 1, uuid.UUID(body["hazard_id"]), key, Level(body["level"]), body["clause"], event.at
    )
    return replace(visit, findings=(*visit.findings, finding))


def _conclude(visit: Visit, event: VisitEvent) -> Visit:
    if event.by.person_id != visit.leader_id:
        raise WrongPerson("the leader of the team signs the conclusion")
    open_count = counts(visit)["open"]
    if open_count:
        raise StepRefused(f"{open_count} items have not been looked at")
    if not event.note.strip():
        raise StepRefused("a conclusion says something")
    if event.body["record_sha256"] != record(visit):
        raise StepRefused("something was found meanwhile: look again before signing")
    return replace(
        visit,
        state=State.CONCLUDED,
        concluded_at=event.at,
        concluded_by=event.by.actor,
        conclusion=event.note,
        record_sha256=event.body["record_sha256"],
    )


def _cancel(visit: Visit, event: VisitEvent) -> Visit:
    if visit.own is event.by.outside:
        raise WrongPerson("a visit from outside is cancelled from outside, an own one by the institution")
    if not event.note.strip():
        raise StepRefused("say why")
    return replace(visit, state=State.CANCELLED, cancelled_at=event.at, cancelled_by=event.by.actor)


def _comment(visit: Visit, event: VisitEvent) -> Visit:
    if not visible(visit, event.by):
        raise WrongPerson("nobody of the institution knows of this visit")
    if not event.note.strip():
        raise StepRefused("a comment says something")
    return visit


def _demand_team(visit: Visit, event: VisitEvent) -> None:
    if not visit.on_team(event.by.person_id):
        raise WrongPerson("only the team of this inspection does this")


def _person(event: VisitEvent) -> int:
    if event.by.person_id is None:
        raise WrongPerson("a person has to do this")
    return event.by.person_id


_STEPS: Final = {
    (State.PLANNED, Verb.BEGIN): _begin,
    (State.PLANNED, Verb.CANCEL): _cancel,
    (State.BEGUN, Verb.ANSWER): _answer,
    (State.BEGUN, Verb.FIND): _find,
    (State.BEGUN, Verb.CONCLUDE): _conclude,
    **{(state, Verb.COMMENT): _comment for state in State},
}
