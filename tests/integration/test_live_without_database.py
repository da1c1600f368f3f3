"""The database hangs: pages that are open hear of an alarm nevertheless, at once; and of nothing twice afterwards."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import structlog
import uvicorn
from websockets.exceptions import ConnectionClosed

from anhu import runtime
from dashboard import auth
from dashboard.serve import configure
from dashboard.settings import DashboardSettings
from ingest.database import connect
from tests.integration.dashboard_world import Served, World, frames, until
from tests.integration.test_database_away import Bench, bench, hung, own_services, wait_until

__all__ = ["bench", "own_services"]  # pytest finds fixtures by name
pytestmark = pytest.mark.integration

log = structlog.get_logger(__name__)


@pytest.fixture
def served(bench: Bench) -> Iterator[Served]:
    url = bench.services.database_url
    with psycopg.connect(url) as connection:
        password = auth.seed_administrator(connection)
    world = World(url, password, 1, 0, 0, 0, (), {})
    server = uvicorn.Server(configure(url, DashboardSettings(port=0, heartbeat_s=0.2, pulse_s=0.3), bench.spool))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    running = Served(world, server.servers[0].sockets[0].getsockname()[:2])
    with running.clients:
        yield running
    server.should_exit = True
    thread.join(15)
    assert not thread.is_alive()


def listen(socket, into: list[dict], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            into.append(json.loads(socket.recv(timeout=0.1)) | {"heard_s": time.monotonic()})
        except TimeoutError:
            continue


def check_a_new_page(served: Served, client: httpx.Client, alert_ids: list[str]) -> None:
    """It may be opened by whom the dashboard knows, shows what is going on, and says that the database is away."""
    assert client.get("/api/session").json()["username"] == "admin"
    with served.socket(client) as anew:
        [snapshot] = frames(anew, 1, "snapshot")
    assert snapshot["database_away"] is True
    assert {alert["id"] for alert in snapshot["alerts"]} >= set(alert_ids)
    assert all(alert["device"]["name"].startswith("烟感") for alert in snapshot["alerts"])
    stranger = served.client(signed_in=False)
    stranger.cookies.set(auth.COOKIE, "unknown")
    assert stranger.get("/api/session").status_code == 503
    with served.socket(stranger) as refused, pytest.raises(ConnectionClosed) as closed:
        refused.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


def test_an_open_page_hears_of_an_alarm_while_the_database_hangs(
    bench: Bench, own_services: tuple[runtime.Services, Path], served: Served
) -> None:
    _, folder = own_services
    heard: list[dict] = []
    stop = threading.Event()
    client = served.client()
    with bench.pipeline(), served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        listener = threading.Thread(target=listen, args=(socket, heard, stop))
        listener.start()
        try:
            bench.publish(0, 0.0)
            wait_until(lambda: bench.rows() == 2)

            def alerts() -> list[dict]:
                return [each for each in heard if each["type"] == "alert"]

            with hung(folder):
                with served.socket(client) as anew:  # before anybody can know that the database hangs
                    [snapshot] = frames(anew, 1, "snapshot")
                    assert snapshot["institutions"]
                published_s = time.monotonic()
                for _ in range(2):
                    bench.publish(1, 0.9)  # the first one to meet the hung database is an alarm itself
                wait_until(lambda: bool(alerts()), 10)
                first_s = alerts()[0]["heard_s"] - published_s
                for device in (2, 3):
                    published_s = time.monotonic()
                    for _ in range(2):
                        bench.publish(device, 0.9)
                    wait_until(lambda device=device: f"smoke-{device}" in json.dumps(alerts()), 10)
                    took_s = alerts()[-1]["heard_s"] - published_s
                    assert took_s < 3.0, took_s  # `make bench` measures it
                log.info("alerts without a database", first_s=round(first_s, 3), later_s=round(took_s, 3))
                told = alerts()[-1]
                assert told["alert"]["institution"]["name"] == "安和养老院"
                assert told["alert"]["zone"]["name"] == "厨房"
                assert told["alert"]["device"]["name"] == "烟感 3"
                assert told["event"]["id"] is None
                assert told["institution"]["open_alerts"]["critical"] + told["institution"]["open_alerts"]["high"] == 3
                time.sleep(12)  # longer than a heartbeat in the database would count, and than the follower's patience
                check_a_new_page(served, client, [alerts()[0]["alert"]["id"], alerts()[-1]["alert"]["id"]])
                asked_s = time.monotonic()
                assert client.get("/api/alerts").status_code == 503  # and does not wait
                assert client.get("/healthz").status_code == 503
                assert time.monotonic() - asked_s < 2
                assert heard[-1]["type"] == "heartbeat"
                assert heard[-1]["pipeline_alive"] is True
                assert heard[-1]["database_away"] is True
                assert heard[-1]["heard_s"] > time.monotonic() - 2
            wait_until(lambda: bench.rows() == 2 * bench.sent, 60)
            wait_until(lambda: heard[-1].get("database_away") is False, 20)
            bench.publish(4, 0.9)
            bench.publish(4, 0.9)
            wait_until(lambda: "smoke-4" in json.dumps(alerts()), 20)
            time.sleep(1)
        finally:
            stop.set()
            listener.join(10)
    with connect(bench.services.database_url) as connection:
        raised = connection.execute("SELECT alert_id FROM alert_events").fetchall()
    seen = [(each["alert"]["id"], each["alert"]["version"]) for each in alerts()]
    assert len(seen) == len(set(seen)), "something came twice"
    assert {each for each, _ in seen} == {str(row[0]) for row in raised}, "something was lost or never was"
