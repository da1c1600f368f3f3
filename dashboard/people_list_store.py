"""A page of the people within somebody's scope, the widest reach first."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from alerting.people import Person, Role, Scope
from ingest.database import Connection

_RANK: Final = [role.value for role in Role]  # in the order of Role; the highest is shown first
# A region by the digits of its code, an institution after all of these.
_OF_REGION: Final = "CASE WHEN persons.institution_id IS NULL THEN"
_WIDTH: Final = f"{_OF_REGION} length(persons.region) ELSE 7 END"
_PLACE: Final = f"{_OF_REGION} persons.region ELSE lpad(persons.institution_id::text, 10, '0') END"
_ORDER: Final = f"({_WIDTH}, {_PLACE}, -array_position(%(ranks)s, persons.role), persons.name, persons.id)"
_WITHIN: Final = """
  FROM persons
  LEFT JOIN users ON users.person_id = persons.id
  LEFT JOIN institutions ON institutions.id = persons.institution_id
 WHERE (%(own)s::int IS NULL OR persons.institution_id = %(own)s)
   AND (%(own)s IS NOT NULL OR starts_with(coalesce(institutions.region, persons.region), %(region)s))
   AND (%(role)s::text IS NULL OR persons.role = %(role)s)
   AND (persons.active OR %(inactive)s)
   AND (%(text)s = '' OR position(lower(%(text)s) IN lower(
          concat_ws(' ', persons.name, users.username, institutions.name, institutions.name_en))) > 0)
"""


class Position(NamedTuple):
    """Where in the list somebody stands."""

    width: int
    place: str
    rank: int
    name: str
    id: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to: everybody within `scope`; `text` is looked for in the names of people, their user
    names and the names of institutions."""

    scope: Scope
    role: Role | None = None
    inactive: bool = False
    text: str = ""

    def values(self) -> dict[str, Any]:
        """The statements' parameters."""
        return {
            "own": self.scope.institution_id, "region": self.scope.region, "role": self.role,
            "inactive": self.inactive, "text": self.text.strip(), "ranks": _RANK,
        }  # fmt: skip


def page(
    connection: Connection, narrowed: Filter, after: Position | None, limit: int
) -> tuple[list[Person], Position | None]:
    """Up to `limit` people after `after`, and where the next page begins; None where this is the last."""
    beyond = f" AND {_ORDER} > (%(width)s, %(place)s, %(rank)s, %(name)s, %(id)s)" if after else ""
    statement = (
        "SELECT persons.id, persons.name, persons.role, persons.institution_id, persons.region, persons.language,"
        f" persons.active, {_WIDTH}, {_PLACE}, -array_position(%(ranks)s, persons.role) {_WITHIN}{beyond}"
        f" ORDER BY {_ORDER} LIMIT %(limit)s"
    )
    values = {**narrowed.values(), **(after._asdict() if after else {}), "limit": limit + 1}
    rows = connection.execute(statement.encode(), values).fetchall()
    people = [
        Person(number, name, Role(role), Scope(institution_id, region), language, active)
        for number, name, role, institution_id, region, language, active, *_ in rows[:limit]
    ]
    if len(rows) <= limit:
        return people, None
    number, name, *_, width, place, rank = rows[limit - 1]
    return people, Position(width, place, rank, name, number)


def count(connection: Connection, narrowed: Filter) -> int:
    """How many people there are in all."""
    row = connection.execute(f"SELECT count(*) {_WITHIN}".encode(), narrowed.values()).fetchone()
    return int(row[0]) if row else 0
