"""In a real browser: the alarm of a device nobody has registered says so on the desk; its institution's safety officer
registers it at a phone, in one step."""

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from alerting.alert import Kind, Source, Verb
from alerting.people import Role, Scope
from tests.acceptance.house import PHONE, WAIT_MS, House
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user

pytestmark = pytest.mark.acceptance

HEARD = (
    ("new-1", "", "device_unknown", '{"values": {"smoke_alarm": 1, "battery": 88}}', ["battery", "smoke_alarm"]),
    ("smk-0", "humidity", "quantity_unregistered", '{"values": {"humidity": 41}}', []),
    ("烟感 9+", "", "device_unknown", "{}", ["co"]),
)


def hear(connection: psycopg.Connection) -> None:
    for device, quantity, reason, payload, quantities in HEARD:
        connection.execute(
            "INSERT INTO unclaimed_devices VALUES"
            " ('home-1', %s, %s, %s, now() - interval '10 min', now(), 11, %s, %s, %s)",
            (device, quantity, reason, f"anhu/v1/home-1/{device}/readings", payload.encode(), quantities),
        )


def test_an_unregistered_alarm_is_seen_and_its_device_registered_at_a_phone(
    database_url: str, browser: Browser
) -> None:
    world = build(database_url)
    with psycopg.connect(database_url) as connection:
        password = add_user(connection, "officer", Role.SAFETY_OFFICER, Scope(world.home))[1]
        hear(connection)
    with serve(world) as served:
        house = House(served, browser, {"officer": password})
        world.say(Verb.RAISE, kind=Kind.FIRE, source=Source(world.home, None, None, "new-1"), latching=True)
        with house.person("officer", PHONE) as page:
            page.goto(f"{served.url}/institutions/{world.home}")
            expect(page.get_by_test_id("alert-row")).to_contain_text("未登记设备 new-1", timeout=WAIT_MS)
            rows = page.get_by_test_id("heard-row")
            expect(rows).to_have_count(3, timeout=WAIT_MS)
            expect(rows.filter(has_text="new-1").first).to_contain_text("触发")
            expect(rows.filter(has_text="烟感 9+").get_by_test_id("heard-claim")).to_have_count(0)
            rows.filter(has_text="new-1").get_by_test_id("heard-claim").click()
            page.get_by_test_id("claim-submit").click()
            expect(page.get_by_test_id("claim-error")).to_be_visible()  # where is it?
            expect(page.get_by_test_id("claim-kind")).to_have_value("smoke")
            expect(page.get_by_test_id("claim-interval")).to_have_value("60")
            page.get_by_test_id("claim-name").fill("卧室新烟感")
            page.get_by_test_id("claim-zone").select_option(str(world.bedroom))
            page.get_by_test_id("claim-quantity-battery").uncheck()
            page.get_by_test_id("claim-submit").click()
            expect(rows).to_have_count(2, timeout=WAIT_MS)
            page.get_by_text("卧室新烟感").click(timeout=WAIT_MS)
            page.get_by_test_id("device-dates").click()
            page.get_by_test_id("dates-installed").fill("2025-05-01")
            page.get_by_test_id("dates-test-due").fill("2026-05-01")
            page.get_by_test_id("dates-submit").click()
            expect(page.get_by_test_id("device-test-due")).to_have_text("2026-05-01", timeout=WAIT_MS)
            page.keyboard.press("Escape")
            expect(page.get_by_test_id("test-due-row")).to_contain_text("卧室新烟感", timeout=WAIT_MS)
            expect(page.get_by_test_id("test-due-row")).to_contain_text("逾期")
            rows.filter(has_text="smk-0").get_by_test_id("heard-claim").click()
            page.get_by_test_id("claim-submit").click()
            expect(rows).to_have_count(1, timeout=WAIT_MS)
        assert house.complaints == []
    with world.connect() as connection:
        points = connection.execute(
            "SELECT d.code, d.zone_id, p.quantity FROM points p JOIN devices d ON d.id = p.device_id"
            " WHERE d.code = 'new-1' OR p.quantity = 'humidity' ORDER BY 1"
        )
        assert points.fetchall() == [
            ("new-1", world.bedroom, "smoke_alarm"), ("smk-0", world.kitchen, "humidity"),
        ]  # fmt: skip
