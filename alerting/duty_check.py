"""Duty checks (查岗): is somebody at the desk? Called at random or by a supervisor, to be answered within a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from alerting.hours import CHINA, Hours, draw
from ingest.reading import to_us

RULE: Final = "duty_check.missed"
RANDOM: Final = "random"  # who calls those that nobody called
_CONDITION: Final = Condition(RULE, Kind.UNANSWERED, Priority.HIGH, latching=False)


class State(StrEnum):
    """Where a duty check stands."""

    OPEN = "open"
    ANSWERED = "answered"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class DutyCheck:
    """One duty check; `called_by` is RANDOM or `user:NAME`."""

    id: int
    institution_id: int
    called_at: datetime
    due_at: datetime
    called_by: str
    note: str
    state: State = State.OPEN
    answered_at: datetime | None = None
    answered_by: str | None = None

    def missed(self, now: datetime) -> bool:
        """Whether nobody has answered in time."""
        return self.state is State.OPEN and now >= self.due_at


def next_call(institution_id: int, since: datetime, seed: bytes, checks_a_month: int, hours: Hours) -> datetime | None:
    """The first moment after `since` at which a random check of the institution is due; None where none ever is.

    Each month's hours are cut into `checks_a_month` equal parts, and a moment is drawn in each: the desk cannot know
    when, but the rate is kept.
    """
    if not checks_a_month:
        return None
    month = since.astimezone(CHINA).date().replace(day=1)
    while True:
        following = (month + timedelta(days=32)).replace(day=1)
        days = (following - month).days
        for part in range(checks_a_month):
            share = (part + draw(seed, "duty check", institution_id, month, part)) / checks_a_month * days
            day = month + timedelta(days=int(share))
            at = hours.of_day(day) + (share - int(share)) * hours.length
            if at > since:
                return at
        month = following


def missed_event(check: DutyCheck, standing: Alert | None, now: datetime) -> AlertEvent:
    """The alert for the supervisor about a check that nobody answered. `standing` is the open one of that place."""
    minutes = f"{(check.due_at - check.called_at) / timedelta(minutes=1):.1f}".removesuffix(".0")
    told = {
        "rule": RULE,
        "duty_check_id": check.id,
        "called_at": check.called_at.isoformat(),
        "due_at": check.due_at.isoformat(),
        "called_by": check.called_by,
        "text_zh": f"查岗无人应答：{minutes} 分钟内值班室没有应答",
        "text_en": f"Duty check missed: nobody at the desk answered within {minutes} min",
    }
    return _event(check.institution_id, standing, Verb.RAISE, now, told)


def answered_event(check: DutyCheck, standing: Alert | None, now: datetime) -> AlertEvent | None:
    """The desk has answered again, so the missed check is over; None where there is nothing to clear."""
    if standing is None or not standing.active or RULE not in standing.rules:
        return None
    told = {
        "rule": RULE,
        "duty_check_id": check.id,
        "text_zh": "值班室已应答新的查岗",
        "text_en": "The desk has answered a later duty check",
    }
    return _event(check.institution_id, standing, Verb.CLEAR, now, told)


def key_of(institution_id: int) -> Key:
    """The place of the alert about missed checks."""
    return Key(institution_id, None, Kind.UNANSWERED)


def _event(
    institution_id: int, standing: Alert | None, verb: Verb, now: datetime, told: dict[str, object]
) -> AlertEvent:
    now_us = to_us(now)
    number = standing.id if standing is not None and standing.open else alert_id(key_of(institution_id), now_us)
    return engine_event(number, verb, now_us, now_us, Source(institution_id, None, None), _CONDITION, told)
