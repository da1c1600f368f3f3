"""The worker that looks after what is stored (ingest/storage.py): rollups all the time, packing and clearing by night.

Whatever keeps it from that is told by the alert about ourselves: a disk that fills up must not come as a surprise.
"""

import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog

from alerting import self_alerts, store
from alerting.alert import Priority
from alerting.hours import CHINA
from alerting.self_alerts import Finding
from ingest import packing_store, rollup_store, storage
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable
from ingest.reading import to_us
from ingest.settings import StorageSettings

RULE: Final = "self.storage"
WAIT_S: Final = 30.0
FAILED_WAIT_S: Final = 300.0

log = structlog.get_logger("alerting.storage")


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def last_night(now: datetime, hour: int) -> datetime:
    """The newest time that it was `hour` o'clock in China.

    >>> last_night(datetime(2026, 3, 2, 18, 59, tzinfo=UTC), 3).isoformat()
    '2026-03-01T19:00:00+00:00'
    """
    local = now.astimezone(CHINA).replace(hour=hour, minute=0, second=0, microsecond=0)
    return (local if local <= now else local - timedelta(days=1)).astimezone(UTC)


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
        self._told: bool | None = None  # what the alert was last made to say: whether the work fails

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
                        stop.wait(FAILED_WAIT_S if self._told else WAIT_S)
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("not looked after now", error_type=type(error).__name__, error=str(error))
                stop.wait(WAIT_S)

    def look(self, connection: Connection, ended: Callable[[], bool] = lambda: False) -> None:
        """Do what is due; where that fails, say so, until it works again. Raises psycopg.OperationalError,
        DatabaseUnavailable: that the database is away is told by others."""
        now = self._clock()
        failure: Exception | None = None
        try:
            work(connection, now, self._settings, ended)
        except psycopg.errors.DiskFull as error:
            failure = error
        except (DatabaseUnavailable, psycopg.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: it is told of, and tried again
            # The trace as text: structlog's own rendering can print local variables.
            log.error("the storage's upkeep fails", trace=traceback.format_exc())  # noqa: TRY400 - see above
            failure = error
        if self._told is not (failure is not None):
            self._tell(connection, failure, now)

    def _tell(self, connection: Connection, failure: Exception | None, now: datetime) -> None:
        zh, en, figures = "数据汇总和压缩恢复正常", "Rollups and packing work again", {}
        if failure is not None:
            name = type(failure).__name__
            zh = f"数据汇总或压缩失败（{name}）：历史曲线变慢，磁盘占用增加；每 {FAILED_WAIT_S / 60:.0f} 分钟重试"
            en = (
                f"Rollups or packing fail ({name}): charts get slow and the disk fills up; tried again every"
                f" {FAILED_WAIT_S / 60:.0f} minutes"
            )
            figures = {"error": name}
        finding = Finding(RULE, failure is not None, Priority.HIGH, zh, en, figures)
        with connection.transaction():
            events, _ = self_alerts.judge(store.open_alert(connection, self_alerts.KEY), [finding], to_us(now))
            store.append(connection, events)
        self._told = failure is not None
