"""From the publisher to the phone: an alarm becomes a webhook's message, beside a heavy load; and to phone and screen
while the database is stopped."""

from typing import Final

from benchmarks import fleet, webhook
from benchmarks.figures import Figure, latency_figures, percentile
from benchmarks.listener import listen
from benchmarks.load import Load
from benchmarks.publisher import publish
from benchmarks.stage import LEAD_US, ROLES, START_S_MAX, BenchFailed, Child, Service, Stage, now_us

BACKGROUND_PER_S: Final = 5000
SECONDS: Final = 14.0
ALARMS_PER_S: Final = 20
SETTLE_S: Final = 2.0  # the background runs alone before the first alarm
AWAY_SECONDS: Final = 8.0
WAIT_S_MAX: Final = 20.0
COUNT: Final = round(ALARMS_PER_S * (SECONDS - SETTLE_S))
AWAY_COUNT: Final = round(ALARMS_PER_S * AWAY_SECONDS)
# Devices whose alarms no other group raises: half of them for each part.
DEVICE_FIRST: Final = 400
DEVICE_COUNT: Final = (fleet.LOADED_COUNT - DEVICE_FIRST) // 2
STRIDE: Final = 101  # one institution after the other, so that hardly anybody is told of the same room twice at once
WEBHOOK_MS_MAX: Final = 300.0  # what issue 3 promises
AWAY_MS_MAX: Final = 1000.0
DEVICE: Final = r"dev-\d{4}"


def run(stage: Stage) -> list[Figure]:
    """Alarms go out beside 5,000 ordinary messages a second, with the database and then without."""
    seconds_max = 2 * (SECONDS + WAIT_S_MAX + START_S_MAX)
    with Child(webhook.receive, COUNT + AWAY_COUNT, seconds_max, DEVICE) as receiving:
        with stage.database() as connection, connection.transaction():
            webhook.people(connection, receiving.answer(START_S_MAX))
        with stage.service((*ROLES, "notifier"), webhook.SETTINGS) as service:
            served = _beside_the_load(stage)
            away, shown_ms = _without_the_database(stage, service)
            arrivals: list[tuple[str, int, int]] = receiving.answer(seconds_max)
    told_us = {code: at_us for code, at_us, _ in arrivals}
    p50, p99 = latency_figures("alert.publish_to_webhook_ms", latencies_ms(served, told_us))
    told_ms = latencies_ms(away, told_us)
    worst = max(percentile(told_ms, 99), percentile(shown_ms, 99))
    return [
        p50,
        Figure(p99.name, p99.value, p99.unit, WEBHOOK_MS_MAX),
        *latency_figures("alert.database_down_webhook_ms", told_ms),
        *latency_figures("alert.database_down_websocket_ms", shown_ms),
        Figure("alert.database_down_ms.p99", worst, "ms", AWAY_MS_MAX),
    ]


def alarms(start_us: int, device_first: int, count: int) -> Load:
    """`count` alarms from one half of the devices."""
    return Load(ALARMS_PER_S, count, start_us, device_first, DEVICE_COUNT, connections=2, alarm=True, stride=STRIDE)


def _beside_the_load(stage: Stage) -> Load:
    """The alarms that went out."""
    sent: list[Load] = []

    def look(load: Load) -> None:
        sent.append(alarms(load.start_us + int(SETTLE_S * 1e6), DEVICE_FIRST, COUNT))
        with Child(publish, stage.device_mqtt_url, sent[0]) as alarming:
            alarming.answer(SECONDS + START_S_MAX)

    stage.trial(BACKGROUND_PER_S, SECONDS, look)
    return sent[0]


def _without_the_database(stage: Stage, service: Service) -> tuple[Load, list[float]]:
    """The alarms that went out while the database was stopped, and how long each took to a page."""
    sent: list[Load] = []
    shown: list[tuple[str, int]] = []

    def look(_: Load) -> None:
        codes = alarms(0, DEVICE_FIRST + DEVICE_COUNT, AWAY_COUNT).codes
        with Child(listen, service.origin, stage.password, codes, SECONDS + WAIT_S_MAX) as listening:
            listening.ready()
            with stage.database_stopped():
                sent.append(alarms(now_us() + LEAD_US, DEVICE_FIRST + DEVICE_COUNT, AWAY_COUNT))
                with Child(publish, stage.device_mqtt_url, sent[0]) as alarming:
                    shown.extend(listening.answer(SECONDS + WAIT_S_MAX + START_S_MAX))
                    alarming.answer(START_S_MAX)

    stage.trial(BACKGROUND_PER_S, SECONDS, look)
    return sent[0], latencies_ms(sent[0], dict(reversed(shown)))


def latencies_ms(alarms: Load, arrived_us: dict[str, int]) -> list[float]:
    """From when each was due. A device closes its contact once, so its code tells which message it was. Raises
    BenchFailed when one did not arrive."""
    due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(alarms.count)}
    if missing := due_us.keys() - arrived_us.keys():
        raise BenchFailed(f"{len(missing)} of {alarms.count} alarms did not arrive")
    return [(arrived_us[code] - at_us) / 1000 for code, at_us in due_us.items()]
