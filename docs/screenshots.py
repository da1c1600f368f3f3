"""Take the pictures of the documentation: start the demo, do what people do, wait for the recorded fire, photograph.

    make screenshots

Writes docs/images/*.png and docs/screens.md, which shows them. A picture more is a line more in SHOTS. Needs Chromium
and a Chinese font (deploy/browser.sh gets both).
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
IMAGES = HERE / "images"
START_S_MAX, FIRE_AFTER_S, WAIT_MS = 240.0, 240, 300_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PORT = "8469"
URL = f"http://127.0.0.1:{PORT}"
COLOURS = 128
SETTLED_S = 10  # before that a record may still have company on its way, and no rating rests on it
INTRODUCTION = """# What it looks like

主要页面，由 `make screenshots` 在演示数据上拍摄。 The main pages, photographed by `make screenshots`
([screenshots.py](screenshots.py), which writes this page, too) on the demo's made-up institutions.
"""
DESK, PHONE = (1440, 900), (390, 844)


@dataclass(frozen=True)
class Shot:
    """A picture: its file, where it is taken, by whom, what has to be there first, and what it shows."""

    name: str
    path: str  # {…}: an entry of `Made.places`
    who: str
    awaited: str  # a selector
    zh: str
    en: str
    size: tuple[int, int] = DESK
    languages: tuple[str, ...] = ("zh", "en")
    scroll_to: str = ""  # a selector that is brought into the middle
    fire: bool = False  # taken once the recorded fire burns


# In the order in which the documentation shows them.
SHOTS = (
    Shot("duty-clear", "/", "paiban", "[data-testid=all-clear]", "值班台：一切正常", "The duty desk: all clear"),
    Shot("duty-desk", "/", "admin", "[data-testid=alert-row]", "值班台：正在重演一场真实记录的火灾",
         "The duty desk while a recorded fire plays", fire=True),
    Shot("duty-desk-phone", "/", "admin", "[data-testid=alert-row]", "手机上的值班台", "The same on a phone", PHONE,
         fire=True),
    Shot("alert", "/alerts/{alert}", "admin", "canvas", "一条报警：证据、处置卡、曲线和时间线",
         "An alert: its evidence, what to do, the curve, the timeline", fire=True),
    Shot("institution", "/institutions/{home}", "admin", "[data-testid=device-row]", "一家机构：区域、设备和状态",
         "An institution: zones, devices and their state", fire=True),
    Shot("wall", "/wall", "jianguan", "[data-testid=wall]", "监管大屏", "The supervision wall", fire=True),
    Shot("hazards", "/hazards", "jianguan", "[data-testid=hazard-total]", "隐患台账", "The ledger of hazards"),
    Shot("hazard", "/hazards/{hazard}", "jianguan", "[data-testid=hazard-detail]", "一条隐患：从上报到销号",
         "A hazard on its way from report to closed"),
    Shot("inspection-phone", "/inspections/{inspection}", "jianguan", "[data-testid=inspection-item]",
         "手机上的现场检查", "An inspection on the phone", PHONE,
         scroll_to="[data-testid=inspection-item][data-outcome=fail]"),
    Shot("ratings", "/ratings", "jianguan", "[data-testid=rating-row]", "安全信用评级", "Safety credit ratings"),
    Shot("rating", "/ratings/{home}", "jianguan", "[data-testid=rating-reason]", "评级的每一分从哪里来",
         "Where each point of a rating comes from"),
    Shot("reports", "/reports?from={first}&to={last}", "jianguan", "[data-testid=report-table]", "月度整改调度表",
         "The monthly ledger for signing"),
    Shot("institution-file", "/institution-files/{home}", "yuanzhang", "[data-testid=section-identity]", "一院一档",
         "The institution's file", languages=("zh",)),
    Shot("my-day", "/phone", "jianguan", "[data-testid=phone-day]", "检查员的手机：我的一天（离线可用）",
         "The inspector's phone: my day, also without signal", PHONE),
    Shot("audit", "/audit", "admin", "[data-testid=audit-row]", "审计：谁做了什么、谁看了个人信息",
         "The audit trail: acts, and reads of personal data", languages=("zh",)),
    Shot("account", "/account", "anquan", "[data-testid=session-row]", "我的账号：两步验证、会话、令牌",
         "One's account: second factor, sessions, tokens", languages=("zh",)),
    Shot("devices", "/devices", "admin", "table tbody tr", "设备", "Devices"),
    Shot("rules", "/rules", "admin", "[data-testid=rules-now]", "报警规则与回测", "Alarm rules and their backtest"),
    Shot("first-steps", "/first-steps", "admin", "[data-testid=first-which]", "接入步骤", "First steps",
         languages=("zh",)),
    Shot("people", "/people", "admin", "[data-testid=person-open]", "人员与通知方式", "People and how they are reached",
         languages=("zh",)),
    Shot("system", "/system", "admin", "[data-testid=pipeline-state]", "系统状况", "How the service is doing",
         languages=("zh",)),
)  # fmt: skip


@dataclass
class Made:
    """The passwords of those who sign in, and the numbers of what was made."""

    passwords: dict[str, str]
    places: dict[str, str] = field(default_factory=dict)

    def client(self, who: str) -> httpx.Client:
        """Somebody signed in."""
        client = httpx.Client(base_url=URL, headers={"Origin": URL}, timeout=30)
        client.post("/api/session", json={"username": who, "password": self.passwords[who]}).raise_for_status()
        return client


def start(folder: Path, log: Path) -> tuple[subprocess.Popen[bytes], Made]:
    """The demo on a folder of its own, answering, and the passwords it printed."""
    env = {**os.environ, "ANHU_DATA_DIR": str(folder), "ANHU_DASHBOARD_PORT": PORT, "LANG": "zh_CN.UTF-8"}
    command = [sys.executable, "-m", "anhu", "demo", "--fire-after-s", str(FIRE_AFTER_S)]
    demo = subprocess.Popen(command, env=env, stderr=log.open("wb"))
    deadline_s = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline_s and demo.poll() is None:
        found = dict(re.findall(r"用户名 (\w+)   密码 (\S+)", log.read_text("utf-8")))
        if "jianguan" in found and answers():
            return demo, Made(found)
        time.sleep(0.5)
    raise SystemExit(f"the demo did not start:\n{log.read_text('utf-8')}")


def answers() -> bool:
    try:
        return httpx.get(f"{URL}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def said(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise SystemExit(f"{answer.request.method} {answer.request.url}: {answer.text}")
    return answer.json()


def furnish(made: Made) -> None:
    """What people do on an ordinary day: somebody at a quiet desk, hazards, an inspection under way, records."""
    admin, bureau = made.client("admin"), made.client("jianguan")
    homes = said(bureau.get("/api/institutions"))["items"]
    burning = next(each for each in said(admin.get("/api/institutions"))["items"] if each["code"] == "sim-001")
    made.places["home"] = str(burning["id"])
    quiet = next(each for each in said(admin.get("/api/institutions"))["items"] if each["code"] == "sim-005")
    desk = {"name": "演示·值班员", "role": "operator", "scope": {"institution_id": quiet["id"]}, "username": "paiban"}
    once = said(admin.post("/api/people", json=desk))["one_time_password"]
    made.passwords["paiban"] = once
    chosen = f"anhu-{once}"
    made.client("paiban").post("/api/session/password", json={"old": once, "new": chosen}).raise_for_status()
    made.passwords["paiban"] = chosen
    report_hazards(made, bureau, homes)
    inspect(made, bureau)
    for home in [burning, *(each for each in homes if each["id"] != burning["id"])][:3]:
        past = (datetime.now(UTC) - timedelta(days=20)).isoformat()
        record = {
            "institution_id": home["id"], "kind": "penalty", "level": "warning", "occurred_at": past,
            "title": "消防设施未保持完好有效", "source": "演示数据",
        }  # fmt: skip
        said(bureau.post("/api/safety-records", json=record))
    now = datetime.now(UTC) + timedelta(hours=8)
    made.places |= {"first": f"{now:%Y-%m}-01", "last": f"{now:%Y-%m-%d}"}


def report_hazards(made: Made, bureau: httpx.Client, homes: list[dict[str, Any]]) -> None:
    found = (
        ("二楼东侧安全出口堆放轮椅", "fire", "general", "deputy"),
        ("厨房燃气软管老化，无熄火保护", "gas", "major", "head"),
        ("三楼插座串接取暖器", "electrical", "general", "department"),
        ("夜间值班只有一人在岗", "management", "general", "deputy"),
        ("室外消火栓被车辆遮挡", "fire", "general", "department"),
    )
    for number, (title, category, level, supervisor) in enumerate(found):
        home = homes[number % len(homes)] if number else {"id": int(made.places["home"])}
        asked = {
            "institution_id": home["id"], "title": title, "category": category, "level": level,
            "supervisor": supervisor,
        }  # fmt: skip
        hazard = said(bureau.post("/api/hazards", json=asked))
        if number:
            continue
        made.places["hazard"] = hazard["id"]
        people = said(bureau.get(f"/api/hazards/{hazard['id']}/assignees"))["items"]
        task = {
            "version": hazard["version"], "assignee_id": people[0]["id"], "level": level, "supervisor": supervisor,
            "note": "今天内清理，保持通道畅通",
        }  # fmt: skip
        said(bureau.post(f"/api/hazards/{hazard['id']}/assign", json=task))


def inspect(made: Made, bureau: httpx.Client) -> None:
    me = said(bureau.get("/api/session"))["person_id"]
    lists = [each["id"] for each in said(bureau.get("/api/checklists"))["items"] if each["purpose"] == "duties"]
    visit = {
        "institution_id": int(made.places["home"]), "kind": "surprise", "planned_for": f"{datetime.now(UTC):%Y-%m-%d}",
        "team": [{"person_id": me, "duty": "leader"}], "checklists": lists[:1], "unannounced": True,
    }  # fmt: skip
    planned = said(bureau.post("/api/inspections", json=visit))
    route = f"/api/inspections/{planned['id']}"
    begun = said(bureau.post(f"{route}/begin", json={"version": planned["version"]}))
    made.places["inspection"] = planned["id"]
    for number, item in enumerate(begun["items"][:6]):
        answer = {"checklist_id": item["checklist_id"], "item_id": item["item_id"], "outcome": "pass"}
        if number == 3:
            answer |= {"outcome": "fail", "category": "management", "note": "值班记录缺两天"}
        said(bureau.post(f"{route}/answers", json=answer))


def rate(made: Made) -> None:
    """By what has been on record for some seconds."""
    bureau = made.client("jianguan")
    for home in said(bureau.get("/api/institutions"))["items"]:
        said(bureau.post(f"/api/ratings/{home['id']}"))


def burning(made: Made) -> None:
    """Wait for the fire, and for the smoke to reach the rooms beside."""
    admin = made.client("admin")
    deadline_s = time.monotonic() + FIRE_AFTER_S + WAIT_MS / 1000
    while time.monotonic() < deadline_s:
        alerts = said(admin.get("/api/alerts", params={"state": "open", "kind": "fire"}))["items"]
        own = [each for each in alerts if (each["zone"] or {}).get("kind") == "kitchen" and each["device"]]
        if own and len(alerts) >= 2:
            made.places["alert"] = own[-1]["id"]
            return
        time.sleep(1)
    raise SystemExit("the recorded fire did not come")


def take(browser: Browser, made: Made, shot: Shot) -> None:
    """The picture in each of its languages, with few colours: it is a page, no photo."""
    for language in shot.languages:
        width, height = shot.size
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce"
        )
        context.set_default_timeout(WAIT_MS)
        if language == "en":
            context.add_init_script("localStorage.setItem('anhu.language', 'en')")
        page = context.new_page()
        sign_in(page, shot.who, made.passwords[shot.who])
        page.goto(URL + shot.path.format(**made.places))
        page.locator(shot.awaited).first.wait_for()
        page.wait_for_load_state("networkidle")
        if shot.scroll_to:
            page.locator(shot.scroll_to).first.evaluate("(at) => at.scrollIntoView({ block: 'center' })")
        path = IMAGES / file_name(shot, language)
        page.screenshot(path=path)
        context.close()
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def file_name(shot: Shot, language: str) -> str:
    return f"{shot.name}{'' if language == 'zh' else '-en'}.png"


def sign_in(page: Page, who: str, password: str) -> None:
    page.goto(URL)
    page.get_by_test_id("signin-username").fill(who)
    page.get_by_test_id("signin-password").fill(password)
    page.get_by_test_id("signin-submit").click()
    page.get_by_test_id("user-menu").wait_for()


def screens() -> str:
    """docs/screens.md: every picture with what it shows."""
    parts = [INTRODUCTION]
    for shot in SHOTS:
        pictures = " ".join(
            f'<img src="images/{file_name(shot, language)}" alt="{shot.zh if language == "zh" else shot.en}"'
            f' width="{360 if shot.size == PHONE else 640}">'
            for language in shot.languages
        )
        parts.append(f"## {shot.zh} · {shot.en}\n\n{pictures}\n")
    return "\n".join(parts)


def main() -> None:
    """Write docs/images/*.png and docs/screens.md."""
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="anhu-pictures-", dir="/tmp"))
    folder.chmod(0o711)
    demo, made = start(folder, folder / "demo.log")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            furnish(made)
            time.sleep(SETTLED_S)
            rate(made)
            for shot in sorted(SHOTS, key=lambda each: each.fire):
                if shot.fire:
                    burning(made)
                take(browser, made, shot)
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)
    (HERE / "screens.md").write_text(screens(), "utf-8")


if __name__ == "__main__":
    main()
