"""How an engine's events join the log: idempotent, and at most one open alert in a place, whatever raced."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from alerting.alert import Alert, AlertEvent, Key, Verb, alert_id, fold
from ingest.reading import to_us


def meant_ids(events: Sequence[AlertEvent]) -> set[UUID]:
    """The ids of every alert that `join` may put `events` on, besides the open ones."""
    return {number for event in events for number in (event.alert_id, _own_id(event))}


def join(
    events: Sequence[AlertEvent], known: Collection[UUID], by_id: dict[UUID, Alert], by_key: dict[Key, Alert]
) -> tuple[list[AlertEvent], dict[UUID, UUID]]:
    """The events that are new to the log, and which alert took those meant for each.

    `known` are event ids that are in the log already. `by_id` are the alerts of `meant_ids`, `by_key` the open ones;
    both are brought up to date. An alert raised where another of the same key is open joins that one. One raised on an
    alert that is over, because somebody reset it unknown to the engine, begins a new one; the same onset is the same
    alert, and goes on.
    """
    seen = set(known)
    new: list[AlertEvent] = []
    taken_by: dict[UUID, UUID] = {}
    for event in events:
        meant = by_id.get(event.alert_id)
        standing, number = _taker(event, by_id, by_key)
        if (concerned := standing or meant) is not None:
            taken_by[event.alert_id] = concerned.id
        if event.event_id in seen or not _applies(standing, event):
            continue
        taken_by[event.alert_id] = taken_by[number] = number
        joined = replace(event, alert_id=number)
        by_id[number] = by_key[event.key] = fold(standing, joined)
        seen.add(event.event_id)
        new.append(joined)
    return new, taken_by


def _taker(event: AlertEvent, by_id: dict[UUID, Alert], by_key: dict[Key, Alert]) -> tuple[Alert | None, UUID]:
    """The alert that takes `event`, None where it would begin one, and its id."""
    meant = by_id.get(event.alert_id)
    for standing in (meant, by_key.get(event.key)):
        if standing is not None and standing.open:
            return standing, standing.id
    if meant is None:
        return None, event.alert_id
    number = _own_id(event)
    return by_id.get(number), number


def _own_id(event: AlertEvent) -> UUID:
    """The id of the alert that `event` begins when it joins none."""
    return alert_id(event.key, to_us(event.onset_at))


def _applies(standing: Alert | None, event: AlertEvent) -> bool:
    """Whether an engine's event still says something. After a start without the database the engine may raise what the
    log knows to hold, or clear what the log knows to be over."""
    holds = standing is not None and event.rule in standing.rules
    return not holds if event.verb is Verb.RAISE else holds
