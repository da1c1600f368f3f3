"""A database that does not answer when the service starts: after a power cut it may recover for minutes, or not come up
at all. A pipeline that has run here before can judge by what it remembers, and the notifier by its journal: alarms do
not wait."""

import time
from collections.abc import Callable
from typing import Final

import psycopg

from anhu.errors import AnhuError
from anhu.keeper import Say
from anhu.language import text
from ingest.errors import DatabaseUnavailable, IngestError

RETRY_S: Final = 10.0


class LateDatabase:
    """Has `prepare` done to the database before the roles begin; or, where it may be late, as soon as it answers."""

    def __init__(self, prepare: Callable[[], None], say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._prepare = prepare
        self._say = say
        self._clock = clock
        self._due_s: float | None = None

    def begin(self, *, may_be_late: bool) -> None:
        """Prepare it. Raises what `prepare` does; when it only does not answer and `may_be_late`, nothing."""
        try:
            self._prepare()
        except (DatabaseUnavailable, psycopg.OperationalError) as error:
            if not may_be_late:
                raise
            self._due_s = self._clock() + RETRY_S
            self._say(
                text(
                    f"数据库没有响应，先按上次所知的设备和规则判断报警：{error}",
                    f"The database does not answer; alarms are judged by the devices and rules last known: {error}",
                )
            )

    def look(self) -> str | None:
        """To be called now and then: prepare it if it answers by now. Why it cannot be used, where that is so."""
        if self._due_s is None or self._clock() < self._due_s:
            return None
        try:
            self._prepare()
        except (DatabaseUnavailable, psycopg.OperationalError):
            self._due_s = self._clock() + RETRY_S
            return None
        except (AnhuError, IngestError, psycopg.Error) as error:
            return str(error)
        self._due_s = None
        self._say(text("数据库已恢复。", "The database is back."))
        return None
