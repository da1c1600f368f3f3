"""三自主 两公开 一承诺 in a real browser: the head signs, the safety officer checks, finds and rectifies, another
rechecks, and anybody reads what came of it without signing in."""

import psycopg
import pytest
from playwright.sync_api import Page, expect

from alerting.people import Role, Scope
from inspection import checklist
from inspection.checklist import Level, Wording
from tests.acceptance.house import DESK, PHONE, WAIT_MS, House, add_photo, choose
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance

NUMBER = "13912345678"
ITEMS = [each for each in checklist.get("self-check").items if each.wording is not Wording.MISSING]
FAILED = next(number for number, each in enumerate(ITEMS) if each.level is Level.GENERAL)
HEAD, OFFICER = "王院长", "李安全"


def people(house: House) -> None:
    """The head and the safety officer of the home; the file names the head in public, with a telephone number."""
    with psycopg.connect(house.served.world.database_url, autocommit=True) as connection:
        for username, role, name in (
            ("head", Role.INSTITUTION_MANAGER, HEAD),
            ("officer", Role.SAFETY_OFFICER, OFFICER),
        ):
            house.passwords[username] = add_user(connection, username, role, Scope(house.served.world.home), name=name)[
                1
            ]


def named(page: Page, house: House) -> None:
    """The head agrees to be named in public, the officer does not."""
    page.goto(f"{house.served.url}/institution-files/{house.served.world.home}")
    page.get_by_test_id("section-responsibles").get_by_test_id("section-edit").click()
    page.get_by_test_id("file-add").click()
    for place, (duty, name, public) in enumerate((("head", HEAD, "true"), ("officer", OFFICER, "false"))):
        page.get_by_test_id("file-duty").nth(place).select_option(duty)
        page.get_by_test_id("file-public").nth(place).select_option(public)
        for field, value in (("name", name), ("phone", NUMBER)):
            page.get_by_test_id(f"file-{field}").nth(place).fill(value)
            page.get_by_test_id(f"file-{field}").nth(place).blur()  # as whoever goes on to the next does
    page.get_by_test_id("file-save").click()
    expect(page.get_by_test_id("section-responsibles")).to_contain_text(NUMBER, timeout=WAIT_MS)


def check_oneself(page: Page, house: House) -> None:
    """The officer goes through the list of self-checks; one general item fails."""
    page.goto(f"{house.served.url}/inspections")
    page.get_by_test_id("self-check-start").click()
    expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "begun", timeout=WAIT_MS)
    items = page.get_by_test_id("inspection-item")
    expect(items).to_have_count(len(ITEMS))
    for number, item in enumerate(ITEMS):
        if number != FAILED:
            items.nth(number).get_by_test_id("answer-pass").click()
            expect(items.nth(number)).to_have_attribute("data-outcome", "pass", timeout=WAIT_MS)
            continue
        items.nth(number).get_by_test_id("answer-fail").click()
        page.get_by_test_id("finding-category").select_option("fire")
        page.get_by_test_id("finding-note").fill(f"三楼张奶奶门口堆物，值班护士 {NUMBER}")
        page.get_by_test_id("finding-submit").click()
        expect(items.nth(number)).to_have_attribute("data-outcome", "fail", timeout=WAIT_MS)
        assert item.level is Level.GENERAL
    page.get_by_test_id("inspection-conclude").click()
    page.get_by_test_id("inspection-words").fill("一项待整改")
    page.get_by_test_id("inspection-sign").click()
    expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "concluded", timeout=WAIT_MS)


def step(page: Page, state: str) -> None:
    page.get_by_test_id("hazard-submit").click()
    expect(page.get_by_test_id("hazard-detail")).to_have_attribute("data-state", state, timeout=WAIT_MS)


def rectify(page: Page, house: House) -> str:
    """The officer takes it on and rectifies it; its address."""
    page.goto(f"{house.served.url}/hazards")
    page.get_by_test_id("hazard-row").get_by_role("link").first.click()
    page.get_by_test_id("hazard-act-assign").click()
    page.get_by_test_id("hazard-assignee").select_option(label=f"{OFFICER} · 安全员")
    step(page, "assigned")
    page.get_by_test_id("hazard-act-rectify").click()
    page.get_by_test_id("hazard-note").fill("已清理")
    add_photo(page, "green")
    step(page, "rectified")
    expect(page.get_by_test_id("hazard-act-recheck")).to_have_count(0)  # somebody else has to
    return page.url


def sign_and_publish(page: Page, house: House) -> None:
    named(page, house)
    page.get_by_test_id("file-commitment").click()
    promise, publicity = page.get_by_test_id("promise"), page.get_by_test_id("publicity")
    expect(promise).to_have_attribute("data-standing", "none", timeout=WAIT_MS)
    page.get_by_test_id("promise-open").click()
    expect(page.get_by_test_id("promise-sign")).to_be_disabled()  # before it is read
    page.get_by_test_id("promise-read").check()
    page.get_by_test_id("promise-sign").click()
    expect(promise).to_have_attribute("data-standing", "in_force", timeout=WAIT_MS)
    page.get_by_test_id("page-publish").click()
    page.get_by_test_id("confirm").click()
    expect(publicity).to_have_attribute("data-published", "true", timeout=WAIT_MS)


def test_an_institution_commits_itself_checks_itself_and_shows_it(house: House) -> None:
    people(house)
    home, url = house.served.world.home, house.served.url
    with house.person("head", DESK) as page:
        sign_and_publish(page, house)
    with house.person("officer", PHONE) as page:
        check_oneself(page, house)
        there = rectify(page, house)
    with house.person("head", PHONE) as page:
        page.goto(there)
        page.get_by_test_id("hazard-act-recheck").click()
        choose(page, "hazard-passed-true")
        step(page, "rechecked")
        page.get_by_test_id("hazard-act-close").click()
        step(page, "closed")
        page.goto(f"{url}/commitments")
        expect(page.get_by_test_id("promise-row")).to_have_attribute("data-standing", "in_force", timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with house.anybody(PHONE) as (page, asked):
        page.goto(f"{url}/public/institutions/{home}")
        expect(page.get_by_test_id("open-page")).to_be_visible(timeout=WAIT_MS)
        for figure, count in (("found", 1), ("closed", 1), ("closed_in_time", 1), ("running", 0), ("overdue", 0)):
            expect(page.get_by_test_id(f"open-general-{figure}")).to_have_text(str(count))
            expect(page.get_by_test_id(f"open-major-{figure}")).to_have_text("0")
        expect(page.get_by_test_id("open-self_check")).to_contain_text("1 次")
        expect(page.get_by_test_id("open-person")).to_contain_text([HEAD])
        expect(page.get_by_test_id("open-person")).to_have_count(1)
        expect(page.get_by_test_id("open-commitment")).to_contain_text("自主整改隐患")
        expect(page.get_by_test_id("open-commitment")).to_contain_text(HEAD)
        for language, words in (("zh-CN", "安全承诺书"), ("en", "Safety commitment")):
            expect(page.locator("html")).to_have_attribute("lang", language, timeout=WAIT_MS)
            expect(page.get_by_test_id("commitment-text")).to_contain_text(words)
            said = page.content()
            assert [each for each in (NUMBER, OFFICER, "张奶奶", "值班护士", "user:") if each in said] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            if language == "zh-CN":
                page.get_by_test_id("language-switch").click()
        page.goto(f"{url}/public/counties/220322")
        expect(page.get_by_test_id("open-row")).to_have_count(1, timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto(f"{url}/public/institutions/{house.served.world.station}")
        expect(page.get_by_test_id("open-absent")).to_be_visible(timeout=WAIT_MS)
        assert [each for each in asked if "/api/" in each and "/api/public/" not in each] == []
        assert page.context.cookies() == []
    assert [each for each in house.complaints if "404" not in each] == []  # that one page is not there
