"""Acting on inspections: gather what the pure core asks for, have it decide, store the act.

Every function works in the caller's transaction; a finding and the hazard it opens are one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

import structlog

from alerting import people_store
from alerting.people import Person, Right, Role
from ingest import directory
from ingest.database import Connection
from inspection import checklist, operate, photo_store, visit_list_store, visit_store
from inspection.checklist import Level, Wording
from inspection.decide import Found
from inspection.errors import ChecklistsUnsuitable, StepRefused, WrongPerson
from inspection.hazard import TITLE_LENGTH_MAX, Category, Origin, Supervisor
from inspection.operate import Actor
from inspection.visit import Duty, ItemKey, Kind, Member, Outcome, State, Verb, Visit, VisitEvent, counts, record

DUTY_RIGHT: Final = Right.INSPECT

log = structlog.get_logger("inspection.visit_operate")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned."""

    institution_id: int
    kind: Kind
    planned_for: date
    team: tuple[Member, ...]
    checklists: tuple[str, ...] = ()
    unannounced: bool = False
    purpose: str = ""
    campaign_id: UUID | None = None
    draw_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding in somebody's words. `level` None: that of the item."""

    title: str
    note: str
    category: Category
    level: Level | None = None
    clause: str = ""
    supervisor: Supervisor = Supervisor.DEPARTMENT
    zone_id: int | None = None


def plan(connection: Connection, planned: Plan, actor: Actor) -> Visit:
    """Plan an inspection. Raises StepRefused for a team that cannot go there, ChecklistsUnsuitable for lists that are
    not for that kind of institution; CampaignUnknown."""
    [place] = directory.institutions(connection, [planned.institution_id])
    unsuitable = [each for each in planned.checklists if not checklist.get(each).applies_to(place.kind)]
    if unsuitable:
        raise ChecklistsUnsuitable(unsuitable, place.kind)
    if planned.campaign_id is not None:
        _demand_in_campaign(connection, planned, place.region)
    for person_id, _ in planned.team:
        _demand_can_go(people_store.person(connection, person_id), place.id, place.region, own=not actor.by.outside)
    body = {
        "institution_id": planned.institution_id,
        "kind": planned.kind.value,
        "own": not actor.by.outside,
        "unannounced": planned.unannounced,
        "planned_for": planned.planned_for.isoformat(),
        "checklists": list(planned.checklists),
        "team": [[person_id, duty.value] for person_id, duty in planned.team],
        "campaign_id": str(planned.campaign_id) if planned.campaign_id else None,
        "draw_id": str(planned.draw_id) if planned.draw_id else None,
    }
    event = VisitEvent(uuid4(), uuid4(), Verb.PLAN, actor.now, actor.by, planned.purpose, body)
    visit = visit_store.begin_record(connection, event)
    log.info("inspection planned", inspection=str(visit.id), kind=visit.kind.value, actor=actor.by.actor)
    return visit


def begin(connection: Connection, visit_id: UUID, version: int, actor: Actor) -> Visit:
    """The team is there. From now on it has the items of its lists as they are today, and the institution sees it. An
    item whose text is missing cannot be asked, and is not among them."""

    def made(standing: Visit) -> VisitEvent:
        lists = [checklist.get(each) for each in standing.checklists]
        items = [
            [each.id, item.id] for each in lists for item in each.items if item.wording is not Wording.MISSING
        ]  # fmt: skip
        editions = {each.id: visit_store.keep_edition(connection, each) for each in lists}
        versions = {each.id: each.version for each in lists}
        return _event(standing, Verb.BEGIN, actor, body={"items": items, "editions": editions, "versions": versions})

    return _act(connection, visit_id, version, actor, made)


def answer(
    connection: Connection, visit_id: UUID, actor: Actor, key: ItemKey, outcome: Outcome, *, note: str,
    photos: tuple[UUID, ...] = (), seen: Seen | None = None,
) -> Visit:  # fmt: skip
    """Answer an item. A failed one opens a hazard, of the item's level and clause unless `seen` says worse; its photos
    are then the hazard's. Raises StepRefused, ChecklistUnknown, PhotoUnknown, PhotoRefused."""

    def made(standing: Visit) -> VisitEvent:
        body: dict[str, Any] = {"checklist_id": key.checklist_id, "item_id": key.item_id, "outcome": outcome.value}
        draft = _event(standing, Verb.ANSWER, actor, note, body)
        if outcome is not Outcome.FAIL:
            return _event(standing, Verb.ANSWER, actor, note, {**body, **_photos(photos)})
        _demand_open(standing, key, draft)
        item = _item(connection, standing, key)
        found = seen or Seen(item["zh"], note, Category.MANAGEMENT)
        level = found.level or Level(item["level"])
        if Level(item["level"]) is Level.MAJOR and level is not Level.MAJOR:
            raise StepRefused("what is a major hazard by its list cannot be found to be a general one")
        title = (found.title.strip() or item["zh"])[:TITLE_LENGTH_MAX]
        opened = _open_hazard(
            connection, standing, actor, found, note, title=title, level=level, clause=item["clause"], key=key,
            photos=photos,
        )  # fmt: skip
        return _event(standing, Verb.ANSWER, actor, note, {**body, **opened})

    bound = () if outcome is Outcome.FAIL else photos
    return _act(connection, visit_id, None, actor, made, bound)


def find(
    connection: Connection, visit_id: UUID, actor: Actor, seen: Seen, photos: tuple[UUID, ...] = ()
) -> Visit:  # fmt: skip
    """Something seen besides the lists; it opens a hazard. Raises StepRefused, PhotoUnknown, PhotoRefused."""

    def made(standing: Visit) -> VisitEvent:
        if not seen.title.strip():
            raise StepRefused("a finding needs a title")
        _demand_open(standing, None, _event(standing, Verb.FIND, actor))
        opened = _open_hazard(
            connection, standing, actor, seen, seen.note, title=seen.title.strip(), level=seen.level or Level.GENERAL,
            clause=seen.clause, key=None, photos=photos,
        )  # fmt: skip
        return _event(standing, Verb.FIND, actor, seen.note, opened)

    return _act(connection, visit_id, None, actor, made)


def conclude(connection: Connection, visit_id: UUID, version: int, actor: Actor, *, conclusion: str) -> Visit:
    """The leader signs: over everything found, as the version they saw has it."""

    def made(standing: Visit) -> VisitEvent:
        body = {"record_sha256": record(standing), "counts": counts(standing), "findings": len(standing.findings)}
        return _event(standing, Verb.CONCLUDE, actor, conclusion, body)

    return _act(connection, visit_id, version, actor, made)


def cancel(connection: Connection, visit_id: UUID, version: int, actor: Actor, *, reason: str) -> Visit:
    """It will not be made."""
    return _act(
        connection, visit_id, version, actor, lambda standing: _event(standing, Verb.CANCEL, actor, reason)
    )  # fmt: skip


def comment(connection: Connection, visit_id: UUID, actor: Actor, *, note: str, photos: tuple[UUID, ...]) -> Visit:
    """Add to its history."""
    return _act(
        connection, visit_id, None, actor,
        lambda standing: _event(standing, Verb.COMMENT, actor, note, _photos(photos)), photos,
    )  # fmt: skip


def can_go(people: Sequence[Person], institution_id: int, region: str, *, own: bool) -> list[Person]:
    """Those of `people` who may be on a team there: the institution's own for its own checks, else people from
    outside whose scope covers it."""
    return [
        each
        for each in people
        if each.may(DUTY_RIGHT, institution_id, region) and (each.scope.institution_id is not None) is own
    ]


def default_duty(person: Person, *, own: bool) -> Duty:
    """What somebody is on a team unless the plan says otherwise."""
    if own:
        return Duty.MEMBER
    return Duty.EXPERT if person.role is Role.EXPERT else Duty.OFFICER


def _demand_can_go(person: Person | None, institution_id: int, region: str, *, own: bool) -> None:
    if person is None or not can_go([person], institution_id, region, own=own):
        raise StepRefused("somebody of the team cannot inspect there")


def _demand_in_campaign(connection: Connection, planned: Plan, region: str) -> None:
    made = visit_list_store.campaign(connection, planned.campaign_id) if planned.campaign_id else None
    if made is None:
        return
    if not region.startswith(made.region):
        raise StepRefused("this institution is not one of the campaign")
    if not made.begins_on <= planned.planned_for <= made.ends_on:
        raise StepRefused("the campaign is not under way on that day")


def _demand_open(standing: Visit, key: ItemKey | None, draft: VisitEvent) -> None:
    """Refuse before a hazard is opened what the state machine would refuse afterwards, so that the reason is plain."""
    if standing.state is not State.BEGUN:
        raise StepRefused(f"an inspection that is {standing.state} does not allow {draft.verb}")
    if not standing.on_team(draft.by.person_id):
        raise WrongPerson("only the team of this inspection does this")
    if key is not None and key not in standing.items:
        raise StepRefused("this inspection has no such item")
    before = standing.items.get(key) if key else None
    if before is not None and before.outcome is Outcome.FAIL:
        raise StepRefused("a failed item has opened a hazard and stays failed")


def _item(connection: Connection, standing: Visit, key: ItemKey) -> dict[str, Any]:
    """The item as the inspection began with it."""
    for edition in visit_store.editions_of(connection, standing.id):
        if edition["id"] == key.checklist_id:
            return next(dict(each) for each in edition["items"] if each["id"] == key.item_id)
    raise StepRefused("this inspection has no such item")


def _open_hazard(
    connection: Connection, standing: Visit, actor: Actor, seen: Seen, note: str, *, title: str, level: Level,
    clause: str, key: ItemKey | None, photos: tuple[UUID, ...],
) -> dict[str, Any]:  # fmt: skip
    found = Found(
        institution_id=standing.institution_id,
        title=title,
        detail=note,
        category=seen.category,
        level=level,
        supervisor=seen.supervisor,
        zone_id=seen.zone_id,
        item=(key.checklist_id, key.item_id) if key else None,
        clause=clause,
        photos=photos,
    )
    hazard = operate.report(connection, found, actor, Origin.INSPECTION)
    return {"hazard_id": str(hazard.id), "level": level.value, "clause": clause, "title": title, **_photos(photos)}


def _event(standing: Visit, verb: Verb, actor: Actor, note: str = "", body: dict[str, Any] | None = None) -> VisitEvent:
    return VisitEvent(uuid4(), standing.id, verb, actor.now, actor.by, note, body or {})


def _photos(photos: tuple[UUID, ...]) -> dict[str, list[str]]:
    return {"photos": [str(each) for each in photos]} if photos else {}


def _act(
    connection: Connection, visit_id: UUID, version: int | None, actor: Actor, made: Callable[[Visit], VisitEvent],
    photos: tuple[UUID, ...] = (),
) -> Visit:  # fmt: skip
    changed, event = visit_store.act(connection, visit_id, version, made)
    if photos and actor.by.person_id is not None:
        photo_store.bind_to_visit(
            connection, photos, visit_id=changed.id, event_seq=changed.version,
            institution_id=changed.institution_id, person_id=actor.by.person_id,
        )  # fmt: skip
    log.info(
        "inspection changed", inspection=str(changed.id), verb=event.verb.value, state=changed.state.value,
        actor=actor.by.actor,
    )  # fmt: skip
    return changed
