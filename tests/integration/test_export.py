"""The export: nothing is skipped whatever commits when, an account reaches no further than it was given, and a token is
known by its hash only."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from alerting.alert import Kind, Priority, Source, Verb
from alerting.people import Role, Scope
from anhu.cli import app
from ingest.database import of_server
from inspection import operate, rating_run, rating_store, service_account_store
from inspection.checklist import Level
from inspection.decide import Found
from inspection.hazard import By, Category, Supervisor
from inspection.operate import Actor
from inspection.rating_policy import parse, shipped_text
from inspection.service_account import Collection, new_token
from tests.conftest import drop_database, make_database
from tests.integration.dashboard_world import Served, World, build, serve, until
from tests.integration.people_world import add_user, insert

pytestmark = pytest.mark.integration

BROKEN = psycopg.errors.IntegrityConstraintViolation
NOW = datetime(2026, 5, 4, tzinfo=UTC)


class Desk:
    """Two institutions of two provinces, and a machine that reads all of the one."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.connect() as connection:
            self.far = insert(
                connection, "institutions", code="far-1", name="远院", name_en="Far Home", kind="nursing_home",
                region="310101",
            )  # fmt: skip
            self.nurse_id = add_user(connection, "nurse", Role.OPERATOR, Scope(world.home), name="李娜")[0]
        self.nurse = By("user:nurse", self.nurse_id, outside=False)

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def found(self, title: str, place: int | None = None) -> Found:
        at = place or self.world.home
        zone = self.world.bedroom if place is None else None
        return Found(at, title, "", Category.FIRE, Level.GENERAL, Supervisor.DEPUTY, zone)

    def report(self, title: str, place: int | None = None):
        with self.transaction() as connection:
            return operate.report(connection, self.found(title, place), Actor(self.nurse, NOW))

    def account(self, name: str, scope: Scope, *collections: Collection, days: int = 9, now: datetime | None = None):
        token = new_token()
        expires = (now or datetime.now(UTC)) + timedelta(days=days)
        with self.transaction() as connection:
            service_account_store.create(
                connection, name, scope, collections or tuple(Collection), token, expires, "test"
            )
        return token


@pytest.fixture(scope="module")
def desk(services, template_database) -> Iterator[Desk]:
    name = "anhu_test_export"
    make_database(services.database_url, name, template_database)
    yield Desk(build(of_server(services.database_url, name)))
    drop_database(services.database_url, name)


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[Served]:
    with serve(desk.world) as found:
        yield found


class Machine:
    """What a platform does: keep a cursor, ask again with it."""

    def __init__(self, served: Served, token: str) -> None:
        self.client = served.client(signed_in=False)
        self.client.headers["Authorization"] = f"Bearer {token}"
        self.cursors: dict[str, str] = {}

    def ask(self, collection: str, **query: Any) -> httpx.Response:
        return self.client.get(f"/api/export/{collection}", params=query)

    def read(self, collection: str, limit: int = 100) -> list[dict]:
        """Everything new, page by page."""
        found = []
        while True:
            query = {"after": self.cursors[collection]} if collection in self.cursors else {}
            page = self.ask(collection, limit=limit, **query).raise_for_status().json()
            found += page["items"]
            self.cursors[collection] = page["next_cursor"]
            assert len(page["items"]) <= limit
            if not page["has_more"]:
                return found


def test_events_come_once_in_order_with_the_hazard_as_it_stands(desk: Desk, served: Served):
    machine = Machine(served, desk.account("one", Scope(None, "22")))
    machine.read("hazards")
    hazards = [desk.report(f"隐患 {number}") for number in range(5)]
    desk.report("别省的", desk.far)
    with desk.transaction() as connection:
        operate.comment(connection, hazards[0].id, Actor(desk.nurse, NOW), note="看过", photos=())
    items = machine.read("hazards", limit=2)
    assert [(each["verb"], each["hazard"]["title"]) for each in items] == [
        *(("report", f"隐患 {number}") for number in range(5)), ("comment", "隐患 0"),
    ]  # fmt: skip
    assert items[0]["hazard"]["version"] == 2  # as it stands now, further on than its first event
    assert items[0]["hazard"]["institution"] == {
        "code": "home-1", "name": "安和养老院", "kind": "nursing_home", "region": "220322"
    }  # fmt: skip
    assert (items[0]["hazard"]["zone"], items[5]["note"], items[0]["at"]) == (
        "bed-1",
        "看过",
        "2026-05-04T00:00:00.000Z",
    )
    assert "李娜" not in str(items)
    assert machine.read("hazards") == []
    again = Machine(served, desk.account("two", Scope(None, "22"))).read("hazards", limit=1000)
    assert [each["event_id"] for each in again][-6:] == [each["event_id"] for each in items]
    foreign = Machine(served, desk.account("far", Scope(None, "31"))).read("hazards", limit=1)
    assert [each["hazard"]["title"] for each in foreign] == ["别省的"]
    alone = Machine(served, desk.account("alone", Scope(desk.far))).read("hazards")
    assert [each["event_id"] for each in alone] == [each["event_id"] for each in foreign]


def test_nothing_is_skipped_when_transactions_end_in_another_order_than_they_began(desk: Desk, served: Served):
    machine = Machine(served, desk.account("order", Scope()))
    machine.read("hazards")
    first, second = desk.transaction(), desk.transaction()
    with first, second:
        operate.report(first, desk.found("先开始"), Actor(desk.nurse, NOW))  # its event has its id, and no commit yet

        def later() -> None:
            operate.report(second, desk.found("后开始"), Actor(desk.nurse, NOW))
            second.commit()

        thread = threading.Thread(target=later)
        thread.start()
        with desk.transaction() as watcher:
            watcher.autocommit = True

            def waits() -> bool:
                [[blocked]] = watcher.execute(
                    "SELECT %s = ANY(pg_blocking_pids(%s))", (first.info.backend_pid, second.info.backend_pid)
                ).fetchall()
                return bool(blocked)

            until(lambda: waits() or not thread.is_alive())
            # Were the later one not waiting, a reader would now see it and pass over the earlier one for good.
            assert waits()
        assert machine.read("hazards") == []
        first.commit()
        thread.join(15)
        assert not thread.is_alive()
    assert [each["hazard"]["title"] for each in machine.read("hazards")] == ["先开始", "后开始"]


def test_alerts_with_drills_marked_and_nothing_about_the_service_itself(desk: Desk, served: Served):
    machine = Machine(served, desk.account("alerts", Scope()))
    machine.read("alerts")
    raised = desk.world.say(Verb.RAISE, kind=Kind.GAS)
    desk.world.say(Verb.RAISE, kind=Kind.SYSTEM, source=Source(None, None, None), priority=Priority.HIGH)
    desk.world.say(Verb.CLEAR, kind=Kind.GAS, onset_at=raised.onset_at)
    items = machine.read("alerts", limit=1)
    assert [(each["verb"], each["alert"]["kind"], each["alert"]["id"]) for each in items] == [
        ("raise", "gas", str(raised.id)), ("clear", "gas", str(raised.id)),
    ]  # fmt: skip
    shown = items[0]["alert"]
    assert (shown["state"], shown["open"], shown["drill"]) == ("RTN_UNACKED", True, False)
    assert (shown["zone"], shown["device"], shown["institution"]["code"]) == ("kitchen", "smk-0", "home-1")
    assert machine.read("alerts") == []


def test_ratings_run_by_run(desk: Desk, served: Served):
    text = shipped_text("base80")
    with desk.transaction() as connection:
        rating_store.save_policy(connection, parse(text), text, "test")
    machine = Machine(served, desk.account("ratings", Scope(None, "22"), Collection.RATINGS))
    assert machine.read("ratings") == []
    for moment in (NOW, NOW + timedelta(days=1)):
        with desk.transaction() as connection:
            policy_id, policy = rating_run.in_force(connection)
            made = rating_run.rated(connection, policy, datetime.now(UTC))
            rating_store.save_run(connection, policy_id, policy, moment, "night", "policy", made)
    items = machine.read("ratings", limit=1)
    assert [(each["institution"]["code"], each["as_of"]) for each in items] == [
        ("home-1", "2026-05-04T00:00:00.000Z"), ("home-1", "2026-05-05T00:00:00.000Z"),
    ]  # fmt: skip
    assert items[0]["policy"] == parse(text).id
    with desk.transaction() as connection:
        [[score]] = connection.execute(
            "SELECT score FROM ratings WHERE institution_id = %s LIMIT 1", (desk.world.home,)
        ).fetchall()
    assert items[0]["score"] == score / 100
    assert machine.read("ratings") == []
    everywhere = Machine(served, desk.account("all ratings", Scope()))
    pages = [everywhere.read("ratings", limit=limit) for limit in (2, 1000)]
    assert (len(pages[0]), pages[1]) == (6, [])  # three institutions, two runs
    assert len({each["cursor"] for each in pages[0]}) == 6


def test_what_does_not_open(desk: Desk, served: Served):
    token = desk.account("narrow", Scope(), Collection.HAZARDS)
    machine = Machine(served, token)
    assert machine.ask("hazards").status_code == 200
    for collection in ("alerts", "ratings"):
        assert machine.ask(collection).status_code == 403
    assert machine.ask("hazards", after="alerts.5").json()["type"] == "urn:anhu:problem:bad-request"
    assert machine.ask("hazards", limit=0).status_code == 422
    assert machine.client.get("/api/hazards").status_code == 401  # a token opens the export and nothing else
    session = served.client()
    assert session.get("/api/export/hazards").status_code == 401  # and a person's session does not open the export
    assert served.client(signed_in=False).get("/api/export/hazards").status_code == 401
    for wrong in (token[:-1], token + "x", "anhu_", "x" * 500, f"{token} {token}"):
        refused = Machine(served, wrong).ask("hazards")
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:anhu:problem:token-refused"), wrong
        assert refused.headers["www-authenticate"] == "Bearer"
    old = desk.account("old", Scope(), days=1, now=datetime.now(UTC) - timedelta(days=2))
    assert Machine(served, old).ask("hazards").status_code == 401
    with desk.transaction() as connection:
        service_account_store.revoke(connection, "narrow", "cli:test", datetime.now(UTC))
    assert machine.ask("hazards").status_code == 401


def test_an_account_cannot_be_widened_nor_brought_back(desk: Desk):
    token = desk.account("fixed", Scope(None, "22"), Collection.ALERTS)
    with desk.transaction() as connection:
        kept = connection.execute("SELECT service_accounts::text FROM service_accounts WHERE name = 'fixed'").fetchone()
        assert token not in str(kept)
        assert token.removeprefix("anhu_") not in str(kept)
        service_account_store.revoke(connection, "fixed", "cli:test", datetime.now(UTC))
    for change in ("region = ''", "collections = '{alerts,hazards}'", "expires_at = 'infinity'", "revoked_at = NULL",
                   "token_sha256 = sha256('x')"):  # fmt: skip
        with pytest.raises(psycopg.errors.IntegrityError), desk.transaction() as connection:
            connection.execute(f"UPDATE service_accounts SET {change} WHERE name = 'fixed'")  # noqa: S608 - from above
    with pytest.raises(BROKEN), desk.transaction() as connection:
        connection.execute("DELETE FROM service_accounts")
    with desk.transaction() as connection:
        verbs = connection.execute(
            "SELECT verb FROM acts WHERE body ->> 'name' = 'fixed' ORDER BY id"
        ).fetchall()  # fmt: skip
        assert verbs == [("create_service_account",), ("revoke_service_account",)]
        assert token not in str(connection.execute("SELECT acts::text FROM acts").fetchall())


def test_accounts_from_the_command_line(desk: Desk, served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", desk.world.database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://127.0.0.1:1")  # never asked: these commands need the database only
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["account", *words])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    created = ("create", "platform", "--region", "22", "--may", "hazards", "--may", "alerts", "--by", "Wang")
    token = run(*created).strip()
    assert Machine(served, token).ask("hazards").status_code == 200
    assert "there is an account platform already" in run(*created, code=1)
    line = next(each for each in run("list").splitlines() if each.startswith("platform\t"))
    assert line.split("\t")[1:4] == ["valid", "22", "alerts,hazards"]
    assert token not in run("list")
    run("revoke", "platform", "--by", "Wang")
    assert Machine(served, token).ask("hazards").status_code == 401
    assert "no account platform" in run("revoke", "platform", "--by", "Wang", code=1)
    assert run(*created).strip() != token  # the name is free again
