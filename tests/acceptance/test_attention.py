"""What calls for a person, in a real browser: sound, desktop notifications, and a page while the database is away."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from alerting.alert import Alert, Verb
from tests.acceptance.ear import LOOK_ON, loud
from tests.integration.dashboard_world import Served, World, build, outage, serve
from tests.waiting import wait_until

pytestmark = pytest.mark.acceptance

RENDER_MS_MAX: Final = 30_000
# A browser that has not been asked yet.
UNASKED: Final = """
window.asked = 0;
window.Notification = class {
  static permission = "default";
  static async requestPermission() {
    window.asked += 1;
    return "default";
  }
};
"""


@pytest.fixture
def served(database_url: str) -> Iterator[Served]:
    world = build(database_url)
    with world.connect() as connection:
        connection.execute("INSERT INTO pipeline_heartbeats VALUES (0, now(), now(), 1, 0, 0, 0, 0, 0)")
    with serve(world, heartbeat_s=0.5, pulse_s=0.3, pipeline_silence_s_max=3600) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    made.set_default_timeout(RENDER_MS_MAX)
    yield made
    made.close()


def sign_in(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.get_by_test_id("signin-username").fill("admin")
    page.get_by_test_id("signin-password").fill(served.world.password)
    page.get_by_test_id("signin-submit").click()
    expect(page.get_by_test_id("institution-row")).to_have_count(2, timeout=RENDER_MS_MAX)


def shown(page: Page, alert: Alert) -> dict[str, Any] | None:
    """The desktop notification of an alert."""
    found: list[dict[str, Any]] = page.evaluate("window.shown")
    return next((each for each in found if each["tag"] == str(alert.id)), None)


def fire(world: World, device: int) -> Alert:
    return world.say(Verb.RAISE, device, latching=True)


def test_an_alarm_is_heard_and_comes_to_the_desktop_while_the_page_is_hidden(
    served: Served, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"])
    page = context.new_page()
    page.add_init_script(LOOK_ON)
    sign_in(page, served)
    page.get_by_test_id("sound-enable").or_(page.get_by_test_id("sound-on")).click()
    expect(page.get_by_test_id("sound-on")).to_be_visible()
    wait_until(lambda: loud(page), "the test of the sound is heard")
    wait_until(lambda: not loud(page), "and ends")

    in_sight = fire(served.world, 0)
    banner = page.get_by_test_id("critical-banner")
    expect(banner).to_contain_text("厨房")
    wait_until(lambda: loud(page), "the alarm is heard")
    assert shown(page, in_sight) is None, "what is before the reader's eyes needs no notification"
    page.evaluate("window.hide()")
    hidden = fire(served.world, 2)
    told = wait_until(lambda: shown(page, hidden), "the notification is there")
    assert (told["title"], "卧室" in told["body"], "安和养老院" in told["body"]) == ("火警", True, True)
    assert (told["requireInteraction"], told["silent"]) == (True, False)

    expect(banner).to_contain_text("卧室")  # the newest first
    banner.get_by_test_id("banner-acknowledge").click()
    expect(banner).to_contain_text("厨房")
    banner.get_by_test_id("banner-acknowledge").click()
    expect(banner).to_have_count(0)
    wait_until(lambda: not loud(page), "silence after the acknowledgement")
    assert str(hidden.id) in page.evaluate("window.takenBack"), "the notification is taken back"

    page.get_by_test_id("language-switch").click()
    fire(served.world, 1)
    english = fire(served.world, 3)
    told = wait_until(lambda: shown(page, english), "the notification is there")
    assert (told["title"], "Anhe Home" in told["body"]) == ("Fire", True)


def test_the_browser_is_asked_by_a_click_only(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    page.add_init_script(UNASKED)
    sign_in(page, served)
    fire(served.world, 0)
    expect(page.get_by_test_id("critical-banner")).to_be_visible()
    assert page.evaluate("window.asked") == 0
    page.get_by_test_id("sound-enable").or_(page.get_by_test_id("sound-on")).click()
    wait_until(lambda: page.evaluate("window.asked") == 1, "the browser is asked")


def test_while_the_database_is_away_a_page_can_be_opened_and_no_click_is_lost_silently(
    served: Served, context: BrowserContext
) -> None:
    page = context.new_page()
    sign_in(page, served)
    alarm = fire(served.world, 0)
    row = page.locator(f"[data-testid=alert-row][data-alert-id='{alarm.id}']")
    banner, away = page.get_by_test_id("critical-banner"), page.get_by_test_id("database-away")
    expect(row).to_have_attribute("data-state", "UNACKED")
    expect(away).to_have_count(0)
    with outage(served.world.database_url):
        expect(away).to_contain_text("数据库暂时不可用")
        page.reload()
        expect(away).to_be_visible(timeout=RENDER_MS_MAX)
        expect(row).to_contain_text("厨房")
        banner.get_by_test_id("banner-acknowledge").click()
        told = banner.get_by_test_id("not-recorded")
        expect(told).to_contain_text("没有记录")
        expect(told).to_contain_text("数据库")
        expect(row.get_by_test_id("not-recorded")).to_be_visible()
        expect(row).to_have_attribute("data-state", "UNACKED")
        page.get_by_test_id("language-switch").click()
        expect(away).to_contain_text("The database is away")
        expect(told).to_contain_text("not recorded")
        page.get_by_test_id("language-switch").click()
    expect(away).to_have_count(0, timeout=RENDER_MS_MAX)
    expect(told).to_be_visible()
    banner.get_by_test_id("banner-acknowledge").click()
    expect(row).to_have_attribute("data-state", "ACKED")
    expect(page.get_by_test_id("not-recorded")).to_have_count(0)
