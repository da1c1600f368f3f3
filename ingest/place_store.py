"""All SQL of adding an institution or a zone by itself, without a registry file."""

import psycopg

from ingest import place
from ingest.database import Connection
from ingest.errors import PlaceRefused, PlaceTaken
from ingest.place import NewInstitution, NewZone
from ingest.store import registry_changed


def add_institution(connection: Connection, wanted: NewInstitution) -> int:
    """Put an institution into the registry, in the caller's transaction; its id. Raises PlaceRefused, PlaceTaken."""
    if wrong := place.institution_problems(wanted):
        raise PlaceRefused("; ".join(wrong))
    statement = (
        "INSERT INTO institutions (code, name, name_en, kind, region) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (code) DO NOTHING RETURNING id"
    )
    values = wanted.code, wanted.name.strip(), wanted.name_en.strip(), wanted.kind, wanted.region
    row = connection.execute(statement, values).fetchone()
    if row is None:
        raise PlaceTaken(f"there is an institution {wanted.code} already")
    registry_changed(connection)
    return int(row[0])


def add_zone(connection: Connection, institution_id: int, wanted: NewZone) -> int:
    """Put a zone into the registry, in the caller's transaction; its id. Raises PlaceRefused, PlaceTaken."""
    if wrong := place.zone_problems(wanted):
        raise PlaceRefused("; ".join(wrong))
    statement = (
        "INSERT INTO zones (institution_id, code, name, name_en, kind, floor) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (institution_id, code) DO NOTHING RETURNING id"
    )
    values = institution_id, wanted.code, wanted.name.strip(), wanted.name_en.strip(), wanted.kind, wanted.floor
    try:
        with connection.transaction():
            row = connection.execute(statement, values).fetchone()
    except psycopg.errors.ForeignKeyViolation:
        raise PlaceRefused(f"there is no institution {institution_id}") from None
    if row is None:
        raise PlaceTaken(f"there is a zone {wanted.code} already")
    registry_changed(connection)
    return int(row[0])
