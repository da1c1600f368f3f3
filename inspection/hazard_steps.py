"""The steps of a hazard: what each event changes, and who may bring it about; everything else is refused."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

from inspection.checklist import Level
from inspection.errors import ProofMissing, StepRefused, WrongPerson
from inspection.hazard import (
    PROVEN,
    Category,
    Extension,
    Hazard,
    HazardEvent,
    Origin,
    Proposal,
    State,
    Supervisor,
    Verb,
)


def fold(hazard: Hazard | None, event: HazardEvent) -> Hazard:
    """`hazard` after `event`. Raises StepRefused, WrongPerson, ProofMissing where there is no such step."""
    if hazard is None:
        if event.verb is not Verb.REPORT:
            raise StepRefused(f"a hazard begins with report, not with {event.verb}")
        return _report(event)
    step = _STEPS.get((hazard.state, event.verb))
    if step is None:
        raise StepRefused(f"a hazard that is {hazard.state} does not allow {event.verb}")
    if event.verb not in _ENGINE_VERBS and event.by.person_id is None:
        raise WrongPerson("a person has to do this")
    if event.verb in _ENGINE_VERBS and event.by.person_id is not None:
        raise WrongPerson("only the service itself does this")
    return replace(step(hazard, event), version=hazard.version + 1)


def permitted(hazard: Hazard, verb: Verb) -> bool:
    """Whether the state allows `verb` at all, whoever it is."""
    return (hazard.state, verb) in _STEPS


def _report(event: HazardEvent) -> Hazard:
    body = event.body
    if not body["title"].strip():
        raise StepRefused("a hazard needs a title")
    if event.by.person_id is None and body["origin"] != Origin.SENSOR:
        raise WrongPerson("a person has to do this")
    return Hazard(
        id=event.hazard_id,
        institution_id=body["institution_id"],
        zone_id=body.get("zone_id"),
        device_id=body.get("device_id"),
        origin=Origin(body["origin"]),
        category=Category(body["category"]),
        level=Level(body["level"]),
        supervisor=Supervisor(body["supervisor"]),
        title=body["title"],
        detail=event.note,
        state=State.REPORTED,
        version=1,
        reported_at=event.at,
        reported_by=event.by.actor,
        reporter_id=event.by.person_id,
        alert_id=uuid.UUID(body["alert_id"]) if body.get("alert_id") else None,
        alert_kind=body.get("alert_kind"),
        rule=body.get("rule"),
        checklist_id=body.get("checklist_id"),
        item_id=body.get("item_id"),
        clause=body.get("clause", ""),
        repeat_key=body.get("repeat_key"),
        repeat_of=uuid.UUID(body["repeat_of"]) if body.get("repeat_of") else None,
        occurrence=body.get("occurrence", 1),
    )


def _assign(hazard: Hazard, event: HazardEvent) -> Hazard:
    """A first assignment sets the deadline; a change of person keeps it, for more time takes an extension."""
    deadline = _moment(event, "deadline")
    level = Level(event.body["level"])
    if deadline <= event.at and hazard.deadline is None:
        raise StepRefused("the deadline must lie ahead")
    if hazard.deadline is not None and deadline != hazard.deadline:
        raise StepRefused("another person does not change the deadline: that takes an extension")
    if hazard.level is Level.MAJOR and level is not Level.MAJOR and not event.by.outside:
        raise WrongPerson("only somebody from outside the institution may call a major hazard general")
    return replace(
        hazard,
        state=State.ASSIGNED,
        level=level,
        supervisor=Supervisor(event.body["supervisor"]),
        assignee_id=event.body["assignee_id"],
        assigned_at=event.at,
        assigned_by=event.by.actor,
        term=event.body["term"],
        deadline=deadline,
        escalated=hazard.escalated if hazard.deadline is not None else 0,
    )


def _rectify(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not event.note.strip():
        raise StepRefused("say what was done about it")
    if not event.body.get("photos") and hazard.origin is not Origin.SENSOR:
        raise StepRefused("a rectification needs evidence: at least one photo")
    return replace(
        hazard,
        state=State.RECTIFIED,
        rectified_at=event.at,
        rectified_by=event.by.actor,
        rectifier_id=event.by.person_id,
        extension=None,
    )


def _recheck(hazard: Hazard, event: HazardEvent) -> Hazard:
    _demand_other_eyes(hazard, event)
    if event.passed:
        if hazard.state is State.RECHECKED:
            raise StepRefused("it has passed its recheck already")
        _demand_proof(hazard, event)
        return replace(hazard, state=State.RECHECKED, rechecked_at=event.at, rechecked_by=event.by.actor)
    if not event.note.strip():
        raise StepRefused("say what is still wrong")
    return replace(
        hazard,
        state=State.ASSIGNED,
        failures=hazard.failures + 1,
        rectified_at=None,
        rectified_by=None,
        rectifier_id=None,
        rechecked_at=None,
        rechecked_by=None,
    )


def _close(hazard: Hazard, event: HazardEvent) -> Hazard:
    _demand_other_eyes(hazard, event)
    _demand_proof(hazard, event)
    return replace(hazard, state=State.CLOSED, closed_at=event.at, closed_by=event.by.actor)


def _ask_extension(hazard: Hazard, event: HazardEvent) -> Hazard:
    until = _moment(event, "until")
    if hazard.extension is not None:
        raise StepRefused("an extension has been asked for already")
    if not event.note.strip():
        raise StepRefused("say why more time is needed")
    if hazard.deadline is None or event.by.person_id is None or until <= max(hazard.deadline, event.at):
        raise StepRefused("an extension must end after the deadline, and after now")
    return replace(hazard, extension=Extension(until, event.at, event.by.person_id))


def _extend(hazard: Hazard, event: HazardEvent) -> Hazard:
    asked = _asked(hazard, event)
    if asked.until <= event.at:
        raise StepRefused("the time asked for has passed: it can only be refused")
    return replace(
        hazard, deadline=asked.until, extension=None, extensions=hazard.extensions + 1, escalated=0, reminded_for=None
    )


def _refuse_extension(hazard: Hazard, event: HazardEvent) -> Hazard:
    _asked(hazard, event)
    if not event.note.strip():
        raise StepRefused("say why it is refused")
    return replace(hazard, extension=None)


def _asked(hazard: Hazard, event: HazardEvent) -> Extension:
    if hazard.extension is None:
        raise StepRefused("nobody has asked for an extension")
    if event.by.person_id == hazard.extension.asker_id:
        raise WrongPerson("who asked for the extension cannot decide on it")
    if hazard.level is Level.MAJOR and not event.by.outside:
        raise WrongPerson("a major hazard is decided on from outside the institution")
    return hazard.extension


def _propose(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not hazard.overdue(event.at) and not hazard.failures:
        raise StepRefused("it is neither overdue nor has it failed a recheck")
    if not event.by.outside:
        raise WrongPerson("this is proposed from outside the institution")
    if not event.note.strip():
        raise StepRefused("say why")
    return replace(hazard, proposal=Proposal(event.body["proposal"]))


def _comment(hazard: Hazard, event: HazardEvent) -> Hazard:
    if not event.note.strip():
        raise StepRefused("a comment says something")
    return hazard


def _remind(hazard: Hazard, event: HazardEvent) -> Hazard:
    if hazard.deadline is None or event.at >= hazard.deadline or hazard.reminded_for == hazard.deadline:
        raise StepRefused("there is nothing to remind of")
    return replace(hazard, reminded_for=hazard.deadline)


def _escalate(hazard: Hazard, event: HazardEvent) -> Hazard:
    """The next step towards those above: of an overdue hazard, or of one that nobody was given by `assign_by`."""
    late = hazard.overdue(event.at)
    if hazard.state is State.REPORTED:
        late = hazard.reported_at < _moment(event, "assign_by") < event.at
    if not late or event.body["step"] != hazard.escalated + 1:
        raise StepRefused("this is not the next step of a hazard that is late")
    return replace(hazard, escalated=hazard.escalated + 1)


def _withdraw(hazard: Hazard, event: HazardEvent) -> Hazard:
    """Until it is assigned by who reported it; by somebody from outside also while its deadline runs for the first
    time. What is late, was given more time or has failed a recheck can no longer be called a mistake."""
    if hazard.origin is Origin.SENSOR:
        raise StepRefused("what the sensors found is proved gone by their data, not withdrawn")
    if hazard.failures or hazard.extensions or hazard.overdue(event.at):
        raise StepRefused("it is overdue, was given more time or was rectified once: it has to go its road")
    if event.by.person_id != hazard.reporter_id and not event.by.outside:
        raise WrongPerson("who reported it withdraws it, or somebody from outside the institution")
    if not event.by.outside and hazard.state is not State.REPORTED:
        raise WrongPerson("it has been assigned: only somebody from outside the institution withdraws it now")
    if not event.by.outside and hazard.level is Level.MAJOR:
        raise WrongPerson("only somebody from outside the institution withdraws a major hazard")
    if not event.note.strip():
        raise StepRefused("say why the report was a mistake")
    return replace(
        hazard, state=State.WITHDRAWN, withdrawn_at=event.at, withdrawn_by=event.by.actor, extension=None
    )  # fmt: skip


def _demand_other_eyes(hazard: Hazard, event: HazardEvent) -> None:
    if event.by.person_id == hazard.rectifier_id:
        raise WrongPerson("who rectified it cannot recheck or close it")
    if hazard.level is Level.MAJOR and not event.by.outside:
        raise WrongPerson("a major hazard is rechecked and closed from outside the institution")


def _demand_proof(hazard: Hazard, event: HazardEvent) -> None:
    if hazard.origin is Origin.SENSOR and event.body.get("proof", {}).get("reason") != PROVEN:
        raise ProofMissing


def _moment(event: HazardEvent, name: str) -> datetime:
    found = datetime.fromisoformat(event.body[name])
    if found.tzinfo is None:
        raise ValueError(f"{name} needs a time zone")
    return found


_ENGINE_VERBS: Final = frozenset({Verb.REMIND, Verb.ESCALATE})
_STEPS: Final = {
    (State.REPORTED, Verb.ASSIGN): _assign,
    (State.REPORTED, Verb.ESCALATE): _escalate,
    (State.REPORTED, Verb.WITHDRAW): _withdraw,
    (State.ASSIGNED, Verb.WITHDRAW): _withdraw,
    (State.ASSIGNED, Verb.ASSIGN): _assign,
    (State.ASSIGNED, Verb.RECTIFY): _rectify,
    (State.RECTIFIED, Verb.RECHECK): _recheck,
    (State.RECHECKED, Verb.RECHECK): _recheck,
    (State.RECHECKED, Verb.CLOSE): _close,
    (State.ASSIGNED, Verb.ASK_EXTENSION): _ask_extension,
    (State.ASSIGNED, Verb.EXTEND): _extend,
    (State.ASSIGNED, Verb.REFUSE_EXTENSION): _refuse_extension,
    (State.ASSIGNED, Verb.PROPOSE): _propose,
    (State.ASSIGNED, Verb.REMIND): _remind,
    (State.ASSIGNED, Verb.ESCALATE): _escalate,
    **{(state, Verb.COMMENT): _comment for state in State},
}
