"""What was done on phones, in the database: each act once, with what came of it; the stamps of photos."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from alerting.ledger_store import record_act
from ingest.database import Connection
from inspection.phone import Act, Outcome, Position, Receipt, Stamp, Verb

_INSERT: Final = (
    "INSERT INTO phone_acts (act_id, person_id, verb, institution_id, inspection_id, hazard_id, based_on, body, sha256,"
    " done_at, sent_at, received_at, latitude, longitude, accuracy_m, outcome, seq, theirs, settles)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class Kept(NamedTuple):
    """An act on record."""

    person_id: int
    verb: Verb
    body: dict[str, Any]
    digest: bytes
    receipt: Receipt
    settled: bool


class Arrival(NamedTuple):
    """When and where what an event says was done, when it arrived later than that."""

    done_at: datetime
    sent_at: datetime
    received_at: datetime
    position: Position


def lock(connection: Connection, act_id: UUID) -> None:
    """Have the same act, sent twice at once, wait for itself, to the end of the caller's transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('phone act ' || %s::text, 0))", (str(act_id),))


def kept(connection: Connection, act_id: UUID) -> Kept | None:
    """The act with that id, None for one that has not been here."""
    row = connection.execute(
        "SELECT person_id, verb, body, sha256, outcome, institution_id, inspection_id, hazard_id, seq, theirs,"
        " EXISTS (SELECT FROM phone_acts s WHERE s.settles = a.act_id AND s.outcome <> 'conflict')"
        " FROM phone_acts a WHERE act_id = %s",
        (act_id,),
    ).fetchone()
    if row is None:
        return None
    receipt = Receipt(Outcome(row[4]), row[5], row[6], row[7], row[8], tuple(row[9]))
    return Kept(row[0], Verb(row[1]), row[2], bytes(row[3]), receipt, row[10])


def keep(connection: Connection, act: Act, receipt: Receipt, actor: str, now: datetime) -> None:
    """Put an act and what came of it on record, in the caller's transaction. What became an event is in the ledger with
    it; a conflict is noted there by itself, so that what was meant cannot be lost."""
    connection.execute(
        _INSERT,
        (
            act.id, act.person_id, act.verb, receipt.institution_id, receipt.inspection_id, receipt.hazard_id,
            act.based_on, Jsonb(dict(act.body)), act.digest, act.done_at, act.sent_at, now, *act.position,
            receipt.outcome, receipt.seq, list(receipt.theirs), act.settles,
        ),
    )  # fmt: skip
    if receipt.outcome is not Outcome.CONFLICT:
        return
    inspection = receipt.inspection_id
    subject = f"inspection:{inspection}" if inspection else f"hazard:{receipt.hazard_id}"
    body = {
        "act_id": str(act.id), "act": act.verb.value, "body": dict(act.body), "done_at": act.done_at.isoformat(),
        "based_on": act.based_on, "theirs": list(receipt.theirs),
    }  # fmt: skip
    record_act(
        connection, actor=actor, verb="phone_conflict", subject=subject, institution_id=receipt.institution_id,
        body=body,
    )  # fmt: skip


def arrivals_of_hazard(connection: Connection, hazard_id: UUID) -> dict[int, Arrival]:
    """Of each event of a hazard that came from a phone, by its number, when and where it was done. What was found in an
    inspection opened it: that is its first event."""
    rows = connection.execute(
        "SELECT CASE WHEN inspection_id IS NULL THEN seq ELSE 1 END, done_at, sent_at, received_at, latitude,"
        " longitude, accuracy_m FROM phone_acts WHERE hazard_id = %s AND seq IS NOT NULL",
        (hazard_id,),
    )
    return {row[0]: Arrival(row[1], row[2], row[3], Position(*row[4:])) for row in rows}


def stamp(connection: Connection, photo_id: UUID, made: Stamp, now: datetime) -> None:
    """Keep when and where a photo was taken."""
    connection.execute(
        "INSERT INTO photo_stamps (photo_id, taken_at, sent_at, received_at, latitude, longitude, accuracy_m,"
        " place_missing) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (photo_id, made.taken_at, made.sent_at, now, *made.position, made.place_missing),
    )


def stamps(connection: Connection, hazard_id: UUID) -> dict[UUID, tuple[Stamp, datetime]]:
    """The stamps of those photos of a hazard that have one, and when each arrived."""
    rows = connection.execute(
        "SELECT photo_id, taken_at, sent_at, latitude, longitude, accuracy_m, place_missing, received_at"
        " FROM photo_stamps JOIN hazard_photos p ON p.id = photo_id WHERE hazard_id = %s"
        " ORDER BY event_seq, uploaded_at",
        (hazard_id,),
    )
    return {row[0]: (Stamp(row[1], row[2], Position(*row[3:6]), row[6]), row[7]) for row in rows}
