"""Acting on hazards: gather what the pure core asks for, have it decide, store the act, tell people.

Every function works in the caller's transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import structlog

from alerting import people_store
from alerting.people import Person, Right
from ingest import directory
from ingest.database import Connection
from inspection import decide, hazard_store, notice_store, photo_store, proof_store
from inspection.checklist import Level
from inspection.decide import Found
from inspection.errors import HazardPolicyInvalid, StepRefused
from inspection.hazard import By, Hazard, HazardEvent, Origin, Proposal, Supervisor, Verb
from inspection.policy import Policy, default_policy, default_text, parse
from inspection.proof import Proof, prove

_OBSERVE_HOURS: Final = 24.0  # of a hazard whose rule is no longer in the policy

log = structlog.get_logger("inspection.operate")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and when."""

    by: By
    now: datetime


def by_person(person: Person, actor: str) -> By:
    """`person`, under the name the ledger knows them by. Whoever is not of one institution comes from outside."""
    return By(actor, person.id, outside=person.scope.institution_id is None)


def policy_in_force(connection: Connection) -> Policy:
    """The policy that counts now; the one that ships with Anhu where none was loaded, or where the one in force cannot
    be read by this version."""
    found = hazard_store.load_policy(connection)
    if found is None:
        return default_policy()
    try:
        return _parsed(found[0])
    except HazardPolicyInvalid as error:
        log.error("the hazard policy in force cannot be read; the default one is used", problems=error.problems)  # noqa: TRY400
        return default_policy()


def install_policy(connection: Connection) -> None:
    """Put the policy that ships with Anhu in force where there is none."""
    if hazard_store.load_policy(connection) is None:
        made = default_policy()
        hazard_store.save_policy(
            connection, version=made.version, sha256=made.sha256, body=default_text(), loaded_by="anhu: first start"
        )


@lru_cache(maxsize=4)
def _parsed(text: str) -> Policy:
    return parse(text)


def report(connection: Connection, found: Found, actor: Actor, origin: Origin = Origin.PERSON) -> Hazard:
    """A person reports a hazard, with their photos. Raises StepRefused, PhotoRefused, PhotoUnknown."""
    zones = directory.zones(connection, [found.zone_id] if found.zone_id is not None else [])
    devices = directory.devices(connection, [found.device_id] if found.device_id is not None else [])
    places = [each.institution_id for each in zones] + [each.institution_id for each in devices]
    named = (found.zone_id is not None) + (found.device_id is not None)
    if places != [found.institution_id] * named:  # of another institution, or none at all
        raise StepRefused("that place is not one of this institution")
    key = decide.repeat_key(
        item=found.item, rule=None, device_id=found.device_id, zone_id=found.zone_id, category=found.category
    )
    earlier = hazard_store.same(connection, found.institution_id, key)
    event = decide.report(found, actor.by, actor.now, earlier, policy_in_force(connection), origin)
    hazard = hazard_store.begin(connection, event)
    _bind(connection, hazard, event, found.photos)
    notice_store.tell(connection, hazard, event, actor.now)
    return hazard


def assign(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, assignee_id: int, term: str | None,
    level: Level, supervisor: Supervisor, note: str,
) -> Hazard:  # fmt: skip
    """Give a hazard to somebody of the institution. Raises StepRefused for who cannot rectify there."""
    policy = policy_in_force(connection)

    def made(standing: Hazard) -> HazardEvent:
        given = people_store.person(connection, assignee_id)
        region = directory.region_of(connection, standing.institution_id) or ""
        if given is None or not given.may(Right.RECTIFY_HAZARD, standing.institution_id, region):
            raise StepRefused("this person cannot rectify hazards of that institution")
        return decide.assign(
            standing, actor.by, actor.now, assignee_id=assignee_id, term=term, level=level, supervisor=supervisor,
            note=note, policy=policy,
        )  # fmt: skip

    return _act(connection, hazard_id, version, actor, made)


def rectify(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, measures: str, photos: tuple[UUID, ...]
) -> Hazard:
    """Say what was done, with photos as evidence."""
    return _act(
        connection, hazard_id, version, actor,
        lambda standing: decide.event(standing, Verb.RECTIFY, actor.by, actor.now, measures, photos=photos), photos,
    )  # fmt: skip


def recheck(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, passed: bool, note: str,
    photos: tuple[UUID, ...],
) -> Hazard:  # fmt: skip
    """Somebody else looks at it. What a sensor found passes only when the data prove it."""

    def made(standing: Hazard) -> HazardEvent:
        body = _proof_body(connection, standing, actor.now)
        return decide.event(
            standing, Verb.RECHECK, actor.by, actor.now, note, passed=passed, body=body, photos=photos
        )  # fmt: skip

    return _act(connection, hazard_id, version, actor, made, photos)


def close(connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, note: str) -> Hazard:
    """Take it off the list (销号)."""

    def made(standing: Hazard) -> HazardEvent:
        body = _proof_body(connection, standing, actor.now)
        return decide.event(standing, Verb.CLOSE, actor.by, actor.now, note, body=body)

    return _act(connection, hazard_id, version, actor, made)


def ask_extension(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, until: datetime, reason: str
) -> Hazard:
    """Ask for more time."""
    policy = policy_in_force(connection)
    return _act(
        connection, hazard_id, version, actor,
        lambda standing: decide.ask_extension(standing, actor.by, actor.now, until, reason, policy),
    )  # fmt: skip


def decide_extension(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, granted: bool, note: str
) -> Hazard:
    """Grant or refuse the time that was asked for."""
    verb = Verb.EXTEND if granted else Verb.REFUSE_EXTENSION

    def made(standing: Hazard) -> HazardEvent:
        asked = standing.extension
        body = {"until": asked.until.isoformat()} if asked else {}
        return decide.event(standing, verb, actor.by, actor.now, note, body=body)

    return _act(connection, hazard_id, version, actor, made)


def propose(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, proposal: Proposal, reason: str
) -> Hazard:
    """Propose 关停并转 to the bureau."""
    policy = policy_in_force(connection)
    return _act(
        connection, hazard_id, version, actor,
        lambda standing: decide.propose(standing, actor.by, actor.now, proposal, reason, policy),
    )  # fmt: skip


def withdraw(
    connection: Connection, hazard_id: UUID, version: int, actor: Actor, *, reason: str, supervises: bool
) -> Hazard:
    """Take a mistaken report back. `supervises`: whether the actor may withdraw what others reported."""
    return _act(
        connection, hazard_id, version, actor,
        lambda standing: decide.withdraw(standing, actor.by, actor.now, reason, supervises=supervises),
    )  # fmt: skip


def comment(connection: Connection, hazard_id: UUID, actor: Actor, *, note: str, photos: tuple[UUID, ...]) -> Hazard:
    """Add to its history, whatever its state."""
    return _act(
        connection, hazard_id, None, actor,
        lambda standing: decide.event(standing, Verb.COMMENT, actor.by, actor.now, note, photos=photos), photos,
    )  # fmt: skip


def proof_of(connection: Connection, hazard: Hazard, now: datetime) -> Proof | None:
    """What the data say about a hazard that a sensor rule opened; None for others."""
    if hazard.origin is not Origin.SENSOR:
        return None
    rule = policy_in_force(connection).sensors.get(hazard.rule or "")
    return prove(proof_store.facts(connection, hazard), rule.observe_hours if rule else _OBSERVE_HOURS, now)


def _proof_body(connection: Connection, hazard: Hazard, now: datetime) -> dict[str, object]:
    proof = proof_of(connection, hazard, now)
    return {"proof": dict(proof.body())} if proof else {}


def _act(
    connection: Connection, hazard_id: UUID, version: int | None, actor: Actor, made: Callable[[Hazard], HazardEvent],
    photos: tuple[UUID, ...] = (),
) -> Hazard:  # fmt: skip
    changed, event = hazard_store.act(connection, hazard_id, version, made)
    _bind(connection, changed, event, photos)
    notice_store.tell(connection, changed, event, actor.now)
    log.info(
        "hazard changed", hazard=changed.no, verb=event.verb.value, state=changed.state.value, actor=actor.by.actor
    )
    return changed


def _bind(connection: Connection, hazard: Hazard, event: HazardEvent, photos: tuple[UUID, ...]) -> None:
    if photos and event.by.person_id is not None:
        photo_store.bind(
            connection, photos, hazard_id=hazard.id, event_seq=hazard.version, institution_id=hazard.institution_id,
            person_id=event.by.person_id,
        )  # fmt: skip
