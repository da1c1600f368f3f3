"""The alarm of what nobody has registered: it still calls for help (docs/decisions/0014).

A value without a point is an alarm if it would be one wherever its device may hang: if in every kind of zone a plain
rule in force is met by it as by the first reading of a device. Plain are rules about life and safety that look at the
value alone (PLAIN) and wait for no longer than DELAY_S_MAX; the delay is not waited for, as nobody follows the device
from message to message. The alert latches, and ends when no such alarm has come for QUIET_US or its point is there.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from alerting import engine, evidence
from alerting.alert import OTHERS, Alert, AlertEvent, Condition, Kind, Source, Verb, engine_event, key_of
from alerting.detect import DETECTORS
from alerting.engine_state import Patch, State
from alerting.rules import Rule
from alerting.suppression import LIFE_SAFETY
from ingest.reading import to_us
from ingest.registry import ZONE_KINDS, Registry
from ingest.unclaimed import Stray

PREFIX: Final = "unclaimed:"  # no rule of a file has a colon in its id
OTHERS_RULE: Final = f"{PREFIX}*"  # and the priority: what is more urgent calls again
PLAIN: Final = frozenset({"setpoint", "heat"})
DELAY_S_MAX: Final = 60.0
QUIET_US: Final = 600_000_000
ALERTS_MAX: Final = 5  # of devices that nobody has registered: open at a time, of an institution and a kind
_OVER: Final = {
    "quiet": (
        f"未登记来源已 {QUIET_US // 60_000_000} 分钟没有再报警；仍须到现场核实",
        f"Not registered; no alarm has come from it for {QUIET_US // 60_000_000} min. Somebody must still look",
    ),
    "claimed": ("已登记，从下一条消息起按规则判断", "Registered now: its next message is judged by the rules"),
    "withdrawn": ("该规则已撤销，报警条件不再判断", "The rule was withdrawn; the condition is no longer judged"),
}


def begin(state: State, patch: Patch, strays: Sequence[Stray]) -> list[AlertEvent]:
    """The events of what among `strays` is an alarm and does not stand yet, folded into `patch`."""
    events: list[AlertEvent] = []
    counts: Counter[tuple[int | None, Kind]] | None = None
    for stray in strays:
        rule = _alarm(state, stray)
        if rule is None:
            continue
        source, name, told = _own(state.plan.registry, stray, rule)
        if source.unclaimed is not None and not _is_open(state, patch, source, rule.kind):
            counts = _open_counts(state, patch) if counts is None else counts
            if counts[source.institution_id, rule.kind] < ALERTS_MAX:
                counts[source.institution_id, rule.kind] += 1
            else:
                source, name = Source(stray.institution_id, None, None, OTHERS), f"{OTHERS_RULE}{rule.priority}"
                told |= _told_of_others(told, name)
        key = key_of(source, rule.kind)
        patch.strays_us[key, name] = stray.received_at_us
        standing = patch.alerts.get(key) or state.alerts.get(key)
        if standing is None or name not in standing.rules:
            condition = Condition(name, rule.kind, rule.priority, latching=True)
            at_us = stray.measured_at_us
            events += engine.say(state, patch, source, condition, Verb.RAISE, at_us, at_us, told)
    return events


def end(state: State, patch: Patch, now_us: int) -> list[AlertEvent]:
    """The events of those that have been quiet for long enough at `now_us`, folded into `patch`."""
    events: list[AlertEvent] = []
    for (key, name), last_us in state.strays_us.items():
        if last_us + QUIET_US > now_us:
            continue
        patch.strays_us[key, name] = None
        alert = patch.alerts.get(key) or state.alerts.get(key)
        if alert is not None and name in alert.rules:
            condition = Condition(name, alert.kind, alert.priority, alert.latching)
            onset_us, told = to_us(alert.onset_at), _told_of_end(name, "quiet")
            events += engine.say(state, patch, alert.source, condition, Verb.CLEAR, last_us + QUIET_US, onset_us, told)
    return events


def is_stray(rule: str) -> bool:
    """Whether an alert's `rule` is one of these."""
    return rule.startswith(PREFIX)


def restore(state: State, alert: Alert, rule: str, now_us: int) -> list[AlertEvent]:
    """Bring `state` to what the open `alert` says by `rule`: its end where a point stands for it by now. What came last
    is not on record: after a start its quiet time is counted from `now_us`."""
    why = _why_over(state, alert, rule)
    if why is None:
        state.strays_us.setdefault((alert.key, rule), now_us)
        return []
    state.strays_us.pop((alert.key, rule), None)
    condition = Condition(rule, alert.kind, alert.priority, alert.latching)
    told, onset_us = _told_of_end(rule, why), to_us(alert.onset_at)
    return [engine_event(alert.id, Verb.CLEAR, now_us, onset_us, alert.source, condition, told)]


def alarm_of(
    rules: Iterable[Rule], institution_kind: str, zone_kinds: Sequence[str], quantity: str, value: float
) -> Rule | None:
    """The rule by which `value` is an alarm in every one of `zone_kinds`, the least urgent of what each zone makes of
    it; None where in one of them it is none."""
    met = [each for each in rules if each.quantity == quantity and _plain(each) and _met(each, value)]
    found: Rule | None = None
    for zone_kind in zone_kinds if met else ():
        there = [each for each in met if each.applies_to(institution_kind, zone_kind, quantity)]
        if not there:
            return None
        urgent = min(there, key=lambda each: each.priority.rank)
        if found is None or urgent.priority.rank > found.priority.rank:
            found = urgent
    return found


def _plain(rule: Rule) -> bool:
    return (
        not rule.sign and rule.kind in LIFE_SAFETY and rule.detector in PLAIN and rule.on_delay_s <= DELAY_S_MAX
    )  # fmt: skip


def _met(rule: Rule, value: float) -> bool:
    score = _score(rule, value)
    return score >= rule.raise_at if rule.above else score <= rule.raise_at


def _score(rule: Rule, value: float) -> float:
    """What the rule's detector makes of `value` as the first reading of a device."""
    detector = DETECTORS[rule.detector]
    parameters = {name: np.array([each]) for name, each in rule.parameters.items()}
    return float(detector.score(detector.begin(1), parameters, np.array([0]), np.array([value]))[0])


def _alarm(state: State, stray: Stray) -> Rule | None:
    registry = state.plan.registry
    institution = registry.institutions.get(stray.institution_id)
    if institution is None:
        return None
    zone = registry.zones.get(stray.zone_id or 0)
    zone_kinds = ZONE_KINDS if zone is None else (zone.kind,)
    return alarm_of(state.plan.rule_set.rules, institution.kind, zone_kinds, stray.quantity, stray.value)


def _is_open(state: State, patch: Patch, source: Source, kind: Kind) -> bool:
    standing = patch.alerts.get(key_of(source, kind)) or state.alerts.get(key_of(source, kind))
    return standing is not None and standing.open


def _open_counts(state: State, patch: Patch) -> Counter[tuple[int | None, Kind]]:
    """How many alerts of devices that nobody has registered are open, by institution and kind."""
    return Counter(
        (each.source.institution_id, each.kind)
        for each in {**state.alerts, **patch.alerts}.values()
        if each.open and each.source.unclaimed
    )


def _why_over(state: State, alert: Alert, rule: str) -> str | None:
    if rule.startswith(OTHERS_RULE):
        return None
    registry = state.plan.registry
    judging = next((each for each in state.plan.rule_set.rules if PREFIX + each.id == rule), None)
    institution = registry.institutions.get(alert.source.institution_id or 0)
    if judging is None or institution is None:
        return "withdrawn"
    device = registry.devices.get(alert.source.device_id or 0)
    code = alert.source.unclaimed if device is None else device.code
    points = None if code is None else registry.points_of(institution.code, code)
    return "claimed" if points is not None and judging.quantity in points else None


def _own(registry: Registry, stray: Stray, rule: Rule) -> tuple[Source, str, dict[str, Any]]:
    """The source of the alert of its own, its rule and its evidence."""
    name = PREFIX + rule.id
    told = evidence.of_rule(
        rule, value=stray.value, score=_score(rule, stray.value), since_us=stray.measured_at_us
    )  # fmt: skip
    quantity_zh, quantity_en = evidence.quantity_name(stray.quantity)
    unit = evidence.shown_unit(told["unit"])
    figure = f"{told['value']:g} {unit}".strip()
    sent_zh = f"{quantity_zh} {figure}，主题 {stray.topic}"
    sent_en = f"{quantity_en.lower()} {figure}, topic {stray.topic}"
    device = registry.devices.get(stray.device_id or 0)
    if device is None:
        source = Source(stray.institution_id, None, None, stray.device)
        text_zh = (
            f"未登记设备 {stray.device} 报警：{rule.title_zh}（{sent_zh}）。位置未知：立即在全院查找核实，"
            "再在该机构的页面登记"
        )
        text_en = (
            f"Unregistered device {stray.device} reports an alarm: {rule.title_en} ({sent_en}). Its place is not known:"
            " search the whole institution now, then register it on the page of the institution"
        )
    else:
        source = Source(stray.institution_id, stray.zone_id, stray.device_id)
        text_zh = (
            f"{rule.title_zh}（{sent_zh}）。设备 {device.code} 未登记“{quantity_zh}”：立即到现场核实，"
            "再在该机构的页面登记此测量项"
        )
        text_en = (
            f"{rule.title_en} ({sent_en}). Device {device.code} is not registered with it: go and look now, then"
            " register what it measures on the page of the institution"
        )
    more = {"rule": name, "device": stray.device, "topic": stray.topic, "text_zh": text_zh, "text_en": text_en}
    return source, name, told | more


def _told_of_others(told: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "rule": name,
        "text_zh": f"另有未登记设备报警（同类已有 {ALERTS_MAX} 条，不再逐台提示），最先一台：{told['text_zh']}",
        "text_en": f"More unregistered devices report alarms than the {ALERTS_MAX} shown one by one."
        f" The first of them: {told['text_en']}",
    }


def _told_of_end(name: str, why: str) -> dict[str, Any]:
    text_zh, text_en = _OVER[why]
    return {"rule": name, "text_zh": text_zh, "text_en": text_en}
