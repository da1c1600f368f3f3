"""A worker: one process's fair share of the shards, each in a thread of its own (docs/decisions/0022-shards.md).

What the workers know of each other they see in the database's locks: a connection of this worker's own holds one that
says that it lives, and one for each shard that it has claimed. It serves what it has claimed, whether or not the
database is there, until another worker has claimed it. (That is not what keeps two from writing: for that, each
pipeline's own connection holds the shard's own lock, as the only one does where there are no shards.)
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from ingest import shard_store
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable
from ingest.shard_store import Lock
from ingest.shards import Moves, Shard, Sharing, View
from ingest.spool_folder import SpoolFolder
from ingest.writer import Writer

LOOK_S: Final = 0.5
ANSWER_S_MAX: Final = 5.0
RETRY_S_MIN, RETRY_S_MAX = 1.0, 10.0
HEALTHY_AFTER_S: Final = 60.0
ILL_AFTER: Final = 3  # failures in a row with one shard: then another worker may have more luck with it
STOP_S_MAX: Final = 15.0
CONNECTIONS_A_SHARD: Final = 2  # one writes, one flushes
CONNECTIONS_OF_OTHERS: Final = 30  # workers, dashboards, the notifier and the other roles, at the least

log = structlog.get_logger("ingest.worker")

Serve = Callable[[Shard, threading.Event], None]
"""Serves a shard until the event is set; raises what ends it before."""


@dataclass(slots=True)
class _Served:
    """A shard that we serve."""

    thread: threading.Thread
    stop: threading.Event
    since_s: float
    error: Exception | None = None


@dataclass(slots=True)
class _Failed:
    """A shard with which we have failed, so many times in a row."""

    times: int
    until_s: float


class Worker:
    """One worker among others, of `count` shards; `number` is a random one of 31 bits that nobody else has."""

    def __init__(
        self, database_url: str, count: int, serve: Serve, spools: SpoolFolder, number: int, look_s: float = LOOK_S
    ) -> None:
        self._count = count
        self._serve = serve
        self._spools = spools
        self._number = number
        self._look_s = look_s
        self._sharing = Sharing(count, number)
        self._writer = Writer(database_url, self._join, application="anhu worker")
        self._joined = False
        self._away = False
        self._served: dict[int, _Served] = {}
        self._failed: dict[int, _Failed] = {}
        self._spools_held: set[int] = set()  # locks, on the connection that stands
        self._told_ill = False  # another one

    @property
    def serving(self) -> frozenset[int]:
        """The shards that are served here now."""
        return frozenset(self._served)

    def run(self, stop: threading.Event) -> None:
        """Serve a fair share of the shards until `stop`. Raises ShardsDiffer."""
        try:
            while True:
                self._bury()
                self._look()
                if stop.wait(self._look_s):
                    return
        finally:
            self._part()

    def _look(self) -> None:
        """See who has what, and take up or give back accordingly."""
        waiting = self._spools.waiting(self.serving)
        found: list[tuple[View, Moves, list[int]]] = []

        def work(connection: Connection) -> None:
            self._tell_spools(connection, waiting)
            self._tell_ill(connection)
            view = shard_store.view(connection)
            ended = [each for each, owner in view.claimed.items() if owner == self._number and each not in self._served]
            if ended:
                for shard in ended:
                    shard_store.unlock(connection, Lock.CLAIM, shard)
                view = shard_store.view(connection)
            now_s = time.monotonic()
            barred = frozenset(shard for shard, failed in self._failed.items() if now_s < failed.until_s)
            moves = self._sharing.moves(view, self.serving, barred, now_s)
            taken = [shard for shard in moves.take if shard_store.lock(connection, Lock.CLAIM, shard)]
            found.append((view, moves, taken))

        try:
            self._writer.run(work, ANSWER_S_MAX)
        except DatabaseUnavailable as error:
            if not self._away:
                log.error("shards cannot be shared while the database is away", reason=str(error))  # noqa: TRY400
            self._away = True
            return
        self._away = False
        view, moves, taken = found[-1]
        for shard in taken:
            log.info("shard taken", shard=shard, reason=str(moves.take[shard]), workers=len(view.workers))
            if shard not in self._served:
                self._begin(shard)
        for shard, why in moves.give.items():
            self._end(shard, str(why))
        for shard in self.serving & view.claimed.keys():
            if view.claimed[shard] != self._number:
                self._end(shard, "another worker has claimed it")

    def _join(self, connection: Connection) -> None:
        """Make ourselves known on a new connection; whatever the one before held has fallen with it."""
        connection.execute(shard_store.FAST_SESSION.encode())
        shard_store.agree_count(connection, self._count)
        if not shard_store.lock(connection, Lock.WORKER, self._number):
            raise DatabaseUnavailable("our own former connection is still there")
        most = shard_store.connections_max(connection)
        if CONNECTIONS_A_SHARD * self._count + CONNECTIONS_OF_OTHERS > most:
            log.error("the database takes too few connections (max_connections)", most=most, shards=self._count)
        self._spools_held.clear()
        self._told_ill = False
        self._sharing.joined(time.monotonic(), again=self._joined)
        self._joined = True

    def _tell_spools(self, connection: Connection, waiting: Iterable[int]) -> None:
        for shard in {shard for shard in waiting if shard < self._count} - self._spools_held:
            if shard_store.lock(connection, Lock.SPOOL, shard):
                self._spools_held.add(shard)
        for shard in self._spools_held - set(waiting):
            shard_store.unlock(connection, Lock.SPOOL, shard)
            self._spools_held.discard(shard)

    def _tell_ill(self, connection: Connection) -> None:
        now_s = time.monotonic()
        ill = any(each.times >= ILL_AFTER and now_s < each.until_s + HEALTHY_AFTER_S for each in self._failed.values())
        if ill and not self._told_ill:
            log.error("failing again and again: others are to take what we cannot serve", shards=sorted(self._failed))
            self._told_ill = shard_store.lock(connection, Lock.ILL, self._number)
        elif self._told_ill and not ill:
            shard_store.unlock(connection, Lock.ILL, self._number)
            self._told_ill = False

    def _begin(self, number: int) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self._serve_safely, args=(number,), name=f"shard {number}", daemon=True)
        self._served[number] = _Served(thread, stop, time.monotonic())
        thread.start()

    def _serve_safely(self, number: int) -> None:
        served = self._served[number]
        try:
            self._serve(Shard(number, self._count), served.stop)
        except Exception as error:  # noqa: BLE001 - told by whoever buries it
            served.error = error

    def _end(self, shard: int, reason: str) -> None:
        """Have a shard's pipeline stop; the claim goes when it has."""
        served = self._served.get(shard)
        if served is not None and not served.stop.is_set():
            log.info("shard given back", shard=shard, reason=reason)
            served.stop.set()

    def _bury(self) -> None:
        """Note which shards' pipelines have ended, and do not try those that failed again at once."""
        now_s = time.monotonic()
        for shard, served in list(self._served.items()):
            if served.thread.is_alive():
                continue
            del self._served[shard]
            if served.error is None:
                self._failed.pop(shard, None)
                continue
            healthy = now_s - served.since_s > HEALTHY_AFTER_S or shard not in self._failed
            times = 1 if healthy else self._failed[shard].times + 1
            wait_s = min(RETRY_S_MAX, RETRY_S_MIN * 2 ** (times - 1))
            self._failed[shard] = _Failed(times, now_s + wait_s)
            log.error("a shard's pipeline has ended", shard=shard, times=times, wait_s=wait_s, exc_info=served.error)

    def _part(self) -> None:
        """Stop serving, then let others have the shards."""
        for shard in self._served:
            self._end(shard, "the worker stops")
        deadline_s = time.monotonic() + STOP_S_MAX
        for served in self._served.values():
            served.thread.join(max(0.0, deadline_s - time.monotonic()))
        self._writer.close()
