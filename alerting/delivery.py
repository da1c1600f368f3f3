"""A push and its deliveries: one for each way to reach the person, and what an answer of a provider makes of them.

Every push arrives at least once if any way works. It arrives twice by one way only where the provider's answer was
lost: a delivery is marked as being sent, and committed, before it is sent; one found so marked after its lease was on
its way when its sender died, and is sent again, because an alarm that comes twice is better than one that never comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from alerting.escalation import Delivery as Bounds
from alerting.people import Contact

URGENT: Final = 2  # below it are life-safety alarms sent alone: any failure tries the next way at once
_BACK_OFF_S_MAX: Final = 60.0
_RETRY_AFTER_S_MAX: Final = 600.0


class Form(StrEnum):
    """What a push tells of."""

    ALONE = "alone"  # one life-safety alarm, at once
    SINGLE = "single"  # one other alert
    GROUP = "group"  # alerts of one institution
    DIGEST = "digest"  # alerts of several
    TEST = "test"
    NOTICE = "notice"  # about something else than an alarm; there is nothing to acknowledge


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one person. `alert_id` where it tells of one alert only; small `urgency` is sent first."""

    id: UUID
    person_id: int
    form: Form
    urgency: int
    drill: bool
    alert_id: UUID | None
    institution_id: int | None
    zone_id: int | None
    language: str
    title: str
    body: str
    channels: frozenset[str]
    every_channel: bool
    created_at: datetime


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    UNNEEDED = "unneeded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way of a push. `attempts` have begun, `lost_answers` of them without a known end."""

    push_id: UUID
    contact_id: int
    channel: str
    rank: int
    urgency: int
    created_at: datetime
    next_attempt_at: datetime
    state: State = State.WAITING
    attempts: int = 0
    lost_answers: int = 0
    lease_until: datetime | None = None
    detail: str = ""
    settled_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether a sender may take it at `now`."""
        if self.state is State.WAITING:
            return self.next_attempt_at <= now
        return self.state is State.SENDING and self.lease_until is not None and self.lease_until <= now


class Outcome(StrEnum):
    """What became of an attempt."""

    SENT = "sent"
    FAILED = "failed"  # certainly not taken; may be later
    REFUSED = "refused"  # never will be
    LOST = "lost"  # nobody knows: the answer did not come


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer. `detail` is shown to people and never holds an address or a secret."""

    outcome: Outcome
    detail: str = ""
    retry_after_s: float | None = None


def plan(push: Push, ways: Sequence[Contact], bounds: Bounds) -> list[Delivery]:
    """The deliveries of a new push: the person's contacts one after the other, or all at once. Where the person has no
    contact of the kinds that are asked for, any will do."""
    wanted = [contact for contact in ways if not push.channels or contact.channel in push.channels]
    found = []
    for number, contact in enumerate(wanted or ways):
        wait_s = 0.0 if push.every_channel else number * bounds.failover_s
        at = push.created_at + timedelta(seconds=wait_s)
        found.append(Delivery(push.id, contact.id, contact.channel, number, push.urgency, push.created_at, at))
    return found


def claim(delivery: Delivery, now: datetime, lease_s: float) -> Delivery:
    """`delivery` marked as being sent; one whose sender died counts that attempt's answer as lost."""
    lost = delivery.lost_answers + (delivery.state is State.SENDING)
    until = now + timedelta(seconds=lease_s)
    return replace(
        delivery, state=State.SENDING, attempts=delivery.attempts + 1, lost_answers=lost, lease_until=until
    )  # fmt: skip


def settle(
    siblings: Sequence[Delivery], contact_id: int, answer: Answer, bounds: Bounds, now: datetime, *, every_channel: bool
) -> list[Delivery]:
    """Those of a push's deliveries (`siblings`, by rank) that `answer` to the one at `contact_id` changes."""
    mine = next(each for each in siblings if each.contact_id == contact_id)
    if mine.state is not State.SENDING:
        return []
    others = [each for each in siblings if each is not mine and each.state is State.WAITING]
    if answer.outcome is Outcome.SENT:
        sent = replace(mine, state=State.SENT, lease_until=None, detail=answer.detail, settled_at=now)
        spare = [] if every_channel else [replace(each, state=State.UNNEEDED, settled_at=now) for each in others]
        return [sent, *spare]
    changed = [_after_failure(mine, answer, bounds, now)]
    if changed[0].state is State.DEAD or mine.urgency < URGENT:
        following = next((each for each in others if each.rank > mine.rank and not each.attempts), None)
        if following is not None and following.next_attempt_at > now:
            changed.append(replace(following, next_attempt_at=now))
    return changed


def _after_failure(mine: Delivery, answer: Answer, bounds: Bounds, now: datetime) -> Delivery:
    lost = mine.lost_answers + (answer.outcome is Outcome.LOST)
    wait_s = min(_BACK_OFF_S_MAX, 2.0 ** (mine.attempts - 1))
    if answer.retry_after_s is not None:
        wait_s = max(wait_s, min(answer.retry_after_s, _RETRY_AFTER_S_MAX))
    again_at = now + timedelta(seconds=wait_s)
    over = mine.attempts >= bounds.attempts_max or again_at > mine.created_at + timedelta(seconds=bounds.give_up_s)
    if answer.outcome is Outcome.REFUSED or over:
        return replace(
            mine, state=State.DEAD, lost_answers=lost, lease_until=None, detail=answer.detail, settled_at=now
        )  # fmt: skip
    return replace(
        mine, state=State.WAITING, lost_answers=lost, lease_until=None, detail=answer.detail, next_attempt_at=again_at
    )  # fmt: skip


def unreached(siblings: Sequence[Delivery]) -> bool:
    """Whether every way of a push has failed for good."""
    return bool(siblings) and all(each.state is State.DEAD for each in siblings)
