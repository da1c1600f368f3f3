"""A rating in a real browser: a penalty is put on record, the institution rated anew; the point leads to the record."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from alerting.people import Role, Scope
from inspection import rating_run
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user
from tests.waiting import wait_until

pytestmark = pytest.mark.acceptance

WAIT_MS = 30_000


def test_a_penalty_costs_points_that_lead_to_it(database_url: str, browser: Browser):
    world = build(database_url)
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        password = add_user(connection, "county", Role.SUPERVISOR, Scope(None, "220322"))[1]
        connection.execute("UPDATE institutions SET created_at = now() - interval '1 hour'")
        with connection.transaction():
            rating_run.run(connection, None, "demand", "policy")
    with serve(world) as served:
        context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto(f"{served.url}/ratings")
        page.get_by_test_id("signin-username").fill("county")
        page.get_by_test_id("signin-password").fill(password)
        page.get_by_test_id("signin-submit").click()
        expect(page.get_by_test_id("rating-row")).to_have_count(1, timeout=WAIT_MS)  # the county's own
        page.get_by_test_id("rating-row").get_by_role("link").click()
        expect(page.get_by_test_id("rating-own-score")).to_have_text("80.00", timeout=WAIT_MS)
        page.get_by_test_id("record-add").click()
        page.get_by_test_id("record-save").click()  # nothing filled in
        expect(page.get_by_test_id("record-form").get_by_role("alert")).to_be_visible(timeout=WAIT_MS)
        page.get_by_test_id("record-day").fill((datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d"))
        page.get_by_test_id("record-title").fill("消防设施未保持完好")
        page.get_by_test_id("record-source").fill("县消罚决〔2026〕8 号")
        page.get_by_test_id("record-save").click()
        expect(page.get_by_test_id("safety-record")).to_contain_text("县消罚决〔2026〕8 号", timeout=WAIT_MS)

        def settled() -> bool:
            with psycopg.connect(database_url) as connection:
                return connection.execute(
                    "SELECT recorded_at < clock_timestamp() - interval '6 s' FROM safety_records"
                ).fetchone() == (True,)

        wait_until(settled, "the record is settled")
        page.get_by_test_id("rate-now").click()
        expect(page.get_by_test_id("rating-own-score")).to_have_text("72.00", timeout=WAIT_MS)
        link = page.get_by_test_id("rating-reason").get_by_test_id("rating-record")
        link.click()
        expect(page).to_have_url(re.compile("#record-"), timeout=WAIT_MS)
        context.close()
