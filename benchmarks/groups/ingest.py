"""Broker to table: the highest rate the service keeps up with, beside a bare subscriber and a bare pipe."""

from typing import Final

from benchmarks import fleet, rows
from benchmarks.figures import Figure, latency_figures
from benchmarks.limits import drain, pipe
from benchmarks.load import Load, Trial, best, search
from benchmarks.publisher import publish
from benchmarks.stage import LEAD_US, ROLES, START_S_MAX, BenchFailed, Child, Service, Stage, now_us, until
from benchmarks.usage import Meter, Usage

DRAIN_RATE_PER_S: Final = 50_000  # more than a subscriber in Python can take
DRAIN_SECONDS: Final = 2.0
DRAIN_TRIES: Final = 2
TRIAL_SECONDS: Final = 4.0
TRIES_MAX: Final = 7
STEADY_SHARE: Final = 0.7  # of the highest rate: where latency, CPU and memory are looked at
STEADY_SECONDS: Final = 8.0
PROBES_PER_S: Final = 48
DRAINED_S_MAX: Final = 30.0
MEMORY_MIB_MAX: Final = 1024.0


def run(stage: Stage) -> list[Figure]:
    """The raw limits first, while no service listens, then the service."""
    drained = max(_drained_per_s(stage) for _ in range(DRAIN_TRIES))
    stage.say(f"a bare subscriber takes {drained:,.0f} messages/s")
    with Child(pipe, stage.mqtt_url, stage.database_url, stage.points) as piping:
        piping.ready()
        stage.say("a bare pipe:")
        _, piped, pipe_cpu_us = _highest(stage, 0.8 * drained, piping.process_id)
        piping.tell("enough")
    with stage.service((*ROLES, "watch")) as service:  # which rolls up what is stored
        stage.say("the service:")
        trials, highest, cpu_us = _highest(stage, 0.85 * piped, service.roots["pipeline"])
        steady, steady_figures = _steady(stage, service, STEADY_SHARE * highest)
        lost = _lost(stage, [*trials, steady])
    readings = len(fleet.QUIET)
    return [
        Figure("limit.paho_drain_per_s", drained, "messages/s"),
        Figure("limit.pipe_messages_per_s", piped, "messages/s", drained),
        Figure("ingest.messages_per_s", highest, "messages/s", piped),
        Figure("ingest.readings_per_s", highest * readings, "readings/s", piped * readings),
        Figure("ingest.cpu_us_per_message", cpu_us, "µs", pipe_cpu_us),
        *steady_figures,
        Figure("loss.messages", lost, "messages"),
    ]


def _highest(stage: Stage, first_per_s: float, process_id: int) -> tuple[list[Trial], float, float]:
    """The trials, the highest rate that was kept up with, and µs of CPU time of the one process per message.

    The last is the steadier figure on a machine with neighbours.
    """
    meter = Meter({"intake": process_id})
    trials = search(lambda rate: stage.trial(rate, TRIAL_SECONDS), first_per_s, tries_max=TRIES_MAX)
    cpu_s, highest = meter.read()["intake"].cpu_s, best(trials)
    if not highest:
        raise BenchFailed("no rate was kept up with; is the machine busy with something else?")
    return trials, highest, cpu_s / sum(each.stored for each in trials) * 1e6


def _drained_per_s(stage: Stage) -> float:
    """What a bare subscriber takes while more than that is published."""
    count = round(DRAIN_RATE_PER_S * DRAIN_SECONDS)
    with Child(drain, stage.mqtt_url, count) as draining:
        draining.ready()
        load = Load(DRAIN_RATE_PER_S, count, now_us() + LEAD_US)
        with Child(publish, stage.device_mqtt_url, load) as sending:
            sending.answer(START_S_MAX)
        taken, seconds = draining.answer(START_S_MAX)
    if taken != count:
        raise BenchFailed(f"the bare subscriber got {taken} of {count} messages")
    return float(taken / seconds)


def _steady(stage: Stage, service: Service, rate_per_s: float) -> tuple[Trial, list[Figure]]:
    """Latency, CPU and memory at a rate well below the highest."""
    latencies: list[float] = []
    usage: dict[str, Usage] = {}

    def look(load: Load) -> None:
        probes = Load(
            PROBES_PER_S, round(PROBES_PER_S * STEADY_SECONDS), load.start_us, fleet.LOADED_COUNT, fleet.PROBE_COUNT, 2
        )
        with Child(publish, stage.device_mqtt_url, probes) as probing, stage.database() as connection:
            meter = Meter(service.roots)
            latencies.extend(rows.latencies_ms(connection, probes, stage.points, DRAINED_S_MAX))
            usage.update(meter.read())
            probing.answer(START_S_MAX)
        if len(latencies) != probes.count:
            raise BenchFailed(f"{probes.count - len(latencies)} of {probes.count} probes never became rows")

    trial = stage.trial(rate_per_s, STEADY_SECONDS, look)
    figures = [Figure("ingest.steady_messages_per_s", rate_per_s, "messages/s")]
    figures += latency_figures("ingest.steady_publish_to_row_ms", latencies)
    figures.append(Figure("cpu.neighbours_percent", trial.neighbours_percent, "% of a core"))
    for name, each in usage.items():
        figures.append(Figure(f"cpu.{name}_percent", each.cpu_percent, "% of a core"))
        figures.append(Figure(f"memory.{name}_mib", each.pss_mib, "MiB"))
    total_mib = sum(each.pss_mib for each in usage.values())
    return trial, [*figures, Figure("memory.service_mib", total_mib, "MiB", MEMORY_MIB_MAX)]


def _lost(stage: Stage, trials: list[Trial]) -> int:
    """How many messages of `trials` are not stored, after all that wait have been."""
    with stage.database() as connection:

        def missing() -> int:
            return sum(each.load.count - rows.messages_stored(connection, each.load, stage.points) for each in trials)

        if missing():
            until(lambda: missing() == 0, DRAINED_S_MAX, "the last messages to be stored")
        return missing()
