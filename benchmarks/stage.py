"""What the measurements run on: real servers in a fresh data folder, the registry, and the service when asked for."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any, Final, Self

import httpx
import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from anhu import keeper, runtime
from anhu.commands.migrate import PACKAGES
from anhu.data_folder import DataFolder, default_data_dir
from benchmarks import fleet, rows
from benchmarks.limits import READY
from benchmarks.load import Load, Trial
from benchmarks.publisher import Sent, publish
from benchmarks.usage import Neighbours
from dashboard import auth
from ingest import store
from ingest.database import Connection, connect, migrate
from ingest.errors import DatabaseUnavailable
from ingest.mqtt import Address, session_name
from ingest.registry_file import Draft

START_S_MAX: Final = 60.0
STOP_S_MAX: Final = 30.0
POLL_S: Final = 0.1
LEAD_US: Final = 1_000_000  # a publisher's process needs so long to be ready
DRAIN_S_MAX: Final = 20.0
ROLES: Final = ("pipeline", "dashboard")


class BenchFailed(Exception):
    """A measurement could not be made."""


@dataclass(frozen=True)
class Service:
    """The running service: `anhu serve` with its roles. `roots` are its processes by name."""

    origin: str
    roots: dict[str, int]


@dataclass(frozen=True)
class Stage:
    """The servers, with the registry in them."""

    folder: Path
    database_url: str
    mqtt_url: str
    device_mqtt_url: str
    password: str  # of the administrator
    points: dict[str, dict[str, int]]  # topic → quantity → point id
    say: Callable[[str], None]

    def database(self) -> Connection:
        """A connection that commits by itself."""
        return connect(self.database_url, autocommit=True, application="anhu bench")

    @contextmanager
    def service(self, roles: Sequence[str] = ROLES, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
        """`anhu serve` with `roles` on these servers, ready; afterwards its session at the broker is forgotten.
        `settings` are environment variables.

        It starts with an empty table: the engine warms up from the last quarter of an hour, and what the groups before
        have stored in that time no fleet of this size sends in a day.
        """
        port = free_port()
        with self.database() as connection:
            connection.execute("TRUNCATE readings")
            connection.execute("DELETE FROM pipeline_heartbeats")
        env = dict(os.environ) | {
            "ANHU_DATABASE_URL": self.database_url,
            "ANHU_MQTT_URL": self.mqtt_url,
            "ANHU_DATA_DIR": str(self.folder),
            "ANHU_DASHBOARD_PORT": str(port),
            **(settings or {}),
        }
        argv = [sys.executable, "-m", "anhu", "serve", "--roles", ",".join(roles)]
        process = keeper.spawn(keeper.Program("anhu serve", argv, env, log_path=self.folder / "log" / "serve.log"))
        origin = f"http://127.0.0.1:{port}"
        try:
            until(lambda: self._ready(process, origin), START_S_MAX, "the service to be ready")
            yield Service(origin, self._roots(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _forget_session(self.mqtt_url)

    def _ready(self, process: "subprocess.Popen[bytes]", origin: str) -> bool:
        if process.poll() is not None:
            raise BenchFailed(f"the service ended:\n{(self.folder / 'log' / 'serve.log').read_text()[-2000:]}")
        with contextlib.suppress(httpx.TransportError), self.database() as connection:
            row = connection.execute("SELECT count(*) FROM pipeline_heartbeats").fetchone()
            return httpx.get(f"{origin}/healthz").is_success and bool(row and row[0])
        return False

    def _roots(self, supervisor_id: int) -> dict[str, int]:
        roots = {"supervisor": supervisor_id}
        for child in psutil.Process(supervisor_id).children():
            roots[child.cmdline()[-1]] = child.pid
        roots["guardian"] = self._guardian().pid
        return roots | self.servers()

    def servers(self) -> dict[str, int]:
        """The process ids of `postgres` and `mosquitto`."""
        return {_server_name(each): each.pid for each in self._guardian().children()}

    def _guardian(self) -> psutil.Process:
        """Who keeps this stage's servers: a group may have servers of its own beside the others'."""
        guardians = (each for each in psutil.Process().children() if each.cmdline()[-2:] == ["-m", "anhu.guardian"])
        return next(
            each
            for each in guardians
            if any(str(self.folder) in part for server in each.children() for part in server.cmdline())
        )

    @contextmanager
    def database_stopped(self) -> Iterator[None]:
        """The database is shut down, and whoever would start it again held up; it is back when this is left."""
        with self._stopped("postgres", signal.SIGINT):
            yield
        until(self._answers, START_S_MAX, "the database to be back")

    @contextmanager
    def broker_stopped(self) -> Iterator[None]:
        """The broker is shut down as a restart does it, keeping its sessions; it is back soon after this is left."""
        with self._stopped("mosquitto", signal.SIGTERM):
            yield

    @contextmanager
    def _stopped(self, name: str, how: signal.Signals) -> Iterator[None]:
        guardian = self._guardian()
        server = next(each for each in guardian.children() if _server_name(each) == name)
        guardian.suspend()
        try:
            server.send_signal(how)
            until(lambda: server.status() == psutil.STATUS_ZOMBIE, STOP_S_MAX, f"{name} to be down")
            yield
        finally:
            guardian.resume()

    def _answers(self) -> bool:
        with contextlib.suppress(DatabaseUnavailable), self.database():
            return True
        return False

    def trial(self, rate_per_s: float, seconds: float, during: Callable[[Load], None] = lambda _: None) -> Trial:
        """Offer `rate_per_s` for `seconds` and wait until all is stored, or DRAIN_S_MAX have passed since the end."""
        load = Load(rate_per_s, round(rate_per_s * seconds), now_us() + LEAD_US)
        neighbours = Neighbours()
        with Child(publish, self.device_mqtt_url, load) as sending:
            during(load)
            sent: Sent = sending.answer(seconds + START_S_MAX)
        if sent.acknowledged != load.count:
            raise BenchFailed(f"the broker acknowledged {sent.acknowledged} of {load.count} messages")
        with self.database() as connection:
            stored_us = rows.last_seen_us(connection, load, self.points, DRAIN_S_MAX)
            shares = neighbours.read()
            trial = Trial(load, rows.messages_stored(connection, load, self.points), stored_us, *shares)
        self.say(
            f"  {rate_per_s:7,.0f} /s for {seconds:g} s: {trial.stored:,} of {load.count:,} stored, the last"
            f" {trial.backlog_s:.2f} s after it was due; {trial.stored_per_s:,.0f} /s (publisher at most"
            f" {sent.late_ms_max:.0f} ms late; of a core, others took {trial.neighbours_percent:.0f} %,"
            f" {max(0.0, trial.idle_percent):.0f} % was idle)"
        )
        return trial


class Child:
    """A function in a process of its own, which answers through a pipe; a context manager that ends it."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
        self.process.start()
        self.process_id = self.process.pid or 0
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.join(2)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()

    def ready(self) -> None:
        """Wait until it says so."""
        if self.answer(START_S_MAX) != READY:
            raise BenchFailed("a process answered out of turn")

    def answer(self, wait_s_max: float) -> Any:
        """What it sends next."""
        try:
            if self._pipe.poll(wait_s_max):
                return self._pipe.recv()
        except EOFError:
            raise BenchFailed(f"a process of the measurement ended with code {self.process.exitcode}") from None
        raise BenchFailed(f"no answer in {wait_s_max:g} s")

    def tell(self, message: Any) -> None:
        """Send it something."""
        self._pipe.send(message)


@contextmanager
def stage(
    say: Callable[[str], None], registered: Callable[[], Draft] = fleet.draft, database_settings: str = ""
) -> Iterator[Stage]:
    """Everything on a fresh, durable data folder that is removed at the end, with what is `registered`, and PostgreSQL
    with such further settings."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-bench-"))
    folder.chmod(0o711)
    start = partial(runtime.start, folder, progress=say, packages_dir=default_data_dir(os.environ) / "runtime")
    try:
        if database_settings:
            with start():
                data = DataFolder(folder)
                data.write_for_services(data.postgres / "local.conf", database_settings)
        with start() as services:
            migrate(services.database_url, PACKAGES)
            with connect(services.database_url) as connection:
                store.import_registry(connection, registered())
                password = auth.seed_administrator(connection) or ""
                points = rows.points_by_topic(connection)
            yield Stage(
                folder, services.database_url, services.mqtt_url, services.device_mqtt_url, password, points, say
            )  # fmt: skip
    finally:
        shutil.rmtree(folder)


def _server_name(process: psutil.Process) -> str:
    """`postgres` or `mosquitto`; a private program is started by its own loader, which gives the process its name."""
    return next(name for name in ("postgres", "mosquitto") if f"/{name}" in " ".join(process.cmdline()[:9]))


def now_us() -> int:
    """µs since 1970."""
    return time.time_ns() // 1000


def until(happened: Callable[[], bool], wait_s_max: float, what: str) -> None:
    """Wait for something. Raises BenchFailed when it does not happen in time."""
    deadline_s = time.monotonic() + wait_s_max
    while not happened():
        if time.monotonic() > deadline_s:
            raise BenchFailed(f"waited {wait_s_max:g} s in vain for {what}")
        time.sleep(POLL_S)


def free_port() -> int:
    """A port below the usual ephemeral ranges."""
    for _ in range(50):
        port = SystemRandom().randint(20_000, 28_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise BenchFailed("no free port")


def _forget_session(mqtt_url: str) -> None:
    """End the pipeline's persistent session, lest the broker queue the next loads for it."""
    address = Address.parse(mqtt_url)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=session_name(mqtt_url), protocol=paho.MQTTv5)
    client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port, clean_start=True)
    client.loop_start()
    until(client.is_connected, START_S_MAX, "the broker")
    client.disconnect()
    client.loop_stop()
