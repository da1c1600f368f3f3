"""The embedded services: a real PostgreSQL with TimescaleDB and a real MQTT broker, as child processes of this one.

    with runtime.start(data_dir, progress=print) as services:
        connect(services.database_url, services.mqtt_url)

They end with the process that started them, however that ends (`guardian.py`).
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from anhu import guardian, mosquitto, packages, postgres
from anhu.broker_access import ADMIN_USER, DEVICE_USER, SALT_BYTES, SERVICE_USER
from anhu.data_folder import DataFolder
from anhu.debian import Progress
from anhu.errors import DataFolderInUse, ServicesFailed
from anhu.keeper import describe_exit
from anhu.language import text
from anhu.mosquitto import TlsListener

STOP_TIME_S_MAX = 70.0
LATE_AFTER_S = 15.0
LOG_LINES_SHOWN = 12


class Services:
    """Running services and their addresses; a context manager that stops them.

    `database_url` is the role that owns the database, `mqtt_url` the broker's user of the service, `device_mqtt_url`
    the one all devices may share, who may only publish, and `admin_mqtt_url` the one who may change accounts; "" where
    the broker keeps none.
    """

    def __init__(
        self, database_url: str, mqtt_url: str, device_mqtt_url: str, admin_mqtt_url: str, stop: Callable[[], None]
    ) -> None:
        self.database_url = database_url
        self.mqtt_url = mqtt_url
        self.device_mqtt_url = device_mqtt_url
        self.admin_mqtt_url = admin_mqtt_url
        self._stop = stop
        self._trouble: Callable[[], str | None] = lambda: None
        self._finish: Callable[[], None] | None = None

    def watch(self, trouble: Callable[[], str | None]) -> Self:
        """Use `trouble` to tell whether the services were given up."""
        self._trouble = trouble
        return self

    def trouble(self) -> str | None:
        """Why the services are no longer kept running; None while they are."""
        return self._trouble()

    def late(self, finish: Callable[[], None]) -> None:
        """Note that the database did not answer yet, and what is to be done once it does."""
        self._finish = finish

    def finish_database(self) -> None:
        """Make of a database that was late what it has to be. Raises psycopg.OperationalError while it does not
        answer."""
        if self._finish is not None:
            self._finish()
            self._finish = None

    def stop(self) -> None:
        """Stop the services in order and wait for them; a second call does nothing."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path,
    *,
    durable: bool = True,
    progress: Progress,
    packages_dir: Path | None = None,
    reuse: bool = False,
    tls: TlsListener | None = None,
    database_may_be_late: bool = False,
) -> Services:
    """Start the database and the broker on `data_dir`, and wait until both answer; where the database may be late, for
    LATE_AFTER_S, after which it is tried for ever (`Services.finish_database`).

    Not `durable` is for tests: nothing is flushed to disk. `packages_dir` holds the private programs (by default in the
    data folder); `tls` is where the broker listens to the network. With `reuse`, services that another process runs
    there are used as they are, and left running. Raises a kind of RuntimeUnavailable when there are no programs, of
    ServicesFailed when they do not run, CertificatesUnusable.
    """
    folder = DataFolder(data_dir)
    try:
        lock = folder.lock()
    except DataFolderInUse:
        running = attach(folder) if reuse else None
        if running is None:
            raise
        return running
    try:
        return _start(
            folder, packages_dir or folder.path / "runtime", lock, progress, durable=durable, tls=tls,
            database_may_be_late=database_may_be_late,
        )  # fmt: skip
    finally:
        os.close(lock)  # the guardian holds its own copy for as long as the servers run


def attach(folder: DataFolder) -> Services | None:
    """The services another process runs in the folder, None when there are none yet; stopping them does nothing."""
    try:
        running = json.loads((folder.path / "services.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    addresses = running["database_url"], running["mqtt_url"], running["device_mqtt_url"]
    return Services(*addresses, running.get("admin_mqtt_url", ""), lambda: None)


def _start(
    folder: DataFolder, packages_dir: Path, lock: int, progress: Progress, *, durable: bool, tls: TlsListener | None,
    database_may_be_late: bool,
) -> Services:  # fmt: skip
    (folder.path / "services.json").unlink(missing_ok=True)  # of an owner that was killed
    programs = packages.find(packages_dir, progress=progress, postgres_major=postgres.existing_major(folder))
    socket_folder = folder.socket_folder()
    database = postgres.prepare(folder, programs.postgres, socket_folder, progress, durable=durable)
    port = mosquitto.stable_port(folder, progress)
    salts = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES)
    broker = mosquitto.prepare(folder, programs.mosquitto, port, salts, tls)
    progress(text("正在启动数据库和 MQTT 服务…", "Starting the database and the MQTT broker…"))
    servers = [guardian.to_json(program) for program in (database, broker)]
    keeper = _Guardian(folder, servers, lock, socket_folder, patient=database_may_be_late)
    services = Services(
        postgres.url(socket_folder, postgres.OWNER, folder.secrets.postgres),
        mosquitto.url(port, SERVICE_USER, folder.secrets.mqtt),
        mosquitto.url(port, DEVICE_USER, folder.secrets.mqtt_device),
        mosquitto.url(port, ADMIN_USER, folder.secrets.mqtt_admin) if programs.mosquitto.access_plugin else "",
        keeper.stop,
    ).watch(keeper.trouble)
    try:
        try:
            postgres.wait_until_ready(
                folder, socket_folder, keeper.check, LATE_AFTER_S if database_may_be_late else None
            )
            postgres.create_database(folder, socket_folder)
        except ServicesFailed:
            if not database_may_be_late:
                raise
            services.late(partial(postgres.create_database, folder, socket_folder))
        mosquitto.wait_until_ready(services.mqtt_url, keeper.check)
        keeper.trust()
    except BaseException:
        services.stop()
        raise
    folder.write_private(
        folder.path / "services.json",
        {name: getattr(services, name) for name in ("database_url", "mqtt_url", "device_mqtt_url", "admin_mqtt_url")},
    )
    return services


class _Guardian:
    """The guardian process, seen from its parent: it lives until our end of its input is closed."""

    def __init__(
        self, folder: DataFolder, programs: list[dict[str, object]], lock: int, socket_folder: Path, *, patient: bool
    ) -> None:
        self._folder, self._socket_folder = folder, socket_folder
        self._log = folder.log / "guardian.log"
        plan = {"programs": programs, "parent_id": os.getpid(), "log_path": str(self._log), "patient": patient}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "anhu.guardian"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[lock],  # held while the servers run, so that nobody starts others beside them
                start_new_session=True,
            )
        if self._process.stdin is None:
            raise ServicesFailed
        self._input = self._process.stdin
        self._input.write(json.dumps(plan).encode() + b"\n")
        self._input.flush()

    def trouble(self) -> str | None:
        if self._process.poll() is None:
            return None
        return f"guardian: {describe_exit(self._process.returncode)}\n{self._last_words()}"

    def check(self) -> None:
        """ServicesFailed when the guardian has given up."""
        if (trouble := self.trouble()) is not None:
            raise ServicesFailed(trouble)

    def trust(self) -> None:
        """Tell the guardian that the servers answered, so that from now on it is patient with them."""
        self._input.write(b"steady\n")
        self._input.flush()

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("postgres.log", "mosquitto.log", "guardian.log"):
            path = self._folder.log / name
            if path.exists():
                recent = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
                lines += [f"{name}:", *(f"  {line}" for line in recent)]
        return "\n".join(lines)

    def stop(self) -> None:
        if self._input.closed:
            return
        (self._folder.path / "services.json").unlink(missing_ok=True)
        self._input.close()
        try:
            self._process.wait(STOP_TIME_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernel then stops the servers
            self._process.wait()
        shutil.rmtree(self._socket_folder, ignore_errors=True)
