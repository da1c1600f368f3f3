"""The alarm does not wait for the database: while it hangs, readings are spooled and alarms reach followers; when it is
back every reading is a row exactly once and every alert there once."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as paho
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerting.process import Judge
from alerting.settings import AlertingSettings
from alerting.spool_feed import SpoolFeed
from anhu import runtime
from anhu.commands.migrate import PACKAGES
from ingest import store
from ingest.database import connect, migrate
from ingest.formats import native
from ingest.mqtt import Address, Source
from ingest.pipeline import Pipeline, hold_shard
from ingest.registry_file import parse
from ingest.settings import PipelineSettings
from ingest.spool import Spool
from ingest.writer import Writer

pytestmark = pytest.mark.integration

HOME = """
[[institution]]
code = "home"
name = "安和养老院"
kind = "nursing_home"
region = "220322"
[[institution.zone]]
code = "kitchen"
name = "厨房"
kind = "kitchen"
"""
DEVICE = """
[[institution.zone.device]]
code = "smoke-{n}"
name = "烟感 {n}"
kind = "smoke"
report_interval_s = 30
quantities = ["smoke_obscuration", "temperature"]
"""
DEVICES = 20
FLUSHER = "test flusher"


def now_us() -> int:
    return time.time_ns() // 1000


def wait_until(condition: Callable[[], bool], limit_s: float = 20.0) -> float:
    """Wait for `condition`; how long it took. Fails after `limit_s`."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > limit_s:
            pytest.fail("it did not come to pass")
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.fixture
def own_services(packages_dir: Path) -> Iterator[tuple[runtime.Services, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="anhu-away-", dir="/tmp"))
    folder.chmod(0o711)
    with runtime.start(folder, durable=False, progress=print, packages_dir=packages_dir) as services:
        migrate(services.database_url, PACKAGES)
        text = HOME + "".join(DEVICE.format(n=n) for n in range(DEVICES))
        with connect(services.database_url) as connection:
            store.import_registry(connection, parse(text, suffix=".toml"))
        yield services, folder
    shutil.rmtree(folder)


class Bench:
    """A pipeline in a thread, and a publisher."""

    def __init__(self, services: runtime.Services, folder: Path) -> None:
        self.services = services
        self.spool = folder / "spool" / "shard.sqlite"
        self.settings = PipelineSettings(database_answer_s_max=0.5)
        self.sent = 0
        address = Address.parse(services.device_mqtt_url)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.username_pw_set(address.username, address.password)
        self._client.connect(address.host, address.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @contextmanager
    def pipeline(self, **settings: float) -> Iterator[Pipeline]:
        self.settings = self.settings.model_copy(update=settings)
        stop = threading.Event()
        url = self.services.database_url
        writer, flusher = Writer(url, hold_shard), Writer(url, lambda _: None, application=FLUSHER)
        spool = Spool(self.spool, self.settings.spool_mib_max * 1_048_576)
        pipe = Pipeline(writer, flusher, spool, store, Judge(AlertingSettings()), self.settings, now_us)
        pipe.open()
        source = Source(self.services.mqtt_url, "away-test", self.settings, now_us)
        source.open()
        thread = threading.Thread(target=pipe.run, args=(source, stop))
        thread.start()
        try:
            yield pipe
        finally:
            stop.set()
            thread.join(30)
            source.close()
            pipe.close()
            assert not thread.is_alive()

    def publish(self, device: int, smoke: float) -> None:
        payload = native.encode(now_us(), {"smoke_obscuration": smoke, "temperature": 21.0})
        self._client.publish(f"anhu/v1/home/smoke-{device}/readings", payload, qos=1).wait_for_publish(10)
        self.sent += 1

    def rows(self) -> int:
        return self._count("SELECT count(*) FROM readings")

    def raised(self) -> list[tuple[int, int]]:
        with connect(self.services.database_url) as connection:
            return connection.execute(
                "SELECT device_id, count(*) FROM alert_events WHERE verb = 'raise' AND rule = 'fire.smoke' GROUP BY 1"
            ).fetchall()

    def _count(self, statement: str) -> int:
        with connect(self.services.database_url) as connection:
            return int(connection.execute(statement.encode()).fetchone()[0])


@pytest.fixture
def bench(own_services: tuple[runtime.Services, Path]) -> Iterator[Bench]:
    bench = Bench(*own_services)
    yield bench
    bench.close()


@contextmanager
def hung(folder: Path) -> Iterator[None]:
    """The database neither answers nor refuses: every one of its processes is stopped."""
    postmaster = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    postmaster.suspend()  # first, so that it begets and buries no child while the others are stopped
    children = postmaster.children(recursive=True)
    for child in children:
        child.suspend()
    try:
        yield
    finally:
        for child in children:
            child.resume()
        postmaster.resume()  # last: a child that was ending anyway is buried by it, and no longer there to be woken


def test_a_hung_database_delays_no_alarm(bench: Bench, own_services: tuple[runtime.Services, Path]) -> None:
    _, folder = own_services
    with bench.pipeline():
        for device in range(DEVICES):
            bench.publish(device, 0.0)
        wait_until(lambda: bench.rows() == 2 * bench.sent)
        with hung(folder):
            bench.publish(0, 0.0)  # this one meets the hung database
            feed = SpoolFeed(bench.spool)
            wait_until(lambda: feed.pipeline_seen_us() is not None)
            for _ in range(2):
                bench.publish(1, 0.8)
            entries: list = []
            took_s = wait_until(lambda: bool(entries.extend(feed.new_entries()) or entries), 5)
            assert entries[0].event.verb.value == "raise"
            assert entries[0].alert.active
            assert took_s < 3.0  # with the database it would be until it answers; `make bench` measures it
            for n in range(200):
                bench.publish(n % DEVICES if n % DEVICES != 1 else 2, 0.0)
        wait_until(lambda: bench.rows() == 2 * bench.sent, 60)
        assert bench.raised() == [(bench.raised()[0][0], 1)]
        bench.publish(3, 0.0)  # and it goes on as before
        wait_until(lambda: bench.rows() == 2 * bench.sent)
        feed.close()


def backend(folder: Path, what: str) -> psutil.Process:
    """The process of the database that says of itself that it is `what`."""
    postmaster = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    found = []
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):  # others come and go
            found += [child] if what in " ".join(child.cmdline()) else []
    [wanted] = found
    return wanted


def flusher_of(bench: Bench, folder: Path) -> psutil.Process:
    """The backend that flushes for the pipeline."""
    with connect(bench.services.database_url) as connection:
        row = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", (FLUSHER,)).fetchone()
    assert row is not None
    return psutil.Process(int(row[0]))


def test_no_alarm_waits_for_the_disk(bench: Bench, own_services: tuple[runtime.Services, Path]) -> None:
    _, folder = own_services
    with bench.pipeline(database_answer_s_max=60.0) as pipe:
        bench.publish(0, 0.0)
        wait_until(lambda: bench.rows() == 2 and not pipe._sink.flushing)
        flusher = flusher_of(bench, folder)
        flusher.suspend()
        try:
            for _ in range(2):
                bench.publish(0, 0.0)
                bench.publish(1, 0.9)
            wait_until(lambda: len(bench.raised()) == 1 and bench.rows() == 2 * bench.sent)
            assert not pipe._sink.spooling
            assert pipe._sink.flushing  # until when nothing is acknowledged
        finally:
            flusher.resume()
        wait_until(lambda: not pipe._sink.flushing)
        assert not pipe._sink.spooling


def test_what_a_crash_of_the_database_took_is_stored_again(
    bench: Bench, own_services: tuple[runtime.Services, Path]
) -> None:
    _, folder = own_services

    def raised_at() -> list[tuple]:
        with connect(bench.services.database_url) as connection:
            return connection.execute("SELECT recorded_at FROM alert_events WHERE verb = 'raise'").fetchall()

    with connect(bench.services.database_url, autocommit=True) as connection:  # in these tests nothing else is flushed
        connection.execute("ALTER DATABASE anhu SET synchronous_commit = on")
    with bench.pipeline(database_answer_s_max=60.0) as pipe:
        bench.publish(0, 0.0)
        wait_until(lambda: bench.rows() == 2 and not pipe._sink.flushing)
        flushing = ("walwriter", "background writer", "checkpointer", "autovacuum launcher")
        victims = [flusher_of(bench, folder), *(backend(folder, what) for what in flushing)]
        for each in victims:
            each.suspend()  # what is committed now stays in memory
        for _ in range(2):
            bench.publish(1, 0.9)
        wait_until(lambda: len(raised_at()) == 1 and bench.rows() == 2 * bench.sent)
        before = raised_at()
        postmaster = victims[1].parent()
        for each in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        wait_until(lambda: pipe._sink.spooling)
        wait_until(lambda: not pipe._sink.spooling, 60)
        assert bench.rows() == 2 * bench.sent
        [after] = raised_at()
        assert after > before[0], "the database had lost it"
        bench.publish(1, 0.9)  # the condition goes on: no second raise
        wait_until(lambda: bench.rows() == 2 * bench.sent)
        assert [count for _, count in bench.raised()] == [1]


def test_a_database_that_is_back_is_used_again_while_readings_keep_coming(
    bench: Bench, own_services: tuple[runtime.Services, Path]
) -> None:
    _, folder = own_services
    over = threading.Event()

    def keep_publishing() -> None:
        while not over.wait(0.01):
            bench.publish(0, 0.0)

    publishing = threading.Thread(target=keep_publishing)
    feed = SpoolFeed(bench.spool)
    with bench.pipeline():
        publishing.start()
        try:
            wait_until(lambda: bench.rows() > 0)
            with hung(folder):
                wait_until(feed.waiting)
            wait_until(lambda: not feed.waiting(), 30)
        finally:
            over.set()
            publishing.join()
        wait_until(lambda: bench.rows() == 2 * bench.sent)
    feed.close()


def test_a_killed_pipeline_leaves_a_spool_that_the_next_one_brings_in(
    bench: Bench, own_services: tuple[runtime.Services, Path]
) -> None:
    _, folder = own_services
    with bench.pipeline():
        bench.publish(0, 0.0)
        wait_until(lambda: bench.rows() == 2)
        with hung(folder):
            bench.publish(0, 0.0)
            feed = SpoolFeed(bench.spool)
            wait_until(lambda: feed.pipeline_seen_us() is not None)
            for _ in range(2):
                bench.publish(5, 0.9)
            wait_until(lambda: bool(feed.new_entries()))
            feed.close()
    with bench.pipeline():
        wait_until(lambda: bench.rows() == 2 * bench.sent, 60)
        assert len(bench.raised()) == 1
        bench.publish(5, 0.9)  # the condition goes on: no second raise
        wait_until(lambda: bench.rows() == 2 * bench.sent)
        assert bench.raised()[0][1] == 1


def test_a_start_while_the_database_is_away_judges_by_what_was_last_known(
    bench: Bench, own_services: tuple[runtime.Services, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = own_services
    monkeypatch.setattr("ingest.pipeline.FIRST_ANSWER_S_MAX", 1.0)
    with bench.pipeline():
        bench.publish(0, 0.0)
        wait_until(lambda: bench.rows() == 2)
    with hung(folder), bench.pipeline():
        feed = SpoolFeed(bench.spool)
        for _ in range(2):
            bench.publish(7, 0.9)
        wait_until(lambda: bool(feed.new_entries()))
        feed.close()
    with bench.pipeline():
        wait_until(lambda: bench.rows() == 2 * bench.sent, 60)
        assert len(bench.raised()) == 1
