"""Where a ladder stands in its policy's route: what is left of it, what is due, what comes sooner.

The notifier's decision climbs by these, and the forecast of who is told next (alerting/next_call.py) foresees by them.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from alerting.escalation import Entry, Route
from alerting.ladder import Ladder


def left(ladder: Ladder, route: Route) -> list[Entry]:
    """What is left of the ladder, in the policy's order."""
    return [entry for entry in route.entries() if (entry.step.number, entry.round) not in ladder.done]


def due_at(ladder: Ladder, entry: Entry) -> datetime:
    """When an entry is due; only a step's first round comes earlier where others found nobody."""
    after_s = entry.after_s if entry.round else max(0.0, entry.after_s - ladder.ahead_s)
    return ladder.begun_at + timedelta(seconds=after_s)


def due(ladder: Ladder, route: Route, now: datetime) -> list[Entry]:
    """The steps that are due first, of those that are due: one moment of the policy after the other."""
    found = [entry for entry in left(ladder, route) if due_at(ladder, entry) <= now]
    return [entry for entry in found if entry.after_s == found[0].after_s]


def ahead(ladder: Ladder, route: Route, now: datetime) -> Ladder:
    """Nobody could be told: let the next step come now, but no repetition of one before."""
    following = next((entry for entry in left(ladder, route) if not entry.round), None)
    if following is None:
        return ladder
    elapsed_s = (now - ladder.begun_at).total_seconds()
    return replace(ladder, ahead_s=max(ladder.ahead_s, following.after_s - elapsed_s))


def end_at(ladder: Ladder, route: Route) -> datetime:
    """When the calling ends without an acknowledgement."""
    return ladder.begun_at + timedelta(seconds=route.end_s)
