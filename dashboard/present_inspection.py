"""From records to the shapes people see: inspections with items and history, draws."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from alerting.people import RIGHTS, Person
from dashboard import schemas
from dashboard.schemas import inspections as shapes
from dashboard.schemas.hazards import Named
from ingest import directory
from ingest.database import Connection
from inspection import draw_operate, draw_store, hazard_list_store, hazard_store, visit, visit_list_store, visit_store
from inspection.draw_store import DrawRecord
from inspection.hazard import By
from inspection.visit import ItemKey, Verb, Visit
from inspection.visit_list_store import Campaign
from inspection.visit_store import Entry


def rows(connection: Connection, records: Sequence[Visit]) -> list[shapes.InspectionRow]:
    """`records` with the names of places and people, in their order."""
    places = {each.id: each for each in directory.institutions(connection, {each.institution_id for each in records})}
    names = hazard_list_store.names(connection, {mate.person_id for each in records for mate in each.team})
    counted = visit_list_store.findings_counted(connection, [each.id for each in records])
    return [
        shapes.InspectionRow(
            id=each.id,
            no=each.no,
            institution=schemas.AlertInstitution.model_validate(places[each.institution_id]),
            kind=each.kind,
            own=each.own,
            unannounced=each.unannounced,
            planned_for=each.planned_for,
            purpose=each.purpose,
            state=each.state,
            version=each.version,
            team=[shapes.Mate(id=mate.person_id, name=names[mate.person_id], duty=mate.duty) for mate in each.team],
            campaign_id=each.campaign_id,
            draw_id=each.draw_id,
            begun_at=each.begun_at,
            concluded_at=each.concluded_at,
            findings_count=counted.get(each.id, 0),
        )
        for each in records
    ]


def detail(connection: Connection, record: Visit, reader: Person, by: By) -> shapes.InspectionDetail:
    """`record` with items, findings and history, and what `reader` may do."""
    entries = visit_store.events_of(connection, record.id)
    names = hazard_list_store.names(connection, {each.event.by.person_id or 0 for each in entries})
    hazards = hazard_store.load_many(connection, [each.hazard_id for each in record.findings])
    [row] = rows(connection, [record])
    return shapes.InspectionDetail(
        **row.model_dump(),
        checklists=list(record.checklists),
        planned_at=record.planned_at,
        planned_by=record.planned_by,
        concluded_by=record.concluded_by,
        conclusion=record.conclusion,
        record_sha256=record.record_sha256,
        items=_items(connection, record, entries, names),
        findings=[
            shapes.InspectionFinding(
                hazard_id=each.hazard_id,
                hazard_no=hazards[each.hazard_id].no,
                level=hazards[each.hazard_id].level,
                clause=each.clause,
                title=hazards[each.hazard_id].title,
                state=hazards[each.hazard_id].state,
                found_at=each.at,
                item=each.key is not None,
            )
            for each in record.findings
        ],
        events=[_event(each, names) for each in entries],
        acts=sorted(visit.allowed(record, by, RIGHTS[reader.role])),
    )


def campaign_rows(connection: Connection, records: Sequence[Campaign]) -> list[shapes.Campaign]:
    """Campaigns with the names of those who planned them, in their order."""
    names = hazard_list_store.names(connection, {each.creator_id for each in records})
    return [
        shapes.Campaign(
            id=each.id,
            no=each.no,
            theme=each.theme,
            goal=each.goal,
            region=each.region,
            begins_on=each.begins_on,
            ends_on=each.ends_on,
            checklists=each.checklists,
            creator=Named(id=each.creator_id, name=names[each.creator_id]),
        )
        for each in records
    ]


def draw_row(record: DrawRecord) -> shapes.DrawRow:
    """A draw in one line."""
    return shapes.DrawRow(**_draw(record))


def draw_detail(connection: Connection, record: DrawRecord) -> shapes.DrawDetail:
    """A draw with its register, and who the staff numbers are."""
    people = {draw_operate.person_of(each["key"]) for each in record.register["inspectors"]}
    return shapes.DrawDetail(
        **_draw(record),
        checklists=list(record.checklists),
        campaign_id=record.campaign_id,
        register_body=dict(record.register),
        grounds=dict(record.grounds),
        word=record.word,
        result=dict(record.result) if record.result is not None else None,
        seed=record.seed,
        void_reason=record.void_reason,
        waiting=draw_store.waiting(connection, record.id),
        names={draw_operate.key_of(key): name for key, name in hazard_list_store.names(connection, people).items()},
    )


def _draw(record: DrawRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "no": record.no,
        "title": record.title,
        "region": record.region,
        "planned_for": record.planned_for,
        "state": record.state,
        "version": record.version,
        "visits": record.register["visits"],
        "candidates": len(record.register["candidates"]),
        "seed_sha256": record.seed_sha256,
        "register_sha256": record.register_sha256,
        "announced_at": record.announced_at,
        "drawn_at": record.drawn_at,
        "published_at": record.published_at,
    }


def _items(
    connection: Connection, record: Visit, entries: Sequence[Entry], names: dict[int, str]
) -> list[shapes.InspectionItem]:
    editions = {each["id"]: each for each in visit_store.editions_of(connection, record.id)}
    texts = {(name, item["id"]): item for name, each in editions.items() for item in each["items"]}
    titles = {(name, part["id"]): part for name, each in editions.items() for part in each["sections"]}
    bodies = {each.seq: each.event.body for each in entries}
    hazards = {each.key: each.hazard_id for each in record.findings}
    found = []
    for key, answer in record.items.items():
        text = texts[key]
        section = titles[key.checklist_id, text["section"]]
        found.append(
            shapes.InspectionItem(
                checklist_id=key.checklist_id,
                item_id=key.item_id,
                section_zh=section["title_zh"],
                section_en=section["title_en"],
                zh=text["zh"],
                en=text["en"],
                level=text["level"],
                clause=text["clause"],
                evidence=text["evidence"],
                outcome=answer.outcome if answer else None,
                note=answer.note if answer else "",
                answered_at=answer.at if answer else None,
                person=Named(id=answer.person_id, name=names[answer.person_id]) if answer else None,
                hazard_id=hazards.get(ItemKey(*key)),
                photos=[UUID(each) for each in bodies[answer.seq].get("photos", [])] if answer else [],
                seq=answer.seq if answer else 0,
            )
        )
    return found


def _event(entry: Entry, names: dict[int, str]) -> shapes.InspectionEvent:
    event = entry.event
    who = event.by.person_id
    return shapes.InspectionEvent(
        seq=entry.seq,
        verb=event.verb,
        at=event.at,
        actor=event.by.actor,
        person=Named(id=who, name=names[who]) if who in names else None,
        outside=event.by.outside,
        note=event.note,
        outcome=event.body.get("outcome") if event.verb is Verb.ANSWER else None,
        photos=[UUID(each) for each in event.body.get("photos", [])],
    )
