"""Drills (演练): what is measured of a simulated alarm on its way, and whether that was good enough.

All moments are of the database's clock, so that no two clocks are compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from alerting.alert import Alert, Kind


class Stage(StrEnum):
    """Where a drill has to arrive."""

    RAISED = "raised"  # the alert stands in the event log
    SHOWN = "shown"  # a page has drawn it
    PUSHED = "pushed"  # a provider has taken the first message
    ACKNOWLEDGED = "acknowledged"


class State(StrEnum):
    """How a drill went. `ended`: without a verdict, because something real was more important."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    ENDED = "ended"


class Reach(StrEnum):
    """How far a drill goes. Residents sleep when the chain is tested by itself."""

    ALL = "all"  # sound and escalation as with a real alarm
    SILENT_PUSH = "silent_push"  # no sound; the first step's messages only
    SCREEN = "screen"  # no sound, no messages


class Over(StrEnum):
    """Why a drill's alert was taken down."""

    ACKNOWLEDGED = "acknowledged"
    TIME_UP = "time_up"
    REAL_ALARM = "real_alarm"


class Reason(StrEnum):
    """Why a drill has its verdict."""

    ALL_IN_TIME = "all_in_time"
    STAGE_MISSED = "stage_missed"
    STAGE_LATE = "stage_late"
    REAL_ALARM = "real_alarm"


KINDS: Final = frozenset({Kind.FIRE, Kind.GAS, Kind.CO, Kind.FALL, Kind.SOS})  # what can be drilled
CLAUSES: Final = {
    Stage.RAISED: "Anhu",
    Stage.SHOWN: "GB 50440: ≤ 10 s",
    Stage.PUSHED: "Anhu",
    Stage.ACKNOWLEDGED: "Anhu",
}


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill as it was started. `limits`: seconds from the start by which a stage must be reached; a stage that is not
    in it is measured but not judged. Its alert has the drill's own id and is over after `limit_s` at the latest."""

    id: UUID
    institution_id: int
    device_id: int | None
    kind: Kind
    by: str
    scheduled: bool
    reach: Reach
    note: str
    limits: Mapping[Stage, float]
    limit_s: float
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """When the drill arrived where, as far as is known."""

    reached: Mapping[Stage, datetime]
    over: Over | None = None
    acknowledged_by: str | None = None


class Measured(NamedTuple):
    """One stage: `passed` is None where it is not judged."""

    stage: Stage
    seconds: float | None
    limit_s: float | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a drill, and why."""

    state: State
    reason: Reason
    stages: tuple[Measured, ...]


def judge(drill: Drill, seen: Observed, now: datetime) -> Verdict | None:
    """The verdict on `drill` at `now`; None while it is still under way.

    It is final when every stage that is judged has been reached, or can no longer be in time and the alert is down, or
    when the drill's whole time has passed. An acknowledgement spares the push: who has it in hand need not be told.
    """
    if seen.over is Over.REAL_ALARM:
        return Verdict(State.ENDED, Reason.REAL_ALARM, measured(drill, seen))
    elapsed_s = _seconds(drill, now)
    stages = measured(drill, seen)
    awaited = [each for each in stages if each.passed is not None and each.seconds is None]
    still_possible = any(each.limit_s is not None and elapsed_s <= each.limit_s for each in awaited)
    if awaited and elapsed_s < drill.limit_s and (still_possible or seen.over is None):
        return None
    if all(each.passed is not False for each in stages):
        return Verdict(State.PASSED, Reason.ALL_IN_TIME, stages)
    return Verdict(State.FAILED, Reason.STAGE_MISSED if awaited else Reason.STAGE_LATE, stages)


def reach_of(alert: Alert) -> Reach:
    """How far `alert` may go: a real one all the way."""
    return Reach(alert.evidence.get("reach", Reach.ALL)) if alert.drill else Reach.ALL


def measured(drill: Drill, seen: Observed) -> tuple[Measured, ...]:
    """Seconds from the start to each stage, beside its limit. A stage not reached counts as missed until it is."""
    found = []
    for stage in Stage:
        at, limit_s = seen.reached.get(stage), drill.limits.get(stage)
        if stage is Stage.PUSHED and at is None and Stage.ACKNOWLEDGED in seen.reached:
            limit_s = None
        seconds = None if at is None else _seconds(drill, at)
        passed = None if limit_s is None else seconds is not None and seconds <= limit_s
        found.append(Measured(stage, seconds, limit_s, passed))
    return tuple(found)


def report(drill: Drill, seen: Observed, verdict: Verdict, ended_at: datetime) -> dict[str, Any]:
    """The report that is filed: everything needed to read it without the database."""
    return {
        "drill_id": str(drill.id),
        "kind": drill.kind.value,
        "by": drill.by,
        "scheduled": drill.scheduled,
        "reach": drill.reach.value,
        "note": drill.note,
        "started_at": drill.started_at.isoformat(),
        "ended_at": ended_at.isoformat(),
        "state": verdict.state.value,
        "reason": verdict.reason.value,
        "acknowledged_by": seen.acknowledged_by,
        "stages": [
            {
                "stage": each.stage.value,
                "seconds": None if each.seconds is None else round(each.seconds, 3),
                "limit_s": each.limit_s,
                "passed": each.passed,
                "clause": CLAUSES[each.stage],
            }
            for each in verdict.stages
        ],
    }


def _seconds(drill: Drill, at: datetime) -> float:
    return (at - drill.started_at) / timedelta(seconds=1)
