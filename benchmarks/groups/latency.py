"""From the publisher to a row, and to the screen of whoever must act, beside a steady load."""

from typing import Final

from benchmarks import fleet, rows
from benchmarks.figures import Figure, latency_figures
from benchmarks.listener import listen
from benchmarks.load import Load
from benchmarks.publisher import publish
from benchmarks.stage import START_S_MAX, BenchFailed, Child, Stage

BACKGROUND_PER_S: Final = 1000
SECONDS: Final = 20.0
PROBES_PER_S: Final = 48
ALARMS_PER_S: Final = 20
SETTLE_S: Final = 1.0  # the background runs alone before the first alarm
WAIT_S_MAX: Final = 20.0


def run(stage: Stage) -> list[Figure]:
    """Alarms and probes go out beside 1,000 ordinary messages a second."""
    row_ms: list[float] = []
    websocket_ms: list[float] = []

    def look(load: Load) -> None:
        start_us, seconds = load.start_us + int(SETTLE_S * 1e6), SECONDS - SETTLE_S
        probes = Load(
            PROBES_PER_S, round(PROBES_PER_S * seconds), start_us, fleet.LOADED_COUNT, fleet.PROBE_COUNT, connections=2
        )
        alarms = Load(ALARMS_PER_S, alarm_count, start_us, connections=2, alarm=True, chosen=at_rest)
        with (
            Child(publish, stage.device_mqtt_url, probes) as probing,
            Child(publish, stage.device_mqtt_url, alarms) as alarming,
            stage.database() as connection,
        ):
            row_ms.extend(rows.latencies_ms(connection, probes, stage.points, WAIT_S_MAX))
            arrivals = listening.answer(START_S_MAX)
            probing.answer(START_S_MAX)
            alarming.answer(START_S_MAX)
        # A device closes its contact once, so its code tells which message raised the alert.
        due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(alarms.count)}
        websocket_ms.extend((received_us - due_us[code]) / 1000 for code, received_us in arrivals)
        if sorted(code for code, _ in arrivals) != sorted(due_us) or len(row_ms) != probes.count:
            raise BenchFailed(
                f"{len(arrivals)} of {alarms.count} alarms were shown, {len(row_ms)} of {probes.count} probes are rows"
            )

    alarm_count = round(ALARMS_PER_S * (SECONDS - SETTLE_S))
    with stage.database() as connection:
        at_rest = rows.devices_at_rest(connection, alarm_count)
    codes = frozenset(map(fleet.device_code, at_rest))
    with (
        stage.service() as service,
        Child(listen, service.origin, stage.password, codes, SECONDS + WAIT_S_MAX) as listening,
    ):
        listening.ready()
        trial = stage.trial(BACKGROUND_PER_S, SECONDS, look)
    if trial.stored != trial.load.count:
        raise BenchFailed(f"{trial.load.count - trial.stored} background messages were not stored")
    return [
        *latency_figures("latency.publish_to_row_ms", row_ms),
        *latency_figures("latency.publish_to_websocket_ms", websocket_ms),
    ]
