"""The whole service as `anhu serve` runs it, on a data folder of its own, with people who are called at a real web
server; and what there is to see of it from outside."""

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psutil
import psycopg
from paho.mqtt import publish as paho_publish

from alerting import oncall_store, people_store
from alerting.escalation import default_policy, parse
from alerting.people import Person, Role, Scope
from ingest import store
from ingest.database import connect
from ingest.formats import native
from ingest.mqtt import Address
from ingest.spool_reader import SpoolReader
from tests.acceptance.service import COOKIE, Service, data_folder
from tests.faults.page import Page
from tests.faults.plan import quiet_code, registry
from tests.integration.providers import Provider, provider
from tests.waiting import wait_until

ROLES: Final = ("pipeline", "notifier", "dashboard", "watch", "drills", "hazards")
RECOVERY_S_MAX: Final = 120.0  # generous: how long it took is reported, and decides nothing
LOOK_S: Final = 0.5
MIB: Final = 1_048_576
PROBE: Final = "probe"
SECRET: Final = "secret-of-the-fault-suite"
SETTINGS: Final = {
    "ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "true",
    "ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED": "127.0.0.0/8",
    "ANHU_DRILL_CHAIN_TEST": "false",  # a drill of its own accord would be an alert more
    "ANHU_DRILL_DUTY_CHECKS_A_MONTH": "0",
    "ANHU_DASHBOARD_PING_INTERVAL_S": "5",  # a page that has gone silent is noticed within ten seconds, not forty
    "ANHU_DASHBOARD_PING_TIMEOUT_S": "5",
}
# Every alarm is to be told alone, at once and to one person: then each is one message with one id.
_ALONE: Final = (("group_s = 10 ", "group_s = 0 "), ("alone_per_minute_max = 3 ", "alone_per_minute_max = 600 "))
_LIFE_SAFETY: Final = """\
[[route]]
id = "life-safety"
kinds = ["fire", "gas", "co", "fall", "sos"]
end_s = 7200
after_clear = true
raises_unanswered = true
[[route.step]]
after_s = 0
to = ["on_call:operator@institution"]

"""


class Stand:
    """The running service. `database_url` and `mqtt_url` lead straight to the servers, whatever the service goes by."""

    def __init__(self, folder: Path, packages_dir: Path, receiver: Provider, settings: Mapping[str, str]) -> None:
        self.folder, self.receiver = folder, receiver
        self.servers = folder  # the data folder of those who run the database and the broker
        self._packages_dir = packages_dir
        self.service_settings = dict(SETTINGS) | {"ANHU_PIPELINE_SPOOL_DIR": str(folder / "spool")} | dict(settings)
        self.spool_file = Path(self.service_settings["ANHU_PIPELINE_SPOOL_DIR"]) / "shard-00.sqlite"
        self.kept: Sequence[str] = ROLES  # what `anhu serve` runs
        self._cookie = ""
        self.database_url = self.device_mqtt_url = ""
        self._sampler = _Sampler(self)

    def start(self) -> None:
        """Start it, for the first time or again on the same folder; returns when it serves and its pipeline runs."""
        words = ("serve", "--roles", ",".join(self.kept))
        self.service = Service(words, self.folder, self._packages_dir, **self.service_settings)
        self.service.ready()
        addresses = json.loads((self.servers / "services.json").read_text("utf-8"))
        self.database_url, self.device_mqtt_url = addresses["database_url"], addresses["device_mqtt_url"]
        self.mqtt_url = addresses["mqtt_url"]
        self.service_settings["ANHU_DASHBOARD_PORT"] = self.service.host.rpartition(":")[2]
        if "pipeline" in self.kept:
            wait_until(lambda: self.beat_age_s() < 5, "the pipeline runs", time_s_max=RECOVERY_S_MAX, every_s=0.2)

    def furnish(self, institutions: list[str]) -> None:
        """The registry, a policy, and somebody on duty in each institution."""
        body = default_policy()
        for old, new in _ALONE:
            body = body.replace(old, new)
        body = re.sub(r'\[\[route\]\]\nid = "life-safety".*?(?=\[\[route\]\]\n)', _LIFE_SAFETY, body, flags=re.DOTALL)
        with connect(self.database_url) as connection:
            store.import_registry(connection, registry([*institutions, PROBE]))
            oncall_store.save_policy(connection, parse(body), body, loaded_by="faults")
            for (institution_id,) in connection.execute("SELECT id FROM institutions ORDER BY id").fetchall():
                who = people_store.save_person(
                    connection, actor="faults", who=Person(0, "值班员", Role.OPERATOR, Scope(institution_id))
                )
                way = ("webhook", f"{self.receiver.url}/{institution_id}#{SECRET}")
                people_store.replace_contacts(connection, actor="faults", who=who, ways=[way])
        if "pipeline" in self.kept:
            wait_until(self._known, "the pipeline knows the registry", time_s_max=RECOVERY_S_MAX, every_s=0.3)

    def _known(self) -> bool:
        """Whether what a registered device says is stored. Until the pipeline has read a new registry, it is listed as
        unclaimed instead, and a plan that had begun by then would miss its first messages."""
        address = Address.parse(self.device_mqtt_url)
        login = {"username": address.username or "", "password": address.password}
        topic = f"anhu/v1/{PROBE}/{quiet_code(PROBE, 0)}/readings"
        body = native.encode(now_us(), {"temperature": 21.0})
        paho_publish.single(topic, body, qos=1, hostname=address.host, port=address.port, auth=login)  # type: ignore[arg-type]
        return self.rows("SELECT EXISTS (SELECT FROM readings)") == [(True,)]

    @property
    def settings(self) -> dict[str, str]:
        """The environment of the service's processes."""
        return self.service.env | {"ANHU_DATABASE_URL": self.database_url, "ANHU_MQTT_URL": self.mqtt_url}

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sampler.stop()

    @contextmanager
    def page(self, host: str | None = None) -> Iterator[Page]:
        """A page of the administrator's; by another `host` than the dashboard's own if it is to go a detour."""
        by = host or self.service.host
        with Page(f"ws://{by}/live", f"http://{by}", f"{COOKIE}={self.session}") as page:
            wait_until(lambda: page.connections, "the page is connected")
            yield page

    @contextmanager
    def api(self) -> Iterator[httpx.Client]:
        """A signed-in HTTP client, always of the same session."""
        cookies, headers = {COOKIE: self.session}, {"Origin": self.service.url}
        with httpx.Client(base_url=self.service.url, headers=headers, cookies=cookies, timeout=15) as client:
            yield client

    @property
    def session(self) -> str:
        """The administrator's session, as the cookie has it."""
        if not self._cookie:
            with self.service.client() as client:
                self._cookie = client.cookies[COOKIE]
        return self._cookie

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query answers; [] while the database is away."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.database_url, connect_timeout=3) as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()
        return []

    def beat_age_s(self) -> float:
        """How long ago the pipeline last gave a sign of life in the database."""
        found = self.rows("SELECT extract(epoch FROM clock_timestamp() - max(at))::float8 FROM pipeline_heartbeats")
        return float(found[0][0]) if found and found[0][0] is not None else float("inf")

    def spooled(self) -> bool:
        """Whether anything waits in the spool."""
        reader = SpoolReader(self.spool_file)
        try:
            return reader.waiting()
        finally:
            reader.close()

    def server(self, name: str) -> psutil.Process:
        """The process of `postgres` or `mosquitto`."""
        found = [
            each for each in self.guardian().children() if f"/{name}" in " ".join(each.cmdline()[:9])
        ]  # a private program is started by its own loader, which gives the process its name
        assert len(found) == 1, found
        return found[0]

    def guardian(self) -> psutil.Process:
        """The guardian of the servers."""
        children = psutil.Process(self.service.process.pid).children()
        [found] = [each for each in children if each.cmdline()[-1:] == ["anhu.guardian"]]
        return found

    def roles(self) -> dict[str, psutil.Process]:
        """The process of every role that runs."""
        found = {}
        for each in psutil.Process(self.service.process.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                words = each.cmdline()
                if words[-2:-1] == ["anhu.role"]:
                    found[words[-1]] = each
        return found

    def ailing(self) -> str:
        """What is not yet well again, in words; "" when all is."""
        if missing := set(self.kept) - set(self.roles()):
            return f"not running: {', '.join(sorted(missing))}"
        if abs(age_s := self.beat_age_s()) > 5:
            return f"the pipeline's heartbeat is {age_s:.0f} s old"
        if self.spooled():
            return "the spool is not empty"
        [(inbox,)] = self.rows("SELECT sum(inbox_count) FROM pipeline_heartbeats") or [(None,)]
        if inbox is None or inbox > 100:
            return f"{inbox} messages wait in the inbox"
        try:
            with self.api() as client:
                health = client.get("/api/system/health").raise_for_status().json()
        except httpx.HTTPError as error:
            return f"the dashboard: {error!r}"
        idle = [role["name"] for role in health["roles"] if not role["connections"]]
        waiting = health["outbox_waiting"] + health["outbox_sending"]
        return f"no connection: {', '.join(idle)}" if idle else f"{waiting} messages unsent" if waiting else ""

    def peak_mib(self) -> dict[str, float]:
        """The most memory each role had since this was asked last."""
        return self._sampler.read()

    def end(self) -> None:
        """Stop everything. With ANHU_FAULT_LOG, what the service said is added to that file."""
        try:
            self.service.end()
        finally:
            if path := os.environ.get("ANHU_FAULT_LOG"):
                with Path(path).open("a", encoding="utf-8") as log:
                    log.write(self.service.printed)


class _Sampler:
    """Looks at the roles' memory all the time."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._peak: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)

    def read(self) -> dict[str, float]:
        with self._lock:
            found, self._peak = self._peak, {}
        return found

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            with suppress(psutil.Error):
                for name, process in self._stand.roles().items():
                    weight = process.memory_info().rss / MIB
                    with self._lock:
                        self._peak[name] = max(weight, self._peak.get(name, 0.0))


@contextmanager
def stand(
    packages_dir: Path,
    institutions: list[str],
    *,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    roles: Sequence[str] = ROLES,
    servers: Path | None = None,
) -> Iterator[Stand]:
    """A service that runs and knows `institutions`, ended at the end; on a fresh `folder` unless one is named. With
    `servers`, somebody else runs database and broker on that data folder."""
    with data_folder() as fresh, provider() as receiver:
        made = Stand(folder or fresh, packages_dir, receiver, settings or {})
        made.kept = roles
        made.servers = servers or made.folder
        try:
            made.start()
            made.furnish(institutions)
            with made:
                yield made
        finally:
            made.end()


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """SIGSTOP of a process and all that it has begun: it neither answers nor refuses."""
    process.suspend()  # first, so that it begets and buries no child while the others are stopped
    children = process.children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.suspend()
    try:
        yield
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.resume()
        process.resume()  # last: a child that was ending anyway is buried by it


def now_us() -> int:
    """µs since 1970."""
    return time.time_ns() // 1000
