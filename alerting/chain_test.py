"""When the whole chain of an institution is tested by itself.

GB 50440 practice is a simulated alarm through the whole chain at least twice a month. So each half of a month (from the
1st, from the 16th) has one test of each institution, in the quiet hours, at a moment drawn from a seed; one that was
missed because the service was down, or put off because of a real alarm, is made up for in the next quiet hours.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from alerting.hours import CHINA, Hours, draw

RESERVE_DAYS: Final = 3  # the last days of a half are kept for making up
SETTLING: Final = timedelta(days=1)  # an institution that has just been registered is being installed


@dataclass(frozen=True, slots=True)
class Half:
    """Half a month: its first day and the day after its last."""

    first: date
    after: date

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The half in which `moment` lies, by China's calendar."""
        day = moment.astimezone(CHINA).date()
        if day.day <= 15:
            return cls(day.replace(day=1), day.replace(day=16))
        return cls(day.replace(day=16), day.replace(day=1) + timedelta(days=monthrange(day.year, day.month)[1]))

    def following(self) -> "Half":
        """The half after this one."""
        return Half.of(datetime.combine(self.after, datetime.min.time(), CHINA))

    def contains(self, moment: datetime) -> bool:
        """Whether `moment` lies within, by China's calendar."""
        return self.first <= moment.astimezone(CHINA).date() < self.after


def next_run(
    institution_id: int, registered_at: datetime, last_at: datetime | None, now: datetime, seed: bytes, quiet: Hours
) -> datetime:
    """When the institution's chain is tested next; it is due when that is not after `now`.

    `last_at` is when it was last tested, None for never.
    """
    half = Half.of(now)
    if last_at is None or not half.contains(last_at):
        planned = planned_at(institution_id, half, seed, quiet)
        if planned >= registered_at + SETTLING:
            made_up = planned if planned >= now else now if quiet.contain(now) else quiet.next_begin(now)
            if half.contains(made_up):
                return made_up
    half = half.following()
    while (planned := planned_at(institution_id, half, seed, quiet)) < registered_at + SETTLING:
        half = half.following()
    return planned


def planned_at(institution_id: int, half: Half, seed: bytes, quiet: Hours) -> datetime:
    """The moment drawn for that half of a month."""
    days = (half.after - half.first).days - RESERVE_DAYS
    day = half.first + timedelta(days=int(draw(seed, "chain day", institution_id, half.first) * days))
    return quiet.of_day(day) + draw(seed, "chain hour", institution_id, half.first) * quiet.length


def device_of(device_ids: list[int], institution_id: int, at: datetime, seed: bytes) -> int | None:
    """Which of the institution's devices the alarm is simulated for; None where it has none."""
    if not device_ids:
        return None
    share = draw(seed, "chain device", institution_id, at.astimezone(CHINA).date())
    return sorted(device_ids)[int(share * len(device_ids))]
