"""What the policy makes of a hazard: the deadline of a term, what is due now, who stands in the bulletin, what repeats.

Every decision names its reason.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from alerting.people import Right
from inspection.checklist import Level
from inspection.errors import StepRefused, WrongPerson
from inspection.hazard import ENGINE, By, Category, Hazard, HazardEvent, Origin, Proposal, State, Supervisor, Verb
from inspection.hazard_steps import permitted
from inspection.policy import Escalation, Policy

RIGHT_OF: Final[Mapping[Verb, Right]] = {
    Verb.REPORT: Right.REPORT_HAZARD,
    Verb.ASSIGN: Right.ASSIGN_HAZARD,
    Verb.RECTIFY: Right.RECTIFY_HAZARD,
    Verb.ASK_EXTENSION: Right.RECTIFY_HAZARD,
    Verb.RECHECK: Right.RECHECK_HAZARD,
    Verb.CLOSE: Right.CLOSE_HAZARD,
    Verb.EXTEND: Right.CLOSE_HAZARD,
    Verb.REFUSE_EXTENSION: Right.CLOSE_HAZARD,
    Verb.PROPOSE: Right.CLOSE_HAZARD,
    Verb.COMMENT: Right.COMMENT,
    Verb.WITHDRAW: Right.REPORT_HAZARD,  # of one's own report; of others' it takes SUPERVISE
}
SUPERVISE: Final = Right.CLOSE_HAZARD  # whoever has it, and comes from outside, withdraws what others reported


class Standing(StrEnum):
    """How a hazard stands towards its deadline, and why."""

    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    UNASSIGNED = "unassigned"  # nobody has been given it yet
    ASSIGN_LATE = "assign_late"  # nor within the policy's time for that
    IN_TIME = "in_time"
    DUE_SOON = "due_soon"  # the reminder's time has come
    OVERDUE = "overdue"
    WAITING = "waiting"  # rectified, and waits for others to recheck or close it


def standing(hazard: Hazard, now: datetime, policy: Policy) -> Standing:
    """How `hazard` stands at `now`."""
    if not hazard.open:
        return Standing.WITHDRAWN if hazard.state is State.WITHDRAWN else Standing.CLOSED
    if hazard.state is State.REPORTED:
        return Standing.ASSIGN_LATE if now > assign_by(hazard, policy) else Standing.UNASSIGNED
    if hazard.state is not State.ASSIGNED:
        return Standing.WAITING
    if hazard.overdue(now):
        return Standing.OVERDUE
    return Standing.DUE_SOON if now >= remind_at(hazard, policy) else Standing.IN_TIME


def assign_by(hazard: Hazard, policy: Policy) -> datetime:
    """Until when a reported hazard has to be given to somebody."""
    return hazard.reported_at + policy.assign_within[hazard.level]


def remind_at(hazard: Hazard, policy: Policy) -> datetime:
    """When the reminder goes out: a day before the deadline, or at half of a term shorter than two days. Raises
    ValueError for a hazard without a deadline."""
    if hazard.deadline is None or hazard.assigned_at is None:
        raise ValueError("a hazard that is not assigned has no deadline")
    half = hazard.deadline - (hazard.deadline - hazard.assigned_at) / 2
    return max(hazard.deadline - policy.remind_before, half)


def on_bulletin(hazard: Hazard, now: datetime, policy: Policy) -> bool:
    """Whether the bulletin (通报) names it: overdue for longer than its level allows."""
    return hazard.overdue(now) and now >= _due(hazard) + policy.bulletin_after[hazard.level]


class Ripe(StrEnum):
    """Whether 关停并转 may be proposed, and why."""

    NOT_YET = "not_yet"
    OVERDUE = "overdue"
    FAILED = "failed"
    PROPOSED = "proposed"


def ripe(hazard: Hazard, now: datetime, policy: Policy) -> Ripe:
    """Whether the end of the road has been reached."""
    if hazard.proposal is not None:
        return Ripe.PROPOSED
    if hazard.overdue(now) and now >= _due(hazard) + policy.propose_after:
        return Ripe.OVERDUE
    if hazard.state is State.ASSIGNED and hazard.failures >= policy.propose_failures_min:
        return Ripe.FAILED
    return Ripe.NOT_YET


def due(hazard: Hazard, now: datetime, policy: Policy) -> HazardEvent | None:
    """The reminder or the next escalation that is due, None where nothing is. Ask again after folding it."""
    if hazard.state is State.REPORTED:
        late_at = assign_by(hazard, policy)
        return _escalation(hazard, policy.unassigned, late_at, now, {"assign_by": late_at.isoformat()})
    if hazard.state is not State.ASSIGNED or hazard.deadline is None:
        return None
    if hazard.overdue(now):
        return _escalation(hazard, policy.escalations, hazard.deadline, now, {})
    if hazard.reminded_for != hazard.deadline and now >= remind_at(hazard, policy):
        return event(hazard, Verb.REMIND, ENGINE, now, body={"deadline": hazard.deadline.isoformat()})
    return None


def _escalation(
    hazard: Hazard, steps: Sequence[Escalation], late_at: datetime, now: datetime, more: Mapping[str, str]
) -> HazardEvent | None:
    step = hazard.escalated
    if step >= len(steps) or now <= late_at or now < late_at + timedelta(hours=steps[step].after_hours):
        return None
    body = {"step": step + 1, "after_hours": steps[step].after_hours, "to": sorted(steps[step].to), **more}
    return event(hazard, Verb.ESCALATE, ENGINE, now, body=body)


def allowed(hazard: Hazard, by: By, rights: frozenset[Right], now: datetime, policy: Policy) -> frozenset[Verb]:
    """What somebody with these `rights` may do with `hazard` now, as the state machine will judge it."""
    found = {verb for verb, right in RIGHT_OF.items() if right in rights and permitted(hazard, verb)}
    kept_out = hazard.level is Level.MAJOR and not by.outside
    if kept_out or by.person_id == hazard.rectifier_id:
        found -= {Verb.RECHECK, Verb.CLOSE}
    used_up = hazard.extension is not None or hazard.extensions >= policy.extensions_max
    if used_up or (hazard.deadline is not None and now >= hazard.deadline + policy.extension_max):
        found.discard(Verb.ASK_EXTENSION)  # at the latest it would end before now
    if hazard.extension is None or kept_out or by.person_id == hazard.extension.asker_id:
        found -= {Verb.EXTEND, Verb.REFUSE_EXTENSION}
    elif hazard.extension.until <= now:
        found.discard(Verb.EXTEND)
    if not by.outside or ripe(hazard, now, policy) not in (Ripe.OVERDUE, Ripe.FAILED):
        found.discard(Verb.PROPOSE)
    if not _may_withdraw(hazard, by, now, supervises=SUPERVISE in rights):
        found.discard(Verb.WITHDRAW)
    return frozenset(found)


def _may_withdraw(hazard: Hazard, by: By, now: datetime, *, supervises: bool) -> bool:
    if hazard.origin is Origin.SENSOR or hazard.failures or hazard.extensions or hazard.overdue(now):
        return False
    if by.outside:
        return supervises or by.person_id == hazard.reporter_id
    return (
        by.person_id == hazard.reporter_id and hazard.state is State.REPORTED and hazard.level is not Level.MAJOR
    )  # fmt: skip


def withdraw(hazard: Hazard, by: By, now: datetime, reason: str, *, supervises: bool) -> HazardEvent:
    """Take a mistaken report back. Raises WrongPerson for who neither reported it nor `supervises` hazards from
    outside."""
    if by.person_id != hazard.reporter_id and not supervises:
        raise WrongPerson("who reported it withdraws it, or a supervisor")
    return event(hazard, Verb.WITHDRAW, by, now, reason)


@dataclass(frozen=True, slots=True)
class Repeat:
    """That the same thing was found before."""

    of: uuid.UUID
    occurrence: int


def repeated(key: str | None, earlier: Iterable[Hazard], at: datetime, policy: Policy) -> Repeat | None:
    """The newest hazard with the same key that was closed within the policy's time before `at`."""
    if key is None:
        return None
    closed = [
        each
        for each in earlier
        if each.repeat_key == key and each.closed_at is not None and each.closed_at > at - policy.repeat_within
    ]
    if not closed:
        return None
    newest = max(closed, key=lambda each: (each.closed_at or at, each.no))
    return Repeat(newest.id, newest.occurrence + 1)


def repeat_key(*, item: tuple[str, str] | None, rule: str | None, device_id: int | None, zone_id: int | None,
               category: Category) -> str | None:  # fmt: skip
    """What makes two hazards of an institution the same: the item of a checklist, the rule and device, or the category
    in one zone. None where nothing tells."""
    if item is not None:
        return f"item:{item[0]}/{item[1]}"
    if rule is not None:
        return f"rule:{rule}|device:{device_id or 0}"
    return f"category:{category}|zone:{zone_id}" if zone_id is not None else None


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody, or a rule, reports."""

    institution_id: int
    title: str
    detail: str
    category: Category
    level: Level
    supervisor: Supervisor
    zone_id: int | None = None
    device_id: int | None = None
    item: tuple[str, str] | None = None
    clause: str = ""
    photos: tuple[uuid.UUID, ...] = ()


def report(found: Found, by: By, now: datetime, earlier: Iterable[Hazard], policy: Policy,
           origin: Origin = Origin.PERSON) -> HazardEvent:  # fmt: skip
    """A person's report; `earlier` are the institution's hazards that may be the same."""
    key = repeat_key(
        item=found.item, rule=None, device_id=found.device_id, zone_id=found.zone_id, category=found.category
    )
    body = {**report_body(found, origin, key, repeated(key, earlier, now, policy)), **_photos(found.photos)}
    return HazardEvent(uuid.uuid4(), uuid.uuid4(), Verb.REPORT, now, by, found.detail, body=body)


def report_body(found: Found, origin: Origin, key: str | None, repeat: Repeat | None) -> dict[str, Any]:
    """The body of a report event."""
    body = {
        "institution_id": found.institution_id,
        "zone_id": found.zone_id,
        "device_id": found.device_id,
        "origin": origin.value,
        "category": found.category.value,
        "level": found.level.value,
        "supervisor": found.supervisor.value,
        "title": found.title,
        "clause": found.clause,
        "checklist_id": found.item[0] if found.item else None,
        "item_id": found.item[1] if found.item else None,
        "repeat_key": key,
        "repeat_of": str(repeat.of) if repeat else None,
        "occurrence": repeat.occurrence if repeat else 1,
    }
    return {name: value for name, value in body.items() if value is not None}


def assign(hazard: Hazard, by: By, now: datetime, *, assignee_id: int, term: str | None, level: Level,
           supervisor: Supervisor, note: str, policy: Policy) -> HazardEvent:  # fmt: skip
    """Give it to somebody. The first time `term` (None: the policy's for that level and supervisor) sets the deadline;
    later the deadline stays. Raises StepRefused for a term that the policy does not have."""
    chosen = term or policy.defaults[level, supervisor]
    if chosen not in policy.terms:
        raise StepRefused(f"the policy has no term {chosen!r}: {', '.join(policy.terms)}")
    deadline = hazard.deadline or now + timedelta(hours=policy.terms[chosen].hours)
    body = {
        "assignee_id": assignee_id,
        "term": hazard.term or chosen,
        "deadline": deadline.isoformat(),
        "level": level.value,
        "supervisor": supervisor.value,
        "policy": policy.version,
    }
    return event(hazard, Verb.ASSIGN, by, now, note, body=body)


def ask_extension(hazard: Hazard, by: By, now: datetime, until: datetime, reason: str, policy: Policy) -> HazardEvent:
    """Ask for more time. Raises StepRefused beyond the policy's bounds."""
    if hazard.extensions >= policy.extensions_max:
        raise StepRefused(f"the policy allows {policy.extensions_max} extensions, and they are used up")
    if hazard.deadline is not None and until > hazard.deadline + policy.extension_max:
        raise StepRefused(f"at most {policy.extension_max.days} days more in one go")
    return event(hazard, Verb.ASK_EXTENSION, by, now, reason, body={"until": until.isoformat()})


def propose(hazard: Hazard, by: By, now: datetime, proposal: Proposal, reason: str, policy: Policy) -> HazardEvent:
    """Propose 关停并转 to the bureau. Raises StepRefused before the end of the road."""
    why = ripe(hazard, now, policy)
    if why is Ripe.NOT_YET:
        raise StepRefused("it is not overdue for long enough, and has not failed often enough")
    if why is Ripe.PROPOSED:
        raise StepRefused("this has been proposed already")
    return event(hazard, Verb.PROPOSE, by, now, reason, body={"proposal": proposal.value, "why": why.value})


def event(hazard: Hazard, verb: Verb, by: By, now: datetime, note: str = "", *, passed: bool | None = None,
          body: Mapping[str, Any] | None = None, photos: Iterable[uuid.UUID] = ()) -> HazardEvent:  # fmt: skip
    """An act on `hazard`, not yet folded. The engine's own acts have ids worked out from what they say."""
    number = uuid.uuid4() if by.person_id is not None else uuid.uuid5(hazard.id, f"{verb}|{hazard.version}")
    return HazardEvent(number, hazard.id, verb, now, by, note, passed, {**(body or {}), **_photos(photos)})


def _photos(photos: Iterable[uuid.UUID]) -> dict[str, list[str]]:
    found = [str(each) for each in photos]
    return {"photos": found} if found else {}


def _due(hazard: Hazard) -> datetime:
    if hazard.deadline is None:
        raise ValueError("a hazard that is not assigned has no deadline")
    return hazard.deadline
