"""The engine beside its database: warm start, new rules and registry, people's acts, appending what it decides."""

from datetime import timedelta

import numpy as np
import structlog

from alerting import engine, store
from alerting.alert import Alert, AlertEvent, Condition, Key, Verb, engine_event
from alerting.engine import INSTITUTION_OFFLINE_RULE, OFFLINE_RULE, State, Verdict
from alerting.plan import Plan, compile_plan
from alerting.rules import default_rules, parse
from alerting.settings import AlertingSettings
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.reading import ReadingBatch, from_us, to_us
from ingest.registry import Registry

log = structlog.get_logger("alerting.process")


class Judge:
    """The engine as the pipeline's judge (ingest.pipeline.Judge)."""

    def __init__(self, settings: AlertingSettings) -> None:
        self._settings = settings
        self._state: State | None = None
        self._rules_sha256 = ""
        self._cursor = 0
        self._taken: dict[Key, Alert] = {}
        self._withdrawn: list[AlertEvent] = []  # to be said with the next tick

    def refresh(self, connection: Connection, registry: Registry, now_us: int) -> None:
        """Take in what others changed: the rules, the registry, and alerts that people acted on."""
        rules = store.load_rules(connection)
        if rules is None:
            text = default_rules()
            rule_set = parse(text)
            store.save_rules(
                connection, version=rule_set.version, sha256=rule_set.sha256, body=text, loaded_by="anhu: first start"
            )
            rules = text, rule_set.sha256
        body, sha256 = rules
        state = self._state
        if state is None or sha256 != self._rules_sha256 or state.plan.registry.version != registry.version:
            self._start(connection, compile_plan(registry, parse(body)), now_us)
            self._rules_sha256 = sha256
            return
        for alert in store.changed_since(connection, self._cursor):
            self._cursor = alert.last_event_id
            _place(state, alert)

    def judge(self, readings: ReadingBatch, now_us: int) -> Verdict:  # noqa: ARG002 - readings carry their own times
        """See engine.step."""
        return engine.step(self._started(), readings)

    def tick(self, now_us: int, *, listening: bool) -> Verdict:
        """See engine.tick. What a change of rules or registry withdrew is said here, and again until it is adopted."""
        verdict = engine.tick(self._started(), now_us, listening=listening)
        verdict.events[:0] = self._withdrawn
        return verdict

    def write(self, connection: Connection, verdict: Verdict) -> None:
        """Append the verdict's events in the caller's transaction."""
        self._taken = {alert.key: alert for alert in store.append(connection, verdict.events).values()}

    def adopt(self, verdict: Verdict) -> None:
        """Make the verdict the engine's past. Where the log says otherwise than the engine (somebody acted meanwhile),
        the log is right."""
        verdict.patch.alerts.update(self._taken)
        self._taken = {}
        said = {event.event_id for event in verdict.events}
        self._withdrawn = [event for event in self._withdrawn if event.event_id not in said]
        engine.adopt(self._started(), verdict.patch)

    def _started(self) -> State:
        if self._state is None:
            raise RuntimeError("the judge has not been started: call refresh first")
        return self._state

    def _start(self, connection: Connection, plan: Plan, now_us: int) -> None:
        """A state for `plan` that stands where the stored readings and the open alerts say it must.

        The same path serves a start after a crash and a change of rules or registry while running.
        """
        state = State.begin(plan, now_us)
        if self._state is None:
            self._warm(connection, state, now_us)
        else:
            engine.carry_over(self._state, state)
        # The cursor first: what somebody does between the two reads is then seen twice and not missed.
        self._cursor = store.last_event_id(connection)
        opened = store.open_alerts(connection)
        state.alerts = {alert.key: alert for alert in opened}
        # Not appended here: the caller's transaction may yet fail, and the state would not know.
        self._withdrawn = _restore_conditions(state, opened, now_us)
        self._state = state
        log.info(
            "engine ready", rules=plan.rule_set.version, points=len(plan.point_id), watches=plan.watch_total,
            open_alerts=len(state.alerts),
        )  # fmt: skip

    def _warm(self, connection: Connection, state: State, now_us: int) -> None:
        """Judge the latest stored readings once more, saying nothing, so that averages, counts and delays stand where
        they stood; for the few points under a rule with a longer delay, as far back as that delay reaches."""
        plan, now, warm_us = state.plan, from_us(now_us), int(self._settings.warm_s * 1e6)
        delayed = plan.limits.on_delay_us > warm_us
        if delayed.any():
            longest = timedelta(microseconds=warm_us + int(plan.limits.on_delay_us.max()))
            points = np.unique(plan.point_id[plan.slot[delayed]]).tolist()
            long = ingest_store.readings_since(connection, now - longest, now, points)
            engine.adopt(state, engine.step(state, long).patch)
        warm = ingest_store.readings_since(connection, now - timedelta(microseconds=warm_us), now)
        engine.adopt(state, engine.step(state, warm).patch)
        _restore_presence(state, ingest_store.last_heard(connection, now - timedelta(days=self._settings.seen_days)))
        log.info("engine warmed", readings=len(warm))


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
