"""The database from the pipeline's side: one connection in a thread of its own, so that a call can be given up.

A database that answers with an error is easy; one that does not answer at all (stopped, cut off, out of memory) would
hold the caller for ever. Here the caller waits for a stated time; then the connection is torn down under the waiting
call, which ends it with an error, and the caller goes on without.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from typing import Final

import psycopg

from ingest.database import Connection, connect, cut
from ingest.errors import DatabaseUnavailable, ShardTaken

TRANSIENT: Final = (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable)

Work = Callable[[Connection], None]


class Writer:
    """Runs work against the database, one transaction at a time and in order. `prepare` is run on every new connection,
    outside a transaction, and may refuse it with DatabaseUnavailable."""

    def __init__(self, database_url: str, prepare: Work, application: str = "anhu pipeline") -> None:
        self._database_url = database_url
        self._application = application
        self._prepare = prepare
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._closing = threading.Event()

    def run(self, work: Work, limit_s: float) -> None:
        """Do `work` in one transaction. Raises DatabaseUnavailable when it is not committed within `limit_s` (it may
        be nevertheless: work must be safe to repeat), or whatever `work` raises."""
        self.wait(self.begin(work), limit_s)

    def begin(self, work: Work) -> "Future[None]":
        """Have `work` done in one transaction, in its turn."""
        return self._thread.submit(self._transact, work)

    def wait(self, begun: "Future[None]", limit_s: float) -> None:
        """Wait for what `begin` answered with. Raises as `run` does."""
        try:
            begun.result(limit_s)
        except Overdue:
            begun.cancel()
            self._cut()
            raise DatabaseUnavailable(f"no answer within {limit_s:g} s") from None
        except ShardTaken:
            raise
        except TRANSIENT as error:
            raise DatabaseUnavailable(str(error)) from error

    def close(self) -> None:
        """End the connection, waiting for nobody."""
        self._closing.set()
        self._cut()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._connection is not None:
            self._connection.close()

    def _transact(self, work: Work) -> None:
        if self._closing.is_set():
            raise DatabaseUnavailable("the pipeline is stopping")
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._database_url, application=self._application)
                self._prepare(self._connection)
                self._connection.commit()
            with self._connection.transaction():
                work(self._connection)
        except TRANSIENT:
            # Whatever state it is in, a new connection is better than this one.
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            raise

    def _cut(self) -> None:
        connection = self._connection
        if connection is not None:
            cut(connection)
