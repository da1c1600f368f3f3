"""After an outage: what the journal holds goes into the tables, as if it had been decided with them.

Ids are worked out from what they stand for, so whatever the database had taken just before it went is met again and not
doubled, and doing all of this twice changes nothing. The events must be in the log by now: the pipeline has brought its
spool in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from alerting import acknowledge_link, delivery, outbox_store, store
from alerting.acknowledge_link import NewLink
from alerting.alert import Alert, AlertEvent
from alerting.delivery import Answer, Delivery, Push
from alerting.escalation import Delivery as Bounds
from alerting.journal import Heard, Journal, KeptAnswer
from alerting.ladder import Ladder, Telling
from alerting.outbox_store import Job
from ingest.database import Connection

log = structlog.get_logger("alerting.outage")


def reconcile(connection: Connection, journal: Journal, bounds: Bounds, now: datetime) -> None:
    """Bring the journal in and empty it. Raises psycopg.OperationalError, after which it is to be done again."""
    with connection.transaction():
        store.append(connection, journal.records(AlertEvent, away=True))
    pushes = journal.records(Push, away=True)
    with connection.transaction():
        takers = _takers(connection, journal)
        ladders, tellings = _settled_in(connection, journal, takers, now)
        outbox_store.withdraw_rivals(connection, tellings, now)
        owned = [replace(each, alert_id=_taker_id(takers, each.alert_id)) for each in pushes]
        outbox_store.write(connection, ladders, tellings, owned, [], ())
        deliveries = journal.records(Delivery, away=True)
        outbox_store.restate(connection, deliveries, _unreached(deliveries), now)
        acknowledge_link.save(connection, journal.records(NewLink, away=True))
        for answer in journal.records(KeptAnswer, away=True):
            _settle(connection, answer, bounds)
    journal.clear()
    log.warning("what was done without the database is on record", pushes=len(pushes))


def _takers(connection: Connection, journal: Journal) -> dict[UUID, Alert]:
    """Each alert the journal tells of, as the log has it: the one that took the event that told of it, which may be
    another where the engine did not know what is open or over."""
    alerts = {alert.id: alert for alert in journal.records(Alert)}
    heard = {each.alert_id: each.event_id for each in journal.records(Heard, away=True)}
    wanted = {each.alert_id for each in journal.records(Ladder, away=True)}
    wanted |= {each.key.alert_id for each in journal.records(Telling, away=True)}
    joined = store.alerts_of_events(connection, [heard[number] for number in wanted if number in heard])
    found = {number: joined[heard[number]] for number in wanted if heard.get(number) in joined}
    found.update(store.load_many(connection, wanted - found.keys()))
    for number in wanted - found.keys():
        taker = store.open_alert(connection, alerts[number].key) if number in alerts else None
        if taker is None:
            log.error("an alert that was told of is not in the log", alert_id=str(number))
        else:
            found[number] = taker
    return found


def _taker_id(takers: Mapping[UUID, Alert], alert_id: UUID | None) -> UUID | None:
    taker = takers.get(alert_id) if alert_id is not None else None
    return taker.id if taker is not None else None


def _settled_in(
    connection: Connection, journal: Journal, takers: Mapping[UUID, Alert], now: datetime
) -> tuple[list[Ladder], list[Telling]]:
    """The journal's ladders and tellings with the alerts as they are in the log. One that joined another alert goes on
    as the newest call of that."""
    ladders = [each for each in journal.records(Ladder, away=True) if each.alert_id in takers]
    tellings = [each for each in journal.records(Telling, away=True) if each.key.alert_id in takers]
    moved = {each.alert_id for each in ladders if takers[each.alert_id].id != each.alert_id}
    done = outbox_store.told_by(connection, [each.push_id for each in tellings if each.key.alert_id in moved])
    moved_tellings = {each for each in tellings if each.key.alert_id in moved and each.push_id in done}
    again = {each.key.alert_id for each in moved_tellings}  # brought in already, by one who died just afterwards
    calls = outbox_store.last_calls(connection, [takers[number].id for number in moved])
    outbox_store.supersede(connection, [takers[number].id for number in moved - again], now)

    def call_of(alert_id: UUID, call: int) -> int:
        return call + (calls.get(takers[alert_id].id, 0) if alert_id in moved else 0)

    return (
        [
            replace(each, alert_id=takers[each.alert_id].id, call=call_of(each.alert_id, each.call),
                    called_at=takers[each.alert_id].called_at if each.alert_id in moved else each.called_at)
            for each in ladders if each.alert_id not in again
        ],
        [
            replace(each, key=each.key._replace(alert_id=takers[each.key.alert_id].id,
                                                call=call_of(each.key.alert_id, each.key.call)))
            for each in tellings if each.key.alert_id not in again
        ],
    )  # fmt: skip


def _unreached(deliveries: Sequence[Delivery]) -> list[UUID]:
    of_push: dict[UUID, list[Delivery]] = {}
    for each in deliveries:
        of_push.setdefault(each.push_id, []).append(each)
    return [number for number, ways in of_push.items() if delivery.unreached(ways)]


def _settle(connection: Connection, kept: KeptAnswer, bounds: Bounds) -> None:
    job: Job | None = outbox_store.load_job(connection, kept.push_id, kept.contact_id)
    if job is None or job.delivery.attempts != kept.attempts:
        return  # it is being sent again
    outbox_store.settle(connection, job, Answer(kept.outcome, kept.detail, kept.retry_after_s), bounds, kept.at)
