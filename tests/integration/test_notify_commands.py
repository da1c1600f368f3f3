"""A system without the page can be told who is reached and how, and tried out."""

import subprocess
import sys

import pytest

from anhu.roles import LOCAL
from tests.commands import anhu, environment
from tests.integration.notify_world import SECRET, NotifyWorld, notifier
from tests.integration.providers import provider

pytestmark = pytest.mark.integration


def test_people_their_contacts_and_a_test_message(database_url: str, mqtt_url: str) -> None:
    NotifyWorld(database_url)
    env = environment(
        ANHU_DATABASE_URL=database_url, ANHU_MQTT_URL=mqtt_url, ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP="true",
        ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED="127.0.0.0/8, ::1/128",
    )  # fmt: skip
    added = anhu("person", "add", "李值班", "--role", "operator", "--institution", "home-1", "--by", "王工", env=env)
    assert (added.returncode, added.stdout) == (0, "1\n"), added.stderr
    assert anhu("person", "add", "x", "--role", "operator", "--institution", "no", "--by", "x", env=env).returncode == 1
    with provider() as server, notifier(database_url):
        lines = f"webhook {server.url}/hook#{SECRET}\n"
        command = [sys.executable, "-m", "anhu", "person", "contact", "1", "--by", "王工"]
        set_up = subprocess.run(command, env=env, input=lines, text=True, capture_output=True, check=True)
        assert SECRET not in set_up.stdout + set_up.stderr
        refused = subprocess.run(
            command, env=env, input="sms secret-number\n", text=True, capture_output=True, check=False
        )
        assert refused.returncode == 1
        assert "secret-number" not in refused.stderr
        listed = anhu("person", "list", env=env)
        assert "李值班\toperator\tinstitution:1\tzh\twebhook" in listed.stdout
        assert SECRET not in listed.stdout
        tried = anhu("notify", "test", "--person", "1", env=env)
        assert tried.returncode == 0, tried.stderr
        assert "webhook: sent" in tried.stderr
        assert server.texts()[0].startswith("【测试】")
    assert anhu("notify", "test", "--person", "9", env=env).returncode == 1


def test_the_notifier_is_among_the_roles_that_serve_runs() -> None:
    assert "notifier" in LOCAL.split(",")
