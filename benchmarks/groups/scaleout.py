"""Growing by workers: the judging of one, two and four of them, and the sharing of 64 shards, simulated."""

import os
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.figures import Figure, percentile
from benchmarks.judging_share import Share, judge_share
from benchmarks.rebalance import Crew, Timings
from benchmarks.stage import Child, Stage
from ingest.shards import Shard, fair_share, shard_of

WORKERS: Final = (1, 2, 4)
SHARDS: Final = 8
SECONDS: Final = 4.0
ROUNDS: Final = 3
LINEAR_MIN: Final = 0.85

INSTITUTIONS: Final = 40_000
MANY: Final = 64
CREW: Final = 8
SEED: Final = 7
TRIALS: Final = 40
WARM_S: Final = 3.0  # of a shard: 2.5 s of CPU were measured with 37,000 devices (docs/scale-out.md)
VANISH_S: Final = 4.0  # until the database misses a machine that is gone (ingest/shard_store.py: FAST_SESSION)
LARGEST_MAX: Final = 1.15
REBALANCED_S_MAX: Final = 10.0


def run(stage: Stage) -> list[Figure]:
    """Judging by workers, then the simulation."""
    return [*_judging(stage), *_spread(), *_rebalancing()]


def _judging(stage: Stage) -> list[Figure]:
    cores = os.cpu_count() or 1
    best: dict[int, list[Share]] = {}
    for _ in range(ROUNDS):  # in turn, so that a busy neighbour does not meet one of them alone
        for workers in WORKERS:
            shares = _judge(workers)
            if workers not in best or _rate(shares) > _rate(best[workers]):
                best[workers] = shares
    figures = []
    for workers, shares in best.items():
        rate, cost_us = _rate(shares), _cost_us(shares)
        useful = min(workers, cores)
        linear = rate / _rate(best[1]) / useful
        by_cpu = _cost_us(best[1]) / cost_us
        stage.say(
            f"  {workers} workers, {cores} cores: {rate:,.0f} readings/s, {cost_us:.2f} us of CPU each;"
            f" {linear:.2f} of linear, {by_cpu:.2f} by CPU time"
        )
        figures += [
            Figure(f"scaleout.readings_per_s.{workers}_workers", rate, "readings/s", useful * _rate(best[1])),
            Figure(f"scaleout.cpu_us_per_reading.{workers}_workers", cost_us, "us", _cost_us(best[1]) / LINEAR_MIN),
        ]
    return figures


def _judge(workers: int) -> list[Share]:
    shards = [Shard(number, SHARDS) for number in range(SHARDS)]
    names = list(range(workers))
    with ExitStack() as stack:
        children = []
        for worker in names:
            mine, shards = shards[: (count := fair_share(SHARDS, names, worker))], shards[count:]
            children.append(stack.enter_context(Child(judge_share, mine, SECONDS)))
        for child in children:
            child.ready()
        for child in children:
            child.tell("go")
        return [child.answer(SECONDS + 60) for child in children]


def _rate(shares: Sequence[Share]) -> float:
    return sum(each.readings / each.wall_s for each in shares)


def _cost_us(shares: Sequence[Share]) -> float:
    return 1e6 * sum(each.cpu_s for each in shares) / sum(each.readings for each in shares)


def _spread() -> list[Figure]:
    """How much more than the mean the largest shard has. Sizes are drawn as homes have beds: a median of 60 devices, a
    long tail up to 2,000."""
    rng = random.Random(SEED)  # noqa: S311 - sizes of a simulation
    homes, devices = Counter[int](), Counter[int]()
    for number in range(INSTITUTIONS):
        region = 110_000 + rng.randrange(540_000)
        shard = shard_of(f"{region}-{number:05d}", MANY)
        homes[shard] += 1
        devices[shard] += min(2_000, max(5, round(rng.lognormvariate(4.1, 0.8))))
    return [
        Figure("scaleout.largest_shard.institutions", _largest(homes), "of the mean", LARGEST_MAX),
        Figure("scaleout.largest_shard.devices", _largest(devices), "of the mean", LARGEST_MAX),
    ]


def _largest(counts: Counter[int]) -> float:
    return max(counts.values()) / (counts.total() / MANY)


def _rebalancing() -> list[Figure]:
    """How long until all shards are judged again and shared fairly, after a worker was killed, and after its machine
    vanished; then how many shards a worker that comes takes from others."""
    killed: list[float] = []
    vanished: list[float] = []
    for trial in range(TRIALS):
        for found, vanish_s in ((killed, 0.0), (vanished, VANISH_S)):
            crew = Crew(MANY, Timings(WARM_S), SEED + trial)
            hired = [crew.hire() for _ in range(CREW)]
            crew.settle(30.0)
            begun_s = crew.now_s
            crew.kill(hired[trial % CREW], vanish_s=vanish_s)
            crew.settle(30.0)
            found.append(crew.now_s - begun_s)
    crew = Crew(MANY, Timings(WARM_S), SEED)
    for _ in range(CREW):
        crew.hire()
    crew.settle(30.0)
    before = crew.moves
    crew.hire()
    crew.settle(30.0)
    return [
        Figure("scaleout.rebalanced_s.killed", percentile(killed, 100), "s", REBALANCED_S_MAX),
        Figure("scaleout.rebalanced_s.vanished", percentile(vanished, 100), "s", REBALANCED_S_MAX),
        Figure("scaleout.moved_shards.one_more_worker", crew.moves - before, "shards", MANY / (CREW + 1) + 1),
    ]
