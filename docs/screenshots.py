"""Take the pictures of the README: start the demo, wait for the recorded fire, photograph the duty desk.

    make screenshots

Needs Chromium and a Chinese font (deploy/browser.sh gets both).
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent / "images"
START_S_MAX = 120.0
FIRE_S_MAX = 180.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PORT = "8469"


def start(folder: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The demo on a folder of its own, and the password it printed."""
    env = {**os.environ, "ANHU_DATA_DIR": str(folder), "ANHU_DASHBOARD_PORT": PORT, "LANG": "zh_CN.UTF-8"}
    command = [sys.executable, "-m", "anhu", "demo", "--fire-after-s", "10"]
    demo = subprocess.Popen(command, env=env, stderr=log.open("wb"))
    deadline_s = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline_s and demo.poll() is None:
        if found := re.search(r"密码 (\S+)", log.read_text("utf-8")):
            return demo, found[1]
        time.sleep(0.5)
    raise SystemExit(f"the demo did not start:\n{log.read_text('utf-8')}")


def sign_in(page: Page, password: str) -> None:
    """Sign in as the administrator; the service may need a moment to answer."""
    for _ in range(60):
        try:
            page.goto(f"http://127.0.0.1:{PORT}/")
            break
        except Exception:  # noqa: BLE001 - not listening yet, whatever the browser calls it
            time.sleep(1)
    page.get_by_test_id("signin-username").fill("admin")
    page.get_by_test_id("signin-password").fill(password)
    page.get_by_test_id("signin-submit").click()


def main() -> None:
    """Write docs/images/*.png."""
    HERE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="anhu-pictures-", dir="/tmp"))
    folder.chmod(0o711)
    demo, password = start(folder, folder / "demo.log")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for name, width, height in (("duty-desk", 1440, 900), ("duty-desk-phone", 390, 844)):
                page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
                sign_in(page, password)
                page.get_by_test_id("alert-row").filter(has_text="厨房").first.wait_for(timeout=FIRE_S_MAX * 1000)
                page.wait_for_timeout(8000)  # the smoke reaches the rooms beside
                page.screenshot(path=HERE / f"{name}.png")
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


if __name__ == "__main__":
    main()
