"""Notices go out by the outbox of the alarms, in the transaction of what they tell of."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from alerting import delivery, outbox_store, people_store
from alerting.delivery import Form, Push
from alerting.escalation import Delivery as Bounds
from ingest import directory
from ingest.database import Connection
from ingest.reach import lifted
from inspection.hazard import Hazard, HazardEvent
from inspection.notice import Notice, notice, readers

NOTICES_MAX: Final = 6  # to one person within the window: a hundred flat batteries are not a hundred messages
_WINDOW: Final = timedelta(minutes=10)
_URGENCY: Final = 9  # after every alarm
_BOUNDS: Final = Bounds(failover_s=60.0, attempts_max=5, give_up_s=3600.0)


def tell(connection: Connection, hazard: Hazard, event: HazardEvent, now: datetime) -> list[int]:
    """Queue the messages about `event`, in the caller's transaction; the persons who get one."""
    [place] = directory.institutions(connection, [hazard.institution_id])
    found = readers(hazard, event, people_store.persons(connection), place.region)
    made = []
    for person in found:
        name = place.name_en or place.name if person.language == "en" else place.name
        made.append(notice(hazard, event, person, name, event.note))
    return send(connection, made, event.event_id, now)


def send(connection: Connection, made: Sequence[Notice], key: uuid.UUID, now: datetime) -> list[int]:
    """Queue messages, in the caller's transaction; the persons who get one. `key` names what they tell of: each person
    gets one of it. Who has no contact, or got NOTICES_MAX lately, sees it on the page."""
    if not made:
        return []
    with lifted(connection):  # who has to be told may be out of reach of who acts, and so are their contacts
        return _send(connection, made, key, now)


def _send(connection: Connection, made: Sequence[Notice], key: uuid.UUID, now: datetime) -> list[int]:
    ways = people_store.contacts(connection)
    lately = _told_lately(connection, [each.person.id for each in made], now)
    pushes, deliveries = [], []
    for each in made:
        person = each.person
        push = Push(
            id=uuid.uuid5(key, str(person.id)),
            person_id=person.id,
            form=Form.NOTICE,
            urgency=_URGENCY,
            drill=False,
            alert_id=None,
            institution_id=None,
            zone_id=None,
            language=person.language,
            title=each.title,
            body=each.body,
            channels=frozenset(),
            every_channel=False,
            created_at=now,
        )
        own = [way for way in ways if way.person_id == person.id]
        if own and lately.get(person.id, 0) < NOTICES_MAX:
            pushes.append(push)
            deliveries += delivery.plan(push, own, _BOUNDS)
    if pushes:
        outbox_store.write(connection, [], [], pushes, deliveries, [])
        connection.execute("SELECT pg_notify(%s, 'notice')", (outbox_store.CHANNEL,))
    return _ids(pushes)


def _told_lately(connection: Connection, person_ids: list[int], now: datetime) -> dict[int, int]:
    rows = connection.execute(
        "SELECT person_id, count(*) FROM pushes WHERE form = 'notice' AND person_id = ANY(%s) AND created_at > %s"
        " GROUP BY person_id",
        (person_ids, now - _WINDOW),
    )
    return {row[0]: row[1] for row in rows}


def _ids(pushes: Iterable[Push]) -> list[int]:
    return [each.person_id for each in pushes]
