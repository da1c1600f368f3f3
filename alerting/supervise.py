"""Supervision of silence: devices, and whole institutions, that are no longer heard.

Judged by the server's clock. When an institution falls silent as a whole, that is said once, and its devices are not
reported one by one: their time starts again when the institution is heard again. A device that has never reported is
not lost: it has not been installed.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alerting.plan import Plan
from ingest.reading import Int64

NEVER = -1
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Presence:
    """Who has been heard when, in µs since 1970 of the server's clock (NEVER where not yet), and who counts as silent.

    seen_us, silent: one row a device. heard_again_us, institution_silent: one row an institution. Nothing is silent for
    its time before `since_us`, when we began to listen.
    """

    since_us: int
    seen_us: Int64
    silent: Bool
    heard_again_us: Int64
    institution_silent: Bool

    @classmethod
    def begin(cls, plan: Plan, since_us: int) -> "Presence":
        """Nobody heard yet."""
        devices, institutions = len(plan.device_id), len(plan.institution_id)
        return cls(
            since_us,
            np.full(devices, NEVER, np.int64),
            np.zeros(devices, np.bool_),
            np.full(institutions, NEVER, np.int64),
            np.zeros(institutions, np.bool_),
        )

    def listening_again(self, now_us: int) -> "Presence":
        """After we ourselves were deaf (no broker): everyone gets their time anew."""
        return replace(self, since_us=now_us)

    def not_after(self, now_us: int) -> "Presence":
        """After the clock was set back: what was heard at a time that is still to come was heard by now."""
        return replace(
            self,
            since_us=min(self.since_us, now_us),
            seen_us=np.minimum(self.seen_us, now_us),
            heard_again_us=np.minimum(self.heard_again_us, now_us),
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of devices and institutions that fell silent or were heard again, and since when they had been silent."""

    device_lost: Int64
    device_back: Int64
    institution_lost: Int64
    institution_back: Int64
    quiet_since_us: Int64  # one row a device
    institution_quiet_since_us: Int64  # one row an institution


def supervise(plan: Plan, presence: Presence, now_us: int) -> tuple[Presence, Changes]:
    """Who is silent at `now_us`."""
    presence = presence.not_after(now_us)
    known = presence.seen_us != NEVER
    heard_us = np.full(len(plan.institution_id), NEVER, np.int64)
    np.maximum.at(heard_us, plan.institution, presence.seen_us)
    institution_quiet_since = np.maximum(heard_us, presence.since_us)
    institution_silent = (heard_us != NEVER) & (now_us - institution_quiet_since > plan.institution_offline_us)
    institution_back = presence.institution_silent & ~institution_silent
    heard_again = np.where(institution_back, now_us, presence.heard_again_us)

    quiet_since = np.maximum(np.maximum(presence.seen_us, presence.since_us), heard_again[plan.institution])
    overdue = known & (now_us - quiet_since > plan.offline_us)
    heard = known & (now_us - presence.seen_us <= plan.offline_us)
    lost = overdue & ~presence.silent & ~institution_silent[plan.institution]
    back = presence.silent & heard
    after = replace(
        presence,
        silent=(presence.silent | lost) & ~back,
        heard_again_us=heard_again,
        institution_silent=institution_silent,
    )
    return after, Changes(
        lost.nonzero()[0],
        back.nonzero()[0],
        (institution_silent & ~presence.institution_silent).nonzero()[0],
        institution_back.nonzero()[0],
        quiet_since,
        institution_quiet_since,
    )
