"""From an alert in the log to the right people, with real providers, a real database and no patience."""

import asyncio
import time
from datetime import timedelta

import httpx
import pytest

from alerting import acknowledge_link, suppression_store
from alerting.alert import Kind, Priority, Verb
from alerting.channels.webhook import signature
from alerting.errors import LinkRefused
from alerting.people import Role
from alerting.suppression import Means, Suppression
from dashboard.app import create_app
from dashboard.settings import DashboardSettings
from ingest.database import connect
from tests.integration.notify_world import SECRET, NotifyWorld, notifier, now, webhook
from tests.integration.providers import Provider, Request, Say, provider
from tests.integration.world import home_of
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
# The default ladder, sixty times as fast.
FAST = (
    ("end_s = 900", "end_s = 6"),
    ("repeat_s = 300", "repeat_s = 0"),
    ("after_s = 60\nto", "after_s = 1\nto"),
    ("after_s = 60\nat", "after_s = 1\nat"),
    ("after_s = 180\n", "after_s = 2\n"),
    ("after_s = 300\nto = [\"on_call:supervisor@county\"]", "after_s = 4\nto = [\"on_call:supervisor@county\"]"),
)  # fmt: skip


@pytest.fixture
def world(database_url: str) -> NotifyWorld:
    return NotifyWorld(database_url)


def got(server: Provider, count: int) -> list[str]:
    wait_until(lambda: len(server.requests) >= count, f"{count} messages have arrived")
    return server.texts()


def of_path(server: Provider, path: str) -> list[Request]:
    return [request for request in server.requests if request.path == path]


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
    stored = world.rows("SELECT title || body FROM pushes")[0][0]
    assert "/a/" not in stored  # the token is kept as a hash only
    assert world.count("acts", "body::text LIKE %s", f"%{SECRET}%") == 0


def test_nobody_answers_and_the_ladder_is_climbed_to_an_alert_of_its_own(world: NotifyWorld) -> None:
    world.policy(*FAST)
    with provider() as server, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url, "/operator")])
        world.person("王安全", Role.SAFETY_OFFICER, [webhook(server.url, "/officer")])
        world.person("Director Zhao", Role.INSTITUTION_MANAGER, [webhook(server.url, "/manager")], language="en")
        world.person("县监管", Role.SUPERVISOR, [webhook(server.url, "/county")], region="220322")
        began = now()
        world.say(world.event("kit-smk-1"))
        [unanswered] = wait_until(
            lambda: world.open_alerts(Kind.UNANSWERED), "nobody answered is an alert", time_s_max=15
        )
        assert unanswered.priority is Priority.CRITICAL
        assert (now() - began).total_seconds() >= 6
        wait_until(lambda: any("无人应答" in each.text for each in of_path(server, "/county")), "the county knows")
        desk, officer, manager, county = (
            of_path(server, f"/{who}")[0].at_us for who in ("operator", "officer", "manager", "county")
        )
        assert desk <= min(officer, manager)  # by night these two are told at the same time
        assert max(officer, manager) <= county
        assert 3.5e6 <= county - desk <= 7e6
        assert "[Fire] Anhe Nursing Home floor 1 Kitchen" in of_path(server, "/manager")[0].text
        assert "已通知：李值班" in of_path(server, "/officer")[0].text
        [fire] = world.open_alerts(Kind.FIRE)
        world.acknowledge(fire.id)
        wait_until(lambda: not world.open_alerts(Kind.UNANSWERED)[0].active, "an answer that comes late is noted")


def test_an_acknowledgement_ends_the_calling(world: NotifyWorld) -> None:
    world.policy(*FAST)
    with provider() as server, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        world.person("王安全", Role.SAFETY_OFFICER, [webhook(server.url, "/officer")])
        [fire] = world.say(world.event("kit-smk-1"))
        got(server, 1)
        world.acknowledge(fire.id)
        time.sleep(2)
        assert of_path(server, "/officer") == []
        assert world.rows("SELECT ending FROM ladders") == [("acknowledged",)]


def test_a_drill_is_marked_and_a_suppressed_alarm_calls_when_it_no_longer_is(world: NotifyWorld) -> None:
    with provider() as server, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        world.say(world.event("kit-smk-1", drill=True))
        assert got(server, 1)[0].startswith("【演练】【火警】")
        place = world.rows("SELECT institution_id, zone_id, id FROM devices WHERE code = 'bed-co-1'")[0]
        begun = Suppression(
            0, Means.MAINTENANCE, *place, None, "检修", "user:wang", now(), now() + timedelta(seconds=3)
        )  # fmt: skip
        with connect(world.database_url) as connection:
            suppression_store.begin(connection, begun)
        time.sleep(0.7)
        world.say(world.event("bed-co-1", Kind.CO))
        time.sleep(1)
        assert len(server.requests) == 1
        assert "一氧化碳" in got(server, 2)[1]


def test_five_thousand_alerts_in_a_second_are_a_handful_of_messages_and_the_fire_comes_first_alone(
    world: NotifyWorld,
) -> None:
    world.register(home_of(5001))
    world.policy(
        ('to = ["on_call:operator@institution"]\nrepeat_s = 300', 'to = ["supervisor@everywhere"]'),
        ('[[route.step]]\nafter_s = 0\nto = ["on_call:operator@institution"]\n[[route.step]]\nafter_s = 14400',
         '[[route.step]]\nafter_s = 0\nto = ["supervisor@everywhere"]\n[[route.step]]\nafter_s = 14400'),
        ('quiet_hours = true\ngather_s = 60', 'gather_s = 0'),
        ("group_s = 10 ", "group_s = 3 "),
    )  # fmt: skip
    with provider() as server, notifier(world.database_url):
        for number in (1, 2):
            world.person(f"监管{number}", Role.SUPERVISOR, [webhook(server.url, f"/{number}")], region="")
        time.sleep(1)
        source = world.event("d0001", Kind.SENSOR_FAULT, priority=Priority.MEDIUM)
        devices = dict(world.rows("SELECT code, id FROM devices"))
        storm = []
        for number in range(1, 5001):
            device = devices[f"d{number:04d}"]
            made = world.event_at(source, device, Kind.SENSOR_FAULT, Priority.MEDIUM)
            storm.append(made)
        storm.insert(2500, world.event_at(source, devices["d5001"], Kind.FIRE, Priority.CRITICAL))
        began_s = time.monotonic()
        world.say(*storm)
        wait_until(
            lambda: len(of_path(server, "/1")) >= 2 and len(of_path(server, "/2")) >= 2, "both are told", time_s_max=60
        )
        took_s = time.monotonic() - began_s
        time.sleep(4)
        for path in ("/1", "/2"):
            requests = of_path(server, path)
            assert "【火警】" in requests[0].document["title"]
            assert requests[0].document["form"] == "alone"
            assert len(requests) <= 6
            named = "\n".join(request.text for request in requests[1:])
            missing = [number for number in range(1, 5001) if f"设备 {number} " not in named]
            assert missing == []
        assert took_s < 30


def test_what_cannot_be_delivered_goes_by_the_next_contact_and_is_an_alert(world: NotifyWorld) -> None:
    def behave(request: Request) -> Say:
        return Say(status=410) if request.path == "/gone" else Say({"ok": 1})

    with provider(behave) as server, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url, "/gone"), webhook(server.url, "/good")])
        world.person("管理员", Role.ADMINISTRATOR, [webhook(server.url, "/admin")], region="")
        world.say(world.event("kit-smk-1"))
        wait_until(lambda: of_path(server, "/good"), "the next contact is used")
        first, second = of_path(server, "/gone")[0], of_path(server, "/good")[0]
        assert second.at_us - first.at_us < 1e6
        wait_until(lambda: world.count("deliveries", "state = 'sent' AND urgency = 0"), "it is noted")
        assert sorted(world.rows("SELECT state, detail FROM deliveries WHERE urgency = 0")) == [
            ("dead", "HTTP 410"), ("sent", "HTTP 200"),
        ]  # fmt: skip
        wait_until(lambda: world.count("alert_events", "kind = 'system'"), "it is an alert")


def test_when_nobody_can_be_reached_that_is_told_at_once(world: NotifyWorld) -> None:
    with provider(lambda _: Say(status=404)) as server, provider() as good, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        world.person("市监管", Role.SUPERVISOR, [webhook(server.url)], region="220322")
        world.person("省监管", Role.SUPERVISOR, [webhook(good.url)], region="22")
        began_s = time.monotonic()
        world.say(world.event("kit-smk-1"))
        wait_until(lambda: world.open_alerts(Kind.UNANSWERED), "unanswered is raised", time_s_max=20)
        assert time.monotonic() - began_s < 15  # not after the 900 s of the policy


def test_a_provider_that_hangs_or_is_busy_delays_nobody_else(world: NotifyWorld) -> None:
    def behave(request: Request) -> Say:
        if request.path == "/hangs":
            return Say(wait_s=60)
        if request.path == "/busy" and len(of_path(server, "/busy")) < 2:
            return Say(status=429, headers={"Retry-After": "3"})
        return Say({"ok": 1})

    with provider(behave) as server, notifier(world.database_url, send_s_max=2.0, lease_s=5.0):
        for name, path in (("甲", "/hangs"), ("乙", "/busy"), ("丙", "/good")):
            world.person(name, Role.OPERATOR, [webhook(server.url, path)])
        time.sleep(0.6)
        began_us = time.time_ns() // 1000
        for device in ("kit-smk-1", "bed-smk-1"):
            world.say(world.event(device))
        wait_until(lambda: len(of_path(server, "/good")) == 2, "the good one has both", time_s_max=2)
        assert of_path(server, "/good")[1].at_us - began_us < 1e6
        busy = wait_until(lambda: len(found := of_path(server, "/busy")) >= 3 and found, "the busy one is asked again")
        assert busy[1].at_us - busy[0].at_us >= 2.9e6 or busy[2].at_us - busy[0].at_us >= 2.9e6


def test_a_link_acknowledges_once_for_one_alert_and_not_by_looking(world: NotifyWorld) -> None:
    with provider() as server, notifier(world.database_url, public_url="https://anhu.example"):
        who = world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        [fire] = world.say(world.event("kit-smk-1"))
        got(server, 1)
        token = server.requests[0].document["link"].rpartition("/")[2]
        [other] = world.say(world.event("bed-co-1", Kind.CO))
        with connect(world.database_url) as connection:
            opened = acknowledge_link.show(connection, token, now())
            assert [alert.id for alert in opened.alerts] == [fire.id]
            with pytest.raises(LinkRefused, match="not for this alert"):
                acknowledge_link.use(connection, token, other.id, now())
            with pytest.raises(LinkRefused, match="expired"):
                acknowledge_link.use(connection, token, fire.id, now() + timedelta(hours=3))
            with pytest.raises(LinkRefused, match="not valid"):
                acknowledge_link.use(connection, token[:-1] + "_", fire.id, now())
            assert not acknowledge_link.show(connection, token, now()).alerts[0].acknowledged
            taken = acknowledge_link.use(connection, token, fire.id, now())
            assert taken.acknowledged_by == f"person:{who.id}:李值班"
            with pytest.raises(LinkRefused, match="used"):
                acknowledge_link.use(connection, token, fire.id, now())


def test_flapping_is_told_once(world: NotifyWorld) -> None:
    with provider() as server, notifier(world.database_url):
        world.person("李值班", Role.OPERATOR, [webhook(server.url)])
        onset = now()
        for _ in range(7):
            world.say(world.event("kit-smk-1", onset=onset))
            time.sleep(0.2)
            world.say(world.event("kit-smk-1", verb=Verb.CLEAR, onset=onset))
            time.sleep(0.2)
        wait_until(lambda: any("频繁报警" in text for text in server.texts()), "it is told", time_s_max=20)
        assert sum("频繁报警" in text for text in server.texts()) == 1


def test_the_page_of_a_link_works_without_a_script_or_a_session(world: NotifyWorld) -> None:
    with provider() as server, notifier(world.database_url, public_url="https://anhu.example"):
        world.person("李<值班>", Role.OPERATOR, [webhook(server.url)])
        [fire] = world.say(world.event("kit-smk-1"))
        got(server, 1)
        path = httpx.URL(server.requests[0].document["link"]).path
    asyncio.run(_press(world, path, str(fire.id)))


async def _press(world: NotifyWorld, path: str, alert: str) -> None:
    app = create_app(world.database_url, DashboardSettings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://anhu", follow_redirects=True) as client,
    ):
        page = await client.get(path)
        assert page.status_code == 200
        assert "李&lt;值班&gt;" in page.text
        assert "厨房烟感 1" in page.text
        assert "<script" not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert not world.open_alerts(Kind.FIRE)[0].acknowledged
        strange = await client.post(path, data={"alert": alert}, headers={"origin": "http://evil"})
        assert strange.status_code == 403
        done = await client.post(path, data={"alert": alert}, headers={"origin": "http://anhu"})
        assert done.status_code == 200
        assert "已由 李&lt;值班&gt; 于" in done.text
        assert world.open_alerts(Kind.FIRE)[0].acknowledged
        assert (await client.post(path, data={"alert": alert})).status_code == 410
        assert (await client.post(path, data={"alert": "x"})).status_code == 422
        assert (await client.get("/a/" + "x" * 43)).status_code == 410
