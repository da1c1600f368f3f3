"""A province on this machine for half an hour: 150,000 devices in 1,500 institutions, every role, a hundred open pages
and everybody's phone, beside 5,000 messages a second. Only when asked for (ANHU_BENCH_PROVINCE_MINUTES: shorter).
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Final

from anhu.roles import LOCAL
from benchmarks import webhook
from benchmarks.figures import Figure, latency_figures, percentile
from benchmarks.large_fleet import DEVICES_EACH, device_code, draft, topic
from benchmarks.listener import sign_in
from benchmarks.load import Load
from benchmarks.publisher import Sent, publish
from benchmarks.rows import readings_stored
from benchmarks.stage import DRAIN_S_MAX, LEAD_US, START_S_MAX, BenchFailed, Child, Service, Stage, now_us
from benchmarks.stage import stage as servers
from benchmarks.usage import Meter, Neighbours, Usage
from benchmarks.websocket_clients import Heard, listen

INSTITUTIONS: Final = 1500
DEVICES: Final = INSTITUTIONS * DEVICES_EACH
MESSAGES_PER_S: Final = 5000
REPORT_INTERVAL_S: Final = DEVICES // MESSAGES_PER_S  # every device says something in each
PAGES: Final = 100
ALARMS_PER_S: Final = 0.5  # a fire every other second, each in another institution
FIRST_ALARM_S: Final = 40.0  # by then every device has reported once
SAMPLE_S: Final = 30.0
MINUTES: Final = 30.0
WAIT_S_MAX: Final = 60.0
DEVICE: Final = r"dev-\d{6}"
DUE: Final = frozenset({"fire", "unanswered"})  # nobody answers here, and that is an alert in time
ALERT_MS_MAX: Final = 250.0
DATABASE_SETTINGS: Final = "shared_buffers = 1GB\nmax_wal_size = 8GB\n"  # docs/sizing.md, of a machine with 4 GB
GROWTH_MAX: Final = 1.05  # of memory, from the middle to the end


def run(stage: Stage) -> list[Figure]:
    """On servers of its own: the other groups' registry stays as it is."""
    minutes = float(os.environ.get("ANHU_BENCH_PROVINCE_MINUTES", MINUTES))
    seconds = 60 * minutes
    alarm_count = 2 * round(ALARMS_PER_S * (seconds - FIRST_ALARM_S) / 2)
    if not 2 <= alarm_count <= INSTITUTIONS:
        raise BenchFailed("a province is measured for 1 to 50 minutes")
    stage.say(f"  registering {DEVICES:,} devices")
    with (
        servers(stage.say, partial(draft, INSTITUTIONS, REPORT_INTERVAL_S), DATABASE_SETTINGS) as own,
        Child(webhook.receive, alarm_count, seconds + START_S_MAX + WAIT_S_MAX, DEVICE) as phones,
    ):
        with own.database() as connection, connection.transaction():
            webhook.people(connection, phones.answer(START_S_MAX))
        with own.database() as connection:
            connection.execute("ANALYZE")
        with own.service(LOCAL.split(","), webhook.SETTINGS) as service:
            return _beside(own, service, phones, seconds, alarm_count)


def _beside(own: Stage, service: Service, phones: Child, seconds: float, alarm_count: int) -> list[Figure]:
    """The load, the alarms, the pages, and what everything took."""
    cookie = sign_in(service.origin, own.password)
    with own.database() as connection:
        watched = [
            row[0] for row in connection.execute("SELECT min(id) FROM devices GROUP BY institution_id LIMIT 100")
        ]
    pages = Child(listen, service.origin, cookie, PAGES, alarm_count, seconds + WAIT_S_MAX, watched)
    with pages as listening:
        listening.ready()
        start_us = now_us() + 3 * LEAD_US  # 150,000 topics are made first
        load = Load(MESSAGES_PER_S, round(MESSAGES_PER_S * seconds), start_us, 0, DEVICES, topic_of=topic)
        calling = tuple(DEVICES_EACH * number + number % DEVICES_EACH for number in range(alarm_count))
        alarms = Load(
            ALARMS_PER_S, alarm_count, start_us + int(FIRST_ALARM_S * 1e6), connections=2, alarm=True, chosen=calling,
            topic_of=topic,
        )  # fmt: skip
        neighbours, meter = Neighbours(), Meter(service.roots)
        with (
            Child(publish, own.device_mqtt_url, load) as sending,
            Child(publish, own.device_mqtt_url, alarms) as alarming,
        ):
            samples = list(_memory(own, meter, load.last_us))
            sent: Sent = sending.answer(START_S_MAX)
            alarms_sent: Sent = alarming.answer(START_S_MAX)
        used = meter.read()
        others_percent, idle_percent = neighbours.read()
        wanted = load.count * len(load.quantities) + alarm_count
        with own.database() as connection:
            stored, stored_us = readings_stored(connection, load, wanted, DRAIN_S_MAX)
            kinds: dict[str, int] = dict(
                connection.execute("SELECT kind, count(*) FROM alerts GROUP BY kind").fetchall()
            )
            besides = connection.execute(
                "SELECT at, rule, evidence FROM alert_events WHERE verb = 'raise' AND NOT kind = ANY(%s) LIMIT 5",
                (list(DUE),),
            ).fetchall()
        heard: Heard = listening.answer(WAIT_S_MAX + START_S_MAX)
    told: list[tuple[str, int, int]] = phones.answer(WAIT_S_MAX + START_S_MAX)
    backlog_s = (stored_us - load.last_us) / 1e6
    own.say(
        f"  {load.count:,} messages: {stored:,} of {wanted:,} readings stored, the last {backlog_s:.1f} s after it was"
        f" due; alerts {kinds}; publisher at most {sent.late_ms_max:.0f} ms late;"
        f" {heard.readings_count:,} frames of watched devices; others took {others_percent:.0f} % of a core,"
        f" {idle_percent:.0f} % was idle"
    )
    for at, rule, evidence in besides:
        own.say(f"  an alert besides at {at:%H:%M:%S}: {rule} {evidence}")
    _say_in_tenths(own, heard.delay_ms)
    _say_usage(own, used, samples)
    if sent.acknowledged != load.count or alarms_sent.acknowledged != alarm_count:
        raise BenchFailed("the broker did not take every message")
    due_us = {device_code(number): alarms.due_us(position) for position, number in enumerate(calling)}
    told_ms = [(at_us - due_us[code]) / 1000 for code, at_us, _ in told if code in due_us]
    return [
        Figure("province.devices", DEVICES, "devices"),
        Figure("province.seconds", seconds, "s"),
        Figure("province.messages_per_s", MESSAGES_PER_S, "messages/s"),
        Figure("province.readings_lost", wanted - stored, "readings"),
        Figure("province.alerts_lost", alarm_count - int(kinds.get("fire", 0)), "alerts"),
        Figure("province.alerts_besides", sum(count for kind, count in kinds.items() if kind not in DUE), "alerts"),
        Figure("province.frames_missing", heard.missing_count, "frames"),
        Figure("province.phones_missing", alarm_count - len(told_ms), "messages"),
        *latency_figures("province.publish_to_page_ms", heard.delay_ms, ALERT_MS_MAX),
        *latency_figures("province.publish_to_phone_ms", told_ms),
        Figure("province.cpu_cores", sum(each.cpu_s / each.seconds for each in used.values()), "cores"),
        Figure("province.memory_mib", sum(each.pss_mib for each in used.values()), "MiB"),
        Figure("province.memory_growth", growth(samples), "end/middle", GROWTH_MAX),
    ]


def _memory(own: Stage, meter: Meter, last_us: int) -> Iterator[dict[str, float]]:
    """MiB of each process with its children, every SAMPLE_S until the last message is due."""
    while now_us() < last_us:
        time.sleep(min(SAMPLE_S, max(0.0, (last_us - now_us()) / 1e6)))
        used = meter.read()
        yield {name: each.pss_mib for name, each in used.items()}
        own.say(
            f"  {next(iter(used.values())).seconds:6.0f} s: "
            + ", ".join(f"{name} {each.pss_mib:,.0f} MiB" for name, each in used.items())
        )


def growth(samples: Sequence[Mapping[str, float]]) -> float:
    """Memory of all processes at the end over that in the middle: medians of the last fifth of the samples, and of the
    fifth about their middle.

    >>> growth([{"a": 1.0}] * 3 + [{"a": 2.0}] * 7)
    1.0
    >>> growth([{"a": float(each), "b": float(each)} for each in range(10, 20)])
    1.3
    """
    totals = [sum(each.values()) for each in samples]
    fifth = max(1, len(totals) // 5)
    middle = (len(totals) - fifth) // 2
    return round(median(totals[-fifth:]) / median(totals[middle : middle + fifth]), 3)


def _say_in_tenths(own: Stage, delay_ms: Sequence[float]) -> None:
    """Whether the way to the page was longer at some time: arrivals are in their order."""
    step = max(1, len(delay_ms) // 10)
    tenths = [delay_ms[at : at + step] for at in range(0, len(delay_ms), step)]
    told = ", ".join(f"{percentile(each, 99):,.0f}" for each in tenths)
    own.say(f"  p99 to the page, one tenth of the alarms after the other, ms: {told}")


def _say_usage(own: Stage, used: Mapping[str, Usage], samples: Sequence[Mapping[str, float]]) -> None:
    for name, each in used.items():
        first = samples[len(samples) // 2][name]
        last = each.pss_mib
        own.say(
            f"  {name:<12} {each.cpu_percent:5.1f} % of a core; {first:,.0f} MiB in the middle, {last:,.0f} at the end"
        )
