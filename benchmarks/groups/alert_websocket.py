"""From the publisher to the screen of whoever must act, beside a heavy load, and beside a disk that is busy as well."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks import disk, fleet, rows
from benchmarks.figures import Figure, latency_figures
from benchmarks.listener import listen
from benchmarks.load import Load
from benchmarks.publisher import publish
from benchmarks.stage import START_S_MAX, BenchFailed, Child, Stage

MESSAGES_PER_S: Final = 5000
SECONDS: Final = 16
ALARMS_PER_S: Final = 20
SETTLE_S: Final = 1  # the load runs alone before the first alarm
WAIT_S_MAX: Final = 20.0
P99_MS_MAX: Final = 60.0


def run(stage: Stage) -> list[Figure]:
    """Alarms go out beside 5,000 ordinary messages a second; then once more, while others write to the same disk."""
    calm_ms = _alarms_ms(stage)
    with _busy_disk(stage):
        busy_ms = _alarms_ms(stage)
    return [
        *latency_figures("alert.publish_to_websocket_ms", calm_ms, P99_MS_MAX),
        *latency_figures("alert.busy_disk_websocket_ms", busy_ms),
    ]


@contextmanager
def _busy_disk(stage: Stage) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    seconds_max = 2 * START_S_MAX + SECONDS + WAIT_S_MAX
    writing = context.Process(target=disk.write, args=(stage.folder, seconds_max), daemon=True)
    writing.start()
    try:
        yield
    finally:
        writing.terminate()
        writing.join()
        (stage.folder / disk.FILE).unlink(missing_ok=True)


def _alarms_ms(stage: Stage) -> list[float]:
    """How long each alarm took. Raises BenchFailed when one was not shown, or a message not stored."""
    websocket_ms: list[float] = []
    count = ALARMS_PER_S * (SECONDS - SETTLE_S)
    with stage.database() as connection:
        at_rest = rows.devices_at_rest(connection, count)
    codes = frozenset(map(fleet.device_code, at_rest))

    def look(load: Load) -> None:
        start_us = load.start_us + SETTLE_S * 1_000_000
        alarms = Load(ALARMS_PER_S, count, start_us, connections=2, alarm=True, chosen=at_rest)
        with Child(publish, stage.device_mqtt_url, alarms) as alarming:
            arrivals = listening.answer(SECONDS + WAIT_S_MAX + START_S_MAX)
            alarming.answer(START_S_MAX)
        # A device closes its contact once, so its code tells which message raised the alert.
        due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(count)}
        websocket_ms.extend((received_us - due_us[code]) / 1000 for code, received_us in arrivals if code in due_us)
        if sorted(code for code, _ in arrivals) != sorted(due_us):
            raise BenchFailed(f"{len(websocket_ms)} of {count} alarms were shown, {len(arrivals)} were raised")

    with (
        stage.service() as service,
        Child(listen, service.origin, stage.password, codes, SECONDS + WAIT_S_MAX) as listening,
    ):
        listening.ready()
        trial = stage.trial(MESSAGES_PER_S, SECONDS, look)
    if trial.stored != trial.load.count:
        raise BenchFailed(f"{trial.load.count - trial.stored} background messages were not stored")
    return websocket_ms
