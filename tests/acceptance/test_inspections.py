"""An unannounced visit in a real browser: unknown to the home until it begins, and what fails is a hazard at once."""

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.house import DESK, PHONE, WAIT_MS, House, add_photo

pytestmark = pytest.mark.acceptance

LIST = "season-autumn"


def seat(page: Page, who: str, duty: str) -> None:
    page.get_by_test_id("inspection-form").locator("label.seat", has_text=who).locator("select").select_option(duty)


def visits(page: Page, house: House, count: int) -> None:
    page.goto(f"{house.served.url}/inspections")
    expect(page.get_by_test_id("inspection-which")).to_be_visible(timeout=WAIT_MS)
    page.get_by_test_id("inspection-which").select_option("all")
    expect(page.get_by_test_id("inspection-row")).to_have_count(count, timeout=WAIT_MS)


def open_visit(page: Page, house: House, state: str) -> None:
    visits(page, house, 1)
    page.get_by_test_id("inspection-row").get_by_role("link").click()
    expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", state, timeout=WAIT_MS)


def test_planned_unseen_begun_gone_through_and_signed(house: House) -> None:
    with house.person("county", DESK) as page:
        visits(page, house, 0)
        page.get_by_test_id("inspection-plan").click()
        page.get_by_test_id("inspection-kind").select_option("surprise")
        page.get_by_test_id(f"inspection-list-{LIST}").check()
        seat(page, "消防专家", "expert")
        page.get_by_test_id("inspection-submit").click()
        expect(page.get_by_test_id("inspection-error")).to_be_visible()  # nobody would sign
        seat(page, "县局老李", "leader")
        page.get_by_test_id("inspection-submit").click()
        expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "planned", timeout=WAIT_MS)
    with house.person("nurse", PHONE) as page:
        visits(page, house, 0)
    with house.person("county", DESK) as page:
        open_visit(page, house, "planned")
        page.get_by_test_id("inspection-begin").click()
        expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "begun", timeout=WAIT_MS)
        expect(page.get_by_test_id("inspection-conclude")).to_be_disabled()  # nothing has been looked at
    with house.person("expert", PHONE) as page:
        open_visit(page, house, "begun")
        items = page.get_by_test_id("inspection-item")
        items.first.get_by_test_id("answer-fail").click()
        page.get_by_test_id("finding-category").select_option("fire")
        page.get_by_test_id("finding-note").fill("东侧楼梯口堆放纸箱")
        add_photo(page, "red")
        page.get_by_test_id("finding-submit").click()
        expect(items.first).to_have_attribute("data-outcome", "fail", timeout=WAIT_MS)
        expect(items.first.get_by_test_id("answer-pass")).to_have_count(0)  # it stays failed
        items.nth(1).get_by_test_id("answer-not_applicable").click()
        page.get_by_test_id("inspection-words").fill("本机构没有食堂")
        page.get_by_test_id("inspection-sign").click()
        expect(items.nth(1)).to_have_attribute("data-outcome", "not_applicable", timeout=WAIT_MS)
        for number in range(2, items.count()):
            items.nth(number).get_by_test_id("answer-pass").click()
            expect(items.nth(number)).to_have_attribute("data-outcome", "pass", timeout=WAIT_MS)
        expect(page.get_by_test_id("inspection-conclude")).to_have_count(0)  # not the leader
    with house.person("county", DESK) as page:
        open_visit(page, house, "begun")
        page.get_by_test_id("inspection-conclude").click()
        page.get_by_test_id("inspection-words").fill("限期整改一项，其余合格")
        page.get_by_test_id("inspection-sign").click()
        expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "concluded", timeout=WAIT_MS)
    with house.person("nurse", PHONE) as page:
        open_visit(page, house, "concluded")
        page.goto(f"{house.served.url}/hazards")
        expect(page.get_by_test_id("hazard-row")).to_have_count(1, timeout=WAIT_MS)
    assert house.complaints == []
