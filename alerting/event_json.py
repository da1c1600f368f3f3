"""Events and alerts as JSON, for places that are not the database: the spool, a webhook, an export."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from alerting.alert import Alert, AlertEvent, Kind, Priority, Source, Verb

_TIMES: Final = {"at", "onset_at", "raised_at", "called_at", "cleared_at", "acknowledged_at", "reset_at"}
_NAMES: Final = {each: [field.name for field in fields(each)] for each in (AlertEvent, Alert)}


def dump(event: AlertEvent, alert: Alert) -> bytes:
    """The event, and the alert as it stands after it."""
    return orjson.dumps({"event": _plain(event), "alert": _plain(alert)})


def load(body: bytes) -> tuple[AlertEvent, Alert]:
    """What `dump` was given."""
    document = orjson.loads(body)
    return _event(document["event"]), _alert(document["alert"])


def _plain(record: AlertEvent | Alert) -> dict[str, Any]:
    plain = {name: getattr(record, name) for name in _NAMES[type(record)]}
    plain["source"] = list(record.source)
    if "rules" in plain:
        plain["rules"] = sorted(plain["rules"])
    plain["evidence"] = dict(record.evidence)
    return plain


def _common(record: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(record)
    for name in _TIMES & plain.keys():
        plain[name] = datetime.fromisoformat(plain[name]) if plain[name] else None
    plain["source"] = Source(*plain["source"])
    plain["kind"], plain["priority"] = Kind(plain["kind"]), Priority(plain["priority"])
    return plain


def _event(record: Mapping[str, Any]) -> AlertEvent:
    plain = _common(record)
    plain["event_id"], plain["alert_id"] = UUID(plain["event_id"]), UUID(plain["alert_id"])
    plain["verb"] = Verb(plain["verb"])
    return AlertEvent(**plain)


def _alert(record: Mapping[str, Any]) -> Alert:
    plain = _common(record)
    plain["id"], plain["rules"] = UUID(plain["id"]), frozenset(plain["rules"])
    return Alert(**{each.name: plain[each.name] for each in fields(Alert)})
