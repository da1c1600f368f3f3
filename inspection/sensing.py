"""Which alerts open a hazard: the policy's sensor rules judged on the alerts' log. Drills open none.

A hazard that a rule opens has an id worked out from its cause, and a rule has at most one open hazard at a place: an
event that is read twice, or a worker that is killed between two steps, opens nothing twice.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from alerting.alert import Alert, AlertEvent, Kind, Source, Verb
from inspection import hazard
from inspection.decide import Found, repeat_key, repeated, report_body
from inspection.hazard import ENGINE, Hazard, HazardEvent, Origin
from inspection.policy import Policy, SensorRule, When

_NAMESPACE: Final = uuid.UUID("9d2c0f3e-5b1f-5c1e-a4a3-2f6a2f0f7b52")  # of hazards that a rule opens; fixed for ever


class Reason(StrEnum):
    """Why a rule opens a hazard, or does not."""

    OPENS = "opens"
    ANOTHER_ALERT = "another_alert"  # of another kind, under another rule, a drill, or about Anhu itself
    NOT_YET = "not_yet"  # it has not lasted, or was not repeated, for long enough
    OPEN_ALREADY = "open_already"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a rule judges: an alert, the event or the moment that counts, and when the same was raised lately."""

    alert_id: uuid.UUID
    source: Source
    kind: Kind
    alert_rules: frozenset[str]
    drill: bool
    name: str  # what tells this cause from every other one
    raised: Sequence[datetime]  # of the same kind at the same place, this one included
    holds_since: datetime | None  # of a condition that holds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule makes of a cause; `event` is the report of the hazard it opens."""

    reason: Reason
    event: HazardEvent | None = None


def of_event(event: AlertEvent, raised: Sequence[datetime]) -> Cause:
    """An alert was raised; `raised` are the times at which the same was, this one included."""
    rules = frozenset({event.rule} if event.rule else ())
    return Cause(
        event.alert_id, event.source, event.kind, rules, event.drill, str(event.event_id), tuple(raised), None
    )  # fmt: skip


def of_alert(alert: Alert) -> Cause:
    """An alert's condition holds."""
    name = f"{alert.id}|{alert.occurrences}"
    since = alert.raised_at if alert.active else None
    return Cause(alert.id, alert.source, alert.kind, alert.rules, alert.drill, name, (), since)


def judge(rule: SensorRule, cause: Cause, earlier: Sequence[Hazard], now: datetime, policy: Policy) -> Verdict:
    """Whether `rule` opens a hazard because of `cause`; `earlier` is what it opened at this place, the newest first."""
    institution_id = cause.source.institution_id
    matches = any(each.startswith(rule.alert_rule) for each in cause.alert_rules) or not rule.alert_rule
    if cause.kind is not rule.alert_kind or not matches or cause.drill or institution_id is None:
        return Verdict(Reason.ANOTHER_ALERT)
    if any(each.open for each in earlier):
        return Verdict(Reason.OPEN_ALREADY)
    closed = max((each.closed_at for each in earlier if each.closed_at is not None), default=None)
    if not _ripe(rule, cause, closed, now):
        return Verdict(Reason.NOT_YET)
    return Verdict(Reason.OPENS, _report(rule, cause, institution_id, earlier, now, policy))


def _ripe(rule: SensorRule, cause: Cause, closed: datetime | None, now: datetime) -> bool:
    """What led to a hazard that is closed does not count again."""
    if rule.when is When.LASTING:
        return cause.holds_since is not None and now - cause.holds_since >= timedelta(hours=rule.hours)
    if rule.when is When.RAISED:
        return bool(cause.raised)
    since = now - timedelta(hours=rule.hours)
    return sum(at > since and (closed is None or at > closed) for at in cause.raised) >= rule.count


def _report(
    rule: SensorRule, cause: Cause, institution_id: int, earlier: Sequence[Hazard], now: datetime, policy: Policy
) -> HazardEvent:
    number = uuid.uuid5(_NAMESPACE, f"{rule.id}|{institution_id}|{cause.source.device_id or ''}|{cause.name}")
    found = Found(
        institution_id=institution_id,
        title=rule.title_zh,
        detail="",
        category=rule.category,
        level=rule.level,
        supervisor=rule.supervisor,
        zone_id=cause.source.zone_id,
        device_id=cause.source.device_id,
        clause=rule.clause,
    )
    key = repeat_key(
        item=None, rule=rule.id, device_id=cause.source.device_id, zone_id=cause.source.zone_id, category=rule.category
    )
    body: Mapping[str, Any] = {
        **report_body(found, Origin.SENSOR, key, repeated(key, earlier, now, policy)),
        "rule": rule.id,
        "alert_id": str(cause.alert_id),
        "alert_kind": cause.kind.value,
        "policy": policy.version,
    }
    return HazardEvent(uuid.uuid5(number, "report"), number, hazard.Verb.REPORT, now, ENGINE, body=body)


def counts(event: AlertEvent) -> bool:
    """Whether an event of the log can open a hazard at all."""
    return event.verb is Verb.RAISE and not event.drill and event.source.institution_id is not None
