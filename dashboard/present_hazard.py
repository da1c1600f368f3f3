"""From records to the shapes people see: hazards and their history, checklists."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from alerting.people import RIGHTS, Person
from dashboard import schemas
from dashboard.schemas import hazards as hazard_schemas
from ingest import directory
from ingest.database import Connection
from inspection import checklist, decide, hazard_list_store, hazard_store, operate, phone, phone_store
from inspection.checklist import Checklist, Wording
from inspection.errors import ChecklistUnknown
from inspection.hazard import By, Hazard, State
from inspection.hazard_store import Entry
from inspection.policy import Policy
from inspection.proof import Proof, Reason

_LATE: Final = timedelta(minutes=1)  # less is the time it takes to send


def rows(
    connection: Connection, records: Sequence[Hazard], now: datetime, policy: Policy
) -> list[hazard_schemas.HazardRow]:
    """`records` with the names of places and people, in their order."""
    institutions = {
        each.id: each for each in directory.institutions(connection, {each.institution_id for each in records})
    }
    zones = {each.id: each for each in directory.zones(connection, _present(each.zone_id for each in records))}
    devices = {each.id: each for each in directory.devices(connection, _present(each.device_id for each in records))}
    names = hazard_list_store.names(connection, _present(each.assignee_id for each in records))
    found = []
    for each in records:
        rule = policy.sensors.get(each.rule or "")
        zone, device = zones.get(each.zone_id or 0), devices.get(each.device_id or 0)
        found.append(
            hazard_schemas.HazardRow(
                id=each.id,
                no=each.no,
                institution=schemas.AlertInstitution.model_validate(institutions[each.institution_id]),
                zone=schemas.AlertZone.model_validate(zone) if zone else None,
                device=schemas.AlertDevice.model_validate(device) if device else None,
                origin=each.origin,
                category=each.category,
                level=each.level,
                supervisor=each.supervisor,
                title=each.title,
                title_en=rule.title_en if rule else "",
                state=each.state,
                standing=decide.standing(each, now, policy),
                version=each.version,
                occurrence=each.occurrence,
                failures=each.failures,
                assign_by=decide.assign_by(each, policy) if each.state is State.REPORTED else None,
                deadline=each.deadline,
                assignee=_named(names, each.assignee_id),
                reported_at=each.reported_at,
                reported_by=each.reported_by,
                closed_at=each.closed_at,
                withdrawn_at=each.withdrawn_at,
                extension_asked=each.extension is not None,
                on_bulletin=decide.on_bulletin(each, now, policy),
                proposal=each.proposal,
            )
        )
    return found


def detail(
    connection: Connection, record: Hazard, reader: Person, by: By, now: datetime
) -> hazard_schemas.HazardDetail:
    """`record` with its history, the proof by data, and what `reader` may do."""
    policy = operate.policy_in_force(connection)
    entries = hazard_store.events_of(connection, record.id)
    people = {entry.event.by.person_id for entry in entries} | {
        entry.event.body.get("assignee_id") for entry in entries
    }
    if record.extension is not None:
        people.add(record.extension.asker_id)
    names = hazard_list_store.names(connection, _present(people))
    done_at = _done_at(connection, record.id)
    proof = operate.proof_of(connection, record, now)
    numbers = hazard_list_store.numbers(connection, [record.repeat_of] if record.repeat_of else [])
    [row] = rows(connection, [record], now, policy)
    extension = record.extension
    return hazard_schemas.HazardDetail(
        **row.model_dump(),
        detail=record.detail,
        clause=record.clause,
        item=_item(record),
        alert_id=record.alert_id,
        repeat_of=hazard_schemas.HazardLink(id=record.repeat_of, no=numbers[record.repeat_of])
        if record.repeat_of
        else None,
        term=record.term,
        assigned_at=record.assigned_at,
        rectified_at=record.rectified_at,
        rechecked_at=record.rechecked_at,
        extension=hazard_schemas.HazardExtension(
            until=extension.until,
            asked_at=extension.asked_at,
            asker=hazard_schemas.Named(id=extension.asker_id, name=names[extension.asker_id]),
        )
        if extension
        else None,
        extensions=record.extensions,
        ripe=decide.ripe(record, now, policy),
        proof=_proof(proof) if proof else None,
        events=[_event(entry, names, done_at.get(entry.seq)) for entry in entries],
        acts=sorted(decide.allowed(record, by, RIGHTS[reader.role], now, policy)),
    )


def options(policy: Policy) -> hazard_schemas.HazardOptions:
    """What a form offers by `policy`."""
    return hazard_schemas.HazardOptions(
        policy=policy.version,
        terms=[hazard_schemas.Term.model_validate(each) for each in policy.terms.values()],
        defaults={f"{level}.{supervisor}": term for (level, supervisor), term in policy.defaults.items()},
        extension_days_max=policy.extension_max.days,
    )


def checklist_row(record: Checklist) -> hazard_schemas.ChecklistRow:
    """A checklist in one line."""
    return hazard_schemas.ChecklistRow(
        id=record.id,
        version=record.version,
        purpose=record.purpose,
        title_zh=record.title_zh,
        title_en=record.title_en,
        source_zh=record.source_zh,
        source_en=record.source_en,
        kinds=sorted(record.kinds),
        items_count=len(record.items),
        reported_count=record.count(Wording.REPORTED),
        missing_count=record.count(Wording.MISSING),
    )


def checklist_detail(record: Checklist) -> hazard_schemas.ChecklistDetail:
    """A checklist with its items."""
    return hazard_schemas.ChecklistDetail(
        **checklist_row(record).model_dump(),
        sections=[hazard_schemas.ChecklistSection.model_validate(each) for each in record.sections],
        items=[
            hazard_schemas.ChecklistItem(**{**asdict(each), "evidence": sorted(each.evidence)}) for each in record.items
        ],
    )


def _done_at(connection: Connection, hazard_id: UUID) -> dict[int, datetime]:
    """When those of a hazard's events were done, by our clock, that came from a phone noticeably later."""
    found = {}
    for seq, each in phone_store.arrivals_of_hazard(connection, hazard_id).items():
        at = phone.done_by_our_clock(each.done_at, each.sent_at, each.received_at)
        if each.received_at - at >= _LATE:
            found[seq] = at
    return found


def _event(entry: Entry, names: dict[int, str], done_at: datetime | None) -> hazard_schemas.HazardEvent:
    event, body = entry.event, entry.event.body
    return hazard_schemas.HazardEvent(
        seq=entry.seq,
        verb=event.verb,
        at=event.at,
        actor=event.by.actor,
        person=_named(names, event.by.person_id),
        outside=event.by.outside,
        passed=event.passed,
        note=event.note,
        photos=[UUID(each) for each in body.get("photos", [])],
        assignee=_named(names, body.get("assignee_id")),
        deadline=_moment(body.get("deadline")),
        until=_moment(body.get("until")),
        level=body.get("level"),
        supervisor=body.get("supervisor"),
        proposal=body.get("proposal"),
        to=list(body.get("to", [])),
        proof=Reason(body["proof"]["reason"]) if "proof" in body else None,
        done_at=done_at,
    )


def _proof(proof: Proof) -> hazard_schemas.HazardProof:
    return hazard_schemas.HazardProof(
        reason=proof.reason,
        holds=proof.holds,
        active=proof.facts.active,
        raised=proof.facts.raised,
        readings=proof.facts.readings,
        last_reading_at=proof.facts.last_reading_at,
        observe_hours=proof.observe_hours,
        enough_at=proof.enough_at,
    )


def _item(record: Hazard) -> hazard_schemas.HazardItem | None:
    """The item as the list has it today; None where the list no longer has it."""
    if record.checklist_id is None or record.item_id is None:
        return None
    try:
        found = checklist.get(record.checklist_id)
        item = found.item(record.item_id)
    except ChecklistUnknown:
        return None
    return hazard_schemas.HazardItem(
        checklist_id=found.id, item_id=item.id, title_zh=found.title_zh, title_en=found.title_en, zh=item.zh, en=item.en
    )


def _named(names: dict[int, str], person_id: int | None) -> hazard_schemas.Named | None:
    if person_id is None or person_id not in names:
        return None
    return hazard_schemas.Named(id=person_id, name=names[person_id])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _present(ids: Iterable[int | None]) -> set[int]:
    return {each for each in ids if each is not None}
