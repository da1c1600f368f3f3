"""Who is on duty and what to do in an emergency, as a manager sets both in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from alerting import oncall_store
from alerting.oncall import Rotation
from tests.integration.dashboard_world import Served, serve
from tests.integration.people_world import Two, build_two

pytestmark = pytest.mark.acceptance

RENDER_MS_MAX = 30_000
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200">'
    '<rect width="400" height="200" fill="#eee"/><path d="M200 0v200" stroke="black"/></svg>'
)


@pytest.fixture
def two(database_url: str) -> Two:
    return build_two(database_url)


@pytest.fixture
def served(two: Two) -> Iterator[Served]:
    with serve(two.world) as running:
        yield running


@pytest.fixture
def page(browser: Browser, served: Served, two: Two) -> Iterator[Page]:
    """The institution's manager, signed in."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(RENDER_MS_MAX)
    expect.set_options(timeout=RENDER_MS_MAX)
    made = context.new_page()
    made.goto(served.url)
    made.get_by_test_id("signin-username").fill("institution_manager")
    made.get_by_test_id("signin-password").fill(two.passwords["institution_manager"])
    made.get_by_test_id("signin-submit").click()
    made.get_by_test_id("user-menu").wait_for()
    yield made
    context.close()


def test_a_manager_changes_the_rotation_and_lets_somebody_stand_in(page: Page, served: Served, two: Two) -> None:
    page.goto(f"{served.url}/rotations")
    card, now = page.get_by_test_id("rotation-card"), page.get_by_test_id("on-duty-now")
    expect(now).to_contain_text("own-nurse")
    page.get_by_test_id("rotation-edit").click()
    page.get_by_test_id("rotation-member-add").select_option(label="operator")
    page.get_by_test_id("rhythm-two_shifts").click()
    page.get_by_test_id("rotation-name").fill("日夜班")
    page.get_by_test_id("rotation-save").click()
    expect(card).to_contain_text("日夜班")
    expect(card).to_contain_text("08:00、20:00")
    # somebody else is faster: nothing is overwritten, and the editor says so
    page.get_by_test_id("rotation-edit").click()
    with two.world.connect() as connection, connection.transaction():
        [seen] = [each for each in oncall_store.rotations(connection) if each.scope.institution_id == two.world.home]
        theirs = Rotation(0, "别人的", seen.role, seen.scope, (two.own_person,), seen.anchor, seen.starts, 1)
        oncall_store.put_rotation(connection, theirs, replaces=seen.id, actor="user:other")
    page.get_by_test_id("rotation-save").click()
    expect(page.get_by_test_id("rotation-error")).to_contain_text("别人刚刚处理过")
    page.get_by_test_id("box-close").click()
    page.reload()
    expect(card).to_contain_text("别人的")
    page.get_by_test_id("rotation-stand-in").click()
    page.get_by_test_id("stand-in-other").select_option(value=str(two.own_desk))
    page.get_by_test_id("stand-in-save").click()
    expect(now).to_contain_text("替 own-nurse")
    page.get_by_test_id("stand-in-row").filter(has_text="正在替班").get_by_test_id("stand-in-end").click()
    page.get_by_test_id("confirm").click()
    expect(now).not_to_contain_text("替 own-nurse")


def test_a_manager_writes_the_plan_and_marks_the_kitchen_on_the_floor_plan(
    page: Page, served: Served, two: Two, tmp_path: Path
) -> None:
    page.goto(f"{served.url}/institutions/{two.world.home}/plans")
    page.get_by_test_id("plan-step-zh").first.fill("按响厨房门口的手动报警按钮")
    page.get_by_test_id("plan-phone-add").click()
    page.get_by_test_id("plan-phone-name").fill("门卫")
    page.get_by_test_id("plan-phone-number").fill("0434-5551234")
    page.get_by_test_id("plan-save").click()
    expect(page.get_by_test_id("plan-kind-fire")).to_contain_text("本机构")
    drawing = tmp_path / "floor.svg"
    drawing.write_text(DRAWING, "utf-8")
    page.get_by_test_id("plans-floors").click()
    page.get_by_test_id("floor-plan-file").set_input_files(drawing)
    picture = page.get_by_test_id("floor-plan-picture")
    expect(picture.get_by_role("img")).to_have_js_property("naturalWidth", 2400)
    page.get_by_test_id("floor-plan-thing").filter(has_text="厨房").first.click()
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
    expect(page.get_by_test_id("floor-plan-mark")).to_have_count(1)
    page.get_by_test_id("marks-save").click()
    expect(page.get_by_test_id("marks-save")).to_be_disabled()
    page.goto(f"{served.url}/alerts/{two.own_alert.id}")
    expect(page.get_by_test_id("action-card")).to_contain_text("按响厨房门口的手动报警按钮")
    expect(page.get_by_test_id("action-card")).to_contain_text("0434-5551234")
    spot = page.get_by_test_id("alarm-spot")
    expect(spot).to_have_attribute("data-of", "zone")
    style = str(spot.get_attribute("style"))
    left, top = (float(part.split(":")[1].strip(" %")) for part in style.strip("; ").split(";"))
    assert (abs(left - 25) < 1, abs(top - 50) < 2) == (True, True), style
