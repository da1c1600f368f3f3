"""Bringing a fresh state to where the readings and the log say it must stand."""

import numpy as np

from alerting import confirm, engine, latch, unclaimed
from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Verb, engine_event, fold
from alerting.engine import INSTITUTION_OFFLINE_RULE, OFFLINE_RULE, Patch, State, Verdict
from alerting.engine_state import Place, mark_busy
from alerting.further_fires import OF
from alerting.latch import Bool
from alerting.zone_conditions import ZoneConditions
from ingest.reading import to_us


def presence(state: State, heard: list[tuple[int, int]]) -> None:
    """`heard`: (point id, when something of it last arrived, in µs since 1970)."""
    plan = state.plan
    if not heard:
        return
    point, at_us = np.array(heard, np.int64).T
    inside = point < len(plan.slot_of_point)
    slot = plan.slot_of_point[point[inside]]
    np.maximum.at(state.presence.seen_us, plan.device[slot[slot >= 0]], at_us[inside][slot >= 0])


def conditions(state: State, now_us: int) -> Verdict:
    """Set the conditions that the open alerts say hold. The verdict ends those that no rule stands behind any more, and
    begins those that the readings say hold but the log does not know: what a start without the past overlooked, or
    what changed rules see differently."""
    plan = state.plan
    watch_of = {key: watch for watch, key in enumerate(plan.watch_keys())}
    points_of: dict[int, list[int]] = {}
    for point in plan.registry.points.values():
        points_of.setdefault(point.device_id, []).append(point.id)
    device_row = {int(number): row for row, number in enumerate(plan.device_id)}
    institution_row = {int(number): row for row, number in enumerate(plan.institution_id)}
    zone_row = {int(number): row for row, number in enumerate(plan.zone_id)}
    combinations = {each.id for each in plan.rule_set.combinations}
    judged = _judged(state, now_us)
    state.latch.active[:] = False
    withdrawn, gone = [], set[tuple[Key, str]]()
    combined: dict[Place, Alert] = {}
    for alert in state.alerts.values():
        device_id = alert.source.device_id
        for rule in sorted(alert.rules):
            if alert.drill or alert.kind is Kind.SYSTEM or alert.kind is Kind.UNANSWERED:
                continue  # these are not judged from readings
            if unclaimed.is_stray(rule):
                withdrawn += unclaimed.restore(state, alert, rule, now_us)
                continue
            watches = [
                watch_of[point, rule] for point in points_of.get(device_id or 0, ()) if (point, rule) in watch_of
            ]
            if watches:
                state.latch.active[watches] = True
            elif rule in combinations and alert.source.zone_id in zone_row and device_id in device_row:
                combined[alert.source.zone_id, rule] = alert
            elif rule == OFFLINE_RULE and device_id in device_row:
                state.presence.silent[device_row[device_id]] = True
            elif rule == INSTITUTION_OFFLINE_RULE and alert.source.institution_id in institution_row:
                state.presence.institution_silent[institution_row[alert.source.institution_id]] = True
            elif (base := rule.partition(OF)[0]) != rule and base in alert.rules and (alert.key, base) not in gone:
                continue  # a further fire of the panel's: it ends with the rule, which comes first by name
            else:
                withdrawn.append(_withdrawal(alert, rule, now_us))
                gone.add((alert.key, rule))
    patch = Patch()
    for event in withdrawn:
        patch.alerts[event.key] = fold(patch.alerts.get(event.key) or state.alerts.get(event.key), event)
    overlooked = np.flatnonzero(judged & ~state.latch.active)
    state.latch.active[overlooked] = True
    mark_busy(state)
    begun = engine.begin_now(state, patch, overlooked, now_us)
    return Verdict([*withdrawn, *begun, *_combinations(state, patch, combined, now_us)], patch)


def _combinations(state: State, patch: Patch, logged: dict[Place, Alert], now_us: int) -> list[AlertEvent]:
    """Let the combinations stand as the conditions and the log say, `logged` being those that hold by the log. What it
    says and the conditions do not bear out is over; what they say and it does not know begins."""
    plan, zones = state.plan, ZoneConditions(state, patch)
    remembered, state.standing = state.standing, {}
    member = plan.member[state.latch.active[plan.member]]
    zone_row = {int(number): row for row, number in enumerate(plan.zone_id)}
    concerned = {plan.zone_of(watch) for watch in member.tolist()} | {zone_row[zone] for zone, _ in logged}
    events: list[AlertEvent] = []
    for zone in sorted(concerned):
        for combination in plan.rule_set.combinations:
            place = int(plan.zone_id[zone]), combination.id
            held, before = zones.held(zone), remembered.get(place)
            alert = logged.get(place)
            if alert is None or alert.source.device_id is None:
                known = before if before is None or before.device_id in plan.registry.devices else None
                after = confirm.judge(combination, known, held, now_us)
                if after is not None and after.reason is None:
                    state.standing[place] = after
                events += engine.combine(state, patch, zone, combination, after, held, now_us)
                continue
            since_us = to_us(alert.onset_at)
            after = confirm.believed(combination, alert.source.device_id, held, since_us)
            if after is not None:
                state.standing[place] = after
            else:
                # As it stood by the log, so that its end is told; then what is left of it.
                state.standing[place] = confirm.Standing(alert.source.device_id, since_us, confirm.Reason.TOGETHER)
                left = confirm.judge(combination, None, held, now_us)
                events += engine.combine(state, patch, zone, combination, left, held, now_us)
    return events


def _judged(state: State, now_us: int) -> Bool:
    """The watches whose conditions hold by the readings alone; those that time has ended since the last one do not."""
    plan = state.plan
    busy = state.latch.busy()
    working = state.latch.take(busy)
    _, (_, ended, _) = latch.expire(working, plan.limits(busy), now_us - state.skew_us[plan.slot[busy]])
    holds = state.latch.active.copy()
    holds[busy[ended]] = False
    return holds


def _withdrawal(alert: Alert, rule: str, now_us: int) -> AlertEvent:
    told = {
        "rule": rule,
        "text_zh": "该规则或设备已撤销，报警条件不再判断",
        "text_en": "The rule or the device was withdrawn; the condition is no longer judged",
    }
    condition = Condition(rule, alert.kind, alert.priority, alert.latching)
    return engine_event(alert.id, Verb.CLEAR, now_us, to_us(alert.onset_at), alert.source, condition, told)
