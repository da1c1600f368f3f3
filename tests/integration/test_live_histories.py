"""A real dashboard lives through outages of its database and restarts while pages come, stall and go: none is left
without an open alert, and in the end every one shows what the log says. tests/unit/test_live_histories.py does the same
thousands of times without a network."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from alerting import event_json, store
from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Verb, alert_id, engine_event, fold
from ingest.reading import ReadingBatch, to_us
from ingest.spool import Spool, Spooled
from tests.integration.dashboard_world import Served, World, build, outage, serve, small_socket
from tests.unit.live_world import Page
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SEED = 20261122
PAGES = 5
DEVICES = 4
EVENTS = 30  # of each phase
BULK = "火" * 20_000  # in each event, so that for a page that does not read the kernel's buffers are soon full
NO_READINGS = ReadingBatch.build([], [], [], [])


class Browser:
    """A page at the other end of a real connection; reads only when told to."""

    def __init__(self) -> None:
        self.page = Page()
        self.socket: ClientConnection | None = None
        self.stalled = False
        self._closing = ExitStack()

    def connect(self, served: Served, cookies: str) -> None:
        """A new connection, whose small buffers are soon full."""
        self.leave()
        client = served.client(signed_in=False)
        client.headers["Cookie"] = cookies
        self.socket = self._closing.enter_context(
            served.socket(
                client, sock=small_socket(served.host), max_queue=1, close_timeout=0.1,
                additional_headers={"Cookie": cookies},
            )
        )  # fmt: skip

    def read(self) -> None:
        """Take what has come; a connection that has ended is left."""
        while self.socket is not None and not self.stalled:
            try:
                self.page.take(json.loads(self.socket.recv(timeout=0)))
            except TimeoutError:
                return
            except ConnectionClosed:
                self.leave()

    def leave(self) -> None:
        """Disconnect."""
        self._closing.close()
        self.socket = None


class Site:
    """What the pipeline would say, to the database or, while that is away, to its spool."""

    def __init__(self, world: World, spool: Spool) -> None:
        self.world = world
        self.spool = spool
        self._standing: dict[int, Alert] = {}
        self._at = datetime.now(UTC) - timedelta(hours=1)

    def say(self, device: int, *, spooled: bool) -> None:
        """Raised, returned to normal, raised again, …"""
        self._at += timedelta(seconds=1)
        standing = self._standing.get(device)
        onset = standing.onset_at if standing else self._at
        verb = Verb.CLEAR if standing is not None and standing.active else Verb.RAISE
        source = self.world.source(device)
        event = engine_event(
            alert_id(Key(source.institution_id, source.device_id, Kind.FIRE), to_us(onset)), verb, to_us(self._at),
            to_us(onset), source, Condition("r", Kind.FIRE, Priority.CRITICAL, latching=False), {"text": BULK},
        )  # fmt: skip
        alert = self._standing[device] = fold(standing, event)
        if spooled:
            self.spool.put(Spooled(NO_READINGS, [], [], [event_json.dump(event, alert)]))
        else:
            self._append(event)

    def drain(self) -> None:
        """Bring the spool in, in order."""
        for number, batch in self.spool.first(1000):
            for body in batch.events:
                self._append(event_json.load(body)[0])
            self.spool.remove(number)

    def calling(self) -> set[str]:
        """The alerts that must be on every page: nobody acknowledges here."""
        return {str(alert.id) for alert in self._standing.values()}

    def open_now(self) -> dict[str, int]:
        """As the database has them."""
        with self.world.connect() as connection:
            return {str(row[0]): row[1] for row in connection.execute("SELECT id, version FROM alerts WHERE open")}

    def _append(self, event: AlertEvent) -> None:
        with self.world.connect() as connection, connection.transaction():
            store.append(connection, [event])


@contextmanager
def open_spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, 64 * 2**20)
    yield spool
    spool.close()


def happen(random: Random, served: Served, cookies: str, browsers: list[Browser], site: Site, *, spooled: bool) -> None:
    """Events, and pages that come, stall, read and go between them."""
    for _ in range(EVENTS):
        site.say(random.randrange(DEVICES), spooled=spooled)
        browser = random.choice(browsers)
        match random.choice(["connect", "read", "read", "leave", "stall", "go on"]):
            case "connect":
                browser.connect(served, cookies)
            case "leave":
                browser.leave()
            case "stall":
                browser.stalled = True
            case "go on":
                browser.stalled = False
        browser.read()


def everybody_sees(served: Served, cookies: str, browsers: list[Browser], alerts: set[str]) -> None:
    """Every page, connected again if it must be, comes to show these."""

    def seen() -> bool:
        for browser in browsers:
            browser.stalled = False
            if browser.socket is None:
                browser.connect(served, cookies)
            browser.read()
        return all(alerts <= browser.page.open.keys() for browser in browsers)

    wait_until(seen, "every page shows every open alert")


def test_no_page_is_left_without_an_open_alert(database_url: str, data_dir: Path) -> None:
    world, random = build(database_url), Random(SEED)
    browsers = [Browser() for _ in range(PAGES)]
    path = data_dir / "shard.sqlite"
    settings = {"client_waiting_mib_max": 0.1, "reconnect_delay_s_max": 0.3, "pulse_s": 0.3}
    with ExitStack() as leaving, open_spool(path) as spool:
        for browser in browsers:
            leaving.callback(browser.leave)
        site = Site(world, spool)
        with serve(world, spool=path, **settings) as served:
            client = served.client()
            cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            happen(random, served, cookies, browsers, site, spooled=False)
            everybody_sees(served, cookies, browsers, site.calling())
            stuck, *others = browsers
            stuck.stalled = True
            with outage(world.database_url):
                for _ in range(10):
                    happen(random, served, cookies, others, site, spooled=True)
                    if "anhu_live_slow_clients_total 0.0" not in client.get("/metrics").text:
                        break
                else:
                    pytest.fail("the page that does not read was never parted with")
                everybody_sees(served, cookies, browsers, site.calling())
                happen(random, served, cookies, browsers, site, spooled=True)
        # Another dashboard, before anything of the spool is in the database.
        with serve(world, spool=path, **settings) as served:
            everybody_sees(served, cookies, browsers, site.calling())
            site.drain()
            happen(random, served, cookies, browsers, site, spooled=False)
            everybody_sees(served, cookies, browsers, site.calling())
            expected = site.open_now()

            def agreed() -> bool:
                for browser in browsers:
                    if browser.socket is None:  # parted with late, for what it had not read before: a page comes back
                        browser.connect(served, cookies)
                    browser.read()
                return all(browser.page.open == expected for browser in browsers)

            wait_until(agreed, "every page shows what the log says")
