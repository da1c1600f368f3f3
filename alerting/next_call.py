"""Who is told next of an alert, and when, unless somebody acknowledges: foreseen from the ladder and the policy.

It climbs as the notifier will (alerting/climb.py), with the people, the rotations and the hours as they will be then,
and assumes that whoever is told does not answer and that no message fails for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerting import climb, oncall
from alerting.alert import Alert, State
from alerting.drill import Reach, reach_of
from alerting.escalation import Entry, Policy, Route
from alerting.ladder import Ending, Ladder
from alerting.oncall import Roster
from alerting.people import Person
from alerting.suppression import Reason as Quiet
from ingest.registry import Institution


class Reason(StrEnum):
    """Why nobody further is told; beside the reasons of a suppression (alerting.suppression.Reason)."""

    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    NO_ROUTE = "no_route"
    NOBODY_SET_UP = "nobody_set_up"
    SCREEN_ONLY = "screen_only"
    NOT_BEGUN = "not_begun"  # the notifier has not looked at this call of the alert yet
    FLAPPING = "flapping"
    POLICY_ENDED = "policy_ended"
    LAST_TOLD = "last_told"  # everybody has been told; the policy still waits for an answer


@dataclass(frozen=True, slots=True)
class NextCall:
    """That `people` are told at `at` by a step of the policy, for the first time or (`again`) once more."""

    at: datetime
    step: int
    again: bool
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next call, or the reason why there is none; `ends_at` is when the calling ends if nobody acknowledges, and
    `raises` whether that is then an alert of its own."""

    following: NextCall | None
    reason: Reason | Quiet | None
    ends_at: datetime | None = None
    raises: bool = False


def foresee(
    alert: Alert,
    ladder: Ladder | None,
    quiet: Quiet | None,
    policy: Policy,
    roster: Roster,
    institution: Institution | None,
    now: datetime,
) -> Forecast:
    """What becomes of the calling for `alert` from `now` on. `ladder` is that of its newest call, `quiet` why it is
    kept quiet, `roster` holds those who can be told. The order of the questions is that of alerting/notification.py."""
    route = policy.route(alert, institution.kind if institution else "")
    reason = _silent(alert, quiet, roster, route)
    if reason is not None or route is None:
        return Forecast(None, reason)
    if ladder is None or (ladder.running and ladder.called_at != alert.called_at and not ladder.flapping):
        return Forecast(None, Reason.NOT_BEGUN)
    if not ladder.running:
        ended = {Ending.FLAPPING: Reason.FLAPPING, Ending.POLICY_END: Reason.POLICY_ENDED}
        return Forecast(None, ended.get(ladder.ending or Ending.SUPERSEDED, Reason.NOT_BEGUN))
    if reach_of(alert) is not Reach.ALL:
        route = route.first_rung()
    following = _following(ladder, route, policy, roster, institution, now)
    return Forecast(
        following, None if following else Reason.LAST_TOLD, climb.end_at(ladder, route), route.raises_unanswered
    )


def _silent(alert: Alert, quiet: Quiet | None, roster: Roster, route: Route | None) -> Reason | Quiet | None:
    if alert.acknowledged:
        return Reason.ACKNOWLEDGED
    if not alert.open:
        return Reason.CLEARED
    if quiet is not None:
        return quiet
    if not roster.persons:
        return Reason.NOBODY_SET_UP
    if reach_of(alert) is Reach.SCREEN:
        return Reason.SCREEN_ONLY
    if route is None:
        return Reason.NO_ROUTE
    return Reason.CLEARED if alert.state is State.RTN_UNACKED and not route.after_clear else None


def _following(
    ladder: Ladder, route: Route, policy: Policy, roster: Roster, institution: Institution | None, now: datetime
) -> NextCall | None:
    """The first of the steps that are left which will find somebody."""
    at = now
    while entries := climb.left(ladder, route):
        at = max(at, min(climb.due_at(ladder, entry) for entry in entries))
        quiet_until = policy.hours.quiet_until(at) if route.quiet_hours else None
        at = quiet_until or at
        occasion = policy.hours.occasion(at)
        told: list[Entry] = []
        people: dict[int, Person] = {}
        while due := climb.due(ladder, route, at):
            meant = [entry for entry in due if occasion in entry.step.at]
            found = _people(meant, roster, institution, at)
            ladder = replace(ladder, done=ladder.done | {(entry.step.number, entry.round) for entry in due})
            if meant and not found:
                ladder = climb.ahead(ladder, route, at)
            elif found:
                told += meant
                people.update(found)
        if told:
            first = told[0]
            return NextCall(at, first.step.number, first.round > 0, tuple(people[number] for number in sorted(people)))
    return None


def _people(
    entries: Sequence[Entry], roster: Roster, institution: Institution | None, at: datetime
) -> dict[int, Person]:
    targets = dict.fromkeys(target for entry in entries for target in entry.step.to)
    return {person.id: person for target in targets for person in oncall.find(roster, target, institution, at)[0]}
