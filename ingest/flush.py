"""Batches that the database has and its disk perhaps not yet.

A commit that waits for the disk holds up the next batch, and with it every alarm that is in there: on a county's old PC
some 10 ms each time, and now and then half a second. So batches are committed without that wait, seen by everybody at
once, and a second connection has the log flushed behind them. What a batch was for waits instead: its messages are
acknowledged once they are on the disk, and until then the batch is kept here, to be stored again should the database
have lost it.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ingest.database import Connection
from ingest.errors import DatabaseUnavailable
from ingest.intake import Intake
from ingest.message import Message
from ingest.writer import Writer


@dataclass(frozen=True, slots=True)
class Batch:
    """What was taken in together: the messages, and what the pipeline made of them."""

    messages: list[Message]
    intake: Intake
    verdict: Any


class Flush:
    """The batches that are committed and not known to be flushed, oldest first.

    `flush` makes its own commit wait for the disk, and with it, the log being one, everything committed before. One is
    under way at a time; it may take `answer_s_max`.

    A server that crashed and is back flushes too, but has lost what was not on its disk. Its crash has ended every
    connection, so a flush counts only for what was committed after its own was made: `connect` comes first.
    """

    def __init__(self, writer: Writer, flush: Callable[[Connection], None], answer_s_max: float) -> None:
        self._writer = writer
        self._flush = flush
        self._answer_s_max = answer_s_max
        self._batches: deque[Batch] = deque()
        self._under_way: tuple[Future[None], float, int] | None = None  # with its begin, and for how many batches
        self._connection: Connection | None = None  # that of the last flush
        self._trusted: Connection | None = None  # made before any of the batches was committed

    def __len__(self) -> int:
        return len(self._batches)

    def connect(self) -> None:
        """Before the first batch, and whenever they were taken back. Raises DatabaseUnavailable."""
        self._writer.run(self._work, self._answer_s_max)
        self._trusted = self._connection

    def add(self, batch: Batch) -> None:
        """Remember a batch that was just committed."""
        self._batches.append(batch)
        if self._under_way is None:
            self._begin()

    def flushed(self) -> list[Batch]:
        """The batches that have reached the disk since this was asked last; waits for nothing. Raises
        DatabaseUnavailable when a flush failed or is overdue: of no batch is anything known then."""
        if self._under_way is None:
            return []
        under_way, since_s, count = self._under_way
        if not under_way.done() and time.monotonic() - since_s < self._answer_s_max:
            return []
        self._writer.wait(under_way, 0.001)
        if self._connection is not self._trusted:
            raise DatabaseUnavailable("the connection that flushes was lost, and perhaps what it was to flush")
        done = [self._batches.popleft() for _ in range(count)]
        self._under_way = None
        if self._batches:
            self._begin()
        return done

    def take_back(self) -> list[Batch]:
        """All batches, which are the caller's now; a flush that is under way is given up."""
        if self._under_way is not None:
            with suppress(DatabaseUnavailable):
                self._writer.wait(self._under_way[0], 0.001)
            self._under_way = None
        taken = list(self._batches)
        self._batches.clear()
        return taken

    def close(self) -> None:
        """End the connection, waiting for nobody."""
        self._writer.close()

    def _begin(self) -> None:
        self._under_way = self._writer.begin(self._work), time.monotonic(), len(self._batches)

    def _work(self, connection: Connection) -> None:
        self._connection = connection
        self._flush(connection)
