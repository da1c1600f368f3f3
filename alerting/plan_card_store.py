"""Institutions' own emergency plans in the database."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from alerting.alert import Kind
from alerting.errors import PlanInvalid
from alerting.ledger_store import record_act
from alerting.plan_card import Own, Phone, Residents, Step, own_problems
from ingest.database import Connection


def own_cards(connection: Connection, institution_id: int) -> dict[Kind, Own]:
    """What the institution has written itself, by kind."""
    rows = connection.execute("SELECT kind, steps, phones FROM plan_cards WHERE institution_id = %s", (institution_id,))
    return {
        Kind(kind): Own(Kind(kind), tuple(Step(*each) for each in steps), tuple(Phone(*each) for each in phones))
        for kind, steps, phones in rows
    }


def residents(connection: Connection, institution_id: int) -> list[Residents]:
    """Who cannot walk, by zone."""
    rows = connection.execute(
        "SELECT zone_id, count_cannot_walk, note FROM residents_carried WHERE institution_id = %s ORDER BY zone_id",
        (institution_id,),
    )
    return [Residents(*row) for row in rows]


def save(
    connection: Connection, institution_id: int, own: Own, carried: Sequence[Residents] | None, *, actor: str
) -> None:
    """Put the institution's own card in place of the one it had, and, where given, who cannot walk; in the caller's
    transaction, as an act in the ledger. Raises PlanInvalid."""
    problems = own_problems(own)
    if carried is not None:
        zones = {
            row[0] for row in connection.execute("SELECT id FROM zones WHERE institution_id = %s", (institution_id,))
        }
        ids = [each.zone_id for each in carried]
        problems += [f"zone {each} is not one of this institution" for each in ids if each not in zones]
        problems += [f"zone {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    if problems:
        raise PlanInvalid(problems)
    steps, phones = [list(each) for each in own.steps], [list(each) for each in own.phones]
    connection.execute(
        "INSERT INTO plan_cards (institution_id, kind, steps, phones, saved_by) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (institution_id, kind) DO UPDATE SET steps = excluded.steps, phones = excluded.phones,"
        " saved_by = excluded.saved_by, saved_at = clock_timestamp()",
        (institution_id, own.kind, Jsonb(steps), Jsonb(phones), actor),
    )
    if carried is not None:
        connection.execute("DELETE FROM residents_carried WHERE institution_id = %s", (institution_id,))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO residents_carried (institution_id, zone_id, count_cannot_walk, note)"
                " VALUES (%s, %s, %s, %s)",
                [(institution_id, *each) for each in carried],
            )
    record_act(
        connection, actor=actor, verb="save_plan", subject=f"plan:{institution_id}:{own.kind}",
        institution_id=institution_id,
        body={
            "kind": own.kind.value, "steps": steps, "phones": phones,
            "residents": None if carried is None else [list(each) for each in carried],
        },
    )  # fmt: skip
