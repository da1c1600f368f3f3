"""What is on record of how often and when institutions are visited."""

from collections.abc import Collection
from datetime import datetime

from ingest.database import Connection
from inspection.credit_criteria import ListKind
from inspection.visit_due import Known


def known(
    connection: Connection, within: Collection[int] | None, now: datetime, *, region: str = "", text: str = ""
) -> list[Known]:
    """What is known of these institutions (None: of all), narrowed to a region and a part of the name."""
    rows = connection.execute(
        "SELECT i.id, i.created_at, k.grade, k.grade_inspections_per_year, k.list_kind, k.inspections_per_year,"
        " v.last_at, p.planned_for::timestamp AT TIME ZONE 'Asia/Shanghai'"
        " FROM institutions i JOIN institution_risk k ON k.institution_id = i.id"
        " LEFT JOIN LATERAL (SELECT max(begun_at) AS last_at FROM inspections WHERE institution_id = i.id AND NOT own"
        "  AND begun_at <= %(now)s) v ON true"
        " LEFT JOIN LATERAL (SELECT min(planned_for) AS planned_for FROM inspections WHERE institution_id = i.id"
        "  AND NOT own AND state = 'planned') p ON true"
        " WHERE (%(within)s::int[] IS NULL OR i.id = ANY(%(within)s)) AND starts_with(i.region, %(region)s)"
        " AND (%(text)s = '' OR strpos(lower(i.name || ' ' || i.name_en), %(text)s) > 0)",
        {
            "within": None if within is None else list(within),
            "now": now,
            "region": region,
            "text": text.strip().lower(),
        },
    )
    return [
        Known(row[0], row[1], row[2], row[3], None if row[4] is None else ListKind(row[4]), row[5], row[6], row[7])
        for row in rows
    ]
