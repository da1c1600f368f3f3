"""In a real browser: somebody enrols a second factor at the desk, signs in with a code at a phone, and ends the desk's
session from there: the desk is signed out at once. Whoever manages them resets it; who must have one enrols it; and
somebody comes in by their organisation's sign-in, which is another site."""

import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from alerting.people import Role, Scope
from dashboard import totp
from dashboard.oidc_settings import OidcSettings
from tests.acceptance.house import DESK, PHONE, WAIT_MS, House
from tests.integration.dashboard_world import build, serve
from tests.integration.oidc_provider import CLIENT_ID, SECRET, OidcProvider, running
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance


def code(secret: str, off: int = 0) -> str:
    return totp.code_at(secret.replace(" ", ""), int(time.time() // totp.STEP_S) + off)


def enrol(page: Page, password: str) -> tuple[str, list[str]]:
    """Through the three steps: the secret, and the recovery codes."""
    page.get_by_test_id("factor-password").fill(password)
    page.get_by_test_id("factor-next").click()
    expect(page.get_by_test_id("factor-qr")).to_be_visible()
    assert page.get_by_test_id("factor-qr").evaluate("image => image.complete && image.naturalWidth") > 100
    secret = page.get_by_test_id("factor-secret").inner_text()
    page.get_by_test_id("factor-code").fill("000000")
    page.get_by_test_id("factor-confirm").click()
    expect(page.get_by_test_id("factor-error")).to_be_visible()
    page.get_by_test_id("factor-code").fill(code(secret))
    page.get_by_test_id("factor-confirm").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    codes = page.get_by_test_id("recovery-codes").locator("li").all_inner_texts()
    page.get_by_test_id("factor-done").click()
    return secret, codes


def settings_of(provider: OidcProvider) -> OidcSettings:
    """The provider by another name of this machine: another site than the page's. Where it leads back to is known once
    the page is served."""
    provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")
    return OidcSettings(
        issuer=provider.issuer, client_id=CLIENT_ID, client_secret=SECRET, label="区民政门户",
        redirect_url="http://127.0.0.1",
    )  # fmt: skip


def open_account(page: Page) -> None:
    page.get_by_test_id("user-menu").locator("button").first.click()
    with page.expect_popup() as opened:
        page.get_by_test_id("guide").click()
    expect(opened.value.locator("h1")).to_have_text("值班员指南")
    expect(opened.value.locator("img").first).to_have_js_property("complete", True)  # noqa: FBT003 - the property's value
    opened.value.close()
    page.get_by_test_id("my-account").click()
    expect(page.get_by_test_id("session-row").first).to_be_visible()


def test_two_steps_in_and_the_other_screen_out(database_url: str, browser: Browser, tmp_path: Path) -> None:
    world = build(database_url)
    passwords = {}
    with psycopg.connect(database_url) as connection:
        for name, role, called in (
            ("nurse", Role.OPERATOR, "护理员小周"),
            ("manager", Role.INSTITUTION_MANAGER, "王院长"),
            ("officer", Role.SAFETY_OFFICER, "安全员"),
        ):
            passwords[name] = add_user(connection, name, role, Scope(world.home), name=called)[1]
    key = tmp_path / "account.key"
    with running() as provider, ExitStack() as stack:
        oidc = settings_of(provider)
        served = stack.enter_context(serve(world, account_key=key, second_factor_roles="safety_officer", oidc=oidc))
        provider.redirect_url = oidc.redirect_url = f"{served.url}/api/session/oidc/callback"
        house = House(served, browser, passwords)
        with house.person("nurse", DESK) as desk:
            open_account(desk)
            expect(desk.get_by_test_id("session-this")).to_have_count(1)
            desk.get_by_test_id("factor-enrol").click()
            secret, codes = enrol(desk, passwords["nurse"])
            expect(desk.get_by_test_id("factor-state")).to_contain_text("还剩 10 个恢复码")
            desk.get_by_test_id("token-make").click()
            desk.get_by_test_id("token-name").fill("区平台取数")
            desk.get_by_test_id("token-scope-alerts:read").check()
            desk.get_by_test_id("token-password").fill(passwords["nurse"])
            desk.get_by_test_id("token-submit").click()
            expect(desk.get_by_test_id("token-text")).to_contain_text("anhup_")
            desk.get_by_test_id("token-done").click()
            expect(desk.get_by_test_id("token-row")).to_contain_text("查看报警")
            with house.anybody(PHONE) as (phone, _):
                phone.goto(f"{served.url}/account")
                phone.get_by_test_id("signin-username").fill("nurse")
                phone.get_by_test_id("signin-password").fill(passwords["nurse"])
                phone.get_by_test_id("signin-submit").click()
                phone.get_by_test_id("signin-code").fill("000000")
                phone.get_by_test_id("signin-submit").click()
                expect(phone.get_by_test_id("signin-error")).to_contain_text("验证码")
                phone.get_by_test_id("signin-code").fill(code(secret, 1))
                phone.get_by_test_id("signin-submit").click()
                rows = phone.get_by_test_id("session-row")
                expect(rows).to_have_count(2, timeout=WAIT_MS)
                rows.get_by_test_id("session-end").click()
                expect(desk.get_by_test_id("signin-username")).to_be_visible(timeout=WAIT_MS)
                expect(rows).to_have_count(1)
                phone.get_by_test_id("user-menu").locator("button").first.click()
                phone.get_by_test_id("sign-out").click()
                expect(phone.get_by_test_id("signin-username")).to_be_visible()
            desk.get_by_test_id("signin-username").fill("nurse")
            desk.get_by_test_id("signin-password").fill(passwords["nurse"])
            desk.get_by_test_id("signin-submit").click()
            desk.get_by_test_id("signin-code").fill(codes[0])
            desk.get_by_test_id("signin-submit").click()
            expect(desk.get_by_test_id("factor-state")).to_contain_text("还剩 9 个恢复码")
            with house.person("manager", DESK) as office:
                office.goto(f"{served.url}/people")
                office.get_by_text("护理员小周").click()
                expect(office.get_by_test_id("person-factor")).to_contain_text("已启用")
                office.get_by_test_id("person-reset-factor").click()
                office.get_by_test_id("confirm").click()
                expect(office.get_by_test_id("person-factor")).to_contain_text("未启用", timeout=WAIT_MS)
                expect(desk.get_by_test_id("signin-username")).to_be_visible(timeout=WAIT_MS)
        with house.person("manager", DESK) as office, house.anybody(PHONE) as (page, _):
            page.goto(f"{served.url}/account")
            expect(page.get_by_test_id("signin-elsewhere")).to_have_text("用区民政门户登录")
            page.get_by_test_id("signin-elsewhere").click()
            expect(page.get_by_test_id("signin-error")).to_contain_text("还没有与这里的人员关联", timeout=WAIT_MS)
            office.goto(f"{served.url}/people")
            office.get_by_text("护理员小周").click()
            office.get_by_test_id("identity-subject").fill("s-1")
            office.get_by_test_id("identity-link").click()
            expect(office.get_by_test_id("person-identity")).to_contain_text("s-1", timeout=WAIT_MS)
            page.get_by_test_id("signin-elsewhere").click()
            expect(page.get_by_test_id("session-row")).to_contain_text("统一登录", timeout=WAIT_MS)
        with house.anybody(PHONE) as (page, _):
            page.goto(served.url)
            page.get_by_test_id("signin-username").fill("officer")
            page.get_by_test_id("signin-password").fill(passwords["officer"])
            page.get_by_test_id("signin-submit").click()
            expect(page.get_by_test_id("enrol-page")).to_be_visible()
            enrol(page, passwords["officer"])
            expect(page.get_by_test_id("user-menu")).to_be_visible(timeout=WAIT_MS)
        assert [each for each in house.complaints if "401" not in each] == []
