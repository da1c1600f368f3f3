"""The first run, in a real browser: from `anhu serve` on an empty folder to a device that reports and a test alarm on
the desk, through the service's own broker, with nothing but what the page says; and the same by the command line, as
docs/en/first-sensor.md tells it."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Page, expect

from tests.acceptance import first_sensor
from tests.acceptance.house import DESK, WAIT_MS
from tests.acceptance.service import Service, data_folder, running
from tests.doc_pages import ROOT, Block, blocks
from tests.waiting import wait_until

pytestmark = pytest.mark.acceptance


def publish(command: str) -> None:
    """Do what the mosquitto_pub command says, and wait until the broker has taken it."""
    words = shlex.split(command)
    assert words[0] == "mosquitto_pub"
    said = dict(zip(words[1::2], words[2::2], strict=True))
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(said["-u"], said["-P"])
    client.connect(said["-h"], int(said["-p"]))
    client.loop_start()
    try:
        wait_until(client.is_connected, "the account is let in")
        message = client.publish(said["-t"], said["-m"], qos=int(said["-q"]))
        wait_until(message.is_published, "the broker takes it")
    finally:
        client.disconnect()
        client.loop_stop()


def done(page: Page, step: str) -> None:
    expect(page.get_by_test_id(f"step-{step}")).to_have_attribute("data-done", "true", timeout=WAIT_MS)


@pytest.fixture(scope="module")
def service(programs_dir: Path) -> Iterator[Service]:
    """One that begins empty, started as docs/en/first-sensor.md says, with the roles that both ways in are about."""
    with data_folder() as folder:
        (folder / "work").mkdir()
        first_sensor.write_files(folder / "work")
        words = "serve", "--roles", "pipeline,dashboard,drills"
        routes = str(folder / "work" / "routes.toml")
        with running(*words, folder=folder, packages_dir=programs_dir, ANHU_PIPELINE_ROUTES=routes) as service:
            yield service


def test_from_nothing_to_a_test_alarm_on_the_desk(browser: Browser, service: Service) -> None:
    context = browser.new_context(viewport=DESK, locale="zh-CN")
    context.set_default_timeout(WAIT_MS)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        walk(page, service)
    finally:
        context.close()
    assert [each for each in complaints if "401" not in each and "409" not in each] == []


def test_the_page_about_a_first_sensor_leads_to_two_alarms(service: Service, programs_dir: Path) -> None:
    [start] = [each.text for each in first_sensor.COMMANDS if each.words == "service"]
    assert start.split() == ['ANHU_PIPELINE_ROUTES="$PWD/routes.toml"', "anhu", "serve"]
    env = first_sensor.command_env(service, service.folder, programs_dir)
    del env["ANHU_PIPELINE_ROUTES"]  # the page sets it
    shell = first_sensor.Shell(env, service.folder / "work")
    try:
        with service.client() as client:
            first_sensor.follow(shell, client)
    finally:
        shell.close()
    assert "Traceback" not in service.printed


def test_the_page_about_a_first_sensor_shows_the_same_code_in_both_languages() -> None:
    def code(page: Path) -> list[Block]:
        return [each for each in blocks(page) if each.language != "yaml"]  # its comments are in the page's language

    assert code(ROOT / "docs" / "zh" / "first-sensor.md") == code(first_sensor.PAGE)


def walk(page: Page, service: Service) -> None:
    """Every step, as the page leads."""
    page.goto(service.url)
    page.get_by_test_id("signin-username").fill("admin")
    page.get_by_test_id("signin-password").fill(service.password)
    page.get_by_test_id("signin-submit").click()
    page.get_by_test_id("first-steps-card").get_by_role("link").click()

    page.get_by_test_id("institution-name").fill("第一养老院")
    page.get_by_test_id("institution-code").fill("first")
    page.get_by_test_id("institution-add").click()
    expect(page.get_by_test_id("first-failure")).to_be_visible()  # in which county?
    page.get_by_test_id("institution-region").fill("220322")
    page.get_by_test_id("institution-add").click()
    done(page, "institution")

    page.get_by_test_id("zone-kind").select_option("kitchen")
    expect(page.get_by_test_id("zone-code")).to_have_value("kitchen-1")
    page.get_by_test_id("zone-name").fill("一楼厨房")
    page.get_by_test_id("zone-add").click()
    done(page, "zones")

    page.get_by_test_id("gateway-make").click()
    expect(page.get_by_test_id("gateway-password")).to_be_visible()
    expect(page.get_by_test_id("first-waiting")).to_be_visible()
    command = page.get_by_test_id("publish-command").inner_text()
    publish(command)
    done(page, "connect")

    page.get_by_test_id("heard-claim").click()
    page.get_by_test_id("claim-name").fill("厨房烟感")
    page.get_by_test_id("claim-zone").select_option(label="一楼厨房 · 1 层")
    page.get_by_test_id("claim-submit").click()
    expect(page.get_by_test_id("claim-form")).to_have_count(0)
    expect(page.get_by_test_id("step-device")).to_contain_text("还没有读数", timeout=WAIT_MS)

    def reports() -> bool:
        publish(command)
        return page.get_by_test_id("step-device").get_attribute("data-done") == "true"

    page.goto(service.url)  # left, and come back to
    page.get_by_test_id("first-steps-card").get_by_role("link").click()
    wait_until(reports, "the device reports", every_s=0.5)

    page.get_by_test_id("trial-send").click()
    expect(page.get_by_test_id("drill-banner")).to_contain_text("火", timeout=WAIT_MS)
    done(page, "alarm")
    page.goto(service.url)
    row = page.get_by_test_id("alert-row")
    expect(row).to_contain_text("演练", timeout=WAIT_MS)
    expect(row).to_contain_text("无需处理")
    expect(page.get_by_test_id("first-steps-card")).to_contain_text("登记人员")
