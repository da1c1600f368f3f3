"""Drills, tests of the chain and duty checks with real processes: broker, pipeline, runner, notifier, database."""

import os
import socket as socket_module
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import orjson
import psycopg
import pytest
import structlog
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

from alerting import drill_store, duty_check_store, ledger, ledger_store
from alerting.alert import Kind
from alerting.drill import Reach, Stage, State
from alerting.drill_publisher import MqttPublisher
from alerting.drill_runner import Runner, chain_wanted, wanted
from alerting.drill_store import Record, Wanted
from alerting.errors import DrillRefused, DutyCheckRefused
from alerting.people import Role
from alerting.settings import DrillSettings
from dashboard import auth
from ingest import store as ingest_store
from ingest.database import connect
from ingest.formats.drill import Order, encode
from ingest.routes import drill_topic
from tests.integration.dashboard_world import frames, sign_in
from tests.integration.notify_world import NotifyWorld, webhook
from tests.integration.providers import provider
from tests.integration.world import Devices, now_us
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


log = structlog.get_logger(__name__)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket_module.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        return int(plain.getsockname()[1])


class Chain(NotifyWorld):
    """A home, and the service's roles as processes."""

    def __init__(self, database_url: str, mqtt_url: str, data_dir: Path) -> None:
        super().__init__(database_url)
        self.mqtt_url = mqtt_url
        self.env = os.environ | {
            "ANHU_DATABASE_URL": database_url, "ANHU_MQTT_URL": mqtt_url, "ANHU_DATA_DIR": str(data_dir),
            "ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "true", "ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED": "127.0.0.0/8",
            "ANHU_NOTIFY_REFRESH_S": "0.5", "ANHU_LANG": "en",
            "ANHU_DRILL_CHAIN_TEST": "false", "ANHU_DRILL_DUTY_CHECKS_A_MONTH": "0",
        }  # fmt: skip
        self.port = free_port()
        self.env["ANHU_DASHBOARD_PORT"] = str(self.port)
        self.home = int(self.rows("SELECT id FROM institutions")[0][0])

    @contextmanager
    def roles(self, *names: str) -> Iterator[None]:
        """These roles, each a process, until the end of the block."""
        with ExitStack() as stack:
            for name in names:
                process = subprocess.Popen([sys.executable, "-m", "anhu.role", name], env=self.env)
                stack.callback(process.wait, 30)
                stack.callback(process.terminate)
            if "pipeline" in names:
                wait_until(lambda: self.count("pipeline_heartbeats"), "the pipeline lives")
            if "notifier" in names:
                wait_until(lambda: self.count("notifier_cursor"), "the notifier lives")
            yield

    def page(self, stack: ExitStack) -> tuple[httpx.Client, ClientConnection]:
        """Somebody signed in at the dashboard, and their live connection."""
        url = f"http://127.0.0.1:{self.port}"
        with connect(self.database_url, autocommit=True) as connection:
            password = auth.seed_administrator(connection)
        client = stack.enter_context(httpx.Client(base_url=url, headers={"Origin": url}, timeout=15))

        def ready() -> bool:
            try:
                return client.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, "the dashboard answers")
        sign_in(client, str(password)).raise_for_status()
        cookie = {"Cookie": f"{auth.COOKIE}={client.cookies[auth.COOKIE]}"}
        socket = websocket(f"ws://127.0.0.1:{self.port}/live", origin=url, additional_headers=cookie, compression=None)  # type: ignore[arg-type]
        return client, stack.enter_context(socket)

    def command(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """An `anhu` command, under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "anhu", *arguments], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def drills(self) -> list[Record]:
        with connect(self.database_url) as connection:
            return drill_store.of_institutions(connection)

    def start(self, make: Callable[[psycopg.Connection], Wanted]) -> Record:
        with connect(self.database_url) as connection:
            return drill_store.start(connection, make(connection))

    def show(self, alert_id: UUID) -> bool:
        """What the dashboard does when a page has drawn the alert."""
        with connect(self.database_url) as connection:
            return drill_store.note_shown(connection, alert_id)

    def acts(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT verb FROM acts ORDER BY id")]

    def faults(self) -> list[ledger.Finding]:
        with connect(self.database_url) as connection:
            found = ledger.verify(ledger_store.entries(connection), [], None)
            return [*found, *list(ledger_store.unchained(connection))]


@pytest.fixture
def chain(database_url: str, session_url: str, data_dir: Path) -> Chain:
    return Chain(database_url, session_url, data_dir)


@contextmanager
def runner(chain: Chain, mqtt_url: str | None = None, **settings: object) -> Iterator[None]:
    """The runner in a thread, for settings of its own."""
    publisher = MqttPublisher(mqtt_url or chain.mqtt_url)
    chosen = DrillSettings(**{"chain_test": False, "duty_checks_a_month": 0, **settings})  # type: ignore[arg-type]
    stop = threading.Event()
    thread = threading.Thread(target=Runner(chain.database_url, publisher, chosen).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
        publisher.close()
        assert not thread.is_alive()


def settled(chain: Chain, number: UUID, time_s_max: float = 40) -> Record:
    def over() -> Record | None:
        [record] = [each for each in chain.drills() if each.drill.id == number]
        return record if record.state is not State.RUNNING else None

    return wait_until(over, "the drill is over", time_s_max=time_s_max)


def seconds(report: dict) -> dict[str, float | None]:
    return {each["stage"]: each["seconds"] for each in report["stages"]}


def test_a_drill_goes_the_whole_way_and_its_report_is_filed(chain: Chain) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(provider())
        chain.person("李值班", Role.OPERATOR, [webhook(server.url)])
        stack.enter_context(chain.roles("pipeline", "notifier", "drills", "dashboard"))
        client, page = chain.page(stack)
        frames(page, 1, "snapshot")
        command = chain.command("drill", "start", "--institution", "home-1", "--device", "kit-smk-1", "--by", "wang")
        [frame] = frames(page, 1, timeout_s=30)
        page.send(orjson.dumps({"type": "seen", "alert_id": frame["alert"]["id"]}).decode())
        assert (frame["alert"]["kind"], frame["alert"]["drill"]) == ("fire", True)
        wait_until(lambda: server.requests, "it is pushed")
        assert server.texts()[0].startswith("【演练】")
        wait_until(lambda: chain.count("deliveries", "state = 'sent'"), "the push is noted")
        alert = client.get(f"/api/alerts/{frame['alert']['id']}").json()
        assert alert["plan"]["phones"][0]["number"] == "119"
        url = f"/api/alerts/{alert['id']}/acknowledge"
        client.post(url, json={"version": alert["version"]}).raise_for_status()
        out, err = command.communicate(timeout=60)
    assert command.returncode == 0, err.decode()
    report = orjson.loads(out)
    assert report["state"] == "passed"
    assert report["by"] == "operator:wang"
    assert report["acknowledged_by"] == "user:admin"
    taken = seconds(report)
    log.info("measured", **taken)
    assert 0 < taken["raised"] < taken["shown"] < 10
    assert taken["raised"] < taken["pushed"] < taken["acknowledged"] < 30
    assert chain.open_alerts(Kind.FIRE) == []
    assert [verb for verb in chain.acts() if "drill" in verb] == ["start_drill", "report_drill"]
    assert chain.rows("SELECT body->>'state' FROM acts WHERE verb = 'report_drill'") == [("passed",)]
    assert chain.faults() == []
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), connect(chain.database_url) as connection:
        connection.execute("UPDATE drills SET state = 'failed'")
    again = chain.command("drill", "report", report["drill_id"])
    assert orjson.loads(again.communicate(timeout=60)[0]) == report


def test_a_real_fire_in_the_drilled_device_is_raised_beside_the_drill_and_ends_it(chain: Chain) -> None:
    device = int(chain.rows("SELECT id FROM devices WHERE code = 'kit-smk-1'")[0][0])
    with chain.roles("pipeline"), runner(chain), Devices(chain.mqtt_url) as devices:
        begun = chain.start(
            lambda connection: wanted(connection, chain.home, device, Kind.FIRE, DrillSettings(), by="user:li")
        )
        wait_until(lambda: [each.drill for each in chain.open_alerts(Kind.FIRE)] == [True], "the drill is raised")
        with pytest.raises(DrillRefused, match="another drill"):
            chain.start(lambda c: wanted(c, chain.home, None, Kind.GAS, DrillSettings(), by="user:li"))
        before_s = time.monotonic()
        for _ in range(3):
            devices.report("kit-smk-1", {"smoke_obscuration": 0.9}, now_us())
            time.sleep(0.02)
        wait_until(lambda: [each for each in chain.open_alerts(Kind.FIRE) if not each.drill], "the fire is raised")
        assert time.monotonic() - before_s < 5
        record = settled(chain, begun.drill.id)
        [fire] = chain.open_alerts(Kind.FIRE)
    assert record.state is State.ENDED
    assert record.report is not None
    assert record.report["reason"] == "real_alarm"
    assert not fire.drill
    assert not fire.acknowledged
    with pytest.raises(DrillRefused, match="real alarm"):
        chain.start(lambda c: wanted(c, chain.home, device, Kind.FIRE, DrillSettings(), by="user:li"))
    assert chain.faults() == []


def test_a_device_that_calls_for_a_drill_is_not_believed(chain: Chain) -> None:
    order = Order(uuid4(), "fire", now_us(), 600.0, "all")
    with connect(chain.database_url) as connection:
        key = ingest_store.drill_key(connection)
    with chain.roles("pipeline"), Devices(chain.mqtt_url) as devices:
        devices.say(drill_topic("home-1", "kit-smk-1"), encode(order, "home-1", "kit-smk-1", b"x" * 32))
        # what the service signed for one place, played back at another
        devices.say(drill_topic("home-1", "kit-smk-1"), encode(order, "home-1", None, key))
        wait_until(lambda: chain.reasons().get("drill_refused") == 2, "they are dead letters")
    assert chain.count("alerts") == 0


def test_the_brokers_device_account_may_not_even_publish_one(chain: Chain, services, mqtt_url: str) -> None:
    with connect(chain.database_url) as connection:
        key = ingest_store.drill_key(connection)
    order = Order(uuid4(), "fire", now_us(), 600.0, "all")
    with chain.roles("pipeline"), Devices(services.device_mqtt_url) as devices:
        devices.say(drill_topic("home-1", None), encode(order, "home-1", None, key))
        devices.say("anhu/v1/home-1/kit-smk-1/readings", b"[]")
        wait_until(lambda: chain.reasons() == {"bad_shape": 1}, "the reading came, the call did not")
    assert chain.count("alerts") == 0


def test_a_failed_test_of_the_chain_is_loud_and_the_next_good_one_ends_that(chain: Chain) -> None:
    limits = DrillSettings(chain_test_s_max=10, raised_s_max=2, shown_s_max=2)
    with chain.roles("pipeline"), runner(chain):
        first = chain.start(lambda connection: chain_wanted(connection, chain.home, None, limits))
        assert first.drill.reach is Reach.SILENT_PUSH
        [opened] = wait_until(lambda: chain.open_alerts(Kind.FIRE), "it is raised")
        assert opened.evidence["reach"] == "silent_push"
        record = settled(chain, first.drill.id)  # no page shows it
        assert record.state is State.FAILED
        [loud] = chain.open_alerts(Kind.SYSTEM)
        assert (loud.source.institution_id, loud.evidence["missed"], loud.drill) == (chain.home, ["shown"], False)
        assert "显示到屏幕" in loud.evidence["text_zh"]
        wait_until(lambda: not chain.open_alerts(Kind.FIRE), "it is over by itself")
        second = chain.start(lambda connection: chain_wanted(connection, chain.home, None, limits))
        wait_until(lambda: chain.show(second.drill.id), "it is shown")
        assert settled(chain, second.drill.id).state is State.PASSED
        [loud] = chain.open_alerts(Kind.SYSTEM)
        assert not loud.active  # still to be acknowledged, but over
    assert chain.faults() == []


def test_a_test_at_night_goes_no_further_than_it_may(chain: Chain) -> None:
    """All the way, the first step only, or the screen alone."""
    with provider() as server:
        chain.person("李值班", Role.OPERATOR, [webhook(server.url, "/desk")])
        chain.person("安全员", Role.SAFETY_OFFICER, [webhook(server.url, "/officer")])
        chain.policy(('after_s = 60\nto = ["safety_officer', 'after_s = 1\nto = ["safety_officer'))
        told = {"ends_at": "2099-01-01T00:00:00+00:00", "text_zh": "【演练】", "text_en": "[Drill]"}
        with chain.roles("notifier"):
            for device, reach in (("kit-smk-1", "screen"), ("bed-smk-1", "silent_push"), ("bed-co-1", "all")):
                event = chain.event(device, drill=True)
                chain.say(replace(event, latching=False, evidence={**told, "reach": reach}))

            def paths() -> dict[str, int]:
                rows = chain.rows(
                    "SELECT evidence->>'reach', count(DISTINCT person_id) FROM tellings"
                    " JOIN alerts ON alerts.id = alert_id GROUP BY 1"
                )
                return {str(reach): int(count) for reach, count in rows}

            wait_until(lambda: paths().get("all") == 2, "the second step is reached")
            time.sleep(1)
            assert paths() == {"silent_push": 1, "all": 2}


def test_without_a_broker_the_chain_test_fails_loudly(chain: Chain) -> None:
    limits = DrillSettings(chain_test_s_max=10, raised_s_max=1, shown_s_max=1)
    with runner(chain, "mqtt://nobody:nothing@127.0.0.1:9"):
        begun = chain.start(lambda connection: chain_wanted(connection, chain.home, None, limits))
        record = settled(chain, begun.drill.id)
    assert record.report is not None
    assert record.report["reason"] == "stage_missed"
    assert chain.open_alerts(Kind.SYSTEM)[0].evidence["missed"] == ["raised", "shown"]


def test_what_is_due_is_started_by_itself_and_only_once(chain: Chain) -> None:
    chain.rows("UPDATE institutions SET created_at = now() - interval '90 days' RETURNING id")
    all_day = {"chain_from": "00:00", "chain_until": "23:59", "duty_from": "00:00", "duty_until": "23:59"}
    made = Runner(
        chain.database_url,
        MqttPublisher(chain.mqtt_url),
        DrillSettings(**all_day, duty_checks_a_month=30),  # type: ignore[arg-type]
    )
    with connect(chain.database_url, autocommit=True) as connection:
        now = datetime.now(UTC)
        for minute in [*range(0, 2 * 1440, 12), *range(2 * 1440, 31 * 1440, 60)]:
            made.schedule(connection, now + timedelta(minutes=minute))
    [test] = chain.drills()  # recorded now, whatever the time it was started for: one is under way
    assert (test.drill.by, test.drill.scheduled, test.drill.kind) == ("schedule", True, Kind.FIRE)
    assert Stage.ACKNOWLEDGED not in test.drill.limits
    assert test.drill.device_id is not None
    [check] = chain.rows("SELECT called_by, state FROM duty_checks")
    assert check == ("random", "open")


def test_a_missed_duty_check_alerts_the_supervisor_and_its_result_is_final(chain: Chain) -> None:
    with connect(chain.database_url) as connection:
        check = duty_check_store.call(connection, chain.home, called_by="user:wang", answer_s=0.5, note="夜间")
    with pytest.raises(DutyCheckRefused, match="still open"), connect(chain.database_url) as connection:
        duty_check_store.call(connection, chain.home, called_by="user:wang", answer_s=60, note="")
    with ExitStack() as stack:
        server = stack.enter_context(provider())
        chain.person("赵监管", Role.SUPERVISOR, [webhook(server.url)], region="220322")
        stack.enter_context(chain.roles("notifier"))
        stack.enter_context(runner(chain))
        [missed] = wait_until(lambda: chain.open_alerts(Kind.UNANSWERED), "it is missed")
        wait_until(lambda: server.requests, "the supervisor is told")
        assert "查岗" in server.texts()[0]
    assert (missed.priority, missed.source.institution_id) == ("high", chain.home)
    with connect(chain.database_url) as connection:
        assert duty_check_store.load(connection, check.id).state == "missed"
    with pytest.raises(DutyCheckRefused, match="time is up"), connect(chain.database_url) as connection:
        duty_check_store.answer(connection, check.id, actor="user:li")
    with connect(chain.database_url) as connection:
        later = duty_check_store.call(connection, chain.home, called_by="random", answer_s=60, note="")
        answered = duty_check_store.answer(connection, later.id, actor="user:li")
    assert (answered.state, answered.answered_by) == ("answered", "user:li")
    assert not chain.open_alerts(Kind.UNANSWERED)[0].active
    duty = [verb for verb in chain.acts() if "duty" in verb]
    assert duty == ["call_duty_check", "miss_duty_check", "call_duty_check", "answer_duty_check"]
    for statement in ("UPDATE duty_checks SET state = 'answered'", "DELETE FROM duty_checks"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation), connect(chain.database_url) as connection:
            connection.execute(statement.encode())
    assert chain.faults() == []
