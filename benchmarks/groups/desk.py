"""The duty desk in a browser: what it loads, how soon it can be used, and how it moves with 10,000 open alerts."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from playwright.sync_api import Browser, Page, sync_playwright

from alerting import store
from alerting.alert import AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from benchmarks.figures import Figure, latency_figures, percentile
from benchmarks.stage import BenchFailed, Stage
from benchmarks.stage import stage as fresh_stage
from dashboard import auth
from ingest.database import Connection
from ingest.reading import to_us

OPEN_COUNT: Final = 10_000
LOADS: Final = 5
ALARMS: Final = 20
ALARM_EVERY_S: Final = 0.25
WHEEL_STEPS: Final = 150
WHEEL_PX: Final = 700
WAIT_MS_MAX: Final = 60_000
SCRIPT_BYTES_MAX: Final = 300_000
INTERACTIVE_MS_MAX: Final = 1_500.0
ALARM_MS_MAX: Final = 1_000.0
LONG_TASK_MS_MAX: Final = 100.0
_BATCH: Final = 1000
_KINDS: Final = {
    Kind.SOS: Priority.HIGH, Kind.OFFLINE: Priority.MEDIUM, Kind.SENSOR_FAULT: Priority.MEDIUM,
    Kind.LOW_BATTERY: Priority.LOW, Kind.ANOMALY: Priority.ADVISORY,
}  # fmt: skip
_CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
# Notes every long task (> 50 ms) with its beginning, and when each alert was first drawn (ms since 1970).
_LOOK_ON: Final = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) window.longTasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
window.drawnAt = {};
new MutationObserver(() => {
  for (const { dataset } of document.querySelectorAll("[data-testid=alert-row]")) {
    window.drawnAt[dataset.alertId] ??= Date.now();
  }
  if (document.querySelector("[data-testid=alert-row], [data-testid=all-clear]")) window.shownMs ??= performance.now();
}).observe(document, { childList: true, subtree: true });
"""
# The desk can be used when it shows what is open and no long task has begun for half a second.
_QUIET: Final = """() => {
  if (window.shownMs === undefined) return false;
  const last = Math.max(window.shownMs, ...window.longTasks.map(([start, duration]) => start + duration));
  return performance.now() - last > 500 ? last : false;
}"""
_AT_REST: Final = """() => {
  const before = window.lastY;
  window.lastY = window.scrollY;
  return before > 0 && before === window.lastY;
}"""
_SCRIPTS: Final = """performance.getEntriesByType("resource").filter(({ name }) => name.includes(".js"))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""


def run(stage: Stage) -> list[Figure]:
    """On servers of its own: no other group's page begins with 10,000 alerts."""
    with fresh_stage(stage.say) as own, own.service() as service, _chromium() as browser:
        figures = _first_load(own, browser, service.origin)
        with own.database() as connection:
            own.say(f"  raising {OPEN_COUNT:,} alerts")
            _raise_all(connection)
            figures += _ten_thousand(own, browser, service.origin, connection)
    return figures


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        raise BenchFailed("no Chromium on this machine: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@contextmanager
def _desk(stage: Stage, browser: Browser, origin: str) -> Iterator[Page]:
    """A page that is signed in, in a browser that has nothing of it in its cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(WAIT_MS_MAX)
    page = context.new_page()
    answer = context.request.post(
        f"{origin}/api/session", data={"username": auth.ADMINISTRATOR, "password": stage.password},
        headers={"Origin": origin},
    )  # fmt: skip
    if not answer.ok:
        raise BenchFailed(f"the browser could not sign in: {answer.status}")
    page.add_init_script(f'localStorage.setItem("anhu.signed-in", "yes");{_LOOK_ON}')
    yield page
    context.close()


def _interactive_ms(page: Page, origin: str) -> float:
    page.goto(origin)
    return float(page.wait_for_function(_QUIET, polling=50).json_value())


def _first_load(stage: Stage, browser: Browser, origin: str) -> list[Figure]:
    taken_ms, script_bytes = [], 0.0
    for _ in range(LOADS):
        with _desk(stage, browser, origin) as page:
            taken_ms.append(_interactive_ms(page, origin))
            script_bytes = float(page.evaluate(_SCRIPTS))
    stage.say(f"  {script_bytes:,.0f} bytes of script; usable after {', '.join(f'{each:.0f}' for each in taken_ms)} ms")
    return [
        Figure("desk.first_load_script_bytes", script_bytes, "bytes", SCRIPT_BYTES_MAX),
        Figure("desk.interactive_ms.p50", percentile(taken_ms, 50), "ms", INTERACTIVE_MS_MAX),
    ]


def _ten_thousand(stage: Stage, browser: Browser, origin: str, connection: Connection) -> list[Figure]:
    with _desk(stage, browser, origin) as page:
        ready_ms = _interactive_ms(page, origin)
        shown_ms = float(page.evaluate("window.shownMs"))
        whole = f"() => document.querySelector('[aria-setsize=\"{OPEN_COUNT}\"]') !== null"
        page.wait_for_function(whole, polling=50)
        page.evaluate("window.longTasks = []")
        page.mouse.move(500, 600)
        for _ in range(WHEEL_STEPS):
            page.mouse.wheel(0, WHEEL_PX)
        page.wait_for_function(_AT_REST, polling=400)
        tasks: list[Any] = page.evaluate("window.longTasks.map(([, duration]) => duration)")
        page.evaluate("window.scrollTo(0, 0)")
        delays = _alarms(page, connection)
    long_count = sum(each > LONG_TASK_MS_MAX for each in tasks)
    stage.say(
        f"  {len(tasks)} tasks over 50 ms while scrolling {WHEEL_STEPS * WHEEL_PX:,} px, {long_count} over 100 ms"
    )
    return [
        Figure("desk.10000_first_rows_ms", shown_ms, "ms"),
        Figure("desk.10000_interactive_ms", ready_ms, "ms"),
        Figure("desk.10000_scroll_task_ms.max", max(tasks, default=0.0), "ms", LONG_TASK_MS_MAX),
        Figure("desk.10000_scroll_tasks_over_100ms", long_count, "tasks"),
        *latency_figures("desk.10000_alarm_to_screen_ms", delays, ALARM_MS_MAX),
    ]


def _alarms(page: Page, connection: Connection) -> list[float]:
    """From the moment before an event is appended to its row's being drawn at the top of the list, by one clock."""
    sources = _sources(connection, ALARMS)
    began: dict[UUID, float] = {}
    for source in sources:
        now = datetime.now(UTC)
        event = _event(source, Kind.FIRE, Priority.CRITICAL, now)
        began[event.alert_id] = now.timestamp() * 1000
        with connection.transaction():
            store.append(connection, [event])
        page.wait_for_function(f"() => window.drawnAt['{event.alert_id}'] !== undefined", polling=50)
        page.wait_for_timeout(1000 * ALARM_EVERY_S)
    drawn: dict[str, float] = page.evaluate("window.drawnAt")
    return [drawn[str(number)] - at_ms for number, at_ms in began.items()]


def _raise_all(connection: Connection) -> None:
    began = datetime.now(UTC) - timedelta(hours=6)
    events = [
        _event(source, kind, priority, began + timedelta(seconds=number))
        for number, source in enumerate(_sources(connection, OPEN_COUNT // len(_KINDS)))
        for kind, priority in _KINDS.items()
    ]
    for start in range(0, len(events), _BATCH):
        with connection.transaction():
            store.append(connection, events[start : start + _BATCH])
    time.sleep(1.0)  # the page's server has read them then


def _event(source: Source, kind: Kind, priority: Priority, at: datetime) -> AlertEvent:
    at_us = to_us(at)
    number = alert_id(Key(source.institution_id, source.device_id, kind), at_us)
    return engine_event(
        number, Verb.RAISE, at_us, at_us, source, Condition("bench", kind, priority, latching=True), {"value": 1.0}
    )


def _sources(connection: Connection, count: int) -> list[Source]:
    rows = connection.execute("SELECT institution_id, zone_id, id FROM devices ORDER BY id LIMIT %s", (count,))
    return [Source(institution, zone, device) for institution, zone, device in rows]
