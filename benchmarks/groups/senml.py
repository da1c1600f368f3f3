"""Broker to table in packs: the most readings a second that the service keeps up with when gateways send 50 at once."""

from typing import Final

from benchmarks.figures import Figure
from benchmarks.load import Trial, best, search
from benchmarks.packs import READINGS, packs
from benchmarks.publisher import Sent, publish
from benchmarks.rows import readings_stored
from benchmarks.stage import DRAIN_S_MAX, LEAD_US, START_S_MAX, BenchFailed, Child, Stage, now_us
from benchmarks.usage import Neighbours

READINGS_PER_S_WANTED: Final = 150_000
FIRST_PER_S: Final = READINGS_PER_S_WANTED / READINGS
SECONDS: Final = 4.0
TRIES_MAX: Final = 7


def run(stage: Stage) -> list[Figure]:
    """Rates are tried until the highest is found; nothing of any trial may be missing."""
    with stage.service():
        trials = search(lambda rate: _trial(stage, rate), FIRST_PER_S, tries_max=TRIES_MAX)
    lost = sum(each.load.count - each.stored for each in trials)
    return [
        Figure("ingest.senml_readings_per_s", best(trials) * READINGS, "readings/s", READINGS_PER_S_WANTED),
        Figure("loss.senml_packs", lost, "packs"),
    ]


def _trial(stage: Stage, rate_per_s: float) -> Trial:
    """Offer `rate_per_s` packs and wait until all is stored, or DRAIN_S_MAX have passed since the end."""
    load = packs(rate_per_s, round(rate_per_s * SECONDS), now_us() + LEAD_US)
    neighbours = Neighbours()
    with Child(publish, stage.device_mqtt_url, load) as sending, stage.database() as connection:
        sent: Sent = sending.answer(SECONDS + START_S_MAX)
        if sent.acknowledged != load.count:
            raise BenchFailed(f"the broker acknowledged {sent.acknowledged} of {load.count} packs")
        stored, stored_us = readings_stored(connection, load, load.count * READINGS, DRAIN_S_MAX)
    trial = Trial(load, stored // READINGS, stored_us, *neighbours.read())
    stage.say(
        f"  {rate_per_s * READINGS:9,.0f} readings/s for {SECONDS:g} s: {stored:,} of {load.count * READINGS:,} stored,"
        f" the last {trial.backlog_s:.2f} s after it was due (publisher at most {sent.late_ms_max:.0f} ms late; of a"
        f" core, others took {trial.neighbours_percent:.0f} %, {max(0.0, trial.idle_percent):.0f} % was idle)"
    )
    return trial
