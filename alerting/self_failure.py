"""Work of our own that fails and is tried again: told by the alert about ourselves until it succeeds.

Such a worker must not fall silent, nor take down the role it shares with others.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog

from alerting import self_alerts, store
from alerting.alert import Priority
from alerting.self_alerts import Finding
from ingest.database import Connection
from ingest.errors import DatabaseUnavailable
from ingest.reading import to_us

WAIT_S: Final = 30.0
FAILED_WAIT_S: Final = 300.0  # work that fails may take long to do so
_AGAIN_ZH: Final = f"每 {FAILED_WAIT_S / 60:.0f} 分钟重试"
_AGAIN_EN: Final = f"tried again every {FAILED_WAIT_S / 60:.0f} minutes"

log = structlog.get_logger("alerting.self")


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of the work: that it is well again, that it fails, and what comes of that ("" for nothing)."""

    well_zh: str
    well_en: str
    failing_zh: str
    failing_en: str
    so_zh: str = ""
    so_en: str = ""


class SelfFailure:
    """Whether one kind of work fails, told under `rule`."""

    def __init__(self, rule: str, words: Words) -> None:
        self._rule = rule
        self._words = words
        self._told: bool | None = None  # what the alert was last made to say: whether it fails

    @property
    def wait_s(self) -> float:
        """How long to wait until the work is due again."""
        return FAILED_WAIT_S if self._told else WAIT_S

    def attempt(self, connection: Connection, now: datetime, work: Callable[[], None]) -> None:
        """Do `work`; where that fails, say so, until it works again. The connection commits by itself. Raises
        psycopg.OperationalError, DatabaseUnavailable: that the database is away is told by others."""
        failure: Exception | None = None
        try:
            work()
        except psycopg.errors.DiskFull as error:  # an OperationalError too, and no absence
            failure = error
        except (DatabaseUnavailable, psycopg.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: it is told of, and tried again
            # The trace as text: structlog's own rendering can print local variables.
            log.error("work of our own fails", rule=self._rule, trace=traceback.format_exc())  # noqa: TRY400 - see above
            failure = error
        if self._told is not (failure is not None):
            self._tell(connection, failure, now)

    def _tell(self, connection: Connection, failure: Exception | None, now: datetime) -> None:
        words = self._words
        zh, en, figures = words.well_zh, words.well_en, dict[str, Any]()
        if failure is not None:
            name = type(failure).__name__
            zh = "".join([f"{words.failing_zh}（{name}）", f"：{words.so_zh}；" if words.so_zh else "，", _AGAIN_ZH])
            en = "".join([f"{words.failing_en} ({name})", f": {words.so_en}; " if words.so_en else "; ", _AGAIN_EN])
            figures = {"error": name}
        finding = Finding(self._rule, failure is not None, Priority.HIGH, zh, en, figures)
        with connection.transaction():
            events, _ = self_alerts.judge(store.open_alert(connection, self_alerts.KEY), [finding], to_us(now))
            store.append(connection, events)
        self._told = failure is not None
