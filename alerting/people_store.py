"""Persons and their contacts in the database."""

from collections.abc import Collection, Sequence
from typing import Any

from alerting.ledger_store import record_act
from alerting.people import Contact, Person, Role, Scope
from ingest.database import Connection

_PERSON = "SELECT id, name, role, institution_id, region, language, active FROM persons"


def _person(row: Sequence[Any]) -> Person:
    number, name, role, institution_id, region, language, active = row
    return Person(number, name, Role(role), Scope(institution_id, region), language, active)


def persons(connection: Connection) -> list[Person]:
    """Everybody, by id."""
    return [_person(row) for row in connection.execute(f"{_PERSON} ORDER BY id".encode())]


def person(connection: Connection, person_id: int) -> Person | None:
    """The person with that id."""
    row = connection.execute(f"{_PERSON} WHERE id = %s".encode(), (person_id,)).fetchone()
    return _person(row) if row else None


def enabled_contacts(connection: Connection, person_ids: Collection[int]) -> list[Contact]:
    """The enabled contacts of these people, also of who is not active, in the order in which each is to be tried."""
    rows = connection.execute(
        "SELECT id, person_id, channel, address, rank FROM contacts WHERE enabled AND person_id = ANY(%s)"
        " ORDER BY person_id, rank, id",
        (list(person_ids),),
    )
    return [Contact(*row) for row in rows]


def contacts(connection: Connection) -> list[Contact]:
    """The enabled contacts of active persons, in the order in which each is to be tried."""
    rows = connection.execute(
        "SELECT contacts.id, person_id, channel, address, rank FROM contacts JOIN persons ON persons.id = person_id"
        " WHERE enabled AND active ORDER BY person_id, rank, contacts.id"
    )
    return [Contact(*row) for row in rows]


def save_person(connection: Connection, *, actor: str, who: Person) -> Person:
    """Add `who` (id 0) or change the person with that id, in the caller's transaction, and note who did."""
    values = (who.name, who.role, who.scope.institution_id, who.scope.region, who.language, who.active)
    if who.id:
        statement = (
            "UPDATE persons SET name = %s, role = %s, institution_id = %s, region = %s, language = %s, active = %s"
            " WHERE id = %s RETURNING id"
        )
        row = connection.execute(statement, (*values, who.id)).fetchone()
    else:
        statement = (
            "INSERT INTO persons (name, role, institution_id, region, language, active) VALUES (%s, %s, %s, %s, %s, %s)"
            " RETURNING id"
        )
        row = connection.execute(statement, values).fetchone()
    if row is None:
        raise LookupError(f"there is no person {who.id}")
    body = {
        "name": who.name, "role": who.role.value, "institution_id": who.scope.institution_id,
        "region": who.scope.region, "language": who.language, "active": who.active,
    }  # fmt: skip
    record_act(
        connection, actor=actor, verb="save_person", subject=f"person:{row[0]}",
        institution_id=who.scope.institution_id, body=body,
    )  # fmt: skip
    return Person(int(row[0]), who.name, who.role, who.scope, who.language, who.active)


def replace_contacts(connection: Connection, *, actor: str, who: Person, ways: Sequence[tuple[str, str]]) -> None:
    """Put (channel, address) pairs, in the order to be tried, in place of the person's contacts.

    Contacts are disabled rather than removed, because pushes that were sent refer to them. The act names the channels,
    never the addresses.
    """
    connection.execute("UPDATE contacts SET enabled = false WHERE person_id = %s", (who.id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO contacts (person_id, channel, address, rank) VALUES (%s, %s, %s, %s)",
            [(who.id, channel, address, rank) for rank, (channel, address) in enumerate(ways, start=1)],
        )
    record_act(
        connection, actor=actor, verb="replace_contacts", subject=f"person:{who.id}",
        institution_id=who.scope.institution_id, body={"channels": [channel for channel, _ in ways]},
    )  # fmt: skip
