"""What of ratings and credit lists counts in the order of risk."""

from collections.abc import Collection
from dataclasses import dataclass

from psycopg.rows import class_row

from ingest.database import Connection


@dataclass(frozen=True, slots=True)
class Credit:
    """The newest grade of an institution with its weight (1 where it has none), and the worst list it is on."""

    institution_id: int
    grade: str | None
    grade_weight: float
    list_kind: str | None


def credit_of(connection: Connection, within: Collection[int] | None) -> list[Credit]:
    """Of these institutions, or (None) of all."""
    with connection.cursor(row_factory=class_row(Credit)) as cursor:
        return cursor.execute(
            "SELECT institution_id, grade, grade_weight, list_kind FROM institution_risk"
            " WHERE %(within)s::int[] IS NULL OR institution_id = ANY(%(within)s)",
            {"within": None if within is None else list(within)},
        ).fetchall()
