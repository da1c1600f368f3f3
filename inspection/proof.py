"""Proof of rectification by data: what the sensor did since a hazard was said to be rectified.

Only a hazard that a sensor rule opened is judged; it cannot pass its recheck, nor be closed, until the reason is
PROVEN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from inspection.hazard import PROVEN

_READINGS_MIN: Final = 1


class Reason(StrEnum):
    """What the data say."""

    PROVEN = PROVEN
    NOT_RECTIFIED = "not_rectified"  # nobody has said yet that it is
    STILL_FAILING = "still_failing"  # the alert's condition holds
    FAILED_AGAIN = "failed_again"  # it was raised again since the rectification
    SILENT = "silent"  # the device has not reported since, so nothing is known
    TOO_SOON = "too_soon"  # well until now, and not yet for as long as the policy asks


@dataclass(frozen=True, slots=True)
class Facts:
    """What is on record of the device, or of the institution, since `rectified_at` (None: not yet). `readings` are good
    readings of the device, `raised` the alerts of this kind raised since; `well_since` is when the last one ended."""

    rectified_at: datetime | None
    has_device: bool
    active: bool
    raised: int
    well_since: datetime | None
    readings: int
    last_reading_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict with the figures it rests on; `enough_at` is when TOO_SOON ends if nothing happens."""

    reason: Reason
    facts: Facts
    observe_hours: float
    enough_at: datetime | None

    @property
    def holds(self) -> bool:
        """Whether a recheck may pass."""
        return self.reason is Reason.PROVEN

    def body(self) -> Mapping[str, Any]:
        """As it is kept with the event it was asked for."""
        facts = self.facts
        return {
            "reason": self.reason.value,
            "active": facts.active,
            "raised": facts.raised,
            "readings": facts.readings,
            "last_reading_at": facts.last_reading_at.isoformat() if facts.last_reading_at else None,
            "observe_hours": self.observe_hours,
        }


def prove(facts: Facts, observe_hours: float, now: datetime) -> Proof:
    """Judge `facts` at `now`. The time of being well counts from the rectification, or from the end of the last alert
    where that came later."""
    if facts.rectified_at is None:
        return Proof(Reason.NOT_RECTIFIED, facts, observe_hours, None)
    begun = max(facts.rectified_at, facts.well_since or facts.rectified_at)
    enough_at = begun + timedelta(hours=observe_hours)
    if facts.active:
        reason = Reason.STILL_FAILING
    elif facts.raised:
        reason = Reason.FAILED_AGAIN
    elif facts.has_device and facts.readings < _READINGS_MIN:
        reason = Reason.SILENT
    elif now < enough_at:
        reason = Reason.TOO_SOON
    else:
        reason = Reason.PROVEN
    return Proof(reason, facts, observe_hours, enough_at)
