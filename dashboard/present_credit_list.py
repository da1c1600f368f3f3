"""From entries of the credit lists to the shapes people see."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from alerting.people import RIGHTS, Person
from dashboard.errors import NotFound
from dashboard.schemas import credit_lists as shapes
from dashboard.schemas.hazards import Named
from dashboard.schemas.ratings import RatedInstitution
from ingest import directory
from ingest.database import Connection
from inspection import credit_list, credit_list_operate, credit_list_store, credit_paper, hazard_list_store
from inspection.credit_criteria import Criteria
from inspection.credit_list import Entry
from inspection.credit_list_store import HistoryEntry
from inspection.credit_paper import LISTS, Names
from inspection.hazard import By
from inspection.visit_due import Due


def rows(connection: Connection, found: Sequence[Entry], criteria: Criteria) -> list[shapes.CreditRow]:
    """`found` with the names of the institutions, in their order."""
    places = _places(connection, [each.institution_id for each in found])
    made = []
    for each in found:
        criterion = criteria.criterion(each.criterion)
        made.append(
            shapes.CreditRow(
                institution=places[each.institution_id],
                reason_zh=criterion.zh if criterion else each.reason,
                reason_en=criterion.en if criterion else each.reason,
                **{name: getattr(each, name) for name in _PLAIN},
            )
        )
    return made


def detail(
    connection: Connection, entry: Entry, reader: Person, by: By, now: datetime, criteria: Criteria
) -> shapes.CreditDetail:
    """`entry` with its history, and what `reader` may do."""
    history = credit_list_store.events_of(connection, entry.id)
    names = hazard_list_store.names(
        connection, {each.event.by.person_id for each in history if each.event.by.person_id is not None}
    )
    [row] = rows(connection, [entry], criteria)
    facts = _facts(history[0].event.body)
    fields = row.model_dump() | ({"reason_zh": facts.zh, "reason_en": facts.en} if facts else {})
    return shapes.CreditDetail(
        **fields,
        term_months=entry.term_months,
        appeal_days=entry.appeal_days,
        inspections_per_year=entry.inspections_per_year,
        risk_factor=entry.risk_factor,
        facts=facts,
        events=[_event(each, names) for each in history],
        acts=sorted(credit_list.allowed(entry, by, RIGHTS[reader.role], now)),
    )


def paper(connection: Connection, entry: Entry, seq: int) -> shapes.CreditPaperShape:
    """The paper of one event. Raises NotFound where there is none."""
    history = credit_list_store.events_of(connection, entry.id)
    event = next((each.event for each in history if each.seq == seq), None)
    then = credit_list_operate.as_it_stood(entry, history, seq)
    if event is None or then is None or not credit_paper.has_paper(event.verb):
        raise NotFound(f"the entry has no paper {seq}")
    [place] = directory.institutions(connection, [entry.institution_id])
    who = event.by.person_id
    signer = hazard_list_store.names(connection, [who])[who] if who is not None else ""
    facts = _facts(event.body) or _facts(history[0].event.body)
    made = {}
    for zh in (True, False):
        names = Names(
            institution=place.name if zh else place.name_en or place.name,
            kind=LISTS[entry.kind][not zh],
            criterion=(facts.zh if zh else facts.en) if facts else "",
            clause=facts.clause if facts else "",
            person=signer,
        )
        made["zh" if zh else "en"] = shapes.CreditPaperText.model_validate(
            credit_paper.paper(then, event, seq, names, zh=zh)
        )
    return shapes.CreditPaperShape(institution=place.name, **made)


def criteria_shape(made: Criteria) -> shapes.CreditCriteriaShape:
    """The criteria in force."""
    return shapes.CreditCriteriaShape(
        version=made.version,
        visits_per_year_min=made.visits_per_year_min,
        visits_clause=made.visits_clause,
        due_soon_days=made.due_soon_days,
        lists=[shapes.CreditListShape.model_validate(each) for each in made.lists.values()],
        criteria=[
            shapes.CreditCriterion(**{**asdict(each), "grades": sorted(each.grades), "vetoes": sorted(each.vetoes)})
            for each in made.criteria
        ],
    )


def due_visits(connection: Connection, found: Sequence[Due], *, plans: bool) -> list[shapes.DueVisit]:
    """`found` with the names of the institutions; what is planned only where `plans` may be known."""
    places = _places(connection, [each.known.institution_id for each in found])
    return [
        shapes.DueVisit(
            institution=places[each.known.institution_id],
            grade=each.known.grade,
            list_kind=each.known.list_kind,
            visits_per_year=each.visits_per_year,
            because=each.because,
            days_between=each.days_between,
            last_visit_at=each.known.last_visit_at,
            planned_for=each.known.planned_for if plans else None,
            due_at=each.due_at,
            standing=each.standing,
            days_late=each.days_late,
        )
        for each in found
    ]


_PLAIN = (
    "id", "no", "kind", "state", "standing", "version", "proposed_at", "proposed_by", "notified_at", "delivered_at",
    "appeal_until", "appeal_rejected_at", "listed_at", "until", "repair_from", "repair_asked_at", "ended_at", "end",
)  # fmt: skip


def _places(connection: Connection, ids: Sequence[int]) -> dict[int, RatedInstitution]:
    return {each.id: RatedInstitution.model_validate(each) for each in directory.institutions(connection, set(ids))}


def _facts(body: Mapping[str, Any]) -> shapes.CreditFacts | None:
    return shapes.CreditFacts.model_validate(body["facts"]) if body.get("facts") else None


def _event(entry: HistoryEntry, names: Mapping[int, str]) -> shapes.CreditEventShape:
    event, body = entry.event, entry.event.body
    who = event.by.person_id
    return shapes.CreditEventShape(
        seq=entry.seq,
        verb=event.verb,
        at=event.at,
        actor=event.by.actor,
        person=Named(id=who, name=names[who]) if who is not None else None,
        outside=event.by.outside,
        note=event.note,
        photos=[UUID(each) for each in body.get("photos", [])],
        delivered_at=body.get("delivered_at"),
        delivery=body.get("delivery"),
        breach_at=body.get("breach_at"),
        facts=_facts(body),
        end=body.get("end"),
        paper=credit_paper.has_paper(event.verb),
    )
