"""Institutions spread over shards, and shards over workers. Pure (docs/scale-out.md).

A shard is a part of the institutions that is judged by itself: one session at the broker, one lock in the database. An
institution belongs to the shard that its code says, wherever it is asked. Workers agree on nothing but what the
database's locks show to all of them: who is alive, and which shards are claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final

COUNT_MAX: Final = 1000
TAKE_AFTER_S: Final = 1.0  # a shard is free for so long before another worker than its own takes it
SETTLE_S: Final = 1.0  # after a worker has come to the database; others may be about to
RESETTLE_S: Final = 5.0  # after it has lost the database: then so have the others, who want their shards back


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards, 0 to count - 1."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count <= COUNT_MAX:
            raise ValueError(f"there is no shard {self.number} of {self.count}")

    @property
    def whole(self) -> bool:
        """Whether there is no other one."""
        return self.count == 1

    def has(self, code: str) -> bool:
        """Whether the institution with this code belongs to it."""
        return self.whole or shard_of(code, self.count) == self.number


THE_ONE: Final = Shard(0, 1)  # as long as one pipeline serves everything


@lru_cache(maxsize=65_536)
def shard_of(code: str, count: int) -> int:
    """The shard of the institution with this code, of `count`: by a hash of the code alone, the same everywhere and for
    ever.

    >>> [shard_of(f"home-{number}", 4) for number in range(1, 9)]
    [3, 0, 2, 2, 2, 3, 1, 2]
    """
    return int.from_bytes(blake2b(code.encode(), digest_size=8).digest(), "big") % count


def fair_share(count: int, workers: Sequence[int], me: int) -> int:
    """How many of `count` shards are for the worker `me` among the `workers` that are alive, each by its number: shares
    differ by one at the most, and add up.

    >>> [fair_share(8, [7, 11, 30], worker) for worker in (7, 11, 30)]
    [3, 3, 2]
    """
    ranked = sorted({*workers, me})
    share, rest = divmod(count, len(ranked))
    return share + (ranked.index(me) < rest)


class Why(StrEnum):
    """Why a worker takes a shard or gives it back."""

    OURS = "it was ours before the database was away"
    SPOOLED = "what it has not stored yet lies on this machine"
    FREE = "nobody serves it"
    TO_SHARE = "another worker has fewer"
    TO_SPOOL = "another machine has what it has not stored yet"


@dataclass(frozen=True, slots=True)
class View:
    """What the database's locks show: the `workers` that are alive; the `claimed` shards and who has them; shards of
    which a worker has something in its `spools` that waits; the workers that say of themselves that they are `ill`."""

    workers: frozenset[int]
    claimed: Mapping[int, int]
    spools: Mapping[int, int]
    ill: frozenset[int] = frozenset()

    @property
    def fit(self) -> frozenset[int]:
        """Those who share: an ill one keeps what it has and takes no more. Where all are ill, it is a shard that is."""
        return (self.workers - self.ill) or self.workers


@dataclass(frozen=True, slots=True)
class Moves:
    """What a worker does next."""

    take: Mapping[int, Why] = field(default_factory=dict)
    give: Mapping[int, Why] = field(default_factory=dict)


class Sharing:
    """One worker's part in sharing `count` shards, `me` being its number. Times in monotonic seconds."""

    def __init__(self, count: int, me: int) -> None:
        self._count = count
        self._me = me
        self._free_since: dict[int, float] = {}
        self._settled_at_s = float("inf")

    def joined(self, now_s: float, *, again: bool) -> None:
        """We have come to the database; `again`, after it was away."""
        self._free_since.clear()
        self._settled_at_s = now_s + (RESETTLE_S if again else SETTLE_S)

    def moves(self, view: View, serving: frozenset[int], barred: frozenset[int], now_s: float) -> Moves:
        """What to take and to give back. `serving`: shards that we serve at the moment, claimed or not; `barred`: those
        with which we have just failed."""
        mine = {shard for shard, worker in view.claimed.items() if worker == self._me}
        free = {shard for shard in range(self._count) if shard not in view.claimed}
        self._free_since = {shard: self._free_since.get(shard, now_s) for shard in free}
        here = {shard for shard, worker in view.spools.items() if worker == self._me}
        elsewhere = {shard for shard, worker in view.spools.items() if worker != self._me and worker not in view.ill}

        give = dict.fromkeys(sorted(mine & elsewhere), Why.TO_SPOOL)
        kept = mine - give.keys()
        share = self._share(view, self._me) if self._me in view.fit else len(kept)
        # Only where it evens something out: to let a worker with one less have it would cost a warming for nothing.
        uneven = any(self._has(view, worker) <= len(kept) - 2 for worker in view.fit - {self._me})
        spare = sorted(kept - here, reverse=True)[: max(0, len(kept) - share)] if uneven else []
        give |= dict.fromkeys(spare, Why.TO_SHARE)

        take = dict.fromkeys(sorted(free & serving - elsewhere), Why.OURS)
        take |= dict.fromkeys(sorted((free & here) - take.keys() - barred), Why.SPOOLED)
        room = share - len(kept) - len(take)
        if now_s >= self._settled_at_s and room > 0:
            open_ = [
                shard
                for shard in sorted(free - take.keys() - elsewhere - barred)
                if now_s - self._free_since[shard] >= TAKE_AFTER_S
            ]
            take |= dict.fromkeys(open_[:room], Why.FREE)
        return Moves(take, give)

    def _share(self, view: View, worker: int) -> int:
        return fair_share(self._count, sorted(view.fit), worker)

    @staticmethod
    def _has(view: View, worker: int) -> int:
        return sum(owner == worker for owner in view.claimed.values())
