"""The monthly ledger in a real browser: signed, changed since, shown as it was signed; every report fits its screen and
its paper."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from alerting.people import Role, Scope
from inspection import operate
from inspection.checklist import Level
from inspection.decide import Found
from inspection.hazard import By, Category, Supervisor
from inspection.notice import CHINA
from inspection.operate import Actor
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance

WAIT_MS = 30_000


class Bureau:
    """A served dashboard with two hazards, one of them overdue, and the county's supervisor."""

    def __init__(self, database_url: str) -> None:
        self.world = build(database_url)
        self.database_url = database_url
        at = datetime.now(UTC) - timedelta(days=20)
        with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
            nurse, _ = add_user(connection, "nurse", Role.OPERATOR, Scope(self.world.home), name="护理员小周")
            county, self.password = add_user(
                connection, "county", Role.SUPERVISOR, Scope(None, "220322"), name="县局老李"
            )
            self.by, self.nurse = By("user:county", county, outside=True), nurse
            for title, level in (
                ("一层疏散通道被杂物占用，宽度不足一米", Level.MAJOR),
                ("灭火器压力不足", Level.GENERAL),
            ):
                found = Found(self.world.home, title, "", Category.FIRE, level, Supervisor.HEAD, clause="十项规定")
                self.last = operate.report(connection, found, Actor(self.by, at))
                if level is Level.MAJOR:
                    self.assign(connection, self.last, at)

    def assign(self, connection: psycopg.Connection, hazard, at: datetime) -> None:
        operate.assign(
            connection, hazard.id, hazard.version, Actor(self.by, at), assignee_id=self.nurse, term="days-3",
            level=hazard.level, supervisor=hazard.supervisor, note="",
        )  # fmt: skip


@pytest.fixture
def bureau(database_url: str) -> Bureau:
    return Bureau(database_url)


@pytest.fixture
def page(bureau: Bureau, browser: Browser) -> Iterator[Page]:
    with serve(bureau.world) as served:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            page.goto(f"{served.url}/reports")
            page.get_by_test_id("signin-username").fill("county")
            page.get_by_test_id("signin-password").fill(bureau.password)
            page.get_by_test_id("signin-submit").click()
            expect(page.get_by_test_id("report-paper")).to_be_visible(timeout=WAIT_MS)
            yield page
            assert not complaints
        finally:
            context.close()


def shows(page: Page, kind: str) -> None:
    expect(page.locator(f"[data-testid=report-paper][data-kind={kind}]")).to_be_visible(timeout=WAIT_MS)


def test_a_ledger_is_signed_and_a_later_change_shows(bureau: Bureau, page: Page):
    first, last = month_of(bureau.last.reported_at)
    page.goto(f"{page.url.partition('?')[0]}?from={first}&to={last}")
    shows(page, "ledger")
    expect(page.get_by_test_id("report-table").locator("tbody tr")).to_have_count(2)
    page.get_by_test_id("report-sign").click()
    signing = page.get_by_test_id("report-signing")
    expect(signing).to_have_attribute("data-valid", "true", timeout=WAIT_MS)
    expect(page.get_by_test_id("report-signature")).to_contain_text("县局老李")
    expect(page.get_by_test_id("report-sign")).to_have_count(0)  # nobody signs the same twice
    with psycopg.connect(bureau.database_url, options="-c timezone=UTC") as connection:
        bureau.assign(connection, bureau.last, bureau.last.reported_at + timedelta(minutes=5))
    page.reload()
    expect(page.get_by_test_id("report-outdated")).to_contain_text("1 项隐患", timeout=WAIT_MS)
    expect(signing).to_contain_text("YH-000002 整改责任人、整改期限、进展")
    page.get_by_role("link", name="查看签字版本").click()
    shows(page, "ledger")
    expect(page.get_by_test_id("report-table").locator("tbody tr").nth(1)).to_contain_text("待交办")


def month_of(at: datetime) -> tuple[str, str]:
    """The first and last day of a moment's month, as people in China count."""
    begun = at.astimezone(CHINA).date().replace(day=1)
    last = (begun + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return begun.isoformat(), last.isoformat()


def test_every_report_fits_the_screen_and_is_printed_without_its_controls(bureau: Bureau, page: Page):
    base = page.url.partition("/reports")[0]
    for width, language in ((1440, "zh-CN"), (390, "en")):
        page.set_viewport_size({"width": width, "height": 900})
        if language == "en":
            page.get_by_test_id("language-switch").click()
        expect(page.get_by_test_id("report-paper")).to_have_attribute("lang", language, timeout=WAIT_MS)
        for query in ("", "?kind=bulletin", "?kind=year", f"?kind=notice&hazard={bureau.last.id}"):
            page.goto(f"{base}/reports{query}")
            shows(page, query.partition("kind=")[2].partition("&")[0] or "ledger")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            looks_right_on_paper(page)
    with page.expect_download() as begun:
        page.get_by_test_id("report-excel").click()
    assert begun.value.suggested_filename.endswith(".xlsx")


def looks_right_on_paper(page: Page) -> None:
    page.emulate_media(media="print")
    for control in ("report-kind", "report-print", "report-excel"):
        expect(page.get_by_test_id(control)).to_be_hidden()
    expect(page.locator("header.bar")).to_be_hidden()
    expect(page.get_by_test_id("report-paper")).to_be_visible()
    paper = page.pdf(prefer_css_page_size=True)
    wide, high = map(float, re.findall(rb"/MediaBox ?\[0 0 ([0-9.]+) ([0-9.]+)\]", paper)[0])
    assert (round(wide), round(high)) == ((842, 595) if page.locator(".lies").count() else (595, 842))  # A4
    assert paper.count(b"/Type /Page\n") == 1  # nothing is cut off on the right, nothing left over
    page.emulate_media(media="screen")
