"""What plans inspections, in a real browser: a campaign, a finding that was a mistake, a conflict of interest, and a
draw that anybody can recompute."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from inspection import draw
from tests.acceptance.house import DESK, PHONE, WAIT_MS, House, choose

pytestmark = pytest.mark.acceptance


def figure(page: Page, name: str, count: int) -> None:
    expect(page.get_by_test_id(f"campaign-{name}").locator("dd")).to_have_text(str(count), timeout=WAIT_MS)


def begin(page: Page) -> None:
    page.get_by_test_id("inspection-begin").click()
    expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "begun", timeout=WAIT_MS)


def visit_in_a_campaign(page: Page) -> None:
    """A campaign, one visit of it, and something found there; ends on the page of the visit."""
    page.get_by_test_id("tab-campaigns").click()
    page.get_by_test_id("campaign-plan").click()
    page.get_by_test_id("campaign-theme").fill("今冬明春火灾防控")
    page.get_by_test_id("campaign-submit").click()
    expect(page.get_by_test_id("campaign-error")).to_be_visible()  # it has no end
    page.get_by_test_id("campaign-ends").fill((datetime.now(UTC) + timedelta(days=60)).date().isoformat())
    page.get_by_test_id("inspection-list-duties").check()
    page.get_by_test_id("inspection-list-rescue-station-major").check()
    page.get_by_test_id("campaign-submit").click()
    figure(page, "institutions_visited", 0)
    page.get_by_test_id("campaign-visit").click()
    expect(page.get_by_test_id("inspection-list-duties")).to_be_checked()  # as the campaign has it
    expect(page.get_by_test_id("inspection-list-rescue-station-major")).to_have_count(0)  # not for a nursing home
    form = page.get_by_test_id("inspection-form")
    form.locator("label.seat", has_text="县局老李").locator("select").select_option("leader")
    page.get_by_test_id("inspection-submit").click()
    begin(page)
    page.get_by_test_id("inspection-find").click()
    page.get_by_test_id("finding-title").fill("通道堆放纸箱")
    page.get_by_test_id("finding-category").select_option("fire")
    page.get_by_test_id("finding-note").fill("一楼东侧")
    page.get_by_test_id("finding-submit").click()
    expect(page.get_by_role("link", name="通道堆放纸箱")).to_be_visible(timeout=WAIT_MS)


def open_campaign(page: Page) -> None:
    page.get_by_test_id("tab-campaigns").click()
    page.get_by_test_id("campaign-row").get_by_role("link").click()
    expect(page.get_by_test_id("inspection-row")).to_have_count(1, timeout=WAIT_MS)


def conflict_and_draw(page: Page, house: House) -> None:
    """A conflict is declared, and a draw announced, drawn and published after its visit has begun."""
    page.get_by_test_id("tab-relations").click()
    page.get_by_test_id("relation-add").click()
    page.get_by_test_id("relation-person").select_option(label="消防专家 · 专家")
    page.get_by_test_id("relation-submit").click()
    expect(page.get_by_test_id("relation-error")).to_be_visible()  # which relation?
    choose(page, "relation-kind-family")
    page.get_by_test_id("relation-submit").click()
    expect(page.get_by_test_id("relation-row")).to_contain_text("安和养老院", timeout=WAIT_MS)
    page.get_by_test_id("tab-draws").click()
    page.get_by_test_id("draw-announce").click()
    page.get_by_test_id("draw-officers").fill("0")
    page.get_by_test_id("draw-submit").click()
    expect(page.get_by_test_id("draw-error")).to_be_visible()  # it has no name
    page.get_by_test_id("draw-title").fill("一季度双随机抽查")
    page.get_by_test_id("draw-submit").click()
    detail = page.get_by_test_id("draw-detail")
    expect(detail).to_have_attribute("data-state", "announced", timeout=WAIT_MS)
    expect(page.get_by_test_id("draw-candidate")).to_contain_text("距上次检查 40")  # never visited
    expect(page.get_by_test_id("draw-inspector").filter(has_text="消防专家")).to_contain_text("安和养老院 · 亲属")
    announced = page.get_by_test_id("draw-seed-sha").inner_text()
    address, url = page.get_by_test_id("draw-public").inner_text(), page.url
    assert "seed" not in page.request.get(address).json()
    page.get_by_test_id("draw-run").click()
    page.get_by_test_id("draw-words").fill("今天下雪")
    page.get_by_test_id("draw-say").click()
    expect(detail).to_have_attribute("data-state", "drawn", timeout=WAIT_MS)
    expect(page.get_by_test_id("draw-visit")).to_contain_text("县局老李 · 领导（组长）")
    expect(page.get_by_test_id("draw-publish")).to_be_disabled()  # the seed would tell who is visited
    page.get_by_test_id("draw-visits").click()
    page.get_by_test_id("inspection-row").get_by_role("link").click()
    begin(page)
    page.goto(url)
    page.get_by_test_id("draw-publish").click()
    expect(detail).to_have_attribute("data-state", "published", timeout=WAIT_MS)
    record = page.request.get(address).json()
    assert (record["seed_sha256"], record["word"]) == (announced, "今天下雪")
    assert [each.institution for each in draw.verify(record)] == ["home-1"]
    page.goto(f"{house.served.url}/relations")
    page.get_by_test_id("relation-end").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("relation-none")).to_be_visible(timeout=WAIT_MS)


def withdraw(page: Page) -> None:
    """From the page of the visit: what was found there was a mistake."""
    page.get_by_role("link", name="通道堆放纸箱").click()
    page.get_by_test_id("hazard-act-withdraw").click()
    page.get_by_test_id("hazard-submit").click()
    expect(page.get_by_test_id("hazard-error")).to_be_visible()  # a reason is missing
    page.get_by_test_id("hazard-note").fill("纸箱当天即由送货人员运走")
    page.get_by_test_id("hazard-submit").click()
    expect(page.get_by_test_id("hazard-detail")).to_have_attribute("data-state", "withdrawn", timeout=WAIT_MS)
    expect(page.get_by_test_id("hazard-event").last).to_contain_text("运走")


def test_a_conflict_a_draw_a_campaign_and_a_mistake(house: House) -> None:
    with house.person("county", DESK) as page:
        page.goto(f"{house.served.url}/inspections")
        conflict_and_draw(page, house)
        visit_in_a_campaign(page)
        visit = page.url
        page.goto(f"{house.served.url}/inspections")
        open_campaign(page)
        for name, count in (("institutions_visited", 1), ("findings", 1), ("unassigned", 1), ("rectified", 0)):
            figure(page, name, count)
        page.goto(visit)
        withdraw(page)
        page.goto(f"{house.served.url}/inspections")
        open_campaign(page)
        figure(page, "findings", 0)  # it was never found
        figure(page, "institutions_visited", 1)
    with house.person("nurse", PHONE) as page:
        expect(page.get_by_test_id("hazard-row")).to_have_count(0)
        page.goto(f"{house.served.url}/hazards?which=withdrawn")
        expect(page.get_by_test_id("hazard-row")).to_have_count(1, timeout=WAIT_MS)  # it stays on record
        page.goto(f"{house.served.url}/draws")
        expect(page.get_by_test_id("draw-announce")).to_have_count(0)
        expect(page).to_have_url(f"{house.served.url}/")  # draws are closed to an institution
        page.goto(f"{house.served.url}/campaigns")
        expect(page.get_by_test_id("campaign-row")).to_have_count(1, timeout=WAIT_MS)  # a visit there is known
    assert house.complaints == []
