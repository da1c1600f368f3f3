"""What the tests of the whole service start from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from alerting.people import Role, Scope
from anhu import packages
from tests.acceptance.house import House
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def programs_dir(packages_dir: Path) -> Path:
    """The folder of the private programs, with the programs in it if this machine has none of its own."""
    packages.find(packages_dir, progress=print)
    return packages_dir


def chromium() -> str:
    """The system's Chromium."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(
            "no Chromium on this machine: apt install chromium fonts-noto-cjk (as root, `make browser` does it)"
        )
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, for one module: while Playwright runs, no test beside it may have an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def house(database_url: str, browser: Browser) -> Iterator[House]:
    world = build(database_url)
    passwords = {}
    with psycopg.connect(database_url) as connection:
        for name, role, scope, called in (
            ("nurse", Role.OPERATOR, Scope(world.home), "护理员小周"),
            ("county", Role.SUPERVISOR, Scope(None, "220322"), "县局老李"),
            ("expert", Role.EXPERT, Scope(None, "220322"), "消防专家"),
        ):
            passwords[name] = add_user(connection, name, role, scope, name=called)[1]
    with serve(world) as served:
        yield House(served, browser, passwords)
