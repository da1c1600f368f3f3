"""An operator's shift from sign-in to handover, and a desk with ten thousand open alerts, in a real browser."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from alerting import oncall_store
from alerting.alert import Alert, Verb
from alerting.escalation import default_policy, parse
from alerting.people import Role, Scope
from dashboard.page import STATIC
from tests.acceptance.desk_world import MANY, fill
from tests.acceptance.ear import LOOK_ON, loud
from tests.acceptance.house import DESK, PHONE
from tests.integration.dashboard_world import Served, World, build, serve
from tests.integration.people_world import add_user
from tests.waiting import wait_until

pytestmark = pytest.mark.acceptance

WAIT_MS: Final = 30_000
MUTE_S: Final = 3
FIRST_LOAD_BYTES_MAX: Final = 300_000
DRAWN_MAX: Final = 60
PICTURES: Final = os.environ.get("ANHU_PICTURES")  # a folder, for whoever wants to look


class Desk:
    """A served dashboard with two operators of one home, and what their browsers complained about."""

    def __init__(self, served: Served, browser: Browser, passwords: dict[str, str]) -> None:
        self.served = served
        self.complaints: list[str] = []
        self._browser = browser
        self._passwords = passwords

    @contextmanager
    def browser(self, size: dict[str, int] = DESK) -> Iterator[BrowserContext]:
        context = self._browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai")
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(LOOK_ON)
        expect.set_options(timeout=WAIT_MS)
        try:
            yield context
        finally:
            context.close()

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        return page

    def sign_in(self, page: Page, name: str) -> None:
        page.goto(self.served.url)
        page.get_by_test_id("signin-username").fill(name)
        page.get_by_test_id("signin-password").fill(self._passwords[name])
        page.get_by_test_id("signin-submit").click()
        page.get_by_test_id("user-menu").wait_for()


@pytest.fixture
def desk(database_url: str, browser: Browser) -> Iterator[Desk]:
    world = build(database_url)
    with world.connect() as connection, connection.transaction():
        connection.execute("INSERT INTO pipeline_heartbeats VALUES (0, now(), now(), 1, 0, 0, 0, 0, 0)")
        passwords = {
            name: add_user(connection, name, Role.OPERATOR, scope)[1]
            for name, scope in (("evening", Scope(world.home)), ("night", Scope(world.home)), ("centre", Scope()))
        }
        body = default_policy().replace("mute_s_max = 60 ", f"mute_s_max = {MUTE_S} ", 1)
        oncall_store.save_policy(connection, parse(body), body, loaded_by="test")
    with serve(world, heartbeat_s=0.5, pulse_s=0.3, pipeline_silence_s_max=3600) as served:
        yield Desk(served, browser, passwords)


def fire(world: World, device: int) -> Alert:
    return world.say(Verb.RAISE, device, latching=True)


def look(page: Page, name: str) -> None:
    """A picture for whoever wants to look; what sticks out of the page is a fault in any case."""
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1], f"{name}: {wide}"
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def first_load_bytes(asked: list[str]) -> dict[str, int]:
    """What the page's scripts weigh as they go over plain HTTP, where browsers read gzip alone."""
    names = {found[1] for url in asked if (found := re.search(r"/(assets/[^?]+\.js)", url))}
    sizes = {}
    for name in names:
        small = STATIC / f"{name}.gz"
        sizes[name] = (small if small.exists() else STATIC / name).stat().st_size
    return sizes


def focused(page: Page) -> str | None:
    found: str | None = page.evaluate("document.activeElement.closest('[data-alert-id]')?.dataset.alertId ?? null")
    return found


def test_an_operators_shift_from_the_sign_in_to_the_handover(desk: Desk) -> None:
    with desk.browser() as context:
        page = desk.page(context)
        desk.sign_in(page, "evening")
        expect(page.get_by_test_id("all-clear")).to_be_visible()
        asked: list[str] = []
        again = desk.page(context)
        again.on("request", lambda request: asked.append(request.url))
        again.goto(desk.served.url)
        expect(again.get_by_test_id("all-clear")).to_be_visible()
        again.wait_for_load_state("networkidle")
        sizes = first_load_bytes(asked)
        assert len(sizes) > 5
        assert sum(sizes.values()) <= FIRST_LOAD_BYTES_MAX, sizes
        again.close()

        page = hear_and_mute(desk, context, page)
        act_by_keyboard(desk, page)
        hand_over(desk, page)
    assert desk.complaints == []


def hear_and_mute(desk: Desk, context: BrowserContext, page: Page) -> Page:
    """The alarm is there and heard, is muted for as long as the policy says, and sounds in one tab; the tab that goes
    on."""
    page.get_by_test_id("sound-enable-bar").or_(page.get_by_test_id("sound-on")).first.click()
    expect(page.get_by_test_id("sound-blocked")).to_have_count(0)
    fire(desk.served.world, 0)
    banner = page.get_by_test_id("critical-banner")
    expect(banner).to_contain_text("厨房")
    expect(page.get_by_test_id("news-urgent")).to_have_text("新报警：火警，安和养老院 · 厨房")
    wait_until(lambda: loud(page), "the alarm is heard")
    look(page, "alarm-1440-zh")
    banner.get_by_test_id("banner-mute").click()
    expect(page.get_by_test_id("banner-muted")).to_contain_text("自动恢复")
    wait_until(lambda: not loud(page), "muted")
    wait_until(lambda: loud(page), "heard again by itself")
    expect(banner.get_by_test_id("banner-mute")).to_be_visible()

    second = desk.page(context)
    second.goto(desk.served.url)
    second.get_by_test_id("alert-list").wait_for()
    second.get_by_test_id("language-switch").click()  # a gesture, so that it could sound
    expect(second.get_by_test_id("sound-blocked")).to_have_count(0)
    second.wait_for_function("navigator.locks.query().then(({ pending }) => pending.length === 1)")
    assert not loud(second)
    assert loud(page)
    banner.get_by_test_id("banner-mute").click()
    expect(second.get_by_test_id("banner-muted")).to_be_visible()  # muted once for all tabs
    page.close()
    wait_until(lambda: loud(second), "the other tab sounds when the mute is over")
    second.get_by_test_id("language-switch").click()
    return second


def act_by_keyboard(desk: Desk, page: Page) -> None:
    world = desk.served.world
    row = page.get_by_test_id("alert-row")
    page.keyboard.press("?")
    expect(page.get_by_test_id("keys-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("keys-help")).to_have_count(0)
    page.keyboard.press("j")
    first = focused(page)
    assert first == row.get_attribute("data-alert-id")
    page.keyboard.press("a")
    page.get_by_test_id("confirm").wait_for()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "ACKED")
    expect(page.get_by_test_id("critical-banner")).to_have_count(0)
    wait_until(lambda: not loud(page), "silence after the acknowledgement")
    newer = fire(world, 2)
    expect(row).to_have_count(2)
    expect(row.first).to_have_attribute("data-alert-id", str(newer.id))
    assert focused(page) == first, "the focus stays where it was however the list changes"
    expect(row.nth(1)).to_have_attribute("aria-posinset", "2")
    page.keyboard.press("k")
    assert focused(page) == str(newer.id)
    page.get_by_test_id("banner-acknowledge").click()
    expect(row.first).to_have_attribute("data-state", "ACKED")
    page.locator(f"[data-alert-id='{first}']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("alert-detail")).to_have_attribute("data-alert-id", str(first))
    page.go_back()
    expect(row).to_have_count(2)


def hand_over(desk: Desk, page: Page) -> None:
    expect(page.get_by_test_id("handover-write")).to_have_count(0)  # nobody has ever used it: no word of it
    page.goto(f"{desk.served.url}/handovers")
    page.get_by_test_id("handover-write").click()
    expect(page.get_by_test_id("handover-alert")).to_have_count(2)
    page.get_by_test_id("handover-text").fill("厨房烟感已报修")
    page.get_by_test_id("handover-name").fill("王芳")
    look(page, "handover-write-1440-zh")
    page.get_by_test_id("handover-sign").click()
    expect(page.get_by_test_id("handover-row")).to_have_attribute("data-state", "waiting")
    with desk.browser(PHONE) as phone:
        night = desk.page(phone)
        desk.sign_in(night, "night")
        expect(night.get_by_test_id("handover-waiting")).to_contain_text("厨房烟感已报修")
        look(night, "handover-waiting-390-zh")
        night.get_by_test_id("handover-read").click()
        night.get_by_test_id("take-over-name").fill("王 芳")
        night.get_by_test_id("take-over-sign").click()
        expect(night.get_by_test_id("take-over-form")).to_contain_text("不能与交班人同名")
        night.get_by_test_id("take-over-name").fill("李伟")
        look(night, "handover-take-390-zh")
        night.get_by_test_id("take-over-sign").click()
        expect(night.get_by_test_id("handover-waiting")).to_have_count(0)
        expect(night.get_by_test_id("handover-write")).to_be_visible()
        desk.complaints[:] = [each for each in desk.complaints if "409" not in each]  # the name that was refused
        large_type(desk, night)
    page.reload()
    expect(page.get_by_test_id("handover-row")).to_have_attribute("data-state", "taken_over")
    page.get_by_test_id("handover-row").get_by_role("link").click()
    expect(page.get_by_test_id("handover-taken")).to_contain_text("李伟")
    page.emulate_media(media="print")
    expect(page.get_by_test_id("handover-print")).to_be_hidden()
    expect(page.get_by_test_id("user-menu")).to_be_hidden()
    expect(page.get_by_test_id("handover-note")).to_be_visible()
    look(page, "handover-paper")


def large_type(desk: Desk, page: Page) -> None:
    """Larger everywhere, kept by the browser, and nothing sticks out of a phone."""
    size = "parseFloat(getComputedStyle(document.querySelector('[data-testid=alert-row] .where')).fontSize)"
    usual = page.evaluate(size)
    page.goto(f"{desk.served.url}/?large=1")
    page.get_by_test_id("alert-row").first.wait_for()
    assert page.evaluate(size) == pytest.approx(usual * 1.25, rel=0.01)
    page.goto(f"{desk.served.url}/")
    page.get_by_test_id("alert-row").first.wait_for()
    assert page.evaluate(size) == pytest.approx(usual * 1.25, rel=0.01), "the choice is kept"
    for theme in ("dark", "light"):
        page.get_by_test_id("display-menu").get_by_role("button").first.click()
        page.get_by_test_id(f"theme-{theme}").click()
        assert page.evaluate("document.documentElement.classList.contains('dark')") is (theme == "dark")
        look(page, f"desk-large-{theme}-390-zh")
        page.keyboard.press("Escape")
    page.set_viewport_size(DESK)
    look(page, "desk-large-1440-zh")
    page.get_by_test_id("language-switch").click()
    look(page, "desk-large-1440-en")
    page.set_viewport_size(PHONE)
    look(page, "desk-large-390-en")
    page.get_by_test_id("display-menu").get_by_role("button").first.click()
    page.get_by_test_id("type-usual").click()
    assert page.evaluate(size) == pytest.approx(usual, rel=0.01)


ROWS = """[...document.querySelectorAll('[data-testid=alert-row]')].map((row) => ({
  at: Number(row.getAttribute('aria-posinset')), of: Number(row.getAttribute('aria-setsize')),
  priority: row.dataset.priority, id: row.dataset.alertId, top: row.getBoundingClientRect().top,
}))"""


def test_a_desk_with_ten_thousand_open_alerts(desk: Desk) -> None:
    world = desk.served.world
    with psycopg.connect(world.database_url) as connection:
        order = fill(connection, MANY)
    with desk.browser() as context:
        page = desk.page(context)
        desk.sign_in(page, "centre")
        heading = page.get_by_role("heading", name="未结报警")
        expect(heading).to_contain_text(str(MANY))
        page.wait_for_function(f"() => document.querySelector('[aria-setsize=\"{MANY}\"]')")
        assert_window(page, order, MANY)
        page.mouse.move(500, 600)
        for _ in range(8):
            page.mouse.wheel(0, 5_000)
        page.wait_for_function("() => window.scrollY > 20_000")
        assert_window(page, order, MANY)
        page.keyboard.press("j")
        page.keyboard.press("End")
        page.wait_for_function(f"() => document.activeElement.getAttribute('aria-posinset') === '{MANY}'")
        assert_window(page, order, MANY)
        page.keyboard.press("k")
        page.wait_for_function(f"() => document.activeElement.getAttribute('aria-posinset') === '{MANY - 1}'")
        held = focused(page)
        newest = fire(world, 0)  # at the top, while somebody reads near the end
        page.wait_for_function(f"() => document.activeElement.getAttribute('aria-posinset') === '{MANY}'")
        assert focused(page) == held
        expect(page.locator(f"[data-alert-id='{held}']")).to_be_in_viewport()
        assert_window(page, [str(newest.id), *order], MANY + 1)
        page.keyboard.press("Home")
        page.wait_for_function("() => document.activeElement.getAttribute('aria-posinset') === '1'")
        assert focused(page) == str(newest.id)
    assert desk.complaints == []


def assert_window(page: Page, order: list[str], count: int) -> None:
    """Few rows are drawn, those are the ones of these places, and what is on the screen has no gaps."""
    page.wait_for_function(f"() => {ROWS}.filter(({{ top }}) => top >= 0 && top <= innerHeight).length > 3")
    rows = page.evaluate(ROWS)
    assert 0 < len(rows) <= DRAWN_MAX
    assert {row["of"] for row in rows} == {count}
    places = [row["at"] for row in rows]
    assert places == sorted(set(places))
    assert [row["id"] for row in rows] == [order[place - 1] for place in places]
    seen = [row["at"] for row in rows if 0 <= row["top"] <= DESK["height"]]
    assert seen == list(range(seen[0], seen[0] + len(seen)))
