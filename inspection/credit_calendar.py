"""The calendar of terms and windows: months and whole days as they are counted in China."""

from calendar import monthrange
from datetime import datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))


def add_months(at: datetime, months: int) -> datetime:
    """The same time of day so many months later by the calendar in China; a day that month does not have is its last.

    >>> add_months(datetime(2026, 8, 31, 8, tzinfo=CHINA), 6).isoformat()
    '2027-02-28T08:00:00+08:00'
    """
    local = at.astimezone(CHINA)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    moved = local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
    return moved.astimezone(at.tzinfo)


def window_end(from_at: datetime, days: int) -> datetime:
    """When a window of so many whole days after the day of `from_at` is over, by the calendar in China.

    >>> window_end(datetime(2026, 3, 2, 17, tzinfo=CHINA), 10).isoformat()
    '2026-03-13T00:00:00+08:00'
    """
    day = from_at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=days + 1)).astimezone(from_at.tzinfo)
