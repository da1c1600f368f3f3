"""The database hangs, or is stopped: alarms reach people nevertheless, at once; and nobody hears of one twice
afterwards, whenever the notifier was killed."""

import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from alerting import alert as alerts
from alerting import oncall_store, people_store, store
from alerting.alert import Kind, Verb
from alerting.escalation import default_policy, parse
from alerting.notify import Notifier
from alerting.people import Person, Role, Scope
from anhu import runtime
from ingest.database import connect
from ingest.errors import DatabaseUnavailable
from tests.integration.forker import Fork, Forker
from tests.integration.notify_world import webhook
from tests.integration.outage_notifier import STEPS, settings
from tests.integration.providers import Provider, Request, provider
from tests.integration.test_database_away import Bench, bench, hung, own_services
from tests.waiting import wait_until

__all__ = ["bench", "own_services"]  # pytest finds fixtures by name
pytestmark = pytest.mark.integration
log = structlog.get_logger(__name__)
# Each alarm alone; the second rung soon, the end of the policy later.
POLICY = (
    ("group_s = 10 ", "group_s = 0 "),
    ("alone_per_minute_max = 3 ", "alone_per_minute_max = 60 "),
    ("after_s = 60\nto", "after_s = 3\nto"),
    ("after_s = 60\nat", "after_s = 600\nat"),
    ("after_s = 180\n", "after_s = 700\n"),
)  # fmt: skip


@contextmanager
def stopped(folder: Path) -> Iterator[None]:
    """The database is shut down; whoever would start it again is held up for so long."""
    postmaster = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    guardian = postmaster.parent()
    assert guardian is not None
    guardian.suspend()
    try:
        postmaster.send_signal(signal.SIGINT)
        wait_until(lambda: postmaster.status() == psutil.STATUS_ZOMBIE, "the database is down")
        yield
    finally:
        guardian.resume()


class Home:
    """People, a policy, and what they were told."""

    def __init__(self, bench: Bench, folder: Path, server: Provider) -> None:
        self.bench = bench
        self.folder = folder / "notifier"
        self.log = folder / "notifier.log"
        self.forker = Forker("tests.integration.outage_notifier", self.log)
        self.server = server
        body = default_policy()
        for old, new in POLICY:
            assert old in body, old
            body = body.replace(old, new)
        with connect(bench.services.database_url) as connection:
            oncall_store.save_policy(connection, parse(body), body, loaded_by="test")
            for name, role, path in (("值班", Role.OPERATOR, "/operator"), ("安全员", Role.SAFETY_OFFICER, "/officer")):
                who = people_store.save_person(connection, actor="test", who=Person(0, name, role, Scope(1)))
                people_store.replace_contacts(connection, actor="test", who=who, ways=[webhook(server.url, path)])

    @contextmanager
    def notifier(self) -> Iterator[None]:
        """One that runs in a thread."""
        stop = threading.Event()
        journal = self.folder / "journal.sqlite"
        made = Notifier(self.bench.services.database_url, settings(), journal=journal, spool=self.bench.spool)
        thread = threading.Thread(target=made.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(40)
            assert not thread.is_alive()

    def life(self, step: str) -> Fork:
        """One in a process of its own, which kills itself at `step`."""
        return self.forker.run(self.bench.services.database_url, str(self.folder), str(self.bench.spool), step)

    def alarm(self, device: int) -> float:
        """Publish what is an alarm; when."""
        for _ in range(2):
            self.bench.publish(device, 0.9)
        return time.monotonic()

    def told(self, path: str, device: int) -> list[Request]:
        """The messages about a device that came to `path`."""
        return [
            each for each in self.server.requests if each.path == path and re.search(rf"烟感 {device}(?!\d)", each.text)
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.bench.services.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def in_step(self) -> bool:
        """Whether a notifier decides with the database."""
        with suppress(DatabaseUnavailable):
            return bool(self.rows("SELECT 1 FROM notifier_cursor"))
        return False

    def check(self, *, lost: bool = False) -> None:
        """Everything is on record, and nobody was told twice but where an answer was lost."""
        received = Counter(each.headers["idempotency-key"] for each in self.server.requests)
        rows = self.rows("SELECT push_id || '.' || contact_id, state, lost_answers FROM deliveries")
        assert {key for key, _, _ in rows} == set(received)
        assert {state for _, state, _ in rows} == {"sent"}
        for key, _, lost_answers in rows:
            assert 1 <= received[key] <= 1 + lost_answers, (key, received[key], lost_answers)
        if not lost:
            assert set(received.values()) == {1}
        told = self.rows(
            "SELECT alert_id, call, step, round, person_id, count(*) FROM tellings WHERE push_id IS NOT NULL"
            " GROUP BY alert_id, step, round, person_id, call"
        )
        assert all(row[-1] == 1 for row in told)
        assert self.rows("SELECT 1 FROM tellings WHERE push_id IS NULL AND NOT dropped") == []


@pytest.fixture
def home(bench: Bench, own_services: tuple[runtime.Services, Path]) -> Iterator[Home]:
    with provider() as server:
        made = Home(bench, own_services[1], server)
        with made.forker:
            yield made


def devices(home: Home, numbers: Sequence[int], path: str = "/operator") -> None:
    for number in numbers:
        wait_until(lambda number=number: home.told(path, number), f"{path} is told of {number}", time_s_max=40)


def test_while_the_database_hangs_people_are_told_and_the_ladder_is_climbed(
    home: Home, own_services: tuple[runtime.Services, Path]
) -> None:
    _, folder = own_services
    with home.bench.pipeline(), home.notifier():
        wait_until(home.in_step, "the notifier decides")
        home.alarm(0)
        devices(home, [0])
        with hung(folder):
            home.alarm(1)  # the first to meet the hung database
            devices(home, [1])
            took_s = []
            for device in (2, 3, 4):
                began_s = home.alarm(device)
                devices(home, [device])
                took_s.append(round(time.monotonic() - began_s, 3))
            log.info("told without a database", took_s=took_s)
            # Steps that fall due during the outage: of an alarm that was raised before it, and of one during it.
            devices(home, [0, 1], "/officer")
            assert home.server.requests[-1].document["link"] is None
        wait_until(lambda: home.bench.rows() == 2 * home.bench.sent, "the spool is brought in", time_s_max=60)
        home.alarm(5)
        devices(home, [5])
        for device in range(6):
            devices(home, [device], "/officer")
        assert home.rows("SELECT count(*) FROM alerts WHERE kind = 'fire'") == [(6,)]
        wait_until(lambda: home.rows("SELECT 1 FROM deliveries WHERE state <> 'sent'") == [], "all is noted")
        assert home.rows("SELECT count(*) FROM ladders WHERE ended_at IS NULL") == [(6,)]
        with connect(home.bench.services.database_url) as connection:  # an acknowledgement is heard as ever
            standing = next(each for each in store.open_alerts(connection) if each.kind is Kind.FIRE)
            act = alerts.act(standing, Verb.ACKNOWLEDGE, "user:li", datetime.now(UTC), None)
            store.act(connection, standing, act, standing.version)
        wait_until(lambda: home.rows("SELECT 1 FROM ladders WHERE ending = 'acknowledged'"), "the ladder ends")
    told = [len(home.told(path, device)) for path in ("/operator", "/officer") for device in range(6)]
    assert told == [1] * 12
    home.check()


def test_killed_at_every_step_of_an_outage_and_nobody_is_told_twice(
    home: Home, own_services: tuple[runtime.Services, Path]
) -> None:
    _, folder = own_services
    with home.bench.pipeline():
        first = home.life("never")
        wait_until(home.in_step, "the notifier decides")
        home.alarm(0)
        devices(home, [0])
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
        assert oct((home.folder / "journal.sqlite").stat().st_mode)[-3:] == "600"
        assert oct(home.folder.stat().st_mode)[-3:] == "700"
        with stopped(folder):
            for device, step in enumerate(STEPS[:5], start=1):
                home.alarm(device)
                assert home.life(step).wait(40) == -9, step  # begun, and ended, without the database
            last = home.life("never")
            devices(home, range(6))
            devices(home, range(6), "/officer")
            last.kill()
            last.wait()
        assert home.life("before_clear").wait(60) == -9  # all is in the database: it is brought in once more
        last = home.life("never")
        wait_until(lambda: home.bench.rows() == 2 * home.bench.sent, "the spool is brought in", time_s_max=60)
        home.alarm(6)
        devices(home, [6])
        devices(home, [6], "/officer")
        wait_until(lambda: home.rows("SELECT 1 FROM deliveries WHERE state <> 'sent'") == [], "all is noted")
        last.send_signal(signal.SIGTERM)
        assert last.wait(30) == 0
    home.check(lost=True)


def test_without_anything_kept_it_says_so(home: Home, own_services: tuple[runtime.Services, Path]) -> None:
    _, folder = own_services
    with stopped(folder):
        life = home.life("never")
        wait_until(
            lambda: "tells nobody while the database is away" in home.log.read_text(errors="replace"), "it is told"
        )
        assert life.poll() is None
    wait_until(home.in_step, "it takes up its work when the database is there")
    life.send_signal(signal.SIGTERM)
    assert life.wait(30) == 0
