"""A marked test message to one person, by every contact at once, through the same outbox as an alarm."""

import uuid
from datetime import datetime
from typing import Final

from alerting import delivery, outbox_store, people_store, wording
from alerting.delivery import URGENT, Form, Push
from alerting.escalation import Delivery as Bounds
from ingest.database import Connection

_BOUNDS: Final = Bounds(failover_s=1.0, attempts_max=1, give_up_s=60.0)  # only its waiting times matter here


def queue(connection: Connection, person_id: int, now: datetime) -> Push | None:
    """Put the message into the outbox, in the caller's transaction; None where there is nobody, or no contact."""
    person = people_store.person(connection, person_id)
    ways = [each for each in people_store.contacts(connection) if each.person_id == person_id]
    if person is None or not ways:
        return None
    title, body = wording.test_text(person.language)
    push = Push(
        id=uuid.uuid4(),
        person_id=person_id,
        form=Form.TEST,
        urgency=URGENT,
        drill=False,
        alert_id=None,
        institution_id=None,
        zone_id=None,
        language=person.language,
        title=title,
        body=body,
        channels=frozenset(),
        every_channel=True,
        created_at=now,
    )
    outbox_store.write(connection, [], [], [push], delivery.plan(push, ways, _BOUNDS), [])
    connection.execute("SELECT pg_notify(%s, 'test')", (outbox_store.CHANNEL,))
    return push
