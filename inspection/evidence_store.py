"""The facts a rating rests on, as they stood on record at one moment: what was recorded later is not seen, whatever day
it is about, so the same moment gives the same facts for ever."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingest.database import Connection
from inspection.evidence import NEVER, SOURCES, Facts
from inspection.rating import Institutions
from inspection.rating_policy import RatingPolicy

_WITHIN: Final = "(%(ids)s::int[] IS NULL OR {0}institution_id = ANY(%(ids)s))"


def _us(expression: str) -> str:
    return f"coalesce((extract(epoch FROM {expression}) * 1000000)::bigint, {NEVER})"


# What was withdrawn by then was never found. A hazard is overdue from its deadline on while it is being rectified;
# comments change nothing. An extension only ever moves a deadline to a later time, so the greatest so far is the one
# that counts.
_HAZARDS: Final = f"""
WITH told AS (
  SELECT e.hazard_id, e.seq, e.verb, e.at, e.passed, e.body->>'level' AS level,
    (e.verb IN ('assign', 'ask_extension', 'extend', 'refuse_extension', 'propose', 'remind', 'escalate')
      OR (e.verb = 'recheck' AND NOT e.passed)) AS assigned,
    max(CASE e.verb WHEN 'assign' THEN (e.body->>'deadline')::timestamptz
                    WHEN 'extend' THEN (e.body->>'until')::timestamptz END)
      OVER (PARTITION BY e.hazard_id ORDER BY e.seq) AS deadline,
    lead(e.at) OVER (PARTITION BY e.hazard_id ORDER BY e.seq) AS next_at
  FROM hazard_events e JOIN hazards h ON h.id = e.hazard_id
  WHERE e.verb <> 'comment' AND e.recorded_at <= %(as_of)s AND {_WITHIN.format("h.")}
    AND (h.closed_at IS NULL OR h.closed_at >= %(since)s)
), lives AS (
  SELECT hazard_id,
    (array_agg(level ORDER BY seq DESC) FILTER (WHERE level IS NOT NULL))[1] AS level,
    min(greatest(deadline, at)) FILTER (WHERE assigned AND coalesce(next_at, %(as_of)s) > deadline) AS overdue_at,
    coalesce(sum(extract(epoch FROM coalesce(next_at, %(as_of)s) - greatest(deadline, at)))
      FILTER (WHERE assigned AND coalesce(next_at, %(as_of)s) > deadline) / 3600, 0)::float8 AS overdue_h,
    coalesce(bool_or(next_at IS NULL AND assigned AND deadline < %(as_of)s), false) AS standing,
    max(at) FILTER (WHERE verb = 'close') AS closed_at,
    coalesce(max(at) FILTER (WHERE verb = 'rectify') <= max(deadline), false) AS in_time,
    count(*) FILTER (WHERE verb = 'recheck' AND NOT passed)::float8 AS failures,
    max(at) FILTER (WHERE verb = 'recheck' AND NOT passed) AS failed_at
  FROM told GROUP BY hazard_id HAVING NOT bool_or(verb = 'withdraw')
)
SELECT h.institution_id, h.id::text, l.level, h.origin, h.category, h.occurrence > 1, {_us("h.reported_at")},
  {_us("l.overdue_at")}, l.overdue_h, l.standing, {_us("l.closed_at")}, l.in_time, l.failures, {_us("l.failed_at")}
FROM lives l JOIN hazards h ON h.id = l.hazard_id ORDER BY h.institution_id, h.no
"""
# An alert can be raised again before it has ended: its condition has held for the sum of the times between.
_ALERTS: Final = f"""
WITH told AS (
  SELECT id, alert_id, institution_id, kind, priority, verb, at, rule,
    lead(at) OVER (PARTITION BY alert_id ORDER BY id) AS next_at
  FROM alert_events
  WHERE verb IN ('raise', 'clear') AND NOT drill AND institution_id IS NOT NULL AND at >= %(since)s
    AND recorded_at <= %(as_of)s AND {_WITHIN.format("")}
)
SELECT institution_id, alert_id::text, min(kind), min(priority) FILTER (WHERE verb = 'raise'),
  bool_or(starts_with(rule, 'unanswered.')) FILTER (WHERE verb = 'raise') IS TRUE,
  {_us("min(at) FILTER (WHERE verb = 'raise')")},
  (sum(extract(epoch FROM coalesce(next_at, %(as_of)s) - at)) FILTER (WHERE verb = 'raise') / 3600)::float8,
  {_us("max(at) FILTER (WHERE verb = 'clear' AND next_at IS NULL)")}
FROM told GROUP BY institution_id, alert_id HAVING bool_or(verb = 'raise') ORDER BY institution_id, min(id)
"""
# A commitment counts whether its head signed it here or a bureau has it on paper. One that was signed holds until it is
# revoked, or another takes its place.
_RECORDS: Final = f"""
WITH known AS (
  SELECT r.institution_id, r.id::text AS id, r.kind, r.level, r.occurred_at, r.until_at, g.repaired_at, r.recorded_at
  FROM safety_records r LEFT JOIN LATERAL (
    SELECT min(occurred_at) FILTER (WHERE kind = 'repair') AS repaired_at, bool_or(kind = 'withdrawal') AS withdrawn
    FROM safety_records WHERE about = r.id AND recorded_at <= %(as_of)s) g ON true
  WHERE r.about IS NULL AND r.recorded_at <= %(as_of)s AND r.occurred_at >= %(since)s AND g.withdrawn IS NOT TRUE
    AND {_WITHIN.format("r.")}
  UNION ALL
  SELECT c.institution_id, 'commitment-' || c.id, 'commitment', '', c.signed_at, least(c.until, v.at, n.signed_at),
    NULL, c.recorded_at
  FROM commitments c LEFT JOIN commitment_revocations v ON v.commitment_id = c.id AND v.at <= %(as_of)s
  LEFT JOIN LATERAL (
    SELECT min(signed_at) AS signed_at FROM commitments
    WHERE institution_id = c.institution_id AND id > c.id AND recorded_at <= %(as_of)s) n ON true
  WHERE c.recorded_at <= %(as_of)s AND c.signed_at >= %(since)s AND {_WITHIN.format("c.")}
)
SELECT institution_id, id, kind, level, {_us("occurred_at")}, {_us("until_at")}, {_us("repaired_at")}
FROM known ORDER BY institution_id, recorded_at, id
"""
# What a check was called for is final at its due time, whenever the row says so.
_DUTY: Final = f"""
SELECT institution_id, id::text, {_us("due_at")} FROM duty_checks
WHERE due_at <= %(as_of)s AND due_at >= %(since)s AND (answered_at IS NULL OR answered_at > due_at)
  AND {_WITHIN.format("")}
ORDER BY institution_id, id
"""
_DRILLS: Final = f"""
SELECT institution_id, id::text, {_us("ended_at")} FROM drills
WHERE state = 'passed' AND ended_at <= %(as_of)s AND ended_at >= %(since)s AND {_WITHIN.format("")}
ORDER BY institution_id, ended_at, id
"""
# What was found is complete when the leader signs, but for what is withdrawn later. A finding's hazard counts with the
# hazards (origin = inspection).
_INSPECTIONS: Final = f"""
SELECT i.institution_id, i.id::text, i.kind, i.own, f.findings::float8, f.findings = 0, {_us("e.at")}
FROM inspection_events e JOIN inspections i ON i.id = e.inspection_id CROSS JOIN LATERAL (
  SELECT count(*) AS findings FROM inspection_findings n WHERE n.inspection_id = i.id AND NOT EXISTS (
    SELECT FROM hazard_events w
    WHERE w.hazard_id = n.hazard_id AND w.verb = 'withdraw' AND w.recorded_at <= %(as_of)s)) f
WHERE e.verb = 'conclude' AND e.recorded_at <= %(as_of)s AND e.at >= %(since)s AND {_WITHIN.format("i.")}
ORDER BY i.institution_id, e.at, i.id
"""
_TIME, _AMOUNT, _FLAG, _WORD = np.int64, np.float64, np.bool_, np.object_
_TABLES: Final[Mapping[str, tuple[str, Mapping[str, type]]]] = {
    "hazards": (
        _HAZARDS,
        {
            "level": _WORD, "origin": _WORD, "category": _WORD, "repeated": _FLAG, "reported_at": _TIME,
            "overdue_at": _TIME, "overdue_h": _AMOUNT, "standing": _FLAG, "closed_at": _TIME, "in_time": _FLAG,
            "failures": _AMOUNT, "failed_at": _TIME,
        },
    ),
    "alerts": (
        _ALERTS,
        {
            "kind": _WORD, "priority": _WORD, "to_the_end": _FLAG, "raised_at": _TIME, "held_h": _AMOUNT,
            "cleared_at": _TIME,
        },
    ),
    "safety_records": (
        _RECORDS,
        {"kind": _WORD, "level": _WORD, "occurred_at": _TIME, "until_at": _TIME, "repaired_at": _TIME},
    ),
    "duty_checks": (_DUTY, {"missed_at": _TIME}),
    "drills": (_DRILLS, {"passed_at": _TIME}),
    "inspections": (
        _INSPECTIONS,
        {"kind": _WORD, "own": _FLAG, "findings": _AMOUNT, "clean": _FLAG, "concluded_at": _TIME},
    ),
}  # fmt: skip


def facts(
    connection: Connection, policy: RatingPolicy, as_of: datetime, ids: Collection[int] | None = None
) -> dict[str, Facts]:
    """What `policy` can ask for at `as_of`, about the institutions `ids`, None: about all."""
    days: dict[str, float] = {}
    for each in policy.queries:
        table = SOURCES[each.source].table
        days[table] = max(days.get(table, 0.0), each.days)
    return {table: _table(connection, table, as_of, as_of - timedelta(days=back), ids) for table, back in days.items()}


def institutions(connection: Connection, as_of: datetime, ids: Collection[int] | None = None) -> Institutions:
    """Those registered by `as_of`."""
    rows = connection.execute(
        f"SELECT id, {_us('created_at')} FROM institutions"
        " WHERE created_at <= %(as_of)s AND (%(ids)s::int[] IS NULL OR id = ANY(%(ids)s)) ORDER BY id".encode(),
        {"as_of": as_of, "ids": _listed(ids)},
    ).fetchall()
    return Institutions(_column([row[0] for row in rows], np.int32), _column([row[1] for row in rows], _TIME))


def _table(connection: Connection, table: str, as_of: datetime, since: datetime, ids: Collection[int] | None) -> Facts:
    statement, kinds = _TABLES[table]
    parameters = {"as_of": as_of, "since": since, "ids": _listed(ids)}
    rows = connection.execute(statement.encode(), parameters).fetchall()
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in range(2 + len(kinds))]
    return Facts(
        table,
        _column(columns[0], np.int32),
        _column(columns[1], _WORD),
        {name: _column(values, kind) for (name, kind), values in zip(kinds.items(), columns[2:], strict=True)},
    )


def _column(values: Collection[Any], kind: type) -> NDArray[Any]:
    return np.array(values, dtype=kind)


def _listed(ids: Collection[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
