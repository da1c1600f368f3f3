"""Running a rating: read the facts, have the pure core rate them, keep the result; work a stored run out again; compare
two policies over the past; and the worker that rates by night."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog

from alerting.hours import last_night
from alerting.self_failure import WAIT_S, SelfFailure, Words
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable
from inspection import credit_night, evidence_store, rating_store
from inspection.errors import RatingRefused
from inspection.rating import Rating, rate
from inspection.rating_policy import RatingPolicy, parse, shipped_text
from inspection.rating_store import Run

DEFAULT: Final = "base80"
ENGINE: Final = "policy"
RULE: Final = "self.ratings"
WORDS: Final = Words(
    "安全信用评价恢复正常", "The safety credit rating works again",
    "安全信用评价计算失败", "The safety credit rating fails",
)  # fmt: skip

log = structlog.get_logger("inspection.rating_run")


def in_force(connection: Connection) -> tuple[int, RatingPolicy]:
    """The policy in force with its id; where none is, the one that ships is put in force. Raises
    RatingPolicyInvalid."""
    found = rating_store.load_policy(connection)
    if found is None:
        text = shipped_text(DEFAULT)
        rating_store.save_policy(connection, parse(text), text, "anhu: first start")
        found = rating_store.load_policy(connection)
    if found is None:
        raise RuntimeError("the policy just saved is not there")
    return found


def rated(
    connection: Connection, policy: RatingPolicy, as_of: datetime, ids: Collection[int] | None = None
) -> list[Rating]:
    """What `policy` makes of the institutions `ids`, None: of all, by what was on record at `as_of`."""
    facts = evidence_store.facts(connection, policy, as_of, ids)
    return rate(policy, facts, evidence_store.institutions(connection, as_of, ids), as_of)


def run(
    connection: Connection, as_of: datetime | None, kind: str, actor: str, ids: Collection[int] | None = None
) -> tuple[Run, int]:
    """Rate by the policy in force and keep it, in the caller's transaction; the run and how many it rated. None for
    `as_of` is the newest settled moment. Raises RatingRefused for a moment that is not settled yet,
    RatingPolicyInvalid."""
    settled = rating_store.settled(connection)
    moment = as_of or settled
    if moment > settled:
        raise RatingRefused(f"what happened up to {moment.isoformat()} is not all on record yet")
    policy_id, policy = in_force(connection)
    made = rated(connection, policy, moment, ids)
    number = rating_store.save_run(connection, policy_id, policy, moment, kind, actor, made)
    log.info("rated", run=number, as_of=moment.isoformat(), institutions=len(made), kind=kind)
    return Run(number, moment, policy_id, kind, actor), len(made)


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored rating that the evidence does not give again; None where one side has none."""

    run_id: int
    institution_id: int
    stored: Rating | None
    again: Rating | None


def verify(connection: Connection, found: Run) -> tuple[int, list[Difference]]:
    """Work a stored run out again from the evidence as of then: how many ratings it has, and those that differ."""
    stored = {each.institution_id: each for each in rating_store.ratings_of_run(connection, found.id)}
    policy = rating_store.policy(connection, found.policy_id)
    everybody = None if found.kind == "night" else list(stored)
    again = {each.institution_id: each for each in rated(connection, policy, found.as_of, everybody)}
    return len(stored), [
        Difference(found.id, number, stored.get(number), again.get(number))
        for number in sorted(stored.keys() | again.keys())
        if stored.get(number) != again.get(number)
    ]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies at one moment: how many institutions go from which grade to which, and the mean of their scores
    (points)."""

    as_of: datetime
    moves: Counter[tuple[str, str]]
    old_mean: float
    new_mean: float
    changed: tuple[tuple[Rating, Rating], ...]


def backtest(
    connection: Connection, old: RatingPolicy, new: RatingPolicy, first: datetime, last: datetime, every: timedelta
) -> Iterator[Comparison]:
    """Both policies at `first`, and every so often up to `last`, each by what was on record then. `changed` are those
    whose grade has another name, the largest difference in points first."""
    moment = first
    while moment <= last:
        pairs = list(zip(rated(connection, old, moment), rated(connection, new, moment), strict=True))
        changed = [pair for pair in pairs if pair[0].grade != pair[1].grade]
        yield Comparison(
            moment,
            Counter((was.grade, now.grade) for was, now in pairs),
            _mean([was.score for was, _ in pairs]),
            _mean([now.score for _, now in pairs]),
            tuple(sorted(changed, key=lambda pair: (-abs(pair[1].score - pair[0].score), pair[0].institution_id))),
        )
        moment += every


def _mean(scores: list[int]) -> float:
    return sum(scores) / len(scores) / 100 if scores else 0.0


def work(connection: Connection, now: datetime) -> None:
    """What is due at `now`: the night's rating, and those whom the policy rates at once. The connection commits by
    itself."""
    with connection.transaction():
        _, policy = in_force(connection)
    night, settled = last_night(now, policy.night_hour), rating_store.settled(connection)
    if night <= settled and not rating_store.night_is_rated(connection, night):
        with connection.transaction():
            run(connection, night, "night", ENGINE)
    settled = rating_store.settled(connection)
    for number in rating_store.to_rate_at_once(connection, policy.regrade_at_once, settled):
        with connection.transaction():
            run(connection, settled, "demand", ENGINE, [number])


class Nightly:
    """The worker that rates by night; of several one works, the others wait to take over.

    Whatever keeps it from rating is told by the alert about ourselves.
    """

    def __init__(self, database_url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database_url = database_url
        self._clock = clock
        self._failure = SelfFailure(RULE, WORDS)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; while the database is away, try again."""
        while not stop.is_set():
            try:
                with connect(self._database_url, autocommit=True, application="anhu ratings") as connection:
                    while not stop.is_set():
                        if rating_store.lead(connection):
                            self.look(connection)
                        stop.wait(self._failure.wait_s)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("not rated now", error_type=type(error).__name__, error=str(error))
                stop.wait(WAIT_S)

    def look(self, connection: Connection) -> None:
        """Rate what is due; see SelfFailure.attempt."""
        now = self._clock()

        def due() -> None:
            work(connection, now)
            credit_night.work(connection, now)

        self._failure.attempt(connection, now, due)
