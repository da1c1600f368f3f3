"""From records to what an inspector's phone takes along and is told."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from alerting.hours import CHINA
from alerting.people import Right
from dashboard import present, present_hazard, present_inspection
from dashboard.access import Reach
from dashboard.schemas import hazards as hazard_shapes
from dashboard.schemas import phone as shapes
from dashboard.schemas.inspections import InspectionDetail, InspectionItem
from ingest.database import Connection
from inspection import (
    checklist,
    hazard_list_store,
    hazard_store,
    operate,
    phone,
    phone_store,
    visit_list_store,
    visit_store,
)
from inspection.checklist import Wording
from inspection.hazard import Verb
from inspection.hazard_list_store import Filter as HazardFilter
from inspection.hazard_list_store import Which as WhichHazards
from inspection.phone import Receipt
from inspection.policy import Policy
from inspection.visit import State, Visit
from inspection.visit_list_store import Filter, Which

AHEAD_DAYS: Final = 2  # so that the phone is ready the evening before
VISITS_COUNT_MAX: Final = 20
RECHECKS_COUNT_MAX: Final = 50
HAZARDS_OF_PLACE_COUNT_MAX: Final = 100


def day(connection: Connection, reach: Reach, now: datetime) -> shapes.PhoneDay:
    """What somebody takes along: visits they are on the team of, planned up to AHEAD_DAYS from now or begun; what waits
    for their recheck."""
    policy = operate.policy_in_force(connection)
    visits, visits_count = _visits(connection, reach, now.astimezone(CHINA).date())
    rechecks, waiting_count = _rechecks(connection, reach, now, policy)
    places = {each.institution.id for each in visits} | {each.institution.id for each in rechecks}
    return shapes.PhoneDay(
        at=now,
        inspections=visits,
        rechecks=rechecks,
        places=[_place(connection, reach, each, now, policy) for each in sorted(places)],
        options=present_hazard.options(policy),
        left_out=max(0, visits_count - VISITS_COUNT_MAX) + max(0, waiting_count - RECHECKS_COUNT_MAX),
    )


def receipt(connection: Connection, reach: Reach, act_id: UUID, made: Receipt, now: datetime) -> shapes.PhoneReceipt:
    """What came of an act, and how its inspection or hazard stands."""
    by = operate.by_person(reach.person, reach.actor)
    inspection = hazard = None
    if made.inspection_id is not None:
        inspection = present_inspection.detail(
            connection, visit_store.load(connection, made.inspection_id), reach.person, by
        )
    elif made.hazard_id is not None:
        hazard = present_hazard.detail(
            connection, hazard_store.load(connection, made.hazard_id), reach.person, by, now
        )  # fmt: skip
    events = (inspection or hazard or _Nothing()).events
    return shapes.PhoneReceipt(
        id=act_id,
        outcome=made.outcome,
        seq=made.seq,
        hazard_id=made.hazard_id,
        theirs=[
            shapes.Their(
                seq=each.seq, verb=each.verb, at=each.at, person=each.person, actor=each.actor, note=each.note,
                photos=each.photos, outcome=getattr(each, "outcome", None), passed=getattr(each, "passed", None),
                deadline=getattr(each, "deadline", None),
            )
            for each in events
            if each.seq in made.theirs
        ],
        inspection=inspection,
        hazard=hazard,
    )  # fmt: skip


def stamps(connection: Connection, hazard_id: UUID) -> list[shapes.PhotoStamp]:
    """When and where those photos of a hazard were taken that came from a phone."""
    return [
        shapes.PhotoStamp(
            photo_id=photo_id,
            taken_at=phone.done_by_our_clock(made.taken_at, made.sent_at, received_at),
            received_at=received_at,
            latitude=made.position.latitude,
            longitude=made.position.longitude,
            accuracy_m=made.position.accuracy_m,
            place_missing=made.place_missing,
        )
        for photo_id, (made, received_at) in phone_store.stamps(connection, hazard_id).items()
    ]


class _Nothing:
    events: Sequence[hazard_shapes.HazardEvent] = ()


def _visits(connection: Connection, reach: Reach, today: date) -> tuple[list[InspectionDetail], int]:
    inside, within = reach.scope.institution_id is not None, reach.institution_ids(connection)
    narrowed = Filter(
        inside, Which.OPEN, within, person_id=reach.person.id, until_date=today + timedelta(days=AHEAD_DAYS + 1)
    )
    found, _ = visit_list_store.page(connection, narrowed, None, VISITS_COUNT_MAX)
    by = operate.by_person(reach.person, reach.actor)
    shown = []
    for each in found:
        record = visit_store.load(connection, each.id)
        detail = present_inspection.detail(connection, record, reach.person, by)
        if record.state is State.PLANNED:
            detail = detail.model_copy(update={"items": _items_ahead(record)})
        shown.append(detail)
    return shown, visit_list_store.count(connection, narrowed)


def _items_ahead(record: Visit) -> list[InspectionItem]:
    """The items it would begin with now."""
    found = []
    for named in record.checklists:
        listed = checklist.get(named)
        sections = {each.id: each for each in listed.sections}
        found += [
            InspectionItem(
                checklist_id=listed.id, item_id=item.id, section_zh=sections[item.section].title_zh,
                section_en=sections[item.section].title_en, zh=item.zh, en=item.en, level=item.level,
                clause=item.clause, evidence=sorted(item.evidence), outcome=None, note="", answered_at=None,
                person=None, hazard_id=None, photos=[], seq=0,
            )
            for item in listed.items
            if item.wording is not Wording.MISSING
        ]  # fmt: skip
    return found


def _rechecks(
    connection: Connection, reach: Reach, now: datetime, policy: Policy
) -> tuple[list[hazard_shapes.HazardDetail], int]:
    if not reach.holds(Right.RECHECK_HAZARD):
        return [], 0
    narrowed = HazardFilter(WhichHazards.WAITING, reach.institution_ids(connection))
    found, _ = hazard_list_store.page(connection, narrowed, None, RECHECKS_COUNT_MAX, now, policy)
    by = operate.by_person(reach.person, reach.actor)
    shown = [present_hazard.detail(connection, each, reach.person, by, now) for each in found]
    return [each for each in shown if Verb.RECHECK in each.acts], hazard_list_store.count(
        connection, narrowed, now, policy
    )


def _place(
    connection: Connection, reach: Reach, institution_id: int, now: datetime, policy: Policy
) -> shapes.PhonePlace:
    shown = present.institution_detail(connection, institution_id)
    if shown is None:
        raise RuntimeError("an institution that was there is gone")
    people = []
    if reach.holds(Right.ASSIGN_HAZARD):
        people = hazard_list_store.with_right(connection, Right.RECTIFY_HAZARD, institution_id, shown.region)
    narrowed = HazardFilter(WhichHazards.OPEN, [institution_id])
    open_ones, _ = hazard_list_store.page(connection, narrowed, None, HAZARDS_OF_PLACE_COUNT_MAX, now, policy)
    return shapes.PhonePlace(
        institution=shown,
        assignees=[hazard_shapes.Assignee.model_validate(each) for each in people],
        hazards=present_hazard.rows(connection, open_ones, now, policy),
    )
