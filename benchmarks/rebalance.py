"""Workers that share shards, simulated: the rules that decide (ingest.shards), the real intervals of looking, and a
table of locks in place of the database. Pure; seeds are arguments.

A worker looks every LOOK_S seconds, out of step with the others. One that is killed loses its locks as its connection
ends; one whose machine vanishes loses them when the database has missed its answers, `vanish_s` later. A shard that is
taken is judged again `warm_s` later.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from ingest.shards import Moves, Sharing, View
from ingest.worker import LOOK_S

STEP_S = 0.01


@dataclass(slots=True)
class Simulated:
    """One worker."""

    number: int
    sharing: Sharing
    look_at_s: float
    serving: dict[int, float] = field(default_factory=dict)  # since when it judges
    leaving: dict[int, float] = field(default_factory=dict)  # when what it gives back has stopped


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that things take: to warm a shard until it is judged, and to stop serving it."""

    warm_s: float
    stop_s: float = 0.3


class Crew:
    """Workers of one installation of `count` shards, and the locks they see."""

    def __init__(self, count: int, timings: Timings, seed: int) -> None:
        self._count = count
        self._timings = timings
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._workers: dict[int, Simulated] = {}
        self._claimed: dict[int, int] = {}
        self._spools: dict[int, int] = {}
        self.now_s = 0.0
        self.moves = 0

    def hire(self) -> int:
        """A new worker comes; its number."""
        number = self._random.getrandbits(31)
        sharing = Sharing(self._count, number)
        sharing.joined(self.now_s, again=False)
        self._workers[number] = Simulated(number, sharing, self.now_s + self._random.uniform(0, LOOK_S))
        return number

    def kill(self, number: int, *, vanish_s: float = 0.0) -> None:
        """A worker dies, and its locks fall `vanish_s` later."""
        self._workers.pop(number)
        self._run_until(self.now_s + vanish_s)
        self._claimed = {shard: owner for shard, owner in self._claimed.items() if owner != number}
        self._spools = {shard: owner for shard, owner in self._spools.items() if owner != number}

    def restart_database(self) -> None:
        """All locks fall; every worker comes back with its next look."""
        self._claimed.clear()
        for each in self._workers.values():
            each.sharing.joined(self.now_s, again=True)

    def leave_spooled(self, number: int, shards: list[int]) -> None:
        """On that worker's machine something of these shards waits to be stored."""
        self._spools |= dict.fromkeys(shards, number)

    def bring_in(self, shard: int) -> None:
        """What waited of the shard is stored."""
        self._spools.pop(shard)

    @property
    def shares(self) -> dict[int, int]:
        """How many shards each worker judges."""
        return {each.number: len(each.serving) for each in self._workers.values()}

    def owner(self, shard: int) -> int | None:
        """Who has claimed the shard."""
        return self._claimed.get(shard)

    def settled(self) -> bool:
        """Whether every shard is judged by exactly one worker, and no two shares differ by more than one."""
        judged = [
            shard for each in self._workers.values() for shard, at_s in each.serving.items() if at_s <= self.now_s
        ]
        shares = list(self.shares.values())
        return sorted(judged) == list(range(self._count)) and max(shares) - min(shares) <= 1

    def settle(self, limit_s: float) -> float:
        """Run until it is `settled`; how long that took. Raises TimeoutError."""
        begun_s = self.now_s
        for _ in self._steps(begun_s + limit_s):
            if self.settled():
                return self.now_s - begun_s
        raise TimeoutError(f"{self.shares} after {limit_s:g} s")

    def _run_until(self, until_s: float) -> None:
        for _ in self._steps(until_s):
            pass

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self._run_until(self.now_s + seconds)

    def _steps(self, until_s: float) -> Iterator[None]:
        while self.now_s < until_s:
            self.now_s += STEP_S
            for each in self._workers.values():
                if self.now_s >= each.look_at_s:
                    each.look_at_s += LOOK_S
                    self._look(each)
            yield

    def _look(self, worker: Simulated) -> None:
        for shard in [shard for shard, at_s in worker.leaving.items() if self.now_s >= at_s]:
            del worker.leaving[shard], worker.serving[shard]
            if self._claimed.get(shard) == worker.number:
                del self._claimed[shard]
        view = View(frozenset(self._workers), dict(self._claimed), dict(self._spools))
        moves: Moves = worker.sharing.moves(view, frozenset(worker.serving), frozenset(), self.now_s)
        for shard in moves.take:
            if shard not in self._claimed:
                self._claimed[shard] = worker.number
                if shard not in worker.serving:
                    worker.serving[shard] = self.now_s + self._timings.warm_s
                    self.moves += 1
        lost = [shard for shard in worker.serving if self._claimed.get(shard, worker.number) != worker.number]
        for shard in [*moves.give, *lost]:
            worker.leaving.setdefault(shard, self.now_s + self._timings.stop_s)
