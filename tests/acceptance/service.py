"""The whole service as a user starts it: `anhu demo` or `anhu serve` in a terminal, and what a browser sees of it."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect

from tests.commands import COMMAND, environment
from tests.waiting import wait_until

START_TIME_S_MAX = 90.0
COOKIE = "anhu_session"


def free_port() -> int:
    """A TCP port nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Service:
    """A running service: what it printed, its processes, its address."""

    def __init__(self, words: tuple[str, ...], folder: Path, packages_dir: Path, **settings: str) -> None:
        self.folder, self.words = folder, words
        if not (folder / "runtime").exists():
            (folder / "runtime").symlink_to(packages_dir)  # the programs are unpacked once for all tests
        self.host = f"127.0.0.1:{(settings or {}).get('ANHU_DASHBOARD_PORT') or free_port()}"
        self.url = f"http://{self.host}"
        named = {"ANHU_DATA_DIR": str(folder), "ANHU_DASHBOARD_PORT": self.host.partition(":")[2]}
        self.env = environment(**{**settings, **named})
        self._lines: list[str] = []
        # a session of its own, as a terminal gives it: Ctrl-C reaches its whole process group
        self.process = subprocess.Popen(
            [*COMMAND, *words], env=self.env, stderr=subprocess.PIPE, text=True, start_new_session=True,
            # the tests may themselves run under nohup, which a child would inherit
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)

    @property
    def printed(self) -> str:
        """All that the operator has seen so far."""
        return "".join(self._lines)

    @property
    def password(self) -> str:
        """The administrator's, as printed."""
        found = re.search(r"password (\S+?)[,\s]", self.printed)
        assert found, self.printed
        return found[1]

    def ready(self) -> Self:
        """Wait until it serves the page."""
        wait_until(self._answers, f"the dashboard answers:\n{self.printed}", time_s_max=START_TIME_S_MAX, every_s=0.1)
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.printed
        connection = http.client.HTTPConnection(self.host, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to it, the servers it started among them."""
        found = {self.process.pid: psutil.Process(self.process.pid)}
        for process in psutil.process_iter():
            try:
                named = str(self.folder) in " ".join(process.cmdline())
                ours = any(parent.pid in found for parent in process.parents())
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if named or ours:
                found[process.pid] = process
        return list(found.values())

    def running(self, name: str) -> list[psutil.Process]:
        """The processes that run a role."""
        found = []
        for each in self.processes():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # it may have ended since we looked
                if each.cmdline()[-2:] == ["anhu.role", name]:
                    found.append(each)
        return found

    def role(self, name: str) -> psutil.Process:
        """The process of one role."""
        [process] = self.running(name)
        return process

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """Stop it, however it stands."""
        processes = self.processes() if self.process.poll() is None else []
        if processes:
            self.interrupt()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        wait_until(lambda: not alive(processes), "every process has ended", every_s=0.1)
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A signed-in HTTP client."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=15) as client:
            client.post("/api/session", json={"username": "admin", "password": self.password}).raise_for_status()
            yield client

    def live(self, client: httpx.Client) -> ClientConnection:
        """The websocket of a signed-in client."""
        headers = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
        return connect(f"ws://{self.host}/live", origin=self.url, additional_headers=headers, max_size=None)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie does not."""
    found = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that the servers' user can reach, too."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(*words: str, folder: Path, packages_dir: Path, **settings: str) -> Iterator[Service]:
    """A service that is ready, and ended at the end."""
    service = Service(words, folder, packages_dir, **settings)
    try:
        yield service.ready()
    finally:
        service.end()


def now_s() -> float:
    """The wall clock, by which devices stamp their readings too."""
    return time.time()
