"""What is on record of a hazard's sensor since it was said to be rectified."""

from typing import Final

from ingest import directory, history
from ingest.database import Connection
from inspection.hazard import Hazard
from inspection.proof import Facts

READINGS_COUNT_MAX: Final = 500  # of one point; more prove no more
_PLACE: Final = (
    "NOT drill AND kind = %(kind)s AND institution_id = %(institution)s AND device_id IS NOT DISTINCT FROM %(device)s"
)
_ALERTS: Final = f"SELECT coalesce(bool_or(active), false), max(cleared_at) FROM alerts WHERE {_PLACE}"
_RAISED: Final = f"SELECT count(*) FROM alert_events WHERE verb = 'raise' AND at > %(since)s AND {_PLACE}"


def facts(connection: Connection, hazard: Hazard) -> Facts:
    """The facts about a hazard that a sensor rule opened."""
    place = {"kind": hazard.alert_kind, "institution": hazard.institution_id, "device": hazard.device_id}
    row = connection.execute(_ALERTS.encode(), place).fetchone()
    active, well_since = row if row is not None else (False, None)
    raised, readings, last_at = 0, 0, None
    since = hazard.rectified_at
    if since is not None:
        counted = connection.execute(_RAISED.encode(), {**place, "since": since}).fetchone()
        raised = int(counted[0]) if counted else 0
        if hazard.device_id is not None:
            points = [each.id for each in directory.points_of(connection, [hazard.device_id])]
            samples = history.samples_after(connection, dict.fromkeys(points, since), READINGS_COUNT_MAX)
            readings = len(samples)
            last_at = max((each.measured_at for each in samples), default=None)
    return Facts(since, hazard.device_id is not None, bool(active), raised, well_since, readings, last_at)
