"""The worker that looks after what is stored (ingest/storage.py): rollups all the time, packing and clearing by night.

Whatever keeps it from that is told by the alert about ourselves: a disk that fills up must not come as a surprise.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import psycopg
import structlog

from alerting.hours import last_night
from alerting.self_failure import WAIT_S, SelfFailure, Words
from ingest import packing_store, rollup_store, storage
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable
from ingest.settings import StorageSettings

RULE: Final = "self.storage"
WORDS: Final = Words(
    "数据汇总和压缩恢复正常", "Rollups and packing work again", "数据汇总或压缩失败", "Rollups or packing fail",
    "历史曲线变慢，磁盘占用增加", "charts get slow and the disk fills up",
)  # fmt: skip

log = structlog.get_logger("alerting.storage")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def work(
    connection: Connection, now: datetime, settings: StorageSettings, ended: Callable[[], bool] = lambda: False
) -> None:
    """What is due at `now`. The connection commits by itself."""
    storage.roll_up(connection, now, ended)
    night = last_night(now, settings.night_hour)
    done = rollup_store.progress(connection).night_at
    if ended() or (done is not None and night <= done):
        return
    packed = storage.pack(connection, now, settings.pack_after_days, ended)
    sorted_ = storage.sort_hours(connection, now, ended)
    dropped = storage.clear(connection, now, settings)
    log.info(
        "closed days packed", chunks=packed.chunks, readings=packed.readings, merged=packed.merged,
        postponed=len(packed.postponed), sorted=sorted_, dropped=dropped,
    )  # fmt: skip
    if not ended():  # what was postponed is tried again the next night: a day is much work to be given up every time
        with connection.transaction():
            packing_store.note_night(connection, night)


class Upkeep:
    """The worker; of several one works at a time."""

    def __init__(self, database_url: str, settings: StorageSettings, clock: Callable[[], datetime] = utc_now) -> None:
        self._database_url = database_url
        self._settings = settings
        self._clock = clock
        self._failure = SelfFailure(RULE, WORDS)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; while the database is away, try again."""
        while not stop.is_set():
            try:
                with connect(self._database_url, autocommit=True, application="anhu storage") as connection:
                    connection.execute("SET statement_timeout = 0")  # a day of a large fleet takes minutes to pack
                    while not stop.is_set():
                        with packing_store.turn(connection) as mine:
                            if mine:
                                self.look(connection, stop.is_set)
                        stop.wait(self._failure.wait_s)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("not looked after now", error_type=type(error).__name__, error=str(error))
                stop.wait(WAIT_S)

    def look(self, connection: Connection, ended: Callable[[], bool] = lambda: False) -> None:
        """Do what is due; see SelfFailure.attempt."""
        now = self._clock()
        self._failure.attempt(connection, now, lambda: work(connection, now, self._settings, ended))
