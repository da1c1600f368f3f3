"""What a bureau has put on record about an institution's safety."""

from typing import Final
from uuid import UUID

from psycopg.rows import dict_row

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.errors import SafetyRecordUnknown
from inspection.safety_record import RecordKind, SafetyRecord

_SELECT: Final = (
    "SELECT id, institution_id, kind, level, occurred_at, until_at AS until, title, source, about, person_id,"
    " recorded_at"
    " FROM safety_records"
)


def load(connection: Connection, record_id: UUID) -> SafetyRecord:
    """One record. Raises SafetyRecordUnknown."""
    found = _records(connection, f"{_SELECT} WHERE id = %s", record_id)
    if not found:
        raise SafetyRecordUnknown(f"there is no record {record_id}")
    return found[0]


def of_institution(connection: Connection, institution_id: int) -> list[SafetyRecord]:
    """Everything on record about an institution, the newest first."""
    statement = f"{_SELECT} WHERE institution_id = %s ORDER BY occurred_at DESC, recorded_at DESC, id"
    return _records(connection, statement, institution_id)


def add(connection: Connection, record: SafetyRecord, actor: str) -> None:
    """Put a checked record on record, as an act in the ledger."""
    connection.execute(
        "INSERT INTO safety_records (id, institution_id, kind, level, occurred_at, until_at, title, source, about,"
        " person_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            record.id, record.institution_id, record.kind, record.level, record.occurred_at, record.until, record.title,
            record.source, record.about, record.person_id,
        ),
    )  # fmt: skip
    body = {
        "kind": record.kind.value, "level": record.level, "occurred_at": record.occurred_at.isoformat(),
        "until": record.until.isoformat() if record.until else None, "title": record.title, "source": record.source,
        "about": str(record.about) if record.about else None,
    }  # fmt: skip
    record_act(
        connection, actor=actor, verb="record_safety", subject=f"safety_record:{record.id}",
        institution_id=record.institution_id, body=body,
    )  # fmt: skip


def _records(connection: Connection, statement: str, value: UUID | int) -> list[SafetyRecord]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement.encode(), (value,)).fetchall()
    return [SafetyRecord(**{**row, "kind": RecordKind(row["kind"])}) for row in rows]
