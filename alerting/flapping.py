"""Flapping: an alert that comes and goes so often that every single call would be noise.

ISA-18.2 calls it chattering. What flaps is said once, with what is wrong, and never kept from the list; a life-safety
alarm keeps calling whatever it does (the notifier decides that, with suppression.LIFE_SAFETY).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerting.alert import AlertEvent, Verb


class Reason(StrEnum):
    """Why an alert counts as flapping, or does not."""

    SELDOM = "seldom"
    OFTEN = "often"
    NOT_YET_CALM = "not_yet_calm"
    CALM_AGAIN = "calm_again"


@dataclass(frozen=True, slots=True)
class Limits:
    """Flapping begins at `begin_count` changes of the condition within `span_s`, and is over when fewer than
    `end_count` lie within it: between the two it stays what it was. Raises ValueError."""

    begin_count: int = 5
    end_count: int = 2
    span_s: float = 600.0

    def __post_init__(self) -> None:
        if not 0 < self.end_count <= self.begin_count or self.span_s <= 0:
            raise ValueError("0 < end_count ≤ begin_count, and a span of more than 0 s")


@dataclass(frozen=True, slots=True)
class Flapping:
    """The answer, with what it rests on: how often the condition came or went in the last `span_s` seconds."""

    flapping: bool
    reason: Reason
    change_count: int
    span_s: float
    since: datetime | None

    def evidence(self) -> dict[str, Any]:
        """For an operator."""
        minutes = f"{self.span_s / 60:g}"
        return {
            "flapping": self.flapping,
            "reason": self.reason.value,
            "change_count": self.change_count,
            "span_s": self.span_s,
            "since": self.since.isoformat() if self.since else None,
            "text_zh": f"最近 {minutes} 分钟内状态变化 {self.change_count} 次",
            "text_en": f"{self.change_count} changes of state within the last {minutes} min",
        }


def judge(changed_at: Sequence[datetime], now: datetime, limits: Limits) -> Flapping:
    """Whether a condition that came or went at `changed_at` (in order) flaps at `now`."""
    span = timedelta(seconds=limits.span_s)
    since: datetime | None = None
    was = False
    first = 0
    for last, at in enumerate(changed_at):
        if at > now:
            break
        if since is not None and _calm_before(changed_at, first, last, at - span, limits.end_count):
            since, was = None, True
        while changed_at[first] <= at - span:
            first += 1
        if since is None and last - first + 1 >= limits.begin_count:
            since = at
    recent = sum(now - span < at <= now for at in changed_at)
    if since is not None and recent < limits.end_count:
        since, was = None, True
    if since is None:
        return Flapping(
            flapping=False,
            reason=Reason.CALM_AGAIN if was else Reason.SELDOM,
            change_count=recent,
            span_s=limits.span_s,
            since=None,
        )
    reason = Reason.OFTEN if recent >= limits.begin_count else Reason.NOT_YET_CALM
    return Flapping(flapping=True, reason=reason, change_count=recent, span_s=limits.span_s, since=since)


def changes(events: Sequence[AlertEvent]) -> list[datetime]:
    """When the condition of an alert came or went, from its events in order: a further rule that joins while it holds
    changes nothing."""
    found: list[datetime] = []
    rules: set[str | None] = set()
    for event in events:
        if event.verb is Verb.RAISE:
            if not rules:
                found.append(event.at)
            rules.add(event.rule)
        elif event.verb is Verb.CLEAR:
            rules.discard(event.rule)
            if not rules:
                found.append(event.at)
    return sorted(found)


def _calm_before(changed_at: Sequence[datetime], first: int, last: int, from_at: datetime, end_count: int) -> bool:
    """Whether, just before the change with number `last`, fewer than `end_count` lay in the span up to it. What leaves
    the span at the very moment of the change was in it until then."""
    return sum(at >= from_at for at in changed_at[first:last]) < end_count
