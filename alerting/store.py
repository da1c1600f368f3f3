"""All SQL of the alerting core: the event log, the alerts it folds to, the rule sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting import ledger_store
from alerting.alert import Alert, AlertEvent, Key, Kind, Priority, Source, Verb, fold
from alerting.errors import AlertUnknown, StaleVersion
from alerting.joining import join, meant_ids
from ingest.database import Connection

CHANNEL: Final = "alert_events"

_EVENT_COLUMNS: Final = (
    "event_id", "alert_id", "verb", "at", "onset_at", "institution_id", "zone_id", "device_id", "kind", "priority",
    "latching", "rule", "actor", "note", "evidence", "drill", "unclaimed",
)  # fmt: skip
_ALERT_COLUMNS: Final = (
    "id", "institution_id", "zone_id", "device_id", "kind", "priority", "latching", "active", "acknowledged", "latched",
    "rules", "version", "occurrences", "onset_at", "raised_at", "called_at", "cleared_at", "acknowledged_at",
    "acknowledged_by", "reset_at", "evidence", "drill", "unclaimed", "last_event_id",
)  # fmt: skip

# Ids are drawn before the rows are written, so that a storm of alerts is two round trips and not one an event.
_ALLOCATE_IDS: Final = (
    "SELECT nextval(pg_get_serial_sequence('alert_events', 'id')), clock_timestamp() FROM generate_series(1, %s)"
)
_INSERT_EVENT: Final = (
    f"INSERT INTO alert_events (id, recorded_at, {', '.join(_EVENT_COLUMNS)})"
    f" OVERRIDING SYSTEM VALUE VALUES ({', '.join(['%s'] * (2 + len(_EVENT_COLUMNS)))})"
)
_SELECT_ALERTS: Final = f"SELECT {', '.join(_ALERT_COLUMNS)} FROM alerts"
_UPSERT_ALERT: Final = (
    f"INSERT INTO alerts ({', '.join(_ALERT_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_ALERT_COLUMNS))})"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _ALERT_COLUMNS[4:])}"
)
_SELECT_ENTRIES: Final = (
    f"SELECT e.id, e.recorded_at, {', '.join(f'e.{name}' for name in _EVENT_COLUMNS)},"
    f" {', '.join(f'a.{name}' for name in _ALERT_COLUMNS)}"
    " FROM alert_events e JOIN alerts a ON a.id = e.alert_id WHERE e.id > %s ORDER BY e.id LIMIT %s"
)
_RULE_VERSIONS: Final = (
    "WITH loads AS MATERIALIZED (SELECT id, at, body->>'sha256' AS sha256, body->>'reason' AS reason FROM acts"
    "  WHERE verb = 'load_rules')"
    " SELECT r.id, r.version, r.sha256, r.loaded_at, r.loaded_by, coalesce((SELECT reason FROM loads"
    "  WHERE loads.sha256 = r.sha256 AND at >= r.loaded_at ORDER BY id LIMIT 1), '')"
    " FROM rule_sets r WHERE %(before)s::int IS NULL OR r.id < %(before)s ORDER BY r.id DESC LIMIT %(limit)s"
)
_SELECT_EVENTS: Final = f"SELECT id, recorded_at, {', '.join(_EVENT_COLUMNS)} FROM alert_events"


def append(connection: Connection, events: Sequence[AlertEvent]) -> dict[UUID, Alert]:
    """Append the engine's `events` in the caller's transaction and answer with the alerts as they now stand.

    Idempotent: an event that is already in the log is passed over. An alert raised where another of the same key is
    still open joins that one, so that at most one is open whatever raced, and one raised on an alert that is over
    begins a new one (joining.join); the answer then maps the id the engine meant to the alert that took the event.
    """
    if not events:
        return {}
    ledger_store.lock(connection)
    seen = logged_event_ids(connection, [event.event_id for event in events])
    by_id, by_key = _alerts_concerned(connection, events)
    new, taken_by = join(events, seen, by_id, by_key)
    _record(connection, new, by_id)
    return {meant: by_id[taker] for meant, taker in taken_by.items()}


def _record(connection: Connection, events: Sequence[AlertEvent], by_id: dict[UUID, Alert]) -> None:
    """Write `events` to the log and the alerts they changed beside it, and wake the followers."""
    if not events:
        return
    allotted = connection.execute(_ALLOCATE_IDS, (len(events),)).fetchall()
    with connection.cursor() as cursor:
        rows = [(*each, *_event_row(event)) for each, event in zip(allotted, events, strict=True)]
        cursor.executemany(_INSERT_EVENT, rows)
        last = {event.alert_id: row[0] for row, event in zip(rows, events, strict=True)}
        for alert_id, number in last.items():
            by_id[alert_id] = replace(by_id[alert_id], last_event_id=number)
        cursor.executemany(_UPSERT_ALERT, [_alert_row(by_id[alert_id]) for alert_id in last])
    ledger_store.extend(connection, "alert_events", [event_record(row) for row in rows])
    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(max(last.values()))))


def act(connection: Connection, alert: Alert, event: AlertEvent, version: int) -> Alert:
    """Append a person's `event`, made from `alert` as last read, in the caller's transaction.

    Raises StaleVersion when the alert has moved on from `version`, IllegalVerb when it does not allow the act.
    """
    ledger_store.lock(connection)
    standing = load(connection, alert.id)
    if standing.version != version:
        raise StaleVersion(f"the alert is at version {standing.version}, not {version}")
    changed = fold(standing, event)
    by_id = {changed.id: changed}
    _record(connection, [event], by_id)
    return by_id[changed.id]


def load(connection: Connection, alert_id: UUID) -> Alert:
    """The alert with that id. Raises AlertUnknown."""
    found = _alerts(connection, "WHERE id = %s", (alert_id,))
    if not found:
        raise AlertUnknown(f"there is no alert {alert_id}")
    return found[0]


def load_many(connection: Connection, alert_ids: Iterable[UUID]) -> dict[UUID, Alert]:
    """Those of `alert_ids` that exist."""
    return {alert.id: alert for alert in _alerts(connection, "WHERE id = ANY(%s)", (list(alert_ids),))}


def open_alerts(connection: Connection, institutions: Sequence[int] | None = None) -> list[Alert]:
    """Every open alert, the most urgent and then the newest first; or those of some `institutions`, and of none."""
    ranks = [priority.value for priority in Priority]
    of_some = "" if institutions is None else " AND (institution_id IS NULL OR institution_id = ANY(%s))"
    return _alerts(
        connection,
        f"WHERE open{of_some} ORDER BY array_position(%s::text[], priority), raised_at DESC, id",
        (ranks,) if institutions is None else (list(institutions), ranks),
    )


def open_alert(connection: Connection, key: Key) -> Alert | None:
    """The alert that is open in that place."""
    found = _alerts(
        connection,
        "WHERE open AND coalesce(institution_id, 0) = %s AND coalesce(device_id, 0) = %s AND kind = %s AND drill = %s"
        " AND unclaimed IS NOT DISTINCT FROM %s",
        (key.institution_id or 0, key.device_id or 0, key.kind, key.drill, key.unclaimed),
    )
    return found[0] if found else None


def ended_last(connection: Connection, count_max: int) -> list[Alert]:
    """The alerts that ended last, at most `count_max`."""
    return _alerts(connection, "WHERE NOT open ORDER BY last_event_id DESC LIMIT %s", (count_max,))


def changed_since(connection: Connection, event_id: int) -> list[Alert]:
    """Alerts that an event after `event_id` has changed, oldest change first."""
    return _alerts(connection, "WHERE last_event_id > %s ORDER BY last_event_id", (event_id,))


def last_event_id(connection: Connection) -> int:
    """The id of the newest event, 0 for an empty log."""
    row = connection.execute("SELECT coalesce(max(id), 0) FROM alert_events").fetchone()
    return int(row[0]) if row else 0


def entries_after(
    connection: Connection, event_id: int, count_max: int
) -> list[tuple[int, datetime, AlertEvent, Alert]]:
    """At most `count_max` events after `event_id` as (id, recorded_at, event, the alert as it stands now), in order."""
    with connection.cursor() as cursor:
        rows = cursor.execute(_SELECT_ENTRIES, (event_id, count_max)).fetchall()
    first = 2 + len(_EVENT_COLUMNS)
    alerts: dict[UUID, Alert] = {}
    found = []
    for row in rows:
        event = _event(dict(zip(_EVENT_COLUMNS, row[2:first], strict=True)))
        if event.alert_id not in alerts:
            alerts[event.alert_id] = _alert(dict(zip(_ALERT_COLUMNS, row[first:], strict=True)))
        found.append((int(row[0]), row[1], event, alerts[event.alert_id]))
    return found


def events_of(connection: Connection, alert_id: UUID) -> list[tuple[int, datetime, AlertEvent]]:
    """The history of one alert as (id, recorded_at, event), in order."""
    return _events(connection, "WHERE alert_id = %s ORDER BY id", (alert_id,))


def alerts_of_events(connection: Connection, event_ids: Iterable[UUID]) -> dict[UUID, Alert]:
    """The alerts, by the ids of events that changed them."""
    rows = connection.execute(
        "SELECT event_id, alert_id FROM alert_events WHERE event_id = ANY(%s)", (list(event_ids),)
    ).fetchall()
    alerts = load_many(connection, {alert_id for _, alert_id in rows})
    return {event_id: alerts[alert_id] for event_id, alert_id in rows}


def load_rules(connection: Connection, *, lock: bool = False) -> tuple[str, str] | None:
    """The rule set in force as (TOML text, sha256), None before the first was loaded. With `lock` nobody else puts one
    in force before the caller's transaction ends."""
    if lock:
        connection.execute("LOCK TABLE rule_sets IN SHARE ROW EXCLUSIVE MODE")
    row = connection.execute("SELECT body, sha256 FROM rule_sets ORDER BY id DESC LIMIT 1").fetchone()
    return (str(row[0]), str(row[1])) if row else None


def save_rules(connection: Connection, *, version: str, sha256: str, body: str, loaded_by: str) -> bool:
    """Put a rule set in force; False when the newest one is this very text."""
    newest = load_rules(connection, lock=True)
    if newest is not None and newest[1] == sha256:
        return False
    connection.execute(
        "INSERT INTO rule_sets (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s)",
        (version, sha256, body, loaded_by),
    )
    return True


def rule_versions(connection: Connection, before_id: int | None, count_max: int) -> list[tuple[Any, ...]]:
    """(id, version, sha256, when loaded, by whom, the reason given) of rule sets, the newest first."""
    return connection.execute(_RULE_VERSIONS, {"before": before_id, "limit": count_max}).fetchall()


def rule_text(connection: Connection, version_id: int) -> str | None:
    """The TOML text of a rule set, None where there is no such."""
    row = connection.execute("SELECT body FROM rule_sets WHERE id = %s", (version_id,)).fetchone()
    return str(row[0]) if row else None


def logged_event_ids(connection: Connection, event_ids: Iterable[UUID]) -> set[UUID]:
    """Those of `event_ids` that are in the log."""
    rows = connection.execute("SELECT event_id FROM alert_events WHERE event_id = ANY(%s)", (list(event_ids),))
    return {row[0] for row in rows}


def _alerts_concerned(
    connection: Connection, events: Sequence[AlertEvent]
) -> tuple[dict[UUID, Alert], dict[Key, Alert]]:
    """The alerts the events name, by id, and the open ones in the same places, by key."""
    ids = list(meant_ids(events))
    institutions = list({event.source.institution_id or 0 for event in events})
    devices = list({event.source.device_id or 0 for event in events})
    found = _alerts(
        connection,
        "WHERE id = ANY(%s) OR (open AND coalesce(institution_id, 0) = ANY(%s) AND coalesce(device_id, 0) = ANY(%s))",
        (ids, institutions, devices),
    )
    return {alert.id: alert for alert in found}, {alert.key: alert for alert in found if alert.open}


def event_record(row: Sequence[Any]) -> dict[str, Any]:
    """A row of alert_events, (id, recorded_at, *_EVENT_COLUMNS), as the record that is chained."""
    record = dict(zip(("id", "recorded_at", *_EVENT_COLUMNS), row, strict=True))
    if isinstance(record["evidence"], Jsonb):
        record["evidence"] = record["evidence"].obj
    return ledger_store.as_chained(record)


def _event_row(event: AlertEvent) -> tuple[Any, ...]:
    return (
        event.event_id, event.alert_id, event.verb, event.at, event.onset_at, *event.source[:3], event.kind,
        event.priority, event.latching, event.rule, event.actor, event.note, Jsonb(dict(event.evidence)), event.drill,
        event.source.unclaimed,
    )  # fmt: skip


def _alert_row(alert: Alert) -> tuple[Any, ...]:
    return (
        alert.id, *alert.source[:3], alert.kind, alert.priority, alert.latching, alert.active, alert.acknowledged,
        alert.latched, sorted(alert.rules), alert.version, alert.occurrences, alert.onset_at, alert.raised_at,
        alert.called_at, alert.cleared_at, alert.acknowledged_at, alert.acknowledged_by, alert.reset_at,
        Jsonb(dict(alert.evidence)), alert.drill, alert.source.unclaimed, alert.last_event_id,
    )  # fmt: skip


def _alerts(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[Alert]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT_ALERTS} {condition}".encode(), parameters).fetchall()
    return [_alert(row) for row in rows]


def _alert(row: Mapping[str, Any]) -> Alert:
    fields = dict(row)
    fields["source"] = Source(*(fields.pop(name) for name in Source._fields))
    fields["kind"], fields["priority"] = Kind(fields["kind"]), Priority(fields["priority"])
    fields["rules"] = frozenset(fields["rules"])
    return Alert(**fields)


def _events(
    connection: Connection, condition: str, parameters: Sequence[Any]
) -> list[tuple[int, datetime, AlertEvent]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT_EVENTS} {condition}".encode(), parameters).fetchall()
    return [(row["id"], row["recorded_at"], _event(row)) for row in rows]


def _event(row: Mapping[str, Any]) -> AlertEvent:
    fields = {name: row[name] for name in _EVENT_COLUMNS}
    fields["source"] = Source(*(fields.pop(name) for name in Source._fields))
    fields["verb"], fields["kind"] = Verb(fields["verb"]), Kind(fields["kind"])
    fields["priority"] = Priority(fields["priority"])
    return AlertEvent(**fields)
