"""Keeping an alarm from calling people: by a person and for a time, or by design because another alarm says it all.

The terms are ISA-18.2's. A suppressed alert is still raised, stored and shown; it makes no sound and sends nothing, and
calls as if new when its suppression ends while it is unacknowledged. A decision is a Reason, which can be shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from alerting.alert import Alert, Kind, Priority


class Means(StrEnum):
    """How a person keeps alarms quiet."""

    SHELVE = "shelve"
    OUT_OF_SERVICE = "out_of_service"
    MAINTENANCE = "maintenance"


class Reason(StrEnum):
    """Why an alert calls nobody."""

    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"
    MAINTENANCE = "maintenance"
    CONFIRMED_FIRE = "confirmed_fire"
    INSTITUTION_OFFLINE = "institution_offline"
    POWER_LOSS = "power_loss"


LIFE_SAFETY: Final = frozenset({Kind.FIRE, Kind.GAS, Kind.CO, Kind.FALL, Kind.SOS})
# GB 20517-2025 lets a stand-alone smoke alarm be muted for 7 ± 1 hours only for its own fault signal; a fire overrides
# a mute. A life-safety alarm can therefore be shelved for a short time, and a new or worse condition breaks through.
SHELVE_LIFE_SAFETY_MAX: Final = timedelta(minutes=30)
SHELVE_MAX: Final = timedelta(hours=24)
OUT_OF_SERVICE_MAX: Final = timedelta(days=30)
_REASONS: Final = {
    Means.SHELVE: Reason.SHELVED,
    Means.OUT_OF_SERVICE: Reason.OUT_OF_SERVICE,
    Means.MAINTENANCE: Reason.MAINTENANCE,
}


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alarms of an institution, a zone or a device, of one kind or all, kept quiet from `from_at` until `until_at`."""

    id: int
    means: Means
    institution_id: int
    zone_id: int | None
    device_id: int | None
    alert_kind: Kind | None
    reason: str
    actor: str
    from_at: datetime
    until_at: datetime
    ended_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it holds at `now`."""
        end = self.until_at if self.ended_at is None else min(self.until_at, self.ended_at)
        return self.from_at <= now < end

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether it keeps `alert` quiet at `now`. A shelved life-safety alarm breaks through when it is raised again
        or gets worse after it was shelved."""
        source = alert.source
        if not self.in_force(now) or source.institution_id != self.institution_id:
            return False
        if self.alert_kind is not None and alert.kind is not self.alert_kind:
            return False
        if self.device_id is not None and source.device_id != self.device_id:
            return False
        if self.zone_id is not None and source.zone_id != self.zone_id:
            return False
        renewed = alert.kind in LIFE_SAFETY and alert.called_at > self.from_at
        return not (self.means is Means.SHELVE and renewed)


def duration_max(means: Means, alert_kind: Kind | None) -> timedelta:
    """The longest a person may keep such alarms quiet in one go."""
    if means is not Means.SHELVE:
        return OUT_OF_SERVICE_MAX
    return SHELVE_MAX if alert_kind is not None and alert_kind not in LIFE_SAFETY else SHELVE_LIFE_SAFETY_MAX


# Alerts of which kind an alert may keep quiet.
HIDES: Final = {Kind.FIRE: Kind.FIRE, Kind.OFFLINE: Kind.OFFLINE, Kind.POWER_LOSS: Kind.OFFLINE}


def may_hide(alert: Alert) -> bool:
    """Whether `alert` can keep another one quiet: only such need be given to why_quiet as `others`."""
    return alert.active and (
        (alert.kind is Kind.FIRE and alert.priority is Priority.CRITICAL)
        or (alert.kind is Kind.OFFLINE and alert.source.device_id is None)
        or alert.kind is Kind.POWER_LOSS
    )


def quiet_until(alert: Alert, suppressions: Iterable[Suppression], now: datetime) -> datetime | None:
    """When the last of the suppressions that keep `alert` quiet at `now` returns it, None where none does."""
    return max((each.until_at for each in suppressions if each.covers(alert, now)), default=None)


def why_quiet(
    alert: Alert, suppressions: Iterable[Suppression], others: Iterable[Alert], now: datetime
) -> Reason | None:
    """Why `alert` calls nobody at `now`, or None where it does. `others` are the open alerts of its institution."""
    for suppression in suppressions:
        if suppression.covers(alert, now):
            return _REASONS[suppression.means]
    for other in others:
        if other.id != alert.id and (reason := _hidden_by(alert, other)) is not None:
            return reason
    return None


def _hidden_by(alert: Alert, other: Alert) -> Reason | None:
    """A fire that is certain hides the early warnings beside it, where the place of both is known; a silent institution
    hides its silent devices, and so does a power cut, but not that the whole institution is silent: then nobody watches
    it. A drill hides nothing."""
    if not other.active or other.drill or other.source.institution_id != alert.source.institution_id:
        return None
    if (
        alert.kind is Kind.FIRE is other.kind
        and other.priority is Priority.CRITICAL
        and alert.priority is not Priority.CRITICAL
        and alert.source.zone_id is not None
        and alert.source.zone_id == other.source.zone_id
    ):
        return Reason.CONFIRMED_FIRE
    if alert.kind is Kind.OFFLINE and alert.source.device_id is not None:
        if other.kind is Kind.OFFLINE and other.source.device_id is None:
            return Reason.INSTITUTION_OFFLINE
        if other.kind is Kind.POWER_LOSS:
            return Reason.POWER_LOSS
    return None
