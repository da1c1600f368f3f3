"""Gathering what `anhu doctor --security` judges: files, settings, the database, the broker, this machine. Nothing is
changed or started, and what cannot be seen is left unseen."""

import json
import shutil
import stat
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from alerting.settings import WatchSettings
from anhu import certificates, security_store
from anhu.backup import LAST
from anhu.broker_access import DEVICE_USER
from anhu.broker_control import Control
from anhu.errors import BrokerControlFailed, CertificatesUnusable
from anhu.security_finding import Address, Facts, FileMode, Page, is_local
from anhu.security_store import DatabaseFacts
from anhu.security_upkeep import IDLE_DAYS, ONE_TIME_DAYS
from dashboard.settings import DashboardSettings
from ingest import mqtt
from ingest.database import connect
from ingest.errors import DatabaseUnavailable, IngestError
from ingest.settings import BrokerSettings, Connections, config_path

ANSWER_S_MAX: Final = 5.0
APT_LISTS: Final = Path("/var/lib/apt/lists")
RESTART_WANTED: Final = Path("/run/reboot-required")
# Of the data folder, whatever holds passwords, keys or contacts; a folder counts when others may enter it.
_PRIVATE: Final = (
    "secrets.json",
    "services.json",
    "account.key",
    "ledger-key.pem",
    "tls/ca.key",
    "tls/server.key",
    "notifier",
)


def gather(env: Mapping[str, str], data_dir: Path, now: datetime) -> Facts:
    """Look at everything. Raises pydantic.ValidationError, tomllib.TOMLDecodeError for settings that cannot be read."""
    connections, dashboard, watch, door = Connections(), DashboardSettings(), WatchSettings(), BrokerSettings()
    running = _running(data_dir)
    database_url = _told(connections.database_url) or running.get("database_url")
    mqtt_url = _told(connections.mqtt_url) or running.get("mqtt_url")
    admin_url = _told(connections.admin_mqtt_url) or running.get("admin_mqtt_url")
    key_file = dashboard.account_key or data_dir / "account.key"
    made = data_dir / "tls"
    shown = [dashboard.tls_certificate, *watch.certificates]
    if door.tls_port is not None:
        shown.append(door.tls_certificate or made / "server.pem")
    own = [path for path in (key_file, dashboard.tls_key, door.tls_key, _settings_file(config_path())) if path]
    return Facts(
        now=now,
        private_files=_modes([*(data_dir / name for name in _PRIVATE), *own]),
        database_address=database_address(database_url) if database_url else None,
        database=_database(database_url, now) if database_url else None,
        broker=broker_address(mqtt_url) if mqtt_url else None,
        shared_account_open=_shared_open(admin_url) if admin_url else None,
        certificates=tuple((str(path), _last_day(path)) for path in dict.fromkeys(filter(None, shown))),
        page=Page(
            dashboard.host, dashboard.https, tuple(dashboard.trusted_proxies), dashboard.secure_cookie,
            tuple(str(each) for each in dashboard.metrics_networks),
            tuple(each.value for each in dashboard.second_factor_roles),
        ),
        account_key_present=key_file.is_file(),
        embedded=connections.database_url is None,
        backup_at=_backup_at(data_dir),
        clock_synchronised=_clock(env),
        dead_man_set=watch.dead_man_url is not None,
        package_lists_at=_changed_at(APT_LISTS),
        restart_wanted=RESTART_WANTED.exists(),
    )  # fmt: skip


def database_address(url: str) -> Address:
    """Where the database is, and whether its certificate is verified on the way there. libpq takes the name from `host`
    and, where that is set, the place from `hostaddr`.

    >>> database_address("postgresql://anhu@db/anhu?sslmode=require")
    Address(host='db', verified=False)
    """
    try:
        found: dict[str, Any] = conninfo_to_dict(url)
    except psycopg.Error:
        return Address(url.partition("://")[0], verified=False)  # not to be read: not trusted either
    host = str(found.get("hostaddr") or found.get("host") or "")
    return Address(host, verified=found.get("sslmode") == "verify-full")


def broker_address(url: str) -> Address:
    """Where the broker is; our own clients verify every certificate.

    >>> broker_address("mqtt://anhu:x@127.0.0.1,10.0.0.3")
    Address(host='10.0.0.3', verified=False)
    """
    try:
        broker = mqtt.Address.parse(url)
    except ValueError:
        return Address("?", verified=False)
    hosts = [host for host, _ in broker.nodes]
    return Address(next((host for host in hosts if not is_local(host)), hosts[0]), verified=broker.tls)


def _told(secret: Any) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _running(data_dir: Path) -> dict[str, str]:
    """The addresses of embedded services that run there."""
    try:
        found: dict[str, str] = json.loads((data_dir / "services.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _settings_file(path: Path) -> Path | None:
    """A file of settings counts where it holds a password."""
    try:
        return path if any(word in path.read_text("utf-8") for word in ("_url", "secret", "password")) else None
    except OSError:
        return None


def _modes(paths: list[Path]) -> tuple[FileMode, ...]:
    found = []
    for path in dict.fromkeys(paths):
        try:
            found.append(FileMode(str(path), stat.S_IMODE(path.stat().st_mode)))
        except OSError:
            continue  # there is none, or it lies where we may not look, and so hardly anybody else
    return tuple(found)


def _database(url: str, now: datetime) -> DatabaseFacts | None:
    try:
        with connect(url, application="anhu doctor") as connection:
            return security_store.look(connection, now - timedelta(days=IDLE_DAYS), now - timedelta(days=ONE_TIME_DAYS))
    except (DatabaseUnavailable, psycopg.Error):
        return None


def _shared_open(admin_url: str) -> bool | None:
    try:
        with Control(admin_url) as control:
            devices = [each for each in control.listed("clients") if each["username"] == DEVICE_USER]
    except (BrokerControlFailed, IngestError, ValueError):
        return None
    return any(not each.get("disabled", False) for each in devices)


def _last_day(path: Path) -> datetime | None:
    try:
        return certificates.describe(path.read_bytes()).not_after
    except (OSError, CertificatesUnusable):
        return None


def _backup_at(data_dir: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads((data_dir / LAST).read_text("utf-8"))["made_at"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _clock(env: Mapping[str, str]) -> bool | None:
    """Whether systemd says that the clock is synchronised; None where there is none to ask."""
    program = shutil.which("timedatectl", path=env.get("PATH"))
    if program is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
