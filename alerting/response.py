"""How fast people answer alarms, held against what the escalation policy in force expects of them.

The policy names no target of its own. What it does name is when it stops waiting for those who were told first and
calls the next: who acknowledges before then has answered in time. An alarm that nobody has acknowledged waits longer
than every other one; left out, it would make the median better the longer it is left alone.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from alerting.alert import Kind, Priority
from alerting.escalation import Policy, Route
from ingest.registry import INSTITUTION_KINDS


class Target(NamedTuple):
    """Alerts of that sort are to be acknowledged within `within_s` seconds of their call."""

    kind: Kind
    priority: Priority
    institution_kind: str
    within_s: float


@dataclass(frozen=True, slots=True)
class Response:
    """The alerts of one priority raised in some time: how many, how many of them in its last 24 hours, how many
    somebody acknowledged, after how many seconds half and nine tenths of all were (None: not yet), and how many of the
    `due` ones were within their target. Due is what was acknowledged, or whose target has passed."""

    priority: Priority
    raised: int
    raised_24h: int
    acknowledged: int
    median_s: float | None
    p90_s: float | None
    due: int
    in_time: int

    @property
    def share(self) -> float | None:
        """Of the due ones, those in time; None where nothing was due."""
        return self.in_time / self.due if self.due else None


def target_s(route: Route) -> float:
    """The first moment at which the route calls somebody who was not called at its beginning, s; its end where it
    calls nobody further."""
    return min((step.after_s for step in route.steps if step.after_s > 0), default=route.end_s)


def targets(policy: Policy) -> list[Target]:
    """Of every sort of alert that a route of `policy` takes, the first that fits."""
    found = []
    for kind in Kind:
        for priority in Priority:
            for institution_kind in INSTITUTION_KINDS:
                route = policy.route_of(kind, priority, institution_kind)
                if route is not None:
                    found.append(Target(kind, priority, institution_kind, target_s(route)))
    return found


def finite(wait_s: float | None) -> float | None:
    """None for an endless wait: so large a share of the alarms is still waiting."""
    return None if wait_s is None or math.isinf(wait_s) else wait_s
