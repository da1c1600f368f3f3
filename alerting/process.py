"""The engine beside its database: warm start, new rules and registry, people's acts, appending what it decides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import structlog

from alerting import drill_alarm, engine, event_json, self_alerts, store
from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Verb, engine_event, fold
from alerting.engine import INSTITUTION_OFFLINE_RULE, OFFLINE_RULE, Patch, State, Verdict
from alerting.plan import Plan, compile_plan
from alerting.rules import default_rules, parse
from alerting.settings import AlertingSettings
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.formats.drill import DrillCall
from ingest.reading import ReadingBatch, from_us, to_us
from ingest.registry import Registry

log = structlog.get_logger("alerting.process")


@dataclass(slots=True)
class Decision:
    """A verdict on its way: what the log says of its alerts, once it is stored."""

    verdict: Verdict
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


class Judge:
    """The engine as the pipeline's judge (ingest.pipeline.Judge)."""

    def __init__(self, settings: AlertingSettings) -> None:
        self._settings = settings
        self._state: State | None = None
        self._rules = ""
        self._rules_sha256 = ""
        self._cursor: int | None = None  # None until the log was read

    def read(self, connection: Connection, registry: Registry, now_us: int) -> News:
        """Fetch what others changed, in the caller's transaction; the rules that ship with Anhu are put in force where
        there are none."""
        found = store.load_rules(connection)
        if found is None:
            text = default_rules()
            shipped = parse(text)
            store.save_rules(
                connection, version=shipped.version, sha256=shipped.sha256, body=text, loaded_by="anhu: first start"
            )
            found = text, shipped.sha256
        if self._cursor is not None:
            return News(*found, store.changed_since(connection, self._cursor), None)
        plan = compile_plan(registry, parse(found[0]))
        return News(*found, [], self._read_start(connection, plan, now_us))

    def take_up(self, news: News, registry: Registry, now_us: int) -> Decision:
        """Make the news count. What no rule stands behind any more is said to be over."""
        self._rules = news.rules
        new_plan = news.rules_sha256 != self._rules_sha256 or self._state is None
        if new_plan or self._started().plan.registry.version != registry.version:
            plan = compile_plan(registry, parse(news.rules))
            state = State.begin(plan, now_us)
            if self._state is not None:
                engine.carry_over(self._state, state)
                state.alerts = self._state.alerts
            self._state, self._rules_sha256 = state, news.rules_sha256
        else:
            state = self._started()
        if news.start is not None:
            for batch in news.start.warm:
                engine.adopt(state, engine.step(state, batch).patch)
            _restore_presence(state, news.start.heard)
            state.alerts = {alert.key: alert for alert in news.start.opened}
            self._cursor = news.start.cursor
            log.info("engine warmed", readings=sum(map(len, news.start.warm)), open_alerts=len(state.alerts))
        for alert in news.changed:
            self._cursor = alert.last_event_id
            _place(state, alert)
        withdrawn: list[AlertEvent] = []
        if news.start is not None or new_plan:
            withdrawn = _restore_conditions(state, list(state.alerts.values()), now_us)
        alerts: dict[Key, Alert] = {}
        for event in withdrawn:
            alerts[event.key] = fold(alerts.get(event.key) or state.alerts.get(event.key), event)
        return Decision(Verdict(withdrawn, Patch(alerts=alerts)))

    def cache(self) -> bytes:
        """The rules, for a start without the database."""
        return self._rules.encode()

    def start_cached(self, cached: bytes, registry: Registry, now_us: int) -> None:
        """Start from the rules last known, remembering nothing else; the log is read when the database is back."""
        self._rules = cached.decode()
        rule_set = parse(self._rules)
        self._rules_sha256 = rule_set.sha256
        self._state = State.begin(compile_plan(registry, rule_set), now_us)

    def judge(self, readings: ReadingBatch, drills: Sequence[DrillCall], now_us: int) -> Decision:
        """See engine.step; drills come after whatever is real. Both carry their own times."""
        del now_us
        state = self._started()
        verdict = engine.step(state, readings)
        verdict.events.extend(drill_alarm.begin(state, verdict.patch, drills))
        return Decision(verdict)

    def tick(self, now_us: int, *, listening: bool, spool_share: float) -> Decision:
        """See engine.tick; drills end, and a spool that fills up is an alert of its own."""
        state = self._started()
        verdict = engine.tick(state, now_us, listening=listening)
        verdict.events.extend(drill_alarm.end(state, verdict.patch, now_us))
        verdict.events.extend(self_alerts.of_spool(state, verdict.patch, spool_share, now_us))
        return Decision(verdict)

    def write(self, connection: Connection, decision: Decision) -> None:
        """Append the decision's events in the caller's transaction."""
        decision.logged = {alert.key: alert for alert in store.append(connection, decision.verdict.events).values()}

    def pack(self, decision: Decision) -> list[bytes]:
        """The decision's events, each with its alert as the engine sees it, for the spool."""
        alerts = decision.verdict.patch.alerts
        return [event_json.dump(event, alerts[event.key]) for event in decision.verdict.events]

    def write_packed(self, connection: Connection, events: Sequence[bytes]) -> None:
        """Append events that were packed, in the caller's transaction."""
        store.append(connection, [event_json.load(body)[0] for body in events])

    def adopt(self, decision: Decision, *, stored: bool) -> None:
        """Make the decision the engine's past. Where the log says otherwise than the engine (somebody acted meanwhile),
        the log is right; while the database is away there is only the engine."""
        if stored:
            decision.verdict.patch.alerts.update(decision.logged)
        engine.adopt(self._started(), decision.verdict.patch)

    def _started(self) -> State:
        if self._state is None:
            raise RuntimeError("the judge has not been started: take_up or start_cached comes first")
        return self._state

    def _read_start(self, connection: Connection, plan: Plan, now_us: int) -> Start:
        """The latest stored readings, to be judged once more in silence, so that averages, counts and delays stand
        where they stood; for the few points under a rule with a longer delay, as far back as that delay reaches."""
        now, warm_us = from_us(now_us), int(self._settings.warm_s * 1e6)
        batches = []
        delayed = plan.limits.on_delay_us > warm_us
        if delayed.any():
            longest = timedelta(microseconds=warm_us + int(plan.limits.on_delay_us.max()))
            points = np.unique(plan.point_id[plan.slot[delayed]]).tolist()
            batches.append(ingest_store.readings_since(connection, now - longest, now, points))
        batches.append(ingest_store.readings_since(connection, now - timedelta(microseconds=warm_us), now))
        heard = ingest_store.last_heard(connection, now - timedelta(days=self._settings.seen_days))
        return Start(tuple(batches), heard, store.open_alerts(connection), store.last_event_id(connection))


def _place(state: State, alert: Alert) -> None:
    if alert.open:
        state.alerts[alert.key] = alert
    else:
        state.alerts.pop(alert.key, None)


def _restore_presence(state: State, heard: list[tuple[int, int]]) -> None:
    """`heard`: (point id, when something of it last arrived, in µs since 1970)."""
    plan = state.plan
    if not heard:
        return
    point, at_us = np.array(heard, np.int64).T
    inside = point < len(plan.slot_of_point)
    slot = plan.slot_of_point[point[inside]]
    np.maximum.at(state.presence.seen_us, plan.device[slot[slot >= 0]], at_us[inside][slot >= 0])


def _restore_conditions(state: State, opened: list[Alert], now_us: int) -> list[AlertEvent]:
    """Set the conditions that the log says hold, and no others; events that end those no rule stands behind."""
    plan = state.plan
    watch_of = {key: watch for watch, key in enumerate(plan.watch_keys())}
    points_of: dict[int, list[int]] = {}
    for point in plan.registry.points.values():
        points_of.setdefault(point.device_id, []).append(point.id)
    device_row = {int(number): row for row, number in enumerate(plan.device_id)}
    institution_row = {int(number): row for row, number in enumerate(plan.institution_id)}
    state.latch.active[:] = False
    withdrawn = []
    for alert in opened:
        _, _, device_id = alert.source
        for rule in sorted(alert.rules):
            if alert.drill or alert.kind is Kind.SYSTEM or alert.kind is Kind.UNANSWERED:
                continue  # these are not judged from readings
            watches = [
                watch_of[point, rule] for point in points_of.get(device_id or 0, ()) if (point, rule) in watch_of
            ]
            if watches:
                state.latch.active[watches] = True
            elif rule == OFFLINE_RULE and device_id in device_row:
                state.presence.silent[device_row[device_id]] = True
            elif rule == INSTITUTION_OFFLINE_RULE and alert.source.institution_id in institution_row:
                state.presence.institution_silent[institution_row[alert.source.institution_id]] = True
            else:
                withdrawn.append(_withdrawal(alert, rule, now_us))
    return withdrawn


def _withdrawal(alert: Alert, rule: str, now_us: int) -> AlertEvent:
    told = {
        "rule": rule,
        "text_zh": "该规则或设备已撤销，报警条件不再判断",
        "text_en": "The rule or the device was withdrawn; the condition is no longer judged",
    }
    condition = Condition(rule, alert.kind, alert.priority, alert.latching)
    return engine_event(alert.id, Verb.CLEAR, now_us, to_us(alert.onset_at), alert.source, condition, told)
