"""The audit trail in a real browser: an auditor finds who looked at personal data, and changes nothing."""

import csv
import io
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from alerting.alert import Verb
from alerting.people import Role, Scope
from tests.acceptance.house import DESK, PHONE, House
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance


def test_an_auditor_reads_the_trail_and_changes_nothing(house: House):
    world = house.served.world
    with psycopg.connect(world.database_url) as connection:
        house.passwords["auditor"] = add_user(connection, "auditor", Role.AUDITOR, Scope(), name="审计员老孙")[1]
    alert = world.say(Verb.RAISE)
    with house.person("nurse", PHONE) as page:
        page.goto(f"{house.served.url}/alerts/{alert.id}")  # its action card tells who cannot walk
        expect(page.get_by_role("button", name="确认", exact=True)).to_be_visible()
    with house.person("auditor", DESK) as page:
        page.goto(f"{house.served.url}/alerts/{alert.id}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.get_by_role("button", name="确认", exact=True).count() == 0
        page.goto(f"{house.served.url}/people")
        expect(page.get_by_text("护理员小周")).to_be_visible()
        assert page.get_by_test_id("person-add").count() == 0
        page.goto(f"{house.served.url}/audit")
        rows = page.get_by_test_id("audit-row")
        expect(rows.first).to_be_visible()
        page.get_by_test_id("audit-source").select_option("reads")
        page.get_by_test_id("audit-who").fill("小周")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("查看行动不便人员")
        expect(rows.first).to_contain_text("127.0.0.1")
        page.get_by_test_id("audit-verify").click()
        expect(page.get_by_test_id("audit-verified")).to_contain_text("全部与记录链一致")
        page.get_by_test_id("audit-reason").fill("年度审计")
        with page.expect_download() as download:
            page.get_by_test_id("audit-export").click()
        written = Path(download.value.path()).read_text("utf-8-sig")
        assert [row["账号"] for row in csv.DictReader(io.StringIO(written))] == ["user:nurse"]
        page.get_by_test_id("audit-who").fill("老孙")
        expect(rows.filter(has_text="导出审计记录")).to_contain_text("年度审计")
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
    assert house.complaints == []
