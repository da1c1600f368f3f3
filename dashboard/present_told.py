"""From records to the shapes people see: who was told of an alert, and who is next."""

from datetime import datetime

from alerting import next_call, oncall_store, outbox_store, told_store
from alerting.alert import Alert
from dashboard import present, schemas
from ingest import directory
from ingest.database import Connection


def notifications(connection: Connection, record: Alert, now: datetime) -> schemas.Notifications:
    """What was and what is to be said of `record`, if nobody acknowledges it."""
    [shown] = present.alerts(connection, [record], now)
    institution_id = record.source.institution_id
    places = directory.institutions(connection, [institution_id]) if institution_id is not None else []
    foreseen = next_call.foresee(
        record,
        outbox_store.newest_ladder(connection, record.id),
        shown.quiet,
        oncall_store.policy_in_force(connection),
        oncall_store.roster(connection, now, reachable=True),
        places[0] if places else None,
        now,
    )
    following = foreseen.following
    return schemas.Notifications(
        items=[
            schemas.Notification(
                person=schemas.NotifiedPerson(id=each.person_id, name=each.name, role=each.role),
                channel=each.channel,
                step=each.step,
                state=each.progress,
                at=each.at,
                attempts=each.attempts,
                error=each.error,
            )
            for each in told_store.told(connection, record.id)
        ],
        next=following
        and schemas.NextCall(
            at=following.at,
            step=following.step,
            again=following.again,
            people=[schemas.NotifiedPerson.model_validate(person) for person in following.people],
        ),
        reason=foreseen.reason,
        ends_at=foreseen.ends_at,
        ends_in_alert=foreseen.raises,
    )
