"""From the publisher to the phone: an alarm becomes a webhook's message, beside a heavy load."""

from typing import Final

from benchmarks import fleet, webhook
from benchmarks.figures import Figure, latency_figures
from benchmarks.load import Load
from benchmarks.publisher import publish
from benchmarks.stage import ROLES, START_S_MAX, BenchFailed, Child, Stage

BACKGROUND_PER_S: Final = 5000
SECONDS: Final = 14.0
ALARMS_PER_S: Final = 20
SETTLE_S: Final = 2.0  # the background runs alone before the first alarm
WAIT_S_MAX: Final = 20.0
# One institution after the other, so that nobody is told of two alarms in the same room at once; devices whose alarms
# no other group raises.
DEVICE_FIRST: Final = 400
STRIDE: Final = 101
WEBHOOK_MS_MAX: Final = 300.0  # what issue 3 promises


def run(stage: Stage) -> list[Figure]:
    """Alarms go out beside 5,000 ordinary messages a second."""
    latencies: list[float] = []

    def look(load: Load) -> None:
        start_us, seconds = load.start_us + int(SETTLE_S * 1e6), SECONDS - SETTLE_S
        alarms = Load(
            ALARMS_PER_S, round(ALARMS_PER_S * seconds), start_us, DEVICE_FIRST, fleet.LOADED_COUNT - DEVICE_FIRST,
            connections=2, alarm=True, stride=STRIDE,
        )  # fmt: skip
        with Child(publish, stage.device_mqtt_url, alarms) as alarming:
            arrivals = receiving.answer(SECONDS + WAIT_S_MAX + START_S_MAX)
            alarming.answer(START_S_MAX)
        due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(alarms.count)}
        told = {code: at_us for code, at_us, _ in arrivals if code in due_us}
        if len(told) != alarms.count:
            raise BenchFailed(f"{len(told)} of {alarms.count} alarms reached the webhook")
        latencies.extend((at_us - due_us[code]) / 1000 for code, at_us in told.items())

    count = round(ALARMS_PER_S * (SECONDS - SETTLE_S))
    with Child(webhook.receive, count, SECONDS + WAIT_S_MAX + START_S_MAX, r"dev-\d{4}") as receiving:
        with stage.database() as connection, connection.transaction():
            webhook.people(connection, receiving.answer(START_S_MAX))
        with stage.service((*ROLES, "notifier"), {"ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "true"}):
            stage.trial(BACKGROUND_PER_S, SECONDS, look)
    figures = latency_figures("alert.publish_to_webhook_ms", latencies)
    return [figures[0], Figure(figures[1].name, figures[1].value, "ms", WEBHOOK_MS_MAX)]
