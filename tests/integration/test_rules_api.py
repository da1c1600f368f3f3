"""The rules over the API: those in force in words, a file checked with its lines, tried on stored readings in a process
of its own, and put in force with a reason that is kept."""

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from alerting import store
from alerting.people import Role, Scope
from alerting.rules import default_rules, parse
from tests.commands import anhu, environment
from tests.integration.dashboard_world import Served, build, serve, sign_in
from tests.integration.people_world import add_user
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHIPPED = default_rules()
OLDER = SHIPPED.replace('version = "', 'version = "2020.1.', 1).replace("raise_at = 0.15\n", "raise_at = 0.2\n")
DEAF = SHIPPED.replace("raise_at = 0.15\n", "raise_at = 0.29\n").replace("slack = 0.025", "slack = 0.25")


@pytest.fixture
def served(database_url: str):
    world = build(database_url)
    smoke = world.points[world.devices[2], "smoke_obscuration"]
    rows = [(BEGIN + timedelta(seconds=each), 0.01 if each < 900 else 0.2) for each in range(0, 1800, 10)]
    world.add_readings(smoke, rows)
    with world.connect() as connection, connection.transaction():
        rules = parse(OLDER)
        store.save_rules(connection, version=rules.version, sha256=rules.sha256, body=OLDER, loaded_by="王工")
        add_user(connection, "desk", Role.OPERATOR, Scope(world.home))
    with serve(world, backtest_days_max=2) as running:
        yield running


def test_rules_are_read_checked_and_put_in_force(served: Served) -> None:
    client = served.client()
    shown = client.get("/api/rules").json()
    assert (shown["in_force"]["loaded_by"], shown["in_force"]["reason"]) == ("王工", "")
    assert (shown["shipped"]["newer"], shown["shipped"]["same"]) == (True, False)
    assert {each["id"] for each in shown["shipped"]["difference"]["changed"]} >= {"fire.smoke.early"}
    early = next(each for each in shown["rules"] if each["id"] == "fire.smoke.early")
    assert "0.2 dB/m" in early["text_en"]
    assert early["zone_kinds_except"] == ["kitchen"] or early["zone_kinds"] or early["quantity"] == "smoke_obscuration"

    def check(text: str) -> dict[str, Any]:
        answer = client.post("/api/rules/check", json={"text": text})
        assert answer.status_code == 200, answer.text
        return answer.json()

    wrong = check(SHIPPED.replace('kind = "low_battery"', 'kind = "flood"', 1))
    assert [(each["line"] is not None, "flood" in each["text"]) for each in wrong["problems"]] == [(True, True)]
    assert [each["line"] for each in check("version = 1\n[[rule]\n")["problems"]] == [2]
    good = check(SHIPPED)
    assert (good["problems"], good["version"]) == ([], parse(SHIPPED).version)
    assert good["rule_count"] == len(parse(SHIPPED).rules)

    def load(text: str, standing: str, reason: str = "新版默认规则") -> Any:
        return client.post("/api/rules", json={"text": text, "reason": reason, "standing_sha256": standing})

    assert load("version = 1", shown["sha256"]).json()["type"] == "urn:anhu:problem:rules-invalid"
    assert load(SHIPPED, "0" * 64).status_code == 409  # decided beside other rules than those in force
    assert load(SHIPPED, shown["sha256"], "").status_code == 422
    assert load(SHIPPED, shown["sha256"]).json() == {"version": good["version"], "loaded": True}
    assert load(SHIPPED, good["sha256"]).json()["loaded"] is False
    now = client.get("/api/rules").json()
    assert (now["in_force"]["loaded_by"], now["in_force"]["reason"]) == ("user:admin", "新版默认规则")
    assert now["shipped"]["same"] is True
    [newest, oldest] = client.get("/api/rules/versions").json()["items"]
    assert client.get("/api/rules/versions?limit=1").json()["next_before"] == newest["id"]
    assert client.get(f"/api/rules/versions/{oldest['id']}").json()["difference"] is None
    told = client.get(f"/api/rules/versions/{newest['id']}").json()
    assert told["text"] == SHIPPED
    assert {"field": "raise_at", "before": "0.2", "after": "0.15"} in next(
        each["fields"] for each in told["difference"]["changed"] if each["id"] == "fire.smoke.early"
    )
    assert client.get("/api/rules/versions/999999").status_code == 404
    with served.world.connect() as connection:
        acts = connection.execute("SELECT actor, body->>'reason', body->'changed' FROM acts WHERE verb = 'load_rules'")
        [(actor, reason, changed)] = acts.fetchall()
    assert (actor, reason, "fire.smoke.early" in changed) == ("user:admin", "新版默认规则", True)

    desk = served.client(signed_in=False)
    with served.world.connect() as connection, connection.transaction():
        _, password = add_user(connection, "desk-2", Role.OPERATOR, Scope(served.world.home))
    sign_in(desk, password, "desk-2").raise_for_status()
    assert desk.get("/api/rules").status_code == 200
    assert desk.post("/api/rules/check", json={"text": SHIPPED}).status_code == 403


def test_rules_are_tried_on_what_is_stored_beside_everything_else(served: Served) -> None:
    client = served.client()

    def begin(text: str, hours: float) -> Any:
        span = {"begin": BEGIN.isoformat(), "end": (BEGIN + timedelta(hours=hours)).isoformat()}
        return client.post("/api/rules/backtest", json={"text": text} | span)

    def state() -> dict[str, Any]:
        found: dict[str, Any] = client.get("/api/rules/backtest").json()["backtest"]
        return found

    def over() -> dict[str, Any] | None:
        found = state()
        return None if found["state"] == "running" else found

    assert client.get("/api/rules/backtest").json() == {"backtest": None, "days_max": 2}
    assert begin(DEAF, 49).status_code == 422  # more than may be
    assert begin(DEAF, -1).status_code == 422
    assert begin("version = 1", 1).status_code == 422
    assert begin(DEAF, 1).status_code == 201
    assert begin(DEAF, 1).status_code == 409
    done = wait_until(over, "the backtest is over", time_s_max=90)
    assert (done["state"], done["problem"], done["reading_count"], done["share"]) == ("done", "", 180, 1.0)
    assert done["counts"]["less"] + done["counts"]["later"] >= 1
    lost = done["examples"][0]
    assert (lost["device"]["id"], lost["institution"]["id"]) == (served.world.devices[2], served.world.home)
    assert lost["kind"] == "fire"
    assert BEGIN <= datetime.fromisoformat(lost["at"]) < BEGIN + timedelta(hours=1)

    # It can be stopped, and its process goes with it; and it is told when the process dies by itself.
    assert begin(SHIPPED, 48).status_code == 201
    [process] = wait_until(_jobs, "a process of its own works")
    assert process.nice() == 19 or wait_until(lambda: process.nice() == 19, "and stands behind all others")
    assert client.delete("/api/rules/backtest").json()["backtest"]["state"] == "cancelled"
    wait_until(lambda: not _jobs(), "its process has ended")
    assert begin(SHIPPED, 48).status_code == 201
    [process] = wait_until(_jobs, "another works")
    os.kill(process.pid, signal.SIGKILL)
    killed = wait_until(over, "its end is noticed")
    assert (killed["state"], killed["problem"]) == ("failed", "ended with code -9")


def test_the_doctor_says_when_newer_rules_ship_than_are_in_force(served: Served, tmp_path: Any) -> None:
    env = environment(ANHU_DATABASE_URL=served.world.database_url, ANHU_DATA_DIR=str(tmp_path), ANHU_LANG="en")
    told = anhu("doctor", env=env).stdout
    assert f"2020.1.{parse(SHIPPED).version} in force, {parse(SHIPPED).version} ships" in told
    assert "fire.smoke.early" in told
    with served.world.connect() as connection, connection.transaction():
        rules = parse(SHIPPED)
        store.save_rules(connection, version=rules.version, sha256=rules.sha256, body=SHIPPED, loaded_by="王工")
    assert "ships" not in anhu("doctor", env=env).stdout


def _jobs() -> list[psutil.Process]:
    """The processes of backtests that this one began."""
    found = []
    for each in psutil.Process().children():
        try:
            if each.cmdline()[-1:] == ["alerting.backtest_job"] and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found
