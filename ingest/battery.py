"""How a battery is going, and by when to change it, from what it said. Purely."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

CHANGE_AT_PERCENT: Final = 15.0  # as the rule battery.low that ships with Anhu
TREND_MIN: Final = timedelta(days=7)  # of a shorter time a trend says nothing
AHEAD_MAX: Final = timedelta(days=365)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Level:
    """The mean of what a battery said about that time, in percent."""

    at: datetime
    percent: float


@dataclass(frozen=True, slots=True)
class Battery:
    """What a battery says, how that changes in 30 days (percentage points, None where too little is known), and by when
    to change it (None where that is not within a year, or cannot be told)."""

    percent: float
    per_30_days: float | None
    change_by: date | None


def outlook(older: Level, newer: Level) -> Battery:
    """On a straight line through both. A lithium cell says the same for years and then ends within weeks: a day far
    ahead is no promise, one that is near is.

    >>> from datetime import UTC
    >>> begun = datetime(2026, 11, 1, tzinfo=UTC)
    >>> outlook(Level(begun, 60.0), Level(begun + timedelta(days=30), 45.0))
    Battery(percent=45.0, per_30_days=-15.0, change_by=datetime.date(2027, 1, 30))
    >>> outlook(Level(begun, 88.0), Level(begun + timedelta(days=30), 88.0)).change_by is None
    True
    """
    span = newer.at - older.at
    if newer.percent <= CHANGE_AT_PERCENT:
        trend = (newer.percent - older.percent) / (span / _DAY) * 30 if span >= TREND_MIN else None
        return Battery(newer.percent, trend, newer.at.date())
    if span < TREND_MIN:
        return Battery(newer.percent, None, None)
    per_day = (newer.percent - older.percent) / (span / _DAY)
    days = (newer.percent - CHANGE_AT_PERCENT) / -per_day if per_day < 0 else float("inf")
    change_by = (newer.at + timedelta(days=days)).date() if days <= AHEAD_MAX / _DAY else None
    return Battery(newer.percent, per_day * 30, change_by)
