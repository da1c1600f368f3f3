"""Watching ourselves: is the pipeline alive and in time, the clock right, the disk or a certificate running out.

`findings` is pure; `anhu role watch` measures, judges every ten seconds, signs the ledger and removes what is past its
age now and then, and tells a dead-man's switch outside that all is well — by going quiet when it is not.
"""

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import ntplib  # type: ignore[import-untyped]
import psycopg
import structlog
from cryptography import x509

from alerting import ledger_store, outbox_retention_store, self_alerts, store
from alerting.alert import Priority
from alerting.self_alerts import Finding
from alerting.settings import WatchSettings
from alerting.signing_key import load_or_make
from ingest import rollup_store
from ingest.database import Connection, connect
from ingest.errors import DatabaseUnavailable

PERIOD_S: Final = 10.0
NTP_EVERY_S: Final = 600.0
WEIGH_EVERY_S: Final = 600.0
REMOVE_EVERY_S: Final = 3600.0
NTP_TIMEOUT_S: Final = 3.0

log = structlog.get_logger("alerting.watch")


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen. None where it could not be, or was not asked for."""

    heartbeat_age_s: float | None = None
    lag_s: float | None = None
    disk_free_share: float | None = None  # of the fullest of the disks
    disk: str = ""  # a folder on it
    database_gib: float | None = None
    rollups_behind_s: float | None = None
    clock_error_s: float | None = None
    certificate_days: dict[str, float] = field(default_factory=dict)
    failed_pushes: int = 0


def findings(seen: Measured, settings: WatchSettings) -> list[Finding]:
    """What is wrong, and what is right again."""
    found = [
        _finding(
            "self.pipeline", seen.heartbeat_age_s, settings.heartbeat_s_max, Priority.CRITICAL,
            "数据处理已停止 {:.0f} 秒：报警不会被判断", "The pipeline is silent for {:.0f} s: nothing is judged",
        ),
        _finding(
            "self.lag", seen.lag_s, settings.lag_s_max, Priority.HIGH,
            "数据处理延迟 {:.0f} 秒", "The pipeline is {:.0f} s behind",
        ),
        _finding(
            "self.clock", None if seen.clock_error_s is None else abs(seen.clock_error_s), settings.clock_error_s_max,
            Priority.HIGH, "系统时钟误差 {:.1f} 秒（要求不超过 5 秒）", "The clock is {:.1f} s off (at most 5 s)",
        ),
        _finding(
            "self.rollups", seen.rollups_behind_s, settings.rollups_behind_s_max, Priority.MEDIUM,
            "数据汇总落后 {:.0f} 秒：长时间的曲线变慢", "The rollups are {:.0f} s behind: long charts are slow",
        ),
    ]  # fmt: skip
    if seen.disk_free_share is not None:
        free, least = seen.disk_free_share, settings.disk_free_share_min
        found.append(
            Finding(
                "self.disk", True if free < least else False if free > least * 1.2 else None, Priority.HIGH,
                f"磁盘剩余 {free:.0%}：{seen.disk}", f"The disk has {free:.0%} left: {seen.disk}",
                {"value": round(free, 3), "threshold": least, "unit": "1"},
            )
        )  # fmt: skip
    if seen.database_gib is not None and settings.database_gib_max is not None:
        weight, most = seen.database_gib, settings.database_gib_max
        found.append(
            Finding(
                "self.database", True if weight > most else False if weight < most * 0.95 else None, Priority.HIGH,
                f"数据库占用 {weight:.1f} GiB（设定上限 {most:g} GiB）",
                f"The database weighs {weight:.1f} GiB (at most {most:g} GiB were set)",
                {"value": round(weight, 1), "threshold": most, "unit": "GiB"},
            )
        )  # fmt: skip
    for name, days in seen.certificate_days.items():
        found.append(
            Finding(
                f"self.certificate.{name}", days < settings.certificate_days_min, Priority.MEDIUM,
                f"证书 {name} 还有 {days:.0f} 天到期", f"The certificate {name} runs out in {days:.0f} days",
                {"value": round(days, 1), "threshold": settings.certificate_days_min, "unit": "d"},
            )
        )  # fmt: skip
    return found


def _finding(rule: str, value: float | None, limit: float, priority: Priority, zh: str, en: str) -> Finding:
    """Wrong beyond `limit`, right again below four fifths of it, unchanged between and while nothing is known."""
    shown = value if value is not None else 0.0
    holds = None if value is None else True if value > limit else False if value < 0.8 * limit else None
    figures = {"value": round(shown, 1), "threshold": limit, "unit": "s"}
    return Finding(rule, holds, priority, zh.format(shown), en.format(shown), figures)


def _free_share(folder: Path) -> float:
    disk = shutil.disk_usage(folder)
    return disk.free / disk.total


class Watch:
    """The role. `clock` answers seconds since 1970; `also` are folders outside the data folder that Anhu writes to."""

    def __init__(
        self,
        database_url: str,
        data_dir: Path,
        settings: WatchSettings,
        clock: Callable[[], float],
        also: Sequence[Path] = (),
    ) -> None:
        self._database_url = database_url
        self._settings = settings
        self._clock = clock
        self._key = load_or_make(data_dir / "ledger-key.pem")
        # Any of them may be a disk of its own.
        self._folders = (data_dir, data_dir / "postgres", *also)
        self._connection: Connection | None = None
        self._database_gib: float | None = None
        self._weighed_s = self._signed_s = self._asked_time_s = self._told_s = self._remove_at_s = 0.0
        self._clock_error_s: float | None = None

    def run(self, stop: threading.Event) -> None:
        """Look every PERIOD_S seconds until `stop`."""
        while not stop.wait(PERIOD_S):
            self.look()
        if self._connection is not None:
            self._connection.close()

    def look(self) -> bool:
        """Look once; whether all is well. A database that is away is not well, and is looked for again next time."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._database_url, application="anhu watch")
            with self._connection.transaction():
                well = self._judge(self._connection)
            with self._connection.transaction():
                self._sign(self._connection)
            with self._connection.transaction():
                self._remove_outgrown(self._connection)
        except (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable) as error:
            log.error("the database is away", reason=str(error))  # noqa: TRY400 - a state, not a surprise
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return False
        if well:
            self._tell()
        return well

    def _judge(self, connection: Connection) -> bool:
        now_us = round(self._clock() * 1e6)
        standing = next((each for each in store.open_alerts(connection) if each.key == self_alerts.KEY), None)
        events, after = self_alerts.judge(standing, findings(self._measure(connection), self._settings), now_us)
        store.append(connection, events)
        return after is None or not after.active

    def _measure(self, connection: Connection) -> Measured:
        row = connection.execute(
            # a shard that has never been served is silent since their number was stated
            "SELECT extract(epoch FROM clock_timestamp() - min(coalesce(at, stated_at))), max(lag_ms) / 1000.0"
            " FROM pipeline_heartbeats FULL JOIN (SELECT shard, stated_at FROM shard_count,"
            "  generate_series(0, count - 1) AS shard) AS stated USING (shard)"
        ).fetchone()
        age_s, lag_s = (None, None) if row is None or row[0] is None else (float(row[0]), float(row[1] or 0))
        free, folder = min((_free_share(each), str(each)) for each in self._folders if each.exists())
        weight = self._weigh(connection)
        behind_s = self._clock() - rollup_store.progress(connection).rolled_until.timestamp()
        return Measured(age_s, lag_s, free, folder, weight, behind_s, self._ask_time(), self._certificates())

    def _weigh(self, connection: Connection) -> float | None:
        """What the database weighs in GiB, when that is asked for; now and then, as it is work for the database."""
        if self._settings.database_gib_max is None:
            return None
        if self._database_gib is None or time.monotonic() - self._weighed_s > WEIGH_EVERY_S:
            self._weighed_s = time.monotonic()
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            self._database_gib = row[0] / 2**30 if row else None
        return self._database_gib

    def _ask_time(self) -> float | None:
        """How far our clock is from the time server's, in seconds; the last answer between two questions."""
        server = self._settings.ntp_server
        if server and time.monotonic() - self._asked_time_s > NTP_EVERY_S:
            self._asked_time_s = time.monotonic()
            try:
                host, _, port = server.partition(":")
                answer = ntplib.NTPClient().request(host, version=4, port=int(port or 123), timeout=NTP_TIMEOUT_S)
                self._clock_error_s = float(answer.offset)
            except (ntplib.NTPException, OSError) as error:
                log.warning("the time server does not answer", reason=str(error))
                self._clock_error_s = None
        return self._clock_error_s

    def _certificates(self) -> dict[str, float]:
        days = {}
        for path in self._settings.certificates:
            try:
                certificate = x509.load_pem_x509_certificate(path.read_bytes())
            except (OSError, ValueError) as error:
                log.warning("a certificate cannot be read", file=path.name, reason=str(error))
                continue
            left = certificate.not_valid_after_utc - datetime.fromtimestamp(self._clock(), UTC)
            days[path.name] = left / timedelta(days=1)
        return days

    def _sign(self, connection: Connection) -> None:
        now_s = self._clock()
        if now_s - self._signed_s >= self._settings.checkpoint_s:
            ledger_store.checkpoint(connection, self._key, datetime.fromtimestamp(now_s, UTC))
            self._signed_s = now_s

    def _remove_outgrown(self, connection: Connection) -> None:
        """Now and then, a bounded number in one go; again at the next look while there is more."""
        now_s = self._clock()
        if now_s < self._remove_at_s:
            return
        now = datetime.fromtimestamp(now_s, UTC)
        settings = self._settings
        removed = outbox_retention_store.remove(
            connection, now - timedelta(days=settings.calling_days), now - timedelta(days=settings.links_days)
        )
        if any(removed):
            log.info("how people were called is past its age", **removed._asdict())
        self._remove_at_s = now_s if removed.more else now_s + REMOVE_EVERY_S

    def _tell(self) -> None:
        """Tell the dead-man's switch that all is well."""
        url = self._settings.dead_man_url
        if url is None or time.monotonic() - self._told_s < self._settings.dead_man_s:
            return
        import httpx

        try:
            httpx.get(url.get_secret_value(), timeout=5.0).raise_for_status()
            self._told_s = time.monotonic()
        except (httpx.HTTPError, ssl.SSLError, socket.gaierror) as error:
            log.warning("the dead-man's switch does not answer", reason=type(error).__name__)
