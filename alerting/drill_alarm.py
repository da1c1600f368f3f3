"""The alarm of a drill, as the engine raises it and takes it down.

It has a place of its own (alert.Key.drill) and comes after everything real of the same batch: whatever drills are held,
the real events are the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Source, Verb, engine_event, fold
from alerting.drill import KINDS, Over, Reach
from alerting.engine import Patch, State
from alerting.suppression import LIFE_SAFETY
from ingest.formats.drill import DrillCall
from ingest.reading import from_us, to_us

RULE: Final = "drill"
_TEXTS: Final = {
    Kind.FIRE: ("火警", "fire alarm"),
    Kind.GAS: ("燃气报警", "gas alarm"),
    Kind.CO: ("一氧化碳报警", "carbon monoxide alarm"),
    Kind.FALL: ("跌倒报警", "fall alarm"),
    Kind.SOS: ("呼叫", "call for help"),
}
_OVER_TEXTS: Final = {
    Over.ACKNOWLEDGED: ("演练结束：已确认", "The drill is over: acknowledged"),
    Over.TIME_UP: ("演练结束：时限已到", "The drill is over: its time is up"),
    Over.REAL_ALARM: ("演练中止：本机构有真实报警", "The drill was stopped: there is a real alarm here"),
}


def begin(state: State, patch: Patch, calls: Sequence[DrillCall]) -> list[AlertEvent]:
    """The events of the drills called for, folded into `patch`. A place where one is under way takes no second."""
    events = []
    for call in calls:
        if call.order.kind not in KINDS or call.order.reach not in tuple(Reach):
            continue
        kind = Kind(call.order.kind)
        key = Key(call.institution_id, call.device_id, kind, drill=True)
        standing = patch.alerts.get(key) or state.alerts.get(key)
        if standing is not None and standing.open:
            continue
        source = Source(call.institution_id, call.zone_id, call.device_id)
        order = call.order
        event = engine_event(
            order.drill_id, Verb.RAISE, order.at_us, order.at_us, source,
            Condition(RULE, kind, Priority.CRITICAL, latching=False), _told(call, kind), drill=True,
        )  # fmt: skip
        patch.alerts[key] = fold(None, event)
        events.append(event)
    return events


def end(state: State, patch: Patch, now_us: int) -> list[AlertEvent]:
    """The events of the drills that are over at `now_us`, folded into `patch`."""
    running = [alert for alert in state.alerts.values() if alert.drill and alert.active and RULE in alert.rules]
    if not running:
        return []
    events = []
    standing = {**state.alerts, **patch.alerts}
    for alert in running:
        over = why_over(alert, standing.values(), from_us(now_us))
        if over is None:
            continue
        zh, en = _OVER_TEXTS[over]
        told = {"rule": RULE, "over": over.value, "text_zh": zh, "text_en": en}
        event = engine_event(
            alert.id, Verb.CLEAR, now_us, to_us(alert.onset_at), alert.source,
            Condition(RULE, alert.kind, alert.priority, latching=False), told, drill=True,
        )  # fmt: skip
        patch.alerts[alert.key] = fold(alert, event)
        events.append(event)
    return events


def why_over(alert: Alert, others: Iterable[Alert], now: datetime) -> Over | None:
    """Why the drill of `alert` is over at `now`; None while it goes on. `others` are the open alerts."""
    if any(is_real_alarm(other) and other.source.institution_id == alert.source.institution_id for other in others):
        return Over.REAL_ALARM
    if alert.acknowledged:
        return Over.ACKNOWLEDGED
    return Over.TIME_UP if now >= datetime.fromisoformat(alert.evidence["ends_at"]) else None


def is_real_alarm(alert: Alert) -> bool:
    """Whether people are in danger now, and nobody should be busy with a drill."""
    return alert.active and not alert.drill and alert.kind in LIFE_SAFETY


def _told(call: DrillCall, kind: Kind) -> dict[str, Any]:
    zh, en = _TEXTS[kind]
    order = call.order
    text_zh = f"【演练】模拟{zh}，请按真实报警处置并确认"
    text_en = f"[Drill] simulated {en}: act and acknowledge as if it were real"
    if order.reach != Reach.ALL:
        text_zh, text_en = (
            f"【演练】全链路测试（模拟{zh}），无需处理",
            f"[Drill] test of the chain (simulated {en})",
        )
    return {
        "rule": RULE,
        "drill_id": str(order.drill_id),
        "reach": order.reach,
        "ends_at": (from_us(order.at_us) + timedelta(seconds=order.limit_s)).isoformat(),
        "text_zh": text_zh,
        "text_en": text_en,
    }
