"""Alerts about Anhu itself, for those who look after it. They belong to no institution; one alert carries all that is
wrong, each under its own rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event, fold
from alerting.engine import Patch, State
from ingest.shards import THE_ONE, Shard
from ingest.spool import ALARM_SHARE

SPOOL_RULE: Final = "self.spool"
SELF: Final = Source(None, None, None)
KEY: Final = Key(None, None, Kind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about ourselves: whether it is wrong now. `holds` None leaves things as they are (a deadband)."""

    rule: str
    holds: bool | None
    priority: Priority
    text_zh: str
    text_en: str
    figures: Mapping[str, Any]


def judge(standing: Alert | None, findings: list[Finding], now_us: int) -> tuple[list[AlertEvent], Alert | None]:
    """The events of what began or ended, given the alert about ourselves as it stands; and the alert after them."""
    events = []
    for finding in findings:
        held = standing is not None and standing.open and finding.rule in standing.rules
        if finding.holds is None or finding.holds == held:
            continue
        condition = Condition(finding.rule, Kind.SYSTEM, finding.priority, latching=False)
        told = {"rule": finding.rule, "text_zh": finding.text_zh, "text_en": finding.text_en, **finding.figures}
        usable = standing if standing is not None and standing.open else None
        number = usable.id if usable is not None else alert_id(KEY, now_us)
        verb = Verb.RAISE if finding.holds else Verb.CLEAR
        event = engine_event(number, verb, now_us, now_us, SELF, condition, told)
        standing = fold(usable, event)
        events.append(event)
    return events, standing


def of_spool(state: State, patch: Patch, share: float, now_us: int, shard: Shard = THE_ONE) -> list[AlertEvent]:
    """The spool is filling up, or has room again (at half of that); `share` is how full it is, 0 to 1. Each shard has
    a spool, and so a rule, of its own."""
    finding = Finding(
        SPOOL_RULE if shard.whole else f"{SPOOL_RULE}.{shard.number:02d}",
        True if share >= ALARM_SHARE else False if share <= ALARM_SHARE / 2 else None,
        Priority.HIGH,
        f"数据库不可用，本地缓存已用 {share:.0%}：写满后新数据将留在 MQTT 服务器",
        f"The database is away and the spool is {share:.0%} full: once full, data stay with the broker",
        {"value": round(share, 3), "threshold": ALARM_SHARE, "unit": "1"},
    )
    events, standing = judge(patch.alerts.get(KEY) or state.alerts.get(KEY), [finding], now_us)
    if events and standing is not None:
        patch.alerts[KEY] = standing
    return events
