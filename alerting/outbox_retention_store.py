"""What of the notifier's tables has had its time. The event log, the acts and the ledger over both are never touched:
they say what happened and who acted; here goes only how people were called about alerts that are over."""

from datetime import datetime
from typing import Final, NamedTuple

from ingest.database import Connection

ALERTS_MAX: Final = 1000  # in one go; ten messages each at most, in all but storms
PUSHES_MAX: Final = 10_000

# Alerts that are over, with nothing about them that is younger than the age, held back or still to be sent.
_OVER: Final = (
    "SELECT a.id FROM alerts a WHERE a.raised_at < %(before)s AND NOT a.open"
    " AND EXISTS (SELECT FROM ladders l WHERE l.alert_id = a.id)"
    " AND NOT EXISTS (SELECT FROM ladders l WHERE l.alert_id = a.id"
    "   AND (l.ended_at IS NULL OR l.ended_at >= %(before)s))"
    " AND NOT EXISTS (SELECT FROM tellings t LEFT JOIN deliveries d USING (push_id) WHERE t.alert_id = a.id"
    "   AND (t.at >= %(before)s OR (t.push_id IS NULL AND NOT t.dropped) OR d.state IN ('waiting', 'sending')))"
    " ORDER BY a.raised_at LIMIT %(count)s"
)
# Messages that tell of no alert any more (or never did, as tests), and that nobody is to get.
_TOLD_OF_NOTHING: Final = (
    "SELECT p.id FROM pushes p WHERE p.created_at < %(before)s"
    " AND NOT EXISTS (SELECT FROM tellings t WHERE t.push_id = p.id)"
    " AND NOT EXISTS (SELECT FROM deliveries d WHERE d.push_id = p.id AND d.state IN ('waiting', 'sending'))"
    " ORDER BY p.created_at LIMIT %(count)s"
)


class Removed(NamedTuple):
    """What one go has removed."""

    alerts: int  # whose ladders and tellings
    pushes: int  # with their deliveries
    links: int

    @property
    def more(self) -> bool:
        """Whether there may be more to remove."""
        return self.alerts == ALERTS_MAX or PUSHES_MAX in (self.pushes, self.links)


def remove(connection: Connection, before: datetime, links_before: datetime) -> Removed:
    """Remove how people were called about alerts that were over `before`, and acknowledge links that expired before
    `links_before`; in the caller's transaction, at most ALERTS_MAX alerts and PUSHES_MAX messages in one go."""
    alerts = _ids(connection, _OVER, before, ALERTS_MAX)
    connection.execute("DELETE FROM tellings WHERE alert_id = ANY(%s)", (alerts,))
    connection.execute("DELETE FROM ladders WHERE alert_id = ANY(%s)", (alerts,))
    pushes = _ids(connection, _TOLD_OF_NOTHING, before, PUSHES_MAX)
    tokens = [
        row[0]
        for row in connection.execute(
            "SELECT token_sha256 FROM acknowledge_links WHERE push_id = ANY(%s) UNION"
            " (SELECT token_sha256 FROM acknowledge_links WHERE expires_at < %s LIMIT %s)",
            (pushes, links_before, PUSHES_MAX),
        )
    ]
    connection.execute("DELETE FROM acknowledge_link_uses WHERE token_sha256 = ANY(%s)", (tokens,))
    connection.execute("DELETE FROM acknowledge_links WHERE token_sha256 = ANY(%s)", (tokens,))
    connection.execute("DELETE FROM deliveries WHERE push_id = ANY(%s)", (pushes,))
    connection.execute("DELETE FROM pushes WHERE id = ANY(%s)", (pushes,))
    return Removed(len(alerts), len(pushes), len(tokens))


def _ids(connection: Connection, statement: str, before: datetime, count: int) -> list[object]:
    return [row[0] for row in connection.execute(statement.encode(), {"before": before, "count": count})]
