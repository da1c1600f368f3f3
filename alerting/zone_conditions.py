"""What holds in a zone while a batch is judged: conditions as they stood before it, and each change on top.

A delay or a hold of another point in the zone may have run out before a change and not been looked at yet. It did so at
its own moment all the same, so `due` tells of it first: what a combination sees depends on the readings, not on which
of them were judged together. How far a zone's time has been told is remembered (State.told_us).
"""

from collections.abc import Iterator

import numpy as np

from alerting.alert import Verb
from alerting.confirm import Held
from alerting.engine_state import Patch, State
from alerting.latch import NEVER, Latch
from ingest.reading import Int32

_FAR: int = np.iinfo(np.int64).max


class ZoneConditions:
    """The conditions that count in combinations, zone by zone (rows of the plan): `state` before the batch, `patch`
    with the watches' rows after it."""

    def __init__(self, state: State, patch: Patch) -> None:
        self._state = state
        self._patch = patch
        self._watches: dict[int, set[int]] = {}
        self._waiting: dict[int, list[tuple[int, int, Verb]]] = {}

    def change(self, zone: int, watch: int, verb: Verb) -> None:
        """A condition began or ended."""
        held = self._held(zone)
        if verb is Verb.RAISE:
            held.add(watch)
        else:
            held.discard(watch)

    def held(self, zone: int) -> list[Held]:
        """What holds now, in the order of the plan's watches."""
        plan = self._state.plan
        return [
            Held(int(plan.device_id[plan.device[plan.slot[watch]]]), plan.rule_of(watch).id)
            for watch in sorted(self._held(zone))
        ]

    def due(self, zone: int, until_us: int) -> Iterator[tuple[int, int, Verb]]:
        """What ran out in the zone by `until_us` and has not been told yet, as (when, watch, what), once."""
        self._held(zone)
        waiting = self._waiting[zone]
        while waiting and waiting[0][0] <= until_us:
            yield waiting.pop(0)
        told_us = max(self._patch.told_us.get(zone, NEVER), int(self._state.told_us[zone]))
        if until_us > told_us:
            self._patch.told_us[zone] = until_us

    def _held(self, zone: int) -> set[int]:
        if zone not in self._watches:
            members = self._state.plan.members(zone)
            before = self._state.latch.take(members)
            held = self._watches[zone] = set(members[before.active].tolist())
            told_us = int(self._state.told_us[zone])
            for due_us, watch, verb in self._pending(members, before):
                if due_us <= told_us:
                    (held.add if verb is Verb.RAISE else held.discard)(watch)
            self._waiting[zone] = [each for each in self._pending(members, self._after(members)) if each[0] > told_us]
        return self._watches[zone]

    def _pending(self, watches: Int32, rows: Latch) -> list[tuple[int, int, Verb]]:
        """The next thing time will bring about for each of `watches`, whose rows these are, soonest first."""
        limits = self._state.plan.limits(watches)
        off = np.where(rows.within_us != NEVER, rows.within_us + limits.off_delay_us, _FAR)
        hold = np.where((limits.hold_us > 0) & (rows.beyond_us != NEVER), rows.beyond_us + limits.hold_us, _FAR)
        on = rows.since_us + limits.on_delay_us
        begins = ~rows.active & (rows.since_us != NEVER) & (rows.samples >= limits.samples_min) & (on < hold)
        ends = rows.active & (np.minimum(off, hold) < _FAR)
        found = [(int(on[row]), int(watches[row]), Verb.RAISE) for row in np.flatnonzero(begins)]
        found += [(int(min(off[row], hold[row])), int(watches[row]), Verb.CLEAR) for row in np.flatnonzero(ends)]
        return sorted(found)

    def _after(self, watches: Int32) -> Latch:
        """The rows of `watches` as this batch leaves them."""
        rows = self._state.latch.take(watches)
        if self._patch.watches is not None and self._patch.latch is not None:
            _, mine, theirs = np.intersect1d(watches, self._patch.watches, assume_unique=True, return_indices=True)
            rows.put(mine, self._patch.latch.take(theirs))
        return rows
