"""Every page of the router as all its readers meet it: by axe-core, light and dark, at a desk and on a phone; and what
opens on a page. A route that is new is missing here until somebody says who looks at it, and where.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from alerting.hours import CHINA
from inspection import commitment, rating_run
from tests.acceptance.axe import Finding, examine
from tests.integration.dashboard_world import Served, serve
from tests.integration.people_world import Two, build_two, picture

pytestmark = pytest.mark.acceptance

WEB = Path(__file__).parents[2] / "dashboard/web"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WAIT_MS = 60_000
COUNTY = "220322"

# Who looks at a route, where it is ({…}: an attribute of Two, {home} the own home), and what is pressed there one after
# the other, each from the page as it was.
NOBODY, OPERATOR, BUREAU, ADMIN = "", "operator", "county", "admin"
VISITS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "sign-in": (NOBODY, "/sign-in", ()),
    "public-institution": (NOBODY, "/public/institutions/{home}", ()),
    "public-county": (NOBODY, f"/public/counties/{COUNTY}", ()),
    "duty": (OPERATOR, "/", ("user-menu",)),
    "alert": (OPERATOR, "/alerts/{own_alert}", ("alert-suppress",)),
    "wall": (BUREAU, "/wall", ("wall-tile",)),
    "history": (OPERATOR, "/alerts", ()),
    "institution": (ADMIN, "/institutions/{home}", ("device-row", "heard-claim")),
    "suppressions": (ADMIN, "/suppressions", ()),
    "duty-checks": (BUREAU, "/duty", ("duty-check-call",)),
    "handovers": (OPERATOR, "/handovers", ("handover-write",)),
    "handover": (OPERATOR, "/handovers/{own_handover}", ()),
    "rotations": (ADMIN, "/rotations", ("rotation-edit",)),
    "plans": (ADMIN, "/institutions/{home}/plans", ("plans-floors", "plans-residents")),
    "drills": (BUREAU, "/drills", ("drill-start",)),
    "hazards": (BUREAU, "/hazards", ("hazard-report",)),
    "hazard": (BUREAU, "/hazards/{own_hazard}", ("hazard-act-assign", "hazard-act-comment")),
    "reports": (BUREAU, "/reports?from=2026-11-01&to=2026-11-30", ()),
    "report-version": (BUREAU, "/reports/versions/{own_version}", ()),
    "inspections": (BUREAU, "/inspections", ("inspection-plan",)),
    "inspection": (OPERATOR, "/inspections/{own_inspection}", ()),
    "phone": (BUREAU, "/phone", ("phone-visit-card", "phone-recheck-card")),
    "phone-unsent": (BUREAU, "/phone/unsent", ()),
    "phone-visit": (BUREAU, "/phone/inspections/{own_inspection}", ()),  # not taken along: and says so
    "phone-hazard": (BUREAU, "/phone/hazards/{own_hazard}", ()),
    "place": (BUREAU, "/q/{home}/z{kitchen}", ("place-report",)),
    "labels": (BUREAU, "/institutions/{home}/labels", ()),
    "campaigns": (BUREAU, "/campaigns", ("campaign-plan",)),
    "campaign": (BUREAU, "/campaigns/{own_campaign}", ()),
    "draws": (BUREAU, "/draws", ("draw-announce",)),
    "draw": (BUREAU, "/draws/{own_draw}", ()),
    "relations": (BUREAU, "/relations", ("relation-add",)),
    "checklists": (BUREAU, "/checklists", ()),
    "ratings": (BUREAU, "/ratings", ()),
    "rating": (BUREAU, "/ratings/{home}", ("record-add",)),
    "credit-lists": (BUREAU, "/credit-lists", ("credit-propose", "credit-criteria")),
    "credit-entry": (BUREAU, "/credit-lists/{own_entry}", ("credit-act-deliver",)),
    "credit-paper": (BUREAU, "/credit-lists/{own_entry}/papers/2", ()),
    "visits-due": (BUREAU, "/visits-due", ()),
    "institution-files": (BUREAU, "/institution-files", ()),
    "institution-file": (BUREAU, "/institution-files/{home}", ("section-edit", "document-add")),
    "commitments": (BUREAU, "/commitments", ()),
    "commitment": (BUREAU, "/commitments/{home}", ()),
    "fire-acceptance": (BUREAU, "/fire-acceptance", ()),
    "protections": (BUREAU, "/protections", ()),
    "protection": (BUREAU, "/protections/{home}", ()),
    "audit": (ADMIN, "/audit", ()),
    "account": (OPERATOR, "/account", ("factor-enrol", "token-make")),
    "devices": (ADMIN, "/devices", ("device-open", "devices-tab-unclaimed")),
    "rules": (ADMIN, "/rules", ("draft-shipped",)),
    "first-steps": (ADMIN, "/first-steps?institution={home}", ("step-institution", "step-device")),
    "people": (ADMIN, "/people", ("person-add",)),
    "system": (ADMIN, "/system", ()),
}  # fmt: skip

_GO = """(to) => {
  document.querySelector("main").firstElementChild.dataset.left = "";
  history.pushState({}, "", to);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}"""
_SHOWN = """() => !document.querySelector("[data-left]") && document.querySelector("main")
  && !document.querySelector(".load-state[role=status]")
  && document.getAnimations().every((one) => one.playState !== "running")"""


@dataclass
class Reader:
    """Somebody at a browser, what it complained of, and what was found wrong with what it showed."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Within the page, as a link would; the page that was shown is gone then."""
        self.page.evaluate(_GO, path)
        self.page.wait_for_function(_SHOWN)

    def look(self, where: str) -> None:
        """At a desk and on a phone, light and dark: all rules once each, colours in all four."""
        self._say(where, "desk, light", examine(self.page))
        self.page.emulate_media(color_scheme="dark")
        self._say(where, "desk, dark", examine(self.page, "color-contrast"))
        self.page.set_viewport_size(PHONE)
        self._say(where, "phone, dark", examine(self.page))
        self.page.emulate_media(color_scheme="light")
        self._say(where, "phone, light", examine(self.page, "color-contrast"))
        width = self.page.evaluate("() => document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            self.found.append(f"{where}: {width} px wide on a phone")
        self.page.set_viewport_size(DESK)

    def glance(self, where: str) -> None:
        """At what opened: all rules at a desk by day, and on a phone by night."""
        self._say(where, "desk, light", examine(self.page))
        self.page.emulate_media(color_scheme="dark")
        self.page.set_viewport_size(PHONE)
        self._say(where, "phone, dark", examine(self.page))
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESK)

    def _say(self, where: str, how: str, findings: list[Finding]) -> None:
        self.found += [f"{where} ({how}): {each}" for each in findings]


def visited(two: Two, path: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = getattr(two.world if match[1] in {"home", "kitchen"} else two, match[1])
        return str(getattr(found, "id", found))

    return re.sub(r"\{(\w+)\}", value, path)


def fill(two: Two) -> None:
    """What the world of two institutions leaves out: readings, ratings, a signed commitment and a public page."""
    with two.world.connect() as connection:
        connection.execute("UPDATE institutions SET created_at = now() - interval '1 hour'")
        with connection.transaction():
            rating_run.run(connection, None, "demand", "policy")
    now = datetime.now(UTC)
    for quantity, value in (("smoke_obscuration", 0.02), ("temperature", 22.0)):
        rows = [(now - timedelta(minutes=minute), value + minute % 5 / 100) for minute in range(30, 0, -1)]
        two.world.add_readings(two.world.points[two.world.devices[0], quantity], rows)


def make_public(two: Two, served: Served) -> None:
    head = two.client(served, "institution_manager")
    text = commitment.parse(commitment.default_text()).sha256
    place = f"/api/commitments/{two.world.home}"
    head.post(place, json={"sha256": text, "months": 12}).raise_for_status()
    head.post(f"{place}/publication", json={"published": True, "note": ""}).raise_for_status()


def make_work(two: Two, served: Served) -> None:
    """A visit of the county's for today, and a hazard that waits for its recheck: what a phone takes along."""
    county, head = two.client(served, BUREAU), two.client(served, "institution_manager")
    ids = [each.get("/api/session").json()["person_id"] for each in (county, head)]
    today = datetime.now(CHINA).date().isoformat()
    visit = {
        "institution_id": two.world.home, "kind": "expert", "planned_for": today, "checklists": ["season-gas"],
        "team": [{"person_id": ids[0], "duty": "leader"}],
    }  # fmt: skip
    county.post("/api/inspections", json=visit).raise_for_status()
    found = {"institution_id": two.world.home, "title": "灭火器过期", "category": "fire", "zone_id": two.world.kitchen}
    made = county.post("/api/hazards", json=found).json()
    given = {"version": made["version"], "assignee_id": ids[1], "level": "general", "supervisor": "department"}
    place = f"/api/hazards/{made['id']}"
    made = county.post(f"{place}/assign", json=given).json()
    asked = {"institution_id": two.world.home}
    photo = head.post("/api/hazards/photos", params=asked, content=picture()).json()["id"]
    done = {"version": made["version"], "measures": "已更换", "photos": [photo]}
    head.post(f"{place}/rectify", json=done).raise_for_status()


@contextmanager
def reader(browser: Browser, served: Served, name: str, password: str) -> Iterator[Reader]:
    # With less motion asked for, a colour is what it is going to be, at once.
    context = browser.new_context(viewport=DESK, locale="zh-CN", color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    made = Reader(context.new_page(), served.url)
    made.page.on("console", made.note)
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    try:
        if name:
            made.page.goto(f"{served.url}/alerts")
            made.page.get_by_test_id("signin-username").fill(name)
            made.page.get_by_test_id("signin-password").fill(password)
            made.page.get_by_test_id("signin-submit").click()
            made.page.get_by_test_id("user-menu").wait_for()
            made.complaints.clear()  # that nobody was signed in, the browser calls an error
        yield made
    finally:
        context.close()


def test_every_route_has_its_reader():
    routes = re.findall(r'\bpath: "[^"]+", name: "([a-z-]+)"', (WEB / "src/router.ts").read_text("utf-8"))
    assert len(routes) > 30
    assert sorted(routes) == sorted(VISITS)


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[tuple[Two, Served]]:
    """Two institutions, served."""
    two = build_two(shared_database_url)
    fill(two)
    with serve(two.world) as served:
        make_public(two, served)
        make_work(two, served)
        yield two, served


def test_every_page_can_be_read_by_everybody(world: tuple[Two, Served], browser: Browser):
    two, served = world
    passwords = {NOBODY: "", ADMIN: two.world.password, **two.passwords}
    found: list[str] = []
    for who in (NOBODY, OPERATOR, BUREAU, ADMIN):
        with reader(browser, served, who, passwords[who]) as one:
            for name, (by, path, pressed) in VISITS.items():
                if by == who:
                    look_at(one, name, visited(two, path), pressed)
            found += one.found
    assert not found, "\n".join(found)


def look_at(one: Reader, name: str, path: str, pressed: tuple[str, ...]) -> None:
    """A page, and what opens on it."""
    if one.page.url == "about:blank" or path.startswith(("/sign-in", "/public")):
        one.page.goto(one.url + path)
        one.page.wait_for_function(_SHOWN)
        one.page.get_by_role("heading", level=1).first.wait_for()
    else:
        one.go(path)
    one.look(name)
    for testid in pressed:
        one.page.get_by_test_id(testid).first.click()
        one.page.wait_for_function(_SHOWN)
        one.glance(f"{name}, {testid}")
        one.go("/alerts")
        one.go(path)
    if VISITS[name][0] == NOBODY:  # whether somebody is signed in is asked, and answered 401
        one.complaints[:] = [each for each in one.complaints if "401" not in each]
    one.found += [f"{name}: the console says {each}" for each in one.complaints]
    one.complaints.clear()


def test_the_keyboard_is_enough(world: tuple[Two, Served], browser: Browser):
    two, served = world
    with reader(browser, served, OPERATOR, two.passwords[OPERATOR]) as one:
        one.go("/")
        acknowledge_by_keyboard(one.page)
        assert one.page.evaluate("() => document.documentElement.lang") == "zh-CN"
        tab_to(one.page, "language-switch")
        one.page.keyboard.press("Enter")
        one.page.wait_for_function("() => document.documentElement.lang === 'en'")
    with reader(browser, served, BUREAU, two.passwords[BUREAU]) as one:
        one.go("/hazards")
        report_by_keyboard(one.page)


_HERE = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  // A radio button or a photo's chooser lies unseen over what shows its focus.
  const shown = Number(getComputedStyle(at).opacity) === 0 ? (at.nextElementSibling ?? at.parentElement) : at;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  return {
    id: at.id, testid: at.dataset.testid ?? "", what: at.outerHTML.slice(0, 160), under: at.closest("main") !== null,
    seen: box.width > 0 && (over === null || at.contains(over) || over.contains(at) || at.parentElement.contains(over)),
    ringed: outlineStyle !== "none" && parseFloat(outlineWidth) > 0, invalid: at.getAttribute("aria-invalid"),
    told: document.getElementById(at.getAttribute("aria-describedby") ?? "")?.textContent ?? "",
  };
}"""
TABS_MAX = 150


def walk(page: Page) -> list[dict[str, Any]]:
    """Everything one comes to by Tab, from the top until the page is left at its end; at each the focus is seen."""
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    met: list[dict[str, Any]] = []
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here is None:
            return met
        assert here["seen"], f"covered: {here['what']}"
        assert here["ringed"], f"no ring: {here['what']}"
        met.append(here)
    raise AssertionError(f"no end after {TABS_MAX} steps; the last: {met[-3:]}")


def tab_to(page: Page, testid: str) -> None:
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here is not None and here["testid"] == testid:
            return
    raise AssertionError(f"Tab never comes to {testid}")


def acknowledge_by_keyboard(page: Page) -> None:
    """Past the bar into the page, and what calls for somebody is answered."""
    met = walk(page)
    assert "skip" in met[0]["what"]
    assert {"language-switch", "banner-acknowledge"} <= {each["testid"] for each in met}
    page.keyboard.press("Tab")  # from the end of the page to its beginning
    page.keyboard.press("Enter")
    assert page.evaluate(_HERE)["id"] == "main"
    before = page.get_by_test_id("banner-acknowledge").count()
    tab_to(page, "banner-acknowledge")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "(before) => document.querySelectorAll('[data-testid=banner-acknowledge]').length < before", arg=before
    )


def report_by_keyboard(page: Page) -> None:
    """A box keeps the focus from what it covers; what is missing is said at the field; Escape leads back."""
    tab_to(page, "hazard-report")
    page.keyboard.press("Enter")
    page.get_by_test_id("hazard-report-form").wait_for()
    assert not any(each["under"] for each in walk(page))
    page.get_by_test_id("hazard-title").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("hazard-error").wait_for()
    here = page.evaluate(_HERE)
    assert (here["invalid"], here["told"]) == ("true", page.get_by_test_id("hazard-error").inner_text())
    first = here["testid"]
    if first == "institution-select":
        page.get_by_test_id(first).select_option(index=1)
        assert page.get_by_test_id(first).get_attribute("aria-invalid") is None
    assert page.get_by_test_id("hazard-title").get_attribute("aria-invalid") == "true"
    page.get_by_test_id("hazard-title").fill("堆物")
    assert page.get_by_test_id("hazard-title").get_attribute("aria-invalid") is None
    page.keyboard.press("Escape")
    page.get_by_test_id("hazard-report-form").wait_for(state="detached")
    assert page.evaluate(_HERE)["testid"] == "hazard-report"
