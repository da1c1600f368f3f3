"""Draws in the database: what is announced, the seed until it is published, the result; declared relations; risks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection import visit_store
from inspection.draw import State, Verb
from inspection.errors import DrawUnknown, RelationUnknown
from inspection.hazard import By
from inspection.weighing import Risk

_COLUMNS: Final = (
    "id", "no", "title", "region", "campaign_id", "planned_for", "checklists", "state", "version", "register",
    "grounds", "seed_sha256", "register_sha256", "announced_at", "announced_by", "drawn_at", "drawn_by", "word",
    "result", "published_at", "published_by", "seed", "void_at", "void_reason",
)  # fmt: skip
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM draws"
_HEX: Final = ("seed_sha256", "register_sha256", "seed")


@dataclass(frozen=True, slots=True)
class DrawRecord:
    """A draw as it stands; `seed` and both SHA-256 in hex. `grounds` say why weights and exclusions are as they are,
    and are never public."""

    id: UUID
    no: int
    title: str
    region: str
    campaign_id: UUID | None
    planned_for: date
    checklists: tuple[str, ...]
    state: State
    version: int
    register: Mapping[str, Any]
    grounds: Mapping[str, Any]
    seed_sha256: str
    register_sha256: str
    announced_at: datetime
    announced_by: str
    drawn_at: datetime | None
    drawn_by: str | None
    word: str | None
    result: Mapping[str, Any] | None
    published_at: datetime | None
    published_by: str | None
    seed: str | None
    void_at: datetime | None
    void_reason: str | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is put on record when a draw is announced."""

    id: UUID
    title: str
    region: str
    campaign_id: UUID | None
    planned_for: date
    checklists: tuple[str, ...]
    register: Mapping[str, Any]
    grounds: Mapping[str, Any]
    register_sha256: str
    seed: bytes
    seed_sha256: str


@dataclass(frozen=True, slots=True)
class Relation:
    """What stands between somebody and an institution."""

    id: int
    person_id: int
    person_name: str
    institution_id: int
    relation: str
    note: str
    declared_at: datetime
    declared_by: str
    ended_at: datetime | None


def announce(connection: Connection, made: Announcement, by: By, now: datetime) -> DrawRecord:
    """Put a draw on record, in the caller's transaction; both SHA-256 go into the ledger with the act."""
    body = {"seed_sha256": made.seed_sha256, "register_sha256": made.register_sha256}
    _event(connection, made.id, 1, Verb.ANNOUNCE, by, now, made.title, body)
    connection.execute(
        "INSERT INTO draws (id, title, region, campaign_id, planned_for, checklists, state, version, register, grounds,"
        " seed_sha256, register_sha256, announced_at, announced_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'announced', 1, %s, %s, %s, %s, %s, %s)",
        (
            made.id, made.title, made.region, made.campaign_id, made.planned_for, list(made.checklists),
            Jsonb(dict(made.register)), Jsonb(dict(made.grounds)), bytes.fromhex(made.seed_sha256),
            bytes.fromhex(made.register_sha256), now, by.actor,
        ),
    )  # fmt: skip
    connection.execute("INSERT INTO draw_seeds (draw_id, seed) VALUES (%s, %s)", (made.id, made.seed))
    return load(connection, made.id)


def drawn(
    connection: Connection, before: DrawRecord, by: By, now: datetime, word: str, result: Mapping[str, Any]
) -> None:
    """Keep the result."""
    _event(connection, before.id, before.version + 1, Verb.DRAW, by, now, word, {"result": dict(result)})
    connection.execute(
        "UPDATE draws SET state = 'drawn', version = version + 1, drawn_at = %s, drawn_by = %s, word = %s, result = %s"
        " WHERE id = %s",
        (now, by.actor, word, Jsonb(dict(result)), before.id),
    )


def published(connection: Connection, before: DrawRecord, by: By, now: datetime) -> None:
    """Make the seed public."""
    secret = seed(connection, before.id)
    _event(connection, before.id, before.version + 1, Verb.PUBLISH, by, now, "", {"seed": secret.hex()})
    connection.execute(
        "UPDATE draws SET state = 'published', version = version + 1, published_at = %s, published_by = %s, seed = %s"
        " WHERE id = %s",
        (now, by.actor, secret, before.id),
    )


def void(connection: Connection, before: DrawRecord, by: By, now: datetime, reason: str) -> None:
    """Nothing will be drawn."""
    _event(connection, before.id, before.version + 1, Verb.VOID, by, now, reason, {})
    connection.execute(
        "UPDATE draws SET state = 'void', version = version + 1, void_at = %s, void_reason = %s WHERE id = %s",
        (now, reason, before.id),
    )


def seed(connection: Connection, draw_id: UUID) -> bytes:
    """The seed, which is nobody's business before it is published. Raises DrawUnknown."""
    row = connection.execute("SELECT seed FROM draw_seeds WHERE draw_id = %s", (draw_id,)).fetchone()
    if row is None:
        raise DrawUnknown(f"there is no draw {draw_id}")
    return bytes(row[0])


def load(connection: Connection, draw_id: UUID, *, lock: bool = False) -> DrawRecord:
    """The draw with that id, kept from others where it is locked. Raises DrawUnknown."""
    found = _draws(connection, f"WHERE id = %s {'FOR UPDATE' if lock else ''}", (draw_id,))
    if not found:
        raise DrawUnknown(f"there is no draw {draw_id}")
    return found[0]


def newest(connection: Connection, count_max: int = 200) -> list[DrawRecord]:
    """The newest draws."""
    return _draws(connection, "ORDER BY no DESC LIMIT %s", (count_max,))


def waiting(connection: Connection, draw_id: UUID) -> int:
    """How many of its visits have not begun: while there are any, the seed stays secret."""
    row = connection.execute(
        "SELECT count(*) FROM inspections WHERE draw_id = %s AND state = 'planned'", (draw_id,)
    ).fetchone()
    return int(row[0]) if row else 0


def risks(connection: Connection, institution_ids: Collection[int], now: datetime) -> dict[int, Risk]:
    """What is known of each of these institutions."""
    rows = connection.execute(
        "SELECT institution_id, count(*) FILTER (WHERE level = 'general'), count(*) FILTER (WHERE level = 'major'),"
        " count(*) FILTER (WHERE state = 'assigned' AND deadline < %s) FROM hazards"
        " WHERE state NOT IN ('closed', 'withdrawn') AND institution_id = ANY(%s) GROUP BY 1",
        (now, list(institution_ids)),
    ).fetchall()
    open_hazards = {row[0]: row for row in rows}
    visits = visit_store.last_team(connection, institution_ids)
    rows = connection.execute(
        "SELECT institution_id, grade_weight, list_factor FROM institution_risk WHERE institution_id = ANY(%s)",
        (list(institution_ids),),
    ).fetchall()
    weights: dict[int, tuple[float, float]] = {row[0]: (row[1], row[2]) for row in rows}
    found = {}
    for each in institution_ids:
        _, general, major, overdue = open_hazards.get(each, (each, 0, 0, 0))
        last_visit_at = visits[each][0] if each in visits else None
        found[each] = Risk(general, major, overdue, last_visit_at, *weights.get(each, (1.0, 1.0)))
    return found


def declare(
    connection: Connection, *, person_id: int, institution_id: int, relation: str, note: str, actor: str
) -> int:
    """Note a relation, as an act in the ledger; the same one twice is one."""
    row = connection.execute(
        "INSERT INTO inspector_relations (person_id, institution_id, relation, note, declared_by)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (person_id, institution_id, relation) WHERE ended_at IS NULL"
        " DO UPDATE SET note = excluded.note RETURNING id",
        (person_id, institution_id, relation, note, actor),
    ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    record_act(
        connection, actor=actor, verb="declare_relation", subject=f"person:{person_id}", institution_id=None,
        body={"relation_id": row[0], "institution": institution_id, "relation": relation},
    )  # fmt: skip
    return int(row[0])


def end_relation(connection: Connection, relation_id: int, actor: str) -> None:
    """It no longer stands. Raises RelationUnknown."""
    row = connection.execute(
        "UPDATE inspector_relations SET ended_at = clock_timestamp(), ended_by = %s"
        " WHERE id = %s AND ended_at IS NULL RETURNING person_id",
        (actor, relation_id),
    ).fetchone()
    if row is None:
        raise RelationUnknown(f"no relation {relation_id} stands")
    record_act(
        connection, actor=actor, verb="end_relation", subject=f"person:{row[0]}", institution_id=None,
        body={"relation_id": relation_id},
    )  # fmt: skip


def relations(connection: Connection, institution_ids: Collection[int] | None) -> list[Relation]:
    """Those that stand, with any of these institutions (None: with any)."""
    with connection.cursor(row_factory=class_row(Relation)) as cursor:
        return cursor.execute(
            "SELECT r.id, person_id, persons.name AS person_name, r.institution_id, relation, note, declared_at,"
            " declared_by, ended_at FROM inspector_relations r JOIN persons ON persons.id = person_id"
            " WHERE ended_at IS NULL AND (%(ids)s::int[] IS NULL OR r.institution_id = ANY(%(ids)s)) ORDER BY r.id",
            {"ids": None if institution_ids is None else list(institution_ids)},
        ).fetchall()


def _draws(connection: Connection, condition: str, parameters: Sequence[Any]) -> list[DrawRecord]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"{_SELECT} {condition}".encode(), parameters).fetchall()
    return [
        DrawRecord(
            **{
                **row,
                "state": State(row["state"]),
                "checklists": tuple(row["checklists"]),
                **{name: bytes(row[name]).hex() if row[name] is not None else None for name in _HEX},
            }
        )
        for row in rows
    ]


def _event(
    connection: Connection, draw_id: UUID, seq: int, verb: Verb, by: By, now: datetime, note: str, body: dict[str, Any]
) -> None:
    connection.execute(
        "INSERT INTO draw_events (event_id, draw_id, seq, verb, at, actor, person_id, note, body)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (uuid4(), draw_id, seq, verb, now, by.actor, by.person_id, note, Jsonb(body)),
    )
    record_act(
        connection, actor=by.actor, verb=f"draw_{verb}", subject=f"draw:{draw_id}", institution_id=None,
        body={"seq": seq, "person_id": by.person_id, "note": note, "event": body},
    )  # fmt: skip
