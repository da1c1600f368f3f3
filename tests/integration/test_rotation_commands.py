"""`anhu rotation …`: a system without the page can say who is on duty."""

import re
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from alerting.escalation import CHINA
from anhu.cli import app
from tests.integration.world import World

pytestmark = pytest.mark.integration


def test_a_rotation_and_a_stand_in_from_the_command_line(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    World(database_url)
    monkeypatch.setenv("ANHU_DATABASE_URL", database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://127.0.0.1:1")  # never asked: these commands need the database only
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: str, command: str = "rotation", code: int = 0) -> str:
        done = CliRunner().invoke(app, [command, *words])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    place = ("--institution", "home-1", "--role", "operator")
    for name in ("Li", "Wang", "Zhao"):
        run("add", name, *place, "--by", "test", command="person")
    made = ("set", *place, "--members", "1,2", "--starts", "08:00,20:00", "--anchor", "2026-11-23", "--by", "test")
    assert run(*made) == "1\n"
    assert "rotation there is number 1" in run(*made, code=1)  # somebody else's is not overwritten
    assert "not an active operator" in run("set", *place, "--members", "9", "--replaces", "1", code=1)
    assert "no institution nowhere" in run(
        "set", "--institution", "nowhere", "--role", "operator", "--members", "1", code=1
    )
    assert run("set", *place, "--members", "1", "--starts", "08:00", "--replaces", "1", "--by", "test") == "2\n"
    assert re.search(r"home-1\toperator\t1 Li\t", run("now", *place))
    assert "at most" in run("stand-in", "--absent", "1", "--stand-in", "3", "--until", "2096-01-01", code=1)
    until = (datetime.now(CHINA) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    assert run("stand-in", "--absent", "1", "--stand-in", "3", "--until", until, "--by", "test") == "1\n"
    assert "3 Zhao (for Li)" in run("now")
    listed = run("list", "--days", "3")
    assert "stand-in 1  Zhao for Li" in listed
    assert "1 Li" in listed
    run("end-stand-in", "1", "--by", "test")
    assert "1 Li" in run("now")
    run("end", "2", "--by", "test")
    assert run("list") == ""
    assert "no rotation 2" in run("end", "2", code=1)
