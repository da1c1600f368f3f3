"""`anhu rotation …`: a system without the page can say who is on duty."""

import re
from datetime import datetime, timedelta

import pytest

from alerting.escalation import CHINA
from tests.commands import anhu, environment
from tests.integration.world import World

pytestmark = pytest.mark.integration


def test_a_rotation_and_a_stand_in_from_the_command_line(database_url: str, mqtt_url: str) -> None:
    World(database_url)
    env = environment(ANHU_DATABASE_URL=database_url, ANHU_MQTT_URL=mqtt_url)

    def run(*words: str, code: int = 0) -> str:
        done = anhu("rotation", *words, env=env)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    place = ("--institution", "home-1", "--role", "operator")
    for name in ("Li", "Wang", "Zhao"):
        assert anhu("person", "add", name, *place, "--by", "test", env=env).returncode == 0
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
