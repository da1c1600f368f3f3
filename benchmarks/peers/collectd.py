"""collectd, from MQTT to PostgreSQL. It speaks a form of its own: a message for each value, its time before it.

Its programs come from Debian 13's packages, unpacked into a folder of their own beside those of the embedded services,
and are run through the same loader.
"""

import contextlib
import os
import platform
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from anhu import debian, keeper, packages
from anhu.data_folder import default_data_dir
from benchmarks import fleet
from benchmarks.load import Load
from benchmarks.peers import traffic
from benchmarks.peers.contender import PEER_TABLES, UNIQUE, Counted, Running, count_peer, seen_peer
from benchmarks.peers.kept import Kept
from benchmarks.peers.traffic import Form
from benchmarks.stage import BenchFailed, Stage
from ingest.database import Connection
from ingest.mqtt import Address

PACKAGES: Final = ("collectd-core", "libltdl7", "libyajl2")  # the others lie with the embedded services' programs
FLUSH_S_MAX: Final = 5.0
VALUES_EACH: Final = len(fleet.QUIET)
_QUERIES: Final = b"/usr/share/collectd/postgresql_default.conf"
_CALLED: Final = re.compile(r"Notification: severity = FAILURE, host = (dev-\d{4}), plugin = anhu")
# As its manual has it: a function, as a statement's parameters it does not use have no type.
_FUNCTION: Final = """
    CREATE FUNCTION peer_insert(
        at timestamptz, host text, plugin text, plugin_instance text, type text, type_instance text, names text[],
        types text[], vals float8[]
    ) RETURNS void LANGUAGE sql AS $$
        INSERT INTO peer_readings VALUES (at, host, type_instance, vals[1]::real) {conflict}
    $$
"""
_INSERT: Final = "SELECT peer_insert($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_CONFIG: Final = """\
Hostname "peer"
FQDNLookup false
Interval 10
BaseDir "{home}"
PIDFile "{home}/collectd.pid"
PluginDir "{plugins}"
TypesDB "{types}"
{queue}
LoadPlugin logfile
<Plugin logfile>
    LogLevel "info"
    File "{log}"
    Timestamp true
</Plugin>
LoadPlugin unixsock
<Plugin unixsock>
    SocketFile "{home}/socket"
    SocketPerms "0600"
</Plugin>
LoadPlugin mqtt
<Plugin mqtt>
    <Subscribe "in">
        Host "{host}"
        Port "{port}"
        User "{user}"
        Password "{password}"
        ClientId "collectd-peer"
        QoS 1
        Topic "collectd/#"
        CleanSession {clean}
    </Subscribe>
</Plugin>
LoadPlugin postgresql
<Plugin postgresql>
    <Writer rows>
        Statement "{statement}"
        StoreRates false
    </Writer>
    <Database "{database}">
        Host "{database_host}"
        Port "{database_port}"
        User "{database_user}"
        Password "{database_password}"
        Writer rows
        CommitInterval {commit_s}
    </Database>
</Plugin>
LoadPlugin threshold
<Plugin threshold>
    <Type "gauge">
        Instance "smoke_alarm"
        FailureMax 0.5
        Persist false
    </Type>
</Plugin>
"""


@dataclass(frozen=True, slots=True)
class Values(Load):
    """A load whose every message tells one value; its devices are numbers of (device, quantity)."""

    @property
    def values_each(self) -> int:
        """One."""
        return 1

    @property
    def _each(self) -> int:
        return len(self.quantities)

    @property
    def devices(self) -> Sequence[int]:
        """Number of device and quantity together."""
        whole = self.chosen or range(self.device_first, self.device_first + self.device_count)
        return [number * self._each + value for number in whole for value in range(self._each)]

    def device(self, number: int) -> int:
        """Which device says which quantity."""
        at, value = divmod(number, self._each)
        whole = self.chosen[at % len(self.chosen)] if self.chosen else self.device_first + at % self.device_count
        return whole * self._each + value

    def payload(self, number: int) -> bytes:
        """The time and the value."""
        due_us = self.due_us(number)
        value = 1 if self.alarm else (number % 40) / 1000
        return b"%d.%06d:%g" % (due_us // 1_000_000, due_us % 1_000_000, value)


def quiet_topic(number: int) -> str:
    """Of a device and one of its quantities.

    >>> quiet_topic(7 * 3 + 1)
    'collectd/dev-0007/anhu/gauge-temperature'
    """
    device, value = divmod(number, VALUES_EACH)
    return f"collectd/{fleet.device_code(device)}/anhu/gauge-{fleet.QUIET[value]}"


def alarm_topic(number: int) -> str:
    """Of a device's contact."""
    return f"collectd/{fleet.device_code(number)}/anhu/gauge-smoke_alarm"


@dataclass(frozen=True)
class Collectd:
    """One of the two ways to set it."""

    name: str
    title: str
    settings: str
    first_per_s: float  # messages of one value each
    clean: bool
    commit_s: int
    queue: str
    unique: bool

    @property
    def form(self) -> Form:
        """Its own."""
        return traffic.collectd

    def version(self) -> str:
        """As installed."""
        done = subprocess.run([str(program()), "-h"], capture_output=True, text=True, timeout=20, check=False)
        match = re.search(r"collectd ([\d.]+)", done.stdout)
        return match[1] if match else ""

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Running]:
        """Its process, started again when it was killed."""
        install(stage.say)
        with stage.database() as connection:
            connection.execute(PEER_TABLES.encode())
            if self.unique:
                connection.execute(UNIQUE)
            connection.execute(_FUNCTION.format(conflict="ON CONFLICT DO NOTHING" if self.unique else "").encode())
        home = stage.folder / "collectd"
        home.mkdir()
        shutil.copy(_folder() / f"root{_QUERIES.decode()}", home)
        config, log = home / "collectd.conf", home / "collectd.log"
        config.touch(0o600)
        config.write_text(self._config(stage, home, log))
        started = keeper.Program(
            "collectd", [str(program()), "-f", "-C", str(config)], dict(os.environ), folder=home,
            log_path=stage.folder / "log" / "collectd.log",
        )  # fmt: skip
        with Kept(
            started, lambda: log.exists() and "Initialization complete" in log.read_text("utf-8", "replace")
        ) as kept:
            yield Running(
                kept.roots,
                kept.kill,
                None,
                lambda _: Counter(_CALLED.findall(log.read_text("utf-8", "replace"))),
                lambda: _flush(home / "socket"),
            )

    def _config(self, stage: Stage, home: Path, log: Path) -> str:
        address, database = Address.parse(stage.mqtt_url), conninfo_to_dict(stage.database_url)
        root = _folder() / "root"
        return _CONFIG.format(
            home=home, plugins=root / "usr/lib/collectd", types=root / "usr/share/collectd/types.db", queue=self.queue,
            log=log, host=address.host, port=address.port, user=address.username, password=address.password,
            clean=str(self.clean).lower(), statement=_INSERT,
            database=database.get("dbname"), database_host=database.get("host"),
            database_port=database.get("port") or 5432, database_user=database.get("user"),
            database_password=database.get("password"), commit_s=self.commit_s,
        )  # fmt: skip

    def load(self, rate_per_s: float, count: int, start_us: int) -> Load:
        """Ordinary values."""
        return Values(rate_per_s, count, start_us, topic_of=quiet_topic)

    def probes(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Values whose rows are looked for one by one."""
        return Values(rate_per_s, count, start_us, connections=2, chosen=devices, topic_of=quiet_topic)

    def alarms(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Contacts that close."""
        return Values(rate_per_s, count, start_us, connections=2, chosen=devices, alarm=True, topic_of=alarm_topic)

    def messages_each(self) -> int:
        """A message a value."""
        return VALUES_EACH

    def count(self, connection: Connection) -> Counted:
        """Of its table."""
        return count_peer(connection)

    def clear(self, connection: Connection) -> None:
        """Forget the readings."""
        connection.execute("TRUNCATE peer_readings")

    def seen(self, _stage: Stage, connection: Connection, load: Load, numbers: Sequence[int]) -> list[int]:
        """Which values are rows."""
        wanted = []
        for number in numbers:
            device, value = divmod(load.device(number), VALUES_EACH)
            wanted.append((number, fleet.device_code(device), fleet.QUIET[value], load.due_us(number)))
        return seen_peer(connection, wanted)


DEFAULT: Final = Collectd(
    "collectd", "collectd",
    "As its manual begins: clean session, QoS 1, every value a transaction of its own; its threshold plugin judges, its"
    " log tells.",
    1500, clean=True, commit_s=0, queue="", unique=False,
)  # fmt: skip
TUNED: Final = Collectd(
    "collectd-tuned", "collectd, tuned",
    "Persistent session; commits once a second (CommitInterval 1); a bounded queue of a million values; unique index"
    " and ON CONFLICT DO NOTHING.",
    6000, clean=False, commit_s=1, queue="WriteThreads 1\nWriteQueueLimitHigh 1000000\nWriteQueueLimitLow 1000000",
    unique=True,
)  # fmt: skip


def install(say: Callable[[str], None]) -> None:
    """Fetch and unpack it when it is not there."""
    if program().exists():
        return
    say("  fetching collectd from Debian's packages (once)")
    folder = _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    packages.unpack(default_data_dir(os.environ) / "runtime", say)
    with tempfile.TemporaryDirectory(dir=folder.parent) as workspace:
        apt = debian.PrivateApt(Path(workspace) / "apt", packages.PRIVATE_SUITE)
        apt.update()
        for deb in apt.download(PACKAGES, say):
            debian.unpack(deb, Path(workspace) / "root", packages.LEFT_OUT)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (Path(workspace) / "root").rename(folder / "root")
    _find_queries_beside(folder / "root/usr/lib/collectd/postgresql.so")
    libraries, root = f"{platform.machine()}-linux-gnu", folder / "root"
    private = packages.private_folder(default_data_dir(os.environ) / "runtime")
    words = packages.WRAPPER.format(
        loader=shlex.quote(str(private / packages.LOADERS[platform.machine()][1])),
        libraries=shlex.quote(f"{private}/usr/lib/{libraries}:{root}/usr/lib/{libraries}"),
        program=shlex.quote(str(root / "usr/sbin/collectd")),
    )
    program().write_text(words, "utf-8")
    program().chmod(0o755)


def _find_queries_beside(plugin: Path) -> None:
    """The plugin does not load without a file whose path is compiled in, and which is nowhere on a machine where
    collectd is not installed: have it looked for in the folder collectd runs in. No query in it is used."""
    body, path = plugin.read_bytes(), _QUERIES + b"\0"
    if body.count(path) != 1:
        raise BenchFailed(f"{plugin} is not as expected")
    name = Path(_QUERIES.decode()).name.encode()
    plugin.write_bytes(body.replace(path, name.ljust(len(path), b"\0")))


def program() -> Path:
    """What starts it."""
    return _folder() / "collectd"


def _folder() -> Path:
    return default_data_dir(os.environ) / "peers" / f"collectd-{packages.PRIVATE_SUITE}"


def _flush(path: Path) -> None:
    """Have it commit: it looks whether an interval is over only when the next value comes. While it is down or busy
    nothing is asked."""
    with contextlib.suppress(ConnectionError, FileNotFoundError, TimeoutError), socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(FLUSH_S_MAX)
        asked.connect(str(path))
        asked.sendall(b"FLUSH plugin=postgresql\n")
        asked.recv(200)
