"""One hazard, the whole road in a real browser: five steps by four people, on a phone and on a desk."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.house import DESK, PHONE, WAIT_MS, House, add_photo, choose

pytestmark = pytest.mark.acceptance

TITLE = "二楼东侧消防通道堆放杂物"


def submit(page: Page, state: str) -> None:
    page.get_by_test_id("hazard-submit").click()
    expect(page.get_by_test_id("hazard-detail")).to_have_attribute("data-state", state, timeout=WAIT_MS)


def open_first(page: Page, which: str) -> None:
    page.get_by_test_id(f"hazard-tile-{which}").click()
    page.get_by_test_id("hazard-row").filter(has_text=TITLE).get_by_role("link").click()
    expect(page.get_by_test_id("hazard-detail")).to_be_visible(timeout=WAIT_MS)


def test_reported_assigned_rectified_rechecked_closed_by_different_people(house: House) -> None:
    with house.person("nurse", PHONE) as page:
        page.get_by_test_id("hazard-report").click()
        page.get_by_test_id("hazard-title").fill(TITLE)
        page.get_by_test_id("hazard-category").select_option("fire")
        page.get_by_test_id("hazard-zone").select_option(label="卧室")
        add_photo(page, "red")
        submit(page, "reported")
        expect(page.get_by_test_id("hazard-act-assign")).to_have_count(0)  # a nurse does not assign
    with house.person("county", DESK) as page:
        open_first(page, "unassigned")
        page.get_by_test_id("hazard-act-assign").click()
        page.get_by_test_id("hazard-assignee").select_option(label="护理员小周 · 值班员")
        choose(page, "hazard-level-major")
        choose(page, "hazard-supervisor-head")
        expect(page.get_by_test_id("hazard-term")).to_have_value("hours-24")  # as the policy proposes
        submit(page, "assigned")
        expect(page.get_by_test_id("hazard-act-rectify")).to_have_count(0)
    with house.person("nurse", PHONE) as page:
        page.get_by_test_id("hazard-mine").check()
        expect(page.get_by_test_id("hazard-row")).to_have_count(1)
        open_first(page, "open")
        page.get_by_test_id("hazard-act-rectify").click()
        page.get_by_test_id("hazard-note").fill("杂物已清走，地面划线")
        page.get_by_test_id("hazard-submit").click()
        expect(page.get_by_test_id("hazard-error")).to_be_visible()  # no evidence yet
        add_photo(page, "green")
        submit(page, "rectified")
        expect(page.get_by_test_id("hazard-act-recheck")).to_have_count(0)  # not by who rectified it
    with house.person("expert", PHONE) as page:
        open_first(page, "waiting")
        page.get_by_test_id("hazard-act-recheck").click()
        choose(page, "hazard-passed-true")
        page.get_by_test_id("hazard-note").fill("现场查看，通道畅通")
        submit(page, "rechecked")
        expect(page.get_by_test_id("hazard-act-close")).to_have_count(0)
    with house.person("county", DESK) as page:
        open_first(page, "waiting")
        page.get_by_test_id("hazard-act-close").click()
        submit(page, "closed")
        events = page.get_by_test_id("hazard-event")
        expect(events).to_have_count(5)
        for number, who in enumerate(("护理员小周", "县局老李", "护理员小周", "消防专家", "县局老李")):
            expect(events.nth(number)).to_contain_text(who)
        photos = page.get_by_test_id("hazard-photo")
        expect(photos).to_have_count(2)
        for number in range(2):
            photos.nth(number).scroll_into_view_if_needed()
            expect(photos.nth(number)).to_have_js_property("naturalWidth", 64, timeout=WAIT_MS)
        page.goto(f"{house.served.url}/hazards")
        expect(page.get_by_test_id("hazard-row")).to_have_count(0)  # off the list
    assert house.complaints == []
