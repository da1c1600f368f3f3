"""Institutions' own emergency plans, and who cannot walk there, in the database."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.types.json import Jsonb

from alerting.alert import Kind
from alerting.errors import PlanInvalid, StaleVersion
from alerting.ledger_store import record_act
from alerting.plan_card import Own, Phone, Residents, Step, own_problems, residents_problems
from ingest.database import Connection


class Kept(NamedTuple):
    """An institution's own card, and its version: whoever changes it says which one they saw."""

    own: Own
    version: int


class ResidentsList(NamedTuple):
    """Who cannot walk, by zone; version 0 before anything was written."""

    items: tuple[Residents, ...]
    version: int


def own_cards(connection: Connection, institution_id: int) -> dict[Kind, Kept]:
    """What the institution has written itself, by kind."""
    rows = connection.execute(
        "SELECT kind, steps, phones, version FROM plan_cards WHERE institution_id = %s", (institution_id,)
    )
    return {
        Kind(kind): Kept(
            Own(Kind(kind), tuple(Step(*each) for each in steps), tuple(Phone(*each) for each in phones)), version
        )
        for kind, steps, phones, version in rows
    }


def residents(connection: Connection, institution_id: int) -> ResidentsList:
    """Who cannot walk: personal data, for those with the right to it only."""
    rows = connection.execute(
        "SELECT zone_id, count_cannot_walk, note FROM residents_carried WHERE institution_id = %s ORDER BY zone_id",
        (institution_id,),
    )
    return ResidentsList(tuple(Residents(*row) for row in rows), _residents_version(connection, institution_id))


def save(connection: Connection, institution_id: int, own: Own, *, seen: int, actor: str) -> int:
    """Put the institution's own card in place of version `seen` of it (0: there was none), in the caller's transaction,
    as an act in the ledger; the new version. Raises PlanInvalid, StaleVersion."""
    problems = own_problems(own)
    if problems:
        raise PlanInvalid(problems)
    _demand_seen(connection, institution_id, own.kind, seen)
    steps, phones = [list(each) for each in own.steps], [list(each) for each in own.phones]
    connection.execute(
        "INSERT INTO plan_cards (institution_id, kind, steps, phones, saved_by, version)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (institution_id, kind) DO UPDATE SET steps = excluded.steps, phones = excluded.phones,"
        " saved_by = excluded.saved_by, saved_at = clock_timestamp(), version = excluded.version",
        (institution_id, own.kind, Jsonb(steps), Jsonb(phones), actor, seen + 1),
    )
    record_act(
        connection, actor=actor, verb="save_plan", subject=f"plan:{institution_id}:{own.kind}",
        institution_id=institution_id, body={"kind": own.kind.value, "steps": steps, "phones": phones},
    )  # fmt: skip
    return seen + 1


def remove(connection: Connection, institution_id: int, kind: Kind, *, seen: int, actor: str) -> None:
    """Go back to the default card, in the caller's transaction. Raises StaleVersion."""
    _demand_seen(connection, institution_id, kind, seen)
    connection.execute("DELETE FROM plan_cards WHERE institution_id = %s AND kind = %s", (institution_id, kind))
    record_act(
        connection, actor=actor, verb="remove_plan", subject=f"plan:{institution_id}:{kind}",
        institution_id=institution_id, body={"kind": kind.value},
    )  # fmt: skip


def save_residents(
    connection: Connection, institution_id: int, carried: Sequence[Residents], *, seen: int, actor: str
) -> int:
    """Put the list in place of version `seen`, in the caller's transaction; the new version. The act tells how many
    zones the list names, and nothing of the people. Raises PlanInvalid, StaleVersion."""
    zones = {row[0] for row in connection.execute("SELECT id FROM zones WHERE institution_id = %s", (institution_id,))}
    problems = residents_problems(carried, zones)
    if problems:
        raise PlanInvalid(problems)
    connection.execute("LOCK TABLE residents_lists IN SHARE ROW EXCLUSIVE MODE")
    if _residents_version(connection, institution_id) != seen:
        raise StaleVersion
    connection.execute(
        "INSERT INTO residents_lists (institution_id, version, saved_by) VALUES (%s, %s, %s)"
        " ON CONFLICT (institution_id) DO UPDATE SET version = excluded.version, saved_by = excluded.saved_by,"
        " saved_at = clock_timestamp()",
        (institution_id, seen + 1, actor),
    )
    connection.execute("DELETE FROM residents_carried WHERE institution_id = %s", (institution_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO residents_carried (institution_id, zone_id, count_cannot_walk, note) VALUES (%s, %s, %s, %s)",
            [(institution_id, *each) for each in carried],
        )
    record_act(
        connection, actor=actor, verb="save_residents", subject=f"residents:{institution_id}",
        institution_id=institution_id, body={"version": seen + 1, "zones": len(carried)},
    )  # fmt: skip
    return seen + 1


def _residents_version(connection: Connection, institution_id: int) -> int:
    row = connection.execute(
        "SELECT version FROM residents_lists WHERE institution_id = %s", (institution_id,)
    ).fetchone()
    return int(row[0]) if row else 0


def _demand_seen(connection: Connection, institution_id: int, kind: Kind, seen: int) -> None:
    connection.execute("LOCK TABLE plan_cards IN SHARE ROW EXCLUSIVE MODE")
    row = connection.execute(
        "SELECT version FROM plan_cards WHERE institution_id = %s AND kind = %s", (institution_id, kind)
    ).fetchone()
    if (int(row[0]) if row else 0) != seen:
        raise StaleVersion
