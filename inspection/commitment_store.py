"""Commitments in the database: the texts, what was signed and what was revoked. Every row stays as it is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.commitment import Commitment, CommitmentText, Revocation, Term
from inspection.hazard import By

HISTORY_COUNT_MAX: Final = 100
_SELECT: Final = (
    "SELECT c.id, c.institution_id, c.text_id, c.signed_at, c.until, c.signer_id, c.signer_name, c.actor,"
    " c.open_general, c.open_major, c.overdue, r.at, r.reason, r.actor AS revoked_by, r.outside"
    " FROM commitments c LEFT JOIN commitment_revocations r ON r.commitment_id = c.id"
)
_NEWEST: Final = (
    f"{_SELECT} WHERE c.institution_id = ANY(%s)"
    " AND c.id = (SELECT max(id) FROM commitments WHERE institution_id = c.institution_id)"
)
_ENDING: Final = (
    f"{_SELECT} WHERE c.until > %(now)s AND c.until <= %(by)s AND r.commitment_id IS NULL"
    " AND c.id = (SELECT max(id) FROM commitments WHERE institution_id = c.institution_id)"
    " AND NOT EXISTS (SELECT FROM commitment_reminders WHERE commitment_id = c.id) ORDER BY c.id"
)
_OPEN: Final = (
    "SELECT count(*) FILTER (WHERE level = 'general')::int, count(*) FILTER (WHERE level = 'major')::int,"
    " count(*) FILTER (WHERE state = 'assigned' AND deadline < %(now)s)::int FROM hazards"
    " WHERE institution_id = %(institution_id)s AND state NOT IN ('closed', 'withdrawn')"
)


@dataclass(frozen=True, slots=True)
class OpenHazards:
    """The hazards of an institution that are not closed; `overdue` are some of them."""

    general: int
    major: int
    overdue: int


def load_text(connection: Connection) -> tuple[int, str] | None:
    """The text in force as (id, TOML text), None before the first was loaded."""
    row = connection.execute("SELECT id, body FROM commitment_texts ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row else None


def texts(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The texts with these ids (TOML)."""
    rows = connection.execute("SELECT id, body FROM commitment_texts WHERE id = ANY(%s)", (list(ids),))
    return {int(number): str(body) for number, body in rows}


def save_text(connection: Connection, made: CommitmentText, body: str, loaded_by: str) -> bool:
    """Put a text in force, as an act in the ledger; False when the newest one is this very text."""
    connection.execute("LOCK TABLE commitment_texts IN SHARE ROW EXCLUSIVE MODE")
    newest = load_text(connection)
    if newest is not None and newest[1] == body:
        return False
    connection.execute(
        "INSERT INTO commitment_texts (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s)",
        (made.version, made.sha256, body, loaded_by),
    )
    record_act(
        connection, actor=loaded_by, verb="load_commitment_text", subject=f"commitment_text:{made.version}",
        institution_id=None, body={"version": made.version, "sha256": made.sha256},
    )  # fmt: skip
    return True


def lock(connection: Connection, institution_id: int) -> None:
    """Let nobody else sign, revoke or publish for this institution until the caller's transaction ends."""
    connection.execute("SELECT lock_public_record(%s)", (institution_id,))


def history(connection: Connection, institution_id: int) -> list[Commitment]:
    """What an institution has signed, the newest first: at most HISTORY_COUNT_MAX."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"{_SELECT} WHERE c.institution_id = %s ORDER BY c.id DESC LIMIT %s".encode(),
            (institution_id, HISTORY_COUNT_MAX),
        ).fetchall()
    return [_commitment(row) for row in rows]


def newest(connection: Connection, ids: Collection[int]) -> dict[int, Commitment]:
    """The newest commitment of each of these institutions that has signed one."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_NEWEST.encode(), (list(ids),)).fetchall()
    return {row["institution_id"]: _commitment(row) for row in rows}


def ending(connection: Connection, now: datetime, by: datetime) -> list[Commitment]:
    """The commitments in force at `now` that end by then, and of which nobody was reminded."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_ENDING.encode(), {"now": now, "by": by}).fetchall()
    return [_commitment(row) for row in rows]


def save_reminder(connection: Connection, held: Commitment, now: datetime) -> bool:
    """Note that the institution is reminded; False where it was before."""
    return bool(
        connection.execute(
            "INSERT INTO commitment_reminders (commitment_id, at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (held.id, now),
        ).rowcount
    )


def head_gone(connection: Connection, held: Commitment) -> bool:
    """Whether who signed is no longer the head of that institution: it holds, and the new head should sign anew."""
    row = connection.execute(
        "SELECT active AND role = 'institution_manager' AND institution_id IS NOT DISTINCT FROM %s FROM persons"
        " WHERE id = %s",
        (held.institution_id, held.signer_id),
    ).fetchone()
    return row is None or not row[0]


def open_hazards(connection: Connection, institution_id: int, now: datetime) -> OpenHazards:
    """What the signer has to know of."""
    row = connection.execute(_OPEN, {"institution_id": institution_id, "now": now}).fetchone()
    if row is None:
        raise RuntimeError("SELECT count(*) returned nothing")
    return OpenHazards(*row)


def save(
    connection: Connection, institution_id: int, text_id: int, text: CommitmentText, term: Term, name: str,
    found: OpenHazards, by: By,
) -> None:  # fmt: skip
    """Put a signature on record, with an act in the ledger."""
    row = connection.execute(
        "INSERT INTO commitments (institution_id, text_id, signed_at, until, signer_id, signer_name, actor,"
        " open_general, open_major, overdue) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            institution_id, text_id, term.signed_at, term.until, by.person_id, name, by.actor, found.general,
            found.major, found.overdue,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    body = {
        "version": text.version, "sha256": text.sha256, "signer": name, "signed_at": term.signed_at.isoformat(),
        "until": term.until.isoformat(), "open_general": found.general, "open_major": found.major,
        "overdue": found.overdue,
    }  # fmt: skip
    record_act(
        connection, actor=by.actor, verb="sign_commitment", subject=f"commitment:{row[0]}",
        institution_id=institution_id, body=body,
    )  # fmt: skip


def revoke(connection: Connection, held: Commitment, reason: str, by: By) -> None:
    """Put a revocation on record, with an act in the ledger."""
    connection.execute(
        "INSERT INTO commitment_revocations (commitment_id, reason, actor, person_id, outside)"
        " VALUES (%s, %s, %s, %s, %s)",
        (held.id, reason, by.actor, by.person_id, by.outside),
    )
    record_act(
        connection, actor=by.actor, verb="revoke_commitment", subject=f"commitment:{held.id}",
        institution_id=held.institution_id, body={"reason": reason, "outside": by.outside},
    )  # fmt: skip


def _commitment(row: dict[str, Any]) -> Commitment:
    revocation = None
    if row["at"] is not None:
        revocation = Revocation(row["at"], row["reason"], row["revoked_by"], row["outside"])
    return Commitment(
        row["id"], row["institution_id"], row["text_id"], row["signed_at"], row["until"], row["signer_id"],
        row["signer_name"], row["actor"], row["open_general"], row["open_major"], row["overdue"], revocation,
    )  # fmt: skip
