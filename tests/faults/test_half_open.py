"""Connections that stand and carry nothing: of the service to its servers, and of a page to the dashboard."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from anhu import mosquitto, runtime
from anhu.broker_access import SERVICE_USER
from anhu.data_folder import DataFolder
from anhu.postgres import DATABASE, OWNER, PORT
from tests.acceptance.service import data_folder
from tests.faults.detour import KEEPALIVE_S, Detour
from tests.faults.stand import Stand, stand
from tests.faults.trial import Trial
from tests.waiting import wait_until
from tests.wire import to_port

pytestmark = pytest.mark.timeout(600)


class Network(NamedTuple):
    """A service all of whose ways to its servers are detours."""

    stand: Stand
    database: Detour
    broker: Detour


@pytest.fixture(scope="module")
def network(programs_dir: Path) -> Iterator[Network]:
    with (
        data_folder() as folder,
        runtime.start(folder, progress=print, packages_dir=programs_dir) as services,
        Detour(to_database(folder)) as database,
        Detour(to_port(urlsplit(services.mqtt_url).port or 0)) as broker,
    ):
        kept = DataFolder(folder).secrets
        settings = {
            "ANHU_DATABASE_URL": f"postgresql://{OWNER}:{kept.postgres}@127.0.0.1:{database.port}/{DATABASE}",
            "ANHU_MQTT_URL": mosquitto.url(broker.port, SERVICE_USER, kept.mqtt),
        }
        with stand(programs_dir, ["h01", "h02", "h03"], servers=folder, settings=settings) as made:
            yield Network(made, database, broker)


def to_database(folder: Path) -> Callable[[], socket.socket]:
    """How to get to the embedded database, which listens on a Unix socket."""

    def reach() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(folder / "socket" / f".s.PGSQL.{PORT}"))
        except OSError:
            made.close()
            raise
        return made

    return reach


def test_the_network_forgets_the_connections_to_the_database(network: Network) -> None:
    """Both kernels find out by their keep-alive; alarms do not wait for that."""
    with Trial(network.stand, "database's connections half open", "h01") as trial:
        trial.begin_fault()
        assert network.database.silence(found_out_s=KEEPALIVE_S) > 5
        wait_until(trial.alarms_heard, "an alarm is told meanwhile", time_s_max=60)
        trial.pause(KEEPALIVE_S)
        trial.goes_on()


def test_the_network_forgets_the_connections_to_the_broker(network: Network) -> None:
    """Nothing but MQTT's own keep-alive finds out."""
    with Trial(network.stand, "broker's connection half open", "h02") as trial:
        trial.begin_fault()
        assert network.broker.silence() >= 1
        trial.goes_on()


def test_the_network_forgets_the_connection_of_a_page(network: Network) -> None:
    """The page hears no heartbeat and connects anew; the dashboard lets the old one go."""
    port = network.stand.service.host.partition(":")[2]

    def pages() -> int:
        with network.stand.api() as client:
            return int(client.get("/api/system").raise_for_status().json()["live_clients"])

    with Detour(to_port(int(port))) as detour:
        by = f"127.0.0.1:{detour.port}"
        with Trial(network.stand, "a page's connection half open", "h03", page_host=by) as trial:
            trial.begin_fault()
            before = pages()
            assert detour.silence() == 1
            wait_until(lambda: trial.page.connections > 1, "the page connects anew", time_s_max=60)
            trial.goes_on()
            wait_until(lambda: pages() == before, "the dashboard has let the old one go", time_s_max=60, every_s=0.5)
