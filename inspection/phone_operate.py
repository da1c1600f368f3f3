"""Doing what was done on a phone: once, and never over what others did meanwhile without being told.

Works in the caller's transaction: the act, the event it becomes and the hazard that it opens are one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from ingest.database import Connection
from inspection import hazard_store, operate, phone, phone_store, photo_store, visit, visit_operate, visit_store
from inspection.checklist import Level
from inspection.decide import Found
from inspection.errors import ActReused, PhotosMissing, PhotoUnknown, StepRefused
from inspection.hazard import TEXT_LENGTH_MAX, Category, Hazard, Supervisor
from inspection.operate import Actor
from inspection.phone import Act, Meeting, Outcome, Receipt, Stamp, Verb
from inspection.phone_store import Kept
from inspection.photo import Photo
from inspection.visit import ItemKey, State, Visit
from inspection.visit_operate import Seen

log = structlog.get_logger("inspection.phone_operate")


def perform(connection: Connection, act: Act, actor: Actor, language: str) -> Receipt:
    """Do it, unless it was done; what came of it. `language` is that of the person, for what goes on record in words.

    Raises ActReused for an id that stands for something else, PhotosMissing for photos that have to be sent again, and
    what the inspection or hazard refuses.
    """
    phone_store.lock(connection, act.id)
    before = phone_store.kept(connection, act.id)
    if before is not None:
        if before.person_id != act.person_id or before.digest != act.digest:
            raise ActReused
        return before.receipt
    settled = _unsettled(connection, act)
    try:
        if act.verb is Verb.KEEP:
            receipt = _keep(connection, actor, settled, language)
        else:
            receipt = _DO[act.verb](connection, act, actor)
    except PhotoUnknown as error:
        raise PhotosMissing from error
    phone_store.keep(connection, act, receipt, actor.by.actor, actor.now)
    log.info("act from a phone", act=str(act.id), verb=act.verb.value, outcome=receipt.outcome.value)
    return receipt


def upload(
    connection: Connection, photo: Photo, photo_id: UUID, stamp: Stamp, actor: Actor, institution_id: int
) -> None:
    """Keep a photo under the id the phone gave it, with its stamp; once. Raises ActReused for the id of another's,
    PhotoRefused."""
    person_id = _person(actor)
    phone_store.lock(connection, photo_id)
    try:
        there = photo_store.place(connection, photo_id)
    except PhotoUnknown:
        photo_store.keep(connection, photo, institution_id=institution_id, uploader_id=person_id, number=photo_id)
        phone_store.stamp(connection, photo_id, stamp, actor.now)
        return
    if (there.uploader_id, there.institution_id) != (person_id, institution_id):
        raise ActReused


def _begin(connection: Connection, act: Act, actor: Actor) -> Receipt:
    """Somebody of the team who was there earlier has begun it for all."""
    standing = visit_store.lock(connection, _subject(act))
    if standing.state is State.BEGUN and standing.on_team(act.person_id):
        return _of_visit(standing, Outcome.SAME)
    changed = visit_operate.begin(connection, standing.id, standing.version, actor)
    return _of_visit(changed, Outcome.DONE, changed.version)


def _answer(connection: Connection, act: Act, actor: Actor) -> Receipt:
    standing = visit_store.lock(connection, _subject(act))
    body = act.body
    key, outcome = ItemKey(body["checklist_id"], body["item_id"]), visit.Outcome(body["outcome"])
    before = standing.items.get(key)
    meeting = phone.answer_meets(before, outcome, body["note"], act.person_id, act.based_on)
    if standing.state is State.BEGUN and before is not None:
        if meeting is Meeting.SAME:
            return _of_visit(standing, Outcome.SAME)
        if meeting is Meeting.OTHERS:
            return _of_visit(standing, Outcome.CONFLICT, theirs=(before.seq,))
    changed = visit_operate.answer(
        connection, standing.id, actor, key, outcome, note=body["note"], photos=_photos(body), seen=_seen(body)
    )
    return _found(connection, act, actor, changed) if outcome is visit.Outcome.FAIL else (
        _of_visit(changed, Outcome.DONE, changed.version)
    )  # fmt: skip


def _find(connection: Connection, act: Act, actor: Actor) -> Receipt:
    changed = visit_operate.find(connection, _subject(act), actor, _seen(act.body), _photos(act.body))
    return _found(connection, act, actor, changed)


def _conclude(connection: Connection, act: Act, actor: Actor) -> Receipt:
    standing = visit_store.lock(connection, _subject(act))
    if standing.state is State.BEGUN:
        theirs = phone.conclusion_meets(visit_store.events_of(connection, standing.id), act.person_id, act.based_on)
        if theirs:
            return _of_visit(standing, Outcome.CONFLICT, theirs=theirs)
    changed = visit_operate.conclude(
        connection, standing.id, standing.version, actor, conclusion=act.body["conclusion"]
    )  # fmt: skip
    return _of_visit(changed, Outcome.DONE, changed.version)


def _recheck(connection: Connection, act: Act, actor: Actor) -> Receipt:
    standing = hazard_store.lock(connection, _subject(act))
    entries = [(each.seq, each.event) for each in hazard_store.events_of(connection, standing.id)]
    theirs = phone.recheck_meets(entries, act.based_on)
    if theirs:
        return Receipt(Outcome.CONFLICT, standing.institution_id, hazard_id=standing.id, theirs=theirs)
    changed = operate.recheck(
        connection, standing.id, standing.version, actor, passed=act.body["passed"], note=act.body["note"],
        photos=_photos(act.body),
    )  # fmt: skip
    return _of_hazard(changed)


def _report(connection: Connection, act: Act, actor: Actor) -> Receipt:
    body = act.body
    found = Found(
        institution_id=body["institution_id"],
        title=body["title"],
        detail=body["detail"],
        category=Category(body["category"]),
        level=Level(body["level"]),
        supervisor=Supervisor(body["supervisor"]),
        zone_id=body["zone_id"],
        device_id=body["device_id"],
        photos=_photos(body),
    )
    opened = operate.report(connection, found, actor)
    _assign(connection, act, actor, opened)
    return _of_hazard(opened)


def _keep(connection: Connection, actor: Actor, settled: Kept | None, language: str) -> Receipt:
    """Theirs stands. What the person meant goes into the history, with its photos, as a remark."""
    if settled is None:
        raise StepRefused("say which conflict this settles")
    note = phone.words_of(settled.verb, settled.body, language, TEXT_LENGTH_MAX)
    photos = _photos(settled.body)
    met = settled.receipt
    if met.inspection_id is not None:
        commented = visit_operate.comment(connection, met.inspection_id, actor, note=note, photos=photos)
        return _of_visit(commented, Outcome.DONE, commented.version)
    if met.hazard_id is None:
        raise StepRefused("this conflict is about nothing that has a history")
    return _of_hazard(operate.comment(connection, met.hazard_id, actor, note=note, photos=photos))


_DO: Final[Mapping[Verb, Callable[[Connection, Act, Actor], Receipt]]] = {
    Verb.BEGIN: _begin,
    Verb.ANSWER: _answer,
    Verb.FIND: _find,
    Verb.CONCLUDE: _conclude,
    Verb.RECHECK: _recheck,
    Verb.REPORT: _report,
}


def _unsettled(connection: Connection, act: Act) -> Kept | None:
    """The conflict an act settles: one's own, about the same, and not settled yet."""
    if act.settles is None:
        return None
    phone_store.lock(connection, act.settles)
    found = phone_store.kept(connection, act.settles)
    if found is None or found.person_id != act.person_id or found.receipt.outcome is not Outcome.CONFLICT:
        raise StepRefused("there is no such conflict of yours")
    if found.settled:
        raise StepRefused("this conflict has been settled")
    if act.subject_id not in (found.receipt.inspection_id, found.receipt.hazard_id):
        raise StepRefused("this conflict is about something else")
    return found


def _found(connection: Connection, act: Act, actor: Actor, changed: Visit) -> Receipt:
    """What was found has opened a hazard, which is given to somebody at once if the act says so."""
    hazard_id = changed.findings[-1].hazard_id
    if act.body.get("assignment"):
        _assign(connection, act, actor, hazard_store.load(connection, hazard_id))
    return _of_visit(changed, Outcome.DONE, changed.version, hazard_id)


def _assign(connection: Connection, act: Act, actor: Actor, opened: Hazard) -> None:
    given = act.body.get("assignment")
    if given:
        operate.assign(
            connection, opened.id, opened.version, actor, assignee_id=given["assignee_id"], term=given["term"],
            level=opened.level, supervisor=opened.supervisor, note="",
        )  # fmt: skip


def _of_visit(
    standing: Visit, outcome: Outcome, seq: int | None = None, hazard_id: UUID | None = None,
    theirs: tuple[int, ...] = (),
) -> Receipt:  # fmt: skip
    return Receipt(outcome, standing.institution_id, standing.id, hazard_id, seq, theirs)


def _of_hazard(changed: Hazard) -> Receipt:
    return Receipt(Outcome.DONE, changed.institution_id, hazard_id=changed.id, seq=changed.version)


def _subject(act: Act) -> UUID:
    if act.subject_id is None:
        raise StepRefused("say what this act is about")
    return act.subject_id


def _person(actor: Actor) -> int:
    if actor.by.person_id is None:
        raise StepRefused("a person has to do this")
    return actor.by.person_id


def _photos(body: Mapping[str, Any]) -> tuple[UUID, ...]:
    return tuple(UUID(each) for each in body.get("photos", ()))


def _seen(body: Mapping[str, Any]) -> Seen:
    level = body.get("level")
    return Seen(
        body["title"], body["note"], Category(body["category"]), Level(level) if level else None,
        body.get("clause", ""), Supervisor(body["supervisor"]), body["zone_id"],
    )  # fmt: skip
