"""One variant on fresh servers: its highest rate, its latencies and what it costs, and the four faults."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import fleet, rows
from benchmarks.figures import percentile
from benchmarks.load import CONNECTIONS, Trial, best, search
from benchmarks.peers.gateway import send
from benchmarks.peers.messages import (
    ALARM_COUNT,
    ALARM_FIRST,
    QUIET_COUNT,
    Message,
    PeerLoad,
    alarm_seconds,
    fault_messages,
)
from benchmarks.peers.tally import Tally, tally
from benchmarks.peers.variants import PEER_TABLES, Peer, Variant
from benchmarks.publisher import Sent, publish
from benchmarks.stage import LEAD_US, START_S_MAX, BenchFailed, Child, Stage, now_us, stage
from benchmarks.usage import Meter
from ingest.mqtt import Address

TICK_S: Final = 0.5
WEIGH_S: Final = 2.0
TICK_DEVICE: Final = ALARM_FIRST + ALARM_COUNT  # its rows are counted nowhere
COMMON_PER_S: Final = 400
PROBES_PER_S: Final = 48
ALARMS_PER_S: Final = 16  # as many as the connections, so that each alarm's device has one of its own
FAULT_PER_S: Final = 400
FAULT_ALARMS_PER_S: Final = 4
PREPARE_US: Final = 5_000_000  # until several processes are ready, also on a busy machine
BACKLOG_S_MAX: Final = 2.0  # for all alike; one of them commits once a second
TRIAL_WAIT_S_MAX: Final = 15.0
CONFIRMS_MAX: Final = 4
CONFIRM_STEP: Final = 0.8
LATE_MS_MAX: Final = 500.0  # a publisher that is later than this has not offered the rate: not the peer's fault
LATE_TRIES: Final = 3
SETTLE_S_MAX: Final = 90.0
MARK_AGAIN_S: Final = 3.0
KILL_AWAY_S: Final = 10.0
BROKER_AWAY_S: Final = 3.0
STILL_S: Final = 8.0  # so long without a new row or alert, and nothing more is waited for
FAULT_WAIT_S_MAX: Final = 60.0
_FOUND: Final = (
    "SELECT devices.code, (extract(epoch FROM measured_at) * 1000000)::bigint, count(*) FROM readings"
    " JOIN points ON points.id = point_id JOIN devices ON devices.id = device_id"
    " WHERE measured_at >= timestamptz 'epoch' + %s::bigint * interval '1 us'"
    " AND measured_at <= timestamptz 'epoch' + %s::bigint * interval '1 us' AND devices.code = ANY(%s)"
    " GROUP BY devices.code, measured_at, point_id"
)


@dataclass(frozen=True)
class Lengths:
    """How long each part takes, in seconds."""

    trial_s: float
    tries_max: int
    confirm_s: float
    latency_s: float
    database_away_s: float
    after_s: float  # the load goes on so long after each fault


FULL: Final = Lengths(5.0, 6, 20.0, 8.0, 30.0, 5.0)
QUICK: Final = Lengths(2.0, 3, 4.0, 3.0, 8.0, 3.0)


def measure(variant: Variant, packages_dir: Path, lengths: Lengths, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of one variant, as JSON. Raises BenchFailed."""
    with stage(say) as ready:
        with ready.database() as connection:
            connection.execute(PEER_TABLES)
        peer = variant.make(ready, packages_dir)
        try:
            peer.start()
            with _ticking(ready, variant, peer):
                return _Run(ready, variant, peer, lengths).all()
        finally:
            peer.stop()


@contextmanager
def _ticking(ready: Stage, variant: Variant, peer: Peer) -> Iterator[None]:
    """A device more that reports twice a second all the time: collectd looks whether its commit interval is over only
    when the next value comes, so the last rows of a load would wait for the next load. The peer's memory is looked at
    beside."""
    broker = Address.parse(ready.device_mqtt_url)
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(broker.username, broker.password)
    client.connect(broker.host, broker.port)
    client.loop_start()
    over = threading.Event()

    def tick() -> None:
        weighed_s = 0.0
        while not over.wait(TICK_S):
            peer.keep()
            if time.monotonic() - weighed_s > WEIGH_S:
                peer.weigh()
                weighed_s = time.monotonic()
            client.publish(fleet.topic(TICK_DEVICE), variant.form(now_us(), 0), qos=1)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        client.disconnect()
        client.loop_stop()


class _Run:
    """The parts in order; devices that have called once are not used again."""

    def __init__(self, ready: Stage, variant: Variant, peer: Peer, lengths: Lengths) -> None:
        self._stage, self._variant, self._peer, self._lengths = ready, variant, peer, lengths
        self._called = 0

    def all(self) -> dict[str, Any]:
        """The figures by name."""
        self._settle()
        trials = search(
            lambda rate: self._trial(rate, self._lengths.trial_s),
            self._variant.first_per_s,
            tries_max=self._lengths.tries_max,
        )
        highest, confirmed = self._confirm(best(trials))
        trials += confirmed
        half_per_s = highest / 2
        found: dict[str, Any] = {
            "version": self._peer.version,
            "highest_per_s": highest,
            "ladder": [
                {
                    "rate_per_s": round(each.load.rate_per_s),
                    "seconds": round(each.load.count / each.load.rate_per_s),
                    "sent": each.load.count,
                    "stored": each.stored,
                    "backlog_s": round(each.backlog_s, 2),
                    "held": each.sustained,
                }
                for each in trials
            ],
            "common": self._latencies(COMMON_PER_S),
            "half": self._latencies(half_per_s),
            "memory_peak_mib": self._peer.memory_peak_mib,
        }
        found["faults"] = {
            "kill": asdict(self._fault("kill -9", KILL_AWAY_S, self._killed)),
            "broker": asdict(self._fault("broker restart", BROKER_AWAY_S, self._broker_away)),
            "database": asdict(self._fault("database down", self._lengths.database_away_s, self._database_away)),
            "resend": asdict(self._fault("20 % sent again", 5.0, lambda: time.sleep(5.0), resend=True)),
        }
        return found

    def _settle(self) -> None:
        """Wait until the peer takes messages. Raises BenchFailed."""
        if not self._takes_messages():
            raise BenchFailed(f"{self._variant.name}: no message became a row within {SETTLE_S_MAX:g} s")

    def _takes_messages(self) -> bool:
        """Whether a message sent now becomes a row within SETTLE_S_MAX: then it has none before it left."""
        deadline_s = time.monotonic() + SETTLE_S_MAX
        while time.monotonic() < deadline_s:
            self._peer.process_id  # noqa: B018 - says so when it has ended
            load = PeerLoad(CONNECTIONS / 0.1, CONNECTIONS, now_us(), 0, CONNECTIONS, form=self._variant.form)
            self._publish(load)
            # Rows are counted by their time: no later load's may begin before this one's has passed.
            time.sleep(max(0.0, (load.last_us - now_us()) / 1e6))
            with self._stage.database() as connection:
                wait_s = min(MARK_AGAIN_S, deadline_s - time.monotonic())
                rows.last_seen_us(connection, load, self._stage.points, wait_s)
                if rows.messages_stored(connection, load, self._stage.points) == load.count:
                    return True
        return False

    def _publish(self, load: PeerLoad) -> None:
        """A few messages from this process."""
        broker = Address.parse(self._stage.device_mqtt_url)
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(broker.username, broker.password)
        client.connect(broker.host, broker.port)
        client.loop_start()
        try:
            for number in range(load.count):
                sent = client.publish(fleet.topic(load.device(number)), load.payload(number), qos=1)
                sent.wait_for_publish(START_S_MAX)
        finally:
            client.disconnect()
            client.loop_stop()

    def _trial(self, rate_per_s: float, seconds: float) -> Trial:
        """A load and what came of it; offered anew where our own publisher did not keep to it."""
        for _ in range(LATE_TRIES):
            trial, late_ms = self._offer(rate_per_s, seconds)
            if trial.sustained or late_ms <= LATE_MS_MAX:
                break
        return trial

    def _offer(self, rate_per_s: float, seconds: float) -> tuple[Trial, float]:
        self._settle()
        load = PeerLoad(
            rate_per_s, round(rate_per_s * seconds), now_us() + LEAD_US, 0, QUIET_COUNT, form=self._variant.form
        )
        with Child(publish, self._stage.device_mqtt_url, load) as sending:
            sent: Sent = sending.answer(seconds + START_S_MAX)
        if sent.acknowledged != load.count:
            raise BenchFailed(f"the broker acknowledged {sent.acknowledged} of {load.count} messages")
        with self._stage.database() as connection:
            stored_us = rows.last_seen_us(connection, load, self._stage.points, TRIAL_WAIT_S_MAX)
            stored = rows.messages_stored(connection, load, self._stage.points)
            trial = Trial(load, stored, stored_us, backlog_s_max=BACKLOG_S_MAX)
        self._stage.say(
            f"  {rate_per_s:7,.0f} /s for {seconds:g} s: {trial.stored:,} of {load.count:,} stored, the last"
            f" {trial.backlog_s:.2f} s after it was due (publisher at most {sent.late_ms_max:.0f} ms late)"
        )
        return trial, sent.late_ms_max

    def _confirm(self, rate_per_s: float) -> tuple[float, list[Trial]]:
        """The rate that is kept up with for longer: the search's, or a fifth less, and so on. Raises BenchFailed."""
        trials: list[Trial] = []
        for _ in range(CONFIRMS_MAX):
            if not rate_per_s:
                break
            trials.append(self._trial(rate_per_s, self._lengths.confirm_s))
            if trials[-1].sustained:
                return rate_per_s, trials
            rate_per_s *= CONFIRM_STEP
        raise BenchFailed(f"{self._variant.name} kept up with no rate; is the machine busy with something else?")

    def _latencies(self, rate_per_s: float) -> dict[str, Any]:
        """p50 and p99 to the row and to the websocket beside `rate_per_s`, with what a million messages cost."""
        self._settle()
        seconds, form = self._lengths.latency_s, self._variant.form
        start_us = now_us() + PREPARE_US
        load = PeerLoad(rate_per_s, round(rate_per_s * seconds), start_us, 0, QUIET_COUNT, form=form)
        probes = PeerLoad(
            PROBES_PER_S, round(PROBES_PER_S * seconds), start_us, fleet.LOADED_COUNT, fleet.PROBE_COUNT, form=form
        )
        devices = self._callers(round(ALARMS_PER_S * seconds) // CONNECTIONS * CONNECTIONS)
        alarms = PeerLoad(ALARMS_PER_S, len(devices), start_us, alarm=True, chosen=devices, form=form)
        codes = frozenset(map(fleet.device_code, devices))
        url = self._stage.device_mqtt_url
        roots = {"peer": self._peer.process_id, **self._stage.servers()}
        listening = self._peer.websocket(codes, seconds + START_S_MAX) if self._peer.websocket else None
        try:
            if listening is not None:
                listening.ready()
            meter = Meter(roots)
            with (
                Child(publish, url, load) as sending,
                Child(publish, url, probes) as probing,
                Child(publish, url, alarms) as alarming,
                self._stage.database() as connection,
            ):
                row_ms = rows.latencies_ms(connection, probes, self._stage.points, TRIAL_WAIT_S_MAX)
                for child in (sending, probing, alarming):
                    child.answer(START_S_MAX)
            usage = meter.read()
            shown = dict(listening.answer(seconds + 2 * START_S_MAX)) if listening is not None else {}
        finally:
            if listening is not None:
                listening.__exit__()
        due_us = {fleet.device_code(alarms.device(number)): alarms.due_us(number) for number in range(alarms.count)}
        shown_ms = [(at_us - due_us[code]) / 1000 for code, at_us in shown.items()]
        millions = (load.count + probes.count + alarms.count) / 1e6
        found = {
            "rate_per_s": rate_per_s,
            "row_ms": _percentiles(row_ms),
            "rows_missing": probes.count - len(row_ms),
            "websocket_ms": _percentiles(shown_ms),
            "websocket_missing": alarms.count - len(shown_ms) if listening is not None else None,
            "cpu_s_per_million": {name: each.cpu_s / millions for name, each in usage.items()},
        }
        self._stage.say(f"  beside {rate_per_s:,.0f} /s: row {found['row_ms']}, websocket {found['websocket_ms']} ms")
        return found

    def _callers(self, count: int) -> tuple[int, ...]:
        """Devices that have not called yet, one after the other."""
        first = ALARM_FIRST + self._called
        self._called += count
        if self._called > ALARM_COUNT:
            raise BenchFailed(f"{self._called} devices are to call, and there are {ALARM_COUNT}")
        return tuple(range(first, first + count))

    def _killed(self) -> None:
        self._peer.kill()
        time.sleep(KILL_AWAY_S)
        self._peer.start()

    def _broker_away(self) -> None:
        with self._stage.broker_stopped():
            time.sleep(BROKER_AWAY_S)

    def _database_away(self) -> None:
        with self._stage.database_stopped():
            time.sleep(self._lengths.database_away_s)

    def _fault(self, name: str, away_s: float, happen: Callable[[], None], *, resend: bool = False) -> Tally:
        """The fault amid a known set of messages; what is lost and doubled when nothing changes any more."""
        self._settle()
        before_s = 5.0
        seconds = before_s + away_s + self._lengths.after_s
        with self._stage.database() as connection:
            alerts_before = self._peer.alerts(connection)
        devices = self._callers(round(FAULT_ALARMS_PER_S * alarm_seconds(seconds)))
        messages = fault_messages(now_us() + PREPARE_US, FAULT_PER_S, seconds, devices, resend=resend)
        finish_s = FAULT_WAIT_S_MAX
        with Child(send, self._stage.device_mqtt_url, messages, self._variant.form, finish_s) as sending:
            time.sleep(max(0.0, messages[0].due_us / 1e6 + before_s - time.time()))
            happen()
            last_s = messages[-1].due_us / 1e6
            acknowledged = sending.answer(max(0.0, last_s - time.time()) + finish_s + START_S_MAX)
        if acknowledged != len(messages):
            raise BenchFailed(f"the broker acknowledged {acknowledged} of {len(messages)} messages")
        self._takes_messages()  # after a new start some first read what they had
        found = self._still(messages, alerts_before)
        self._stage.say(f"  {name}: {found}")
        return found

    def _still(self, messages: list[Message], before: dict[str, int]) -> Tally:
        """The tally once it has not changed for STILL_S, or the wait is over."""
        began_s = changed_s = time.monotonic()
        latest: Tally | None = None
        while latest is None or (
            time.monotonic() < changed_s + STILL_S and time.monotonic() < began_s + FAULT_WAIT_S_MAX
        ):
            now = self._count(messages, before)
            if now != latest:
                latest, changed_s = now, time.monotonic()
            time.sleep(0.5)
        return latest

    def _count(self, messages: list[Message], before: dict[str, int]) -> Tally:
        moments = [each.measured_us for each in messages]
        codes = sorted({fleet.device_code(each.device) for each in messages})
        with self._stage.database() as connection:
            found = connection.execute(_FOUND, (min(moments), max(moments), codes)).fetchall()
            after = self._peer.alerts(connection)
        new = {code: count - before.get(code, 0) for code, count in after.items()}
        return tally(messages, ((str(code), int(at_us), int(count)) for code, at_us, count in found), new)


def _percentiles(values_ms: list[float]) -> dict[str, float] | None:
    if not values_ms:
        return None
    return {"p50": round(percentile(values_ms, 50), 1), "p99": round(percentile(values_ms, 99), 1)}
