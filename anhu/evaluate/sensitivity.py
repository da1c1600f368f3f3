"""How much a result hangs on each parameter of the rules behind it: the same recordings under rules in which one of
them is 30 % smaller or larger."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from alerting.rules import Rule, RuleSet

FACTORS: Final = (0.7, 1.3)


def variants(rules: RuleSet, ids: tuple[str, ...]) -> Iterator[tuple[str, RuleSet]]:
    """(what was changed, rules) for the setpoint and every parameter of the rules named."""
    for at, rule in enumerate(rules.rules):
        if rule.id not in ids:
            continue
        for name in ("raise_at", *rule.parameters):
            for factor in FACTORS:
                changed = _changed(rule, name, factor)
                if changed is not None:
                    all_rules = (*rules.rules[:at], changed, *rules.rules[at + 1 :])
                    yield f"{rule.id} {name} ×{factor:g}", replace(rules, rules=all_rules)


def _changed(rule: Rule, name: str, factor: float) -> Rule | None:
    """`rule` with one number changed; None where that changes nothing or makes no rule."""
    if name == "raise_at":
        raise_at = rule.raise_at * factor
        return replace(rule, raise_at=raise_at) if raise_at > rule.clear_at else None
    parameters: dict[str, Any] = dict(rule.parameters)
    if not parameters[name] or parameters[name] >= 1e9:  # 0 and "never" stay what they are
        return None
    parameters[name] *= factor
    if parameters.get("fast_s", 0.0) >= parameters.get("slow_s", 1.0):
        return None
    return replace(rule, parameters=parameters)
