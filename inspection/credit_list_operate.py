"""Acting on the red, watch and black list: gather what the pure core asks for, have it decide, store the act, tell
people.

Every function works in the caller's transaction.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from alerting import people_store
from ingest import directory
from ingest.database import Connection
from inspection import (
    credit_criteria,
    credit_grounds,
    credit_list,
    credit_list_store,
    credit_message,
    notice_store,
    photo_store,
)
from inspection.credit_criteria import ADVERSE, Criteria, ListKind
from inspection.credit_list import CreditEvent, Delivery, End, Entry, State, Verb
from inspection.credit_list_store import HistoryEntry
from inspection.credit_paper import LISTS
from inspection.errors import CreditCriteriaInvalid, StepRefused
from inspection.operate import Actor

_PLAIN: Final = frozenset(
    {Verb.DROP, Verb.LIST, Verb.GRANT_APPEAL, Verb.REJECT_APPEAL, Verb.REFUSE_REPAIR, Verb.REVOKE}
)

log = structlog.get_logger("inspection.credit_list_operate")


def criteria_in_force(connection: Connection) -> tuple[int, Criteria]:
    """The criteria in force with their id; where none are, those that ship are put in force. Raises
    CreditCriteriaInvalid."""
    found = credit_list_store.load_criteria(connection)
    if found is None:
        text = credit_criteria.default_text()
        credit_list_store.save_criteria(connection, credit_criteria.parse(text), text, "anhu: first start")
        found = credit_list_store.load_criteria(connection)
    if found is None:
        raise RuntimeError("the criteria just saved are not there")
    return found[0], credit_criteria.parse(found[1])


def criteria_known(connection: Connection) -> Criteria:
    """The criteria to show: those in force; those that ship where none were loaded yet, or where the ones in force
    cannot be read by this version."""
    found = credit_list_store.load_criteria(connection)
    if found is None:
        return credit_criteria.default_criteria()
    try:
        return credit_criteria.parse(found[1])
    except CreditCriteriaInvalid as error:
        log.error("the criteria in force cannot be read; the default ones are shown", problems=error.problems)  # noqa: TRY400
        return credit_criteria.default_criteria()


def propose(connection: Connection, institution_id: int, kind: ListKind, actor: Actor, *, reason: str) -> Entry:
    """A person proposes an institution on their own grounds. Raises StepRefused where it has an open entry of that
    list, or of a worse one."""
    reason_not = credit_grounds.kept_out(kind, credit_list_store.open_entries(connection, institution_id))
    if reason_not is not None:
        raise StepRefused(f"the institution has an open entry: {reason_not}")
    body: dict[str, Any] = {
        "institution_id": institution_id, "kind": kind.value, "criterion": None, "grounds": []
    }  # fmt: skip
    event = CreditEvent(uuid.uuid4(), uuid.uuid4(), Verb.PROPOSE, actor.now, actor.by, reason, body)
    return tell(connection, credit_list_store.begin(connection, event), event)


def notify(connection: Connection, entry_id: UUID, version: int, actor: Actor, *, note: str) -> Entry:
    """Decide to go on: issue the notice, which fixes term, window and what the list brings. Raises StepRefused where
    the criteria in force cannot be read by this version."""
    try:
        criteria = criteria_in_force(connection)[1]
    except CreditCriteriaInvalid as error:
        raise StepRefused(f"the criteria in force cannot be read: {error}") from error

    def made(entry: Entry) -> CreditEvent:
        body = {**credit_list.terms(criteria.lists[entry.kind]), "criteria": criteria.version}
        return _event(entry, Verb.NOTIFY, actor, note, body)

    return act(connection, entry_id, version, made)


def deliver(
    connection: Connection, entry_id: UUID, version: int, actor: Actor, *, delivered_at: datetime, delivery: Delivery,
    note: str,
) -> Entry:  # fmt: skip
    """Note when and how the notice was delivered: the window to object runs from there."""
    body = {"delivered_at": delivered_at.isoformat(), "delivery": delivery.value}
    return act(connection, entry_id, version, lambda entry: _event(entry, Verb.DELIVER, actor, note, body))


def decide(connection: Connection, entry_id: UUID, version: int, actor: Actor, verb: Verb, *, note: str) -> Entry:
    """One of the decisions that need nothing but their reasons: drop, list, grant or reject an objection, refuse a
    removal, revoke a place on the red list. Raises ValueError for another verb."""
    if verb not in _PLAIN:
        raise ValueError(f"{verb} is more than a decision")

    def made(entry: Entry) -> CreditEvent:
        if verb is Verb.LIST and entry.kind is ListKind.RED and _blamed(connection, entry.institution_id):
            raise StepRefused("the institution is on the watch or black list")
        return _event(entry, verb, actor, note)

    changed = act(connection, entry_id, version, made)
    if verb is Verb.LIST and changed.kind in ADVERSE:
        _end_red(connection, changed, actor)
    return changed


def ask(
    connection: Connection, entry_id: UUID, version: int, actor: Actor, verb: Verb, *, reason: str,
    photos: tuple[UUID, ...],
) -> Entry:  # fmt: skip
    """The institution objects (APPEAL) or asks to be taken off (ASK_REPAIR), with files."""
    body = {"photos": [str(each) for each in photos]} if photos else {}
    return act(connection, entry_id, version, lambda entry: _event(entry, verb, actor, reason, body), photos)


def remove_repaired(connection: Connection, entry_id: UUID, version: int, actor: Actor, *, note: str) -> Entry:
    """Take an institution off that has made good (信用修复)."""
    body = {"end": End.REPAIR.value}
    return act(connection, entry_id, version, lambda entry: _event(entry, Verb.REMOVE, actor, note, body))


def act(
    connection: Connection, entry_id: UUID, version: int | None, made: Callable[[Entry], CreditEvent],
    photos: tuple[UUID, ...] = (),
) -> Entry:  # fmt: skip
    """Append what `made` makes of the entry, bind its files, tell people."""
    changed, event = credit_list_store.act(connection, entry_id, version, made)
    if photos and event.by.person_id is not None:
        photo_store.bind_to_credit(
            connection, photos, entry_id=changed.id, event_seq=changed.version, institution_id=changed.institution_id,
            person_id=event.by.person_id,
        )  # fmt: skip
    return tell(connection, changed, event)


def as_it_stood(entry: Entry, history: Sequence[HistoryEntry], seq: int) -> Entry | None:
    """`entry` right after the event of that number, None before there was any; with the number it has today."""
    found: Entry | None = None
    for each in history:
        if each.seq > seq:
            break
        found = credit_list.fold(found, each.event)
    return None if found is None else replace(found, no=entry.no)


def _blamed(connection: Connection, institution_id: int) -> bool:
    entries = credit_list_store.open_entries(connection, institution_id)
    return any(each.standing and each.kind in ADVERSE for each in entries)


def _end_red(connection: Connection, worse: Entry, actor: Actor) -> None:
    """Nobody is praised and blamed at once: with the worse list the place on the red one ends, or what would lead to
    it."""
    for entry in credit_list_store.open_entries(connection, worse.institution_id):
        verb = {State.LISTED: Verb.REVOKE}.get(entry.state, Verb.DROP)
        if entry.kind is ListKind.RED and credit_list.permitted(entry, verb):
            why = f"列入{LISTS[worse.kind][0]}"
            act(connection, entry.id, entry.version, partial(_event, verb=verb, actor=actor, note=why))


def _event(
    entry: Entry, verb: Verb, actor: Actor, note: str, body: Mapping[str, Any] | None = None
) -> CreditEvent:  # fmt: skip
    return CreditEvent(uuid.uuid4(), entry.id, verb, actor.now, actor.by, note, body or {})


def tell(connection: Connection, entry: Entry, event: CreditEvent) -> Entry:
    """Tell those whom `event` concerns, and the log; the entry."""
    [place] = directory.institutions(connection, [entry.institution_id])
    people = credit_message.readers(entry, event, people_store.persons(connection), place.region)
    made = [
        credit_message.message(
            entry, event, each, place.name_en or place.name if each.language == "en" else place.name
        )
        for each in people
    ]  # fmt: skip
    notice_store.send(connection, made, event.event_id, event.at)
    log.info(
        "credit list", entry=str(entry.id), verb=event.verb.value, state=entry.state.value, actor=event.by.actor
    )  # fmt: skip
    return entry
