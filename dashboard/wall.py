"""What the supervision wall knows of each institution at one moment, in order of risk.

Each kind of record is asked once for all institutions, however many there are; what is open is judged as on every other
page (condition.py, suppression.py), so that the wall can never say something else than the duty desk.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from alerting import calling_store, listing
from alerting.alert import Alert, Priority
from alerting.listing import OpenGroup
from dashboard import condition
from dashboard.condition import TECHNICAL, Condition, Summary
from ingest import directory
from ingest.database import Connection
from ingest.directory import InstitutionEntry
from inspection import hazard_list_store, institution_file_store, risk_order, risk_store
from inspection.checklist import Level
from inspection.hazard_list_store import PlaceFigures
from inspection.institution_file_operate import today
from inspection.institution_file_store import FireStanding
from inspection.risk_order import Overdue, Reason, Standing, Waiting
from inspection.risk_store import Credit

_CHINA: Final = timedelta(hours=8)
_NO_CREDIT: Final = Credit(0, None, 1.0, None)


class WallState(StrEnum):
    """How an institution is drawn, the worst first."""

    ALARM = "alarm"
    MAJOR_OVERDUE = "major_overdue"
    OFFLINE = "offline"
    WARNING = "warning"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Placed:
    """An institution in the order of risk; `rank` is 1 for the first."""

    rank: int
    entry: InstitutionEntry
    summary: Summary
    standing: Standing
    reasons: tuple[Reason, ...]

    @property
    def state(self) -> WallState:
        """As it is drawn: the first three follow the order of risk, which has their criteria first."""
        if self.summary.condition is Condition.ALARM:
            return WallState.ALARM
        return WallState.MAJOR_OVERDUE if self.standing.major_overdue.count else WallState(self.summary.condition)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the order of risk rests on, and what else the wall counts of it."""

    placed: list[Placed]
    calling: list[Alert]
    groups: list[OpenGroup]
    hazards: list[PlaceFigures]
    fire: list[FireStanding]


def gather(connection: Connection, within: Collection[int] | None, now: datetime) -> Facts:
    """Of these institutions, or (None) of all, at `now`."""
    entries = directory.institutions(connection, within)
    groups = [each for each in listing.open_groups(connection, within) if each.institution_id is not None]
    calling = calling_store.calling(connection, within, now)
    hazards = hazard_list_store.by_place(connection, within, now)
    fire = institution_file_store.fire_standings(connection, within)
    credit = {each.institution_id: each for each in risk_store.credit_of(connection, within)}
    by_place: dict[int | None, list[OpenGroup]] = {}
    for group in groups:
        by_place.setdefault(group.institution_id, []).append(group)
    heard: dict[int | None, list[Alert]] = {}
    for alert in calling:
        if alert.kind not in TECHNICAL:
            heard.setdefault(alert.source.institution_id, []).append(alert)
    found = {(each.institution_id, each.level): each for each in hazards}
    gaps = {each.institution_id: each for each in fire}
    known = {each.id: (each, condition.summarise(by_place.get(each.id, []), each.device_count)) for each in entries}
    ordered = risk_order.in_order(
        Standing(
            entry.id,
            entry.code,
            critical=alarms_of(Priority.CRITICAL, by_place.get(entry.id, []), heard.get(entry.id, [])),
            high=alarms_of(Priority.HIGH, by_place.get(entry.id, []), heard.get(entry.id, [])),
            major_overdue=_overdue(found.get((entry.id, Level.MAJOR))),
            major_open=_open(found.get((entry.id, Level.MAJOR))),
            overdue=_overdue(found.get((entry.id, Level.GENERAL))),
            list_kind=credit.get(entry.id, _NO_CREDIT).list_kind,
            grade=credit.get(entry.id, _NO_CREDIT).grade,
            grade_weight=credit.get(entry.id, _NO_CREDIT).grade_weight,
            fire_overdue=_gaps(gaps.get(entry.id), now),
            device_count=entry.device_count,
            offline_count=min(summary.offline_count, entry.device_count),
        )
        for entry, summary in known.values()
    )
    placed = [
        Placed(rank, *known[standing.institution_id], standing, reasons)
        for rank, (standing, reasons) in enumerate(ordered, start=1)
    ]
    return Facts(placed, calling, groups, hazards, fire)


def alarms_of(priority: Priority, groups: Collection[OpenGroup], calling: Collection[Alert]) -> Waiting:
    """The alarms of `priority` at one institution, of which `calling` are those nobody has taken on."""
    count = sum(each.open_count for each in groups if each.priority is priority and each.kind not in TECHNICAL)
    since = [each.called_at for each in calling if each.priority is priority]
    return Waiting(len(since), min(since, default=None), count - len(since))


def _overdue(found: PlaceFigures | None) -> Overdue:
    return Overdue(found.overdue, found.overdue_since) if found else Overdue()


def _open(found: PlaceFigures | None) -> int:
    """Those that are not overdue."""
    return found.open - found.overdue if found else 0


def _gaps(found: FireStanding | None, now: datetime) -> Overdue:
    """The open gaps of an institution whose first day has passed; overdue since that day ended in China."""
    if found is None or found.due_on is None or found.due_on >= today(now):
        return Overdue()
    ended = datetime.combine(found.due_on + timedelta(days=1), time(), UTC) - _CHINA
    return Overdue(found.open_count, ended)
