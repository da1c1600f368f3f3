"""An institution's entry on the red, watch or black list is the fold of its events, as a hazard is.

proposed (by the night's rating or a person) → notified (a person decides to go on and issues the notice) → delivered
(the window to object runs) → listed → removed. An objection within the window is decided by somebody who has had no
part in it: granted, nothing is listed; rejected, the listing may follow. Once listed the institution may object again
within the window, and ask to be taken off when the criteria allow it (信用修复). The term ends by itself; a new breach
makes it count anew. Nobody is listed without a person's decision, a delivered notice and a window to object.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from alerting.people import Right
from inspection.credit_calendar import add_months, window_end
from inspection.credit_criteria import CreditList, ListKind
from inspection.errors import StepRefused, WrongPerson
from inspection.hazard import By


class State(StrEnum):
    """Where an entry stands."""

    PROPOSED = "proposed"
    NOTIFIED = "notified"
    DELIVERED = "delivered"
    APPEALED = "appealed"
    LISTED = "listed"
    CONTESTED = "contested"  # listed, and an objection is open
    REMOVED = "removed"
    DROPPED = "dropped"  # it was never listed


OPEN: Final = frozenset(State) - {State.REMOVED, State.DROPPED}
STANDING: Final = frozenset({State.LISTED, State.CONTESTED})


class Verb(StrEnum):
    """What can happen to an entry."""

    PROPOSE = "propose"
    DROP = "drop"
    NOTIFY = "notify"
    DELIVER = "deliver"
    APPEAL = "appeal"
    GRANT_APPEAL = "grant_appeal"
    REJECT_APPEAL = "reject_appeal"
    LIST = "list"
    PROLONG = "prolong"
    ASK_REPAIR = "ask_repair"
    REFUSE_REPAIR = "refuse_repair"
    REMOVE = "remove"
    REVOKE = "revoke"


class End(StrEnum):
    """How an entry came to its end."""

    DECISION = "decision"  # a person decided against the listing
    APPEAL = "appeal"
    TERM = "term"
    REPAIR = "repair"
    REVOKED = "revoked"  # a red list's, by a person


class Delivery(StrEnum):
    """How a notice was delivered."""

    IN_PERSON = "in_person"
    POST = "post"
    ELECTRONIC = "electronic"
    LEFT = "left"  # 留置送达


@dataclass(frozen=True, slots=True)
class CreditEvent:
    """One entry of the history; `body` holds what the verb needs, as JSON."""

    event_id: uuid.UUID
    entry_id: uuid.UUID
    verb: Verb
    at: datetime
    by: By
    note: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an event's time needs a time zone")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry stands after its events. `no` is given with the notice: a gap would tell of a proposal. `grounds`
    names the ratings and records it rests on, `handlers` who has had a part in listing, `judges` who has decided an
    objection. `until_before` is the end of the term before the newest breach moved it."""

    id: uuid.UUID
    institution_id: int
    kind: ListKind
    criterion: str | None
    reason: str
    grounds: frozenset[str]
    state: State
    version: int
    changed_at: datetime
    proposed_at: datetime
    proposed_by: str
    no: int | None = None
    handlers: tuple[int, ...] = ()
    judges: tuple[int, ...] = ()
    term_months: int | None = None
    appeal_days: int | None = None
    repair_after_months: int | None = None
    inspections_per_year: float | None = None
    risk_factor: float | None = None
    notified_at: datetime | None = None
    delivered_at: datetime | None = None
    delivery: Delivery | None = None
    appeal_until: datetime | None = None
    appealed_at: datetime | None = None
    appeal_rejected_at: datetime | None = None
    listed_at: datetime | None = None
    until: datetime | None = None
    until_before: datetime | None = None
    repair_asked_at: datetime | None = None
    ended_at: datetime | None = None
    end: End | None = None

    @property
    def open(self) -> bool:
        """Whether it has not come to its end."""
        return self.state in OPEN

    @property
    def repair_from(self) -> datetime | None:
        """From when the institution may ask to be taken off; None: not before the term ends."""
        if self.until is None or self.term_months is None or self.repair_after_months is None:
            return None
        return add_months(self.until, self.repair_after_months - self.term_months)

    @property
    def standing(self) -> bool:
        """Whether the institution is on the list."""
        return self.state in STANDING


def fold(entry: Entry | None, event: CreditEvent) -> Entry:
    """`entry` after `event`. Raises StepRefused, WrongPerson where there is no such step."""
    if entry is None:
        if event.verb is not Verb.PROPOSE:
            raise StepRefused(f"an entry begins with a proposal, not with {event.verb}")
        return _propose(event)
    step = _STEPS.get((entry.state, event.verb))
    if step is None:
        raise StepRefused(f"an entry that is {entry.state} does not allow {event.verb}")
    if event.at < entry.changed_at:
        raise StepRefused("this lies before what has happened already")
    _demand_person(event)
    return replace(step(entry, event), version=entry.version + 1, changed_at=event.at)


def permitted(entry: Entry, verb: Verb) -> bool:
    """Whether the state allows `verb` at all, whoever it is."""
    return (entry.state, verb) in _STEPS


def visible(entry: Entry, by: By) -> bool:
    """Whether `by`, within whose reach the institution lies, may know of the entry: the institution does from its
    notice on."""
    return by.outside or entry.notified_at is not None


def allowed(entry: Entry, by: By, rights: frozenset[Right], now: datetime) -> frozenset[Verb]:
    """What somebody with these `rights` may do now, as the state machine will judge it."""
    found = {verb for verb in _PEOPLES if (entry.state, verb) in _STEPS and RIGHT_OF[verb] in rights}
    found -= _OUTSIDE if not by.outside else _INSIDE
    if not _may_appeal(entry, now):
        found.discard(Verb.APPEAL)
    if by.person_id in entry.handlers:
        found -= {Verb.GRANT_APPEAL, Verb.REJECT_APPEAL}
    if by.person_id in entry.judges or not _may_list(entry, now):
        found.discard(Verb.LIST)
    if entry.kind is not ListKind.RED:
        found.discard(Verb.REVOKE)
    if entry.repair_asked_at is None:
        found -= {Verb.REMOVE, Verb.REFUSE_REPAIR}
    if entry.repair_asked_at is not None or entry.repair_from is None or now < entry.repair_from:
        found.discard(Verb.ASK_REPAIR)
    return frozenset(found) if visible(entry, by) else frozenset()


def terms(means: CreditList) -> dict[str, Any]:
    """What the notice fixes: the body of a notify event."""
    return {
        "term_months": means.term_months,
        "appeal_days": means.appeal_days,
        "repair_after_months": means.repair_after_months,
        "inspections_per_year": means.inspections_per_year,
        "risk_factor": means.risk_factor,
    }


RIGHT_OF: Final[Mapping[Verb, Right]] = {
    Verb.PROPOSE: Right.MANAGE_CREDIT_LIST,
    Verb.DROP: Right.MANAGE_CREDIT_LIST,
    Verb.NOTIFY: Right.MANAGE_CREDIT_LIST,
    Verb.DELIVER: Right.MANAGE_CREDIT_LIST,
    Verb.LIST: Right.MANAGE_CREDIT_LIST,
    Verb.REMOVE: Right.MANAGE_CREDIT_LIST,
    Verb.REFUSE_REPAIR: Right.MANAGE_CREDIT_LIST,
    Verb.REVOKE: Right.MANAGE_CREDIT_LIST,
    Verb.APPEAL: Right.APPEAL_CREDIT_LIST,
    Verb.ASK_REPAIR: Right.APPEAL_CREDIT_LIST,
    Verb.GRANT_APPEAL: Right.DECIDE_CREDIT_APPEAL,
    Verb.REJECT_APPEAL: Right.DECIDE_CREDIT_APPEAL,
}
_INSIDE: Final = frozenset({Verb.APPEAL, Verb.ASK_REPAIR})
_OUTSIDE: Final = frozenset(RIGHT_OF) - _INSIDE
_PEOPLES: Final = frozenset(RIGHT_OF) - {Verb.PROPOSE}
_REASONED: Final = frozenset(RIGHT_OF) - {Verb.NOTIFY, Verb.DELIVER, Verb.LIST}  # these say why


def _demand_person(event: CreditEvent) -> None:
    if event.by.person_id is None:
        ended = event.verb is Verb.REMOVE and event.body.get("end") == End.TERM
        if not ended and event.verb is not Verb.PROLONG:
            raise WrongPerson("a person has to decide this")
        return
    if event.verb is Verb.PROLONG or (event.verb is Verb.REMOVE and event.body.get("end") != End.REPAIR):
        raise WrongPerson("only the service itself does this")
    if event.verb in _INSIDE and event.by.outside:
        raise WrongPerson("only the institution itself can ask for this")
    if event.verb in _OUTSIDE and not event.by.outside:
        raise WrongPerson("somebody from outside the institution has to do this")
    if event.verb in _REASONED and not event.note.strip():
        raise StepRefused("say why")


def _propose(event: CreditEvent) -> Entry:
    body = event.body
    if event.by.person_id is not None:
        if not event.by.outside:
            raise WrongPerson("somebody from outside the institution has to do this")
        if not event.note.strip():
            raise StepRefused("say why")
    elif not body.get("criterion") or not body.get("grounds"):
        raise WrongPerson("without a criterion a person has to propose this")
    return Entry(
        id=event.entry_id,
        institution_id=body["institution_id"],
        kind=ListKind(body["kind"]),
        criterion=body.get("criterion"),
        reason=event.note,
        grounds=frozenset(body.get("grounds", ())),
        state=State.PROPOSED,
        version=1,
        changed_at=event.at,
        proposed_at=event.at,
        proposed_by=event.by.actor,
        handlers=_with((), event),
    )


def _with(people: tuple[int, ...], event: CreditEvent) -> tuple[int, ...]:
    """`people` and who did this."""
    who = event.by.person_id
    return people if who is None or who in people else (*people, who)


def _drop(entry: Entry, event: CreditEvent) -> Entry:
    return replace(
        entry, state=State.DROPPED, ended_at=event.at, end=End.DECISION, handlers=_with(entry.handlers, event)
    )


def _notify(entry: Entry, event: CreditEvent) -> Entry:
    body = event.body
    return replace(
        entry,
        state=State.NOTIFIED,
        notified_at=event.at,
        handlers=_with(entry.handlers, event),
        term_months=body["term_months"],
        appeal_days=body["appeal_days"],
        repair_after_months=body["repair_after_months"],
        inspections_per_year=body["inspections_per_year"],
        risk_factor=body["risk_factor"],
    )


def _deliver(entry: Entry, event: CreditEvent) -> Entry:
    at = datetime.fromisoformat(event.body["delivered_at"])
    if entry.notified_at is None or entry.appeal_days is None:
        raise StepRefused("there is no notice yet")
    if not entry.notified_at <= at <= event.at:
        raise StepRefused("a notice is delivered after it was issued, and not in the future")
    return replace(
        entry,
        state=State.DELIVERED,
        delivered_at=at,
        delivery=Delivery(event.body["delivery"]),
        appeal_until=window_end(at, entry.appeal_days),
        handlers=_with(entry.handlers, event),
    )


def _may_appeal(entry: Entry, now: datetime) -> bool:
    return entry.appeal_until is not None and now < entry.appeal_until and entry.appeal_rejected_at is None


def _may_list(entry: Entry, now: datetime) -> bool:
    return entry.appeal_rejected_at is not None or (entry.appeal_until is not None and now >= entry.appeal_until)


def _appeal(entry: Entry, event: CreditEvent) -> Entry:
    if not _may_appeal(entry, event.at):
        raise StepRefused("the time to object is over, or an objection has been decided already")
    after = State.CONTESTED if entry.standing else State.APPEALED
    return replace(entry, state=after, appealed_at=event.at)


def _demand_judge(entry: Entry, event: CreditEvent) -> None:
    if event.by.person_id in entry.handlers:
        raise WrongPerson("who has had a part in the listing cannot decide on the objection")


def _reject_appeal(entry: Entry, event: CreditEvent) -> Entry:
    _demand_judge(entry, event)
    after = State.LISTED if entry.standing else State.DELIVERED
    return replace(entry, state=after, appealed_at=None, appeal_rejected_at=event.at, judges=_with(entry.judges, event))


def _grant_appeal(entry: Entry, event: CreditEvent) -> Entry:
    _demand_judge(entry, event)
    judged = replace(entry, appealed_at=None, judges=_with(entry.judges, event))
    if entry.until_before is not None:  # the objection is about the prolongation
        return replace(
            judged, state=State.LISTED, until=entry.until_before, until_before=None, appeal_until=event.at
        )  # fmt: skip
    after = State.REMOVED if entry.standing else State.DROPPED
    return replace(judged, state=after, ended_at=event.at, end=End.APPEAL)


def _list(entry: Entry, event: CreditEvent) -> Entry:
    if not _may_list(entry, event.at):
        raise StepRefused("the institution may still object")
    if event.by.person_id in entry.judges:
        raise WrongPerson("who decided on the objection cannot list")
    if entry.term_months is None or entry.appeal_days is None:
        raise StepRefused("there is no notice yet")
    return replace(
        entry,
        state=State.LISTED,
        listed_at=event.at,
        until=add_months(event.at, entry.term_months),
        appeal_until=window_end(event.at, entry.appeal_days),
        appeal_rejected_at=None,
        handlers=_with(entry.handlers, event),
    )


def _prolong(entry: Entry, event: CreditEvent) -> Entry:
    """The term counts anew from the breach, and the institution may object to that."""
    breach_at = datetime.fromisoformat(event.body["breach_at"])
    if entry.kind is ListKind.RED:
        raise StepRefused("a red list is not prolonged by a breach")
    if entry.listed_at is None or entry.until is None or entry.term_months is None or entry.appeal_days is None:
        raise StepRefused("it is not listed")
    if not entry.listed_at < breach_at <= event.at:
        raise StepRefused("a new breach lies after the listing")
    until, new = add_months(breach_at, entry.term_months), frozenset(event.body["grounds"])
    if until <= entry.until or not new - entry.grounds:
        raise StepRefused("this breach has been counted already")
    return replace(
        entry,
        until=until,
        until_before=entry.until,
        grounds=entry.grounds | new,
        repair_asked_at=None,
        appeal_until=window_end(event.at, entry.appeal_days),
        appeal_rejected_at=None,
    )


def _ask_repair(entry: Entry, event: CreditEvent) -> Entry:
    if entry.repair_from is None or event.at < entry.repair_from:
        raise StepRefused("this may not be asked for yet")
    if entry.repair_asked_at is not None:
        raise StepRefused("this has been asked for already")
    return replace(entry, repair_asked_at=event.at)


def _refuse_repair(entry: Entry, _event: CreditEvent) -> Entry:
    if entry.repair_asked_at is None:
        raise StepRefused("nobody has asked for it")
    return replace(entry, repair_asked_at=None)


def _remove(entry: Entry, event: CreditEvent) -> Entry:
    end = End(event.body["end"])
    if end is End.TERM and (entry.until is None or event.at < entry.until):
        raise StepRefused("the term has not ended yet")
    if end is End.REPAIR and (entry.repair_asked_at is None or entry.state is not State.LISTED):
        raise StepRefused("the institution has not asked for it")
    return replace(entry, state=State.REMOVED, ended_at=event.at, end=end)


def _revoke(entry: Entry, event: CreditEvent) -> Entry:
    if entry.kind is not ListKind.RED:
        raise StepRefused("only a place on the red list is revoked")
    return replace(entry, state=State.REMOVED, ended_at=event.at, end=End.REVOKED)


_STEPS: Final = {
    (State.PROPOSED, Verb.NOTIFY): _notify,
    (State.PROPOSED, Verb.DROP): _drop,
    (State.NOTIFIED, Verb.DELIVER): _deliver,
    (State.NOTIFIED, Verb.DROP): _drop,
    (State.DELIVERED, Verb.APPEAL): _appeal,
    (State.DELIVERED, Verb.LIST): _list,
    (State.DELIVERED, Verb.DROP): _drop,
    (State.APPEALED, Verb.GRANT_APPEAL): _grant_appeal,
    (State.APPEALED, Verb.REJECT_APPEAL): _reject_appeal,
    (State.LISTED, Verb.APPEAL): _appeal,
    (State.LISTED, Verb.PROLONG): _prolong,
    (State.LISTED, Verb.ASK_REPAIR): _ask_repair,
    (State.LISTED, Verb.REFUSE_REPAIR): _refuse_repair,
    (State.LISTED, Verb.REMOVE): _remove,
    (State.LISTED, Verb.REVOKE): _revoke,
    (State.CONTESTED, Verb.GRANT_APPEAL): _grant_appeal,
    (State.CONTESTED, Verb.REJECT_APPEAL): _reject_appeal,
    (State.CONTESTED, Verb.REMOVE): _remove,
}
