"""What the sensor rules are judged on: when the same alert was raised before, and which have held for long."""

from datetime import datetime
from uuid import UUID

from alerting import store
from alerting.alert import Alert, AlertEvent, Kind
from ingest.database import Connection


def raised_since(connection: Connection, event: AlertEvent, since: datetime) -> list[datetime]:
    """When an alert of the event's kind was raised at its place from `since` up to the event itself."""
    rows = connection.execute(
        "SELECT at FROM alert_events WHERE verb = 'raise' AND NOT drill AND kind = %s AND institution_id = %s"
        " AND device_id IS NOT DISTINCT FROM %s AND at >= %s AND at <= %s ORDER BY at",
        (event.kind, event.source.institution_id, event.source.device_id, since, event.at),
    )
    return [row[0] for row in rows]


def holding_since(connection: Connection, kind: Kind, before: datetime) -> list[Alert]:
    """The alerts of `kind` whose condition has held since before `before`, and that are no drills."""
    rows = connection.execute(
        "SELECT id FROM alerts WHERE active AND NOT drill AND institution_id IS NOT NULL AND kind = %s"
        " AND raised_at <= %s ORDER BY raised_at, id",
        (kind, before),
    ).fetchall()
    ids: list[UUID] = [row[0] for row in rows]
    found = store.load_many(connection, ids)
    return [found[each] for each in ids]
