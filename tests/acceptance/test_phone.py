"""An inspector's phone in a real browser: the network cut, the browser closed, the server stopped, and everything
arrives once; what another inspector did meanwhile is set beside it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from alerting.people import Role, Scope
from inspection import checklist, operate, visit_operate
from inspection.checklist import Level
from inspection.decide import Found
from inspection.hazard import By, Category, Supervisor
from inspection.operate import Actor
from inspection.visit import Duty, Kind, Member, Outcome
from inspection.visit_operate import Plan
from tests.acceptance.conftest import FLAGS, chromium
from tests.acceptance.house import PHONE, WAIT_MS, choose
from tests.integration.dashboard_world import Served, World, build, serve
from tests.integration.people_world import add_user, picture

pytestmark = pytest.mark.acceptance


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """What is expected may take as long as anything here."""
    expect.set_options(timeout=WAIT_MS)
    yield
    expect.set_options(timeout=None)


HERE = {"latitude": 43.17, "longitude": 124.33, "accuracy": 12}
PEOPLE = (
    ("manager", Role.INSTITUTION_MANAGER, None, "院长小赵"),
    ("li", Role.INSPECTOR, "220322", "检查员老李"),
    ("wang", Role.INSPECTOR, "220322", "检查员小王"),
)


class Story:
    """A home, two inspectors, a visit planned for today and a hazard that was rectified."""

    def __init__(self, world: World) -> None:
        self.world, self.ids, self.passwords = world, {}, {}
        with world.connect() as connection:
            for name, role, region, called in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                self.ids[name], self.passwords[name] = add_user(connection, name, role, scope, name=called)
        with self.transaction() as connection:
            team = (Member(self.ids["li"], Duty.LEADER), Member(self.ids["wang"], Duty.OFFICER))
            today = datetime.now(UTC).date()
            planned = Plan(world.home, Kind.SURPRISE, today, team, ("season-gas",), unannounced=True)
            self.visit = visit_operate.plan(connection, planned, self.actor("li")).id
            found = Found(
                world.home, "灭火器过期", "厨房", Category.FIRE, Level.GENERAL, Supervisor.DEPARTMENT, world.kitchen
            )  # fmt: skip
            self.hazard = operate.report(connection, found, self.actor("li")).id
            operate.assign(
                connection, self.hazard, 1, self.actor("li"), assignee_id=self.ids["manager"], term=None,
                level=Level.GENERAL, supervisor=Supervisor.DEPARTMENT, note="",
            )  # fmt: skip

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def actor(self, name: str) -> Actor:
        return Actor(By(f"user:{name}", self.ids[name], outside=name != "manager"), datetime.now(UTC))

    def rectify(self, served: Served) -> None:
        client = served.client(signed_in=False)
        client.post("/api/session", json={"username": "manager", "password": self.passwords["manager"]})
        asked = {"institution_id": self.world.home}
        photo = client.post("/api/hazards/photos", params=asked, content=picture("blue")).json()["id"]
        body = {"version": 2, "measures": "已更换", "photos": [photo]}
        client.post(f"/api/hazards/{self.hazard}/rectify", json=body).raise_for_status()

    def wang_answers(self) -> tuple[int, str]:
        """What the other inspector does at the same visit, with signal: how many items it has, which they answered."""
        with self.transaction() as connection:
            begun = visit_operate.begin(connection, self.visit, 1, self.actor("wang"))
            key = list(begun.items)[2]
            visit_operate.answer(
                connection, begun.id, self.actor("wang"), key, Outcome.NOT_APPLICABLE, note="这里没有燃气"
            )  # fmt: skip
        return len(begun.items), checklist.get(key.checklist_id).item(key.item_id).zh

    def rows(self, statement: str) -> list[tuple]:
        with self.world.connect() as connection:
            return connection.execute(statement.encode()).fetchall()


@contextmanager
def opened(browser: Browser, folder: Path, complaints: list[str]) -> Iterator[tuple[BrowserContext, Page]]:
    """A phone's browser, with what it kept in `folder` when it was closed."""
    context = browser.browser_type.launch_persistent_context(
        folder, executable_path=chromium(), args=list(FLAGS), viewport=PHONE, locale="zh-CN", has_touch=True,
        geolocation=HERE, permissions=["geolocation"],
    )  # fmt: skip
    context.set_default_timeout(WAIT_MS)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search("ERR_|401|WebSocket", message.text):
            complaints.append(message.text)

    page = context.pages[0]
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield context, page
    finally:
        context.close()


def sign_in(page: Page, story: Story, url: str) -> None:
    page.goto(f"{url}/phone")
    page.get_by_test_id("signin-username").fill("li")
    page.get_by_test_id("signin-password").fill(story.passwords["li"])
    page.get_by_test_id("signin-submit").click()


def shoot(page: Page, colour: str) -> None:
    page.get_by_test_id("shot-input").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture(colour)}
    )
    expect(page.get_by_test_id("shot")).to_have_count(1)


def unsent(page: Page, count: int) -> None:
    expect(page.get_by_test_id("phone-status")).to_have_attribute("data-unsent", str(count))


def go_through(page: Page) -> None:
    """Begin, a failed item with photo, person and deadline, what was seen besides, all others passed, signed."""
    page.get_by_test_id("phone-visit-card").click()
    page.get_by_test_id("phone-begin").click()
    items = page.get_by_test_id("phone-item")
    items.first.get_by_test_id("answer-fail").click()
    page.get_by_test_id("finding-category").select_option("gas")
    page.get_by_test_id("finding-note").fill("软管龟裂")
    page.get_by_test_id("finding-assignee").select_option(label="院长小赵 · 机构负责人")
    shoot(page, "red")
    page.get_by_test_id("finding-submit").click()
    expect(items.first).to_have_attribute("data-outcome", "fail")
    page.get_by_test_id("phone-find").click()
    page.get_by_test_id("finding-title").fill("灶台旁堆放纸箱")
    page.get_by_test_id("finding-category").select_option("fire")
    page.get_by_test_id("finding-note").fill("三箱")
    page.get_by_test_id("finding-submit").click()
    expect(page.get_by_test_id("phone-found")).to_have_count(2)
    for number in range(1, items.count()):
        items.nth(number).get_by_test_id("answer-pass").click()
        expect(items.nth(number)).to_have_attribute("data-outcome", "pass")
    page.get_by_test_id("phone-conclude").click()
    page.get_by_test_id("phone-words").fill("限期整改两项")
    page.get_by_test_id("phone-say").click()
    expect(page.get_by_test_id("phone-visit")).to_have_attribute("data-state", "concluded")


def recheck(page: Page, url: str) -> None:
    page.goto(f"{url}/phone")
    page.get_by_test_id("phone-recheck-card").click()
    expect(page.get_by_test_id("phone-photo")).to_have_count(1)  # how it is said to be now, taken along
    choose(page, "recheck-true")
    shoot(page, "green")
    page.get_by_test_id("recheck-submit").click()
    expect(page.get_by_test_id("phone-my-recheck")).to_be_visible()


def test_without_signal_browser_or_server_and_all_arrives_once(
    database_url: str, browser: Browser, tmp_path: Path
) -> None:
    story, complaints = Story(build(database_url)), []
    with serve(story.world) as served:
        url, port = served.url, int(served.host.rpartition(":")[2])
        story.rectify(served)
        with opened(browser, tmp_path, complaints) as (context, page):
            sign_in(page, story, url)
            expect(page.get_by_test_id("phone-visit-card")).to_have_attribute("data-ready", "true")
            expect(page.get_by_test_id("phone-recheck-card")).to_have_count(1)
            assert context.new_cdp_session(page).send("Page.getInstallabilityErrors") == {"installabilityErrors": []}
            context.set_offline(offline=True)
            expect(page.get_by_test_id("connection-lost")).to_be_visible()
            go_through(page)
            page.reload()
            expect(page.get_by_test_id("phone-visit")).to_have_attribute("data-state", "concluded")
            assert page.evaluate("fetch('/api/session').then(() => 'answered', () => 'away')") == "away"
            kept = page.evaluate(
                "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
                ".then((cache) => cache.keys())))).then((all) => all.flat().map(({ url }) => new URL(url).pathname))"
            )
            assert "/index.html" in kept
            assert not [each for each in kept if each.startswith(("/api", "/live"))]
            page.goto(f"{url}/")  # the duty desk opens as well, and does not pretend
            expect(page.get_by_test_id("connection-lost")).to_be_visible()
            recheck(page, url)
    assert story.rows("SELECT count(*) FROM phone_acts") == [(0,)]
    count, text = story.wang_answers()
    with opened(browser, tmp_path, complaints) as (context, page):
        page.goto(f"{url}/phone/unsent")  # signal, and no server: the page opens all the same
        expect(page.get_by_test_id("connection-lost")).to_be_visible()
        unsent(page, count + 4)  # begin, every item, a finding, the signature, a recheck
        lost = []
        page.route("**/api/phone/acts", lambda route: lose_once(route, lost))
        with serve(story.world, port=port) as served:
            leave_and_return(page, story, url)
            settle(page, text)
            unsent(page, 0)
            report_at_a_code(context, page, story, url)
            page.goto(f"{url}/inspections/{story.visit}")
            expect(page.get_by_test_id("inspection-detail")).to_have_attribute("data-state", "concluded")
            assert "recheck" in page.goto(f"{url}/api/hazards/{story.hazard}").text()
        assert len(lost) == 1, "one answer was lost, and the act sent again"
    everything_once(story)
    assert complaints == []


def lose_once(route: Route, lost: list[str]) -> None:
    """The first act arrives, and its answer does not."""
    if lost:
        route.continue_()
        return
    lost.append(route.request.post_data or "")
    route.fetch()
    route.abort()


def leave_and_return(page: Page, story: Story, url: str) -> None:
    """Signing out with something undecided asks first, and what stays on the phone is there afterwards."""
    expect(page.get_by_test_id("conflict")).to_have_count(1)
    page.get_by_test_id("user-menu").get_by_role("button").first.click()
    page.get_by_test_id("sign-out").click()
    page.get_by_test_id("leave-keep").click()
    expect(page.get_by_test_id("signin-username")).to_be_visible()
    sign_in(page, story, url)
    page.get_by_test_id("phone-conflicts").click()


def report_at_a_code(context: BrowserContext, page: Page, story: Story, url: str) -> None:
    """The code of a device, read without signal: what the phone took along, with its time; and a report from there."""
    page.goto(f"{url}/institutions/{story.world.home}/labels")
    label = page.get_by_test_id("label").filter(has_text="烟感 1")
    address = label.get_attribute("data-address")
    assert address == f"{url}/q/{story.world.home}/d{story.world.devices[1]}"
    context.set_offline(offline=True)
    page.goto(address)
    expect(page.get_by_test_id("place-stale")).to_be_visible()
    page.get_by_test_id("place-report").click()
    page.get_by_test_id("finding-title").fill("烟感被罩住")
    page.get_by_test_id("finding-category").select_option("equipment")
    page.get_by_test_id("finding-note").fill("塑料袋")
    page.get_by_test_id("finding-submit").click()
    unsent(page, 1)
    context.set_offline(offline=False)
    unsent(page, 0)
    expect(page.get_by_test_id("place-hazard").filter(has_text="烟感被罩住")).to_have_count(1)


def settle(page: Page, text: str) -> None:
    """The item somebody else answered, side by side; then the signature, over what the leader had not seen."""
    card = page.get_by_test_id("phone-act").and_(page.locator("[data-state=conflict]"))
    expect(card).to_have_count(1)
    expect(card).to_contain_text(text)
    expect(card.get_by_test_id("conflict-mine")).to_contain_text("合格")
    expect(card.get_by_test_id("conflict-theirs")).to_contain_text("这里没有燃气")
    expect(card.get_by_test_id("conflict-theirs")).to_contain_text("检查员小王")
    card.get_by_test_id("use-theirs").click()
    signature = card.filter(has_text="结束并签字")
    expect(signature.get_by_test_id("conflict-theirs")).to_contain_text("检查员小王")
    signature.get_by_test_id("use-mine").click()


def everything_once(story: Story) -> None:
    verbs = dict(story.rows("SELECT verb, count(*) FROM inspection_events GROUP BY verb"))
    count = story.rows("SELECT count(*) FROM inspection_items")[0][0]
    assert verbs == {"plan": 1, "begin": 1, "answer": count, "find": 1, "comment": 1, "conclude": 1}
    [(note,)] = story.rows("SELECT note FROM inspection_events WHERE verb = 'comment'")
    assert "合格" in note  # the version that was not chosen
    rechecks = story.rows(
        "SELECT passed, state FROM hazard_events JOIN hazards h ON h.id = hazard_id WHERE verb = 'recheck'"
    )
    assert rechecks == [(True, "rechecked")]
    found = story.rows("SELECT state, assignee_id FROM hazards WHERE origin = 'inspection' ORDER BY no")
    assert found == [("assigned", story.ids["manager"]), ("reported", None)]
    reported = story.rows("SELECT zone_id, device_id FROM hazards WHERE title = '烟感被罩住'")
    assert reported == [(story.world.kitchen, story.world.devices[1])]
    photos = story.rows(
        "SELECT latitude, longitude, taken_at < received_at FROM photo_stamps JOIN hazard_photos p ON p.id = photo_id"
        " WHERE hazard_id IS NOT NULL"
    )
    assert photos == [(43.17, 124.33, True)] * 2
