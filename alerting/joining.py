"""How an engine's events join the log: idempotent, and at most one open alert in a place, whatever raced."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from alerting.alert import Alert, AlertEvent, Key, Verb, fold


def join(
    events: Sequence[AlertEvent], known: Collection[UUID], by_id: dict[UUID, Alert], by_key: dict[Key, Alert]
) -> tuple[list[AlertEvent], dict[UUID, UUID]]:
    """The events that are new to the log, and which alert took those meant for each.

    `known` are event ids that are in the log already. `by_id` are the alerts concerned, `by_key` the open ones; both
    are brought up to date. An alert raised where another of the same key is open joins that one.
    """
    seen = set(known)
    new: list[AlertEvent] = []
    taken_by: dict[UUID, UUID] = {}
    for event in events:
        standing = by_id.get(event.alert_id) or by_key.get(event.key)
        if standing is not None:
            taken_by[event.alert_id] = standing.id
        if event.event_id in seen or not _applies(standing, event):
            continue
        if standing is not None and standing.id != event.alert_id:
            event = replace(event, alert_id=standing.id)
        changed = fold(standing, event)
        taken_by.setdefault(event.alert_id, changed.id)
        by_id[changed.id] = by_key[changed.key] = changed
        seen.add(event.event_id)
        new.append(event)
    return new, taken_by


def _applies(standing: Alert | None, event: AlertEvent) -> bool:
    """Whether an engine's event still says something. After a start without the database the engine may raise what the
    log knows to hold, or clear what the log knows to be over."""
    holds = standing is not None and event.rule in standing.rules
    return not holds if event.verb is Verb.RAISE else holds
