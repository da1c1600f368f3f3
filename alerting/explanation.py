"""Which rules watch a device, in words: from what value, for how long, by which clause, and whether they hold now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alerting.alert import Alert
from alerting.detect import DETECTORS
from alerting.evidence import quantity_name, shown_unit
from alerting.rules import Combination, Rule, RuleSet
from ingest.quantity import QUANTITIES
from ingest.registry import Device, Registry

_PRIORITIES: Final = {
    "critical": ("紧急", "critical"), "high": ("高", "high"), "medium": ("中", "medium"), "low": ("低", "low"),
    "advisory": ("提示", "advisory"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule or combination that watches a device; `holds` says whether its condition holds, None where nobody
    knows."""

    rule: str
    text_zh: str
    text_en: str
    clause_zh: str
    clause: str
    clause_verified: bool
    holds: bool | None


def explain(rules: RuleSet, registry: Registry, device: Device, alerts: Iterable[Alert] | None) -> list[Explanation]:
    """What watches `device`: its points' rules in the order of the file, then its zone's combinations. `alerts` are the
    open ones, None where they are not known."""
    place = registry.institutions[device.institution_id].kind, registry.zones[device.zone_id].kind
    quantities = [point.quantity for point in registry.points.values() if point.device_id == device.id]
    holding = None
    if alerts is not None:
        holding = {
            rule for alert in alerts if alert.source.device_id == device.id and not alert.drill for rule in alert.rules
        }
    mine = [rule for rule in rules.rules if any(rule.applies_to(*place, quantity) for quantity in quantities)]
    ids = {rule.id for rule in mine}
    found = [_of_rule(rule, holding) for rule in mine]
    return found + [_of_combination(each, holding) for each in rules.combinations if each.rules & ids]


def describe(rules: RuleSet) -> list[Explanation]:
    """Every rule and combination, whatever it watches, in the order of the file."""
    return [
        *(_of_rule(rule, None) for rule in rules.rules),
        *(_of_combination(each, None) for each in rules.combinations),
    ]


def _of_rule(rule: Rule, holding: set[str] | None) -> Explanation:
    unit = shown_unit(DETECTORS[rule.detector].unit(QUANTITIES[rule.quantity].unit))
    name_zh, name_en = quantity_name(rule.quantity)
    sign = "≥" if rule.above else "≤"
    limit = f"{rule.raise_at:g} {unit}".strip()
    zh, en = [f"{name_zh} {sign} {limit}"], [f"{name_en.lower()} {sign} {limit}"]
    if rule.detector != "setpoint":
        tuned = ", ".join(f"{key} = {value:g}" for key, value in rule.parameters.items())
        zh.append(f"判断方法 {rule.detector}（{tuned}）")
        en.append(f"by {rule.detector} ({tuned})")
    if rule.samples_min > 1:
        zh.append(f"连续 {rule.samples_min} 次")
        en.append(f"{rule.samples_min} samples in a row")
    if rule.on_delay_s:
        zh.append(f"持续 {rule.on_delay_s:g} 秒")
        en.append(f"for {rule.on_delay_s:g} s")
    zh.append(f"低于 {rule.clear_at:g} 满 {rule.off_delay_s:g} 秒后恢复" if rule.above
              else f"高于 {rule.clear_at:g} 满 {rule.off_delay_s:g} 秒后恢复")  # fmt: skip
    en.append(f"over after {rule.off_delay_s:g} s {'below' if rule.above else 'above'} {rule.clear_at:g}")
    if rule.sign:
        zh.append("单独不报警，只参与组合判断")
        en.append("raises nothing by itself, counts in combinations")
    level_zh, level_en = _PRIORITIES[rule.priority]
    return Explanation(
        rule.id,
        f"{rule.title_zh}［{level_zh}］：{'；'.join(zh)}",
        f"{rule.title_en} [{level_en}]: {'; '.join(en)}",
        rule.clause_zh or rule.clause,
        rule.clause,
        rule.clause_verified,
        None if holding is None or rule.sign else rule.id in holding,
    )


def _of_combination(each: Combination, holding: set[str] | None) -> Explanation:
    parts = [" / ".join(sorted(part)) for part in each.parts]
    zh, en = ["同一区域内同时出现：" + " + ".join(parts)], ["together in one zone: " + " + ".join(parts)]
    if each.devices_min > 1:
        zh.append(f"至少 {each.devices_min} 个设备")
        en.append(f"on at least {each.devices_min} devices")
    if each.alone_delay_s:
        zh.append(f"或单独持续 {each.alone_delay_s:g} 秒")
        en.append(f"or alone for {each.alone_delay_s:g} s")
    level_zh, level_en = _PRIORITIES[each.priority]
    return Explanation(
        each.id,
        f"{each.title_zh}［{level_zh}］：{'；'.join(zh)}",
        f"{each.title_en} [{level_en}]: {'; '.join(en)}",
        each.clause_zh or each.clause,
        each.clause,
        each.clause_verified,
        None if holding is None else each.id in holding,
    )
