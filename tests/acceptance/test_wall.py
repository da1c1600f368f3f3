"""The supervision wall in a real browser: an alarm is seen as it comes, two clicks lead to the home, and
it fills the screen."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from alerting.alert import Kind, Verb
from tests.acceptance.house import DESK, PHONE, WAIT_MS
from tests.integration.dashboard_world import build, serve
from tests.integration.wall_world import DAY, HOUR, Bureau, build_bureau

pytestmark = pytest.mark.acceptance

# The wall follows the live feed, and is there within a second on a machine that has nothing else to do. It asks the
# server itself every 20 s at most: what appears within ten has come over the feed, however slow the machine is.
LIVE_MS = 10_000
# Whether a box sticks out of the window, and by how much the page can be scrolled.
OVERFLOW = (
    """() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"""
)
BOTTOMS = "() => [...document.querySelectorAll('.wall *')].map((each) => each.getBoundingClientRect().bottom)"


def sign_in(page: Page, bureau: Bureau, username: str) -> None:
    page.goto(f"{bureau.served.url}/wall")
    page.get_by_test_id("signin-username").fill(username)
    page.get_by_test_id("signin-password").fill(bureau.passwords[username])
    page.get_by_test_id("signin-submit").click()


def test_a_supervisor_watches_drills_down_and_fills_the_screen(database_url: str, browser: Browser):
    world, now = build(database_url), datetime.now(UTC)
    bureau = build_bureau(world)
    bureau.hazard(bureau.second, "major", "assigned", now - 9 * DAY, now - 26 * HOUR)
    with serve(world) as bureau.server:
        context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page, complaints = context.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        sign_in(page, bureau, "near")
        tiles = page.get_by_test_id("wall-tile")
        expect(tiles).to_have_count(2, timeout=WAIT_MS)  # the county's own
        overdue = page.locator(f'[data-testid="wall-tile"][data-institution-id="{bureau.second}"]')
        expect(overdue).to_have_attribute("data-state", "major_overdue", timeout=WAIT_MS)
        expect(page.get_by_test_id("wall-row").first).to_contain_text("1 项重大隐患逾期，最长 1 天 2 小时")
        expect(page.get_by_test_id("wall-call")).to_have_count(0)
        complaints.clear()  # the question who is signed in, before anybody was

        world.say(Verb.RAISE, 0, Kind.SOS, at=datetime.now(UTC) - timedelta(seconds=1))
        expect(page.get_by_test_id("wall-call")).to_contain_text("安和养老院", timeout=LIVE_MS)
        home = page.locator(f'[data-testid="wall-tile"][data-institution-id="{world.home}"]')
        expect(home).to_have_attribute("data-state", "alarm", timeout=LIVE_MS)
        first = page.get_by_test_id("wall-row").first
        expect(first).to_have_attribute("data-institution-id", str(world.home), timeout=WAIT_MS)
        expect(first).to_contain_text("1 起紧急报警无人确认")

        page.get_by_test_id("wall-full").click()
        wall = page.get_by_test_id("wall")
        expect(wall).to_have_attribute("data-full", "true")
        expect(page.get_by_role("navigation")).to_have_count(0)
        page.wait_for_function("() => document.fullscreenElement !== null", timeout=WAIT_MS)
        page.wait_for_function(f"() => ({OVERFLOW})().every((px) => px <= 0)", timeout=WAIT_MS)
        assert max(page.evaluate(BOTTOMS)) <= 1080
        page.keyboard.press("Escape")
        expect(wall).to_have_attribute("data-full", "false")
        expect(page.get_by_role("navigation")).to_have_count(1)

        home.click()
        expect(page.get_by_test_id("wall-reason").first).to_contain_text("1 起紧急报警无人确认")
        page.get_by_test_id("wall-open").click()
        expect(page).to_have_url(re.compile(rf"/institutions/{world.home}$"), timeout=WAIT_MS)
        assert complaints == []
        context.close()

        context = browser.new_context(viewport=PHONE, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        sign_in(page, bureau, "city")
        expect(page.get_by_test_id("wall-tile")).to_have_count(3, timeout=WAIT_MS)
        expect(page.get_by_test_id("wall-row")).to_have_count(3)
        assert page.evaluate(OVERFLOW)[0] <= 0
        context.close()

        context = browser.new_context(viewport=DESK, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        sign_in(page, bureau, "nurse")
        expect(page).to_have_url(f"{bureau.served.url}/", timeout=WAIT_MS)  # who watches one home has a desk for it
        expect(page.get_by_role("link", name="大屏")).to_have_count(0)
        context.close()
