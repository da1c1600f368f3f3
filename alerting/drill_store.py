"""Drills in the database: starting, what is observed of them, their reports.

A drill is put on record first; the runner (drill_runner.py) then calls for it over the broker, so that it goes the way
of every alarm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import errors
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerting import drill
from alerting.alert import Kind
from alerting.drill import Drill, Observed, Over, Reach, Stage, State, Verdict
from alerting.drill_alarm import is_real_alarm
from alerting.errors import DrillRefused, DrillUnknown
from alerting.ledger_store import record_act
from alerting.listing import open_at
from ingest.database import Connection

CHANNEL: Final = "drills"
LIST_COUNT_MAX: Final = 200
SCHEDULE: Final = "schedule"
_COLUMNS: Final = (
    "id, institution_id, device_id, kind, started_by, scheduled, reach, note, limits, limit_s, started_at,"
    " published_at, shown_at, state, ended_at, report"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM drills"
_OBSERVED: Final = (
    "SELECT alert_id, verb, recorded_at, actor, evidence->>'over' FROM alert_events"
    " WHERE alert_id = ANY(%s) AND drill ORDER BY id"
)


# The first message about the alert that a provider took, by the notifier's clock.
_PUSHED: Final = (
    "SELECT tellings.alert_id, min(settled_at) FROM tellings JOIN deliveries USING (push_id)"
    " WHERE tellings.alert_id = ANY(%s) AND deliveries.state = 'sent' GROUP BY 1"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A drill to be started."""

    institution_id: int
    device_id: int | None
    kind: Kind
    by: str
    limits: Mapping[Stage, float]
    limit_s: float
    scheduled: bool = False
    reach: Reach = Reach.ALL
    note: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A drill and how far it has got; `report` is what was filed at its end."""

    drill: Drill
    seen: Observed
    state: State
    ended_at: datetime | None
    report: Mapping[str, Any] | None


def start(connection: Connection, wanted: Wanted) -> Record:
    """Put a drill on record, in the caller's transaction, and wake the runner.

    Raises DrillRefused: for a kind or a device that cannot be drilled, beside another drill, during a real alarm.
    """
    _check(connection, wanted)
    number = uuid4()
    try:
        with connection.transaction():
            connection.execute(
                "INSERT INTO drills (id, institution_id, device_id, kind, started_by, scheduled, reach, note, limits,"
                " limit_s) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    number, wanted.institution_id, wanted.device_id, wanted.kind, wanted.by, wanted.scheduled,
                    wanted.reach, wanted.note, Jsonb({each.value: limit for each, limit in wanted.limits.items()}),
                    wanted.limit_s,
                ),
            )  # fmt: skip
    except errors.UniqueViolation as error:
        raise DrillRefused("another drill is under way at this institution") from error
    body = {"device_id": wanted.device_id, "kind": wanted.kind.value, "scheduled": wanted.scheduled,
            "reach": wanted.reach.value, "note": wanted.note}  # fmt: skip
    _act(connection, number, wanted.institution_id, wanted.by, "start_drill", body)
    return load(connection, number)


def _check(connection: Connection, wanted: Wanted) -> None:
    if wanted.kind not in drill.KINDS:
        raise DrillRefused(f"{wanted.kind} cannot be drilled: {', '.join(sorted(drill.KINDS))}")
    if wanted.device_id is not None:
        row = connection.execute(
            "SELECT FROM devices WHERE id = %s AND institution_id = %s", (wanted.device_id, wanted.institution_id)
        ).fetchone()
        if row is None:
            raise DrillRefused("the device is not one of this institution")
    if any(is_real_alarm(alert) for alert in open_at(connection, wanted.institution_id)):
        raise DrillRefused("there is a real alarm at this institution: it comes first")


def note_shown(connection: Connection, alert_id: UUID) -> bool:
    """A page has drawn the alert with that id; whether this was the first one of a running drill. In the caller's
    transaction."""
    row = connection.execute(
        "UPDATE drills SET shown_at = clock_timestamp() WHERE id = %s AND shown_at IS NULL AND state = 'running'"
        " RETURNING id",
        (alert_id,),
    ).fetchone()
    if row is not None:
        _tell(connection, alert_id)
    return row is not None


def note_published(connection: Connection, number: UUID) -> None:
    """The broker has taken the call."""
    connection.execute("UPDATE drills SET published_at = clock_timestamp() WHERE id = %s", (number,))


def unpublished(connection: Connection) -> list[tuple[Drill, str, str | None]]:
    """Running drills that the broker does not have yet, each with the codes of its institution and device."""
    rows = connection.execute(
        f"SELECT {_qualified()}, institutions.code, devices.code FROM drills"
        " JOIN institutions ON institutions.id = drills.institution_id LEFT JOIN devices ON devices.id = device_id"
        " WHERE state = 'running' AND published_at IS NULL ORDER BY started_at".encode()
    ).fetchall()
    return [(_drill(row), row[-2], row[-1]) for row in rows]


def running(connection: Connection) -> list[Record]:
    """All that are under way, the oldest first."""
    return _records(connection, "WHERE state = 'running' ORDER BY started_at", ())


def of_institutions(connection: Connection, ids: Collection[int] | None = None) -> list[Record]:
    """The newest LIST_COUNT_MAX drills of these institutions, or of all, newest first."""
    condition = "WHERE %s::int[] IS NULL OR institution_id = ANY(%s) ORDER BY started_at DESC LIMIT %s"
    chosen = None if ids is None else list(ids)
    return _records(connection, condition, (chosen, chosen, LIST_COUNT_MAX))


def load(connection: Connection, number: UUID) -> Record:
    """The drill with that id. Raises DrillUnknown."""
    found = _records(connection, "WHERE id = %s", (number,))
    if not found:
        raise DrillUnknown(f"there is no drill {number}")
    return found[0]


def last_chain_tests(connection: Connection) -> dict[int, datetime]:
    """When the chain of each institution was last tested to an end (a test that a real alarm stopped was none)."""
    rows = connection.execute(
        "SELECT institution_id, max(started_at) FROM drills WHERE scheduled AND state <> 'ended' GROUP BY 1"
    )
    return {row[0]: row[1] for row in rows}


def file(connection: Connection, record: Record, verdict: Verdict, ended_at: datetime) -> dict[str, Any]:
    """File the report: beside the drill, and as an act in the ledger; in the caller's transaction."""
    body = drill.report(record.drill, record.seen, verdict, ended_at)
    connection.execute(
        "UPDATE drills SET state = %s, ended_at = %s, report = %s WHERE id = %s",
        (verdict.state, ended_at, Jsonb(body), record.drill.id),
    )
    _act(connection, record.drill.id, record.drill.institution_id, "engine", "report_drill", body)
    return body


def _act(
    connection: Connection, number: UUID, institution_id: int, actor: str, verb: str, body: Mapping[str, Any]
) -> None:
    record_act(connection, actor=actor, verb=verb, subject=f"drill:{number}", institution_id=institution_id, body=body)
    _tell(connection, number)


def _tell(connection: Connection, number: UUID) -> None:
    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(number)))


def _qualified() -> str:
    return ", ".join(f"drills.{name.strip()}" for name in _COLUMNS.split(","))


def _drill(row: Sequence[Any]) -> Drill:
    number, institution_id, device_id, kind, by, scheduled, reach, note, limits, limit_s, started_at = row[:11]
    judged = {Stage(name): float(limit) for name, limit in limits.items()}
    return Drill(
        number, institution_id, device_id, Kind(kind), by, scheduled, Reach(reach), note, judged, limit_s, started_at
    )


def _records(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[Record]:
    """Each drill with what its alert's events and its own row say of it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT} {condition}".encode(), parameters).fetchall()
    numbers = [row["id"] for row in rows]
    pushed: dict[UUID, datetime] = dict(connection.execute(_PUSHED, (numbers,)).fetchall())
    events: dict[UUID, list[Any]] = {}
    for event in connection.execute(_OBSERVED, (numbers,)):
        events.setdefault(event[0], []).append(event[1:])
    return [
        Record(
            _drill(list(row.values())),
            _observed(row["shown_at"], pushed.get(row["id"]), events.get(row["id"], [])),
            State(row["state"]),
            row["ended_at"],
            row["report"],
        )
        for row in rows
    ]


def _observed(
    shown_at: datetime | None, pushed_at: datetime | None, events: Sequence[tuple[str, datetime, str, str | None]]
) -> Observed:
    told = ((Stage.SHOWN, shown_at), (Stage.PUSHED, pushed_at))
    reached = {stage: at for stage, at in told if at is not None}
    over, acknowledged_by = None, None
    for verb, recorded_at, actor, reason in events:
        if verb == "raise":
            reached.setdefault(Stage.RAISED, recorded_at)
        elif verb == "acknowledge" and Stage.ACKNOWLEDGED not in reached:
            reached[Stage.ACKNOWLEDGED], acknowledged_by = recorded_at, actor
        elif verb == "clear" and reason is not None:
            over = Over(reason)
    return Observed(reached, over, acknowledged_by)
