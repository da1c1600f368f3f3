"""A served dashboard and the people of one home and its county, each at a browser of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.integration.dashboard_world import Served
from tests.integration.people_world import picture

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
WAIT_MS = 30_000


@dataclass
class House:
    """A served dashboard, its people's passwords, and what the browser complained about."""

    served: Served
    browser: Browser
    passwords: dict[str, str]
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def person(self, name: str, size: dict[str, int]) -> Iterator[Page]:
        """Somebody at their own device, signed in."""
        context: BrowserContext = self.browser.new_context(viewport=size, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            page.goto(f"{self.served.url}/hazards")
            page.get_by_test_id("signin-username").fill(name)
            page.get_by_test_id("signin-password").fill(self.passwords[name])
            page.get_by_test_id("signin-submit").click()
            expect(page.get_by_test_id("hazard-total")).to_be_visible(timeout=WAIT_MS)
            yield page
        finally:
            context.close()

    @contextmanager
    def anybody(self, size: dict[str, int]) -> Iterator[tuple[Page, list[str]]]:
        """Somebody who has no session, and the addresses their browser asks for."""
        context: BrowserContext = self.browser.new_context(viewport=size, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        page, asked = context.new_page(), []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        try:
            yield page, asked
        finally:
            context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "401" not in message.text:
            self.complaints.append(message.text)


def choose(page: Page, name: str) -> None:
    """A button of a choice field; its input lies invisible over it."""
    page.get_by_test_id(name).check(force=True)


def add_photo(page: Page, colour: str) -> None:
    page.get_by_test_id("photo-input").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture(colour)}
    )
    expect(page.get_by_test_id("photo-chosen")).to_have_count(1, timeout=WAIT_MS)
