"""A thousand open pages while alarms come fast: how long each takes to reach every page."""

from typing import Final

from benchmarks import rows
from benchmarks.figures import Figure, latency_figures
from benchmarks.listener import sign_in
from benchmarks.load import Load
from benchmarks.publisher import Sent, publish
from benchmarks.stage import LEAD_US, START_S_MAX, BenchFailed, Child, Stage, now_us
from benchmarks.usage import Meter
from benchmarks.websocket_clients import Heard, listen

PAGES: Final = 1000
ALARMS_PER_S: Final = 50
SECONDS: Final = 10
WAIT_S_MAX: Final = 30.0
P99_MS_MAX: Final = 250.0


def run(stage: Stage) -> list[Figure]:
    """Alarms from the broker on, each to every page."""
    count = ALARMS_PER_S * SECONDS
    with stage.service() as service:
        cookie = sign_in(service.origin, stage.password)
        with Child(listen, service.origin, cookie, PAGES, count, SECONDS + WAIT_S_MAX, ()) as listening:
            listening.ready()
            with stage.database() as connection:
                at_rest = rows.devices_at_rest(connection, count)
            meter = Meter({"dashboard": service.roots["dashboard"]})
            load = Load(ALARMS_PER_S, count, now_us() + LEAD_US, connections=2, alarm=True, chosen=at_rest)
            with Child(publish, stage.device_mqtt_url, load) as alarming:
                heard: Heard = listening.answer(SECONDS + WAIT_S_MAX + START_S_MAX)
                sent: Sent = alarming.answer(START_S_MAX)
            used = meter.read()["dashboard"]
    if heard.missing_count or sent.acknowledged != count:
        raise BenchFailed(
            f"the broker took {sent.acknowledged} of {count} alarms; of {PAGES * count:,} frames"
            f" {heard.missing_count:,} did not arrive"
        )
    stage.say(
        f"  {ALARMS_PER_S} alarms/s to {PAGES:,} pages: the dashboard took {used.cpu_percent:.0f} % of a core,"
        f" the pages {100 * heard.cpu_s / used.seconds:.0f} % (publisher at most {sent.late_ms_max:.0f} ms late)"
    )
    return [
        *latency_figures("alert.thousand_pages_ms", heard.delay_ms, P99_MS_MAX),
        Figure("alert.thousand_pages_cpu_us_per_frame", 1e6 * used.cpu_s / len(heard.delay_ms), "us/frame"),
    ]
