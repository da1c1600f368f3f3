"""What is on record of alarms in figures: how many a day, how soon people answered. Drills never count."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from alerting.alert import Priority
from alerting.response import Response, Target, finite
from ingest.database import Connection

_ZONE: Final = "Asia/Shanghai"
_DAY: Final = timedelta(days=1)


class DayCount(NamedTuple):
    """How many alerts of one priority were raised on one day in China."""

    day: date
    priority: Priority
    raised: int


# An alert counts where it was last raised: an alarm that comes and goes is one alert (alert.py).
_WITHIN: Final = (
    " a.raised_at >= %(since)s AND a.raised_at <= %(now)s AND NOT a.drill AND a.institution_id IS NOT NULL"
    " AND (%(within)s::int[] IS NULL OR a.institution_id = ANY(%(within)s))"
)
_DAYS: Final = (
    "SELECT (a.raised_at AT TIME ZONE %(zone)s)::date, a.priority, count(*) FROM alerts a"
    f" WHERE{_WITHIN} GROUP BY 1, 2 ORDER BY 1, 2"
)
_RESPONSES: Final = (
    "WITH target (kind, priority, place, within_s) AS ("
    "  SELECT * FROM unnest(%(kinds)s::text[], %(priorities)s::text[], %(places)s::text[], %(seconds)s::float8[])),"
    " waits AS (SELECT a.priority, a.raised_at, t.within_s, extract(epoch FROM %(now)s - a.called_at) AS age_s,"
    "  CASE WHEN a.acknowledged THEN extract(epoch FROM a.acknowledged_at - a.called_at)::float8"
    "   ELSE 'infinity'::float8 END AS wait_s"
    "  FROM alerts a JOIN institutions i ON i.id = a.institution_id"
    "  LEFT JOIN target t ON t.kind = a.kind AND t.priority = a.priority AND t.place = i.kind"
    f"  WHERE{_WITHIN})"
    " SELECT priority, count(*), count(*) FILTER (WHERE raised_at > %(day_ago)s),"
    " count(*) FILTER (WHERE wait_s < 'infinity'),"
    " percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY wait_s),"
    " count(*) FILTER (WHERE within_s IS NOT NULL AND (wait_s < 'infinity' OR age_s > within_s)),"
    " count(*) FILTER (WHERE wait_s <= within_s) FROM waits GROUP BY priority"
)


def per_day(connection: Connection, within: Collection[int] | None, since: datetime, now: datetime) -> list[DayCount]:
    """How many alerts of which priority were raised on each day, at these institutions or (None) at all; days and
    priorities without one are left out."""
    parameters = {"within": _ids(within), "since": since, "now": now, "zone": _ZONE}
    return [
        DayCount(day, Priority(priority), number) for day, priority, number in connection.execute(_DAYS, parameters)
    ]


def responses(
    connection: Connection,
    within: Collection[int] | None,
    since: datetime,
    now: datetime,
    targets: Sequence[Target],
) -> list[Response]:
    """How soon the alerts raised from `since` on were acknowledged, by priority, the most urgent first; priorities
    without an alert are left out."""
    parameters = {
        "within": _ids(within),
        "since": since,
        "now": now,
        "day_ago": now - _DAY,
        "kinds": [each.kind for each in targets],
        "priorities": [each.priority for each in targets],
        "places": [each.institution_kind for each in targets],
        "seconds": [each.within_s for each in targets],
    }
    found = [
        Response(Priority(priority), raised, last_day, acknowledged, finite(waits[0]), finite(waits[1]), due, in_time)
        for priority, raised, last_day, acknowledged, waits, due, in_time in connection.execute(_RESPONSES, parameters)
    ]
    return sorted(found, key=lambda each: each.priority.rank)


def _ids(within: Collection[int] | None) -> list[int] | None:
    return None if within is None else list(within)
