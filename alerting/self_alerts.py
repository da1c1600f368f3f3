"""Alerts about Anhu itself, for those who look after it. They belong to no institution."""

from typing import Any, Final

from alerting.alert import (
    Alert,
    AlertEvent,
    Condition,
    Key,
    Kind,
    Priority,
    Source,
    Verb,
    alert_id,
    engine_event,
    fold,
)
from alerting.engine import Patch, State
from ingest.spool import ALARM_SHARE

SPOOL_RULE: Final = "self.spool"
SELF: Final = Source(None, None, None)


def of_spool(state: State, patch: Patch, share: float, now_us: int) -> list[AlertEvent]:
    """The spool is filling up (raise), or has room again (clear, at half of it); `share` is how full it is, 0 to 1."""
    told = {
        "rule": SPOOL_RULE,
        "value": round(share, 3),
        "threshold": ALARM_SHARE,
        "unit": "1",
        "text_zh": f"数据库不可用，本地缓存已用 {share:.0%}：写满后新数据将留在 MQTT 服务器",
        "text_en": f"The database is away and the spool is {share:.0%} full: once full, data stay with the broker",
    }
    condition = Condition(SPOOL_RULE, Kind.SYSTEM, Priority.HIGH, latching=False)
    if share >= ALARM_SHARE:
        return begin(state, patch, condition, now_us, told)
    if share <= ALARM_SHARE / 2:
        return end(state, patch, condition, now_us, told)
    return []


def begin(state: State, patch: Patch, condition: Condition, now_us: int, told: dict[str, Any]) -> list[AlertEvent]:
    """The raise of a condition about ourselves, unless it holds already."""
    key, standing = _standing(state, patch, condition)
    if standing is not None and condition.rule in standing.rules:
        return []
    number = standing.id if standing is not None else alert_id(key, now_us)
    return _say(patch, key, standing, engine_event(number, Verb.RAISE, now_us, now_us, SELF, condition, told))


def end(state: State, patch: Patch, condition: Condition, now_us: int, told: dict[str, Any]) -> list[AlertEvent]:
    """The clear of a condition about ourselves, if it holds."""
    key, standing = _standing(state, patch, condition)
    if standing is None or condition.rule not in standing.rules:
        return []
    return _say(patch, key, standing, engine_event(standing.id, Verb.CLEAR, now_us, now_us, SELF, condition, told))


def _standing(state: State, patch: Patch, condition: Condition) -> tuple[Key, Alert | None]:
    key = Key(None, None, condition.kind)
    standing = patch.alerts.get(key) or state.alerts.get(key)
    return key, standing if standing is not None and standing.open else None


def _say(patch: Patch, key: Key, standing: Alert | None, event: AlertEvent) -> list[AlertEvent]:
    patch.alerts[key] = fold(standing, event)
    return [event]
