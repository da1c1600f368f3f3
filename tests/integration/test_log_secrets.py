"""No secret and no telephone number in a log, on a command line or on an error page: every role as a process of its
own, with secrets that are known here, and with everything against it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Final

import httpx
import psycopg
import pytest

from anhu.roles import LOCAL
from dashboard.auth import COOKIE
from tests.integration.dashboard_world import build
from tests.integration.test_mqtts import free_port, is_listening
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DATABASE, BROKER, WEBHOOK, TOKEN = "dbpass-4f1c9a77", "brokerpass-77aa03", "wehookkey-5b2e-91", "anhup_QxW3rTy8uIo9pAsD"
SESSION, PASSWORD, PHONE, NAME = "c2Vzc2lvbi1jb29raWU", "wrong-horse-battery", "13912345678", "王秀英"
SMS = "smssecret-0c4d"
SECRETS: Final = (DATABASE, BROKER, WEBHOOK, TOKEN, SESSION, PASSWORD, PHONE, SMS)


@contextmanager
def running(name: str, folder: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """One role as `anhu serve` starts it, its log in a file."""
    folder.mkdir(exist_ok=True)
    around = {key: value for key, value in os.environ.items() if not key.startswith("ANHU_")} | {
        "ANHU_DATA_DIR": str(folder / "data"), "ANHU_LOG_LEVEL": "DEBUG", "ANHU_NOTIFY_SMS_SECRET": SMS,
        "ANHU_WATCH_DEAD_MAN_URL": f"https://127.0.0.1:9/ping?key={WEBHOOK}", "LANG": "en_GB.UTF-8", **env,
    }  # fmt: skip
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "anhu.role", name], env=around, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_what_a_role_says_that_reaches_nothing(shared_database_url: str, tmp_path: Path) -> None:
    """Nobody listens where the database is said to be, and for one pipeline nobody where the broker is: each tells so
    in its own way. (The page waits for its database in silence; what it says is tried below.)"""
    away, broker = f"postgresql://anhu:{DATABASE}@127.0.0.1:9/anhu", f"mqtt://anhu:{BROKER}@127.0.0.1:9"
    places = [(name, away) for name in LOCAL.split(",") if name != "dashboard"] + [("pipeline", shared_database_url)]
    logs = [tmp_path / str(number) / f"{name}.log" for number, (name, _) in enumerate(places)]
    with ExitStack() as stack:
        for log, (name, database) in zip(logs, places, strict=True):
            process = stack.enter_context(running(name, log.parent, ANHU_DATABASE_URL=database, ANHU_MQTT_URL=broker))
            line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert not any(secret.encode() in line for secret in SECRETS)
        for log in logs:
            wait_until(lambda log=log: "refused" in log.read_text(), f"{log} has told", time_s_max=120)
    for log in logs:
        words = log.read_text()
        assert not [secret for secret in SECRETS if secret in words], words


class Switch(BaseHTTPRequestHandler):
    """A dead-man's switch that is content, and notes what it was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Every address is right."""
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_address_that_is_a_key_is_not_logged_by_the_library_that_asks_there(
    database_url: str, tmp_path: Path
) -> None:
    """In a database of its own: where a pipeline has been and is no more, not all is well, and nothing is told."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Switch) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/ping?key={WEBHOOK}"
        with running("watch", tmp_path, ANHU_DATABASE_URL=database_url, ANHU_MQTT_URL=f"mqtt://a:{BROKER}@b",
                     ANHU_WATCH_DEAD_MAN_URL=url, ANHU_WATCH_DISK_FREE_SHARE_MIN="0.0001"):  # fmt: skip
            wait_until(lambda: Switch.asked, "the switch is asked", time_s_max=120)
            log = tmp_path / "watch.log"
            wait_until(lambda: "HTTP Request" in log.read_text(), "httpx has logged its request")
        server.shutdown()
    assert Switch.asked[0].endswith(f"key={WEBHOOK}")
    assert not [secret for secret in SECRETS if secret in log.read_text()]


def test_what_the_page_says_to_who_sends_nonsense(shared_database_url: str, tmp_path: Path) -> None:
    world = build(shared_database_url)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = psycopg.conninfo.conninfo_to_dict(shared_database_url)["password"]
    with running("dashboard", tmp_path, ANHU_DATABASE_URL=shared_database_url, ANHU_MQTT_URL=f"mqtt://a:{BROKER}@b",
                 ANHU_DASHBOARD_PORT=str(port)) as process:  # fmt: skip
        wait_until(lambda: is_listening(port) or process.poll() is not None, "the page is served", time_s_max=90)
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30) as client:
            client.post("/api/session", json={"username": "admin", "password": world.password}).raise_for_status()
            session = client.cookies[COOKIE]
            stranger = {"Cookie": f"{COOKIE}={SESSION}"}
            token = {"Authorization": f"Bearer {TOKEN}"}
            pages = [
                client.post("/api/session", json={"username": "admin", "password": PASSWORD}),
                client.post("/api/session", json={"username": "admin", "password": [PASSWORD]}),
                client.post(
                    "/api/session", content=f'{{"password": "{PASSWORD}"', headers={"Content-Type": "text/json"}
                ),
                client.post(f"/api/session?key={WEBHOOK}", content=PASSWORD),
                client.get("/api/alerts", headers=stranger),
                client.get(f"/api/alerts?access_token={TOKEN}&phone={PHONE}&limit=x"),
                client.get("/api/alerts", headers=token),
                client.get("/api/export/alerts", headers=token),
                client.get(f"/api/nothing/{WEBHOOK}"),
                client.put("/api/people/1/contacts", json={"phone": PHONE, "name": NAME, "kind": []}),
            ]
            with psycopg.connect(shared_database_url) as connection:  # what is there no more cannot be read
                connection.execute("ALTER TABLE persons RENAME TO persons_away")
            try:
                broken = [
                    client.get("/api/people"),
                    client.get("/api/account"),
                    client.get("/api/people", headers=token),
                ]
            finally:
                with psycopg.connect(shared_database_url) as connection:
                    connection.execute("ALTER TABLE persons_away RENAME TO persons")
    log = (tmp_path / "dashboard.log").read_text()
    assert 500 in {page.status_code for page in broken}
    assert "persons" in log  # the error is there to be read, and only there
    for page in (*pages, *broken):
        assert page.status_code >= 400, page.request.url
        shown = page.text + json.dumps(dict(page.headers))
        assert not [each for each in (*SECRETS, own, session) if str(each) in shown], (page.request.url, shown)
    for page in broken:
        assert "persons" not in page.text
        assert "Traceback" not in page.text
    assert not [each for each in (*SECRETS, NAME, own, session, world.password) if str(each) in log], log
