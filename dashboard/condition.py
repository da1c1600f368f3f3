"""How a device or an institution is doing, told from its open alerts alone.

The engine decides what is offline or in alarm; the dashboard only reads its alerts, so that the page can never say
something else than the alarm list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from alerting.alert import Alert, Kind, Priority
from alerting.listing import OpenGroup


class Condition(StrEnum):
    """The worst first. `offline` stands before `warning`: of what is silent nothing is known."""

    ALARM = "alarm"
    OFFLINE = "offline"
    WARNING = "warning"
    NORMAL = "normal"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]


_RANKS: Final = {condition: rank for rank, condition in enumerate(Condition)}
TECHNICAL: Final = frozenset(
    {Kind.OFFLINE, Kind.LOW_BATTERY, Kind.SENSOR_FAULT}
)  # about the equipment, not about people
_ALARMING: Final = frozenset({Priority.CRITICAL, Priority.HIGH})


class Standing(NamedTuple):
    """What of an open alert matters here."""

    kind: Kind
    priority: Priority
    silent: bool  # an active offline alert of the very thing that is judged


@dataclass(frozen=True, slots=True)
class Summary:
    """An institution in figures."""

    condition: Condition
    offline_count: int
    open_alerts: dict[Priority, int]


def judge(standings: Iterable[Standing]) -> Condition:
    """The condition of the thing that has these open alerts."""
    worst = Condition.NORMAL
    for standing in standings:
        if standing.kind not in TECHNICAL and standing.priority in _ALARMING:
            return Condition.ALARM
        each = Condition.OFFLINE if standing.silent else Condition.WARNING
        worst = min(worst, each, key=lambda condition: condition.rank)
    return worst


def summarise(groups: Iterable[OpenGroup], device_count: int) -> Summary:
    """An institution of `device_count` devices, from its open alerts."""
    open_alerts = dict.fromkeys(Priority, 0)
    offline_count, standings = 0, []
    for group in groups:
        open_alerts[group.priority] += group.open_count
        silent = group.kind is Kind.OFFLINE and group.active
        offline_count += group.open_count if silent and not group.whole else 0
        standings.append(Standing(group.kind, group.priority, silent and group.whole))
    if any(standing.silent for standing in standings):
        offline_count = device_count
    condition = judge(standings)
    if condition is Condition.WARNING and 0 < device_count <= offline_count:
        condition = Condition.OFFLINE
    return Summary(condition, offline_count, open_alerts)


def of_devices(open_alerts: Iterable[Alert]) -> tuple[dict[int, Condition], Condition]:
    """The condition of each device that has an open alert, and of all others of the institution."""
    by_device: dict[int, list[Standing]] = {}
    whole_silent: list[Standing] = []
    for alert in open_alerts:
        if alert.drill:
            continue
        standing = Standing(alert.kind, alert.priority, alert.kind is Kind.OFFLINE and alert.active)
        if alert.source.device_id is not None:
            by_device.setdefault(alert.source.device_id, []).append(standing)
        elif standing.silent:
            whole_silent.append(standing)
    return {device: judge(own + whole_silent) for device, own in by_device.items()}, judge(whole_silent)
