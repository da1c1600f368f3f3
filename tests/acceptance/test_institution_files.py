"""An institution file in a real browser: a section is filled in, a licence attached, replaced and removed, a gap of the
fire acceptance listed and closed; the county's countdown ends at zero; an inspection of the nine protections is planned
from their page."""

from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from alerting.people import Role, Scope
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance

WAIT_MS = 30_000


def test_a_file_is_filled_in_and_its_gaps_count_down(database_url: str, browser: Browser):
    world = build(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        password = add_user(connection, "county", Role.SUPERVISOR, Scope(None, "220322"))[1]
    with serve(world) as served:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{served.url}/institution-files")
        page.get_by_test_id("signin-username").fill("county")
        page.get_by_test_id("signin-password").fill(password)
        page.get_by_test_id("signin-submit").click()
        row = page.get_by_test_id("file-row")
        expect(row).to_have_count(1, timeout=WAIT_MS)
        expect(row).to_contain_text("0%")
        with page.expect_download() as exported:
            page.get_by_test_id("file-export").click()
        page.get_by_test_id("file-import").set_input_files(str(exported.value.path()))
        expect(page.get_by_role("alert").filter(has_text="没有内容")).to_be_visible(
            timeout=WAIT_MS
        )  # nobody filled it in
        row.get_by_role("link").click()
        section = page.get_by_test_id("section-identity")
        section.get_by_test_id("section-edit").click()
        page.get_by_test_id("file-legal_name").fill("安和养老院")
        page.get_by_test_id("file-save").click()  # who owns it is not said
        expect(page.get_by_test_id("file-form").get_by_role("alert")).to_be_visible(timeout=WAIT_MS)
        page.get_by_test_id("file-ownership").select_option("private")
        page.get_by_test_id("file-save").click()
        expect(section).to_contain_text("民办", timeout=WAIT_MS)
        expect(section).to_contain_text("county")
        page.get_by_test_id("fire-add").click()
        page.get_by_test_id("fire-text").fill("疏散楼梯未封闭")
        page.get_by_test_id("fire-save").click()
        gap = page.get_by_test_id("fire-gap")
        expect(gap).to_have_attribute("data-open", "true", timeout=WAIT_MS)
        page.get_by_test_id("file-history").click()
        expect(page.get_by_test_id("file-change")).to_have_count(1, timeout=WAIT_MS)
        there = page.url
        page.goto(f"{served.url}/fire-acceptance")
        expect(page.get_by_test_id("fire-left")).to_have_text("1", timeout=WAIT_MS)
        page.goto(there)
        page.get_by_test_id("fire-close").click()
        page.get_by_test_id("fire-save").click()
        expect(gap).to_have_attribute("data-open", "false", timeout=WAIT_MS)
        _attach_a_licence(page)
        _plan_the_nine(page, served.url)
        page.set_viewport_size({"width": 390, "height": 844})
        page.get_by_test_id("language-switch").click()
        expect(page.locator("html")).to_have_attribute("lang", "en", timeout=WAIT_MS)
        for path in (
            there.removeprefix(served.url),
            "/institution-files",
            "/protections",
            "/protections/1",
            "/fire-acceptance",
        ):
            page.goto(f"{served.url}{path}")
            expect(page.locator("h1")).to_be_visible(timeout=WAIT_MS)
            expect(page.locator("section.panel").first).to_be_visible(timeout=WAIT_MS)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.get_by_test_id("fire-left")).to_have_text("0", timeout=WAIT_MS)
        assert not complaints
        context.close()


def _attach_a_licence(page: Page) -> None:
    pdf = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
    here = page.get_by_test_id("documents-licences")
    attached = here.get_by_test_id("document")

    def choose(name: str, content: bytes) -> None:
        file = FilePayload(name=name, mimeType="application/pdf", buffer=content)
        page.get_by_test_id("document-file").set_input_files(file)
        page.get_by_test_id("document-save").click()

    here.get_by_test_id("document-add").click()
    choose("食品经营许可证.pdf", b"MZ")  # what it is called is not what it is
    expect(page.get_by_test_id("document-form").get_by_role("alert")).to_contain_text("PDF、OFD", timeout=WAIT_MS)
    choose("食品经营许可证.pdf", pdf)
    expect(attached).to_have_count(1, timeout=WAIT_MS)
    expect(attached).to_contain_text("食品经营许可证")
    expect(page.get_by_test_id("file-point").filter(has_text="证照扫描件")).to_have_attribute("data-met", "true")
    attached.get_by_test_id("document-replace").click()
    choose("换发.pdf", pdf + b"\n")
    expect(attached).to_have_attribute("data-version", "2", timeout=WAIT_MS)
    with page.expect_download() as download:
        attached.get_by_test_id("document-link").click()
    assert download.value.suggested_filename == "食品经营许可证.pdf"
    assert Path(download.value.path()).read_bytes() == pdf + b"\n"
    attached.get_by_test_id("document-remove").click()
    page.get_by_test_id("document-reason").fill("传错机构")
    page.get_by_test_id("document-save").click()
    expect(attached).to_have_count(0, timeout=WAIT_MS)
    expect(here.get_by_test_id("documents-removed")).to_contain_text("1")


def _plan_the_nine(page: Page, url: str) -> None:
    page.goto(f"{url}/protections")
    expect(page.get_by_test_id("protection-percent")).to_have_text("0%", timeout=WAIT_MS)
    expect(page.get_by_test_id("protection-trend").get_by_role("listitem")).to_have_count(12, timeout=WAIT_MS)
    row = page.get_by_test_id("protection-row")
    expect(row).to_contain_text("从未检查")
    row.get_by_role("link").click()
    expect(page.get_by_test_id("protection-found")).to_have_count(9, timeout=WAIT_MS)
    page.get_by_test_id("protection-plan").click()
    expect(page.get_by_test_id("inspection-list-gb38600-protections")).to_be_checked(timeout=WAIT_MS)
    page.locator("[data-testid^=inspection-seat-]").first.select_option("leader")
    page.get_by_test_id("inspection-submit").click()
    page.wait_for_url("**/inspections/*-*", timeout=WAIT_MS)
