"""`anhu serve` as an operator runs it: it comes up, it ends whole, and it fits into a gibibyte."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.acceptance.service import Service, alive, data_folder, running
from tests.commands import COMMAND, anhu, environment
from tests.waiting import wait_until

pytestmark = pytest.mark.acceptance

MEMORY_MIB_MAX = 1024
DEVICES = 2000
SETTLED_S = 15  # of full reporting, at four times the usual rate, before the memory is looked at


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as made:
        yield made


def pss_mib(processes: list[psutil.Process]) -> dict[str, float]:
    """Proportional set size by process: memory that several share is counted once."""
    found: dict[str, float] = {}
    for process in processes:
        words = process.cmdline()
        name = f"{process.pid} {process.name()} {' '.join(words[-2:])[:40]}"
        found[name] = process.memory_full_info().pss / 2**20
    return found


def test_it_comes_up_ends_with_ctrl_c_and_comes_up_again(folder: Path, programs_dir: Path) -> None:
    with running("serve", folder=folder, packages_dir=programs_dir) as service:
        password = service.password
        assert {each.cmdline()[-1] for each in service.processes()} >= {"pipeline", "dashboard"}
        page = httpx.get(service.url)
        assert (page.status_code, "<div id=" in page.text) == (200, True)
        assert httpx.get(f"{service.url}/api/institutions").status_code == 401
        with service.client() as client:
            assert client.get("/api/session").json()["username"] == "admin"
            wait_until(lambda: client.get("/api/system").json()["pipeline"]["alive"], "the pipeline lives")
        if curl := shutil.which("curl"):
            done = subprocess.run([curl, "-sf", f"{service.url}/healthz"], capture_output=True, check=False)
            assert done.returncode == 0
        processes = service.processes()
        assert len(processes) > 6  # the roles, the guardian, the database's own and the broker
        service.interrupt()
        assert service.process.wait(40) == 0, service.printed
        wait_until(lambda: not alive(processes), "every process has ended", every_s=0.1)
        assert "Traceback" not in service.printed
    with running("serve", folder=folder, packages_dir=programs_dir) as service:
        assert "password" not in service.printed  # shown only once
        login = {"username": "admin", "password": password}
        answer = httpx.post(f"{service.url}/api/session", json=login, headers={"Origin": service.url})
        assert answer.status_code == 200
        second = anhu("serve", env=service.env)  # on the same folder: refused in words
        assert second.returncode == 1
        assert "is using the data folder" in second.stderr
        assert "Traceback" not in second.stderr
        service.ready()
        leaves_nothing_behind(service, signal.SIGTERM)


def leaves_nothing_behind(service: Service, number: signal.Signals) -> None:
    """End it by a signal and see every process of it end."""
    processes = service.processes()
    assert len(processes) > 6
    service.process.send_signal(number)
    service.process.wait(40)
    wait_until(lambda: not alive(processes), "every process has ended", time_s_max=60, every_s=0.1)


def test_nothing_stays_behind_when_its_terminal_is_closed(folder: Path, programs_dir: Path) -> None:
    with running("serve", folder=folder, packages_dir=programs_dir) as service:
        leaves_nothing_behind(service, signal.SIGHUP)


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        (("serve", "--roles", "pipeline,kitchen"), {}, "no role kitchen"),
        (("serve",), {"ANHU_DASHBOARD_PORT": "many"}, "port: Input should be a valid integer"),
        (("demo",), {"ANHU_PIPELINE_BATCH_COUNT_MAX": "0"}, "batch_count_max: Input should be greater"),
        (("serve",), {"ANHU_CONFIG": "README.md"}, "README.md: "),
        (("role", "pipeline"), {}, "ANHU_DATABASE_URL or ANHU_MQTT_URL is missing"),
        (
            ("role", "pipeline"),
            {"ANHU_DATABASE_URL": "postgresql://a:secret-word@127.0.0.1:1/x", "ANHU_MQTT_URL": "mqtt://127.0.0.1:1"},
            "127.0.0.1",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_words(
    folder: Path, programs_dir: Path, words: tuple[str, ...], more: dict[str, str], said: str
) -> None:
    (folder / "runtime").symlink_to(programs_dir)
    done = anhu(*words, env=environment(ANHU_DATA_DIR=str(folder), **more))
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_two_thousand_devices_fit_into_a_gibibyte(folder: Path, programs_dir: Path) -> None:
    with running("serve", folder=folder, packages_dir=programs_dir) as service:
        fleet = ["simulate", "--institutions", "20", "--devices-per", "100", "--seed", "7", "--speed", "4"]
        with subprocess.Popen([*COMMAND, *fleet], env=service.env, stderr=subprocess.PIPE, text=True) as simulator:
            try:
                url = json.loads((folder / "services.json").read_text())["database_url"]
                with psycopg.connect(url, autocommit=True) as connection, service.client() as client:

                    def heard(since_s: float = 3600) -> int:
                        row = connection.execute(
                            "SELECT count(DISTINCT device_id) FROM readings JOIN points ON points.id = point_id"
                            " WHERE measured_at > now() - make_interval(secs => %s)",
                            (since_s,),
                        ).fetchone()
                        return int(row[0]) if row else 0

                    wait_until(lambda: heard() == DEVICES, "every device has reported", time_s_max=120, every_s=1)
                    (began,) = connection.execute("SELECT now()").fetchone() or (None,)
                    wait_until(
                        lambda: connection.execute("SELECT now() - %s > make_interval(secs => %s)", (began, SETTLED_S))
                        .fetchone() == (True,),
                        "they have reported for a while", time_s_max=60, every_s=0.5,
                    )  # fmt: skip
                    for path in ("/api/institutions?limit=100", "/api/alerts", "/api/system", "/metrics"):
                        client.get(path).raise_for_status()
                    used = pss_mib([each for each in service.processes() if each.pid != simulator.pid])
                    assert client.get("/api/system").json()["readings_last_minute"] > DEVICES
            finally:
                simulator.terminate()
                simulator.communicate(timeout=30)
        leaves_nothing_behind(service, signal.SIGKILL)
    total = sum(used.values())
    assert total <= MEMORY_MIB_MAX, used
