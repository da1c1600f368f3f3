"""An entry of the black list in a real browser: proposed, delivered, objected to, heard by another, listed."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Page, expect

from alerting.people import Role, Scope
from tests.acceptance.house import DESK, PHONE, WAIT_MS, House, add_photo, choose
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance

REASON = "重大火灾隐患逾期拒不整改"


def act(page: Page, name: str, state: str, note: str = "") -> None:
    page.get_by_test_id(f"credit-act-{name}").click()
    if note:
        page.get_by_test_id("credit-note").fill(note)
    page.get_by_test_id("credit-submit").click()
    expect(page.get_by_test_id("credit-detail")).to_have_attribute("data-state", state, timeout=WAIT_MS)


def test_from_the_proposal_to_the_list_with_an_objection_heard_by_another(house: House, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        [home] = connection.execute("SELECT institution_id FROM persons WHERE name = '护理员小周'").fetchone()
        connection.execute("UPDATE institutions SET created_at = %s", (datetime.now(UTC) - timedelta(days=500),))
        for name, role, scope, called in (
            ("manager", Role.INSTITUTION_MANAGER, Scope(home), "王院长"),
            ("city", Role.SUPERVISOR, Scope(None, "2203"), "市局老赵"),
        ):
            house.passwords[name] = add_user(connection, name, role, scope, name=called)[1]
    with house.person("county", DESK) as page:
        page.goto(f"{house.served.url}/credit-lists")
        page.get_by_test_id("credit-criteria").click()
        expect(page.get_by_text("满 2 年可申请移出").first).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("安护默认，可改").first).to_be_visible()
        page.get_by_test_id("credit-propose").click()
        page.get_by_test_id("credit-propose-submit").click()
        expect(page.get_by_role("alert").filter(has_text="请填写完整")).to_be_visible()  # nothing filled in
        choose(page, "credit-kind-black")
        page.get_by_test_id("credit-reason").fill(REASON)
        page.get_by_test_id("credit-propose-submit").click()
        expect(page.get_by_test_id("credit-detail")).to_have_attribute("data-state", "proposed", timeout=WAIT_MS)
        entry = page.url
        act(page, "notify", "notified")
        act(page, "deliver", "delivered")
        expect(page.get_by_test_id("credit-act-list")).to_have_count(0)  # the window runs
        page.get_by_test_id("credit-paper-link").click()
        paper = page.get_by_test_id("credit-paper")
        expect(paper).to_contain_text("拟列入黑名单告知书", timeout=WAIT_MS)
        expect(paper).to_contain_text(REASON)
        page.emulate_media(media="print")  # only the paper is on the sheet
        expect(paper).to_be_visible()
        for gone in (page.get_by_role("navigation").first, page.get_by_role("button", name="打印")):
            expect(gone).to_be_hidden()
    with house.person("manager", PHONE) as page:
        page.goto(f"{house.served.url}/credit-lists")
        page.get_by_test_id("credit-row").get_by_role("link").first.click()
        page.get_by_test_id("credit-act-appeal").click()
        page.get_by_test_id("credit-submit").click()
        expect(page.get_by_test_id("credit-error")).to_be_visible()  # an objection says why
        add_photo(page, "green")
        page.get_by_test_id("credit-note").fill("隐患已于上周整改")
        page.get_by_test_id("credit-submit").click()
        expect(page.get_by_test_id("credit-detail")).to_have_attribute("data-state", "appealed", timeout=WAIT_MS)
    with house.person("county", DESK) as page:
        page.goto(entry)
        expect(page.get_by_test_id("credit-event")).to_have_count(4, timeout=WAIT_MS)
        expect(page.get_by_test_id("credit-act-decide_appeal")).to_have_count(0)  # had a part in it
    with house.person("city", DESK) as page:
        page.goto(entry)
        page.get_by_test_id("credit-act-decide_appeal").click()
        choose(page, "credit-granted-false")
        page.get_by_test_id("credit-note").fill("复查仍未整改")
        page.get_by_test_id("credit-submit").click()
        expect(page.get_by_test_id("credit-detail")).to_have_attribute("data-state", "delivered", timeout=WAIT_MS)
        expect(page.get_by_test_id("credit-photo")).to_have_js_property("naturalWidth", 64, timeout=WAIT_MS)
    with house.person("county", DESK) as page:
        page.goto(entry)
        act(page, "list", "listed")
        until = datetime.now(UTC).year + 3
        expect(page.get_by_test_id("credit-until")).to_contain_text(str(until))
        page.goto(f"{house.served.url}/visits-due")
        row = page.get_by_test_id("due-row")
        expect(row).to_have_count(1, timeout=WAIT_MS)
        expect(row).to_have_attribute("data-standing", "overdue")
        expect(row).to_contain_text("黑名单")
        expect(row).to_contain_text("30 天（每年 12 次）")
    assert house.complaints == []
