"""A minute without the database at 2,000 messages a second: nothing lost or doubled, and alarms shown at once."""

import time
from typing import Final

from benchmarks import fleet, rows
from benchmarks.figures import Figure, latency_figures
from benchmarks.groups.alert import latencies_ms
from benchmarks.listener import listen
from benchmarks.load import Load
from benchmarks.publisher import publish
from benchmarks.stage import LEAD_US, START_S_MAX, Child, Stage, now_us

MESSAGES_PER_S: Final = 2000
SECONDS: Final = 72.0
BEFORE_S: Final = 4.0
AWAY_S: Final = 60.0
ALARMS_PER_S: Final = 2
ALARMS: Final = round(ALARMS_PER_S * (AWAY_S - 4))
AWAY_MS_MAX: Final = 1000.0
_DOUBLED: Final = (
    "SELECT count(*) - count(DISTINCT (device_id, kind)) FROM alerts WHERE kind = 'fire' AND raised_at >="
    " timestamptz 'epoch' + %s::bigint * interval '1 us'"
)


def run(stage: Stage) -> list[Figure]:
    """The load goes on for a while on both sides of the minute."""
    sent: list[Load] = []
    shown: list[tuple[str, int]] = []
    with stage.database() as connection:
        at_rest = rows.devices_at_rest(connection, ALARMS)
    codes = frozenset(map(fleet.device_code, at_rest))

    def look(_: Load) -> None:
        listening.ready()
        time.sleep(BEFORE_S)
        with stage.database_stopped():
            until_s = time.monotonic() + AWAY_S
            alarms = Load(ALARMS_PER_S, ALARMS, now_us() + LEAD_US, connections=2, alarm=True, chosen=at_rest)
            sent.append(alarms)
            with Child(publish, stage.device_mqtt_url, alarms) as alarming:
                shown.extend(listening.answer(AWAY_S + START_S_MAX))
                alarming.answer(START_S_MAX)
            time.sleep(max(0.0, until_s - time.monotonic()))

    with (
        stage.service() as service,
        Child(listen, service.origin, stage.password, codes, SECONDS + START_S_MAX) as listening,
    ):
        trial = stage.trial(MESSAGES_PER_S, SECONDS, look)
        with stage.database() as connection:
            row = connection.execute(_DOUBLED, (sent[0].start_us,)).fetchone()
    return [
        Figure("outage.seconds", AWAY_S, "s"),
        Figure("outage.messages_lost", trial.load.count - trial.stored, "messages"),
        Figure("outage.stored_s_after_due", trial.backlog_s, "s"),
        Figure("outage.alerts_doubled", int(row[0]) if row else 0, "alerts"),
        *latency_figures("outage.publish_to_websocket_ms", latencies_ms(sent[0], dict(reversed(shown))), AWAY_MS_MAX),
    ]
