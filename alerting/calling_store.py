"""The alarms that call for somebody and that nobody has taken on, and who has been told of them."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from alerting import listing, store, suppression_store
from alerting.alert import Alert, Priority
from alerting.suppression import Suppression, why_quiet
from ingest.database import Connection

URGENT: Final = (Priority.CRITICAL, Priority.HIGH)
_WAITING: Final = (
    "SELECT id FROM alerts WHERE open AND NOT acknowledged AND NOT drill AND institution_id IS NOT NULL"
    " AND priority = ANY(%(priorities)s) AND (%(within)s::int[] IS NULL OR institution_id = ANY(%(within)s))"
)
_TOLD: Final = (
    "SELECT alert_id, name FROM (SELECT t.alert_id, p.id, p.name, min(t.at) AS at FROM tellings t"
    "  JOIN persons p ON p.id = t.person_id WHERE t.alert_id = ANY(%s) AND NOT t.dropped GROUP BY 1, 2, 3) told"
    " ORDER BY at, id"
)


def calling(connection: Connection, within: Collection[int] | None, now: datetime) -> list[Alert]:
    """The critical and high alerts of these institutions (None: of all) that nobody has acknowledged and nothing keeps
    quiet at `now`, the most urgent and of those the longest waiting first."""
    ids = None if within is None else list(within)
    rows = connection.execute(_WAITING, {"priorities": [each.value for each in URGENT], "within": ids}).fetchall()
    waiting = store.load_many(connection, [row[0] for row in rows]).values()
    places = {alert.source.institution_id for alert in waiting if alert.source.institution_id is not None}
    suppressions: dict[int | None, list[Suppression]] = {}
    for each in suppression_store.in_force_or_planned(connection, now):
        suppressions.setdefault(each.institution_id, []).append(each)
    hiding: dict[int | None, list[Alert]] = {}
    for alert in listing.hiding_at(connection, places):
        hiding.setdefault(alert.source.institution_id, []).append(alert)
    heard = [
        alert
        for alert, place in ((each, each.source.institution_id) for each in waiting)
        if why_quiet(alert, suppressions.get(place, ()), hiding.get(place, ()), now) is None
    ]
    return sorted(heard, key=lambda alert: (alert.priority.rank, alert.called_at, alert.id))


def told(connection: Connection, alert_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The names of those who were or are being told of these alerts, in the order in which they were called."""
    found: dict[UUID, list[str]] = {}
    for alert_id, name in connection.execute(_TOLD, (list(alert_ids),)):
        found.setdefault(alert_id, []).append(name)
    return found
