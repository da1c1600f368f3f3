"""Duty checks in the database. Results are kept as they are: the table refuses changes, the ledger tells every act."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import errors

from alerting import duty_check, store
from alerting.alert import Alert
from alerting.duty_check import RANDOM, DutyCheck, State
from alerting.errors import DutyCheckRefused, DutyCheckUnknown
from alerting.ledger_store import record_act
from ingest.database import Connection

CHANNEL: Final = "duty_checks"
LIST_COUNT_MAX: Final = 200
_COLUMNS: Final = "id, institution_id, called_at, due_at, called_by, note, state, answered_at, answered_by"


def call(connection: Connection, institution_id: int, *, called_by: str, answer_s: float, note: str) -> DutyCheck:
    """Ask the desk of an institution to answer within `answer_s` seconds, in the caller's transaction.

    Raises DutyCheckRefused while an earlier one is open.
    """
    try:
        with connection.transaction():
            row = connection.execute(
                "INSERT INTO duty_checks (institution_id, called_at, due_at, called_by, note)"
                " SELECT %s, at, at + make_interval(secs => %s), %s, %s FROM (SELECT clock_timestamp() AS at) AS now"
                f" RETURNING {_COLUMNS}",
                (institution_id, answer_s, called_by, note),
            ).fetchone()
    except errors.UniqueViolation as error:
        raise DutyCheckRefused("an earlier duty check of this institution is still open") from error
    called = _check(row)
    body = {"due_at": called.due_at.isoformat(), "note": note, "random": called_by == RANDOM}
    _act(connection, called, called_by, "call_duty_check", body)
    return called


def answer(connection: Connection, number: int, *, actor: str) -> DutyCheck:
    """The desk answers, in the caller's transaction. Raises DutyCheckUnknown, DutyCheckRefused when it is too late."""
    standing = load(connection, number)
    row = connection.execute(
        "UPDATE duty_checks SET state = 'answered', answered_at = clock_timestamp(), answered_by = %s"
        f" WHERE id = %s AND state = 'open' AND due_at > clock_timestamp() RETURNING {_COLUMNS}",
        (actor, number),
    ).fetchone()
    if row is None:
        said = "answered already" if standing.state is State.ANSWERED else "over: its time is up"
        raise DutyCheckRefused(f"this duty check is {said}")
    answered = _check(row)
    taken_s = (answered.answered_at or answered.due_at) - answered.called_at
    _act(connection, answered, actor, "answer_duty_check", {"seconds": round(taken_s.total_seconds(), 3)})
    event = duty_check.answered_event(answered, standing_alert(connection, answered), _now(connection))
    store.append(connection, [event] if event else [])
    return answered


def settle(connection: Connection) -> list[DutyCheck]:
    """Those that nobody answered in time count as missed from now on, and their supervisors are alerted, in the
    caller's transaction."""
    rows = connection.execute(
        f"UPDATE duty_checks SET state = 'missed' WHERE state = 'open' AND due_at <= clock_timestamp()"
        f" RETURNING {_COLUMNS}"
    ).fetchall()
    missed = [_check(row) for row in rows]
    for check in missed:
        _act(connection, check, "engine", "miss_duty_check", {"due_at": check.due_at.isoformat()})
        store.append(connection, [duty_check.missed_event(check, standing_alert(connection, check), _now(connection))])
    return missed


def standing_alert(connection: Connection, check: DutyCheck) -> Alert | None:
    """The open alert about missed checks of that institution."""
    return store.open_alert(connection, duty_check.key_of(check.institution_id))


def load(connection: Connection, number: int) -> DutyCheck:
    """The check with that number. Raises DutyCheckUnknown."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM duty_checks WHERE id = %s".encode(), (number,)).fetchone()
    if row is None:
        raise DutyCheckUnknown(f"there is no duty check {number}")
    return _check(row)


def of_institutions(connection: Connection, ids: Collection[int] | None = None) -> list[DutyCheck]:
    """The newest LIST_COUNT_MAX checks of these institutions, or of all, newest first."""
    statement = (
        f"SELECT {_COLUMNS} FROM duty_checks WHERE %s::int[] IS NULL OR institution_id = ANY(%s)"
        " ORDER BY called_at DESC LIMIT %s"
    )
    chosen = None if ids is None else list(ids)
    return [_check(row) for row in connection.execute(statement.encode(), (chosen, chosen, LIST_COUNT_MAX))]


def open_checks(connection: Connection) -> list[DutyCheck]:
    """All that wait for an answer, the most urgent first."""
    statement = f"SELECT {_COLUMNS} FROM duty_checks WHERE state = 'open' ORDER BY due_at"
    return [_check(row) for row in connection.execute(statement.encode())]


def last_random(connection: Connection) -> dict[int, datetime]:
    """When each institution was last checked at random."""
    rows = connection.execute(
        "SELECT institution_id, max(called_at) FROM duty_checks WHERE called_by = %s GROUP BY 1", (RANDOM,)
    )
    return {row[0]: row[1] for row in rows}


def _act(connection: Connection, check: DutyCheck, actor: str, verb: str, body: dict[str, Any]) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=f"duty_check:{check.id}", institution_id=check.institution_id,
        body=body,
    )  # fmt: skip
    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(check.id)))


def _check(row: Sequence[Any] | None) -> DutyCheck:
    if row is None:
        raise RuntimeError("a statement with RETURNING returned nothing")
    number, institution_id, called_at, due_at, called_by, note, state, answered_at, answered_by = row
    return DutyCheck(number, institution_id, called_at, due_at, called_by, note, State(state), answered_at, answered_by)


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise RuntimeError("SELECT returned nothing")
    return row[0]  # type: ignore[no-any-return]
