"""Announcing a draw, drawing, publishing: gather the register, have the pure core draw, plan the visits.

Every function works in the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

import structlog

from alerting import people_store
from alerting.people import Person, Role, Scope
from ingest import directory
from ingest.database import Connection
from ingest.directory import InstitutionEntry
from inspection import checklist, draw, draw_store, visit_list_store, visit_operate, visit_store, weighing
from inspection.canonical import sha256
from inspection.draw import Candidate, Inspector, Register, State, Verb
from inspection.draw_store import Announcement, DrawRecord
from inspection.errors import DrawImpossible, HazardChanged, StepRefused, WrongPerson
from inspection.operate import Actor
from inspection.visit import Duty, Kind, Member
from inspection.visit_operate import Plan

# Who can sit where: the team is a leader, experts and supervising officers (领导 + 专家 + 监管干部).
_SEATS_OF: Final[Mapping[Role, frozenset[Duty]]] = {
    Role.SUPERVISOR: frozenset({Duty.LEADER, Duty.OFFICER}),
    Role.INSPECTOR: frozenset({Duty.LEADER, Duty.OFFICER}),
    Role.EXPERT: frozenset({Duty.EXPERT}),
}

log = structlog.get_logger("inspection.draw_operate")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be drawn: `visits` institutions of `region` (and of `kinds`, empty: any), each visited by a leader,
    `officers` and `experts`."""

    title: str
    region: str
    visits: int
    planned_for: date
    officers: int = 1
    experts: int = 0
    kinds: frozenset[str] = frozenset()
    checklists: tuple[str, ...] = ()
    campaign_id: UUID | None = None


def announce(connection: Connection, wanted: Wanted, seed: bytes, actor: Actor) -> DrawRecord:
    """Fix candidates, weights, inspectors and conflicts, and make known the SHA-256 of them and of the seed. Raises
    DrawImpossible, WrongPerson, CampaignUnknown, ChecklistUnknown."""
    _demand_outside(actor)
    for each in wanted.checklists:
        checklist.get(each)
    number = uuid4()
    places = [
        each
        for each in directory.institutions(connection)
        if each.region.startswith(wanted.region) and (not wanted.kinds or each.kind in wanted.kinds)
    ]
    if wanted.campaign_id is not None:
        made = visit_list_store.campaign(connection, wanted.campaign_id)
        places = [each for each in places if each.region.startswith(made.region)]
        if not made.begins_on <= wanted.planned_for <= made.ends_on:
            raise StepRefused("the campaign is not under way on that day")
    register, grounds = _register(connection, wanted, number, places, actor)
    draw.check(register)
    body = register.body()
    announcement = Announcement(
        id=number,
        title=wanted.title,
        region=wanted.region,
        campaign_id=wanted.campaign_id,
        planned_for=wanted.planned_for,
        checklists=wanted.checklists,
        register=body,
        grounds=grounds,
        register_sha256=sha256(body),
        seed=seed,
        seed_sha256=draw.commitment(seed),
    )
    found = draw_store.announce(connection, announcement, actor.by, actor.now)
    log.info("draw announced", draw=found.no, candidates=len(register.candidates), visits=register.visits)
    return found


def run(connection: Connection, draw_id: UUID, version: int, word: str, actor: Actor) -> DrawRecord:
    """Draw, and plan the visits: unannounced, and unknown to the institutions until they begin. Raises StepRefused,
    HazardChanged."""
    before = _standing(connection, draw_id, version, Verb.DRAW, actor)
    drawn = draw.draw(draw.register_of(before.register), draw_store.seed(connection, draw_id), word)
    draw_store.drawn(connection, before, actor.by, actor.now, word, draw.result_body(drawn))
    places = {each.code: each for each in directory.institutions(connection)}
    for each in drawn:
        place = places[each.institution]
        lists = tuple(name for name in before.checklists if checklist.get(name).applies_to(place.kind))
        planned = Plan(
            institution_id=place.id,
            kind=Kind.RANDOM,
            planned_for=before.planned_for,
            team=tuple(Member(person_of(key), duty) for key, duty in each.team),
            checklists=lists,
            unannounced=True,
            purpose=before.title,
            campaign_id=before.campaign_id,
            draw_id=before.id,
        )
        visit_operate.plan(connection, planned, actor)
    log.info("drawn", draw=before.no, visits=len(drawn))
    return draw_store.load(connection, draw_id)


def publish(connection: Connection, draw_id: UUID, version: int, actor: Actor) -> DrawRecord:
    """Make the seed public, once every visit has begun or was cancelled: with it anybody works out who is visited."""
    before = _standing(connection, draw_id, version, Verb.PUBLISH, actor)
    if left := draw_store.waiting(connection, draw_id):
        raise StepRefused(f"{left} of the visits drawn have not begun: the seed would tell who is visited")
    draw_store.published(connection, before, actor.by, actor.now)
    return draw_store.load(connection, draw_id)


def void(connection: Connection, draw_id: UUID, version: int, reason: str, actor: Actor) -> DrawRecord:
    """Give it up before anything was drawn, with a reason."""
    before = _standing(connection, draw_id, version, Verb.VOID, actor)
    if not reason.strip():
        raise StepRefused("say why")
    draw_store.void(connection, before, actor.by, actor.now, reason)
    return draw_store.load(connection, draw_id)


def export(record: DrawRecord) -> dict[str, Any]:
    """The public record. Before the publication only what was announced; never a person's name, nor the facts behind
    weights and exclusions: inspectors appear by staff number."""
    told = {
        "format": draw.FORMAT,
        "draw": str(record.id),
        "no": record.no,
        "title": record.title,
        "state": record.state.value,
        "planned_visits": record.register["visits"],
        "candidates_count": len(record.register["candidates"]),
        "inspectors_count": len(record.register["inspectors"]),
        "announced_at": record.announced_at.isoformat(),
        "register_sha256": record.register_sha256,
        "seed_sha256": record.seed_sha256,
    }
    if record.state is not State.PUBLISHED or record.drawn_at is None or record.published_at is None:
        return told
    return {
        **told,
        "drawn_at": record.drawn_at.isoformat(),
        "published_at": record.published_at.isoformat(),
        "seed": record.seed,
        "word": record.word,
        "register": dict(record.register),
        "result": dict(record.result or {}),
    }


def key_of(person_id: int) -> str:
    """The staff number of a person, as registers name them.

    >>> key_of(12)
    'P12'
    """
    return f"P{person_id}"


def person_of(key: str) -> int:
    """The inverse of key_of."""
    return int(key.removeprefix("P"))


def _register(
    connection: Connection, wanted: Wanted, number: UUID, places: list[InstitutionEntry], actor: Actor
) -> tuple[Register, dict[str, Any]]:
    ids = [each.id for each in places]
    region = Scope(None, wanted.region)
    people = [
        each for each in people_store.persons(connection) if may_be_drawn(each) and region.within(each.scope)
    ]  # fmt: skip
    weights = weighing.default_weights()
    risks = draw_store.risks(connection, ids, actor.now)
    weighed = {each.id: weighing.weigh(risks[each.id], actor.now, weights) for each in places}
    reasons = _conflicts(connection, places, people)
    seats = (Duty.LEADER, *[Duty.OFFICER] * wanted.officers, *[Duty.EXPERT] * wanted.experts)
    register = Register(
        draw=str(number),
        title=wanted.title,
        planned_for=wanted.planned_for.isoformat(),
        visits=wanted.visits,
        seats=seats,
        candidates=tuple(Candidate(each.code, each.name, weighed[each.id].value) for each in places),
        inspectors=tuple(Inspector(key_of(each.id), _SEATS_OF[each.role]) for each in people),
        conflicts=frozenset(reasons),
    )
    without = [each.code for each in register.candidates if not draw.team_possible(register, each.code)]
    if without and len(without) == len(register.candidates):
        raise DrawImpossible("no institution has a whole team of inspectors without a conflict")
    kept = tuple(each for each in register.candidates if each.code not in without)
    register = Register(
        register.draw, register.title, register.planned_for, register.visits, seats, kept, register.inspectors,
        frozenset(pair for pair in register.conflicts if pair[1] not in without),
    )  # fmt: skip
    grounds = {
        "weights": weights.version,
        "parts": {each.code: dict(weighed[each.id].parts) for each in places},
        "conflicts": [[*pair, reason] for pair, reason in sorted(reasons.items())],
        "without_team": without,
    }
    return register, grounds


def may_be_drawn(person: Person) -> bool:
    """Whether somebody may be on a team at all; they also have to reach the region that is drawn for."""
    return person.active and person.role in _SEATS_OF and person.scope.institution_id is None


def _conflicts(
    connection: Connection, places: list[InstitutionEntry], people: list[Person]
) -> dict[tuple[str, str], str]:
    """Who must not be sent where, and why: a relation that was declared (also that it is their home), or that they were
    on the team of the last visit."""
    codes = {each.id: each.code for each in places}
    known = {each.id for each in people}
    found = {
        (key_of(person_id), codes[institution_id]): "last_team"
        for institution_id, (_, team) in visit_store.last_team(connection, list(codes)).items()
        for person_id in team & known
    }
    for each in draw_store.relations(connection, list(codes)):
        if each.person_id in known:
            found[key_of(each.person_id), codes[each.institution_id]] = each.relation
    return found


def _standing(connection: Connection, draw_id: UUID, version: int, verb: Verb, actor: Actor) -> DrawRecord:
    _demand_outside(actor)
    before = draw_store.load(connection, draw_id, lock=True)
    draw.step(before.state, verb)
    if before.version != version:
        raise HazardChanged(f"the draw is at version {before.version}, not {version}")
    return before


def _demand_outside(actor: Actor) -> None:
    if not actor.by.outside:
        raise WrongPerson("nobody of an institution draws")
