"""Three nodes of a real NATS JetStream cluster, which speaks MQTT 3.1.1, as processes of their own."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from anhu import debian, packages
from anhu.probe import broker_trouble

NODES: Final = 3
START_S_MAX: Final = 60.0
USER, PASSWORD = "anhu", "cluster-secret"
_CONFIG: Final = """\
server_name: "n{number}"
listen: "127.0.0.1:{client}"
authorization {{ user: "{user}", password: "{password}" }}
jetstream {{ store_dir: "{folder}", max_memory_store: 64MB, max_file_store: 1GB }}
cluster {{ name: "anhu", listen: "127.0.0.1:{route}", routes: [{routes}] }}
mqtt {{
  listen: "127.0.0.1:{mqtt}"
  # said outright: else it is as many as are there when the first client comes, and of two none may die
  stream_replicas: 3
  # of all subscriptions of a session together at most 65535, and each # counts twice
  max_ack_pending: 1000
  # what was on its way to a worker that died is sent to the next one so much later (30 s if nothing is said)
  ack_wait: "5s"
}}
"""


def program(packages_dir: Path) -> Path:
    """nats-server: this machine's, or Debian 13's in a private folder (downloaded once)."""
    installed = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
    if installed:
        return Path(installed)
    root = packages_dir / "nats-server"
    unpacked = root / "root/usr/sbin/nats-server"
    if not unpacked.exists():
        apt = debian.PrivateApt(root / "apt", packages.PRIVATE_SUITE)
        apt.update()
        for deb in apt.download(["nats-server"], print):
            debian.unpack(deb, root / "root", packages.LEFT_OUT)
    return unpacked


class Cluster:
    """The nodes, their files in `folder`; a context manager that ends them."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        ports = _free_ports(3 * NODES)
        self._mqtt, clients, routes = ports[:NODES], ports[NODES : 2 * NODES], ports[2 * NODES :]
        self._nodes: list[subprocess.Popen[bytes] | None] = [None] * NODES
        for number in range(NODES):
            (folder / f"n{number}").mkdir()
            text = _CONFIG.format(
                number=number, client=clients[number], route=routes[number], mqtt=self._mqtt[number], user=USER,
                password=PASSWORD, folder=folder / f"n{number}",
                routes=", ".join(f'"nats://127.0.0.1:{port}"' for port in routes if port != routes[number]),
            )  # fmt: skip
            (folder / f"n{number}.conf").write_text(text, encoding="utf-8")

    def __enter__(self) -> Self:
        try:
            for number in range(NODES):
                self.start(number)
            for number in range(NODES):
                self.wait(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self._nodes:
            if node is not None:
                node.kill()
                node.wait()

    @property
    def url(self) -> str:
        """All nodes, as Anhu is told."""
        places = ",".join(f"127.0.0.1:{port}" for port in self._mqtt)
        return f"mqtt://{USER}:{PASSWORD}@{places}/?version=3.1.1"

    def url_of(self, number: int) -> str:
        """One node."""
        return f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{self._mqtt[number]}/?version=3.1.1"

    def start(self, number: int) -> None:
        """Start a node, with what it has on its disk."""
        log = (self._folder / f"n{number}.log").open("ab")
        with log:
            self._nodes[number] = subprocess.Popen(
                [self._path, "-c", self._folder / f"n{number}.conf"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait(self, number: int) -> None:
        """Wait until a node takes clients in."""
        deadline_s = time.monotonic() + START_S_MAX
        while (trouble := broker_trouble(self.url_of(number), 2.0)) is not None:
            told = (self._folder / f"n{number}.log").read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < deadline_s, f"node {number}: {trouble}\n{told[-2000:]}"
            time.sleep(0.2)

    def kill(self, number: int) -> None:
        """kill -9."""
        node = self._nodes[number]
        assert node is not None
        node.kill()
        node.wait()
        self._nodes[number] = None


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports
