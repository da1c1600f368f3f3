"""How far the calling for an alert has got: a ladder for each call, and a telling for each person it reaches."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

FLAPPING_STEP: Final = 0  # a policy's steps count from 1: this one says that the alert is flapping


class Ending(StrEnum):
    """Why nobody further is called."""

    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"  # returned to normal, and the route does not insist
    SUPPRESSED = "suppressed"
    FLAPPING = "flapping"  # said once; calls again when it has been calm
    SUPERSEDED = "superseded"  # by a new call of the same alert
    NO_ROUTE = "no_route"
    POLICY_END = "policy_end"  # nobody acknowledged
    ANSWERED_LATE = "answered_late"  # acknowledged after the end


@dataclass(frozen=True, slots=True)
class Ladder:
    """The calling for one call of an alert. Times in seconds count from `begun_at`.

    `done`: the steps that are done, each with its round. `ahead_s`: how much earlier the first rounds of the others
    come, because a step found nobody. `raised` are the latest times at which the alert called, which tell whether it
    flaps.
    """

    alert_id: UUID
    call: int
    called_at: datetime
    begun_at: datetime
    done: frozenset[tuple[int, int]] = frozenset()
    ahead_s: float = 0.0
    flapping: bool = False
    raised: tuple[datetime, ...] = ()
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def running(self) -> bool:
        """Whether people are still being called."""
        return self.ended_at is None


class TellingKey(NamedTuple):
    """Nobody is told the same thing twice: one telling for each of these."""

    alert_id: UUID
    call: int
    step: int
    round: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Telling:
    """That a person is to know of an alert. Held back until `hold_until` to go with others, then part of a push."""

    key: TellingKey
    at: datetime
    channels: frozenset[str] = frozenset()
    every_channel: bool = False
    hold_until: datetime | None = None
    push_id: UUID | None = None
    dropped: bool = False

    @property
    def held(self) -> bool:
        """Whether it still waits to be part of a push."""
        return self.push_id is None and not self.dropped
