"""First steps (接入步骤): from an empty system to a device that reports and a test alarm on the desk.

What is done is worked out from the data, never kept: one can stop anywhere, do a step in another way, and come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from alerting.drill import Stage
from alerting.drill import State as DrillState
from ingest.registry import Institution

if TYPE_CHECKING:  # records of stores, which this needs nothing else of
    from alerting.drill_store import Record
    from ingest.refused import DeadLetterEntry, UnclaimedEntry


class Step(StrEnum):
    """What has to be done, in the order in which it is easiest."""

    INSTITUTION = "institution"
    ZONES = "zones"
    CONNECT = "connect"  # the gateway's account, and its first message
    DEVICE = "device"  # registered, and reporting
    ALARM = "alarm"  # a test alarm, the whole way to the screen
    PEOPLE = "people"  # somebody who can be told


class Missing(StrEnum):
    """Why a step is not done."""

    NO_INSTITUTION = "no_institution"
    NO_ZONE = "no_zone"
    NOTHING_HEARD = "nothing_heard"
    REFUSED = "refused"  # a message came, and could not be read
    STRANGER = "stranger"  # a message came for an institution that is not registered
    NOT_REGISTERED = "not_registered"
    SILENT = "silent"  # registered, and no reading yet
    NOT_TRIED = "not_tried"
    UNDER_WAY = "under_way"
    NOT_SHOWN = "not_shown"
    NOBODY = "nobody"
    NO_CONTACT = "no_contact"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one institution, None where there is none. `heard_count` devices report without being
    registered; `reporting_at` is the newest reading of a registered one; `trial` the newest drill or test alarm that a
    person began. `refused` and `stranger` are messages that came and did not get there."""

    institution: Institution | None
    zone_count: int = 0
    heard_count: int = 0
    device_count: int = 0
    reporting_at: datetime | None = None
    refused: "DeadLetterEntry | None" = None
    stranger: "UnclaimedEntry | None" = None
    trial: "Record | None" = None
    responsible_count: int = 0  # people who may acknowledge an alarm there
    reachable_count: int = 0  # of those, with a contact


class Standing(NamedTuple):
    """One step: done, or what is missing."""

    step: Step
    missing: Missing | None

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return self.missing is None


def standings(facts: Facts) -> tuple[Standing, ...]:
    """Every step in order.

    >>> [each.missing.value for each in standings(Facts(None))][:3]
    ['no_institution', 'no_zone', 'nothing_heard']
    """
    institution = None if facts.institution else Missing.NO_INSTITUTION
    return (
        Standing(Step.INSTITUTION, institution),
        Standing(Step.ZONES, None if facts.zone_count else Missing.NO_ZONE),
        Standing(Step.CONNECT, _connect(facts)),
        Standing(Step.DEVICE, _device(facts)),
        Standing(Step.ALARM, _alarm(facts.trial)),
        Standing(Step.PEOPLE, _people(facts)),
    )


def complete(steps: Sequence[Standing]) -> bool:
    """Whether everything is done."""
    return all(each.done for each in steps)


def _connect(facts: Facts) -> Missing | None:
    if facts.heard_count or facts.reporting_at is not None:
        return None
    if facts.refused is not None:
        return Missing.REFUSED
    return Missing.NOTHING_HEARD if facts.stranger is None else Missing.STRANGER


def _device(facts: Facts) -> Missing | None:
    if not facts.device_count:
        return Missing.NOT_REGISTERED
    return None if facts.reporting_at is not None else Missing.SILENT


def _alarm(trial: "Record | None") -> Missing | None:
    if trial is None:
        return Missing.NOT_TRIED
    if Stage.SHOWN in trial.seen.reached:
        return None
    return Missing.UNDER_WAY if trial.state is DrillState.RUNNING else Missing.NOT_SHOWN


def _people(facts: Facts) -> Missing | None:
    if not facts.responsible_count:
        return Missing.NOBODY
    return None if facts.reachable_count else Missing.NO_CONTACT
