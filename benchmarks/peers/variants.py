"""Who is compared: each starts, is killed, and is counted in the same way."""

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import psycopg

from anhu import keeper
from anhu.data_folder import default_data_dir
from benchmarks.listener import listen
from benchmarks.peers import install, node_red_flows
from benchmarks.peers.messages import Form, native, plain
from benchmarks.peers.websocket import listen_plain
from benchmarks.stage import ROLES, STOP_S_MAX, BenchFailed, Child, Stage, free_port
from benchmarks.usage import Meter
from ingest.database import Connection
from ingest.mqtt import Address

FILES: Final = Path(__file__).parent
PEER_TABLES: Final = (
    "CREATE TABLE peer_alerts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, device text NOT NULL,"
    " quantity text NOT NULL, measured_at timestamptz NOT NULL, raised_at timestamptz NOT NULL DEFAULT now());"
    "CREATE TABLE peer_points (institution text, device text, quantity text, id int,"
    " PRIMARY KEY (institution, device, quantity));"
    "INSERT INTO peer_points SELECT i.code, d.code, p.quantity, p.id FROM points p JOIN devices d ON d.id = p.device_id"
    " JOIN institutions i ON i.id = d.institution_id;"
    # collectd's own README offers such a function, whose parameters are the plugin's; the plugin puts the names into
    # quotes, which become part of them
    "CREATE FUNCTION peer_insert(at timestamptz, host text, plugin text, instance text, type text, type_instance text,"
    " names text[], types text[], vals float8[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO readings (measured_at, point_id, value, delay_ms)"
    " SELECT at, p.id, v, extract(epoch FROM clock_timestamp() - at)::float8 * 1000"
    " FROM unnest(names, vals) AS s (q, v)"
    " JOIN peer_points p ON p.institution = host AND p.device = plugin || '-' || instance"
    " AND p.quantity = btrim(q, '''')"
    " ON CONFLICT DO NOTHING; END $$;"
)
_ANHU_ALERTS: Final = (
    "SELECT devices.code, count(*) FROM alerts JOIN devices ON devices.id = device_id WHERE alerts.kind = 'fire'"
    " GROUP BY 1"
)
_PEER_ALERTS: Final = "SELECT device, count(*) FROM peer_alerts GROUP BY 1"


@dataclass(frozen=True)
class Variant:
    """One peer with one set of settings. `first_per_s` is where the search for its highest rate begins."""

    name: str
    title: str
    settings_zh: str
    settings_en: str
    first_per_s: float
    make: Callable[[Stage, Path], "Peer"]
    form: Form = native


@dataclass
class Peer:
    """A peer on a stage: a program that is started, killed and stopped, and the question for its alerts."""

    stage: Stage
    program: keeper.Program
    version: str
    alerts_query: str
    websocket: Callable[[frozenset[str], float], Child] | None
    memory_peak_mib: float = field(default=0.0, init=False)  # of all its processes together (PSS), where looked
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _wanted: bool = field(default=False, init=False)

    def start(self) -> None:
        """Run it; whether it takes messages is for the caller to see."""
        self._process = keeper.spawn(self.program)
        self._wanted = True

    def keep(self) -> None:
        """Start it again where it has ended by itself, as a service manager does."""
        if self._wanted and self._process is not None and self._process.poll() is not None:
            self.stage.say(f"  {self.program.name} ended by itself ({self._process.returncode}) and is started again")
            self.start()

    @property
    def process_id(self) -> int:
        """Of the running program. Raises BenchFailed when it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise BenchFailed(f"{self.program.name} ended:\n{self._last_words()}")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to the program and to all it has started, at once."""
        self._wanted = False
        tree = [psutil.Process(self.process_id), *psutil.Process(self.process_id).children(recursive=True)]
        for each in tree:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it in its own way, or by force."""
        self._wanted = False
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def weigh(self) -> None:
        """Look how much memory it has now."""
        if self._process is not None and self._process.poll() is None:
            with suppress(psutil.NoSuchProcess):  # it ends just now
                weight_mib = Meter({"peer": self._process.pid}).read()["peer"].pss_mib
                self.memory_peak_mib = max(self.memory_peak_mib, weight_mib)

    def alerts(self, connection: Connection) -> dict[str, int]:
        """How many alerts there are in its table, by device."""
        return {str(code): int(count) for code, count in connection.execute(self.alerts_query)}

    def _last_words(self) -> str:
        path = self.program.log_path
        return path.read_text("utf-8", errors="replace")[-2000:] if path is not None and path.exists() else ""


def _anhu(stage: Stage, _: Path) -> Peer:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    env = dict(os.environ) | {
        "ANHU_DATABASE_URL": stage.database_url,
        "ANHU_MQTT_URL": stage.mqtt_url,
        "ANHU_DATA_DIR": str(stage.folder),
        "ANHU_DASHBOARD_PORT": str(port),
    }
    argv = [sys.executable, "-m", "anhu", "serve", "--roles", ",".join(ROLES)]
    program = keeper.Program("anhu serve", argv, env, log_path=stage.folder / "log" / "serve.log")
    return Peer(
        stage,
        program,
        "",
        _ANHU_ALERTS,
        lambda codes, seconds: Child(listen, origin, stage.password, codes, seconds),
    )


def _node_red(stage: Stage, packages_dir: Path, *, tuned: bool) -> Peer:
    installed = install.node_red(packages_dir, stage.say)
    folder = stage.folder / "node-red"
    folder.mkdir()
    (folder / "node_modules").symlink_to(installed.folder / "node_modules")
    shutil.copy(node_red_flows.FILES / "settings.js", folder)
    broker = Address.parse(stage.mqtt_url)
    flows, credentials = node_red_flows.flows(broker, tuned=tuned)
    (folder / "flows.json").write_text(json.dumps(flows, indent=1), "utf-8")
    (folder / "flows_cred.json").write_text(json.dumps(credentials), "utf-8")
    port = free_port()
    env = dict(os.environ) | libpq_variables(stage.database_url) | {"PEER_PORT": str(port)}
    argv = [
        str(installed.node),
        str(folder / "node_modules/node-red/red.js"),
        *("--userDir", str(folder), "--settings", str(folder / "settings.js")),
    ]
    program = keeper.Program("node-red", argv, env, folder=folder, log_path=stage.folder / "log" / "node-red.log")
    url = f"ws://127.0.0.1:{port}{node_red_flows.WEBSOCKET_PATH}"
    return Peer(
        stage, program, installed.version, _PEER_ALERTS, lambda codes, seconds: Child(listen_plain, url, codes, seconds)
    )


def _collectd(stage: Stage, packages_dir: Path, *, tuned: bool) -> Peer:
    installed = install.collectd(packages_dir, stage.say)
    folder = stage.folder / "collectd"
    folder.mkdir(mode=0o755)
    libpq = libpq_variables(stage.database_url)
    broker = Address.parse(stage.mqtt_url)
    # The exec plugin never starts anything as root.
    exec_user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    document = (FILES / "collectd" / "collectd.conf").read_text("utf-8")
    document = document.format(
        folder=folder,
        plugins=installed.folder / "usr/lib/collectd",
        types=FILES / "collectd" / "types.db",
        mqtt_host=broker.host,
        mqtt_port=broker.port,
        mqtt_user=broker.username,
        mqtt_password=broker.password,
        database=libpq["PGDATABASE"],
        socket=libpq["PGHOST"],
        user=libpq["PGUSER"],
        password=libpq["PGPASSWORD"],
        exec_user=exec_user,
        # Tuned: rows are committed once a second, the broker keeps what comes while collectd is away, one thread writes
        # (there is one connection to the database, so more only wait for each other), and the queue has a bound.
        queues="WriteThreads 1\nWriteQueueLimitHigh 1000000\nWriteQueueLimitLow 1000000" if tuned else "",
        session='    ClientId "collectd-peer"\n    CleanSession false' if tuned else "",
        commit="    CommitInterval 1" if tuned else "",
    )
    (folder / "collectd.conf").write_text(document, "utf-8")
    shutil.copy(installed.folder / "usr/share/collectd/postgresql_default.conf", folder)  # where it is started
    psql = shutil.which("psql")
    if psql is None:
        raise BenchFailed("collectd's notifications need psql, which is not on the PATH")
    script = (FILES / "collectd" / "notify.sh").read_text("utf-8")
    for name, value in {"{tries}": "60" if tuned else "1", "{psql}": psql, "{url}": psql_url(libpq)}.items():
        script = script.replace(name, value)
    (folder / "notify.sh").write_text(script, "utf-8")
    (folder / "notify.sh").chmod(0o755)
    argv = [*installed.argv, "-f", "-C", str(folder / "collectd.conf"), "-P", str(folder / "collectd.pid")]
    program = keeper.Program(
        "collectd", argv, dict(os.environ), folder=folder, log_path=stage.folder / "log" / "collectd.log"
    )
    return Peer(stage, program, installed.version, _PEER_ALERTS, None)


def libpq_variables(database_url: str) -> dict[str, str]:
    """The address as the variables that libpq and the pg module read.

    >>> libpq_variables("postgresql://a:b@%2Ftmp%2Fs:5432/anhu")["PGHOST"]
    '/tmp/s'
    """
    parts = psycopg.conninfo.conninfo_to_dict(database_url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    return {variable: str(parts[name]) for name, variable in names.items() if name in parts}


def psql_url(variables: Mapping[str, str]) -> str:
    """The same as a connection string without a quote, for a shell's single quotes."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    return " ".join(f"{name}={variables[variable]}" for name, variable in names.items() if variable in variables)


def packages_dir() -> Path:
    """Where private programs are kept, those of the peers too."""
    return default_data_dir(os.environ) / "runtime"


VARIANTS: Final = (
    Variant(
        "anhu",
        "Anhu",
        "出厂设置，`pipeline` 与 `dashboard` 两个角色；没有另试调优",
        "as shipped, roles `pipeline` and `dashboard`; no tuning was tried",
        12_000,
        _anhu,
    ),
    Variant(
        "node-red",
        "Node-RED",
        "节点默认值：clean session，QoS 1；函数节点判断（带回差）；每条消息一次 INSERT，立即提交",
        "the nodes' defaults: clean session, QoS 1; a function node judges with hysteresis; one INSERT a message,"
        " committed at once",
        1_500,
        lambda stage, folder: _node_red(stage, folder, tuned=False),
    ),
    Variant(
        "node-red-tuned",
        "Node-RED, tuned",
        "持久会话；一个函数节点完成解析、判断与聚批；每 20 ms 或 3,000 行一个事务写入，失败则重试；"
        "不比上一条新的消息不再判断",
        "persistent session; one function node parses, judges and gathers; a transaction of one multi-row INSERT every"
        " 20 ms or 3,000 rows, tried again when it fails; a message not newer than its device's last is not judged",
        6_000,
        lambda stage, folder: _node_red(stage, folder, tuned=True),
    ),
    Variant(
        "collectd",
        "collectd",
        "插件默认值：clean session，每条消息提交一次；threshold → exec 脚本写表",
        "the plugins' defaults: clean session, one commit a message; threshold → an exec script that writes the table",
        400,
        lambda stage, folder: _collectd(stage, folder, tuned=False),
        plain,
    ),
    Variant(
        "collectd-tuned",
        "collectd, tuned",
        "持久会话；`CommitInterval 1`；一个写线程；队列上限一百万；脚本重试一分钟",
        "persistent session; `CommitInterval 1`; one write thread; a queue of a million; the script tries for a minute",
        1_000,
        lambda stage, folder: _collectd(stage, folder, tuned=True),
        plain,
    ),
)
