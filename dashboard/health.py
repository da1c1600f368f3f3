"""Looking at the parts of the service: who is connected, what waits, disks, clocks, certificates, retention."""

import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from alerting import ledger_store, listing, outbox_store
from alerting.alert import Alert, Kind
from alerting.settings import WatchSettings
from dashboard.schemas import health as shapes
from ingest import health_store, rollup_store
from ingest.database import Connection
from ingest.settings import Connections, PipelineSettings, StorageSettings

# What each role's connection says it is for.
ROLES: Final = {
    "pipeline": "anhu pipeline",
    "notifier": "anhu notifier",
    "dashboard": "anhu live",
    "watch": "anhu watch",
    "drills": "anhu drills",
    "hazards": "anhu hazards",
}
WEIGH_EVERY_S: Final = 600.0

log = structlog.get_logger("dashboard.health")


class HealthCheck:
    """Looks when asked; what is work for the database only now and then."""

    def __init__(self, spool: Path | None) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._weighed: tuple[float, int] | None = None  # when, in monotonic seconds, and what

    def look(self, connection: Connection, broker_reachable: bool | None) -> shapes.SystemHealth:
        """Everything, as it is now."""
        limits, storage = WatchSettings(), StorageSettings()
        sessions = health_store.sessions(connection)
        waiting = {"waiting": 0, "sending": 0}
        for each in outbox_store.backlog(connection):
            waiting[each.state] += each.count
        progress = rollup_store.progress(connection)
        now = time.time()
        return shapes.SystemHealth(
            roles=[shapes.RoleHealth(name=name, connections=sessions.get(told, 0)) for name, told in ROLES.items()],
            broker_reachable=broker_reachable,
            outbox_waiting=waiting["waiting"],
            outbox_sending=waiting["sending"],
            spool_bytes=self._spool_bytes(),
            spool_bytes_max=PipelineSettings().spool_mib_max * 1_048_576 if self._spool else None,
            disks=self._disks(),
            disk_free_share_min=limits.disk_free_share_min,
            clock_ahead_s=now - health_store.now_s(connection),
            clock_error_s_max=limits.clock_error_s_max,
            database_bytes=self._weigh(connection),
            rolled_until=progress.rolled_until,
            packed_until=progress.packing_until,
            night_at=progress.night_at,
            raw_days=storage.raw_days,
            minute_days=storage.minute_days,
            hour_days=storage.hour_days,
            certificates=[_certificate(path, now) for path in limits.certificates],
            certificate_days_min=limits.certificate_days_min,
            checkpoint_at=ledger_store.last_checkpoint_at(connection),
            own_alerts=[_own(each) for each in listing.open_of_service(connection) if each.kind is Kind.SYSTEM],
        )

    def _weigh(self, connection: Connection) -> int:
        with self._lock:
            if self._weighed is None or time.monotonic() - self._weighed[0] > WEIGH_EVERY_S:
                self._weighed = time.monotonic(), health_store.database_bytes(connection)
            return self._weighed[1]

    def _spool_bytes(self) -> int | None:
        """Of the file, or of all shards', and what SQLite keeps beside it; null where there is none on this machine."""
        if self._spool is None or not self._spool.exists():
            return None
        files = self._spool.glob("shard-*.sqlite") if self._spool.is_dir() else (self._spool,)
        beside = [each.with_name(each.name + end) for each in files for end in ("", "-wal", "-shm")]
        return sum(each.stat().st_size for each in beside if each.exists())

    def _disks(self) -> list[shapes.DiskHealth]:
        """Each disk once, by the first folder on it."""
        data_dir = Connections().data_dir
        found: dict[int, shapes.DiskHealth] = {}
        for folder in (data_dir, data_dir / "postgres", *((_folder_of(self._spool),) if self._spool else ())):
            if folder.exists():
                usage = shutil.disk_usage(folder)
                shown = shapes.DiskHealth(
                    folder=str(folder), free_bytes=usage.free, free_share=usage.free / usage.total
                )
                found.setdefault(folder.stat().st_dev, shown)
        return list(found.values())


def _folder_of(spool: Path) -> Path:
    return spool if spool.is_dir() else spool.parent


def _certificate(path: Path, now_s: float) -> shapes.CertificateHealth:
    try:
        until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        log.warning("a certificate cannot be read", file=path.name, reason=str(error))
        return shapes.CertificateHealth(name=path.name, days_left=None)
    left = until - datetime.fromtimestamp(now_s, UTC)
    return shapes.CertificateHealth(name=path.name, days_left=left / timedelta(days=1))


def _own(alert: Alert) -> shapes.OwnAlert:
    return shapes.OwnAlert(
        since=alert.onset_at,
        text_zh=str(alert.evidence.get("text_zh", "")),
        text_en=str(alert.evidence.get("text_en", "")),
    )
