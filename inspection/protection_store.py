"""What inspections found of the nine protections, and the policy about them, in the database."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.checklist import get
from inspection.protection import CHECKLIST, Assessment, Evidence, Place
from inspection.protection_policy import Policy
from inspection.visit import Kind, Outcome

# Only what still says something at `since` or later: not what was put right, or answered, longer ago than it holds.
# Where `newest` is a moment, only what decides then: open failures, and the newest that was no mistake, once of own
# checks and once from outside.
_ASSESSMENTS: Final = (
    "SELECT institution_id, item_id, outcome, concluded_at, id, own, hazard_id, no, closed_at, withdrawn_at FROM ("
    "SELECT i.institution_id, t.item_id, t.outcome, i.concluded_at, i.id, i.own, f.hazard_id, h.no, h.closed_at,"
    "  h.withdrawn_at, CASE WHEN %(newest)s::timestamptz IS NOT NULL THEN row_number() OVER"
    "   (PARTITION BY i.institution_id, t.item_id, i.own, h.withdrawn_at <= %(newest)s ORDER BY"
    "    CASE WHEN h.closed_at <= %(newest)s THEN h.closed_at ELSE i.concluded_at END DESC, i.id DESC) END AS place"
    " FROM inspection_items t JOIN inspections i ON i.id = t.inspection_id"
    " LEFT JOIN inspection_findings f ON f.inspection_id = t.inspection_id AND f.event_seq = t.event_seq"
    " LEFT JOIN hazards h ON h.id = f.hazard_id"
    " WHERE t.checklist_id = 'gb38600-protections' AND i.state = 'concluded' AND i.concluded_at <= %(until)s"
    " AND (%(within)s::int[] IS NULL OR i.institution_id = ANY(%(within)s))"
    " AND (%(since)s::timestamptz IS NULL OR i.concluded_at >= %(since)s"
    "  OR (f.hazard_id IS NOT NULL AND (h.closed_at IS NULL OR h.closed_at >= %(since)s)))) a"
    " WHERE place IS NULL OR place = 1 OR (hazard_id IS NOT NULL AND (closed_at IS NULL OR closed_at > %(newest)s))"
    " ORDER BY institution_id, concluded_at, id"
)
_EVIDENCE: Final = (
    "SELECT i.id, t.item_id, i.no, i.kind, p.name, t.note,"
    " coalesce(jsonb_array_length(r.body -> 'photos'), jsonb_array_length(e.body -> 'photos'), 0)"
    " FROM inspection_items t JOIN inspections i ON i.id = t.inspection_id JOIN persons p ON p.id = t.person_id"
    " LEFT JOIN inspection_events e ON e.inspection_id = t.inspection_id AND e.seq = t.event_seq"
    " LEFT JOIN inspection_findings f ON f.inspection_id = t.inspection_id AND f.event_seq = t.event_seq"
    " LEFT JOIN hazard_events r ON r.hazard_id = f.hazard_id AND r.seq = 1"  # a failed item's photos are its hazard's
    " WHERE t.checklist_id = 'gb38600-protections' AND i.state = 'concluded' AND i.institution_id = %s"
)


def places(connection: Connection, within: Collection[int] | None) -> list[Place]:
    """The institutions the list is for, by code. `within` None: everywhere."""
    kinds = sorted(get(CHECKLIST).kinds)
    rows = connection.execute(
        "SELECT i.id, i.region, least(i.created_at,"
        "  (SELECT min(concluded_at) FROM inspections WHERE institution_id = i.id)) FROM institutions i"
        " WHERE i.kind = ANY(%s) AND (%s::int[] IS NULL OR i.id = ANY(%s)) ORDER BY i.code",
        (kinds, _listed(within), _listed(within)),
    )
    return [Place(*row) for row in rows]


def assessments(
    connection: Connection, within: Collection[int] | None, until: datetime, *, since: datetime | None = None,
    newest: bool = False,
) -> dict[int, list[Assessment]]:  # fmt: skip
    """What was found by `until`, of each institution, the oldest first; without what had ceased to say anything before
    `since`; with `newest` only what decides how things stood at `until`."""
    found: dict[int, list[Assessment]] = {}
    given = {"within": _listed(within), "until": until, "since": since, "newest": until if newest else None}
    for institution_id, protection, outcome, *rest in connection.execute(_ASSESSMENTS, given):
        made = Assessment(institution_id, protection, Outcome(outcome), *rest)
        found.setdefault(institution_id, []).append(made)
    return found


def evidence(connection: Connection, institution_id: int) -> dict[tuple[UUID, str], Evidence]:
    """What the assessments of an institution rest on, by inspection and protection."""
    return {
        (inspection_id, protection): Evidence(no, Kind(kind), *rest)
        for inspection_id, protection, no, kind, *rest in connection.execute(_EVIDENCE, (institution_id,))
    }


def load_policy(connection: Connection) -> str | None:
    """The policy in force as TOML text, None before the first was loaded."""
    row = connection.execute("SELECT body FROM protection_policies ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None


def save_policy(connection: Connection, made: Policy, body: str, loaded_by: str) -> bool:
    """Put a policy in force, as an act in the ledger; False when the newest one is this very text."""
    connection.execute("LOCK TABLE protection_policies IN SHARE ROW EXCLUSIVE MODE")
    if load_policy(connection) == body:
        return False
    connection.execute(
        "INSERT INTO protection_policies (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s)",
        (made.version, made.sha256, body, loaded_by),
    )
    record_act(
        connection, actor=loaded_by, verb="load_protection_policy", subject=f"protection_policy:{made.version}",
        institution_id=None, body={"version": made.version, "sha256": made.sha256},
    )  # fmt: skip
    return True


def _listed(within: Collection[int] | None) -> list[int] | None:
    return None if within is None else list(within)
