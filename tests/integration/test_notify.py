"""From an alert in the log to the right people, with real providers, a real database and no patience."""

import time

import pytest

from alerting.channels.webhook import signature
from alerting.people import Role
from tests.integration.notify_world import SECRET, NotifyWorld, notifier, webhook
from tests.integration.providers import Provider, provider
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def world(database_url: str) -> NotifyWorld:
    return NotifyWorld(database_url)


def got(server: Provider, count: int) -> list[str]:
    wait_until(lambda: len(server.requests) >= count, f"{count} messages have arrived")
    return server.texts()


def test_a_fire_reaches_the_duty_desk_at_once_signed_and_in_words(world: NotifyWorld) -> None:
    with provider() as server, notifier(world.database_url, public_url="https://anhu.example"):
        world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        time.sleep(0.6)
        world.say(world.event("kit-smk-1"))
        [text] = got(server, 1)
        request = server.requests[0]
        assert text.startswith("【火警】安和养老院 1层 厨房 厨房烟感 1\n烟雾 0.35 dB/m")
        assert "119" in text
        assert request.document["link"].startswith("https://anhu.example/a/")
        stamp = request.headers["x-anhu-timestamp"]
        assert request.headers["x-anhu-signature"] == signature(SECRET, stamp, request.body)
        wait_until(lambda: world.count("deliveries", "state = 'sent'") == 1, "it is noted")
