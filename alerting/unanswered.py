"""The end of an escalation policy is an alert of its own: nobody acknowledged, and the next level must know."""

from datetime import datetime
from typing import Final

from alerting.alert import Alert, AlertEvent, Kind, Priority, Verb, alert_id, event_id, key_of
from alerting.ladder import Ladder
from ingest.reading import to_us

ACTOR: Final = "notifier"


def unanswered(alert: Alert, ladder: Ladder, told_count: int, now: datetime) -> AlertEvent:
    """That nobody acknowledged `alert` to the end of its policy."""
    minutes = max(1, round((now - ladder.begun_at).total_seconds() / 60))
    if told_count:
        text_zh = f"报警已通知 {told_count} 人，{minutes} 分钟内无人确认"
        text_en = f"{told_count} people were told; nobody acknowledged within {minutes} min"
    else:
        text_zh, text_en = "报警未能通知到任何人", "Nobody could be told of the alarm"
    evidence = {"alert_id": str(alert.id), "kind": alert.kind.value, "text_zh": text_zh, "text_en": text_en}
    return _event(alert, ladder, Verb.RAISE, now, evidence)


def answered(alert: Alert, ladder: Ladder, now: datetime) -> AlertEvent:
    """That somebody acknowledged `alert` after all."""
    who = alert.acknowledged_by or ""
    evidence = {
        "alert_id": str(alert.id),
        "kind": alert.kind.value,
        "text_zh": f"已由 {who} 确认",
        "text_en": f"Acknowledged by {who}",
    }
    return _event(alert, ladder, Verb.CLEAR, now, evidence)


def _event(alert: Alert, ladder: Ladder, verb: Verb, now: datetime, evidence: dict[str, str]) -> AlertEvent:
    rule = f"unanswered.{alert.kind}"
    number = alert_id(key_of(alert.source, Kind.UNANSWERED), to_us(ladder.begun_at))
    return AlertEvent(
        # worked out from the call, not from now: what was committed before a crash is not said again
        event_id=event_id(number, verb, f"{rule}|{alert.id}|{ladder.call}", to_us(ladder.begun_at)),
        alert_id=number,
        verb=verb,
        at=now,
        source=alert.source,
        kind=Kind.UNANSWERED,
        priority=Priority.CRITICAL if alert.priority is Priority.CRITICAL else Priority.HIGH,
        latching=False,
        rule=rule,
        actor=ACTOR,
        onset_at=ladder.begun_at,
        evidence=evidence,
        drill=alert.drill,
    )
