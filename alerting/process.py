"""The engine beside its database: warm start, new rules and registry, people's acts, appending what it decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import numpy as np
import structlog

from alerting import drill_alarm, engine, event_json, further_fires, restore, self_alerts, store, unclaimed
from alerting.alert import Alert, AlertEvent, Key
from alerting.engine import Patch, State, Verdict
from alerting.fall_watch import Falls, FallWatch
from alerting.plan import Plan, compile_plan
from alerting.rules import default_rules, parse
from alerting.settings import AlertingSettings
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.intake import Intake
from ingest.reading import ReadingBatch, from_us
from ingest.registry import Registry
from ingest.shards import THE_ONE, Shard
from ingest.spool import Spooled

NOTHING: Final = ReadingBatch.build((), (), (), ())

log = structlog.get_logger("alerting.process")


@dataclass(slots=True)
class Decision:
    """A verdict on its way: what it took from windows, and what the log says of its alerts, once it is stored."""

    verdict: Verdict
    told: ReadingBatch = NOTHING  # what the judge itself has read from windows of acceleration, to be stored
    falls: Falls | None = None
    logged: dict[Key, Alert] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """What a fresh engine needs of the past."""

    warm: tuple[ReadingBatch, ...]
    heard: list[tuple[int, int]]
    opened: list[Alert]
    cursor: int


@dataclass(frozen=True, slots=True)
class News:
    """What others changed: the rules as text, alerts that people acted on; at the start, the past."""

    rules: str
    rules_sha256: str
    changed: list[Alert]
    start: Start | None
    plan: Plan | None  # with the start, which is read by it


class Log(Protocol):
    """The event log and the rules (alerting.store)."""

    def append(self, connection: Connection, events: Sequence[AlertEvent]) -> dict[UUID, Alert]: ...
    def load_rules(self, connection: Connection) -> tuple[str, str] | None: ...
    def save_rules(self, connection: Connection, *, version: str, sha256: str, body: str, loaded_by: str) -> bool: ...
    def changed_since(self, connection: Connection, event_id: int) -> list[Alert]: ...
    def open_alerts(self, connection: Connection, institutions: Sequence[int] | None = None) -> list[Alert]: ...
    def last_event_id(self, connection: Connection) -> int: ...


class Readings(Protocol):
    """The stored readings (ingest.store)."""

    def readings_since(
        self, connection: Connection, since: datetime, until: datetime, points: Sequence[int] | None = None
    ) -> ReadingBatch: ...
    def last_heard(
        self, connection: Connection, since: datetime, points: Sequence[int] | None = None
    ) -> list[tuple[int, int]]: ...


class Judge:
    """The engine as the pipeline's judge (ingest.pipeline.Judge), of all institutions or of a shard's. What others
    change in alerts of other shards is none of its business."""

    def __init__(
        self, settings: AlertingSettings, log: Log = store, readings: Readings = ingest_store, shard: Shard = THE_ONE
    ) -> None:
        self._settings = settings
        self._shard = shard
        self._log = log
        self._readings = readings
        self._falls = FallWatch()
        self._state: State | None = None
        self._rules = ""
        self._rules_sha256 = ""
        self._cursor: int | None = None  # None until the log was read
        self._logged: dict[Key, Alert] = {}  # what we put on record ourselves and have not read yet

    def read(self, connection: Connection, registry: Registry, now_us: int) -> News:
        """Fetch what others changed, in the caller's transaction; the rules that ship with Anhu are put in force where
        there are none."""
        found = self._log.load_rules(connection)
        if found is None:
            text = default_rules()
            shipped = parse(text)
            self._log.save_rules(
                connection, version=shipped.version, sha256=shipped.sha256, body=text, loaded_by="anhu: first start"
            )
            found = text, shipped.sha256
        if self._cursor is not None:
            return News(*found, self._log.changed_since(connection, self._cursor), None, None)
        plan = compile_plan(registry, parse(found[0]))
        return News(*found, [], self._read_start(connection, plan, registry, now_us), plan)

    def take_up(self, news: News, registry: Registry, now_us: int) -> Decision:
        """Make the news count. What no rule stands behind any more is said to be over."""
        self._rules = news.rules
        # The past as the database knows it is whole, what we worked out without it is not: begin with the past then.
        new_plan = (
            self._state is None
            or news.start is not None
            or news.rules_sha256 != self._rules_sha256
            or self._state.plan.registry.version != registry.version
        )
        if new_plan:
            plan = news.plan or compile_plan(registry, parse(news.rules))
            state = State.begin(plan, now_us)
            if self._state is not None and news.start is None:
                engine.carry_over(self._state, state)
                state.alerts = self._state.alerts
            self._state, self._rules_sha256 = state, news.rules_sha256
        else:
            state = self._started()
        if news.start is not None:
            for batch in news.start.warm:
                engine.adopt(state, engine.step(state, batch).patch)
            restore.presence(state, news.start.heard)
            state.alerts = {alert.key: alert for alert in news.start.opened}
            self._cursor = news.start.cursor
            log.info("engine warmed", readings=sum(map(len, news.start.warm)), open_alerts=len(state.alerts))
        for alert in news.changed:
            self._cursor = alert.last_event_id
            if not self._concerns(alert, registry):
                continue
            ours = self._logged.get(alert.key)
            if ours is None or ours.last_event_id <= alert.last_event_id:  # else it was read before we went on
                _place(state, alert)
        self._logged = {key: each for key, each in self._logged.items() if each.last_event_id > (self._cursor or 0)}
        return Decision(restore.conditions(state, now_us) if new_plan else Verdict([], Patch()))

    @property
    def knows_the_past(self) -> bool:
        """Whether the log has been read."""
        return self._cursor is not None

    def cache(self) -> bytes:
        """The rules, for a start without the database."""
        return self._rules.encode()

    def start_cached(self, cached: bytes, registry: Registry, spooled: Iterable[Spooled], now_us: int) -> None:
        """Start from the rules last known and from what the spool holds, judged once more in silence; the log is read
        when the database is back."""
        self._rules = cached.decode()
        rule_set = parse(self._rules)
        self._rules_sha256 = rule_set.sha256
        state = self._state = State.begin(compile_plan(registry, rule_set), now_us)
        said: dict[Key, Alert] = {}
        for batch in spooled:
            engine.adopt(state, engine.step(state, batch.readings).patch)
            for body in batch.events:
                _, alert = event_json.load(body)
                said[alert.key] = alert
        state.alerts = {key: alert for key, alert in said.items() if alert.open}
        restore.conditions(state, now_us)  # what is missing is said when the log has been read

    def judge(self, intake: Intake) -> Decision:
        """See engine.step; what windows tell of is judged with the readings, then what no point stands for; drills come
        after whatever is real. All carry their own times."""
        state = self._started()
        falls = self._falls.judge(intake.windows) if intake.windows else None
        if falls is None:
            verdict = engine.step(state, intake.readings, intake.notes)
        else:
            verdict = engine.step(state, intake.readings.joined(falls.readings), {**falls.notes, **intake.notes})
        if intake.notes:
            verdict.events.extend(further_fires.begin(state, verdict.patch, intake.notes))
        verdict.events.extend(further_fires.end(state, verdict.patch, list(verdict.events)))
        verdict.events.extend(unclaimed.begin(state, verdict.patch, intake.strays))
        verdict.events.extend(drill_alarm.begin(state, verdict.patch, intake.drills))
        return Decision(verdict) if falls is None else Decision(verdict, falls.readings, falls)

    def tick(self, now_us: int, *, listening: bool, caught_up: bool, spool_share: float) -> Decision:
        """See engine.tick; drills and what no point stands for end; a spool that fills up is an alert of its own."""
        state = self._started()
        falls = self._falls.expire(now_us) if listening and caught_up else None  # else it is we who are silent
        if falls is not None and len(falls.readings):  # a rare thing: the rest can wait for the next tick
            return Decision(engine.step(state, falls.readings, falls.notes), falls.readings, falls)
        verdict = engine.tick(state, now_us, listening=listening, caught_up=caught_up)
        verdict.events.extend(further_fires.end(state, verdict.patch, list(verdict.events)))
        if listening and caught_up:
            verdict.events.extend(unclaimed.end(state, verdict.patch, now_us))
        verdict.events.extend(drill_alarm.end(state, verdict.patch, now_us))
        verdict.events.extend(self_alerts.of_spool(state, verdict.patch, spool_share, now_us, self._shard))
        return Decision(verdict, falls=falls)

    def write(self, connection: Connection, decision: Decision) -> None:
        """Append the decision's events in the caller's transaction."""
        decision.logged = {alert.key: alert for alert in self._log.append(connection, decision.verdict.events).values()}

    def pack(self, decision: Decision) -> list[bytes]:
        """The decision's events, each with its alert as the engine sees it, for the spool."""
        alerts = decision.verdict.patch.alerts
        return [event_json.dump(event, alerts[event.key]) for event in decision.verdict.events]

    def write_packed(self, connection: Connection, events: Sequence[bytes]) -> None:
        """Append events that were packed, in the caller's transaction."""
        self._log.append(connection, [event_json.load(body)[0] for body in events])

    def lost(self, verdicts: Sequence[Decision]) -> None:
        """The database may have lost what it had of these. The numbers of their events may be given to others then, so
        whatever came after the first of them is read once more."""
        before = [
            alert.last_event_id - len(each.verdict.events) for each in verdicts for alert in each.logged.values()
        ]  # the events of one verdict are numbered in a row
        if before and self._cursor is not None:
            self._cursor = min(self._cursor, *before)
            self._logged = {}

    def adopt(self, decision: Decision, *, stored: bool) -> None:
        """Make the decision the engine's past. Where the log says otherwise than the engine (somebody acted meanwhile),
        the log is right; while the database is away there is only the engine."""
        if stored:
            decision.verdict.patch.alerts.update(decision.logged)
            self._logged.update(decision.logged)
        engine.adopt(self._started(), decision.verdict.patch)
        if decision.falls is not None:
            self._falls.adopt(decision.falls)

    def _concerns(self, alert: Alert, registry: Registry) -> bool:
        institution_id = alert.source.institution_id
        return self._shard.whole or institution_id is None or institution_id in registry.institutions

    def _started(self) -> State:
        if self._state is None:
            raise RuntimeError("the judge has not been started: take_up or start_cached comes first")
        return self._state

    def _read_start(self, connection: Connection, plan: Plan, registry: Registry, now_us: int) -> Start:
        """The latest stored readings, to be judged once more in silence, so that averages, counts and delays stand
        where they stood; for the few points under a rule with a longer delay or a detector with a longer memory, as far
        back as these reach."""
        now, warm_us = from_us(now_us), int(self._settings.warm_s * 1e6)
        batches = []
        reach_us = plan.reach_us()
        delayed = reach_us > warm_us
        if delayed.any():
            longest = timedelta(microseconds=warm_us + int(reach_us.max()))
            points = np.unique(plan.point_id[plan.slot[delayed]]).tolist()
            batches.append(self._readings.readings_since(connection, now - longest, now, points))
        mine: tuple[list[int], ...] = () if self._shard.whole else (list(registry.points),)
        places = () if self._shard.whole else (list(registry.institutions),)
        batches.append(self._readings.readings_since(connection, now - timedelta(microseconds=warm_us), now, *mine))
        heard = self._readings.last_heard(connection, now - timedelta(days=self._settings.seen_days), *mine)
        # The cursor first: what somebody does between the two reads is then seen twice and not missed.
        cursor = self._log.last_event_id(connection)
        return Start(tuple(batches), heard, self._log.open_alerts(connection, *places), cursor)


def _place(state: State, alert: Alert) -> None:
    if alert.open:
        state.alerts[alert.key] = alert
    else:
        state.alerts.pop(alert.key, None)
