"""All SQL of the first steps: what is there of an institution."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from alerting import drill_store, people_store
from alerting.drill import Stage
from alerting.drill_store import Record
from alerting.first_steps import Facts
from alerting.people import Right, Role
from ingest import directory, history, refused
from ingest.database import Connection
from ingest.directory import InstitutionEntry
from ingest.routes import PREFIX

POINTS_MAX: Final = 64  # of which it is looked up whether they have reported
STRANGER_AGE: Final = timedelta(hours=1)
_NEWEST: Final = "SELECT max(id) FROM institutions WHERE %(ids)s::int[] IS NULL OR id = ANY(%(ids)s)"
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM zones WHERE institution_id = i.id),"
    " (SELECT count(*) FROM devices WHERE institution_id = i.id),"
    " (SELECT count(DISTINCT u.device) FROM unclaimed_devices u WHERE u.institution = i.code AND u.quantity = ''"
    "   AND NOT EXISTS (SELECT FROM devices d WHERE d.institution_id = i.id AND u.device IN (d.code, d.address)))"
    " FROM institutions i WHERE i.id = %s"
)
_POINTS: Final = (
    "SELECT points.id FROM points JOIN devices ON devices.id = device_id WHERE institution_id = %s"
    " ORDER BY points.id DESC LIMIT %s"
)


def newest_institution(connection: Connection, ids: Collection[int] | None) -> int | None:
    """The institution of `ids`, or of all, that was added last."""
    row = connection.execute(_NEWEST, {"ids": None if ids is None else list(ids)}).fetchone()
    return int(row[0]) if row and row[0] is not None else None


def facts(connection: Connection, institution_id: int | None, *, everywhere: bool) -> Facts:
    """What is known of the institution; with `everywhere` also of messages that nobody's institution sent."""
    stranger = None
    if everywhere:
        age = connection.execute("SELECT now() - %s", (STRANGER_AGE,)).fetchone()
        latest = (each for each in refused.unclaimed(connection, 20) if each.institution_id is None)
        stranger = next((each for each in latest if age and each.last_seen_at >= age[0]), None)
    found = directory.institutions(connection, [institution_id]) if institution_id is not None else []
    if not found:
        return Facts(None, stranger=stranger)
    institution = found[0]
    zones, devices, heard = connection.execute(_COUNTS, (institution.id,)).fetchone() or (0, 0, 0)
    points = [int(each) for (each,) in connection.execute(_POINTS, (institution.id, POINTS_MAX))]
    last = history.last_readings(connection, points)
    responsible, reachable = _people(connection, institution)
    return Facts(
        institution,
        zone_count=zones,
        heard_count=heard,
        device_count=devices,
        reporting_at=max((each.received_at for each in last.values()), default=None),
        refused=refused.newest_refused(connection, f"{PREFIX}/{institution.code}/"),
        stranger=stranger,
        trial=_trial(connection, institution.id),
        responsible_count=responsible,
        reachable_count=reachable,
    )


def _people(connection: Connection, institution: InstitutionEntry) -> tuple[int, int]:
    """How many people, besides administrators, may acknowledge an alarm there, and how many of them can be reached."""
    reachable = {each.person_id for each in people_store.contacts(connection)}
    responsible = {
        each.id
        for each in people_store.persons(connection)
        if each.role is not Role.ADMINISTRATOR and each.may(Right.ACKNOWLEDGE, institution.id, institution.region)
    }
    return len(responsible), len(responsible & reachable)


def _trial(connection: Connection, institution_id: int) -> Record | None:
    """The newest test alarm or drill that a person began; one that was shown before one that was not."""
    begun = [each for each in drill_store.of_institutions(connection, [institution_id]) if not each.drill.scheduled]
    return next((each for each in begun if Stage.SHOWN in each.seen.reached), begun[0] if begun else None)
