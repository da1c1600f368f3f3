"""A small registry, hand-made alerts, and a real server on a free port."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn
from pydantic import TypeAdapter
from websockets.sync.client import ClientConnection, connect

from alerting import store
from alerting.alert import Alert, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from dashboard import auth, schemas
from dashboard.gateways import Gateways
from dashboard.serve import configure
from dashboard.settings import DashboardSettings
from ingest import store as reading_store
from ingest.reading import ReadingBatch, to_us

# Not those of the server itself (autovacuum, TimescaleDB's workers), which the test's user may not end.
_END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
    " AND backend_type = 'client backend'"
)


_FRAME: TypeAdapter[object] = TypeAdapter(schemas.LiveFrame)


@dataclass(frozen=True)
class World:
    """Ids of what was registered: two institutions, the first with a kitchen and a bedroom of four devices."""

    database_url: str
    password: str
    home: int
    station: int
    kitchen: int
    bedroom: int
    devices: tuple[int, ...]
    points: Mapping[tuple[int, str], int]

    def connect(self) -> psycopg.Connection[Any]:
        """A connection that commits at once."""
        return psycopg.connect(self.database_url, autocommit=True, options="-c timezone=UTC")

    def source(self, device: int | None = 0) -> Source:
        """The `device`-th device of the home, or the home itself."""
        if device is None:
            return Source(self.home, None, None)
        return Source(self.home, self.kitchen if device < 2 else self.bedroom, self.devices[device])

    def say(
        self,
        verb: Verb,
        device: int | None = 0,
        kind: Kind = Kind.FIRE,
        *,
        priority: Priority = Priority.CRITICAL,
        at: datetime | None = None,
        onset_at: datetime | None = None,
        latching: bool = False,
        rule: str = "r",
        source: Source | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Alert:
        """Append one event of the engine, in a transaction of its own, and answer with the alert."""
        source = source or self.source(device)
        at = at or datetime.now(UTC)
        onset_us = to_us(onset_at or at)
        event = engine_event(
            alert_id(Key(source.institution_id, source.device_id, kind), onset_us),
            verb, to_us(at), onset_us, source, Condition(rule, kind, priority, latching), evidence or {"value": 1.5},
        )  # fmt: skip
        with psycopg.connect(self.database_url, options="-c timezone=UTC") as connection:
            return store.append(connection, [event])[event.alert_id]

    def add_readings(self, point_id: int, rows: Sequence[tuple[datetime, float]], quality: int | None = None) -> None:
        """Store readings that arrived 250 ms after they were measured."""
        at_us, values = [to_us(at) for at, _ in rows], [value for _, value in rows]
        received_us = [us + 250_000 for us in at_us]
        batch = ReadingBatch.build([point_id] * len(rows), at_us, received_us, values, [quality or 0] * len(rows))
        with psycopg.connect(self.database_url) as connection:
            reading_store.store_readings(connection, batch)


def build(database_url: str) -> World:
    """Fill a fresh database, which has been migrated."""
    with psycopg.connect(database_url) as connection:

        def insert(table: str, **values: Any) -> int:
            names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 - names from below
            row = connection.execute(statement.encode(), list(values.values())).fetchone()
            assert row is not None
            return int(row[0])

        home = insert(
            "institutions", code="home-1", name="安和养老院", name_en="Anhe Home", kind="nursing_home", region="220322"
        )
        station = insert("institutions", code="station-1", name="救助站", name_en="Station", kind="rescue_station")
        kitchen = insert("zones", institution_id=home, code="kitchen", name="厨房", name_en="Kitchen", kind="kitchen")
        bedroom = insert("zones", institution_id=home, code="bed-1", name="卧室", kind="bedroom", floor=2)
        devices, points = [], {}
        for number, zone in enumerate((kitchen, kitchen, bedroom, bedroom)):
            device = insert(
                "devices", institution_id=home, zone_id=zone, code=f"smk-{number}", name=f"烟感 {number}", kind="smoke",
                report_interval_s=30,
            )  # fmt: skip
            devices.append(device)
            for quantity, unit in (("smoke_obscuration", "dB/m"), ("temperature", "Cel")):
                points[device, quantity] = insert("points", device_id=device, quantity=quantity, unit=unit)
    with psycopg.connect(database_url) as connection:
        password = auth.seed_administrator(connection)
    assert password is not None
    return World(database_url, password, home, station, kitchen, bedroom, tuple(devices), points)


class Served:
    """A running dashboard and a browser's manners towards it."""

    def __init__(self, world: World, address: tuple[str, int]) -> None:
        self.world = world
        self.host = f"{address[0]}:{address[1]}"
        self.url = f"http://{self.host}"
        self.clients = ExitStack()

    def client(self, *, signed_in: bool = True) -> httpx.Client:
        """An HTTP client, with a session unless told otherwise."""
        # Nothing is encrypted here, and reading all the authorities of the world would take 20 ms of each test.
        plain = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=15, verify=False)  # noqa: S501
        client = self.clients.enter_context(plain)
        if signed_in:
            sign_in(client, self.world.password).raise_for_status()
        return client

    def socket(self, client: httpx.Client, **options: Any) -> ClientConnection:
        """The websocket of a signed-in client."""
        headers = {"Cookie": f"{auth.COOKIE}={client.cookies[auth.COOKIE]}"} if auth.COOKIE in client.cookies else {}
        arguments: dict[str, Any] = {
            "origin": self.url,
            "additional_headers": headers,
            "compression": None,
            "max_size": None,
            "open_timeout": 15,
        }
        return connect(f"ws://{self.host}/live", **(arguments | options))


def sign_in(client: httpx.Client, password: str, username: str = "admin") -> httpx.Response:
    """Ask for a session."""
    return client.post("/api/session", json={"username": username, "password": password})


@contextmanager
def serve(
    world: World, *, spool: Path | None = None, gateways: Gateways | None = None, **settings: Any
) -> Iterator[Served]:
    """The dashboard on a free port, in a thread, until the end of the block."""
    config = configure(world.database_url, DashboardSettings(port=0, **settings), spool, gateways)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        assert server.started
        served = Served(world, server.servers[0].sockets[0].getsockname()[:2])
        with served.clients:
            yield served
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "a graceful stop ends"


def until(condition: Any, timeout_s: float = 15) -> None:
    """Wait until `condition()` holds."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "this did not happen in time"
        time.sleep(0.01)


def frames(socket: ClientConnection, count: int, kind: str = "alert", timeout_s: float = 15) -> list[dict[str, Any]]:
    """The next `count` frames of one type."""
    found: list[dict[str, Any]] = []
    deadline_s = time.monotonic() + timeout_s
    while len(found) < count:
        text = socket.recv(timeout=max(0.0, deadline_s - time.monotonic()))
        _FRAME.validate_json(text)  # as the page was told
        frame = json.loads(text)
        if frame["type"] == kind:
            found.append(frame)
    return found


def small_socket(host: str) -> socket.socket:
    """A TCP connection whose receive buffer soon is full."""
    address, port = host.rsplit(":", 1)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((address, int(port)))
    return plain


def minutes_ago(minutes: float) -> datetime:
    """That long ago."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


@contextmanager
def outage(database_url: str) -> Iterator[None]:
    """The database refuses every connection and has dropped those it had."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    server = psycopg.conninfo.make_conninfo(database_url, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as connection:

        def allow(answer: str) -> None:
            statement = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
            connection.execute(statement.format(psycopg.sql.Identifier(str(name)), psycopg.sql.SQL(answer)))

        allow("false")
        try:
            connection.execute(_END_CONNECTIONS, (name,))
            yield
        finally:
            allow("true")
