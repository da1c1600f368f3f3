"""100,000 registered devices: how soon the pipeline judges after its start, and what it needs when all reported."""

import os
import sys
import time
from functools import partial
from typing import Final

from anhu import keeper
from benchmarks.figures import Figure
from benchmarks.large_fleet import DEVICES_EACH, draft, topic
from benchmarks.load import Load
from benchmarks.publisher import Sent, publish
from benchmarks.rows import readings_stored
from benchmarks.stage import DRAIN_S_MAX, LEAD_US, START_S_MAX, STOP_S_MAX, BenchFailed, Child, Stage, now_us, until
from benchmarks.stage import stage as servers
from benchmarks.usage import Meter

DEVICES: Final = 100_000
REPORT_INTERVAL_S: Final = 3600
MESSAGES_PER_S: Final = 5000
PROBES_PER_S: Final = 20  # alarms, each of another device, from before the start on: one of them is the first judged
PROBES: Final = round(PROBES_PER_S * 30)
START_S_WANTED: Final = 10.0
MEMORY_MIB_WANTED: Final = 600.0


def run(stage: Stage) -> list[Figure]:
    """On servers of its own: the other groups' registry stays as it is."""
    stage.say(f"  registering {DEVICES:,} devices")
    with (
        servers(stage.say, partial(draft, DEVICES // DEVICES_EACH, REPORT_INTERVAL_S)) as own,
        own.database() as connection,
    ):
        connection.execute("ANALYZE")
        program = keeper.Program(
            "pipeline", [sys.executable, "-m", "anhu.role", "pipeline"],
            dict(os.environ)
            | {
                "ANHU_DATABASE_URL": own.database_url,
                "ANHU_MQTT_URL": own.mqtt_url,
                "ANHU_DATA_DIR": str(own.folder),
            },
            log_path=own.folder / "pipeline.log",
        )  # fmt: skip
        probes = Load(
            PROBES_PER_S, PROBES, now_us() + LEAD_US, DEVICES // 2, DEVICES // 2, connections=2, alarm=True,
            topic_of=topic,
        )  # fmt: skip
        with Child(publish, own.device_mqtt_url, probes) as probing:
            time.sleep(LEAD_US / 1e6)
            began_s = time.monotonic()
            process = keeper.spawn(program)
            try:
                judged = "SELECT count(*) FROM alert_events WHERE verb = 'raise' AND actor = 'engine'"
                until(lambda: connection.execute(judged).fetchone() != (0,), START_S_MAX, "the first judged message")
                started_s = time.monotonic() - began_s
                stage.say(f"  judged after {started_s:.1f} s")
                probing.answer(START_S_MAX)
                load = Load(MESSAGES_PER_S, DEVICES, now_us() + LEAD_US, 0, DEVICES, topic_of=topic)
                with Child(publish, own.device_mqtt_url, load) as sending:
                    sent: Sent = sending.answer(DEVICES / MESSAGES_PER_S + START_S_MAX)
                wanted = DEVICES * len(load.quantities)
                stored, _ = readings_stored(connection, load, wanted, DRAIN_S_MAX)
                if sent.acknowledged != DEVICES or stored < wanted:
                    raise BenchFailed(f"{stored:,} of {wanted:,} readings were stored")
                memory_mib = Meter({"pipeline": process.pid}).read()["pipeline"].pss_mib
            finally:
                process.terminate()
                process.wait(STOP_S_MAX)
    return [
        Figure("registered.devices", DEVICES, "devices"),
        Figure("registered.start_to_judged_s", started_s, "s", START_S_WANTED),
        Figure("registered.pipeline_mib", memory_mib, "MiB", MEMORY_MIB_WANTED),
    ]
