"""The measurements, the same for every contender: rates, latencies, what it takes, and what faults cost."""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from benchmarks import fleet, rows
from benchmarks.figures import percentile
from benchmarks.load import Load, Trial, best, search
from benchmarks.peers import traffic
from benchmarks.peers.contender import Contender, Counted, Running
from benchmarks.peers.sender import CONFIRMED_S_MAX, send
from benchmarks.publisher import Sent, publish
from benchmarks.stage import LEAD_US, START_S_MAX, BenchFailed, Child, Stage, now_us, stage, until
from benchmarks.usage import Meter
from ingest.database import Connection

COMMON_PER_S: Final = 300  # a rate that all keep up with
PROBES_PER_S: Final = 20
ALARMS_PER_S: Final = 10
BACKLOG_S_MAX: Final = 2.0  # for all alike; one of them commits once a second
DRAIN_S_MAX: Final = 15.0
SETTLED_S: Final = 4.0
SETTLE_S_MAX: Final = 60.0
FAULT_PER_S: Final = 200
AWAY_S: Final = 10.0
DATABASE_AWAY_S: Final = 30.0
FAULTS: Final = ("kill", "broker", "database", "repeated")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long is measured."""

    trial_s: float = 8.0
    tries_max: int = 7
    latency_s: float = 12.0
    fault_s: Mapping[str, float] = field(
        default_factory=lambda: {"kill": 30.0, "broker": 25.0, "database": 50.0, "repeated": 25.0}
    )


QUICK: Final = Effort(
    trial_s=4.0, tries_max=3, latency_s=6.0, fault_s={"kill": 26.0, "broker": 20.0, "database": 45.0, "repeated": 20.0}
)


def measure(contender: Contender, effort: Effort, say: Say) -> dict[str, Any]:
    """Every figure of one contender, as it goes into the file. Servers of its own, fresh for each fault."""
    found: dict[str, Any] = {"title": contender.title, "settings": contender.settings}
    with stage(say) as ready, contender.running(ready) as running:
        _warm(ready, contender, running)
        found["version"], found["websocket"] = contender.version(), running.listen is not None
        found |= _rates(ready, contender, running, effort)
        half_per_s = found["best_per_s"] / 2
        found["common"] = _latencies(ready, contender, running, COMMON_PER_S, effort, 0)
        found["half"] = _latencies(ready, contender, running, max(half_per_s, 1), effort, 1)
    found["memory_mib"] = max(found["memory_mib"], found["half"]["memory_mib"])
    found["faults"] = {}
    for fault in FAULTS:
        with stage(lambda _: None) as ready, contender.running(ready) as running:
            _warm(ready, contender, running)
            found["faults"][fault] = _fault(ready, contender, running, fault, effort)
            say(f"  {contender.title}, {fault}: {found['faults'][fault]}")
    return found


def _rates(ready: Stage, contender: Contender, running: Running, effort: Effort) -> dict[str, Any]:
    """The highest rate that is kept up with, and all that were tried."""
    with ready.database() as connection:
        trials = search(
            lambda rate: _trial(ready, contender, running, connection, rate, effort.trial_s),
            contender.first_per_s,
            tries_max=effort.tries_max,
        )
        _clear(contender, running, connection)
    peak_mib = _memory_mib(running)
    each = contender.messages_each()
    return {
        "best_per_s": math.floor(best(trials) / each),
        "ladder": [
            {
                "per_s": round(one.load.rate_per_s / each),
                "stored": one.stored,
                "sent": one.load.count,
                "kept_up": one.sustained,
            }
            for one in trials
        ],
        "memory_mib": round(peak_mib),
    }


def _warm(ready: Stage, contender: Contender, running: Running) -> None:
    """Wait until what is published becomes a row: a contender may be up before the broker knows what it wants."""
    with ready.database() as connection:
        deadline_s = time.monotonic() + START_S_MAX
        while not _count(contender, running, connection).distinct:
            if time.monotonic() > deadline_s:
                raise BenchFailed(f"{contender.title} stores nothing")
            each = contender.messages_each()
            with Child(publish, ready.device_mqtt_url, contender.load(50, 10 * each, now_us() + LEAD_US)) as sending:
                sending.answer(START_S_MAX)
        time.sleep(1)
        _clear(contender, running, connection)


def _count(contender: Contender, running: Running, connection: Connection) -> Counted:
    running.flush()
    return contender.count(connection)


def _clear(contender: Contender, running: Running, connection: Connection) -> None:
    running.flush()
    contender.clear(connection)


def _trial(
    ready: Stage, contender: Contender, running: Running, connection: Connection, rate_per_s: float, seconds: float
) -> Trial:
    """Offer `rate_per_s` messages and wait until all is stored, or DRAIN_S_MAX have passed."""
    _clear(contender, running, connection)
    load = contender.load(rate_per_s, round(rate_per_s * seconds), now_us() + LEAD_US)
    with Child(publish, ready.device_mqtt_url, load) as sending:
        sent: Sent = sending.answer(seconds + START_S_MAX)
    if sent.acknowledged != load.count:
        raise BenchFailed(f"the broker acknowledged {sent.acknowledged} of {load.count} messages")
    wanted = _readings(load)
    deadline_us = load.last_us + int(DRAIN_S_MAX * 1e6)
    while True:
        stored, at_us = _count(contender, running, connection).distinct, now_us()
        if stored >= wanted or at_us > deadline_us:
            break
        time.sleep(0.1)
    done = Trial(load, stored * load.count // wanted, at_us, backlog_s_max=BACKLOG_S_MAX)
    ready.say(
        f"  {contender.title}: {rate_per_s:,.0f} /s for {seconds:g} s: {stored:,} of {wanted:,} rows,"
        f" the last {done.backlog_s:.1f} s after it was due"
    )
    if stored < wanted:
        _settle(contender, running, connection)
    return done


def _readings(load: Load) -> int:
    """How many rows the load makes."""
    return load.count * load.values_each


def _settle(contender: Contender, running: Running, connection: Connection) -> None:
    """Wait until no more rows come, lest a backlog weighs on what follows."""
    before, since_s, began_s = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - began_s < SETTLE_S_MAX:
        count = sum(_count(contender, running, connection))
        if count != before:
            before, since_s = count, time.monotonic()
        if time.monotonic() - since_s > SETTLED_S:
            return
        time.sleep(0.5)


def _latencies(
    ready: Stage, contender: Contender, running: Running, rate_per_s: float, effort: Effort, turn: int
) -> dict[str, Any]:
    """Publish → row and publish → websocket beside `rate_per_s`, and what everything takes meanwhile."""
    count = round(ALARMS_PER_S * (effort.latency_s - 2))
    calling = tuple(traffic.alarm_device(number) + 5 * (1 + turn) for number in range(count))
    probing_devices = tuple(range(fleet.LOADED_COUNT, fleet.DEVICE_COUNT))
    codes = frozenset(map(fleet.device_code, calling))
    start_us = now_us() + 2 * LEAD_US
    each = contender.messages_each()
    load = contender.load(rate_per_s * each, round(rate_per_s * each * effort.latency_s), start_us)
    later_us = start_us + LEAD_US
    probes = contender.probes(PROBES_PER_S, round(PROBES_PER_S * (effort.latency_s - 2)), later_us, probing_devices)
    alarms = contender.alarms(ALARMS_PER_S, count, later_us, calling)
    meter = Meter({**running.roots, "postgres": _server(ready, "postgres"), "mosquitto": _server(ready, "mosquitto")})
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(running.listen(codes, effort.latency_s + 10)) if running.listen else None
        if listening is not None:
            listening.ready()
        children = [stack.enter_context(Child(publish, ready.device_mqtt_url, one)) for one in (load, probes, alarms)]
        with ready.database() as connection:
            row_ms = rows.arrivals_ms(
                probes, lambda numbers: contender.seen(ready, connection, probes, numbers), DRAIN_S_MAX
            )
        for child in children:
            child.answer(effort.latency_s + START_S_MAX)
        shown = None if listening is None else listening.answer(effort.latency_s + START_S_MAX)
    used = meter.read()
    millions = load.count / each / 1e6
    mine = sum(used[name].cpu_s for name in running.roots)
    return {
        "per_s": round(rate_per_s),
        "row_p99_ms": _p99(row_ms, probes.count),
        "websocket_p99_ms": None if shown is None else _p99(_shown_ms(alarms, dict(shown)), alarms.count),
        "cpu_s_per_million": round(mine / millions),
        "cpu_s_per_million_with_servers": round(sum(each.cpu_s for each in used.values()) / millions),
        "memory_mib": round(sum(used[name].pss_mib for name in running.roots)),
    }


def _shown_ms(alarms: Load, arrived_us: Mapping[str, int]) -> list[float]:
    due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(alarms.count)}
    return [(arrived_us[code] - at_us) / 1000 for code, at_us in due_us.items() if code in arrived_us]


def _p99(values_ms: list[float], wanted: int) -> float | None:
    """None where one of a hundred or more did not arrive at all."""
    if len(values_ms) < 0.99 * wanted:
        return None
    return round(percentile(values_ms, 99), 1)


def _fault(ready: Stage, contender: Contender, running: Running, fault: str, effort: Effort) -> dict[str, int]:
    """One fault in the middle of steady traffic; afterwards everything is counted against what was sent."""
    seconds = effort.fault_s[fault]
    made = traffic.make(now_us() + 3 * LEAD_US, seconds, FAULT_PER_S, contender.form, repeated=fault == "repeated")
    with Child(send, ready.device_mqtt_url, made.posts) as sending:
        time.sleep(3 + seconds / 4)
        if fault == "kill":
            running.kill(AWAY_S)
        elif fault == "broker":
            _restart_broker(ready)
        elif fault == "database":
            with ready.database_stopped():
                time.sleep(DATABASE_AWAY_S)
        unconfirmed: int = sending.answer(seconds + traffic.AGAIN_S + START_S_MAX + CONFIRMED_S_MAX)
    if unconfirmed:
        raise BenchFailed(f"the broker did not confirm {unconfirmed} messages")
    with ready.database() as connection:
        _settle(contender, running, connection)
        counted, alerts = _count(contender, running, connection), running.alerts(connection)
    return {
        "rows_sent": made.readings,
        "rows_lost": made.readings - counted.distinct,
        "rows_doubled": counted.doubled,
        "alerts_sent": len(made.alarms),
        "alerts_lost": sum(not alerts[code] for code in made.alarms),
        "alerts_doubled": sum(max(0, alerts[code] - 1) for code in made.alarms),
    }


def _restart_broker(ready: Stage) -> None:
    """Ended in order, and started again by who keeps it."""
    before = psutil.Process(_server(ready, "mosquitto"))
    before.send_signal(signal.SIGTERM)
    until(lambda: not before.is_running() or before.status() == psutil.STATUS_ZOMBIE, START_S_MAX, "the broker's end")
    until(lambda: _found(ready, "mosquitto"), START_S_MAX, "the broker to be back")


def _found(ready: Stage, name: str) -> bool:
    with contextlib.suppress(KeyError, StopIteration, psutil.NoSuchProcess, IndexError):
        return psutil.Process(_server(ready, name)).status() != psutil.STATUS_ZOMBIE
    return False


def _server(ready: Stage, name: str) -> int:
    return ready.servers()[name]


def _memory_mib(running: Running) -> float:
    return sum(each.pss_mib for each in Meter(running.roots).read().values())
