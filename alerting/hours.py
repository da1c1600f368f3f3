"""Times of day in China, and drawing moments that nobody can foresee but that are the same however often drawn."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CHINA: Final = ZoneInfo("Asia/Shanghai")


def last_night(now: datetime, hour: int) -> datetime:
    """The newest time that it was `hour` o'clock in China.

    >>> last_night(datetime(2026, 3, 2, 17, 59, tzinfo=UTC), 2).isoformat()
    '2026-03-01T18:00:00+00:00'
    """
    local = now.astimezone(CHINA).replace(hour=hour, minute=0, second=0, microsecond=0)
    return (local if local <= now else local - timedelta(days=1)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` until before `end`, every day, in China. Raises ValueError unless begin < end."""

    begin: time
    end: time

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            raise ValueError("the hours must begin before they end, on the same day")

    @property
    def length(self) -> timedelta:
        """How long they last on one day."""
        return datetime.combine(date.min, self.end) - datetime.combine(date.min, self.begin)

    def of_day(self, day: date) -> datetime:
        """When they begin on `day`."""
        return datetime.combine(day, self.begin, CHINA)

    def contain(self, moment: datetime) -> bool:
        """Whether `moment` lies within."""
        return self.begin <= moment.astimezone(CHINA).time() < self.end

    def next_begin(self, moment: datetime) -> datetime:
        """When they begin next after `moment`."""
        local = moment.astimezone(CHINA)
        today = self.of_day(local.date())
        return today if today > moment else self.of_day(local.date() + timedelta(days=1))


def draw(seed: bytes, *names: object) -> float:
    """A number in [0, 1) that depends on `seed` and `names` alone.

    >>> draw(b"x", 1) == draw(b"x", 1) != draw(b"x", 2)
    True
    """
    text = "\x1f".join(map(str, names)).encode()
    return int.from_bytes(hashlib.sha256(seed + b"\x1f" + text).digest()[:6], "big") / 2**48
